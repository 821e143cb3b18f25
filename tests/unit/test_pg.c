/* Parameters and arrays: the exact bytes of PostgreSQL's binary format; and what needs no server. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line/pg.h"

static const struct digest digest = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

static void assert_hex(const char *bytes, size_t n, const char *want)
{
    char *got = calloc(2, n + 1);
    for (size_t i = 0; i < n; i++) snprintf(got + 2 * i, 3, "%02x", (unsigned char)bytes[i]);
    assert_string_equal(got, want);
    free(got);
}

static void assert_item(const struct pg_params *p, int i, int oid, const char *want)
{
    assert_int_equal(p->items[i].oid, oid);
    assert_int_equal(p->items[i].null, want == NULL);
    if (want) assert_hex(buf_str(&p->bytes) + p->items[i].offset, p->items[i].length, want);
}

static void test_params(void **state)
{
    (void)state;
    struct pg_params p;
    pg_params_init(&p);
    pg_add_text(&p, "");
    assert_item(&p, 0, 25, "");
    pg_params_reset(&p);
    pg_add_int(&p, -2);
    pg_add_bool(&p, true);
    pg_add_text(&p, "a\xc3\xa4");
    pg_add_text(&p, NULL);
    pg_add_bytes(&p, "\0\1", 2);
    pg_add_uuid(&p, &digest);
    pg_add_uuid(&p, NULL);
    pg_add_time(&p, 0);
    pg_add_time(&p, 946684800001);
    pg_add_time(&p, 946684799999);
    static const struct {
        int oid;
        const char *want;
    } want[] = {{20, "fffffffffffffffe"},
                {16, "01"},
                {25, "61c3a4"},
                {25, NULL},
                {17, "0001"},
                {2950, "000102030405060708090a0b0c0d0e0f"},
                {2950, NULL},
                {1184, NULL},
                {1184, "00000000000003e8"},
                {1184, "fffffffffffffc18"}};
    assert_int_equal(p.count, 10);
    for (int i = 0; i < 10; i++) assert_item(&p, i, want[i].oid, want[i].want);
    pg_params_release(&p);
}

static void test_arrays(void **state)
{
    (void)state;
    struct pg_params p;
    struct pg_array a[7];
    pg_params_init(&p);
    for (int type = 0; type < 7; type++) pg_array_init(&a[type], (enum pg_type)type);
    pg_array_int(&a[PG_INT4], 1);
    pg_array_int(&a[PG_INT4], -1);
    pg_array_int(&a[PG_INT8], 1LL << 40);
    pg_array_bool(&a[PG_BOOL], true);
    pg_array_bool(&a[PG_BOOL], false);
    pg_array_text(&a[PG_TEXT], "ab");
    pg_array_text(&a[PG_TEXT], NULL);
    pg_array_text(&a[PG_TEXT], "");
    pg_array_bytes(&a[PG_BYTEA], "\0", 1);
    pg_array_uuid(&a[PG_UUID], &digest);
    pg_array_uuid(&a[PG_UUID], NULL);
    pg_array_time(&a[PG_TIMESTAMPTZ], 946684800001);
    pg_array_time(&a[PG_TIMESTAMPTZ], 0);
    for (int type = 0; type < 7; type++) pg_add_array(&p, &a[type]);
    static const struct {
        int oid;
        const char *want;
    } want[] = {
        [PG_INT4] = {1007, "0000000100000000"
                           "00000017"
                           "0000000200000001"
                           "0000000400000001"
                           "00000004ffffffff"},
        [PG_INT8] = {1016, "0000000100000000"
                           "00000014"
                           "0000000100000001"
                           "000000080000010000000000"},
        [PG_BOOL] = {1000, "0000000100000000"
                           "00000010"
                           "0000000200000001"
                           "0000000101"
                           "0000000100"},
        [PG_TEXT] = {1009, "0000000100000001"
                           "00000019"
                           "0000000300000001"
                           "000000026162"
                           "ffffffff"
                           "00000000"},
        [PG_BYTEA] = {1001, "0000000100000000"
                            "00000011"
                            "0000000100000001"
                            "0000000100"},
        [PG_UUID] = {2951, "0000000100000001"
                           "00000b86"
                           "0000000200000001"
                           "00000010000102030405060708090a0b0c0d0e0f"
                           "ffffffff"},
        [PG_TIMESTAMPTZ] = {1185, "0000000100000001"
                                  "000004a0"
                                  "0000000200000001"
                                  "0000000800000000000003e8"
                                  "ffffffff"},
    };
    for (int type = 0; type < 7; type++) assert_item(&p, type, want[type].oid, want[type].want);
    pg_params_reset(&p);
    for (int type = 0; type < 7; type++) pg_array_reset(&a[type]);
    pg_add_array(&p, &a[PG_TEXT]);
    assert_item(&p, 0, 1009, "000000000000000000000019");
    for (int type = 0; type < 7; type++) pg_array_release(&a[type]);
    pg_params_release(&p);
}

static void test_out_of_range(void **state)
{
    (void)state;
    struct pg_params p;
    struct pg_array a, times;
    pg_params_init(&p);
    pg_array_init(&a, PG_INT4);
    pg_array_init(&times, PG_TIMESTAMPTZ);
    pg_array_int(&a, INT32_MAX);
    pg_array_int(&a, INT32_MIN);
    pg_add_array(&p, &a);
    assert_false(buf_failed(&p.bytes));
    pg_array_int(&a, (int64_t)INT32_MAX + 1);
    pg_add_array(&p, &a);
    assert_true(buf_failed(&p.bytes));
    pg_params_reset(&p);
    assert_false(buf_failed(&p.bytes));
    pg_array_time(&times, INT64_MAX);
    pg_add_array(&p, &times);
    assert_true(buf_failed(&p.bytes));
    pg_params_reset(&p);
    pg_add_time(&p, INT64_MIN);
    assert_true(buf_failed(&p.bytes));
    pg_array_release(&a);
    pg_array_release(&times);
    pg_params_release(&p);
}

static void test_without_server(void **state)
{
    (void)state;
    static const struct {
        const char *url, *want;
    } cases[] = {
        {"postgresql://u:secret@127.0.0.1:1/x", "127.0.0.1"},
        {"postgresql://u:secret@[::1/x", "connect: not a PostgreSQL connection URL"},
        {"password=secret host", "connect: not a PostgreSQL connection URL"},
        {"http://u:secret@h/x?a=b", "connect: not a PostgreSQL connection URL"},
    };
    static const struct pg_stmt one = {"one", "SELECT 1"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pg *pg = pg_new(cases[i].url, "test", 1000);
        struct pg_result *result = (struct pg_result *)&one;
        assert_false(pg_connect(pg));
        assert_non_null(strstr(pg_error(pg), cases[i].want));
        assert_null(strstr(pg_error(pg), "secret"));
        assert_null(strchr(pg_error(pg), '\n'));
        assert_false(pg_connected(pg));
        assert_int_equal(pg_socket(pg), -1);
        assert_false(pg_notified(pg));
        assert_int_equal(pg_exec(pg, "SELECT 1"), PG_LOST);
        assert_int_equal(pg_run(pg, &one, NULL, &result), PG_LOST);
        assert_string_equal(pg_error(pg), "one: not connected");
        assert_null(result);
        pg_free(&pg);
        assert_null(pg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_without_server),
    };
    return cmocka_run_group_tests_name("pg", tests, NULL, NULL);
}
