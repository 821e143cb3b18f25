/* The growable buffer: growth, its maximum, and the failure mark. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static void test_append(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(100);
    assert_string_equal(buf_str(&b), "");
    assert_true(buf_add(&b, NULL, 0));
    assert_true(buf_add_str(&b, "ab"));
    assert_true(buf_add_char(&b, 'c'));
    assert_true(buf_addf(&b, "%d-%s", 5, "x"));
    assert_true(buf_add(&b, "\0z", 2));
    assert_int_equal(b.len, 8);
    assert_memory_equal(b.data, "abc5-x\0z", 9);
    buf_truncate(&b, 3);
    assert_string_equal(buf_str(&b), "abc");
    buf_truncate(&b, 50); /* no longer than it is */
    assert_int_equal(b.len, 3);
    buf_reset(&b);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(b.max, 100);
    buf_release(&b);
    assert_null(b.data);
    assert_true(buf_add_str(&b, "again"));
    buf_release(&b);
}

static void test_maximum(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(10);
    assert_true(buf_add_str(&b, "0123456789")); /* exactly full */
    assert_false(buf_failed(&b));
    assert_true(buf_add(&b, "", 0));
    assert_false(buf_add_char(&b, 'x'));
    assert_true(buf_failed(&b));
    assert_string_equal(buf_str(&b), "0123456789");
    buf_truncate(&b, 5);
    assert_true(buf_add_char(&b, 'x')); /* what fits is added, */
    assert_true(buf_failed(&b));        /* but the mark stays */
    assert_string_equal(buf_str(&b), "01234x");
    assert_false(buf_addf(&b, "%s", "12345"));
    assert_false(buf_reserve(&b, SIZE_MAX));
    assert_false(buf_reserve(&b, SIZE_MAX - 6));
    assert_string_equal(buf_str(&b), "01234x");
    buf_reset(&b);
    assert_false(buf_failed(&b));
    buf_release(&b);

    struct buf none = BUF_INIT(0);
    assert_true(buf_add(&none, "", 0));
    assert_false(buf_add_char(&none, 'x'));
    buf_release(&none);
}

static void test_growth(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(100001);
    for (size_t i = 0; i < 100001; i++) {
        assert_true(buf_add_char(&b, (char)('a' + i % 26)));
        assert_true(b.len < b.cap && b.cap <= b.max + 1 && b.data[b.len] == '\0');
    }
    assert_false(buf_add_char(&b, 'x'));
    for (size_t i = 0; i < b.len; i++) assert_int_equal(b.data[i], 'a' + (int)(i % 26));
    buf_release(&b);
}

static void test_take(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1u << 20);
    char *taken = buf_take(&b);
    assert_string_equal(taken, "");
    free(taken);
    buf_add_str(&b, "abc");
    taken = buf_take(&b);
    assert_string_equal(taken, "abc");
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.max, 1u << 20);
    free(taken);
    buf_reserve(&b, 500000);
    buf_add(&b, "d\0e", 3);
    taken = buf_take(&b); /* shrunk: a sanitizer sees a byte too few */
    assert_memory_equal(taken, "d\0e", 4);
    free(taken);
}

static void test_mem(void **state)
{
    (void)state;
    size_t cap = 0;
    int *numbers = NULL;
    for (int i = 0; i < 1000; i++) {
        numbers = mem_grow(numbers, &cap, (size_t)i + 1, sizeof *numbers);
        numbers[i] = i;
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(numbers[i], i);
    assert_true(cap >= 1000 && cap <= 2048);
    free(numbers);
    char *zeros = mem_calloc(10, 3), *empty = mem_alloc(0), *cut = mem_strndup("abcdef", 3);
    for (int i = 0; i < 30; i++) assert_int_equal(zeros[i], 0);
    assert_non_null(empty);
    assert_string_equal(cut, "abc");
    assert_null(mem_strdup(NULL));
    free(zeros);
    free(empty);
    free(cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append), cmocka_unit_test(test_maximum), cmocka_unit_test(test_growth),
        cmocka_unit_test(test_take),   cmocka_unit_test(test_mem),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
