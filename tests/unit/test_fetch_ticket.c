/* What is to be done with a message of the queue `url`. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "fetcher/ticket.h"

#define DEADLINE INT64_C(1700000000000)

static char page[] = "{\"v\":1,\"kind\":\"ticket\",\"page\":\"12\",\"crawl\":\"3\",\"host\":\"4\",\"release\":\"5\",\"depth\":2,"
                     "\"url\":\"http://example.org/a\",\"deadline\":1700000000000,\"attempt\":1}";
static char robots[] = "{\"v\":1,\"kind\":\"ticket\",\"page\":\"0\",\"host\":\"4\",\"release\":\"5\","
                       "\"url\":\"http://example.org/robots.txt\",\"deadline\":1700000000000}";
static char bad_url[] = "{\"v\":1,\"kind\":\"ticket\",\"page\":\"12\",\"crawl\":\"3\",\"host\":\"4\",\"release\":\"5\","
                        "\"url\":\"http://exa mple.org/\",\"deadline\":1700000000000}";
static char bad_host[] = "{\"v\":1,\"kind\":\"ticket\",\"page\":\"12\",\"crawl\":\"3\",\"host\":\"4\",\"release\":\"5\","
                         "\"url\":\"http://999.999.1.1/\",\"deadline\":1700000000000}";
static char no_deadline[] = "{\"v\":1,\"kind\":\"ticket\",\"page\":\"12\",\"crawl\":\"3\",\"host\":\"4\",\"release\":\"5\","
                            "\"url\":\"http://example.org/a\"}";
static char newer[] = "{\"v\":2,\"kind\":\"ticket\",\"something\":\"else\"}";

static void steps(void **state)
{
    (void)state;
    static const struct {
        const char *name, *body;
        bool redelivered;
        int64_t now;
        enum ticket_step step;
    } rows[] = {
        {"page", page, false, DEADLINE - 1, TICKET_PAGE},
        {"page long before", page, false, DEADLINE - 30000, TICKET_PAGE},
        {"page at its deadline", page, false, DEADLINE, TICKET_RETURN},
        {"page late", page, false, DEADLINE + 60000, TICKET_RETURN},
        {"page again", page, true, DEADLINE - 1, TICKET_RETURN},
        {"page again and late", page, true, DEADLINE + 1, TICKET_RETURN},
        {"robots", robots, false, DEADLINE - 1, TICKET_ROBOTS},
        {"robots again", robots, true, DEADLINE - 1, TICKET_RETURN},
        {"robots late", robots, false, DEADLINE, TICKET_RETURN},
        {"no such host", bad_host, false, DEADLINE - 1, TICKET_BAD_URL},
        {"no such host again", bad_host, true, DEADLINE - 1, TICKET_RETURN},
        {"no URL", bad_url, false, DEADLINE - 1, TICKET_BAD},
        {"no deadline", no_deadline, false, DEADLINE - 1, TICKET_BAD},
        {"newer", newer, false, DEADLINE - 1, TICKET_NEWER},
        {"newer again", newer, true, DEADLINE - 1, TICKET_NEWER},
        {"bare URL", "https://example.org/", false, DEADLINE - 1, TICKET_FORWARD},
        {"bare URL again", "https://example.org/", true, DEADLINE - 1, TICKET_FORWARD},
        {"seed", "{\"url\":\"https://example.org/\",\"depth\":2}", false, DEADLINE - 1, TICKET_FORWARD},
        {"nothing", "", false, DEADLINE - 1, TICKET_FORWARD},
        {"garbage", "\xff\xfe{{{", false, DEADLINE - 1, TICKET_FORWARD},
        {"another kind", "{\"v\":1,\"kind\":\"returned\",\"page\":\"1\",\"host\":\"1\",\"release\":\"1\"}", false, DEADLINE - 1,
         TICKET_BAD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mq_delivery d = {.queue = QUEUE_URL,
                                .body = rows[i].body,
                                .len = strlen(rows[i].body),
                                .redelivered = rows[i].redelivered,
                                .message_id = "",
                                .type = "",
                                .content_type = "",
                                .content_encoding = "",
                                .record = ""};
        struct record record = {0};
        struct url url;
        const char *why = NULL;
        enum ticket_step got = ticket_read(&d, rows[i].now, &record, &url, &why);
        if (got != rows[i].step) fail_msg("%s: got step %d, want %d", rows[i].name, got, rows[i].step);
        if (got == TICKET_PAGE || got == TICKET_ROBOTS) {
            assert_string_equal(url.host, "example.org");
            assert_int_equal(record.host, 4);
        } else if (got != TICKET_NEWER && (!why || !*why)) {
            fail_msg("%s: no reason", rows[i].name);
        }
        record_release(&record); /* empty where there was no ticket */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
