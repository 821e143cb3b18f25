/* What people put into `seed`: what makes a crawl, what is refused and in which words, what a crawl is known by. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "writer/conf.h"
#include "writer/seed.h"

#define COUNT(a)    (sizeof(a) / sizeof *(a))
#define WITH(rest)  "{\"url\":\"http://a/\"," rest "}"
#define WORD(value) WITH("\"ignoreNoindex\":" value)

static const struct {
    const char *body;
    enum seed_kind kind;
    const char *reason; /* SEED_BAD */
} rows[] = {
    {"http://a/", SEED_URLS, NULL},
    {"{\"url\":\"http://a/\"}", SEED_URLS, NULL},
    {WITH("\"depth\":1"), SEED_CRAWL, NULL},
    {WITH("\"ignoreNoindex\":true"), SEED_CRAWL, NULL},
    {WITH("\"ignoreNofollow\":true"), SEED_CRAWL, NULL},
    {WITH("\"ignoreNofollow\":false"), SEED_CRAWL, NULL},
    {WITH("\"ignoreNoindex\":true,\"ignoreNoindex\":true"), SEED_BAD, "ignoreNoindex: there twice"},
    {WITH("\"ignorenoindex\":true"), SEED_BAD,
     "ignorenoindex: unknown field; known are url, depth, limit, scope, priority, ignoreNoindex, ignoreNofollow"},
    {WITH("\"depth\":\"1\""), SEED_BAD, "depth: must be a whole number from 0 to 1000"},
    {"{\"ignoreNoindex\":true}", SEED_BAD, "url: missing"},
    {WORD("1"), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WORD("0"), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WORD("\"true\""), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WORD("null"), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WORD("[]"), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WORD("{}"), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WITH("\"ignoreNofollow\":\"yes\""), SEED_BAD, "ignoreNofollow: must be true or false"},
};

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct seed s;
        seed_parse(rows[i].body, strlen(rows[i].body), &s);
        if (s.kind != rows[i].kind) fail_msg("%s: kind %d, want %d (%s)", rows[i].body, s.kind, rows[i].kind, s.reason);
        if (rows[i].reason) assert_string_equal(s.reason, rows[i].reason);
        seed_release(&s);
    }
}

static void test_unknown_names_are_shown_clean(void **state)
{
    (void)state;
    const char *body = WITH("\"a\\u0001b%s"
                            "0123456789012345678901234567890123456789"
                            "\":1");
    struct seed s;
    seed_parse(body, strlen(body), &s);
    assert_int_equal(s.kind, SEED_BAD);
    assert_memory_equal(s.reason, "a?b%s01234567890123456789012345678901234: unknown field; known are url, ", 72);
    seed_release(&s);
}

static void test_switches(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool noindex, nofollow;
    } wishes[] = {
        {WITH("\"depth\":1"), false, false},
        {WITH("\"ignoreNoindex\":true"), true, false},
        {WITH("\"ignoreNofollow\":true"), false, true},
        {WITH("\"ignoreNofollow\":true,\"ignoreNoindex\":true"), true, true},
        {WITH("\"ignoreNoindex\":false,\"ignoreNofollow\":true"), false, true},
    };
    for (size_t i = 0; i < COUNT(wishes); i++) {
        struct seed s;
        seed_parse(wishes[i].body, strlen(wishes[i].body), &s);
        assert_int_equal(s.ignore_noindex, wishes[i].noindex);
        assert_int_equal(s.ignore_nofollow, wishes[i].nofollow);
        seed_release(&s);
    }
}

static struct digest request_of(const char *body)
{
    struct seed s;
    seed_parse(body, strlen(body), &s);
    assert_int_equal(s.kind, SEED_CRAWL);
    struct digest d = seed_request(&s);
    seed_release(&s);
    return d;
}

static void test_requests(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        WITH("\"depth\":2"),
        WITH("\"depth\":2,\"ignoreNoindex\":true"),
        WITH("\"depth\":2,\"ignoreNofollow\":true"),
        WITH("\"depth\":2,\"ignoreNoindex\":true,\"ignoreNofollow\":true"),
    };
    for (size_t i = 0; i < COUNT(bodies); i++)
        for (size_t k = 0; k < COUNT(bodies); k++) {
            struct digest a = request_of(bodies[i]), b = request_of(bodies[k]);
            assert_int_equal(memcmp(&a, &b, sizeof a) == 0, i == k);
        }
    /* The crawl of before: no switch, or one that says what holds anyway. */
    const char *text = "http://a/\n2\n1000\nhost";
    struct digest was = digest_of(text, strlen(text)), is = request_of(bodies[0]);
    assert_memory_equal(&was, &is, sizeof was);
    is = request_of(WITH("\"depth\":2,\"ignoreNoindex\":false,\"ignoreNofollow\":false"));
    assert_memory_equal(&was, &is, sizeof was);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_unknown_names_are_shown_clean),
        cmocka_unit_test(test_switches),
        cmocka_unit_test(test_requests),
    };
    writer_conf.default_depth = 2;
    writer_conf.default_limit = 1000;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
