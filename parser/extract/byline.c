/* Bylines; contract in byline.h. */
#include "parser/extract/byline.h"

#include <ctype.h>
#include <string.h>

#include "parser/extract/date.h"

#define BYLINE_MAX 120 /* bytes: longer ones are sentences */

/* Before a name. The last letter is a blank or a colon, lest a name begin so. */
static const char *const leads[] = {
    "by ",
    "by: ",
    "von ",
    "von: ",
    "par ",
    "par: ",
    "por ",
    "por: ",
    "di ",
    "door ",
    "av ",
    "af ",
    "przez ",
    "text: ",
    "text von ",
    "autor ",
    "autor:",
    "autorin: ",
    "author ",
    "author:",
    "auteur:",
    "auteur :",
    "written by ",
    "posted by ",
    "published by ",
    "post author ",
    "veröffentlicht von ",
    "geschrieben von ",
    "verfasst von ",
    "erstellt von ",
    "eingestellt von ",
    "ein artikel von ",
    "redaktion: ",
    "écrit par ",
    "publié par ",
    "escrito por ",
    "publicado por ",
    "scritto da ",
    "geschreven door ",
    "@",
};

/* Between a name and a date. */
static const char *const trails[] = {
    "on",           "am",         "um",       "at",        "the",       "vor",        "den",
    "le",           "el",         "posted",   "published", "updated",   "publiziert", "veröffentlicht",
    "aktualisiert", "erschienen", "erstellt", "publié",    "publicado",
};
static const char *const signs[] = {",", ";", ":", "-", ".", "–", "—", "·", "•", "»", "―"};

static const char *const nobody[] = {
    "admin",   "administrator", "redaktion", "editor", "staff", "webmaster", "root", "gast",
    "unknown", "null",          "no author", "author", "autor", "by",        "von",
};

static struct span without_leads(struct span s)
{
    s = span_trim(s);
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        if (!span_starts(s, leads[i])) continue;
        s = span_trim(span_of(s.p + strlen(leads[i]), s.n - strlen(leads[i])));
        i = (size_t)-1; /* "Posted by By Jane" */
    }
    return s;
}

static bool ends_with_sign(struct span s, size_t *n_r)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        *n_r = strlen(signs[i]);
        if (s.n >= *n_r && memcmp(s.p + s.n - *n_r, signs[i], *n_r) == 0) return true;
    }
    return false;
}

static struct span last_word(struct span s)
{
    size_t from = s.n;
    while (from > 0 && !isspace((unsigned char)s.p[from - 1])) from--;
    return span_of(s.p + from, s.n - from);
}

static struct span without_signs(struct span s)
{
    size_t n;
    for (s = span_trim(s); ends_with_sign(s, &n); s = span_trim(s)) s.n -= n;
    return s;
}

/* A name that was cut before a number: without the month, if the number is a date's, and without "on", "am", dashes. */
static struct span without_trail(struct span s, const char *end)
{
    char date[DATE_SIZE];
    s = without_signs(s);
    struct span word = last_word(s);
    if (word.n && date_at(span_of(word.p, (size_t)(end - word.p)), date)) s.n -= word.n;
    for (bool more = true; more;) {
        s = without_signs(s);
        word = last_word(s);
        more = false;
        for (size_t i = 0; i < sizeof trails / sizeof *trails && !more; i++) more = span_is(word, trails[i]);
        if (more) s.n -= word.n;
    }
    return s;
}

struct span byline_clean(struct span s)
{
    s = without_leads(s);
    const char *end = s.p + s.n;
    bool at_number = false;
    for (size_t i = 0; i < s.n; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        at_number = digit && (i == 0 || !(isalnum((unsigned char)s.p[i - 1]) || s.p[i - 1] & 0x80));
        if (at_number || (s.p[i] && strchr("|\n(", s.p[i]))) s.n = i;
    }
    s = at_number ? without_trail(s, end) : without_signs(s);
    bool is_name = s.n >= 2 && s.n <= BYLINE_MAX && !span_has(s, "http") && !span_has(s, "www.") && !span_has(s, "@");
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody && is_name; i++) is_name = !span_is(s, nobody[i]);
    return is_name ? s : span_of(NULL, 0);
}

bool byline_is_host(struct span s)
{
    s = span_trim(s);
    const char *dot = s.n ? memrchr(s.p, '.', s.n) : NULL;
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '.' && s.p[i] != '-') return false;
    return dot && dot > s.p && s.p + s.n - dot > 2;
}
