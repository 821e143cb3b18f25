/* Reading HTML: which tree comes of it. Every row is given to libxml2's HTML parser, too, which must say the same. */
#include "test.h"

#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "line/limits.h"
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

static void run_libxml2(const char *html, const xmlSAXHandler *handler, void *context)
{
    htmlParserCtxtPtr parser = htmlCreateMemoryParserCtxt(html, (int)strlen(html));
    *parser->sax = *handler;
    parser->sax->initialized = 1;
    parser->userData = context;
    htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
    parser->charset = XML_CHAR_ENCODING_UTF8;
    htmlParseDocument(parser);
    htmlFreeParserCtxt(parser);
}

static void tree_of_libxml2(const char *html, struct writer *w)
{
    const xmlSAXHandler handler = {
        .startElement = on_start, .endElement = on_end, .characters = on_text, .ignorableWhitespace = on_text, .cdataBlock = on_text};
    run_libxml2(html, &handler, w);
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

/* What a reader reads: words, apart where a block or line begins or ends. */
struct reading {
    struct buf words;
    int skipping; /* elements without text to read that are open */
    unsigned links;
};

static void read_words(struct reading *r, const char *text, size_t n)
{
    for (size_t i = 0; i < n && !r->skipping; i++) {
        bool blank = strchr(" \n\t\r", text[i]) != NULL;
        if (!blank || (r->words.len && r->words.data[r->words.len - 1] != ' ')) buf_add_char(&r->words, blank ? ' ' : text[i]);
    }
}

static void read_boundary(struct reading *r, enum tag tag, int skipped)
{
    if (doc_tag_flags(tag) & TAGF_SKIP) r->skipping += skipped;
    if (doc_tag_flags(tag) & TAGF_BLOCK || tag == TAG_br) read_words(r, " ", 1);
}

static void reading_starts(void *context, const xmlChar *name, const xmlChar **attributes)
{
    struct reading *r = context;
    enum tag tag = doc_tag((const char *)name, strlen((const char *)name));
    read_boundary(r, tag, 1);
    for (; attributes && attributes[0]; attributes += 2) r->links += tag == TAG_a && strcmp((const char *)attributes[0], "href") == 0;
}

static void reading_ends(void *context, const xmlChar *name)
{
    read_boundary(context, doc_tag((const char *)name, strlen((const char *)name)), -1);
}

static void reading_goes_on(void *context, const xmlChar *text, int n)
{
    read_words(context, (const char *)text, (size_t)n);
}

static void read_ours(const struct doc *d, struct reading *r)
{
    for (uint32_t i = 0, open = NODE_NONE; i <= d->count; i++) {
        for (; open != NODE_NONE && d->nodes[open].end <= i; open = d->nodes[open].parent) read_boundary(r, d->nodes[open].tag, -1);
        if (i == d->count) break;
        assert_int_equal(d->nodes[i].parent, open);
        if (d->nodes[i].tag == TAG_TEXT) {
            struct span s = doc_text(d, i);
            read_words(r, s.p, s.n);
            continue;
        }
        read_boundary(r, d->nodes[i].tag, 1);
        r->links += d->nodes[i].tag == TAG_a && doc_attr(d, i, ATTR_href).p;
        open = i;
    }
}

/* Nodes of a page of n bytes, at most: those that are free, those there is room for, and those of links and of what is not read. */
static void check_crowd(const struct doc *d, size_t n)
{
    size_t always = 0;
    for (size_t i = 0; i < d->count; i++)
        always += doc_tag_flags(d->nodes[i].tag) & TAGF_SKIP || (d->nodes[i].tag == TAG_a && doc_attr(d, i, ATTR_href).p);
    size_t room = n / OPENS_ROOM > OPENS_CROWD ? n / OPENS_ROOM : OPENS_CROWD;
    assert_in_range(d->count, 1, room + 3 * always + 10);
}

static void compare_readings(const char *name, const struct buf *html)
{
    struct reading ours = {.words = BUF_INIT(LIMIT_BODY)}, theirs = {.words = BUF_INIT(LIMIT_BODY)};
    const xmlSAXHandler handler = {.startElement = reading_starts,
                                   .endElement = reading_ends,
                                   .characters = reading_goes_on,
                                   .ignorableWhitespace = reading_goes_on,
                                   .cdataBlock = reading_goes_on};
    struct doc d;
    doc_init(&d);
    load_html(&d, html->data, html->len);
    check_crowd(&d, html->len);
    read_ours(&d, &ours);
    run_libxml2(html->data, &handler, &theirs);
    size_t same = 0;
    while (same < ours.words.len && buf_str(&ours.words)[same] == buf_str(&theirs.words)[same]) same++;
    if (ours.words.len != theirs.words.len || same < theirs.words.len)
        fail_msg("%s: from word byte %zu of %zu: ours '%.60s', libxml2's '%.60s'", name, same, theirs.words.len,
                 buf_str(&ours.words) + same, buf_str(&theirs.words) + same);
    assert_int_equal(ours.links, theirs.links);
    assert_true(utf8_valid(buf_str(&d.texts), d.texts.len));
    doc_release(&d);
    buf_release(&ours.words);
    buf_release(&theirs.words);
}

/* In a crowd tags go, all text stays, no word is glued to another, and links are kept. */
static void test_crowd(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "<p>a",
        "<h1>a<p>b",
        "<td>a",
        "<tr><td>a<td>b",
        "<li>a",
        "<dt>a<dd>b",
        "a<br>",
        "a<hr>",
        "<b>a</b>",
        "<b>a</b> ",
        "<a>a</a>",
        "<a href=x>a</a>b",
        "<a href=x>a</a><p>b",
        "<p id>a",
        "<option>a<p>",
        "<rp>abc</rp>b",
        "<rp/>a",
        "<col>a",
        "<a href>a",
        "<div>a</div>b",
        "<x-y>a</x-y>b",
        "<x>a</x>b",
        "<p>&eacute;",
        "<!---->a<p>",
        "<h2><i>a</i>b</h2>",
        "<p>a<table>",
        "<script>a<p></script>b<p>",
        "<p/>a",
        "<td><b>a<p>b</td>c",
    };
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct buf html = BUF_INIT(LIMIT_BODY);
        for (int k = 0; k < 3 * OPENS_CROWD && html.len < 300000; k++) {
            buf_add_str(&html, pieces[i]);
            if (k % 50 == 49) buf_add_str(&html, "</table></div>\n");
        }
        buf_add_str(&html, "<p>The end");
        compare_readings(pieces[i], &html);
        buf_release(&html);
    }
}

/* The same for pages of all kinds of tags in any order. */
static void test_random_crowds(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "<p>",   "</p>",    "<td>",     "</td>",    "<tr>",      "<table>", "<b>",         "</b>",       "<i>",
        "</i>",  "<br>",    "<li>",     "<ul>",     "</ul>",     "<div>",   "</div>",      "<a href=x>", "<a class=y href=x>",
        "</a>",  "<a>",     "<option>", "<select>", "</select>", "<h1>",    "</h1>",       "<h2>",       "<hr>",
        "<dd>",  "<dt>",    "<pre>",    "</pre>",   "<x-y>",     "</x-y>",  "<span id=a>", "</span>",    "<img>",
        "<wbr>", "<input>", "<!---->",  "&amp;",    "&#65;",     "a",       "b",           "c ",         " d",
        "e\n",   "\u00e9",  "f. ",      "g",        "h",         "i",       "j",           "k l",        "m",
        "n",
    };
    uint32_t random = 1;
    for (int i = 0; i < 20; i++) {
        struct buf html = BUF_INIT(LIMIT_BODY);
        unsigned tables = 0;
        size_t first = random % COUNT(pieces), count = i % 2 ? COUNT(pieces) : 8; /* all, or some that stand next to each other */
        for (int k = 0; html.len < 200000; k++) {
            random ^= random << 13, random ^= random >> 17, random ^= random << 5;
            const char *piece = random & 1 ? pieces[(first + (random >> 1) % count) % COUNT(pieces)] : i % 3 ? "a" : "b ";
            if (k % 200 == 0) /* what is too deep has no links: close everything */
                for (; tables; tables--) buf_add_str(&html, "</table>");
            if (k % 200 == 0) piece = "<table>";
            tables += strcmp(piece, "<table>") == 0;
            buf_add_str(&html, piece);
        }
        compare_readings("random", &html);
        buf_release(&html);
    }
}

/* Few nodes are never a crowd, and what comes after one has its nodes again. */
static void test_room(void **state)
{
    (void)state;
    struct buf html = BUF_INIT(LIMIT_BODY);
    struct doc d;
    for (int i = 0; i < OPENS_CROWD / 2 - 2; i++) buf_add_str(&html, "<p>a");
    doc_init(&d);
    load_html(&d, html.data, html.len);
    assert_int_equal(d.count, 3 + 2 * (OPENS_CROWD / 2 - 2)); /* with node 0, html and body */
    doc_release(&d);
    for (int i = 0; i < OPENS_CROWD; i++) buf_add_str(&html, "<p>a");
    buf_add_str(&html, "<p>");
    for (int i = 0; i < OPENS_CROWD; i++) buf_add_str(&html, "long text ");
    buf_add_str(&html, "<div id=last>z");
    load_html(&d, html.data, html.len);
    assert_int_equal(d.nodes[d.count - 1].tag, TAG_TEXT);
    assert_int_equal(doc_text(&d, d.count - 1).n, 1);
    assert_true(span_is(doc_attr(&d, d.count - 2, ATTR_id), "last"));
    doc_release(&d);
    buf_release(&html);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),      cmocka_unit_test(test_cut_anywhere),  cmocka_unit_test(test_depth),
        cmocka_unit_test(test_long_texts), cmocka_unit_test(test_notes),         cmocka_unit_test(test_entities),
        cmocka_unit_test(test_crowd),      cmocka_unit_test(test_random_crowds), cmocka_unit_test(test_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
