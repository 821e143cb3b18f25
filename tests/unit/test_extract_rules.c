/* The rules that tell an article from what stands around and within it, one small page each; and where names of authors are found. */
#include "test.h"

#include <string.h>

#include "parser/extract/byline.h"
#include "parser/extract/date.h"
#include "parser/extract/extract.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define FIRST    "<p>The keeper of the lock went down to the water in the morning, as he always did, and saw that the gate was open.</p>"
#define SECOND   "<p>Nobody had been there in the night, so far as he knew, and the key was still hanging on its nail behind the door.</p>"
#define THIRD    "<p>He closed it with both hands, and wrote that down in the book as the rules of the canal demand of its keepers.</p>"
#define TEXT                                                                                                                               \
    FIRST SECOND THIRD FIRST "<p>That evening the water stood a hand higher than the mark, and the boats lay still along the wall.</p>"
#define MORE                                                                                                                               \
    "<p>In the week that followed he asked everybody who lived along the water whether they had seen a boat pass without a light.</p>"     \
    "<p>Some had heard an engine, others had not, and the miller said that he had slept too well to say anything at all of it.</p>"        \
    "<p>So it was left at that, until the spring, when the water was let out of the upper basin and the old barge came to light.</p>"
#define TEASERS                                                                                                                            \
    "<ul><li class=t><a href=/1>The bridge across the harbour is closed</a></li><li class=t><a href=/2>A ferry for the upper lake at "     \
    "last</a></li><li class=t><a href=/3>How the canal came to its name</a></li><li class=t><a href=/4>Ten walks along the water "         \
    "side</a></li></ul>"

static void extract(const char *html, struct record *r)
{
    struct extract_notes notes = {.explain = NULL};
    struct extract_input in = {
        .bytes = html, .n = strlen(html), .url = "http://canal.test/x", .content_type = "text/html; charset=utf-8", .robots_tag = ""};
    memset(r, 0, sizeof *r);
    extract_page(&in, r, &notes);
}

/* Each page has the line "wanted" or "unwanted" in it. */
static const struct {
    const char *rule, *html;
    bool wanted;
} rule_pages[] = {
    {"a standfirst under a headline in other words than the title",
     "<title>Gate found open</title><header><h1>Lock gate stood open all night</h1>"
     "<p>A wanted sentence says in a few words what the rest of the page is about.</p></header><div class=article-body>" TEXT "</div>",
     true},
    {"a long heading as standfirst",
     "<title>Gate</title><article><h3>The gate of the lock was wanted open, says the whole canal</h3>" TEXT "</article>", true},
    {"a short heading before the text", "<title>Gate</title><article><h3>The unwanted gate</h3>" TEXT "</article>", false},
    {"a dialog whose parts have names of an article's",
     "<div>" TEXT "</div><div class=modal role=dialog><div class=content-text>" MORE SECOND
     "<p>All cookies are unwanted, but some are necessary for the working of the basic functions of the page, it says.</p></div></div>",
     false},
    {"a page that is a dialog",
     "<div class=modal role=dialog>" TEXT
     "<p>He was wanted at the town hall, where they had questions about the gate and its key.</p></div>",
     true},
    {"a byline between standfirst and text", "<article>" FIRST "<p>By Ann Wanted Feb 8, 2020 5 min read</p>" SECOND THIRD "</article>",
     false},
    {"a line with a date in the text", "<article>" FIRST SECOND "<p>Feb 8, 2020: a Wanted poster</p>" THIRD "</article>", true},
    {"a label above links", "<article>" TEXT "<h3>Ver unwanted:</h3><p><a href=/2>The bridge is closed</a></p>" MORE "</article>", false},
    {"a label above a picture with a link",
     "<article>" TEXT
     "<h3>Ver unwanted</h3><figure><figcaption>Old gate</figcaption></figure><p><a href=/2>The bridge is closed</a></p>" MORE "</article>",
     false},
    {"a short sentence above a link is none",
     "<article>" FIRST "<p>Much is wanted.</p><p><a href=/2>The bridge across the harbour is closed</a></p>" SECOND THIRD "</article>",
     true},
    {"the only h1 in a list of links",
     "<div><div class=c>" TEASERS "</div><div class=c><h1>Lock gate stood open</h1><p>This is the wanted standfirst of the page, and it "
     "is a sentence.</p><a href=/7>All about locks and gates</a></div><div class=c><a href=/8>All about harbours and piers</a></div>"
     "<div class=c><a href=/9>All about rivers and lakes</a></div></div><div>" TEXT "</div>",
     true},
    {"a noscript that is never closed, as libxml2 sees it",
     "<title>Gate</title><noscript><div id=n></noscript><article>" TEXT "<p>A wanted sentence is in this one, too, so it is.</p></article>",
     true},
    {"a noscript", "<article>" TEXT "</article><noscript><p>This unwanted page needs a program to be run.</p></noscript>", false},
    {"hidden overflow",
     "<article><p class=overflow-hidden>This wanted paragraph is as visible as any other one here.</p>" TEXT "</article>", true},
    {"hidden", "<article><p class=is-hidden>This unwanted paragraph is not as visible as any other one.</p>" TEXT "</article>", false},
    {"a figure that is a table",
     "<article>" FIRST "<figure><table><tr><td>Depth of the wanted water</td><td>4 m</td></tr></table></figure>" SECOND "</article>", true},
    {"a figure that is a picture", "<article>" FIRST "<figure><img src=x>The unwanted gate</figure>" SECOND "</article>", false},
    {"a short last sentence", "<article>" TEXT "<p>It was wanted.</p></article>", true},
    {"a short last line", "<article>" TEXT "<p>Unwanted canal</p></article>", false},
    {"a little after a list of other pages",
     "<div class=article-body>" TEXT MORE TEASERS "<p>This unwanted sentence asks for a little money, please.</p></div>", false},
    {"a link alone", "<article>" FIRST "<p><a href=/3>An unwanted bridge across the old harbour</a></p>" SECOND "</article>", false},
    {"copy is text", "<article><p class=t-copy>This wanted sentence is set in the type of the running text.</p>" TEXT "</article>", true},
    {"what stands behind the body",
     "<article><div>" TEXT TEXT "</div><div><p>The unwanted author of this has written about locks for ten years.</p></div></article>",
     false},
    {"a standfirst before the body",
     "<article><div><p>This wanted sentence says in a few words what the page is about.</p></div><div>" TEXT TEXT "</div></article>", true},
    {"a list at the beginning", "<article><ul><li>Wanted: one key</li><li>Two hands</li></ul>" TEXT "</article>", true},
    {"a list of dates at the beginning", "<article><ul><li>Unwanted, 3 March 2020</li></ul>" TEXT "</article>", false},
    {"a last paragraph in bold", "<article>" TEXT "<p><b>Get the unwanted news of the canal on your telephone.</b></p></article>", false},
};

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rule_pages); i++) {
        struct record r;
        extract(rule_pages[i].html, &r);
        if (!r.text || !strstr(r.text, "keeper of the lock"))
            fail_msg("%s: not the article, but\n%s", rule_pages[i].rule, r.text ? r.text : "nothing");
        bool found = strcasestr(r.text, "wanted") != NULL;
        if (found != rule_pages[i].wanted) fail_msg("%s: got\n%s", rule_pages[i].rule, r.text);
        record_release(&r);
    }
}

/* A table whose rows are named by links does not keep its neighbours out of the article. */
static void test_rows_with_links(void **state)
{
    (void)state;
    struct buf html = BUF_INIT(100000);
    struct record r;
    buf_add_str(&html, "<div id=all>" FIRST SECOND "<table>");
    for (int i = 0; i < 40; i++)
        buf_addf(&html, "<tr><td><a href=/gate%d>Gate number %d of the lower canal</a></td><td>%d m</td></tr>", i, i, i);
    buf_add_str(&html, "</table><div>" THIRD FIRST "</div></div>");
    extract(buf_str(&html), &r);
    assert_non_null(strstr(r.text, "closed it"));
    assert_non_null(strstr(r.text, "Nobody had been there"));
    record_release(&r);
    buf_release(&html);
}

static void test_bylines(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name; /* NULL: nobody */
    } lines[] = {
        {"By Jane Doe", "Jane Doe"},
        {"Posted by By Jane Doe", "Jane Doe"},
        {"Von: Jane Doe", "Jane Doe"},
        {"Jane Doe —", "Jane Doe"},
        {"Jane Doe | 19.11.2019", "Jane Doe"},
        {"Jane Doe March 25, 2015", "Jane Doe"},
        {"Jane Martin 25. März 2015", "Jane Martin"},
        {"erstellt von Jane Doe — veröffentlicht 12.03.2020", "Jane Doe"},
        {"gate2man", "gate2man"},
        {"AFP/The Local", "AFP/The Local"},
        {"By", NULL},
        {"No Author", NULL},
        {"Publiziert am 23. Mai 2012", NULL},
        {"https://canal.test/jane", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct span name = byline_clean(span_of(lines[i].line, strlen(lines[i].line)));
        if (!lines[i].name ? name.n != 0 : !span_is(name, lines[i].name)) fail_msg("%s: got '%.*s'", lines[i].line, (int)name.n, name.p);
    }
    assert_true(byline_is_host(span_of("canal-news.example", 18)));
    assert_false(byline_is_host(span_of("Jane Doe", 8)));
    assert_false(byline_is_host(span_of("J. Doe", 6)));
}

/* Where the author is named. */
static void test_authors(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "<script type=application/ld+json>{\"@graph\":[{\"@type\":\"Article\",\"author\":{\"@id\":\"#p\"}},{\"@type\":\"Person\",\"@id\":\"#p\","
        "\"name\":\"Ada Marsh\"}]}</script>",
        "<script type=application/ld+json>{\"@type\":\"NewsArticle\",\"author\":{\"@type\":\"Organization\",\"name\":\"Canal "
        "News\"}}</script><p class=byline>By Ada Marsh</p>",
        "<meta name=author content=canal.test><p class=byline>By Ada Marsh</p>",
        "<meta name=twitter:label1 content='Written by'><meta name=twitter:data1 content='Ada Marsh'>",
        "<meta name=twitter:label1 content='Price'><meta name=twitter:data1 content='Ten pounds'><p class=byline>By Ada Marsh</p>",
        "<div class=author-box><span class=fn>Ada Marsh</span> writes about locks and canals, and has done so for ten years</div>",
        "<div itemprop=author><span itemprop=name>Ada Marsh</span>, the chief editor</div>",
        "<meta property=og:article:author content='Ada Marsh'>",
    };
    struct record r;
    struct buf html = BUF_INIT(10000);
    for (size_t i = 0; i < COUNT(heads); i++) {
        buf_reset(&html);
        buf_addf(&html, "%s<article>%s</article>", heads[i], TEXT);
        extract(buf_str(&html), &r);
        if (!r.byline || strcmp(r.byline, "Ada Marsh") != 0) fail_msg("%s: got %s", heads[i], r.byline ? r.byline : "nobody");
        record_release(&r);
    }
    extract("<article><div class=article-body>" TEXT "</div></article><p class=post-author>Ada Marsh</p>", &r);
    assert_string_equal(r.byline, "Ada Marsh");
    record_release(&r);
    /* An organisation is better than nobody. */
    extract("<script type=application/ld+json>{\"@type\":\"NewsArticle\",\"author\":{\"@type\":\"Organization\",\"name\":\"Canal "
            "News\"}}</script><article>" TEXT "</article>",
            &r);
    assert_string_equal(r.byline, "Canal News");
    record_release(&r);
    buf_release(&html);
}

/* A date that the text begins with, or that follows it. */
static void test_datelines(void **state)
{
    (void)state;
    static const char *const pages[] = {
        "<article><p>Harbour, 29.11.2022 – The gate of the lock has been found open in the morning, as everybody knows.</p>" TEXT
        "</article>",
        "<article>" TEXT "</article><p>Filed on 29 November 2022 at noon</p>",
    };
    struct record r;
    for (size_t i = 0; i < COUNT(pages); i++) {
        extract(pages[i], &r);
        assert_non_null(r.date);
        assert_string_equal(r.date, "2022-11-29");
        record_release(&r);
    }
    extract("<article><p>The gate of the lock was opened for the first time, as everybody here knows, on 29.11.1992 by the keeper.</p>" TEXT
            "</article>",
            &r);
    assert_null(r.date);
    record_release(&r);
}

/* Letters and marks become one character in all that is read; an address is not read. */
static void test_marks(void **state)
{
    (void)state;
    static const struct {
        const char *text, *composed;
    } rows[] = {
        {"gepru\u0308ft.", "geprüft."},
        {"u&#776;", "ü"},
        {"u&#x308;&#x304;", "ǖ"},
        {"a\u0323\u0302.", "ậ."},
        {"x\u0301", "x\u0301"},
        {"e\u0316\u0301", "e\u0316\u0301"},
        {"=\u0338", "≠"},
        {"\u03b1\u0301", "\u03ac"},
        {"Й И\u0306", "Й Й"},
        {"<b>u</b>\u0308", "u\u0308"},
        {"\u0308", "\u0308"},
        {"ü\u0304", "ǖ"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct record r;
        struct buf page = BUF_INIT(4000);
        buf_addf(&page, "<article>" TEXT "<p>Nobody knew what this was: [%s], least of all the keeper of the lock.</p></article>",
                 rows[i].text);
        extract(buf_str(&page), &r);
        buf_reset(&page);
        buf_addf(&page, "[%s]", rows[i].composed);
        if (!strstr(r.text, buf_str(&page))) fail_msg("%s: %s", rows[i].text, r.text);
        buf_release(&page);
        record_release(&r);
    }
    struct record r;
    extract(
        "<meta property=og:title content='Der Mu\u0308ller'><article>" TEXT
        "<p>Der Müller ging <a href='/Mu\u0308ller'>mit dem Hu\u0308ter</a> zur Schleuse und sah am Morgen nach dem Wasser.</p></article>",
        &r);
    assert_string_equal(r.title, "Der Müller");
    assert_non_null(strstr(r.markdown, "Der Müller ging [mit dem Hüter](http://canal.test/Mu%CC%88ller)"));
    record_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),   cmocka_unit_test(test_rules),   cmocka_unit_test(test_rows_with_links),
        cmocka_unit_test(test_bylines), cmocka_unit_test(test_authors), cmocka_unit_test(test_datelines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
