/* What a seed starts: pages of the inbox, a crawl, or a new run of one. Contract in judge.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"
#include "writer/conf.h"
#include "writer/judge.h"
#include "writer/range.h"
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
static enum pg_status crawl_id(struct tx *tx, const struct seed *seed, int64_t *id_r)
{
    static const struct pg_stmt insert = {
        "insert_crawl", "INSERT INTO crawl (request, seed, scope, max_depth, max_pages, rules, priority, ignore_noindex, ignore_nofollow, "
                        "sitemap, feeds) VALUES ($1, $2, $3, $4::bigint, $5, $6::jsonb, $7::bigint, $8, $9, $10, $11) "
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
    if (e->message && queue_is_express(service_job_queue(e->message->job)) && seed_r->priority == 0) seed_r->priority = -1;
}

enum pg_status judge_seed_prepare(struct tx *tx, struct entry *e)
{
    struct seed seed;
    int64_t id = 0;
    enum pg_status st = PG_OK;
    read_seed(e, &seed);
    if (seed.kind != SEED_BAD) {
        st = is_crawl(&seed) ? crawl_id(tx, &seed, &id) : inbox_id(tx, seed.priority < 0, &id);
        if (st == PG_OK) tx_want_crawl(tx, id);
    }
    e->record.crawl = id;
    seed_release(&seed);
    return st;
}

/* Ended pages are registered again: those named by hash that are old or ended in a passing fault (inbox), or all of them
 * (a new run). Their numbers go over to the counters. */
static enum pg_status register_again(struct tx *tx, struct crawl_row *crawl, const struct pg_array *hashes)
{
    static const struct pg_stmt stmt = {
        "register_again",
        "WITH again AS (SELECT id, host_id, crawl_id, depth, state, has_place FROM page WHERE crawl_id = $1 "
        "AND state NOT IN ('registered', 'scheduled') AND ($6 OR (url_hash = ANY($2) AND "
        "(code = ANY($3) OR ended_at < now() - $4 * interval '1 ms')))), "
        "renewed AS (UPDATE page p SET state = 'registered', code = NULL, detail = NULL, void_release = release, has_place = false, "
        "failures = 0, losses = 0, returns = 0, last_hash = content_hash, registered_at = now(), ended_at = NULL "
        "FROM again WHERE p.id = again.id), "
        "queued AS (INSERT INTO frontier (host_id, crawl_id, priority, depth, page_id) SELECT host_id, crawl_id, $5::bigint, depth, id "
        "FROM again), "
        "woken AS (UPDATE host SET next_at = greatest(free_at, now()) WHERE id = ANY(ARRAY(SELECT host_id FROM again)) AND next_at = 'infinity') "
        "SELECT state, count(*), count(*) FILTER (WHERE has_place) FROM again GROUP BY state"};
    struct pg_array passing, none;
    struct pg_result *r;
    pg_array_init(&passing, PG_TEXT);
    pg_array_init(&none, PG_UUID);
    for (int c = 0; c < CODE_COUNT; c++)
        if (code_verdict((enum code)c) == VERDICT_RETRY) pg_array_text(&passing, code_name((enum code)c));
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, crawl->id);
    pg_add_array(&tx->params, hashes ? hashes : &none);
    pg_add_array(&tx->params, &passing);
    pg_add_int(&tx->params, writer_conf.inbox_max_age_ms);
    pg_add_int(&tx->params, crawl->priority);
    pg_add_bool(&tx->params, hashes == NULL);
    enum pg_status st = tx_run(tx, &stmt, &r);
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) {
        for (int s = 0; s < STATE_COUNT; s++)
            if (strcmp(pg_text(r, i, 0), state_name((enum page_state)s)) == 0) crawl->d_state[s] -= pg_int(r, i, 1);
        crawl->d_state[STATE_REGISTERED] += pg_int(r, i, 1);
        crawl->d_places -= pg_int(r, i, 2);
        tx->admitted = true;
    }
    pg_result_free(r);
    pg_array_release(&passing);
    pg_array_release(&none);
    return st;
}

static enum pg_status start_run(struct tx *tx, struct crawl_row *crawl)
{
    static const struct pg_stmt stmt = {
        "start_run",
        "UPDATE crawl SET state = 'running', paused_at = NULL, cancel_at = NULL, run = run + 1, started_at = now(), finished_at = NULL, "
        "begun = 0, kept = 0, added = 0, changed = 0, unchanged = 0, gone = 0, failed = 0 WHERE id = $1"};
    static const struct pg_stmt sitemaps = {"sitemaps_again",
                                            "UPDATE crawl_host SET sitemaps_read = false WHERE crawl_id = $1 AND sitemaps_read"};
    if (crawl->again) return PG_OK;
    crawl->again = crawl->running = true;
    crawl->paused = crawl->cancelled = false;
    crawl->kept = crawl->begun = 0;
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, crawl->id);
    enum pg_status st = tx_run(tx, &stmt, NULL);
    if (st == PG_OK) st = tx_run(tx, &sitemaps, NULL);
    return st == PG_OK ? register_again(tx, crawl, NULL) : st;
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
    struct pg_array hashes;
    size_t good, bad;
    int64_t ranged; /* URLs that ranges stood for */
};

static void refuse_url(struct seed_urls *urls, const char *reason, const char *text, size_t n)
{
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

static enum pg_status judge_crawl(struct tx *tx, struct entry *e, struct crawl_row *crawl, const struct seed *seed)
{
    if (crawl->admitted == 0) {
        struct seed_urls urls = {.tx = tx, .crawl = crawl};
        pg_array_init(&urls.hashes, PG_UUID);
        if (seed->range.total > 1)
            take_urls(&urls, seed->text, strlen(seed->text));
        else
            take_one(&urls, seed->url->text);
        pg_array_release(&urls.hashes);
        snprintf(e->detail, sizeof e->detail, "crawl %lld starts", (long long)crawl->id);
        return PG_OK;
    }
    /* Redelivered: most likely this message made the run that has ended since. */
    if (crawl->running || e->message->redelivered) {
        snprintf(e->detail, sizeof e->detail, "crawl %lld is known", (long long)crawl->id);
        return PG_OK;
    }
    snprintf(e->detail, sizeof e->detail, "crawl %lld runs again", (long long)crawl->id);
    return start_run(tx, crawl);
}

static enum pg_status judge_inbox(struct tx *tx, struct entry *e, struct crawl_row *inbox, const struct seed *seed)
{
    struct seed_urls urls = {.tx = tx, .crawl = inbox};
    const char *rest = e->text, *line;
    size_t rest_len = e->text_len, n;
    enum pg_status st = PG_OK;
    pg_array_init(&urls.hashes, PG_UUID);
    if (seed->url && seed->range.total == 1)
        take_one(&urls, seed->url->text);
    else if (seed->url)
        take_urls(&urls, seed->text, strlen(seed->text));
    else
        while (seed_next_line(&rest, &rest_len, &line, &n)) take_urls(&urls, line, n);
    if (urls.good > 0) st = register_again(tx, inbox, &urls.hashes);
    pg_array_release(&urls.hashes);
    snprintf(e->detail, sizeof e->detail, "%zu URLs taken, %zu refused", urls.good, urls.bad);
    if (urls.good == 0) e->code = CODE_BAD_URL;
    return st;
}

enum pg_status judge_seed(struct tx *tx, struct entry *e)
{
    struct seed seed;
    enum pg_status st = PG_OK;
    e->judged = true;
    e->code = CODE_OK;
    read_seed(e, &seed);
    struct crawl_row *crawl = tx_crawl(tx, e->record.crawl);
    if (seed.kind == SEED_BAD || !crawl) {
        tx_bad_request(tx, seed.kind == SEED_BAD ? seed.reason : "its crawl was deleted meanwhile", e->text, e->text_len);
        snprintf(e->detail, sizeof e->detail, "%.199s", seed.reason);
        e->code = CODE_BAD_RECORD;
    } else if (is_crawl(&seed)) {
        free(e->url);
        e->url = mem_strdup(seed.url->text);
        st = judge_crawl(tx, e, crawl, &seed);
    } else {
        st = judge_inbox(tx, e, crawl, &seed);
    }
    seed_release(&seed);
    return st;
}
