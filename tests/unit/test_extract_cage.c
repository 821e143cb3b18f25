/* The cage: pages in, records out, and what becomes of those that kill the child. The test starts itself as the child, linked so
 * that the child's extract_page is the one below: what a page that has taken the parser over might do is done within the real cage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include "base/log.h"
#include "base/zip.h"
#include "line/limits.h"
#include "line/record.h"
#include "parser/cage.h"
#include "parser/cage_child.h"
#include "parser/extract/extract.h"
#include "parser/extract/labels.h"

#define PAGES    50
#define DEADLINE 60.0
#define ACT      "ACT " /* a body that begins so names an act */
#define ENDLESS  ACT "run for ever"
#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct {
    struct cage *cage;
    int ended, wanted_count;
    bool unwanted[PAGES];
    struct {
        enum cage_end end;
        enum code code;
        enum parser_trouble trouble;
        int place; /* in the order of ending */
        char detail[100];
        char *json;
    } pages[PAGES];
    ev_timer deadline;
} t;

static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)w, (void)revents;
    ev_break(loop, EVBREAK_ALL);
}

static void on_result(void *context, void *page, struct cage_result *result)
{
    intptr_t i = (intptr_t)page;
    (void)context;
    t.pages[i].end = result->end;
    t.pages[i].code = result->code;
    t.pages[i].trouble = result->trouble;
    t.pages[i].place = t.ended++;
    snprintf(t.pages[i].detail, sizeof t.pages[i].detail, "%s", result->detail);
    if (result->body->len) {
        struct buf json = BUF_INIT(LIMIT_RECORD);
        if (result->is_packed)
            assert_null(zip_unpack(&json, result->body->data, result->body->len));
        else
            buf_add(&json, result->body->data, result->body->len);
        t.pages[i].json = buf_take(&json);
    }
    if (t.ended == t.wanted_count) ev_break(ev_default_loop(0), EVBREAK_ALL);
}

static bool is_wanted(void *context, void *page)
{
    (void)context;
    return !t.unwanted[(intptr_t)page];
}

static void begin_as(const char *agent, int64_t timeout_ms, int64_t memory_mib)
{
    struct cage_config config = {.program = "/proc/self/exe",
                                 .timeout_ms = timeout_ms,
                                 .memory_mib = memory_mib,
                                 .agent = agent,
                                 .on_result = on_result,
                                 .is_wanted = is_wanted};
    for (int i = 0; i < PAGES; i++) free(t.pages[i].json);
    memset(&t, 0, sizeof t);
    t.cage = cage_new(ev_default_loop(0), &config);
}

static void begin(int64_t timeout_ms, int64_t memory_mib)
{
    begin_as(NULL, timeout_ms, memory_mib);
}

static void submit_packed(int i, const char *body, size_t n, bool is_packed)
{
    char record[500];
    snprintf(record, sizeof record,
             "{\"v\":1,\"kind\":\"page\",\"page\":\"%d\",\"crawl\":\"1\",\"host\":\"1\",\"release\":\"1\",\"depth\":0,"
             "\"url\":\"http://example.org/%d\",\"status\":200,\"content_type\":\"text/html; charset=utf-8\"}",
             i + 1, i);
    cage_submit(t.cage, (void *)(intptr_t)i, record, body, n, is_packed);
}

/* Any page: bodies larger than a message travel packed. */
static void submit(int i, const char *body, size_t n)
{
    struct buf packed = BUF_INIT(LIMIT_MESSAGE);
    assert_true(zip_pack(&packed, body, n));
    submit_packed(i, packed.data, packed.len, true);
    buf_release(&packed);
}

static const char good[] =
    "<!doctype html><title>Rivers</title><body><article><h1>Rivers</h1><p>A river carries water from the hills to the sea, and on its way it takes sand "
    "and stones along.</p><p>Where it slows down it lets them fall again, first the stones, then the sand, and at last the mud of the plain.</p>"
    "<p><a href='/sea'>The sea</a> is where it ends, and where the clouds come from that feed it.</p></article></body>";

static void run(int count)
{
    struct ev_loop *loop = ev_default_loop(0);
    t.wanted_count = count;
    ev_timer_init(&t.deadline, on_deadline, DEADLINE, 0);
    ev_timer_start(loop, &t.deadline);
    if (t.ended < count) ev_run(loop, 0);
    ev_timer_stop(loop, &t.deadline);
    assert_int_equal(t.ended, count);
}

#ifndef GM_SANITIZER
/* A page of empty elements, each of which costs the child memory and time. */
static void fill_hog(struct buf *hog)
{
    buf_init(hog, LIMIT_BODY);
    while (hog->len + 7 <= LIMIT_BODY) buf_add(hog, "<b></b>", 7);
}
#endif

static void test_answers_in_order(void **state)
{
    (void)state;
    begin(10000, 512);
    for (int i = 0; i < PAGES; i++) submit(i, good, sizeof good - 1);
    run(PAGES);
    for (int i = 0; i < PAGES; i++) {
        char id[40];
        struct record record;
        struct record_error error;
        assert_int_equal(t.pages[i].end, CAGE_END_ARTICLE);
        assert_int_equal(t.pages[i].place, i);
        snprintf(id, sizeof id, "\"page\":\"%d\"", i + 1);
        assert_non_null(strstr(t.pages[i].json, id));
        assert_int_equal(record_decode(t.pages[i].json, strlen(t.pages[i].json), 1u << RECORD_ARTICLE, &record, &error), RECORD_OK);
        assert_string_equal(record.title, "Rivers");
        assert_int_equal(record.links.count, 1);
        assert_string_equal(record.links.items[0], "http://example.org/sea");
        assert_true(record.parsed_at > 0);
        record_release(&record);
    }
    cage_free(&t.cage);
}

/* Nothing has been sent while the child starts. */
static void test_hurry(void **state)
{
    static const int places[PAGES] = {[2] = 0, [5] = 1};
    (void)state;
    begin(10000, 512);
    for (int i = 0; i < PAGES; i++) {
        submit(i, good, sizeof good - 1);
        if (i == 2 || i == 5) cage_hurry(t.cage);
    }
    run(PAGES);
    for (int i = 0, other = 2; i < PAGES; i++) assert_int_equal(t.pages[i].place, i == 2 || i == 5 ? places[i] : other++);
    cage_free(&t.cage);
}

/* XML parser and inflater, too, want nothing from outside that the cage forbids. */
static void test_feeds(void **state)
{
    (void)state;
    static const char feed[] =
        "<?xml version='1.0' encoding='koi8-r'?><!DOCTYPE rss SYSTEM 'file:///etc/passwd' [<!ENTITY x SYSTEM '/etc/passwd'>]>"
        "<rss><channel><title>\xf2\xc5\xcb\xc1</title><item><link>/sea?&x;</link>"
        "<pubDate>Thu, 29 Feb 2024 00:00:00 GMT</pubDate></item></channel></rss>";
    char packed[1000];
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)feed, .avail_in = sizeof feed - 1, .next_out = (Bytef *)packed, .avail_out = sizeof packed};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    begin(10000, 512);
    submit(0, feed, sizeof feed - 1);
    submit(1, packed, z.total_out);
    run(2);
    for (int i = 0; i < 2; i++) {
        struct record record;
        struct record_error error;
        assert_int_equal(t.pages[i].end, CAGE_END_EMPTY);
        assert_int_equal(t.pages[i].code, CODE_NO_ARTICLE);
        assert_int_equal(record_decode(t.pages[i].json, strlen(t.pages[i].json), 1u << RECORD_EMPTY, &record, &error), RECORD_OK);
        assert_int_equal(record.links.count, 1);
        assert_string_equal(record.links.items[0], "http://example.org/sea?&x;");
        assert_true(record.links.dates_count == 1 && record.links.dates[0] == 1709164800000);
        record_release(&record);
    }
    cage_free(&t.cage);
}

/* As many URLs as a sitemap may have: all of them, in one message. What no record can hold loses as much as it must. */
static void test_large_lists(void **state)
{
    (void)state;
    struct buf list = BUF_INIT(LIMIT_BODY);
    begin(30000, 512);
    buf_add_str(&list, "<urlset>");
    for (int i = 0; i < 50000; i++)
        buf_addf(&list, "<url><loc>http://example.org/archive/2024/entry-number-%d.html</loc><lastmod>2024-02-29</lastmod></url>", i);
    submit(0, list.data, list.len);
    buf_reset(&list);
    buf_add_str(&list, "<urlset>");
    for (int i = 0; i < 4000; i++) {
        buf_addf(&list, "<url><loc>/%d?", i);
        for (int k = 0; k < 2000; k++) buf_add_char(&list, '\\'); /* two characters each in JSON */
        buf_add_str(&list, "</loc></url>");
    }
    submit(1, list.data, list.len);
    run(2);
    for (int i = 0; i < 2; i++) {
        struct record record;
        struct record_error error;
        assert_int_equal(t.pages[i].end, CAGE_END_EMPTY);
        assert_int_equal(record_decode(t.pages[i].json, strlen(t.pages[i].json), 1u << RECORD_EMPTY, &record, &error), RECORD_OK);
        assert_int_equal(record.links.count, i ? 2000 : 50000);
        assert_int_equal(record.links.dates_count, i ? 0 : 50000);
        assert_int_equal(record.links_cut, i ? 2000 : 0);
        record_release(&record);
    }
    buf_release(&list);
    cage_free(&t.cage);
}

static void test_bad_bodies(void **state)
{
    (void)state;
    static char zeros[2 * LIMIT_BODY];
    struct buf bomb = BUF_INIT(LIMIT_MESSAGE);
    begin(10000, 512);
    zip_pack(&bomb, zeros, sizeof zeros);
    submit_packed(0, bomb.data, bomb.len, true);
    submit_packed(1, good, sizeof good - 1, true);
    submit_packed(2, bomb.data, bomb.len / 2, true);
    submit_packed(3, good, sizeof good - 1, false);
    submit_packed(4, "", 0, false);
    run(5);
    assert_int_equal(t.pages[0].trouble, TROUBLE_BOMB);
    assert_int_equal(t.pages[1].trouble, TROUBLE_NOT_UNPACKABLE);
    assert_int_equal(t.pages[2].trouble, TROUBLE_NOT_UNPACKABLE);
    assert_int_equal(t.pages[3].end, CAGE_END_ARTICLE);
    assert_int_equal(t.pages[4].code, CODE_NO_ARTICLE);
    buf_release(&bomb);
    cage_free(&t.cage);
}

/* It stands among small pages, whose answers are on their way when the child dies: none of them is blamed. Memory is not limited under a
 * sanitizer, so another page is caught by the clock there. */
static void test_poison(void **state)
{
    enum { guilty = 11 };
    (void)state;
    struct buf hog;
    struct cage_stats stats;
#ifdef GM_SANITIZER
    buf_init(&hog, LIMIT_BODY);
    buf_add_str(&hog, ENDLESS);
    begin(1000, 512);
#else
    fill_hog(&hog);
    begin(20000, 24);
#endif
    for (int i = 0; i < PAGES; i++) {
        if (i == guilty)
            submit(i, hog.data, hog.len);
        else
            submit(i, good, sizeof good - 1);
    }
    run(PAGES);
    for (int i = 0; i < PAGES; i++) assert_int_equal(t.pages[i].end, i == guilty ? CAGE_END_TROUBLE : CAGE_END_ARTICLE);
    assert_int_equal(parser_trouble_verdict(t.pages[guilty].trouble).code, CODE_POISON);
    cage_stats(t.cage, &stats);
    assert_int_equal(stats.deaths, 2);
    buf_release(&hog);
    cage_free(&t.cage);
}

static void test_hang(void **state)
{
    (void)state;
    begin(1000, 4096);
    submit(0, ENDLESS, sizeof ENDLESS - 1);
    submit(1, good, sizeof good - 1);
    run(2);
    assert_int_equal(t.pages[0].trouble, TROUBLE_CHILD_HUNG);
    assert_int_equal(t.pages[1].end, CAGE_END_ARTICLE);
    cage_free(&t.cage);
}

/* Nothing that a page can ask for needs what the cage forbids: every encoding, names of hosts in any script, languages. */
static void test_every_encoding(void **state)
{
    (void)state;
    int count = 0;
    begin(10000, 512);
    for (const struct encoding *e = encodings; e->name; e++, count++) {
        struct buf page = BUF_INIT(4096);
        buf_addf(&page,
                 "<meta charset='%s'><p>\xc8\xe7 \xb0\xa1\xb3\xaa <a href='http://b\xfc\xe4.example/\xe9'>\xe9\xe8\xea</a> one two three "
                 "four five cafe&#x301; seven eight nine ten. \xd0\xd1\xd2 \xe0\xe1\xe2</p>%s",
                 e->name, good);
        submit(count % PAGES, page.data, page.len);
        buf_release(&page);
    }
    run(count);
    for (int i = 0; i < count && i < PAGES; i++) assert_int_not_equal(t.pages[i].end, CAGE_END_TROUBLE);
    cage_free(&t.cage);
}

static pid_t child_pid(void)
{
    char path[64];
    int pid = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    if (fscanf(f, "%d", &pid) != 1) pid = 0;
    fclose(f);
    return pid;
}

/* Killed from outside in between: the page is no culprit and ends well. */
static void test_killed_child(void **state)
{
    (void)state;
    begin(10000, 512);
    submit(0, good, sizeof good - 1);
    run(1);
    for (int i = 1; i < 10; i++) {
        submit(i, good, sizeof good - 1);
        kill(child_pid(), SIGKILL);
        run(i + 1);
        assert_int_equal(t.pages[i].end, CAGE_END_ARTICLE);
    }
    cage_free(&t.cage);
}

static void test_unwanted(void **state)
{
    (void)state;
    begin(10000, 512);
    for (int i = 0; i < 10; i++) submit(i, good, sizeof good - 1);
    for (int i = 4; i < 10; i++) t.unwanted[i] = i != 7;
    cage_sweep(t.cage);
    assert_int_equal(t.ended, 5);
    submit(10, good, sizeof good - 1);
    run(11);
    for (int i = 0; i <= 10; i++) assert_int_equal(t.pages[i].end, t.unwanted[i] ? CAGE_END_UNWANTED : CAGE_END_ARTICLE);
    cage_free(&t.cage);
}

/* ---- what a caged child must not do ---- */

/* Each returns whether it got what it wanted; most are dead before. */
static bool act_open(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool act_create(void)
{
    return open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) >= 0;
}

static bool act_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
}

static bool act_fork(void)
{
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    return pid > 0;
}

static bool act_exec(void)
{
    char *argv[] = {(char *)"true", NULL};
    execve("/bin/true", argv, NULL);
    return false;
}

static bool act_kill(void)
{
    return kill(getppid(), 0) == 0;
}

static bool act_signal_thread(void)
{
    return syscall(SYS_tgkill, 1, 1, 0) == 0;
}

static bool act_trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool act_map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool act_make_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool act_lift_limit(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

#ifndef GM_SANITIZER /* memory is not limited under a sanitizer */
static bool act_eat_memory(void)
{
    size_t eaten = 0, piece = 1u << 20;
    for (char *p; eaten < (1u << 30) && (p = malloc(piece)); eaten += piece) memset(p, 1, piece);
    return eaten >= (1u << 30);
}
#endif

#ifdef GM_SANITIZER
#define OPENING SIGABRT /* a sanitizer may open files; but there is no descriptor left */
#else
#define OPENING SIGSYS
#endif

static const struct act {
    const char *name;
    bool (*attempt)(void);
    int death; /* the signal */
} acts[] = {
    {"open a file", act_open, OPENING},
    {"create a file", act_create, OPENING},
    {"connect", act_connect, SIGSYS},
    {"fork", act_fork, SIGSYS},
    {"run a program", act_exec, SIGSYS},
    {"signal the parent", act_kill, SIGSYS},
    {"signal a thread of another process", act_signal_thread, SIGSYS},
    {"be traced", act_trace, SIGSYS},
    {"map memory for code", act_map_code, SIGSYS},
    {"turn memory into code", act_make_code, SIGSYS},
    {"lift a limit", act_lift_limit, SIGSYS},
#ifndef GM_SANITIZER
    {"eat memory", act_eat_memory, SIGABRT},
#endif
};

/* What the record says of directives, and our name, reach the child. */
static void test_directives(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *code;
        bool has_link;
    } rows[] = {
        {"", "NOINDEX", false},
        {",\"ignore_noindex\":1", NULL, false},
        {",\"ignore_nofollow\":1", "NOINDEX", true},
        {",\"ignore_noindex\":1,\"ignore_nofollow\":1", NULL, true},
        {",\"fetched_at\":1500000000000,\"robots_tag\":\"unavailable_after: 2020-01-01\"", "NOINDEX", false},
    };
    char body[sizeof good + 100];
    int n = snprintf(body, sizeof body, "<meta name=robots content=all><meta name=acme content=none>%s", good);
    begin_as("acme", 10000, 512);
    for (int i = 0; i < (int)COUNT(rows); i++) {
        char record[500];
        snprintf(record, sizeof record,
                 "{\"v\":1,\"kind\":\"page\",\"page\":\"1\",\"crawl\":\"1\",\"host\":\"1\",\"release\":\"1\","
                 "\"url\":\"http://example.org/\",\"content_type\":\"text/html\"%s}",
                 rows[i].fields);
        cage_submit(t.cage, (void *)(intptr_t)i, record, body, (size_t)n, false);
    }
    run(COUNT(rows));
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(t.pages[i].end, rows[i].code ? CAGE_END_EMPTY : CAGE_END_ARTICLE);
        assert_int_equal(t.pages[i].code, rows[i].code ? CODE_NOINDEX : CODE_OK);
        assert_true(!!strstr(t.pages[i].json, "http://example.org/sea\"") == rows[i].has_link);
    }
    cage_free(&t.cage);

    /* Under the default name those were not for us; and a date is compared with the time of the fetch. */
    begin(10000, 512);
    for (int i = 0; i < 2; i++) {
        char record[500];
        snprintf(
            record, sizeof record,
            "{\"v\":1,\"kind\":\"page\",\"page\":\"1\",\"crawl\":\"1\",\"host\":\"1\",\"release\":\"1\",\"url\":\"http://example.org/\","
            "\"content_type\":\"text/html\",\"fetched_at\":%s,\"robots_tag\":\"x: none\\nunavailable_after: 2020-01-01\"}",
            i ? "1600000000000" : "1500000000000");
        cage_submit(t.cage, (void *)(intptr_t)i, record, body, (size_t)n, false);
    }
    run(2);
    assert_int_equal(t.pages[0].code, CODE_OK);
    assert_int_equal(t.pages[1].code, CODE_NOINDEX);
    cage_free(&t.cage);
}

enum code __real_extract_page(const struct extract_input *in, struct record *record, struct extract_notes *notes);
enum code __wrap_extract_page(const struct extract_input *in, struct record *record, struct extract_notes *notes);

/* An act that succeeds gives a page without an article; one that is refused ends as a failed allocation of the parser does. */
enum code __wrap_extract_page(const struct extract_input *in, struct record *record, struct extract_notes *notes)
{
    if (in->n == sizeof ENDLESS - 1 && memcmp(in->bytes, ENDLESS, in->n) == 0)
        for (volatile int i = 0;; i = !i) continue;
    for (size_t i = 0; i < COUNT(acts); i++) {
        size_t n = strlen(acts[i].name);
        if (in->n != sizeof ACT - 1 + n || memcmp(in->bytes, ACT, sizeof ACT - 1) != 0) continue;
        if (memcmp(in->bytes + sizeof ACT - 1, acts[i].name, n) != 0) continue;
        if (!acts[i].attempt()) abort();
        notes->detail[0] = '\0';
        return CODE_NO_ARTICLE;
    }
    return __real_extract_page(in, record, notes);
}

/* The child dies of the attempt, twice; the page is poison, those beside it are well. */
static void test_forbidden_acts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(acts); i++) {
        struct cage_stats stats;
        char body[100], how[40];
        snprintf(body, sizeof body, ACT "%s", acts[i].name);
        snprintf(how, sizeof how, "signal %d,", acts[i].death);
        begin(30000, 64);
        submit(0, good, sizeof good - 1);
        submit(1, body, strlen(body));
        submit(2, good, sizeof good - 1);
        submit(3, good, sizeof good - 1);
        run(4);
        if (t.pages[1].end != CAGE_END_TROUBLE) fail_msg("%s: the child lives", acts[i].name);
        assert_int_equal(t.pages[1].trouble, TROUBLE_CHILD_DIED);
        assert_int_equal(parser_trouble_verdict(t.pages[1].trouble).code, CODE_POISON);
        if (strncmp(t.pages[1].detail, how, strlen(how)) != 0) fail_msg("%s: %s", acts[i].name, t.pages[1].detail);
        for (int k = 0; k < 4; k++)
            if (k != 1) assert_int_equal(t.pages[k].end, CAGE_END_ARTICLE);
        cage_stats(t.cage, &stats);
        assert_int_equal(stats.deaths, 2);
        cage_free(&t.cage);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], CAGE_CHILD_FLAG) == 0) return cage_child_run(argc - 1, argv + 1);
    log_init("test", LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_in_order), cmocka_unit_test(test_hurry),      cmocka_unit_test(test_feeds),
        cmocka_unit_test(test_bad_bodies),       cmocka_unit_test(test_poison),     cmocka_unit_test(test_hang),
        cmocka_unit_test(test_killed_child),     cmocka_unit_test(test_unwanted),   cmocka_unit_test(test_every_encoding),
        cmocka_unit_test(test_forbidden_acts),   cmocka_unit_test(test_directives), cmocka_unit_test(test_large_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
