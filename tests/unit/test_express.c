/* What a person waits for: its queues, and how it is asked for. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "line/mq.h"
#include "writer/seed.h"

static void test_queues(void **state)
{
    (void)state;
    assert_int_equal(queue_onward(QUEUE_URL, QUEUE_HTML), QUEUE_HTML);
    assert_int_equal(queue_onward(QUEUE_URL_EXPRESS, QUEUE_HTML), QUEUE_HTML_EXPRESS);
    assert_int_equal(queue_onward(QUEUE_HTML_EXPRESS, QUEUE_ARTICLE), QUEUE_ARTICLE_EXPRESS);
    assert_int_equal(queue_onward(QUEUE_URL_EXPRESS, QUEUE_SEED), QUEUE_SEED_EXPRESS);
    assert_int_equal(queue_onward(QUEUE_ARTICLE_EXPRESS, QUEUE_SUMMARY), QUEUE_SUMMARY);
    assert_int_equal(queue_onward(QUEUE_HTML_EXPRESS, QUEUE_REPORT), QUEUE_REPORT);
    for (int q = 0; q < QUEUE_COUNT; q++)
        assert_int_equal(queue_is_express((enum queue_id)q), strstr(queue_name((enum queue_id)q), ".express") != NULL);
}

static void read_seed(const char *text, struct seed *seed)
{
    seed_parse(text, strlen(text), seed);
}

static void test_priority(void **state)
{
    struct seed urgent, plain, zero, bad;
    (void)state;
    read_seed("{\"url\":\"http://a.test/\",\"priority\":-1}", &urgent);
    assert_int_equal(urgent.kind, SEED_URLS);
    assert_int_equal(urgent.priority, -1);
    seed_release(&urgent);
    read_seed("{\"url\":\"http://a.test/\",\"depth\":1,\"priority\":-1}", &urgent);
    read_seed("{\"url\":\"http://a.test/\",\"depth\":1}", &plain);
    read_seed("{\"url\":\"http://a.test/\",\"depth\":1,\"priority\":0}", &zero);
    assert_int_equal(urgent.kind, SEED_CRAWL);
    struct digest u = seed_request(&urgent), p = seed_request(&plain), z = seed_request(&zero);
    assert_memory_not_equal(u.bytes, p.bytes, DIGEST_BYTES);
    assert_memory_equal(z.bytes, p.bytes, DIGEST_BYTES);
    seed_release(&urgent);
    seed_release(&plain);
    seed_release(&zero);
    const char *const wrong[] = {"\"high\"", "1.5", "101", "-101", "null"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[100];
        snprintf(text, sizeof text, "{\"url\":\"http://a.test/\",\"priority\":%s}", wrong[i]);
        read_seed(text, &bad);
        assert_int_equal(bad.kind, SEED_BAD);
        assert_string_equal(bad.reason, "priority: must be a whole number from -100 to 100");
        seed_release(&bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_queues), cmocka_unit_test(test_priority)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
