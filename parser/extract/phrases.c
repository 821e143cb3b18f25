/* Stock phrases; contract in phrases.h. */
#include "parser/extract/phrases.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* The whole line, signs at its end aside. */
static const char *const whole[] = {
    "advertisement",
    "advertisements",
    "advert",
    "ad",
    "ads",
    "anzeige",
    "werbung",
    "publicité",
    "publicidad",
    "reklama",
    "iklan",
    "sponsored",
    "comment",
    "comments",
    "comments are closed",
    "leave a comment",
    "leave a reply",
    "kommentare",
    "kommentar",
    "0 comments",
    "no comments",
    "share",
    "share this",
    "share this article",
    "share this story",
    "share on facebook",
    "tweet",
    "teilen",
    "print",
    "email",
    "e-mail",
    "drucken",
    "related",
    "related articles",
    "related stories",
    "related posts",
    "related tags",
    "related topics",
    "related content",
    "related links",
    "read more",
    "read next",
    "read also",
    "more",
    "mehr",
    "weiterlesen",
    "mehr lesen",
    "see also",
    "continue reading",
    "don't miss",
    "more on this story",
    "recommended",
    "most popular",
    "trending",
    "tags",
    "tag",
    "categories",
    "topics",
    "themen",
    "schlagworte",
    "subscribe",
    "sign up",
    "log in",
    "login",
    "newsletter",
    "follow us",
    "close",
    "video",
    "photo",
    "photos",
    "gallery",
    "image",
    "loading",
    "menu",
    "home",
    "search",
    "suche",
    "top",
    "back to top",
    "nach oben",
    "zurück",
    "weiter",
    "next",
    "previous",
    "story continues below",
    "article continues below",
    "story continues below advertisement",
    "view comments",
    "show comments",
    "hide caption",
    "toggle caption",
    "enlarge this image",
    "copy link",
    "save",
    "report",
    "reply",
    "edit",
    "about the author",
    "über den autor",
    "mehr zum thema",
    "auch interessant",
    "lesen sie auch",
    "das könnte sie auch interessieren",
    "you may also like",
    "you might also like",
    "latest news",
    "breaking news",
    "editor's picks",
    "play video",
    "watch",
    "listen",
    "promoted",
};

/* How the line begins. */
static const char *const starts[] = {
    "copyright ",
    "©",
    "(c) ",
    "all rights reserved",
    "alle rechte vorbehalten",
    "read more:",
    "read also:",
    "read next:",
    "also read:",
    "see also:",
    "related:",
    "lesen sie auch:",
    "lesen sie auch ",
    "lesen sie mehr",
    "mehr zum thema",
    "weiterlesen:",
    "foto:",
    "photo:",
    "image:",
    "bild:",
    "fotos:",
    "photos:",
    "photo by ",
    "photo credit",
    "image credit",
    "image source",
    "getty images",
    "share this ",
    "sign up for ",
    "subscribe to ",
    "follow us ",
    "like us on ",
    "tags:",
    "tag:",
    "filed under",
    "posted in",
    "posted by",
    "published:",
    "published on ",
    "updated:",
    "last updated",
    "first published",
    "veröffentlicht am",
    "stand:",
    "aktualisiert:",
    "like this story?",
    "click here to ",
    "download our app",
    "get the app",
    "related tags",
    "related roundup",
    "category:",
    "categories:",
    "kategorie:",
    "kategorien:",
    "schlagwörter:",
    "schlagworte:",
    "comments (",
    "kommentare (",
    "source:",
    "quelle:",
    "via:",
};

/* Anywhere in the line: whose picture it is. */
static const char *const parts[] = {
    "(image:",
    "(photo",
    "(foto",
    "(bild:",
    "(credit",
    "(getty",
    "getty images",
    "/getty",
    "(ap photo",
    "/afp",
    "/reuters",
    "shutterstock",
    "istock",
    "(imago",
    "imago/",
    "picture alliance",
    "adobe stock",
    "adobestock",
    "pixabay",
    "unsplash",
    "all rights reserved",
    "alle rechte vorbehalten",
};

#define COUNT(table) (sizeof(table) / sizeof *(table))
static_assert(COUNT(starts) < UINT8_MAX && COUNT(whole) < UINT8_MAX, "by_bytes counts in bytes");

/* The phrases of a table by their first two bytes: a line is compared with few of them. */
struct by_bytes {
    uint8_t first[256], next[UINT8_MAX]; /* 1 + index, 0: no more */
};

static unsigned place_of(const char *p)
{
    return ((unsigned char)p[0] * 33u + (unsigned char)p[1]) % 256;
}

static void sort_in(struct by_bytes *index, const char *const *table, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        uint8_t *first = &index->first[place_of(table[i])];
        index->next[i] = *first;
        *first = (uint8_t)(i + 1);
    }
}

/* Does the line begin with a phrase of the table, or (whole) is it one? */
static bool begins(struct span s, const struct by_bytes *index, const char *const *table, bool is_whole)
{
    for (uint8_t i = s.n > 1 ? index->first[place_of(s.p)] : 0; i; i = index->next[i - 1]) {
        const char *phrase = table[i - 1];
        size_t n = 0;
        while (n < s.n && phrase[n] == s.p[n]) n++;
        if (phrase[n] == '\0' && (n == s.n || !is_whole)) return true;
    }
    return false;
}

/* Which bytes a line has, roughly: short ones lack some of most phrases. */
static uint64_t byte_bit(char c)
{
    return (uint64_t)1 << (c & 63);
}

/* Which pairs of neighbouring bytes it has: most lines lack a pair of any given phrase, and need no search. */
struct pairs {
    uint64_t bits[16];
};

static unsigned pair_bit(const char *p)
{
    return ((unsigned char)p[0] * 33u + (unsigned char)p[1]) % 1024;
}

static bool has_bit(const struct pairs *pairs, unsigned bit)
{
    return pairs->bits[bit / 64] >> bit % 64 & 1;
}

/* One of `parts`: its bytes and three of its pairs. */
struct part {
    uint64_t bytes;
    uint16_t pairs[3];
};

static void measure_parts(struct part measured_r[COUNT(parts)])
{
    for (size_t i = 0; i < COUNT(parts); i++) {
        size_t n = strlen(parts[i]);
        for (const char *p = parts[i]; *p; p++) measured_r[i].bytes |= byte_bit(*p);
        measured_r[i].pairs[0] = (uint16_t)pair_bit(parts[i]);
        measured_r[i].pairs[1] = (uint16_t)pair_bit(parts[i] + n / 2);
        measured_r[i].pairs[2] = (uint16_t)pair_bit(parts[i] + n - 2);
    }
}

static bool contains_any(const struct part measured[COUNT(parts)], struct span s, uint64_t bytes)
{
    struct pairs pairs = {{0}};
    bool is_measured = false;
    for (size_t i = 0; i < COUNT(parts); i++) {
        const struct part *p = &measured[i];
        if (p->bytes & ~bytes) continue;
        for (size_t k = 0; !is_measured && k + 1 < s.n; k++) pairs.bits[pair_bit(s.p + k) / 64] |= (uint64_t)1 << pair_bit(s.p + k) % 64;
        is_measured = true;
        if (!has_bit(&pairs, p->pairs[0]) || !has_bit(&pairs, p->pairs[1]) || !has_bit(&pairs, p->pairs[2])) continue;
        if (memmem(s.p, s.n, parts[i], strlen(parts[i]))) return true;
    }
    return false;
}

bool phrase_is_stock(struct span text)
{
    static struct by_bytes by_start, by_whole;
    static struct part measured[COUNT(parts)];
    char lower[PHRASE_MAX];
    if (!by_start.first[place_of(starts[0])]) {
        sort_in(&by_start, starts, COUNT(starts));
        sort_in(&by_whole, whole, COUNT(whole));
        measure_parts(measured);
    }
    uint64_t bytes = 0;
    struct span s = span_of(lower, text.n < sizeof lower ? text.n : sizeof lower);
    for (size_t i = 0; i < s.n; i++) {
        lower[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] + 32) : text.p[i];
        bytes |= byte_bit(lower[i]);
    }
    if (begins(s, &by_start, starts, false) || contains_any(measured, s, bytes)) return true;
    while (s.n && strchr(".:!…?>»-| ", s.p[s.n - 1])) s.n--;
    return begins(s, &by_whole, whole, true);
}
