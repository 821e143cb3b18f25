/* OpenAPI; contract in openapi.h. docs/API.md has the forms of bodies. */
#include "gateway/openapi.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "gateway/http.h"
#include "gateway/routes.h"

static void add_parameter(cJSON *list, const char *name, size_t n, const char *in)
{
    char text[60];
    snprintf(text, sizeof text, "%.*s", (int)n, name);
    cJSON *parameter = cJSON_CreateObject();
    cJSON_AddStringToObject(parameter, "name", text);
    cJSON_AddStringToObject(parameter, "in", in);
    cJSON_AddBoolToObject(parameter, "required", strcmp(in, "path") == 0);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(parameter, "schema"), "type", "string");
    cJSON_AddItemToArray(list, parameter);
}

static void add_operation(cJSON *path, const struct route *route)
{
    static const char *const names[] = {[METHOD_GET] = "get", [METHOD_POST] = "post", [METHOD_DELETE] = "delete"};
    cJSON *operation = cJSON_AddObjectToObject(path, names[route->method]);
    cJSON_AddStringToObject(operation, "summary", route->about);
    cJSON *parameters = cJSON_AddArrayToObject(operation, "parameters");
    for (const char *p = strchr(route->path, '{'); p; p = strchr(p + 1, '{')) add_parameter(parameters, p + 1, strcspn(p + 1, "}"), "path");
    for (const char *p = route->query; p && *p; p += strcspn(p, " "), p += strspn(p, " "))
        add_parameter(parameters, p, strcspn(p, " "), "query");
    if (route->flags & ROUTE_JSON) {
        cJSON *content = cJSON_AddObjectToObject(cJSON_AddObjectToObject(operation, "requestBody"), "content");
        cJSON *schema = cJSON_AddObjectToObject(cJSON_AddObjectToObject(content, "application/json"), "schema");
        cJSON_AddStringToObject(schema, "type", "object");
    }
    if (route->flags & ROUTE_OPEN) cJSON_AddArrayToObject(operation, "security");
    cJSON *responses = cJSON_AddObjectToObject(operation, "responses");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(responses, "200"), "description", "as docs/API.md says");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(responses, "default"), "description", "{success: false, code, error, details}");
}

void openapi_get(struct request *req, struct db *db)
{
    cJSON *root = cJSON_CreateObject(), *paths;
    const struct route *route;
    (void)db;
    cJSON_AddStringToObject(root, "openapi", "3.1.0");
    cJSON *info = cJSON_AddObjectToObject(root, "info");
    cJSON_AddStringToObject(info, "title", "Gistmill");
    cJSON_AddStringToObject(info, "version", GM_VERSION);
    cJSON *key = cJSON_AddObjectToObject(cJSON_AddObjectToObject(cJSON_AddObjectToObject(root, "components"), "securitySchemes"), "key");
    cJSON_AddStringToObject(key, "type", "http");
    cJSON_AddStringToObject(key, "scheme", "bearer");
    paths = cJSON_AddObjectToObject(root, "paths");
    for (size_t i = 0; (route = route_at(i)); i++) {
        cJSON *path = cJSON_GetObjectItemCaseSensitive(paths, route->path);
        add_operation(path ? path : cJSON_AddObjectToObject(paths, route->path), route);
    }
    char *text = cJSON_PrintUnformatted(root);
    answer_json(req, 200, text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(root);
}
