/* The frontier alone, on a real database: links offered in batches as the writer admits them, releases, and answers that end
 * what was released. No broker. DATABASE_URL has the schema; HOST_DELAY, FETCH_PER_HOST, FRONTIER_WINDOW as for the writer.
 *
 *     frontier fill FROM TO HOSTS       admits pages FROM to TO of one crawl, spread over so many hosts, in batches of 1,000
 *     frontier offer TO HOSTS SECONDS   offers links of which four in five are known, pages TO and up new; prints the rate
 *     frontier release SECONDS          releases and ends pages; prints how long a release took
 *
 * One line of `key=value` comes out, for bench/frontier.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "line/pg.h"
#include "writer/conf.h"
#include "writer/host_clock.h"
#include "writer/judge.h"
#include "writer/known.h"
#include "writer/release.h"
#include "writer/tx.h"

#define BATCH       1000
#define NEW_OF_TEN  2
#define RELEASE_MAX 100000 /* that are timed */

static struct writer writer;

static void die(const char *what)
{
    fprintf(stderr, "frontier: %s: %s\n", what, pg_error(writer.pg));
    exit(1);
}

static void check(enum pg_status st, const char *what)
{
    if (st != PG_OK) die(what);
}

static int64_t crawl_id(void)
{
    static const struct pg_stmt stmt = {"bench_crawl", "SELECT max(id) FROM crawl"};
    struct pg_result *r;
    check(pg_run(writer.pg, &stmt, NULL, &r), "crawl");
    int64_t id = pg_int(r, 0, 0);
    pg_result_free(r);
    return id;
}

static void offer(struct tx *tx, int64_t crawl, int64_t page, int64_t hosts)
{
    char host[40], url[100];
    snprintf(host, sizeof host, "host%lld.example", (long long)(page % hosts));
    int n = snprintf(url, sizeof url, "http://%s/wiki/Article_%lld", host, (long long)page);
    struct offer o = {.crawl_id = crawl, .depth = 1, .url = mem_strdup(url), .host = mem_strdup(host), .hash = digest_of(url, (size_t)n)};
    tx_offer(tx, &o);
}

/* What the writer does with the links of a batch: one transaction. */
static void admit(int64_t crawl, const int64_t *pages, size_t count, int64_t hosts)
{
    struct tx tx;
    tx_init(&tx, &writer, writer.pg);
    check(tx_begin(&tx), "begin");
    tx_want_crawl(&tx, crawl);
    check(tx_load(&tx), "load");
    for (size_t i = 0; i < count; i++) offer(&tx, crawl, pages[i], hosts);
    check(tx_admit(&tx), "admit");
    check(tx_write(&tx), "write");
    check(tx_commit(&tx), "commit");
    tx_release(&tx);
}

static void fill(int64_t from, int64_t to, int64_t hosts)
{
    int64_t crawl = crawl_id(), pages[BATCH], begin = clock_mono_ms();
    for (int64_t next = from; next < to;) {
        size_t n = 0;
        while (n < BATCH && next < to) pages[n++] = next++;
        admit(crawl, pages, n, hosts);
    }
    printf("pages=%lld ms=%lld\n", (long long)(to - from), (long long)(clock_mono_ms() - begin));
}

static void offer_links(int64_t known, int64_t hosts, int64_t seconds)
{
    int64_t crawl = crawl_id(), pages[BATCH], offered = 0, next = known, begin = clock_mono_ms(), now = begin;
    while (now - begin < seconds * 1000) {
        for (size_t i = 0; i < BATCH; i++) pages[i] = i % 10 < NEW_OF_TEN ? next++ : ((int64_t)random() << 20 ^ random()) % known;
        admit(crawl, pages, BATCH, hosts);
        offered += BATCH;
        now = clock_mono_ms();
    }
    printf("offered=%lld new=%lld ms=%lld\n", (long long)offered, (long long)(next - known), (long long)(now - begin));
}

/* ---- releases ---- */

static struct record *tickets;
static size_t ticket_count, ticket_cap;

static void keep_ticket(struct writer *w, enum queue_id queue, const struct record *ticket)
{
    (void)w, (void)queue;
    tickets = mem_grow(tickets, &ticket_cap, ticket_count + 1, sizeof *tickets);
    tickets[ticket_count++] = (struct record){.page = ticket->page, .host = ticket->host, .release = ticket->release};
}

/* Everything released was answered with 404. */
static void end_pages(void)
{
    struct tx tx;
    struct entry *entries = mem_calloc(ticket_count, sizeof *entries), **all = mem_calloc(ticket_count, sizeof *all);
    tx_init(&tx, &writer, writer.pg);
    check(tx_begin(&tx), "begin");
    for (size_t i = 0; i < ticket_count; i++) {
        entries[i] = (struct entry){.kind = ENTRY_RECORD,
                                    .record = {.kind = RECORD_VERDICT,
                                               .page = tickets[i].page,
                                               .host = tickets[i].host,
                                               .release = tickets[i].release,
                                               .ticketed = 1,
                                               .status = 404,
                                               .code = (char *)code_name(CODE_HTTP_4XX)}};
        all[i] = &entries[i];
        tx_want_page(&tx, tickets[i].page);
    }
    check(tx_load(&tx), "load");
    check(host_clock_excuse(&tx, all, ticket_count), "hosts");
    for (size_t i = 0; i < ticket_count; i++) judge_entry(&tx, &entries[i]);
    check(tx_admit(&tx), "admit");
    check(tx_write(&tx), "write");
    check(tx_commit(&tx), "commit");
    tx_release(&tx);
    for (size_t i = 0; i < ticket_count; i++) free(entries[i].url);
    free(entries);
    free(all);
    ticket_count = 0;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void release_pages(int64_t seconds)
{
    struct host_rules *rules = host_rules_new();
    int64_t *times = mem_calloc(RELEASE_MAX, sizeof *times), begin = clock_mono_ms(), released = 0;
    size_t count = 0, least = SIZE_MAX;
    while (clock_mono_ms() - begin < seconds * 1000 && count < RELEASE_MAX) {
        struct release_result result;
        int64_t start = clock_mono_us();
        check(release_run(&writer, rules, keep_ticket, &result), "release");
        times[count] = clock_mono_us() - start;
        if (ticket_count == 0) break; /* nothing is due */
        released += (int64_t)ticket_count;
        if (ticket_count < least) least = ticket_count;
        count++;
        end_pages();
    }
    if (count == 0) die("nothing was released");
    qsort(times, count, sizeof *times, by_size);
    printf("releases=%zu pages=%lld least=%zu p50_us=%lld p99_us=%lld max_us=%lld\n", count, (long long)released, least,
           (long long)times[count / 2], (long long)times[count * 99 / 100], (long long)times[count - 1]);
    free(times);
    free(tickets);
    host_rules_free(&rules);
}

static int64_t number(const char *text)
{
    char *end;
    long long n = strtoll(text, &end, 10);
    if (*end || n < 0) {
        fprintf(stderr, "frontier: %s: not a number\n", text);
        exit(100);
    }
    return n;
}

int main(int argc, char **argv)
{
    struct conf_error error;
    if (conf_load(writer_conf_rows, &error) != 0) {
        fprintf(stderr, "frontier: %s\n", error.text);
        return 100;
    }
    writer.pg = pg_new(writer_conf.database_url, "gistmill bench", 600000);
    writer.known = known_new();
    writer.frontier = frontier_new(&writer);
    if (!pg_connect(writer.pg) || database_prepare(writer.pg) != PG_OK) die("database");
    if (argc == 5 && strcmp(argv[1], "fill") == 0)
        fill(number(argv[2]), number(argv[3]), number(argv[4]));
    else if (argc == 5 && strcmp(argv[1], "offer") == 0)
        offer_links(number(argv[2]), number(argv[3]), number(argv[4]));
    else if (argc == 3 && strcmp(argv[1], "release") == 0)
        release_pages(number(argv[2]));
    else
        return 100;
    frontier_free(&writer.frontier);
    known_free(&writer.known);
    pg_free(&writer.pg);
    return 0;
}
