/* A whole page, from bytes to the record that travels on. Input: a Content-Type and the body, parted by the first line end;
 * or, if it begins with '<', a page as it is. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "parser/extract/extract.h"

#define EXPLAIN_MAX (64u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool held, const char *what, const char *detail)
{
    if (held) return;
    fprintf(stderr, "%s: %s\n", what, detail);
    abort();
}

/* The next stage must be able to read what this one writes: decoding checks UTF-8, lengths, URLs and what has to be there. */
static void check(struct record *r, enum code code)
{
    struct record again;
    struct record_error error = {.text = ""};
    struct buf json = BUF_INIT(LIMIT_RECORD);
    r->kind = r->text ? RECORD_ARTICLE : RECORD_EMPTY;
    r->page = r->crawl = r->host = r->release = 1;
    r->url = mem_strdup("http://example.org/a/b?c");
    r->code = mem_strdup(code_name(code));
    demand(code != CODE_OK || r->text, "OK without a text", "");
    demand(record_encode(r, &json), "too large to write", "");
    demand(record_decode(json.data, json.len, 1u << r->kind, &again, &error) == RECORD_OK, "cannot be read", error.text);
    record_release(&again);
    buf_release(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool bare = size && *data == '<';
    const uint8_t *end = size && !bare ? memchr(data, '\n', size) : NULL;
    size_t head = end ? (size_t)(end - data) : 0, skip = end ? head + 1 : 0;
    char *type = bare ? mem_strdup("text/html") : mem_strndup((const char *)data, head);
    struct buf explain = BUF_INIT(EXPLAIN_MAX);
    struct record record = {.kind = RECORD_ARTICLE};
    struct extract_notes notes = {.explain = &explain};
    struct extract_input in = {
        .bytes = (const char *)data + skip, .n = size - skip, .url = "http://example.org/a/b?c", .content_type = type, .robots_tag = ""};
    extract_init();
    enum code code = extract_page(&in, &record, &notes);
    check(&record, code);
    record_release(&record);
    buf_release(&explain);
    free(type);
    return 0;
}
