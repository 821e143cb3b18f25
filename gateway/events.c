/* Event streams; contract in events.h.
 *
 * Streams of one crawl share what is read for it: a feed holds the last events as chunks of text, made once, each with the numbers that it
 * reaches from and to. A stream that is as far as the feed sleeps until there is more; one that is behind what the feed still holds (it
 * came with an old number, or reads slowly) has a worker read a chunk for it alone. So a slow reader costs one chunk, not a backlog. */
#include "gateway/events.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "gateway/db.h"
#include "gateway/gateway.h"
#include "gateway/http.h"
#include "gateway/sql.h"
#include "gateway/watch.h"
#include "gateway/work.h"

#define ROWS        50         /* events of a chunk */
#define CHUNKS      32         /* that a feed holds */
#define CHUNK_MAX   (4u << 20) /* 50 pages of the longest URLs and titles */
#define PROGRESS_MS 500
#define BEAT_MS     15000
#define DRAIN       20 /* chunks read for one feed in one turn */

struct chunk {
    atomic_int refs;
    int64_t from, to; /* events after `from` up to `to`; the same: no event */
    bool done;        /* its last event is `done` */
    size_t len;
    char text[];
};

struct sub {
    struct stream stream; /* first: is cast */
    struct task task;
    struct feed *feed;
    struct sub *prev, *next;
    int64_t after; /* the last event that was sent as a whole */
    struct chunk *now;
    size_t at; /* in now */
    unsigned progress;
    int64_t beat_ms; /* when something was sent last */
    int64_t until;   /* of the filling */
    bool sleeping, filling, finished;
};

struct feed {
    struct feed *next;
    int64_t crawl, head; /* head: the last event in its chunks */
    struct sub subs;     /* list head */
    int sub_count;
    struct chunk *ring[CHUNKS]; /* oldest first */
    int count;
    struct chunk *progress; /* the crawl as it is, NULL: not looked yet */
    unsigned progress_number;
    int64_t looked_ms;
    bool gone; /* the crawl was deleted */
};

static struct {
    pthread_mutex_t lock;
    struct feed *feeds; /* only the watcher takes one away */
    bool stopping;
} events = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- chunks ---- */

static struct chunk *chunk_new(int64_t from, int64_t to, bool done, const struct buf *text)
{
    struct chunk *chunk = mem_alloc(sizeof *chunk + text->len);
    *chunk = (struct chunk){.refs = 1, .from = from, .to = to, .done = done, .len = text->len};
    memcpy(chunk->text, buf_str(text), text->len);
    return chunk;
}

static struct chunk *chunk_share(struct chunk *chunk)
{
    chunk->refs++;
    return chunk;
}

static void chunk_drop(struct chunk *chunk)
{
    if (chunk && --chunk->refs == 0) free(chunk);
}

static void add_event(struct buf *out, int64_t id, const char *event, const char *json)
{
    if (id >= 0) buf_addf(out, "id: %lld\n", (long long)id);
    buf_addf(out, "event: %s\ndata: ", event);
    buf_add_str(out, json); /* one line: PostgreSQL escapes those within texts */
    buf_add_str(out, "\n\n");
}

/* ---- reading ---- */

static const struct pg_stmt crawl_stmt = {"gw_event_crawl", "SELECT c.id, c.event, c.state <> 'running', " SQL_CRAWL(
                                                                "crawl_why(c)") " FROM crawl c WHERE c.id = $1 AND c.purge_at IS NULL"};

/* What happened after an event, as a chunk; NULL: the database did not answer. It ends with `done`, if that is among it; to: `until`, if all
 * up to there was read. */
static struct chunk *read_chunk(struct db *db, int64_t crawl, int64_t after, int64_t until)
{
    static const struct pg_stmt stmt = {
        "gw_events",
        "SELECT e.event, CASE WHEN e.page_id IS NOT NULL THEN 'page' WHEN e.what IN ('completed', 'cancelled') THEN 'done' ELSE 'progress' END, "
        "CASE WHEN e.page_id IS NULL THEN " SQL_CRAWL(
            "NULL::text") " ELSE " SQL_PAGE " END FROM crawl_events($1, $2, $4::int) e "
                          "JOIN crawl c ON c.id = $1 LEFT JOIN page p ON p.id = e.page_id WHERE e.event <= $3 ORDER BY e.event"};
    struct pg_params *p = db_begin(db);
    pg_add_int(p, crawl);
    pg_add_int(p, after);
    pg_add_int(p, until);
    pg_add_int(p, ROWS);
    struct pg_result *r = db_try(db, &stmt);
    if (!r) return NULL;
    struct buf text = BUF_INIT(CHUNK_MAX);
    int64_t to = after;
    bool done = false;
    for (int i = 0; i < pg_rows(r) && !done; i++) {
        to = pg_int(r, i, 0);
        done = strcmp(pg_text(r, i, 1), "done") == 0;
        add_event(&text, to, pg_text(r, i, 1), pg_text(r, i, 2));
    }
    if (!done && pg_rows(r) < ROWS) to = until;
    struct chunk *chunk = chunk_new(after, to, done, &text);
    pg_result_free(r);
    buf_release(&text);
    return chunk;
}

/* A crawl that has ended is done, also where nobody noted it (before there were numbers). NULL: it has not ended at `to`. */
static struct chunk *read_done(struct db *db, int64_t crawl, int64_t to)
{
    pg_add_int(db_begin(db), crawl);
    struct pg_result *r = db_try(db, &crawl_stmt);
    struct chunk *chunk = NULL;
    if (pg_rows(r) > 0 && pg_bool(r, 0, 2) && pg_int(r, 0, 1) <= to) {
        struct buf text = BUF_INIT(CHUNK_MAX);
        add_event(&text, to, "done", pg_text(r, 0, 3));
        chunk = chunk_new(to, to, true, &text);
        buf_release(&text);
    }
    pg_result_free(r);
    return chunk;
}

/* ---- streams; the lock is held ---- */

/* The chunk that comes next, shared; NULL: none here. *until_r: up to where somebody must read first; 0: nowhere. */
static struct chunk *next_chunk(struct sub *sub, int64_t *until_r)
{
    struct feed *feed = sub->feed;
    *until_r = 0;
    if (sub->after < feed->head) {
        *until_r = feed->head;
        for (int i = feed->count - 1; i >= 0; i--) {
            struct chunk *chunk = feed->ring[i];
            if (chunk->from == sub->after) {
                *until_r = 0;
                return chunk_share(chunk);
            }
            if (chunk->to > sub->after) *until_r = chunk->from > sub->after ? chunk->from : chunk->to;
        }
        return NULL;
    }
    if (feed->progress && sub->progress != feed->progress_number) {
        sub->progress = feed->progress_number;
        return chunk_share(feed->progress);
    }
    if (clock_mono_ms() - sub->beat_ms < BEAT_MS) return NULL;
    struct buf beat = BUF_INIT(10);
    buf_add_str(&beat, ":\n\n");
    struct chunk *chunk = chunk_new(sub->after, sub->after, false, &beat);
    buf_release(&beat);
    return chunk;
}

static ssize_t sub_read(struct stream *stream, char *out, size_t max)
{
    struct sub *sub = (struct sub *)stream;
    int64_t until;
    ssize_t n = 0;
    pthread_mutex_lock(&events.lock);
    if (!sub->now && !sub->finished) sub->now = next_chunk(sub, &until);
    if (events.stopping || (!sub->now && (sub->finished || sub->feed->gone))) {
        n = STREAM_END;
    } else if (sub->now) {
        size_t left = sub->now->len - sub->at;
        n = (ssize_t)(left < max ? left : max);
        memcpy(out, sub->now->text + sub->at, (size_t)n);
        sub->at += (size_t)n;
        sub->beat_ms = clock_mono_ms();
        if (sub->at == sub->now->len) {
            if (sub->now->to > sub->after) sub->after = sub->now->to;
            sub->finished = sub->now->done;
            chunk_drop(sub->now);
            sub->now = NULL;
            sub->at = 0;
        }
    }
    pthread_mutex_unlock(&events.lock);
    return n;
}

static void fill(struct task *task, struct db *db)
{
    struct sub *sub = (struct sub *)((char *)task - offsetof(struct sub, task));
    struct chunk *chunk = db ? read_chunk(db, sub->feed->crawl, sub->after, sub->until) : NULL;
    if (chunk && chunk->len == 0) { /* old numbers may be there no more */
        struct chunk *done = read_done(db, sub->feed->crawl, chunk->to);
        if (done) {
            chunk_drop(chunk);
            chunk = done;
        }
    }
    pthread_mutex_lock(&events.lock);
    sub->filling = sub->sleeping = false;
    if (!chunk) {
        sub->finished = true; /* the client comes again with its last number */
    } else if (chunk->len == 0) {
        sub->after = chunk->to;
        chunk_drop(chunk);
    } else {
        sub->now = chunk;
    }
    pthread_mutex_unlock(&events.lock);
    stream_wake(sub->stream.request); /* asleep until now: nobody else wakes one that is being filled */
}

static bool sub_sleep(struct stream *stream)
{
    struct sub *sub = (struct sub *)stream;
    pthread_mutex_lock(&events.lock);
    sub->now = next_chunk(sub, &sub->until);
    bool more = sub->now || sub->finished || sub->feed->gone || events.stopping;
    sub->sleeping = !more;
    sub->filling = sub->sleeping && sub->until > 0;
    bool filling = sub->filling;
    pthread_mutex_unlock(&events.lock);
    if (filling) work_task(&sub->task);
    return !more;
}

static void sub_free(struct stream *stream)
{
    struct sub *sub = (struct sub *)stream;
    pthread_mutex_lock(&events.lock);
    sub->prev->next = sub->next;
    sub->next->prev = sub->prev;
    sub->feed->sub_count--;
    chunk_drop(sub->now);
    pthread_mutex_unlock(&events.lock);
    free(sub);
}

/* ---- a new stream ---- */

static struct feed *feed_of(int64_t crawl, int64_t head)
{
    struct feed *feed = events.feeds;
    while (feed && feed->crawl != crawl) feed = feed->next;
    if (feed) return feed;
    feed = mem_zalloc(sizeof *feed);
    feed->crawl = crawl;
    feed->head = head;
    feed->subs.next = feed->subs.prev = &feed->subs;
    feed->next = events.feeds;
    events.feeds = feed;
    return feed;
}

static void subscribe(struct request *req, int64_t crawl, int64_t event, int64_t after, const char *json)
{
    struct sub *sub = mem_zalloc(sizeof *sub);
    struct buf text = BUF_INIT(CHUNK_MAX);
    sub->stream = (struct stream){.read = sub_read, .sleep = sub_sleep, .free = sub_free};
    sub->task.run = fill;
    sub->after = after;
    buf_add_str(&text, "retry: 2000\n");
    add_event(&text, after, "start", json);
    sub->now = chunk_new(after, after, false, &text);
    buf_release(&text);
    pthread_mutex_lock(&events.lock);
    sub->feed = feed_of(crawl, event);
    sub->progress = sub->feed->progress_number;
    sub->next = sub->feed->subs.next;
    sub->prev = &sub->feed->subs;
    sub->next->prev = sub->prev->next = sub;
    sub->feed->sub_count++;
    pthread_mutex_unlock(&events.lock);
    answer_stream(req, "text/event-stream; charset=utf-8", &sub->stream);
    answer_header(req, "Cache-Control", "no-store");
    answer_header(req, "X-Accel-Buffering", "no"); /* a proxy before us shall not gather it */
    watch_nudge();
}

/* The last event that the client has: the header of a browser that comes again, or the query's. -1: it says none. */
static int64_t last_seen(struct request *req)
{
    const char *text = request_header(req, "Last-Event-ID");
    if (!text || !*text) text = request_query(req, "after");
    if (!text || !*text || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text)) return -1;
    return strtoll(text, NULL, 10);
}

void events_handle(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {
        "gw_event_start", "SELECT c.id, c.event, c.state <> 'running', " SQL_CRAWL("crawl_why(c)") " FROM crawl c WHERE c.id = " SQL_FIND};
    if (gateway_stats.streams >= gateway_conf.clients * 3 / 4) {
        answer_fault(req, FAULT_UNAVAILABLE, NULL, "too many streams at once");
        return;
    }
    pg_add_text(db_begin(db), req->args[0]);
    struct pg_result *r = db_run(req, db, &stmt);
    if (!r) return;
    if (pg_rows(r) == 0) {
        answer_fault(req, FAULT_UNKNOWN, NULL, "there is no such crawl");
    } else {
        int64_t event = pg_int(r, 0, 1), seen = last_seen(req);
        bool ended = pg_bool(r, 0, 2);
        if (seen >= event && ended) {
            req->answer.status = 204; /* it has all there is: a browser does not come again */
        } else {
            int64_t after = seen < 0 ? event - ended : seen;
            subscribe(req, pg_int(r, 0, 0), event, after < event ? after : event, pg_text(r, 0, 3));
        }
    }
    pg_result_free(r);
}

/* ---- the watcher ---- */

static void feed_free(struct feed *feed)
{
    for (int i = 0; i < feed->count; i++) chunk_drop(feed->ring[i]);
    chunk_drop(feed->progress);
    free(feed);
}

/* Takes feeds away that nobody reads; the rest stays where it is, also without the lock. */
static void sweep(void)
{
    pthread_mutex_lock(&events.lock);
    for (struct feed **at = &events.feeds, *feed; (feed = *at);) {
        if (feed->sub_count > 0) {
            at = &feed->next;
            continue;
        }
        *at = feed->next;
        feed_free(feed);
    }
    pthread_mutex_unlock(&events.lock);
}

static void push(struct feed *feed, struct chunk *chunk)
{
    pthread_mutex_lock(&events.lock);
    if (feed->count == CHUNKS) {
        chunk_drop(feed->ring[0]);
        memmove(feed->ring, feed->ring + 1, (CHUNKS - 1) * sizeof *feed->ring);
        feed->count--;
    }
    feed->ring[feed->count++] = chunk;
    feed->head = chunk->to;
    pthread_mutex_unlock(&events.lock);
}

/* The crawl as it is, told if it is not as it was. Gives its last event. */
static int64_t look(struct feed *feed, struct db *db)
{
    int64_t event = feed->head;
    pg_add_int(db_begin(db), feed->crawl);
    struct pg_result *r = db_try(db, &crawl_stmt);
    if (pg_rows(r) > 0) {
        struct buf text = BUF_INIT(CHUNK_MAX);
        event = pg_int(r, 0, 1);
        add_event(&text, -1, "progress", pg_text(r, 0, 3));
        pthread_mutex_lock(&events.lock);
        if (!feed->progress || feed->progress->len != text.len || memcmp(feed->progress->text, buf_str(&text), text.len) != 0) {
            chunk_drop(feed->progress);
            feed->progress = chunk_new(0, 0, false, &text);
            feed->progress_number++;
        }
        pthread_mutex_unlock(&events.lock);
        buf_release(&text);
    }
    pthread_mutex_lock(&events.lock);
    feed->gone = r && pg_rows(r) == 0;
    pthread_mutex_unlock(&events.lock);
    pg_result_free(r);
    return event;
}

static void wake_readers(struct feed *feed)
{
    int64_t now = clock_mono_ms();
    pthread_mutex_lock(&events.lock);
    for (struct sub *sub = feed->subs.next; sub != &feed->subs; sub = sub->next) {
        bool news = events.stopping || feed->gone || sub->after < feed->head || sub->progress != feed->progress_number ||
                    now - sub->beat_ms >= BEAT_MS;
        if (!sub->sleeping || sub->filling || !news) continue;
        sub->sleeping = false;
        stream_wake(sub->stream.request);
    }
    pthread_mutex_unlock(&events.lock);
}

void events_turn(struct db *db)
{
    int64_t now = clock_mono_ms();
    sweep();
    pthread_mutex_lock(&events.lock);
    struct feed *first = events.feeds; /* new ones come before it */
    pthread_mutex_unlock(&events.lock);
    for (struct feed *feed = first; feed; feed = feed->next) {
        if (db && now - feed->looked_ms >= PROGRESS_MS) {
            int64_t event = look(feed, db);
            feed->looked_ms = now;
            for (int i = 0; i < DRAIN && feed->head < event; i++) {
                struct chunk *chunk = read_chunk(db, feed->crawl, feed->head, event);
                if (!chunk) break;
                push(feed, chunk);
            }
        }
        wake_readers(feed);
    }
}

void events_stop(void)
{
    pthread_mutex_lock(&events.lock);
    events.stopping = true;
    pthread_mutex_unlock(&events.lock);
    for (struct feed *feed = events.feeds; feed; feed = feed->next) wake_readers(feed);
}
