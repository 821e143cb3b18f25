/* Messages become entries, entries become transactions, commits become acks. Contract in writer.h. */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/zip.h"
#include "line/limits.h"
#include "writer/conf.h"
#include "writer/frontier.h"
#include "writer/host_clock.h"
#include "writer/judge.h"
#include "writer/known.h"
#include "writer/live.h"
#include "writer/request.h"
#include "writer/rules_load.h"
#include "writer/writer.h"

#define ENTRIES_A_TIME 512         /* records in one transaction */
#define GATHER_MS      20          /* between two transactions: each costs by itself as much as ten records */
#define GATHER_ENTRIES 256         /* so many need not wait */
#define ROWS_A_TIME    20000       /* rows it may make: seconds at worst, far from a statement's deadline. One sitemap may make 50,000 */
#define SEED_PART      65536       /* bytes of a plain seed that are one entry */
#define KNOWN_LINKS    1000        /* counted for a page that is as it was: its links of before are read later */
#define TURN_MS        1000        /* then other things have their turn: heartbeats, what is express */
#define BYTES_GATHERED (16u << 20) /* then the transaction starts, whatever else may be there to read */
#define TRIES          10          /* of a transaction that met another one (40P01, 40001) */

struct intake {
    struct entry **entries;
    size_t count, cap;
    size_t express; /* the first so many are express, and go first */
    size_t bytes;
    int64_t flushed_at; /* monotonic ms: the end of the last transaction */
    ev_timer again;     /* the next turn: for what is left, or is gathering */
};

static void on_again(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)timer, (void)revents; /* only wakes the loop */
}

struct intake *intake_new(struct writer *w)
{
    struct intake *in = mem_zalloc(sizeof *in);
    (void)w;
    ev_init(&in->again, on_again);
    return in;
}

static void message_done(struct writer *w, struct intake_message *m)
{
    if (!m || --m->left > 0) return;
    service_done(w->service, m->job, NULL);
    free(m->message_id);
    free(m->body);
    free(m);
}

static void entry_free(struct writer *w, struct entry *e)
{
    message_done(w, e->message);
    record_release(&e->record);
    free(e->url);
    free(e);
}

void intake_drop(struct writer *w)
{
    struct intake *in = w->intake;
    size_t kept = 0, express = 0;
    in->bytes = 0;
    for (size_t i = 0; i < in->count; i++) {
        struct entry *e = in->entries[i];
        if (!e) continue;
        if (e->message && service_job_void(e->message->job)) {
            entry_free(w, e);
            continue;
        }
        in->entries[kept++] = e;
        express += i < in->express;
        in->bytes += e->size;
    }
    in->express = express;
    in->count = kept;
}

void intake_free(struct writer *w)
{
    struct intake *in = w->intake;
    if (!in) return;
    ev_timer_stop(service_loop(w->service), &in->again);
    for (size_t i = 0; i < in->count; i++) entry_free(w, in->entries[i]);
    free(in->entries);
    free(in);
    w->intake = NULL;
}

/* ---- gathering ---- */

static struct entry *add_entry(struct writer *w, enum entry_kind kind, struct intake_message *m)
{
    struct intake *in = w->intake;
    struct entry *e = mem_zalloc(sizeof *e);
    e->kind = kind;
    e->message = m;
    e->rows = 1;
    if (m) m->left++;
    in->entries = mem_grow(in->entries, &in->cap, in->count + 1, sizeof *in->entries);
    size_t place = in->count++;
    if (m && queue_is_express(service_job_queue(m->job))) {
        place = in->express++;
        memmove(in->entries + place + 1, in->entries + place, (in->count - 1 - place) * sizeof *in->entries);
    }
    in->entries[place] = e;
    return e;
}

void intake_own(struct writer *w, enum entry_kind kind, const struct record *record)
{
    add_entry(w, kind, NULL)->record = *record;
}

static struct intake_message *new_message(struct job *job, const struct mq_delivery *d, size_t keep)
{
    struct intake_message *m = mem_zalloc(sizeof *m);
    struct buf body;
    buf_init(&body, LIMIT_SEED);
    buf_add(&body, d->body, d->len < keep ? d->len : keep);
    m->job = job;
    m->redelivered = d->redelivered;
    m->message_id = mem_strdup(d->message_id);
    m->len = body.len;
    m->body = buf_take(&body);
    return m;
}

static void add_seed(struct writer *w, struct intake_message *m, const char *text, size_t n, bool is_part)
{
    struct entry *e = add_entry(w, ENTRY_SEED, m);
    e->text = text;
    e->text_len = e->size = n;
    e->is_part = is_part;
    e->rows = seed_rows(text, n);
    w->intake->bytes += n;
}

/* A file of URLs as one message must not be one transaction: that could take for ever. */
static void take_seed(struct writer *w, struct job *job, const struct mq_delivery *d)
{
    struct intake_message *m = new_message(job, d, d->len);
    const char *text = m->body, *end = m->body + m->len;
    if (m->len <= SEED_PART || !seed_is_text(m->body, m->len)) {
        add_seed(w, m, m->body, m->len, false);
        return;
    }
    while (text < end) {
        size_t n = (size_t)(end - text);
        if (n > SEED_PART) {
            const char *line_end = memrchr(text, '\n', SEED_PART);
            if (!line_end) line_end = memchr(text, '\n', n);
            if (line_end) n = (size_t)(line_end + 1 - text);
        }
        add_seed(w, m, text, n, true);
        text += n;
    }
}

/* A header `record` is there when a stage could not read the message; without one the broker gave it up. */
static void take_dead(struct writer *w, struct job *job, const struct mq_delivery *d)
{
    struct entry *e = add_entry(w, ENTRY_DEAD, new_message(job, d, LIMIT_BAD_BYTES));
    struct record_error error;
    long long page = 0, release = 0;
    if (strcmp(d->type, "bad.v1") == 0 &&
        record_decode(d->record, strlen(d->record), 1u << RECORD_VERDICT, &e->record, &error) == RECORD_OK)
        return;
    e->record = (struct record){.kind = RECORD_VERDICT};
    if (sscanf(d->message_id, "%18lld.%18lld", &page, &release) != 2) return;
    e->record.page = page;
    e->record.release = release;
}

static void take_records(struct writer *w, struct job *job, const struct mq_delivery *d, const char *json, size_t n)
{
    static const unsigned report =
        1u << RECORD_EMPTY | 1u << RECORD_FETCHED | 1u << RECORD_RETURNED | 1u << RECORD_ROBOTS | 1u << RECORD_VERDICT;
    struct record *records;
    size_t count;
    struct record_error error;
    unsigned kinds = d->queue == QUEUE_SUMMARY ? 1u << RECORD_ARTICLE : report;
    enum record_status st = record_decode_all(json, n, kinds, &records, &count, &error);
    if (st == RECORD_NEWER) {
        service_refuse_newer(w->service, job);
        return;
    }
    for (size_t i = 0; st == RECORD_OK && i < count; i++) {
        if (record_is_about(&records[i], d->message_id)) continue;
        snprintf(error.text, sizeof error.text, "page: not the one of the message");
        record_free_all(records, count);
        st = RECORD_BAD;
    }
    if (st != RECORD_OK) {
        service_bad_message(w->service, job, d, error.text);
        return;
    }
    if (count == 0) {
        service_done(w->service, job, NULL);
    } else {
        struct intake_message *m = new_message(job, d, LIMIT_BAD_BYTES);
        for (size_t i = 0; i < count; i++) {
            struct entry *e = add_entry(w, ENTRY_RECORD, m);
            e->record = records[i]; /* its strings go along */
            e->size = n / count;
            e->rows += e->record.links.count;
            if (e->record.code && strcmp(e->record.code, code_name(CODE_UNCHANGED)) == 0) e->rows += KNOWN_LINKS;
        }
        w->intake->bytes += n;
    }
    free(records);
}

static void take_alive(struct writer *w, struct job *job, const struct mq_delivery *d)
{
    struct alive alive;
    if (alive_decode(d->record, &alive)) live_alive(w, &alive);
    service_done(w->service, job, NULL);
}

void intake_message(struct writer *w, struct job *job, const struct mq_delivery *d)
{
    if (d->queue == QUEUE_SEED || d->queue == QUEUE_SEED_EXPRESS)
        take_seed(w, job, d);
    else if (d->queue == QUEUE_DEAD)
        take_dead(w, job, d);
    else if (strcmp(d->type, ALIVE_TYPE) == 0)
        take_alive(w, job, d);
    else if (strcmp(d->content_encoding, "zstd") == 0) {
        struct buf json;
        buf_init(&json, LIMIT_RECORD);
        const char *fault = zip_unpack(&json, d->body, d->len);
        if (fault)
            service_bad_message(w->service, job, d, fault);
        else
            take_records(w, job, d, json.data, json.len);
        buf_release(&json);
    } else {
        take_records(w, job, d, d->body, d->len);
    }
    if (w->intake->bytes >= BYTES_GATHERED) intake_flush(w);
}

size_t intake_pages(const struct writer *w, struct alive_page *pages_r, size_t max)
{
    static const unsigned ends = 1u << RECORD_ARTICLE | 1u << RECORD_EMPTY | 1u << RECORD_VERDICT;
    size_t n = 0;
    for (size_t i = 0; i < w->intake->count && n < max; i++) {
        const struct entry *e = w->intake->entries[i];
        if (e && e->kind == ENTRY_RECORD && e->record.page > 0 && (ends >> e->record.kind & 1))
            pages_r[n++] = (struct alive_page){e->record.page, e->record.release, clock_wall_ms() - service_job_age_ms(e->message->job)};
    }
    return n;
}

/* ---- transactions ---- */

static enum pg_status prepare(struct tx *tx, struct entry **entries, size_t count)
{
    enum pg_status st = tx_begin_storing(tx);
    if (st == PG_OK) st = request_lock(tx, entries, count);
    for (size_t i = 0; i < count && st == PG_OK; i++) {
        if (entries[i]->kind == ENTRY_SEED)
            st = judge_seed_prepare(tx, entries[i]);
        else if (entries[i]->record.page)
            tx_want_page(tx, entries[i]->record.page);
    }
    if (st == PG_OK) st = tx_load(tx);
    if (st == PG_OK) st = rules_load(tx);
    if (st == PG_OK) st = judge_tickets(tx, entries, count);
    if (st == PG_OK) st = judge_known(tx, entries, count);
    if (st == PG_OK) st = host_clock_excuse(tx, entries, count);
    return st == PG_OK ? judge_loops(tx, entries, count) : st;
}

static enum pg_status transact(struct tx *tx, struct entry **entries, size_t count)
{
    enum pg_status st = prepare(tx, entries, count);
    for (size_t i = 0; i < count && st == PG_OK; i++) {
        if (entries[i]->kind == ENTRY_SEED)
            st = judge_seed(tx, entries[i]);
        else
            judge_entry(tx, entries[i]);
    }
    if (st == PG_OK) st = tx_write_links(tx);
    if (st == PG_OK) st = tx_admit(tx);
    if (st == PG_OK) st = tx_write(tx);
    if (st == PG_OK) st = request_write(tx, entries, count);
    return st == PG_OK ? tx_commit(tx) : st;
}

/* What could not be stored is kept as bytes, and its page ends. */
static enum pg_status quarantine(struct tx *tx, struct entry *e, const char *why)
{
    enum pg_status st = tx_begin_storing(tx);
    if (e->record.page) tx_want_page(tx, e->record.page);
    if (st == PG_OK) st = request_lock(tx, &e, 1);
    if (st == PG_OK) st = tx_load(tx);
    if (st != PG_OK) return st;
    if (e->request) request_refuse(e->request, "", why);
    if (e->message)
        tx_bad_record(tx, queue_name(service_job_queue(e->message->job)), e->message->message_id, why, e->text ? e->text : e->message->body,
                      e->text ? e->text_len : e->message->len);
    struct page_row *p = e->record.page ? tx_page(tx, e->record.page) : NULL;
    bool open = p && (p->state == STATE_REGISTERED || p->state == STATE_SCHEDULED);
    if (open && e->record.release > p->void_release && e->record.release <= p->release) tx_page_end(p, CODE_BAD_RECORD, why, NULL);
    if (e->record.host && e->kind != ENTRY_LOST)
        tx_end_ticket(tx, &(struct ticket_end){.host_id = e->record.host, .page_id = e->record.page, .release = e->record.release});
    e->judged = true;
    e->code = CODE_BAD_RECORD;
    snprintf(e->detail, sizeof e->detail, "%s", why);
    st = tx_admit(tx); /* locks the hosts */
    if (st == PG_OK) st = tx_write(tx);
    if (st == PG_OK) st = request_write(tx, &e, 1);
    return st == PG_OK ? tx_commit(tx) : st;
}

static void log_outcome(struct writer *w, const struct entry *e)
{
    if (!e->judged) return;
    struct outcome o = {.page = e->record.page,
                        .release = e->record.release,
                        .url = e->url ? e->url : e->record.url,
                        .attempt = e->page_attempt,
                        .code = e->code,
                        .detail = e->detail[0] ? e->detail : NULL};
    service_outcome(w->service, &o, e->message ? service_job_age_ms(e->message->job) : 0);
}

/* One try; with PG_OK everything is committed and said. */
static enum pg_status attempt(struct writer *w, struct entry **entries, size_t count, const char *quarantine_why)
{
    struct tx tx;
    tx_init(&tx, w, w->pg);
    enum pg_status st = quarantine_why ? quarantine(&tx, entries[0], quarantine_why) : transact(&tx, entries, count);
    if (st == PG_OK) {
        known_commit(w->known);
        for (size_t i = 0; i < count; i++) log_outcome(w, entries[i]);
        for (size_t i = 0; i < tx.completed_count; i++) frontier_log_completed(w, tx.completed[i]);
        frontier_wake(w);
    } else {
        known_rollback(w->known);
        if (pg_connected(w->pg) && pg_exec(w->pg, "ROLLBACK") == PG_LOST) st = PG_LOST;
    }
    tx_release(&tx);
    return st;
}

static enum pg_status attempts(struct writer *w, struct entry **entries, size_t count, const char *quarantine_why)
{
    enum pg_status st = PG_RETRY;
    for (int i = 0; i < TRIES && st == PG_RETRY; i++) st = attempt(w, entries, count, quarantine_why);
    return st;
}

/* The data was refused: halve until the record is alone. False if the database went away. */
static bool work(struct writer *w, struct entry **entries, size_t count)
{
    enum pg_status st = attempts(w, entries, count, NULL);
    if (st == PG_OK) return true;
    if (st == PG_LOST || st == PG_RETRY) return false;
    if (count > 1) return work(w, entries, count / 2) && work(w, entries + count / 2, count - count / 2);
    const char *words = pg_error(w->pg);
    char why[300]; /* goes into the database, too: no half characters */
    snprintf(why, sizeof why, "%.*s", (int)utf8_floor(words, strnlen(words, sizeof why - 1)), words);
    log_error("a record that cannot be stored: %s", why);
    st = attempts(w, entries, 1, why);
    return st == PG_OK;
}

/* How many of the entries make one transaction. */
static size_t batch_size(struct entry **entries, size_t count)
{
    size_t n = 0, rows = 0;
    while (n < count && n < ENTRIES_A_TIME) {
        rows += entries[n]->rows;
        if (n > 0 && rows > ROWS_A_TIME) break;
        n++;
    }
    return n;
}

int64_t intake_quiet_ms(const struct writer *w)
{
    return w->intake->count > 0 ? 0 : clock_mono_ms() - w->intake->flushed_at;
}

bool intake_work(struct writer *w, struct entry **entries, size_t count)
{
    for (size_t done = 0, n; done < count; done += n) {
        n = batch_size(entries + done, count - done);
        if (!work(w, entries + done, n)) return false;
    }
    return true;
}

static void work_again(struct writer *w, int64_t wait_ms)
{
    ev_timer_stop(service_loop(w->service), &w->intake->again);
    ev_timer_set(&w->intake->again, wait_ms > 0 ? (double)wait_ms / 1000 : 0.0005, 0);
    ev_timer_start(service_loop(w->service), &w->intake->again);
}

/* True while more is waited for: only when busy, what comes after a quiet moment is worked at once. */
static bool gathering(struct writer *w, int64_t now)
{
    const struct intake *in = w->intake;
    int64_t left = in->flushed_at + GATHER_MS - now;
    if (left <= 0 || in->count >= GATHER_ENTRIES || in->bytes >= BYTES_GATHERED || service_stopping(w->service)) return false;
    work_again(w, left);
    return true;
}

bool intake_flush(struct writer *w)
{
    struct intake *in = w->intake;
    size_t done = 0;
    int64_t begun = clock_mono_ms();
    if (in->count == 0 || !w->db_ready || gathering(w, begun)) return false;
    while (done < in->count && clock_mono_ms() - begun < TURN_MS) {
        size_t n = batch_size(in->entries + done, in->count - done);
        if (!work(w, in->entries + done, n)) {
            database_lost(w); /* drops what is left: the broker has it */
            return done > 0;
        }
        /* Committed, then acked (law 4). */
        for (size_t i = done; i < done + n; i++) {
            entry_free(w, in->entries[i]);
            in->entries[i] = NULL;
        }
        done += n;
    }
    in->flushed_at = clock_mono_ms();
    if (done < in->count) work_again(w, 0);
    intake_drop(w); /* what is done */
    return true;
}
