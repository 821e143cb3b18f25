/* Which names the resolver may be asked about: none that needs no resolver. (Its answers: tests/integration/test_names.py.) */
#include "test.h"

#include <ev.h>

#include "fetcher/names.h"

static void never(void *context, bool answers)
{
    (void)context, (void)answers;
    fail_msg("nothing was asked");
}

static void test_no_name_to_go_by(void **state)
{
    static const char *const urls[] = {"http://127.0.0.1/",
                                       "http://[::1]:8080/a",
                                       "http://localhost/",
                                       "http://a.localhost:8080/",
                                       "http://intranet/",
                                       "http://site.test.",
                                       "http://192.0.2.7:1",
                                       "",
                                       "no URL"};
    struct ev_loop *loop = ev_loop_new(0);
    struct names *names = names_new(loop, never, NULL);
    (void)state;
    assert_false(names_ask(names));
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        names_resolved(names, urls[i]);
        if (names_ask(names)) fail_msg("%s", urls[i]);
    }
    names_free(&names);
    assert_null(names);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_name_to_go_by)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
