/* The fetcher: takes a ticket for one URL, downloads it, passes on the page. */
#include "fetcher/command.h"
#include "fetcher/settings.h"
#include "fetcher/stage.h"
#include "line/limits.h"
#include "line/service.h"

static const struct conf_row rows[] = {
    {"FETCH_CONCURRENCY", CONF_INT, &settings.concurrency, "64", 1, 2000, 0, "transfers under way at once (and messages held)"},
    {"FETCH_CONNECTIONS", CONF_INT, &settings.connections, "1024", 1, 100000, 0,
     "connections kept open for reuse (with TLS up to 90 KB each)"},
    {"FETCH_CONNECT_TIMEOUT", CONF_MS, &settings.connect_ms, "10s", 10, 300000, 0, "name resolution, connection and TLS handshake"},
    {"FETCH_FIRST_BYTE_TIMEOUT", CONF_MS, &settings.first_byte_ms, "15s", 10, 300000, 0,
     "from the request to the first byte of the answer"},
    {"FETCH_TIMEOUT", CONF_MS, &settings.total_ms, "30s", 10, 300000, 0, "a whole fetch"},
    {"FETCH_LOW_SPEED", CONF_INT, &settings.low_speed, "64", 0, 1000000, 0,
     "bytes a second over 10 s below which a fetch is given up; 0: none"},
    {"FETCH_MAX_BYTES", CONF_INT, &settings.max_bytes, "10485760", 1, LIMIT_BODY, 0, "a page's body, unpacked"},
    {"FETCH_USER_AGENT", CONF_STRING, &settings.user_agent, "Gistmill/" GM_VERSION " (+https://github.com/gistmill/gistmill)", 0, 500, 0,
     "who asks"},
    {"CONTACT", CONF_STRING, &settings.contact, "", 0, 200, 0, "put into the User-Agent: an address or a URL of yours"},
    {"FETCH_ALLOW_NETWORKS", CONF_STRING, &settings.allow_networks, "", 0, 2000, 0,
     "private networks that may be fetched from, such as 127.0.0.0/8,::1/128"},
    {"FETCH_ALLOW_PORTS", CONF_STRING, &settings.allow_ports, "", 0, 500, 0,
     "ports that may be fetched from though browsers refuse them, such as 22,6000"},
    {"FETCH_CA_FILE", CONF_STRING, &settings.ca_file, "", 0, 1000, 0, "certificates to trust instead of the system's"},
    {"FETCH_CONNECT_TO", CONF_STRING, &settings.connect_to, "", 0, 10000, 0,
     "for tests: HOST:PORT:CONNECT-HOST:CONNECT-PORT, an empty HOST or PORT means any; several with commas; with many host names FETCH_RESOLVE is faster"},
    {"FETCH_RESOLVE", CONF_STRING, &settings.resolve, "", 0, 10000, 0, "for tests: HOST:PORT:ADDRESS, HOST may be *; several with blanks"},
    CONF_END,
};

static const enum queue_id queues[] = {QUEUE_URL_EXPRESS, QUEUE_URL, QUEUE_COUNT};

int main(int argc, char **argv)
{
    const struct service_spec spec = {.name = "fetcher",
                                      .about = "takes tickets from the queue url, downloads, passes pages on",
                                      .conf = rows,
                                      .queues = queues,
                                      .prefetch = &settings.concurrency,
                                      .check = settings_check,
                                      .command = command_run,
                                      .command_help = command_help,
                                      .init = stage_init,
                                      .on_message = stage_message,
                                      .on_reset = stage_reset,
                                      .on_turn = stage_turn,
                                      .metrics = stage_metrics,
                                      .deinit = stage_deinit};
    return service_run(&spec, argc, argv);
}
