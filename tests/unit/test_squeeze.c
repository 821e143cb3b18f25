/* Words in a row, from texts with any white space between and within them. */
#include "test.h"

#include <string.h>

#include "parser/extract/squeeze.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
    const char *texts[4];
    const char *gaps; /* set before each text; '.': none */
    size_t max;
    const char *whole, *filled; /* NULL: the same */
} rows[] = {
    {{"a b"}, ".", 100, "a b", NULL},
    {{" \n a \t\r\n b  "}, ".", 100, "a b", NULL},
    {{"a", "b"}, "..", 100, "ab", NULL},
    {{"a ", "b"}, "..", 100, "a b", NULL},
    {{"a", " b"}, "..", 100, "a b", NULL},
    {{"a", " ", "b"}, "...", 100, "a b", NULL},
    {{"a ", " ", " b"}, "...", 100, "a b", NULL},
    {{"a", "b"}, ". ", 100, "a b", NULL},
    {{" a ", " b "}, ".\n", 100, "a\nb", NULL},
    {{"a", "b"}, "\n\n", 100, "a\nb", NULL},
    {{"", "a", "", "b"}, "....", 100, "ab", NULL},
    {{"   "}, ".", 100, "", NULL},
    /* what does not fit */
    {{"abc def"}, ".", 7, "abc def", NULL},
    {{"abc def   "}, ".", 7, "abc def", NULL},
    {{"   abc   "}, ".", 3, "abc", NULL},
    {{"abc defg"}, ".", 7, "abc ", "abc def"},
    {{"abc d"}, ".", 3, "abc", NULL},
    {{"abc", "d"}, ". ", 4, "abc ", NULL},
    {{"abc", "de f"}, "..", 5, "abcde", NULL},
    {{"a\u00e9\u00e9"}, ".", 4, "", "a\u00e9"},
    {{"a \u20ac\u20ac"}, ".", 6, "a ", "a \u20ac"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        bool fill = i % 2;
        const char *want = fill && rows[i / 2].filled ? rows[i / 2].filled : rows[i / 2].whole;
        struct buf out = BUF_INIT(rows[i / 2].max);
        struct squeeze s = squeeze_to(&out);
        bool fits = true;
        for (size_t k = 0; fits && rows[i / 2].gaps[k]; k++) {
            const char *text = rows[i / 2].texts[k];
            if (rows[i / 2].gaps[k] != '.') s.gap = rows[i / 2].gaps[k];
            fits = (fill ? squeeze_fill : squeeze_add)(&s, span_of(text, strlen(text)));
        }
        if (strcmp(buf_str(&out), want) != 0) fail_msg("row %zu, %s: '%s', not '%s'", i / 2, fill ? "fill" : "add", buf_str(&out), want);
        buf_release(&out);
    }
}

/* Behind what stands there already, nothing is added but words. */
static void test_behind(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(100);
    buf_add_str(&out, "x: ");
    struct squeeze s = squeeze_to(&out);
    s.gap = '\n';
    assert_true(squeeze_add(&s, span_of("  a  b ", 7)));
    assert_string_equal(buf_str(&out), "x: a b");
    assert_int_equal(s.gap, ' ');
    buf_release(&out);
}

/* However a text is cut into pieces, and whether it fits at once or word by word, the same comes out. */
static void test_any_cut(void **state)
{
    (void)state;
    static const char text[] = " ab  c\n\t d e   fgh i ", want[] = "ab c d e fgh i";
    for (size_t a = 0; a < sizeof text; a++) {
        for (size_t b = a; b < sizeof text; b++) {
            for (size_t max = sizeof want - 1; max < 40; max++) {
                struct buf out = BUF_INIT(max);
                struct squeeze s = squeeze_to(&out);
                assert_true(squeeze_add(&s, span_of(text, a)));
                assert_true(squeeze_add(&s, span_of(text + a, b - a)));
                assert_true(squeeze_add(&s, span_of(text + b, sizeof text - 1 - b)));
                assert_string_equal(buf_str(&out), want);
                buf_release(&out);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_behind), cmocka_unit_test(test_any_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
