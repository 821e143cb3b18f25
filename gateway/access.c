/* Access; contract in access.h. */
#include "gateway/access.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "gateway/db.h"
#include "gateway/gateway.h"
#include "gateway/http.h"
#include "gateway/routes.h"
#include "gateway/server.h"

#define KEY_PREFIX  "gm-"
#define KEY_BYTES   24   /* of chance in a key */
#define KEYS_KEPT   256  /* known without asking the database */
#define KEY_KEPT_MS 5000 /* so long: a revoked key is refused after that */
#define SHARES      20   /* a key's requests a minute are taken from the database in so many parts */

/* ---- hosts ---- */

static bool is_loopback(const char *host, size_t n)
{
    unsigned a, b, c, d;
    char text[16], rest;
    if (n >= sizeof text) return false;
    memcpy(text, host, n);
    text[n] = '\0';
    return sscanf(text, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127 && b < 256 && c < 256 && d < 256 &&
           strspn(text, "0123456789.") == n;
}

bool access_host_is_ours(const char *host)
{
    size_t n = strlen(host);
    if (*host == '[') {
        const char *end = strchr(host, ']');
        return end && strncmp(host, "[::1]", 5) == 0 && (end[1] == '\0' || end[1] == ':');
    }
    const char *colon = strchr(host, ':');
    if (colon) n = (size_t)(colon - host);
    if (n == 9 && strncasecmp(host, "localhost", 9) == 0) return true;
    if (is_loopback(host, n)) return true;
    for (const char *p = gateway_conf.hosts; *p && n > 0;) {
        p += strspn(p, ", ");
        size_t len = strcspn(p, ", ");
        if (len == n && strncasecmp(p, host, n) == 0) return true;
        p += len;
    }
    return false;
}

/* The key of a request: NULL if it has none. An empty one, as some clients send, is none. */
static const char *key_of(const struct request *req)
{
    const char *value = request_header(req, "Authorization");
    if (!value || strncasecmp(value, "Bearer", 6) != 0) return NULL;
    value += 6;
    value += strspn(value, " ");
    return *value ? value : NULL;
}

bool access_host(struct request *req)
{
    if (req->route->flags & ROUTE_OPEN || key_of(req)) return true;
    const char *host = request_header(req, "Host");
    if (!host || !access_host_is_ours(host)) {
        answer_fault(req, FAULT_FORBIDDEN_HOST, NULL, "without a key, ask for localhost, a loopback address or a name of GATEWAY_HOSTS");
        return false;
    }
    if (server_is_local() || gateway_conf.no_key) return true;
    answer_fault(req, FAULT_UNAUTHORIZED, NULL, "send a key: Authorization: Bearer KEY (gateway --add-key NAME makes one)");
    return false;
}

/* ---- keys ---- */

struct key {
    struct digest digest; /* of the key */
    int64_t id;           /* 0: there is no such key */
    int64_t rate;         /* requests a minute; 0: as many as it likes */
    int64_t until_ms;     /* known so long */
    int64_t minute;       /* of what follows */
    int64_t left;         /* of the parts that were taken from the database */
    int64_t spent;        /* in this minute the database gave no more */
};
static struct {
    pthread_mutex_t lock;
    struct key rows[KEYS_KEPT];
} keys = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct key *slot_of(const struct digest *digest)
{
    return &keys.rows[digest->bytes[0] % KEYS_KEPT];
}

/* Reads a key's row. False: the answer is there. */
static bool load_key(struct request *req, struct db *db, const char *secret, struct key *key_r)
{
    static const struct pg_stmt stmt = {
        "gw_key",
        "SELECT id, coalesce(rate_per_minute, 0) FROM api_key WHERE sha256 = sha256(convert_to($1, 'UTF8')) AND revoked_at IS NULL"};
    pg_add_text(db_begin(db), secret);
    struct pg_result *r = db_run(req, db, &stmt);
    if (!r) return false;
    key_r->id = pg_rows(r) > 0 ? pg_int(r, 0, 0) : 0;
    key_r->rate = pg_rows(r) > 0 ? pg_int(r, 0, 1) : 0;
    key_r->until_ms = clock_mono_ms() + KEY_KEPT_MS;
    pg_result_free(r);
    return true;
}

/* Takes another part of this minute's requests; all gateways take from one row. -1: the answer is there. */
static int64_t take_share(struct request *req, struct db *db, const struct key *key)
{
    static const struct pg_stmt stmt = {"gw_rate", "SELECT api_take($1, $2::integer)"};
    struct pg_params *p = db_begin(db);
    pg_add_int(p, key->id);
    pg_add_int(p, key->rate / SHARES > 0 ? key->rate / SHARES : 1);
    struct pg_result *r = db_run(req, db, &stmt);
    if (!r) return -1;
    int64_t taken = pg_int(r, 0, 0);
    pg_result_free(r);
    return taken;
}

/* One request of this minute's out of what is known; false: none is left, or the key is not known any more. What was taken is added before. */
static bool spend(const struct key *key, int64_t minute, int64_t taken)
{
    pthread_mutex_lock(&keys.lock);
    struct key *slot = slot_of(&key->digest);
    if (memcmp(&slot->digest, &key->digest, sizeof key->digest) != 0 || slot->minute != minute || slot->until_ms < key->until_ms) {
        int64_t left = memcmp(&slot->digest, &key->digest, sizeof key->digest) == 0 && slot->minute == minute ? slot->left : 0;
        *slot = *key;
        slot->minute = minute;
        slot->left = left;
    }
    slot->left += taken;
    if (key->spent == minute) slot->spent = minute;
    bool ok = slot->left > 0;
    if (ok) slot->left--;
    pthread_mutex_unlock(&keys.lock);
    return ok;
}

/* What is known of a key, for as long as it is believed. */
static bool find_key(const struct digest *digest, struct key *key_r)
{
    pthread_mutex_lock(&keys.lock);
    *key_r = *slot_of(digest);
    pthread_mutex_unlock(&keys.lock);
    return memcmp(&key_r->digest, digest, sizeof *digest) == 0 && key_r->until_ms > clock_mono_ms();
}

bool access_key(struct request *req, struct db *db)
{
    const char *secret = key_of(req);
    if (req->route->flags & ROUTE_OPEN || !secret) return true;
    struct digest digest = digest_of(secret, strlen(secret));
    struct key key;
    if (!find_key(&digest, &key)) {
        key = (struct key){.digest = digest};
        if (!load_key(req, db, secret, &key)) return false;
    }
    if (key.id == 0) {
        answer_fault(req, FAULT_UNAUTHORIZED, NULL, "this key is not known");
        return false;
    }
    req->key_id = key.id;
    int64_t now = clock_wall_ms(), minute = now / 60000, taken;
    bool ok = spend(&key, minute, 0) || key.rate == 0;
    if (!ok && key.spent != minute) {
        taken = take_share(req, db, &key);
        if (taken < 0) return false;
        if (taken == 0) key.spent = minute;
        ok = spend(&key, minute, taken);
    }
    if (ok) return true;
    answer_fault(req, FAULT_RATE_LIMITED, NULL, "this key has had its %lld requests of this minute", (long long)key.rate);
    answer_header(req, "Retry-After", "%lld", (long long)(60 - now / 1000 % 60));
    return false;
}

/* ---- log ---- */

void access_log(const struct request *req, size_t bytes, bool sent)
{
    static const char *const names[] = {"GET", "POST", "DELETE", "?"};
    log_event(LOG_INFO, "request",
              (struct log_field[]){LOG_STR("method", req->is_head ? "HEAD" : names[req->method]), LOG_STR("path", req->path),
                                   LOG_INT("status", req->answer.status), LOG_INT("bytes", bytes),
                                   LOG_INT("ms", (clock_mono_us() - req->begun_us) / 1000), LOG_INT("key", req->key_id),
                                   LOG_STR("sent", sent ? "yes" : "no"), LOG_END});
}

/* ---- commands ---- */

/* A connection for one command; NULL after saying why. */
static struct pg *command_connect(void)
{
    struct pg *pg = pg_new(gateway_conf.database_url, "gistmill gateway command", gateway_conf.database_timeout_ms);
    if (pg_connect(pg)) return pg;
    log_error("database: %s", pg_error(pg));
    pg_free(&pg);
    return NULL;
}

static int command_end(struct pg *pg, struct pg_params *params, int status)
{
    pg_params_release(params);
    pg_free(&pg);
    return status;
}

int access_add_key(const char *name, const char *rate)
{
    static const struct pg_stmt stmt = {"gw_add_key", "INSERT INTO api_key (name, sha256, rate_per_minute) "
                                                      "VALUES ($1, sha256(convert_to($2, 'UTF8')), nullif($3, 0)) RETURNING id"};
    unsigned char bytes[KEY_BYTES];
    char key[sizeof KEY_PREFIX + 2 * KEY_BYTES] = KEY_PREFIX, *end = NULL;
    long per_minute = rate ? strtol(rate, &end, 10) : 0;
    if (per_minute < 0 || per_minute > 1000000000 || (rate && (*end || end == rate)) || !*name || strlen(name) > 100) {
        log_error("--add-key NAME [REQUESTS-A-MINUTE]: a name of up to 100 bytes, a whole number");
        return EXITCODE_MISUSE;
    }
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) log_panic("no random bytes to be had");
    for (size_t i = 0; i < sizeof bytes; i++) snprintf(key + strlen(key), 3, "%02x", bytes[i]);
    struct pg *pg = command_connect();
    if (!pg) return EXITCODE_DEPENDENCY;
    struct pg_params params;
    pg_params_init(&params);
    pg_add_text(&params, name);
    pg_add_text(&params, key);
    pg_add_int(&params, per_minute);
    enum pg_status status = pg_run(pg, &stmt, &params, NULL);
    if (status != PG_OK) {
        log_error("%s", strcmp(pg_sqlstate(pg), "23505") == 0 ? "there is a key of this name" : pg_error(pg));
        return command_end(pg, &params, status == PG_LOST ? EXITCODE_DEPENDENCY : EXITCODE_FAILED);
    }
    printf("%s\n", key);
    fprintf(stderr, "This is the key of %s. It is shown only now; the database keeps its SHA-256.\n", name);
    return command_end(pg, &params, EXITCODE_OK);
}

int access_revoke_key(const char *name)
{
    static const struct pg_stmt stmt = {"gw_revoke_key",
                                        "UPDATE api_key SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL RETURNING id"};
    struct pg *pg = command_connect();
    if (!pg) return EXITCODE_DEPENDENCY;
    struct pg_params params;
    struct pg_result *r = NULL;
    pg_params_init(&params);
    pg_add_text(&params, name);
    int rc = pg_run(pg, &stmt, &params, &r) != PG_OK ? EXITCODE_DEPENDENCY : pg_rows(r) > 0 ? EXITCODE_OK : EXITCODE_FAILED;
    if (rc == EXITCODE_FAILED) log_error("there is no key of this name in force");
    if (rc == EXITCODE_DEPENDENCY) log_error("%s", pg_error(pg));
    if (rc == EXITCODE_OK) printf("revoked; gateways refuse it within %d seconds\n", KEY_KEPT_MS / 1000);
    pg_result_free(r);
    return command_end(pg, &params, rc);
}

int access_list_keys(void)
{
    static const struct pg_stmt stmt = {"gw_list_keys", "SELECT name, coalesce(rate_per_minute::text, 'no limit'), "
                                                        "to_char(created_at, 'YYYY-MM-DD HH24:MI'), revoked_at IS NOT NULL "
                                                        "FROM api_key ORDER BY id"};
    struct pg *pg = command_connect();
    if (!pg) return EXITCODE_DEPENDENCY;
    struct pg_params params;
    struct pg_result *r = NULL;
    pg_params_init(&params);
    int rc = pg_run(pg, &stmt, &params, &r) == PG_OK ? EXITCODE_OK : EXITCODE_DEPENDENCY;
    if (rc != EXITCODE_OK) log_error("%s", pg_error(pg));
    for (int i = 0; i < pg_rows(r); i++)
        printf("%s\t%s a minute\tmade %s%s\n", pg_text(r, i, 0), pg_text(r, i, 1), pg_text(r, i, 2), pg_bool(r, i, 3) ? "\trevoked" : "");
    pg_result_free(r);
    return command_end(pg, &params, rc);
}
