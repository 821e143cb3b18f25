/* The watcher; contract in watch.h. */
#include "gateway/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/db.h"
#include "gateway/events.h"
#include "gateway/gateway.h"
#include "gateway/http.h"
#include "gateway/server.h"

#define ROUND_MS  50   /* between two looks, however many notifications come */
#define ASKED_MAX 200  /* requests in a round */
#define POLL_MS   1000 /* without notifications */
#define DOWN_MS   500  /* between two tries of a database that is away */

static struct {
    pthread_t thread;
    int wake_fd;
    pthread_mutex_t lock;
    struct request *parked; /* new ones; taken over by the thread */
    bool stopping;
} watch = {.wake_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

void watch_nudge(void)
{
    uint64_t one = 1;
    ssize_t ignored = write(watch.wake_fd, &one, sizeof one);
    (void)ignored;
}

static void answer(struct request *req)
{
    req->check = NULL;
    gateway_stats.waiting--;
    server_answered(req);
}

static void answer_away(struct request *req)
{
    answer_fault(req, FAULT_UNAVAILABLE, NULL, "%s", watch.stopping ? "the gateway stops" : db_why());
    answer(req);
}

void watch_park(struct request *req)
{
    gateway_stats.waiting++;
    pthread_mutex_lock(&watch.lock);
    bool stopping = watch.stopping;
    if (!stopping) {
        req->next = watch.parked;
        watch.parked = req;
    }
    pthread_mutex_unlock(&watch.lock);
    if (stopping)
        answer_away(req);
    else
        watch_nudge();
}

/* Takes over what was parked since. */
static void take_parked(struct request **list)
{
    pthread_mutex_lock(&watch.lock);
    struct request **end = list;
    while (*end) end = &(*end)->next;
    *end = watch.parked;
    watch.parked = NULL;
    pthread_mutex_unlock(&watch.lock);
}

/* Goes through what waits; what is answered leaves the list. Of very many some are asked for in each round, in turn, so that a round stays short. */
static void look_at_parked(struct request **list, struct db *db)
{
    int64_t now = clock_mono_ms();
    struct request *again = NULL, **again_end = &again, **at = list;
    for (int asked = 0; *at;) {
        struct request *req = *at;
        bool last = now >= req->deadline_ms;
        if (db_is_up() && !last && asked >= ASKED_MAX) {
            at = &req->next;
            continue;
        }
        *at = req->next;
        req->next = NULL;
        asked++;
        if (!db_is_up()) {
            answer_away(req);
        } else if (req->check(req, db, last)) {
            answer(req);
        } else {
            *again_end = req;
            again_end = &req->next;
        }
    }
    *at = again;
}

static int64_t first_deadline(const struct request *list, int64_t until)
{
    for (; list; list = list->next)
        if (list->deadline_ms < until) until = list->deadline_ms;
    return until;
}

/* Sleeps until something is to be done: notified, nudged, or time. */
static void wait_for_news(struct db *db, int64_t ms)
{
    struct pollfd fds[2] = {{.fd = watch.wake_fd, .events = POLLIN}, {.fd = pg_socket(db->pg), .events = POLLIN}};
    uint64_t count;
    if (poll(fds, fds[1].fd < 0 ? 1 : 2, ms < 0 ? 0 : (int)ms) < 0 && errno != EINTR) log_panic("poll");
    ssize_t ignored = fds[0].revents & POLLIN ? read(watch.wake_fd, &count, sizeof count) : 0;
    (void)ignored;
    if (fds[1].fd >= 0) pg_notified(db->pg);
}

/* Connected, listening, and the schema is ours. */
static bool ready(struct db *db, int64_t *looked_ms)
{
    int64_t now = clock_mono_ms();
    bool connected = pg_connected(db->pg);
    if (connected && db_is_up() && now - *looked_ms < POLL_MS) return true;
    if (!connected && now - *looked_ms < DOWN_MS) return false;
    *looked_ms = now;
    if (!db_look(db)) return false;
    if (connected || pg_exec(db->pg, "LISTEN gistmill; LISTEN gistmill_taken") == PG_OK) return true;
    pg_disconnect(db->pg);
    return false;
}

static void *run(void *context)
{
    struct db db;
    struct request *parked = NULL;
    int64_t looked_ms = -DOWN_MS, reaped_ms = 0;
    (void)context;
    db_init(&db, "gistmill gateway watcher", gateway_conf.database_timeout_ms);
    for (;;) {
        int64_t begun = clock_mono_ms();
        pthread_mutex_lock(&watch.lock);
        bool stopping = watch.stopping;
        pthread_mutex_unlock(&watch.lock);
        if (stopping) break;
        bool up = ready(&db, &looked_ms);
        take_parked(&parked);
        look_at_parked(&parked, &db);
        events_turn(up ? &db : NULL);
        if (begun - reaped_ms >= 1000) {
            server_reap();
            reaped_ms = begun;
        }
        /* Notifications may come faster than it makes sense to look. */
        struct pollfd pause = {.fd = -1};
        if (up) poll(&pause, 1, ROUND_MS);
        wait_for_news(&db, up ? first_deadline(parked, begun + POLL_MS) - clock_mono_ms() : DOWN_MS / 5);
    }
    for (struct request *next; parked; parked = next) {
        next = parked->next;
        answer_away(parked);
    }
    db_release(&db);
    return NULL;
}

void watch_start(void)
{
    watch.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (watch.wake_fd < 0 || pthread_create(&watch.thread, NULL, run, NULL) != 0) log_panic("no thread to be had");
}

void watch_stop(void)
{
    struct request *left;
    pthread_mutex_lock(&watch.lock);
    watch.stopping = true;
    pthread_mutex_unlock(&watch.lock);
    watch_nudge();
    pthread_join(watch.thread, NULL);
    events_stop();
    pthread_mutex_lock(&watch.lock);
    left = watch.parked;
    watch.parked = NULL;
    pthread_mutex_unlock(&watch.lock);
    for (struct request *next; left; left = next) {
        next = left->next;
        answer_away(left);
    }
}
