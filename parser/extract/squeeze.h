/* Words in a row: white space between them collapsed. */
#ifndef GM_PARSER_EXTRACT_SQUEEZE_H
#define GM_PARSER_EXTRACT_SQUEEZE_H

#include "base/buf.h"
#include "parser/extract/doc.h"

struct squeeze {
    struct buf *out; /* borrowed */
    size_t start;    /* where the words begin in it: nothing stands before the first one */
    char gap;        /* what the next word needs before it: 0, ' ' or '\n' */
};

static inline struct squeeze squeeze_to(struct buf *out)
{
    return (struct squeeze){.out = out, .start = out->len};
}

/* Appends the words of a text, with what they need before them; white space at its end is left to the next text. False: a word did not fit
 * out's maximum. Of it, only what is needed before it may have been added. */
bool squeeze_add(struct squeeze *s, struct span text);
/* The same, but of a word that does not fit, as many whole characters are added as do. */
bool squeeze_fill(struct squeeze *s, struct span text);

#endif
