/* From bytes to a record; contract in extract.h. */
#include "parser/extract/extract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/zip.h"
#include "parser/extract/blocks.h"
#include "parser/extract/charset.h"
#include "parser/extract/feed.h"
#include "parser/extract/filter.h"
#include "parser/extract/links.h"
#include "parser/extract/load.h"
#include "parser/extract/mark.h"
#include "parser/extract/meta.h"
#include "parser/extract/pick.h"
#include "parser/extract/render.h"
#include "parser/extract/simhash.h"
#include "parser/language.h"

#define ARTICLE_WORDS      25    /* of running text: less is no article */
#define SECOND_LOOK_BLOCKS 20000 /* a page of so many scraps and no text is not worth one */
#define SENTENCE_WORDS     8
#define ENOUGH_WORDS       80   /* of running text: with less, it is worth a second look */
#define EXPLAIN_BYTES      4000 /* of a block, shown by explain */
#define BROKEN_SHARE       10   /* more than one undecodable character in so many: not text in this encoding */

enum kind { KIND_HTML, KIND_PLAIN, KIND_FEED, KIND_OTHER };

struct work {
    const struct extract_input *in;
    struct record *record;
    struct extract_notes *notes;
    struct charset_text text;
    struct page page;
    struct meta meta;
    struct links links;
};

/* Formats that servers send under any name; their first bytes tell. */
static bool is_binary(const char *bytes, size_t n)
{
    static const struct {
        const char *magic;
        size_t n;
    } magics[] = {{"%PDF-", 5},
                  {"PK\3\4", 4},
                  {"\x89PNG", 4},
                  {"GIF8", 4},
                  {"\xff\xd8\xff", 3},
                  {"\x1f\x8b", 2},
                  {"\x7f"
                   "ELF",
                   4},
                  {"RIFF", 4},
                  {"\xd0\xcf\x11\xe0", 4},
                  {"OggS", 4},
                  {"ID3", 3},
                  {"\0\0\0\x18"
                   "ftyp",
                   8},
                  {"Rar!", 4},
                  {"7z\xbc\xaf", 4},
                  {"BZh", 3},
                  {"{\\rtf", 5}};
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (n >= magics[i].n && memcmp(bytes, magics[i].magic, magics[i].n) == 0) return true;
    return false;
}

static bool looks_like_html(const char *bytes, size_t n)
{
    static const char *const starts[] = {"<!doctype html", "<html", "<head", "<body",  "<title", "<meta",
                                         "<div",           "<p>",   "<h1",   "<table", "<!--"};
    struct span s = span_trim(span_of(bytes, n < 1024 ? n : 1024));
    if (span_starts(s, "\xef\xbb\xbf")) s = span_trim(span_of(s.p + 3, s.n - 3));
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (span_starts(s, starts[i])) return true;
    return span_has(s, "<html");
}

static enum kind kind_of(const struct extract_input *in)
{
    static const struct {
        const char *type;
        enum kind kind;
    } types[] = {{"text/html", KIND_HTML}, {"application/xhtml+xml", KIND_HTML}, {"text/plain", KIND_PLAIN}, {"text/markdown", KIND_PLAIN}};
    size_t n = strcspn(in->content_type, ";, \t");
    if (is_binary(in->bytes, in->n)) return KIND_OTHER;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (span_is(span_of(in->content_type, n), types[i].type))
            return types[i].kind == KIND_HTML && feed_kind_of(in->bytes, in->n) ? KIND_FEED : types[i].kind;
    /* No type, or one that servers send for anything. */
    bool any = n == 0 || span_is(span_of(in->content_type, n), "application/octet-stream") ||
               span_is(span_of(in->content_type, n), "unknown/unknown") || span_has(span_of(in->content_type, n), "xml");
    if (any && feed_kind_of(in->bytes, in->n)) return KIND_FEED;
    return any && looks_like_html(in->bytes, in->n) ? KIND_HTML : KIND_OTHER;
}

static char *take(struct buf *b)
{
    return b->len ? buf_take(b) : NULL;
}

/* Two texts are the same article if they differ in white space only. */
static void set_hash(struct record *record)
{
    if (!record->text) return;
    size_t n = strlen(record->text), k = 0;
    char *squeezed = mem_alloc(n + 1), hex[DIGEST_HEX], similar[SIMHASH_HEX];
    bool gap = true; /* the last one written was a blank, or nothing is written yet */
    for (size_t i = 0; i < n; i++) {
        /* Without branches: words are too short for the processor to foresee their ends. */
        char c = record->text[i];
        bool blank = (c == ' ') | (c == '\n') | (c == '\t');
        squeezed[k] = blank ? ' ' : c;
        k += !(blank & gap);
        gap = blank;
    }
    if (k && gap) k--;
    struct digest digest = digest_of(squeezed, k);
    digest_hex(&digest, hex);
    record->hash = mem_strdup(hex);
    simhash_hex(simhash_of(squeezed, k), similar);
    record->simhash = mem_strdup(similar);
    free(squeezed);
}

static void set_language(struct work *w)
{
    struct record *r = w->record;
    if (r->lang || !r->text) return;
    r->lang = mem_strdup(language_detect(r->text, strlen(r->text)));
}

/* Each once, one a line. */
static void set_feeds(struct work *w)
{
    struct buf feeds = BUF_INIT(LIMIT_FEEDS * (LIMIT_URL + 1));
    uint32_t links[LIMIT_FEEDS];
    for (size_t i = 0; i < w->meta.feed_count; i++) {
        links[i] = links_resolve(&w->links, w->meta.feeds[i]);
        bool again = links[i] == LINK_NONE;
        for (size_t k = 0; k < i; k++) again = again || links[k] == links[i];
        if (again) continue;
        if (feeds.len) buf_add_char(&feeds, '\n');
        buf_add_str(&feeds, links_url(&w->links, links[i]));
    }
    w->record->feeds = take(&feeds);
}

static void set_meta(struct work *w)
{
    struct record *r = w->record;
    char **targets[META_FIELDS] = {&r->title, &r->byline, &r->date, &r->lang, &r->site, &r->excerpt};
    for (int i = 0; i < META_FIELDS; i++) *targets[i] = take(&w->meta.fields[i].text);
    const struct {
        struct span reference;
        char **url;
    } addresses[] = {
        {w->meta.canonical, &r->canonical}, {w->meta.robots.nofollow ? span_of("", 0) : w->meta.next, &r->next}, {w->meta.amp, &r->amp}};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        uint32_t link = addresses[i].reference.n ? links_resolve(&w->links, addresses[i].reference) : LINK_NONE;
        if (link != LINK_NONE) *addresses[i].url = mem_strdup(links_url(&w->links, link));
    }
    if (!w->meta.robots.nofollow) set_feeds(w);
}

static bool has_broken_text(const struct charset_text *t)
{
    size_t control = 0, sample = t->n < 4096 ? t->n : 4096;
    for (size_t i = 0; i < sample; i++) {
        unsigned char c = (unsigned char)t->utf8[i];
        control += c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != 0x1b;
    }
    return t->broken * BROKEN_SHARE > t->n / 3 || control * BROKEN_SHARE > sample;
}

static uint32_t words_kept(const struct page *page)
{
    uint64_t words = 0;
    for (size_t i = 0; i < page->block_count; i++)
        if (!page->blocks[i].mark) words += page->blocks[i].words;
    return words > UINT32_MAX ? UINT32_MAX : (uint32_t)words;
}

static uint32_t prose_words(const struct page *page)
{
    uint32_t words = 0;
    for (size_t i = 0; i < page->block_count; i++)
        if (!page->blocks[i].mark && page->blocks[i].is_prose) words += page->blocks[i].words;
    return words;
}

/* A page about something has sentences; some, such as reference manuals, few of them and much in tables and lists. */
static bool is_article(const struct page *page)
{
    uint32_t prose = prose_words(page), links = 0;
    if (prose < SENTENCE_WORDS || prose >= ARTICLE_WORDS) return prose >= ARTICLE_WORDS;
    for (size_t i = 0; i < page->block_count; i++) {
        const struct block *b = &page->blocks[i];
        bool is_tool = page_is_wiki(page) && b->mark && b->mark != MARK_LINKS; /* not of the article: says nothing about it */
        if (b->is_linky && !is_tool) links += b->words;
    }
    return prose >= links || words_kept(page) >= ENOUGH_WORDS;
}

static void explain(const struct page *page, struct buf *out)
{
    static const char *const kinds[] = {"text", "heading", "item", "cell", "pre", "term", "quote"};
    if (page->picked != NODE_NONE) {
        struct span class = doc_attr(&page->doc, page->picked, ATTR_class), id = doc_attr(&page->doc, page->picked, ATTR_id);
        buf_addf(out, "article in <%s class=\"%.*s\" id=\"%.*s\">\n", doc_tag_name(page->doc.nodes[page->picked].tag), (int)class.n,
                 class.p ? class.p : "", (int)id.n, id.p ? id.p : "");
    }
    for (size_t i = 0; i < page->block_count; i++) {
        const struct block *b = &page->blocks[i];
        struct buf text = BUF_INIT(EXPLAIN_BYTES);
        page_block_text(page, b, &text);
        buf_addf(out, "%-20s %-7s value %6.0f chars %u links %u words %u stops %u <%s> %.*s\n", mark_text(b->mark), kinds[b->kind],
                 (double)b->value, b->chars, b->link_chars, b->words, b->stops, doc_tag_name(page->doc.nodes[b->node].tag),
                 (int)utf8_floor(buf_str(&text), text.len), buf_str(&text));
        buf_release(&text);
    }
}

static void render(struct work *w)
{
    struct buf text = BUF_INIT(LIMIT_TEXT), markdown = BUF_INIT(LIMIT_MARKDOWN);
    render_text(&w->page, &text);
    render_markdown(&w->page, &w->links, &markdown);
    w->record->text = take(&text);
    w->record->markdown = take(&markdown);
    w->record->words = words_kept(&w->page);
    buf_release(&text);
    buf_release(&markdown);
}

/* Finds the article. On a page whose names mislead, so little is left that names are trusted less and less. */
static void find_article(struct page *page)
{
    uint32_t best = 0, best_trust = MARK_TRUST_FULL, all = page->prose_words; /* what a second look could find at most */
    for (int trust = MARK_TRUST_FULL; trust >= MARK_TRUST_NONE; trust--) {
        mark_page(page, (enum mark_trust)trust);
        pick_article(page);
        filter_blocks(page);
        uint32_t words = prose_words(page);
        if (trust == MARK_TRUST_FULL || words > 2 * best + ENOUGH_WORDS / 4) best = words, best_trust = (uint32_t)trust;
        if (page_is_wiki(page) || words >= ENOUGH_WORDS || words == all || page->block_count > SECOND_LOOK_BLOCKS) break;
    }
    if ((int)best_trust != page->trust) {
        mark_page(page, (enum mark_trust)best_trust);
        pick_article(page);
        filter_blocks(page);
    }
}

/* Elements with a replacement for what is not shown are left out, but one that holds more than half of the page was never closed, or not where
 * its author meant to (<noscript><div></noscript>): it is just a container. */
static void open_swallowers(struct doc *d)
{
    for (size_t i = 0; i < d->count; i++) {
        struct node *e = &d->nodes[i];
        bool replacement = e->tag == TAG_noscript || e->tag == TAG_object || e->tag == TAG_video || e->tag == TAG_audio ||
                           e->tag == TAG_canvas || e->tag == TAG_button;
        if (replacement && e->end - i > d->count / 2) e->tag = TAG_div;
    }
}

static enum code extract_html(struct work *w)
{
    struct record *r = w->record;
    load_html(&w->page.doc, w->text.utf8, w->text.n);
    open_swallowers(&w->page.doc);
    blocks_cut(&w->page);
    meta_read(&w->meta, &w->page, w->in->url ? w->in->url : "");
    links_init(&w->links, w->in->url ? w->in->url : "", w->meta.base);
    if (!w->meta.robots.nofollow) links_collect(&w->links, &w->page.doc, r);
    buf_add(&w->page.title, buf_str(&w->meta.fields[META_TITLE].text), w->meta.fields[META_TITLE].text.len);
    find_article(&w->page);
    meta_complete(&w->meta, &w->page, w->in->url);
    set_meta(w);
    if (w->notes->explain) explain(&w->page, w->notes->explain);
    if (is_article(&w->page)) render(w);
    set_language(w);
    set_hash(r);
    return w->meta.robots.noindex ? CODE_NOINDEX : r->text ? CODE_OK : CODE_NO_ARTICLE;
}

/* Plain text stays as it is, but for line ends and empty lines at both ends. */
static enum code extract_plain(struct work *w)
{
    struct record *r = w->record;
    struct buf text = BUF_INIT(LIMIT_TEXT);
    struct span s = span_trim(span_of(w->text.utf8, w->text.n));
    if (s.n > LIMIT_TEXT) s.n = utf8_floor(s.p, LIMIT_TEXT);
    bool in_word = false;
    for (size_t i = 0; i < s.n; i++) {
        bool blank = s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\t' || s.p[i] == '\r';
        r->words += in_word && blank;
        in_word = !blank;
        if (s.p[i] != '\r')
            buf_add_char(&text, s.p[i]);
        else if (i + 1 == s.n || s.p[i + 1] != '\n')
            buf_add_char(&text, '\n');
    }
    r->words += in_word;
    r->text = take(&text);
    r->markdown = mem_strdup(r->text);
    set_language(w);
    set_hash(r);
    return w->meta.robots.noindex ? CODE_NOINDEX : r->text ? CODE_OK : CODE_NO_ARTICLE;
}

static enum code extract_feed(struct work *w)
{
    static const enum record_list lists[] = {LIST_NONE, LIST_FEED, LIST_FEED, LIST_SITEMAP, LIST_SITEMAPS};
    enum feed_kind kind = feed_kind_of(w->text.utf8, w->text.n);
    if (!w->meta.robots.nofollow) feed_read(w->text.utf8, w->text.n, w->in->url, w->record);
    w->record->list = lists[kind];
    snprintf(w->notes->detail, sizeof w->notes->detail, "%s", feed_kind_text(kind));
    return w->meta.robots.noindex ? CODE_NOINDEX : CODE_NO_ARTICLE;
}

static enum code extract_decoded(const struct extract_input *in, enum kind kind, struct record *record, struct extract_notes *notes)
{
    static enum code (*const extract[])(struct work *) = {extract_html, extract_plain, extract_feed};
    struct work w = {.in = in, .record = record, .notes = notes};
    notes->encoding = charset_of(in->bytes, in->n, in->content_type, kind != KIND_PLAIN);
    page_init(&w.page);
    meta_init(&w.meta);
    w.meta.robots = (struct directives){
        .agent = in->agent, .now = in->now, .ignore_noindex = in->ignore_noindex, .ignore_nofollow = in->ignore_nofollow};
    directives_apply(&w.meta.robots, span_of(in->robots_tag, strlen(in->robots_tag)));
    enum code code = CODE_BAD_ENCODING;
    if (charset_decode(in->bytes, in->n, notes->encoding, &w.text) && !has_broken_text(&w.text))
        code = extract[kind](&w);
    else
        snprintf(notes->detail, sizeof notes->detail, "not text in %s", notes->encoding);
    charset_text_release(&w.text);
    page_release(&w.page);
    meta_release(&w.meta);
    links_release(&w.links);
    return code;
}

/* A gzipped feed or sitemap, whatever type it came with; no other archive is looked into. */
static enum code extract_gzip(const struct extract_input *in, struct record *record, struct extract_notes *notes)
{
    struct buf body = BUF_INIT(LIMIT_BODY);
    struct extract_input unpacked = *in;
    enum code code = CODE_UNSUPPORTED_TYPE;
    const char *fault = zip_unpack_gzip(&body, in->bytes, in->n);
    unpacked.bytes = buf_str(&body);
    unpacked.n = body.len;
    if (!feed_kind_of(unpacked.bytes, unpacked.n)) {
        snprintf(notes->detail, sizeof notes->detail, "gzip, and no feed or sitemap within");
    } else if (fault && body.len == LIMIT_BODY) {
        code = CODE_TOO_LARGE;
        snprintf(notes->detail, sizeof notes->detail, "unpacks to more than %u bytes", LIMIT_BODY);
    } else {
        code = extract_decoded(&unpacked, KIND_FEED, record, notes);
        size_t len = strlen(notes->detail);
        if (fault) snprintf(notes->detail + len, sizeof notes->detail - len, "; the gzip file is %s", fault);
    }
    buf_release(&body);
    return code;
}

enum code extract_page(const struct extract_input *in, struct record *record, struct extract_notes *notes)
{
    enum kind kind = kind_of(in);
    notes->encoding = NULL;
    notes->detail[0] = '\0';
    if (in->n > LIMIT_BODY) return CODE_TOO_LARGE;
    if (in->n == 0) return CODE_NO_ARTICLE;
    if (in->n > 2 && memcmp(in->bytes, "\x1f\x8b", 2) == 0) return extract_gzip(in, record, notes);
    if (kind == KIND_OTHER) {
        snprintf(notes->detail, sizeof notes->detail, "content type %.100s", in->content_type[0] ? in->content_type : "is not given");
        return CODE_UNSUPPORTED_TYPE;
    }
    return extract_decoded(in, kind, record, notes);
}

/* A page that makes every library do now what it puts off until first use: ICU's converters, detector and host names,
 * libcrypto's configuration, CLD2's tables. */
void extract_init(void)
{
    static const char sample[] =
        "<title>a</title><script type=\"application/ld+json\">{\"@type\":\"Article\"}</script>"
        "<p>\xc8\xe7 <a href=\"http://b\xfc"
        "cher.example/\">\xf1\xe5\xeb\xe0</a> one two three four five six seven eight nine ten eleven. "
        "One two three four five six seven eight nine ten eleven twelve thirteen, fourteen fifteen sixteen seventeen.";
    static bool done;
    if (done) return;
    done = true;
    feed_init();
    charset_init();
    for (int declared = 0; declared < 2; declared++) {
        struct record record = {.kind = RECORD_ARTICLE};
        struct extract_notes notes = {.explain = NULL};
        struct extract_input in = {.bytes = sample,
                                   .n = sizeof sample - 1,
                                   .url = "http://example.org/",
                                   .content_type = declared ? "text/html; charset=shift_jis" : "text/html",
                                   .robots_tag = ""};
        extract_page(&in, &record, &notes);
        record_release(&record);
    }
}
