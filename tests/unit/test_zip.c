/* Compressed bodies: round trips, maxima, and frames made to hurt. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/zip.h"

/* Text of n bytes that compresses about as pages do. */
static char *sample(size_t n)
{
    char *text = malloc(n + 1);
    unsigned seed = 1;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245 + 12345;
        text[i] = (char)(i % 7 < 4 ? 'a' + (int)(i % 5) : (int)(seed >> 16 & 0x7f));
    }
    return text;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 131071, 131072, 131073, 400000, 3000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *text = sample(sizes[i]);
        struct buf packed = BUF_INIT(4u << 20), exact = BUF_INIT(sizes[i] + 1), small = BUF_INIT(sizes[i] ? sizes[i] : 1);
        buf_add_char(&packed, 'p');
        assert_true(zip_pack(&packed, text, sizes[i]));
        buf_add_char(&exact, 'x');
        const char *fault = zip_unpack(&exact, packed.data + 1, packed.len - 1);
        if (fault) fail_msg("%zu bytes: %s", sizes[i], fault);
        assert_int_equal(exact.len, sizes[i] + 1);
        assert_memory_equal(exact.data + 1, text, sizes[i]);
        assert_false(buf_failed(&exact));
        if (sizes[i] > 0) {
            buf_add_char(&small, 'x'); /* now one byte is missing */
            assert_string_equal(zip_unpack(&small, packed.data + 1, packed.len - 1), "too large when unpacked");
            assert_true(small.len <= small.max);
        }
        buf_release(&packed);
        buf_release(&exact);
        buf_release(&small);
        free(text);
    }
}

/* As a streaming producer makes them: unknown size, an empty last block, a checksum. */
static void test_exact_fit_of_a_stream(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 1000, 131072, 262144, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t cap = ZSTD_compressBound(sizes[i]) + 100;
        char *text = sample(sizes[i]), *frame = malloc(cap);
        ZSTD_CCtx *context = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        ZSTD_inBuffer in = {text, sizes[i], 0};
        ZSTD_outBuffer made = {frame, cap, 0};
        assert_int_equal(ZSTD_compressStream2(context, &made, &in, ZSTD_e_flush), 0);
        assert_int_equal(ZSTD_compressStream2(context, &made, &in, ZSTD_e_end), 0);
        struct buf out = BUF_INIT(sizes[i]), small = BUF_INIT(sizes[i] - 1);
        const char *fault = zip_unpack(&out, frame, made.pos);
        if (fault) fail_msg("%zu bytes: %s", sizes[i], fault);
        assert_int_equal(out.len, sizes[i]);
        assert_string_equal(zip_unpack(&small, frame, made.pos), "too large when unpacked");
        frame[made.pos - 1] ^= 1;
        buf_reset(&out);
        assert_string_equal(zip_unpack(&out, frame, made.pos), "not zstd");
        ZSTD_freeCCtx(context);
        buf_release(&out);
        buf_release(&small);
        free(text);
        free(frame);
    }
}

static void test_pack_maximum(void **state)
{
    (void)state;
    char *text = sample(100000);
    struct buf out = BUF_INIT(1000), nothing = BUF_INIT(0);
    buf_add_str(&out, "kept");
    assert_false(zip_pack(&out, text, 100000));
    assert_true(buf_failed(&out));
    assert_string_equal(buf_str(&out), "kept");
    assert_false(zip_pack(&nothing, text, 100000));
    buf_release(&out);
    buf_release(&nothing);
    free(text);
}

static void test_bad_frames(void **state)
{
    (void)state;
    char *text = sample(300000);
    struct buf packed = BUF_INIT(1u << 20), out = BUF_INIT(1u << 20);
    assert_true(zip_pack(&packed, text, 300000));
    assert_string_equal(zip_unpack(&out, "", 0), "cut short");
    assert_string_equal(zip_unpack(&out, "garbage garbage", 15), "not zstd");
    for (size_t n = 1; n < packed.len; n += packed.len / 50) {
        char *cut = malloc(n);
        memcpy(cut, packed.data, n);
        buf_reset(&out);
        assert_string_equal(zip_unpack(&out, cut, n), "cut short");
        free(cut);
    }
    buf_add_str(&packed, "more");
    buf_reset(&out);
    assert_string_equal(zip_unpack(&out, packed.data, packed.len), "trailing bytes");
    /* A frame whose header asks for 128 MiB of history. */
    static const char window[] = "\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00";
    buf_reset(&out);
    assert_string_equal(zip_unpack(&out, window, sizeof window - 1), "not zstd");
    buf_reset(&out); /* and the next one is read as if nothing had been */
    assert_null(zip_unpack(&out, packed.data, packed.len - 4));
    assert_int_equal(out.len, 300000);
    buf_release(&packed);
    buf_release(&out);
    free(text);
}

static void test_bomb(void **state)
{
    (void)state;
    size_t n = 64u << 20;
    char *zeros = calloc(1, n);
    struct buf packed = BUF_INIT(1u << 20), out = BUF_INIT(1u << 20);
    assert_true(zip_pack(&packed, zeros, n));
    assert_true(packed.len < 100000);
    assert_string_equal(zip_unpack(&out, packed.data, packed.len), "too large when unpacked");
    assert_true(out.cap <= (1u << 20) + 1);
    buf_release(&packed);
    buf_release(&out);
    free(zeros);
}

/* gzip -9 of "sitemap\n": a member as gzip(1) writes it. */
static const char member[] =
    "\037\213\010\000\000\000\000\000\002\003\053\316\054\111\315\115\054\340\002\000\347\351\001\327\010\000\000\000";

static void test_gzip(void **state)
{
    (void)state;
    const size_t n = sizeof member - 1;
    char twice[200];
    memcpy(twice, member, n);
    memcpy(twice + n, member, n);
    memcpy(twice + 2 * n, "\0\0padding", 9);
    struct buf out = BUF_INIT(16), small = BUF_INIT(15);
    assert_null(zip_unpack_gzip(&out, twice, 2 * n + 9)); /* exactly full */
    assert_string_equal(buf_str(&out), "sitemap\nsitemap\n");
    assert_string_equal(zip_unpack_gzip(&small, twice, 2 * n), "too large when unpacked");
    assert_string_equal(buf_str(&small), "sitemap\nsitemap");
    for (size_t cut = 0; cut < n; cut++) {
        buf_reset(&out);
        assert_non_null(zip_unpack_gzip(&out, member, cut));
    }
    buf_reset(&out);
    assert_string_equal(zip_unpack_gzip(&out, "no gzip at all", 14), "not gzip, or damaged");
    buf_release(&out);
    buf_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gzip),         cmocka_unit_test(test_round_trip), cmocka_unit_test(test_exact_fit_of_a_stream),
        cmocka_unit_test(test_pack_maximum), cmocka_unit_test(test_bad_frames), cmocka_unit_test(test_bomb),
    };
    return cmocka_run_group_tests_name("zip", tests, NULL, NULL);
}
