/* Encodings. Input: a Content-Type and the body, parted by the first line end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "parser/extract/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *bytes, size_t n, const char *encoding)
{
    struct charset_text text;
    const char *name = charset_by_label(encoding, strlen(encoding));
    if (!name || strcmp(name, encoding) != 0) abort();
    if (charset_decode(bytes, n, encoding, &text) && !utf8_valid(text.utf8, text.n)) abort();
    charset_text_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t head = end ? (size_t)(end - data) : 0, skip = end ? head + 1 : 0;
    char *type = mem_strndup((const char *)data, head);
    const char *body = (const char *)data + skip;
    size_t n = size - skip;
    charset_init();
    check(body, n, charset_of(body, n, type, true));
    check(body, n, charset_of(body, n, type, false));
    free(type);
    return 0;
}
