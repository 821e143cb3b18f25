/* Into `article`; contract in article_out.h. */
#include "writer/article_out.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/zip.h"
#include "line/limits.h"

struct article_out {
    struct writer *writer;
    struct pg_array pages, texts; /* not taken: rows of awaited and of resummary */
};

/* One message under way. */
struct sent {
    struct article_out *out;
    int64_t page;
    struct digest hash;
    bool again;
};

struct article_out *article_out_new(struct writer *w)
{
    struct article_out *out = mem_zalloc(sizeof *out);
    out->writer = w;
    pg_array_init(&out->pages, PG_INT8);
    pg_array_init(&out->texts, PG_UUID);
    return out;
}

void article_out_free(struct article_out **out)
{
    if (!*out) return;
    pg_array_release(&(*out)->pages);
    pg_array_release(&(*out)->texts);
    free(*out);
    *out = NULL;
}

static void on_settled(void *context, enum mq_settled how)
{
    struct sent *s = context;
    if (how == MQ_FULL || how == MQ_RETURNED) {
        if (s->again)
            pg_array_uuid(&s->out->texts, &s->hash);
        else
            pg_array_int(&s->out->pages, s->page);
    }
    free(s);
}

void article_out_send(struct article_out *out, const struct record *record, bool express)
{
    char id[48];
    struct buf json = BUF_INIT(LIMIT_RECORD), body = BUF_INIT(LIMIT_MESSAGE);
    snprintf(id, sizeof id, "%lld.%lld", (long long)record->page, (long long)record->release);
    if (record_encode(record, &json) && zip_pack(&body, json.data, json.len)) {
        struct sent *s = mem_zalloc(sizeof *s);
        *s = (struct sent){.out = out, .page = record->page, .again = record->again != 0};
        digest_parse(record->hash, &s->hash);
        size_t len = body.len;
        struct mq_message message = {.queue = express ? QUEUE_ARTICLE_EXPRESS : QUEUE_ARTICLE,
                                     .message_id = id,
                                     .type = "article.v1",
                                     .content_type = "application/json",
                                     .content_encoding = "zstd",
                                     .len = len,
                                     .body = buf_take(&body)};
        mq_publish(service_mq(out->writer->service), &message, MQ_ONESHOT, on_settled, s);
    }
    buf_release(&json);
    buf_release(&body);
}

enum pg_status article_out_put_back(struct article_out *out)
{
    static const struct pg_stmt stmts[] = {
        {"awaited_put_back", "UPDATE awaited SET sent_at = NULL WHERE page_id = ANY($1)"},
        {"resummary_put_back", "UPDATE resummary SET sent_at = NULL, due_at = now() + interval '1 s' WHERE content_hash = ANY($1)"}};
    struct pg_array *const lists[] = {&out->pages, &out->texts};
    enum pg_status st = PG_OK;
    for (size_t i = 0; i < 2 && st == PG_OK; i++) {
        struct pg_params params;
        if (lists[i]->count == 0) continue;
        pg_params_init(&params);
        pg_add_array(&params, lists[i]);
        st = pg_run(out->writer->pg, &stmts[i], &params, NULL);
        pg_params_release(&params);
        if (st == PG_OK) pg_array_reset(lists[i]);
    }
    return st;
}
