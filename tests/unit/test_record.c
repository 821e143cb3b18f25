/* Records: round trips, the exact JSON, and everything that must be refused. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "line/limits.h"
#include "line/record.h"

#define ANY  ((1u << RECORD_KINDS) - 1)
#define HASH "00112233445566778899aabbccddeeff"

static struct record filled(enum record_kind kind)
{
    struct record r = {.kind = kind,
                       .page = 9007199254740993,
                       .crawl = 2,
                       .host = 3,
                       .release = INT64_MAX,
                       .depth = 1,
                       .deadline = 1700000000123,
                       .attempt = 2,
                       .ignore_noindex = 1,
                       .ignore_nofollow = 1,
                       .status = 200,
                       .bytes = 12345,
                       .ticketed = 1,
                       .retry_after = 7,
                       .taken_at = 1000000000000000,
                       .fetched_at = 1,
                       .parsed_at = 2,
                       .calculated_at = (1LL << 53) - 1,
                       .words = 4,
                       .links_cut = 5,
                       .tokens_in = 6,
                       .tokens_out = 7};
    r.url = mem_strdup("http://example.org/a?b=%22c");
    r.content_type = mem_strdup("text/html; charset=\"utf-8\"");
    r.robots_tag = mem_strdup("none");
    r.etag = mem_strdup("W/\"x\"");
    r.last_modified = mem_strdup("Tue, 01 Jan 2030 00:00:00 GMT");
    r.location = mem_strdup("https://example.org/b");
    r.code = mem_strdup("REDIRECTED");
    r.detail = mem_strdup("");
    r.title = mem_strdup("Ti\\tle \\u0000 \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    r.byline = mem_strdup("B");
    r.date = mem_strdup("2030-01-01");
    r.lang = mem_strdup("de");
    r.site = mem_strdup("S");
    r.excerpt = mem_strdup("E");
    r.canonical = mem_strdup("http://example.org/a");
    r.next = mem_strdup("http://example.org/a?page=2");
    r.amp = mem_strdup("http://example.org/a/amp");
    r.feeds = mem_strdup("http://example.org/rss\nhttp://example.org/atom");
    r.list = LIST_SITEMAPS;
    r.hash = mem_strdup(HASH);
    r.known_hash = mem_strdup(HASH);
    r.known_recipe = mem_strdup("ffeeddccbbaa99887766554433221100");
    r.simhash = mem_strdup("0123456789abcdef");
    r.text = mem_strdup("one\ntwo\t\"three\" \x01\x1f\x7f / \\ end");
    r.markdown = mem_strdup("# M\r\n");
    r.summary = mem_strdup("Sum.");
    r.engine = mem_strdup("extractive");
    r.model = mem_strdup("m");
    r.recipe = mem_strdup(HASH);
    r.reason = mem_strdup("MODEL_REFUSED");
    r.robots = mem_strdup("User-agent: *\n");
    record_add_link(&r, "http://example.org/1", 20);
    record_add_dated_link(&r, "http://example.org/2?x", 20, 1700000000123);
    return r;
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int kind = 0; kind < RECORD_KINDS; kind++) {
        struct record before = filled((enum record_kind)kind), after;
        struct record_error error = {.text = ""};
        struct buf first = BUF_INIT(LIMIT_RECORD), second = BUF_INIT(LIMIT_RECORD);
        assert_true(record_encode(&before, &first));
        if (record_decode(first.data, first.len, 1u << kind, &after, &error) != RECORD_OK)
            fail_msg("%s: %s", record_kind_name((enum record_kind)kind), error.text);
        assert_int_equal(after.kind, kind);
        assert_true(after.page == before.page && after.release == INT64_MAX && after.calculated_at == before.calculated_at);
        assert_true(after.taken_at == before.taken_at && after.tokens_out == 7 && after.ticketed == 1);
        assert_true(after.ignore_noindex == 1 && after.ignore_nofollow == 1);
        assert_string_equal(after.title, before.title);
        assert_string_equal(after.text, before.text);
        assert_string_equal(after.robots, before.robots);
        assert_string_equal(after.detail, "");
        assert_int_equal(after.links.count, 2);
        assert_int_equal(after.links.bytes, 40);
        assert_string_equal(after.links.items[1], "http://example.org/2");
        assert_int_equal(after.links.dates_count, 2);
        assert_true(after.links.dates[0] == 0 && after.links.dates[1] == 1700000000123);
        assert_string_equal(after.known_hash, HASH);
        assert_string_equal(after.known_recipe, before.known_recipe);
        assert_string_equal(after.next, before.next);
        assert_string_equal(after.amp, before.amp);
        assert_string_equal(after.feeds, before.feeds);
        assert_int_equal(after.list, LIST_SITEMAPS);
        assert_string_equal(after.simhash, before.simhash);
        assert_true(record_encode(&after, &second)); /* nothing was lost if it writes the same again */
        assert_string_equal(buf_str(&second), buf_str(&first));
        record_release(&before);
        record_release(&after);
        buf_release(&first);
        buf_release(&second);
    }
}

#define TICKET        "\"kind\":\"ticket\",\"page\":\"1\",\"crawl\":\"2\",\"host\":\"3\",\"release\":\"4\",\"url\":\"http://a/\",\"deadline\":5"
#define ROBOTS_TICKET "\"kind\":\"ticket\",\"page\":\"0\",\"host\":\"3\",\"release\":\"4\",\"url\":\"http://a/robots.txt\",\"deadline\":5"
#define VERDICT       "\"kind\":\"verdict\",\"page\":\"1\",\"release\":\"4\",\"code\":\"TIMEOUT\""
#define EMPTY         "\"kind\":\"empty\",\"page\":\"1\",\"crawl\":\"2\",\"release\":\"4\",\"code\":\"NO_ARTICLE\""
#define ARTICLE                                                                                                                            \
    "\"kind\":\"article\",\"page\":\"1\",\"crawl\":\"2\",\"release\":\"4\",\"url\":\"http://a/\",\"hash\":\"" HASH "\",\"text\":\"x\""
#define V1(fields) "{\"v\":1," fields "}"

static void test_golden(void **state)
{
    (void)state;
    static const char *const golden[] = {
        V1(TICKET),
        V1(TICKET ",\"attempt\":1,\"ignore_noindex\":1"),
        V1(TICKET ",\"ignore_nofollow\":1"),
        V1(ROBOTS_TICKET),
        V1(VERDICT),
        V1(ARTICLE),
        V1("\"kind\":\"page\",\"page\":\"1\",\"crawl\":\"2\",\"host\":\"3\",\"release\":\"4\",\"url\":\"http://a/\",\"status\":200"),
        V1("\"kind\":\"empty\",\"page\":\"1\",\"crawl\":\"2\",\"release\":\"4\",\"code\":\"NO_ARTICLE\",\"links\":[\"http://a/b\",\"http://a/c\"]"),
        V1("\"kind\":\"fetched\",\"page\":\"0\",\"host\":\"3\",\"release\":\"4\""),
        V1("\"kind\":\"returned\",\"page\":\"1\",\"host\":\"3\",\"release\":\"4\""),
        V1("\"kind\":\"robots\",\"page\":\"0\",\"host\":\"3\",\"release\":\"4\",\"status\":200,\"robots\":\"User-agent: *\\nDisallow: /\\n\""),
    };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct record r;
        struct record_error error = {.text = ""};
        struct buf out = BUF_INIT(LIMIT_RECORD);
        if (record_decode(golden[i], strlen(golden[i]), ANY, &r, &error) != RECORD_OK) fail_msg("%s: %s", golden[i], error.text);
        assert_true(record_encode(&r, &out));
        assert_string_equal(buf_str(&out), golden[i]);
        record_release(&r);
        buf_release(&out);
    }
}

static const struct {
    const char *json, *want; /* want NULL: accepted */
} bad_cases[] = {
    {V1(TICKET), NULL},
    {" \t\r\n" V1(TICKET) "\n \n", NULL},
    {"{\"new\":{\"deep\":[1,{}]},\"v\":1," TICKET "}", NULL},
    {V1(TICKET ",\"etag\":\"\\\\u0000\""), NULL}, /* a backslash and the text u0000 */
    {V1(TICKET ",\"etag\":\"\\ud83d\\ude00\""), NULL},
    {V1(TICKET ",\"depth\":3.0"), NULL},
    {V1(TICKET ",\"ignore_noindex\":0"), NULL},
    {V1(TICKET ",\"ignore_noindex\":2"), "ignore_noindex: not an integer from 0 to 1"},
    {V1(TICKET ",\"ignore_nofollow\":true"), "ignore_nofollow: not an integer from 0 to 1"},
    {"", "empty"},
    {" ", "not JSON at byte 0"},
    {"garbage", "not JSON at byte 0"},
    {"\x1f\x8b\x08", "not UTF-8, or holds a NUL byte"},
    {"{\"v\":1", "not JSON at byte 5"},
    {"{\"v\":1,}", "not JSON at byte 7"},
    {"[]", "not a JSON object"},
    {"1", "not a JSON object"},
    {"\"v\"", "not a JSON object"},
    {"null", "not a JSON object"},
    {"{}", "v: missing"},
    {"{" TICKET "}", "v: missing"},
    {"{\"v\":\"1\"," TICKET "}", "v: not a version number"},
    {"{\"v\":0," TICKET "}", "v: not a version number"},
    {"{\"v\":-1," TICKET "}", "v: not a version number"},
    {"{\"v\":1.5," TICKET "}", "v: not a version number"},
    {"{\"v\":1}", "kind: missing"},
    {"{\"v\":1,\"kind\":1}", "kind: not a string"},
    {"{\"v\":1,\"kind\":\"tickets\"}", "kind: not a known kind"},
    {V1("\"kind\":\"ticket\""), "host: missing"},
    {V1("\"kind\":\"ticket\",\"host\":\"3\",\"release\":\"4\",\"url\":\"http://a/\",\"deadline\":5"), "page: missing"},
    {V1("\"kind\":\"ticket\",\"page\":\"1\",\"host\":\"3\",\"release\":\"4\",\"url\":\"http://a/\",\"deadline\":5"), "crawl: missing"},
    {V1("\"kind\":\"ticket\",\"page\":\"0\",\"host\":\"3\",\"release\":\"4\",\"url\":\"http://a/\""), "deadline: missing"},
    {V1("\"kind\":\"ticket\",\"page\":\"0\",\"host\":\"3\",\"release\":\"4\",\"deadline\":5"), "url: missing"},
    {V1("\"kind\":\"ticket\",\"page\":\"0\",\"host\":\"0\",\"release\":\"4\",\"url\":\"http://a/\",\"deadline\":5"), "host: missing"},
    {V1("\"kind\":\"verdict\",\"release\":\"4\",\"code\":\"TIMEOUT\""), "page: missing"},
    {V1("\"kind\":\"verdict\",\"page\":\"1\",\"release\":\"4\""), "code: missing"},
    {V1("\"kind\":\"verdict\",\"page\":\"1\",\"release\":\"4\",\"code\":\"timeout\""), "code: not a known code"},
    {V1("\"kind\":\"fetched\",\"host\":\"3\",\"release\":\"4\""), "page: missing"},
    {V1("\"kind\":\"returned\",\"host\":\"3\",\"release\":\"4\""), "page: missing"},
    {V1("\"kind\":\"robots\",\"release\":\"4\""), "host: missing"},
    {V1("\"kind\":\"article\",\"page\":\"1\",\"crawl\":\"2\",\"release\":\"4\",\"url\":\"http://a/\",\"text\":\"x\""), "hash: missing"},
    {V1("\"kind\":\"article\",\"page\":\"1\",\"crawl\":\"2\",\"release\":\"4\",\"url\":\"http://a/\",\"hash\":\"" HASH "\",\"text\":\"\""),
     "text: missing"},
    {V1(VERDICT ",\"hash\":\"00112233445566778899AABBCCDDEEFF\""), "hash: not a digest"},
    {V1(VERDICT ",\"recipe\":\"0011\""), "recipe: not a digest"},
    {V1(VERDICT ",\"reason\":\"WHY\""), "reason: not a known code"},
    {V1(VERDICT ",\"crawl\":5"), "crawl: not a string of digits"},
    {V1(VERDICT ",\"crawl\":\"\""), "crawl: not a string of digits"},
    {V1(VERDICT ",\"crawl\":\"-5\""), "crawl: not a string of digits"},
    {V1(VERDICT ",\"crawl\":\"05\""), "crawl: not a string of digits"},
    {V1(VERDICT ",\"crawl\":\"5 \""), "crawl: not a string of digits"},
    {V1(VERDICT ",\"crawl\":\"9223372036854775807\""), NULL},
    {V1(VERDICT ",\"crawl\":\"9223372036854775808\""), "crawl: not a string of digits"},
    {V1(VERDICT ",\"crawl\":\"99999999999999999999\""), "crawl: not a string of digits"},
    {V1(VERDICT ",\"crawl\":null"), "crawl: not a string of digits"},
    {V1(VERDICT ",\"words\":\"5\""), "words: not an integer from 0 to 2^53"},
    {V1(VERDICT ",\"words\":-1"), "words: not an integer from 0 to 2^53"},
    {V1(VERDICT ",\"words\":0.5"), "words: not an integer from 0 to 2^53"},
    {V1(VERDICT ",\"words\":1e999"), "words: not an integer from 0 to 2^53"},
    {V1(VERDICT ",\"words\":-1e999"), "words: not an integer from 0 to 2^53"},
    {V1(VERDICT ",\"words\":9007199254740992"), "words: not an integer from 0 to 2^53"},
    {V1(VERDICT ",\"words\":9007199254740991"), NULL},
    {V1(VERDICT ",\"words\":true"), "words: not an integer from 0 to 2^53"},
    {V1(VERDICT ",\"words\":[1]"), "words: not an integer from 0 to 2^53"},
    {V1(VERDICT ",\"words\":1,\"words\":1"), "words: there twice"},
    {V1(VERDICT ",\"status\":1000"), "status: not an integer from 0 to 999"},
    {V1(VERDICT ",\"ticketed\":2"), "ticketed: not an integer from 0 to 1"},
    {V1(VERDICT ",\"title\":5"), "title: not a string"},
    {V1(VERDICT ",\"title\":[\"a\"]"), "title: not a string"},
    {V1(VERDICT ",\"title\":\"a\",\"title\":\"b\""), "title: there twice"},
    {V1(VERDICT ",\"title\":\"a\\u0000b\""), "holds U+0000"},
    {V1(VERDICT ",\"title\":\"a\\\\\\u0000b\""), "holds U+0000"},
    {V1(VERDICT ",\"x\\u0000\":1"), "holds U+0000"},
    {V1(VERDICT ",\"title\":\"\xff\""), "not UTF-8, or holds a NUL byte"},
    {V1(VERDICT ",\"title\":\"\xed\xa0\x80\""), "not UTF-8, or holds a NUL byte"}, /* a surrogate */
    {V1(VERDICT ",\"title\":\"\xc0\x80\""), "not UTF-8, or holds a NUL byte"},     /* overlong */
    {V1(VERDICT ",\"url\":\"\""), "url: not an http URL of at most 2048 bytes"},
    {V1(VERDICT ",\"url\":\"ftp://a/\""), "url: not an http URL of at most 2048 bytes"},
    {V1(VERDICT ",\"url\":\"javascript:alert(1)\""), "url: not an http URL of at most 2048 bytes"},
    {V1(VERDICT ",\"location\":\"http://a/ b\""), "location: not an http URL of at most 2048 bytes"},
    {V1(VERDICT ",\"canonical\":\"http://a/\\n\""), "canonical: not an http URL of at most 2048 bytes"},
    {V1(VERDICT ",\"links\":\"http://a/\""), "links: not an array"},
    {V1(VERDICT ",\"links\":{}"), "links: not an array"},
    {V1(VERDICT ",\"links\":[\"http://a/\",5]"), "links: entry 2 is not an http URL of at most 2048 bytes"},
    {V1(VERDICT ",\"links\":[],\"links\":[]"), "links: there twice"},
    {V1(VERDICT ",\"links\":[\"http://a/\"],\"link_dates\":[0]"), NULL},
    {V1(VERDICT ",\"link_dates\":[5],\"links\":[\"http://a/\"]"), NULL},
    {V1(VERDICT ",\"links\":[\"http://a/\"],\"link_dates\":[1,2]"), "link_dates: not one for each link"},
    {V1(VERDICT ",\"link_dates\":[1]"), "link_dates: not one for each link"},
    {V1(VERDICT ",\"links\":[\"http://a/\"],\"link_dates\":[-1]"), "link_dates: entry 1 is not an integer from 0 to 2^53"},
    {V1(VERDICT ",\"links\":[\"http://a/\"],\"link_dates\":[\"1\"]"), "link_dates: entry 1 is not an integer from 0 to 2^53"},
    {V1(VERDICT ",\"link_dates\":5"), "link_dates: not an array"},
    {V1(VERDICT ",\"simhash\":\"0123456789ABCDEF\""), "simhash: not 16 hexadecimal digits"},
    {V1(VERDICT ",\"simhash\":\"01\""), "simhash: not 16 hexadecimal digits"},
    {V1(VERDICT ",\"list\":4"), "list: not an integer from 0 to 3"},
    {V1(VERDICT ",\"amp\":\"/amp\""), "amp: not an http URL of at most 2048 bytes"},
    {V1(VERDICT) V1(VERDICT), "bytes after the record at byte 66"},
    {V1(VERDICT) "x", "bytes after the record at byte 66"},
};

static void test_bad_input(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        struct record r;
        struct record_error error = {.text = ""};
        size_t n = strlen(bad_cases[i].json);
        char *exact = malloc(n ? n : 1); /* so that a read past the end is noticed */
        memcpy(exact, bad_cases[i].json, n);
        enum record_status got = record_decode(exact, n, ANY, &r, &error);
        free(exact);
        if (!bad_cases[i].want && got != RECORD_OK) fail_msg("%s: refused: %s", bad_cases[i].json, error.text);
        if (bad_cases[i].want && got != RECORD_BAD) fail_msg("%s: accepted", bad_cases[i].json);
        if (bad_cases[i].want && strcmp(error.text, bad_cases[i].want) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", bad_cases[i].json, error.text, bad_cases[i].want);
        record_release(&r); /* empty after a failure: harmless */
    }
}

static void test_surrogates_and_nul(void **state)
{
    (void)state;
    static const char *const lone[] = {"\\ud800", "\\udc00", "\\ud800x", "\\ud800\\ud800", "\\ud800\\u0041", "\\udc00\\ud800"};
    for (size_t i = 0; i < sizeof lone / sizeof *lone; i++) {
        char json[300];
        struct record r;
        struct record_error error = {.text = ""};
        snprintf(json, sizeof json, V1(VERDICT ",\"title\":\"%s\""), lone[i]);
        assert_int_equal(record_decode(json, strlen(json), ANY, &r, &error), RECORD_BAD);
        assert_non_null(strstr(error.text, "not JSON at byte"));
    }
    struct record r;
    struct record_error error;
    static const char raw[] = "{\"v\":1," VERDICT ",\"title\":\"a\0b\"}";
    assert_int_equal(record_decode(raw, sizeof raw - 1, ANY, &r, &error), RECORD_BAD);
    assert_string_equal(error.text, "not UTF-8, or holds a NUL byte");
}

static void test_newer(void **state)
{
    (void)state;
    struct record r;
    struct record_error error;
    static const char *const newer[] = {"{\"v\":2}", "{\"v\":2,\"kind\":\"future\"}", "{\"page\":1,\"v\":9007199254740991}"};
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) {
        assert_int_equal(record_decode(newer[i], strlen(newer[i]), 1u << RECORD_PAGE, &r, &error), RECORD_NEWER);
        assert_non_null(strstr(error.text, "is newer than 1"));
    }
    struct record *all;
    size_t count;
    static const char mixed[] = "[" V1(VERDICT) ",{\"v\":2}]";
    assert_int_equal(record_decode_all(mixed, sizeof mixed - 1, ANY, &all, &count, &error), RECORD_NEWER);
    assert_string_equal(error.text, "record 2: v: 2 is newer than 1");
    assert_null(all);
}

static void test_kinds(void **state)
{
    (void)state;
    struct record r;
    struct record_error error;
    static const char json[] = V1(VERDICT);
    assert_int_equal(record_decode(json, sizeof json - 1, 1u << RECORD_TICKET | 1u << RECORD_PAGE, &r, &error), RECORD_BAD);
    assert_string_equal(error.text, "kind: verdict is not expected here");
    assert_string_equal(record_kind_name(RECORD_KINDS), "?");
}

static void test_too_long(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t limit;
    } cases[] = {{"text", LIMIT_TEXT},      {"markdown", LIMIT_MARKDOWN}, {"title", LIMIT_FIELD},
                 {"etag", LIMIT_VALIDATOR}, {"detail", LIMIT_DETAIL},     {"summary", LIMIT_SUMMARY},
                 {"robots", LIMIT_ROBOTS},  {"excerpt", LIMIT_EXCERPT},   {"url", LIMIT_URL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t over = 0; over < 2; over++) {
            struct buf json = BUF_INIT(LIMIT_RECORD);
            struct record r;
            struct record_error error;
            buf_addf(&json, "{\"v\":1," VERDICT ",\"%s\":\"http://a/", cases[i].name);
            for (size_t n = strlen("http://a/"); n < cases[i].limit + over; n++) buf_add_char(&json, 'x');
            buf_add_str(&json, "\"}");
            assert_int_equal(record_decode(json.data, json.len, ANY, &r, &error), over ? RECORD_BAD : RECORD_OK);
            if (over) assert_memory_equal(error.text, cases[i].name, strlen(cases[i].name));
            record_release(&r);
            buf_release(&json);
        }
    }
}

static void add_links(struct buf *json, const char *fields, size_t count, size_t length)
{
    buf_addf(json, "{\"v\":1,%s,\"links\":[", fields);
    for (size_t i = 0; i < count; i++) {
        buf_add_str(json, i ? ",\"http://a/" : "\"http://a/");
        for (size_t n = 9; n < length; n++) buf_add_char(json, 'x');
        buf_add_char(json, '"');
    }
    buf_add_str(json, "]}");
}

static void test_link_caps(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        size_t count, length;
        enum record_status want;
    } cases[] = {{ARTICLE, LIMIT_LINKS, 10, RECORD_OK},
                 {ARTICLE, LIMIT_LINKS + 1, 10, RECORD_BAD},
                 {ARTICLE, 512, 2048, RECORD_OK},
                 {ARTICLE, 513, 2048, RECORD_BAD},
                 {ARTICLE, 1, 2049, RECORD_BAD},
                 {VERDICT, LIMIT_LINKS + 1, 10, RECORD_BAD},
                 {EMPTY, LIMIT_LIST_LINKS, 10, RECORD_OK},
                 {EMPTY, LIMIT_LIST_LINKS + 1, 10, RECORD_BAD},
                 {EMPTY, 4096, 2048, RECORD_OK},
                 {EMPTY, 4097, 2048, RECORD_BAD},
                 {EMPTY, 1, 2049, RECORD_BAD}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf json = BUF_INIT(LIMIT_RECORD);
        struct record r;
        struct record_error error;
        add_links(&json, cases[i].fields, cases[i].count, cases[i].length);
        assert_int_equal(record_decode(json.data, json.len, ANY, &r, &error), cases[i].want);
        record_release(&r);
        buf_release(&json);
    }
    struct record r = {.kind = RECORD_EMPTY};
    char url[LIMIT_URL + 1];
    memset(url, 'x', sizeof url);
    assert_false(record_add_link(&r, url, LIMIT_URL + 1));
    for (size_t i = 0; i < 512; i++) assert_true(record_add_link(&r, url, LIMIT_URL));
    assert_false(record_add_link(&r, url, 1));
    assert_int_equal(r.links_cut, 2);
    record_release(&r);
    for (size_t i = 0; i < LIMIT_LINKS; i++) assert_true(record_add_link(&r, "http://a/", 9));
    assert_false(record_add_link(&r, "http://a/", 9));
    record_release(&r);
}

/* The largest record of a list there can be: it fits, and comes out as it went in. */
static void test_full_list(void **state)
{
    (void)state;
    char url[LIMIT_URL + 1];
    struct buf json = BUF_INIT(LIMIT_RECORD);
    struct record r = {.kind = RECORD_EMPTY, .page = 1, .crawl = 2, .release = 3, .links.is_list = true}, back;
    struct record_error error;
    r.code = mem_strdup("NO_ARTICLE");
    const size_t length = LIMIT_LIST_BYTES / LIMIT_LIST_LINKS;
    for (unsigned i = 0; i < LIMIT_LIST_LINKS; i++) {
        int n = snprintf(url, sizeof url, "http://example.org/%u/", i);
        memset(url + n, 'x', sizeof url - (size_t)n);
        assert_true(record_add_dated_link(&r, url, length, 1700000000000 + i));
    }
    assert_false(record_add_link(&r, "http://a/", 9));
    assert_true(record_encode(&r, &json));
    assert_int_equal(record_decode(json.data, json.len, ANY, &back, &error), RECORD_OK);
    assert_int_equal(back.links.count, LIMIT_LIST_LINKS);
    assert_int_equal(back.links.bytes, r.links.bytes);
    assert_true(back.links.dates[LIMIT_LIST_LINKS - 1] == 1700000000000 + LIMIT_LIST_LINKS - 1);
    record_cut_links(&back, 3);
    assert_true(back.links.count == 3 && back.links.dates_count == 3 && back.links.bytes == 3 * length);
    assert_int_equal(back.links_cut, 1 + LIMIT_LIST_LINKS - 3); /* the one above had no room */
    record_cut_links(&back, 5);
    assert_int_equal(back.links.count, 3);
    buf_reset(&json);
    assert_true(record_encode(&back, &json));
    record_cut_links(&back, 0);
    assert_true(back.links.count == 0 && back.links.bytes == 0);
    record_release(&back);
    record_release(&r);
    buf_release(&json);
}

static void test_deep_nesting(void **state)
{
    (void)state;
    static const char *const openings[] = {"[", "{\"a\":"};
    for (size_t i = 0; i < 2; i++) {
        struct buf json = BUF_INIT(LIMIT_RECORD);
        struct record r;
        struct record_error error;
        for (int depth = 0; depth < 100000; depth++) buf_add_str(&json, openings[i]);
        assert_int_equal(record_decode(json.data, json.len, ANY, &r, &error), RECORD_BAD);
        buf_release(&json);
    }
}

static void test_several(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum record_status want;
        size_t count;
        const char *error;
    } cases[] = {
        {V1(VERDICT), RECORD_OK, 1, ""},
        {"[" V1(VERDICT) "]", RECORD_OK, 1, ""},
        {"[" V1(VERDICT) ",\n" V1(ROBOTS_TICKET) ",{\"v\":1,\"kind\":\"fetched\",\"page\":\"0\",\"host\":\"1\",\"release\":\"1\"}]",
         RECORD_OK, 3, ""},
        {"[]", RECORD_OK, 0, ""},
        {"[" V1(VERDICT) ",5]", RECORD_BAD, 0, "record 2: not a JSON object"},
        {"[" V1(VERDICT) ",{\"v\":1,\"kind\":\"verdict\",\"page\":\"1\"}]", RECORD_BAD, 0, "record 2: release: missing"},
        {"[[" V1(VERDICT) "]]", RECORD_BAD, 0, "record 1: not a JSON object"},
        {"{\"v\":1}", RECORD_BAD, 0, "kind: missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct record *all = NULL;
        size_t count = 99;
        struct record_error error = {.text = ""};
        assert_int_equal(record_decode_all(cases[i].json, strlen(cases[i].json), ANY, &all, &count, &error), cases[i].want);
        assert_int_equal(count, cases[i].count);
        assert_string_equal(error.text, cases[i].error);
        record_free_all(all, count);
    }
    struct buf json = BUF_INIT(LIMIT_RECORD);
    buf_add_char(&json, '[');
    for (unsigned i = 0; i <= LIMIT_REPORT_RECORDS; i++) buf_add_str(&json, i ? "," V1(VERDICT) : V1(VERDICT));
    buf_add_char(&json, ']');
    struct record *all;
    size_t count;
    struct record_error error;
    assert_int_equal(record_decode_all(json.data, json.len, ANY, &all, &count, &error), RECORD_BAD);
    buf_release(&json);
}

static void test_maximum(void **state)
{
    (void)state;
    struct record r = {.kind = RECORD_VERDICT, .page = 1, .release = 1, .code = (char *)(uintptr_t) "LOST"};
    char text[2000];
    memset(text, '\x01', sizeof text - 1); /* grows sixfold */
    text[sizeof text - 1] = '\0';
    r.detail = text;
    struct buf small = BUF_INIT(12000), large = BUF_INIT(20000);
    buf_add_str(&small, "kept");
    assert_false(record_encode(&r, &small));
    assert_true(buf_failed(&small));
    assert_string_equal(buf_str(&small), "kept");
    buf_add_str(&large, "kept");
    assert_true(record_encode(&r, &large));
    assert_false(buf_failed(&large));
    assert_memory_equal(large.data, "kept{\"v\":1,", 11);
    assert_true(large.len > 12000 && large.data[large.len - 1] == '}');
    buf_release(&small);
    buf_release(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),         cmocka_unit_test(test_golden),    cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_surrogates_and_nul), cmocka_unit_test(test_newer),     cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_too_long),           cmocka_unit_test(test_link_caps), cmocka_unit_test(test_full_list),
        cmocka_unit_test(test_deep_nesting),       cmocka_unit_test(test_several),   cmocka_unit_test(test_maximum),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
