/* Configuration from the environment; contract in conf.h. */
#include "base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define SECRET_MAX 8192 /* bytes of a NAME_FILE line */
#define SHOWN      80   /* bytes of a bad value that an error repeats */

static const struct {
    const char *suffix;
    int64_t ms;
} units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

__attribute__((format(printf, 2, 3))) static int fault(struct conf_error *error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(error->text, sizeof error->text, format, ap);
    va_end(ap);
    return -1;
}

/* A value as a person would write it: 90000 ms is "90s". */
static void number_text(enum conf_type type, double value, char *text, size_t size)
{
    if (type == CONF_REAL) {
        snprintf(text, size, "%.15g", value);
        return;
    }
    int64_t n = (int64_t)value;
    if (type != CONF_MS) {
        snprintf(text, size, "%" PRId64, n);
        return;
    }
    size_t i = n == 0 ? 2 : 0;
    while (n % units[i].ms != 0) i++;
    snprintf(text, size, "%" PRId64 "%s", n / units[i].ms, units[i].suffix);
}

/* Digits, at most one point between them, perhaps a sign; *end_r is what follows. strtod alone would also take
 * "inf", "0x1p3" and leading blanks. */
static bool parse_decimal(const char *s, double *value_r, const char **end_r)
{
    const char *p = s;
    size_t digits = 0, points = 0;
    if (*p == '-') p++;
    for (; isdigit((unsigned char)*p) || (*p == '.' && digits > 0 && points == 0); p++) {
        if (*p == '.')
            points++;
        else
            digits++;
    }
    if (digits == 0 || p[-1] == '.' || p - s > 40) return false;
    *value_r = strtod(s, NULL);
    *end_r = p;
    return true;
}

static bool parse_int(const char *s, int64_t *value_r)
{
    if (!isdigit((unsigned char)(*s == '-' ? s[1] : s[0]))) return false;
    char *end;
    errno = 0;
    long long value = strtoll(s, &end, 10);
    if (errno != 0 || *end != '\0') return false;
    *value_r = value;
    return true;
}

static bool parse_ms(const char *s, double *value_r)
{
    const char *unit;
    if (!parse_decimal(s, value_r, &unit)) return false;
    if (*unit == '\0') unit = "s";
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(unit, units[i].suffix) != 0) continue;
        *value_r = round(*value_r * (double)units[i].ms);
        return true;
    }
    return false;
}

static bool parse_bool(const char *s, bool *value_r)
{
    static const char *const words[] = {"0", "1", "no", "yes", "false", "true", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(s, words[i]) != 0) continue;
        *value_r = i % 2 == 1;
        return true;
    }
    return false;
}

/* The value as far as an error may repeat it. */
static const char *shown(const struct conf_row *row, const char *value)
{
    return row->flags & CONF_SECRET ? "***" : value;
}

static int bad_number(const struct conf_row *row, const char *value, const char *what, struct conf_error *error)
{
    char min[40], max[40];
    number_text(row->type, row->min, min, sizeof min);
    number_text(row->type, row->max, max, sizeof max);
    return fault(error, "%s=%.*s: must be %sfrom %s to %s", row->name, SHOWN, shown(row, value), what, min, max);
}

static int set_string(const struct conf_row *row, const char *value, struct conf_error *error)
{
    if (row->max > 0 && (double)strlen(value) > row->max) return fault(error, "%s: longer than %.0f bytes", row->name, row->max);
    char **target = row->target;
    char *copy = mem_strdup(value);
    free(*target);
    *target = copy;
    return 0;
}

static int set_number(const struct conf_row *row, const char *value, struct conf_error *error)
{
    int64_t whole = 0;
    double number = 0;
    const char *end = "";
    switch (row->type) {
    case CONF_INT:
        if (!parse_int(value, &whole)) return bad_number(row, value, "a whole number ", error);
        number = (double)whole;
        break;
    case CONF_MS:
        if (!parse_ms(value, &number)) return bad_number(row, value, "a time such as 500ms, 30s, 5m, 24h ", error);
        break;
    default:
        if (!parse_decimal(value, &number, &end) || *end) return bad_number(row, value, "a number ", error);
        break;
    }
    if (number < row->min || number > row->max) return bad_number(row, value, "", error);
    if (row->type == CONF_REAL)
        *(double *)row->target = number;
    else
        *(int64_t *)row->target = row->type == CONF_INT ? whole : (int64_t)number;
    return 0;
}

static int set_value(const struct conf_row *row, const char *value, struct conf_error *error)
{
    if (row->type == CONF_STRING) return set_string(row, value, error);
    if (row->type != CONF_BOOL) return set_number(row, value, error);
    if (parse_bool(value, row->target)) return 0;
    return fault(error, "%s=%.*s: must be 0, 1, no, yes, false, true, off or on", row->name, SHOWN, shown(row, value));
}

/* The first line of a secret's file. */
static int read_secret(const char *name, const char *path, char *line_r, struct conf_error *error)
{
    FILE *file = fopen(path, "re");
    if (!file) return fault(error, "%s=%.*s: %s", name, SHOWN, path, strerror(errno));
    size_t n = fread(line_r, 1, SECRET_MAX + 1, file);
    int failed = ferror(file) ? errno : 0;
    fclose(file);
    if (failed) return fault(error, "%s=%.*s: %s", name, SHOWN, path, strerror(failed));
    const char *newline = memchr(line_r, '\n', n);
    if (newline) n = (size_t)(newline - line_r);
    if (n > 0 && line_r[n - 1] == '\r') n--;
    if (n > SECRET_MAX) return fault(error, "%s=%.*s: the first line is longer than %d bytes", name, SHOWN, path, SECRET_MAX);
    if (memchr(line_r, '\0', n)) return fault(error, "%s=%.*s: the first line holds a NUL byte", name, SHOWN, path);
    line_r[n] = '\0';
    return 0;
}

static int load_row(const struct conf_row *row, struct conf_error *error)
{
    const char *value = getenv(row->name);
    char secret[SECRET_MAX + 2];
    if (row->flags & CONF_SECRET) {
        char file_name[100];
        snprintf(file_name, sizeof file_name, "%s_FILE", row->name);
        const char *path = getenv(file_name);
        if (path && *path) {
            if (value && *value) return fault(error, "%s and %s are both set: choose one", row->name, file_name);
            if (read_secret(file_name, path, secret, error) != 0) return -1;
            value = secret;
        }
    }
    /* An empty variable is a text of no bytes, but no number: compose files hand on what is not set as empty. */
    if (!value || (*value == '\0' && row->type != CONF_STRING)) value = row->def ? row->def : "";
    return set_value(row, value, error);
}

int conf_load(const struct conf_row *rows, struct conf_error *error_r)
{
    for (; rows->name; rows++)
        if (load_row(rows, error_r) != 0) return -1;
    return 0;
}

static void value_text(const struct conf_row *row, char *text, size_t size)
{
    switch (row->type) {
    case CONF_BOOL: snprintf(text, size, "%s", *(bool *)row->target ? "yes" : "no"); break;
    case CONF_REAL: number_text(row->type, *(double *)row->target, text, size); break;
    case CONF_MS: number_text(row->type, (double)*(int64_t *)row->target, text, size); break;
    default: snprintf(text, size, "%" PRId64, *(int64_t *)row->target); break; /* exact above 2^53, too */
    }
}

void conf_dump(const struct conf_row *rows, FILE *out)
{
    for (; rows->name; rows++) {
        char text[40];
        if (rows->flags & CONF_SECRET) {
            const char *secret = rows->type == CONF_STRING ? *(char **)rows->target : "?";
            fprintf(out, "%s=%s\n", rows->name, secret && *secret ? "***" : "");
        } else if (rows->type == CONF_STRING) {
            const char *value = *(char **)rows->target;
            fprintf(out, "%s=%s\n", rows->name, value ? value : "");
        } else {
            value_text(rows, text, sizeof text);
            fprintf(out, "%s=%s\n", rows->name, text);
        }
    }
}

void conf_help(const struct conf_row *rows, FILE *out)
{
    for (; rows->name; rows++) {
        fprintf(out, "  %s=%s", rows->name, rows->flags & CONF_SECRET ? "" : rows->def ? rows->def : "");
        if (rows->type != CONF_STRING && rows->type != CONF_BOOL) {
            char min[40], max[40];
            number_text(rows->type, rows->min, min, sizeof min);
            number_text(rows->type, rows->max, max, sizeof max);
            fprintf(out, " (%s to %s)", min, max);
        }
        if (rows->flags & CONF_SECRET) fprintf(out, " (or %s_FILE)", rows->name);
        fprintf(out, "\n      %s\n", rows->help ? rows->help : "");
    }
}

void conf_release(const struct conf_row *rows)
{
    for (; rows->name; rows++) {
        if (rows->type != CONF_STRING) continue;
        char **target = rows->target;
        free(*target);
        *target = NULL;
    }
}
