/* writer: keeps the books in PostgreSQL: admits URLs, releases tickets, stores articles and summaries. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/exitcode.h"
#include "base/mem.h"
#include "writer/article_out.h"
#include "writer/conf.h"
#include "writer/explain.h"
#include "writer/known.h"
#include "writer/live.h"
#include "writer/request.h"
#include "writer/rules_load.h"
#include "writer/writer.h"

static struct writer writer;

static int init(struct service *service)
{
    srandom((unsigned)clock_mono_us());
    writer.service = service;
    writer.known = known_new();
    writer.rules = rules_cache_new();
    writer.intake = intake_new(&writer);
    writer.frontier = frontier_new(&writer);
    writer.articles = article_out_new(&writer);
    writer.live = live_new(&writer);
    database_start(&writer);
    return EXITCODE_OK;
}

static void deinit(struct service *service)
{
    (void)service;
    if (writer.db_ready) article_out_put_back(writer.articles);
    database_stop(&writer);
    frontier_free(&writer.frontier);
    article_out_free(&writer.articles);
    live_free(&writer);
    intake_free(&writer);
    known_free(&writer.known);
    rules_cache_free(&writer.rules);
}

static void on_message(struct service *service, struct job *job, const struct mq_delivery *delivery)
{
    (void)service;
    intake_message(&writer, job, delivery);
}

static void on_reset(struct service *service, enum queue_id queue)
{
    (void)service, (void)queue;
    intake_drop(&writer);
}

static void on_turn(struct service *service)
{
    (void)service;
    database_turn(&writer);
    request_turn(&writer);
    intake_flush(&writer);
    frontier_turn(&writer);
    live_turn(&writer);
}

static void on_tick(struct service *service)
{
    (void)service;
    database_tick(&writer);
    request_wake(&writer); /* a notification may be missed */
    frontier_tick(&writer);
}

static void on_alive(struct service *service, struct alive *alive)
{
    (void)service;
    if (frontier_leads(&writer) && strcmp(alive->state, "working") == 0) snprintf(alive->state, sizeof alive->state, "leading");
    alive->hand_count = 0; /* what it is storing is looked at when it is written down */
    live_own(&writer, alive);
}

static void metrics(struct service *service, struct buf *out)
{
    (void)service;
    buf_addf(out, "# TYPE gistmill_leading gauge\ngistmill_leading %d\n", frontier_leads(&writer));
    buf_addf(out, "# TYPE gistmill_database_up gauge\ngistmill_database_up %d\n", writer.db_ready);
}

static int command(int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "--migrate") == 0) return database_migrate_command();
    if ((argc == 2 || argc == 3) && strcmp(argv[0], "--explain") == 0) return explain_command(argv[1], argc == 3 ? argv[2] : NULL);
    return -1;
}

int main(int argc, char **argv)
{
    static const enum queue_id queues[] = {QUEUE_SEED_EXPRESS, QUEUE_SEED, QUEUE_SUMMARY, QUEUE_REPORT, QUEUE_DEAD, QUEUE_COUNT};
    static const struct service_spec spec = {
        .name = "writer",
        .about = "admits URLs, releases them politely, stores articles and summaries in PostgreSQL",
        .conf = writer_conf_rows,
        .queues = queues,
        .prefetch = &writer_conf.prefetch,
        .check = writer_conf_check,
        .command = command,
        .command_help = "       writer --migrate     brings the database's schema up to date and exits\n"
                        "       writer --explain URL [CRAWL]     what is known of a URL, and which rule refuses it (JSON)\n",
        .init = init,
        .on_message = on_message,
        .on_reset = on_reset,
        .on_turn = on_turn,
        .on_tick = on_tick,
        .on_alive = on_alive,
        .deinit = deinit,
        .metrics = metrics,
    };
    return service_run(&spec, argc, argv);
}
