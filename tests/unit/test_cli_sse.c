/* Server-sent events, cut at every byte. */
#include "test.h"

#include <string.h>

#include "cli/sse.h"

static struct buf heard = BUF_INIT(1u << 20);

static void on_event(void *context, const struct sse_event *event)
{
    (void)context;
    assert_int_equal(strlen(event->data), event->n);
    buf_addf(&heard, "%s=%s;", event->name, event->data);
}

static const struct {
    const char *stream, *events, *id;
} cases[] = {
    {"event: start\nid: 1\ndata: {}\n\n", "start={};", "1"},
    {"event:start\r\nid:2\r\ndata:{}\r\n\r\n", "start={};", "2"},
    {"event: a\rdata: x\r\rdata: y\r\r", "a=x;message=y;", ""},
    {"\xef\xbb\xbf"
     "data: bom\n\n",
     "message=bom;", ""},
    {"data: one\ndata: two\n\n", "message=one\ntwo;", ""},
    {"data\n\ndata\ndata\n\n", "message=;message=\n;", ""},
    {": a comment\n\ndata:  two blanks\n\n", "message= two blanks;", ""},
    {"id: 7\ndata: a\n\ndata: b\n\n", "message=a;message=b;", "7"},
    {"event: lost\n\ndata: x\n\n", "message=x;", ""},
    {"retry: 10\nunknown: x\ndata: x\n\n", "message=x;", ""},
    {"data: x\n\nid: 9\ndata: not whole", "message=x;", ""}, /* its id must not count: it would be left out by the next connection */
    {"id: 9\ndata: x\n\nid: 10\n", "message=x;", "9"},
    {"id: 1\x01\ndata: x\n\n", "message=x;", ""}, /* it could not go back in a header */
    {"data: x\n\n\n\n", "message=x;", ""},
};

static void test_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].stream);
        for (size_t cut = 0; cut <= n; cut++) {
            struct sse sse;
            buf_reset(&heard);
            sse_init(&sse, 1000, on_event, NULL);
            sse_feed(&sse, cases[i].stream, cut);
            sse_feed(&sse, cases[i].stream + cut, n - cut);
            assert_string_equal(buf_str(&heard), cases[i].events);
            assert_string_equal(sse.id, cases[i].id);
            sse_release(&sse);
        }
    }
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sse sse;
        buf_reset(&heard);
        sse_init(&sse, 1000, on_event, NULL);
        for (const char *p = cases[i].stream; *p; p++) sse_feed(&sse, p, 1);
        assert_string_equal(buf_str(&heard), cases[i].events);
        sse_release(&sse);
    }
}

/* Too large an event is left out, in one line or in many; the next one counts, and so does its id. */
static void test_too_large(void **state)
{
    (void)state;
    struct sse sse;
    buf_reset(&heard);
    sse_init(&sse, 100, on_event, NULL);
    static const char blob[80] = "data: ";
    sse_feed(&sse, "id: 1\ndata: ", 12);
    for (int i = 0; i < 1000; i++) sse_feed(&sse, "xxxxxxxxxx", 10);
    sse_feed(&sse, "\n\nid: 2\n", 8);
    for (int i = 0; i < 10; i++) {
        sse_feed(&sse, blob, 6);
        sse_feed(&sse, "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n", 51);
    }
    assert_string_equal(sse.id, "1");
    sse_feed(&sse, "\nid: 3\ndata: small\n\n", 20);
    assert_string_equal(buf_str(&heard), "message=small;");
    assert_string_equal(sse.id, "3");
    assert_true(sse.line.cap <= 101 && sse.data.cap <= 101);
    sse_release(&sse);
}

static void test_restart(void **state)
{
    (void)state;
    struct sse sse;
    buf_reset(&heard);
    sse_init(&sse, 100, on_event, NULL);
    sse_feed(&sse, "id: 4\ndata: a\n\nevent: b\nid: 5\ndata: cut o", 41);
    sse_restart(&sse);
    assert_string_equal(sse.id, "4");
    sse_feed(&sse, "data: c\n\n", 9);
    assert_string_equal(buf_str(&heard), "message=a;message=c;");
    assert_string_equal(sse.id, "4");
    sse_release(&sse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
