/* The model client against a loopback server that answers by a script: second tries, faults, adapting, the rest after
 * failures, cancelling. */
#include "test.h"

#include <arpa/inet.h>
#include <ev.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "summarizer/llm.h"

#define KEY  "sk-very-secret"
#define HANG "hang" /* never answers this one */
#define OK(content)                                                                                                                        \
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"choices\":[{\"message\":{\"content\":\"" content "\"}}],"                              \
    "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":3}}"
#define STATUS(line, words) "HTTP/1.1 " line "\r\nConnection: close\r\n\r\n{\"error\":{\"message\":\"" words "\"}}"

/* ---- the server: a child process, one connection after the other ---- */

struct server {
    pid_t pid;
    int port, hits; /* read end: a byte a request */
};

static void read_request(int fd)
{
    char text[65536];
    size_t n = 0, want = sizeof text - 1;
    while (n < want) {
        ssize_t got = read(fd, text + n, sizeof text - 1 - n);
        if (got <= 0) return;
        n += (size_t)got;
        text[n] = '\0';
        char *length = strcasestr(text, "content-length:"), *body = strstr(text, "\r\n\r\n");
        if (length && body) want = (size_t)(body + 4 - text) + strtoul(length + 15, NULL, 10);
    }
}

static void serve(int fd, int hits, const char *const *script)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (; *script; script++) {
        int client = accept(fd, NULL, NULL);
        read_request(client);
        if (write(hits, "x", 1) != 1) _exit(1);
        if (strcmp(*script, HANG) == 0) continue; /* stays open */
        if (write(client, *script, strlen(*script)) < 0) _exit(1);
        close(client);
    }
    for (;;) pause();
}

static struct server server_start(const char *const *script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct server s;
    int pipes[2], fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 32), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pipe(pipes), 0);
    s.port = ntohs(address.sin_port);
    s.hits = pipes[0];
    s.pid = fork();
    if (s.pid == 0) serve(fd, pipes[1], script);
    close(fd);
    close(pipes[1]);
    return s;
}

/* Ends the server; returns how many requests came. */
static int server_stop(struct server *s)
{
    char bytes[256];
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    ssize_t n = read(s->hits, bytes, sizeof bytes);
    close(s->hits);
    return (int)n;
}

/* ---- asking ---- */

struct got {
    int count;
    enum llm_fault fault;
    char summary[200], detail[600];
    int64_t tokens_in;
};

static void on_answer(void *context, const struct llm_answer *answer)
{
    struct got *got = context;
    got->count++;
    got->fault = answer->fault;
    got->tokens_in = answer->tokens_in;
    snprintf(got->summary, sizeof got->summary, "%s", answer->summary);
    snprintf(got->detail, sizeof got->detail, "%s", answer->detail);
    ev_break(EV_DEFAULT, EVBREAK_ONE);
}

static const struct llm_article article = {.title = "Tram", .lang = "en", .text = "The city builds a tram.", .length = 23};

static struct llm *llm_at(int port, int64_t timeout_ms, int64_t pause_ms)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    struct llm_config config = {.base_url = url,
                                .key = KEY,
                                .model = "m",
                                .timeout_ms = timeout_ms,
                                .pause_ms = pause_ms,
                                .max_tokens = 100,
                                .temperature = 0.2,
                                .concurrency = 4,
                                .prompt = {.words = 20, .language = "auto", .input_max = 1000}};
    return llm_new(EV_DEFAULT, &config);
}

static struct got ask(struct llm *llm)
{
    struct got got = {.count = 0};
    llm_ask(llm, &article, on_answer, &got);
    assert_int_equal(got.count, 0);
    while (got.count == 0) ev_run(EV_DEFAULT, 0);
    assert_null(strstr(got.detail, KEY));
    return got;
}

static void test_one_question(void **state)
{
    (void)state;
    static const struct {
        const char *name, *script[4];
        enum llm_fault fault;
        int requests;
        const char *summary, *detail;
        int64_t tokens_in;
    } cases[] = {
        {"good", {OK("A tram.")}, LLM_FINE, 1, "A tram.", "", 10},
        {"second try after 500", {STATUS("500 Oops", "x"), OK("A tram.")}, LLM_FINE, 2, "A tram.", "", 10},
        {"second try after 429", {STATUS("429 Slow", "x"), OK("A tram.")}, LLM_FINE, 2, "A tram.", "", 10},
        {"second try after an empty answer", {OK(""), OK("A tram.")}, LLM_FINE, 2, "A tram.", "", 20},
        {"second try after a broken answer",
         {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", OK("A tram.")},
         LLM_FINE,
         2,
         "A tram.",
         "",
         10},
        {"two failures", {STATUS("500 Oops", "one"), STATUS("502 Oops", "two")}, LLM_HTTP, 2, "", "HTTP status 502: two", 0},
        {"two refusals", {OK("I cannot help."), OK("I'm sorry.")}, LLM_REFUSAL, 2, "", "the answer is a refusal", 20},
        {"wrong key", {STATUS("401 No", "wrong key " KEY " given")}, LLM_HTTP, 1, "", "HTTP status 401: wrong key ************** given", 0},
        {"bad request", {STATUS("400 No", "too long")}, LLM_HTTP, 1, "", "the request was refused 400: too long", 0},
        {"long wait asked for",
         {"HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nConnection: close\r\n\r\n{}"},
         LLM_HTTP,
         1,
         "",
         "too many requests 429",
         0},
        {"redirect",
         {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nConnection: close\r\n\r\n"},
         LLM_HTTP,
         1,
         "",
         "HTTP status 302",
         0},
        {"not JSON, twice",
         {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
         LLM_NO_JSON,
         2,
         "",
         "the answer is no chat completion",
         0},
        {"other parameters wanted",
         {STATUS("400 No", "use max_completion_tokens"), STATUS("400 No", "no temperature"), OK("A tram.")},
         LLM_FINE,
         3,
         "A tram.",
         "",
         10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server server = server_start(cases[i].script);
        struct llm *llm = llm_at(server.port, 10000, 60000);
        struct got got = ask(llm);
        llm_free(&llm);
        int requests = server_stop(&server);
        if (got.fault != cases[i].fault || requests != cases[i].requests || strcmp(got.summary, cases[i].summary) != 0 ||
            strcmp(got.detail, cases[i].detail) != 0 || got.tokens_in != cases[i].tokens_in)
            fail_msg("%s: fault %d, %d requests, summary \"%s\", detail \"%s\", %d tokens", cases[i].name, got.fault, requests, got.summary,
                     got.detail, (int)got.tokens_in);
    }
}

static void test_time_is_kept(void **state)
{
    (void)state;
    static const char *const script[] = {HANG, NULL};
    struct server server = server_start(script);
    struct llm *llm = llm_at(server.port, 150, 60000);
    int64_t start = clock_mono_ms();
    struct got got = ask(llm);
    int64_t ms = clock_mono_ms() - start;
    assert_int_equal(got.fault, LLM_SLOW);
    assert_true(ms >= 140 && ms < 30000);
    llm_free(&llm);
    assert_int_equal(server_stop(&server), 1);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    static const char *const script[] = {NULL};
    struct server server = server_start(script);
    server_stop(&server);
    struct llm *llm = llm_at(server.port, 10000, 60000);
    assert_int_equal(ask(llm).fault, LLM_UNREACHABLE);
    llm_free(&llm);
}

#define REST_MS 100

/* After five failures in a row nothing is asked; after the pause one probe is. */
static void test_rest(void **state)
{
    (void)state;
    static const char *const script[] = {STATUS("401 No", "x"), STATUS("401 No", "x"), STATUS("401 No", "x"),
                                         STATUS("401 No", "x"), STATUS("401 No", "x"), STATUS("401 No", "x"),
                                         OK("A tram."),         OK("A tram."),         NULL};
    struct server server = server_start(script);
    struct llm *llm = llm_at(server.port, 10000, REST_MS);
    int64_t asked = 0;
    for (int i = 0; i < LLM_FAILURES_MAX; i++) {
        assert_false(llm_resting(llm));
        asked = clock_mono_ms();
        assert_int_equal(ask(llm).fault, LLM_HTTP);
    }
    for (int probe = 0; probe < 2; probe++) {
        assert_true(llm_resting(llm) || clock_mono_ms() - asked > REST_MS);
        int64_t start = clock_mono_ms();
        while (llm_resting(llm)) {
            assert_true(clock_mono_ms() - start < 30000);
            usleep(1000);
        }
        asked = clock_mono_ms();
        struct got got = {.count = 0};
        llm_ask(llm, &article, on_answer, &got);
        assert_true(llm_resting(llm)); /* for all others, while the probe is under way */
        while (got.count == 0) ev_run(EV_DEFAULT, 0);
        assert_int_equal(got.fault, probe == 0 ? LLM_HTTP : LLM_FINE);
    }
    assert_false(llm_resting(llm));
    assert_int_equal(ask(llm).fault, LLM_FINE);
    llm_free(&llm);
    assert_int_equal(server_stop(&server), 8);
}

struct seen {
    struct got got;
    int again, received;
    bool refuse;
    struct llm_facts facts;
    char id[100];
};

static bool on_again(void *context, int number)
{
    struct seen *seen = context;
    assert_int_equal(number, ++seen->again + 1);
    return !seen->refuse;
}

static void on_received(void *context, const struct llm_facts *facts)
{
    struct seen *seen = context;
    seen->received++;
    seen->facts = *facts;
    snprintf(seen->id, sizeof seen->id, "%s", facts->id);
}

static void on_watched(void *context, const struct llm_answer *answer)
{
    on_answer(&((struct seen *)context)->got, answer);
}

/* Who keeps books hears of each request, and can forbid another one. */
static void test_watched(void **state)
{
    (void)state;
    static const struct llm_watch watch = {on_again, on_received};
    static const struct {
        const char *script[3];
        bool refuse;
        enum llm_fault fault;
        int again, received;
        const char *id;
        int64_t cached, pause_ms;
    } cases[] = {
        {{OK("A tram.")}, false, LLM_FINE, 0, 1, "", 0, 0},
        {{"HTTP/1.1 200 OK\r\nX-Request-Id: req_7\r\nX-RateLimit-Remaining-Requests: 0\r\nX-RateLimit-Reset-Requests: 1m2.5s\r\n"
          "Connection: close\r\n\r\n{\"id\":\"chat-1\",\"choices\":[{\"message\":{\"content\":\"A tram.\"}}],\"usage\":{\"prompt_tokens\":10,"
          "\"prompt_tokens_details\":{\"cached_tokens\":8}}}"},
         false,
         LLM_FINE,
         0,
         1,
         "req_7",
         8,
         62500},
        {{"HTTP/1.1 200 OK\r\nX-RateLimit-Remaining-Requests: 1\r\nX-RateLimit-Reset-Requests: 9s\r\nX-RateLimit-Remaining-Tokens: 0\r\n"
          "X-RateLimit-Reset-Tokens: 250ms\r\nConnection: close\r\n\r\n{\"id\":\"chat-1\",\"choices\":[{\"message\":{\"content\":\"A tram.\"}}],"
          "\"usage\":{\"prompt_cache_hit_tokens\":3}}"},
         false,
         LLM_FINE,
         0,
         1,
         "chat-1",
         3,
         250},
        {{OK(""), OK("A tram.")}, false, LLM_FINE, 1, 2, "", 0, 0},
        {{OK(""), OK("A tram.")}, true, LLM_HELD, 1, 1, "", 0, 0},
        {{"HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nConnection: close\r\n\r\n{}"}, false, LLM_HTTP, 0, 1, "", 0, 60000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server server = server_start(cases[i].script);
        struct llm *llm = llm_at(server.port, 10000, 60000);
        struct seen seen = {.refuse = cases[i].refuse};
        llm_ask_watched(llm, &article, &watch, on_watched, &seen);
        while (seen.got.count == 0) ev_run(EV_DEFAULT, 0);
        llm_free(&llm);
        server_stop(&server);
        if (seen.got.fault != cases[i].fault || seen.again != cases[i].again || seen.received != cases[i].received ||
            strcmp(seen.id, cases[i].id) != 0 || seen.facts.tokens_cached != cases[i].cached || seen.facts.pause_ms != cases[i].pause_ms)
            fail_msg("case %zu: fault %d, %d again, %d received, id %s, %d cached, pause %d", i, seen.got.fault, seen.again, seen.received,
                     seen.id, (int)seen.facts.tokens_cached, (int)seen.facts.pause_ms);
    }
}

static void test_cancel(void **state)
{
    (void)state;
    static const char *const script[] = {HANG, OK("A tram."), HANG, NULL};
    struct server server = server_start(script);
    struct llm *llm = llm_at(server.port, 40000, 60000);
    struct got dropped = {.count = 0}, kept;
    struct llm_call *call = llm_ask(llm, &article, on_answer, &dropped);
    struct pollfd hit = {.fd = server.hits, .events = POLLIN};
    for (int64_t start = clock_mono_ms(); poll(&hit, 1, 1) == 0;) {
        assert_true(clock_mono_ms() - start < 30000);
        ev_run(EV_DEFAULT, EVRUN_NOWAIT);
    }
    llm_cancel(call);
    kept = ask(llm);
    assert_int_equal(kept.fault, LLM_FINE);
    assert_int_equal(dropped.count, 0);
    llm_ask(llm, &article, on_answer, &dropped); /* llm_free drops it */
    llm_free(&llm);
    assert_int_equal(dropped.count, 0);
    server_stop(&server);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_question),   cmocka_unit_test(test_time_is_kept),
                                       cmocka_unit_test(test_nobody_listens), cmocka_unit_test(test_rest),
                                       cmocka_unit_test(test_watched),        cmocka_unit_test(test_cancel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
