/* Reading JSON; contract in json.h. */
#include "cli/json.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT 9007199254740992.0 /* 2^53 */

const cJSON *json_at(const cJSON *json, const char *path)
{
    char name[64];
    while (json && *path) {
        size_t n = strcspn(path, ".");
        if (n >= sizeof name) return NULL;
        memcpy(name, path, n);
        name[n] = '\0';
        json = cJSON_GetObjectItemCaseSensitive(json, name);
        path += path[n] ? n + 1 : n;
    }
    return json;
}

const char *json_text(const cJSON *json, const char *path)
{
    const char *text = cJSON_GetStringValue(json_at(json, path));
    return text ? text : "";
}

double json_real(const cJSON *json, const char *path, double otherwise)
{
    const cJSON *item = json_at(json, path);
    if (cJSON_IsNumber(item)) return item->valuedouble;
    if (cJSON_IsString(item) && isdigit((unsigned char)*item->valuestring)) return strtod(item->valuestring, NULL);
    return otherwise;
}

int64_t json_int(const cJSON *json, const char *path)
{
    double value = json_real(json, path, 0);
    if (!(fabs(value) <= EXACT)) value = value > 0 ? EXACT : 0;
    return (int64_t)value;
}

bool json_true(const cJSON *json, const char *path)
{
    return cJSON_IsTrue(json_at(json, path));
}
