/* The gateway without its database: routes, hosts, JSON, errors. */
#include "test.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "gateway/access.h"
#include "gateway/assets.h"
#include "gateway/gateway.h"
#include "gateway/http.h"
#include "gateway/routes.h"

static void routes_are_found(void **state)
{
    static const struct {
        enum method method;
        const char *path, *route, *arg;
        unsigned allow;
    } rows[] = {
        {METHOD_GET, "/v1/crawl", "/v1/crawl", "", 0},
        {METHOD_GET, "/v1/crawl/active", "/v1/crawl/active", "", 0},
        {METHOD_GET, "/v1/crawl/7", "/v1/crawl/{id}", "7", 0},
        {METHOD_POST, "/v1/crawl/7/pause", "/v1/crawl/{id}/pause", "7", 0},
        {METHOD_GET, "/v1/crawl/7/pause", NULL, "", 1u << METHOD_POST},
        {METHOD_DELETE, "/v1/summary", NULL, "", 1u << METHOD_GET | 1u << METHOD_POST},
        {METHOD_GET, "/v1/crawl/", NULL, "", 0},
        {METHOD_GET, "/v1/crawl//pages", NULL, "", 0},
        {METHOD_GET, "/v1/crawl/7/pages/", NULL, "", 0},
        {METHOD_GET, "/v1/crawlx", NULL, "", 0},
        {METHOD_GET, "", NULL, "", 0},
        {METHOD_GET, "/", "/{file}", "", 0},
        {METHOD_GET, "/index.html", "/{file}", "", 0},
        {METHOD_POST, "/", NULL, "", 1u << METHOD_GET},
        {METHOD_GET, "/../index.html", NULL, "", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char args[2][ARG_MAX_BYTES] = {"", ""};
        unsigned allow = 77;
        const struct route *route = route_find(rows[i].method, rows[i].path, args, &allow);
        if (rows[i].route) {
            assert_string_equal(route->path, rows[i].route);
            assert_string_equal(args[0], rows[i].arg);
        } else {
            assert_null(route);
            assert_int_equal(allow, rows[i].allow);
        }
    }
}

static void an_argument_has_a_bound(void **state)
{
    char path[200] = "/v1/crawl/", args[2][ARG_MAX_BYTES];
    unsigned allow;
    (void)state;
    memset(path + 10, '1', ARG_MAX_BYTES - 1);
    assert_non_null(route_find(METHOD_GET, path, args, &allow));
    path[10 + ARG_MAX_BYTES - 1] = '1';
    assert_null(route_find(METHOD_GET, path, args, &allow));
}

static void hosts_that_are_ours(void **state)
{
    static char hosts[] = "gist.example, other.example,";
    static const char *const ours[] = {"localhost", "LOCALHOST:1", "127.0.0.1",    "127.255.0.9:80",
                                       "[::1]",     "[::1]:8080",  "gist.example", "Other.Example:9"};
    static const char *const others[] = {"",      "evil.example", "localhost.evil", "127.0.0.1.evil", "127.0.0.256",   "127.1",
                                         "[::2]", "[::1",         "[::1]evil",      "gist.example.x", "xgist.example", "10.0.0.1",
                                         ":80",   "127.0.0.1x",   "128.0.0.1"};
    (void)state;
    gateway_conf.hosts = hosts;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) assert_true(access_host_is_ours(ours[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_false(access_host_is_ours(others[i]));
}

static void json_is_quoted(void **state)
{
    static const char text[] = "a\"b\\c\n\t\x01\x7f</script>\xc3\xa4\xe2\x80\xae";
    struct buf out = BUF_INIT(1000);
    (void)state;
    json_quote(&out, text);
    cJSON *back = cJSON_Parse(buf_str(&out));
    assert_string_equal(cJSON_GetStringValue(back), text);
    cJSON_Delete(back);
    buf_release(&out);
}

static void an_error_is_json_whatever_its_words(void **state)
{
    struct request req = {.method = METHOD_GET};
    (void)state;
    buf_init(&req.answer.body, 10000);
    answer_fault(&req, FAULT_BAD_REQUEST, "fi\"eld", "%s", "bad \xff\xfe \x01 bytes \"and\" quotes");
    cJSON *json = cJSON_Parse(buf_str(&req.answer.body));
    assert_int_equal(req.answer.status, 400);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "success")));
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "code")), "BAD_REQUEST");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "details"), "field")), "fi\"eld");
    cJSON_Delete(json);
    answer_fault(&req, FAULT_UNAVAILABLE, NULL, "away");
    assert_int_equal(req.answer.status, 503);
    assert_int_equal(req.answer.header_count, 1);
    assert_string_equal(req.answer.headers[0].name, "Retry-After");
    answer_clear(&req);
    assert_int_equal(req.answer.header_count, 0);
    buf_release(&req.answer.body);
}

static void the_page_is_built_in(void **state)
{
    (void)state;
    assert_true(asset_exists("/") && asset_exists("/index.html"));
    assert_false(asset_exists("/index.htm") || asset_exists("index.html") || asset_exists("/web/index.html"));
    for (const struct asset *a = assets; a->path; a++) assert_true(a->end > a->start && a->path[0] == '/');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_are_found),
        cmocka_unit_test(an_argument_has_a_bound),
        cmocka_unit_test(hosts_that_are_ours),
        cmocka_unit_test(json_is_quoted),
        cmocka_unit_test(an_error_is_json_whatever_its_words),
        cmocka_unit_test(the_page_is_built_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
