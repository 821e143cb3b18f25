/* Text on its way to a terminal: nothing of a page moves the cursor or turns words around. */
#include "test.h"

#include <string.h>

#include "cli/text.h"

static const char *cleaned(const char *s, size_t n, bool lines)
{
    static struct buf out = BUF_INIT(1u << 20);
    buf_reset(&out);
    text_clean(&out, s, n, lines);
    return buf_str(&out);
}

static void test_clean_line(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"Ünïcode 橋 🌉", "Ünïcode 橋 🌉"},
        {"\033[31mred\033[0m", "[31mred[0m"},
        {"\033]0;title\007x", "]0;titlex"},
        {"a\xc2\x9b"
         "31mb",
         "a31mb"}, /* CSI as C1 */
        {"a\xc2\x85"
         "b",
         "a b"}, /* NEL */
        {"a\x9b"
         "31m",
         "a\xef\xbf\xbd"
         "31m"}, /* the same byte without UTF-8 around it */
        {"a\x7f"
         "b\bc",
         "abc"},
        {"  a \r\n\t b  ", "a b"},
        {"\u202egnp.exe", "gnp.exe"}, /* right to left override */
        {"\u2066x\u2069\u200f\u061c", "x"},
        {"a\u200bb\ufeffc\u00add", "abcd"},
        {"a\u2028b\u2029c", "a b c"},
        {"\U000e0041\U000e0042x", "x"},                           /* tags */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe6\xa9", "\xef\xbf\xbd\xef\xbf\xbd"}, /* cut off */
        {"\U000e1000", "\xef\xbf\xbd"},           /* unassigned */
        {"می\u200cخواهم", "می\u200cخواهم"},       /* the joiner that Persian needs */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(cleaned(cases[i].in, strlen(cases[i].in), false), cases[i].out);
    assert_string_equal(cleaned("a\0b", 3, false), "ab");
}

static void test_clean_lines(void **state)
{
    (void)state;
    static const char in[] = "# A\r\n\r\n    code\tx\n\033[2Jb\rc\u2029d";
    assert_string_equal(cleaned(in, strlen(in), true), "# A\n\n    code x\n[2Jbc\nd");
}

static void test_marks(void **state)
{
    (void)state;
    char zalgo[1 + 2 * 100 + 1] = "a";
    for (size_t i = 0; i < 100; i++) memcpy(zalgo + 1 + 2 * i, "\u0301", 2);
    assert_int_equal(strlen(cleaned(zalgo, 201, false)), 1 + 2 * 8);
}

/* No byte string at all leaves a control character behind. */
static void test_any_bytes(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252u;
    char bytes[64];
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            bytes[i] = (char)(i % 3 ? x : x & 0x9f);
        }
        const char *out = cleaned(bytes, sizeof bytes, round % 2);
        for (const char *p = out; *p;) {
            uint32_t c;
            p += text_next(p, strlen(p), &c);
            assert_true(c >= ' ' || (c == '\n' && round % 2));
            assert_false(c >= 0x7f && c < 0xa0);
            assert_false(c >= 0x202a && c <= 0x202e);
        }
    }
}

static void test_width_and_fit(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t width;
        bool pad, unicode;
        const char *out;
    } cases[] = {
        {"abc", 5, true, true, "abc  "},           {"abc", 3, true, true, "abc"},      {"abcd", 3, true, true, "ab…"},
        {"abcdef", 5, false, false, "ab..."},      {"橋橋橋", 5, true, true, "橋橋…"}, {"橋橋橋", 4, true, true, "橋… "},
        {"a\u0301bc", 2, false, true, "a\u0301…"}, {"abc", 1, false, true, "a"},       {"", 2, true, true, "  "},
    };
    assert_int_equal(text_width("橋a\u0301"), 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(100);
        text_fit(&out, cases[i].in, cases[i].width, cases[i].pad, cases[i].unicode);
        assert_string_equal(buf_str(&out), cases[i].out);
        buf_release(&out);
    }
}

static void test_wrap(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t width, indent;
        const char *out;
    } cases[] = {
        {"", 30, 2, ""},
        {"one two three four five six seven", 26, 2, "  one two three four five\n  six seven\n"},
        {"a\n\nb", 30, 1, " a\n\n b\n"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 20, 0, "aaaaaaaaaaaaaaaaaaaa\naaaaaaaaaa\n"},
        {"橋橋橋橋橋橋橋橋橋橋橋", 21, 0, "橋橋橋橋橋橋橋橋橋橋\n橋\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(1000);
        text_wrap(&out, cases[i].in, cases[i].width, cases[i].indent);
        assert_string_equal(buf_str(&out), cases[i].out);
        buf_release(&out);
    }
}

/* A stream may be cut anywhere: its pieces, cut at whole characters, come to the same. */
static void test_whole(void **state)
{
    (void)state;
    static const char text[] = "aé橋🌉\xff\xe6z";
    size_t n = sizeof text - 1;
    for (size_t cut = 0; cut <= n; cut++) {
        struct buf joined = BUF_INIT(100);
        size_t whole = text_whole(text, cut);
        assert_true(whole <= cut && cut - whole <= 3);
        text_clean(&joined, text, whole, true);
        text_clean(&joined, text + whole, n - whole, true);
        assert_string_equal(buf_str(&joined), cleaned(text, n, true));
        buf_release(&joined);
    }
}

static void test_json(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"{\"a\":\"橋\\n\"}", "{\"a\":\"橋\\n\"}"},
        {"\"\x7f\xc2\x9b\"", "\"\\u007f\\u009b\""},
        {"\"\u202e\U000e0041\"", "\"\\u202e\\udb40\\udc41\""},
        {"\"\xff\"", "\"\\ufffd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(100);
        text_json(&out, cases[i].in, strlen(cases[i].in));
        assert_string_equal(buf_str(&out), cases[i].out);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_line), cmocka_unit_test(test_clean_lines), cmocka_unit_test(test_marks),
        cmocka_unit_test(test_any_bytes),  cmocka_unit_test(test_wrap),        cmocka_unit_test(test_width_and_fit),
        cmocka_unit_test(test_whole),      cmocka_unit_test(test_json),
    };
    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
