/* What people put into `seed`: what makes a crawl, ranges, what is refused and in which words, what a crawl is known by. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "line/limits.h"
#include "writer/conf.h"
#include "writer/range.h"
#include "writer/seed.h"

#define COUNT(a)    (sizeof(a) / sizeof *(a))
#define WITH(rest)  "{\"url\":\"http://a/\"," rest "}"
#define WORD(value) WITH("\"ignoreNoindex\":" value)

static void test_all_of_a_range(void **state)
{
    (void)state;
    static const struct {
        const char *text, *all; /* one after the other, with blanks */
    } rows[] = {
        {"http://h/a", "http://h/a"},
        {"http://h/?p=[1-3]", "http://h/?p=1 http://h/?p=2 http://h/?p=3"},
        {"http://h/[08-11].html", "http://h/08.html http://h/09.html http://h/10.html http://h/11.html"},
        {"http://h/[000-100:50]", "http://h/000 http://h/050 http://h/100"},
        {"http://h/?o=[0-50:20]&x", "http://h/?o=0&x http://h/?o=20&x http://h/?o=40&x"},
        {"http://h/[a-c]", "http://h/a http://h/b http://h/c"},
        {"http://h/[A-E:2]", "http://h/A http://h/C http://h/E"},
        {"http://h/[1-2]/[x-y]", "http://h/1/x http://h/1/y http://h/2/x http://h/2/y"},
        {"http://h/[5-5]", "http://h/5"},
        {"http://h/?a[]=1&b[x]=[y]", "http://h/?a[]=1&b[x]=[y]"},
        {"http://h/?a[1]=[1-]&[-2]&[a-1]&[1-2", "http://h/?a[1]=[1-]&[-2]&[a-1]&[1-2"},
        {"http://h/\\[1-2\\]/[1-2]", "http://h/[1-2]/1 http://h/[1-2]/2"},
        {"http://[::1]/[1-2]", "http://[::1]/1 http://[::1]/2"},
        {"http://h[1-2].test/", "http://h[1-2].test/"},
        {"http://h/{a,b}", "http://h/{a,b}"},
        {"[1-2]", "1 2"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct range range;
        struct range_error error;
        char all[400] = "", one[100];
        if (!range_parse(rows[i].text, strlen(rows[i].text), &range, &error)) fail_msg("%s: %s", rows[i].text, error.text);
        for (int64_t k = 0; k < range.total; k++) {
            assert_true(range_write(&range, k, one, sizeof one));
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", k ? " " : "", one);
        }
        assert_string_equal(all, rows[i].all);
    }
}

static void test_bad_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"http://h/[3-1]", "range at offset 9: it ends before it begins"},
        {"http://h/x[1-3:0]", "range at offset 10: a step of nothing, or longer than the range"},
        {"http://h/[1-3:3]", "range at offset 9: a step of nothing, or longer than the range"},
        {"http://h/[a-Z]", "range at offset 9: it ends before it begins"},
        {"http://h/[A-z]", "range at offset 9: it begins and ends in different cases"},
        {"http://h/[1-10001]", "range at offset 9: it makes more than 10000 URLs of one"},
        {"http://h/[1-101]/[1-100]", "range at offset 17: it makes more than 10000 URLs of one"},
        {"http://h/[0-999999999999999]", "range at offset 9: it makes more than 10000 URLs of one"},
        {"http://h/[1-1][1-1][1-1][1-1][1-1][1-1][1-1][1-1][1-1]", "range at offset 49: more ranges than a URL may have"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct range range;
        struct range_error error;
        assert_false(range_parse(rows[i].text, strlen(rows[i].text), &range, &error));
        assert_string_equal(error.text, rows[i].error);
    }
    struct range range;
    struct range_error error;
    char small[10];
    assert_true(range_parse("http://h/[1-10000]", 18, &range, &error));
    assert_int_equal(range.total, 10000);
    assert_false(range_write(&range, 0, small, sizeof small));
}

static const struct {
    const char *body;
    enum seed_kind kind;
    const char *said; /* SEED_BAD: the reason; others: the rules */
} rows[] = {
    {"http://a/", SEED_URLS, NULL},
    {"{\"url\":\"http://a/\"}", SEED_URLS, NULL},
    {WITH("\"depth\":1"), SEED_CRAWL, NULL},
    {WITH("\"ignoreNoindex\":true"), SEED_CRAWL, NULL},
    {WITH("\"ignoreNofollow\":true"), SEED_CRAWL, NULL},
    {WITH("\"ignoreNofollow\":false"), SEED_CRAWL, NULL},
    {WITH("\"ignoreNoindex\":true,\"ignoreNoindex\":true"), SEED_BAD, "ignoreNoindex: there twice"},
    {WITH("\"ignorenoindex\":true"), SEED_BAD,
     "ignorenoindex: unknown field; known are url, urls, depth, limit, scope, priority, prefix, include, exclude, match, preset, per_host, "
     "guards, ignoreNoindex, ignoreNofollow, sitemap, feeds"},
    {WITH("\"sitemap\":\"only\""), SEED_CRAWL, NULL},
    {WITH("\"sitemap\":\"Include\""), SEED_BAD, "sitemap: must be skip, include or only"},
    {WITH("\"sitemap\":true"), SEED_BAD, "sitemap: must be skip, include or only"},
    {WITH("\"feeds\":1"), SEED_BAD, "feeds: must be true or false"},
    {WITH("\"depth\":\"1\""), SEED_BAD, "depth: must be a whole number from 0 to 1000"},
    {"{\"ignoreNoindex\":true}", SEED_BAD, "url: missing"},
    {WORD("1"), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WORD("0"), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WORD("\"true\""), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WORD("null"), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WORD("[]"), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WORD("{}"), SEED_BAD, "ignoreNoindex: must be true or false"},
    {WITH("\"ignoreNofollow\":\"yes\""), SEED_BAD, "ignoreNofollow: must be true or false"},
    {"https://a.test/\nhttps://b.test/", SEED_URLS, NULL},
    {"{\"url\":\"https://a.test/\"}", SEED_URLS, "{}"},
    {"{\"url\":\"https://a.test/?p=[1-96]\"}", SEED_URLS, "{}"},
    {"{\"url\":\"https://a.test/\",\"depth\":2}", SEED_CRAWL, "{}"},
    {"{\"url\":\"https://a.test/\",\"preset\":\"wiki\"}", SEED_CRAWL, "{\"preset\":\"wiki\"}"},
    {"{\"include\":[\"^/x\"],\"url\":\"https://a.test/\",\"per_host\":9}", SEED_CRAWL, "{\"include\":[\"^/x\"],\"per_host\":9}"},
    {"{\"url\":\"https://a.test/\",\"exclude\":[\"(\"]}", SEED_BAD, "exclude[0]: at offset 1: missing closing parenthesis"},
    {"{\"url\":\"https://a.test/\",\"prefix\":\"x\"}", SEED_BAD, "prefix: must be a path that begins with /"},
    {"{\"url\":\"https://a.test/[2-1]\"}", SEED_BAD, "url: range at offset 15: it ends before it begins"},
    {"{\"url\":\"https://a.test/\",\"preset\":\"wiki\",\"preset\":\"wiki\"}", SEED_BAD, "preset: there twice"},
    {"{\"url\":\"https://a.test/\",\"scope\":\"moon\"}", SEED_BAD, "scope: must be host, subdomains, domain or any"},
    {"{\"preset\":\"wiki\"}", SEED_BAD, "url: missing"},
    {WITH("\"prefix\":1"), SEED_BAD, "prefix: must be a path that begins with /"},
    {WITH("\"include\":1"), SEED_BAD, "include: must be a list of regular expressions"},
    {WITH("\"exclude\":1"), SEED_BAD, "exclude: must be a list of regular expressions"},
    {WITH("\"match\":1"), SEED_BAD, "match: must be path or url"},
    {WITH("\"preset\":1"), SEED_BAD, "preset: there is one, wiki"},
    {WITH("\"per_host\":0"), SEED_BAD, "per_host: must be a whole number from 1 to 1000000000"},
    {WITH("\"guards\":1"), SEED_BAD, "guards: must be true or false"},
    {WITH("\"preset\":\"wiki\",\"ignoreNoindex\":true"), SEED_CRAWL, "{\"preset\":\"wiki\"}"},
    {WITH("\"urls\":[\"https://b.test/\"]"), SEED_BAD, "urls: not together with url"},
    {"{\"urls\":[\"https://a.test/\"],\"url\":\"https://b.test/\"}", SEED_BAD, "url: not together with urls"},
    {"{\"urls\":[\"https://a.test/\",\"https://b.test/[1-3]\"]}", SEED_CRAWL, "{}"},
    {"{\"urls\":[]}", SEED_BAD, "urls: must be a list of URLs, not empty"},
    {"{\"urls\":\"https://a.test/\"}", SEED_BAD, "urls: must be a list of URLs, not empty"},
    {"{\"urls\":[\"https://a.test/\",7]}", SEED_BAD, "urls: number 2: must be a string"},
    {"{\"urls\":[\"https://a.test/\\nhttps://b.test/\"]}", SEED_BAD, "urls: number 1: holds a line's end"},
    {"{\"urls\":[\"https://a.test/[1-9000]\",\"https://b.test/[1-9000]\"]}", SEED_BAD, "urls: number 2: more than 10000 URLs"},
};

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct seed s;
        seed_parse(rows[i].body, strlen(rows[i].body), &s);
        if (s.kind != rows[i].kind) fail_msg("%s: kind %d, want %d (%s)", rows[i].body, s.kind, rows[i].kind, s.reason);
        if (rows[i].said) assert_string_equal(s.kind == SEED_BAD ? s.reason : s.rules, rows[i].said);
        seed_release(&s);
    }
}

/* The order of a list is part of what is asked for, as the order of a range is. */
static void test_lists(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"urls\":[\"https://a.test/\",\"https://b.test/[1-3]\"]}",
        "{\"urls\":[\"https://a.test/\",\"https://b.test/[1-4]\"]}",
        "{\"urls\":[\"https://a.test/\"]}",
        "{\"url\":\"https://a.test/\",\"depth\":2}",
    };
    struct digest seen[COUNT(bodies)];
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct seed s;
        seed_parse(bodies[i], strlen(bodies[i]), &s);
        assert_int_equal(s.kind, SEED_CRAWL);
        assert_string_equal(s.url->text, "https://a.test/");
        if (i == 0) assert_string_equal(s.text, "https://a.test/\nhttps://b.test/[1-3]\n");
        seen[i] = seed_request(&s);
        for (size_t k = 0; k < i; k++) assert_memory_not_equal(&seen[k], &seen[i], sizeof seen[i]);
        seed_release(&s);
    }
}

static void test_the_field_at_fault(void **state)
{
    (void)state;
    static const char *const wishes[][2] = {
        {"{\"preset\":\"wiki\"}", "url"}, {WITH("\"depth\":-1"), "depth"}, {WITH("\"exclude\":[\"(\"]"), "exclude"},
        {WITH("\"colour\":1"), "colour"}, {"{\"urls\":[7]}", "urls"},      {"{", ""},
    };
    for (size_t i = 0; i < COUNT(wishes); i++) {
        struct seed s;
        seed_parse(wishes[i][0], strlen(wishes[i][0]), &s);
        assert_int_equal(s.kind, SEED_BAD);
        assert_string_equal(s.field, wishes[i][1]);
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
        WITH("\"depth\":2,\"sitemap\":\"include\""),
        WITH("\"depth\":2,\"sitemap\":\"only\""),
        WITH("\"depth\":2,\"feeds\":true,\"sitemap\":\"only\""),
        WITH("\"depth\":2,\"preset\":\"wiki\""),
        WITH("\"depth\":2,\"preset\":\"wiki\",\"ignoreNoindex\":true"),
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
    is = request_of(WITH("\"depth\":2,\"ignoreNoindex\":false,\"ignoreNofollow\":false,\"sitemap\":\"skip\",\"feeds\":false"));
    assert_memory_equal(&was, &is, sizeof was);
}

static void test_requests_with_rules(void **state)
{
    (void)state;
    struct digest plain = request_of("{\"url\":\"http://a.test/\",\"depth\":2,\"limit\":9}");
    /* As before there were rules. */
    static const char before[] = "http://a.test/\n2\n9\nhost";
    struct digest old = digest_of(before, sizeof before - 1);
    assert_memory_equal(&plain, &old, sizeof old);
    struct digest same = request_of("{\"limit\":9,\"guards\":true,\"include\":[],\"url\":\"http://A.test\",\"depth\":2}");
    assert_memory_equal(&plain, &same, sizeof same);
    struct digest other = request_of("{\"url\":\"http://a.test/\",\"depth\":2,\"limit\":9,\"exclude\":[\"x\"]}");
    assert_memory_not_equal(&plain, &other, sizeof other);
    struct digest one = request_of("{\"url\":\"http://a.test/?[1-2]\",\"depth\":2}"),
                  two = request_of("{\"url\":\"http://a.test/?[1-3]\",\"depth\":2}");
    assert_memory_not_equal(&one, &two, sizeof two);
}

static void test_rows(void **state)
{
    (void)state;
    assert_int_equal(seed_rows("http://a/\n\nhttp://b/\n", 21), 2);
    assert_int_equal(seed_rows("http://a/[1-50]\nhttp://b/[2-1]", 30), 51);
    assert_int_equal(seed_rows("http://a/[1-9000]\nhttp://b/[1-9000]", 35), LIMIT_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_a_range),
        cmocka_unit_test(test_bad_ranges),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_the_field_at_fault),
        cmocka_unit_test(test_unknown_names_are_shown_clean),
        cmocka_unit_test(test_switches),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_requests_with_rules),
        cmocka_unit_test(test_rows),
    };
    writer_conf.default_depth = 2;
    writer_conf.default_limit = 1000;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
