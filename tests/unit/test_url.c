/* URLs: resolution by the WHATWG standard, the canonical form, and what is made of it. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "line/url.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define BASE     "https://u@www.site.test:8443/shop/list.php?p=3#end"

struct row {
    const char *name;
    const char *base; /* NULL: none */
    const char *reference;
    const char *want; /* NULL: see status */
    enum url_status status;
};

static const struct row resolve_rows[] = {
    {"plain", BASE, "item.php", "https://u@www.site.test:8443/shop/item.php", URL_OK},
    {"empty keeps the query, not the fragment", BASE, "", "https://u@www.site.test:8443/shop/list.php?p=3", URL_OK},
    {"blanks around", BASE, " \r\n\f item\t.php \x1f", "https://u@www.site.test:8443/shop/item.php", URL_OK},
    {"root", BASE, "/", "https://u@www.site.test:8443/", URL_OK},
    {"root with back-slash", BASE, "\\a\\b", "https://u@www.site.test:8443/a/b", URL_OK},
    {"query", BASE, "?q=1?2", "https://u@www.site.test:8443/shop/list.php?q=1?2", URL_OK},
    {"fragment", BASE, "#a#b", "https://u@www.site.test:8443/shop/list.php?p=3#a#b", URL_OK},
    {"up", BASE, "../x", "https://u@www.site.test:8443/x", URL_OK},
    {"up beyond the root", BASE, "../../../x/.", "https://u@www.site.test:8443/x/", URL_OK},
    {"up at the end", BASE, "a/b/..", "https://u@www.site.test:8443/shop/a/", URL_OK},
    {"encoded dots", BASE, "a/%2E%2e/./b", "https://u@www.site.test:8443/shop/b", URL_OK},
    {"three dots are a name", BASE, ".../..a", "https://u@www.site.test:8443/shop/.../..a", URL_OK},
    {"dots in a query stay", BASE, "?/../x", "https://u@www.site.test:8443/shop/list.php?/../x", URL_OK},
    {"empty segments stay", BASE, "/a//..//b", "https://u@www.site.test:8443/a//b", URL_OK},
    {"other host", BASE, "//cdn.test", "https://cdn.test/", URL_OK},
    {"many slashes", BASE, "/\\/cdn.test", "https://cdn.test/", URL_OK},
    {"own scheme without slashes is relative", BASE, "https:x", "https://u@www.site.test:8443/shop/x", URL_OK},
    {"other scheme without slashes is not", BASE, "http:x", "http://x/", URL_OK},
    {"no scheme after a digit", BASE, "1a:b", "https://u@www.site.test:8443/shop/1a:b", URL_OK},
    {"relative without base", NULL, "x", NULL, URL_INVALID},
    {"base is no URL", "site.test", "http://a.test/", NULL, URL_INVALID},
    {"base has another scheme", "data:,x", "http://a.test/", NULL, URL_INVALID},

    {"sets: path", NULL, "http://h/ \"#", "http://h/%20%22#", URL_OK},
    {"sets: path, all", NULL, "http://h/<>^`{}|[]'~", "http://h/%3C%3E%5E%60%7B%7D|[]'~", URL_OK},
    {"sets: query", NULL, "http://h/?\"<>'`{}|^", "http://h/?%22%3C%3E%27`{}|^", URL_OK},
    {"sets: fragment", NULL, "http://h/#\"<>'`{}|^", "http://h/#%22%3C%3E'%60{}|^", URL_OK},
    {"sets: credentials", NULL, "http://a;b:c|d@e@h/", "http://a%3Bb:c%7Cd%40e@h/", URL_OK},
    {"escapes are not judged", NULL, "http://h/%zz%4", "http://h/%zz%4", URL_OK},
    {"beyond ASCII", NULL, "http://h/\xd0\x96?\xe2\x82\xac", "http://h/%D0%96?%E2%82%AC", URL_OK},
    {"ill-formed UTF-8", NULL, "http://h/\xff\xe2\x82?\xed\xa0\x80", "http://h/%EF%BF%BD%EF%BF%BD?%EF%BF%BD%EF%BF%BD%EF%BF%BD", URL_OK},
    {"credentials without text", NULL, "http://:@h", "http://h/", URL_OK},
    {"password only", NULL, "http://:p@h", "http://:p@h/", URL_OK},

    {"port", NULL, "http://h:8080", "http://h:8080/", URL_OK},
    {"port of the scheme", NULL, "https://h:0443/", "https://h/", URL_OK},
    {"port of the other scheme", NULL, "https://h:80/", "https://h:80/", URL_OK},
    {"no port after the colon", NULL, "http://h:", "http://h/", URL_OK},
    {"port too large", NULL, "http://h:65536", NULL, URL_INVALID},
    {"port of letters", NULL, "http://h:80a", NULL, URL_INVALID},
    {"port without host", NULL, "http://:80", NULL, URL_INVALID},
    {"no host", NULL, "http:///", NULL, URL_INVALID},
    {"host lost behind @", NULL, "http://a.test@/", NULL, URL_INVALID},
};

static const struct row host_rows[] = {
    {"case", NULL, "HTTP://WWW.Site.Test", "http://www.site.test/", URL_OK},
    {"odd but allowed", NULL, "http://a_b-.!$&'()*+,;=~/", "http://a_b-.!$&'()*+,;=~/", URL_OK},
    {"encoded", NULL, "http://%77%77w.site%2Etest", "http://www.site.test/", URL_OK},
    {"encoded percent", NULL, "http://a%2541", NULL, URL_INVALID},
    {"encoded slash", NULL, "http://a%2Fb", NULL, URL_INVALID},
    {"blank", NULL, "http://a b", NULL, URL_INVALID},
    {"control", NULL, "http://a\x01/", NULL, URL_INVALID},
    {"bracket", NULL, "http://a]b", NULL, URL_INVALID},
    {"trailing dot stays", NULL, "http://site.test./", "http://site.test./", URL_OK},
    {"German", NULL,
     "http://stra\xc3\x9f"
     "e.test",
     "http://xn--strae-oqa.test/", URL_OK},
    {"capitals beyond ASCII", NULL, "http://\xc3\x84rzte.test", "http://xn--rzte-koa.test/", URL_OK},
    {"Cyrillic", NULL, "http://\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.test", "http://xn--e1afmkfd.test/", URL_OK},
    {"Arabic", NULL, "http://\xd8\xb9\xd9\x85\xd8\xa7\xd9\x86", "http://xn--mgb9awbf/", URL_OK},
    {"full-width", NULL, "http://\xef\xbc\xa1\xef\xbc\x8e\xef\xbc\xa2", "http://a.b/", URL_OK},
    {"symbol", NULL, "http://\xe2\x98\x83.test", "http://xn--n3h.test/", URL_OK},
    {"directions mixed", NULL,
     "http://\xd8\xb9"
     "a.test",
     NULL, URL_INVALID},
    {"joiner out of place", NULL,
     "http://a\xe2\x80\x8d"
     "b.\xc3\xa4",
     NULL, URL_INVALID},
    {"only ignored characters", NULL, "http://\xc2\xad", NULL, URL_INVALID},
    {"ill-formed UTF-8", NULL, "http://a\xc3.test", NULL, URL_INVALID},
    {"private use", NULL, "http://\xee\x80\x80.test", NULL, URL_INVALID},
    {"long label", NULL, "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.\xc3\xa4",
     "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.xn--4ca/", URL_OK},
    {"hyphens", NULL, "http://-a--b-.\xc3\xa4", "http://-a--b-.xn--4ca/", URL_OK},
    {"broken A-label in ASCII", NULL, "http://XN--0.test", "http://xn--0.test/", URL_OK},
    {"broken A-label beside another", NULL, "http://xn--0.\xc3\xa4", NULL, URL_INVALID},

    {"IPv4", NULL, "http://10.20.30.40", "http://10.20.30.40/", URL_OK},
    {"IPv4, trailing dot", NULL, "http://10.20.30.40.", "http://10.20.30.40/", URL_OK},
    {"IPv4, three numbers", NULL, "http://10.1.256", "http://10.1.1.0/", URL_OK},
    {"IPv4, one number", NULL, "http://3232235521", "http://192.168.0.1/", URL_OK},
    {"IPv4, octal and hexadecimal", NULL, "http://012.0XfF.0x.1", "http://10.255.0.1/", URL_OK},
    {"IPv4, full-width", NULL, "http://\xef\xbc\x91\xef\xbc\x90.1", "http://10.0.0.1/", URL_OK},
    {"IPv4, bad octal", NULL, "http://10.0.0.08", NULL, URL_INVALID},
    {"IPv4, too large", NULL, "http://10.0.0.256", NULL, URL_INVALID},
    {"IPv4, middle too large", NULL, "http://10.256.0.1", NULL, URL_INVALID},
    {"IPv4, two numbers too large", NULL, "http://10.16777216", NULL, URL_INVALID},
    {"IPv4, five numbers", NULL, "http://1.1.1.1.1", NULL, URL_INVALID},
    {"IPv4, gap", NULL, "http://1..1", NULL, URL_INVALID},
    {"IPv4, huge", NULL, "http://99999999999999999999999", NULL, URL_INVALID},
    {"ends in a number", NULL, "http://site.1", NULL, URL_INVALID},
    {"ends in a number and letters", NULL, "http://site.1a", "http://site.1a/", URL_OK},

    {"IPv6", NULL, "http://[FE80:0:0:0:0:0:0:A]:81", "http://[fe80::a]:81/", URL_OK},
    {"IPv6, unspecified", NULL, "http://[::]", "http://[::]/", URL_OK},
    {"IPv6, mark at the end", NULL, "http://[1:2:3:4:5:6:7::]", "http://[1:2:3:4:5:6:7:0]/", URL_OK},
    {"IPv6, first of the longest runs", NULL, "http://[1:0:0:2:0:0:3:4]", "http://[1::2:0:0:3:4]/", URL_OK},
    {"IPv6, one zero is not shortened", NULL, "http://[1:0:2:3:4:5:6:7]", "http://[1:0:2:3:4:5:6:7]/", URL_OK},
    {"IPv6 with IPv4", NULL, "http://[::ffff:10.0.0.1]", "http://[::ffff:a00:1]/", URL_OK},
    {"IPv6, two marks", NULL, "http://[1::2::3]", NULL, URL_INVALID},
    {"IPv6, nine pieces", NULL, "http://[1:2:3:4:5:6:7:8:9]", NULL, URL_INVALID},
    {"IPv6, seven pieces", NULL, "http://[1:2:3:4:5:6:7]", NULL, URL_INVALID},
    {"IPv6, long piece", NULL, "http://[12345::]", NULL, URL_INVALID},
    {"IPv6, single colon first", NULL, "http://[:1:2:3:4:5:6:7]", NULL, URL_INVALID},
    {"IPv6, IPv4 too early", NULL, "http://[1.2.3.4::]", NULL, URL_INVALID},
    {"IPv6, IPv4 with leading zero", NULL, "http://[::01.2.3.4]", NULL, URL_INVALID},
    {"IPv6, zone", NULL, "http://[fe80::1%25eth0]", NULL, URL_INVALID},
    {"IPv6, not closed", NULL, "http://[::1", NULL, URL_INVALID},
    {"IPv6, text behind", NULL, "http://[::1]a", NULL, URL_INVALID},
};

static const struct row scheme_rows[] = {
    {"mailto", BASE, "mailto:someone@site.test", NULL, URL_SCHEME},
    {"javascript", BASE, "java\nscript:void(0)", NULL, URL_SCHEME},
    {"data", BASE, "data:text/html,<p>", NULL, URL_SCHEME},
    {"tel", BASE, "tel:+1", NULL, URL_SCHEME},
    {"ftp", BASE, "FTP://site.test/x", NULL, URL_SCHEME},
    {"ftp without slashes", NULL, "ftp:site.test", NULL, URL_SCHEME},
    {"ftp, bad port", NULL, "ftp://site.test:x", NULL, URL_INVALID},
    {"wss without host", NULL, "wss://", NULL, URL_INVALID},
    {"file", NULL, "file:///etc/passwd", NULL, URL_SCHEME},
    {"file on a drive", NULL, "file:\\\\C|\\x", NULL, URL_SCHEME},
    {"file on a bad host", NULL, "file://a b/", NULL, URL_INVALID},
    {"unknown, path", NULL, "x-y.z+1:/%", NULL, URL_SCHEME},
    {"unknown, no host", NULL, "git:///x", NULL, URL_SCHEME},
    {"unknown, opaque host", NULL, "git://a%41:9/x", NULL, URL_SCHEME},
    {"unknown, IPv6", NULL, "git://u@[::1]:9/x", NULL, URL_SCHEME},
    {"unknown, bad host", NULL, "git://a^b/x", NULL, URL_INVALID},
    {"unknown, bad IPv6", NULL, "git://[::g]/x", NULL, URL_INVALID},
    {"unknown, bad port", NULL, "git://a:99999/x", NULL, URL_INVALID},
    {"unknown, port without host", NULL, "git://:9/x", NULL, URL_INVALID},
    {"unknown, credentials without host", NULL, "git://u@/x", NULL, URL_INVALID},
};

static const struct row canonical_rows[] = {
    {"fragment and credentials go", NULL, "http://u:p@site.test/a#b", "http://site.test/a", URL_OK},
    {"empty fragment", NULL, "http://site.test/a?#", "http://site.test/a?", URL_OK},
    {"unreserved decoded", NULL, "http://site.test/%61%2d%2E%5f%7e%30?%7A", "http://site.test/a-._~0?z", URL_OK},
    {"others in capitals", NULL, "http://site.test/%2f%3a%d0%96?%3d", "http://site.test/%2F%3A%D0%96?%3D", URL_OK},
    {"double encoding stays", NULL, "http://site.test/%2541", "http://site.test/%2541", URL_OK},
    {"lone percent takes nothing in", NULL, "http://site.test/%%34%31%4%31", "http://site.test/%%341%4%31", URL_OK},
    {"lone percent before letters", NULL, "http://site.test/%x%41%a%41%41", "http://site.test/%xA%a%41A", URL_OK},
    {"lone percent at the end", NULL, "http://site.test/%?%41%", "http://site.test/%?A%", URL_OK},
    {"decoded segment is not one dot", NULL, "http://site.test/a/%2E%61", "http://site.test/a/.a", URL_OK},
    {"tracking, all", NULL, "http://site.test/?utm_id=1&GCLID=2", "http://site.test/", URL_OK},
    {"tracking, middle", NULL, "http://site.test/?a&fbclid=2&&b", "http://site.test/?a&&b", URL_OK},
    {"tracking, encoded name", NULL, "http://site.test/?%75tm%5Fx=1&a=%75", "http://site.test/?a=u", URL_OK},
    {"tracking, first", NULL, "http://site.test/?yclid=1&a=1", "http://site.test/?a=1", URL_OK},
    {"tracking, similar names", NULL, "http://site.test/?utm=1&gclids=2&u=utm_x", "http://site.test/?utm=1&gclids=2&u=utm_x", URL_OK},
    {"tracking ends in a lone percent", NULL, "http://site.test/?utm_x=%&%41", "http://site.test/?A", URL_OK},
    {"tracking between empty ones", NULL, "http://site.test/?&utm_x&", "http://site.test/?&", URL_OK},
    {"order stays", NULL, "http://site.test/?b=1&a=2&b=0", "http://site.test/?b=1&a=2&b=0", URL_OK},
    {"path shrinks before a query", NULL, "http://u:p@site.test/%41%42%43?x=%41&utm_x#f", "http://site.test/ABC?x=A", URL_OK},
};

static void check_href(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &rows[i];
        struct buf got = BUF_INIT(4096);
        enum url_status status = url_href(r->base, r->reference, strlen(r->reference), &got);
        if (status != r->status) fail_msg("%s: want %s, got %s", r->name, url_status_text(r->status), url_status_text(status));
        if (r->want && strcmp(buf_str(&got), r->want) != 0) fail_msg("%s: want %s, got %s", r->name, r->want, buf_str(&got));
        buf_release(&got);
    }
}

static void test_resolve(void **state)
{
    (void)state;
    check_href(resolve_rows, COUNT(resolve_rows));
}

static void test_hosts(void **state)
{
    (void)state;
    check_href(host_rows, COUNT(host_rows));
}

static void test_schemes(void **state)
{
    (void)state;
    check_href(scheme_rows, COUNT(scheme_rows));
}

static void test_canonical(void **state)
{
    (void)state;
    struct url got, again;
    for (size_t i = 0; i < COUNT(canonical_rows); i++) {
        const struct row *r = &canonical_rows[i];
        assert_int_equal(url_parse(r->reference, &got), URL_OK);
        if (strcmp(got.text, r->want) != 0) fail_msg("%s: want %s, got %s", r->name, r->want, got.text);
        assert_int_equal(url_parse(got.text, &again), URL_OK);
        if (strcmp(again.text, got.text) != 0) fail_msg("%s: not stable: %s, then %s", r->name, got.text, again.text);
    }
    assert_int_equal(url_canonical(NULL, "http://u:p@h/%41#f", 18, URL_CREDENTIALS, &got), URL_OK);
    assert_string_equal(got.text, "http://u:p@h/A");
    assert_string_equal(got.host, "h");
}

static void test_parts(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *path, *robots;
        bool https;
    } rows[] = {
        {"http://site.test", "site.test", "/", "http://site.test/robots.txt", false},
        {"https://u@site.test:8443/a?b", "site.test:8443", "/a?b", "https://site.test:8443/robots.txt", true},
        {"http://[::1]:80/?x://y/", "[::1]", "/?x://y/", "http://[::1]/robots.txt", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct url url, robots;
        assert_int_equal(url_parse(rows[i].url, &url), URL_OK);
        assert_string_equal(url.host, rows[i].host);
        assert_string_equal(url_path(url.text), rows[i].path);
        assert_int_equal(url.https, rows[i].https);
        url_robots(&url, &robots);
        assert_string_equal(robots.text, rows[i].robots);
        assert_string_equal(robots.host, rows[i].host);
        url_robots(&url, &url);
        assert_string_equal(url.text, rows[i].robots);
    }
    assert_string_equal(url_path("nonsense"), "/");
}

/* Memory: a string of n times c. */
static char *repeat(const char *before, char c, size_t n, const char *after)
{
    size_t head = strlen(before), tail = strlen(after);
    char *s = malloc(head + n + tail + 1);
    assert_non_null(s);
    memcpy(s, before, head);
    memset(s + head, c, n);
    memcpy(s + head + n, after, tail + 1);
    return s;
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *name, *before;
        char c;
        size_t n;
        const char *after;
        enum url_status want;
    } rows[] = {
        {"path of 2,048 in all", "http://h/", 'a', LIMIT_URL - 9, "", URL_OK},
        {"one more", "http://h/", 'a', LIMIT_URL - 8, "", URL_TOO_LONG},
        {"long fragment", "http://h/#", 'a', 60000, "", URL_OK},
        {"long, but gone up again", "http://h/", 'a', 60000, "/..", URL_OK},
        {"long tracking parameter", "http://h/?utm_x=", 'a', 60000, "", URL_OK},
        {"long password", "http://u:", '^', 60000, "@h/", URL_OK},
        {"blanks are not counted", "", ' ', 100000, "http://h/", URL_OK},
        {"only high bytes", "http://h/#", '\xff', 60000, "", URL_OK},
        {"reference beyond all measure", "http://h/#", 'a', 70000, "", URL_TOO_LONG},
        {"another scheme beyond all measure", "data:,", 'a', 5000000, "", URL_SCHEME},
        {"relative beyond all measure", "", 'a', 70000, "", URL_INVALID},
        {"host of 253", "http://", 'a', 249, ".com", URL_OK},
        {"host that the clock has no room for", "http://", 'a', LIMIT_HOST, "", URL_TOO_LONG},
        {"host beyond all measure", "http://", '%', 5000, "", URL_TOO_LONG},
        {"label of thousands of characters", "http://\xc3\xa4", 'a', 2000, "", URL_INVALID},
        {"slashes", "http:", '/', 60000, "h", URL_OK},
        {"at signs", "http://", '@', 20000, "h", URL_OK},
        {"dots", "http://h", '.', 1000, "/", URL_TOO_LONG},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct url url;
        char *text = repeat(rows[i].before, rows[i].c, rows[i].n, rows[i].after);
        enum url_status got = url_parse(text, &url);
        if (got != rows[i].want) fail_msg("%s: want %s, got %s", rows[i].name, url_status_text(rows[i].want), url_status_text(got));
        free(text);
    }
}

static void test_ownership(void **state)
{
    (void)state;
    struct url url;
    assert_int_equal(url_parse("http://a.test/b/c", &url), URL_OK);
    assert_int_equal(url_resolve(url.text, "../d", 4, &url), URL_OK); /* base and result in one */
    assert_string_equal(url.text, "http://a.test/d");
    assert_int_equal(url_resolve(url.text, "mailto:x", 8, &url), URL_SCHEME); /* failure changes nothing */
    assert_string_equal(url.text, "http://a.test/d");
    assert_int_equal(url_resolve(url.text, "e\0f", 3, &url), URL_OK); /* U+0000 within the length */
    assert_string_equal(url.text, "http://a.test/e%00f");
    struct buf small = BUF_INIT(4);
    assert_int_equal(url_href(NULL, "http://a.test/", 14, &small), URL_TOO_LONG);
    buf_release(&small);
    url_init();
}

static void test_status_texts(void **state)
{
    (void)state;
    for (int s = URL_OK; s <= URL_TOO_LONG; s++) assert_string_not_equal(url_status_text((enum url_status)s), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve),   cmocka_unit_test(test_hosts),        cmocka_unit_test(test_schemes),
        cmocka_unit_test(test_canonical), cmocka_unit_test(test_parts),        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_ownership), cmocka_unit_test(test_status_texts),
    };
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
