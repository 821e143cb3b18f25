/* The caged child; contract in cage_child.h. */
#include "parser/cage_child.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/zip.h"
#include "line/record.h"
#include "parser/cage_wire.h"
#include "parser/extract/extract.h"
#include "parser/parser_trouble.h"

#define PACK_FROM  4096        /* bytes: smaller reports travel as they are */
#define TRIM_FROM  (1u << 20)  /* bytes of a page after which memory may be given back */
#define KEEP_FREE  (32 << 20)  /* bytes of free memory that stay the child's; malloc's largest M_MMAP_THRESHOLD */
#define HOLD_PAGES 4           /* answers that go together at most: half of the pages that the parent sends ahead */
#define HOLD_BYTES (64u << 10) /* and their bytes, but for the last one */

struct child {
    long cpu_seconds;  /* that a page may take */
    const char *agent; /* our name in robots directives; NULL: the default */
    struct buf record, body, page, json, packed;
};

/* ---- closing the cage ---- */

static bool limit(int what, rlim_t value)
{
    struct rlimit limit = {value, value};
    return setrlimit(what, &limit) == 0;
}

/* The address space of the program itself, in bytes. */
static rlim_t own_size(void)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm) return 0;
    if (fscanf(statm, "%lu", &pages) != 1) pages = 0;
    fclose(statm);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static bool limit_resources(long memory_mib)
{
#ifndef GM_SANITIZER /* a sanitizer reserves terabytes of address space */
    rlim_t own = own_size();
    if (own == 0 || !limit(RLIMIT_AS, own + ((rlim_t)memory_mib << 20))) return false;
#else
    (void)memory_mib;
    (void)own_size;
#endif
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NPROC, 0) && limit(RLIMIT_NOFILE, 0);
}

/* A filter that kills the process for any call not on the list. */
static bool filter_calls(void)
{
    static const int allowed[] = {
        SCMP_SYS(read),
        SCMP_SYS(write),
        SCMP_SYS(munmap),
        SCMP_SYS(mremap),
        SCMP_SYS(brk),
        SCMP_SYS(madvise),
        SCMP_SYS(futex),
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(restart_syscall),
        SCMP_SYS(clock_gettime),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(getrusage),
        SCMP_SYS(getrandom),
        /* abort() */
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(getpid),
        SCMP_SYS(gettid),
#ifdef GM_SANITIZER /* to print its findings */
        SCMP_SYS(open),
        SCMP_SYS(openat),
        SCMP_SYS(close),
        SCMP_SYS(readlink),
        SCMP_SYS(sigaltstack),
        SCMP_SYS(fstat),
        SCMP_SYS(newfstatat),
        SCMP_SYS(lseek),
        SCMP_SYS(ioctl),
        SCMP_SYS(sched_yield),
        SCMP_SYS(getuid),
        SCMP_SYS(prctl),
        SCMP_SYS(pipe),
        SCMP_SYS(access),
#endif
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter) return false;
    int rc = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed && rc == 0; i++) rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    /* Memory: anonymous and never executable. CPU time: the only limit it sets itself, page by page. */
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                              SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
    if (rc == 0) rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0, 0),
                              SCMP_A1(SCMP_CMP_EQ, RLIMIT_CPU, 0));
    /* Signals, for abort(): to itself. */
    if (rc == 0) rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    if (rc == 0) rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc == 0;
}

/* ---- talking ---- */

/* What was read beyond what was asked for: the parts of a page come with one system call, each of which passes the filter. */
static struct {
    char bytes[CAGE_AHEAD_BYTES];
    size_t from, to;
} ahead;

static bool read_all(void *to, size_t n)
{
    char *p = to;
    for (;;) {
        size_t take = ahead.to - ahead.from < n ? ahead.to - ahead.from : n;
        memcpy(p, ahead.bytes + ahead.from, take);
        ahead.from += take;
        p += take;
        n -= take;
        if (n == 0) return true;
        bool direct = n >= sizeof ahead.bytes;
        ssize_t got = direct ? read(CAGE_FD_SOCKET, p, n) : read(CAGE_FD_SOCKET, ahead.bytes, sizeof ahead.bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        if (direct) {
            p += got;
            n -= (size_t)got;
        } else {
            ahead.from = 0;
            ahead.to = (size_t)got;
        }
    }
}

static bool write_all(const void *from, size_t n)
{
    const char *p = from;
    while (n > 0) {
        ssize_t put = write(CAGE_FD_SOCKET, p, n);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        p += put;
        n -= (size_t)put;
    }
    return true;
}

/* Answers on their way. Each write wakes the parent, which costs more than all else that the cage does for a small page; so an answer waits
 * while the next page is small and here already. */
static struct {
    struct buf bytes;
    unsigned pages;
    struct cage_progress *progress;
} held = {.bytes = BUF_INIT(HOLD_BYTES + sizeof(struct cage_answer) + LIMIT_DETAIL + LIMIT_RECORD)};

static bool flush(void)
{
    bool ok = write_all(held.bytes.data, held.bytes.len);
    if (held.bytes.cap > 2 * HOLD_BYTES)
        buf_release(&held.bytes);
    else
        buf_reset(&held.bytes);
    held.pages = 0;
    return ok;
}

static bool next_is_here(void)
{
    struct cage_ask ask;
    size_t n = ahead.to - ahead.from;
    if (n < sizeof ask) return false;
    memcpy(&ask, ahead.bytes + ahead.from, sizeof ask);
    return n - sizeof ask >= (size_t)ask.record_len + ask.body_len;
}

static bool flush_if_due(void)
{
    return (held.pages < HOLD_PAGES && held.bytes.len < HOLD_BYTES && next_is_here()) || flush();
}

static bool share_progress(void)
{
    void *shared = mmap(NULL, sizeof *held.progress, PROT_READ | PROT_WRITE, MAP_SHARED, CAGE_FD_PROGRESS, 0);
    close(CAGE_FD_PROGRESS);
    held.progress = shared;
    return shared != MAP_FAILED;
}

static bool read_part(struct buf *b, size_t n)
{
    buf_reset(b);
    if (!buf_reserve(b, n) || !read_all(b->data, n)) return false;
    b->len = n;
    b->data[n] = '\0';
    return true;
}

/* Adds an answer to those on their way. */
static bool answer(enum cage_answer_kind kind, unsigned code, const char *detail, const struct buf *body, bool is_packed)
{
    struct cage_answer head = {.magic = CAGE_MAGIC,
                               .kind = kind,
                               .code = code,
                               .detail_len = (uint32_t)strlen(detail),
                               .body_len = body ? (uint32_t)body->len : 0,
                               .is_packed = is_packed};
    buf_add(&held.bytes, &head, sizeof head);
    buf_add(&held.bytes, detail, head.detail_len);
    if (body) buf_add(&held.bytes, buf_str(body), body->len);
    held.pages++;
    atomic_fetch_add(&held.progress->answers, 1);
    return !buf_failed(&held.bytes);
}

/* ---- a page ---- */

/* The record as it will travel: in json, or in packed. False: too large. */
static bool encode(struct child *c, const struct record *r, bool *is_packed_r)
{
    buf_reset(&c->json);
    buf_reset(&c->packed);
    if (!record_encode(r, &c->json)) return false;
    *is_packed_r = r->kind == RECORD_ARTICLE || c->json.len > PACK_FROM;
    return *is_packed_r ? zip_pack(&c->packed, c->json.data, c->json.len) : c->json.len <= LIMIT_MESSAGE;
}

static void drop_markdown(struct record *r)
{
    free(r->markdown);
    r->markdown = NULL;
    r->links_cut++;
}

/* Of a page that may not be indexed. */
static void drop_article(struct record *r)
{
    char **const fields[] = {&r->text, &r->markdown, &r->hash, &r->simhash, &r->excerpt};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) free(*fields[i]), *fields[i] = NULL;
    r->words = 0;
}

/* Encodes; a record that is too large loses its Markdown, then the second half of its links, and so on. */
static bool encode_within(struct child *c, struct record *r, bool *is_packed_r)
{
    if (encode(c, r, is_packed_r)) return true;
    if (r->markdown) drop_markdown(r);
    if (encode(c, r, is_packed_r)) return true;
    while (r->links.count > 0) {
        record_cut_links(r, r->links.count / 2);
        if (encode(c, r, is_packed_r)) return true;
    }
    return false;
}

static bool answer_trouble(enum parser_trouble trouble, const char *detail)
{
    return answer(CAGE_TROUBLE, (unsigned)trouble, detail, NULL, false);
}

static bool answer_page(struct child *c, struct record *r, const char *bytes, size_t n)
{
    struct extract_input in = {.bytes = bytes,
                               .n = n,
                               .url = r->url,
                               .content_type = r->content_type ? r->content_type : "",
                               .robots_tag = r->robots_tag ? r->robots_tag : "",
                               .agent = c->agent,
                               .now = r->fetched_at,
                               .ignore_noindex = r->ignore_noindex,
                               .ignore_nofollow = r->ignore_nofollow};
    struct extract_notes notes = {0};
    enum code code = extract_page(&in, r, &notes);
    bool is_packed = false;
    r->kind = code == CODE_OK ? RECORD_ARTICLE : RECORD_EMPTY;
    r->bytes = (int64_t)n;
    r->parsed_at = clock_wall_ms();
    if (code != CODE_OK) {
        drop_article(r);
        free(r->code);
        r->code = mem_strdup(code_name(code));
        if (notes.detail[0]) free(r->detail), r->detail = mem_strdup(notes.detail);
    }
    if (!encode_within(c, r, &is_packed)) return answer_trouble(TROUBLE_RECORD_TOO_LARGE, "");
    return answer(code == CODE_OK ? CAGE_ARTICLE : CAGE_EMPTY, (unsigned)code, notes.detail, is_packed ? &c->packed : &c->json, is_packed);
}

/* CPU time is counted over the process's whole life; each page gets its share anew. */
static void grant_cpu(const struct child *c)
{
    static struct rlimit cpu = {.rlim_max = RLIM_INFINITY};
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    rlim_t limit = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec + c->cpu_seconds + 1);
    if (limit == cpu.rlim_cur) return;
    cpu.rlim_cur = limit;
    setrlimit(RLIMIT_CPU, &cpu);
}

static bool serve_one(struct child *c)
{
    struct cage_ask ask;
    struct record record;
    struct record_error error;
    if (!read_all(&ask, sizeof ask)) _exit(EXITCODE_OK); /* the parent is gone, or done */
    if (ask.magic != CAGE_MAGIC || !read_part(&c->record, ask.record_len) || !read_part(&c->body, ask.body_len)) return false;
    grant_cpu(c);
    if (record_decode(buf_str(&c->record), c->record.len, 1u << RECORD_PAGE, &record, &error) != RECORD_OK)
        return answer_trouble(TROUBLE_BAD_RECORD, error.text);
    bool ok;
    buf_reset(&c->page);
    const char *fault = ask.is_packed ? zip_unpack(&c->page, buf_str(&c->body), c->body.len) : NULL;
    if (fault)
        ok = answer_trouble(c->page.len >= LIMIT_BODY ? TROUBLE_BOMB : TROUBLE_NOT_UNPACKABLE, fault);
    else if (ask.is_packed)
        ok = answer_page(c, &record, buf_str(&c->page), c->page.len);
    else
        ok = answer_page(c, &record, buf_str(&c->body), c->body.len);
    record_release(&record);
    if (c->page.len + c->body.len > TRIM_FROM) {
        buf_release(&c->page);
        buf_release(&c->json);
        if (mallinfo2().fordblks > KEEP_FREE) malloc_trim(0);
    }
    return ok;
}

/* False: not what the parent writes. */
static bool read_number(const char *text, long *value_r)
{
    char *end;
    *value_r = strtol(text, &end, 10);
    return end != text && !*end && *value_r > 0 && *value_r < INT_MAX;
}

int cage_child_run(int argc, char **argv)
{
    struct child c = {.record = BUF_INIT(LIMIT_RECORD),
                      .body = BUF_INIT(LIMIT_MESSAGE),
                      .page = BUF_INIT(LIMIT_BODY + 1),
                      .json = BUF_INIT(LIMIT_RECORD),
                      .packed = BUF_INIT(LIMIT_MESSAGE)};
    long memory_mib;
    if (argc < 3 || argc > 4 || !read_number(argv[1], &memory_mib) || !read_number(argv[2], &c.cpu_seconds)) return EXITCODE_MISUSE;
    c.agent = argv[3]; /* NULL if there is none */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "parser-caged");
    /* Memory that the next page will want is not given back after each: getting it again costs more than a small page. */
    mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
    mallopt(M_MMAP_THRESHOLD, KEEP_FREE);
    extract_init();
    tzset(); /* the log's clock would open a file for it */
    if (!share_progress() || !limit_resources(memory_mib) || !filter_calls()) {
        log_error("the parser's child cannot be caged: %s", strerror(errno));
        return EXITCODE_DEPENDENCY;
    }
    if (!answer(CAGE_READY, 0, "", NULL, false) || !flush()) _exit(EXITCODE_OK);
    while (serve_one(&c) && flush_if_due()) continue;
    _exit(EXITCODE_FAILED);
}
