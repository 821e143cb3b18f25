/* The configuration as a whole, and the table of failures. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "summarizer/settings.h"
#include "summarizer/summarizer_trouble.h"

static int clean(void **state)
{
    (void)state;
    for (const struct conf_row *row = summarizer_conf; row->name; row++) unsetenv(row->name);
    conf_release(summarizer_conf);
    return 0;
}

static void test_checks(void **state)
{
    (void)state;
    static const struct {
        const char *env[8]; /* names and values */
        int want;
        bool llm;
        const char *names; /* the variable the error names */
    } cases[] = {
        {{NULL}, 0, false, NULL},
        {{"OPENAI_BASE_URL", "http://127.0.0.1:1"}, 0, false, NULL},
        {{"SUMMARY_MODEL", "m"}, 0, false, NULL},
        {{"OPENAI_BASE_URL", "http://127.0.0.1:1", "SUMMARY_MODEL", "m"}, 0, true, NULL},
        {{"OPENAI_BASE_URL", "http://127.0.0.1:1", "SUMMARY_MODEL", "m", "SUMMARY_ENGINE", "extractive"}, 0, false, NULL},
        {{"OPENAI_BASE_URL", "http://127.0.0.1:1", "SUMMARY_MODEL", "m", "SUMMARY_ENGINE", "llm"}, 0, true, NULL},
        {{"SUMMARY_ENGINE", "llm"}, -1, false, "SUMMARY_ENGINE"},
        {{"SUMMARY_ENGINE", "gpt"}, -1, false, "SUMMARY_ENGINE"},
        {{"OPENAI_BASE_URL", "127.0.0.1:1", "SUMMARY_MODEL", "m"}, -1, false, "OPENAI_BASE_URL"},
        {{"SUMMARY_STYLE", "bullets"}, 0, false, NULL},
        {{"SUMMARY_STYLE", "haiku"}, -1, false, "SUMMARY_STYLE"},
        {{"DATABASE_URL", "http://x"}, 0, false, NULL}, /* not used without a model */
        {{"OPENAI_BASE_URL", "http://127.0.0.1:1", "SUMMARY_MODEL", "m", "DATABASE_URL", "http://x"}, -1, false, "DATABASE_URL"},
        {{"OPENAI_API_KEY", "two words"}, -1, false, "OPENAI_API_KEY"},
        {{"OPENAI_API_KEY", "sk\r\nX-Evil: 1"}, -1, false, "OPENAI_API_KEY"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_error error = {.text = ""};
        clean(NULL);
        for (size_t k = 0; k < 8 && cases[i].env[k]; k += 2) setenv(cases[i].env[k], cases[i].env[k + 1], 1);
        int got = conf_load(summarizer_conf, &error);
        if (got == 0) got = summarizer_settings_check(&error);
        if (got != cases[i].want || (cases[i].names && !strstr(error.text, cases[i].names)))
            fail_msg("case %zu: %d %s", i, got, error.text);
        if (got == 0) assert_int_equal(summarizer_settings_llm(), cases[i].llm);
        assert_null(strstr(error.text, "two words"));
    }
}

static void test_every_fault_has_a_line(void **state)
{
    (void)state;
    for (int fault = 0; fault < LLM_FAULT_COUNT; fault++) {
        struct trouble t = summarizer_trouble((enum llm_fault)fault, 0);
        assert_non_null(t.text);
        assert_int_equal(t.code == CODE_OK, fault == LLM_FINE);
        assert_int_equal(code_state(t.code), STATE_STORED); /* no failure of a model loses an article */
    }
}

static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        long status;
        enum code code;
        bool again, outage;
    } cases[] = {
        {400, CODE_MODEL_REFUSED, false, false},    {401, CODE_MODEL_UNAVAILABLE, false, true}, {402, CODE_MODEL_UNAVAILABLE, false, true},
        {403, CODE_MODEL_UNAVAILABLE, false, true}, {404, CODE_MODEL_UNAVAILABLE, false, true}, {408, CODE_MODEL_UNAVAILABLE, true, true},
        {413, CODE_MODEL_REFUSED, false, false},    {429, CODE_MODEL_UNAVAILABLE, true, true},  {500, CODE_MODEL_UNAVAILABLE, true, true},
        {503, CODE_MODEL_UNAVAILABLE, true, true},  {302, CODE_MODEL_UNAVAILABLE, false, true}, {204, CODE_MODEL_UNAVAILABLE, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trouble t = summarizer_trouble(LLM_HTTP, cases[i].status);
        if (t.code != cases[i].code || t.again != cases[i].again || t.outage != cases[i].outage) fail_msg("status %ld", cases[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_checks, clean, clean),
                                       cmocka_unit_test(test_every_fault_has_a_line), cmocka_unit_test(test_statuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
