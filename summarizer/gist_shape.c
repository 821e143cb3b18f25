/* Lines that are no prose; contract in gist_shape.h. */
#include "summarizer/gist_shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "line/limits.h"

#define SLOTS_FIRST 256 /* a power of two */
#define SLOTS_KEPT  8192
#define MARKER_MAX  3 /* digits of an ordered item's number */
#define FNV_BASE    14695981039346656037u
#define FNV_PRIME   1099511628211u

/* ---- a set of signatures ---- */

static uint64_t *slot_of(const struct gist_shape *s, uint64_t signature)
{
    size_t at = signature & (s->slot_count - 1);
    while (s->slots[at] && s->slots[at] != signature) at = (at + 1) & (s->slot_count - 1);
    return &s->slots[at];
}

static void widen(struct gist_shape *s)
{
    struct gist_shape wide = {.slot_count = s->slot_count ? s->slot_count * 2 : SLOTS_FIRST, .count = s->count};
    wide.slots = mem_calloc(wide.slot_count, sizeof *wide.slots);
    for (size_t i = 0; i < s->slot_count; i++)
        if (s->slots[i]) *slot_of(&wide, s->slots[i]) = s->slots[i];
    free(s->slots);
    *s = wide;
}

static void add(struct gist_shape *s, uint64_t signature)
{
    if (s->count * 2 >= s->slot_count) widen(s);
    uint64_t *slot = slot_of(s, signature);
    s->count += !*slot;
    *slot = signature;
}

/* Empties it. One huge article leaves no huge table behind. */
static void clear(struct gist_shape *s)
{
    if (s->slot_count > SLOTS_KEPT) gist_shape_release(s);
    if (s->count) memset(s->slots, 0, s->slot_count * sizeof *s->slots);
    s->count = 0;
}

void gist_shape_release(struct gist_shape *s)
{
    free(s->slots);
    *s = (struct gist_shape){.slots = NULL};
}

/* ---- signatures ---- */

static bool counts(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static uint64_t mix(uint64_t h, unsigned char c)
{
    return counts(c) ? (h ^ c) * FNV_PRIME : h;
}

static uint64_t signature(const char *s, size_t n)
{
    uint64_t h = FNV_BASE;
    for (size_t i = 0; i < n; i++) h = mix(h, (unsigned char)s[i]);
    return h;
}

static size_t find(const char *s, size_t n, size_t from, const char *what)
{
    const char *at = from < n ? memmem(s + from, n - from, what, strlen(what)) : NULL;
    return at ? (size_t)(at - s) : n;
}

/* Where the last `](` is; 0 if there is none. */
static size_t find_last(const char *s, size_t n)
{
    for (size_t i = n; i > 1; i--)
        if (s[i - 2] == ']' && s[i - 1] == '(') return i - 2;
    return 0;
}

/* Where the target of a link ends that begins at `](`; n if it does not. */
static size_t target_end(const char *s, size_t n, size_t at)
{
    bool pointed = at + 2 < n && s[at + 2] == '<';
    size_t end = find(s, n, at + 2, pointed ? ">)" : ")");
    return end == n ? n : end + (pointed ? 2 : 1);
}

/* The same for Markdown: link targets and images are no text. Escapes need no care, as no letter is escaped. */
static uint64_t markdown_signature(const char *s, size_t n)
{
    uint64_t h = FNV_BASE;
    size_t images_to = find_last(s, n); /* no image begins behind it: asked once, so that time stays linear */
    for (size_t i = 0; i < n;) {
        bool escaped = i > 0 && s[i - 1] == '\\';
        bool two = i + 1 < n && !escaped;
        size_t target = n;
        if (two && s[i] == ']' && s[i + 1] == '(') target = i;
        if (two && i < images_to && s[i] == '!' && s[i + 1] == '[') target = find(s, n, i, "](");
        if (target < n) {
            i = target_end(s, n, target);
            continue;
        }
        h = mix(h, (unsigned char)s[i++]);
    }
    return h;
}

/* ---- Markdown ---- */

/* Length of an item's marker at s: "- " or "3. "; 0 for none. */
static size_t marker(const char *s, size_t n)
{
    size_t digits = 0;
    while (digits < n && digits <= MARKER_MAX && s[digits] >= '0' && s[digits] <= '9') digits++;
    if (digits > MARKER_MAX) return 0;
    if (digits == 0) return n > 1 && s[0] == '-' && s[1] == ' ' ? 2 : 0;
    return digits + 1 < n && s[digits] == '.' && s[digits + 1] == ' ' ? digits + 2 : 0;
}

/* Takes quotation marks, indents and markers off the line. True if it is part of a list. */
static bool take_prefix(const char **s, size_t *n)
{
    bool item = false;
    for (size_t step = 1; step;) {
        step = marker(*s, *n);
        if (*n > 1 && memcmp(*s, "  ", 2) == 0) step = 2;
        item |= step > 0;
        if (!step && *n && (**s == ' ' || **s == '>')) step = 1;
        *s += step;
        *n -= step;
    }
    return item;
}

void gist_shape_read(struct gist_shape *s, const char *markdown)
{
    bool code = false;
    clear(s);
    if (!markdown) return;
    const char *end = markdown + strnlen(markdown, LIMIT_MARKDOWN);
    for (const char *next, *line = markdown; line < end; line = next) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t n = (size_t)((stop ? stop : end) - line);
        next = stop ? stop + 1 : end;
        const char *rest = line;
        bool shaped = take_prefix(&rest, &n);
        bool fence = n >= 3 && memcmp(rest, "```", 3) == 0;
        code ^= fence;
        shaped |= code || (n && (*rest == '#' || *rest == '|'));
        uint64_t found = code ? signature(rest, n) : markdown_signature(rest, n);
        if (shaped && !fence && found != FNV_BASE) add(s, found);
    }
}

bool gist_shape_has(const struct gist_shape *s, const char *line, size_t n)
{
    return s->count && *slot_of(s, signature(line, n));
}
