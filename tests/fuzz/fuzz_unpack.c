/* Compressed bodies. Input: which coding, how many bytes at a time, the body. In pieces it must come to what it comes to at once. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum unpack_status run(const char *coding, const uint8_t *body, size_t n, size_t step, struct buf *out, bool *whole_r)
{
    enum unpack_status status = UNPACK_OK;
    struct unpack *u = unpack_new(coding);
    for (size_t at = 0; at < n && status == UNPACK_OK; at += step) status = unpack_add(u, body + at, n - at < step ? n - at : step, out);
    *whole_r = unpack_whole(u);
    unpack_free(&u);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const codings[] = {"gzip", "deflate", "br", "zstd"};
    struct buf once = BUF_INIT(1u << 20), pieces = BUF_INIT(1u << 20);
    bool once_whole, pieces_whole;
    if (size < 2) return 0;
    const char *coding = codings[data[0] % 4];
    enum unpack_status status = run(coding, data + 2, size - 2, size, &once, &once_whole);
    if (run(coding, data + 2, size - 2, (size_t)data[1] + 1, &pieces, &pieces_whole) != status) abort();
    if (status == UNPACK_OK && once_whole != pieces_whole) abort();
    if (status != UNPACK_BROKEN && (once.len != pieces.len || memcmp(buf_str(&once), buf_str(&pieces), once.len) != 0)) abort();
    buf_release(&once);
    buf_release(&pieces);
    return 0;
}
