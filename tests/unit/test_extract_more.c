/* Extraction, further: rel=next, AMP, feeds, kinds of lists, the fingerprint, pages of MediaWiki. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "parser/extract/extract.h"
#include "parser/extract/simhash.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define URL      "http://canal.test/news/letter?x=1"
#define SENTENCES                                                                                                                          \
    "<p>The keeper of the lock went down to the water in the morning, as he always did, and saw that the gate was open.</p>"               \
    "<p>Nobody had been there in the night, so far as he knew, and the key was still hanging on its nail behind the door.</p>"

static enum code extract_html(const char *html, struct record *r)
{
    struct extract_notes notes = {.explain = NULL};
    struct extract_input in = {.bytes = html, .n = strlen(html), .url = URL, .content_type = "text/html; charset=utf-8", .robots_tag = ""};
    *r = (struct record){.kind = RECORD_ARTICLE};
    return extract_page(&in, r, &notes);
}

static const struct {
    const char *head, *next, *amp;
} relations[] = {
    {"<link rel=next href=2>", "http://canal.test/news/2", NULL},
    {"<link rel='prefetch NEXT' href=/2>", "http://canal.test/2", NULL},
    {"<link rel=nextpage href=2>", NULL, NULL},
    {"<a rel='nofollow next' href=3>more</a>", "http://canal.test/news/3", NULL},
    {"<a rel=next href=3>more</a><link rel=next href=2><link rel=next href=9>", "http://canal.test/news/2", NULL},
    {"<link rel=amphtml href='?amp=1'>", NULL, "http://canal.test/news/letter?amp=1"},
    {"<a rel=amphtml href=/amp>no</a>", NULL, NULL},
    {"<link rel=amphtml href='javascript:x'><link rel=next href=mailto:x>", NULL, NULL},
    {"<link rel=amphtml><link rel=next>", NULL, NULL},
    {"<meta name=robots content=nofollow><link rel=next href=2>", NULL, NULL},
};

static void check_same(const char *what, const char *got, const char *want)
{
    if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0)) fail_msg("%s: %s, not %s", what, got ? got : "none", want);
}

static void test_relations(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(relations); i++) {
        struct record r;
        struct buf html = BUF_INIT(10000);
        buf_addf(&html, "%s" SENTENCES, relations[i].head);
        extract_html(buf_str(&html), &r);
        check_same(relations[i].head, r.next, relations[i].next);
        check_same(relations[i].head, r.amp, relations[i].amp);
        record_release(&r);
        buf_release(&html);
    }
}

#define RSS  "<link rel=alternate type=application/rss+xml href="
#define ATOM "<link type='Application/Atom+XML; charset=utf-8' rel='home ALTERNATE' href="
#define NOT  "<meta name=robots content=nofollow>"

static const struct {
    const char *head, *feeds;
} announced[] = {
    {RSS "/rss>", "http://canal.test/rss"},
    {RSS "/rss>" ATOM "atom>" RSS "/rss>", "http://canal.test/rss\nhttp://canal.test/news/atom"},
    {"<base href=http://b.test/>" ATOM "a#x>", "http://b.test/a"},
    {"<link rel=alternate type=text/html href=/de><link rel=stylesheet type=application/rss+xml href=/no>", NULL},
    {"<a rel=alternate type=application/rss+xml href=/rss>no</a>" RSS ">" RSS "javascript:x>", NULL},
    {RSS "/1>" RSS "/2>" RSS "/3>" RSS "/4>" RSS "/5>" RSS "/6>" RSS "/7>" RSS "/8>" RSS "/9>",
     "http://canal.test/1\nhttp://canal.test/2\nhttp://canal.test/3\nhttp://canal.test/4\nhttp://canal.test/5\nhttp://canal.test/6\n"
     "http://canal.test/7\nhttp://canal.test/8"},
    {NOT RSS "/rss>", NULL},
};

static void test_feeds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(announced); i++) {
        struct record r;
        struct buf html = BUF_INIT(10000);
        buf_addf(&html, "%s" SENTENCES, announced[i].head);
        extract_html(buf_str(&html), &r);
        check_same(announced[i].head, r.feeds, announced[i].feeds);
        record_release(&r);
        buf_release(&html);
    }
}

static void test_lists(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum record_list list;
    } lists[] = {
        {"<p>none", LIST_NONE},
        {"<rss><channel></channel></rss>", LIST_FEED},
        {"<feed></feed>", LIST_FEED},
        {"<urlset></urlset>", LIST_SITEMAP},
        {"<sitemapindex></sitemapindex>", LIST_SITEMAPS},
    };
    for (size_t i = 0; i < COUNT(lists); i++) {
        struct record r;
        extract_html(lists[i].text, &r);
        assert_int_equal(r.list, lists[i].list);
        record_release(&r);
    }
}

static unsigned distance(const char *a, const char *b)
{
    return (unsigned)__builtin_popcountll(simhash_of(a, strlen(a)) ^ simhash_of(b, strlen(b)));
}

static void test_simhash(void **state)
{
    (void)state;
    static const char text[] =
        "The keeper of the lock went down to the water in the morning, as he always did, and saw that the gate was open. Nobody had "
        "been there in the night, so far as he knew, and the key was still hanging on its nail behind the door. He looked at the "
        "water for a while, then at the sky, and went back into the house to write a letter to the office in the town. It was the "
        "first letter of that year, and it was to be the last one that he wrote by hand.";
    static const char edited[] =
        "The keeper of the lock went down to the water in the morning, as he always did, and saw that the gate was open. Nobody had "
        "been there in the night, so far as he knew, and the key was still hanging on its hook behind the door. He looked at the "
        "water for a while, then at the sky, and went back into the house to write a letter to the office in the town. It was the "
        "first letter of that year, and it was to be the last one that he wrote by hand.";
    static const char other[] =
        "Bread needs flour, water, salt and time. Mix the flour with the water and let it stand for an hour before the salt goes in; then "
        "fold the dough every half hour until it holds its shape, and bake it in a very hot oven on a stone or in an iron pot.";
    char hex[SIMHASH_HEX];
    assert_int_equal(distance(text, text), 0);
    assert_in_range(distance(text, edited), 1, 12);
    assert_in_range(distance(text, other), 20, 44);
    assert_int_equal(distance("One, two - THREE four.", "one two\n\nthree four"), 0);
    assert_int_equal(distance("ШЛЮЗ на канале в городе", "шлюз на КАНАЛЕ в городе"), 0);
    assert_int_equal(distance("\xe6\xb0\xb4\xe9\x97\xa8\xe5\xbc\x80", "\xe6\xb0\xb4 \xe9\x97\xa8 \xe5\xbc\x80"), 0);
    assert_int_not_equal(distance("one two three", "three two one"), 0);
    assert_int_not_equal(simhash_of("word", 4), 0);
    assert_true(simhash_of("", 0) == 0 && simhash_of(" .,", 3) == 0);
    simhash_hex(simhash_of(text, sizeof text - 1), hex);
    assert_string_equal(hex, "341d5ce1a2913ae6"); /* stored ones must stay comparable */

    struct record r;
    extract_html("<html>" SENTENCES, &r);
    assert_int_equal(strlen(r.simhash), 16);
    record_release(&r);
}

/* Cyrillic titles in URLs: written out and percent-encoded in any case they are one page. */
/* A page that is one text of more than a record takes is cut between characters, in both forms. */
static void test_one_long_text(void **state)
{
    (void)state;
    static const char *const begins[] = {"<pre>a", "<pre>", "<p>a", "<p>"};
    for (size_t i = 0; i < COUNT(begins); i++) {
        struct record r;
        struct buf html = BUF_INIT(LIMIT_BODY);
        buf_add_str(&html, begins[i]);
        for (size_t k = 0; k < LIMIT_MARKDOWN; k++) buf_add_str(&html, k % 10 == 9 ? ". " : "\u00e9");
        assert_int_equal(extract_html(buf_str(&html), &r), CODE_OK);
        assert_in_range(strlen(r.text), LIMIT_TEXT - 20, LIMIT_TEXT);
        assert_in_range(strlen(r.markdown), LIMIT_MARKDOWN - 2000, LIMIT_MARKDOWN);
        assert_true(utf8_valid(r.text, strlen(r.text)));
        assert_true(utf8_valid(r.markdown, strlen(r.markdown)));
        record_release(&r);
        buf_release(&html);
    }
}

static void test_wiki_links(void **state)
{
    (void)state;
    struct buf html = BUF_INIT(1 << 20);
    struct record r;
    FILE *f = fopen("tests/fixtures/html/wiki.html", "r");
    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;) buf_add_char(&html, (char)c);
    fclose(f);
    assert_int_equal(extract_html(buf_str(&html), &r), CODE_OK);
    assert_string_equal(r.title, "Шлюз (канал)");
    assert_string_equal(r.canonical, "http://wiki.canal.test/wiki/%D0%A8%D0%BB%D1%8E%D0%B7_(%D0%BA%D0%B0%D0%BD%D0%B0%D0%BB)");
    assert_int_equal(strncmp(r.excerpt, "Шлюз — сооружение", strlen("Шлюз — сооружение")), 0);
    record_release(&r);
    extract_html("<a href='/wiki/Шлюз'>a</a><a href='/wiki/%d0%a8%D0%BB%D1%8E%D0%B7'>b</a><a href='/wiki/%D0%A8%D0%BB%D1%8E%D0%B7#x'>c</a>",
                 &r);
    assert_int_equal(r.links.count, 1);
    assert_string_equal(r.links.items[0], "http://canal.test/wiki/%D0%A8%D0%BB%D1%8E%D0%B7");
    record_release(&r);
    buf_release(&html);
}

int main(void)
{
    extract_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relations), cmocka_unit_test(test_feeds),      cmocka_unit_test(test_lists),
        cmocka_unit_test(test_simhash),   cmocka_unit_test(test_wiki_links), cmocka_unit_test(test_one_long_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
