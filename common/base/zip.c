/* Compression of message bodies; contract in zip.h. */
#include "base/zip.h"

#include <zstd.h>

#include "base/mem.h"
#include "base/unpack.h"

#define LEVEL          1  /* pages shrink to a quarter at 400 MB/s; higher levels cost more than the broker saves */
#define WINDOW_LOG_MAX 25 /* refuse frames that ask for more than 32 MiB of history */

static ZSTD_CCtx *pack_context;
static ZSTD_DCtx *unpack_context;

bool zip_pack(struct buf *out, const void *data, size_t n)
{
    if (!pack_context && !(pack_context = ZSTD_createCCtx())) return false;
    size_t bound = ZSTD_compressBound(n), room = out->max - out->len;
    if (!buf_reserve(out, bound < room ? bound : room)) return false;
    size_t got = ZSTD_compressCCtx(pack_context, out->data + out->len, out->cap - out->len - 1, data, n, LEVEL);
    bool ok = !ZSTD_isError(got);
    if (ok)
        out->len += got;
    else
        out->failed = true;
    out->data[out->len] = '\0'; /* a failed attempt has written here, too */
    return ok;
}

const char *zip_unpack(struct buf *out, const void *data, size_t n)
{
    if (!unpack_context) {
        unpack_context = ZSTD_createDCtx();
        if (!unpack_context) return "out of memory";
        ZSTD_DCtx_setParameter(unpack_context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    }
    ZSTD_DCtx_reset(unpack_context, ZSTD_reset_session_only);
    ZSTD_inBuffer in = {data, n, 0};
    size_t left = 1;
    while (left != 0) {
        size_t room = out->max - out->len, want = ZSTD_DStreamOutSize(), before = in.pos;
        if (!buf_reserve(out, want < room ? want : room)) return "too large when unpacked";
        ZSTD_outBuffer chunk = {out->data + out->len, out->cap - out->len - 1, 0};
        left = ZSTD_decompressStream(unpack_context, &chunk, &in);
        if (!ZSTD_isError(left)) out->len += chunk.pos;
        out->data[out->len] = '\0';
        if (ZSTD_isError(left)) return "not zstd";
        if (left != 0 && in.pos == in.size && chunk.pos < chunk.size) return "cut short";
        /* A full buffer may still meet the frame's end, but no more than that. */
        if (left != 0 && room == 0 && in.pos == before) return "too large when unpacked";
    }
    return in.pos == in.size ? NULL : "trailing bytes";
}

const char *zip_unpack_gzip(struct buf *out, const void *data, size_t n)
{
    struct unpack *u = unpack_new("gzip");
    enum unpack_status status = unpack_add(u, data, n, out);
    bool whole = n > 0 && unpack_whole(u);
    unpack_free(&u);
    if (status == UNPACK_FULL) return "too large when unpacked";
    if (status == UNPACK_BROKEN) return "not gzip, or damaged";
    return whole ? NULL : "cut short";
}
