/* What is no prose stays out of summaries: as Markdown lines, and from a real page through the parser's own code. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "line/limits.h"
#include "parser/extract/extract.h"
#include "summarizer/gist.h"
#include "summarizer/gist_shape.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *markdown, *line;
        bool want;
    } cases[] = {
        {"Prose goes on.", "Prose goes on.", false},
        {"- An item.", "An item.", true},
        {"12. An item.", "An item.", true},
        {"2019. A year.", "A year.", false},
        {"- - Nested.", "Nested.", true},
        {"- An item.\n\n  Its second block.", "Its second block.", true},
        {"> Quoted words.", "Quoted words.", false},
        {"> - Quoted item.", "Quoted item.", true},
        {"## Why it works?", "Why it works?", true},
        {"| a cell | another |", "a cell\tanother", true},
        {"| a \\| b | c |", "a | b\tc", true},
        {"```\nx = y[0];\n\nreturn x;\n```\n\nProse.", "x = y[0];", true},
        {"```\nx = y[0];\n\nreturn x;\n```\n\nProse.", "return x;", true},
        {"```\nx = y[0];\n```\n\nProse.", "Prose.", false},
        {"- See [the **guide**](<http://example.test/a_(b)>) now.", "See the guide now.", true},
        {"- See [the guide](http://example.test/a) now.", "See the guide now.", true},
        {"- A picture ![of it](http://example.test/a.png) here.", "A picture here.", true},
        {"- Not a link\\](no) here.", "Not a link](no) here.", true},
        {"- A link [without end", "A link [without end", true},
        {"- \\*starred\\* `code`", "*starred* code", true},
        {"- Größe zählt.", "Größe zählt.", true},
        {"-", "", false},
        {"", "", false},
        {NULL, "An item.", false},
    };
    struct gist_shape shape = {.slots = NULL};
    for (size_t i = 0; i < COUNT(cases); i++) {
        gist_shape_read(&shape, cases[i].markdown);
        if (gist_shape_has(&shape, cases[i].line, strlen(cases[i].line)) != cases[i].want)
            fail_msg("%s: %s", cases[i].markdown ? cases[i].markdown : "NULL", cases[i].line);
    }
    gist_shape_release(&shape);
}

/* Thousands of lines, one article after another: nothing is lost, nothing stays. */
static void test_many(void **state)
{
    (void)state;
    struct gist_shape shape = {.slots = NULL};
    struct buf md = BUF_INIT(LIMIT_MARKDOWN);
    char line[40];
    for (int i = 0; i < 20000; i++) buf_addf(&md, "- item number %d\n", i);
    gist_shape_read(&shape, buf_str(&md));
    for (int i = 0; i < 20000; i++) {
        int n = snprintf(line, sizeof line, "item number %d", i);
        assert_true(gist_shape_has(&shape, line, (size_t)n));
    }
    gist_shape_read(&shape, "- one\n");
    assert_true(gist_shape_has(&shape, "one", 3));
    assert_false(gist_shape_has(&shape, "item number 7", 13));
    static const char *const pieces[] = {"![", "](", "[", "![](", "](<"}; /* one line of a megabyte: in seconds, if not linear */
    for (size_t i = 0; i < COUNT(pieces); i++) {
        buf_reset(&md);
        buf_add_str(&md, "- a");
        while (md.len < LIMIT_MARKDOWN - 10) buf_add_str(&md, pieces[i]);
        clock_t start = clock(); /* CPU time: the machine may be busy */
        gist_shape_read(&shape, buf_str(&md));
        if ((clock() - start) / CLOCKS_PER_SEC >= 2) fail_msg("%s takes too long", pieces[i]);
    }
    gist_shape_release(&shape);
    buf_release(&md);
}

/* The words of the topic are everywhere, so each of these would be picked if it were taken for prose. */
static const char page[] =
    "<html><head><title>The tram line of Graz</title></head><body><article><h1>The tram line of Graz</h1>"
    "<p>The city council of Graz decided on Monday to build a new tram line to the university hospital.</p>"
    "<h2>What will the new tram line of the city council of Graz cost?</h2>"
    "<h3>The council of the city of Graz says:<br>the new tram line<br>is for the hospital of the city of Graz.</h3>"
    "<p>The line will cost 40 million euros and open in 2028, the mayor of the city said after the vote.</p>"
    "<figure><img src=a.png><figcaption>The new tram line of the city council of Graz on a map of the city.</figcaption></figure>"
    "<p>The council has asked three questions about it so far:</p>"
    "<ul><li>The new tram line of the city council of Graz costs money.</li><li>The tram line of the council of Graz opens late.</li></ul>"
    "<ol><li>The council of Graz builds the tram line first.</li></ol>"
    "<pre>The tram line of the city council of Graz is code.</pre>"
    "<table><tr><th>Tram line of Graz</th><th>Cost to the city council.</th></tr>"
    "<tr><td>The tram line of the city.</td><td>The cost to the city council of Graz.</td></tr></table>"
    "<p>Opponents fear noise in the narrow streets around the old market, where the houses are close.</p>"
    "<p>A petition against the plan was signed by two thousand people, among them several doctors of the hospital.</p>"
    "<p>The hospital is the largest employer of the city, and most of its staff come to work by car today.</p>"
    "</article></body></html>";

static void test_page(void **state)
{
    (void)state;
    struct record r = {.kind = RECORD_ARTICLE};
    struct extract_notes notes = {.explain = NULL};
    struct extract_input in = {
        .bytes = page, .n = strlen(page), .url = "http://graz.test/", .content_type = "text/html; charset=utf-8", .robots_tag = ""};
    assert_int_equal(extract_page(&in, &r, &notes), CODE_OK);
    assert_non_null(strstr(r.text, "is code."));
    assert_non_null(strstr(r.text, "opens late."));
    struct gist *gist = gist_new(NULL);
    struct gist_result result;
    struct gist_request request = {
        .text = r.text, .length = strlen(r.text), .markdown = r.markdown, .title = r.title, .lang = r.lang, .sentences = 100};
    gist_result_init(&result);
    gist_summarise(gist, &request, &result);
    assert_int_equal(result.picked, 5);
    static const char *const leaks[] = {"What will",  "Graz says", "on a map", "so far", "costs money",
                                        "opens late", "builds",    "is code",  "cost to"};
    for (size_t i = 0; i < COUNT(leaks); i++) assert_null(strstr(buf_str(&result.summary), leaks[i]));
    gist_result_release(&result);
    gist_free(&gist);
    record_release(&r);
}

/* A page that is nothing but a list still has a summary. */
static void test_only_a_list(void **state)
{
    (void)state;
    static const char text[] = "The council builds a tram line.\n\nThe line costs much money today.";
    struct gist_request request = {.text = text,
                                   .length = strlen(text),
                                   .markdown = "- The council builds a tram line.\n- The line costs much money today.",
                                   .sentences = 1};
    struct gist *gist = gist_new(NULL);
    struct gist_result result;
    gist_result_init(&result);
    gist_summarise(gist, &request, &result);
    assert_int_equal(result.picked, 1);
    assert_non_null(strstr(text, buf_str(&result.summary)));
    gist_result_release(&result);
    gist_free(&gist);
}

int main(void)
{
    extract_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_many), cmocka_unit_test(test_page),
                                       cmocka_unit_test(test_only_a_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
