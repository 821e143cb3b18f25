/* Links; contract in links.h. */
#include "parser/extract/links.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "line/url.h"

#define REFERENCES_MAX (4u * LIMIT_LINKS)     /* different ones that are resolved: bounds the time a page can cost */
#define SEEN_MAX       (LIMIT_LIST_LINKS + 1) /* URLs of a list, and its own: 2 MiB of slots */
#define URLS_MAX       ((size_t)REFERENCES_MAX * (LIMIT_URL + 1))

void links_init(struct links *links, const char *page_url, struct span base_href)
{
    struct url base;
    memset(links, 0, sizeof *links);
    buf_init(&links->urls, URLS_MAX);
    links->max = REFERENCES_MAX;
    bool own = base_href.n && url_resolve(page_url, base_href.p, base_href.n, &base) == URL_OK;
    size_t n = strlen(own ? base.text : page_url);
    if (n < sizeof links->base) memcpy(links->base, own ? base.text : page_url, n + 1);
}

void links_release(struct links *links)
{
    free(links->slots);
    buf_release(&links->urls);
}

static uint64_t hash_of(struct span s)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < s.n; i++) h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    h ^= h >> 29;
    return h ? h : 1;
}

static struct links_slot *slot_of(struct links_slot *slots, size_t cap, uint64_t hash)
{
    size_t i = hash & (cap - 1);
    while (slots[i].hash && slots[i].hash != hash) i = (i + 1) & (cap - 1);
    return &slots[i];
}

static void grow(struct links *links)
{
    size_t cap = links->cap ? links->cap * 2 : 256;
    struct links_slot *slots = mem_calloc(cap, sizeof *slots);
    for (size_t i = 0; i < links->cap; i++)
        if (links->slots[i].hash) *slot_of(slots, cap, links->slots[i].hash) = links->slots[i];
    free(links->slots);
    links->slots = slots;
    links->cap = cap;
}

/* True if the reference is new; *slot_r is its place. NULL if there are too many. */
static bool remember(struct links *links, uint64_t hash, struct links_slot **slot_r)
{
    if (links->count * 2 >= links->cap) grow(links);
    *slot_r = slot_of(links->slots, links->cap, hash);
    if ((*slot_r)->hash) return false;
    if (links->count >= links->max) {
        *slot_r = NULL;
        return false;
    }
    (*slot_r)->hash = hash;
    links->count++;
    return true;
}

/* Cheap first look: most references that are no links say so. */
static bool may_be_link(struct span s)
{
    static const char *const others[] = {"javascript:", "mailto:", "tel:", "data:", "#"};
    for (size_t i = 0; s.n && i < sizeof others / sizeof *others; i++)
        if (span_starts(s, others[i])) return false;
    return s.n > 0;
}

static struct links_slot *resolve(struct links *links, struct span reference)
{
    struct links_slot *slot;
    struct url url;
    if (!remember(links, hash_of(reference), &slot)) return slot;
    slot->at = LINK_NONE;
    if (url_resolve(links->base, reference.p, reference.n, &url) != URL_OK) return slot;
    size_t at = links->urls.len;
    if (buf_add(&links->urls, url.text, strlen(url.text) + 1)) slot->at = (uint32_t)at;
    return slot;
}

uint32_t links_resolve(struct links *links, struct span reference)
{
    reference = span_trim(reference);
    if (!may_be_link(reference)) return LINK_NONE;
    const struct links_slot *slot = resolve(links, reference);
    return slot ? slot->at : LINK_NONE;
}

const char *links_url(const struct links *links, uint32_t link)
{
    return links->urls.data + link;
}

static struct span href_of(const struct doc *d, size_t i)
{
    switch (d->nodes[i].tag) {
    case TAG_a:
    case TAG_area: return span_trim(doc_attr(d, i, ATTR_href));
    case TAG_frame: return span_trim(doc_attr(d, i, ATTR_src));
    default: return span_of(NULL, 0);
    }
}

void links_seen_init(struct links *seen, const struct record *record)
{
    struct links_slot *place;
    memset(seen, 0, sizeof *seen);
    seen->max = record->links.is_list ? SEEN_MAX : REFERENCES_MAX;
    const char *own = record->url ? record->url : "";
    remember(seen, hash_of(span_of(own, strlen(own))), &place);
}

void links_add_once(struct links *seen, struct record *record, const char *url, int64_t date)
{
    struct links_slot *place;
    size_t n = strlen(url);
    if (remember(seen, hash_of(span_of(url, n)), &place))
        record_add_dated_link(record, url, n, date);
    else if (!place)
        record->links_cut++;
}

void links_collect(struct links *links, const struct doc *d, struct record *record)
{
    struct links seen;
    links_seen_init(&seen, record);
    for (size_t i = 0; i < d->note_count; i++) {
        struct span href = href_of(d, d->notes[i]);
        if (!href.p || !may_be_link(href)) continue;
        size_t known = links->count;
        const struct links_slot *slot = resolve(links, href);
        if (!slot) record->links_cut++;
        if (!slot || links->count == known || slot->at == LINK_NONE) continue; /* too many, seen in this spelling, no link */
        links_add_once(&seen, record, links_url(links, slot->at), 0);
    }
    links_release(&seen);
}
