/* gateway: HTTP API, event streams and the web page. Talks to PostgreSQL only; the line runs without it. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "gateway/access.h"
#include "gateway/gateway.h"
#include "gateway/server.h"
#include "gateway/watch.h"
#include "gateway/work.h"
#include "line/url.h"

static void print_help(void)
{
    printf("gateway: HTTP API and web page over PostgreSQL\n\n"
           "Usage: gateway [--ready-fd N]\n"
           "       gateway --add-key NAME [N]   makes a key, of N requests a minute at most, and prints it once\n"
           "       gateway --revoke-key NAME    refuses it from now on\n"
           "       gateway --list-keys          names, limits, dates\n\n"
           "  --help          this text\n"
           "  --version       prints the version\n"
           "  --check-config  checks the configuration, exit status 0 or %d\n"
           "  --dump-config   prints the configuration in force, secrets masked\n"
           "  --ready-fd N    writes a newline to descriptor N once it listens\n"
           "\nConfiguration by environment (a secret NAME also from a file named by NAME_FILE):\n\n",
           EXITCODE_MISUSE);
    conf_help(gateway_conf_rows, stdout);
}

/* -1: no such number. */
static int parse_fd(const char *text)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno || end == text || *end || n < 0 || n > INT_MAX ? -1 : (int)n;
}

static void tell_ready(int fd)
{
    if (fd < 0) return;
    ssize_t ignored = write(fd, "\n", 1);
    (void)ignored;
    close(fd);
}

/* Sleeps until SIGTERM or SIGINT; a second one ends the process at once. */
static void wait_for_end(const sigset_t *signals)
{
    int number;
    while (sigwait(signals, &number) != 0) {
    }
    struct sigaction now = {.sa_handler = SIG_DFL};
    sigaction(SIGTERM, &now, NULL);
    sigaction(SIGINT, &now, NULL);
    pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

static int serve(int ready_fd)
{
    struct conf_error error;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* threads inherit it: the signals come to this one */
    signal(SIGPIPE, SIG_IGN);
    url_init();
    if (server_start(&error) != 0) {
        log_error("%s", error.text);
        return EXITCODE_DEPENDENCY;
    }
    watch_start();
    work_start();
    log_info("version %s listens on port %d%s", GM_VERSION, server_port(),
             server_is_local() || gateway_conf.no_key ? "" : "; without a key nobody is served: see gateway --add-key");
    tell_ready(ready_fd);
    wait_for_end(&signals);
    log_info("stopping");
    server_quiesce();
    work_stop();
    watch_stop();
    server_stop();
    log_info("stopped");
    return EXITCODE_OK;
}

static int dispatch(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : NULL;
    if (!first) return serve(-1);
    if (strcmp(first, "--check-config") == 0 && argc == 2) return EXITCODE_OK;
    if (strcmp(first, "--dump-config") == 0 && argc == 2) {
        conf_dump(gateway_conf_rows, stdout);
        return EXITCODE_OK;
    }
    if (strcmp(first, "--ready-fd") == 0 && argc == 3 && parse_fd(argv[2]) >= 0) return serve(parse_fd(argv[2]));
    if (strcmp(first, "--add-key") == 0 && (argc == 3 || argc == 4)) return access_add_key(argv[2], argc == 4 ? argv[3] : NULL);
    if (strcmp(first, "--revoke-key") == 0 && argc == 3) return access_revoke_key(argv[2]);
    if (strcmp(first, "--list-keys") == 0 && argc == 2) return access_list_keys();
    fprintf(stderr, "gateway: cannot make sense of the arguments; see gateway --help\n");
    return EXITCODE_MISUSE;
}

int main(int argc, char **argv)
{
    struct conf_error error;
    enum log_level level = LOG_INFO;
    log_init("gateway", LOG_INFO);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return EXITCODE_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("gateway %s\n", GM_VERSION);
        return EXITCODE_OK;
    }
    int rc = conf_load(gateway_conf_rows, &error);
    if (rc == 0) rc = gateway_conf_check(&error);
    if (rc == 0) log_level_parse(gateway_conf.log_level, &level);
    log_init("gateway", level);
    if (rc != 0) log_error("configuration: %s", error.text);
    rc = rc == 0 ? dispatch(argc, argv) : EXITCODE_MISUSE;
    conf_release(gateway_conf_rows);
    return rc;
}
