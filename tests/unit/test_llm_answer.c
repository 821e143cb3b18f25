/* What a model wrote: cleaned, or not a summary. */
#include "test.h"

#include <string.h>

#include "line/limits.h"
#include "summarizer/llm_answer.h"

#define WORDS 10 /* asked for */

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        bool cut_off;
        enum llm_answer_fault fault;
        const char *want;
    } cases[] = {
        {"The city builds a tram.", false, LLM_ANSWER_GOOD, "The city builds a tram."},
        {"  \n The city\tbuilds\x07 a tram.\r\n", false, LLM_ANSWER_GOOD, "The city builds a tram."},
        {"First line.\nSecond line.", false, LLM_ANSWER_GOOD, "First line.\nSecond line."},
        {"<think>\nHm. Let me see.\n</think>\n\nThe city builds.", false, LLM_ANSWER_GOOD, "The city builds."},
        {"Hm. Let me see.</think>The city builds.", false, LLM_ANSWER_GOOD, "The city builds."},
        {"<think>I wonder", true, LLM_ANSWER_BROKEN, ""},
        {"<think>I wonder", false, LLM_ANSWER_EMPTY, ""},
        {"```text\nThe city builds.\n```", false, LLM_ANSWER_GOOD, "The city builds."},
        {"```\n```", false, LLM_ANSWER_EMPTY, ""},
        {"", false, LLM_ANSWER_EMPTY, ""},
        {" \n\t", false, LLM_ANSWER_EMPTY, ""},
        {"…!?", false, LLM_ANSWER_EMPTY, ""},
        {"", true, LLM_ANSWER_BROKEN, ""},
        {"The city builds. It will be", true, LLM_ANSWER_GOOD, "The city builds."},
        {"市は新しい路線を建設する。費用は", true, LLM_ANSWER_GOOD, "市は新しい路線を建設する。"},
        {"The city will", true, LLM_ANSWER_BROKEN, ""},
        {"I'm sorry, but I can't help with that.", false, LLM_ANSWER_REFUSAL, ""},
        {"\"I cannot assist with this request.\"", false, LLM_ANSWER_REFUSAL, ""},
        {"As an AI language model, I cannot browse.", false, LLM_ANSWER_REFUSAL, ""},
        {"Es tut mir leid, dabei kann ich nicht helfen.", false, LLM_ANSWER_REFUSAL, ""},
        {"Lo siento, no puedo ayudar con eso.", false, LLM_ANSWER_REFUSAL, ""},
        {"抱歉，我无法提供帮助。", false, LLM_ANSWER_REFUSAL, ""},
        {"# The city\nIt builds.", false, LLM_ANSWER_MARKUP, ""},
        {"- A tram.\n- A harbour.", false, LLM_ANSWER_MARKUP, ""},
        {"1. A tram.\n2. A harbour.", false, LLM_ANSWER_MARKUP, ""},
        {"See [this](http://evil.example).", false, LLM_ANSWER_MARKUP, ""},
        {"<b>Bold</b> claims.", false, LLM_ANSWER_MARKUP, ""},
        {"1. FC Köln won.", false, LLM_ANSWER_GOOD, "1. FC Köln won."},
        {"x < 3 and y > 4.", false, LLM_ANSWER_GOOD, "x < 3 and y > 4."},
        {"A man says: I'm sorry, but I can't help.", false, LLM_ANSWER_GOOD, "A man says: I'm sorry, but I can't help."},
    };
    struct buf out = BUF_INIT(LIMIT_SUMMARY);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum llm_answer_fault got = llm_answer_read(cases[i].in, cases[i].cut_off, WORDS, LLM_PARAGRAPH, &out);
        if (got != cases[i].fault || strcmp(buf_str(&out), cases[i].want) != 0)
            fail_msg("%s: fault %d, want %d; got \"%s\"", cases[i].in, got, cases[i].fault, buf_str(&out));
    }
    buf_release(&out);
}

static void add_words(struct buf *b, int words, const char *word)
{
    for (int i = 0; i < words; i++) buf_add_str(b, word);
}

static void test_length(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        int count;
        enum llm_answer_fault want;
    } cases[] = {{"word ", 70, LLM_ANSWER_GOOD},         {"word ", 71, LLM_ANSWER_LONG},     {"字", 140, LLM_ANSWER_GOOD},
                 {"字", 141, LLM_ANSWER_LONG},           {"word ", 100000, LLM_ANSWER_LONG}, {"x", 70000, LLM_ANSWER_LONG},
                 {"I'm sorry but ", 21, LLM_ANSWER_GOOD} /* a refusal is short */};
    struct buf in = BUF_INIT(1u << 20), out = BUF_INIT(LIMIT_SUMMARY);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&in);
        add_words(&in, cases[i].count, cases[i].word);
        assert_int_equal(llm_answer_read(buf_str(&in), false, WORDS, LLM_PARAGRAPH, &out), cases[i].want);
        assert_true((out.len > 0) == (cases[i].want == LLM_ANSWER_GOOD));
    }
    buf_release(&in);
    buf_release(&out);
}

static void test_bullets(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum llm_answer_fault fault;
        const char *want;
    } cases[] = {
        {"- A tram.\n- A harbour.", LLM_ANSWER_GOOD, "- A tram.\n- A harbour."},
        {"* A tram.\n\n 2. A harbour.\n• A city.", LLM_ANSWER_GOOD, "- A tram.\n- A harbour.\n- A city."},
        {"A tram.", LLM_ANSWER_GOOD, "- A tram."},
        {"# Trams\n- A tram.", LLM_ANSWER_MARKUP, ""},
        {"- [A tram](http://evil.example)", LLM_ANSWER_MARKUP, ""},
    };
    struct buf out = BUF_INIT(LIMIT_SUMMARY);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum llm_answer_fault got = llm_answer_read(cases[i].in, false, WORDS, LLM_BULLETS, &out);
        if (got != cases[i].fault || strcmp(buf_str(&out), cases[i].want) != 0)
            fail_msg("%s: fault %d; got \"%s\"", cases[i].in, got, buf_str(&out));
    }
    buf_release(&out);
}

static void test_language(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *wanted;
        bool foreign;
    } cases[] = {
        {"The city builds a tram that joins the harbour and the university, and it will run from the morning on.", "en", false},
        {"The city builds a tram that joins the harbour and the university, and it will run from the morning on.", "de-AT", true},
        {"Die Stadt baut eine Straßenbahn, die den Hafen und die Universität verbindet, und sie wird ab morgen fahren.", "de", false},
        {"Die Stadt baut eine Straßenbahn, die den Hafen und die Universität verbindet, und sie wird ab morgen fahren.", "en", true},
        {"Город строит трамвай, который соединит порт и университет, и он будет ходить с раннего утра.", "en", true},
        {"Город строит трамвай, который соединит порт и университет, и он будет ходить с раннего утра.", "uk", false},
        {"The city builds a tram.", "de", false},
        {"The city builds a tram that joins the harbour and the university, and it will run from the morning on.", "", false},
        {"The city builds a tram that joins the harbour and the university, and it will run from the morning on.", "simple English", false},
    };
    struct gist_langs *langs = gist_langs_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (llm_answer_is_foreign(langs, cases[i].answer, cases[i].wanted) != cases[i].foreign)
            fail_msg("%s: %s", cases[i].wanted, cases[i].answer);
    gist_langs_free(&langs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers), cmocka_unit_test(test_length), cmocka_unit_test(test_bullets),
                                       cmocka_unit_test(test_language)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
