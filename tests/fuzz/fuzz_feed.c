/* Feeds and sitemaps, gzipped or not, from bytes to the record that travels on. Input: the body. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "parser/extract/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record r = {.kind = RECORD_EMPTY, .page = 1, .crawl = 1, .release = 1}, again;
    struct record_error error;
    struct extract_notes notes = {.explain = NULL};
    struct extract_input in = {
        .bytes = (const char *)data, .n = size, .url = "http://canal.test/a/feed", .content_type = "text/xml", .robots_tag = ""};
    struct buf json = BUF_INIT(LIMIT_RECORD);
    extract_init();
    enum code code = extract_page(&in, &r, &notes);
    r.code = mem_strdup(code_name(code));
    if (r.text) r.kind = RECORD_ARTICLE, r.url = mem_strdup(in.url);
    if (r.links.dates_count && r.links.dates_count != r.links.count) abort();
    /* The next stage must be able to read what this one writes. */
    if (!record_encode(&r, &json) || record_decode(json.data, json.len, 1u << r.kind, &again, &error) != RECORD_OK) abort();
    record_release(&again);
    record_release(&r);
    buf_release(&json);
    return 0;
}
