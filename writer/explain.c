/* writer --explain; contract in explain.h. */
#include "writer/explain.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "line/url.h"
#include "writer/conf.h"
#include "writer/quota.h"
#include "writer/refusal.h"
#include "writer/rules_load.h"
#include "writer/scope.h"
#include "writer/tx.h"
#include "writer/writer.h"

#define DEADLINE_MS 15000 /* of one statement */

/* The crawls to be asked: the one that was named, else the last ones, as far as the URL is no page of theirs. */
static enum pg_status want_crawls(struct tx *tx, int64_t crawl, const char *url)
{
    static const struct pg_stmt stmt = {
        "explain_crawls", "SELECT id FROM crawl c WHERE NOT is_inbox AND CASE WHEN $1 > 0 THEN id = $1 ELSE true END AND NOT EXISTS "
                          "(SELECT FROM page p WHERE p.crawl_id = c.id AND p.url_hash = $2) ORDER BY id DESC LIMIT $3"};
    struct digest hash = digest_of(url, strlen(url));
    struct pg_result *r;
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, crawl);
    pg_add_uuid(&tx->params, &hash);
    pg_add_int(&tx->params, EXPLAIN_CRAWLS);
    enum pg_status st = tx_run(tx, &stmt, &r);
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) tx_want_crawl(tx, pg_int(r, i, 0));
    pg_result_free(r);
    return st;
}

/* Which rule refuses the URL where it could be found first: as a link of a seed. */
static enum pg_status ask_rules(struct tx *tx, struct crawl_row *crawl, const char *text, enum refusal *refusal_r, char *why, size_t size)
{
    struct url url;
    *refusal_r = scope_check(crawl, 1, text, &url, why, size);
    if (*refusal_r != REFUSED_NOT) return PG_OK;
    struct offer offer = scope_offer(crawl, &url, true);
    enum pg_status st = quota_ask(tx, &offer, refusal_r, why, size);
    tx_offer_release(&offer);
    return st;
}

static enum pg_status add_answer(struct tx *tx, struct crawl_row *crawl, const char *text, cJSON *list)
{
    char why[400] = "", id[24];
    enum refusal refusal;
    enum pg_status st = ask_rules(tx, crawl, text, &refusal, why, sizeof why);
    if (st != PG_OK) return st;
    cJSON *answer = cJSON_CreateObject();
    snprintf(id, sizeof id, "%lld", (long long)crawl->id);
    cJSON_AddStringToObject(answer, "crawl", id);
    cJSON_AddStringToObject(answer, "says", refusal == REFUSED_NOT ? "admits" : "refuses");
    if (refusal != REFUSED_NOT) cJSON_AddStringToObject(answer, "rule", refusal_name(refusal));
    cJSON_AddStringToObject(answer, "text", refusal == REFUSED_NOT ? "as a link of a seed" : refusal_text(refusal));
    if (*why) cJSON_AddStringToObject(answer, "why", why);
    if (crawl->sitemap == SITEMAP_ONLY) cJSON_AddStringToObject(answer, "if", "a sitemap names it");
    if (crawl->cancelled || !crawl->running) cJSON_AddStringToObject(answer, "but", "the crawl has ended, or is about to");
    cJSON_AddItemToArray(list, answer);
    return PG_OK;
}

static enum pg_status print_answer(struct tx *tx, int64_t crawl, const char *url, const cJSON *list)
{
    static const struct pg_stmt stmt = {"explain",
                                        "SELECT jsonb_pretty(page_explain($1, nullif($2, 0)) || jsonb_build_object('rules', $3::jsonb))"};
    char *rules = cJSON_PrintUnformatted(list);
    struct pg_result *r;
    pg_params_reset(&tx->params);
    pg_add_text(&tx->params, url);
    pg_add_int(&tx->params, crawl);
    pg_add_text(&tx->params, rules);
    enum pg_status st = tx_run(tx, &stmt, &r);
    if (st == PG_OK) puts(pg_text(r, 0, 0));
    pg_result_free(r);
    free(rules);
    return st;
}

static enum pg_status explain(struct tx *tx, int64_t crawl, const char *text)
{
    struct url url;
    const char *known_as = url_parse(text, &url) == URL_OK ? url.text : text;
    cJSON *list = cJSON_CreateArray();
    enum pg_status st = pg_exec(tx->pg, "BEGIN READ ONLY");
    if (st == PG_OK) st = want_crawls(tx, crawl, known_as);
    if (st == PG_OK) st = tx_load(tx);
    if (st == PG_OK) st = rules_load(tx);
    for (size_t i = tx->crawl_count; st == PG_OK && i > 0; i--) st = add_answer(tx, &tx->crawls[i - 1], known_as, list);
    if (st == PG_OK) st = print_answer(tx, crawl, known_as, list);
    cJSON_Delete(list);
    return st;
}

int explain_command(const char *url, const char *crawl)
{
    char *end = NULL;
    errno = 0;
    long long id = crawl ? strtoll(crawl, &end, 10) : 0;
    if (crawl && (errno || *end || id <= 0)) return -1;
    struct writer w = {.pg = pg_new(writer_conf.database_url, "gistmill writer --explain", DEADLINE_MS), .rules = rules_cache_new()};
    struct tx tx;
    int rc = EXITCODE_DEPENDENCY;
    tx_init(&tx, &w, w.pg);
    tx.looks = true;
    if (pg_connect(w.pg) && explain(&tx, id, url) == PG_OK)
        rc = EXITCODE_OK;
    else if (strcmp(pg_sqlstate(w.pg), "P0002") == 0)
        rc = EXITCODE_FAILED;
    if (rc != EXITCODE_OK) log_error("database: %s", pg_error(w.pg));
    tx_release(&tx);
    rules_cache_free(&w.rules);
    pg_free(&w.pg);
    return rc;
}
