/* Guards against traps; contract in guard.h. */
#include "writer/guard.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "line/limits.h"
#include "line/url.h"
#include "writer/part.h"

#define SEGMENTS 600 /* in GUARD_URL_LENGTH bytes there cannot be more */

/* How often the most frequent segment comes. */
static size_t most_repeated(const char *canonical, struct part *segment_r)
{
    static struct part seen[SEGMENTS];
    static size_t times[SEGMENTS];
    size_t count = 0, most = 0;
    struct part p;
    for (part_first_segment(canonical, &p); part_next_segment(&p) && count < SEGMENTS;) {
        size_t i = 0;
        while (i < count && !(seen[i].len == p.len && memcmp(seen[i].name, p.name, p.len) == 0)) i++;
        if (i == count) {
            seen[count] = p;
            times[count++] = 0;
        }
        if (++times[i] > most) {
            most = times[i];
            *segment_r = p;
        }
    }
    return most;
}

enum refusal guard_check(const char *canonical, char *why, size_t why_size)
{
    size_t n = strlen(canonical), parameters = 0;
    struct part p;
    if (n > GUARD_URL_LENGTH) {
        snprintf(why, why_size, "%zu bytes", n);
        return REFUSED_URL_LENGTH;
    }
    size_t repeated = most_repeated(canonical, &p);
    if (repeated > GUARD_PATH_REPEAT) {
        snprintf(why, why_size, "%.*s %zu times", (int)p.len, p.name, repeated);
        return REFUSED_PATH_REPEAT;
    }
    for (part_first_parameter(canonical, &p); part_next_parameter(&p);) parameters++;
    if (parameters > GUARD_PARAMETERS) {
        snprintf(why, why_size, "%zu parameters", parameters);
        return REFUSED_PARAMETERS;
    }
    return REFUSED_NOT;
}

/* ---- calendars ---- */

/* Numbers of a date, as they come. */
struct date {
    int numbers[4], digits[4];
    size_t count;
};

/* Numbers that are something else are rarely in these bounds. A calendar that goes on beyond them has met GUARD_CALENDAR before. */
static bool is_year(int number, int digits)
{
    return digits == 4 && number >= 1900 && number <= 2199;
}

static bool is_month(int number)
{
    return number >= 1 && number <= 12;
}

/* Adds the numbers of a text like 2031, 2031-05, 12.05.2031, 20310512; false if it is none. */
static bool add_numbers(struct date *d, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t begin = i;
        int number = 0;
        while (i < n && isdigit((unsigned char)text[i]) && i - begin < 8) number = number * 10 + text[i++] - '0';
        if (i == begin || d->count == 4) return false;
        d->numbers[d->count] = number;
        d->digits[d->count++] = (int)(i - begin);
        if (i < n && !strchr("-._", text[i++])) return false;
    }
    return n > 0;
}

static bool has_month(const struct date *d)
{
    for (size_t i = 0; i < d->count; i++) {
        int number = d->numbers[i], digits = d->digits[i];
        if (digits == 6 && is_year(number / 100, 4) && is_month(number % 100)) return true;
        if (digits == 8 && is_year(number / 10000, 4) && is_month(number / 100 % 100)) return true;
        if (i + 1 == d->count) break;
        bool forward = is_year(number, digits) && is_month(d->numbers[i + 1]);
        bool backward = is_month(number) && digits <= 2 && is_year(d->numbers[i + 1], d->digits[i + 1]);
        if (forward || backward) return true;
    }
    return false;
}

/* Without an ending such as .html. */
static size_t without_ending(const char *text, size_t n)
{
    size_t k = n;
    while (k > 0 && isalpha((unsigned char)text[k - 1])) k--;
    return k > 1 && k < n && n - k <= 5 && text[k - 1] == '.' ? k - 1 : n;
}

/* From which segment on the path is nothing but a date with a month; NULL: it does not end in one. */
static const char *date_in_path(const char *canonical)
{
    struct part p, tail[4];
    struct date all, one;
    const char *begin = NULL;
    size_t count = 0;
    for (part_first_segment(canonical, &p); part_next_segment(&p);) {
        one.count = 0;
        if (!add_numbers(&one, p.name, without_ending(p.name, p.len))) {
            count = 0;
            continue;
        }
        if (count == 4) memmove(tail, tail + 1, 3 * sizeof *tail), count = 3;
        tail[count++] = p;
    }
    /* The longest end that reads as a date: /7/2031/05 is one from 2031 on, or from 7 on; that is the same for our purpose. */
    for (size_t from = 0; from < count && !begin; from++) {
        all.count = 0;
        bool ok = true;
        for (size_t i = from; i < count && ok; i++) ok = add_numbers(&all, tail[i].name, without_ending(tail[i].name, tail[i].len));
        if (ok && has_month(&all)) begin = tail[from].name;
    }
    return begin;
}

static bool is_calendar_parameter(const struct part *p)
{
    static const char *const names[] = {"date",   "day",    "week",     "month",     "year",    "startdate", "enddate", "fromdate",
                                        "todate", "calday", "calmonth", "eventdate", "caldate", "calyear",   "jahr",    "monat"};
    struct date d = {.count = 0};
    if (p->value_len == 0) return false;
    bool date = add_numbers(&d, p->value, p->value_len);
    if (date && has_month(&d)) return true;
    if (strspn(p->value, "0123456789-") < p->value_len) return false;
    /* The words of the name: cal[month], event_date. */
    for (const char *word = p->name, *end = p->name + p->name_len; word < end;) {
        size_t n = 0;
        while (word + n < end && isalpha((unsigned char)word[n])) n++;
        for (size_t i = 0; n > 0 && i < sizeof names / sizeof *names; i++)
            if (strlen(names[i]) == n && strncasecmp(names[i], word, n) == 0) return true;
        word += n ? n : 1;
    }
    return false;
}

struct text {
    char *at;
    size_t left;
};

static void add(struct text *t, const char *bytes, size_t n)
{
    if (n >= t->left) n = t->left - 1;
    memcpy(t->at, bytes, n);
    t->at += n;
    t->left -= n;
    *t->at = '\0';
}

bool guard_calendar(const char *canonical, const char *host, char *shape_r, size_t size)
{
    struct text t = {shape_r, size};
    struct part p;
    const char *date = date_in_path(canonical);
    bool found = date != NULL;
    add(&t, host, strlen(host));
    for (part_first_segment(canonical, &p); part_next_segment(&p);) {
        add(&t, "/", 1);
        if (date && p.name >= date)
            add(&t, "#", 1);
        else
            add(&t, p.name, p.len);
    }
    for (part_first_parameter(canonical, &p); part_next_parameter(&p);) {
        bool is_date = is_calendar_parameter(&p);
        found = found || is_date;
        add(&t, "?", 1);
        add(&t, p.name, is_date ? p.name_len : p.len);
        if (is_date) add(&t, "=#", 2);
    }
    return found;
}
