/* What a seed starts: pages of the inbox, a crawl, or a new run of one. Contract in judge.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"
#include "writer/again.h"
#include "writer/conf.h"
#include "writer/judge.h"
#include "writer/range.h"
#include "writer/request.h"
#include "writer/scope.h"
#include "writer/seed.h"

/* There are two: for URLs that somebody waits for, and for all others. */
static enum pg_status inbox_id(struct tx *tx, bool is_express, int64_t *id_r)
{
    static const struct pg_stmt stmt = {"inbox_id", "SELECT id FROM crawl WHERE is_inbox AND (priority < 0) = $1"};
    struct pg_result *r;
    pg_params_reset(&tx->params);
    pg_add_bool(&tx->params, is_express);
    enum pg_status st = tx_run(tx, &stmt, &r);
    if (st == PG_OK && pg_rows(r) != 1) log_panic("%d inboxes instead of one", pg_rows(r));
    if (st == PG_OK) *id_r = pg_int(r, 0, 0);
    pg_result_free(r);
    return st;
}

/* Makes the crawl's row, or finds the one that the same request made before. */
static enum pg_status crawl_id(struct tx *tx, const struct entry *e, const struct seed *seed, int64_t *id_r)
{
    static const struct pg_stmt insert = {
        "insert_crawl", "INSERT INTO crawl (request, seed, scope, max_depth, max_pages, rules, priority, ignore_noindex, ignore_nofollow, "
                        "sitemap, feeds, public_id) VALUES ($1, $2, $3, $4::bigint, $5, $6::jsonb, $7::bigint, $8, $9, $10, $11, $12) "
                        "ON CONFLICT (request) DO NOTHING"};
    static const struct pg_stmt select = {"select_crawl", "SELECT id FROM crawl WHERE request = $1"};
    struct digest request = seed_request(seed);
    struct pg_result *r = NULL;
    pg_params_reset(&tx->params);
    pg_add_uuid(&tx->params, &request);
    pg_add_text(&tx->params, seed->url->text);
    pg_add_text(&tx->params, seed->scope);
    pg_add_int(&tx->params, seed->depth);
    pg_add_int(&tx->params, seed->limit);
    pg_add_text(&tx->params, seed->rules);
    pg_add_int(&tx->params, seed->priority);
    pg_add_bool(&tx->params, seed->ignore_noindex);
    pg_add_bool(&tx->params, seed->ignore_nofollow);
    pg_add_text(&tx->params, seed->sitemap);
    pg_add_bool(&tx->params, seed->feeds);
    pg_add_uuid(&tx->params, e->request ? &e->request->id : &request);
    enum pg_status st = tx_run(tx, &insert, NULL);
    pg_params_reset(&tx->params);
    pg_add_uuid(&tx->params, &request);
    if (st == PG_OK) st = tx_run(tx, &select, &r);
    if (st == PG_OK) *id_r = pg_int(r, 0, 0);
    pg_result_free(r);
    return st;
}

static bool is_crawl(const struct seed *seed)
{
    return seed->kind == SEED_CRAWL;
}

static void read_seed(const struct entry *e, struct seed *seed_r)
{
    if (e->is_part)
        *seed_r = (struct seed){.kind = SEED_URLS};
    else
        seed_parse(e->text, e->text_len, seed_r);
    bool express = e->request ? e->request->express : e->message && queue_is_express(service_job_queue(e->message->job));
    if (express && seed_r->priority == 0) seed_r->priority = -1;
    if (e->request) request_read(e->request, seed_r);
}

enum pg_status judge_seed_prepare(struct tx *tx, struct entry *e)
{
    struct seed seed;
    int64_t id = 0;
    enum pg_status st = PG_OK;
    e->record.crawl = 0;
    if (e->request && !e->request->ours) return PG_OK;
    read_seed(e, &seed);
    if (seed.kind != SEED_BAD) {
        st = is_crawl(&seed) ? crawl_id(tx, e, &seed, &id) : inbox_id(tx, seed.priority < 0, &id);
        if (st == PG_OK) tx_want_crawl(tx, id);
    }
    e->record.crawl = id;
    seed_release(&seed);
    return st;
}

/* Ended pages of the inbox are registered again: those named by hash that are older than max_age_ms (below 0: all) or ended in a
 * passing fault. Their numbers go over to the counters. */
static enum pg_status register_again(struct tx *tx, struct crawl_row *crawl, const struct pg_array *hashes, int64_t max_age_ms)
{
    static const struct pg_stmt stmt = {
        "register_again",
        "WITH again AS (SELECT id, host_id, crawl_id, depth, state, news, has_place FROM page WHERE crawl_id = $1 "
        "AND state NOT IN ('registered', 'scheduled') AND url_hash = ANY($2) AND "
        "(code = ANY($3) OR ended_at < now() - $4 * interval '1 ms')), "
        "renewed AS (UPDATE page p SET state = 'registered', code = NULL, detail = NULL, void_release = release, has_place = false, "
        "failures = 0, losses = 0, returns = 0, last_hash = content_hash, news = NULL, redirect_id = NULL, registered_at = now(), ended_at = NULL "
        "FROM again WHERE p.id = again.id), "
        "queued AS (INSERT INTO frontier (host_id, crawl_id, priority, depth, page_id) SELECT host_id, crawl_id, $5::bigint, depth, id "
        "FROM again), "
        "woken AS (UPDATE host SET next_at = greatest(free_at, now()) WHERE id = ANY(ARRAY(SELECT host_id FROM again)) AND next_at = 'infinity') "
        "SELECT state, count(*), count(*) FILTER (WHERE has_place), news FROM again GROUP BY state, news"};
    struct pg_array passing;
    struct pg_result *r;
    pg_array_init(&passing, PG_TEXT);
    for (int c = 0; c < CODE_COUNT; c++)
        if (code_verdict((enum code)c) == VERDICT_RETRY) pg_array_text(&passing, code_name((enum code)c));
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, crawl->id);
    pg_add_array(&tx->params, hashes);
    pg_add_array(&tx->params, &passing);
    pg_add_int(&tx->params, max_age_ms);
    pg_add_int(&tx->params, crawl->priority);
    enum pg_status st = tx_run(tx, &stmt, &r);
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) {
        for (int s = 0; s < STATE_COUNT; s++)
            if (strcmp(pg_text(r, i, 0), state_name((enum page_state)s)) == 0) crawl->d_state[s] -= pg_int(r, i, 1);
        crawl->d_state[STATE_REGISTERED] += pg_int(r, i, 1);
        crawl->d_places -= pg_int(r, i, 2);
        crawl->d_news[news_parse(pg_text(r, i, 3))] -= pg_int(r, i, 1);
        tx->admitted = true;
    }
    pg_result_free(r);
    pg_array_release(&passing);
    return st;
}

static void join_host(struct crawl_row *crawl, const char *host)
{
    for (size_t i = 0; i < crawl->host_count; i++)
        if (strcmp(crawl->hosts[i], host) == 0) return;
    crawl->hosts = mem_grow(crawl->hosts, &crawl->host_cap, crawl->host_count + 1, sizeof *crawl->hosts);
    crawl->hosts[crawl->host_count++] = mem_strdup(host);
    crawl->new_hosts++;
}

/* Seeds of one entry. */
struct seed_urls {
    struct tx *tx;
    struct crawl_row *crawl;
    struct request *request; /* NULL: a message */
    struct pg_array hashes;
    size_t good, bad;
    int64_t ranged; /* URLs that ranges stood for */
};

static void refuse_url(struct seed_urls *urls, const char *reason, const char *text, size_t n)
{
    if (urls->request)
        request_refuse(urls->request, "url", reason);
    else
        tx_bad_request(urls->tx, reason, text, n);
    urls->bad++;
}

static void take_one(struct seed_urls *urls, const char *text)
{
    struct url url;
    enum url_status status = url_parse(text, &url);
    if (status != URL_OK) {
        refuse_url(urls, url_status_text(status), text, strlen(text));
        return;
    }
    struct digest hash = digest_of(url.text, strlen(url.text));
    pg_array_uuid(&urls->hashes, &hash);
    if (!urls->crawl->is_inbox) join_host(urls->crawl, url.host);
    scope_offer_seed(urls->tx, urls->crawl, &url);
    urls->good++;
}

/* A URL, or all that its ranges stand for. */
static void take_urls(struct seed_urls *urls, const char *text, size_t n)
{
    struct range range;
    struct range_error fault;
    char one[LIMIT_URL * 2];
    if (!range_parse(text, n, &range, &fault)) {
        refuse_url(urls, fault.text, text, n);
        return;
    }
    if (range.count > 0) urls->ranged += range.total;
    if (urls->ranged > LIMIT_RANGE) {
        urls->ranged -= range.total;
        refuse_url(urls, "the ranges of one message make more than 10000 URLs", text, n);
        return;
    }
    for (int64_t i = 0; i < range.total; i++) {
        if (range_write(&range, i, one, sizeof one))
            take_one(urls, one);
        else
            refuse_url(urls, url_status_text(URL_TOO_LONG), text, n);
    }
}

static void take_lines(struct seed_urls *urls, const char *rest, size_t rest_len)
{
    const char *line;
    size_t n;
    while (seed_next_line(&rest, &rest_len, &line, &n)) take_urls(urls, line, n);
}

/* What a JSON seed names. */
static void take_seed(struct seed_urls *urls, const struct seed *seed)
{
    if (seed->is_list)
        take_lines(urls, seed->text, strlen(seed->text));
    else if (seed->range.total > 1)
        take_urls(urls, seed->text, strlen(seed->text));
    else
        take_one(urls, seed->url->text);
}

/* A message that the broker gives out a second time may have begun a run whose end came before its ack: its id tells. One without an
 * id begins a run: a page asked for once more, mostly with a condition, costs less than a wish that is lost. A request is taken once. */
static enum pg_status has_begun(struct tx *tx, const struct intake_message *m, const struct crawl_row *crawl, bool *begun_r)
{
    static const struct pg_stmt stmt = {"message_begun", "SELECT $2 = ANY(messages) FROM crawl WHERE id = $1"};
    struct pg_result *r;
    if (!m || !m->redelivered || !*m->message_id) return PG_OK;
    struct digest id = digest_of(m->message_id, strlen(m->message_id));
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, crawl->id);
    pg_add_uuid(&tx->params, &id);
    enum pg_status st = tx_run(tx, &stmt, &r);
    if (st != PG_OK) return st;
    *begun_r = pg_rows(r) > 0 && pg_bool(r, 0, 0);
    pg_result_free(r);
    return PG_OK;
}

/* The last 20 that began a run. */
static enum pg_status remember_message(struct tx *tx, const struct intake_message *m, const struct crawl_row *crawl)
{
    static const struct pg_stmt stmt = {
        "message_begins", "UPDATE crawl SET messages = (messages || $2)[greatest(1, cardinality(messages) - 18):] WHERE id = $1"};
    if (!m || !*m->message_id) return PG_OK;
    struct digest id = digest_of(m->message_id, strlen(m->message_id));
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, crawl->id);
    pg_add_uuid(&tx->params, &id);
    return tx_run(tx, &stmt, NULL);
}

static enum pg_status judge_crawl(struct tx *tx, struct entry *e, struct crawl_row *crawl, const struct seed *seed)
{
    bool done = false;
    enum pg_status st = has_begun(tx, e->message, crawl, &done);
    if (st != PG_OK) return st;
    if (crawl->running && crawl->admitted > 0) done = true;
    if (done) {
        snprintf(e->detail, sizeof e->detail, "crawl %lld is known", (long long)crawl->id);
        return PG_OK;
    }
    st = remember_message(tx, e->message, crawl);
    if (st != PG_OK) return st;
    if (crawl->admitted == 0) {
        struct seed_urls urls = {.tx = tx, .crawl = crawl, .request = e->request};
        pg_array_init(&urls.hashes, PG_UUID);
        take_seed(&urls, seed);
        pg_array_release(&urls.hashes);
        snprintf(e->detail, sizeof e->detail, "crawl %lld starts", (long long)crawl->id);
        return PG_OK;
    }
    snprintf(e->detail, sizeof e->detail, "crawl %lld runs again", (long long)crawl->id);
    return again_start(tx, crawl);
}

static enum pg_status judge_inbox(struct tx *tx, struct entry *e, struct crawl_row *inbox, const struct seed *seed)
{
    struct seed_urls urls = {.tx = tx, .crawl = inbox, .request = e->request};
    enum pg_status st = PG_OK;
    pg_array_init(&urls.hashes, PG_UUID);
    if (seed->url)
        take_seed(&urls, seed);
    else
        take_lines(&urls, e->text, e->text_len);
    bool force = e->request && e->request->force;
    if (urls.good > 0) st = register_again(tx, inbox, &urls.hashes, force ? -1 : writer_conf.inbox_max_age_ms);
    pg_array_release(&urls.hashes);
    snprintf(e->detail, sizeof e->detail, "%zu URLs taken, %zu refused", urls.good, urls.bad);
    if (urls.good == 0) e->code = CODE_BAD_URL;
    return st;
}

enum pg_status judge_seed(struct tx *tx, struct entry *e)
{
    struct seed seed;
    enum pg_status st = PG_OK;
    e->judged = !e->request || e->request->ours;
    if (!e->judged) return PG_OK;
    e->code = CODE_OK;
    read_seed(e, &seed);
    struct crawl_row *crawl = tx_crawl(tx, e->record.crawl);
    if (seed.kind == SEED_BAD || !crawl || crawl->deleted) {
        const char *reason = seed.kind == SEED_BAD ? seed.reason : "its crawl was deleted meanwhile";
        if (e->request)
            request_refuse(e->request, seed.field, reason);
        else
            tx_bad_request(tx, reason, e->text, e->text_len);
        snprintf(e->detail, sizeof e->detail, "%.199s", reason);
        e->code = CODE_BAD_RECORD;
    } else if (is_crawl(&seed)) {
        free(e->url);
        e->url = mem_strdup(seed.url->text);
        st = judge_crawl(tx, e, crawl, &seed);
    } else {
        st = judge_inbox(tx, e, crawl, &seed);
    }
    if (e->request && e->code == CODE_OK) e->request->crawl = e->record.crawl;
    seed_release(&seed);
    return st;
}
