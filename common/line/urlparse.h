/* The basic URL parser of the URL standard for http and https (https://url.spec.whatwg.org/#concept-basic-url-parser),
 * for common/line/url.c. */
#ifndef GM_LINE_URLPARSE_H
#define GM_LINE_URLPARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "line/url.h"

#define URLPARSE_STACK 10240 /* enough for a plain reference of 2,000 bytes against the longest base */

/* A parsed URL is its serialisation and where its parts begin. */
struct urlparse {
    char *text; /* stack or heap */
    size_t len;
    size_t user; /* after "://" */
    size_t host; /* after credentials and '@' */
    size_t path;
    size_t query;    /* of '?'; 0: no query */
    size_t fragment; /* of '#'; 0: no fragment */
    bool https;
    char *heap;
    char stack[URLPARSE_STACK];
};

/* Parses a reference with its base (NULL: none), which is parsed first. u is set only with URL_OK but must be released,
 * whatever the result. Not to be moved: text may point into it. */
enum url_status urlparse_run(struct urlparse *u, const char *base, const char *s, size_t n);
void urlparse_release(struct urlparse *u);

/* True if the n bytes are word, ASCII letters compared without case. word is in lower case. */
bool urlparse_word(const char *s, size_t n, const char *word);

#endif
