/* Configuration tables: values, bounds, secrets, dumps. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"

static char *text, *secret;
static int64_t window, delay;
static bool flag;
static double share;

static const struct conf_row table[] = {
    {"GT_TEXT", CONF_STRING, &text, "abc", 0, 10, 0, "a text"},
    {"GT_SECRET", CONF_STRING, &secret, "", 0, 0, CONF_SECRET, "a secret"},
    {"GT_WINDOW", CONF_INT, &window, "256", 1, 4096, 0, "pages in flight"},
    {"GT_DELAY", CONF_MS, &delay, "1s", 0, 3600000, 0, "delay of a host"},
    {"GT_FLAG", CONF_BOOL, &flag, "no", 0, 0, 0, "a switch"},
    {"GT_SHARE", CONF_REAL, &share, "0.5", 0, 1, 0, "a part"},
    CONF_END,
};

static int clean(void **state)
{
    (void)state;
    for (const struct conf_row *row = table; row->name; row++) {
        char file[64];
        snprintf(file, sizeof file, "%s_FILE", row->name);
        unsetenv(row->name);
        unsetenv(file);
    }
    conf_release(table);
    return 0;
}

static void test_defaults(void **state)
{
    (void)state;
    struct conf_error error;
    assert_int_equal(conf_load(table, &error), 0);
    assert_string_equal(text, "abc");
    assert_string_equal(secret, "");
    assert_int_equal(window, 256);
    assert_int_equal(delay, 1000);
    assert_false(flag);
    assert_true(share == 0.5);
}

static void test_good_values(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        double want;
    } cases[] = {
        {"GT_WINDOW", "1", 1},      {"GT_WINDOW", "4096", 4096},  {"GT_WINDOW", "", 256},      {"GT_DELAY", "500ms", 500},
        {"GT_DELAY", "30s", 30000}, {"GT_DELAY", "5m", 300000},   {"GT_DELAY", "1h", 3600000}, {"GT_DELAY", "7", 7000},
        {"GT_DELAY", "0.25", 250},  {"GT_DELAY", "1.5s", 1500},   {"GT_DELAY", "0", 0},        {"GT_FLAG", "1", 1},
        {"GT_FLAG", "yes", 1},      {"GT_FLAG", "TRUE", 1},       {"GT_FLAG", "on", 1},        {"GT_FLAG", "0", 0},
        {"GT_FLAG", "no", 0},       {"GT_FLAG", "false", 0},      {"GT_FLAG", "off", 0},       {"GT_SHARE", "0", 0},
        {"GT_SHARE", "1.0", 1},     {"GT_SHARE", "0.125", 0.125},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_error error = {""};
        clean(NULL);
        setenv(cases[i].name, cases[i].value, 1);
        if (conf_load(table, &error) != 0) fail_msg("%s=%s: %s", cases[i].name, cases[i].value, error.text);
        double got = strcmp(cases[i].name, "GT_WINDOW") == 0  ? (double)window
                     : strcmp(cases[i].name, "GT_DELAY") == 0 ? (double)delay
                     : strcmp(cases[i].name, "GT_FLAG") == 0  ? (double)flag
                                                              : share;
        if (got != cases[i].want) fail_msg("%s=%s: got %g, want %g", cases[i].name, cases[i].value, got, cases[i].want);
    }
}

static void test_bad_values(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *want;
    } cases[] = {
        {"GT_WINDOW", "0", "GT_WINDOW=0: must be from 1 to 4096"},
        {"GT_WINDOW", "4097", "GT_WINDOW=4097: must be from 1 to 4096"},
        {"GT_WINDOW", "-1", "GT_WINDOW=-1: must be from 1 to 4096"},
        {"GT_WINDOW", "many", "GT_WINDOW=many: must be a whole number from 1 to 4096"},
        {"GT_WINDOW", " 5", "GT_WINDOW= 5: must be a whole number from 1 to 4096"},
        {"GT_WINDOW", "5x", "GT_WINDOW=5x: must be a whole number from 1 to 4096"},
        {"GT_WINDOW", "1.5", "GT_WINDOW=1.5: must be a whole number from 1 to 4096"},
        {"GT_WINDOW", "99999999999999999999", "GT_WINDOW=99999999999999999999: must be a whole number from 1 to 4096"},
        {"GT_DELAY", "2h", "GT_DELAY=2h: must be from 0s to 1h"},
        {"GT_DELAY", "-1s", "GT_DELAY=-1s: must be from 0s to 1h"},
        {"GT_DELAY", "5d", "GT_DELAY=5d: must be a time such as 500ms, 30s, 5m, 24h from 0s to 1h"},
        {"GT_DELAY", "inf", "GT_DELAY=inf: must be a time such as 500ms, 30s, 5m, 24h from 0s to 1h"},
        {"GT_FLAG", "maybe", "GT_FLAG=maybe: must be 0, 1, no, yes, false, true, off or on"},
        {"GT_SHARE", "1.5", "GT_SHARE=1.5: must be from 0 to 1"},
        {"GT_SHARE", "nan", "GT_SHARE=nan: must be a number from 0 to 1"},
        {"GT_SHARE", "0x1", "GT_SHARE=0x1: must be a number from 0 to 1"},
        {"GT_SHARE", "1.", "GT_SHARE=1.: must be a number from 0 to 1"},
        {"GT_TEXT", "12345678901", "GT_TEXT: longer than 10 bytes"},
        {"GT_SECRET_FILE", "/nonexistent/secret", "GT_SECRET_FILE=/nonexistent/secret: No such file or directory"},
        {"GT_SECRET_FILE", "/", "GT_SECRET_FILE=/: Is a directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_error error = {""};
        clean(NULL);
        setenv(cases[i].name, cases[i].value, 1);
        assert_int_equal(conf_load(table, &error), -1);
        assert_string_equal(error.text, cases[i].want);
    }
}

static void load_file(const char *content, size_t n, int want, struct conf_error *error)
{
    char path[] = "/tmp/test_conf.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, n), (ssize_t)n);
    close(fd);
    setenv("GT_SECRET_FILE", path, 1);
    int got = conf_load(table, error);
    unlink(path);
    assert_int_equal(got, want);
}

static void test_secret_file(void **state)
{
    (void)state;
    static const struct {
        const char *content, *want;
    } cases[] = {{"key", "key"}, {"key\n", "key"}, {"key\r\nmore\n", "key"}, {"\n", ""}, {"", ""}, {" k y \n", " k y "}};
    struct conf_error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        load_file(cases[i].content, strlen(cases[i].content), 0, &error);
        assert_string_equal(secret, cases[i].want);
    }
    load_file("a\0b\n", 4, -1, &error);
    assert_non_null(strstr(error.text, "NUL"));
    char *large = calloc(1, 9000);
    memset(large, 'x', 9000);
    load_file(large, 9000, -1, &error);
    assert_non_null(strstr(error.text, "longer than"));
    free(large);
    setenv("GT_SECRET", "k", 1);
    load_file("key", 3, -1, &error);
    assert_string_equal(error.text, "GT_SECRET and GT_SECRET_FILE are both set: choose one");
    setenv("GT_SECRET", "", 1); /* as compose hands it on */
    load_file("key", 3, 0, &error);
    assert_string_equal(secret, "key");
}

static void test_load_twice(void **state)
{
    (void)state;
    struct conf_error error;
    assert_int_equal(conf_load(table, &error), 0);
    setenv("GT_TEXT", "", 1);
    assert_int_equal(conf_load(table, &error), 0);
    assert_string_equal(text, ""); /* set, and empty */
}

static void printed(void (*print)(const struct conf_row *, FILE *), const char *want)
{
    char *got = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&got, &n);
    print(table, out);
    fclose(out);
    assert_string_equal(got, want);
    free(got);
}

static void test_dump_and_help(void **state)
{
    (void)state;
    struct conf_error error;
    setenv("GT_SECRET", "sesame", 1);
    setenv("GT_DELAY", "90", 1);
    assert_int_equal(conf_load(table, &error), 0);
    printed(conf_dump, "GT_TEXT=abc\nGT_SECRET=***\nGT_WINDOW=256\nGT_DELAY=90s\nGT_FLAG=no\nGT_SHARE=0.5\n");
    printed(conf_help, "  GT_TEXT=abc\n      a text\n"
                       "  GT_SECRET= (or GT_SECRET_FILE)\n      a secret\n"
                       "  GT_WINDOW=256 (1 to 4096)\n      pages in flight\n"
                       "  GT_DELAY=1s (0s to 1h)\n      delay of a host\n"
                       "  GT_FLAG=no\n      a switch\n"
                       "  GT_SHARE=0.5 (0 to 1)\n      a part\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, clean, clean),   cmocka_unit_test_setup_teardown(test_good_values, clean, clean),
        cmocka_unit_test_setup_teardown(test_bad_values, clean, clean), cmocka_unit_test_setup_teardown(test_secret_file, clean, clean),
        cmocka_unit_test_setup_teardown(test_load_twice, clean, clean), cmocka_unit_test_setup_teardown(test_dump_and_help, clean, clean),
    };
    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
