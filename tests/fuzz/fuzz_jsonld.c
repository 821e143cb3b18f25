/* Structured data. Input: what stands in the script. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "parser/extract/jsonld.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct meta meta;
    struct buf script = BUF_INIT(4 * size + 1); /* the loader hands out well-formed UTF-8 only */
    meta_init(&meta);
    utf8_clean(&script, (const char *)data, size);
    jsonld_read(&meta, (struct span){script.data, script.len});
    for (int i = 0; i < META_FIELDS; i++)
        if (meta.fields[i].text.len && !utf8_valid(meta.fields[i].text.data, meta.fields[i].text.len)) abort();
    meta_release(&meta);
    buf_release(&script);
    return 0;
}
