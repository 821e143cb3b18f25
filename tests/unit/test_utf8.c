/* UTF-8: what is well-formed (Unicode 15, table 3-7), and its repair. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define R "\xef\xbf\xbd"

static const struct {
    const char *name, *bytes;
    size_t n;
    const char *clean; /* NULL: well-formed */
} cases[] = {
#define S(s) s, sizeof(s) - 1
    {"empty", S(""), NULL},
    {"ascii", S("plain text\n\x7f"), NULL},
    {"two bytes", S("\xc2\x80\xdf\xbf"), NULL},
    {"three bytes", S("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), NULL},
    {"four bytes", S("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), NULL},
    {"nul", S("a\0b"), "a" R "b"},
    {"nul alone", S("\0"), R},
    {"continuation alone", S("\x80"), R},
    {"overlong of two", S("\xc0\x80"), R R},
    {"overlong of two, c1", S("\xc1\xbf"), R R},
    {"overlong of three", S("\xe0\x80\x80"), R R R},
    {"overlong of four", S("\xf0\x80\x80\x80"), R R R R},
    {"surrogate", S("a\xed\xa0\x80z"), "a" R R R "z"},
    {"above U+10FFFF", S("\xf4\x90\x80\x80"), R R R R},
    {"byte f8", S("\xf8\x88\x80\x80\x80"), R R R R R},
    {"byte ff",
     S("\xff"
       "a"),
     R "a"},
    {"cut after two of three", S("a\xe2\x82"), "a" R}, /* one for a maximal part, as browsers do */
    {"cut after three of four", S("\xf0\x9f\x98"), R},
    {"cut before ascii",
     S("\xe2\x82"
       "a"),
     R "a"},
    {"good around bad", S("\xc3\xa4\xff\xe2\x82\xac"), "\xc3\xa4" R "\xe2\x82\xac"},
#undef S
};

static void test_valid_and_clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(100);
        if (utf8_valid(cases[i].bytes, cases[i].n) != (cases[i].clean == NULL)) fail_msg("%s: utf8_valid", cases[i].name);
        assert_true(utf8_clean(&out, cases[i].bytes, cases[i].n));
        const char *want = cases[i].clean ? cases[i].clean : cases[i].bytes;
        if (out.len != strlen(want) || strcmp(buf_str(&out), want) != 0) fail_msg("%s: got \"%s\"", cases[i].name, buf_str(&out));
        assert_true(utf8_valid(buf_str(&out), out.len));
        buf_release(&out);
    }
}

/* Every sequence of up to three bytes: cleaning always gives something well-formed, and leaves that as it is. */
static void test_all_short_sequences(void **state)
{
    (void)state;
    static const unsigned char third[] = {0x00, 0x41, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc2, 0xe0, 0xff};
    struct buf out = BUF_INIT(100);
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        for (size_t i = 0; i < sizeof third; i++) {
            const char bytes[3] = {(char)(pair >> 8), (char)(pair & 0xff), (char)third[i]};
            buf_reset(&out);
            assert_true(utf8_clean(&out, bytes, 3));
            bool same = out.len == 3 && memcmp(out.data, bytes, 3) == 0;
            if (!utf8_valid(out.data, out.len) || same != utf8_valid(bytes, 3)) fail_msg("%04x %02x", pair, third[i]);
        }
    }
    buf_release(&out);
}

static void test_clean_maximum(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(4);
    assert_false(utf8_clean(&out, "a\xff\xff", 3));
    assert_true(buf_failed(&out));
    buf_release(&out);
}

static void test_floor(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    for (size_t n = 0; n < sizeof text; n++) {
        assert_int_equal(utf8_floor(text, n), want[n]);
        assert_int_equal(utf8_whole(text, n), want[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_and_clean),
        cmocka_unit_test(test_all_short_sequences),
        cmocka_unit_test(test_clean_maximum),
        cmocka_unit_test(test_floor),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
