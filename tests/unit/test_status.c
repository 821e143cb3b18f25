/* The status server, asked over loopback from within the same loop. */
#include "test.h"

#include <arpa/inet.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "line/status.h"

static bool is_ready;
static size_t metrics_bytes;

static bool ready(void *context, struct buf *reason)
{
    assert_ptr_equal(context, &is_ready);
    if (!is_ready) buf_add_str(reason, "waiting for the broker");
    return is_ready;
}

static void metrics(void *context, struct buf *out)
{
    (void)context;
    buf_add_str(out, "# TYPE x counter\nx 1\n");
    for (size_t n = 0; n < metrics_bytes; n += 8) buf_add_str(out, "y 12345\n");
}

static const struct status_handlers handlers = {.context = &is_ready, .ready = ready, .metrics = metrics};

struct client {
    int fd;
    struct buf got;
    bool closed;
};

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    struct client *client = io->data;
    char bytes[4096];
    (void)events;
    ssize_t n = read(client->fd, bytes, sizeof bytes);
    if (n > 0) buf_add(&client->got, bytes, (size_t)n);
    if (n > 0) return;
    client->closed = true;
    ev_break(loop, EVBREAK_ALL);
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static int client_connect(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0); /* the kernel's backlog answers */
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Sends a request and turns the loop until the server closes the connection. */
static void ask(struct ev_loop *loop, int port, const char *request, struct client *client)
{
    ev_io io;
    ev_timer deadline;
    buf_init(&client->got, 4u << 20);
    client->closed = false;
    client->fd = client_connect(port);
    assert_int_equal(write(client->fd, request, strlen(request)), (ssize_t)strlen(request));
    ev_io_init(&io, on_readable, client->fd, EV_READ);
    io.data = client;
    ev_io_start(loop, &io);
    ev_timer_init(&deadline, on_deadline, 20., 0.);
    ev_timer_start(loop, &deadline);
    ev_run(loop, 0);
    ev_timer_stop(loop, &deadline);
    ev_io_stop(loop, &io);
    close(client->fd);
    assert_true(client->closed);
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool ready;
        const char *status, *body;
    } cases[] = {
        {"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "HTTP/1.1 200 ", "ok\n"},
        {"GET /healthz HTTP/1.0\r\n\r\n", true, "HTTP/1.1 200 ", "ok\n"},
        {"HEAD /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true, "HTTP/1.1 200 ", ""},
        {"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true, "HTTP/1.1 200 ", "ready\n"},
        {"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "HTTP/1.1 503 ", "waiting for the broker\n"},
        {"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "HTTP/1.1 200 ", "# TYPE x counter\nx 1\n"},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true, "HTTP/1.1 404 ", "/healthz, /readyz or /metrics\n"},
        {"GET /healthz/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true, "HTTP/1.1 404 ", "/healthz, /readyz or /metrics\n"},
        {"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", true, "HTTP/1.1 200 ", "ok\n"},
        {"POST /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 900\r\n\r\nabc", true, "HTTP/1.1 405 ",
         "only GET and HEAD\n"},
        {"DELETE /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true, "HTTP/1.1 405 ", "only GET and HEAD\n"},
    };
    struct ev_loop *loop = ev_loop_new(0);
    struct conf_error error = {""};
    struct status *status = status_start(loop, "127.0.0.1:0", &handlers, &error);
    if (!status) fail_msg("%s", error.text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client client;
        is_ready = cases[i].ready;
        ask(loop, status_port(status), cases[i].request, &client);
        const char *got = buf_str(&client.got), *body = strstr(got, "\r\n\r\n");
        if (strncmp(got, cases[i].status, strlen(cases[i].status)) != 0) fail_msg("%s: got %s", cases[i].request, got);
        assert_non_null(body);
        assert_string_equal(body + 4, cases[i].body);
        buf_release(&client.got);
    }
    status_stop(&status);
    assert_null(status);
    status_stop(&status);
    ev_loop_destroy(loop);
}

static void test_bad_requests(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(0);
    struct conf_error error;
    struct status *status = status_start(loop, "127.0.0.1:0", &handlers, &error);
    struct buf large = BUF_INIT(1u << 20);
    buf_add_str(&large, "GET /healthz HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 3000; i++) buf_addf(&large, "X-%d: abcdefgh\r\n", i);
    buf_add_str(&large, "\r\n");
    const char *const requests[] = {"\r\n \x01\xff garbage\r\n\r\n", "GET\r\n\r\n", buf_str(&large)};
    struct client client;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        ask(loop, status_port(status), requests[i], &client);
        assert_null(strstr(buf_str(&client.got), " 200 "));
        buf_release(&client.got);
    }
    /* What says nothing does not keep the next one waiting. */
    int silent[8];
    for (size_t i = 0; i < 8; i++) silent[i] = client_connect(status_port(status));
    ask(loop, status_port(status), "GET /healthz HTTP/1.0\r\n\r\n", &client);
    assert_non_null(strstr(buf_str(&client.got), " 200 "));
    buf_release(&client.got);
    for (size_t i = 0; i < 8; i++) close(silent[i]);
    status_stop(&status);
    buf_release(&large);
    ev_loop_destroy(loop);
}

static void test_large_metrics(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(0);
    struct conf_error error;
    struct client client;
    struct status *status = status_start(loop, "127.0.0.1:0", &handlers, &error);
    metrics_bytes = 900000;
    ask(loop, status_port(status), "GET /metrics HTTP/1.0\r\n\r\n", &client);
    assert_true(client.got.len > 900000);
    buf_release(&client.got);
    metrics_bytes = 2000000;
    ask(loop, status_port(status), "GET /metrics HTTP/1.0\r\n\r\n", &client);
    assert_non_null(strstr(buf_str(&client.got), " 500 "));
    buf_release(&client.got);
    metrics_bytes = 0;
    status_stop(&status);
    ev_loop_destroy(loop);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *addr, *want; /* NULL: fine */
    } cases[] = {
        {"127.0.0.1:0", NULL},
        {"localhost:0", NULL},
        {"", "METRICS_ADDR=: must be host:port, with a port from 0 to 65535"},
        {"9100", "METRICS_ADDR=9100: must be host:port, with a port from 0 to 65535"},
        {"127.0.0.1:", "METRICS_ADDR=127.0.0.1:: must be host:port, with a port from 0 to 65535"},
        {"127.0.0.1:65536", "METRICS_ADDR=127.0.0.1:65536: must be host:port, with a port from 0 to 65535"},
        {"127.0.0.1:http", "METRICS_ADDR=127.0.0.1:http: must be host:port, with a port from 0 to 65535"},
        {"127.0.0.1:-1", "METRICS_ADDR=127.0.0.1:-1: must be host:port, with a port from 0 to 65535"},
        {"::1:9100", "METRICS_ADDR=::1:9100: write an IPv6 address in brackets"},
        {"192.0.2.1:0", "METRICS_ADDR=192.0.2.1:0: cannot listen: Cannot assign requested address"},
    };
    struct ev_loop *loop = ev_loop_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_error error = {""};
        struct status *status = status_start(loop, cases[i].addr, &handlers, &error);
        assert_string_equal(error.text, cases[i].want ? cases[i].want : "");
        assert_int_equal(status != NULL, cases[i].want == NULL);
        status_stop(&status);
    }
    ev_loop_destroy(loop);
}

static void test_busy_port(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(0);
    struct conf_error error;
    char addr[40], want[120];
    struct status *first = status_start(loop, "127.0.0.1:0", &handlers, &error);
    assert_non_null(first);
    snprintf(addr, sizeof addr, "127.0.0.1:%d", status_port(first));
    snprintf(want, sizeof want, "METRICS_ADDR=%s: cannot listen: Address already in use", addr);
    assert_null(status_start(loop, addr, &handlers, &error));
    assert_string_equal(error.text, want);
    status_stop(&first);
    first = status_start(loop, addr, &handlers, &error); /* free again at once */
    assert_non_null(first);
    status_stop(&first);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),   cmocka_unit_test(test_bad_requests), cmocka_unit_test(test_large_metrics),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_busy_port),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
