/* What a client of the gateway can say: bodies in the wire format of Firecrawl, paths, the header Host. */
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "gateway/access.h"
#include "gateway/firecrawl.h"
#include "gateway/gateway.h"
#include "gateway/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void body(const char *text)
{
    struct buf warning = BUF_INIT(4000);
    const char *field = NULL;
    cJSON *json = cJSON_Parse(text);
    cJSON *seed = json ? fc_seed(json, &warning, &field) : NULL;
    if (seed) {
        char *out = cJSON_PrintUnformatted(seed);
        cJSON *again = cJSON_Parse(out);
        if (!out || !cJSON_IsString(cJSON_GetObjectItemCaseSensitive(again, "url"))) abort();
        if (!cJSON_HasObjectItem(again, "limit") || !cJSON_HasObjectItem(again, "depth")) abort();
        cJSON_Delete(again);
        cJSON_free(out);
    } else if (json && !field) {
        abort();
    }
    cJSON_Delete(seed);
    cJSON_Delete(json);
    buf_release(&warning);
}

static void path(const char *text)
{
    char args[2][ARG_MAX_BYTES];
    unsigned allow;
    memset(args, 0, sizeof args);
    const struct route *route = route_find(METHOD_GET, text, args, &allow);
    if (route && route->method != METHOD_GET) abort();
    if (memchr(args[0], '\0', sizeof args[0]) == NULL || strchr(args[0], '/')) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    static char hosts[] = "gist.example, other.example";
    gateway_conf.hosts = hosts;
    body(text);
    path(text);
    if (access_host_is_ours(text) && strstr(text, "evil")) {
        const char *port = strchr(text, ':');
        if (!port || strstr(text, "evil") < port) abort();
    }
    free(text);
    return 0;
}
