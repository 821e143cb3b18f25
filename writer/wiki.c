/* The preset `wiki`; contract in wiki.h. */
#include "writer/wiki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucasemap.h>

#include "base/log.h"
#include "line/url.h"
#include "writer/part.h"

#define NAME_MAX_BYTES 200 /* no namespace has a longer name */

/* Parameters that show a page otherwise than as it is. */
static const char *const odd_parameters[] = {"oldid", "diff", "veaction", "redlink", "printable", "mobileaction", "undo", "curdiff"};

static int by_text(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static bool has_end(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

static bool is_talk(const char *name)
{
    for (const char *const *end = wiki_talk_ends; *end; end++)
        if (has_end(name, *end)) return true;
    for (const char *const *begin = wiki_talk_begins; *begin; begin++)
        if (strncmp(name, *begin, strlen(*begin)) == 0 && name[strlen(*begin)]) return true;
    return false;
}

/* In lower case, blanks for underscores, none at the ends. */
static bool tidy(const char *text, size_t n, char name_r[NAME_MAX_BYTES * 3])
{
    static UCaseMap *map;
    UErrorCode status = U_ZERO_ERROR;
    char raw[NAME_MAX_BYTES];
    size_t m = 0;
    if (n >= sizeof raw) return false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i] == '_' || text[i] == '+' ? ' ' : text[i];
        if (c != ' ' || (m > 0 && raw[m - 1] != ' ')) raw[m++] = c;
    }
    while (m > 0 && raw[m - 1] == ' ') m--;
    if (!map) map = ucasemap_open("", 0, &status);
    if (U_FAILURE(status)) log_panic("ICU: %s", u_errorName(status));
    ucasemap_utf8ToLower(map, name_r, NAME_MAX_BYTES * 3, raw, (int32_t)m, &status);
    return U_SUCCESS(status) && m > 0;
}

/* text: the beginning of a title, percent-decoded. */
static bool is_left_out(const char *text, char *why, size_t why_size)
{
    const char *colon = strchr(text, ':');
    char name[NAME_MAX_BYTES * 3];
    if (!colon || !tidy(text, (size_t)(colon - text), name)) return false;
    if (!bsearch(name, wiki_names, wiki_name_count, sizeof *wiki_names, by_text) && !is_talk(name)) return false;
    snprintf(why, why_size, "namespace %s", name);
    return true;
}

static bool parameter_leaves_out(const struct part *p, char *why, size_t why_size)
{
    char name[40], value[NAME_MAX_BYTES * 2];
    part_decode(p->name, p->name_len, name, sizeof name);
    part_decode(p->value, p->value_len, value, sizeof value);
    if (strcmp(name, "title") == 0) return is_left_out(value, why, why_size);
    bool odd = strcmp(name, "action") == 0 && *value && strcmp(value, "view") != 0;
    for (size_t i = 0; i < sizeof odd_parameters / sizeof *odd_parameters; i++) odd = odd || strcmp(name, odd_parameters[i]) == 0;
    if (odd) snprintf(why, why_size, "%s=%.40s", name, value);
    return odd;
}

bool wiki_leaves_out(const char *canonical, char *why, size_t why_size)
{
    struct part p;
    char title[NAME_MAX_BYTES * 2];
    /* Any segment: subpages follow the title (User:Ann/Notes), and a wiki may be anywhere below its host. */
    for (part_first_segment(canonical, &p); part_next_segment(&p);) {
        part_decode(p.name, p.name_len, title, sizeof title);
        if (is_left_out(title, why, why_size)) return true;
    }
    for (part_first_parameter(canonical, &p); part_next_parameter(&p);)
        if (parameter_leaves_out(&p, why, why_size)) return true;
    return false;
}
