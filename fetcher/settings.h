/* The fetcher's configuration, filled by the table in main.c. */
#ifndef GM_FETCHER_SETTINGS_H
#define GM_FETCHER_SETTINGS_H

#include <stdint.h>

#include "base/conf.h"
#include "fetcher/address.h"

struct ev_loop;
struct http;

struct settings {
    int64_t concurrency, connections;
    int64_t connect_ms, first_byte_ms, total_ms, low_speed;
    int64_t max_bytes;
    char *user_agent, *contact, *allow_networks, *allow_ports, *ca_file, *connect_to, *resolve;
    struct address_rules rules; /* made by settings_check */
};
extern struct settings settings;

/* Checks what the table cannot say and reads the permitted networks. 0, or -1 with words. */
int settings_check(struct conf_error *error_r);
/* Transfers by this configuration. */
struct http *settings_http(struct ev_loop *loop);
/* The User-Agent with the contact in it; owned by the caller. */
char *settings_user_agent(void);

#endif
