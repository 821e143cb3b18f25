/* Log lines as they reach stderr; no value can forge a line. */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static char got[20000];

/* Runs write_it with stderr in a file; what it wrote is in got, without the time at the front of the first line. */
static void capture(void (*write_it)(void))
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    write_it();
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    size_t n = fread(got, 1, sizeof got - 1, file);
    got[n] = '\0';
    fclose(file);
    if (n == 0) return;
    assert_true(n > 25 && got[4] == '-' && got[10] == 'T' && got[19] == '.' && got[23] == 'Z' && got[24] == ' ');
    memmove(got, got + 25, n - 24);
}

static const char *value;
static void write_field(void)
{
    log_event(LOG_INFO, "outcome", (struct log_field[]){LOG_STR("k", value), LOG_INT("n", -5), LOG_END});
}

static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"plain", "plain"},
        {"http://a/?b=c&d", "http://a/?b=c&d"},
        {"", "\"\""},
        {NULL, "-"},
        {"two words", "\"two words\""},
        {"say \"x\"", "\"say \\\"x\\\"\""},
        {"a\\b", "\"a\\\\b\""},
        {"a\n2030 info forged", "\"a\\x0a2030 info forged\""},
        {"\x1b[31m\x7f\t", "\"\\x1b[31m\\x7f\\x09\""},
        {"\xc3\xa4", "\xc3\xa4"},
    };
    log_init("test", LOG_INFO);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[200];
        snprintf(want, sizeof want, "info test outcome k=%s n=-5\n", cases[i].want);
        value = cases[i].value;
        capture(write_field);
        assert_string_equal(got, want);
    }
}

static void write_levels(void)
{
    log_debug("%s", "d");
    log_info("i %d", 1);
    log_warn("w");
    errno = ENOENT;
    log_error("e");
    assert_int_equal(errno, ENOENT);
}

static void test_levels(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int lines;
    } cases[] = {{"debug", 4}, {"info", 3}, {"warn", 2}, {"error", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum log_level level;
        assert_true(log_level_parse(cases[i].name, &level));
        log_init("test", level);
        capture(write_levels);
        int lines = 0;
        for (const char *p = got; *p; p++) lines += *p == '\n';
        assert_int_equal(lines, cases[i].lines);
        assert_int_equal(log_enabled(LOG_DEBUG), i == 0);
        assert_non_null(strstr(got, "error test msg=e\n"));
    }
    enum log_level level;
    assert_false(log_level_parse("fatal", &level));
    assert_false(log_level_parse("", &level));
    assert_false(log_level_parse("INFO", &level));
}

static char large[10000];
static void write_large(void)
{
    log_error("%s", large);
    log_event(LOG_ERROR, "event", (struct log_field[]){LOG_STR("k", large), LOG_STR("l", large), LOG_END});
}

static void test_long_lines_are_cut(void **state)
{
    (void)state;
    log_init("test", LOG_INFO);
    memset(large, '\n', sizeof large - 1);
    capture(write_large);
    int lines = 0;
    for (const char *p = got; *p; p++) lines += *p == '\n';
    assert_int_equal(lines, 2);
    assert_true(strlen(got) <= 2 * 4096);
    assert_int_equal(got[strlen(got) - 1], '\n');
}

static int status_of(void (*die)(void))
{
    pid_t pid = fork();
    int status;
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        die();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void die_fatal(void)
{
    log_fatal(100, "bad %s", "value");
}

static void die_panic(void)
{
    log_panic("bug");
}

static int status;
static void run_fatal(void)
{
    status = status_of(die_fatal);
}

static void run_panic(void)
{
    status = status_of(die_panic);
}

static void test_ends(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR);
    capture(run_fatal);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 100);
    assert_string_equal(got, "fatal test msg=\"bad value\"\n");
    capture(run_panic);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_string_equal(got, "panic test msg=bug\n");
}

static void test_gate(void **state)
{
    (void)state;
    struct log_gate gate = {0, 0};
    unsigned suppressed = 99;
    assert_true(log_gate(&gate, 3600, &suppressed));
    assert_int_equal(suppressed, 0);
    for (int i = 0; i < 5; i++) assert_false(log_gate(&gate, 3600, &suppressed));
    gate.next_ms = 1; /* the hour is over */
    assert_true(log_gate(&gate, 3600, &suppressed));
    assert_int_equal(suppressed, 5);
    gate.next_ms = 1;
    assert_true(log_gate(&gate, 3600, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields), cmocka_unit_test(test_levels), cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_ends),   cmocka_unit_test(test_gate),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
