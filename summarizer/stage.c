/* The stage; contract in stage.h. What ends a delivery is in summarizer_trouble.c. */
#include "summarizer/stage.h"

#include <cjson/cJSON.h>
#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/zip.h"
#include "line/limits.h"
#include "line/record.h"
#include "summarizer/buyer.h"
#include "summarizer/engine.h"
#include "summarizer/settings.h"
#include "summarizer/summarizer_trouble.h"

/* One article in hand. */
struct work {
    struct work *prev, *next;
    struct service *service;
    struct job *job;
    struct record record;
    struct buyer_wait *wait; /* NULL: asks no model */
};

static struct engine *engine;
static struct buyer *buyer; /* NULL: no model */
static bool suspended;      /* by us, as the buyer is down */
static uint64_t kept;       /* articles whose summary is stored already */
static struct work *works;

static void work_free(struct work *w)
{
    if (w->prev)
        w->prev->next = w->next;
    else
        works = w->next;
    if (w->next) w->next->prev = w->prev;
    record_release(&w->record);
    free(w);
}

/* ---- out ---- */

static void put(char **field, const char *value)
{
    free(*field);
    *field = value && *value ? mem_strdup(value) : NULL;
}

/* The record as a message body. One too large loses its Markdown, then its links, as the caps demand. */
static bool pack(struct record *r, struct buf *body)
{
    struct buf json = BUF_INIT(LIMIT_RECORD);
    bool fits = false;
    for (int round = 0; round < 3 && !fits; round++) {
        if (round == 1) {
            r->links_cut += r->markdown != NULL;
            put(&r->markdown, NULL);
        }
        if (round == 2) record_cut_links(r, 0);
        buf_reset(&json);
        buf_reset(body);
        fits = record_encode(r, &json) && zip_pack(body, json.data, json.len);
    }
    buf_release(&json);
    return fits;
}

static void publish(struct work *w)
{
    char id[48];
    struct buf body = BUF_INIT(LIMIT_MESSAGE);
    snprintf(id, sizeof id, "%" PRId64 ".%" PRId64, w->record.page, w->record.release);
    if (!pack(&w->record, &body)) {
        buf_release(&body);
        summarizer_trouble_too_large(w->service, w->job, &w->record);
        return;
    }
    struct mq_message message = {.queue = QUEUE_SUMMARY,
                                 .message_id = id,
                                 .type = "summary.v1",
                                 .content_type = "application/json",
                                 .content_encoding = "zstd",
                                 .len = body.len};
    message.body = buf_take(&body);
    service_publish(w->service, w->job, &message);
    summarizer_trouble_done(w->service, w->job, &w->record);
}

static void on_summary(void *context, const struct engine_summary *summary)
{
    struct work *w = context;
    struct record *r = &w->record;
    put(&r->summary, summary->text);
    put(&r->engine, summary->engine);
    put(&r->model, summary->model);
    put(&r->recipe, summary->recipe);
    put(&r->reason, summary->reason == CODE_OK ? NULL : code_name(summary->reason));
    put(&r->detail, summary->detail);
    r->tokens_in = summary->tokens_in;
    r->tokens_out = summary->tokens_out;
    r->calculated_at = clock_wall_ms();
    publish(w);
    work_free(w);
}

/* The text is as it was, and its summary is of the recipe we would use: it is stored, and not made again. */
static bool is_kept(const struct record *r)
{
    return r->known_hash && strcmp(r->known_hash, r->hash) == 0 && engine_would_use(engine, r->known_recipe);
}

static void keep(struct work *w)
{
    struct record *r = &w->record;
    put(&r->summary, NULL);
    put(&r->engine, RECORD_KEPT);
    put(&r->recipe, r->known_recipe);
    r->calculated_at = clock_wall_ms();
    kept++;
    publish(w);
    work_free(w);
}

/* ---- the model ---- */

static struct engine_article article_of(const struct work *w)
{
    const struct record *r = &w->record;
    return (struct engine_article){.title = r->title, .lang = r->lang, .text = r->text, .markdown = r->markdown, .length = strlen(r->text)};
}

/* Somebody else is asking for this text: the record goes on, the writer keeps it until the answer is there. */
static void pass_on(struct work *w)
{
    w->record.pending = 1;
    put(&w->record.recipe, engine_llm_recipe(engine));
    publish(w);
    work_free(w);
}

/* The budget is used up, and no other engine is wanted: the article is stored, its summary owed. */
static void owe(struct work *w)
{
    put(&w->record.engine, "llm");
    put(&w->record.recipe, engine_llm_recipe(engine));
    put(&w->record.reason, code_name(CODE_BUDGET_EXCEEDED));
    publish(w);
    work_free(w);
}

static void on_bought(void *context, const struct buyer_result *result)
{
    struct work *w = context;
    const struct engine_article article = article_of(w);
    const struct engine_summary summary = {.text = result->summary,
                                           .engine = "llm",
                                           .model = summarizer_settings.model,
                                           .recipe = engine_llm_recipe(engine),
                                           .reason = CODE_OK,
                                           .detail = result->detail,
                                           .tokens_in = result->tokens_in,
                                           .tokens_out = result->tokens_out};
    engine_note(engine, result->end == BUYER_SUMMARY, result->tokens_in, result->tokens_out);
    if (result->end == BUYER_PENDING)
        pass_on(w);
    else if (result->end == BUYER_SUMMARY)
        on_summary(w, &summary);
    else if (result->reason == CODE_BUDGET_EXCEEDED && summarizer_settings_owes())
        owe(w);
    else
        engine_extract(engine, &article, result->reason, result->detail, on_summary, w);
}

static void buy(struct work *w)
{
    const struct record *r = &w->record;
    struct buyer_order order = {
        .text = {.crawl = r->crawl, .page = r->page, .text = r->text, .markdown = r->markdown, .again = r->again != 0},
        .title = r->title,
        .lang = r->lang};
    digest_parse(r->hash, &order.text.hash); /* the decoder has looked at it */
    struct buyer_wait *wait = buyer_ask(buyer, &order, on_bought, w);
    if (wait) w->wait = wait; /* else it is done, and w is gone */
}

/* An outage is a pause: everything goes back to the broker until it is over. */
void summarizer_turn(struct service *service)
{
    const char *why = buyer ? buyer_down(buyer) : NULL;
    /* What is being asked is waited for, but not turns that may be minutes away. */
    if (buyer && service_stopping(service) && buyer_asking(buyer) == 0 && buyer_queues(buyer)) why = "stopping";
    if (why && !service_suspended(service)) {
        suspended = true;
        service_suspend(service, why);
    } else if (!why && suspended) {
        suspended = false;
        service_resume(service);
    }
}

/* What was handed back in an outage may still be asked for: its answer is worth the wait, which SUMMARY_TIMEOUT ends. */
bool summarizer_busy(struct service *service)
{
    (void)service;
    return buyer && buyer_busy(buyer);
}

void summarizer_tick(struct service *service)
{
    (void)service;
    if (buyer) buyer_tick(buyer);
}

/* ---- in ---- */

/* Reads the delivery; the words say what is wrong if it is not RECORD_OK. */
static enum record_status read_record(const struct mq_delivery *d, struct record *record_r, struct record_error *error_r)
{
    const unsigned kinds = 1u << RECORD_ARTICLE;
    struct buf json = BUF_INIT(LIMIT_RECORD);
    const char *why = NULL;
    enum record_status status = RECORD_BAD;
    if (!*d->content_encoding)
        status = record_decode(d->body, d->len, kinds, record_r, error_r);
    else if (strcmp(d->content_encoding, "zstd") != 0)
        why = "content_encoding is neither zstd nor none";
    else if (!(why = zip_unpack(&json, d->body, d->len)))
        status = record_decode(buf_str(&json), json.len, kinds, record_r, error_r);
    if (status == RECORD_OK && !record_is_about(record_r, d->message_id)) {
        record_release(record_r);
        status = RECORD_BAD;
        why = "page: not the one of the message";
    }
    if (why) snprintf(error_r->text, sizeof error_r->text, "%s", why);
    buf_release(&json);
    return status;
}

void summarizer_message(struct service *service, struct job *job, const struct mq_delivery *delivery)
{
    struct work *w = mem_zalloc(sizeof *w);
    struct record_error error;
    enum record_status status = read_record(delivery, &w->record, &error);
    if (status != RECORD_OK) {
        free(w);
        summarizer_trouble_unreadable(service, job, delivery, status, error.text);
        return;
    }
    w->service = service;
    w->job = job;
    w->next = works;
    if (works) works->prev = w;
    works = w;
    if (is_kept(&w->record)) {
        keep(w);
        return;
    }
    const struct engine_article article = article_of(w);
    if (buyer)
        buy(w);
    else
        engine_extract(engine, &article, CODE_OK, "", on_summary, w);
}

void summarizer_reset(struct service *service, enum queue_id queue)
{
    struct work *next;
    for (struct work *w = works; w; w = next) {
        next = w->next;
        if (service_job_queue(w->job) != queue || !service_job_void(w->job)) continue;
        if (w->wait) buyer_leave(w->wait);
        summarizer_trouble_void(service, w->job);
        work_free(w);
    }
}

/* ---- life ---- */

int summarizer_init(struct service *service)
{
    const struct summarizer_settings *s = &summarizer_settings;
    engine = engine_new(service_loop(service));
    if (summarizer_settings_llm())
        log_info("summaries by %s at %s, extractive where it fails", s->model, s->base_url);
    else
        log_info("summaries by the extractive engine");
    if (!engine_llm(engine)) return EXITCODE_OK;
    const struct buyer_config config = {.llm = engine_llm(engine),
                                        .recipe_hex = engine_llm_recipe(engine),
                                        .model = s->model,
                                        .database_url = s->database_url,
                                        .lease_ms = s->timeout_ms + s->grace_ms,
                                        .pause_max_ms = s->pause_ms,
                                        .endpoint = s->base_url,
                                        .minute_requests = s->minute_requests,
                                        .minute_tokens = s->minute_tokens,
                                        .day_tokens = s->day_tokens,
                                        .crawl_tokens = s->crawl_tokens,
                                        .day_money = s->day_money,
                                        .crawl_money = s->crawl_money,
                                        .max_tokens = s->max_tokens,
                                        .input_max = s->input_max,
                                        .price_in = s->price_in,
                                        .price_cached = s->price_cached,
                                        .price_out = s->price_out};
    buyer = buyer_new(&config);
    return EXITCODE_OK;
}

/* Said of the model: engine, model, circuit (buyer.h), since, fault, fault_at, probe_at (wall clock ms), day_tokens and day_money (the
 * budgets; 0: none). What is no UTF-8, or too long, is left out. */
void summarizer_alive(struct service *service, struct alive *alive)
{
    const struct summarizer_settings *s = &summarizer_settings;
    cJSON *object = cJSON_CreateObject();
    (void)service;
    cJSON_AddStringToObject(object, "engine", buyer ? "llm" : "extractive");
    if (buyer) {
        struct buyer_circuit circuit = buyer_circuit(buyer);
        size_t n = strlen(s->model);
        if (n <= 200 && utf8_valid(s->model, n)) cJSON_AddStringToObject(object, "model", s->model);
        cJSON_AddStringToObject(object, "circuit", circuit.name);
        cJSON_AddNumberToObject(object, "since", (double)circuit.since);
        if (utf8_valid(circuit.fault, strlen(circuit.fault))) cJSON_AddStringToObject(object, "fault", circuit.fault);
        cJSON_AddNumberToObject(object, "fault_at", (double)circuit.fault_at);
        cJSON_AddNumberToObject(object, "probe_at", (double)circuit.probe_at);
        cJSON_AddNumberToObject(object, "day_tokens", (double)s->day_tokens);
        cJSON_AddNumberToObject(object, "day_money", s->day_money);
    }
    if (!cJSON_PrintPreallocated(object, alive->model, sizeof alive->model, false)) alive->model[0] = '\0';
    cJSON_Delete(object);
}

void summarizer_metrics(struct service *service, struct buf *out)
{
    struct engine_stats stats;
    (void)service;
    engine_stats(engine, &stats);
    buf_addf(out, "# TYPE gistmill_summaries_total counter\ngistmill_summaries_total{engine=\"extractive\"} %" PRIu64 "\n",
             stats.extractive);
    buf_addf(out, "gistmill_summaries_total{engine=\"llm\"} %" PRIu64 "\n", stats.llm);
    buf_addf(out, "gistmill_summaries_total{engine=\"" RECORD_KEPT "\"} %" PRIu64 "\n", kept);
    buf_add_str(out, "# TYPE gistmill_summary_fallbacks_total counter\n");
    for (int i = 0; i < CODE_COUNT; i++)
        if (stats.fallbacks[i])
            buf_addf(out, "gistmill_summary_fallbacks_total{code=\"%s\"} %" PRIu64 "\n", code_name((enum code)i), stats.fallbacks[i]);
    buf_addf(out, "# TYPE gistmill_model_tokens_total counter\ngistmill_model_tokens_total{kind=\"in\"} %" PRIu64 "\n", stats.tokens_in);
    buf_addf(out, "gistmill_model_tokens_total{kind=\"out\"} %" PRIu64 "\n", stats.tokens_out);
    buf_addf(out, "# TYPE gistmill_model_calls gauge\ngistmill_model_calls %zu\n", buyer ? buyer_asking(buyer) : 0);
    buf_addf(out, "# TYPE gistmill_model_resting gauge\ngistmill_model_resting %d\n", buyer && buyer_down(buyer));
}

void summarizer_deinit(struct service *service)
{
    (void)service;
    while (works) {
        if (works->wait) buyer_leave(works->wait);
        work_free(works); /* the broker has the delivery */
    }
    buyer_free(&buyer);
    engine_free(&engine);
}
