/* libcurl's multi interface on a libev loop: many transfers at once without threads. */
#ifndef GM_LINE_MULTI_H
#define GM_LINE_MULTI_H

#include <curl/curl.h>
#include <ev.h>

/* Something has happened to transfers: curl_multi_info_read tells what has ended. */
typedef void multi_act_fn(void *context);

struct multi {
    CURLM *curl; /* add handles, set further options */
    struct ev_loop *loop;
    ev_timer timer;
    multi_act_fn *on_act;
    void *context;
};

/* loop must outlive it; the struct must not move. */
void multi_init(struct multi *multi, struct ev_loop *loop, multi_act_fn *on_act, void *context);
/* All handles must have been removed. */
void multi_release(struct multi *multi);

#endif
