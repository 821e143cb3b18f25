/* What libcurl does at best on the fetcher's job: its multi interface on epoll and nothing else. No check of addresses, no
 * limits, no judging; bodies are counted and dropped.
 *
 *     bare FILE CONCURRENCY CONNECTIONS RESOLVE    URLs by line; transfers at once; connections kept; HOST:PORT:ADDRESS
 *
 * Prints `urls=N ok=N failed=N bytes=N seconds=S per_second=R` and exits 0 if every URL gave a 200. bench/fetcher.py compares. */
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#define EVENTS 256

static struct {
    CURLM *multi;
    int epoll, running;
    long timeout_ms; /* what the library asked for; -1: nothing */
    FILE *file;
    char *line;
    size_t line_cap;
    long urls, good, bytes;
} bare;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fatal(const char *what)
{
    perror(what);
    exit(1);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes, (void)context;
    bare.bytes += (long)(size * count);
    return size * count;
}

/* known: not NULL once epoll knows the descriptor. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct epoll_event event = {.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u), .data.fd = fd};
    (void)easy, (void)context;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(bare.epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (epoll_ctl(bare.epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0) fatal("epoll_ctl");
    if (!known) curl_multi_assign(bare.multi, fd, &bare);
    return 0;
}

static int on_timeout(CURLM *multi, long ms, void *context)
{
    (void)multi, (void)context;
    bare.timeout_ms = ms;
    return 0;
}

/* Gives the handle the next URL. False at the end of the file. */
static bool next(CURL *easy)
{
    ssize_t n = getline(&bare.line, &bare.line_cap, bare.file);
    if (n <= 0) return false;
    if (bare.line[n - 1] == '\n') bare.line[n - 1] = '\0';
    curl_easy_setopt(easy, CURLOPT_URL, bare.line);
    bare.urls++;
    curl_multi_add_handle(bare.multi, easy);
    return true;
}

static void collect(void)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(bare.multi, &left))) {
        CURL *easy = message->easy_handle;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        bare.good += message->data.result == CURLE_OK && status == 200;
        curl_multi_remove_handle(bare.multi, easy);
        if (!next(easy)) curl_easy_cleanup(easy);
    }
}

static void run(void)
{
    struct epoll_event events[EVENTS];
    do {
        int n = epoll_wait(bare.epoll, events, EVENTS, (int)bare.timeout_ms);
        if (n < 0 && errno != EINTR) fatal("epoll_wait");
        if (n <= 0) {
            bare.timeout_ms = -1;
            curl_multi_socket_action(bare.multi, CURL_SOCKET_TIMEOUT, 0, &bare.running);
        }
        for (int i = 0; i < n; i++) {
            int what =
                (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) | (events[i].events & ~(unsigned)EPOLLOUT ? CURL_CSELECT_IN : 0);
            curl_multi_socket_action(bare.multi, events[i].data.fd, what, &bare.running);
        }
        collect();
    } while (bare.running > 0 || bare.timeout_ms >= 0);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bare FILE CONCURRENCY CONNECTIONS RESOLVE\n");
        return 2;
    }
    long concurrency = strtol(argv[2], NULL, 10), connections = strtol(argv[3], NULL, 10);
    struct curl_slist *resolve = curl_slist_append(NULL, argv[4]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    bare.file = fopen(argv[1], "re");
    if (!bare.file) fatal(argv[1]);
    bare.epoll = epoll_create1(EPOLL_CLOEXEC);
    bare.timeout_ms = -1;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    bare.multi = curl_multi_init();
    curl_multi_setopt(bare.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(bare.multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(bare.multi, CURLMOPT_MAXCONNECTS, connections);
    double begun = now();
    for (long i = 0; i < concurrency; i++) {
        CURL *easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy, CURLOPT_RESOLVE, resolve);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        if (!next(easy)) curl_easy_cleanup(easy);
    }
    run();
    double seconds = now() - begun;
    printf("urls=%ld ok=%ld failed=%ld bytes=%ld seconds=%.3f per_second=%.1f\n", bare.urls, bare.good, bare.urls - bare.good, bare.bytes,
           seconds, (double)bare.urls / seconds);
    curl_multi_cleanup(bare.multi);
    curl_slist_free_all(resolve);
    curl_global_cleanup();
    free(bare.line);
    fclose(bare.file);
    return bare.good == bare.urls ? 0 : 1;
}
