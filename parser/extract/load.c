/* libxml2's SAX events to a flat document; contract in load.h. */
#include "parser/extract/load.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/xmlmemory.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"
#include "parser/extract/trim.h"

#define VALUE_MAX  16384 /* an attribute value is cut here; only inline data is ever longer */
#define NAME_CACHE 256   /* libxml2 interns names: one pointer a name and page */

struct loader {
    struct doc *doc;
    htmlParserCtxtPtr parser;
    uint32_t current; /* the innermost open element */
    unsigned depth;
    bool too_deep, may_stop;
    bool dropping; /* in an element whose character data nobody reads: script, style */
    struct {
        const xmlChar *name;
        enum tag tag;
    } cache[NAME_CACHE];
};

void load_init(void)
{
    /* Its own way with failed allocations is to leave text out. */
    xmlMemSetup(free, mem_alloc, mem_realloc, mem_strdup);
    xmlInitParser();
}

static enum tag cached_tag(struct loader *l, const xmlChar *name)
{
    size_t slot = ((uintptr_t)name >> 3) % NAME_CACHE;
    if (l->cache[slot].name != name) {
        l->cache[slot].name = name;
        l->cache[slot].tag = doc_tag((const char *)name, strlen((const char *)name));
    }
    return l->cache[slot].tag;
}

static struct node *add_node(struct loader *l, enum tag tag)
{
    struct doc *d = l->doc;
    d->nodes = mem_grow(d->nodes, &d->cap, d->count + 1, sizeof *d->nodes);
    struct node *node = &d->nodes[d->count++];
    *node = (struct node){.parent = l->current, .end = (uint32_t)d->count, .tag = (uint8_t)tag};
    return node;
}

static void add_attributes(struct loader *l, struct node *node, const xmlChar **list)
{
    struct doc *d = l->doc;
    node->at = (uint32_t)d->attr_count;
    for (; list && list[0]; list += 2) {
        enum attr_name name = doc_attr_name((const char *)list[0]);
        if (name == ATTR_COUNT) continue;
        const char *value = list[1] ? (const char *)list[1] : "";
        size_t n = strlen(value);
        if (n > VALUE_MAX) {
            if (name == ATTR_src || name == ATTR_data_src || name == ATTR_href) continue;
            for (n = VALUE_MAX; n > 0 && ((unsigned char)value[n] & 0xc0) == 0x80;) n--;
        }
        if (!buf_add(&d->values, value, n)) return;
        d->attrs = mem_grow(d->attrs, &d->attr_cap, d->attr_count + 1, sizeof *d->attrs);
        d->attrs[d->attr_count++] = (struct attr){(uint8_t)name, (uint32_t)(d->values.len - n), (uint32_t)n};
        node->n++;
    }
}

/* Script and style hold no text; structured data does. */
static bool is_unread(const struct loader *l, uint32_t node)
{
    enum tag tag = l->doc->nodes[node].tag;
    return tag == TAG_style || (tag == TAG_script && !span_has(doc_attr(l->doc, node, ATTR_type), "ld+json"));
}

static void on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
    struct loader *l = context;
    if (++l->depth > TRIM_DEPTH && l->may_stop) {
        l->too_deep = true;
        xmlStopParser(l->parser);
        return;
    }
    struct node *node = add_node(l, cached_tag(l, name));
    add_attributes(l, node, attributes);
    l->current = (uint32_t)(l->doc->count - 1);
    l->dropping = is_unread(l, l->current);
}

static void on_end(void *context, const xmlChar *name)
{
    struct loader *l = context;
    (void)name;
    if (l->current == 0 || l->too_deep) return;
    struct node *node = &l->doc->nodes[l->current];
    node->end = (uint32_t)l->doc->count;
    l->current = node->parent;
    l->depth--;
    l->dropping = false;
}

static void on_text(void *context, const xmlChar *text, int len)
{
    struct loader *l = context;
    if (l->dropping || len <= 0) return;
    struct doc *d = l->doc;
    struct node *last = d->count ? &d->nodes[d->count - 1] : NULL;
    if (!buf_add(&d->texts, text, (size_t)len)) return;
    if (last && last->tag == TAG_TEXT && last->parent == l->current) {
        last->n += (uint32_t)len;
        return;
    }
    struct node *node = add_node(l, TAG_TEXT);
    node->at = (uint32_t)(d->texts.len - (size_t)len);
    node->n = (uint32_t)len;
}

static void run(struct loader *l, const char *utf8, size_t n)
{
    l->current = NODE_NONE;
    add_node(l, TAG_html); /* libxml2 may give text before any element; with this, all text has one around it */
    l->current = 0;
    l->parser = htmlCreateMemoryParserCtxt(utf8, (int)n);
    if (!l->parser) log_panic("out of memory");
    memset(l->parser->sax, 0, sizeof *l->parser->sax);
    l->parser->sax->startElement = on_start;
    l->parser->sax->endElement = on_end;
    l->parser->sax->characters = on_text;
    l->parser->sax->ignorableWhitespace = on_text;
    l->parser->sax->cdataBlock = on_text;
    l->parser->sax->initialized = 1;
    l->parser->userData = l;
    /* The bytes are UTF-8 already, whatever the page's <meta> says. */
    htmlCtxtUseOptions(l->parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_COMPACT |
                                      HTML_PARSE_IGNORE_ENC);
    l->parser->options |= XML_PARSE_HUGE;
    l->parser->charset = XML_CHAR_ENCODING_UTF8;
    htmlParseDocument(l->parser);
    htmlFreeParserCtxt(l->parser);
    /* Whatever is still open ends with the page. */
    for (uint32_t i = l->current; i != NODE_NONE; i = l->doc->nodes[i].parent) l->doc->nodes[i].end = (uint32_t)l->doc->count;
}

void load_html(struct doc *d, const char *utf8, size_t n)
{
    struct buf cut = BUF_INIT(n + 1), flat = BUF_INIT(2 * n + 1);
    struct loader l = {.doc = d, .may_stop = true};
    if (n == 0) return;
    bool unbalanced;
    if (trim_attributes(utf8, n, &cut, &unbalanced)) {
        utf8 = buf_str(&cut);
        n = cut.len;
    }
    if (!unbalanced) run(&l, utf8, n);
    if (unbalanced || l.too_deep) {
        doc_release(d);
        trim_depth(utf8, n, &flat);
        l = (struct loader){.doc = d};
        run(&l, buf_str(&flat), flat.len);
    }
    buf_release(&cut);
    buf_release(&flat);
}
