/* How far a crawl is: read from the API, told in a bar, a line, a report. Nothing here writes or asks anything. */
#ifndef GM_CLI_PROGRESS_H
#define GM_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct cJSON;

struct progress {
    char id[64], number[24], state[16];
    int64_t admitted, stored, skipped, error, cancelled;
    int64_t unchanged; /* of a new run: as they were */
    double rate;       /* pages a minute; below 0: not known */
    double eta;        /* seconds; below 0: not known */
    int64_t took_ms;   /* from its start to its end; below 0: not known */
    char why[240];     /* it waits for this; "" if it does not wait. Clean */
    char fault[400];   /* why it failed. Clean */
    char seed[2400];   /* clean */
};

/* Reads a crawl of the API. */
void progress_read(const struct cJSON *crawl, struct progress *progress_r);
/* It has ended, for this run. */
bool progress_ended(const struct progress *p);
/* Pages that are through. */
int64_t progress_through(const struct progress *p);
/* 0 to 100, never 100 before the end. */
int progress_percent(const struct progress *p);
/* It came to nothing: failed, cancelled, or not one page that did not fail. strict: any page failed. */
bool progress_failed(const struct progress *p, bool strict);

/* One line of at most width columns: state, bar, percent, counts, rate, time left; what has no room is left out, least important first. */
void progress_bar(struct buf *out, const struct progress *p, size_t width, bool unicode, bool colour);
/* One line for logs: the same in words. */
void progress_line(struct buf *out, const struct progress *p);
/* How it ended, in one line without a line feed. */
void progress_report(struct buf *out, const struct progress *p);

/* "1,234,567"; "14.2 MB"; "1 min 12 s". Append. */
void say_count(struct buf *out, int64_t n);
void say_bytes(struct buf *out, double bytes);
void say_time(struct buf *out, double seconds);
/* "8.2/s", "40/min". */
void say_rate(struct buf *out, double per_minute);
/* A time of the API in ms since 1970, -1 if it is none. */
int64_t time_of(const char *iso);
/* "3 min ago"; nothing if it is no time. */
void say_ago(struct buf *out, const char *iso, int64_t now_ms);

#endif
