/* What responses mean: every failure and every status, redirects, Retry-After. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "fetcher/fetcher_trouble.h"

#define URL "http://example.org/dir/page"
#define NOW INT64_C(784111777000)

static struct trouble judge(enum http_failure failure, long status, const char *location, const char *retry_after, const char *detail)
{
    struct http_response response = {.failure = failure};
    struct trouble trouble;
    head_reset(&response.head);
    response.head.status = status;
    response.head.complete = status != 0;
    snprintf(response.head.location, sizeof response.head.location, "%s", location);
    snprintf(response.head.retry_after, sizeof response.head.retry_after, "%s", retry_after);
    snprintf(response.detail, sizeof response.detail, "%s", detail);
    fetcher_trouble(&response, URL, NOW, &trouble);
    return trouble;
}

static void failures(void **state)
{
    (void)state;
    static const struct {
        enum http_failure failure;
        enum code code;
    } rows[] = {
        {HTTP_BAD_URL, CODE_BAD_URL},
        {HTTP_NO_NAME, CODE_DNS_FAIL},
        {HTTP_NO_RESOLVER, CODE_NO_RESOLVER},
        {HTTP_NO_CONNECTION, CODE_CONNECT_FAIL},
        {HTTP_BLOCKED, CODE_ADDRESS_BLOCKED},
        {HTTP_NO_TLS, CODE_TLS},
        {HTTP_SLOW, CODE_TIMEOUT},
        {HTTP_BROKEN, CODE_BAD_RESPONSE},
        {HTTP_UNDECODABLE, CODE_BAD_RESPONSE},
        {HTTP_LAYERED, CODE_BAD_ENCODING},
        {HTTP_TOO_LARGE, CODE_TOO_LARGE},
        {HTTP_WRONG_TYPE, CODE_UNSUPPORTED_TYPE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (long status = 0; status <= 200; status += 200) {
            struct trouble t = judge(rows[i].failure, status, "", "", "why");
            if (t.code != rows[i].code || t.ours || strcmp(t.detail, "why") != 0)
                fail_msg("failure %d: got %s %s", rows[i].failure, code_name(t.code), t.detail);
        }
    }
    assert_true(judge(HTTP_STARVED, 0, "", "", "no descriptors").ours);
}

static void statuses(void **state)
{
    (void)state;
    static const struct {
        long status;
        enum code code;
    } rows[] = {
        {200, CODE_OK},           {204, CODE_OK},           {206, CODE_OK},           {299, CODE_OK},       {300, CODE_BAD_RESPONSE},
        {304, CODE_BAD_RESPONSE}, {305, CODE_BAD_RESPONSE}, {399, CODE_BAD_RESPONSE}, {400, CODE_HTTP_4XX}, {401, CODE_HTTP_4XX},
        {404, CODE_HTTP_4XX},     {408, CODE_TIMEOUT},      {410, CODE_HTTP_4XX},     {425, CODE_TIMEOUT},  {429, CODE_RATE_LIMITED},
        {499, CODE_HTTP_4XX},     {500, CODE_HTTP_5XX},     {503, CODE_HTTP_5XX},     {599, CODE_HTTP_5XX}, {600, CODE_BAD_RESPONSE},
        {999, CODE_BAD_RESPONSE}, {101, CODE_BAD_RESPONSE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trouble t = judge(HTTP_FINE, rows[i].status, "", "", "");
        if (t.code != rows[i].code) fail_msg("%ld: got %s, want %s", rows[i].status, code_name(t.code), code_name(rows[i].code));
        if (!*t.detail != (t.code == CODE_OK)) fail_msg("%ld: detail %s", rows[i].status, t.detail);
    }
    /* The status was said before the body broke off. */
    assert_int_equal(judge(HTTP_BROKEN, 404, "", "", "reset").code, CODE_HTTP_4XX);
    assert_int_equal(judge(HTTP_SLOW, 503, "", "9", "slow").code, CODE_RATE_LIMITED);
}

/* 304 is an answer to a conditional request only. */
static void not_modified(void **state)
{
    (void)state;
    struct http_response response = {.failure = HTTP_FINE, .conditional = true};
    struct trouble trouble;
    head_reset(&response.head);
    response.head.status = 304;
    response.head.complete = true;
    fetcher_trouble(&response, URL, NOW, &trouble);
    assert_int_equal(trouble.code, CODE_UNCHANGED);
    assert_string_equal(trouble.detail, "");
    response.conditional = false;
    fetcher_trouble(&response, URL, NOW, &trouble);
    assert_int_equal(trouble.code, CODE_BAD_RESPONSE);
    assert_string_equal(trouble.detail, "status 304");
}

static void rate_limits(void **state)
{
    (void)state;
    struct trouble t = judge(HTTP_FINE, 429, "", "7", "");
    assert_int_equal(t.code, CODE_RATE_LIMITED);
    assert_int_equal(t.retry_after, 7);
    t = judge(HTTP_FINE, 503, "", "Sun, 06 Nov 1994 08:51:37 GMT", "");
    assert_int_equal(t.code, CODE_RATE_LIMITED);
    assert_int_equal(t.retry_after, 120);
    t = judge(HTTP_FINE, 503, "", "whenever", "");
    assert_int_equal(t.code, CODE_HTTP_5XX);
    assert_int_equal(t.retry_after, 0);
    t = judge(HTTP_FINE, 500, "", "7", "");
    assert_int_equal(t.code, CODE_HTTP_5XX);
    assert_int_equal(t.retry_after, 0);
}

static void redirects(void **state)
{
    (void)state;
    static const struct {
        long status;
        const char *location;
        enum code code;
        const char *target;
    } rows[] = {
        {301, "other", CODE_REDIRECTED, "http://example.org/dir/other"},
        {302, "/a/../b?x=1#part", CODE_REDIRECTED, "http://example.org/b?x=1"},
        {303, "//example.net/", CODE_REDIRECTED, "http://example.net/"},
        {307, "https://me:secret@EXAMPLE.com:443/x", CODE_REDIRECTED, "https://example.com/x"},
        {308, "?q", CODE_REDIRECTED, "http://example.org/dir/page?q"},
        {302, "", CODE_BAD_RESPONSE, NULL},
        {302, "file:///etc/passwd", CODE_BAD_URL, NULL},
        {302, "ftp://example.org/", CODE_BAD_URL, NULL},
        {302, "javascript:alert(1)", CODE_BAD_URL, NULL},
        {302, "data:text/html,x", CODE_BAD_URL, NULL},
        {302, "http://[::1", CODE_BAD_URL, NULL},
        {302, "http://", CODE_BAD_URL, NULL},
        {304, "/x", CODE_BAD_RESPONSE, NULL},
        {300, "/x", CODE_BAD_RESPONSE, NULL},
        {201, "/x", CODE_OK, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trouble t = judge(HTTP_FINE, rows[i].status, rows[i].location, "", "");
        if (t.code != rows[i].code || (rows[i].target && strcmp(t.location.text, rows[i].target) != 0))
            fail_msg("%ld %s: got %s %s", rows[i].status, rows[i].location, code_name(t.code),
                     t.code == CODE_REDIRECTED ? t.location.text : t.detail);
    }
}

static void words_of_strangers(void **state)
{
    (void)state;
    char raw[LIMIT_DETAIL + 1];
    memset(raw, 0xff, sizeof raw);
    memcpy(raw, "bad\r\nline\x1b[2J", 13);
    raw[LIMIT_DETAIL] = '\0';
    struct trouble t = judge(HTTP_BROKEN, 0, "", "", raw);
    assert_true(strlen(t.detail) <= LIMIT_DETAIL);
    assert_true(utf8_valid(t.detail, strlen(t.detail)));
    assert_memory_equal(t.detail, "bad  line [2J", 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures),    cmocka_unit_test(statuses),  cmocka_unit_test(not_modified),
        cmocka_unit_test(rate_limits), cmocka_unit_test(redirects), cmocka_unit_test(words_of_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
