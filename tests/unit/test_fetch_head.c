/* The head of a response: fields, Retry-After, content types. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "fetcher/head.h"

static struct head read_head(const char *text)
{
    struct head head;
    head_reset(&head);
    for (const char *end; *text; text = end) {
        end = strchr(text, '\n') + 1;
        head_line(&head, text, (size_t)(end - text));
    }
    return head;
}

static void plain(void **state)
{
    (void)state;
    struct head h =
        read_head("HTTP/1.1 200 OK\r\nContent-Type:  text/html; charset=utf-8 \r\ncontent-length: 42\r\nETag: \"v1\"\r\n"
                  "LAST-MODIFIED: Sat, 29 Oct 1994 19:43:31 GMT\r\nX-Robots-Tag: noindex\r\nX-Robots-Tag: otherbot: nofollow\r\n"
                  "Location:/x y\xff\r\nRetry-After: 3\r\nno colon here\r\n\r\n");
    assert_int_equal(h.status, 200);
    assert_true(h.complete);
    assert_int_equal(h.length, 42);
    assert_string_equal(h.content_type, "text/html; charset=utf-8");
    assert_string_equal(h.etag, "\"v1\"");
    assert_string_equal(h.last_modified, "Sat, 29 Oct 1994 19:43:31 GMT");
    assert_string_equal(h.robots_tag, "noindex\notherbot: nofollow");
    assert_string_equal(h.location, "/x y\xff");
    assert_string_equal(h.retry_after, "3");
}

/* How often a body is packed, and how. */
static void codings(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        unsigned codings, transfer;
        const char *coding;
    } cases[] = {
        {"", 0, 0, ""},
        {"Content-Encoding: gzip\r\n", 1, 0, "gzip"},
        {"content-encoding:  gzip , BR\r\n", 2, 0, "BR"},
        {"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", 2, 0, "gzip"},
        {"Content-Encoding: deflate\r\nContent-Encoding: identity\r\n", 1, 0, "deflate"},
        {"Content-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", 0, 0, ""},
        {"Content-Encoding: br\r\nTransfer-Encoding: gzip, chunked\r\n", 1, 1, "br"},
        {"Content-Encoding: ,, ,\r\n", 0, 0, ""},
        {"Content-Encoding:\r\n", 0, 0, ""},
        {"Content-Encoding: UTF-8\r\nContent-Encoding: none\r\n", 0, 0, ""},
        {"Content-Encoding: a-very-long-name-of-nothing\r\n", 1, 0, "a-very-long-nam"},
        {"Content-Encoding: x\r\n\r\nContent-Encoding: gzip\r\n", 1, 0, "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s\r\n", cases[i].fields);
        struct head head = read_head(text);
        assert_int_equal(head.codings, cases[i].codings);
        assert_int_equal(head.transfer_codings, cases[i].transfer);
        assert_string_equal(head.coding, cases[i].coding);
        /* A head before the one that counts: of this only the library remembers something. */
        snprintf(text, sizeof text, "HTTP/1.1 103 Hm\r\n%s\r\nHTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", cases[i].fields);
        head = read_head(text);
        if (strstr(cases[i].fields, "\r\n\r\n")) continue;
        assert_int_equal(head.codings, 1);
        assert_int_equal(head.transfer_codings, cases[i].transfer);
        assert_string_equal(head.coding, "br");
    }
}

static void heads_one_after_another(void **state)
{
    (void)state;
    struct head h =
        read_head("HTTP/1.1 103 Early Hints\r\nContent-Type: image/png\r\nETag: \"a\"\r\n\r\nHTTP/2 404 \r\nContent-Length: 7\r\n\r\n");
    assert_int_equal(h.status, 404);
    assert_string_equal(h.content_type, "");
    assert_string_equal(h.etag, "");
    /* a trailer changes nothing, whatever it looks like */
    head_line(&h, "Content-Type: text/html\r\n", 25);
    head_line(&h, "HTTP/1.1 200 OK\r\n", 17);
    assert_int_equal(h.status, 404);
    assert_string_equal(h.content_type, "");
}

static void hostile(void **state)
{
    (void)state;
    static char line[40000];
    struct head h;
    head_reset(&h);
    memset(line, 'a', sizeof line);
    memcpy(line, "Location: ", 10);
    head_line(&h, line, sizeof line);
    assert_true(h.location_dropped);
    assert_string_equal(h.location, "");
    memcpy(line, "ETag:     ", 10);
    head_line(&h, line, sizeof line);
    assert_string_equal(h.etag, ""); /* a cut validator would be a wrong one */
    memcpy(line, "Content-Type: ", 14);
    head_line(&h, line, sizeof line);
    assert_int_equal(strlen(h.content_type), LIMIT_VALIDATOR - 1);
    for (int i = 0; i < 3000; i++) head_line(&h, "X-Robots-Tag: noarchive", 23);
    assert_true(strlen(h.robots_tag) <= LIMIT_FIELD);

    h = read_head(
        "HTTP/1.1 200 OK\r\nETag: \"caf\xe9\x01\"\r\nContent-Type: text/\xc3\xa4\x7f\r\nContent-Length: 99999999999999999999\r\n\r\n");
    assert_string_equal(h.etag, "\"caf? \"");
    assert_string_equal(h.content_type, "text/\xc3\xa4 ");
    assert_int_equal(h.length, -1);
    assert_int_equal(read_head("HTTP/1.1 200\r\nContent-Length: -5\r\n").length, -1);
    assert_int_equal(read_head("HTTP/1.1 200\r\nContent-Length: 5, 5\r\n").length, -1);
    assert_int_equal(read_head("HTTP/1.1\r\n").status, 0);
    assert_int_equal(read_head("HTTP/1.1 99999\r\n").status, 999);
    head_line(&h, "Location: /a\0b", 14);
    head_line(&h, "", 0);
}

#define NOW  INT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define NONE -1

static void retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t want;
    } rows[] = {
        {"0", 0},
        {"1", 1},
        {"120", 120},
        {"00060", 60},
        {"4000000000", 366 * 86400},
        {"99999999999999999999999999", 366 * 86400},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:50:37 GMT", 60},
        {"Sunday, 06-Nov-94 08:50:37 GMT", 60},
        {"Sun Nov  6 08:50:37 1994", 60},
        {"Sun, 06 Nov 1994 08:00:00 GMT", 0},
        {"Wed, 21 Oct 2065 07:28:00 GMT", 366 * 86400},
        {"", NONE},
        {"-1", NONE},
        {"1.5", NONE},
        {"60s", NONE},
        {"soon", NONE},
        {"Sun, 06 Nov 1994", NONE},
        {"Sun, 06 Nov 1994 08:50:37 GMT plus", NONE},
        {"Sun, 99 Nov 1994 08:50:37 GMT", NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t got = NONE;
        if (!head_retry_after(rows[i].value, NOW, &got)) got = NONE;
        if (got != rows[i].want) fail_msg("\"%s\": got %lld, want %lld", rows[i].value, (long long)got, (long long)rows[i].want);
    }
    int64_t got;
    assert_true(head_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", NOW + 1, &got));
    assert_int_equal(got, 60); /* a part of a second is waited, too */
}

static void types(void **state)
{
    (void)state;
    static const char *const wanted[] = {"",
                                         "text/html",
                                         "TEXT/HTML; charset=x",
                                         "text/html,text/html",
                                         "application/xhtml+xml",
                                         "text/plain",
                                         "application/xml",
                                         "application/rss+xml",
                                         "application/atom+xml;type=feed",
                                         "text/xml",
                                         "text/markdown",
                                         "html",
                                         "text",
                                         "; charset=utf-8"};
    static const char *const not_wanted[] = {"image/png",
                                             "image/svg+xml",
                                             "application/pdf",
                                             "application/json",
                                             "application/octet-stream",
                                             "text/css",
                                             "Text/JavaScript; charset=utf-8",
                                             "text/csv",
                                             "video/mp4",
                                             "application/zip",
                                             "application/javascript",
                                             "font/woff2",
                                             "xml",
                                             "*/*"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!head_type_wanted(wanted[i], "http://a/sitemap.xml.gz") || !head_type_wanted(wanted[i], "http://a/"))
            fail_msg("%s is not wanted", wanted[i]);
    for (size_t i = 0; i < sizeof not_wanted / sizeof *not_wanted; i++)
        if (head_type_wanted(not_wanted[i], "http://a/b.gz?x.xml.gz")) fail_msg("%s is wanted", not_wanted[i]);
    static const char *const packed[] = {"application/gzip", "application/x-gzip", "Application/Octet-Stream; x=y"};
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++) {
        assert_true(head_type_wanted(packed[i], "http://a/sitemap.XML.gz?page=1"));
        assert_false(head_type_wanted(packed[i], "http://a/archive.tar.gz"));
        assert_false(head_type_wanted(packed[i], ""));
    }
    assert_false(head_type_wanted("application/pdf", "http://a/sitemap.xml.gz"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),   cmocka_unit_test(codings),     cmocka_unit_test(heads_one_after_another),
        cmocka_unit_test(hostile), cmocka_unit_test(retry_after), cmocka_unit_test(types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
