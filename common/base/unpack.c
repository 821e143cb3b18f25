/* Compressed bodies in pieces; contract in unpack.h. */
#include "base/unpack.h"

#include <brotli/decode.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/log.h"
#include "base/mem.h"

#define CHUNK          65536
#define WINDOW_LOG_MAX 23 /* 8 MiB: senders may ask for no more, RFC 9659 */
#define ZSTD_HEAD      5  /* bytes that a frame is known by */
#define ZLIB_HEAD      2  /* the same of a gzip member, or of a zlib stream */

struct piece {
    const unsigned char *in;
    size_t n;
    unsigned char *out; /* CHUNK bytes */
    size_t made;
};

enum step { STEP_ON, STEP_BROKEN, STEP_ENDED /* and what follows is ignored */ };

struct coding {
    const char *name;
    bool (*open)(struct unpack *u);
    enum step (*step)(struct unpack *u, struct piece *p);
    void (*close)(struct unpack *u);
};

struct unpack {
    const struct coding *coding;
    bool ended;                    /* nothing more is read */
    bool parts;                    /* a gzip member or zstd frame has ended */
    size_t since;                  /* bytes of the present one */
    bool raw;                      /* deflate without a head */
    unsigned char head[ZLIB_HEAD]; /* of deflate: read again if it is raw */
    bool begun;
    z_stream z;
    BrotliDecoderState *br;
    ZSTD_DCtx *zstd;
};

/* ---- gzip, deflate ---- */

static bool open_gzip(struct unpack *u)
{
    return inflateInit2(&u->z, 15 + 16) == Z_OK;
}

static bool open_deflate(struct unpack *u)
{
    return inflateInit2(&u->z, 15) == Z_OK;
}

static void close_inflate(struct unpack *u)
{
    inflateEnd(&u->z);
}

static int inflate_some(struct unpack *u, struct piece *p)
{
    z_stream *z = &u->z;
    uInt have = p->n < UINT_MAX ? (uInt)p->n : UINT_MAX;
    z->next_in = (Bytef *)(uintptr_t)p->in; /* only read */
    z->avail_in = have;
    z->next_out = p->out + p->made;
    z->avail_out = (uInt)(CHUNK - p->made);
    int rc = inflate(z, Z_NO_FLUSH);
    p->made = CHUNK - z->avail_out;
    p->in += have - z->avail_in;
    p->n -= have - z->avail_in;
    u->since += have - z->avail_in;
    return rc == Z_BUF_ERROR ? Z_OK : rc; /* that only says that it wants more */
}

static enum step step_gzip(struct unpack *u, struct piece *p)
{
    int rc = inflate_some(u, p);
    if (rc == Z_OK) return STEP_ON;
    if (rc != Z_STREAM_END) return u->parts && u->since <= ZLIB_HEAD ? STEP_ENDED : STEP_BROKEN;
    u->parts = true;
    u->since = 0;
    return inflateReset(&u->z) == Z_OK ? STEP_ON : STEP_BROKEN;
}

static enum step step_deflate(struct unpack *u, struct piece *p)
{
    for (size_t i = u->since; i < ZLIB_HEAD && i - u->since < p->n; i++) u->head[i] = p->in[i - u->since];
    int rc = inflate_some(u, p);
    if (rc == Z_DATA_ERROR && !u->raw && u->since <= ZLIB_HEAD) {
        struct piece head = {.in = u->head, .n = u->since, .out = p->out};
        u->raw = true;
        rc = inflateReset2(&u->z, -15) == Z_OK ? inflate_some(u, &head) : Z_MEM_ERROR;
        p->made = head.made;
    }
    return rc == Z_OK ? STEP_ON : rc == Z_STREAM_END ? STEP_ENDED : STEP_BROKEN;
}

/* ---- br ---- */

static bool open_br(struct unpack *u)
{
    u->br = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    return u->br != NULL;
}

static void close_br(struct unpack *u)
{
    BrotliDecoderDestroyInstance(u->br);
}

static enum step step_br(struct unpack *u, struct piece *p)
{
    size_t room = CHUNK;
    BrotliDecoderResult rc = BrotliDecoderDecompressStream(u->br, &p->n, &p->in, &room, &p->out, NULL);
    p->made = CHUNK - room;
    return rc == BROTLI_DECODER_RESULT_ERROR ? STEP_BROKEN : rc == BROTLI_DECODER_RESULT_SUCCESS ? STEP_ENDED : STEP_ON;
}

/* ---- zstd ---- */

static bool open_zstd(struct unpack *u)
{
    u->zstd = ZSTD_createDCtx();
    return u->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX));
}

static void close_zstd(struct unpack *u)
{
    ZSTD_freeDCtx(u->zstd);
}

static enum step step_zstd(struct unpack *u, struct piece *p)
{
    ZSTD_inBuffer in = {p->in, p->n, 0};
    ZSTD_outBuffer out = {p->out, CHUNK, 0};
    size_t left = ZSTD_decompressStream(u->zstd, &out, &in);
    if (ZSTD_isError(left)) return u->parts && ZSTD_getErrorCode(left) == ZSTD_error_prefix_unknown ? STEP_ENDED : STEP_BROKEN;
    p->in += in.pos;
    p->n -= in.pos;
    p->made = out.pos;
    u->since += in.pos;
    if (left == 0) {
        u->parts = true;
        u->since = 0;
    }
    return STEP_ON;
}

/* ---- all ---- */

static const struct coding codings[] = {
    {"gzip", open_gzip, step_gzip, close_inflate},
    {"x-gzip", open_gzip, step_gzip, close_inflate},
    {"deflate", open_deflate, step_deflate, close_inflate},
    {"br", open_br, step_br, close_br},
    {"zstd", open_zstd, step_zstd, close_zstd},
};

struct unpack *unpack_new(const char *coding)
{
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        if (strcasecmp(codings[i].name, coding) != 0) continue;
        struct unpack *u = mem_zalloc(sizeof *u);
        u->coding = &codings[i];
        if (!u->coding->open(u)) log_panic("out of memory");
        return u;
    }
    return NULL;
}

void unpack_free(struct unpack **u)
{
    if (!*u) return;
    (*u)->coding->close(*u);
    free(*u);
    *u = NULL;
}

enum unpack_status unpack_add(struct unpack *u, const void *bytes, size_t n, struct buf *out)
{
    static unsigned char chunk[CHUNK];
    struct piece p = {.in = bytes, .n = n};
    if (n > 0) u->begun = true;
    do {
        if (u->ended) return UNPACK_OK;
        p.out = chunk;
        p.made = 0;
        enum step step = u->coding->step(u, &p);
        size_t room = out->max - out->len;
        buf_add(out, chunk, p.made < room ? p.made : room);
        if (p.made > room) return UNPACK_FULL;
        if (step == STEP_BROKEN) return UNPACK_BROKEN;
        u->ended = step == STEP_ENDED;
    } while (p.n > 0 || p.made == CHUNK);
    return UNPACK_OK;
}

bool unpack_whole(const struct unpack *u)
{
    /* What is too short for the head of another part may be anything. */
    size_t least = u->zstd ? ZSTD_HEAD : ZLIB_HEAD;
    return u->ended || !u->begun || (u->parts && u->since < least);
}
