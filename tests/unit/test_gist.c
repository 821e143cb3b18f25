/* The extractive engine: what it promises of every summary, and what it prefers. */
#include "test.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "summarizer/engine.h"
#include "summarizer/gist.h"
#include "summarizer/gist_text.h"
#include "summarizer/settings.h"

static struct gist *gist;
static struct gist_result result;

static int begin(void **state)
{
    (void)state;
    gist = gist_new(NULL);
    gist_result_init(&result);
    return 0;
}

static int end(void **state)
{
    (void)state;
    gist_result_release(&result);
    gist_free(&gist);
    return 0;
}

static const char *summarise(const char *text, int sentences)
{
    struct gist_request request = {.text = text, .length = strlen(text), .sentences = sentences};
    gist_summarise(gist, &request, &result);
    return buf_str(&result.summary);
}

/* A report whose opening tells it all, then details, with a list, code and a caption in it. */
static const char report[] = "The city council of Graz decided on Monday to build a new tram line to the university hospital.\n"
                             "The tram line will cost 40 million euros and open in 2028, the mayor of the city said.\n\n"
                             "Figure 1: The tram line on a map of the city council.\n\n"
                             "\"We have waited for this tram line for thirty years,\" the mayor said on Monday.\n\n"
                             "The hospital is the largest employer of the city, and most of its staff come by car today.\n\n"
                             "- The tram line of the city council costs money.\n- The tram line of the council opens.\n\n"
                             "int tram(void) { return council[line] + city; } // the tram line.\n\n"
                             "Opponents fear noise in the narrow streets around the old market.\n\n"
                             "A petition against the plan was signed by two thousand people, among them several doctors.\n\n"
                             "The weather was fine.";

static void test_whole_sentences_in_order(void **state)
{
    (void)state;
    const char *got = summarise(report, 3);
    const char *last = report;
    int lines = 0;
    assert_int_equal(result.picked, 3);
    assert_string_equal(result.lang, "en");
    for (const char *line = got; line; lines++) {
        const char *stop = strchr(line, '\n');
        char *one = strndup(line, stop ? (size_t)(stop - line) : strlen(line));
        const char *at = strstr(report, one);
        if (!at) fail_msg("not word for word: %s", one);
        assert_true(at >= last);
        last = at;
        assert_null(strstr(one, "Figure"));
        assert_null(strstr(one, "return"));
        assert_true(at < report + 2 || memcmp(at - 2, "- ", 2) != 0); /* no item of the list */
        free(one);
        line = stop ? stop + 1 : NULL;
    }
    assert_int_equal(lines, 3);
    assert_memory_equal(got, "The city council of Graz", 24);
}

static void test_small_texts(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", ""},
        {" \n\n ", ""},
        {"Short", "Short"},
        {"no end, no capital", "no end, no capital"},
        {"One sentence is all there is here.", "One sentence is all there is here."},
        {"- only an item\n- and another", "- only an item\n- and another"},
        {"x[0] = {1, 2};", "x[0] = {1, 2};"},
        {"The same sentence is here again. The same sentence is here again.", "The same sentence is here again."},
        {"...", "..."},
        {"1 2 3", "1 2 3"},
        {"[1]", "[1]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_string_equal(summarise(cases[i].in, 3), cases[i].want);
}

static void test_number_of_sentences(void **state)
{
    (void)state;
    static const struct {
        int asked, got;
    } cases[] = {{1, 1}, {2, 2}, {5, 5}, {100, 7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        summarise(report, cases[i].asked);
        assert_int_equal(result.picked, cases[i].got);
    }
}

static void test_cap(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1u << 20);
    while (text.len < 10000) buf_add_str(&text, "größer und ");
    summarise(buf_str(&text), 1);
    assert_true(result.summary.len <= GIST_SENTENCE_BYTES && result.summary.len > GIST_SENTENCE_BYTES - 4);
    assert_true(utf8_valid(result.summary.data, result.summary.len));
    buf_release(&text);
}

static void test_title_counts(void **state)
{
    (void)state;
    static const char text[] = "Apples are sold in many markets of the region now. Pears are sold in many markets of the region now. "
                               "Plums are sold in many markets of the region now.";
    struct gist_request request = {.text = text, .length = strlen(text), .sentences = 1, .title = "A word on plums", .lang = "en"};
    struct gist_weights weights = gist_weights_default;
    weights.lead = 0; /* so short a text is all opening */
    struct gist *other = gist_new(&weights);
    gist_summarise(other, &request, &result);
    gist_free(&other);
    assert_string_equal(buf_str(&result.summary), "Plums are sold in many markets of the region now.");
}

/* What was summarised before leaves no trace. */
static void test_same_again(void **state)
{
    (void)state;
    char *first = strdup(summarise(report, 3));
    summarise("Ein ganz anderer Text in einer anderen Sprache ist das hier. Er ist nicht lang.", 3);
    assert_string_equal(summarise(report, 3), first);
    free(first);
}

static void test_languages(void **state)
{
    (void)state;
    static const struct {
        const char *lang, *text;
        int picked;
    } cases[] = {
        {"de",
         "Der Rat der Stadt hat den Bau einer Linie beschlossen. Die Linie kostet viel Geld. Das Wetter war schön an diesem Tag. Der Rat baut die Linie.",
         2},
        {"ru", "Совет города решил построить новую линию. Линия стоит много денег. Погода была очень хорошей. Совет строит линию в городе.",
         2},
        {"zh", "市议会决定修建一条新的电车线路。这条新的电车线路需要很多资金。当天天气很好，大家都很高兴。市议会将修建这条线路。", 2},
        {"ja", "市議会は新しい路線を建設することを決めました。新しい路線には多くの資金が必要です。その日は天気がとても良かったです。", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        summarise(cases[i].text, 2);
        assert_string_equal(result.lang, cases[i].lang);
        assert_int_equal(result.picked, cases[i].picked);
    }
}

static void on_summary(void *context, const struct engine_summary *summary)
{
    *(bool *)context = *summary->detail != '\0';
    assert_string_equal(summary->engine, "extractive");
    assert_int_equal(summary->reason, CODE_OK);
}

/* What is beyond the cap is not looked at, and the result says so, up to the stored row. */
static void test_capped(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(LIMIT_TEXT);
    static char name[] = "extractive";
    summarizer_settings.engine = name;
    summarizer_settings.sentences = 3;
    struct engine *engine = engine_new(ev_default_loop(0));
    for (unsigned extra = 0; extra < 2; extra++) {
        buf_reset(&text);
        for (unsigned i = 0; i < GIST_SENTENCES_READ + extra; i++) buf_addf(&text, "The council built the line number %u.\n\n", i);
        summarise(buf_str(&text), 3);
        assert_int_equal(result.sentences, GIST_SENTENCES_READ);
        assert_int_equal(result.capped, extra);
        bool said = false;
        struct engine_article article = {.text = text.data, .length = text.len};
        assert_null(engine_ask(engine, &article, on_summary, &said));
        assert_int_equal(said, extra);
    }
    engine_free(&engine);
    buf_release(&text);
}

/* Time grows with the text, not with its square: 16 times the text in less than 64 times the time. */
static void test_near_linear(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(LIMIT_TEXT);
    int64_t us[2];
    unsigned seed = 7;
    for (int size = 0; size < 2; size++) {
        buf_reset(&text);
        while (text.len < (size ? 480000u : 30000u)) {
            for (int w = 0; w < 15; w++) {
                seed = seed * 1103515245u + 12345u;
                buf_addf(&text, "%sword%u", w ? " " : "A ", (seed >> 16) % 2000);
            }
            buf_add_str(&text, ".\n\n");
        }
        us[size] = INT64_MAX;
        for (int round = 0; round < 3; round++) { /* the best of three: other programs run, too */
            int64_t start = clock_mono_us();
            summarise(buf_str(&text), 3);
            int64_t took = clock_mono_us() - start;
            us[size] = took < us[size] ? took : us[size];
        }
    }
    if (us[1] > 64 * us[0]) fail_msg("%lld us for 30 KB, %lld us for 480 KB", (long long)us[0], (long long)us[1]);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole_sentences_in_order),
                                       cmocka_unit_test(test_small_texts),
                                       cmocka_unit_test(test_number_of_sentences),
                                       cmocka_unit_test(test_cap),
                                       cmocka_unit_test(test_title_counts),
                                       cmocka_unit_test(test_same_again),
                                       cmocka_unit_test(test_languages),
                                       cmocka_unit_test(test_capped),
                                       cmocka_unit_test(test_near_linear)};
    return cmocka_run_group_tests(tests, begin, end);
}
