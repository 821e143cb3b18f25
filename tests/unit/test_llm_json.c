/* Chat completions: the request as written, responses as read, garbage survived. */
#include "test.h"

#include <string.h>

#include "summarizer/llm_json.h"

static void test_request(void **state)
{
    (void)state;
    struct llm_json_request r = {.model = "m\"1", .system = "S\n", .user = "Ü", .max_tokens = 600, .temperature = 0.5};
    struct buf out = BUF_INIT(1u << 16), small = BUF_INIT(20);
    assert_true(llm_json_request(&out, &r));
    assert_string_equal(
        buf_str(&out),
        "{\"model\":\"m\\\"1\",\"messages\":[{\"role\":\"system\",\"content\":\"S\\n\"},{\"role\":\"user\",\"content\":\"Ü\"}],"
        "\"max_tokens\":600,\"temperature\":0.5,\"stream\":false}");
    buf_reset(&out);
    r.completion_tokens = r.no_temperature = true;
    assert_true(llm_json_request(&out, &r));
    assert_non_null(strstr(buf_str(&out), "\"max_completion_tokens\":600,\"stream\""));
    assert_false(llm_json_request(&small, &r));
    buf_release(&out);
    buf_release(&small);
}

static void test_summary(void **state)
{
    (void)state;
    static const struct {
        const char *content, *want; /* NULL: nothing in it */
    } cases[] = {
        {"{\"summary\":\"A tram.\",\"points\":[\"one\",2,\"three\"],\"x\":1}", "{\"summary\":\"A tram.\",\"points\":[\"one\",\"three\"]}"},
        {"Here you are: {\"summary\": \"A \\\"tram\\\".\"} Bye.", "{\"summary\":\"A \\\"tram\\\".\",\"points\":[]}"},
        {"A tram.", "{\"summary\":\"A tram.\",\"points\":[]}"},
        {"{ a tram }", "{\"summary\":\"{ a tram }\",\"points\":[]}"},
        {"{\"summary\":\" \"}", NULL},
        {"{\"points\":[\"one\"]}", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(1000);
        bool good = llm_json_summary(&out, cases[i].content);
        if (good != (cases[i].want != NULL) || (good && strcmp(buf_str(&out), cases[i].want) != 0))
            fail_msg("%s: %s", cases[i].content, buf_str(&out));
        buf_release(&out);
    }
}

static void test_responses(void **state)
{
    (void)state;
    static const struct {
        const char *body, *content; /* NULL: not valid */
        bool refused, cut_off;
        int64_t in, out;
        const char *error;
    } cases[] = {
        {"{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}",
         "Hi", false, false, 7, 2, ""},
        {"{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"length\"}]}", "Hi", false, true, 0, 0, ""},
        {"{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"No.\"}}]}", "", true, false, 0, 0, ""},
        {"{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"content_filter\"}]}", "", true, false, 0, 0, ""},
        {"{\"choices\":[{\"message\":{\"content\":[1]}}],\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1e300}}", "", false, false,
         0, 0, ""},
        {"{\"choices\":[]}", NULL, false, false, 0, 0, ""},
        {"{\"choices\":[{\"message\":\"x\"}]}", NULL, false, false, 0, 0, ""},
        {"{\"error\":{\"message\":\"no\\ncredit\"}}", NULL, false, false, 0, 0, "no credit"},
        {"{\"error\":\"model not found\"}", NULL, false, false, 0, 0, "model not found"},
        {"{\"detail\":\"nope\"}", NULL, false, false, 0, 0, "nope"},
        {"[1]", NULL, false, false, 0, 0, ""},
        {"", NULL, false, false, 0, 0, ""},
        {"<html>", NULL, false, false, 0, 0, ""},
        {"{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}", NULL, false, false, 0, 0, ""},
        {"{\"choices\":[{\"message\":{\"content\":\"\\ud800\"}}]}", NULL, false, false, 0, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct llm_json_response r;
        llm_json_response(cases[i].body, strlen(cases[i].body), &r);
        if (r.valid != (cases[i].content != NULL)) fail_msg("%s: valid %d", cases[i].body, r.valid);
        if (r.valid) assert_string_equal(r.content, cases[i].content);
        assert_int_equal(r.refused, cases[i].refused);
        assert_int_equal(r.cut_off, cases[i].cut_off);
        assert_int_equal(r.tokens_in, cases[i].in);
        assert_int_equal(r.tokens_out, cases[i].out);
        assert_string_equal(r.error, cases[i].error);
        llm_json_release(&r);
    }
}

static void test_wishes(void **state)
{
    (void)state;
    static const char tokens[] = "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.\"}}";
    static const char temperature[] = "{\"error\":{\"message\":\"'temperature' does not support 0.2\"}}";
    struct llm_json_response r;
    llm_json_response(tokens, sizeof tokens - 1, &r);
    assert_true(r.wants_completion_tokens);
    assert_false(r.wants_no_temperature);
    llm_json_response(temperature, sizeof temperature - 1, &r);
    assert_true(r.wants_no_temperature);
}

/* The words of an error are cut between characters. */
static void test_long_error(void **state)
{
    (void)state;
    struct buf body = BUF_INIT(4096);
    struct llm_json_response r;
    buf_add_str(&body, "{\"error\":\"");
    for (int i = 0; i < 150; i++) buf_add_str(&body, "€");
    buf_add_str(&body, "\"}");
    llm_json_response(buf_str(&body), body.len, &r);
    assert_int_equal(strlen(r.error), 198);
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_request), cmocka_unit_test(test_summary), cmocka_unit_test(test_responses),
                                       cmocka_unit_test(test_wishes), cmocka_unit_test(test_long_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
