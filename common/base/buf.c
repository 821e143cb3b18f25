/* Growable byte buffer with a maximum; contract in buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SHRINK_FROM 4096

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf)BUF_INIT(max);
}

void buf_release(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data) b->data[0] = '\0';
}

bool buf_reserve(struct buf *b, size_t n)
{
    if (n > b->max - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + n + 1;
    if (need <= b->cap) return true;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max + 1) cap = b->max + 1;
    b->data = mem_realloc(b->data, cap);
    b->cap = cap;
    b->data[b->len] = '\0';
    return true;
}

bool buf_add(struct buf *b, const void *bytes, size_t n)
{
    if (!buf_reserve(b, n)) return false;
    if (n) memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
    return true;
}

bool buf_add_str(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

bool buf_add_char(struct buf *b, char c)
{
    if ((b->len + 1 >= b->cap || b->len >= b->max) && !buf_reserve(b, 1)) return false;
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
    return true;
}

bool buf_vaddf(struct buf *b, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    bool ok = n >= 0 && buf_reserve(b, (size_t)n);
    if (n < 0) b->failed = true;
    if (ok) {
        vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return ok;
}

bool buf_addf(struct buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    bool ok = buf_vaddf(b, format, ap);
    va_end(ap);
    return ok;
}

void buf_truncate(struct buf *b, size_t n)
{
    if (n >= b->len) return;
    b->len = n;
    b->data[n] = '\0';
}

char *buf_take(struct buf *b)
{
    char *data = b->data ? b->data : mem_strdup("");
    /* Room that a cautious reserve left over would live as long as the message it became. */
    if (b->cap > SHRINK_FROM && b->len < b->cap / 2) data = mem_realloc(data, b->len + 1);
    buf_init(b, b->max);
    return data;
}

bool buf_failed(const struct buf *b)
{
    return b->failed;
}

const char *buf_str(const struct buf *b)
{
    return b->data ? b->data : "";
}
