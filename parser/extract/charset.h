/* What encoding a page is in, and its text in UTF-8.
 *
 * Order: byte order mark, charset of the Content-Type header, <meta> within the first bytes (the prescan of the HTML
 * standard, section 13.2.3.2), <meta> further on, then a guess: valid UTF-8, else ICU's detector, else windows-1252. Labels are
 * those of the WHATWG Encoding Standard (section 4.2). A page that declares UTF-8 (by any of these) but is mostly something else is guessed, too. */
#ifndef GM_PARSER_EXTRACT_CHARSET_H
#define GM_PARSER_EXTRACT_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Keeps ICU from looking for files; once a process, before the cage closes. */
void charset_init(void);

/* The encoding's name by the standard in lower case ("windows-1252") for a label in any spelling; NULL for an unknown one. */
const char *charset_by_label(const char *label, size_t n);

/* Which encoding a page is in. content_type is the header's value ("" if there is none). Never NULL. "replacement" is
 * an encoding that must not be decoded. */
const char *charset_of(const char *bytes, size_t n, const char *content_type, bool is_html);

struct charset_text {
    const char *utf8; /* well-formed, without U+0000 and byte order mark; points into the input if nothing had to change */
    size_t n;
    const char *encoding;
    size_t broken;  /* characters that could not be decoded and became U+FFFD */
    struct buf own; /* memory of utf8, if it is not the input's */
};

/* Decodes. False: cannot be decoded ("replacement"), or the result is larger than memory allows. Release text_r in any case. */
bool charset_decode(const char *bytes, size_t n, const char *encoding, struct charset_text *text_r);
void charset_text_release(struct charset_text *text);

#endif
