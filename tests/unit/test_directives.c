/* Robots directives of pages: what they mean, to whom, and when nobody asked for them. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "parser/extract/directives.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define NOW      1700000000000 /* 2023-11-14 */

static const struct {
    const char *value, *want; /* want: i: noindex, f: nofollow */
} rows[] = {
    {"", ""},
    {"noindex", "i"},
    {"NoIndex,NOFOLLOW", "if"},
    {"none", "if"},
    {"all", ""},
    {"index, follow", ""},
    {"index, noindex", "i"},
    {" nofollow\t", "f"},
    {"noindex nofollow", "if"},
    {"noarchive;noindex", "i"},
    {"noindexing, nofollows", ""},
    {", ,,noindex,", "i"},

    {"gistmill: noindex", "i"},
    {"GistMill : nofollow", "f"},
    {"robots: none", "if"},
    {"*: noindex", "i"},
    {"googlebot: noindex", ""},
    {"googlebot: noindex, nofollow", ""},
    {"noindex, googlebot: nofollow", "i"},
    {"googlebot: nofollow, gistmill: noindex", "i"},
    {"gistmill: noindex, googlebot: nofollow", "i"},
    {"gistmill-news: noindex", ""},
    {"gistmill:", ""},
    {":noindex", ""},

    /* each line, as each header, begins anew */
    {"googlebot: nofollow\nnoindex", "i"},
    {"gistmill: nofollow\nothers: noindex\n", "f"},
    {"\n\nnoindex", "i"},

    {"max-snippet: 20, noindex", "i"},
    {"max-image-preview:large, max-video-preview:-1, nofollow", "f"},
    {"max-snippet:noindex", ""},
    {"googlebot: max-snippet:5, noindex", ""},

    {"unavailable_after: 25 Jun 2010 15:00:00 PST", "i"},
    {"unavailable_after: 2010-06-25T15:00:00Z", "i"},
    {"unavailable_after: 2010-06-25", "i"},
    {"unavailable_after: Fri, 25 Jun 2010 15:00:00 GMT", "i"},
    {"unavailable_after: Friday, 25-Jun-2010 15:00:00 GMT, nofollow", "if"},
    {"unavailable_after: 25 Jun 2099 15:00:00 PST", ""},
    {"unavailable_after: 25 Jun 2099 15:00:00 PST, noindex", "i"},
    {"unavailable_after: Thu, 25 Jun 2099 15:00:00 GMT, nofollow", "f"},
    {"unavailable_after: some day", ""},
    {"unavailable_after", ""},
    {"gistmill: unavailable_after: 25 Jun 2010 15:00:00 PST", "i"},
    {"googlebot: unavailable_after: 25 Jun 2010 15:00:00 PST", ""},
};

static void check(const struct directives *d, const char *value, const char *want)
{
    char got[3];
    snprintf(got, sizeof got, "%s%s", d->noindex ? "i" : "", d->nofollow ? "f" : "");
    if (strcmp(got, want) != 0) fail_msg("\"%s\": got \"%s\", want \"%s\"", value, got, want);
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct directives d = {.now = NOW};
        directives_apply(&d, span_of(rows[i].value, strlen(rows[i].value)));
        check(&d, rows[i].value, rows[i].want);
    }
}

static void test_ignored(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int ignored = 1; ignored < 4; ignored++) {
            struct directives d = {.now = NOW, .ignore_noindex = ignored & 1, .ignore_nofollow = ignored & 2};
            char want[3];
            snprintf(want, sizeof want, "%s%s", !(ignored & 1) && strchr(rows[i].want, 'i') ? "i" : "",
                     !(ignored & 2) && strchr(rows[i].want, 'f') ? "f" : "");
            directives_apply(&d, span_of(rows[i].value, strlen(rows[i].value)));
            check(&d, rows[i].value, want);
        }
    }
}

static void test_several_places_add_up(void **state)
{
    (void)state;
    struct directives d = {.now = NOW};
    directives_apply(&d, span_of("nofollow", 8));
    directives_apply(&d, span_of("index, follow", 13));
    directives_apply(&d, span_of("noindex", 7));
    check(&d, "three values", "if");
    directives_apply(&d, span_of(NULL, 0));
    check(&d, "nothing", "if");
}

static void test_own_name(void **state)
{
    (void)state;
    struct directives d = {.agent = "Acme"};
    assert_true(directives_for_us(&d, span_of("robots", 6)));
    assert_true(directives_for_us(&d, span_of("acme", 4)));
    assert_false(directives_for_us(&d, span_of("gistmill", 8)));
    directives_apply(&d, span_of("gistmill: noindex, ACME: nofollow", 33));
    check(&d, "another name", "f");
    d = (struct directives){.agent = NULL};
    assert_true(directives_for_us(&d, span_of("Gistmill", 8)));
}

static void test_without_a_clock_nothing_expires(void **state)
{
    (void)state;
    struct directives d = {.now = 0};
    directives_apply(&d, span_of("unavailable_after: 2010-06-25", 29));
    check(&d, "no clock", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_ignored),
        cmocka_unit_test(test_several_places_add_up),
        cmocka_unit_test(test_own_name),
        cmocka_unit_test(test_without_a_clock_nothing_expires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
