/* Walking over the parts of a canonical URL: segments of the path, parameters of the query.
 *
 *     for (part_first_segment(url, &p); part_next_segment(&p);) … p.name, p.name_len …
 */
#ifndef GM_WRITER_PART_H
#define GM_WRITER_PART_H

#include <stdbool.h>
#include <stddef.h>

/* Points into the URL. */
struct part {
    const char *rest; /* what comes after it */
    const char *name; /* a segment, or a parameter's name */
    size_t name_len;
    const char *value; /* a parameter's value, "" if it has none */
    size_t value_len;
    size_t len; /* of the whole part */
};

void part_first_segment(const char *canonical, struct part *p);
bool part_next_segment(struct part *p); /* empty ones are stepped over */
void part_first_parameter(const char *canonical, struct part *p);
bool part_next_parameter(struct part *p); /* parted by & or ;, empty ones stepped over */

/* Percent-decodes as much as fits. U+0000 is decoded to a blank. */
void part_decode(const char *text, size_t n, char *out, size_t size);

#endif
