/* Records as they come from a queue. Input: a message. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line/limits.h"
#include "line/record.h"

#define ANY ((1u << RECORD_KINDS) - 1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool held, const char *what, const char *detail)
{
    if (held) return;
    fprintf(stderr, "%s: %s\n", what, detail);
    abort();
}

/* What was read once can be written, read again, and written the same. */
static void check(const struct record *r)
{
    struct buf once = BUF_INIT(2 * LIMIT_RECORD), twice = BUF_INIT(2 * LIMIT_RECORD);
    struct record again;
    struct record_error error = {.text = ""};
    demand(record_encode(r, &once), "cannot be written", "");
    demand(record_decode(once.data, once.len, 1u << r->kind, &again, &error) == RECORD_OK, "cannot be read again", error.text);
    demand(record_encode(&again, &twice) && strcmp(once.data, twice.data) == 0, "not stable", once.data);
    record_release(&again);
    buf_release(&once);
    buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record one, *all;
    struct record_error error;
    size_t count;
    if (record_decode((const char *)data, size, ANY, &one, &error) == RECORD_OK) {
        check(&one);
        record_release(&one);
    }
    if (record_decode_all((const char *)data, size, ANY, &all, &count, &error) == RECORD_OK) {
        for (size_t i = 0; i < count; i++) check(&all[i]);
        record_free_all(all, count);
    }
    return 0;
}
