/* The parser's stage; contract in parser_stage.h. */
#include "parser/parser_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/exitcode.h"
#include "base/mem.h"
#include "base/zip.h"
#include "line/limits.h"
#include "line/record.h"
#include "parser/cage.h"
#include "parser/cage_child.h"
#include "parser/parser_command.h"

#define PACK_FROM 4096 /* bytes: smaller reports travel as they are */

struct parser_settings parser_settings;

/* A page in hand. */
struct page {
    struct job *job;
    struct record record; /* RECORD_PAGE */
    char *message_id;
    struct buf head; /* beginning of the body: kept for people if the message turns out bad */
};

static struct service *the_service;
static struct cage *cage;
static bool closing; /* deinit: deliveries still in hand go back to the broker unworked */

static void page_free(struct page *page)
{
    record_release(&page->record);
    free(page->message_id);
    buf_release(&page->head);
    free(page);
}

static void done(struct page *page, enum code code, const char *detail)
{
    struct outcome outcome = {.page = page->record.page,
                              .release = page->record.release,
                              .url = page->record.url,
                              .attempt = page->record.attempt,
                              .code = code,
                              .detail = detail && *detail ? detail : NULL};
    service_done(the_service, page->job, &outcome);
    page_free(page);
}

static void publish(const struct page *page, enum queue_id queue, const char *type, struct buf *body, bool is_packed)
{
    char id[48];
    snprintf(id, sizeof id, "%lld.%lld", (long long)page->record.page, (long long)page->record.release);
    struct mq_message message = {.queue = queue,
                                 .message_id = id,
                                 .type = type,
                                 .content_type = "application/json",
                                 .content_encoding = is_packed ? "zstd" : NULL,
                                 .len = body->len};
    message.body = buf_take(body);
    service_publish(the_service, page->job, &message);
}

/* A verdict of the parent itself, about a page that no child could answer for. */
static void publish_verdict(struct page *page, enum code code, const char *detail)
{
    struct buf json = BUF_INIT(LIMIT_RECORD), packed = BUF_INIT(LIMIT_MESSAGE);
    struct record *r = &page->record;
    r->kind = RECORD_VERDICT;
    free(r->code);
    r->code = mem_strdup(code_name(code));
    free(r->detail);
    r->detail = mem_strdup(detail);
    r->parsed_at = clock_wall_ms();
    record_encode(r, &json);
    bool is_packed = json.len > PACK_FROM && zip_pack(&packed, json.data, json.len);
    publish(page, QUEUE_REPORT, "report.v1", is_packed ? &packed : &json, is_packed);
    buf_release(&json);
    buf_release(&packed);
}

static void refuse_message(struct page *page, const char *why)
{
    struct mq_delivery delivery = {.queue = QUEUE_HTML,
                                   .message_id = page->message_id,
                                   .type = "",
                                   .content_type = "",
                                   .content_encoding = "",
                                   .record = "",
                                   .body = buf_str(&page->head),
                                   .len = page->head.len};
    service_bad_message(the_service, page->job, &delivery, why);
    page_free(page);
}

static void end_trouble(struct page *page, const struct cage_result *result)
{
    struct parser_verdict verdict = parser_trouble_verdict(result->trouble);
    char detail[LIMIT_DETAIL];
    snprintf(detail, sizeof detail, "%s%s%.300s", verdict.text, *result->detail ? ": " : "", result->detail);
    if (verdict.bad_message) {
        refuse_message(page, detail);
        return;
    }
    publish_verdict(page, verdict.code, detail);
    done(page, verdict.code, detail);
}

static void on_result(void *context, void *page_p, struct cage_result *result)
{
    struct page *page = page_p;
    (void)context;
    if (closing) {
        page_free(page);
        return;
    }
    if (service_job_void(page->job) || result->end == CAGE_END_UNWANTED) {
        service_done(the_service, page->job, NULL);
        page_free(page);
        return;
    }
    switch (result->end) {
    case CAGE_END_ARTICLE:
        publish(page, queue_onward(service_job_queue(page->job), QUEUE_ARTICLE), "article.v1", result->body, result->is_packed);
        break;
    case CAGE_END_EMPTY: publish(page, QUEUE_REPORT, "report.v1", result->body, result->is_packed); break;
    default: end_trouble(page, result); return;
    }
    done(page, result->code, result->detail);
}

static bool is_wanted(void *context, void *page)
{
    (void)context;
    return !service_job_void(((struct page *)page)->job);
}

static void on_ready(void *context, bool ready)
{
    service_set_ready(context, ready);
}

int parser_stage_command(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], CAGE_CHILD_FLAG) == 0) return cage_child_run(argc, argv);
    return parser_command(argc, argv);
}

int parser_stage_init(struct service *service)
{
    struct cage_config config = {.program = "/proc/self/exe",
                                 .timeout_ms = parser_settings.timeout_ms,
                                 .memory_mib = parser_settings.memory_mib,
                                 .agent = parser_settings.agent,
                                 .context = service,
                                 .on_result = on_result,
                                 .is_wanted = is_wanted,
                                 .on_ready = on_ready};
    the_service = service;
    service_set_ready(service, false);
    cage = cage_new(service_loop(service), &config);
    return EXITCODE_OK;
}

void parser_stage_message(struct service *service, struct job *job, const struct mq_delivery *d)
{
    struct record record;
    struct record_error error;
    bool is_packed = strcmp(d->content_encoding, "zstd") == 0;
    enum record_status status = record_decode(d->record, strlen(d->record), 1u << RECORD_PAGE, &record, &error);
    if (status == RECORD_NEWER) {
        service_refuse_newer(service, job);
        return;
    }
    if (status != RECORD_OK) {
        service_bad_message(service, job, d, error.text);
        return;
    }
    bool is_long = d->len > LIMIT_MESSAGE;
    if (is_long || (*d->content_encoding && !is_packed)) {
        service_bad_message(service, job, d, is_long ? "larger than any message of ours" : parser_trouble_verdict(TROUBLE_BAD_CODING).text);
        record_release(&record);
        return;
    }
    struct page *page = mem_zalloc(sizeof *page);
    page->job = job;
    page->record = record;
    page->message_id = mem_strdup(d->message_id);
    buf_init(&page->head, LIMIT_BAD_BYTES);
    buf_add(&page->head, d->body, d->len < LIMIT_BAD_BYTES ? d->len : LIMIT_BAD_BYTES);
    cage_submit(cage, page, d->record, d->body, d->len, is_packed);
    if (queue_is_express(d->queue)) cage_hurry(cage);
}

void parser_stage_reset(struct service *service, enum queue_id queue)
{
    (void)service, (void)queue;
    if (cage) cage_sweep(cage);
}

void parser_stage_deinit(struct service *service)
{
    (void)service;
    closing = true;
    cage_free(&cage);
}

void parser_stage_metrics(struct service *service, struct buf *out)
{
    struct cage_stats stats;
    (void)service;
    cage_stats(cage, &stats);
    buf_addf(out, "# TYPE gistmill_parser_child_starts_total counter\ngistmill_parser_child_starts_total %llu\n",
             (unsigned long long)stats.starts);
    buf_addf(out, "# TYPE gistmill_parser_child_deaths_total counter\ngistmill_parser_child_deaths_total %llu\n",
             (unsigned long long)stats.deaths);
    buf_addf(out, "# TYPE gistmill_parser_child_hangs_total counter\ngistmill_parser_child_hangs_total %llu\n",
             (unsigned long long)stats.hangs);
}
