/* What is stored of pages whose text is said to be as it was; contract in judge.h. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/zip.h"
#include "line/limits.h"
#include "writer/found.h"
#include "writer/judge.h"

enum { PLACE, HASH, RECIPE, PAGE, COLUMNS };

static bool is_unchanged(const struct record *r)
{
    enum code code;
    return r->kind == RECORD_VERDICT && code_parse(r->code, &code) && code == CODE_UNCHANGED;
}

bool judge_is_kept(const struct record *r)
{
    return r->kind == RECORD_ARTICLE && r->engine && strcmp(r->engine, RECORD_KEPT) == 0 && r->recipe;
}

/* The summary that must be there: the record's, or that of the page. False: the entry speaks of none. */
static bool add_question(struct pg_array *columns, int64_t place, const struct entry *e, const struct page_row *p)
{
    struct digest hash, recipe;
    bool kept = judge_is_kept(&e->record);
    if (!p || e->kind != ENTRY_RECORD || !(kept || (is_unchanged(&e->record) && p->has_text && p->has_recipe))) return false;
    if (kept && (digest_parse(e->record.hash, &hash) != 0 || digest_parse(e->record.recipe, &recipe) != 0)) return false;
    pg_array_int(&columns[PLACE], place);
    pg_array_uuid(&columns[HASH], kept ? &hash : &p->content_hash);
    pg_array_uuid(&columns[RECIPE], kept ? &recipe : &p->recipe_hash);
    pg_array_int(&columns[PAGE], kept ? 0 : p->id); /* 0: it brings its links along */
    return true;
}

/* As found_each said it when they were kept. */
static void take_link(struct record *r, struct buf *feeds, char *line)
{
    switch (found_marked(&line)) {
    case FOUND_NEXT:
        free(r->next);
        r->next = mem_strdup(line);
        break;
    case FOUND_FEED:
        if (feeds->len) buf_add_char(feeds, '\n');
        buf_add_str(feeds, line);
        break;
    default: record_add_link(r, line, strlen(line)); /* lists are no pages with a text, so these are links */
    }
}

static void take_links(struct record *r, const struct pg_result *result, int row)
{
    size_t n;
    struct buf links, feeds;
    void *packed = pg_bytes(result, row, 1, &n);
    buf_init(&links, LIMIT_KEPT_LINKS + 1);
    buf_init(&feeds, LIMIT_FEEDS * (LIMIT_URL + 1));
    const char *fault = zip_unpack(&links, packed, n);
    if (fault) log_error("links of page %lld: %s", (long long)r->page, fault);
    char *save = NULL;
    for (char *line = fault || !links.len ? NULL : strtok_r(links.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        take_link(r, &feeds, line);
    free(r->feeds);
    r->feeds = feeds.len ? buf_take(&feeds) : NULL;
    buf_release(&links);
    buf_release(&feeds);
    free(packed);
}

enum pg_status judge_known(struct tx *tx, struct entry **entries, size_t count)
{
    static const struct pg_stmt stmt = {
        "known_texts",
        "SELECT u.place, (SELECT l.links FROM page_links l WHERE l.page_id = u.page_id) FROM unnest($1::bigint[], $2::uuid[], "
        "$3::uuid[], $4::bigint[]) AS u (place, hash, recipe, page_id) WHERE (SELECT true FROM summary s WHERE "
        "s.content_hash = u.hash AND s.recipe_hash = u.recipe AND s.text IS NOT NULL)"};
    static const enum pg_type types[COLUMNS] = {PG_INT8, PG_UUID, PG_UUID, PG_INT8};
    struct pg_array columns[COLUMNS];
    struct pg_result *r = NULL;
    for (size_t k = 0; k < COLUMNS; k++) pg_array_init(&columns[k], types[k]);
    for (size_t i = 0; i < count; i++) {
        struct entry *e = entries[i];
        e->text_there = false;
        if (!add_question(columns, (int64_t)i, e, e->record.page ? tx_page(tx, e->record.page) : NULL)) continue;
        if (!is_unchanged(&e->record)) continue;
        record_cut_links(&e->record, 0); /* of an attempt that was rolled back */
        e->record.links_cut = 0;
    }
    enum pg_status st = PG_OK;
    if (columns[PLACE].count > 0) {
        pg_params_reset(&tx->params);
        for (size_t k = 0; k < COLUMNS; k++) pg_add_array(&tx->params, &columns[k]);
        st = tx_run(tx, &stmt, &r);
    }
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) {
        struct entry *e = entries[pg_int(r, i, 0)];
        e->text_there = true;
        if (!pg_is_null(r, i, 1)) take_links(&e->record, r, i);
    }
    pg_result_free(r);
    for (size_t k = 0; k < COLUMNS; k++) pg_array_release(&columns[k]);
    return st;
}
