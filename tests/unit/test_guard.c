/* Guards against traps, and the shapes that calendars are known by. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "line/limits.h"
#include "line/url.h"
#include "writer/guard.h"

static void check(const char *url, enum refusal wanted)
{
    char why[200] = "";
    enum refusal refusal = guard_check(url, why, sizeof why);
    if (refusal != wanted) fail_msg("%s: %s (%s)", url, refusal_name(refusal), why);
}

static void length(void **state)
{
    (void)state;
    char url[GUARD_URL_LENGTH + 2];
    memset(url, 'a', sizeof url);
    memcpy(url, "http://h.test/", 14);
    url[GUARD_URL_LENGTH] = '\0';
    check(url, REFUSED_NOT);
    url[GUARD_URL_LENGTH] = 'a';
    url[GUARD_URL_LENGTH + 1] = '\0';
    check(url, REFUSED_URL_LENGTH);
}

static void repetition(void **state)
{
    (void)state;
    check("http://h.test/a/a/a", REFUSED_NOT);
    check("http://h.test/a/a/a/a", REFUSED_PATH_REPEAT);
    check("http://h.test/a/b/a/b/a/b/a/b/", REFUSED_PATH_REPEAT);
    check("http://h.test/a/aa/a/aa/a/aa/c", REFUSED_NOT);
    check("http://h.test/a/a/a?x=/a/a", REFUSED_NOT);
    check("http://h.test//////", REFUSED_NOT);
    check("http://h.test/2011/11/11/11-things", REFUSED_NOT);
}

static void parameters(void **state)
{
    (void)state;
    char url[300] = "http://h.test/?";
    for (int i = 0; i < GUARD_PARAMETERS; i++) snprintf(url + strlen(url), sizeof url - strlen(url), "&p%d=%d", i, i);
    check(url, REFUSED_NOT);
    snprintf(url + strlen(url), sizeof url - strlen(url), "&&;x"); /* empty ones do not count */
    check(url, REFUSED_PARAMETERS);
}

static void calendars(void **state)
{
    (void)state;
    static const struct {
        const char *url, *shape; /* NULL: none */
    } rows[] = {
        {"http://h.test/calendar/2031/05/", "h.test/calendar/#/#"},
        {"http://h.test/calendar/2031/5", "h.test/calendar/#/#"},
        {"http://h.test/calendar/2031-05-12", "h.test/calendar/#"},
        {"http://h.test/events/2031-05.html", "h.test/events/#"},
        {"http://h.test/day/20310512", "h.test/day/#"},
        {"http://h.test/month/05-2031", "h.test/month/#"},
        {"http://h.test/12.05.2031", "h.test/#"},
        {"http://h.test/?m=203105", "h.test?m=#"},
        {"http://h.test/cal?month=5&year=2031&view=list", "h.test/cal?month=#?year=#?view=list"},
        {"http://h.test/cal?date=1935712800", "h.test/cal?date=#"},
        {"http://h.test/cal?event_date=2031-05-12&id=7", "h.test/cal?event_date=#?id=7"},
        {"http://h.test/events/2031/05?ical=1", "h.test/events/#/#?ical=1"},
        {"http://h.test/2031/05/12/a-title", NULL},
        {"http://h.test/2031/05/12/a-title.html", NULL},
        {"http://h.test/wiki/2031", NULL},
        {"http://h.test/archive/2031", NULL},
        {"http://h.test/item/1234/5", NULL},
        {"http://h.test/?page=5", NULL},
        {"http://h.test/?offset=1900", NULL},
        {"http://h.test/v/2.10.3", NULL},
        {"http://h.test/?update=5", NULL},
        {"http://h.test/?id=20319912", NULL},
        {"http://h.test/?month=may", NULL},
        {"http://h.test/", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char shape[GUARD_URL_LENGTH + LIMIT_HOST];
        bool found = guard_calendar(rows[i].url, "h.test", shape, sizeof shape);
        if (found != (rows[i].shape != NULL)) fail_msg("%s: %s", rows[i].url, found ? shape : "none");
        if (found) assert_string_equal(shape, rows[i].shape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(length), cmocka_unit_test(repetition), cmocka_unit_test(parameters),
                                       cmocka_unit_test(calendars)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
