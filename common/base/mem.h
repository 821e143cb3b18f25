/* Allocation that does not fail: small, fixed-size needs only. Out of memory aborts the process; the broker
 * redelivers what it held. Whatever is sized by input uses struct buf, which has a maximum and reports failure. */
#ifndef GM_BASE_MEM_H
#define GM_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                   /* uninitialised; n = 0 gives a unique pointer */
void *mem_zalloc(size_t n);                  /* zeroed */
void *mem_calloc(size_t count, size_t size); /* zeroed; aborts on overflow of count * size */
void *mem_realloc(void *p, size_t n);
/* An array that will be filled soon, uninitialised; aborts on overflow of count * size. If it is large, the kernel is asked for huge pages:
 * handing it out in pieces of 4 KiB would cost as much as filling it. */
void *mem_array(size_t count, size_t size);
/* Grows an array to hold at least need elements of size bytes: doubles *cap. Returns the (moved) array. Huge pages as above. */
void *mem_grow(void *p, size_t *cap, size_t need, size_t size);
char *mem_strdup(const char *s); /* NULL gives NULL */
char *mem_strndup(const char *s, size_t n);

#endif
