/* Encodings: labels, declarations, guesses, decoding. */
#include "test.h"

#include <string.h>

#include "base/utf8.h"
#include "parser/extract/charset.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
    const char *label, *want; /* NULL: no label */
} labels[] = {
    {"utf-8", "utf-8"},
    {"UTF8", "utf-8"},
    {" utf-8\n", "utf-8"},
    {"ISO-8859-1", "windows-1252"},
    {"ascii", "windows-1252"},
    {"latin1", "windows-1252"},
    {"iso-8859-9", "windows-1254"},
    {"gb2312", "gbk"},
    {"x-sjis", "shift_jis"},
    {"ks_c_5601-1987", "euc-kr"},
    {"tis-620", "windows-874"},
    {"iso-2022-kr", "replacement"},
    {"x-user-defined", "x-user-defined"},
    {"utf-7", NULL},
    {"", NULL},
    {"no-such-encoding-with-a-very-long-name-indeed", NULL},
};

static void test_labels(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(labels); i++) {
        const char *got = charset_by_label(labels[i].label, strlen(labels[i].label));
        if (!labels[i].want)
            assert_null(got);
        else
            assert_string_equal(got, labels[i].want);
    }
}

#define U "caf\xc3\xa9 "
#define L "caf\xe9 "
static const struct {
    const char *name, *header, *page, *want;
} pages[] = {
    {"nothing said, ASCII", "", "<p>plain</p>", "windows-1252"},
    {"nothing said, UTF-8", "", "<p>" U "</p>", "utf-8"},
    {"nothing said, Latin", "text/html", "<p>Le " L "est ferm\xe9 le lundi, le mardi et d\xe8s midi le samedi</p>", "windows-1252"},
    {"header", "text/html; charset=iso-8859-2", "<p>" L "</p>", "iso-8859-2"},
    {"header, quoted", "text/html;charset=\"koi8-r\"", "<p>" L "</p>", "koi8-r"},
    {"header before meta", "text/html; charset=koi8-r", "<meta charset=utf-8><p>" U, "koi8-r"},
    {"unknown header, meta", "text/html; charset=nonsense", "<meta charset=koi8-r><p>" L, "koi8-r"},
    {"mark before header", "text/html; charset=koi8-r", "\xef\xbb\xbf<p>" U, "utf-8"},
    {"meta", "", "<!doctype html><meta charset='windows-1251'><p>" L, "windows-1251"},
    {"meta, http-equiv", "", "<META http-equiv=Content-Type content='text/html; charset=iso-8859-5'><p>" L, "iso-8859-5"},
    {"meta, content without http-equiv", "", "<meta content='text/html; charset=iso-8859-5'><p>plain", "windows-1252"},
    {"meta in a comment", "", "<!-- <meta charset=koi8-r> --><p>plain", "windows-1252"},
    {"meta in an attribute", "", "<p title='<meta charset=koi8-r>'>plain", "windows-1252"},
    {"meta says UTF-16", "", "<meta charset=utf-16><p>" U, "utf-8"},
    {"meta not closed", "", "<meta charset=koi8-r", "windows-1252"},
    {"XML declaration", "", "<?xml version='1.0' encoding='koi8-r'?><p>" L, "koi8-r"},
    {"said UTF-8, is not", "text/html; charset=utf-8", "<p>Le " L "est ferm\xe9 le lundi, le mardi et d\xe8s midi le samedi</p>",
     "windows-1252"},
    {"said UTF-8, one slip", "text/html; charset=utf-8", "<p>" U U U L "</p>", "utf-8"},
    {"shifts to kanji", "", "<p>\x1b$B$3$s$K$A$O\x1b(B</p>", "iso-2022-jp"},
};

static void test_choice(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pages); i++) {
        const char *got = charset_of(pages[i].page, strlen(pages[i].page), pages[i].header, true);
        if (strcmp(got, pages[i].want) != 0) fail_msg("%s: got %s, want %s", pages[i].name, got, pages[i].want);
    }
}

static void test_late_meta(void **state)
{
    (void)state;
    struct buf page = BUF_INIT(8192);
    buf_add_str(&page, "<!--");
    while (page.len < 4000) buf_add_char(&page, 'x');
    buf_add_str(&page, "--><meta charset=koi8-r><p>" L);
    assert_string_equal(charset_of(page.data, page.len, "", true), "koi8-r");
    buf_release(&page);
}

#define R "\xef\xbf\xbd"
static const struct {
    const char *encoding, *bytes;
    size_t n;
    const char *want;
    size_t broken;
} texts[] = {
    {"utf-8", "\xef\xbb\xbf" U, 9, U, 0},
    {"utf-8",
     "a\xff"
     "b",
     3, "a" R "b", 1},
    {"utf-8", "a\0b", 3, "a" R "b", 1},
    {"utf-8", "\xed\xa0\x80", 3, R R R, 3},
    {"windows-1252", "\x80\x93", 2, "€“", 0},
    {"shift_jis", "\x93\x8c\x8b\x9e", 4, "東京", 0},
    {"euc-kr", "\xb0\xa1\xb3\xaa", 4, "가나", 0},
    {"gbk", "\xd6\xd0\xce\xc4", 4, "中文", 0},
    {"big5", "\xa4\xa4\xa4\xe5", 4, "中文", 0},
    {"iso-2022-jp", "\x1b$B$3$s\x1b(B!", 11, "こん!", 0},
    {"utf-16le", "a\0\xac\x20", 4, "a€", 0},
    {"utf-16be", "\xfe\xff\0a", 4, "a", 0},
    {"utf-16le",
     "\x00\xd8"
     "a\0",
     4, R "a", 1},
};

static void test_decoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct charset_text text;
        assert_true(charset_decode(texts[i].bytes, texts[i].n, texts[i].encoding, &text));
        if (text.n != strlen(texts[i].want) || memcmp(text.utf8, texts[i].want, text.n) != 0)
            fail_msg("row %zu, %s: got \"%.*s\", want \"%s\"", i, texts[i].encoding, (int)text.n, text.utf8, texts[i].want);
        assert_true(utf8_valid(text.utf8, text.n));
        assert_int_equal(text.broken, texts[i].broken);
        charset_text_release(&text);
    }
}

static void test_replacement(void **state)
{
    (void)state;
    struct charset_text text;
    assert_false(charset_decode("abc", 3, "replacement", &text));
    charset_text_release(&text);
}

int main(void)
{
    charset_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),   cmocka_unit_test(test_choice),      cmocka_unit_test(test_late_meta),
        cmocka_unit_test(test_decoding), cmocka_unit_test(test_replacement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
