/* What a program says of itself: written, read, and nothing else is read. */
#include "line/alive.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

static void test_round_trip(void **state)
{
    (void)state;
    struct alive a, b;
    struct buf json;
    alive_begin(&a, "parser");
    snprintf(a.state, sizeof a.state, "waiting");
    snprintf(a.why, sizeof a.why, "\"the model\" is \\away\n");
    a.in_hand = 17;
    buf_init(&json, 4096);
    alive_encode(&a, &json);
    assert_true(alive_decode(buf_str(&json), &b));
    assert_int_equal(strlen(b.id), 32);
    assert_string_equal(b.id, a.id);
    assert_string_equal(b.program, "parser");
    assert_string_equal(b.host, a.host);
    assert_string_equal(b.version, GM_VERSION);
    assert_string_equal(b.state, "waiting");
    assert_string_equal(b.why, a.why);
    assert_true(b.pid == a.pid && b.started_at == a.started_at && b.in_hand == 17);
    buf_release(&json);
}

static void test_two_starts_differ(void **state)
{
    (void)state;
    struct alive a, b;
    alive_begin(&a, "parser");
    alive_begin(&b, "parser");
    assert_string_not_equal(a.id, b.id);
}

#define REST "\"host\":\"h\",\"version\":\"1\",\"state\":\"working\",\"why\":\"\",\"pid\":1,\"started_at\":2,\"in_hand\":0"

static void test_anything_else(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "{\"id\":\"x\"}",
        "{\"id\":\"\",\"program\":\"p\"," REST "}",
        "{\"id\":\"x\",\"program\":7," REST "}",
        "{\"id\":\"x\",\"program\":\"a name that is longer than any of ours\"," REST "}",
        "{\"id\":\"x\",\"program\":\"\xff\"," REST "}",
        "{\"id\":\"x\",\"program\":\"p\",\"host\":\"h\",\"version\":\"1\",\"state\":\"w\",\"why\":\"\",\"pid\":-1,\"started_at\":2,\"in_hand\":0}",
        "{\"id\":\"x\",\"program\":\"p\",\"host\":\"h\",\"version\":\"1\",\"state\":\"w\",\"why\":\"\",\"pid\":1e300,\"started_at\":2,\"in_hand\":0}",
    };
    struct alive a;
    assert_true(alive_decode("{\"id\":\"x\",\"program\":\"p\",\"more\":1," REST "}", &a));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (alive_decode(rows[i], &a)) fail_msg("read: %s", rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_two_starts_differ),
        cmocka_unit_test(test_anything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
