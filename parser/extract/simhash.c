/* SimHash; contract in simhash.h. */
#include "parser/extract/simhash.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#define SHINGLE    3
#define HASH_START 14695981039346656037u
#define LANE_MAX   255 /* votes that a lane of eight bits holds */

/* Votes for each of 64 bits. Adding 64 counters for every word would cost more than reading the text: eight of them, those of every eighth
 * bit, share a machine word as lanes of a byte, and are emptied into the sums before a lane can overflow. */
struct votes {
    uint64_t lanes[8];
    unsigned in_lanes;
    uint32_t sums[64];
    uint32_t shingles;
};

static void votes_flush(struct votes *v)
{
    for (unsigned i = 0; i < 64; i++) v->sums[i] += v->lanes[i % 8] >> (i / 8 * 8) & 0xff;
    for (unsigned i = 0; i < 8; i++) v->lanes[i] = 0;
    v->in_lanes = 0;
}

static void vote(struct votes *v, uint64_t hash)
{
    for (unsigned i = 0; i < 8; i++) v->lanes[i] += hash >> i & 0x0101010101010101u;
    v->shingles++;
    if (++v->in_lanes == LANE_MAX) votes_flush(v);
}

/* The finaliser of MurmurHash3 (A. Appleby, public domain): every bit of the input moves every bit of the result. */
static uint64_t mix(uint64_t h)
{
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

struct shingler {
    struct votes votes;
    uint64_t before[SHINGLE - 1]; /* hashes of the last words, the last one first */
    uint32_t words;
    uint64_t word; /* hash of the word being read */
    bool in_word;
};

static uint64_t shingle_hash(const struct shingler *s, uint64_t last)
{
    return mix(last + 3 * s->before[0] + 5 * s->before[1]);
}

static void end_word(struct shingler *s)
{
    if (!s->in_word) return;
    uint64_t h = mix(s->word);
    if (++s->words >= SHINGLE) vote(&s->votes, shingle_hash(s, h));
    s->before[1] = s->before[0];
    s->before[0] = h;
    s->in_word = false;
}

static void add_letter(struct shingler *s, uint32_t c)
{
    s->word = ((s->in_word ? s->word : HASH_START) ^ c) * 1099511628211u; /* FNV-1a, by characters */
    s->in_word = true;
}

/* U+0E00 to U+0EFF are Thai and Lao, U+1780 to U+17FF Khmer, U+3040 on kana and ideographs but for Hangul, which has blanks. */
static bool is_word_by_itself(UChar32 c)
{
    return (c >= 0x0e00 && c < 0x0f00) || (c >= 0x1780 && c < 0x1800) || (c >= 0x3040 && c < 0xac00) || (c >= 0xf900 && c < 0xfb00) ||
           c >= 0x20000;
}

static void add_wide(struct shingler *s, UChar32 c)
{
    if (is_word_by_itself(c)) {
        end_word(s);
        if (!u_isalnum(c)) return;
        add_letter(s, (uint32_t)c);
        end_word(s);
    } else if (u_isalnum(c)) {
        add_letter(s, (uint32_t)u_tolower(c));
    } else if (!(U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_CF_MASK))) { /* marks and soft hyphens do not end a word */
        end_word(s);
    }
}

uint64_t simhash_of(const char *utf8, size_t n)
{
    struct shingler s = {.words = 0};
    uint64_t result = 0;
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)utf8[i];
        if (c < 0x80) {
            i++;
            if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
                add_letter(&s, c);
            else if (c >= 'A' && c <= 'Z')
                add_letter(&s, c + 32u);
            else
                end_word(&s);
            continue;
        }
        UChar32 wide;
        U8_NEXT_OR_FFFD(utf8, i, n, wide);
        add_wide(&s, wide);
    }
    end_word(&s);
    if (s.words == 0) return 0;
    if (s.words < SHINGLE) vote(&s.votes, shingle_hash(&s, 0));
    votes_flush(&s.votes);
    for (unsigned i = 0; i < 64; i++) result |= (uint64_t)(s.votes.sums[i] * 2 > s.votes.shingles) << i;
    return result;
}

void simhash_hex(uint64_t simhash, char hex_r[SIMHASH_HEX])
{
    snprintf(hex_r, SIMHASH_HEX, "%016" PRIx64, simhash);
}
