/* Wishes; contract in requests.h. */
#include "gateway/requests.h"

#include <stdio.h>
#include <string.h>

#include "gateway/db.h"
#include "gateway/http.h"

#define IDEM_MAX 255

/* Clients of different schools call it so or so. */
static const char *idempotency_key(const struct request *req)
{
    const char *key = request_header(req, "Idempotency-Key");
    if (!key) key = request_header(req, "x-idempotency-key");
    return key && *key ? key : NULL;
}

bool request_wish(struct request *req, struct db *db, const struct wish *wish)
{
    /* Repeated after a lost connection it may be written twice, which does no harm: equal wishes at one time become one crawl, or one page. */
    static const struct pg_stmt stmt = {"gw_wish",
                                        "SELECT replace(id::text, '-', ''), conflict FROM request_add($1, nullif($2, 0), $3, $4, $5, $6)"};
    const char *idem = idempotency_key(req);
    if (idem && strlen(idem) > IDEM_MAX) {
        answer_fault(req, FAULT_BAD_REQUEST, "Idempotency-Key", "Idempotency-Key: longer than %d bytes", IDEM_MAX);
        return false;
    }
    struct pg_params *p = db_begin(db);
    pg_add_text(p, wish->body);
    pg_add_int(p, req->key_id);
    pg_add_text(p, idem);
    pg_add_bool(p, wish->express);
    pg_add_bool(p, wish->inbox);
    pg_add_bool(p, wish->force);
    struct pg_result *r = db_run(req, db, &stmt);
    if (!r) return false;
    bool conflict = pg_rows(r) == 0 || pg_bool(r, 0, 1);
    if (conflict)
        answer_fault(req, FAULT_CONFLICT, "Idempotency-Key", "this Idempotency-Key was sent with another request before");
    else
        conflict = digest_parse(pg_text(r, 0, 0), &req->digest) != 0;
    pg_result_free(r);
    return !conflict;
}

bool request_page(struct request *req, struct db *db, const char *url, bool force)
{
    struct buf body = BUF_INIT(REQUEST_BODY_MAX);
    buf_add_str(&body, "{\"url\":");
    json_quote(&body, url);
    buf_add_char(&body, '}');
    struct wish wish = {.body = buf_str(&body), .express = true, .inbox = true, .force = force};
    bool ok = request_wish(req, db, &wish);
    buf_release(&body);
    return ok;
}

bool request_taken(struct request *req, struct db *db, struct taken *taken_r)
{
    static const struct pg_stmt stmt = {"gw_taken",
                                        "SELECT r.taken_at IS NOT NULL, coalesce(c.public_id, r.id)::text, r.error, nullif(r.field, '') "
                                        "FROM request r LEFT JOIN crawl c ON c.id = r.crawl_id AND NOT c.is_inbox WHERE r.id = $1"};
    *taken_r = (struct taken){.is_taken = false};
    pg_add_uuid(db_begin(db), &req->digest);
    struct pg_result *r = db_run(req, db, &stmt);
    if (!r) return false;
    bool there = pg_rows(r) > 0, refused = there && !pg_is_null(r, 0, 2);
    if (!there) {
        answer_fault(req, FAULT_UNKNOWN, NULL, "the request is there no more");
    } else if (refused) {
        answer_fault(req, FAULT_BAD_REQUEST, pg_is_null(r, 0, 3) ? NULL : pg_text(r, 0, 3), "%s", pg_text(r, 0, 2));
    } else {
        taken_r->is_taken = pg_bool(r, 0, 0);
        snprintf(taken_r->id, sizeof taken_r->id, "%s", pg_text(r, 0, 1));
    }
    pg_result_free(r);
    return there && !refused;
}
