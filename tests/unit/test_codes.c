/* The closed list of codes: every entry is whole and found by its name. */
#include "test.h"

#include <string.h>

#include "line/codes.h"

static void test_every_code(void **state)
{
    (void)state;
    for (int i = 0; i < CODE_COUNT; i++) {
        enum code code = (enum code)i, found;
        const char *name = code_name(code);
        assert_true(strlen(name) >= 2 && strlen(name) <= 30);
        assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_45X"), strlen(name));
        assert_true(strlen(code_text(code)) > 5);
        assert_true(code_parse(name, &found));
        assert_int_equal(found, code);
        /* Only a final state can follow from an outcome. */
        assert_true(code_state(code) >= STATE_STORED && code_state(code) <= STATE_CANCELLED);
        assert_true(code_verdict(code) == VERDICT_DONE || code_state(code) != STATE_STORED || strncmp(name, "MODEL_", 6) == 0 ||
                    code == CODE_BUDGET_EXCEEDED);
        for (int j = 0; j < i; j++) assert_string_not_equal(name, code_name((enum code)j));
    }
}

static void test_outside(void **state)
{
    (void)state;
    enum code code = CODE_OK;
    static const enum code outside[] = {CODE_COUNT, (enum code) - 1, (enum code)1000};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(code_name(outside[i]), "?");
        assert_string_equal(code_text(outside[i]), "?");
        assert_int_equal(code_verdict(outside[i]), code_verdict(CODE_BAD_RECORD));
        assert_int_equal(code_state(outside[i]), code_state(CODE_BAD_RECORD));
    }
    static const char *const names[] = {"", "?", "ok", "TIMEOUT ", "TIME"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_false(code_parse(names[i], &code));
    assert_int_equal(code, CODE_OK);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const verdicts[] = {"done", "retry", "reject", "?"};
    static const char *const states[] = {"registered", "scheduled", "stored", "skipped", "error", "cancelled", "?"};
    for (int i = 0; i < 4; i++) assert_string_equal(verdict_name((enum verdict)i), verdicts[i]);
    for (int i = 0; i < 7; i++) assert_string_equal(state_name((enum page_state)i), states[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_code), cmocka_unit_test(test_outside), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests_name("codes", tests, NULL, NULL);
}
