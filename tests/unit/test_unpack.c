/* Codings of HTTP in pieces: each one, each cut, each chunk size, what follows the end, maxima, damage. */
#include "test.h"

#include <brotli/encode.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/unpack.h"

#define PACKED_MAX (1u << 20)

static const char page[] = "<!doctype html><title>A page</title><p>All work and no play makes a dull page. All work and no play.";

/* ---- packing ---- */

static size_t deflated(const char *text, size_t n, char *to, int window)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)n, .next_out = (Bytef *)to, .avail_out = PACKED_MAX};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static size_t pack_gzip(const char *text, size_t n, char *to)
{
    return deflated(text, n, to, 15 + 16);
}

static size_t pack_zlib(const char *text, size_t n, char *to)
{
    return deflated(text, n, to, 15);
}

static size_t pack_raw(const char *text, size_t n, char *to)
{
    return deflated(text, n, to, -15);
}

static size_t pack_br(const char *text, size_t n, char *to)
{
    size_t made = PACKED_MAX;
    assert_true(BrotliEncoderCompress(5, 18, BROTLI_MODE_TEXT, n, (const uint8_t *)text, &made, (uint8_t *)to));
    return made;
}

/* With a checksum, as zstd(1) makes them. */
static size_t pack_zstd(const char *text, size_t n, char *to)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t made = ZSTD_compress2(context, to, PACKED_MAX, text, n);
    assert_false(ZSTD_isError(made));
    ZSTD_freeCCtx(context);
    return made;
}

static const struct {
    const char *what, *coding;
    size_t (*pack)(const char *text, size_t n, char *to);
    bool parts; /* several of them, one after the other, are one body */
    bool sum;   /* has a checksum */
} codings[] = {
    {"gzip", "gzip", pack_gzip, true, true},     {"x-gzip", "X-GZip", pack_gzip, true, true},
    {"zlib", "deflate", pack_zlib, false, true}, {"raw deflate", "deflate", pack_raw, false, false},
    {"brotli", "br", pack_br, false, false},     {"zstd", "zstd", pack_zstd, true, true},
};
#define EACH(i) for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)

/* Unpacks a body that comes `step` bytes at a time. */
static enum unpack_status unpack(const char *coding, const char *bytes, size_t n, size_t step, struct buf *out, bool *whole_r)
{
    enum unpack_status status = UNPACK_OK;
    struct unpack *u = unpack_new(coding);
    assert_non_null(u);
    for (size_t at = 0; at < n && status == UNPACK_OK; at += step) status = unpack_add(u, bytes + at, n - at < step ? n - at : step, out);
    *whole_r = unpack_whole(u);
    unpack_free(&u);
    assert_null(u);
    return status;
}

static void assert_unpacks(size_t i, const char *bytes, size_t n, size_t step, const char *text, size_t len)
{
    bool whole;
    struct buf out = BUF_INIT(len);
    enum unpack_status status = unpack(codings[i].coding, bytes, n, step, &out, &whole);
    if (status != UNPACK_OK || !whole || out.len != len || (len && memcmp(out.data, text, len) != 0))
        fail_msg("%s, %zu bytes at a time: status %d, whole %d, %zu of %zu bytes", codings[i].what, step, status, whole, out.len, len);
    assert_false(buf_failed(&out));
    buf_release(&out);
}

/* ---- tests ---- */

static char packed[PACKED_MAX + 100];

/* At once and in pieces, into a buffer that is just large enough. */
static void pieces(void **state)
{
    (void)state;
    size_t sizes[] = {0, 1, sizeof page - 1, 65535, 65536, 65537, 300000};
    char *text = malloc(300000);
    for (size_t k = 0; k < 300000; k++) text[k] = page[k % 97 * (k / 1000 + 1) % (sizeof page - 1)];
    EACH(i)
    {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            size_t n = codings[i].pack(text, sizes[s], packed);
            for (size_t step = 1; step <= n; step = step * 7 + 1) assert_unpacks(i, packed, n, step, text, sizes[s]);
            assert_unpacks(i, packed, n, n, text, sizes[s]);
        }
    }
    free(text);
}

/* Wherever it is cut, it is not whole, and what there is of it is a beginning of the text. */
static void cuts(void **state)
{
    (void)state;
    EACH(i)
    {
        size_t n = codings[i].pack(page, sizeof page - 1, packed);
        for (size_t cut = 1; cut < n; cut++) {
            for (size_t step = 1; step <= n; step += n - 1) {
                bool whole;
                struct buf out = BUF_INIT(1000);
                enum unpack_status status = unpack(codings[i].coding, packed, cut, step, &out, &whole);
                if (status != UNPACK_OK || whole)
                    fail_msg("%s, %zu of %zu bytes: status %d, whole %d", codings[i].what, cut, n, status, whole);
                assert_true(out.len < sizeof page && memcmp(buf_str(&out), page, out.len) == 0);
                buf_release(&out);
            }
        }
    }
}

static void nothing_at_all(void **state)
{
    (void)state;
    EACH(i) assert_unpacks(i, "", 0, 1, "", 0);
    assert_null(unpack_new("identity"));
    assert_null(unpack_new(""));
    assert_null(unpack_new("gzip,br"));
}

/* Behind the end: garbage is ignored, however it comes; another member or frame is more of the body. */
static void what_follows(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } garbage[] = {{"\0", 1},   {"\r\n", 2},         {"\0\0\0\0\0\0\0\0", 8}, {"<!-- served by -->", 18},
                   {"\x1f", 1}, {"\xff\xff\xff", 3}, {"\0\0\0\0", 4},         {"more\n", 5}};
    char twice[2 * sizeof page];
    size_t len = sizeof page - 1;
    memcpy(twice, page, len);
    memcpy(twice + len, page, len);
    EACH(i)
    {
        size_t n = codings[i].pack(page, len, packed);
        for (size_t g = 0; g < sizeof garbage / sizeof *garbage; g++) {
            memcpy(packed + n, garbage[g].bytes, garbage[g].n);
            for (size_t step = 1; step <= n + garbage[g].n; step += n + garbage[g].n - 1)
                assert_unpacks(i, packed, n + garbage[g].n, step, page, len);
        }
        size_t more = codings[i].pack(page, len, packed + n);
        for (size_t step = 1; step <= n + more; step += n + more - 1)
            assert_unpacks(i, packed, n + more, step, twice, codings[i].parts ? 2 * len : len);
        bool whole;
        struct buf out = BUF_INIT(1000);
        assert_int_equal(unpack(codings[i].coding, packed, n + more - 1, 10, &out, &whole), UNPACK_OK);
        assert_int_equal(whole, !codings[i].parts);
        buf_release(&out);
    }
}

static void maxima(void **state)
{
    (void)state;
    size_t n = 12u << 20;
    char *zeros = calloc(1, n);
    EACH(i)
    {
        bool whole;
        struct buf out = BUF_INIT(n - 1), tight = BUF_INIT(sizeof page - 2);
        size_t made = codings[i].pack(zeros, n, packed);
        assert_int_equal(unpack(codings[i].coding, packed, made, 1000, &out, &whole), UNPACK_FULL);
        assert_int_equal(out.len, n - 1);
        made = codings[i].pack(page, sizeof page - 1, packed);
        assert_int_equal(unpack(codings[i].coding, packed, made, made, &tight, &whole), UNPACK_FULL);
        assert_memory_equal(tight.data, page, sizeof page - 2);
        buf_release(&out);
        buf_release(&tight);
    }
    free(zeros);
}

static void damage(void **state)
{
    (void)state;
    EACH(i)
    {
        bool whole;
        struct buf out = BUF_INIT(1000);
        size_t n = codings[i].pack(page, sizeof page - 1, packed);
        if (codings[i].sum) {
            packed[n - 1] ^= 1;
            /* gzip ends with the length, the others with a checksum */
            assert_int_equal(unpack(codings[i].coding, packed, n, 10, &out, &whole), UNPACK_BROKEN);
            assert_true(out.len < sizeof page && memcmp(buf_str(&out), page, out.len) == 0);
        }
        buf_reset(&out);
        memset(packed, 0xff, 200);
        assert_int_equal(unpack(codings[i].coding, packed, 200, 200, &out, &whole), UNPACK_BROKEN);
        buf_release(&out);
    }
    /* A zstd frame that wants 16 MiB to look back on. */
    struct buf out = BUF_INIT(1000);
    bool whole;
    static const char window[] = "\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00";
    assert_int_equal(unpack("zstd", window, sizeof window - 1, 100, &out, &whole), UNPACK_BROKEN);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces),       cmocka_unit_test(cuts),   cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(what_follows), cmocka_unit_test(maxima), cmocka_unit_test(damage),
    };
    return cmocka_run_group_tests_name("unpack", tests, NULL, NULL);
}
