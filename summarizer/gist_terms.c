/* Terms; contract in gist_terms.h.
 *
 * Two tables: words as they stand (lower-cased) to their term, so that each word is stemmed once an article, and stems to
 * their number. Keys lie one behind the other in a buffer. */
#include "summarizer/gist_terms.h"

#include <libstemmer.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "base/mem.h"
#include "line/limits.h"

#define TERM_NONE      UINT32_MAX /* a single letter */
#define WORD_MAX       60         /* longer words are cut, in bytes */
#define PREFIX_LETTERS 6          /* GIST_STEM_PREFIX */
#define SLOTS_FIRST    1024       /* a power of two */
#define SLOTS_KEPT     8192

struct entry {
    uint32_t hash, at, n; /* key: n bytes at `at` of keys */
    uint32_t term;
};

struct table {
    uint32_t *slots; /* index into entries + 1, 0 for an empty slot */
    size_t slot_count;
    struct entry *entries;
    size_t count, cap;
};

struct gist_terms {
    const struct gist_langs *langs;
    const struct gist_lang *lang;
    struct table words, stems;
    struct buf keys;
    bool *stops; /* by term */
    size_t terms, stops_cap;
};

static uint32_t hash_bytes(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 16777619u;
    return h ^ h >> 15;
}

/* Empties it. A huge article leaves no huge table to clear for each small one after it. */
static void table_clear(struct table *t)
{
    if (t->slot_count > SLOTS_KEPT && t->count * 16 < t->slot_count) {
        free(t->slots);
        t->slots = NULL;
        t->slot_count = 0;
    }
    t->count = 0;
    if (t->slots) memset(t->slots, 0, t->slot_count * sizeof *t->slots);
}

static void table_release(struct table *t)
{
    free(t->slots);
    free(t->entries);
}

static void table_widen(struct table *t)
{
    size_t count = t->slot_count ? t->slot_count * 2 : SLOTS_FIRST;
    free(t->slots);
    t->slots = mem_calloc(count, sizeof *t->slots);
    t->slot_count = count;
    for (size_t i = 0; i < t->count; i++) {
        size_t at = t->entries[i].hash & (count - 1);
        while (t->slots[at]) at = (at + 1) & (count - 1);
        t->slots[at] = (uint32_t)i + 1;
    }
}

/* The entry of a key, made with term TERM_NONE and *new_r = true if there was none. Valid until the next call. */
static struct entry *table_get(struct table *t, struct buf *keys, const char *key, size_t n, bool *new_r)
{
    if (t->count * 2 >= t->slot_count) table_widen(t);
    uint32_t hash = hash_bytes(key, n);
    size_t at = hash & (t->slot_count - 1);
    for (; t->slots[at]; at = (at + 1) & (t->slot_count - 1)) {
        struct entry *e = &t->entries[t->slots[at] - 1];
        if (e->hash == hash && e->n == n && memcmp(keys->data + e->at, key, n) == 0) {
            *new_r = false;
            return e;
        }
    }
    t->entries = mem_grow(t->entries, &t->cap, t->count + 1, sizeof *t->entries);
    t->entries[t->count] = (struct entry){.hash = hash, .at = (uint32_t)keys->len, .n = (uint32_t)n, .term = TERM_NONE};
    buf_add(keys, key, n);
    t->slots[at] = (uint32_t)++t->count;
    *new_r = true;
    return &t->entries[t->count - 1];
}

/* ---- one word ---- */

static size_t prefix(const char *word, size_t n)
{
    int32_t i = 0;
    for (int k = 0; k < PREFIX_LETTERS && i < (int32_t)n; k++) U8_FWD_1((const uint8_t *)word, i, (int32_t)n);
    return (size_t)i;
}

/* The term of a stem, or of a stop word, which is not stemmed: "the" and "then" stay apart from words that end up as them. */
static uint32_t number(struct gist_terms *t, const char *word, size_t n, bool stop)
{
    bool fresh;
    struct entry *e = table_get(&t->stems, &t->keys, word, n, &fresh);
    if (!fresh) return e->term;
    t->stops = mem_grow(t->stops, &t->stops_cap, t->terms + 1, sizeof *t->stops);
    t->stops[t->terms] = stop;
    e->term = (uint32_t)t->terms++;
    return e->term;
}

static uint32_t stem(struct gist_terms *t, const char *word, size_t n)
{
    if (t->lang->stemming == GIST_STEM_PREFIX) n = prefix(word, n);
    if (t->lang->stemming == GIST_STEM_SNOWBALL) {
        const sb_symbol *stemmed = sb_stemmer_stem(t->lang->stemmer, (const sb_symbol *)word, (int)n);
        int length = stemmed ? sb_stemmer_length(t->lang->stemmer) : 0;
        if (length > 0) {
            word = (const char *)stemmed;
            n = (size_t)length;
        }
    }
    return number(t, word, n, false);
}

struct output {
    struct gist_terms *t;
    uint32_t **ids;
    size_t *count, *cap;
};

static void emit(struct output *out, const char *word, size_t n, bool pair)
{
    struct gist_terms *t = out->t;
    bool fresh;
    struct entry *e = table_get(&t->words, &t->keys, word, n, &fresh);
    if (fresh) {
        size_t at = (size_t)(e - t->words.entries);
        bool single = !pair && (n == 1 || (n == 2 && (unsigned char)word[0] >= 0xc0)); /* one letter */
        bool stop = !single && gist_lang_is_stop(t->langs, t->lang, word, n);
        uint32_t term = single ? TERM_NONE : stop ? number(t, word, n, true) : stem(t, word, n);
        e = &t->words.entries[at];
        e->term = term;
    }
    if (e->term == TERM_NONE) return;
    *out->ids = mem_grow(*out->ids, out->cap, *out->count + 1, sizeof **out->ids);
    (*out->ids)[(*out->count)++] = e->term;
}

/* ---- a run of text ---- */

/* Thai, Lao, Tibetan, Myanmar, Khmer, Han and kana: scripts that do without blanks between words. */
static bool is_unspaced(UChar32 c)
{
    return (c >= 0x0e00 && c < 0x1100) || (c >= 0x1780 && c < 0x1800) || (c >= 0x2e80 && c < 0xac00) || (c >= 0xf900 && c < 0xfb00) ||
           c >= 0x20000;
}

static bool is_hiragana(UChar32 c)
{
    return c >= 0x3040 && c < 0x30a0;
}

struct scan {
    struct output out;
    char word[WORD_MAX + U8_MAX_LENGTH];
    size_t n;
    UChar32 last; /* the unspaced character before, 0 if there was none */
    size_t words, unspaced;
};

static void word_end(struct scan *s)
{
    if (s->n) {
        s->words++;
        emit(&s->out, s->word, s->n, false);
    }
    s->n = 0;
}

static void unspaced_char(struct scan *s, UChar32 c)
{
    word_end(s);
    s->unspaced++;
    /* Pairs of hiragana are endings and particles. */
    if (s->last && !(is_hiragana(c) && is_hiragana(s->last))) {
        char pair[2 * U8_MAX_LENGTH];
        size_t n = 0;
        U8_APPEND_UNSAFE(pair, n, s->last);
        U8_APPEND_UNSAFE(pair, n, c);
        emit(&s->out, pair, n, true);
    }
    s->last = c;
}

static void other_char(struct scan *s, UChar32 c)
{
    s->last = 0;
    if (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_ND_MASK | U_GC_M_MASK)) {
        c = u_tolower(c);
        if (s->n < WORD_MAX) U8_APPEND_UNSAFE(s->word, s->n, c);
    } else {
        word_end(s);
    }
}

size_t gist_terms_add(struct gist_terms *terms, const char *text, size_t n, uint32_t **ids, size_t *count, size_t *cap)
{
    struct scan s = {.out = {.t = terms, .ids = ids, .count = count, .cap = cap}};
    for (int32_t i = 0; i < (int32_t)n;) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte | 32) >= 'a' && (byte | 32) <= 'z') { /* most of most texts */
            s.last = 0;
            if (s.n < WORD_MAX) s.word[s.n++] = (char)(byte | 32);
            i++;
            continue;
        }
        UChar32 c;
        U8_NEXT((const uint8_t *)text, i, (int32_t)n, c);
        if (is_unspaced(c) && (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_M_MASK)))
            unspaced_char(&s, c);
        else
            other_char(&s, c);
    }
    word_end(&s);
    return s.words + (s.unspaced + 1) / 2;
}

/* ---- life ---- */

struct gist_terms *gist_terms_new(void)
{
    struct gist_terms *t = mem_zalloc(sizeof *t);
    /* Each key is a word of the text or its stem; lower case may take half as many bytes more, a pair shares each character. */
    buf_init(&t->keys, (size_t)LIMIT_TEXT * 6);
    return t;
}

void gist_terms_free(struct gist_terms **terms)
{
    if (!*terms) return;
    table_release(&(*terms)->words);
    table_release(&(*terms)->stems);
    buf_release(&(*terms)->keys);
    free((*terms)->stops);
    free(*terms);
    *terms = NULL;
}

void gist_terms_reset(struct gist_terms *terms, const struct gist_langs *langs, const struct gist_lang *lang)
{
    terms->langs = langs;
    terms->lang = lang;
    table_clear(&terms->words);
    table_clear(&terms->stems);
    buf_reset(&terms->keys);
    terms->terms = 0;
}

bool gist_terms_is_stop(const struct gist_terms *terms, uint32_t id)
{
    return terms->stops[id];
}

size_t gist_terms_count(const struct gist_terms *terms)
{
    return terms->terms;
}
