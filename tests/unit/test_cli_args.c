/* The command line: options, times, what is refused; every command's help holds together. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"

static char error[300];

/* Parses words divided by blanks; the words live as long as the program. */
static int parse(const char *line, struct args *args)
{
    static char words[40][200];
    static char *argv[40];
    int argc = 0;
    for (const char *p = line; *p && argc < 40; argc++) {
        size_t n = strcspn(p, " ");
        assert_true(n < sizeof words[0]);
        memcpy(words[argc], p, n);
        words[argc][n] = '\0';
        argv[argc] = words[argc];
        p += n;
        p += strspn(p, " ");
    }
    *error = '\0';
    return args_parse(commands, argc, argv, args, error, sizeof error);
}

static void test_good(void **state)
{
    (void)state;
    struct args a;
    assert_int_equal(parse("crawl https://a/ --depth 2 --limit=500 -x b -x c --priority -5 --sitemap only --no-guards -w", &a), 0);
    assert_string_equal(a.command->name, "crawl");
    assert_int_equal(a.count, 1);
    assert_string_equal(a.operands[0], "https://a/");
    assert_int_equal(a.options[OPT_DEPTH].number, 2);
    assert_int_equal(a.options[OPT_PAGES].number, 500);
    assert_false(a.options[OPT_ROWS].set); /* of the same name, for other commands */
    assert_int_equal(a.options[OPT_PRIORITY].number, -5);
    assert_int_equal(a.options[OPT_EXCLUDE].count, 2);
    assert_string_equal(a.options[OPT_EXCLUDE].items[1], "c");
    assert_string_equal(a.options[OPT_SITEMAP].text, "only");
    assert_true(a.options[OPT_NO_GUARDS].set && a.options[OPT_WATCH].set);
    args_release(&a);

    assert_int_equal(parse("--json pages 3 -n5 -qbridge -a", &a), 0);
    assert_true(a.options[OPT_JSON].set && a.options[OPT_ALL].set);
    assert_int_equal(a.options[OPT_ROWS].number, 5);
    assert_string_equal(a.options[OPT_QUERY].text, "bridge");
    args_release(&a);

    assert_int_equal(parse("summary --wait https://a/", &a), 0);
    assert_int_equal(a.options[OPT_WAIT].number, 60000);
    assert_string_equal(a.operands[0], "https://a/");
    args_release(&a);
    assert_int_equal(parse("summary --wait=5m https://a/", &a), 0);
    assert_int_equal(a.options[OPT_WAIT].number, 300000);
    args_release(&a);

    assert_int_equal(parse("search -- -not --json", &a), 0);
    assert_int_equal(a.count, 2);
    assert_false(a.options[OPT_JSON].set);
    args_release(&a);

    assert_int_equal(parse("add -f -", &a), 0);
    assert_string_equal(a.options[OPT_FILE].text, "-");
    args_release(&a);
    assert_int_equal(parse("export --help", &a), 0); /* no ID: help needs none */
    args_release(&a);
    assert_int_equal(parse("-h", &a), 0);
    assert_null(a.command);
    args_release(&a);
}

static void test_bad(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"", "a command is missing"},
        {"fly", "no such command: fly"},
        {"--depth 3 crawl x", "no such option before the command: --depth"},
        {"crawl", "usage: gistmill crawl URL..."},
        {"wait 1 2", "too much: 2"},
        {"crawl x --depth", "--depth needs a value: N"},
        {"crawl x --depth two", "--depth: must be a whole number from 0 to 1000"},
        {"crawl x --depth 1001", "from 0 to 1000"},
        {"crawl x --depth 1.5", "must be a whole number"},
        {"crawl x --depth=", "must be a whole number"},
        {"crawl x --limit 0", "from 1 to 1000000000"},
        {"crawl x --limit 99999999999999999999", "from 1 to 1000000000"},
        {"crawl x --scope moon", "must be one of host|subdomains|domain|any"},
        {"crawl x --scope hos", "must be one of"},
        {"crawl x --scope host|any", "must be one of"},
        {"crawl x --watch=1", "--watch takes no value"},
        {"crawl x --article", "crawl has no option --article"},
        {"crawl x -Z", "no such option: -Z"},
        {"wait 1 --timeout 5y", "must be a time"},
        {"wait 1 --timeout 8d", "must be a time"},
        {"wait 1 --timeout -5", "must be a time"},
        {"summary x --wait=soon", "must be a time"},
        {"pages \033[1m", "control characters"},
        {"pages 1 --q \007", "control characters in --q"},
    };
    struct args a;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(cases[i].line, &a), -1);
        if (!strstr(error, cases[i].words)) fail_msg("%s: %s", cases[i].line, error);
        assert_null(a.operands);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    struct args a;
    static char crawl[] = "crawl", include[] = "-i", x[] = "x";
    char *argv[2 * ARGS_LIST_MAX + 4] = {crawl, x};
    for (size_t i = 0; i <= ARGS_LIST_MAX; i++) {
        argv[2 + 2 * i] = include;
        argv[3 + 2 * i] = x;
    }
    assert_int_equal(args_parse(commands, 2 + 2 * ARGS_LIST_MAX, argv, &a, error, sizeof error), 0);
    assert_int_equal(a.options[OPT_INCLUDE].count, ARGS_LIST_MAX);
    args_release(&a);
    assert_int_equal(args_parse(commands, 4 + 2 * ARGS_LIST_MAX, argv, &a, error, sizeof error), -1);
    assert_string_equal(error, "--include: at most 32 of them");
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"0", 0},  {"5", 5000}, {"500ms", 500}, {"1.5s", 1500}, {"5m", 300000}, {"2h", 7200000}, {"7d", 604800000}, {"", -1},
                 {"s", -1}, {"5 s", -1}, {"1e3", -1},    {"0x5", -1},    {"1..5", -1},   {"inf", -1},     {"169h", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -1;
        bool good = args_time(cases[i].text, &ms);
        assert_int_equal(good, cases[i].ms >= 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

/* Of the options of one command no two share a name or a letter, and lines of help fit on a screen. */
static void test_tables(void **state)
{
    (void)state;
    for (const struct command *c = commands; c->name; c++) {
        uint64_t all = c->options | OPTS_EVERY;
        for (int i = 0; i < OPT_COUNT; i++)
            for (int j = i + 1; (all >> i & 1) && j < OPT_COUNT; j++) {
                if (!(all >> j & 1)) continue;
                assert_string_not_equal(option_rows[i].name, option_rows[j].name);
                assert_true(!option_rows[i].letter || option_rows[i].letter != option_rows[j].letter);
            }
        char *text;
        size_t n;
        FILE *out = open_memstream(&text, &n);
        args_help_command(c, out);
        fclose(out);
        for (char *line = text; *line; line += strcspn(line, "\n") + 1)
            if (strcspn(line, "\n") > 140) fail_msg("%s: %s", c->name, line);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),  cmocka_unit_test(test_bad),    cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_times), cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
