/* Logging: one line an event to stderr, `time level program key=value …`.
 *
 * Texts are lower case without a full stop. Values that hold blanks, quotes or control bytes are quoted and escaped, so
 * hostile text cannot forge a line. errno is left as it was. */
#ifndef GM_BASE_LOG_H
#define GM_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_FATAL, LOG_PANIC };

/* Sets program name (borrowed, kept for ever) and threshold. Before this call everything from info up is printed. */
void log_init(const char *program, enum log_level threshold);
/* Parses debug, info, warn, error; false if it is none of them. */
bool log_level_parse(const char *name, enum log_level *level_r);
bool log_enabled(enum log_level level);

/* A free-text event: `msg="…"`. */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says why and exits with status (see exitcode.h). */
_Noreturn void log_fatal(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A bug of ours: says so and aborts. */
_Noreturn void log_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An event of fields, printed in the order given: log_event(LOG_INFO, "outcome", (struct log_field[]){
 * LOG_STR("job", job), LOG_INT("ms", ms), LOG_END}). A NULL string prints as `key=-`. */
struct log_field {
    const char *key;
    const char *str;
    long long num;
    bool is_num;
};
#define LOG_STR(k, v)                                                                                                                      \
    {                                                                                                                                      \
        .key = (k), .str = (v), .num = 0, .is_num = false                                                                                  \
    }
#define LOG_INT(k, v)                                                                                                                      \
    {                                                                                                                                      \
        .key = (k), .str = NULL, .num = (long long)(v), .is_num = true                                                                     \
    }
#define LOG_END                                                                                                                            \
    {                                                                                                                                      \
        .key = NULL, .str = NULL, .num = 0, .is_num = false                                                                                \
    }
void log_event(enum log_level level, const char *event, const struct log_field *fields);

/* Rate limit for faults that repeat: true at most once in `seconds` for this gate; *suppressed_r (may be NULL) gets the
 * number of calls refused since the last one let through. */
struct log_gate {
    long long next_ms;
    unsigned suppressed;
};
bool log_gate(struct log_gate *gate, int seconds, unsigned *suppressed_r);

#endif
