/* Asking the resolver whether it is there; contract in names.h. */
#include "fetcher/names.h"

#include <ev.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define LABEL_BYTES 17                  /* 16 digits and a dot */
#define NAME_BYTES  (253 - LABEL_BYTES) /* RFC 1035 section 2.3.4, as text, with a label before it */
#define FRESH_MS    1000                /* an answer that it is there holds so long */

struct names {
    struct ev_loop *loop;
    ev_io answer; /* fd -1: nothing is asked */
    ev_timer wait;
    names_fn *said;
    void *context;
    char good[NAME_BYTES + 1]; /* the last name that was resolved; "": none */
    bool dead;                 /* what was said last */
    int64_t answered_at;       /* monotonic ms: it last was there */
    int64_t back_at;           /* monotonic ms: it was there again; 0: it was never away */
};

/* The thread's own: it may outlive who asked. */
struct question {
    int fd;
    char name[LABEL_BYTES + NAME_BYTES + 2];
};

static void *ask(void *arg)
{
    struct question *q = arg;
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int result = getaddrinfo(q->name, NULL, &hints, &found);
    char answers = result == 0 || result == EAI_NONAME || result == EAI_NODATA;
    if (result == 0) freeaddrinfo(found);
    send(q->fd, &answers, 1, MSG_NOSIGNAL); /* nobody may be there any more */
    close(q->fd);
    free(q);
    return NULL;
}

static void finish(struct names *n, bool answers)
{
    ev_io_stop(n->loop, &n->answer);
    ev_timer_stop(n->loop, &n->wait);
    close(n->answer.fd);
    ev_io_set(&n->answer, -1, EV_READ);
    if (n->dead == answers)
        log_warn("%s", answers ? "our resolver answers again" : "our resolver does not answer: names are asked for again, later");
    if (answers) n->answered_at = clock_mono_ms();
    if (answers && n->dead) n->back_at = n->answered_at;
    n->dead = !answers;
    n->said(n->context, answers);
}

static void on_answer(struct ev_loop *loop, ev_io *w, int revents)
{
    char answers = 0;
    (void)loop, (void)revents;
    finish(w->data, recv(w->fd, &answers, 1, 0) == 1 && answers);
}

static void on_wait(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)revents;
    finish(w->data, false);
}

struct names *names_new(struct ev_loop *loop, names_fn *said, void *context)
{
    struct names *n = mem_zalloc(sizeof *n);
    n->loop = loop;
    n->said = said;
    n->context = context;
    ev_io_init(&n->answer, on_answer, -1, EV_READ);
    ev_timer_init(&n->wait, on_wait, NAMES_WAIT_MS / 1000.0, 0);
    n->answer.data = n->wait.data = n;
    return n;
}

void names_free(struct names **names)
{
    struct names *n = *names;
    if (!n) return;
    if (n->answer.fd >= 0) {
        ev_io_stop(n->loop, &n->answer);
        ev_timer_stop(n->loop, &n->wait);
        close(n->answer.fd);
    }
    free(n);
    *names = NULL;
}

/* Has a domain of its own: a dot, and a last label that is no number (an address) and not `localhost`. */
static bool is_public(const char *host, size_t n)
{
    const char *dot = memrchr(host, '.', n);
    if (!dot || host[0] == '[') return false;
    const char *last = dot + 1;
    size_t left = n - (size_t)(last - host);
    return left > 0 && (*last < '0' || *last > '9') && !(left == 9 && memcmp(last, "localhost", 9) == 0);
}

void names_resolved(struct names *n, const char *url)
{
    const char *host = strstr(url, "://");
    if (!host) return;
    host += 3;
    size_t length = strcspn(host, ":/?#");
    if (length > NAME_BYTES || !is_public(host, length)) return;
    memcpy(n->good, host, length);
    n->good[length] = '\0';
}

/* Signals are for the loop's thread. */
static bool start(struct question *q)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, NULL, ask, q) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) pthread_detach(thread);
    return started;
}

bool names_away(const struct names *n, int64_t since)
{
    return n->dead || (n->back_at && since < n->back_at);
}

bool names_ask(struct names *n)
{
    int ends[2];
    uint64_t label = 0;
    if (n->answer.fd >= 0) return true;
    if (n->answered_at && clock_mono_ms() - n->answered_at < FRESH_MS) return false;
    if (!n->good[0] || getrandom(&label, sizeof label, GRND_NONBLOCK) != sizeof label) return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
    struct question *q = mem_zalloc(sizeof *q);
    q->fd = ends[1];
    snprintf(q->name, sizeof q->name, "%016llx.%s.", (unsigned long long)label, n->good);
    if (!start(q)) {
        close(ends[0]);
        close(ends[1]);
        free(q);
        return false;
    }
    ev_io_set(&n->answer, ends[0], EV_READ);
    ev_io_start(n->loop, &n->answer);
    ev_timer_set(&n->wait, NAMES_WAIT_MS / 1000.0, 0);
    ev_timer_start(n->loop, &n->wait);
    return true;
}
