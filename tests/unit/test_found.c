/* What a page leads to, and how. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "writer/found.h"
#include "writer/tx.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void note(void *context, enum found how, const char *url, int64_t date)
{
    struct buf *said = context;
    buf_add_str(said, found_kind(how)->mark);
    buf_add_str(said, url);
    if (date) buf_addf(said, "@%lld", (long long)date);
    buf_add_char(said, ' ');
}

/* What a page with this next, and no links, leads to. */
static void check_next(const char *page, const char *next, const char *how)
{
    struct crawl_row crawl = {.id = 1};
    struct record r = {.kind = RECORD_EMPTY, .next = (char *)(uintptr_t)next};
    struct buf said = BUF_INIT(10000), want = BUF_INIT(10000);
    found_each(&crawl, page, &r, note, &said);
    buf_addf(&want, "%s%s ", how, next);
    assert_string_equal(buf_str(&said), buf_str(&want));
    buf_release(&said);
    buf_release(&want);
}

static void test_next(void **state)
{
    (void)state;
    static const struct {
        const char *page, *next, *how;
    } rows[] = {
        {"http://a.test/list", "http://a.test/list?page=2", "="},
        {"http://a.test/list?page=2", "http://a.test/list?page=3", "="},
        {"http://a.test/", "http://a.test/page/2", "="},
        {"http://a.test/", "http://a.test/page/2/", "="},
        {"http://a.test/blog/page/9", "http://a.test/blog/page/10/", "="},
        {"http://a.test/blog", "http://a.test/blog/2", "="},
        {"http://a.test/story-1.html", "http://a.test/story-2.html", "="},
        {"http://a.test/preface.html", "http://a.test/intro.html", ""},
        {"http://a.test/blog/one", "http://a.test/blog/two", ""},
        {"http://a.test/list", "http://b.test/list?page=2", ""},
        {"http://a1.test/list", "http://a2.test/list?page=2", ""},
        {"http://a.test/list", "https://a.test/list?page=2", ""},
        {"http://a.test/list", "http://a.test:8080/list?page=2", ""},
        {"http://a.test/list/", "http://a.test/page/2", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) check_next(rows[i].page, rows[i].next, rows[i].how);
}

static void check(struct crawl_row crawl, enum record_list list, const char *want)
{
    struct record r = {.kind = RECORD_EMPTY, .list = list, .links = {.is_list = true}};
    struct buf said = BUF_INIT(10000);
    record_add_link(&r, "http://a.test/1", 15);
    record_add_dated_link(&r, "http://a.test/2", 15, 2000);
    r.next = mem_strdup("http://a.test/other");
    r.feeds = mem_strdup("http://a.test/rss\nhttp://a.test/atom");
    found_each(&crawl, "http://a.test/", &r, note, &said);
    assert_string_equal(buf_str(&said), want);
    assert_int_equal(found_unwanted(&crawl, &r), *want == '\0');
    record_release(&r);
    buf_release(&said);
}

#define LINKS(mark) mark "http://a.test/1 " mark "http://a.test/2@2000 "
#define OTHER       "http://a.test/other "
#define FEEDS       "+http://a.test/rss +http://a.test/atom "

static void test_sources(void **state)
{
    (void)state;
    struct crawl_row plain = {.id = 1}, feeds = {.id = 2, .feeds = true}, only = {.id = 3, .sitemap = SITEMAP_ONLY, .feeds = true};
    struct crawl_row inbox = {.id = 4, .is_inbox = true};
    check(plain, LIST_NONE, OTHER LINKS(""));
    check(plain, LIST_FEED, "=" OTHER LINKS("-"));
    check(plain, LIST_SITEMAP, OTHER LINKS("~"));
    check(plain, LIST_SITEMAPS, OTHER LINKS("*"));
    check(feeds, LIST_NONE, OTHER FEEDS LINKS(""));
    check(only, LIST_NONE, "");
    check(only, LIST_FEED, "");
    check(only, LIST_SITEMAP, OTHER FEEDS LINKS("~"));
    check(inbox, LIST_FEED, OTHER LINKS("-"));
    check(inbox, LIST_SITEMAPS, OTHER LINKS(""));
}

static void test_marks(void **state)
{
    (void)state;
    char link[] = "http://a.test/=+";
    char *text = link;
    assert_int_equal(found_marked(&text), FOUND_LINK);
    assert_ptr_equal(text, link);
    for (enum found how = FOUND_LINK + 1; how < FOUND_COUNT; how++) {
        char marked[100];
        snprintf(marked, sizeof marked, "%shttp://a.test/", found_kind(how)->mark);
        text = marked;
        assert_int_equal(found_marked(&text), how);
        assert_string_equal(text, "http://a.test/");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
