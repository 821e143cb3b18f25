/* Rules of a crawl: prefix, masks, match, preset, guards; and that no mask can take for ever. */
#include "test.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "line/limits.h"
#include "writer/mask.h"
#include "writer/rules.h"

static struct rules *rules_of(const char *json, struct rules_error *error_r)
{
    cJSON *object = cJSON_Parse(json);
    assert_non_null(object);
    rules_budget_begin();
    struct rules *rules = rules_new(object, error_r);
    cJSON_Delete(object);
    return rules;
}

static void each_rule(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *url;
        enum refusal refusal;
        const char *why;
    } rows[] = {
        {"{}", "http://a.test/anything?x=1", REFUSED_NOT, ""},
        {"{\"prefix\":\"/docs/\"}", "http://a.test/docs/", REFUSED_NOT, ""},
        {"{\"prefix\":\"/docs/\"}", "http://a.test/docs/x?y", REFUSED_NOT, ""},
        {"{\"prefix\":\"/docs/\"}", "http://a.test/docs", REFUSED_PREFIX, ""},
        {"{\"prefix\":\"/docs/\"}", "http://a.test/Docs/", REFUSED_PREFIX, ""},
        {"{\"prefix\":\"/docs/\"}", "http://docs.test:8080/", REFUSED_PREFIX, ""},
        {"{\"prefix\":\"/x/../ä b\"}", "http://a.test/%C3%A4%20b/c", REFUSED_NOT, ""},
        {"{\"prefix\":\"/w/index.php?title=\"}", "http://a.test/w/index.php?title=A", REFUSED_NOT, ""},
        {"{\"include\":[\"^/a/\"]}", "http://h.test/a/1", REFUSED_NOT, ""},
        {"{\"include\":[\"^/a/\"]}", "http://h.test/b/a/1", REFUSED_INCLUDE, ""},
        {"{\"include\":[\"^/a/\",\"^/b/\"]}", "http://h.test/b/a/1", REFUSED_NOT, ""},
        {"{\"include\":[]}", "http://h.test/b", REFUSED_NOT, ""},
        {"{\"exclude\":[\"[.]pdf$\"]}", "http://h.test/b.pdf", REFUSED_EXCLUDE, "exclude[0]: [.]pdf$"},
        {"{\"exclude\":[\"[.]pdf$\",\"(?i)DRAFT\"]}", "http://h.test/?draft", REFUSED_EXCLUDE, "exclude[1]: (?i)DRAFT"},
        {"{\"exclude\":[\"[.]pdf$\"]}", "http://h.test/b.pdf?x", REFUSED_NOT, ""},
        {"{\"exclude\":[\"h.test\"]}", "http://h.test/", REFUSED_NOT, ""},
        {"{\"exclude\":[\"h.test\"],\"match\":\"path\"}", "http://h.test/", REFUSED_NOT, ""},
        {"{\"exclude\":[\"^https?://h.test/\"],\"match\":\"url\"}", "http://h.test/", REFUSED_EXCLUDE, NULL},
        {"{\"include\":[\"a\"],\"exclude\":[\"b\"]}", "http://h.test/ab", REFUSED_EXCLUDE, NULL},
        {"{\"include\":[\"(a)(b)(c)\"]}", "http://h.test/abc", REFUSED_NOT, ""},
        {"{\"exclude\":[\"%C3%A4\"]}", "http://h.test/%C3%A4", REFUSED_EXCLUDE, NULL},
        {"{\"preset\":\"wiki\"}", "http://h.test/wiki/File:A.png", REFUSED_PRESET, "namespace file"},
        {"{\"preset\":\"wiki\"}", "http://h.test/wiki/A", REFUSED_NOT, ""},
        {"{}", "http://h.test/a/a/a/a", REFUSED_PATH_REPEAT, "a 4 times"},
        {"{\"guards\":true}", "http://h.test/a/a/a/a", REFUSED_PATH_REPEAT, NULL},
        {"{\"guards\":false}", "http://h.test/a/a/a/a", REFUSED_NOT, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rules_error error;
        char why[200];
        struct rules *rules = rules_of(rows[i].rules, &error);
        if (!rules) fail_msg("%s: %s", rows[i].rules, error.text);
        enum refusal refusal = rules_check(rules, rows[i].url, why, sizeof why);
        if (refusal != rows[i].refusal) fail_msg("%s %s: %s (%s)", rows[i].rules, rows[i].url, refusal_name(refusal), why);
        if (rows[i].why) assert_string_equal(why, rows[i].why);
        assert_int_equal(rules_check(rules, rows[i].url, NULL, 0), refusal);
        rules_free(&rules);
    }
}

static void faults_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *text;
    } rows[] = {
        {"{\"prefix\":\"docs\"}", "prefix: must be a path that begins with /"},
        {"{\"prefix\":1}", "prefix: must be a path that begins with /"},
        {"{\"prefix\":\"//other.test/\"}", "prefix: not a path of a URL"},
        {"{\"prefix\":\"/a#b\"}", "prefix: a page's address has no #"},
        {"{\"include\":\"a\"}", "include: must be a list of regular expressions"},
        {"{\"include\":[1]}", "include[0]: must be a string"},
        {"{\"include\":[\"a\",\"x(b\"]}", "include[1]: at offset 3: missing closing parenthesis"},
        {"{\"exclude\":[\"a**+*\"]}", "exclude[0]: at offset 2: quantifier does not follow a repeatable item"},
        {"{\"exclude\":[\"abc[z-a]\"]}", "exclude[0]: at offset 6: range out of order in character class"},
        {"{\"exclude\":[\"\"]}", "exclude[0]: at offset 0: empty"},
        {"{\"exclude\":[\"ab\\u00e4\"]}", "exclude[0]: at offset 2: not printable ASCII; in URLs other characters are percent-encoded"},
        {"{\"exclude\":[\"(*UTF)a\"]}", "exclude[0]: at offset 6: using UTF is disabled by the application"},
        {"{\"match\":\"host\"}", "match: must be path or url"},
        {"{\"preset\":\"blog\"}", "preset: there is one, wiki"},
        {"{\"per_host\":0}", "per_host: must be a whole number from 1 to 1000000000"},
        {"{\"per_host\":1.5}", "per_host: must be a whole number from 1 to 1000000000"},
        {"{\"guards\":1}", "guards: must be true or false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rules_error error;
        struct rules *rules = rules_of(rows[i].rules, &error);
        if (rules) fail_msg("%s is read", rows[i].rules);
        assert_string_equal(error.text, rows[i].text);
    }
}

static void number_and_length_are_bounded(void **state)
{
    (void)state;
    struct rules_error error;
    cJSON *object = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(object, "include");
    for (int i = 0; i < LIMIT_MASKS; i++) cJSON_AddItemToArray(list, cJSON_CreateString("a"));
    struct rules *rules = rules_new(object, &error);
    assert_non_null(rules);
    rules_free(&rules);
    cJSON_AddItemToArray(list, cJSON_CreateString("a"));
    assert_null(rules_new(object, &error));
    assert_string_equal(error.text, "include: at most 32 masks");
    cJSON_Delete(object);

    struct mask_error fault;
    char pattern[LIMIT_MASK + 2];
    memset(pattern, 'a', sizeof pattern);
    pattern[LIMIT_MASK + 1] = '\0';
    assert_null(mask_new(pattern, &fault));
    assert_string_equal(fault.text, "longer than a mask may be");
    pattern[LIMIT_MASK] = '\0';
    struct mask *mask = mask_new(pattern, &fault);
    assert_non_null(mask);
    mask_free(&mask);

    /* Short to write, large when compiled. */
    assert_null(rules_of("{\"exclude\":[\"(abc){900}(def){900}(ghi){900}\",\"(abc){900}(def){900}(ghi){900}\"]}", &error));
    assert_string_equal(error.text, "exclude[1]: the masks are too complex, together more than 65536 bytes compiled");
}

static void text_is_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *text;
    } rows[] = {
        {"{\"url\":\"x\",\"depth\":3}", "{}"},
        {"{\"match\":\"path\",\"guards\":true,\"include\":[],\"exclude\":[]}", "{}"},
        {"{\"guards\":false,\"per_host\":5,\"preset\":\"wiki\",\"match\":\"url\",\"exclude\":[\"b\",\"a\"],\"include\":[\"c\\\\d\"],"
         "\"prefix\":\"/x/./y\"}",
         "{\"prefix\":\"/x/y\",\"include\":[\"c\\\\d\"],\"exclude\":[\"b\",\"a\"],\"match\":\"url\",\"preset\":\"wiki\",\"per_host\":5,"
         "\"guards\":false}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rules_error error;
        struct rules *rules = rules_of(rows[i].rules, &error), *again;
        char *text = rules_text(rules), *text_again;
        assert_string_equal(text, rows[i].text);
        again = rules_of(text, &error);
        text_again = rules_text(again);
        assert_string_equal(text, text_again);
        free(text);
        free(text_again);
        rules_free(&rules);
        rules_free(&again);
    }
}

static int64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What the translation to machine code of PCRE2 10.42 gets wrong: the first repetition takes all letters, and gives none back. */
static void atomic_groups_repeat(void **state)
{
    (void)state;
    struct mask_error fault;
    struct mask *mask = mask_new(".?(?>[ab]+|b++){2,9}", &fault);
    assert_non_null(mask);
    assert_int_equal(mask_search(mask, "/aaxab1aab1ba", 13), MASK_NO);
    mask_free(&mask);
}

static char *long_url(char c)
{
    char *url = mem_alloc(LIMIT_URL + 1);
    memset(url, c, LIMIT_URL);
    memcpy(url, "http://h.test/", 14);
    url[LIMIT_URL] = '\0';
    return url;
}

static const char *const evil[] = {
    "(a+)+$x",
    "^(a|aa)+$",
    "(.*)*=x",
    "(.*a){20}b",
    "(a|a)*b",
    "(?=(a+))a*b\\1",
    "a{0,80}a{0,80}[xy]Q",
    "(?:a?a?){40}[xy]Q",
    "(a*)*\\1x",
    "((a)|(b)|(.))*z",
    "(?:a?){60}a{60}b",
    "(?R)?a+(?R)?b",
    "(a(?1)?a)b",
    ".*.*.*.*.*.*=x",
    "(\\w+\\s?)*!",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(?<=a)(a+)+b",
    "(x+x+)+y|(a+a+)+b",
};

static void evil_masks_end(void **state)
{
    (void)state;
    char *url = long_url('a');
    memcpy(url + LIMIT_URL - 20, "a!b=x-yzBcA/+?zQ", 16); /* what patterns want at their end is there */
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        struct mask_error fault;
        struct mask *mask = mask_new(evil[i], &fault);
        if (!mask) fail_msg("%s: %s", evil[i], fault.text);
        int64_t before = cpu_ms();
        mask_search(mask, url, LIMIT_URL);
        int64_t took = cpu_ms() - before;
        if (took > 2000) fail_msg("%s: %lld ms", evil[i], (long long)took);
        mask_free(&mask);
    }
    free(url);
}

/* All of a page's links, a mask that takes as long as it may: together about the budget, then refused without a search. */
static void budget_ends_it(void **state)
{
    (void)state;
    struct rules_error error;
    struct rules *bad = rules_of("{\"exclude\":[\"a{0,80}a{0,80}[xy]Q\"],\"guards\":false}", &error);
    cJSON *object = cJSON_Parse("{\"exclude\":[\"b$\"],\"guards\":false}");
    struct rules *good = rules_new(object, &error);
    char *url = long_url('a'), why[200];
    size_t searched = 0;
    url[LIMIT_URL - 1] = 'Q'; /* else the search would end before it begins */
    cJSON_Delete(object);
    int64_t before = cpu_ms();
    for (size_t i = 0; i < LIMIT_LINKS; i++) searched += rules_check(bad, url, why, sizeof why) == REFUSED_NOT;
    int64_t took = cpu_ms() - before;
    print_message("%zu searches, %lld ms\n", searched, (long long)took);
    if (took > 3000 || searched > LIMIT_LINKS / 2) fail_msg("%zu searches, %lld ms", searched, (long long)took);
    assert_string_equal(why, "the masks have had their share of time");
    assert_int_equal(rules_check(good, url, NULL, 0), REFUSED_NOT); /* others are not in it */
    assert_int_equal(rules_check(bad, "http://h.test/", NULL, 0), REFUSED_MASK_LIMIT);
    rules_budget_begin();
    assert_int_equal(rules_check(bad, "http://h.test/", NULL, 0), REFUSED_NOT);
    rules_free(&bad);
    rules_free(&good);
    free(url);
}

static void add(char pattern[LIMIT_MASK + 1], const char *piece)
{
    if (strlen(pattern) + strlen(piece) <= LIMIT_MASK) memcpy(pattern + strlen(pattern), piece, strlen(piece) + 1);
}

/* A pattern that is one, mostly: groups in groups, each repeated. */
static void grow(char pattern[LIMIT_MASK + 1], int depth)
{
    static const char *const atoms[] = {"a", "b", "x", "/", ".", "\\w", "[ab]", "[^/]", "[a-x]", "\\d", "aa", "-"};
    static const char *const groups[] = {"(", "(?:", "(?=", "(?>", "(?|"};
    static const char *const repeats[] = {"", "*", "+", "*?", "{2,9}", "?", "++"};
    for (long n = random() % 3 + 1; n > 0; n--) {
        if (depth > 0 && random() % 2) {
            add(pattern, groups[random() % 5]);
            grow(pattern, depth - 1);
            if (random() % 2) {
                add(pattern, "|");
                grow(pattern, depth - 1);
            }
            add(pattern, ")");
        } else {
            add(pattern, atoms[random() % 12]);
        }
        add(pattern, repeats[random() % 7]);
    }
}

/* Patterns of random pieces: each is refused with a place in it, or searches and ends, twice with the same result. */
static void random_masks(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a",         "b",           "/",
        "\\d",       "\\w",         ".",
        "[a-c]",     "[^/]",        "(",
        ")",         "(?:",         "(?=",
        "(?!",       "(?<=",        "(?>",
        "|",         "*",           "+",
        "?",         "{2,5}",       "{3}",
        "*?",        "++",          "^",
        "$",         "\\b",         "\\1",
        "\\2",       "(?1)",        "(?R)",
        "(?i)",      "[",           "]",
        "\\",        "-",           "x",
        "=",         "(*ACCEPT)",   "(*SKIP)",
        "(?#c)",     "\\Q",         "\\E",
        "(?C)",      "(?|",         "\\K",
        "{,3}",      "[[:alpha:]]", "\\x41",
        "(?<n>",     "\\k<n>",      "(*LIMIT_MATCH=1000000000)",
        "(*NO_JIT)",
    };
    const char *given = getenv("GM_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("GM_SEED=%u\n", seed);
    srandom(seed);
    int64_t end = cpu_ms() + 3000;
    size_t made = 0, bad = 0, slow = 0;
    while (cpu_ms() < end && made < 20000) {
        char pattern[LIMIT_MASK + 1] = "", url[301] = "http://h.test/";
        if (random() % 4)
            grow(pattern, 4);
        else
            for (long n = random() % 20 + 1; n > 0; n--) add(pattern, pieces[(size_t)random() % (sizeof pieces / sizeof *pieces)]);
        for (size_t i = 14, n = 14 + (size_t)random() % 286; i < n; i++) url[i] = "aaaaabbx/=1-"[random() % 12];
        struct mask_error fault;
        struct mask *mask = mask_new(pattern, &fault);
        made++;
        if (!mask) {
            bad++;
            if (fault.at > strlen(pattern) || fault.text[0] == '\0') fail_msg("%s: at %zu %s", pattern, fault.at, fault.text);
            continue;
        }
        int64_t before = cpu_ms();
        enum mask_result result = mask_search(mask, url, strlen(url));
        if (cpu_ms() - before > 2000) fail_msg("%s on %s: %lld ms", pattern, url, (long long)(cpu_ms() - before));
        slow += result == MASK_LIMIT;
        if (mask_search(mask, url, strlen(url)) != result) fail_msg("%s on %s: %d only once", pattern, url, result);
        mask_free(&mask);
    }
    print_message("%zu masks, %zu refused, %zu at their limit\n", made, bad, slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(number_and_length_are_bounded),
        cmocka_unit_test(text_is_canonical),
        cmocka_unit_test(evil_masks_end),
        cmocka_unit_test(budget_ends_it),
        cmocka_unit_test(atomic_groups_repeat),
        cmocka_unit_test(random_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
