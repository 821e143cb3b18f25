/* The parent's side of the cage; contract in cage.h. */
#include "parser/cage.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"
#include "parser/cage_child.h"
#include "parser/cage_wire.h"

#define AHEAD         2   /* pages sent and not answered: one being parsed, one waiting */
#define AHEAD_SMALL   8   /* and more, if all together are small: what waits in front of a page in a hurry is over in no time */
#define RESTART_FIRST 1.0 /* seconds until a child that could not even start is tried again; doubles */
#define RESTART_LAST  10.0
#define READ_BYTES    (256u << 10)
#define FRAME_MAX     (sizeof(struct cage_ask) + LIMIT_RECORD + LIMIT_MESSAGE)

struct request {
    struct request *next;
    bool hurries; /* goes before those that do not */
    void *page;
    struct buf frame; /* as it goes to the child */
    bool suspect;     /* a child died of it */
};

struct cage {
    struct cage_config config;
    struct ev_loop *loop;
    struct request *first, *last;
    unsigned sent;           /* of the first requests */
    struct request *writing; /* the last one sent, while it is not wholly written */
    size_t written;

    pid_t pid; /* 0: no child */
    int fd;
    int progress_fd;
    struct cage_progress *progress;
    uint32_t answers; /* that came from this child */
    bool ready;       /* it has said so */
    bool hung;        /* we killed it for that */
    bool dying;       /* it gets nothing more */
    double restart_after;
    struct {
        char bytes[1 << 16];
        size_t from, to;
    } ahead;                 /* what was read beyond what was asked for: several answers come with one system call */
    struct cage_answer head; /* being read */
    size_t head_len;
    struct buf detail, body;

    ev_io reader, writer;
    ev_child watcher;
    ev_timer deadline, restart;
    struct cage_stats stats;
};

static void feed(struct cage *cage);
static void start(struct cage *cage);

/* ---- requests ---- */

static struct request *pop(struct cage *cage)
{
    struct request *r = cage->first;
    cage->first = r->next;
    if (!cage->first) cage->last = NULL;
    if (cage->sent) cage->sent--;
    return r;
}

static void end(struct cage *cage, struct request *r, struct cage_result *result)
{
    void *page = r->page;
    buf_release(&r->frame);
    free(r);
    cage->config.on_result(cage->config.context, page, result);
}

static void end_trouble(struct cage *cage, struct request *r, enum parser_trouble trouble, const char *detail)
{
    struct buf none = BUF_INIT(0);
    struct cage_result result = {.end = CAGE_END_TROUBLE, .code = CODE_OK, .trouble = trouble, .detail = detail, .body = &none};
    end(cage, r, &result);
}

static void end_unwanted(struct cage *cage, struct request *r)
{
    struct buf none = BUF_INIT(0);
    struct cage_result result = {.end = CAGE_END_UNWANTED, .code = CODE_OK, .detail = "", .body = &none};
    end(cage, r, &result);
}

/* The link to the first request that was not sent yet; there is one if *link is not NULL. */
static struct request **unsent(struct cage *cage)
{
    struct request **link = &cage->first;
    for (unsigned i = 0; i < cage->sent; i++) link = &(*link)->next;
    return link;
}

static void fix_last(struct cage *cage)
{
    cage->last = cage->first;
    while (cage->last && cage->last->next) cage->last = cage->last->next;
}

void cage_sweep(struct cage *cage)
{
    struct request **link = unsent(cage), *gone = NULL;
    while (*link) {
        struct request *r = *link;
        if (cage->config.is_wanted(cage->config.context, r->page)) {
            link = &r->next;
            continue;
        }
        *link = r->next;
        r->next = gone;
        gone = r;
    }
    fix_last(cage);
    while (gone) {
        struct request *r = gone;
        gone = r->next;
        end_unwanted(cage, r);
    }
}

void cage_submit(struct cage *cage, void *page, const char *record, const char *body, size_t body_len, bool is_packed)
{
    struct request *r = mem_zalloc(sizeof *r);
    struct cage_ask ask = {
        .magic = CAGE_MAGIC, .record_len = (uint32_t)strlen(record), .body_len = (uint32_t)body_len, .is_packed = is_packed};
    r->page = page;
    buf_init(&r->frame, FRAME_MAX);
    buf_add(&r->frame, &ask, sizeof ask);
    buf_add(&r->frame, record, ask.record_len);
    buf_add(&r->frame, body, body_len);
    if (cage->last)
        cage->last->next = r;
    else
        cage->first = r;
    cage->last = r;
    if (buf_failed(&r->frame)) log_panic("a page larger than any message");
    feed(cage);
}

void cage_hurry(struct cage *cage)
{
    struct request **next = unsent(cage), *last = cage->last;
    while (*next && (*next)->hurries) next = &(*next)->next;
    if (!*next) return;
    last->hurries = true;
    if (*next == last) return;
    struct request **link = next;
    while (*link != last) link = &(*link)->next;
    *link = NULL;
    last->next = *next;
    *next = last;
    fix_last(cage);
}

/* ---- sending ---- */

static void write_some(struct cage *cage)
{
    struct buf *frame = &cage->writing->frame;
    while (cage->written < frame->len) {
        ssize_t n = send(cage->fd, frame->data + cage->written, frame->len - cage->written, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            ev_io_start(cage->loop, &cage->writer);
            return;
        }
        if (n < 0) break; /* it is dying: its watcher sees to it */
        cage->written += (size_t)n;
    }
    ev_io_stop(cage->loop, &cage->writer);
    if (cage->written == frame->len) cage->writing = NULL;
}

static void time_first(struct cage *cage)
{
    ev_timer_stop(cage->loop, &cage->deadline);
    if (!cage->sent) return;
    ev_now_update(cage->loop);
    ev_timer_set(&cage->deadline, (double)cage->config.timeout_ms / 1000, 0);
    ev_timer_start(cage->loop, &cage->deadline);
}

static size_t bytes_sent(const struct cage *cage)
{
    size_t bytes = 0;
    const struct request *r = cage->first;
    for (unsigned i = 0; i < cage->sent; i++, r = r->next) bytes += r->frame.len;
    return bytes;
}

/* A suspect goes alone: nothing else may be at fault if the child dies again. */
static bool may_send(const struct cage *cage, const struct request *next)
{
    if (!next || !cage->ready || cage->writing || cage->dying) return false;
    if (cage->sent == 0) return true;
    if (cage->first->suspect || next->suspect) return false;
    return cage->sent < AHEAD || (cage->sent < AHEAD_SMALL && bytes_sent(cage) + next->frame.len <= CAGE_AHEAD_BYTES);
}

static void feed(struct cage *cage)
{
    for (;;) {
        struct request *next = *unsent(cage);
        if (!may_send(cage, next)) return;
        if (!cage->config.is_wanted(cage->config.context, next->page)) {
            cage_sweep(cage);
            continue;
        }
        cage->writing = next;
        cage->written = 0;
        cage->sent++;
        if (cage->sent == 1) time_first(cage);
        write_some(cage);
    }
}

static void on_writable(struct ev_loop *loop, ev_io *w, int revents)
{
    struct cage *cage = w->data;
    (void)loop, (void)revents;
    if (cage->writing) write_some(cage);
    if (!cage->writing) feed(cage);
}

/* ---- answers ---- */

static bool is_sane(const struct cage *cage, const struct cage_answer *head)
{
    if (head->magic != CAGE_MAGIC || head->kind > CAGE_TROUBLE || head->detail_len >= LIMIT_DETAIL || head->body_len > LIMIT_MESSAGE)
        return false;
    if (head->kind == CAGE_READY) return !cage->ready && head->body_len == 0;
    if (!cage->ready || cage->sent == 0 || (cage->writing && cage->sent == 1)) return false; /* an answer to no question */
    return head->code < CODE_COUNT;
}

static void take_answer(struct cage *cage)
{
    static const enum cage_end ends[] = {
        [CAGE_ARTICLE] = CAGE_END_ARTICLE, [CAGE_EMPTY] = CAGE_END_EMPTY, [CAGE_TROUBLE] = CAGE_END_TROUBLE};
    const struct cage_answer head = cage->head;
    cage->head_len = 0;
    cage->answers++;
    if (head.kind == CAGE_READY) {
        cage->ready = true;
        cage->restart_after = RESTART_FIRST;
        if (cage->config.on_ready) cage->config.on_ready(cage->config.context, true);
    } else {
        struct cage_result result = {
            .end = ends[head.kind], .detail = buf_str(&cage->detail), .body = &cage->body, .is_packed = head.is_packed != 0};
        if (head.kind == CAGE_TROUBLE)
            result.trouble = (enum parser_trouble)head.code;
        else
            result.code = (enum code)head.code;
        struct request *r = pop(cage);
        time_first(cage);
        end(cage, r, &result);
    }
    buf_release(&cage->detail);
    buf_release(&cage->body);
    feed(cage);
}

/* What the next bytes belong to, and how many of them are missing. */
static void *missing(struct cage *cage, size_t *n_r)
{
    if (cage->head_len < sizeof cage->head) {
        *n_r = sizeof cage->head - cage->head_len;
        return (char *)&cage->head + cage->head_len;
    }
    struct buf *part = cage->detail.len < cage->head.detail_len ? &cage->detail : &cage->body;
    size_t want = part == &cage->detail ? cage->head.detail_len : cage->head.body_len;
    *n_r = want - part->len < READ_BYTES ? want - part->len : READ_BYTES;
    return buf_reserve(part, *n_r) ? part->data + part->len : NULL;
}

static void got(struct cage *cage, size_t n)
{
    if (cage->head_len < sizeof cage->head) {
        cage->head_len += n;
        return;
    }
    struct buf *part = cage->detail.len < cage->head.detail_len ? &cage->detail : &cage->body;
    part->len += n;
    part->data[part->len] = '\0';
}

static bool is_whole(const struct cage *cage)
{
    return cage->head_len == sizeof cage->head && cage->detail.len == cage->head.detail_len && cage->body.len == cage->head.body_len;
}

/* As recv. */
static ssize_t receive(struct cage *cage, void *to, size_t n)
{
    if (cage->ahead.from == cage->ahead.to) {
        if (n >= sizeof cage->ahead.bytes) return recv(cage->fd, to, n, 0);
        ssize_t got = recv(cage->fd, cage->ahead.bytes, sizeof cage->ahead.bytes, 0);
        if (got <= 0) return got;
        cage->ahead.from = 0;
        cage->ahead.to = (size_t)got;
    }
    size_t left = cage->ahead.to - cage->ahead.from, take = n < left ? n : left;
    memcpy(to, cage->ahead.bytes + cage->ahead.from, take);
    cage->ahead.from += take;
    return (ssize_t)take;
}

/* Takes the answers that are there; if there is more to read, the loop calls again. False: the child is gone or talks nonsense. */
static bool read_some(struct cage *cage)
{
    for (;;) {
        size_t n;
        void *to = missing(cage, &n);
        if (!to) return false;
        ssize_t done = receive(cage, to, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
        if (done <= 0) return false;
        got(cage, (size_t)done);
        if (cage->head_len == sizeof cage->head && cage->detail.len == 0 && cage->body.len == 0 && !is_sane(cage, &cage->head)) {
            log_error("the parser's child gave an answer that makes no sense");
            return false;
        }
        if (!is_whole(cage)) continue;
        take_answer(cage);
        if (cage->ahead.from == cage->ahead.to) return true;
    }
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
    struct cage *cage = w->data;
    (void)revents;
    if (read_some(cage)) return;
    ev_io_stop(loop, w);
    cage->dying = true;
    kill(cage->pid, SIGKILL); /* on_exit_of_child comes when it is dead */
}

/* ---- life and death of the child ---- */

static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct cage *cage = w->data;
    const struct request *late = cage->first;
    (void)loop, (void)revents;
    if (!cage->pid || cage->dying) return;
    /* If it was us who were late, the answer is there already, or the child has not even got the whole page. */
    if (read_some(cage) && (cage->first != late || !cage->sent)) return;
    if (cage->writing && cage->sent == 1) {
        time_first(cage);
        return;
    }
    log_warn("a page took longer than %lld ms: killing the parser's child", (long long)cage->config.timeout_ms);
    cage->hung = cage->dying = true;
    cage->stats.hangs++;
    kill(cage->pid, SIGKILL);
}

static void close_child(struct cage *cage)
{
    ev_io_stop(cage->loop, &cage->reader);
    ev_io_stop(cage->loop, &cage->writer);
    ev_child_stop(cage->loop, &cage->watcher);
    ev_timer_stop(cage->loop, &cage->deadline);
    if (cage->fd >= 0) close(cage->fd);
    cage->fd = -1;
    cage->pid = 0;
    cage->ready = cage->dying = false;
    cage->sent = 0;
    cage->writing = NULL;
    cage->head_len = cage->ahead.from = cage->ahead.to = 0;
    buf_release(&cage->detail);
    buf_release(&cage->body);
}

static void describe(int status, char text_r[80])
{
    if (WIFSIGNALED(status))
        snprintf(text_r, 80, "signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text_r, 80, "exit status %d", WEXITSTATUS(status));
}

/* The page that the child was at is the suspect; when it was so before, it was alone, and is guilty. */
static void judge(struct cage *cage, unsigned sent, bool hung, const char *how)
{
    struct request *r = cage->first;
    uint32_t lost = atomic_load(&cage->progress->answers) - cage->answers; /* done, but the answers never came: these are sent again */
    for (uint32_t i = 0; i < lost && i + 1 < sent; i++) r = r->next;
    if (!r->suspect) {
        r->suspect = true;
        return;
    }
    pop(cage);
    end_trouble(cage, r, hung ? TROUBLE_CHILD_HUNG : TROUBLE_CHILD_DIED, how);
}

static void on_exit_of_child(struct ev_loop *loop, ev_child *w, int revents)
{
    struct cage *cage = w->data;
    char how[80];
    unsigned before;
    (void)loop, (void)revents;
    cage->dying = true;
    do before = cage->sent; /* answers it gave before count */
    while (read_some(cage) && cage->sent < before);
    describe(w->rstatus, how);
    bool was_ready = cage->ready, hung = cage->hung;
    unsigned sent = cage->sent;
    close_child(cage);
    cage->hung = false;
    cage->stats.deaths++;
    log_warn("the parser's child ended%s: %s", sent ? " within a page" : "", how);
    if (sent) judge(cage, sent, hung, how);
    if (was_ready) {
        start(cage);
        return;
    }
    /* It could not even start: that is nobody's page's fault. */
    if (cage->config.on_ready) cage->config.on_ready(cage->config.context, false);
    ev_timer_set(&cage->restart, cage->restart_after, 0);
    ev_timer_start(cage->loop, &cage->restart);
    cage->restart_after = cage->restart_after * 2 < RESTART_LAST ? cage->restart_after * 2 : RESTART_LAST;
}

static void on_restart(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)revents;
    start(w->data);
}

/* In the forked process: descriptors and signals as the child expects them, then the program anew. */
static _Noreturn void become_child(const struct cage *cage, int fd)
{
    char memory[24], seconds[24];
    snprintf(memory, sizeof memory, "%lld", (long long)cage->config.memory_mib);
    snprintf(seconds, sizeof seconds, "%lld", (long long)(cage->config.timeout_ms / 1000 + 1));
    char *argv[] = {(char *)"parser", (char *)CAGE_CHILD_FLAG, memory, seconds, (char *)cage->config.agent, NULL};
    char *env[] = {NULL, NULL};
#ifdef GM_SANITIZER
    char options[400];
    const char *asan = getenv("ASAN_OPTIONS");
    snprintf(options, sizeof options, "ASAN_OPTIONS=%s", asan ? asan : "detect_leaks=0");
    env[0] = options;
#endif
    int null = open("/dev/null", O_RDWR), beyond = CAGE_FD_PROGRESS + 1;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    /* Each may have the other's number. */
    fd = fcntl(fd, F_DUPFD, beyond);
    dup2(fcntl(cage->progress_fd, F_DUPFD, beyond), CAGE_FD_PROGRESS);
    dup2(fd, CAGE_FD_SOCKET);
    close_range((unsigned)beyond, UINT_MAX, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Ctrl-C reaches the whole process group; the parent decides when the child ends. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_DFL);
    execve(cage->config.program, argv, env);
    _exit(127);
}

static void start(struct cage *cage)
{
    int pair[2];
    cage->answers = 0;
    atomic_store(&cage->progress->answers, 0);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) log_panic("socketpair: %s", strerror(errno));
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    pid_t pid = fork();
    if (pid == 0) become_child(cage, pair[1]);
    close(pair[1]);
    if (pid < 0) {
        log_error("cannot start the parser's child: %s", strerror(errno));
        close(pair[0]);
        ev_timer_set(&cage->restart, RESTART_LAST, 0);
        ev_timer_start(cage->loop, &cage->restart);
        return;
    }
    cage->pid = pid;
    cage->fd = pair[0];
    cage->stats.starts++;
    ev_io_set(&cage->reader, cage->fd, EV_READ);
    ev_io_start(cage->loop, &cage->reader);
    ev_io_set(&cage->writer, cage->fd, EV_WRITE);
    ev_child_set(&cage->watcher, pid, 0);
    ev_child_start(cage->loop, &cage->watcher);
}

static void share_progress(struct cage *cage)
{
    size_t size = sizeof *cage->progress;
    cage->progress_fd = memfd_create("cage", MFD_CLOEXEC);
    if (cage->progress_fd < 0 || ftruncate(cage->progress_fd, (off_t)size) != 0) log_panic("memfd: %s", strerror(errno));
    cage->progress = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cage->progress_fd, 0);
    if (cage->progress == MAP_FAILED) log_panic("mmap: %s", strerror(errno));
}

struct cage *cage_new(struct ev_loop *loop, const struct cage_config *config)
{
    struct cage *cage = mem_zalloc(sizeof *cage);
    cage->config = *config;
    cage->loop = loop;
    cage->fd = -1;
    cage->restart_after = RESTART_FIRST;
    buf_init(&cage->detail, LIMIT_DETAIL);
    buf_init(&cage->body, LIMIT_MESSAGE);
    ev_io_init(&cage->reader, on_readable, -1, EV_READ);
    ev_io_init(&cage->writer, on_writable, -1, EV_WRITE);
    ev_child_init(&cage->watcher, on_exit_of_child, 0, 0);
    ev_timer_init(&cage->deadline, on_deadline, 0, 0);
    ev_timer_init(&cage->restart, on_restart, 0, 0);
    cage->reader.data = cage->writer.data = cage->watcher.data = cage->deadline.data = cage->restart.data = cage;
    share_progress(cage);
    start(cage);
    return cage;
}

void cage_free(struct cage **cage_p)
{
    struct cage *cage = *cage_p;
    if (!cage) return;
    pid_t pid = cage->pid;
    ev_timer_stop(cage->loop, &cage->restart);
    close_child(cage);
    if (pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    while (cage->first) end_unwanted(cage, pop(cage));
    munmap(cage->progress, sizeof *cage->progress);
    close(cage->progress_fd);
    free(cage);
    *cage_p = NULL;
}

void cage_stats(const struct cage *cage, struct cage_stats *stats_r)
{
    *stats_r = cage->stats;
}
