/* A growable byte buffer that is born with a maximum.
 *
 * Everything whose size comes from outside (bodies, records, texts) lives in one of these. A buffer never grows past
 * its maximum: the call that would do so fails, the buffer keeps what it had, and buf_failed() is true from then on
 * until buf_reset(), so that a chain of appends may be checked once at its end. */
#ifndef GM_BASE_BUF_H
#define GM_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* NUL-terminated whenever it is not NULL; NULL while nothing was ever added */
    size_t len; /* bytes in use, the closing NUL not counted */
    size_t cap; /* bytes allocated */
    size_t max; /* len never exceeds this */
    bool failed;
};

#define BUF_INIT(limit)                                                                                                                    \
    {                                                                                                                                      \
        .data = NULL, .len = 0, .cap = 0, .max = (limit), .failed = false                                                                  \
    }

/* Makes an empty buffer that may hold up to max bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t max);
/* An empty buffer in an array of so many bytes, for texts that are cut at a few hundred: it holds one less, never grows, and is neither
 * released nor taken. */
static inline struct buf buf_over(char *array, size_t size)
{
    array[0] = '\0';
    return (struct buf){.data = array, .cap = size, .max = size - 1};
}
/* Frees the memory; the buffer is empty afterwards and may be used again with the same maximum. */
void buf_release(struct buf *b);
/* Empties the buffer but keeps its memory. Clears the failure mark. */
void buf_reset(struct buf *b);
/* Makes room for n more bytes. False (and failed) if that would exceed the maximum. */
bool buf_reserve(struct buf *b, size_t n);
/* Appends; false (and failed) if the maximum would be exceeded: then nothing was appended. */
bool buf_add(struct buf *b, const void *bytes, size_t n);
bool buf_add_str(struct buf *b, const char *s);
bool buf_add_char(struct buf *b, char c);
bool buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buf_vaddf(struct buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
/* Cuts the buffer to n bytes; n must not exceed len. */
void buf_truncate(struct buf *b, size_t n);
/* Hands the memory out: the caller frees it. Never NULL ("" if the buffer was empty). The buffer is empty afterwards. */
char *buf_take(struct buf *b);
/* True if any append since the last reset did not fit. */
bool buf_failed(const struct buf *b);
/* The content as a C string, "" for an empty buffer; valid until the next change. */
const char *buf_str(const struct buf *b);

#endif
