/* The links of a page: resolved against its base, canonical, each once. */
#ifndef GM_PARSER_EXTRACT_LINKS_H
#define GM_PARSER_EXTRACT_LINKS_H

#include <stdint.h>

#include "line/limits.h"
#include "line/record.h"
#include "parser/extract/doc.h"

#define LINK_NONE UINT32_MAX

/* References resolved so far, by their spelling in the page. */
struct links {
    struct links_slot {
        uint64_t hash; /* of the reference as written */
        uint32_t at;   /* offset of the canonical URL in urls, LINK_NONE if it is none we follow */
    } * slots;
    size_t count, cap; /* cap is a power of two */
    struct buf urls;   /* NUL-terminated strings */
    size_t max;        /* references at most */
    char base[LIMIT_URL + 1];
};

void links_init(struct links *links, const char *page_url, struct span base_href);
void links_release(struct links *links);

/* The canonical http(s) URL a reference means, as a handle for links_url; LINK_NONE: not a link we follow, or too many
 * different ones were asked for. */
uint32_t links_resolve(struct links *links, struct span reference);
/* The URL of a handle; valid until the next call of links_resolve. */
const char *links_url(const struct links *links, uint32_t link);

/* A set of the canonical URLs a record has; the record's own is in it from the start. How many it takes follows from record->links.is_list.
 * Release it with links_release. */
void links_seen_init(struct links *seen, const struct record *record);
/* Adds a canonical URL to the record unless the set has it. date: see record_add_dated_link. */
void links_add_once(struct links *seen, struct record *record, const char *url, int64_t date);

/* Adds every link of the page (a, area, frame) to the record, in document order, without the page itself. Caps are those of
 * record_add_link; what they cut is counted in links_cut. */
void links_collect(struct links *links, const struct doc *d, struct record *record);

#endif
