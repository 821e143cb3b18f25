/* Export; contract in export.h. Read in pieces by the number that a page has in the crawl (event), each by whichever worker is free, and only
 * when the client has taken the piece before: a slow reader holds neither a connection to the database nor a transaction, and little memory. */
#include "gateway/export.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "gateway/db.h"
#include "gateway/http.h"
#include "gateway/sql.h"
#include "gateway/work.h"

#define PIECE_MAX (16u << 20) /* more than a page can have: article and Markdown, escaped */

struct export
{
    struct stream stream; /* first: is cast */
    struct task task;
    pthread_mutex_t lock;
    const struct pg_stmt *stmt;
    int64_t crawl, after;
    struct buf piece;
    size_t at;
    bool over, broken;
};

/* Pages after an event ($2), up to 256 KiB of them and at least one. A page that ends again meanwhile comes again, later. */
#define EXPORT(line)                                                                                                                       \
    "WITH few AS (SELECT p.id, p.event, p.content_hash, p.recipe_hash FROM page p WHERE (p.crawl_id, p.event) > ($1, $2) "                 \
    "AND (p.crawl_id, p.event) <= ($1, 9223372036854775807) AND p.event IS NOT NULL ORDER BY p.crawl_id, p.event LIMIT 64), "              \
    "sized AS (SELECT f.*, sum(coalesce(octet_length(a.text) + octet_length(a.markdown), octet_length(a.text), 0)) "                       \
    "OVER (ORDER BY f.event) AS upto FROM few f LEFT JOIN article a ON a.content_hash = f.content_hash) "                                  \
    "SELECT p.event, CASE WHEN p.state = 'stored' OR p.code = 'UNCHANGED' THEN " line " END FROM sized f JOIN page p ON p.id = f.id "      \
    "JOIN crawl c ON c.id = p.crawl_id LEFT JOIN article a ON a.content_hash = p.content_hash "                                            \
    "LEFT JOIN summary s ON s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash "                                            \
    "WHERE f.upto <= 262144 OR f.event = (SELECT min(event) FROM few) ORDER BY f.event"

static const struct {
    const char *name, *type;
    struct pg_stmt stmt;
} formats[] = {
    {"jsonl",
     "application/x-ndjson; charset=utf-8",
     {"gw_export_jsonl", EXPORT("json_build_object(" SQL_PAGE_MEMBERS ", 'byline', p.byline, 'published', p.published, 'site', p.site, "
                                "'excerpt', p.excerpt, 'engine', s.engine, 'model', s.model, 'summary', s.text, 'article', a.text, "
                                "'markdown', a.markdown)::text || E'\\n'")}},
    {"md",
     "text/markdown; charset=utf-8",
     {"gw_export_md",
      EXPORT("'# ' || regexp_replace(coalesce(nullif(p.title, ''), p.url), '\\s+', ' ', 'g') || E'\\n\\n<' || p.url || E'>\\n\\n' "
             "|| coalesce(regexp_replace(s.text, '^', '> ', 'gn') || E'\\n\\n', '') || coalesce(a.markdown, a.text, '') || E'\\n\\n'")}},
};

/* The next piece. */
static void fill(struct task *task, struct db *db)
{
    struct export *e = (struct export *)((char *)task - offsetof(struct export, task));
    struct pg_result *r = NULL;
    if (db) {
        struct pg_params *p = db_begin(db);
        pg_add_int(p, e->crawl);
        pg_add_int(p, e->after);
        r = db_try(db, e->stmt);
    }
    pthread_mutex_lock(&e->lock);
    buf_reset(&e->piece);
    e->at = 0;
    e->broken = r == NULL; /* half an export must not look like a whole one */
    e->over = pg_rows(r) == 0;
    for (int i = 0; i < pg_rows(r); i++) {
        buf_add_str(&e->piece, pg_text(r, i, 1));
        e->after = pg_int(r, i, 0);
    }
    e->broken = e->broken || buf_failed(&e->piece);
    pthread_mutex_unlock(&e->lock);
    pg_result_free(r);
    stream_wake(e->stream.request);
}

static ssize_t export_read(struct stream *stream, char *out, size_t max)
{
    struct export *e = (struct export *)stream;
    pthread_mutex_lock(&e->lock);
    size_t left = e->piece.len - e->at;
    ssize_t n = (ssize_t)(left < max ? left : max);
    if (n > 0) memcpy(out, e->piece.data + e->at, (size_t)n);
    e->at += (size_t)n;
    if (n == 0 && e->broken)
        n = STREAM_BROKEN;
    else if (n == 0 && e->over)
        n = STREAM_END;
    pthread_mutex_unlock(&e->lock);
    return n;
}

static bool export_sleep(struct stream *stream)
{
    struct export *e = (struct export *)stream;
    work_task(&e->task);
    return true;
}

static void export_free(struct stream *stream)
{
    struct export *e = (struct export *)stream;
    buf_release(&e->piece);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

void export_handle(struct request *req, struct db *db)
{
    static const struct pg_stmt find = {"gw_export_find", "SELECT " SQL_FIND};
    const char *format = request_query(req, "format");
    size_t i = 0;
    while (format && i < 2 && strcmp(format, formats[i].name) != 0) i++;
    if (i == 2) {
        answer_fault(req, FAULT_BAD_REQUEST, "format", "format: must be jsonl or md");
        return;
    }
    pg_add_text(db_begin(db), req->args[0]);
    struct pg_result *r = db_run(req, db, &find);
    if (!r) return;
    bool found = !pg_is_null(r, 0, 0);
    int64_t crawl = pg_int(r, 0, 0);
    pg_result_free(r);
    if (!found) {
        answer_fault(req, FAULT_UNKNOWN, NULL, "there is no such crawl");
        return;
    }
    struct export *e = mem_zalloc(sizeof *e);
    e->stream = (struct stream){.read = export_read, .sleep = export_sleep, .free = export_free};
    e->task.run = fill;
    pthread_mutex_init(&e->lock, NULL);
    e->stmt = &formats[i].stmt;
    e->crawl = crawl;
    buf_init(&e->piece, PIECE_MAX);
    answer_stream(req, formats[i].type, &e->stream);
    answer_header(req, "Content-Disposition", "attachment; filename=\"crawl-%lld.%s\"", (long long)crawl, formats[i].name);
}
