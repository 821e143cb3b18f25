/* Logging; contract in log.h. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_BYTES 4096 /* longer lines are cut: a line is one write(), which keeps lines of several processes whole */

static const char *program_name = "gistmill";
static enum log_level threshold_level = LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error", "fatal", "panic"};

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

void log_init(const char *program, enum log_level threshold)
{
    program_name = program;
    threshold_level = threshold;
}

bool log_level_parse(const char *name, enum log_level *level_r)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcmp(name, level_names[i]) != 0) continue;
        *level_r = (enum log_level)i;
        return true;
    }
    return false;
}

bool log_enabled(enum log_level level)
{
    return level >= threshold_level;
}

static void line_char(struct line *l, char c)
{
    if (l->len < sizeof l->text - 2) l->text[l->len++] = c;
}

static void line_str(struct line *l, const char *s)
{
    while (*s) line_char(l, *s++);
}

/* Bare when the value is a plain word, else quoted with JSON-like escapes. */
static void line_value(struct line *l, const char *s)
{
    bool bare = *s != '\0';
    for (const unsigned char *p = (const unsigned char *)s; *p && bare; p++) bare = *p > ' ' && *p != '"' && *p != '\\' && *p != 0x7f;
    if (bare) {
        line_str(l, s);
        return;
    }
    line_char(l, '"');
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (*p == '"' || *p == '\\') {
            line_char(l, '\\');
            line_char(l, (char)*p);
        } else if (*p < ' ' || *p == 0x7f) {
            char hex[8];
            snprintf(hex, sizeof hex, "\\x%02x", *p);
            line_str(l, hex);
        } else {
            line_char(l, (char)*p);
        }
    }
    line_char(l, '"');
}

static void line_start(struct line *l, enum log_level level)
{
    struct timespec ts;
    struct tm tm;
    char stamp[48];
    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    size_t n = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(stamp + n, sizeof stamp - n, ".%03ldZ", ts.tv_nsec / 1000000);
    l->len = 0;
    line_str(l, stamp);
    line_char(l, ' ');
    line_str(l, level_names[level]);
    line_char(l, ' ');
    line_str(l, program_name);
}

static void line_end(struct line *l)
{
    l->text[l->len++] = '\n';
    const char *p = l->text;
    size_t left = l->len;
    while (left > 0) {
        ssize_t n = write(STDERR_FILENO, p, left);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        p += n;
        left -= (size_t)n;
    }
}

__attribute__((format(printf, 2, 0))) static void log_text(enum log_level level, const char *format, va_list ap)
{
    if (level < threshold_level) return;
    int saved = errno;
    char text[LINE_MAX_BYTES / 2];
    struct line l;
    vsnprintf(text, sizeof text, format, ap);
    line_start(&l, level);
    line_str(&l, " msg=");
    line_value(&l, text);
    line_end(&l);
    errno = saved;
}

#define LOG_VERB(name, level)                                                                                                              \
    void name(const char *format, ...)                                                                                                     \
    {                                                                                                                                      \
        va_list ap;                                                                                                                        \
        va_start(ap, format);                                                                                                              \
        log_text(level, format, ap);                                                                                                       \
        va_end(ap);                                                                                                                        \
    }

LOG_VERB(log_debug, LOG_DEBUG)
LOG_VERB(log_info, LOG_INFO)
LOG_VERB(log_warn, LOG_WARN)
LOG_VERB(log_error, LOG_ERROR)

void log_fatal(int status, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    log_text(LOG_FATAL, format, ap);
    va_end(ap);
    exit(status);
}

void log_panic(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    log_text(LOG_PANIC, format, ap);
    va_end(ap);
    abort();
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
    if (level < threshold_level) return;
    int saved = errno;
    struct line l;
    line_start(&l, level);
    line_char(&l, ' ');
    line_str(&l, event);
    for (; fields->key; fields++) {
        line_char(&l, ' ');
        line_str(&l, fields->key);
        line_char(&l, '=');
        if (fields->is_num) {
            char num[32];
            snprintf(num, sizeof num, "%lld", fields->num);
            line_str(&l, num);
        } else if (fields->str) {
            line_value(&l, fields->str);
        } else {
            line_char(&l, '-');
        }
    }
    line_end(&l);
    errno = saved;
}

bool log_gate(struct log_gate *gate, int seconds, unsigned *suppressed_r)
{
    long long now = clock_mono_ms();
    if (gate->next_ms && now < gate->next_ms) {
        gate->suppressed++;
        return false;
    }
    if (suppressed_r) *suppressed_r = gate->suppressed;
    gate->suppressed = 0;
    gate->next_ms = now + seconds * 1000LL;
    return true;
}
