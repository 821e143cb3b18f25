/* Dates; contract in date.h. */
#include "parser/extract/date.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

#define YEAR_MIN 1990 /* the web's first; an older date is about something else */

/* Names of months by their distinctive beginnings; the longest match wins, so order within a language does not matter. */
static const struct {
    const char *name;
    int month;
} months[] = {
    {"jan", 1},  {"feb", 2},   {"mar", 3},  {"apr", 4},  {"may", 5},  {"jun", 6},  {"jul", 7},  {"aug", 8},  {"sep", 9},
    {"oct", 10}, {"nov", 11},  {"dec", 12}, {"jän", 1},  {"mär", 3},  {"mrz", 3},  {"mai", 5},  {"okt", 10}, {"dez", 12}, /* German */
    {"janv", 1}, {"fév", 2},   {"fev", 2},  {"mars", 3}, {"avr", 4},  {"juin", 6}, {"juil", 7}, {"aoû", 8},  {"aout", 8},
    {"déc", 12},                                                                                             /* French */
    {"ene", 1},  {"abr", 4},   {"ago", 8},  {"dic", 12}, {"set", 9},                                         /* Spanish, Italian */
    {"gen", 1},  {"mag", 5},   {"giu", 6},  {"lug", 7},  {"ott", 10}, {"mayo", 5}, {"maio", 5}, {"out", 10}, /* Italian, Portuguese */
    {"mei", 5},  {"maart", 3}, {"maj", 5},  {"maa", 3},                                                      /* Dutch, Nordic */
    {"sty", 1},  {"lut", 2},   {"kwi", 4},  {"cze", 6},  {"lip", 7},  {"sie", 8},  {"wrz", 9},  {"paź", 10}, {"lis", 11},
    {"gru", 12}, /* Polish */
    {"янв", 1},  {"фев", 2},   {"мар", 3},  {"апр", 4},  {"мая", 5},  {"май", 5},  {"июн", 6},  {"июл", 7},  {"авг", 8},
    {"сен", 9},  {"окт", 10},  {"ноя", 11}, {"дек", 12},
};

static bool put(int year, int month, int day, char date_r[DATE_SIZE])
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int this_year = 1970 + (int)(clock_wall_ms() / 1000 / 31556952);
    if (year < YEAR_MIN || year > this_year + 1 || month < 1 || month > 12 || day < 1 || day > days[month - 1]) return false;
    snprintf(date_r, DATE_SIZE, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100, (unsigned)day % 100);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number of min to max digits at *p, not followed by another digit. */
static bool number(const char **p, const char *end, int min, int max, int *value_r)
{
    int n = 0, value = 0;
    while (*p + n < end && n < max && is_digit((*p)[n])) value = value * 10 + (*p)[n++] - '0';
    if (n < min || (*p + n < end && is_digit((*p)[n]))) return false;
    *p += n;
    *value_r = value;
    return true;
}

static bool one_of(const char **p, const char *end, const char *set, char *c_r)
{
    if (*p >= end || !strchr(set, **p) || **p == '\0') return false;
    *c_r = *(*p)++;
    return true;
}

/* 2024-02-29, 2024/2/29, 2024.02.29 */
static bool year_first(const char *p, const char *end, char date_r[DATE_SIZE])
{
    int year, month, day;
    char sep, again;
    return number(&p, end, 4, 4, &year) && one_of(&p, end, "-/.", &sep) && number(&p, end, 1, 2, &month) &&
           one_of(&p, end, "-/.", &again) && sep == again && number(&p, end, 1, 2, &day) && put(year, month, day, date_r);
}

/* 29.02.2024, and with slashes only if no other reading is possible */
static bool day_first(const char *p, const char *end, char date_r[DATE_SIZE])
{
    int day, month, year;
    char sep, again;
    if (!number(&p, end, 1, 2, &day) || !one_of(&p, end, "./-", &sep)) return false;
    while (sep == '.' && p < end && *p == ' ') p++;
    if (!number(&p, end, 1, 2, &month) || !one_of(&p, end, "./-", &again) || sep != again) return false;
    while (sep == '.' && p < end && *p == ' ') p++;
    if (!number(&p, end, 2, 4, &year)) return false;
    if (year < 100 && sep == '.') year += 2000;
    if (sep == '/' && day <= 12 && month <= 12 && day != month) return false;
    if (sep == '/' && month > 12) return put(year, day, month, date_r);
    return put(year, month, day, date_r);
}

static int month_at(const char **p, const char *end)
{
    size_t best = 0;
    int month = 0;
    for (size_t i = 0; i < sizeof months / sizeof *months; i++) {
        /* Lower case by one bit will do: it is only a first look. */
        if ((months[i].name[0] ^ **p) & ~0x20) continue;
        size_t n = strlen(months[i].name);
        if (n > best && (size_t)(end - *p) >= n && strncasecmp(*p, months[i].name, n) == 0) best = n, month = months[i].month;
    }
    if (!month) return 0;
    *p += best;
    while (*p < end && (isalpha((unsigned char)**p) || **p & 0x80)) ++*p;
    if (*p < end && **p == '.') ++*p;
    return month;
}

static void skip_filler(const char **p, const char *end)
{
    static const char *const filler[] = {"de ", "del ", "of ", "th", "st", "nd", "rd"};
    for (bool more = true; more;) {
        more = false;
        while (*p < end && (**p == ' ' || **p == '.' || **p == ',' || **p == '-' || **p == '\n' || **p == '\t')) ++*p, more = true;
        for (size_t i = 0; i < sizeof filler / sizeof *filler; i++) {
            size_t n = strlen(filler[i]);
            if ((size_t)(end - *p) > n && strncasecmp(*p, filler[i], n) == 0) *p += n, more = true;
        }
    }
}

/* 29. Februar 2024, 29th of Feb 2024 */
static bool day_month_word(const char *p, const char *end, char date_r[DATE_SIZE])
{
    int day, year, month;
    if (!number(&p, end, 1, 2, &day)) return false;
    skip_filler(&p, end);
    if (!(month = month_at(&p, end))) return false;
    skip_filler(&p, end);
    return number(&p, end, 4, 4, &year) && put(year, month, day, date_r);
}

/* February 29, 2024 */
static bool month_word_day(const char *p, const char *end, char date_r[DATE_SIZE])
{
    int day, year, month = month_at(&p, end);
    if (!month) return false;
    skip_filler(&p, end);
    if (!number(&p, end, 1, 2, &day)) return false;
    skip_filler(&p, end);
    return number(&p, end, 4, 4, &year) && put(year, month, day, date_r);
}

/* 2024年2月29日 */
static bool ideographs(const char *p, const char *end, char date_r[DATE_SIZE])
{
    int year, month, day;
    if (!number(&p, end, 4, 4, &year) || end - p < 3 || memcmp(p, "年", 3) != 0) return false;
    p += 3;
    if (!number(&p, end, 1, 2, &month) || end - p < 3 || memcmp(p, "月", 3) != 0) return false;
    p += 3;
    return number(&p, end, 1, 2, &day) && put(year, month, day, date_r);
}

bool date_parse(struct span s, char date_r[DATE_SIZE])
{
    s = span_trim(s);
    const char *p = s.p, *end = s.p + s.n;
    int compact;
    if (year_first(p, end, date_r)) return true;
    if (s.n >= 8 && (s.n == 8 || s.p[8] == 'T' || s.p[8] == ' ') && number(&p, s.p + 8, 8, 8, &compact))
        return put(compact / 10000, compact / 100 % 100, compact % 100, date_r);
    return s.n <= 80 && date_find(s, date_r);
}

bool date_at(struct span s, char date_r[DATE_SIZE])
{
    const char *p = s.p, *end = s.p + s.n;
    if (!s.n) return false;
    if (is_digit(*p))
        return year_first(p, end, date_r) || ideographs(p, end, date_r) || day_first(p, end, date_r) || day_month_word(p, end, date_r);
    return (isalpha((unsigned char)*p) || *p & 0x80) && month_word_day(p, end, date_r);
}

bool date_find(struct span s, char date_r[DATE_SIZE])
{
    bool in_word = false;
    for (size_t i = 0; i < s.n; i++) {
        if (!in_word && date_at(span_of(s.p + i, s.n - i), date_r)) return true;
        in_word = is_digit(s.p[i]) || isalpha((unsigned char)s.p[i]) || s.p[i] & 0x80;
    }
    return false;
}

/* Days from 1970-01-01 (H. Hinnant, chrono-compatible low-level date algorithms). */
static int64_t days_of(int year, int month, int day)
{
    year -= month <= 2;
    int era = year / 400, of_era = year - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Minutes east of UTC: "Z", "+02:00", "-0500", "EST"; anything else is UTC. */
static int zone_minutes(const char *p, const char *end)
{
    static const struct {
        const char *name;
        int hours;
    } names[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    int hours, minutes = 0;
    while (p < end && *p == ' ') p++;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (end - p >= 3 && strncasecmp(p, names[i].name, 3) == 0) return names[i].hours * 60;
    char sign, colon;
    if (!one_of(&p, end, "+-", &sign)) return 0;
    if (number(&p, end, 4, 4, &hours))
        minutes = hours % 100, hours /= 100;
    else if (!number(&p, end, 1, 2, &hours) || (one_of(&p, end, ":", &colon) && !number(&p, end, 2, 2, &minutes)))
        return 0;
    if (hours > 14 || minutes > 59) return 0;
    return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
}

bool date_moment(struct span s, int64_t *ms_r)
{
    char date[DATE_SIZE], colon;
    int year, month, day, hour = 0, minute = 0, second = 0, zone = 0;
    s = span_trim(s);
    if (!s.p || !date_parse(s, date) || sscanf(date, "%4d-%2d-%2d", &year, &month, &day) != 3) return false;
    const char *end = s.p + s.n, *first = memchr(s.p, ':', s.n), *p = first;
    while (p && p > s.p && is_digit(p[-1]) && first - p < 2) p--;
    if (p && number(&p, end, 1, 2, &hour) && one_of(&p, end, ":", &colon) && number(&p, end, 2, 2, &minute) && hour < 24 && minute < 60) {
        if (one_of(&p, end, ":", &colon) && (!number(&p, end, 2, 2, &second) || second > 60)) second = 0;
        if (one_of(&p, end, ".,", &colon))
            while (p < end && is_digit(*p)) p++;
        zone = zone_minutes(p, end);
    } else {
        hour = minute = 0;
    }
    *ms_r = ((days_of(year, month, day) * 24 + hour) * 3600 + (minute - zone) * 60 + second) * 1000;
    return true;
}

bool date_in_url(const char *url, char date_r[DATE_SIZE])
{
    const char *path = strstr(url, "://"), *end = url + strlen(url);
    for (const char *p = path ? strchr(path + 3, '/') : NULL; p; p = strpbrk(p + 1, "/-_."))
        if (p + 1 < end && is_digit(p[1]) && year_first(p + 1, end, date_r)) return true;
    return false;
}
