/* How far a crawl is; contract in progress.h. */
#include "cli/progress.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/json.h"
#include "cli/text.h"

#define BAR_LEAST 8
#define BAR_MOST  40
#define PIECE_MAX 80

/* ---- numbers in words ---- */

void say_count(struct buf *out, int64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-') buf_add_char(out, ',');
        buf_add_char(out, digits[i]);
    }
}

void say_bytes(struct buf *out, double bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    size_t i = 0;
    for (; fabs(bytes) >= 999.5 && i + 1 < sizeof units / sizeof *units; i++) bytes /= 1000;
    buf_addf(out, bytes < 99.5 && i > 0 ? "%.1f %s" : "%.0f %s", bytes, units[i]);
}

void say_time(struct buf *out, double seconds)
{
    if (!(seconds >= 0 && seconds < 1e9)) return;
    int64_t s = (int64_t)(seconds + 0.5);
    if (seconds > 0 && seconds < 0.0995)
        buf_addf(out, "%.0f ms", seconds * 1000);
    else if (seconds > 0 && seconds < 9.95)
        buf_addf(out, "%.1f s", seconds);
    else if (s < 60)
        buf_addf(out, "%lld s", (long long)s);
    else if (s < 3600)
        buf_addf(out, "%lld min %lld s", (long long)(s / 60), (long long)(s % 60));
    else if (s < 86400)
        buf_addf(out, "%lld h %lld min", (long long)(s / 3600), (long long)(s / 60 % 60));
    else
        buf_addf(out, "%lld d %lld h", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

void say_rate(struct buf *out, double per_minute)
{
    if (per_minute >= 60)
        buf_addf(out, per_minute < 600 ? "%.1f/s" : "%.0f/s", per_minute / 60);
    else
        buf_addf(out, "%.0f/min", per_minute);
}

int64_t time_of(const char *iso)
{
    struct tm tm = {0};
    const char *end = strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm);
    int ms = 0;
    if (!end) return -1;
    if (*end == '.' && sscanf(end, ".%3d", &ms) != 1) return -1;
    return (int64_t)timegm(&tm) * 1000 + ms;
}

void say_ago(struct buf *out, const char *iso, int64_t now_ms)
{
    int64_t then = time_of(iso);
    if (then < 0) return;
    double s = (double)(now_ms - then) / 1000;
    if (s < 1) {
        buf_add_str(out, "now");
        return;
    }
    static const struct {
        double from, unit;
        const char *name;
    } steps[] = {{172800, 86400, "days"}, {7200, 3600, "h"}, {120, 60, "min"}, {0, 1, "s"}};
    size_t i = 0;
    while (s < steps[i].from) i++;
    buf_addf(out, "%.0f %s ago", floor(s / steps[i].unit), steps[i].name);
}

/* ---- reading ---- */

static void keep(char *to, size_t size, const char *text)
{
    struct buf clean = BUF_INIT(8192);
    const char *line = text_line(&clean, text);
    snprintf(to, size, "%.*s", (int)text_whole(line, strlen(line) < size ? strlen(line) : size - 1), line);
    buf_release(&clean);
}

void progress_read(const cJSON *crawl, struct progress *p)
{
    *p = (struct progress){.rate = json_real(crawl, "ratePerMinute", -1), .eta = json_real(crawl, "etaSeconds", -1), .took_ms = -1};
    keep(p->id, sizeof p->id, json_text(crawl, "id"));
    snprintf(p->number, sizeof p->number, "%lld", (long long)json_int(crawl, "number"));
    keep(p->state, sizeof p->state, json_text(crawl, "state"));
    keep(p->why, sizeof p->why, json_text(crawl, "why"));
    keep(p->fault, sizeof p->fault, json_text(crawl, "error"));
    keep(p->seed, sizeof p->seed, json_text(crawl, "seed"));
    p->admitted = json_int(crawl, "counts.admitted");
    p->stored = json_int(crawl, "counts.stored");
    p->skipped = json_int(crawl, "counts.skipped");
    p->error = json_int(crawl, "counts.error");
    p->cancelled = json_int(crawl, "counts.cancelled");
    p->unchanged = json_int(crawl, "news.unchanged");
    int64_t from = time_of(json_text(crawl, "startedAt")), to = time_of(json_text(crawl, "finishedAt"));
    if (from < 0) from = time_of(json_text(crawl, "createdAt"));
    if (from >= 0 && to >= from) p->took_ms = to - from;
}

bool progress_ended(const struct progress *p)
{
    static const char *const ends[] = {"completed", "cancelled", "failed"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(p->state, ends[i]) == 0) return true;
    return false;
}

int64_t progress_through(const struct progress *p)
{
    return p->stored + p->skipped + p->error + p->cancelled;
}

int progress_percent(const struct progress *p)
{
    if (progress_ended(p)) return 100;
    if (p->admitted <= 0) return 0;
    double percent = 100.0 * (double)progress_through(p) / (double)p->admitted;
    return percent > 99 ? 99 : percent < 0 ? 0 : (int)percent;
}

bool progress_failed(const struct progress *p, bool strict)
{
    if (strcmp(p->state, "completed") != 0) return true;
    return p->error > 0 && (strict || p->stored + p->skipped == 0);
}

/* ---- telling ---- */

/* Pieces of the bar's line in the order in which they stand; the higher its rank, the earlier a piece gives way. */
struct piece {
    char text[PIECE_MAX];
    int rank;
};
#define PIECES 5

__attribute__((format(printf, 2, 3))) static void put(struct piece *piece, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(piece->text, sizeof piece->text, format, ap);
    va_end(ap);
}

static void make_pieces(const struct progress *p, struct piece pieces[PIECES])
{
    static const int ranks[PIECES] = {1, 0, 3, 4, 2};
    struct buf words[4];
    for (size_t i = 0; i < 4; i++) buf_init(&words[i], 40);
    for (size_t i = 0; i < PIECES; i++) pieces[i] = (struct piece){.rank = ranks[i]};
    put(&pieces[0], " %3d%%", progress_percent(p));
    say_count(&words[0], progress_through(p));
    say_count(&words[1], p->admitted);
    put(&pieces[1], "  %s/%s", buf_str(&words[0]), buf_str(&words[1]));
    say_count(&words[2], p->error);
    if (p->error > 0) put(&pieces[2], "  %s failed", buf_str(&words[2]));
    say_rate(&words[3], p->rate);
    if (p->rate > 0 && !progress_ended(p)) put(&pieces[3], "  %s", buf_str(&words[3]));
    buf_reset(&words[0]);
    say_time(&words[0], p->eta);
    if (p->eta >= 0 && !progress_ended(p)) put(&pieces[4], "  %s left", buf_str(&words[0]));
    for (size_t i = 0; i < 4; i++) buf_release(&words[i]);
}

static size_t pieces_width(const struct piece pieces[PIECES])
{
    size_t width = 0;
    for (size_t i = 0; i < PIECES; i++) width += strlen(pieces[i].text);
    return width;
}

/* Empties the piece that matters least. False if only the counts are left. */
static bool drop_piece(struct piece pieces[PIECES])
{
    struct piece *least = NULL;
    for (size_t i = 0; i < PIECES; i++)
        if (*pieces[i].text && pieces[i].rank > (least ? least->rank : 0)) least = &pieces[i];
    if (least) *least->text = '\0';
    return least;
}

static void draw_bar(struct buf *out, const struct progress *p, size_t width, bool unicode, bool colour)
{
    bool bad = strcmp(p->state, "failed") == 0 || strcmp(p->state, "cancelled") == 0;
    size_t full = progress_ended(p) ? width : width * (size_t)progress_percent(p) / 100;
    if (colour) buf_add_str(out, bad ? "\033[31m" : "\033[36m");
    for (size_t i = 0; i < width; i++) {
        if (i == full && colour) buf_add_str(out, "\033[2m");
        buf_add_str(out, unicode ? (i < full ? "\u2501" : "\u2500") : (i < full ? "#" : "."));
    }
    if (colour) buf_add_str(out, "\033[0m");
}

void progress_bar(struct buf *out, const struct progress *p, size_t width, bool unicode, bool colour)
{
    struct piece pieces[PIECES];
    char head[20];
    make_pieces(p, pieces);
    snprintf(head, sizeof head, "%-9s ", p->state);
    while (strlen(head) + BAR_LEAST + pieces_width(pieces) > width && drop_piece(pieces)) continue;
    size_t taken = strlen(head) + pieces_width(pieces), bar = width > taken ? width - taken : 0;
    buf_add_str(out, head);
    if (bar >= BAR_LEAST) draw_bar(out, p, bar < BAR_MOST ? bar : BAR_MOST, unicode, colour);
    for (size_t i = 0; i < PIECES; i++) buf_add_str(out, pieces[i].text);
}

void progress_line(struct buf *out, const struct progress *p)
{
    buf_addf(out, "%s %lld/%lld %d%%, %lld stored, %lld skipped, %lld failed", p->state, (long long)progress_through(p),
             (long long)p->admitted, progress_percent(p), (long long)p->stored, (long long)p->skipped, (long long)p->error);
    if (progress_ended(p)) return;
    if (p->rate > 0) {
        buf_add_str(out, ", ");
        say_rate(out, p->rate);
    }
    if (p->eta >= 0) {
        buf_add_str(out, ", about ");
        say_time(out, p->eta);
        buf_add_str(out, " left");
    }
    if (*p->why) buf_addf(out, "; %s", p->why);
}

void progress_report(struct buf *out, const struct progress *p)
{
    static const struct {
        size_t at;
        const char *name;
    } counts[] = {
        {offsetof(struct progress, stored), "stored"},
        {offsetof(struct progress, skipped), "skipped"},
        {offsetof(struct progress, error), "failed"},
        {offsetof(struct progress, cancelled), "cancelled"},
    };
    buf_add_str(out, p->state);
    if (p->took_ms >= 0) {
        buf_add_str(out, " in ");
        say_time(out, (double)p->took_ms / 1000);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int64_t n = *(const int64_t *)((const char *)p + counts[i].at);
        if (n == 0 && i != 0) continue;
        buf_add_str(out, i ? ", " : ": ");
        say_count(out, n);
        buf_addf(out, " %s", counts[i].name);
    }
    if (*p->fault) buf_addf(out, " (%s)", p->fault);
}
