/* Reading HTML: which tree comes of it. Every row is given to libxml2's HTML parser, too, which must say the same. */
#include "test.h"

#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>

#include "parser/extract/entities.h"
#include "parser/extract/extract.h"
#include "parser/extract/load.h"
#include "parser/extract/opens.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* What comes out is written as tags and decoded text, the text in brackets. */
static const struct {
    const char *html, *tree;
} rows[] = {
    /* references: text stays as it is unless HTML 4 names it and a semicolon ends it */
    {"<p>a & b", "<html><body><p>[a & b]"},
    {"<p>&&&&", "<html><body><p>[&&&&]"},
    {"<p>a &amp; b&amp", "<html><body><p>[a & b&amp]"},
    {"<p>&copy;&copy 2&copyx;", "<html><body><p>[\u00a9&copy 2&copyx;]"},
    {"<p>&unknown;&thetasym;&Thetasym;", "<html><body><p>[&unknown;\u03d1&Thetasym;]"},
    {"<p>&#65;&#x42;&#X43&#68 E&#x1F600;", "<html><body><p>[ABCD E\U0001f600]"},
    {"<p>a&#;b&#x;c&#0;d&#xD800;e&#1114112;f&#99999999999999999999;g", "<html><body><p>[abcdefg]"},
    {"<p>a&", "<html><body><p>[a&]"},
    {"<p>a&amp", "<html><body><p>[a&amp]"},
    {"<p>a&#", "<html><body><p>[a]"},
    {"<p>a&#x", "<html><body><p>[a]"},
    {"<p>a&#x41", "<html><body><p>[aA]"},
    {"<p>&lt;b&gt;&quot;&apos;", "<html><body><p>[<b>\"']"},
    {"&", "<html><body><p>[&]"},
    {" &nbsp;", "<html><body><p>[\u00a0]"},
    /* attributes */
    {"<a href=\"?a=1&b=2&copy=3&lt;\">x</a>", "<html><body><a href=?a=1&b=2&copy=3<>[x]</a>"},
    {"<a href=?a&amp;b&c>x</a>", "<html><body><a href=?a&b&c>[x]</a>"},
    {"<a title='&&' href='&'>x</a>", "<html><body><a title=&& href=&>[x]</a>"},
    {"<a href=\"a&#0;b\" title=c>x</a>", "<html><body><a href=a title=c>[x]</a>"},
    {"<a href=a/>x</a>", "<html><body><a href=a/>[x]</a>"},
    {"<a HREF = 'a>b' href=c>x</a>", "<html><body><a href=a>b>[x]</a>"},
    {"<a = \"q\" ' /x href=a>x</a>", "<html><body><a href=a>[x]</a>"},
    {"<p title hidden class=\"\">x", "<html><body><p title= hidden= class=>[x]"},
    {"<a/href=x>y</a>", "<html><body><a>[y]</a>"},
    {"<p title=\"a\nb\u00e9&eacute;\">x", "<html><body><p title=a\nb\u00e9\u00e9>[x]"},
    /* optional tags */
    {"x", "<html><body><p>[x]"},
    {"<title>t</title>x", "<html><head><title>[t]</title></head><body><p>[x]"},
    {"<p>a<p>b<div>c", "<html><body><p>[a]</p><p>[b]</p><div>[c]"},
    {"<ul><li>a<li>b</ul>c", "<html><body><ul><li>[a]</li><li>[b]</li></ul>[c]"},
    {"<table><tr><td>a<td>b<tr><td>c</table>", "<html><body><table><tr><td>[a]</td><td>[b]</td></tr><tr><td>[c]</td></tr></table>"},
    {"<br>a<wbr>b<img src=x>c", "<html><body><br></br>[a]<wbr>[b]<img src=x></img>[c]"},
    {"<div/>a<p/>b", "<html><body><div></div>[a]<p></p>[b]"},
    {"<html><body class=a><html><body class=b>x</body></html></body>", "<html><body class=a>[x]</body>"},
    {"<body>a</body>b", "<html><body>[a]</body><p>[b]</p>"},
    /* end tags */
    {"<b>a</i>b</b>c", "<html><body><b>[ab]</b>[c]"},
    {"<b>a<div>b</b>c</div>d", "<html><body><b>[a]<div>[bc]</div>[d]"},
    {"<div><b><i>a</div>b", "<html><body><div><b><i>[a]</i></b></div>[b]"},
    {"<table><tr><td><div>a</td></div>b</table>c", "<html><body><table><tr><td><div>[a]</div></td>[b]</tr></table>[c]"},
    {"<x-a>a</x-b></x-a>b</x-a>", "<html><body><->[a]</->[b]"},
    {"a</>b</ c>d", "<html><body><p>[a>b c>d]"},
    /* what is no element */
    {"<p>a<!-- b --><!---->c<!-- d --!>e<!-->f", "<html><body><p>[ace]"},
    {"<p>a<?php b ?>c<?>d<? e>f", "<html><body><p>[ac>d e>f]"},
    {"<!doctype html public 'a>b' \"c>d\"><p>a<!doctype x>b", "<html><body><p>[ab]"},
    {"<p>1<2 <<3 <![CDATA[x]]>", "<html><body><p>[1<2 <<3 <![CDATA[x]]>]"},
    {"<p>a\1b\fc\uffffd", "<html><body><p>[abcd]"},
    {"<script>if (a<b) '</div>'</script>x", "<html><head><script></script></head><body><p>[x]"},
    {"<script type='application/ld+json'>{\"a\":\"&amp;<b>\"}</script>",
     "<html><head><script type=application/ld+json>[{\"a\":\"&amp;<b>\"}]</script>"},
    {"<style>a</b></style><style><body>x", "<html><head><style></style><style></style></head><body>[x]"},
};

struct writer {
    struct buf out;
    bool in_text, dropping;
};

static void put(struct writer *w, const char *tag, bool closing)
{
    if (w->in_text) buf_add_char(&w->out, ']');
    w->in_text = false;
    enum tag known = doc_tag(tag, strlen(tag));
    buf_addf(&w->out, closing ? "</%s>" : "<%s", known == TAG_OTHER ? "?" : known == TAG_CUSTOM ? "-" : tag);
}

static void put_text(struct writer *w, const char *text, size_t n)
{
    if (w->dropping || n == 0) return;
    if (!w->in_text) buf_add_char(&w->out, '[');
    w->in_text = true;
    buf_add(&w->out, text, n);
}

static void on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
    struct writer *w = context;
    bool json = false;
    put(w, (const char *)name, false);
    for (; attributes && attributes[0]; attributes += 2) {
        const char *value = attributes[1] ? (const char *)attributes[1] : "";
        if (doc_attr_name((const char *)attributes[0]) != ATTR_COUNT) buf_addf(&w->out, " %s=%s", (const char *)attributes[0], value);
        json |= strstr(value, "ld+json") != NULL;
    }
    buf_add_char(&w->out, '>');
    w->dropping = (strcmp((const char *)name, "script") == 0 && !json) || strcmp((const char *)name, "style") == 0;
}

static void on_end(void *context, const xmlChar *name)
{
    struct writer *w = context;
    put(w, (const char *)name, true);
    w->dropping = false;
}

static void on_text(void *context, const xmlChar *text, int n)
{
    put_text(context, (const char *)text, (size_t)n);
}

static void tree_of_libxml2(const char *html, struct writer *w)
{
    htmlParserCtxtPtr parser = htmlCreateMemoryParserCtxt(html, (int)strlen(html));
    memset(parser->sax, 0, sizeof *parser->sax);
    parser->sax->startElement = on_start;
    parser->sax->endElement = on_end;
    parser->sax->characters = parser->sax->ignorableWhitespace = parser->sax->cdataBlock = on_text;
    parser->sax->initialized = 1;
    parser->userData = w;
    htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
    parser->charset = XML_CHAR_ENCODING_UTF8;
    htmlParseDocument(parser);
    htmlFreeParserCtxt(parser);
}

static const char *tag_text(uint8_t tag)
{
    return tag == TAG_OTHER ? "other" : tag == TAG_CUSTOM ? "x-custom" : doc_tag_name(tag);
}

static void tree_of_ours(const char *html, struct writer *w)
{
    static const char *const attr_names[] = {
#define X(id, text) text,
        ATTR_LIST(X)
#undef X
    };
    struct doc d;
    doc_init(&d);
    load_html(&d, html, strlen(html));
    for (uint32_t i = 1, open = 0; i <= d.count; i++) { /* node 0 is around everything */
        for (; open && d.nodes[open].end <= i; open = d.nodes[open].parent) put(w, tag_text(d.nodes[open].tag), true);
        if (i == d.count) break;
        if (d.nodes[i].tag == TAG_TEXT) {
            struct span s = doc_text(&d, i);
            put_text(w, s.p, s.n);
            continue;
        }
        put(w, tag_text(d.nodes[i].tag), false);
        for (uint32_t k = 0; k < d.nodes[i].n; k++) {
            const struct attr *a = &d.attrs[d.nodes[i].at + k];
            buf_addf(&w->out, " %s=%.*s", attr_names[a->name], (int)a->n, buf_str(&d.values) + a->at);
        }
        buf_add_char(&w->out, '>');
        open = i;
    }
    doc_release(&d);
}

/* What is open at the end is closed there; rows do without those end tags. */
static void check_tree(const char *who, size_t row, struct writer *w)
{
    if (w->in_text) buf_add_char(&w->out, ']');
    size_t n = strlen(rows[row].tree);
    const char *rest = buf_str(&w->out) + (n < w->out.len ? n : w->out.len);
    if (strncmp(buf_str(&w->out), rows[row].tree, n) != 0 || (*rest && strncmp(rest, "</", 2) != 0) || strchr(rest, '['))
        fail_msg("%s: %s\n gives %s\n not   %s", who, rows[row].html, buf_str(&w->out), rows[row].tree);
}

static void test_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct writer ours = {.out = BUF_INIT(10000)}, theirs = {.out = BUF_INIT(10000)};
        tree_of_ours(rows[i].html, &ours);
        tree_of_libxml2(rows[i].html, &theirs);
        check_tree("ours", i, &ours);
        check_tree("libxml2", i, &theirs);
        assert_string_equal(buf_str(&ours.out), buf_str(&theirs.out));
        buf_release(&ours.out);
        buf_release(&theirs.out);
    }
}

/* Nothing behind the end is read: the page stands in memory of just its size. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    static const char page[] =
        "<!doctype html><!-- a --!><?b c?><p.q title='&amp;&#x41;' href=a&b class>a&lt;b&#66;\ufffe<br/></p ><script>x</script>";
    for (size_t n = 0; n < sizeof page - 1; n++) {
        size_t whole = n; /* up to whole characters: a page is well-formed */
        while (whole > 0 && (page[whole] & 0xc0) == 0x80) whole--;
        char *tight = malloc(whole ? whole : 1);
        memcpy(tight, page, whole);
        struct doc d;
        doc_init(&d);
        load_html(&d, tight, whole);
        assert_true(whole == 0 || d.count > 0);
        for (size_t i = 0; i < d.count; i++) assert_true(d.nodes[i].end > i && d.nodes[i].end <= d.count);
        doc_release(&d);
        free(tight);
    }
}

/* Below OPENS_DEPTH tags go, text stays, and a block still ends where it ended. */
static void test_depth(void **state)
{
    (void)state;
    struct buf html = BUF_INIT(100000), text = BUF_INIT(100000);
    struct doc d;
    for (int i = 0; i < OPENS_DEPTH; i++) buf_add_str(&html, "<div>");
    buf_add_str(&html, "a<div>b<b title=x>c</b></div>d<p>e<script>f</script>");
    for (int i = 0; i < OPENS_DEPTH; i++) buf_add_str(&html, "</div>");
    buf_add_str(&html, "<i>g</i>");
    doc_init(&d);
    load_html(&d, html.data, html.len);
    doc_collect(&d, 0, &text);
    assert_string_equal(buf_str(&text), "a bc d e g");
    unsigned depth = 0, deepest = 0;
    for (uint32_t i = 0; i < d.count; i++) {
        depth = 0;
        for (uint32_t k = i; k != NODE_NONE; k = d.nodes[k].parent) depth++;
        if (depth > deepest) deepest = depth;
    }
    assert_true(deepest <= OPENS_DEPTH + 3); /* node 0, a script and what is in it */
    assert_int_equal(d.nodes[d.nodes[d.count - 1].parent].tag, TAG_i);
    doc_release(&d);
    buf_release(&html);
    buf_release(&text);
}

/* A node says how long its text is up to NODE_LONG; what is longer ends where the next text begins. */
static void test_long_texts(void **state)
{
    (void)state;
    static const size_t lengths[] = {NODE_LONG - 1, NODE_LONG, NODE_LONG + 1, 3 * NODE_LONG};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buf html = BUF_INIT(1000000);
        struct doc d;
        buf_add_str(&html, "<p>");
        for (size_t k = 0; k < lengths[i] - 2; k++) buf_add_char(&html, 'x');
        buf_add_str(&html, "<!-- no node -->yz<br><br>b<br>");
        for (size_t k = 0; k < lengths[i]; k++) buf_add_char(&html, 'x');
        doc_init(&d);
        load_html(&d, html.data, html.len);
        uint32_t texts[3], count = 0;
        for (uint32_t k = 0; k < d.count; k++)
            if (d.nodes[k].tag == TAG_TEXT) texts[count++] = k;
        assert_int_equal(count, 3);
        assert_int_equal(d.text_count, 3);
        assert_int_equal(doc_text(&d, texts[0]).n, lengths[i]);
        assert_memory_equal(doc_text(&d, texts[0]).p + lengths[i] - 2, "yz", 2);
        assert_int_equal(doc_text(&d, texts[1]).n, 1);
        assert_int_equal(doc_text(&d, texts[2]).n, lengths[i]);
        doc_release(&d);
        buf_release(&html);
    }
}

/* Whoever asks for more than text walks the notes alone. */
static void test_notes(void **state)
{
    (void)state;
    static const char page[] = "<title>a</title><p>b<h1 id=c>d</h1><h2>e</h2><h3>f</h3><a href=g>h</a><i onclick=j>k</i>";
    static const uint8_t noted[] = {TAG_title, TAG_h1, TAG_h2, TAG_a};
    struct doc d;
    doc_init(&d);
    load_html(&d, page, sizeof page - 1);
    assert_int_equal(d.note_count, sizeof noted);
    for (size_t i = 0; i < d.note_count; i++) assert_int_equal(d.nodes[d.notes[i]].tag, noted[i]);
    doc_release(&d);
}

static void test_entities(void **state)
{
    (void)state;
    assert_int_equal(entity_code("amp", 3), '&');
    assert_int_equal(entity_code("diams", 5), 9830);
    assert_int_equal(entity_code("diamsx", 5), 9830);
    assert_int_equal(entity_code("diam", 4), 0);
    assert_int_equal(entity_code("", 0), 0);
    /* as libxml2 has them, all of them */
    unsigned count = 0;
    for (unsigned c = 1; c < 10000; c++) {
        const htmlEntityDesc *e = htmlEntityValueLookup(c);
        if (!e) continue;
        count++;
        assert_int_equal(entity_code(e->name, strlen(e->name)), c);
    }
    assert_int_equal(count, 253);
}

int main(void)
{
    extract_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_trees), cmocka_unit_test(test_cut_anywhere),
                                       cmocka_unit_test(test_depth), cmocka_unit_test(test_long_texts),
                                       cmocka_unit_test(test_notes), cmocka_unit_test(test_entities)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
