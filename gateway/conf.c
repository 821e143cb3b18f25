/* The gateway's configuration. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gateway/gateway.h"
#include "line/listen.h"
#include "line/pg.h"

struct gateway_conf gateway_conf;
struct gateway_stats gateway_stats;

const struct conf_row gateway_conf_rows[] = {
    {"DATABASE_URL", CONF_STRING, &gateway_conf.database_url, "postgresql:///gistmill", 0, 2000, CONF_SECRET,
     "the database, as libpq reads it"},
    {"GATEWAY_ADDR", CONF_STRING, &gateway_conf.addr, "127.0.0.1:8080", 0, 100, 0, "host:port to listen on; :8080 for all addresses"},
    {"GATEWAY_NO_KEY", CONF_BOOL, &gateway_conf.no_key, "no", 0, 0, 0,
     "answer without a key also if the address is none of loopback: somebody else sees to who may connect"},
    {"GATEWAY_HOSTS", CONF_STRING, &gateway_conf.hosts, "", 0, 1000, 0,
     "names, with commas, that requests without a key may be sent to, beside localhost and loopback addresses"},
    {"GATEWAY_CLIENTS", CONF_INT, &gateway_conf.clients, "4096", 10, 100000, 0, "connections at the same time"},
    {"GATEWAY_WORKERS", CONF_INT, &gateway_conf.workers, "4", 1, 64, 0,
     "connections to the database for what is quick; half as many more for what takes longer"},
    {"GATEWAY_BODY_MAX", CONF_INT, &gateway_conf.body_max, "1048576", 1024, 1048576, 0, "bytes of a request's body"},
    {"GATEWAY_DATABASE_TIMEOUT", CONF_MS, &gateway_conf.database_timeout_ms, "5s", 100, 60000, 0,
     "of one statement; ten times so long for lists, search and the like"},
    {"GATEWAY_IDLE", CONF_MS, &gateway_conf.idle_ms, "1m", 1000, 3600000, 0, "a connection on which nothing moves is closed"},
    {"GATEWAY_DISK_PATH", CONF_STRING, &gateway_conf.disk_path, "", 0, 1000, 0,
     "a path on the disk that holds the database, to tell how much room is left; empty: nothing is told"},
    {"GATEWAY_ACCESS_LOG", CONF_BOOL, &gateway_conf.access_log, "yes", 0, 0, 0, "one line a request"},
    {"LOG_LEVEL", CONF_STRING, &gateway_conf.log_level, "info", 0, 10, 0, "debug, info, warn or error"},
    CONF_END,
};

int gateway_conf_check(struct conf_error *error_r)
{
    enum log_level level;
    if (!log_level_parse(gateway_conf.log_level, &level)) {
        snprintf(error_r->text, sizeof error_r->text, "LOG_LEVEL=%.20s: must be debug, info, warn or error", gateway_conf.log_level);
        return -1;
    }
    if (!pg_url_valid(gateway_conf.database_url)) {
        snprintf(error_r->text, sizeof error_r->text, "DATABASE_URL=***: must be a PostgreSQL connection URL");
        return -1;
    }
    return listen_check("GATEWAY_ADDR", gateway_conf.addr, error_r);
}
