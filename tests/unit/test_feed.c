/* Feeds and sitemaps: what counts as one, their links and dates, gzip, and inputs made to hurt. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/zip.h"
#include "parser/extract/date.h"
#include "parser/extract/extract.h"
#include "parser/extract/feed.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define URL      "http://canal.test/feed"
#define SECOND   1000LL
#ifdef GM_SANITIZER
#define TRAP_MS 5000
#else
#define TRAP_MS 500 /* ten times what the worst of them takes */
#endif

static void read_fixture(const char *name, struct buf *out)
{
    char path[200];
    snprintf(path, sizeof path, "tests/fixtures/feed/%s.xml", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    buf_reset(out);
    for (int c; (c = getc(f)) != EOF;) buf_add_char(out, (char)c);
    fclose(f);
}

static void pack_gzip(struct buf *out, const char *bytes, size_t n)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)n};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_true(buf_reserve(out, deflateBound(&z, n)));
    z.next_out = (Bytef *)out->data + out->len;
    z.avail_out = (uInt)(out->cap - out->len - 1);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += z.total_out;
    deflateEnd(&z);
}

static enum code extract(const char *bytes, size_t n, const char *type, const char *robots, struct record *r)
{
    struct extract_notes notes = {.explain = NULL};
    struct extract_input in = {.bytes = bytes, .n = n, .url = URL, .content_type = type, .robots_tag = robots};
    *r = (struct record){.kind = RECORD_EMPTY};
    return extract_page(&in, r, &notes);
}

struct want {
    const char *url;
    int64_t date; /* seconds since 1970 */
};

static const struct {
    const char *name, *next;
    struct want links[8];
} fixtures[] = {
    {"rss2",
     "http://canal.test/feed?page=2",
     {{"http://canal.test/", 0},
      {"http://canal.test/feed?page=2", 0},
      {"http://canal.test/letter?a=1&b=2", 1709361000},
      {"http://canal.test/cdata?x=1&y=2", 1709308800},
      {"http://canal.test/bare?x=1&y=2&z=3", 1709287200},
      {"http://canal.test/by-guid", 0},
      {"http://canal.test/relative", 1709164800}}},
    {"rss1", NULL, {{"http://canal.test/", 0}, {"http://canal.test/1", 1709337600}, {"http://canal.test/schleusenw%C3%A4rter", 0}}},
    {"atom",
     "http://canal.test/blog/feed.atom?page=2",
     {{"http://canal.test/blog/", 0},
      {"http://canal.test/blog/feed.atom?page=2", 0},
      {"http://canal.test/blog/letter", 1709373600},
      {"http://canal.test/blog/archive/old", 1703980800}}},
    {"sitemap", NULL, {{"http://canal.test/", 1709370000}, {"http://canal.test/%D0%A8%D0%BB%D1%8E%D0%B7", 1709164800}}},
    {"sitemapindex", NULL, {{"http://canal.test/sitemap1.xml.gz", 1709373600}, {"http://canal.test/sitemap2.xml.gz", 0}}},
};

static void check_links(const char *name, const struct record *r, const struct want *want, size_t max)
{
    size_t count = 0;
    while (count < max && want[count].url) count++;
    for (size_t i = 0; i < count && i < r->links.count; i++) {
        if (strcmp(r->links.items[i], want[i].url) != 0) fail_msg("%s: link %zu is %s, not %s", name, i, r->links.items[i], want[i].url);
        if (r->links.dates[i] != want[i].date * SECOND) fail_msg("%s: %s is of %lld", name, want[i].url, (long long)r->links.dates[i]);
    }
    if (r->links.count != count) fail_msg("%s: %zu links, not %zu", name, r->links.count, count);
    assert_int_equal(r->links.dates_count, count);
}

static void test_fixtures(void **state)
{
    (void)state;
    struct buf body = BUF_INIT(1 << 20), packed = BUF_INIT(1 << 20);
    for (size_t i = 0; i < COUNT(fixtures); i++) {
        const struct {
            const char *type;
            bool packed;
        } ways[] = {{"application/xml", false}, {"application/atom+xml", false},
                    {"text/html", false},       {"", false},
                    {"application/gzip", true}, {"text/xml", true}};
        read_fixture(fixtures[i].name, &body);
        buf_reset(&packed);
        pack_gzip(&packed, body.data, body.len);
        for (size_t k = 0; k < COUNT(ways); k++) {
            const struct buf *b = ways[k].packed ? &packed : &body;
            struct record r;
            assert_int_equal(extract(b->data, b->len, ways[k].type, "", &r), CODE_NO_ARTICLE);
            check_links(fixtures[i].name, &r, fixtures[i].links, COUNT(fixtures[i].links));
            assert_null(r.text);
            if (fixtures[i].next)
                assert_string_equal(r.next, fixtures[i].next);
            else
                assert_null(r.next);
            record_release(&r);
        }
    }
    buf_release(&body);
    buf_release(&packed);
}

static void test_robots_header(void **state)
{
    (void)state;
    struct buf body = BUF_INIT(1 << 20);
    struct record r;
    read_fixture("sitemap", &body);
    assert_int_equal(extract(body.data, body.len, "text/xml", "nofollow", &r), CODE_NO_ARTICLE);
    assert_int_equal(r.links.count, 0);
    record_release(&r);
    assert_int_equal(extract(body.data, body.len, "text/xml", "noindex", &r), CODE_NOINDEX);
    assert_int_equal(r.links.count, 2);
    record_release(&r);
    buf_release(&body);
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        enum feed_kind kind;
    } cases[] = {{"<rss>", FEED_RSS},
                 {" \n<?xml version='1.0'?>\r\n<rss version='2.0'/>", FEED_RSS},
                 {"\xef\xbb\xbf<feed>", FEED_ATOM},
                 {"<x:feed xmlns:x='a'>", FEED_ATOM},
                 {"<!-- <html> --><urlset>", FEED_SITEMAP},
                 {"<!DOCTYPE rss SYSTEM 'x' [<!ENTITY a '>'>]><rss>", FEED_RSS},
                 {"<sitemapindex/>", FEED_SITEMAP_INDEX},
                 {"<rssx>", FEED_NONE},
                 {"<html><rss>", FEED_NONE},
                 {"<svg>", FEED_NONE},
                 {"rss", FEED_NONE},
                 {"<!-- <rss>", FEED_NONE},
                 {"<?xml", FEED_NONE},
                 {"<", FEED_NONE},
                 {"", FEED_NONE}};
    for (size_t i = 0; i < COUNT(cases); i++)
        if (feed_kind_of(cases[i].document, strlen(cases[i].document)) != cases[i].kind) fail_msg("%s", cases[i].document);
}

static const struct {
    const char *text;
    int64_t date; /* seconds since 1970; -1: none */
} moments[] = {{"2024-02-29", 1709164800},
               {"2024-02-29T01:00:00Z", 1709168400},
               {"2024-02-29T01:00Z", 1709168400},
               {"2024-02-29T01:00:00.123+01:00", 1709164800},
               {"2024-02-29 01:00:00 +0100", 1709164800},
               {"Thu, 29 Feb 2024 01:00:00 GMT", 1709168400},
               {"29 Feb 2024 01:00 EST", 1709186400},
               {"Thu, 29 Feb 2024 01:00:00 -0330", 1709181000},
               {"2024-02-29T25:00:00Z", 1709164800},
               {"1970-01-01T00:00:00Z", -1},
               {"2024-02-30", -1},
               {"yesterday", -1},
               {"", -1},
               {":", -1}};

static void test_moments(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(moments); i++) {
        int64_t ms = -SECOND;
        bool ok = date_moment(span_of(moments[i].text, strlen(moments[i].text)), &ms);
        if (ok != (moments[i].date >= 0) || ms != moments[i].date * SECOND) fail_msg("%s: %lld", moments[i].text, (long long)ms);
    }
}

/* What is broken gives what was before the break, and never hangs or fails. */
static void test_broken(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        size_t links;
    } cases[] = {
        {"<urlset><url><loc>http://a.test/1</loc></url><url><loc>http://a.test/2</loc>", 2},
        {"<urlset><url><loc>http://a.test/1</loc></url><url><loc>http://a.test/2", 1},
        {"<urlset><url><loc>http://a.test/1</url><url><loc>http://a.test/2</loc></url></urlset>", 0},
        {"<urlset><url><loc>http://a.test/&nbsp;x&undefined;</loc></url></urlset>", 1},
        {"<rss><channel><item><link>http://a.test/1</link><title>\x01 & \x1f < 5</title></item>"
         "<item><link>http://a.test/2</link></item></channel></rss>",
         2},
        {"<rss><item><link/></item><item/><item><link></link></item></rss>", 0},
        {"<feed><entry><link/></entry><entry><link href=''/></entry></feed>", 0},
        {"<urlset>", 0},
        {"<urlset/>", 0},
        {"<rss", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct record r;
        assert_int_equal(extract(cases[i].document, strlen(cases[i].document), "text/xml", "", &r), CODE_NO_ARTICLE);
        if (cases[i].links && r.links.count != cases[i].links) fail_msg("%s: %zu links", cases[i].document, r.links.count);
        record_release(&r);
    }
}

/* Entities that multiply, and files outside: nothing before the root is read. */
static void test_entities(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1 << 20);
    struct record r;
    buf_add_str(&b, "<?xml version='1.0'?><!DOCTYPE rss SYSTEM 'file:///etc/passwd' [<!ENTITY e0 'http://bomb.test/'>");
    for (int i = 1; i < 30; i++) buf_addf(&b, "<!ENTITY e%d '&e%d;&e%d;'>", i, i - 1, i - 1);
    buf_add_str(&b, "<!ENTITY file SYSTEM 'file:///etc/passwd'>]><rss><item><link>http://a.test/&e29;&file;</link></item></rss>");
    assert_int_equal(extract(b.data, b.len, "text/xml", "", &r), CODE_NO_ARTICLE);
    assert_int_equal(r.links.count, 1);
    assert_string_equal(r.links.items[0], "http://a.test/&e29;&file;");
    record_release(&r);
    buf_release(&b);
}

static void test_caps(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(8u << 20);
    struct record r;
    /* what the protocol allows, and more */
    for (unsigned more = 0; more <= 1000; more += 1000) {
        buf_reset(&b);
        buf_add_str(&b, "<urlset>");
        for (unsigned i = 0; i < LIMIT_LIST_LINKS + more; i++)
            buf_addf(&b, "<url><loc>http://a.test/%u</loc><lastmod>2024-02-29</lastmod></url>", i);
        assert_int_equal(extract(b.data, b.len, "text/xml", "", &r), CODE_NO_ARTICLE);
        assert_int_equal(r.links.count, 50000);
        assert_int_equal(r.links.dates_count, 50000);
        assert_string_equal(r.links.items[49999], "http://a.test/49999");
        assert_int_equal(r.links_cut, more);
        record_release(&r);
    }
    /* long ones: bytes */
    char name[1000];
    memset(name, 'x', sizeof name);
    buf_reset(&b);
    buf_add_str(&b, "<urlset>");
    for (unsigned i = 0; i < 7000; i++) buf_addf(&b, "<url><loc>/%u%.*s</loc></url>", i, (int)sizeof name, name);
    assert_int_equal(extract(b.data, b.len, "text/xml", "", &r), CODE_NO_ARTICLE);
    assert_int_equal(r.links.count, 7000);
    assert_true(r.links.bytes <= LIMIT_LIST_BYTES);
    record_release(&r);
    buf_release(&b);
}

static void fill(struct buf *b, const char *begin, const char *again, size_t bytes)
{
    buf_reset(b);
    buf_add_str(b, begin);
    while (b->len < bytes && buf_add_str(b, again)) continue;
}

/* Each of these costs quadratic time somewhere in an XML parser that is not held back. */
static void test_traps(void **state)
{
    (void)state;
    static const struct {
        const char *name, *begin, *again;
    } traps[] = {{"depth", "<rss>", "<a>"},
                 {"namespaces", "<rss>", "<a xmlns:b='c'>"},
                 {"attributes", "<rss ", "a='b' "},
                 {"items in items", "<rss>", "<item>"},
                 {"text", "<rss><item><link>", "http://a.test/"},
                 {"comments", "<rss>", "<!-- - -->"},
                 {"open comments", "<rss>", "<!-- "},
                 {"ampersands", "<rss><item><link>", "&"},
                 {"open CDATA", "<rss>&", "<![CDATA["},
                 {"end tags", "<rss>", "</a>"},
                 {"dates", "<rss>", "<item><link>http://a.test/</link><pubDate>1 1 1 1 1 1 1 1</pubDate></item>"},
                 {"CDATA after an ampersand", "<rss>&", "<![CDATA[x]]>"},
                 {"faulty tags", "<rss>", "<a%/>"},
                 {"references", "<rss><item><link>", "&lt;"},
                 {"angles", "<rss>", "<"}};
    struct buf b = BUF_INIT(2u << 20);
    for (size_t i = 0; i < COUNT(traps); i++) {
        struct record r;
        fill(&b, traps[i].begin, traps[i].again, 1u << 20);
        clock_t start = clock(); /* CPU time: the machine may be busy */
        extract(b.data, b.len, "text/xml", "", &r);
        long took = (long)((clock() - start) * 1000 / CLOCKS_PER_SEC);
        if (took > TRAP_MS) fail_msg("%s: %ld ms for a MiB", traps[i].name, took);
        record_release(&r);
    }
    buf_release(&b);
}

static void test_gzip(void **state)
{
    (void)state;
    struct buf plain = BUF_INIT(2 * LIMIT_BODY), packed = BUF_INIT(2 * LIMIT_BODY);
    struct record r;
    fill(&plain, "<urlset>", "<url><loc>http://a.test/</loc></url>", LIMIT_BODY + 1000);
    pack_gzip(&packed, plain.data, plain.len);
    assert_int_equal(extract(packed.data, packed.len, "application/gzip", "", &r), CODE_TOO_LARGE);
    record_release(&r);

    buf_reset(&packed);
    pack_gzip(&packed, "just a text", 11);
    assert_int_equal(extract(packed.data, packed.len, "application/gzip", "", &r), CODE_UNSUPPORTED_TYPE);
    assert_int_equal(extract(packed.data, packed.len, "text/html", "", &r), CODE_UNSUPPORTED_TYPE);
    assert_int_equal(extract("\x1f\x8b nonsense", 11, "text/html", "", &r), CODE_UNSUPPORTED_TYPE);

    /* two members are one file; a file that breaks off gives what there is */
    static const char head[] = "<urlset><url><loc>http://a.test/1</loc></url>", tail[] = "<url><loc>http://a.test/2</loc></url></urlset>";
    buf_reset(&packed);
    pack_gzip(&packed, head, sizeof head - 1);
    size_t first = packed.len;
    pack_gzip(&packed, tail, sizeof tail - 1);
    assert_int_equal(extract(packed.data, packed.len, "application/x-gzip", "", &r), CODE_NO_ARTICLE);
    assert_int_equal(r.links.count, 2);
    record_release(&r);
    struct extract_notes notes = {.explain = NULL};
    const struct extract_input in = {
        .bytes = packed.data, .n = first + 15, .url = URL, .content_type = "application/x-gzip", .robots_tag = ""};
    r = (struct record){.kind = RECORD_EMPTY};
    assert_int_equal(extract_page(&in, &r, &notes), CODE_NO_ARTICLE);
    assert_int_equal(r.links.count, 1);
    assert_non_null(strstr(notes.detail, "; the gzip file is cut short"));
    record_release(&r);
    buf_release(&plain);
    buf_release(&packed);
}

static void test_unsupported_xml(void **state)
{
    (void)state;
    static const char *const documents[] = {"<svg xmlns='http://www.w3.org/2000/svg'/>", "<?xml version='1.0'?><opml/>", "<x>y</x>", "xml"};
    for (size_t i = 0; i < COUNT(documents); i++) {
        struct record r;
        assert_int_equal(extract(documents[i], strlen(documents[i]), "application/xml", "", &r), CODE_UNSUPPORTED_TYPE);
        record_release(&r);
    }
}

int main(void)
{
    extract_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures), cmocka_unit_test(test_robots_header),
        cmocka_unit_test(test_kinds),    cmocka_unit_test(test_moments),
        cmocka_unit_test(test_broken),   cmocka_unit_test(test_entities),
        cmocka_unit_test(test_caps),     cmocka_unit_test(test_traps),
        cmocka_unit_test(test_gzip),     cmocka_unit_test(test_unsupported_xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
