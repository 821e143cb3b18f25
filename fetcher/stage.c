/* The fetcher's stage; contract in stage.h. */
#include "fetcher/stage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/zip.h"
#include "fetcher/fetcher_trouble.h"
#include "fetcher/http.h"
#include "fetcher/report.h"
#include "fetcher/settings.h"
#include "fetcher/ticket.h"

/* A ticket in use. It lives until its report is confirmed, also when its delivery is void by then: the report frees the
 * ticket's row, the delivery that comes again will only be returned. */
struct fetch {
    struct fetch *prev, *next;
    struct job *job;
    struct record ticket;
    struct url url;                 /* what is asked for now: a robots.txt may have moved */
    struct http_transfer *transfer; /* NULL: not under way */
    int hops;
    int64_t begun;                /* monotonic ms */
    int64_t taken_at, fetched_at; /* wall clock ms */
    bool has_outcome;
    enum code code;
    char detail[LIMIT_URL + 1]; /* holds the target of a redirect, too */
};

static struct {
    struct service *service;
    struct http *http;
    struct report *report;
    struct fetch *fetches;
    uint64_t returned;
} stage;

static struct fetch *fetch_new(struct job *job, const struct record *ticket)
{
    struct fetch *f = mem_zalloc(sizeof *f);
    f->job = job;
    f->ticket = *ticket; /* taken */
    f->begun = clock_mono_ms();
    f->taken_at = clock_wall_ms();
    f->next = stage.fetches;
    if (f->next) f->next->prev = f;
    stage.fetches = f;
    return f;
}

static void fetch_free(struct fetch *f)
{
    if (f->prev)
        f->prev->next = f->next;
    else
        stage.fetches = f->next;
    if (f->next) f->next->prev = f->prev;
    record_release(&f->ticket);
    free(f);
}

/* The report is confirmed: acked. */
static void on_reported(void *context)
{
    struct fetch *f = context;
    struct outcome outcome = {.page = f->ticket.page,
                              .release = f->ticket.release,
                              .url = f->ticket.url,
                              .attempt = f->ticket.attempt,
                              .code = f->code,
                              .detail = *f->detail ? f->detail : NULL};
    service_done(stage.service, f->job, f->has_outcome ? &outcome : NULL);
    fetch_free(f);
}

/* What every record of a fetch says. */
static struct record begin_record(const struct fetch *f, enum record_kind kind)
{
    return (struct record){.kind = kind,
                           .page = f->ticket.page,
                           .crawl = f->ticket.crawl,
                           .host = f->ticket.host,
                           .release = f->ticket.release,
                           .attempt = f->ticket.attempt,
                           .ticketed = 1,
                           .taken_at = f->taken_at,
                           .fetched_at = f->fetched_at};
}

static void set_outcome(struct fetch *f, enum code code, const char *detail)
{
    f->has_outcome = true;
    f->code = code;
    snprintf(f->detail, sizeof f->detail, "%s", detail);
}

/* ---- reports ---- */

static void report_returned(struct fetch *f, const char *why)
{
    struct record r = begin_record(f, RECORD_RETURNED);
    char id[48];
    snprintf(id, sizeof id, "%" PRId64 ".%" PRId64, f->ticket.page, f->ticket.release);
    log_event(LOG_INFO, "returned", (struct log_field[]){LOG_STR("job", id), LOG_STR("url", f->ticket.url), LOG_STR("why", why), LOG_END});
    stage.returned++;
    report_add(stage.report, &r, f);
}

static void report_verdict(struct fetch *f, const struct http_response *response, struct trouble *trouble)
{
    struct record r = begin_record(f, RECORD_VERDICT);
    r.code = (char *)code_name(trouble->code);
    r.detail = *trouble->detail ? trouble->detail : NULL;
    r.status = response ? response->head.status : 0;
    r.bytes = response ? response->bytes : 0;
    r.retry_after = trouble->retry_after;
    if (trouble->code == CODE_REDIRECTED) r.location = trouble->location.text;
    set_outcome(f, trouble->code, r.location ? r.location : trouble->detail);
    report_add(stage.report, &r, f);
}

static void report_robots(struct fetch *f, struct http_response *response, struct trouble *trouble)
{
    struct record r = begin_record(f, RECORD_ROBOTS);
    struct buf text;
    /* A byte that is no UTF-8 becomes three; what is cut off then would not have counted much. */
    buf_init(&text, 3 * (size_t)LIMIT_ROBOTS);
    r.status = response->head.status;
    r.bytes = response->bytes;
    r.retry_after = trouble->retry_after;
    if (trouble->code == CODE_OK) {
        utf8_clean(&text, buf_str(&response->body), response->body.len);
        if (text.len > LIMIT_ROBOTS) buf_truncate(&text, utf8_floor(text.data, LIMIT_ROBOTS));
        r.robots = buf_take(&text);
    } else if (response->failure != HTTP_FINE || fetcher_redirects(r.status)) {
        r.code = (char *)code_name(trouble->code);
        r.detail = *trouble->detail ? trouble->detail : NULL;
    }
    set_outcome(f, trouble->code, trouble->detail);
    report_add(stage.report, &r, f);
    free(r.robots);
}

/* ---- a page ---- */

static void on_page_confirmed(void *context, enum mq_settled how)
{
    struct fetch *f = context;
    struct record r = begin_record(f, RECORD_FETCHED);
    (void)how; /* without MQ_ONESHOT only MQ_CONFIRMED is reported */
    r.status = f->ticket.status;
    r.bytes = f->ticket.bytes;
    report_add(stage.report, &r, f);
}

/* The header of the message that carries the page; what the ticket said and what the server said. */
static char *page_record(const struct fetch *f, const struct http_response *response)
{
    const struct head *head = &response->head;
    struct record r = begin_record(f, RECORD_PAGE);
    struct buf json;
    r.ticketed = 0;
    r.depth = f->ticket.depth;
    r.known_hash = f->ticket.known_hash;
    r.known_recipe = f->ticket.known_recipe;
    r.ignore_noindex = f->ticket.ignore_noindex;
    r.ignore_nofollow = f->ticket.ignore_nofollow;
    r.url = (char *)f->url.text;
    r.status = head->status;
    r.bytes = response->bytes;
    r.content_type = *head->content_type ? (char *)head->content_type : NULL;
    r.robots_tag = *head->robots_tag ? (char *)head->robots_tag : NULL;
    r.etag = *head->etag ? (char *)head->etag : NULL;
    r.last_modified = *head->last_modified ? (char *)head->last_modified : NULL;
    buf_init(&json, LIMIT_RECORD);
    record_encode(&r, &json);
    return buf_take(&json);
}

/* False if the page is too large for a message. */
static bool publish_page(struct fetch *f, const struct http_response *response)
{
    struct buf packed;
    char id[48];
    buf_init(&packed, LIMIT_MESSAGE);
    if (!zip_pack(&packed, buf_str(&response->body), response->body.len)) {
        buf_release(&packed);
        return false;
    }
    char *record = page_record(f, response);
    snprintf(id, sizeof id, "%" PRId64 ".%" PRId64, f->ticket.page, f->ticket.release);
    struct mq_message message = {.queue = queue_onward(service_job_queue(f->job), QUEUE_HTML),
                                 .message_id = id,
                                 .type = "html.v1",
                                 .content_type = *response->head.content_type ? response->head.content_type : NULL,
                                 .content_encoding = "zstd",
                                 .record = record,
                                 .len = packed.len};
    message.body = buf_take(&packed);
    f->ticket.status = response->head.status; /* for the report, when the page is confirmed */
    f->ticket.bytes = response->bytes;
    set_outcome(f, CODE_OK, "");
    mq_publish(service_mq(stage.service), &message, 0, on_page_confirmed, f);
    free(record);
    return true;
}

static void on_page(void *context, struct http_response *response)
{
    struct fetch *f = context;
    struct trouble trouble;
    f->transfer = NULL;
    f->fetched_at = clock_wall_ms();
    fetcher_trouble(response, f->url.text, f->fetched_at, &trouble);
    if (trouble.ours) {
        report_returned(f, trouble.detail);
        return;
    }
    if (trouble.code == CODE_OK) {
        if (publish_page(f, response)) return;
        trouble.code = CODE_TOO_LARGE;
        snprintf(trouble.detail, sizeof trouble.detail, "more than %u bytes compressed", LIMIT_MESSAGE);
    }
    report_verdict(f, response, &trouble);
}

static void fetch_page(struct fetch *f)
{
    struct http_request request = {
        .url = f->url.text, .etag = f->ticket.etag, .last_modified = f->ticket.last_modified, .body_max = (size_t)settings.max_bytes};
    f->transfer = http_start(stage.http, &request, on_page, f);
}

/* ---- a robots.txt ---- */

static void on_robots(void *context, struct http_response *response);

/* All redirects together have the time of one fetch, so that the ticket's end is known. */
static void fetch_robots(struct fetch *f)
{
    int64_t left = settings.total_ms - (clock_mono_ms() - f->begun);
    struct http_request request = {
        .url = f->url.text, .body_max = LIMIT_ROBOTS, .cut = true, .any_type = true, .total_ms = left > 1 ? left : 1};
    f->transfer = http_start(stage.http, &request, on_robots, f);
}

static void on_robots(void *context, struct http_response *response)
{
    struct fetch *f = context;
    struct trouble trouble;
    f->transfer = NULL;
    f->fetched_at = clock_wall_ms();
    fetcher_trouble(response, f->url.text, f->fetched_at, &trouble);
    if (trouble.ours) {
        report_returned(f, trouble.detail);
        return;
    }
    if (trouble.code == CODE_REDIRECTED) {
        if (f->hops++ < LIMIT_ROBOTS_HOPS) {
            f->url = trouble.location;
            fetch_robots(f);
            return;
        }
        trouble.code = CODE_REDIRECT_LOOP;
        snprintf(trouble.detail, sizeof trouble.detail, "more than %d redirects", LIMIT_ROBOTS_HOPS);
    }
    report_robots(f, response, &trouble);
}

/* ---- the stage ---- */

/* Not for us, but well meant: the writer admits it or says why not. */
static void forward(struct job *job, const struct mq_delivery *delivery)
{
    struct buf body;
    buf_init(&body, delivery->len);
    buf_add(&body, delivery->body, delivery->len);
    struct mq_message message = {.queue = queue_onward(delivery->queue, QUEUE_SEED),
                                 .message_id = *delivery->message_id ? delivery->message_id : NULL,
                                 .content_type = *delivery->content_type ? delivery->content_type : NULL,
                                 .content_encoding = *delivery->content_encoding ? delivery->content_encoding : NULL,
                                 .len = delivery->len};
    message.body = buf_take(&body);
    service_publish(stage.service, job, &message);
    struct outcome outcome = {.code = CODE_OK, .detail = "no ticket: forwarded to seed"};
    service_done(stage.service, job, &outcome);
}

void stage_message(struct service *service, struct job *job, const struct mq_delivery *delivery)
{
    struct record ticket;
    struct url url;
    const char *why = "";
    enum ticket_step step = ticket_read(delivery, clock_wall_ms(), &ticket, &url, &why);
    if (step == TICKET_NEWER) {
        service_refuse_newer(service, job);
        return;
    }
    if (step == TICKET_BAD) {
        service_bad_message(service, job, delivery, why);
        return;
    }
    if (step == TICKET_FORWARD) {
        forward(job, delivery);
        return;
    }
    struct fetch *f = fetch_new(job, &ticket);
    if (step == TICKET_RETURN) {
        report_returned(f, why);
        return;
    }
    if (step == TICKET_BAD_URL) {
        struct trouble trouble = {.code = CODE_BAD_URL};
        snprintf(trouble.detail, sizeof trouble.detail, "%s", why);
        report_verdict(f, NULL, &trouble);
        return;
    }
    f->url = url;
    if (step == TICKET_ROBOTS)
        fetch_robots(f);
    else
        fetch_page(f);
}

/* Tickets lost with their connection are not used any further: somebody else may report them returned by now. */
void stage_reset(struct service *service, enum queue_id queue)
{
    struct fetch *next;
    (void)queue;
    for (struct fetch *f = stage.fetches; f; f = next) {
        next = f->next;
        if (!f->transfer || !service_job_void(f->job)) continue;
        http_abort(f->transfer);
        service_done(service, f->job, NULL);
        fetch_free(f);
    }
}

void stage_turn(struct service *service)
{
    (void)service;
    report_flush(stage.report);
}

void stage_metrics(struct service *service, struct buf *out)
{
    struct http_stats s;
    (void)service;
    http_stats(stage.http, &s);
    const struct {
        const char *name, *type;
        uint64_t value;
    } rows[] = {
        {"gistmill_fetch_transfers_total", "counter", s.finished},
        {"gistmill_fetch_bytes_total", "counter", (uint64_t)s.bytes},
        {"gistmill_fetch_connections_total", "counter", s.connections},
        {"gistmill_fetch_returned_total", "counter", stage.returned},
        {"gistmill_fetch_active", "gauge", s.active},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        buf_addf(out, "# TYPE %s %s\n%s %" PRIu64 "\n", rows[i].name, rows[i].type, rows[i].name, rows[i].value);
}

int stage_init(struct service *service)
{
    stage.service = service;
    stage.http = settings_http(service_loop(service));
    stage.report = report_new(service_mq(service), on_reported);
    return EXITCODE_OK;
}

void stage_deinit(struct service *service)
{
    (void)service;
    for (struct fetch *f = stage.fetches; f; f = f->next) mq_forget(service_mq(stage.service), f);
    report_free(&stage.report);
    http_free(&stage.http);
    while (stage.fetches) fetch_free(stage.fetches);
}
