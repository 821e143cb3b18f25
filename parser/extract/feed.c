/* Feeds and sitemaps; contract in feed.h. */
#include "parser/extract/feed.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"
#include "line/url.h"
#include "parser/extract/date.h"
#include "parser/extract/links.h"
#include "parser/extract/trim.h"

#define ROOT_WITHIN 4096            /* bytes: a declaration and comments come before the root, no more */
#define VALUE_MAX   (4 * LIMIT_URL) /* text of one field: a reference may be longer than what becomes of it */
#define REPAIRS_MAX 100000          /* bare ampersands; further ones are left out: each costs as much as a hundred letters */
#define ERRORS_MAX  10000           /* of the parser: what has more is no list, and each costs as much as three hundred letters */
#define ITEM_DEPTH  3               /* rss, channel, item */

/* ---- what it is ---- */

static const struct {
    const char *root;
    enum feed_kind kind;
} roots[] = {
    {"rss", FEED_RSS}, {"RDF", FEED_RSS}, {"feed", FEED_ATOM}, {"urlset", FEED_SITEMAP}, {"sitemapindex", FEED_SITEMAP_INDEX},
};

/* The end of a <!DOCTYPE, its internal subset included. */
static const char *after_doctype(const char *p, const char *end)
{
    bool inside = false;
    for (; p < end; p++) {
        if (*p == '[') inside = true;
        if (*p == ']') inside = false;
        if (*p == '>' && !inside) return p + 1;
    }
    return end;
}

static const char *after(const char *p, const char *end, const char *mark)
{
    const char *found = memmem(p, (size_t)(end - p), mark, strlen(mark));
    return found ? found + strlen(mark) : end;
}

/* The root element's '<', or NULL. */
static const char *find_root(const char *p, const char *end)
{
    if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3;
    for (;;) {
        while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) p++;
        size_t left = (size_t)(end - p);
        if (left < 4 || *p != '<') return NULL;
        if (p[1] == '?')
            p = after(p, end, "?>");
        else if (memcmp(p, "<!--", 4) == 0)
            p = after(p + 4, end, "-->");
        else if (p[1] == '!')
            p = after_doctype(p, end);
        else
            return p;
    }
}

enum feed_kind feed_kind_of(const char *bytes, size_t n)
{
    const char *end = bytes + (n < ROOT_WITHIN ? n : ROOT_WITHIN), *p = find_root(bytes, end);
    if (!p) return FEED_NONE;
    const char *name = ++p;
    while (p < end && !strchr(" \t\r\n/>", *p)) {
        if (*p++ == ':') name = p;
    }
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if ((size_t)(p - name) == strlen(roots[i].root) && memcmp(name, roots[i].root, (size_t)(p - name)) == 0) return roots[i].kind;
    return FEED_NONE;
}

const char *feed_kind_text(enum feed_kind kind)
{
    static const char *const texts[] = {"no feed", "an RSS feed", "an Atom feed", "a sitemap", "an index of sitemaps"};
    return (unsigned)kind < sizeof texts / sizeof *texts ? texts[kind] : texts[0];
}

/* ---- reading ---- */

enum field { FIELD_NONE, FIELD_LINK, FIELD_GUID, FIELD_DATE };

/* Elements read, as they stand right below an item or a list. Of several dates the lowest rank counts. */
static const struct {
    const char *name;
    enum field field;
    int rank;
} known[] = {
    {"link", FIELD_LINK, 0},      {"loc", FIELD_LINK, 0},          {"guid", FIELD_GUID, 0},
    {"atom:link", FIELD_LINK, 0}, {"lastmod", FIELD_DATE, 1},      {"updated", FIELD_DATE, 1},
    {"modified", FIELD_DATE, 1},  {"atom:updated", FIELD_DATE, 1}, {"dcterms:modified", FIELD_DATE, 1},
    {"pubDate", FIELD_DATE, 2},   {"dc:date", FIELD_DATE, 3},      {"published", FIELD_DATE, 3},
    {"issued", FIELD_DATE, 3},    {"created", FIELD_DATE, 4},
};

struct reader {
    xmlParserCtxtPtr parser;
    struct record *record;
    struct links seen;
    unsigned depth;
    size_t prefix; /* bytes of the root's own prefix and colon */
    char root_prefix[64];

    unsigned item_depth; /* of the open item, 0 outside of any */
    struct url list_base, item_base;
    bool has_list_base, has_item_base;
    struct buf link, spare; /* of the item; spare: what its identifier says, if that may be a link */
    int64_t date;
    int date_rank;

    enum field field; /* the element whose text is being read */
    int rank;
    unsigned field_depth;
    struct buf text;
    const char *url;
    unsigned errors;
};

static const char *attribute(const xmlChar **list, const char *name)
{
    for (; list && list[0]; list += 2)
        if (strcmp((const char *)list[0], name) == 0) return list[1] ? (const char *)list[1] : "";
    return NULL;
}

static const char *base_of(const struct reader *r)
{
    if (r->item_depth && r->has_item_base) return r->item_base.text;
    return r->has_list_base ? r->list_base.text : r->url;
}

/* RFC 4287 section 4.2.7.2: no rel means alternate. */
static bool has_rel(const xmlChar **attributes, const char *rel)
{
    const char *value = attribute(attributes, "rel");
    if (!value) return strcmp(rel, "alternate") == 0;
    static const char registry[] = "http://www.iana.org/assignments/relation/";
    if (strncmp(value, registry, sizeof registry - 1) == 0) value += sizeof registry - 1;
    return strcmp(value, rel) == 0;
}

static void add(struct reader *r, const char *reference, size_t n, int64_t date)
{
    struct url url;
    struct span s = span_trim(span_of(reference, n));
    if (s.n == 0) return;
    if (r->record->links.count >= LIMIT_LIST_LINKS) { /* no more are resolved: that is what costs time */
        r->record->links_cut++;
        return;
    }
    if (url_resolve(base_of(r), s.p, s.n, &url) == URL_OK) links_add_once(&r->seen, r->record, url.text, date);
}

static void set_next(struct reader *r, const char *href)
{
    struct url url;
    if (r->record->next || url_resolve(base_of(r), href, strlen(href), &url) != URL_OK) return;
    r->record->next = mem_strdup(url.text);
    add(r, href, strlen(href), 0);
}

/* <link href>: Atom's way. */
static void take_href(struct reader *r, const xmlChar **attributes, const char *href)
{
    if (r->item_depth == 0 && has_rel(attributes, "next")) set_next(r, href);
    if (!has_rel(attributes, "alternate")) return;
    if (r->item_depth == 0)
        add(r, href, strlen(href), 0);
    else if (r->link.len == 0)
        buf_add_str(&r->link, href);
}

static void set_base(struct reader *r, const xmlChar **attributes, struct url *url, bool *has)
{
    const char *base = attribute(attributes, "xml:base");
    if (base && url_resolve(base_of(r), base, strlen(base), url) == URL_OK) *has = true;
}

static void begin_item(struct reader *r, const xmlChar **attributes)
{
    r->item_depth = r->depth;
    r->has_item_base = false;
    buf_reset(&r->link);
    buf_reset(&r->spare);
    r->date = 0;
    r->date_rank = 0;
    set_base(r, attributes, &r->item_base, &r->has_item_base);
    const char *about = attribute(attributes, "rdf:about");
    if (about) buf_add_str(&r->spare, about);
}

static void end_item(struct reader *r)
{
    const struct buf *link = r->link.len ? &r->link : &r->spare;
    /* An identifier counts as a link only if it is one by itself. */
    if (link == &r->link || strncmp(buf_str(link), "http", 4) == 0) add(r, buf_str(link), link->len, r->date);
    r->item_depth = 0;
}

static void begin_field(struct reader *r, const char *name, const xmlChar **attributes)
{
    size_t i = 0, count = sizeof known / sizeof *known;
    while (i < count && strcmp(name, known[i].name) != 0) i++;
    if (i == count) return;
    const char *href = known[i].field == FIELD_LINK ? attribute(attributes, "href") : NULL;
    if (href) {
        take_href(r, attributes, href);
        return;
    }
    const char *permanent = known[i].field == FIELD_GUID ? attribute(attributes, "isPermaLink") : NULL;
    if (permanent && strcmp(permanent, "false") == 0) return;
    r->field = known[i].field;
    r->rank = known[i].rank;
    r->field_depth = r->depth;
    buf_reset(&r->text);
}

static void end_field(struct reader *r)
{
    int64_t date;
    struct span s = span_trim(span_of(buf_str(&r->text), r->text.len));
    enum field field = r->field;
    r->field = FIELD_NONE;
    if (buf_failed(&r->text) || s.n == 0) return;
    if (field == FIELD_DATE) {
        if (r->item_depth && (!r->date_rank || r->rank < r->date_rank) && date_moment(s, &date)) r->date = date, r->date_rank = r->rank;
    } else if (r->item_depth == 0) {
        if (field == FIELD_LINK) add(r, s.p, s.n, 0); /* the site of the feed */
    } else {
        struct buf *to = field == FIELD_LINK ? &r->link : &r->spare;
        if (field == FIELD_LINK && to->len) return;
        buf_reset(to);
        buf_add(to, s.p, s.n);
    }
}

static bool is_item(const char *name)
{
    return strcmp(name, "item") == 0 || strcmp(name, "entry") == 0 || strcmp(name, "url") == 0 || strcmp(name, "sitemap") == 0;
}

static void on_start(void *context, const xmlChar *xml_name, const xmlChar **attributes)
{
    struct reader *r = context;
    const char *name = (const char *)xml_name, *colon;
    r->depth++;
    if (r->depth == 1) {
        size_t n = (colon = strchr(name, ':')) ? (size_t)(colon + 1 - name) : 0;
        if (n < sizeof r->root_prefix) memcpy(r->root_prefix, name, n), r->prefix = n;
        set_base(r, attributes, &r->list_base, &r->has_list_base);
        return;
    }
    if (r->field != FIELD_NONE) return;
    if (r->prefix && strncmp(name, r->root_prefix, r->prefix) == 0) name += r->prefix;
    if (r->item_depth == 0 && r->depth <= ITEM_DEPTH && is_item(name))
        begin_item(r, attributes);
    else if (r->item_depth ? r->depth == r->item_depth + 1 : r->depth <= ITEM_DEPTH)
        begin_field(r, name, attributes);
}

static void on_end(void *context, const xmlChar *name)
{
    struct reader *r = context;
    (void)name;
    if (r->field != FIELD_NONE && r->depth == r->field_depth) end_field(r);
    if (r->item_depth && r->depth == r->item_depth) end_item(r);
    if (r->depth) r->depth--;
}

static void on_text(void *context, const xmlChar *text, int n)
{
    struct reader *r = context;
    if (r->field != FIELD_NONE && n > 0) buf_add(&r->text, text, (size_t)n);
}

__attribute__((format(printf, 2, 3))) static void on_error(void *context, const char *format, ...)
{
    struct reader *r = context;
    (void)format;
    if (++r->errors == ERRORS_MAX) xmlStopParser(r->parser);
}

/* ---- repairs ---- */

static bool is_reference(const char *p, const char *end)
{
    static const char *const names[] = {"amp;", "lt;", "gt;", "quot;", "apos;"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (p < end && *p == names[i][0] && (size_t)(end - p) >= strlen(names[i]) && memcmp(p, names[i], strlen(names[i])) == 0)
            return true;
    return p < end && *p == '#';
}

/* A bare & is the commonest fault of generated lists, and the parser would take a part of the URL away with it. */
static void escape_ampersands(struct buf *out, const char *p, const char *end)
{
    const char *amp = memchr(p, '&', (size_t)(end - p));
    for (size_t repairs = 0; p < end;) {
        if (amp && amp < p) amp = memchr(p, '&', (size_t)(end - p)); /* once a pass over the text, however it is divided */
        const char *stop = amp ? amp : end, *cdata = amp && stop > p ? memmem(p, (size_t)(stop - p), "<![CDATA[", 9) : NULL;
        if (cdata) { /* in there it is right */
            const char *close = memmem(cdata, (size_t)(end - cdata), "]]>", 3);
            stop = close ? close + 3 : end;
            buf_add(out, p, (size_t)(stop - p));
            p = stop;
            continue;
        }
        buf_add(out, p, (size_t)(stop - p));
        p = stop;
        if (!amp) return;
        if (is_reference(++p, end))
            buf_add_char(out, '&');
        else if (repairs++ < REPAIRS_MAX)
            buf_add_str(out, "&amp;");
    }
}

static void run(struct reader *r, const char *xml, size_t n)
{
    r->parser = xmlCreateMemoryParserCtxt(xml, (int)n);
    if (!r->parser) log_panic("out of memory");
    memset(r->parser->sax, 0, sizeof *r->parser->sax);
    /* The handlers of SAX 1: names as they are written, without a search through all namespaces in scope. */
    r->parser->sax->startElement = on_start;
    r->parser->sax->endElement = on_end;
    r->parser->sax->characters = on_text;
    r->parser->sax->ignorableWhitespace = on_text;
    r->parser->sax->cdataBlock = on_text;
    r->parser->sax->error = on_error;
    r->parser->sax->fatalError = on_error;
    r->parser->sax->initialized = 1;
    r->parser->userData = r;
    xmlCtxtUseOptions(r->parser, XML_PARSE_RECOVER | XML_PARSE_NOWARNING | XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_SAX1);
    r->parser->charset = XML_CHAR_ENCODING_UTF8;
    xmlParseDocument(r->parser);
    if (r->parser->myDoc) xmlFreeDoc(r->parser->myDoc);
    xmlFreeParserCtxt(r->parser);
}

void feed_init(void)
{
    /* Its own way with failed allocations is to leave text out. */
    xmlMemSetup(free, mem_alloc, mem_realloc, mem_strdup);
    xmlInitParser();
}

void feed_read(const char *utf8, size_t n, const char *url, struct record *record)
{
    const char *end = utf8 + n, *root = find_root(utf8, end);
    if (!root) return;
    struct reader *r = mem_zalloc(sizeof *r);
    struct buf cut = BUF_INIT(n + 1), escaped = BUF_INIT(5 * n + 1); /* every byte an & at worst */
    r->record = record;
    r->url = url && *url ? url : NULL;
    buf_init(&r->link, VALUE_MAX);
    buf_init(&r->spare, VALUE_MAX);
    buf_init(&r->text, VALUE_MAX);
    record->links.is_list = true;
    links_seen_init(&r->seen, record);
    struct span xml = span_of(root, (size_t)(end - root));
    if (trim_attributes(xml.p, xml.n, &cut)) xml = span_of(buf_str(&cut), cut.len);
    if (memchr(xml.p, '&', xml.n)) {
        escape_ampersands(&escaped, xml.p, xml.p + xml.n);
        xml = span_of(buf_str(&escaped), escaped.len);
    }
    run(r, xml.p, xml.n);
    if (r->item_depth) end_item(r); /* cut short: what came of it counts */
    links_release(&r->seen);
    buf_release(&r->link);
    buf_release(&r->spare);
    buf_release(&r->text);
    buf_release(&cut);
    buf_release(&escaped);
    free(r);
}
