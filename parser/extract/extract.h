/* From the bytes of a page to its record: the parser's core, without broker and cage.
 *
 * Pure: the same input gives the same record, nothing outside is read or changed. Time and memory are linear in the size of
 * the page. */
#ifndef GM_PARSER_EXTRACT_EXTRACT_H
#define GM_PARSER_EXTRACT_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>

#include "line/codes.h"
#include "line/limits.h"
#include "line/record.h"

struct extract_input {
    const char *bytes; /* the body, unpacked */
    size_t n;
    const char *url;                      /* canonical; base of links. NULL: none are resolved but absolute ones */
    const char *content_type;             /* header, "" if there is none */
    const char *robots_tag;               /* X-Robots-Tag header, "" if there is none; several of them one a line */
    const char *agent;                    /* our name in robots directives; NULL: gistmill */
    int64_t now;                          /* for unavailable_after, ms since 1970: when it was fetched; 0: that directive means nothing */
    bool ignore_noindex, ignore_nofollow; /* these directives are left out of account */
};

struct extract_notes {
    const char *encoding;      /* the page's, by its WHATWG name; NULL if it was not looked at. Static */
    char detail[LIMIT_DETAIL]; /* words about a code that is not OK, "" otherwise */
    struct buf *explain;       /* in: NULL, or gets one line a block and why it was kept or dropped */
};

/* Readies the libraries used; once a process, before the cage closes: from then on no file is opened. */
void extract_init(void);

/* What becomes of each kind of content:
 *   HTML, XHTML                 an article, its metadata and links
 *   text/plain, text/markdown   the text as it is, no links
 *   RSS, Atom, sitemaps         links with their dates and NO_ARTICLE; told by the root element, under any type but plain text;
 *                               also gzipped (.xml.gz)
 *   everything else             UNSUPPORTED_TYPE; PDF, images and archives also by their first bytes, under any type
 *
 * Fills title … amp, hash, simhash, text, markdown, words, links and links_cut of an empty record (url may be set: it is
 * left alone). OK, or NO_ARTICLE, UNSUPPORTED_TYPE, BAD_ENCODING, TOO_LARGE; or NOINDEX: then an article may be there all the
 * same, and it is the caller's part not to keep it. Links are left out when the page asks not to follow them. Neither happens with a
 * directive that is ignored. */
enum code extract_page(const struct extract_input *in, struct record *record, struct extract_notes *notes);

#endif
