/* libcurl on libev; contract in multi.h. */
#include "line/multi.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

static void act(struct multi *multi, curl_socket_t fd, int what)
{
    int running;
    CURLMcode result = curl_multi_socket_action(multi->curl, fd, what, &running);
    if (result != CURLM_OK && result != CURLM_BAD_SOCKET) log_panic("curl: %s", curl_multi_strerror(result));
    multi->on_act(multi->context);
}

static void on_ready(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop;
    act(w->data, w->fd, (revents & EV_READ ? CURL_CSELECT_IN : 0) | (revents & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)revents;
    act(w->data, CURL_SOCKET_TIMEOUT, 0);
}

/* The library wants to know when fd can be read or written. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *watcher)
{
    struct multi *multi = context;
    ev_io *w = watcher;
    (void)easy;
    if (w) ev_io_stop(multi->loop, w);
    if (what == CURL_POLL_REMOVE) {
        free(w);
        return 0;
    }
    if (!w) {
        w = mem_alloc(sizeof *w);
        ev_init(w, on_ready);
        w->data = multi;
        curl_multi_assign(multi->curl, fd, w);
    }
    ev_io_set(w, fd, (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    ev_io_start(multi->loop, w);
    return 0;
}

/* A timer that comes early does no harm: the library asks for it again. */
static int on_timeout(CURLM *curl, long ms, void *context)
{
    struct multi *multi = context;
    (void)curl;
    ev_timer_stop(multi->loop, &multi->timer);
    if (ms < 0) return 0;
    ev_timer_set(&multi->timer, (double)ms / 1000, 0);
    ev_timer_start(multi->loop, &multi->timer);
    return 0;
}

void multi_init(struct multi *multi, struct ev_loop *loop, multi_act_fn *on_act, void *context)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(multi->curl = curl_multi_init())) log_panic("libcurl does not start");
    multi->loop = loop;
    multi->on_act = on_act;
    multi->context = context;
    ev_timer_init(&multi->timer, on_timer, 0, 0);
    multi->timer.data = multi;
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
}

void multi_release(struct multi *multi)
{
    curl_multi_cleanup(multi->curl);
    ev_timer_stop(multi->loop, &multi->timer);
    curl_global_cleanup();
}
