/* Lists of links that are no pages: RSS 0.9 to 2.0, Atom, and sitemaps.
 *
 * Sources: RSS 2.0 (Harvard, 2009), RSS 1.0 (RSS-DEV, 2000), RFC 4287 (Atom), RFC 5005 (rel=next), sitemaps.org protocol 0.9;
 * which documents are one is told by the root element, as the MIME Sniffing standard does for feeds, whatever the type they
 * were sent with.
 *
 * Nothing before the root element is read: no DTD, so no entity but the five of XML, and nothing is loaded from anywhere. Time is
 * linear in the size: attributes of a tag beyond TRIM_ATTRS are cut, namespaces are told by prefix and never looked up (the
 * root element's own prefix stands for none), below 256 levels the reading ends, and
 * so it does in what has thousands of errors. */
#ifndef GM_PARSER_EXTRACT_FEED_H
#define GM_PARSER_EXTRACT_FEED_H

#include <stddef.h>

#include "line/record.h"

enum feed_kind { FEED_NONE, FEED_RSS, FEED_ATOM, FEED_SITEMAP, FEED_SITEMAP_INDEX };

/* Readies libxml2, which is known only here; once a process, before the cage closes. */
void feed_init(void);

/* What a document is, by its root element; looks at the first 4 KiB. */
enum feed_kind feed_kind_of(const char *bytes, size_t n);
/* "an RSS feed" … */
const char *feed_kind_text(enum feed_kind kind);

/* Adds the list's links to a record, in document order, each once and without record->url, with the dates the list gives
 * (Atom: updated before published), and sets record->next. Relative links are resolved against xml:base, else url. utf8 is
 * well-formed; a document that is not well-formed XML gives what can be read of it: a bare & is taken as such. Caps are those of
 * record_add_link for lists: links beyond LIMIT_LIST_LINKS are counted in links_cut. */
void feed_read(const char *utf8, size_t n, const char *url, struct record *record);

#endif
