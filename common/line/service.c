/* The common shape of the programs: arguments, configuration, loop; contract in service.h. Jobs live in service_job.c. */
#include "line/service.h"

#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/mem.h"
#include "line/service_internal.h"

static struct {
    char *amqp_url, *amqp_prefix, *amqp_ca_file, *log_level, *metrics_addr;
    int64_t heartbeat_ms, window, gather_ms, hold_max_ms;
} conf;

static const struct conf_row conf_rows[] = {
    {"AMQP_URL", CONF_STRING, &conf.amqp_url, "amqp://guest:guest@127.0.0.1:5672/", 0, 1000, CONF_SECRET,
     "the broker, amqp:// or amqps://"},
    {"AMQP_PREFIX", CONF_STRING, &conf.amqp_prefix, "", 0, 60, 0, "put before each queue's name"},
    {"AMQP_CA_FILE", CONF_STRING, &conf.amqp_ca_file, "/etc/ssl/certs/ca-certificates.crt", 0, 1000, 0, "certificates to trust with amqps"},
    {"AMQP_HEARTBEAT", CONF_MS, &conf.heartbeat_ms, "30s", 1000, 300000, 0, "heartbeat asked for"},
    {"AMQP_WINDOW", CONF_INT, &conf.window, "128", 1, 2048, 0, "published messages waiting for the broker's confirm"},
    {"AMQP_GATHER", CONF_MS, &conf.gather_ms, "10ms", 0, 1000, 0,
     "between two bursts of messages and acks when busy; 0: each goes at once"},
    {"HOLD_MAX", CONF_MS, &conf.hold_max_ms, "5m", 100, 1200000, 0, "no message is held longer; then it is handed back"},
    {"LOG_LEVEL", CONF_STRING, &conf.log_level, "info", 0, 10, 0, "debug, info, warn or error"},
    {"METRICS_ADDR", CONF_STRING, &conf.metrics_addr, "", 0, 100, 0, "host:port for /metrics, /healthz, /readyz; empty: off"},
    CONF_END,
};

int64_t service_hold_max_ms(void)
{
    return conf.hold_max_ms;
}

int64_t service_heartbeat_ms(void)
{
    return conf.heartbeat_ms;
}

/* Signals: counted here, so that the second one ends the process even while something blocks. */
static volatile sig_atomic_t terms;
static struct ev_loop *woken_loop;
static ev_async woken;

/* ---- the loop ---- */

static void maybe_ready(struct service *s)
{
    if (s->ready_fd < 0 || !service_is_ready(s)) return;
    ssize_t ignored = write(s->ready_fd, "\n", 1);
    (void)ignored;
    close(s->ready_fd);
    s->ready_fd = -1;
    log_info("ready");
}

static void begin_stop(struct service *s)
{
    s->stopping = true;
    log_info("stopping: finishing what is in hand");
    for (const enum queue_id *q = s->spec->queues; *q != QUEUE_COUNT; q++) mq_quiesce(s->mq, *q);
    if (s->spec->on_stop) s->spec->on_stop(s);
}

/* Before the loop blocks: the broker first (deliveries come in), then the stage (results go out). */
static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
    struct service *s = w->data;
    (void)revents;
    if (terms > 0 && !s->stopping) begin_stop(s);
    mq_turn(s->mq);
    if (s->spec->on_turn) s->spec->on_turn(s);
    maybe_ready(s);
    if (!s->stopping) return;
    bool empty = s->job_count == 0 && mq_unsettled(s->mq) <= s->saying; /* that one may be lost */
    /* Without the broker nothing in hand can be finished; it has it all. */
    if ((empty || !mq_ready(s->mq)) && !(s->spec->busy && s->spec->busy(s))) ev_break(loop, EVBREAK_ALL);
}

static void on_second(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct service *s = w->data;
    (void)loop, (void)revents;
    service_check_hold(s);
    if (s->spec->on_tick) s->spec->on_tick(s);
}

static void on_clock(struct ev_loop *loop, ev_periodic *w, int revents)
{
    (void)loop, (void)revents;
    service_say_alive(w->data);
}

static void on_signal(int number)
{
    (void)number;
    if (terms++ > 0) _exit(EXITCODE_FAILED);
    ev_async_send(woken_loop, &woken); /* safe here, says libev; keeps errno */
}

static void on_woken(struct ev_loop *loop, ev_async *w, int revents)
{
    (void)loop, (void)w, (void)revents; /* only wakes the loop: on_prepare looks at terms */
}

static void watch_signals(struct ev_loop *loop)
{
    struct sigaction term = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    woken_loop = loop;
    ev_async_init(&woken, on_woken);
    ev_async_start(loop, &woken);
    sigaction(SIGTERM, &term, NULL);
    sigaction(SIGINT, &term, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void mq_delivered(void *context, const struct mq_delivery *delivery)
{
    struct service *s = context;
    struct job *job = service_job_new(s, delivery);
    if (delivery->oversize)
        service_bad_message(s, job, delivery, "larger than any message of ours");
    else
        s->spec->on_message(s, job, delivery);
}

static bool mq_is_working(void *context)
{
    return ((struct service *)context)->unfinished > 0;
}

static void mq_reset(void *context, enum queue_id queue)
{
    service_jobs_void(context, queue);
}

/* ---- metrics ---- */

static void metrics_process(struct buf *out)
{
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm) {
        if (fscanf(statm, "%*d %ld", &pages) != 1) pages = 0;
        fclose(statm);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    buf_addf(out, "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %ld\n", pages * sysconf(_SC_PAGESIZE));
    buf_addf(out, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.3f\n", cpu);
}

static void on_metrics(void *context, struct buf *out)
{
    struct service *s = context;
    struct mq_stats m;
    mq_stats(s->mq, &m);
    const struct {
        const char *name, *type;
        uint64_t value;
    } rows[] = {
        {"gistmill_deliveries_total", "counter", m.delivered},   {"gistmill_acks_total", "counter", m.acked},
        {"gistmill_published_total", "counter", m.published},    {"gistmill_confirms_total", "counter", m.confirmed},
        {"gistmill_nacks_total", "counter", m.nacked},           {"gistmill_returns_total", "counter", m.returned},
        {"gistmill_connects_total", "counter", m.reconnects},    {"gistmill_in_hand", "gauge", m.in_hand},
        {"gistmill_unsettled", "gauge", mq_unsettled(s->mq)},    {"gistmill_unsettled_bytes", "gauge", mq_unsettled_bytes(s->mq)},
        {"gistmill_ready", "gauge", service_is_ready(s)},        {"gistmill_suspended", "gauge", s->suspended},
        {"gistmill_broker_blocked", "gauge", mq_blocked(s->mq)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        buf_addf(out, "# TYPE %s %s\n%s %llu\n", rows[i].name, rows[i].type, rows[i].name, (unsigned long long)rows[i].value);
    buf_add_str(out, "# TYPE gistmill_outcomes_total counter\n");
    for (int i = 0; i < CODE_COUNT; i++)
        if (s->outcomes[i])
            buf_addf(out, "gistmill_outcomes_total{stage=\"%s\",code=\"%s\"} %llu\n", s->spec->name, code_name((enum code)i),
                     (unsigned long long)s->outcomes[i]);
    metrics_process(out);
    if (s->spec->metrics) s->spec->metrics(s, out);
}

static bool on_ready(void *context, struct buf *reason)
{
    struct service *s = context;
    if (service_is_ready(s)) return true;
    buf_add_str(reason, s->suspended ? s->why : mq_ready(s->mq) ? "starting" : "waiting for the broker");
    return false;
}

/* ---- start and stop ---- */

static int start(struct service *s)
{
    struct mq_config config = {.url = conf.amqp_url,
                               .prefix = conf.amqp_prefix,
                               .app = s->spec->name,
                               .heartbeat_s = conf.heartbeat_ms / 1000,
                               .window = conf.window,
                               .gather_ms = conf.gather_ms,
                               .ca_file = conf.amqp_ca_file};
    struct mq_handlers handlers = {.context = s, .on_delivery = mq_delivered, .on_reset = mq_reset, .is_working = mq_is_working};
    struct status_handlers status = {.context = s, .ready = on_ready, .metrics = on_metrics};
    struct conf_error error;
    if (*conf.metrics_addr && !(s->status = status_start(s->loop, conf.metrics_addr, &status, &error))) {
        log_error("%s", error.text);
        return EXITCODE_DEPENDENCY;
    }
    s->mq = mq_new(&config, &handlers);
    mq_attach(s->mq, s->loop);
    int rc = s->spec->init(s);
    if (rc != EXITCODE_OK) return rc;
    if (!s->suspended) service_subscribe(s);
    return EXITCODE_OK;
}

static void run(struct service *s)
{
    ev_prepare prepare;
    ev_timer second;
    ev_periodic clock;
    ev_prepare_init(&prepare, on_prepare);
    prepare.data = s;
    ev_prepare_start(s->loop, &prepare);
    ev_timer_init(&second, on_second, 1.0, 1.0);
    second.data = s;
    ev_timer_start(s->loop, &second);
    ev_periodic_init(&clock, on_clock, 0, 1.0, NULL);
    clock.data = s;
    ev_periodic_start(s->loop, &clock);
    ev_run(s->loop, 0);
    ev_periodic_stop(s->loop, &clock);
    ev_timer_stop(s->loop, &second);
    ev_prepare_stop(s->loop, &prepare);
}

static void finish(struct service *s)
{
    if (s->mq) {
        mq_close(s->mq); /* before deinit: the last news of what was published goes to a stage that is still there */
        if (s->spec->deinit) s->spec->deinit(s);
        service_jobs_free(s);
        mq_free(&s->mq);
    }
    status_stop(&s->status);
    signal(SIGTERM, SIG_DFL); /* nothing is in hand any more; the loop it would wake goes */
    signal(SIGINT, SIG_DFL);
    ev_loop_destroy(s->loop);
}

static int serve(const struct service_spec *spec, int ready_fd)
{
    struct service *s = mem_zalloc(sizeof *s);
    s->spec = spec;
    s->ready_fd = ready_fd;
    s->stage_ready = true;
    s->said_at = INT64_MIN;
    alive_begin(&s->alive, spec->name);
    s->loop = ev_default_loop(0);
    watch_signals(s->loop);
    int rc = start(s);
    if (rc == EXITCODE_OK) {
        log_info("version %s started", GM_VERSION);
        run(s);
        log_info("stopped");
    }
    finish(s);
    free(s);
    return rc;
}

/* ---- arguments ---- */

static void print_help(const struct service_spec *spec)
{
    printf("%s: %s\n\nUsage: %s [--ready-fd N]\n", spec->name, spec->about, spec->name);
    if (spec->command_help) fputs(spec->command_help, stdout);
    printf("\n  --help          this text\n"
           "  --version       prints the version\n"
           "  --check-config  checks the configuration, exit status 0 or %d\n"
           "  --dump-config   prints the configuration in force, secrets masked\n"
           "  --ready-fd N    writes a newline to descriptor N once messages are taken\n"
           "\nConfiguration by environment (a secret NAME also from a file named by NAME_FILE):\n\n",
           EXITCODE_MISUSE);
    conf_help(spec->conf, stdout);
    conf_help(conf_rows, stdout);
}

static int load(const struct service_spec *spec)
{
    struct conf_error error;
    enum log_level level = LOG_INFO;
    int rc = conf_load(conf_rows, &error);
    if (rc == 0) rc = conf_load(spec->conf, &error);
    if (rc == 0 && !log_level_parse(conf.log_level, &level)) {
        snprintf(error.text, sizeof error.text, "LOG_LEVEL=%.20s: must be debug, info, warn or error", conf.log_level);
        rc = -1;
    }
    if (rc == 0 && !mq_url_valid(conf.amqp_url)) {
        snprintf(error.text, sizeof error.text, "AMQP_URL=***: must be amqp:// or amqps://user:password@host:port/vhost");
        rc = -1;
    }
    if (rc == 0 && *conf.metrics_addr) rc = status_check_addr(conf.metrics_addr, &error);
    if (rc == 0 && spec->check) rc = spec->check(&error);
    log_init(spec->name, level);
    if (rc != 0) log_error("configuration: %s", error.text);
    return rc;
}

/* -1: no such number. */
static int parse_fd(const char *text)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno || end == text || *end || n < 0 || n > INT_MAX ? -1 : (int)n;
}

static int dispatch(const struct service_spec *spec, int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : NULL;
    if (!first) return serve(spec, -1);
    if (strcmp(first, "--check-config") == 0 && argc == 2) return EXITCODE_OK;
    if (strcmp(first, "--dump-config") == 0 && argc == 2) {
        conf_dump(spec->conf, stdout);
        conf_dump(conf_rows, stdout);
        return EXITCODE_OK;
    }
    if (strcmp(first, "--ready-fd") == 0 && argc == 3 && parse_fd(argv[2]) >= 0) return serve(spec, parse_fd(argv[2]));
    int rc = spec->command ? spec->command(argc - 1, argv + 1) : -1;
    if (rc >= 0) return rc;
    fprintf(stderr, "%s: cannot make sense of the arguments; see %s --help\n", spec->name, spec->name);
    return EXITCODE_MISUSE;
}

int service_run(const struct service_spec *spec, int argc, char **argv)
{
    log_init(spec->name, LOG_INFO);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_help(spec);
        return EXITCODE_OK;
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", spec->name, GM_VERSION);
        return EXITCODE_OK;
    }
    int rc = load(spec) == 0 ? dispatch(spec, argc, argv) : EXITCODE_MISUSE;
    conf_release(spec->conf);
    conf_release(conf_rows);
    return rc;
}
