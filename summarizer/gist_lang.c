/* Languages of the extractive engine; contract in gist_lang.h. */
#include "summarizer/gist_lang.h"

#include <libstemmer.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include "base/log.h"
#include "base/mem.h"
#include "summarizer/gist_tables.h"

#define STOP_SLOTS  8192 /* of the hash tables; powers of two, more than twice the words of all lists */
#define DOT_SLOTS   2048
#define GUESS_BYTES 4000 /* what a guess reads */
#define GUESS_WORD  40   /* longer words are no stop words, in bytes */
#define GUESS_HITS  2    /* fewer stop words say nothing */
#define LANGS_MAX   64   /* bits of a mask */

struct listed {
    const char *word; /* into the lists; not terminated */
    uint32_t n;
    uint64_t langs; /* bit per language that has it */
};

struct lists {
    struct listed *slots;
    uint32_t count;
};

struct gist_langs {
    struct gist_lang items[LANGS_MAX];
    int count;
    struct lists stops, abbrs, numbered, enders;
};

static uint32_t hash_bytes(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 16777619u;
    return h;
}

static struct listed *slot_of(const struct lists *l, const char *word, size_t n)
{
    uint32_t i = hash_bytes(word, n) & (l->count - 1);
    while (l->slots[i].word && (l->slots[i].n != n || memcmp(l->slots[i].word, word, n) != 0)) i = (i + 1) & (l->count - 1);
    return &l->slots[i];
}

static bool has(const struct lists *l, const struct gist_lang *lang, const char *word, size_t n)
{
    return slot_of(l, word, n)->langs >> lang->index & 1;
}

/* Takes the next word of a blank-separated list; NULL at its end. */
static const char *list_next(const char **list, size_t *n_r)
{
    const char *word = *list + strspn(*list, " ");
    *n_r = strcspn(word, " ");
    *list = word + *n_r;
    return *n_r ? word : NULL;
}

static void lists_init(struct lists *l, uint32_t slots)
{
    l->slots = mem_calloc(slots, sizeof *l->slots);
    l->count = slots;
}

static void add_word(struct lists *l, uint64_t langs, const char *word, size_t n)
{
    struct listed *slot = slot_of(l, word, n);
    slot->word = word;
    slot->n = (uint32_t)n;
    slot->langs |= langs;
}

static void add_words(struct lists *l, uint64_t langs, const char *list)
{
    const char *word;
    size_t n;
    while ((word = list_next(&list, &n))) add_word(l, langs, word, n);
}

static void add_abbrs(struct gist_langs *set, uint64_t langs, const char *list)
{
    const char *word;
    size_t n;
    while ((word = list_next(&list, &n))) {
        bool ender = word[n - 1] == '+';
        add_word(ender ? &set->enders : &set->abbrs, langs, word, n - ender);
    }
}

struct gist_langs *gist_langs_new(void)
{
    struct gist_langs *langs = mem_zalloc(sizeof *langs);
    lists_init(&langs->stops, STOP_SLOTS);
    lists_init(&langs->abbrs, DOT_SLOTS);
    lists_init(&langs->numbered, DOT_SLOTS);
    lists_init(&langs->enders, DOT_SLOTS);
    add_abbrs(langs, UINT64_MAX, gist_common_abbrs);
    add_words(&langs->numbered, UINT64_MAX, gist_common_numbered);
    for (int i = 0; i < gist_table_count; i++) {
        const struct gist_table *t = &gist_tables[i];
        struct gist_lang *lang = &langs->items[langs->count];
        lang->code = t->code;
        lang->ordinals = t->ordinals;
        lang->stemming = !*t->stemmer ? GIST_STEM_NONE : *t->stemmer == '6' ? GIST_STEM_PREFIX : GIST_STEM_SNOWBALL;
        lang->set = langs;
        lang->index = langs->count++;
        add_words(&langs->stops, (uint64_t)1 << lang->index, t->stops);
        add_abbrs(langs, (uint64_t)1 << lang->index, t->abbrs);
        add_words(&langs->numbered, (uint64_t)1 << lang->index, t->numbered);
    }
    langs->items[langs->count] = (struct gist_lang){.code = "", .stemming = GIST_STEM_NONE, .set = langs, .index = langs->count};
    langs->count++;
    return langs;
}

void gist_langs_free(struct gist_langs **langs)
{
    if (!*langs) return;
    for (int i = 0; i < (*langs)->count; i++) {
        sb_stemmer_delete((*langs)->items[i].stemmer);
        if ((*langs)->items[i].breaks) ubrk_close((*langs)->items[i].breaks);
    }
    free((*langs)->stops.slots);
    free((*langs)->abbrs.slots);
    free((*langs)->numbered.slots);
    free((*langs)->enders.slots);
    free(*langs);
    *langs = NULL;
}

/* Opens what the entry needs, on first use. */
static struct gist_lang *lang_open(struct gist_lang *lang)
{
    if (lang->breaks) return lang;
    UErrorCode status = U_ZERO_ERROR;
    lang->breaks = ubrk_open(UBRK_SENTENCE, lang->code, NULL, 0, &status);
    if (U_FAILURE(status)) log_panic("no sentence rules in ICU: %s", u_errorName(status));
    if (lang->stemming == GIST_STEM_SNOWBALL) {
        lang->stemmer = sb_stemmer_new(gist_tables[lang->index].stemmer, NULL);
        if (!lang->stemmer) lang->stemming = GIST_STEM_NONE; /* an older libstemmer */
    }
    return lang;
}

struct gist_lang *gist_langs_find(struct gist_langs *langs, const char *tag)
{
    size_t n = tag ? strcspn(tag, "-_") : 0;
    for (int i = 0; n && i < langs->count; i++)
        if (strlen(langs->items[i].code) == n && strncasecmp(langs->items[i].code, tag, n) == 0) return lang_open(&langs->items[i]);
    if (n == 2 && (strncasecmp(tag, "nb", 2) == 0 || strncasecmp(tag, "nn", 2) == 0)) return gist_langs_find(langs, "no");
    return lang_open(&langs->items[langs->count - 1]);
}

/* Scripts that tell a language by themselves, as far as we have to know. */
static const struct {
    UScriptCode script;
    const char *code;
} script_langs[] = {
    {USCRIPT_HIRAGANA, "ja"}, {USCRIPT_KATAKANA, "ja"}, {USCRIPT_HAN, "zh"},   {USCRIPT_HANGUL, "ko"}, {USCRIPT_GREEK, "el"},
    {USCRIPT_ARABIC, "ar"},   {USCRIPT_ARMENIAN, "hy"}, {USCRIPT_TAMIL, "ta"}, {USCRIPT_HEBREW, "yi"}, {USCRIPT_DEVANAGARI, "hi"},
};
#define SCRIPT_LANGS (sizeof script_langs / sizeof *script_langs)

struct guess {
    int hits[LANGS_MAX];
    int scripts[SCRIPT_LANGS];
    int letters;
    char word[GUESS_WORD];
    size_t word_n; /* GUESS_WORD: too long to matter */
};

static void guess_word(const struct gist_langs *langs, struct guess *g)
{
    uint64_t mask = g->word_n && g->word_n < GUESS_WORD ? slot_of(&langs->stops, g->word, g->word_n)->langs : 0;
    for (; mask; mask &= mask - 1) g->hits[__builtin_ctzll(mask)]++;
    g->word_n = 0;
}

static void guess_letter(struct guess *g, UChar32 c)
{
    g->letters++;
    if (c >= 0x370) {
        UErrorCode status = U_ZERO_ERROR;
        UScriptCode script = uscript_getScript(c, &status);
        for (size_t i = 0; i < SCRIPT_LANGS; i++) g->scripts[i] += script_langs[i].script == script;
    }
    c = c < 0x80 ? c | 32 : u_tolower(c);
    if (g->word_n + 4 > GUESS_WORD) {
        g->word_n = GUESS_WORD;
        return;
    }
    U8_APPEND_UNSAFE(g->word, g->word_n, c);
}

struct gist_lang *gist_langs_guess(struct gist_langs *langs, const char *text, size_t n)
{
    struct guess g = {.letters = 0};
    if (n > GUESS_BYTES) n = GUESS_BYTES;
    for (int32_t i = 0; i < (int32_t)n;) {
        UChar32 c;
        U8_NEXT((const uint8_t *)text, i, (int32_t)n, c);
        if (c < 0x80 ? (c | 32) >= 'a' && (c | 32) <= 'z' : u_isalpha(c))
            guess_letter(&g, c);
        else
            guess_word(langs, &g);
    }
    guess_word(langs, &g);
    /* Japanese is written with Han too: any tenth of kana decides. */
    int kana = g.scripts[0] + g.scripts[1];
    if (kana * 10 > g.letters) return gist_langs_find(langs, "ja");
    for (size_t i = 2; i < SCRIPT_LANGS; i++)
        if (g.scripts[i] * 2 > g.letters) return gist_langs_find(langs, script_langs[i].code);
    int best = -1;
    for (int i = 0; i < langs->count; i++)
        if (g.hits[i] >= GUESS_HITS && (best < 0 || g.hits[i] > g.hits[best])) best = i;
    return lang_open(&langs->items[best < 0 ? langs->count - 1 : best]);
}

bool gist_lang_is_stop(const struct gist_langs *langs, const struct gist_lang *lang, const char *word, size_t n)
{
    return has(&langs->stops, lang, word, n);
}

/* Lower case into low; its length, or 0 if it does not fit. */
static size_t lower(const char *word, size_t n, char *low, size_t size)
{
    size_t out = 0;
    for (int32_t i = 0; i < (int32_t)n;) {
        UChar32 c;
        U8_NEXT((const uint8_t *)word, i, (int32_t)n, c);
        if (c < 0 || out + 4 > size) return 0;
        U8_APPEND_UNSAFE(low, out, u_tolower(c));
    }
    return out;
}

/* "u.s", "z.b", "e.g", "j.-p": letters one by one. */
static bool spelled(const char *low, size_t n)
{
    int letters = 0, dots = 0;
    for (int32_t i = 0; i < (int32_t)n;) {
        UChar32 c;
        U8_NEXT((const uint8_t *)low, i, (int32_t)n, c);
        dots += c == '.';
        letters = c == '.' || c == '-' ? 0 : letters + 1;
        if (letters > 1) return false;
    }
    return dots > 0;
}

enum gist_dot gist_lang_dot(const struct gist_lang *lang, const char *word, size_t n)
{
    char low[GUESS_WORD];
    int32_t first = 0;
    size_t digits = 0, m = n ? lower(word, n, low, sizeof low) : 0;
    if (m == 0) return GIST_DOT_ENDS;
    while (digits < n && word[digits] >= '0' && word[digits] <= '9') digits++;
    if (digits == n) return lang->ordinals && n <= 2 ? GIST_DOT_ABBR : GIST_DOT_ENDS;
    if (has(&lang->set->enders, lang, low, m)) return GIST_DOT_MAY;
    U8_FWD_1((const uint8_t *)word, first, (int32_t)n);
    if ((size_t)first == n) { /* a single letter is an initial, or part of "d. h." */
        UChar32 c;
        int32_t i = 0;
        U8_NEXT((const uint8_t *)word, i, (int32_t)n, c);
        return u_isalpha(c) && c < 0x0e00 ? GIST_DOT_ABBR : GIST_DOT_ENDS;
    }
    if (spelled(low, m)) return GIST_DOT_ABBR;
    if (has(&lang->set->abbrs, lang, low, m)) return GIST_DOT_ABBR;
    if (has(&lang->set->numbered, lang, low, m)) return GIST_DOT_NUMBER;
    return GIST_DOT_ENDS;
}

bool gist_lang_starts_with_stop(const struct gist_lang *lang, const char *s, size_t n)
{
    char low[GUESS_WORD];
    int32_t end = 0, next = 0;
    while (next < (int32_t)n) {
        UChar32 c;
        U8_NEXT((const uint8_t *)s, next, (int32_t)n, c);
        if (c < 0 || !u_isalpha(c)) break;
        end = next;
    }
    size_t m = end ? lower(s, (size_t)end, low, sizeof low) : 0;
    return m && has(&lang->set->stops, lang, low, m);
}
