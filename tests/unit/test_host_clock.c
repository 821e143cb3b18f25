/* What reports say about their hosts. */
#include "test.h"

#include "writer/conf.h"
#include "writer/host_clock.h"

static enum ticket_use use(enum record_kind kind, enum code code, int64_t status)
{
    struct record r = {.kind = kind, .code = code == CODE_OK ? NULL : (char *)code_name(code), .status = status};
    return host_clock_use(&r);
}

static void uses(void **state)
{
    static const struct {
        enum record_kind kind;
        enum code code;
        int64_t status;
        enum ticket_use use;
    } rows[] = {
        {RECORD_FETCHED, CODE_OK, 200, USE_ANSWERED},         {RECORD_RETURNED, CODE_OK, 0, USE_NONE},
        {RECORD_VERDICT, CODE_HTTP_4XX, 404, USE_ANSWERED},   {RECORD_VERDICT, CODE_REDIRECTED, 301, USE_ANSWERED},
        {RECORD_VERDICT, CODE_TOO_LARGE, 200, USE_ANSWERED},  {RECORD_VERDICT, CODE_HTTP_5XX, 500, USE_TROUBLED},
        {RECORD_VERDICT, CODE_TIMEOUT, 0, USE_TROUBLED},      {RECORD_VERDICT, CODE_TLS, 0, USE_TROUBLED},
        {RECORD_VERDICT, CODE_BAD_RESPONSE, 0, USE_TROUBLED}, {RECORD_VERDICT, CODE_RATE_LIMITED, 429, USE_LIMITED},
        {RECORD_VERDICT, CODE_DNS_FAIL, 0, USE_UNREACHED},    {RECORD_VERDICT, CODE_CONNECT_FAIL, 0, USE_UNREACHED},
        {RECORD_VERDICT, CODE_NO_RESOLVER, 0, USE_UNREACHED}, {RECORD_ROBOTS, CODE_NO_RESOLVER, 0, USE_UNREACHED},
        {RECORD_VERDICT, CODE_ADDRESS_BLOCKED, 0, USE_NONE},  {RECORD_ROBOTS, CODE_OK, 200, USE_ANSWERED},
        {RECORD_ROBOTS, CODE_OK, 404, USE_ANSWERED},          {RECORD_ROBOTS, CODE_OK, 429, USE_LIMITED},
        {RECORD_ROBOTS, CODE_OK, 503, USE_TROUBLED},          {RECORD_ROBOTS, CODE_CONNECT_FAIL, 0, USE_UNREACHED},
        {RECORD_EMPTY, CODE_NO_ARTICLE, 200, USE_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_int_equal(use(rows[i].kind, rows[i].code, rows[i].status), rows[i].use);
}

static void pauses(void **state)
{
    static const struct {
        int64_t retry_after, taken_at, fetched_at, pause;
    } rows[] = {
        {0, 1000, 1400, 800},                                /* twice what it took */
        {0, 1000, 9000000, 30000},                           /* at most CRAWL_DELAY_MAX */
        {0, 0, 9000000, 0},           {0, 2000, 1000, 0},    /* no times, or none that can be */
        {7, 1000, 1001, 7000},        {7, 1000, 1400, 7000}, /* the server's word */
        {100000, 1000, 1001, 600000}, {INT64_MAX, 0, 0, 600000}, {0, 1, INT64_MAX, 30000},
    };
    (void)state;
    writer_conf.host_delay_ms = 100;
    writer_conf.delay_factor = 2;
    writer_conf.crawl_delay_max_ms = 30000;
    writer_conf.retry_after_max_ms = 600000;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record r = {.retry_after = rows[i].retry_after, .taken_at = rows[i].taken_at, .fetched_at = rows[i].fetched_at};
        assert_int_equal(host_clock_pause_ms(&r), rows[i].pause);
    }
    struct record slow = {.taken_at = 1, .fetched_at = 10000};
    writer_conf.host_delay_ms = 0; /* no delay, no pauses */
    assert_int_equal(host_clock_pause_ms(&slow), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(uses), cmocka_unit_test(pauses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
