/* robots.txt: groups, matching, line forms, delays, sitemaps, hostile files. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "line/limits.h"
#include "writer/robots.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define ALL      "User-agent: *\n"

struct row {
    const char *name;
    const char *text;
    const char *open;   /* paths that are allowed, blank between them */
    const char *closed; /* and those that are not */
};

/* The agent is "Mill". */
static const struct row rows[] = {
    {"empty file", "", "/ /a", ""},
    {"nothing but a line end", "\r\n", "/", ""},
    {"all closed", ALL "Disallow: /", "/robots.txt", "/ /a /robots.txt? /robots.txt.bak"},
    {"empty values", ALL "Disallow:\nAllow:\n", "/", ""},
    {"rules without a group", "Disallow: /a\n" ALL "Disallow: /b", "/a", "/b"},

    {"prefix", ALL "Disallow: /tmp", "/ /tm /a/tmp /TMP", "/tmp /tmp/ /tmpfile /tmp?x"},
    {"folder", ALL "Disallow: /tmp/", "/tmp /tmp?x", "/tmp/ /tmp/x"},
    {"query", ALL "Disallow: /s?q=", "/s /s?p=1&q=2", "/s?q= /s?q=x"},
    {"no leading slash", ALL "Disallow: tmp", "/tmp", ""},
    {"longest wins", ALL "Disallow: /a\nAllow: /a/b\nDisallow: /a/b/c", "/ /a/b /a/b/x", "/a /a/x /a/b/c"},
    {"order is nothing", ALL "Allow: /a/b\nDisallow: /a\nDisallow: /a/b/c", "/a/b", "/a /a/b/c"},
    {"equals: Allow", ALL "Disallow: /a/\nAllow: /?/\nAllow: /a/\n", "/a/", ""},
    {"wildcards count", ALL "Allow: /a/b\nDisallow: /*/b", "/a/b", "/x/b"},
    {"end mark counts", ALL "Disallow: /a\nAllow: /a$", "/a", "/a/"},

    {"star inside", ALL "Disallow: /a*z", "/a /ab/y /bz", "/az /abcz /a/b/z/x"},
    {"stars need order", ALL "Disallow: /*b*a", "/ab /b", "/ba /xbxa"},
    {"stars may not share", ALL "Disallow: /*aa*aa$", "/aaa /aa", "/aaaa /aaxaa /aaaaa"},
    {"star and end", ALL "Disallow: /*.ps$", "/a.ps? /a.psx /ps", "/a.ps /.ps /a.ps.ps"},
    {"star before the end mark", ALL "Disallow: /a*$", "/", "/a /abc"},
    {"end mark after text", ALL "Disallow: /a$", "/ab /", "/a"},
    {"end mark alone", ALL "Disallow: $", "/ /a", ""},
    {"dollar inside", ALL "Disallow: /a$b", "/a /ab", "/a$b /a%24b /a$bc"},
    {"two dollars", ALL "Disallow: /a$$", "/a /a$$", "/a$"},
    {"star first", ALL "Disallow: *x", "/ /y", "/x /a/x"},
    {"star alone", ALL "Disallow: *", "", "/ /x"},

    {"own group", "User-agent: mill\nDisallow: /a\n" ALL "Disallow: /b", "/b", "/a"},
    {"own group, last", ALL "Disallow: /b\nUser-agent: MILL\nDisallow: /a", "/b", "/a"},
    {"own group is empty", ALL "Disallow: /\nUser-agent: Mill", "/", ""},
    {"own groups are one", "User-agent: mill\nDisallow: /a\nUser-agent: x\nDisallow: /c\nUser-agent: mill\nDisallow: /b", "/c", "/a /b"},
    {"groups for all are one", ALL "Disallow: /a\nUser-agent: x\nDisallow: /c\n" ALL "Disallow: /b", "/c", "/a /b"},
    {"several agents", "User-agent: x\nUser-agent: mill\nUser-agent: y\nDisallow: /a", "/", "/a"},
    {"agents apart", "User-agent: mill\n\n# x\nFoo: bar\nCrawl-delay: 1\nSitemap: z\nUser-agent: y\nDisallow: /a", "/", "/a"},
    {"empty rule ends the agents", "User-agent: mill\nDisallow:\nUser-agent: y\nDisallow: /a", "/a", ""},
    {"nobody's group", ALL "Disallow: /a\nUser-agent:\nDisallow: /b", "/b", "/a"},
    {"other names", "User-agent: mills\nUser-agent: mil\nUser-agent: mill-x\nDisallow: /", "/", ""},
    {"name with version", "User-agent: Mill/1.2 (x)\nDisallow: /", "", "/"},
    {"name with a star", "User-agent: m*\nDisallow: /", "/", ""},
    {"star with text", "User-agent: *x\nDisallow: /", "/", ""},
    {"star and more words", "User-agent: * mill\nDisallow: /", "", "/"},

    {"line ends", "User-agent: *\rDisallow: /a\r\nDisallow: /b\n\rDisallow: /c", "/", "/a /b /c"},
    {"blanks", " \tUser-agent\t: \t*\t\n\tDisallow \t:/a b \t\n", "/a", "/a%20b"},
    {"comments", "User-agent: *#x\nDisallow: /a#b\nDisallow: /c # d\n#Disallow: /e\nDisallow: #", "/e", "/a /c"},
    {"capitals", "USER-AGENT: *\ndISALLOW: /A\nALLOW: /A/B", "/a /A/B", "/A"},
    {"misspelt", "Useragent: *\nDissallow: /a\nDisalow: /b\nDisallow /c\nDisallow /d e", "/d", "/a /b /c"},
    {"unknown lines", ALL ":\n: /a\nfoo\nNoindex: /b\nDisallow\nDisallow: /c", "/a /b", "/c"},
    {"byte order mark", "\xef\xbb\xbf" ALL "Disallow: /a", "/", "/a"},
    {"byte order mark elsewhere",
     ALL "\xef\xbb\xbf"
         "Disallow: /a\nDisallow: /b",
     "/a", "/b"},

    {"unreserved", ALL "Disallow: /%7e%61/\nDisallow: /~b", "/", "/~a/ /%7Ea/ /%7eb"},
    {"reserved", ALL "Disallow: /a%2fb\nDisallow: /c/d", "/a/b /c%2Fd", "/a%2Fb /c/d"},
    {"beyond ASCII", ALL "Disallow: /\xc3\xa4\nDisallow: /%d0%b6\n", "/%C3", "/%c3%a4 /%C3%A4x /%D0%B6 /\xd0\xb6"},
    {"no UTF-8", ALL "Disallow: /\xe4\n", "/%C3%A4", "/%E4"},
    {"literal star", ALL "Disallow: /a%2a", "/ab", "/a* /a%2A"},
    {"lone percent", ALL "Disallow: /5%\nDisallow: /%4", "/5", "/5% /5%x /%4x"},
};

static bool allows(const char *text, size_t n, const char *agent, const char *path)
{
    struct robots *robots = robots_parse(text, n, agent);
    bool allowed = robots_allows(robots, path);
    robots_free(robots);
    return allowed;
}

static void check_paths(const struct row *row, const char *paths, bool want)
{
    char list[200];
    snprintf(list, sizeof list, "%s", paths);
    for (char *path = strtok(list, " "); path; path = strtok(NULL, " "))
        if (allows(row->text, strlen(row->text), "Mill", path) != want)
            fail_msg("%s: %s should be %s", row->name, path, want ? "allowed" : "disallowed");
}

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        check_paths(&rows[i], rows[i].open, true);
        check_paths(&rows[i], rows[i].closed, false);
    }
}

static void test_agent(void **state)
{
    (void)state;
    static const char text[] = "User-agent: Gist_Mill-x\nDisallow: /\n";
    assert_false(allows(text, sizeof text - 1, "gist_mill-X", "/"));
    assert_false(allows(text, sizeof text - 1, "Gist_Mill-x/1.0 (+url)", "/"));
    assert_true(allows(text, sizeof text - 1, "Gist", "/"));
    assert_true(allows(text, sizeof text - 1, "", "/"));
    static const char nobody[] = "User-agent: 123\nDisallow: /\n";
    assert_true(allows(nobody, sizeof nobody - 1, "", "/"));
}

static void test_bytes(void **state)
{
    (void)state;
    static const char nul[] = "\0\nUser-agent: *\nDisallow: /a\0b\nDisa\0llow: /c\nDisallow: /d";
    assert_false(allows(nul, sizeof nul - 1, "Mill", "/d"));
    assert_false(allows(nul, sizeof nul - 1, "Mill", "/a%00b"));
    assert_true(allows(nul, sizeof nul - 1, "Mill", "/a"));
    assert_true(allows(nul, sizeof nul - 1, "Mill", "/c"));
    static const char marker[] = ALL "Disallow: /\x01x";
    assert_true(allows(marker, sizeof marker - 1, "Mill", "/abcx"));
    assert_false(allows(marker, sizeof marker - 1, "Mill", "/%01x"));
    assert_true(allows("", 0, "Mill", "/"));
}

static void test_delay(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
    } delays[] = {
        {ALL "Crawl-delay: 3", 3000},
        {ALL "crawl-delay:0.25", 250},
        {ALL "Crawl-delay: .5", 500},
        {ALL "Crawl-delay: 2.", 2000},
        {ALL "Crawl-delay: 1.23456", 1234},
        {ALL "Crawl-delay: 0", 0},
        {ALL "Crawl-delay: 99999999999999999999999999", 1000000000000},
        {ALL "Crawl-delay: .", -1},
        {ALL "Crawl-delay:", -1},
        {ALL "Crawl-delay: 1.2.3", -1},
        {ALL "Crawl-delay: 1s", -1},
        {ALL "Crawl-delay: -1", -1},
        {"Crawl-delay: 3\n" ALL, -1},
        {"User-agent: x\nCrawl-delay: 3", -1},
        {ALL "Crawl-delay: 3\nUser-agent: mill\nDisallow: /a", -1},
        {ALL "Crawl-delay: 3\nUser-agent: mill\nCrawl-delay: 2", 2000},
        {ALL "Crawl-delay: 3\nUser-agent: x\nDisallow: /\n" ALL "Crawl-delay: 4\nCrawl-delay: 2", 4000},
        {"User-agent: mill\nCrawl-delay: 3\nUser-agent: x\nCrawl-delay: 5\nDisallow: /a", 5000},
    };
    for (size_t i = 0; i < COUNT(delays); i++) {
        struct robots *robots = robots_parse(delays[i].text, strlen(delays[i].text), "Mill");
        if (robots_delay_ms(robots) != delays[i].want)
            fail_msg("%s: want %lld, got %lld", delays[i].text, (long long)delays[i].want, (long long)robots_delay_ms(robots));
        robots_free(robots);
    }
}

static void test_sitemaps(void **state)
{
    (void)state;
    static const char text[] = "Sitemap: http://a.test/1.xml#x\nSITEMAP:\n" ALL "sitemap :\thttp://b.test/2.xml?a=b \r"
                               "Sitemap: a\0b\nDisallow: /\nSitemap: 3";
    struct robots *robots = robots_parse(text, sizeof text - 1, "Mill");
    assert_string_equal(robots_sitemap(robots, 0), "http://a.test/1.xml");
    assert_string_equal(robots_sitemap(robots, 1), "http://b.test/2.xml?a=b");
    assert_string_equal(robots_sitemap(robots, 2), "3");
    assert_null(robots_sitemap(robots, 3));
    assert_false(robots_allows(robots, "/"));
    robots_free(robots);
    robots_free(NULL);
}

/* A file of one line again and again, up to n bytes. */
static void fill(struct buf *text, const char *line, size_t n)
{
    buf_reset(text);
    buf_add_str(text, ALL);
    while (text->len + strlen(line) <= n) buf_add_str(text, line);
}

static void test_limits(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(2u << 20);
    fill(&text, "# 45678901234\n", LIMIT_ROBOTS - 40); /* the last line within the limit counts */
    buf_add_str(&text, "Disallow: /in\n");
    while (text.len < LIMIT_ROBOTS - 12) buf_add_char(&text, '\n');
    buf_add_str(&text, "Disallow: /over\nDisallow: /far\n");
    assert_false(allows(text.data, text.len, "Mill", "/in"));
    assert_true(allows(text.data, text.len, "Mill", "/over"));
    assert_true(allows(text.data, text.len, "Mill", "/o"));
    assert_true(allows(text.data, text.len, "Mill", "/far"));

    fill(&text, "Disallow:\xff\xff\xff\xff\n", LIMIT_ROBOTS); /* the largest growth */
    assert_true(allows(text.data, text.len, "Mill", "/x"));
    fill(&text, "Sitemap:x\n", LIMIT_ROBOTS);
    assert_true(allows(text.data, text.len, "Mill", "/x"));

    char path[LIMIT_URL + 1]; /* files made to be slow */
    memset(path, 'a', LIMIT_URL);
    path[0] = '/';
    path[LIMIT_URL] = '\0';
    fill(&text, "Disallow:*aaaaab\n", LIMIT_ROBOTS);
    assert_false(allows(text.data, text.len, "Mill", path));
    assert_true(allows(text.data, text.len, "Mill", "/aaa"));
    fill(&text, "", 0);
    buf_add_str(&text, "Disallow: /");
    while (text.len < LIMIT_ROBOTS - 10) buf_add_str(&text, "*a");
    buf_add_str(&text, "*b\n");
    assert_true(allows(text.data, text.len, "Mill", path));
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules), cmocka_unit_test(test_agent),    cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_delay), cmocka_unit_test(test_sitemaps), cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests_name("robots", tests, NULL, NULL);
}
