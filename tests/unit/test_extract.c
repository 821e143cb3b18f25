/* Extraction: whole pages against their texts, verdicts, robots directives, links, dates, language. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser/extract/date.h"
#include "parser/extract/extract.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define FIXTURES "tests/fixtures/html/"
#define URL      "http://canal.test/news/letter?x=1"
#define SENTENCES                                                                                                                          \
    "<p>The keeper of the lock went down to the water in the morning, as he always did, and saw that the gate was open.</p>"               \
    "<p>Nobody had been there in the night, so far as he knew, and the key was still hanging on its nail behind the door.</p>"

static enum code extract(const char *bytes, size_t n, const char *type, const char *robots, struct record *r, struct extract_notes *notes)
{
    memset(r, 0, sizeof *r);
    memset(notes, 0, sizeof *notes);
    struct extract_input in = {.bytes = bytes, .n = n, .url = URL, .content_type = type, .robots_tag = robots};
    return extract_page(&in, r, notes);
}

static enum code extract_html(const char *html, struct record *r)
{
    struct extract_notes notes;
    return extract(html, strlen(html), "text/html; charset=utf-8", "", r, &notes);
}

static char *read_fixture(const char *name, const char *ending)
{
    char path[200];
    struct buf text = BUF_INIT(1 << 20);
    snprintf(path, sizeof path, FIXTURES "%s.%s", name, ending);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;) buf_add_char(&text, (char)c);
    fclose(f);
    return buf_take(&text);
}

/* expect ends in a line end, as files do */
static void check_text(const char *name, const char *got, const char *expect)
{
    size_t n = strlen(expect) - 1;
    if (!got || strlen(got) != n || memcmp(got, expect, n) != 0) fail_msg("%s: got\n%s\n--- want\n%s", name, got ? got : "nothing", expect);
}

static void test_fixtures(void **state)
{
    (void)state;
    static const char *const names[] = {"news", "manual", "wiki"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char *html = read_fixture(names[i], "html"), *text = read_fixture(names[i], "txt"), *markdown = read_fixture(names[i], "md");
        struct record r;
        assert_int_equal(extract_html(html, &r), CODE_OK);
        check_text(names[i], r.text, text);
        check_text(names[i], r.markdown, markdown);
        record_release(&r);
        free(html), free(text), free(markdown);
    }
}

static void test_metadata(void **state)
{
    (void)state;
    char *html = read_fixture("news", "html");
    struct record r;
    extract_html(html, &r);
    assert_string_equal(r.title, "Lock keeper finds century-old letter");
    assert_string_equal(r.byline, "Ada Marsh");
    assert_string_equal(r.date, "2024-03-02");
    assert_string_equal(r.lang, "en-GB");
    assert_string_equal(r.site, "The Canal Post");
    assert_string_equal(r.excerpt, "A bottle behind a lock gate held a letter from 1921.");
    assert_string_equal(r.canonical, "http://canal.test/news/letter");
    assert_int_equal(r.words, 129);
    assert_int_equal(strlen(r.hash), 32);
    record_release(&r);
    free(html);
}

static void test_index_page(void **state)
{
    (void)state;
    char *html = read_fixture("index", "html");
    struct record r;
    assert_int_equal(extract_html(html, &r), CODE_NO_ARTICLE);
    assert_null(r.text);
    assert_int_equal(r.links.count, 7);
    assert_string_equal(r.links.items[6], "http://canal.test/page/2");
    record_release(&r);
    free(html);
}

static const struct {
    const char *name, *type, *robots, *page;
    size_t n; /* 0: strlen */
    enum code code;
    size_t links;
} verdicts[] = {
    {"article", "text/html", "", SENTENCES "<a href=/a>a</a>", 0, CODE_OK, 1},
    {"no header", "", "", "<!doctype html>" SENTENCES, 0, CODE_OK, 0},
    {"XHTML", "application/xhtml+xml; charset=utf-8", "", "<html><body>" SENTENCES "</body></html>", 0, CODE_OK, 0},
    {"octet stream that is HTML", "application/octet-stream", "", "<html>" SENTENCES, 0, CODE_OK, 0},
    {"empty", "text/html", "", "", 0, CODE_NO_ARTICLE, 0},
    {"blanks", "text/html", "", " \n ", 0, CODE_NO_ARTICLE, 0},
    {"only links", "text/html", "", "<a href=/a>one</a> <a href=/b>two</a>", 0, CODE_NO_ARTICLE, 2},
    {"XHTML as XML", "text/xml", "", "<?xml version=\"1.0\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">" SENTENCES "</html>", 0,
     CODE_OK, 0},
    {"XHTML with empty elements", "application/xhtml+xml", "",
     "<html><head><script src=\"a.js\"/><title/></head><body><div id=\"top\"/><a id=\"a\"/>" SENTENCES "<a href=\"/a\">a</a></body></html>",
     0, CODE_OK, 1},
    {"feed", "text/html", "", "<rss><channel><item><link>/a</link></item></channel></rss>", 0, CODE_NO_ARTICLE, 1},
    {"sitemap", "application/octet-stream", "", "<urlset><url><loc>/a</loc></url></urlset>", 0, CODE_NO_ARTICLE, 1},
    {"a feed shown as text", "text/plain", "", "<rss><channel><item><link>/a</link></item></channel></rss>", 0, CODE_OK, 0},
    {"other XML", "application/xml", "", "<?xml version='1.0'?><data><link>/a</link></data>", 0, CODE_UNSUPPORTED_TYPE, 0},
    {"PDF", "application/pdf", "", "%PDF-1.7 and so on", 0, CODE_UNSUPPORTED_TYPE, 0},
    {"PDF said to be text", "text/plain", "", "%PDF-1.7 and so on", 0, CODE_UNSUPPORTED_TYPE, 0},
    {"word processor", "application/msword", "", "\xd0\xcf\x11\xe0", 0, CODE_UNSUPPORTED_TYPE, 0},
    {"text", "text/plain", "", "a line\r\nanother", 0, CODE_OK, 0},
    {"image", "image/png", "", "\x89PNG", 0, CODE_UNSUPPORTED_TYPE, 0},
    {"PDF said to be HTML", "text/html", "", "%PDF-1.7 and so on", 0, CODE_UNSUPPORTED_TYPE, 0},
    {"JSON", "application/json", "", "{\"a\":1}", 0, CODE_UNSUPPORTED_TYPE, 0},
    {"bytes", "text/html; charset=utf-8", "", "\x01\x02\xff\x80\xfe\x81\xc0\xc1\xff\x03", 10, CODE_BAD_ENCODING, 0},
    {"an encoding nobody may decode", "text/html; charset=iso-2022-kr", "", SENTENCES, 0, CODE_BAD_ENCODING, 0},
    {"meta noindex", "text/html", "", "<meta name=robots content='NOINDEX, follow'>" SENTENCES "<a href=/a>a</a>", 0, CODE_NOINDEX, 1},
    {"meta nofollow", "text/html", "", "<meta name=robots content=nofollow>" SENTENCES "<a href=/a>a</a>", 0, CODE_OK, 0},
    {"meta none", "text/html", "", "<meta name=robots content=none>" SENTENCES "<a href=/a>a</a>", 0, CODE_NOINDEX, 0},
    {"meta for us", "text/html", "", "<meta name=GistMill content=noindex>" SENTENCES "<a href=/a>a</a>", 0, CODE_NOINDEX, 1},
    {"meta for another robot", "text/html", "", "<meta name=googlebot content=none>" SENTENCES "<a href=/a>a</a>", 0, CODE_OK, 1},
    {"meta for us adds to that for all", "text/html", "",
     "<meta name=robots content=nofollow><meta name=gistmill content=noindex>" SENTENCES "<a href=/a>a</a>", 0, CODE_NOINDEX, 0},
    {"meta for us takes nothing back", "text/html", "",
     "<meta name=robots content=noindex><meta name=gistmill content=index>" SENTENCES "<a href=/a>a</a>", 0, CODE_NOINDEX, 1},
    {"headers and meta add up", "text/html", "googlebot: noindex\nnofollow",
     "<meta name=robots content=noindex>" SENTENCES "<a href=/a>a</a>", 0, CODE_NOINDEX, 0},
    {"header noindex", "text/html", "noindex", SENTENCES "<a href=/a>a</a>", 0, CODE_NOINDEX, 1},
    {"header for another robot", "text/html", "googlebot: noindex, nofollow", SENTENCES "<a href=/a>a</a>", 0, CODE_OK, 1},
    {"header for us", "text/html", "googlebot: nofollow, gistmill: noindex", SENTENCES "<a href=/a>a</a>", 0, CODE_NOINDEX, 1},
    {"header with limits", "text/html", "max-snippet: 20, noindex", SENTENCES, 0, CODE_NOINDEX, 0},
    {"text with header", "text/plain", "noindex", "a line", 0, CODE_NOINDEX, 0},
};

/* With both directives ignored: as if nobody had said them, for HTML, text and feeds alike. */
static void test_ignored_directives(void **state)
{
    (void)state;
    static const struct {
        const char *type, *page;
        enum code code;
        size_t links;
    } pages[] = {
        {"text/html", "<meta name=robots content=none><meta name=gistmill content=none>" SENTENCES "<a href=/a>a</a>", CODE_OK, 1},
        {"text/plain", "a line", CODE_OK, 0},
        {"text/xml", "<urlset><url><loc>/a</loc></url></urlset>", CODE_NO_ARTICLE, 1},
    };
    for (size_t i = 0; i < COUNT(pages); i++)
        for (int ignored = 0; ignored < 4; ignored++) {
            struct record r = {.kind = RECORD_ARTICLE};
            struct extract_notes notes = {.explain = NULL};
            struct extract_input in = {.bytes = pages[i].page,
                                       .n = strlen(pages[i].page),
                                       .url = URL,
                                       .content_type = pages[i].type,
                                       .robots_tag = "none",
                                       .ignore_noindex = ignored & 1,
                                       .ignore_nofollow = ignored & 2};
            assert_int_equal(extract_page(&in, &r, &notes), ignored & 1 ? pages[i].code : CODE_NOINDEX);
            assert_int_equal(r.links.count, ignored & 2 ? pages[i].links : 0);
            record_release(&r);
        }
}

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        struct record r;
        struct extract_notes notes;
        size_t n = verdicts[i].n ? verdicts[i].n : strlen(verdicts[i].page);
        enum code code = extract(verdicts[i].page, n, verdicts[i].type, verdicts[i].robots, &r, &notes);
        if (code != verdicts[i].code) fail_msg("%s: got %s, want %s", verdicts[i].name, code_name(code), code_name(verdicts[i].code));
        if (r.links.count != verdicts[i].links) fail_msg("%s: got %zu links, want %zu", verdicts[i].name, r.links.count, verdicts[i].links);
        record_release(&r);
    }
}

static const struct {
    const char *name, *html, *want; /* the links, parted by blanks */
} link_rows[] = {
    {"relative", "<a href=b>", "http://canal.test/news/b"},
    {"base", "<base href=/x/><a href=b>", "http://canal.test/x/b"},
    {"only the first base", "<base href=/x/><base href=/y/><a href=b>", "http://canal.test/x/b"},
    {"each once", "<a href=b><a href=./b><a href='b#c'><a href=b>", "http://canal.test/news/b"},
    {"not the page itself", "<a href='?x=1'><a href=''><a href='#top'><a href=b>", "http://canal.test/news/b"},
    {"http and https only", "<a href=javascript:x()><a href=mailto:a@b><a href=ftp://a/><a href=https://a.test/>", "https://a.test/"},
    {"area and frame", "<map><area href=a></map><frameset><frame src=b></frameset>", "http://canal.test/news/a http://canal.test/news/b"},
    {"blanks around", "<a href=' b '>", "http://canal.test/news/b"},
    {"entities", "<a href='b?x=1&amp;y=2'>", "http://canal.test/news/b?x=1&y=2"},
    {"no links", "<a name=x>", ""},
};

static void test_links(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(link_rows); i++) {
        struct record r = {.url = NULL};
        struct extract_notes notes = {.explain = NULL};
        struct buf got = BUF_INIT(4096);
        char url[] = URL;
        r.url = url;
        struct extract_input in = {
            .bytes = link_rows[i].html, .n = strlen(link_rows[i].html), .url = url, .content_type = "text/html", .robots_tag = ""};
        extract_page(&in, &r, &notes);
        r.url = NULL;
        for (size_t k = 0; k < r.links.count; k++) buf_addf(&got, "%s%s", k ? " " : "", r.links.items[k]);
        if (strcmp(buf_str(&got), link_rows[i].want) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", link_rows[i].name, buf_str(&got), link_rows[i].want);
        buf_release(&got);
        record_release(&r);
    }
}

static const struct {
    const char *text, *want; /* NULL: no date */
} dates[] = {
    {"2024-02-29", "2024-02-29"},
    {"2024-02-29T23:59:59+02:00", "2024-02-29"},
    {"20240229", "2024-02-29"},
    {"2023-02-31", NULL},
    {"29. Februar 2024", "2024-02-29"},
    {"Feb 29, 2024", "2024-02-29"},
    {"29.2.2024", "2024-02-29"},
    {"29.02.24", "2024-02-29"},
    {"Thu, 29 Feb 2024 10:00:00 GMT", "2024-02-29"},
    {"29 de febrero de 2024", "2024-02-29"},
    {"29 février 2024", "2024-02-29"},
    {"29 lutego 2024", "2024-02-29"},
    {"29 февраля 2024", "2024-02-29"},
    {"2024年2月29日", "2024-02-29"},
    {"5. März 2024", "2024-03-05"},
    {"02/29/2024", "2024-02-29"},
    {"29/02/2024", "2024-02-29"},
    {"03/04/2024", NULL},
    {"1.2.3.4", NULL},
    {"1066-10-14", NULL},
    {"in May we met 12 people", NULL},
    {"", NULL},
    {"12345678901", NULL},
};

static void test_dates(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(dates); i++) {
        char date[DATE_SIZE] = "";
        bool found = date_parse(span_of(dates[i].text, strlen(dates[i].text)), date);
        if (found != (dates[i].want != NULL) || (found && strcmp(date, dates[i].want) != 0))
            fail_msg("%s: got %s, want %s", dates[i].text, found ? date : "none", dates[i].want ? dates[i].want : "none");
    }
}

static const struct {
    const char *name, *html, *title;
} titles[] = {
    {"headline in the title", "<title>The lock | Canal Post</title><h1>The lock</h1>", "The lock"},
    {"site known", "<meta property=og:site_name content='Canal Post'><title>The lock - Canal Post</title>", "The lock"},
    {"longest part", "<title>The keeper of the lock finds a letter - Post</title>", "The keeper of the lock finds a letter"},
    {"dash within", "<title>Locks - and their keepers</title><h1>Locks - and their keepers</h1>", "Locks - and their keepers"},
    {"only a headline", "<h1>The <em>lock</em></h1>", "The lock"},
    {"nothing", "<p>text", NULL},
};

static void test_titles(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(titles); i++) {
        struct record r;
        extract_html(titles[i].html, &r);
        if ((r.title == NULL) != (titles[i].title == NULL) || (r.title && strcmp(r.title, titles[i].title) != 0))
            fail_msg("%s: got %s, want %s", titles[i].name, r.title ? r.title : "none", titles[i].title ? titles[i].title : "none");
        record_release(&r);
    }
}

static void test_language(void **state)
{
    (void)state;
    struct record r;
    extract_html(
        "<p>Der Wärter ging am Morgen zum Wasser hinunter, wie er es immer tat, und sah, dass das Tor offen stand. Niemand war in der Nacht dort gewesen, so viel wusste er.",
        &r);
    assert_string_equal(r.lang, "de");
    record_release(&r);
    extract_html("<html lang=fr_CA>" SENTENCES, &r);
    assert_string_equal(r.lang, "fr-CA");
    record_release(&r);
}

/* White space is no part of a text's identity, everything else is. */
static void test_hash(void **state)
{
    (void)state;
    struct record a, b, c;
    extract_html("<html>" SENTENCES, &a);
    extract_html("<html><div>\n" SENTENCES "\n\n</div><!-- later -->", &b);
    extract_html("<html>" SENTENCES "<p>It was the first day of the year, and nobody was about.", &c);
    assert_string_equal(a.hash, b.hash);
    assert_string_not_equal(a.hash, c.hash);
    record_release(&a), record_release(&b), record_release(&c);
}

/* Lines that stand among an article's paragraphs without being part of it. */
static void test_other_pages(void **state)
{
    (void)state;
    static const char *const others[] = {
        "<p>The council of the city has found a sum in its accounts that nobody had been looking for… <a href=/2>Read more</a></p>",
        "<p><a href=/3>BRIDGE ACROSS THE OLD HARBOUR IS TO BE CLOSED</a></p>",
        "<p>Zobacz inne: <a href=/3>Bridge across the old harbour</a></p>",
        "<p>Nobody had been there in the night, so far as he knew, and the key was still hanging on its nail behind the door.</p>",
    };
    struct record plain, r;
    assert_int_equal(
        extract_html("<article>" SENTENCES
                     "<p>He closed it with both hands, and wrote that down in the book as the rules of the canal demand.</p></article>",
                     &plain),
        CODE_OK);
    for (size_t i = 0; i < COUNT(others); i++) {
        struct buf html = BUF_INIT(10000);
        buf_addf(
            &html,
            "<article>%s%s<p>He closed it with both hands, and wrote that down in the book as the rules of the canal demand.</p></article>",
            SENTENCES, others[i]);
        assert_int_equal(extract_html(buf_str(&html), &r), CODE_OK);
        assert_string_equal(r.text, plain.text);
        record_release(&r);
        buf_release(&html);
    }
    record_release(&plain);
}

static void test_explain(void **state)
{
    (void)state;
    struct record r = {.kind = RECORD_ARTICLE};
    struct buf explained = BUF_INIT(1 << 20);
    struct extract_notes notes = {.explain = &explained};
    const char *html = "<nav><a href=/>Home</a></nav>" SENTENCES;
    struct extract_input in = {.bytes = html, .n = strlen(html), .url = URL, .content_type = "text/html", .robots_tag = ""};
    extract_page(&in, &r, &notes);
    assert_non_null(strstr(buf_str(&explained), "navigation"));
    assert_non_null(strstr(buf_str(&explained), "kept"));
    buf_release(&explained);
    record_release(&r);
}

int main(void)
{
    extract_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),   cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_index_page), cmocka_unit_test(test_ignored_directives),
        cmocka_unit_test(test_verdicts),   cmocka_unit_test(test_links),
        cmocka_unit_test(test_dates),      cmocka_unit_test(test_titles),
        cmocka_unit_test(test_language),   cmocka_unit_test(test_hash),
        cmocka_unit_test(test_explain),    cmocka_unit_test(test_other_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
