/* Ranges in seeds, as curl reads them (https://curl.se/docs/manpage.html, URL globbing): [1-96], [001-100], [0-1900:20],
 * [a-z], [a-z:2]; several in one URL give all combinations, the last one changing fastest. Brackets that hold no range
 * (a[]=1, [::1]) stay as they are, so do those with a backslash before them, which goes. Lists in braces are not read. Ranges count
 * only after the host. */
#ifndef GM_WRITER_RANGE_H
#define GM_WRITER_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX 8 /* in one URL */

struct range {
    const char *text; /* borrowed */
    size_t len, begin;
    struct {
        size_t from, to; /* the bytes it stands at */
        int64_t min, step, count;
        int width; /* of numbers: filled up with zeros; -1: letters */
    } items[RANGES_MAX];
    size_t count;
    int64_t total; /* URLs that the text stands for; 1 without a range */
};

struct range_error {
    char text[120]; /* with the position: "at offset 24: …" */
};

/* Finds the ranges of n bytes of text, which need not be a URL. False: error_r says why. At most LIMIT_RANGE URLs. */
bool range_parse(const char *text, size_t n, struct range *range_r, struct range_error *error_r);
/* Writes URL `index` of `total`, terminated; false if it does not fit. */
bool range_write(const struct range *range, int64_t index, char *out, size_t size);

#endif
