/* Allocation that does not fail; contract in mem.h. */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"

#define PAGE      4096
#define HUGE_FROM ((size_t)2 << 20) /* a huge page of x86-64 and, with pages of 4 KiB, of arm64 */

static void *checked(void *p)
{
    if (!p) log_panic("out of memory");
    return p;
}

void *mem_alloc(size_t n)
{
    return checked(malloc(n ? n : 1));
}

void *mem_zalloc(size_t n)
{
    return checked(calloc(1, n ? n : 1));
}

void *mem_calloc(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

/* A wish: where the kernel knows no huge pages, all stays as it is. It is for all of the mapping that malloc makes of so large a block, or
 * it would be torn in two, which mremap cannot move: a growing array would then be copied. */
static void *wish_huge(void *p, size_t n)
{
    uintptr_t from = (uintptr_t)p & ~(uintptr_t)(PAGE - 1), to = ((uintptr_t)p + n + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    if (n >= HUGE_FROM) madvise((void *)from, to - from, MADV_HUGEPAGE);
    return p;
}

void *mem_array(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) log_panic("array of %zu elements is too large", count);
    return wish_huge(mem_alloc(count * size), count * size);
}

void *mem_realloc(void *p, size_t n)
{
    return checked(realloc(p, n ? n : 1));
}

void *mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap) return p;
    size_t n = *cap ? *cap : 16;
    while (n < need) n *= 2;
    if (n > SIZE_MAX / size) log_panic("array of %zu elements is too large", n);
    *cap = n;
    return wish_huge(mem_realloc(p, n * size), n * size);
}

char *mem_strdup(const char *s)
{
    return s ? checked(strdup(s)) : NULL;
}

char *mem_strndup(const char *s, size_t n)
{
    return checked(strndup(s, n));
}
