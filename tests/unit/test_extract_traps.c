/* Pages made to cost time, memory or text: each must end soon, and what stands after the trap must still be there. */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "parser/extract/extract.h"
#include "parser/extract/trim.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#ifdef GM_SANITIZER
#define CPU_MAX 60.0
#define SCALE   5
#else
#define SCALE   1
#define CPU_MAX 3.0 /* seconds; each takes well below one on any machine of this decade */
#endif
#define END "ENDMARK"
#define SENTENCE                                                                                                                           \
    "<p>The keeper went down to the water in the morning, as he always did, and saw that the gate was open.</p>"                           \
    "<p>Nobody had been there in the night, and the key was still hanging on its nail behind the door.</p>"
#define LAST "<p>At the very end of the page stands one more sentence, which says " END ", and it must not be lost.</p>"

/* head, then piece so many times, then middle, then closing so many times, then LAST. %d in a piece becomes its number. */
static const struct {
    const char *name, *head, *piece, *middle, *closing;
    int count;
    bool last_is_kept;
} traps[] = {
    {"nested divs", SENTENCE, "<div>", "deep", "</div>", 100000, true},
    {"nested divs, not closed", SENTENCE, "<div>x ", "", "", 100000, true},
    {"nested tables", SENTENCE, "<table><tr><td>", "deep", "</td></tr></table>", 100000, true},
    {"nested lists, not closed", SENTENCE, "<ul><li>", "", "", 100000, true},
    {"nested quotes", SENTENCE, "<blockquote>", "deep", "</blockquote>", 50000, true},
    {"nested emphasis", SENTENCE, "<b>", "", "</b>", 500000, true},
    {"one long text", "<p>", "lorem ipsum dolor sit amet, and so on. ", "</p>", "", 130000, false},
    {"one long word", SENTENCE "<p>", "xxxxxxxxxxxxxxxx", "</p>", "", 300000, false},
    {"attributes", SENTENCE "<p ", "a%d=v ", ">", "", 200000, true},
    {"attributes with angles in them", SENTENCE "<p ", "a%d='>' ", ">", "", 200000, true},
    {"a million links", SENTENCE, "<a href=x>y</a>", "", "", 600000, false},
    {"different links", SENTENCE, "<a href=/x%d>y</a>", "", "", 400000, false},
    {"end tags of nothing", SENTENCE "<div><div><div><div>", "</i>", "", "", 2000000, true},
    {"end tags in depth", SENTENCE, "<div>", "", "</i></b></u></em>", 500, true},
    {"open tags, all kinds", SENTENCE, "<b><i><p><li>", "", "", 400000, false},
    {"entities", SENTENCE "<p>", "&amp;&eacute;&#x41;&nosuch; ", "</p>", "", 250000, false},
    {"angles", SENTENCE, "< ", "", "", 100000, true},
    {"comments", SENTENCE, "<!-- x -->", "", "", 900000, true},
    {"scripts", SENTENCE, "<script>var a='<div>';</script>", "", "", 300000, true},
    {"structured data", "", "<script type='application/ld+json'>{\"@type\":\"Article\"}</script>", "", "", 100000, true},
    {"deep structured data", "<script type='application/ld+json'>", "[", "</script>" SENTENCE, "", 500000, true},
    {"meta", "", "<meta name=author content='A B'>", SENTENCE, "", 200000, true},
    {"directives", "<meta name=robots content='", "noarchive,unavailable_after,x:", "'>" SENTENCE, "", 300000, true},
    {"directives with dates that do not come", "<meta name=robots content='", "unavailable_after,", "'>" SENTENCE, "", 500000, true},
    {"headlines", SENTENCE, "<h1>The gate of the old lock was open</h1>", "", "", 100000, false},
    {"class names", SENTENCE "<p class='", "nav-%d ", "'>x</p>", "", 500000, true},
    {"cells", SENTENCE "<table>", "<tr><td>a<td>b<td>c", "</table>", "", 300000, false},
    {"breaks", SENTENCE, "text<br><br>", "", "", 500000, false},
    {"elements nobody knows", SENTENCE, "<x%d>t", "", "", 300000, true},
};

static void add_times(struct buf *out, const char *piece, int count)
{
    const char *number = strstr(piece, "%d");
    for (int i = 0; i < count && *piece && out->len + 100 < out->max; i++) {
        if (number)
            buf_addf(out, "%.*s%d%s", (int)(number - piece), piece, i, number + 2);
        else
            buf_add_str(out, piece);
    }
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_traps(void **state)
{
    (void)state;
    struct buf page = BUF_INIT(LIMIT_BODY - 1000);
    for (size_t i = 0; i < COUNT(traps); i++) {
        struct record r = {.kind = RECORD_ARTICLE};
        struct extract_notes notes = {.explain = NULL};
        buf_reset(&page);
        buf_addf(&page, "<!doctype html><meta charset=utf-8><body>%s", traps[i].head);
        add_times(&page, traps[i].piece, traps[i].count / SCALE);
        buf_add_str(&page, traps[i].middle);
        add_times(&page, traps[i].closing, traps[i].count / SCALE);
        buf_add_str(&page, LAST);
        double start = cpu_seconds();
        struct extract_input in = {
            .bytes = page.data, .n = page.len, .url = "http://example.org/a", .content_type = "text/html", .robots_tag = "", .now = 1};
        enum code code = extract_page(&in, &r, &notes);
        double took = cpu_seconds() - start;
        if (took > CPU_MAX) fail_msg("%s: took %.2f s", traps[i].name, took);
        if (code != CODE_OK) fail_msg("%s: %s", traps[i].name, code_name(code));
        if (traps[i].last_is_kept && !strstr(r.text, END)) fail_msg("%s: the end is lost", traps[i].name);
        if (r.links.count > LIMIT_LINKS || strlen(r.text) > LIMIT_TEXT) fail_msg("%s: a cap is not kept", traps[i].name);
        record_release(&r);
    }
    buf_release(&page);
}

static void test_links_are_counted(void **state)
{
    (void)state;
    struct buf page = BUF_INIT(LIMIT_BODY);
    struct record r = {.kind = RECORD_ARTICLE};
    struct extract_notes notes = {.explain = NULL};
    add_times(&page, "<a href=/x%d>y</a>", 30000);
    struct extract_input in = {
        .bytes = page.data, .n = page.len, .url = "http://example.org/a", .content_type = "text/html", .robots_tag = ""};
    extract_page(&in, &r, &notes);
    assert_int_equal(r.links.count, LIMIT_LINKS);
    assert_int_equal(r.links_cut, 30000 - LIMIT_LINKS);
    record_release(&r);
    buf_release(&page);
}

static const struct {
    const char *name, *xml, *want; /* NULL: left as it is */
} attribute_rows[] = {
    {"few", "<p a='1' b='2'>x</p>", NULL},
    {"in a comment", "<!-- <p %s> -->x", NULL},
    {"in a CDATA section", "<d><![CDATA[<p %s>]]></d>", NULL},
    {"in an instruction", "<?x <p %s> ?><d/>", NULL},
    {"cut", "<p %s>x</p>", "<p %s>x</p>"},
    {"an empty element", "<d><p %s/></d>", "<d><p %s/></d>"},
    {"below an element called script", "<script><p %s>x</p></script>", "<script><p %s>x</p></script>"},
};

static void test_attributes(void **state)
{
    (void)state;
    struct buf many = BUF_INIT(1 << 20), kept = BUF_INIT(1 << 20);
    for (int i = 0; i < 2 * TRIM_ATTRS; i++) {
        buf_addf(&many, "a%d='>' ", i);
        if (i < TRIM_ATTRS) buf_addf(&kept, "a%d='>' ", i);
    }
    for (size_t i = 0; i < COUNT(attribute_rows); i++) {
        struct buf page = BUF_INIT(1 << 20), want = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
        const char *spot = strstr(attribute_rows[i].xml, "%s");
        if (spot)
            buf_addf(&page, "%.*s%s%s", (int)(spot - attribute_rows[i].xml), attribute_rows[i].xml, buf_str(&many), spot + 2);
        else
            buf_add_str(&page, attribute_rows[i].xml);
        bool cut = trim_attributes(page.data, page.len, &out);
        if (cut != (attribute_rows[i].want != NULL)) fail_msg("%s: %s", attribute_rows[i].name, cut ? "cut" : "not cut");
        if (cut) {
            spot = strstr(attribute_rows[i].want, "%s");
            buf_addf(&want, "%.*s%s%s", (int)(spot - attribute_rows[i].want), attribute_rows[i].want, buf_str(&kept), spot + 2);
            assert_string_equal(buf_str(&out), buf_str(&want));
        }
        buf_release(&page), buf_release(&want), buf_release(&out);
    }
    buf_release(&many), buf_release(&kept);
}

int main(void)
{
    extract_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_traps), cmocka_unit_test(test_links_are_counted),
                                       cmocka_unit_test(test_attributes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
