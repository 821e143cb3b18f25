/* What the names that authors give to elements say: class, id and role, cut into words ("postMeta-top" is post, meta, top)
 * and looked up in one table. Two neighbouring words also count as one ("entry-content" as entrycontent). */
#ifndef GM_PARSER_EXTRACT_WORDS_H
#define GM_PARSER_EXTRACT_WORDS_H

#include <stdint.h>

#include "parser/extract/doc.h"

enum {
    WORD_NAV = 1u << 0,     /* menus, breadcrumbs, pagers */
    WORD_SHARE = 1u << 1,   /* buttons of social networks */
    WORD_COMMENT = 1u << 2, /* what readers wrote */
    WORD_RELATED = 1u << 3, /* teasers for other pages */
    WORD_SIDE = 1u << 4,    /* side columns, widgets */
    WORD_FOOT = 1u << 5,
    WORD_META = 1u << 6, /* byline, date, tags, categories */
    WORD_AD = 1u << 7,
    WORD_FORM = 1u << 8, /* newsletter, login, search, cookie consent */
    WORD_HIDDEN = 1u << 9,
    WORD_CAPTION = 1u << 10,
    WORD_TOC = 1u << 11,
    WORD_EDIT = 1u << 12,     /* small tools within the text: [edit], permalinks, reference marks */
    WORD_HEAD = 1u << 13,     /* the head of a page or an article */
    WORD_GOOD = 1u << 14,     /* article, content, post … */
    WORD_BODY = 1u << 15,     /* names of exactly the article's text */
    WORD_COMMENTS = 1u << 16, /* the list of comments as a whole, not one of them or their number */
    WORD_DIALOG = 1u << 17,   /* a window over the page */
    WORD_SHOWN = 1u << 18     /* "hidden" of something else: its label, what overflows; unmakes WORD_HIDDEN of the same name */
};

/* Looks all words of one attribute value up. */
uint32_t words_of(struct span value);
/* The same for an id. Ids also name what a section is about ("search-path", "datetime-table"), so they say something of its
 * role only if every word of theirs is one of a role. */
uint32_t words_of_id(struct span value);

#endif
