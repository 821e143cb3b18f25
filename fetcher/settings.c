/* The fetcher's configuration; contract in settings.h. */
#include "fetcher/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "fetcher/http.h"

struct settings settings;

static bool printable(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f) return false;
    return true;
}

int settings_check(struct conf_error *error_r)
{
    struct conf_error *e = error_r;
    address_rules_release(&settings.rules);
    if (address_rules_parse(settings.allow_networks, settings.allow_ports, &settings.rules, e->text, sizeof e->text) != 0) return -1;
    if (!*settings.user_agent || !printable(settings.user_agent)) {
        snprintf(e->text, sizeof e->text, "FETCH_USER_AGENT: must be there, without control bytes");
        return -1;
    }
    if (!printable(settings.contact)) {
        snprintf(e->text, sizeof e->text, "CONTACT: must be without control bytes");
        return -1;
    }
    if (*settings.ca_file && access(settings.ca_file, R_OK) != 0) {
        snprintf(e->text, sizeof e->text, "FETCH_CA_FILE=%.120s: %s", settings.ca_file, strerror(errno));
        return -1;
    }
    if (!http_words(settings.connect_to, settings.resolve, e->text, sizeof e->text)) return -1;
    return 0;
}

/* Within the closing parenthesis, if there is one: "Name/1 (+URL; contact)". */
char *settings_user_agent(void)
{
    const char *agent = settings.user_agent;
    size_t n = strlen(agent);
    char *text;
    if (!*settings.contact) return mem_strdup(agent);
    int done = agent[n - 1] == ')' ? asprintf(&text, "%.*s; %s)", (int)n - 1, agent, settings.contact)
                                   : asprintf(&text, "%s (%s)", agent, settings.contact);
    if (done < 0) log_panic("out of memory");
    return text;
}

struct http *settings_http(struct ev_loop *loop)
{
    char *agent = settings_user_agent();
    struct http_config config = {.user_agent = agent,
                                 .ca_file = settings.ca_file,
                                 .connect_to = settings.connect_to,
                                 .resolve = settings.resolve,
                                 .connect_ms = settings.connect_ms,
                                 .first_byte_ms = settings.first_byte_ms,
                                 .total_ms = settings.total_ms,
                                 .low_speed = settings.low_speed,
                                 .connections = settings.connections,
                                 .rules = &settings.rules};
    struct http *http = http_new(&config, loop);
    free(agent);
    return http;
}
