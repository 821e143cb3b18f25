/* What hosts allow: the cache of parsed rules, and what the answers to requests for robots.txt mean. Contracts in
 * host_rules.h and tx.h. */
#include "writer/host_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/url.h"
#include "writer/conf.h"
#include "writer/judge.h"
#include "writer/robots.h"
#include "writer/tx.h"

#define SLOTS          (1u << 16)
#define BYTES_MAX      (32u << 20) /* of text; parsed rules are of the same order */
#define UNAVAILABLE_MS 600000      /* so long nothing of a host is tried after its robots.txt could not be had */

struct rules_slot {
    struct rules_slot *next;
    int64_t host, version;
    struct robots *robots;
};

struct host_rules {
    struct rules_slot *slots[SLOTS];
    size_t bytes;
};

struct host_rules *host_rules_new(void)
{
    return mem_zalloc(sizeof(struct host_rules));
}

static void clear(struct host_rules *rules)
{
    for (size_t i = 0; i < SLOTS; i++) {
        while (rules->slots[i]) {
            struct rules_slot *s = rules->slots[i];
            rules->slots[i] = s->next;
            robots_free(s->robots);
            free(s);
        }
    }
    rules->bytes = 0;
}

void host_rules_free(struct host_rules **rules)
{
    if (!*rules) return;
    clear(*rules);
    free(*rules);
    *rules = NULL;
}

static struct rules_slot *find(const struct host_rules *rules, int64_t host, int64_t version)
{
    struct rules_slot *s = rules->slots[(uint64_t)host % SLOTS];
    while (s && (s->host != host || s->version != version)) s = s->next;
    return s;
}

bool host_rules_has(const struct host_rules *rules, int64_t host, int64_t version)
{
    return find(rules, host, version) != NULL;
}

void host_rules_put(struct host_rules *rules, int64_t host, int64_t version, const char *text, size_t n)
{
    if (rules->bytes + n > BYTES_MAX) clear(rules);
    struct rules_slot *s = mem_zalloc(sizeof *s);
    s->host = host;
    s->version = version;
    s->robots = robots_parse(text, n, writer_conf.agent);
    s->next = rules->slots[(uint64_t)host % SLOTS];
    rules->slots[(uint64_t)host % SLOTS] = s;
    rules->bytes += n + sizeof *s;
}

bool host_rules_allow(const struct host_rules *rules, int64_t host, int64_t version, const char *url)
{
    const struct rules_slot *s = find(rules, host, version);
    return s && robots_allows(s->robots, url_path(url));
}

bool host_rules_allow_all(const struct host_rules *rules, int64_t host, int64_t version)
{
    const struct rules_slot *s = find(rules, host, version);
    return s && robots_is_empty(s->robots);
}

/* ---- answers ---- */

/* RFC 9309 section 2.3.1: 2xx gives rules; "unavailable" (4xx, too many redirects) allows everything; "unreachable" (5xx,
 * network) nothing. 429 is no statement about the file. An address we must not connect to gets no rules either: its
 * pages end as ADDRESS_BLOCKED. */
static bool is_answer(const struct record *r)
{
    if (r->status >= 200 && r->status < 500 && r->status != 429) return true;
    return r->code && strcmp(r->code, code_name(CODE_ADDRESS_BLOCKED)) == 0;
}

enum robots_column { R_HOST, R_RELEASE, R_ANSWER, R_STATUS, R_CODE, R_TEXT, R_DELAY, R_BACKOFF, R_COUNTS, R_COLUMNS };

static void add_answer(struct pg_array *c, const struct record *r, bool excused)
{
    bool answer = is_answer(r);
    const char *text = answer && r->status < 300 && r->robots ? r->robots : "";
    struct robots *robots = robots_parse(text, strlen(text), writer_conf.agent);
    int64_t delay = robots_delay_ms(robots);
    robots_free(robots);
    if (delay > writer_conf.crawl_delay_max_ms) delay = writer_conf.crawl_delay_max_ms;
    pg_array_int(&c[R_HOST], r->host);
    pg_array_int(&c[R_RELEASE], r->release);
    pg_array_bool(&c[R_ANSWER], answer);
    pg_array_int(&c[R_STATUS], r->status);
    pg_array_text(&c[R_CODE], answer ? NULL : r->code);
    pg_array_text(&c[R_TEXT], answer ? text : NULL);
    pg_array_int(&c[R_DELAY], delay > 0 ? delay : 0);
    pg_array_int(&c[R_BACKOFF], judge_backoff_ms(1));
    pg_array_int(&c[R_COUNTS], !excused);
}

enum pg_status tx_write_robots(struct tx *tx)
{
    static const struct pg_stmt stmt = {
        "write_robots",
        "UPDATE host h SET robots_status = u.status, robots_code = u.code, "
        "robots = coalesce(u.text, h.robots), crawl_delay_ms = CASE WHEN u.answer THEN nullif(u.delay, 0) ELSE h.crawl_delay_ms END, "
        "robots_failures = CASE WHEN u.answer OR h.robots_failures + u.counts >= $10 THEN 0 ELSE h.robots_failures + u.counts END, "
        "robots_state = CASE WHEN u.answer THEN 1 WHEN h.robots_failures + u.counts >= $10 THEN 2 ELSE 0 END, "
        "robots_until = CASE WHEN u.answer THEN now() + $11 * interval '1 ms' WHEN h.robots_failures + u.counts >= $10 THEN now() + $12 * interval '1 ms' END, "
        "free_at = CASE WHEN u.answer THEN h.free_at ELSE greatest(h.free_at, now() + u.backoff * (1 << least(h.robots_failures, 6)) * interval '1 ms') END, "
        "next_at = CASE WHEN u.answer THEN h.next_at ELSE greatest(h.free_at, now() + u.backoff * (1 << least(h.robots_failures, 6)) * interval '1 ms') END "
        "FROM unnest($1::bigint[], $2::bigint[], $3::bool[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[]) "
        "AS u (host_id, release, answer, status, code, text, delay, backoff, counts) WHERE h.id = ANY(ARRAY[u.host_id]) AND h.robots_release = u.release"};
    static const enum pg_type types[R_COLUMNS] = {PG_INT8, PG_INT8, PG_BOOL, PG_INT8, PG_TEXT, PG_TEXT, PG_INT8, PG_INT8, PG_INT8};
    struct pg_array c[R_COLUMNS];
    if (tx->robots_count == 0) return PG_OK;
    for (size_t i = 0; i < R_COLUMNS; i++) pg_array_init(&c[i], types[i]);
    for (size_t i = 0; i < tx->robots_count; i++) add_answer(c, tx->robots[i].record, tx->robots[i].excused);
    pg_params_reset(&tx->params);
    for (size_t i = 0; i < R_COLUMNS; i++) pg_add_array(&tx->params, &c[i]);
    pg_add_int(&tx->params, writer_conf.attempts);
    pg_add_int(&tx->params, writer_conf.robots_ttl_ms);
    pg_add_int(&tx->params, UNAVAILABLE_MS);
    enum pg_status st = tx_run(tx, &stmt, NULL);
    for (size_t i = 0; i < R_COLUMNS; i++) pg_array_release(&c[i]);
    return st;
}
