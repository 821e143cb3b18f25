/* Leases and calls as rows; contract in ledger.h. */
#include "summarizer/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "line/pg.h"

#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 5000
#define MINUTE_US      60000000
#define ALIVE_MS       5000 /* the server ends a session that is idle for 30 s */

struct ledger {
    struct pg *pg;
    struct pg_params params;
    char *model, *name; /* name: row of model_rate */
    int64_t requests, tokens;
    struct digest recipe, owner; /* owner: this process */
    int64_t lease_ms, day_tokens, day_price, crawl_tokens, crawl_price;
    int64_t retry_at, backoff, alive_at; /* monotonic ms */
};

/* ---- connection ---- */

struct ledger *ledger_new(const struct ledger_config *config)
{
    struct ledger *l = mem_zalloc(sizeof *l);
    l->pg = pg_new(config->url, "gistmill summarizer", LEDGER_MS);
    pg_params_init(&l->params);
    l->model = mem_strdup(config->model);
    struct buf name = BUF_INIT(4096);
    buf_addf(&name, "%s %s", config->endpoint, config->model);
    l->name = buf_take(&name);
    l->requests = config->requests;
    l->tokens = config->tokens;
    l->recipe = config->recipe;
    l->lease_ms = config->lease_ms;
    l->day_tokens = config->day_tokens;
    l->day_price = config->day_price;
    l->crawl_tokens = config->crawl_tokens;
    l->crawl_price = config->crawl_price;
    if (getrandom(l->owner.bytes, sizeof l->owner.bytes, 0) != (ssize_t)sizeof l->owner.bytes) log_panic("no random bytes");
    return l;
}

void ledger_free(struct ledger **ledger)
{
    struct ledger *l = *ledger;
    if (!l) return;
    pg_free(&l->pg);
    pg_params_release(&l->params);
    free(l->model);
    free(l->name);
    free(l);
    *ledger = NULL;
}

bool ledger_up(const struct ledger *l)
{
    return pg_connected(l->pg);
}

/* Our tables may come later than we do: the writer makes them. */
static bool has_tables(struct ledger *l)
{
    static const struct pg_stmt stmt = {"has_leases", "SELECT to_regclass('awaited') IS NOT NULL"};
    struct pg_result *r;
    if (pg_run(l->pg, &stmt, NULL, &r) != PG_OK) return false;
    bool there = pg_bool(r, 0, 0);
    pg_result_free(r);
    return there;
}

static void connect_now(struct ledger *l)
{
    bool connected = pg_connect(l->pg), good = connected && pg_by_index(l->pg) == PG_OK && has_tables(l);
    if (good) {
        l->backoff = 0;
        l->alive_at = clock_mono_ms() + ALIVE_MS;
        return;
    }
    if (!l->backoff)
        log_warn("database: %s", connected ? "no tables for leases: the writer brings the schema up to date" : pg_error(l->pg));
    pg_disconnect(l->pg);
    l->backoff = l->backoff ? l->backoff * 2 : BACKOFF_MIN_MS;
    if (l->backoff > BACKOFF_MAX_MS) l->backoff = BACKOFF_MAX_MS;
    l->retry_at = clock_mono_ms() + l->backoff;
}

void ledger_tick(struct ledger *l)
{
    int64_t now = clock_mono_ms();
    if (!pg_connected(l->pg)) {
        if (now >= l->retry_at) connect_now(l);
    } else if (now >= l->alive_at) {
        l->alive_at = now + ALIVE_MS;
        if (pg_exec(l->pg, "SELECT 1") != PG_OK) pg_disconnect(l->pg);
    }
}

/* What cannot be repeated with hope ends the session, which is then made anew. */
static bool run(struct ledger *l, const struct pg_stmt *stmt, struct pg_result **result_r)
{
    enum pg_status st = PG_RETRY;
    for (int i = 0; i < 3 && st == PG_RETRY; i++) st = pg_run(l->pg, stmt, &l->params, result_r);
    if (st == PG_OK) return true;
    log_warn("database: %s", pg_error(l->pg));
    pg_disconnect(l->pg);
    l->retry_at = clock_mono_ms() + BACKOFF_MIN_MS;
    return false;
}

/* ---- so many a minute ---- */

/* The generic cell rate algorithm (ITU-T I.371): each request moves a time on by its share of a minute, and may go when that time has
 * come. A second that nobody used is made up for, no more. */
static enum ledger_found may_ask(struct ledger *l, int64_t tokens, bool must)
{
    static const struct pg_stmt stmt = {
        "rate_take",
        "INSERT INTO model_rate AS m (model, request_at, token_at) VALUES ($1, now() + $2 * interval '1 us', now() + $3 * interval '1 us') "
        "ON CONFLICT (model) DO UPDATE SET request_at = greatest(m.request_at, now() - interval '1 s') + $2 * interval '1 us', "
        "token_at = greatest(m.token_at, now() - interval '1 s') + $3 * interval '1 us' "
        "WHERE $4 OR (($2 = 0 OR m.request_at <= now()) AND ($3 = 0 OR m.token_at <= now()) AND m.paused_until <= now()) RETURNING true"};
    struct pg_result *r;
    pg_params_reset(&l->params);
    pg_add_text(&l->params, l->name);
    pg_add_int(&l->params, l->requests ? MINUTE_US / l->requests : 0);
    pg_add_int(&l->params, l->tokens ? (int64_t)((double)tokens * MINUTE_US / (double)l->tokens) : 0);
    pg_add_bool(&l->params, must);
    if (!run(l, &stmt, &r)) return LEDGER_AWAY;
    bool now = pg_rows(r) == 1;
    pg_result_free(r);
    return now ? LEDGER_OURS : LEDGER_LATER;
}

bool ledger_pause(struct ledger *l, int64_t ms)
{
    static const struct pg_stmt stmt = {"rate_pause",
                                        "INSERT INTO model_rate AS m (model, paused_until) VALUES ($1, now() + $2 * interval '1 ms') ON "
                                        "CONFLICT (model) DO UPDATE SET paused_until = greatest(m.paused_until, excluded.paused_until)"};
    pg_params_reset(&l->params);
    pg_add_text(&l->params, l->name);
    pg_add_int(&l->params, ms);
    return run(l, &stmt, NULL);
}

/* ---- budgets ---- */

/* Both budgets grow by what a call may take, or neither does: then the caller rolls back. */
static enum ledger_found reserve(struct ledger *l, const struct ledger_text *text)
{
    static const struct pg_stmt stmt = {
        "budget_reserve",
        "INSERT INTO budget AS b (scope, tokens, price) SELECT s, $1, $2 FROM (VALUES ('crawl ' || $3, $4::bigint, $5::bigint), ('day ' || "
        "(now() AT TIME ZONE 'UTC')::date, $6::bigint, $7::bigint)) AS u (s, t, p) WHERE (t = 0 OR $1 <= t) AND (p = 0 OR $2 <= p) ORDER BY s "
        "ON CONFLICT (scope) DO UPDATE SET tokens = b.tokens + excluded.tokens, price = b.price + excluded.price WHERE "
        "(CASE WHEN b.scope LIKE 'crawl %' THEN $4 ELSE $6 END IN (0) OR b.tokens + $1 <= CASE WHEN b.scope LIKE 'crawl %' THEN $4 ELSE $6 END) AND "
        "(CASE WHEN b.scope LIKE 'crawl %' THEN $5 ELSE $7 END IN (0) OR b.price + $2 <= CASE WHEN b.scope LIKE 'crawl %' THEN $5 ELSE $7 END) "
        "RETURNING scope"};
    struct pg_result *r;
    pg_params_reset(&l->params);
    pg_add_int(&l->params, text->tokens);
    pg_add_int(&l->params, text->price);
    pg_add_int(&l->params, text->crawl);
    pg_add_int(&l->params, l->crawl_tokens);
    pg_add_int(&l->params, l->crawl_price);
    pg_add_int(&l->params, l->day_tokens);
    pg_add_int(&l->params, l->day_price);
    if (!run(l, &stmt, &r)) return LEDGER_AWAY;
    bool granted = pg_rows(r) == 2;
    pg_result_free(r);
    return granted ? LEDGER_OURS : LEDGER_BUDGET;
}

typedef enum ledger_found step_fn(struct ledger *l, const struct ledger_text *text, int number, int64_t *call_r);

/* The permission, the reservation and a last step in one transaction, or neither. */
static enum ledger_found reserving(struct ledger *l, const struct ledger_text *text, step_fn *second, int number, int64_t *call_r)
{
    if (pg_exec(l->pg, "BEGIN") != PG_OK) return LEDGER_AWAY;
    enum ledger_found found = may_ask(l, text->tokens, number > 1);
    if (found == LEDGER_OURS) found = reserve(l, text);
    if (found == LEDGER_OURS) found = second(l, text, number, call_r);
    if (pg_connected(l->pg) && pg_exec(l->pg, found == LEDGER_OURS ? "COMMIT" : "ROLLBACK") == PG_OK) return found;
    pg_disconnect(l->pg);
    return LEDGER_AWAY;
}

/* ---- leases ---- */

void ledger_answer_release(struct ledger_answer *answer)
{
    free(answer->text);
    free(answer->detail);
    *answer = (struct ledger_answer){.call = 0};
}

static void add_text_key(struct ledger *l, const struct digest *hash)
{
    pg_params_reset(&l->params);
    pg_add_uuid(&l->params, hash);
    pg_add_uuid(&l->params, &l->recipe);
}

/* LEDGER_OURS stands for "nothing in the way". */
static enum ledger_found look(struct ledger *l, const struct ledger_text *text, struct ledger_answer *answer_r)
{
    static const struct pg_stmt stmt = {
        "lease_look",
        "SELECT s.text, s.failure, s.detail, s.text IS NULL AND s.failure IS NULL AND s.lease_until > now(), "
        "(SELECT cancel_at IS NOT NULL OR state = 'cancelled' FROM crawl WHERE id = $3) FROM (SELECT) one LEFT JOIN summary s ON "
        "s.content_hash = $1 AND s.recipe_hash = $2"};
    struct pg_result *r;
    enum ledger_found found = LEDGER_OURS;
    add_text_key(l, &text->hash);
    pg_add_int(&l->params, text->crawl);
    if (!run(l, &stmt, &r)) return LEDGER_AWAY;
    if (!pg_is_null(r, 0, 0)) {
        found = LEDGER_STORED;
        answer_r->text = mem_strdup(pg_text(r, 0, 0));
        answer_r->detail = mem_strdup(pg_text(r, 0, 2));
    } else if (!pg_is_null(r, 0, 1)) {
        found = LEDGER_FAILED;
        answer_r->reason = CODE_MODEL_BAD_ANSWER;
        code_parse(pg_text(r, 0, 1), &answer_r->reason);
        answer_r->detail = mem_strdup(pg_text(r, 0, 2));
    } else if (pg_bool(r, 0, 4) && !text->again) {
        found = LEDGER_CANCELLED;
    } else if (pg_bool(r, 0, 3)) {
        found = LEDGER_FOREIGN;
    }
    pg_result_free(r);
    return found;
}

/* The unique constraint decides between two that want the same text at once. A lease that is over is taken over. */
static enum ledger_found take(struct ledger *l, const struct ledger_text *text, int number, int64_t *call_r)
{
    static const struct pg_stmt stmt = {
        "lease_take",
        "WITH kept AS (INSERT INTO article (content_hash, text, markdown) VALUES ($1, $3, $4) ON CONFLICT DO NOTHING), "
        "lease AS (INSERT INTO summary (content_hash, recipe_hash, engine, model, owner, lease_until) VALUES ($1, $2, 'llm', $5, $6, "
        "clock_timestamp() + $7 * interval '1 ms') ON CONFLICT (content_hash, recipe_hash) DO UPDATE SET owner = excluded.owner, "
        "lease_until = excluded.lease_until WHERE summary.text IS NULL AND summary.failure IS NULL AND summary.lease_until < clock_timestamp() "
        "RETURNING true) "
        "INSERT INTO llm_call (content_hash, recipe_hash, crawl_id, page_id, owner, model, try, reserved_tokens, reserved_price, budget_day) "
        "SELECT $1, $2, $8, $9, $6, $5, $10, $11, $12, (now() AT TIME ZONE 'UTC')::date FROM lease RETURNING id"};
    struct pg_result *r;
    add_text_key(l, &text->hash);
    pg_add_text(&l->params, text->text);
    pg_add_text(&l->params, text->markdown);
    pg_add_text(&l->params, l->model);
    pg_add_uuid(&l->params, &l->owner);
    pg_add_int(&l->params, l->lease_ms);
    pg_add_int(&l->params, text->crawl);
    pg_add_int(&l->params, text->page);
    pg_add_int(&l->params, number);
    pg_add_int(&l->params, text->tokens);
    pg_add_int(&l->params, text->price);
    if (!run(l, &stmt, &r)) return LEDGER_AWAY;
    bool ours = pg_rows(r) == 1;
    *call_r = ours ? pg_int(r, 0, 0) : 0;
    pg_result_free(r);
    return ours ? LEDGER_OURS : LEDGER_FOREIGN;
}

enum ledger_found ledger_lease(struct ledger *l, const struct ledger_text *text, struct ledger_answer *answer_r)
{
    *answer_r = (struct ledger_answer){.call = 0};
    enum ledger_found found = look(l, text, answer_r);
    return found == LEDGER_OURS ? reserving(l, text, take, 1, &answer_r->call) : found;
}

bool ledger_store(struct ledger *l, const struct digest *hash, const struct ledger_summary *summary)
{
    static const struct pg_stmt stmt = {
        "lease_store",
        "UPDATE summary SET text = $3, tokens_in = $4, tokens_out = $5, model = $6, owner = NULL, lease_until = NULL, "
        "failure = NULL, detail = nullif($7, ''), created_at = now() WHERE content_hash = $1 AND recipe_hash = $2 AND text IS NULL"};
    add_text_key(l, hash);
    pg_add_text(&l->params, summary->text);
    pg_add_int(&l->params, summary->tokens_in);
    pg_add_int(&l->params, summary->tokens_out);
    pg_add_text(&l->params, l->model);
    pg_add_text(&l->params, summary->detail);
    return run(l, &stmt, NULL);
}

bool ledger_fail(struct ledger *l, const struct digest *hash, enum code reason, const char *detail)
{
    static const struct pg_stmt stmt = {"lease_fail",
                                        "UPDATE summary SET failure = $3, detail = $4, lease_until = NULL WHERE content_hash = $1 AND "
                                        "recipe_hash = $2 AND text IS NULL AND owner = $5"};
    add_text_key(l, hash);
    pg_add_text(&l->params, code_name(reason));
    pg_add_text(&l->params, detail);
    pg_add_uuid(&l->params, &l->owner);
    return run(l, &stmt, NULL);
}

bool ledger_drop(struct ledger *l, const struct digest *hash)
{
    static const struct pg_stmt stmt = {"lease_drop",
                                        "DELETE FROM summary WHERE content_hash = $1 AND recipe_hash = $2 AND text IS NULL AND "
                                        "failure IS NULL AND owner = $3"};
    add_text_key(l, hash);
    pg_add_uuid(&l->params, &l->owner);
    return run(l, &stmt, NULL);
}

/* ---- calls ---- */

/* text: NULL for a probe. */
static enum ledger_found intend(struct ledger *l, const struct ledger_text *text, int number, int64_t *call_r)
{
    static const struct pg_stmt stmt = {
        "call_intend", "INSERT INTO llm_call (content_hash, recipe_hash, crawl_id, page_id, owner, model, try, reserved_tokens, "
                       "reserved_price, budget_day) VALUES ($1, $2, nullif($3, 0), nullif($4, 0), $5, $6, $7, $8, $9, "
                       "(now() AT TIME ZONE 'UTC')::date) RETURNING id"};
    struct pg_result *r;
    pg_params_reset(&l->params);
    pg_add_uuid(&l->params, text ? &text->hash : NULL);
    pg_add_uuid(&l->params, &l->recipe);
    pg_add_int(&l->params, text ? text->crawl : 0);
    pg_add_int(&l->params, text ? text->page : 0);
    pg_add_uuid(&l->params, &l->owner);
    pg_add_text(&l->params, l->model);
    pg_add_int(&l->params, number);
    pg_add_int(&l->params, text ? text->tokens : 0);
    pg_add_int(&l->params, text ? text->price : 0);
    if (!run(l, &stmt, &r)) return LEDGER_AWAY;
    *call_r = pg_int(r, 0, 0);
    pg_result_free(r);
    return LEDGER_OURS;
}

enum ledger_found ledger_intend(struct ledger *l, const struct ledger_text *text, int number, int64_t *call_r)
{
    return text ? reserving(l, text, intend, number, call_r) : intend(l, NULL, number, call_r);
}

bool ledger_sent(struct ledger *l, int64_t call)
{
    static const struct pg_stmt stmt = {"call_sent", "UPDATE llm_call SET sent_at = clock_timestamp() WHERE id = $1"};
    pg_params_reset(&l->params);
    pg_add_int(&l->params, call);
    return run(l, &stmt, NULL);
}

bool ledger_received(struct ledger *l, int64_t call, const struct llm_facts *facts, int64_t price, bool settles)
{
    static const struct pg_stmt stmt = {
        "call_received",
        "WITH c AS (SELECT crawl_id, budget_day, reserved_tokens, reserved_price FROM llm_call WHERE id = $1), "
        "u AS (SELECT s, $5 + $7 - reserved_tokens AS t, $8 - reserved_price AS p FROM c CROSS JOIN LATERAL "
        "(VALUES ('crawl ' || crawl_id), ('day ' || budget_day)) AS x (s) WHERE $10), "
        "locked AS (SELECT scope FROM budget WHERE scope = ANY(ARRAY(SELECT s FROM u)) ORDER BY scope FOR UPDATE), "
        "settled AS (UPDATE budget SET tokens = tokens + (SELECT max(t) FROM u), price = price + (SELECT max(p) FROM u), "
        "tokens_in = tokens_in + $5, tokens_cached = tokens_cached + $6, tokens_out = tokens_out + $7 WHERE scope = ANY(ARRAY(SELECT scope FROM locked))) "
        "UPDATE llm_call SET received_at = clock_timestamp(), status = nullif($2, 0), fault = $3, request_id = nullif($4, ''), tokens_in = $5, "
        "tokens_cached = $6, tokens_out = $7, price = $8, ms = $9, reserved_tokens = CASE WHEN $10 THEN 0 ELSE reserved_tokens END, "
        "reserved_price = CASE WHEN $10 THEN 0 ELSE reserved_price END WHERE id = $1"};
    pg_params_reset(&l->params);
    pg_add_int(&l->params, call);
    pg_add_int(&l->params, facts->status);
    pg_add_text(&l->params, facts->fault == LLM_FINE ? NULL : summarizer_trouble(facts->fault, facts->status).text);
    pg_add_text(&l->params, facts->id);
    pg_add_int(&l->params, facts->tokens_in);
    pg_add_int(&l->params, facts->tokens_cached);
    pg_add_int(&l->params, facts->tokens_out);
    pg_add_int(&l->params, price);
    pg_add_int(&l->params, facts->ms);
    pg_add_bool(&l->params, settles);
    return run(l, &stmt, NULL);
}
