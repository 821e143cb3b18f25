/* Which hosts belong to a crawl, and which rule refuses a link. */
#include "test.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "writer/rules.h"
#include "writer/scope.h"

static void hosts(void **state)
{
    (void)state;
    static const struct {
        const char *seed, *host;
        bool is_host, is_subdomains, is_domain; /* what each scope says */
    } rows[] = {
        {"example.org", "example.org", true, true, true},
        {"example.org", "example.org:8080", false, true, true},
        {"example.org", "www.example.org", false, true, true},
        {"www.example.org", "example.org", false, false, true},
        {"www.example.org", "a.b.example.org", false, false, true},
        {"example.org", "notexample.org", false, false, false},
        {"example.org", "example.com", false, false, false},
        {"example.org", "example.org.", false, true, true},
        {"a.example.co.uk", "b.example.co.uk", false, false, true},
        {"a.co.uk", "b.co.uk", false, false, false},
        {"co.uk", "a.co.uk", false, true, false},
        {"one.github.io", "two.github.io", false, false, false},
        {"xn--85x722f.xn--55qx5d.cn", "www.xn--85x722f.xn--55qx5d.cn", false, true, true},
        {"127.0.0.1", "127.0.0.1:8080", false, true, true},
        {"127.0.0.1", "10.0.0.1", false, false, false},
        {"[::1]", "[::1]:8080", false, true, true},
        {"[::1]", "[::2]", false, false, false},
        {"localhost", "localhost:1", false, true, true},
        {"localhost", "a.localhost", false, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *names[] = {(char *)rows[i].seed};
        struct crawl_row crawl = {.hosts = names, .host_count = 1};
        const bool wanted[] = {[SCOPE_HOST] = rows[i].is_host,
                               [SCOPE_SUBDOMAINS] = rows[i].is_subdomains,
                               [SCOPE_DOMAIN] = rows[i].is_domain,
                               [SCOPE_ANY] = true};
        for (int s = SCOPE_HOST; s <= SCOPE_ANY; s++) {
            crawl.scope = (enum scope)s;
            if (scope_has(&crawl, rows[i].host) != wanted[s]) fail_msg("%s from %s, scope %d", rows[i].host, rows[i].seed, s);
        }
    }
}

static void order_of_rules(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        int64_t depth, kept;
        enum refusal refusal;
        const char *why;
    } rows[] = {
        {"http://a.test/x/1", 2, 0, REFUSED_NOT, ""},
        {"nonsense", 3, 9, REFUSED_DEPTH, ""},
        {"nonsense", 2, 9, REFUSED_URL, "not a valid address"},
        {"ftp://b.test/", 2, 9, REFUSED_URL, "neither http nor https"},
        {"http://b.test/x/a/a/a/a", 2, 9, REFUSED_SCOPE, ""},
        {"http://a.test/y/a/a/a/a", 2, 9, REFUSED_PREFIX, ""},
        {"http://a.test/x/a/a/a/a/Talk:a?no", 2, 9, REFUSED_PATH_REPEAT, "a 4 times"},
        {"http://a.test/x/Talk:a?no", 2, 9, REFUSED_PRESET, "namespace talk"},
        {"http://a.test/x/?no", 2, 9, REFUSED_EXCLUDE, "exclude[0]: no$"},
        {"http://a.test/x/y", 2, 9, REFUSED_INCLUDE, ""},
        {"http://a.test/x/1", 2, 9, REFUSED_LIMIT, ""},
        {"http://a.test/x/1", 2, 8, REFUSED_NOT, ""},
    };
    struct rules_error error;
    cJSON *json = cJSON_Parse("{\"prefix\":\"/x/\",\"exclude\":[\"no$\"],\"include\":[\"\\\\d\"],\"preset\":\"wiki\"}");
    struct rules *rules = rules_new(json, &error);
    char name[] = "a.test", *names[] = {name};
    cJSON_Delete(json);
    assert_non_null(rules);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct crawl_row crawl = {.hosts = names, .host_count = 1, .max_depth = 2, .max_pages = 9, .kept = rows[i].kept, .rules = rules};
        struct url url;
        char why[200];
        enum refusal refusal = scope_check(&crawl, rows[i].depth, rows[i].url, &url, why, sizeof why);
        if (refusal != rows[i].refusal || strcmp(why, rows[i].why) != 0) fail_msg("%s: %s, %s", rows[i].url, refusal_name(refusal), why);
    }
    rules_free(&rules);
}

static void names(void **state)
{
    (void)state;
    for (int r = 0; r < REFUSED_COUNT; r++) {
        assert_true(*refusal_name((enum refusal)r) && *refusal_text((enum refusal)r));
        for (int s = 0; s < r; s++) assert_string_not_equal(refusal_name((enum refusal)r), refusal_name((enum refusal)s));
    }
    assert_string_equal(refusal_name(REFUSED_NOT), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hosts), cmocka_unit_test(order_of_rules), cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
