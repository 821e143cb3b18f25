/* Addresses are judged where connections are made: a stub in place of socket(2) records what would be connected to, and no
 * packet leaves. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "address_rows.h"
#include "fetcher/fetcher_trouble.h"
#include "fetcher/http.h"

static int sockets, socket_errno;
static char asked[INET6_ADDRSTRLEN]; /* the last address a socket was wanted for */

static int record_socket(const struct sockaddr *address, int type, int protocol)
{
    socklen_t length = address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    (void)type, (void)protocol;
    sockets++;
    assert_int_equal(getnameinfo(address, length, asked, sizeof asked, NULL, 0, NI_NUMERICHOST), 0);
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

static struct end try_rules(const char *url, const char *permitted, const char *ports, const char *resolve)
{
    struct address_rules rules;
    char fault[300];
    assert_int_equal(address_rules_parse(permitted, ports, &rules, fault, sizeof fault), 0);
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
    asked[0] = '\0';
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

static struct end try_url(const char *url, const char *permitted, const char *resolve)
{
    return try_rules(url, permitted, "", resolve);
}

static bool same_address(const char *a, const char *b)
{
    unsigned char one[16], other[16];
    int family = strchr(a, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, a, one) != 1 || inet_pton(family, b, other) != 1) return false;
    return memcmp(one, other, family == AF_INET6 ? 16 : 4) == 0;
}

/* Every row of the table, as the host of a URL: no socket for what is refused, one socket for that very address else. */
static void every_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < ADDRESS_ROWS; i++)
        for (int tls = 0; tls < 2; tls++) {
            const char *address = address_rows[i].address, *kind = address_rows[i].kind;
            bool six = strchr(address, ':');
            char url[100], words[100];
            snprintf(url, sizeof url, "http%s://%s%s%s:8080/", tls ? "s" : "", six ? "[" : "", address, six ? "]" : "");
            struct end end = try_url(url, "", "");
            if (sockets != !kind || end.failure != (kind ? HTTP_BLOCKED : HTTP_NO_CONNECTION))
                fail_msg("%s: %d sockets, failure %d %s", url, sockets, end.failure, end.detail);
            snprintf(words, sizeof words, "%s address ", kind ? kind : "");
            if (kind && !strstr(end.detail, words)) fail_msg("%s: detail %s", url, end.detail);
            if (!kind && !same_address(asked, address)) fail_msg("%s: a socket for %s", url, asked);
        }
}

/* What a URL's host may be written like: it is judged as what it comes to. */
static void odd_spellings(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://2130706433/", "http://0x7f.1/",          "http://0177.0.0.1/",         "http://127.1/",
        "http://0/",          "http://[::ffff:7f00:1]/", "http://[::FFFF:127.0.0.1]/", "http://[0:0:0:0:0:0:0:1]/"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct end end = try_url(urls[i], "", "");
        if (sockets != 0 || end.failure == HTTP_FINE) fail_msg("%s: %d sockets, failure %d", urls[i], sockets, end.failure);
    }
}

static void ports(void **state)
{
    (void)state;
    struct end end = try_url("http://93.184.215.14:6000/", "", "");
    assert_int_equal(sockets, 0);
    assert_int_equal(end.failure, HTTP_BLOCKED);
    assert_string_equal(end.detail, "port 6000 of 93.184.215.14, which browsers refuse, too");
    assert_int_equal(try_url("http://127.0.0.1:25/", "127.0.0.0/8", "").failure, HTTP_BLOCKED); /* networks are no ports */
    assert_int_equal(try_url("https://[2606:4700::1111]:993/", "", "").failure, HTTP_BLOCKED);
    assert_int_equal(try_rules("http://93.184.215.14:6000/", "", "22,6000", "").failure, HTTP_NO_CONNECTION);
    assert_int_equal(sockets, 1);
    assert_int_equal(try_rules("http://10.0.0.1:6000/", "", "6000", "").failure, HTTP_BLOCKED); /* ports are no networks */
    assert_int_equal(sockets, 0);
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
    assert_int_equal(try_url("http://127.0.0.1:8009/", "127.0.0.0/8", "").failure, HTTP_NO_CONNECTION);
    assert_int_equal(sockets, 1);
    assert_int_equal(try_url("http://[::1]:8009/", "127.0.0.0/8", "").failure, HTTP_BLOCKED);
    assert_int_equal(try_url("http://10.0.0.1:8009/", "127.0.0.0/8", "").failure, HTTP_BLOCKED);
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
        cmocka_unit_test(every_range), cmocka_unit_test(odd_spellings),
        cmocka_unit_test(ports),       cmocka_unit_test(names_are_judged_by_their_addresses),
        cmocka_unit_test(permitted),   cmocka_unit_test(our_own_want),
        cmocka_unit_test(schemes),     cmocka_unit_test(aborting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
