/* The cost of extraction beside that of libxml2's bare parser, on the same bytes, in one process.
 *
 *     extract speed ROUNDS CHARSET DIR    all files of a folder (gzip or not): both ways a page, in turn, ROUNDS times
 *     extract monsters CHARSET DIR        pages made to be slow, by their time per byte against the folder's mean
 *     extract cage ROUNDS CHARSET DIR     all files, packed as they come from the broker: in this process, and in the caged child
 *
 * Bare is htmlReadMemory and xmlFreeDoc. Extraction is everything from the bytes to the finished record, which is freed,
 * too. Time is the process's CPU time. bench/extract.py prints what comes out of here: one line of `key=value`. */
#include <dirent.h>
#include <ev.h>
#include <libxml/HTMLparser.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/zip.h"
#include "parser/cage.h"
#include "parser/cage_child.h"
#include "parser/extract/extract.h"

#define OPTIONS        (HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_COMPACT)
#define BARE_SECONDS   2
#define MONSTER_RUNS   3 /* of each pass; the fastest counts */
#define MONSTER_PASSES 5

struct body {
    char *data;
    size_t n;
};

struct folder {
    struct body *bodies;
    size_t count, cap, bytes;
};

struct round {
    double bare, full; /* seconds for all pages */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_page(const char *name)
{
    return strstr(name, ".html") || strstr(name, ".htm");
}

static void folder_read(struct folder *f, const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        struct buf name = BUF_INIT(4096), body = BUF_INIT(LIMIT_BODY);
        buf_addf(&name, "%s/%s", path, names[i]->d_name);
        gzFile file = is_page(names[i]->d_name) ? gzopen(buf_str(&name), "rb") : NULL;
        char chunk[65536];
        int n;
        while (file && (n = gzread(file, chunk, sizeof chunk)) > 0 && buf_add(&body, chunk, (size_t)n)) continue;
        if (file) gzclose(file);
        if (body.len) {
            f->bodies = mem_grow(f->bodies, &f->cap, f->count + 1, sizeof *f->bodies);
            f->bytes += body.len;
            f->bodies[f->count].n = body.len;
            f->bodies[f->count++].data = buf_take(&body);
        }
        buf_release(&name);
        buf_release(&body);
        free(names[i]);
    }
    if (count >= 0) free(names);
}

static void folder_release(struct folder *f)
{
    for (size_t i = 0; i < f->count; i++) free(f->bodies[i].data);
    free(f->bodies);
}

static double time_bare(const struct body *b, const char *charset)
{
    double start = now();
    htmlDocPtr doc = htmlReadMemory(b->data, (int)b->n, NULL, charset, OPTIONS);
    xmlFreeDoc(doc);
    return now() - start;
}

static double time_full(const struct body *b, const char *charset)
{
    char type[100];
    snprintf(type, sizeof type, "text/html; charset=%s", charset);
    double start = now();
    struct record record = {.kind = RECORD_ARTICLE};
    struct extract_notes notes = {.explain = NULL};
    struct extract_input in = {
        .bytes = b->data, .n = b->n, .url = "http://example.org/a/page.html", .content_type = type, .robots_tag = ""};
    extract_page(&in, &record, &notes);
    record_release(&record);
    return now() - start;
}

/* Each page both ways, one right after the other; who is first changes with the page and the round. */
static struct round run_round(const struct folder *f, const char *charset, int round)
{
    struct round r = {0, 0};
    for (size_t i = 0; i < f->count; i++) {
        bool bare_first = ((size_t)round + i) % 2 == 0;
        if (bare_first) r.bare += time_bare(&f->bodies[i], charset);
        r.full += time_full(&f->bodies[i], charset);
        if (!bare_first) r.bare += time_bare(&f->bodies[i], charset);
    }
    return r;
}

static int by_ratio(const void *a, const void *b)
{
    const struct round *x = a, *y = b;
    double left = x->full / x->bare, right = y->full / y->bare;
    return (left > right) - (left < right);
}

static int speed(int rounds, const char *charset, const char *path)
{
    struct folder f = {.bodies = NULL};
    folder_read(&f, path);
    if (f.count == 0 || rounds < 1) return 1;
    struct round *all = mem_calloc((size_t)rounds, sizeof *all);
    run_round(&f, charset, 0); /* caches and allocator warm up */
    for (int i = 0; i < rounds; i++) all[i] = run_round(&f, charset, i);
    qsort(all, (size_t)rounds, sizeof *all, by_ratio);
    const struct round *median = &all[rounds / 2], *least = &all[0], *most = &all[rounds - 1];
    printf("pages=%zu bytes=%zu bare_ms=%.4f full_ms=%.4f ratio=%.3f least=%.3f most=%.3f\n", f.count, f.bytes,
           median->bare * 1e3 / (double)f.count, median->full * 1e3 / (double)f.count, median->full / median->bare,
           least->full / least->bare, most->full / most->bare);
    free(all);
    folder_release(&f);
    return 0;
}

#define XML    "<?xml version='1.0'?>"
#define TEN(s) s s s s s s s s s s

/* Pages that are made of one piece, over and over. */
static const struct monster {
    const char *name, *head, *piece, *middle, *tail;
    size_t times; /* pieces, and as many tails */
} monsters[] = {
    {"tables in each other", "", "<table><tr><td>a ", "", "</table>", 100000},
    {"divs in each other", "", "<div>a ", "", "</div>", 100000},
    {"divs in each other, unclosed", "", "<div>a ", "", "", 100000},
    {"spans in each other", "<p>", "<span>a ", "", "</span>", 100000},
    {"list items, unclosed", "<ul>", "<li><ul>a ", "", "", 100000},
    {"paragraphs, unclosed", "", "<p>one sentence of eight words, and a stop. ", "", "", 100000},
    {"formatting, unclosed", "", "<b><i><a href=x><p>a ", "", "", 50000},
    {"end tags alone", "", "</div></p></b>", "", "", 300000},
    {"5 MB in one text", "<p>", "word and. ", "", "", 500000},
    {"5 MB in one word", "<p>", "wordandwor", "", "", 500000},
    {"a million links", "", "<a href=a>", "", "", 1000000},
    {"different links", "", "<a href=/%zu>a word or two</a> ", "", "", 200000},
    {"teasers", "", "<div class=t%zu><a href=x>a link of four words or more</a><p>a text.</div>", "", "", 60000},
    {"200,000 attributes", "<p", " a%zu=b", ">A text behind them.", "", 200000},
    {"200,000 attributes of one name", "<p", " class=b", ">A text behind them.", "", 200000},
    {"class of 3 MB", "<p class=\"", "post meta content nav ", "\">A text behind it.", "", 140000},
    {"entities", "<p>", "&amp;&#65;&nbsp;&unknown;", "", "", 150000},
    {"ampersands", "<p>", "&&&&&&&&&&", "", "", 300000},
    {"NUL bytes", "<p>", "a\1b\1c ", "", "", 500000},
    {"half surrogates", "<p>", "a\xed\xa0\x80 \xed\xbf\xbf ", "", "", 300000},
    {"half surrogates by number", "<p>", "a&#xD800; ", "", "", 300000},
    {"comments, unclosed", "<p>", "<!-- a ", "", "", 400000},
    {"less-than signs", "<p>", "< a <", "", "", 500000},
    {"scripts", "", "<script>a<b</script>", "", "", 150000},
    {"JSON-LD, nested", "<script type=application/ld+json>", "[", "", "]</script>", 200000},
    {"headings", "", "<h2>a heading of words</h2>", "", "", 100000},
    {"breaks", "<p>", "a<br><br>", "", "", 300000},
    {"table cells", "<table>", "<tr><td>a<td>b", "", "", 150000},
    {"paragraphs of one letter", "", "<p>a", "", "", 600000},
    {"headings of one letter", "", "<h1>a<p>b", "", "", 300000},
    {"attributes of nothing", "", "<p id>a", "", "", 400000},
    {"single breaks", "<p>", "a<br>", "", "", 500000},
    {"breaks of one letter", "<p>", "a<br><br>", "", "", 60000},
    {"cells of one letter", "<table><tr>", "<td>a", "", "", 500000},
    {"cells of one letter, 0.5 MB", "<table><tr>", "<td>a", "", "", 100000},
    {"rows of one letter", "<table>", "<tr><td>a", "", "", 300000},
    {"items of one letter", "<ul>", "<li>a", "", "", 500000},
    {"terms of one letter", "<dl>", "<dt>a<dd>b", "", "", 250000},
    {"paragraphs of one letter in depth", TEN(TEN("<div><div><div><div><div>")), "<p>a", "", "", 600000},
    {"paragraphs of one letter, 1 MB", "", "<p>a", "", "", 250000},
    {"bold letters", "<p>", "<b>a</b>", "", "", 300000},
    {"bold letters in a heading", "<h1>", "<b>a</b>", "", "", 300000},
    {"tags of all kinds", "", "<p>a<b>b</b><td>", "", "", 200000},
    {"links without a target", "<p>", "<a b>a", "", "", 400000},
    {"links of one letter", "<p>", "<a href>a", "", "", 250000},
    {"links to many pages", "<p>", "<a href=%zu>a", "", "", 250000},
    {"empty elements that are no text", "<p>", "<rp/>a", "", "", 400000},
    {"pictures", "<p>", "<img>a", "", "", 400000},
    {"empty divs", "", "<div></div>", "", "", 300000},
    {"choices", "<select>", "<option>a", "", "", 300000},
    {"comments between letters", "<p>", "<!---->a", "", "", 300000},
    {"tables of one letter in depth", TEN(TEN("<table><tr><td>")), "<table><tr><td>a</table>", "", "", 100000},
    {"words of one letter, 0.5 MB", "<p>", "a ", "", "", 250000},
    {"short paragraphs", "", "<p>a b c d e f g h.", "", "", 130000},
    {"short paragraphs in depth", TEN(TEN("<div><div><div><div><div>")), "<p>a b c d e f g h.", "", "", 130000},
    {"short paragraphs, different", "", "<p>%zu a b c d e f g h.", "", "", 100000},
    {"links at the end of lines in depth", "<div>" TEN(TEN("<i><i><i><i>")), "<a href=x>a</a> b c d<br><br>", "", "", 80000},
    {"meta", "", "<meta property=og:title content=\"%zu\">", "", "", 80000},
    {"ampersands in attributes", "", "<a title='&&&&&&&&&&&&&&&&&&&&' href=?&&&&&&&&&&>a</a>", "", "", 50000},
    {"names without a semicolon", "<p>", "&a&b&c&d&e", "", "", 300000},
    {"unknown names", "<p>", "&x;&y;&z;", "", "", 300000},
    {"last name of the table", "<p>", "&diams;", "", "", 400000},
    {"numbers that are none", "<p>", "&#&#&#x;", "", "", 400000},
    {"less-than signs alone", "<p>", "<<<<<<<<<<", "", "", 300000},
    {"elements nobody knows", "", "<x/><y/><z/>", "", "", 250000},
    {"elements nobody knows, different", "", "<x%zu></x%zu>", "", "", 150000},
    {"end tags of nothing, in pairs", "<p>", "<br></i>", "", "", 300000},
    {"letters with marks", "<p>", "u\xcc\x88o\xcc\x88 a\xcc\x81.", "", "", 250000},
    {"letters with two marks", "<p>", "a\xcc\xa3\xcc\x82", "", "", 500000},
    {"marks in a row", "<p>", "\xcc\x96\xcc\x81", "", "", 600000},
    {"marks by number", "<p>", "u&#776;", "", "", 400000},
    {"bodies", "", "<body></i>", "", "", 300000},
    {"end tags that may not close, in depth", "<b><div>" TEN(TEN("<i>")) TEN(TEN("<i>")) TEN(TEN("<i>")), "<br></b>", "", "", 300000},
    {"attributes, 200 of a tag", "", "<p " TEN(TEN("a ")) TEN(TEN("class ")) ">", "", "", 3000},
    {"links of 2 kB", "", "<a href=/%zu/" TEN(TEN("twenty_bytes_of_path")) ">a</a>", "", "", 2000},
    {"document types", "", "<!doctype>", "", "", 300000},
    {"instructions", "<p>", "<?a><?", "", "", 300000},
    {"comments", "<p>", "<!---->", "", "", 400000},
    {"attributes without names", "", "<p = = = = = = = = = = = = = = = = = = = = >", "", "", 60000},
    {"entities of every kind", "<p>", "&amp;&eacute;&#233;&#xE9;", "", "", 200000},
    {"blanks", "<p>a", "          ", "", "", 500000},
    {"blanks before the body", "<html>", "          ", "", "", 500000},
    {"base", "", "<base href=/%zu>", "", "", 150000},
    {"forms in each other", "", "<form><div>a", "", "</div></form>", 60000},
    {"texts of one character", "<p>", "<i>a</i>", "", "", 300000},
    {"structured data", "", "<script type=application/ld+json>{\"@type\":\"Article\"}</script>", "", "", 50000},
    {"one attribute of 5 MB", "<p title='", "five bytes", "'>A text behind it.", "", 500000},
    {"sitemap", XML "<urlset>", "<url><loc>http://example.org/%zu</loc></url>", "", "", 100000},
    {"sitemap of ampersands", XML "<urlset>", "<url><loc>http://example.org/?&&&&&&&&&&&&&&&&&&&&</loc></url>", "", "", 50000},
    {"sitemap of references", XML "<urlset>", "<url><loc>/&amp;&#65;&#x42;&nbsp;</loc></url>", "", "", 100000},
    {"feed, nested", XML "<rss>", "<item>", "", "", 500000},
    {"feed, many elements", XML "<rss><channel>", "<item/>", "", "", 400000},
    {"feed, many attributes", XML "<rss><channel><item ", "a%zu='' ", "/>", "", 300000},
    {"feed, wrong end tags", XML "<rss><channel>", "<item></b>", "", "", 300000},
};

static void add_times(struct buf *out, const char *piece, size_t times)
{
    const char *number = strstr(piece, "%zu");
    for (size_t i = 0; i < times && *piece; i++) {
        buf_add(out, piece, number ? (size_t)(number - piece) : strlen(piece));
        if (number) buf_addf(out, "%zu%s", i, number + 3);
    }
}

static void monster_make(const struct monster *m, struct buf *out)
{
    bool html = strncmp(m->head, XML, strlen(XML)) != 0;
    if (html) buf_add_str(out, "<!doctype html><title>A page of one piece</title><body><h1>A page of one piece</h1>");
    buf_add_str(out, m->head);
    add_times(out, m->piece, m->times);
    buf_add_str(out, m->middle);
    add_times(out, m->tail, m->times);
    if (html) buf_add_str(out, "<p>The last words of this page, which nothing before them may swallow, make a sentence.");
    for (size_t i = 0; i < out->len; i++)
        if (out->data[i] == '\1') out->data[i] = '\0';
}

static double best_of_runs(const struct body *b, const char *charset)
{
    double best = time_full(b, charset);
    for (int i = 1; i < MONSTER_RUNS; i++) {
        double again = time_full(b, charset);
        if (again < best) best = again;
    }
    return best;
}

/* Written by the processes that measure. */
static struct monster_result {
    size_t bytes;
    double full, bare; /* seconds; 0: it did not end */
    long peak_kb;
} * results;

/* Each page has a process of its own, so that its peak of memory is known. What the bare parser needs is quadratic for some: it gets
 * BARE_SECONDS. */
static void monster_run(const struct monster *m, struct monster_result *result, const char *charset, bool is_first)
{
    struct buf page = BUF_INIT(LIMIT_BODY);
    monster_make(m, &page);
    struct body body = {page.data, page.len};
    result->bytes = page.len;
    fflush(stdout);
    for (int bare = is_first; bare >= 0; bare--) {
        pid_t pid = fork();
        if (pid == 0 && bare) {
            setrlimit(RLIMIT_CPU, &(struct rlimit){BARE_SECONDS, BARE_SECONDS});
            result->bare = time_bare(&body, charset);
            _exit(0);
        }
        if (pid == 0) {
            struct rusage used;
            double full = best_of_runs(&body, charset);
            if (is_first || full < result->full) result->full = full;
            getrusage(RUSAGE_SELF, &used);
            if (used.ru_maxrss > result->peak_kb) result->peak_kb = used.ru_maxrss;
            _exit(0);
        }
        int status = 0;
        waitpid(pid, &status, 0);
        if (status && !bare) fprintf(stderr, "extract: %s: died\n", m->name), exit(1);
    }
    buf_release(&page);
}

/* The fastest pass counts, of the pages as of the mean: a machine is disturbed for a while, not always. */
static int run_monsters(const char *charset, const char *path)
{
    enum { COUNT = sizeof monsters / sizeof *monsters };
    struct round best = {0, 0};
    size_t bytes = 0;
    results = mmap(NULL, COUNT * sizeof *results, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED) return 1;
    for (int pass = 0; pass < MONSTER_PASSES; pass++) {
        struct folder f = {.bodies = NULL};
        folder_read(&f, path);
        if (f.count == 0) return 1;
        struct round r = run_round(&f, charset, pass);
        if (pass == 0 || r.full < best.full) best.full = r.full;
        if (pass == 0 || r.bare < best.bare) best.bare = r.bare;
        bytes = f.bytes;
        folder_release(&f);
        malloc_trim(0); /* or it would be in the peak of each */
        for (size_t i = 0; i < COUNT; i++) monster_run(&monsters[i], &results[i], charset, pass == 0);
    }
    double mean = best.full / (double)bytes;
    printf("mean_ns=%.2f bare_ns=%.2f\n", mean * 1e9, best.bare / (double)bytes * 1e9);
    for (size_t i = 0; i < COUNT; i++) {
        const struct monster_result *r = &results[i];
        if (r->bare > 0)
            printf("bare_ms=%.1f ", r->bare * 1e3);
        else
            printf("bare_ms=>%d000 ", BARE_SECONDS);
        printf("bytes=%zu ms=%.1f times=%.2f peak_mb=%ld name=%s\n", r->bytes, r->full * 1e3, r->full / (double)r->bytes / mean,
               r->peak_kb >> 10, monsters[i].name);
    }
    munmap(results, COUNT * sizeof *results);
    return 0;
}

/* ---- the cage ---- */

#define CAGE_SUBMITTED 8 /* pages in the parent's hand: the child is never idle */
#define CAGE_TIMEOUT   30000
#define CAGE_MIB       512

static struct {
    const struct folder *packed;
    const char *record; /* of every page, JSON */
    struct cage *cage;
    size_t submitted, ended, wanted;
} caged;

/* The clock of the only child's CPU time. */
static clockid_t child_clock(void)
{
    char path[64];
    int pid = 0;
    clockid_t clock;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "re");
    bool ok = children && fscanf(children, "%d", &pid) == 1 && clock_getcpuclockid(pid, &clock) == 0;
    if (children) fclose(children);
    if (!ok) fprintf(stderr, "extract: the caged child's CPU time cannot be read\n"), exit(1);
    return clock;
}

static void cage_more(void)
{
    for (; caged.submitted < caged.wanted && caged.submitted < caged.ended + CAGE_SUBMITTED; caged.submitted++) {
        const struct body *b = &caged.packed->bodies[caged.submitted % caged.packed->count];
        cage_submit(caged.cage, NULL, caged.record, b->data, b->n, true);
    }
}

static void cage_ended(void *context, void *page, struct cage_result *result)
{
    (void)context, (void)page, (void)result;
    caged.ended++;
    if (caged.ended == caged.wanted)
        ev_break(ev_default_loop(0), EVBREAK_ALL);
    else if (caged.cage)
        cage_more();
}

static bool cage_wanted(void *context, void *page)
{
    (void)context, (void)page;
    return true;
}

/* All pages through the child: CPU time of both processes. */
static double time_caged(void)
{
    struct timespec childs[2];
    clockid_t clock = child_clock();
    double start = now();
    clock_gettime(clock, &childs[0]);
    caged.submitted = caged.ended = 0;
    caged.wanted = caged.packed->count;
    cage_more();
    ev_run(ev_default_loop(0), 0);
    clock_gettime(clock, &childs[1]);
    return now() - start + (double)(childs[1].tv_sec - childs[0].tv_sec) + (double)(childs[1].tv_nsec - childs[0].tv_nsec) / 1e9;
}

/* The child's work on one page, without a child. Returns the bytes of its answer. */
static size_t work_on(const struct body *b, struct buf *page, struct buf *json, struct buf *answer)
{
    struct record r;
    struct record_error error;
    struct extract_notes notes = {.explain = NULL};
    buf_reset(page), buf_reset(json), buf_reset(answer);
    if (record_decode(caged.record, strlen(caged.record), 1u << RECORD_PAGE, &r, &error) != RECORD_OK) return 0;
    zip_unpack(page, b->data, b->n);
    struct extract_input in = {.bytes = buf_str(page), .n = page->len, .url = r.url, .content_type = r.content_type, .robots_tag = ""};
    enum code code = extract_page(&in, &r, &notes);
    r.kind = code == CODE_OK ? RECORD_ARTICLE : RECORD_EMPTY;
    r.bytes = (int64_t)page->len;
    r.parsed_at = clock_wall_ms();
    if (code != CODE_OK) r.code = mem_strdup(code_name(code));
    record_encode(&r, json);
    zip_pack(answer, json->data, json->len);
    record_release(&r);
    return answer->len;
}

static double time_in_process(void)
{
    struct buf page = BUF_INIT(LIMIT_BODY + 1), json = BUF_INIT(LIMIT_RECORD), answer = BUF_INIT(LIMIT_MESSAGE);
    double start = now();
    for (size_t i = 0; i < caged.packed->count; i++) work_on(&caged.packed->bodies[i], &page, &json, &answer);
    double end = now();
    buf_release(&page), buf_release(&json), buf_release(&answer);
    return end - start;
}

static void pack_all(struct folder *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct buf packed = BUF_INIT(LIMIT_MESSAGE);
        zip_pack(&packed, f->bodies[i].data, f->bodies[i].n);
        free(f->bodies[i].data);
        f->bodies[i].n = packed.len;
        f->bodies[i].data = buf_take(&packed);
    }
}

/* In turn, as `speed` does it; the first round warms up. */
static int cage(int rounds, const char *charset, const char *path)
{
    struct folder f = {.bodies = NULL};
    struct cage_config config = {
        .program = "/proc/self/exe", .timeout_ms = CAGE_TIMEOUT, .memory_mib = CAGE_MIB, .on_result = cage_ended, .is_wanted = cage_wanted};
    char record[500];
    snprintf(record, sizeof record,
             "{\"v\":1,\"kind\":\"page\",\"page\":\"1\",\"crawl\":\"1\",\"host\":\"1\",\"release\":\"1\",\"depth\":0,"
             "\"url\":\"http://example.org/a/page.html\",\"status\":200,\"content_type\":\"text/html; charset=%s\"}",
             charset);
    folder_read(&f, path);
    if (f.count == 0 || rounds < 1) return 1;
    pack_all(&f);
    caged.packed = &f;
    caged.record = record;
    caged.cage = cage_new(ev_default_loop(0), &config);
    struct round *all = mem_calloc((size_t)rounds, sizeof *all);
    for (int i = -1; i < rounds; i++) {
        struct round r = {.bare = time_in_process()};
        r.full = time_caged();
        if (i >= 0) all[i] = r;
    }
    qsort(all, (size_t)rounds, sizeof *all, by_ratio);
    const struct round *median = &all[rounds / 2], *least = &all[0], *most = &all[rounds - 1];
    printf("pages=%zu plain_ms=%.4f caged_ms=%.4f ratio=%.3f least=%.3f most=%.3f\n", f.count, median->bare * 1e3 / (double)f.count,
           median->full * 1e3 / (double)f.count, median->full / median->bare, least->full / least->bare, most->full / most->bare);
    cage_free(&caged.cage);
    free(all);
    folder_release(&f);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], CAGE_CHILD_FLAG) == 0) return cage_child_run(argc - 1, argv + 1);
    extract_init();
    if (argc == 5 && strcmp(argv[1], "speed") == 0) return speed((int)strtol(argv[2], NULL, 10), argv[3], argv[4]);
    if (argc == 4 && strcmp(argv[1], "monsters") == 0) return run_monsters(argv[2], argv[3]);
    if (argc == 5 && strcmp(argv[1], "cage") == 0) return cage((int)strtol(argv[2], NULL, 10), argv[3], argv[4]);
    fprintf(stderr, "usage: extract speed|cage ROUNDS CHARSET DIR | extract monsters CHARSET DIR\n");
    return 100;
}
