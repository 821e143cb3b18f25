/* Addresses are judged where connections are made: a stub in place of socket(2) records what would be connected to, and no
 * packet leaves. */
#include "test.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>

#include "fetcher/fetcher_trouble.h"
#include "fetcher/http.h"

static int sockets, socket_errno;

static int record_socket(int domain, int type, int protocol)
{
    (void)domain, (void)type, (void)protocol;
    sockets++;
    errno = socket_errno;
    return -1;
}

struct end {
    int calls;
    enum http_failure failure;
    char detail[LIMIT_DETAIL + 1];
};

static void on_done(void *context, struct http_response *response)
{
    struct end *end = context;
    end->calls++;
    end->failure = response->failure;
    snprintf(end->detail, sizeof end->detail, "%s", response->detail);
}

static struct end try_url(const char *url, const char *permitted, const char *resolve)
{
    struct address_rules rules;
    char fault[64];
    assert_int_equal(address_rules_parse(permitted, &rules, fault, sizeof fault), 0);
    struct http_config config = {.user_agent = "test",
                                 .ca_file = "",
                                 .connect_to = "",
                                 .resolve = resolve,
                                 .connect_ms = 5000,
                                 .first_byte_ms = 5000,
                                 .total_ms = 5000,
                                 .connections = 8,
                                 .rules = &rules,
                                 .open_socket = record_socket};
    struct ev_loop *loop = ev_loop_new(0);
    struct http *http = http_new(&config, loop);
    struct end end = {0};
    sockets = 0;
    struct http_request request = {.url = url, .body_max = 1000};
    http_start(http, &request, on_done, &end);
    assert_int_equal(end.calls, 0); /* never from within http_start */
    ev_run(loop, 0);
    assert_int_equal(end.calls, 1);
    http_free(&http);
    ev_loop_destroy(loop);
    address_rules_release(&rules);
    return end;
}

static void nothing_leaves(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "0.0.0.0",        "10.1.2.3",        "100.64.0.1",      "127.0.0.1",     "127.255.255.254", "169.254.169.254",   "172.16.0.1",
        "192.0.0.192",    "192.0.2.1",       "192.168.1.1",     "198.18.0.1",    "198.51.100.1",    "203.0.113.1",       "168.63.129.16",
        "224.0.0.1",      "240.0.0.1",       "255.255.255.255", "[::]",          "[::1]",           "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]",
        "[64:ff9b:1::1]", "[100::1]",        "[2001::1]",       "[2001:db8::1]", "[2002:a00:1::1]", "[3fff::1]",         "[5f00::1]",
        "[fc00::1]",      "[fd00:ec2::254]", "[fe80::1]",       "[fec0::1]",     "[ff02::1]",       "[::127.0.0.1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        for (int tls = 0; tls < 2; tls++) {
            char url[100];
            snprintf(url, sizeof url, "http%s://%s:8080/", tls ? "s" : "", hosts[i]);
            struct end end = try_url(url, "", "");
            if (sockets != 0 || end.failure != HTTP_BLOCKED)
                fail_msg("%s: %d sockets, failure %d %s", url, sockets, end.failure, end.detail);
            if (!strstr(end.detail, " address ")) fail_msg("%s: detail %s", url, end.detail);
        }
}

static void names_are_judged_by_their_addresses(void **state)
{
    (void)state;
    struct end end = try_url("http://rebound.test/", "", "rebound.test:80:169.254.169.254");
    assert_int_equal(sockets, 0);
    assert_int_equal(end.failure, HTTP_BLOCKED);
    assert_string_equal(end.detail, "cloud metadata address 169.254.169.254");
    /* Of several addresses those that may be connected to are tried, the others never. */
    end = try_url("http://mixed.test/", "", "mixed.test:80:10.0.0.1,93.184.215.14");
    assert_int_equal(sockets, 1);
    assert_int_equal(end.failure, HTTP_NO_CONNECTION);
    end = try_url("http://several.test/", "", "several.test:80:10.0.0.1,192.168.0.1,[fd00::1]");
    assert_int_equal(sockets, 0);
    assert_int_equal(end.failure, HTTP_BLOCKED);
}

static void permitted(void **state)
{
    (void)state;
    assert_int_equal(try_url("http://127.0.0.1:9/", "127.0.0.0/8", "").failure, HTTP_NO_CONNECTION);
    assert_int_equal(sockets, 1);
    assert_int_equal(try_url("http://[::1]:9/", "127.0.0.0/8", "").failure, HTTP_BLOCKED);
    assert_int_equal(try_url("http://10.0.0.1:9/", "127.0.0.0/8", "").failure, HTTP_BLOCKED);
    assert_int_equal(sockets, 0);
    assert_int_equal(try_url("http://93.184.215.14/", "", "").failure, HTTP_NO_CONNECTION);
    assert_int_equal(sockets, 1);
}

static void our_own_want(void **state)
{
    (void)state;
    socket_errno = EMFILE;
    assert_int_equal(try_url("http://93.184.215.14/", "", "").failure, HTTP_STARVED);
    socket_errno = EAFNOSUPPORT;
    assert_int_equal(try_url("http://[2606:4700::1]/", "", "").failure, HTTP_NO_CONNECTION);
    socket_errno = 0;
}

static void schemes(void **state)
{
    (void)state;
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "dict://127.0.0.1/",
                                       "http://me:pw@127.0.0.1/"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct end end = try_url(urls[i], "127.0.0.0/8", "");
        if (sockets != 0 || end.failure == HTTP_FINE) fail_msg("%s: failure %d", urls[i], end.failure);
    }
}

static void aborting(void **state)
{
    (void)state;
    struct address_rules rules = {0};
    struct http_config config = {.user_agent = "test",
                                 .ca_file = "",
                                 .connect_to = "",
                                 .resolve = "",
                                 .connect_ms = 5000,
                                 .first_byte_ms = 5000,
                                 .total_ms = 5000,
                                 .connections = 8,
                                 .rules = &rules,
                                 .open_socket = record_socket};
    struct ev_loop *loop = ev_loop_new(0);
    struct http *http = http_new(&config, loop);
    struct end end = {0};
    struct http_request request = {.url = "http://93.184.215.14/", .body_max = 1000};
    struct http_stats stats;
    for (int i = 0; i < 3; i++) http_abort(http_start(http, &request, on_done, &end));
    http_start(http, &request, on_done, &end);
    http_abort(http_start(http, &request, on_done, &end));
    ev_run(loop, 0);
    assert_int_equal(end.calls, 1);
    http_stats(http, &stats);
    assert_int_equal(stats.active, 0);
    assert_int_equal(stats.finished, 1);
    http_start(http, &request, on_done, &end);
    http_free(&http); /* with one under way */
    assert_int_equal(end.calls, 1);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leaves), cmocka_unit_test(names_are_judged_by_their_addresses),
        cmocka_unit_test(permitted),      cmocka_unit_test(our_own_want),
        cmocka_unit_test(schemes),        cmocka_unit_test(aborting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
