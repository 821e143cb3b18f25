/* Compression of message bodies; contract in zip.h. */
#include "base/zip.h"

#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

#define LEVEL          1 /* pages shrink to a quarter at 400 MB/s; higher levels cost more than the broker saves */
#define GZIP_CHUNK     65536
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
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)n}; /* only read */
    const char *fault = NULL;
    bool any = false;
    if (n > UINT32_MAX) return "too large";
    if (inflateInit2(&z, 15 + 16) != Z_OK) return "out of memory";
    while (!fault) {
        size_t room = out->max - out->len;
        if (!buf_reserve(out, room < GZIP_CHUNK ? room : GZIP_CHUNK)) break;
        size_t free_bytes = out->cap - out->len - 1;
        z.next_out = (Bytef *)out->data + out->len;
        z.avail_out = (uInt)(free_bytes < GZIP_CHUNK ? free_bytes : GZIP_CHUNK);
        uInt before = z.avail_out;
        int rc = inflate(&z, Z_NO_FLUSH);
        out->len += before - z.avail_out;
        out->data[out->len] = '\0';
        if (rc == Z_STREAM_END) {
            any = true;
            if (z.avail_in < 2 || z.next_in[0] != 0x1f || z.next_in[1] != 0x8b || inflateReset(&z) != Z_OK) break;
        } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
            fault = any ? "cut short" : "not gzip";
        } else if (z.avail_out > 0) {
            fault = "cut short"; /* there was room, so it wants input, and has had all */
        } else if (room == 0) {
            fault = "too large when unpacked";
        }
    }
    inflateEnd(&z);
    return fault;
}
