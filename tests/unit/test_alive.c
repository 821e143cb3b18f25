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
    snprintf(a.alarm, sizeof a.alarm, "low on disk");
    snprintf(a.model, sizeof a.model, "{\"engine\":\"llm\"}");
    a.hand_count = 2;
    a.hand[0] = (struct alive_page){7, 3, 1700000000123};
    a.hand[1] = (struct alive_page){999999999999999, 1, 0};
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
    assert_string_equal(b.alarm, "low on disk");
    assert_string_equal(b.model, "{\"engine\":\"llm\"}");
    assert_int_equal(b.hand_count, 2);
    assert_memory_equal(b.hand, a.hand, 2 * sizeof *a.hand);
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

/* As many pages as it names, with the longest numbers: one header, one frame (128 KiB). */
static void test_full_hand(void **state)
{
    (void)state;
    struct alive a, b;
    struct buf json;
    alive_begin(&a, "writer");
    a.hand_count = ALIVE_HAND;
    for (size_t i = 0; i < ALIVE_HAND; i++) a.hand[i] = (struct alive_page){999999999999999 - (int64_t)i, 999999999999999, 999999999999999};
    buf_init(&json, 65536);
    alive_encode(&a, &json);
    assert_false(buf_failed(&json));
    assert_true(alive_decode(buf_str(&json), &b));
    assert_int_equal(b.hand_count, ALIVE_HAND);
    assert_memory_equal(b.hand, a.hand, sizeof a.hand);
    buf_release(&json);
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
        "{\"id\":\"x\",\"program\":\"p\",\"hand\":7," REST "}",
        "{\"id\":\"x\",\"program\":\"p\",\"hand\":[1,2]," REST "}",
        "{\"id\":\"x\",\"program\":\"p\",\"hand\":[1,2,3,4]," REST "}",
        "{\"id\":\"x\",\"program\":\"p\",\"hand\":[1,\"2\",3]," REST "}",
        "{\"id\":\"x\",\"program\":\"p\",\"hand\":[1,-2,3]," REST "}",
        "{\"id\":\"x\",\"program\":\"p\",\"alarm\":7," REST "}",
        "{\"id\":\"x\",\"program\":\"p\",\"model\":\"[]\"," REST "}",
        "{\"id\":\"x\",\"program\":\"p\",\"model\":\"{\"," REST "}",
        "{\"id\":\"x\",\"program\":\"p\",\"model\":\"{} {}\"," REST "}",
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
        cmocka_unit_test(test_full_hand),
        cmocka_unit_test(test_two_starts_differ),
        cmocka_unit_test(test_anything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
