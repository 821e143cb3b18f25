/* How far a crawl is: the bar at any width, what counts as failed, numbers in words. */
#include "test.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "cli/progress.h"
#include "cli/text.h"

static struct progress read_text(const char *json)
{
    struct progress p;
    cJSON *crawl = cJSON_Parse(json);
    assert_non_null(crawl);
    progress_read(crawl, &p);
    cJSON_Delete(crawl);
    return p;
}

static const char RUNNING[] =
    "{\"id\":\"u\",\"number\":\"3\",\"state\":\"running\",\"counts\":{\"admitted\":512,\"stored\":280,\"skipped\":4,\"error\":28},"
    "\"ratePerMinute\":492,\"etaSeconds\":24.4,\"why\":\"polite: next request to example.org in 0.8 s\"}";

static void test_bar(void **state)
{
    (void)state;
    static const struct {
        size_t width;
        const char *line;
    } cases[] = {
        {120, "running   ########################................  60%  312/512  28 failed  8.2/s  24 s left"},
        {80, "running   ################...........  60%  312/512  28 failed  8.2/s  24 s left"},
        {60, "running   ########......  60%  312/512  28 failed  24 s left"},
        {40, "running   #########.......  60%  312/512"},
        {30, "running   ######.....  312/512"},
        {20, "running     312/512"},
    };
    struct progress p = read_text(RUNNING);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(1000);
        progress_bar(&out, &p, cases[i].width, false, false);
        assert_string_equal(buf_str(&out), cases[i].line);
        buf_release(&out);
    }
}

/* Whatever the numbers, no line is wider than the terminal (below 20 columns there is none). */
static void test_bar_fits(void **state)
{
    (void)state;
    static const char *const crawls[] = {
        RUNNING,
        "{}",
        "{\"state\":\"completed\",\"counts\":{\"admitted\":1000000000,\"stored\":999999999,\"error\":123456789}}",
        "{\"state\":\"cancelling\",\"counts\":{\"admitted\":1000000000,\"stored\":1e300,\"error\":-5},\"ratePerMinute\":1e9,\"etaSeconds\":1e8}",
        "{\"state\":\"a state of the future\",\"counts\":[],\"ratePerMinute\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof crawls / sizeof *crawls; i++) {
        struct progress p = read_text(crawls[i]);
        for (size_t width = 50; width < 200; width++) {
            struct buf out = BUF_INIT(4000);
            progress_bar(&out, &p, width, width % 2, false);
            assert_false(buf_failed(&out));
            assert_true(text_width(buf_str(&out)) <= width);
            buf_release(&out);
        }
    }
}

static void test_failed(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        int stored, skipped, error;
        bool failed, strict;
    } cases[] = {
        {"completed", 5, 0, 0, false, false}, {"completed", 0, 0, 0, false, false}, {"completed", 5, 0, 1, false, true},
        {"completed", 0, 3, 1, false, true},  {"completed", 0, 0, 1, true, true},   {"cancelled", 5, 0, 0, true, true},
        {"failed", 0, 0, 0, true, true},      {"running", 5, 0, 0, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct progress p = {.stored = cases[i].stored, .skipped = cases[i].skipped, .error = cases[i].error};
        snprintf(p.state, sizeof p.state, "%s", cases[i].state);
        assert_int_equal(progress_failed(&p, false), cases[i].failed);
        assert_int_equal(progress_failed(&p, true), cases[i].strict);
    }
}

static void test_percent(void **state)
{
    (void)state;
    struct progress p = {.state = "running", .admitted = 1000, .stored = 999};
    assert_int_equal(progress_percent(&p), 99); /* not before it has ended */
    p.admitted = 0;
    assert_int_equal(progress_percent(&p), 0);
    p.admitted = 10;
    assert_int_equal(progress_percent(&p), 99); /* an inbox may have more than it knows of */
    snprintf(p.state, sizeof p.state, "completed");
    assert_int_equal(progress_percent(&p), 100);
}

static void test_lines(void **state)
{
    (void)state;
    struct progress p = read_text(RUNNING);
    struct buf out = BUF_INIT(1000);
    progress_line(&out, &p);
    assert_string_equal(buf_str(&out),
                        "running 312/512 60%, 280 stored, 4 skipped, 28 failed, 8.2/s, about 24 s left; polite: next request to "
                        "example.org in 0.8 s");
    buf_reset(&out);
    p = read_text("{\"state\":\"completed\",\"counts\":{\"stored\":1484,\"error\":16},\"startedAt\":\"2026-11-21T12:00:00.000Z\","
                  "\"finishedAt\":\"2026-11-21T12:01:12.500Z\"}");
    progress_report(&out, &p);
    assert_string_equal(buf_str(&out), "completed in 1 min 13 s: 1,484 stored, 16 failed");
    buf_release(&out);
}

static void test_hostile(void **state)
{
    (void)state;
    struct progress p = read_text("{\"state\":\"run\\u001b[2Jning\",\"why\":\"a\\u202eb\\nc\",\"seed\":\"http://x/\\u0007\"}");
    assert_string_equal(p.state, "run[2Jning");
    assert_string_equal(p.why, "ab c");
    assert_string_equal(p.seed, "http://x/");
}

static void test_words(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(4000);
    static const int64_t counts[] = {0, 999, 1000, -1234567, 1000000};
    for (size_t i = 0; i < 5; i++) say_count(&out, counts[i]), buf_add_char(&out, '|');
    static const double bytes[] = {0, 999, 1000, 14200000, 250e9};
    for (size_t i = 0; i < 5; i++) say_bytes(&out, bytes[i]), buf_add_char(&out, '|');
    static const double times[] = {0, 0.03, 0.8, 9.96, 59.7, 72, 4000, 200000, -1, 1e12};
    for (size_t i = 0; i < 10; i++) say_time(&out, times[i]), buf_add_char(&out, '|');
    static const double rates[] = {0.4, 40, 492, 60000};
    for (size_t i = 0; i < 4; i++) say_rate(&out, rates[i]), buf_add_char(&out, '|');
    assert_string_equal(buf_str(&out), "0|999|1,000|-1,234,567|1,000,000|0 bytes|999 bytes|1.0 kB|14.2 MB|250 GB|"
                                       "0 s|30 ms|0.8 s|10 s|1 min 0 s|1 min 12 s|1 h 6 min|2 d 7 h|||0/min|40/min|8.2/s|1000/s|");
    buf_reset(&out);
    int64_t now = time_of("2026-11-21T12:00:00.500Z");
    assert_int_equal(now % 1000, 500);
    static const char *const agos[] = {"2026-11-21T12:00:00Z",
                                       "2026-11-21T11:58:40Z",
                                       "2026-11-21T11:50:00Z",
                                       "2026-11-20T12:00:00Z",
                                       "2026-11-11T12:00:00Z",
                                       "yesterday",
                                       ""};
    for (size_t i = 0; i < 7; i++) say_ago(&out, agos[i], now), buf_add_char(&out, '|');
    assert_string_equal(buf_str(&out), "now|80 s ago|10 min ago|24 h ago|10 days ago|||");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bar),   cmocka_unit_test(test_bar_fits), cmocka_unit_test(test_failed), cmocka_unit_test(test_percent),
        cmocka_unit_test(test_lines), cmocka_unit_test(test_hostile),  cmocka_unit_test(test_words),
    };
    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
