/* Chat completions as JSON; contract in llm_json.h. */
#include "summarizer/llm_json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"

#define TOKENS_MAX 1e12 /* more is nonsense */

static void add_message(cJSON *messages, const char *role, const char *content)
{
    cJSON *message = cJSON_CreateObject();
    cJSON_AddStringToObject(message, "role", role);
    cJSON_AddStringToObject(message, "content", content);
    cJSON_AddItemToArray(messages, message);
}

static void add_form(cJSON *root, enum llm_json_form form)
{
    static const char object[] = "{\"type\":\"json_object\"}";
    static const char schema[] =
        "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"summary\",\"strict\":true,\"schema\":{\"type\":\"object\","
        "\"properties\":{\"summary\":{\"type\":\"string\"},\"points\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}},"
        "\"required\":[\"summary\",\"points\"],\"additionalProperties\":false}}}";
    if (form != LLM_FORM_TEXT) cJSON_AddRawToObject(root, "response_format", form == LLM_FORM_SCHEMA ? schema : object);
}

/* The object in a text, in a fence or in words; NULL if there is none. */
static cJSON *find_object(const char *content)
{
    const char *from = strchr(content, '{'), *to = strrchr(content, '}');
    cJSON *root = from && to > from ? cJSON_ParseWithLength(from, (size_t)(to + 1 - from)) : NULL;
    if (cJSON_IsObject(root)) return root;
    cJSON_Delete(root);
    return NULL;
}

bool llm_json_summary(struct buf *out, const char *content)
{
    cJSON *root = find_object(content), *made = cJSON_CreateObject(), *points = cJSON_CreateArray();
    const cJSON *point, *summary = cJSON_GetObjectItemCaseSensitive(root, "summary");
    const char *text = root ? cJSON_GetStringValue(summary) : content;
    cJSON_AddStringToObject(made, "summary", text ? text : "");
    cJSON_AddItemToObject(made, "points", points);
    cJSON_ArrayForEach(point, cJSON_GetObjectItemCaseSensitive(root, "points")) if (cJSON_IsString(point))
        cJSON_AddItemToArray(points, cJSON_CreateString(point->valuestring));
    bool any = text && text[strspn(text, " \t\r\n")];
    char *json = cJSON_PrintUnformatted(made);
    if (!json) log_panic("out of memory");
    any = any && buf_add_str(out, json);
    free(json);
    cJSON_Delete(made);
    cJSON_Delete(root);
    return any;
}

bool llm_json_request(struct buf *out, const struct llm_json_request *r)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "model", r->model);
    cJSON *messages = cJSON_AddArrayToObject(root, "messages");
    add_message(messages, "system", r->system);
    add_message(messages, "user", r->user);
    cJSON_AddNumberToObject(root, r->completion_tokens ? "max_completion_tokens" : "max_tokens", (double)r->max_tokens);
    if (!r->no_temperature) cJSON_AddNumberToObject(root, "temperature", r->temperature);
    add_form(root, r->form);
    cJSON_AddFalseToObject(root, "stream");
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (!text) log_panic("out of memory");
    bool fits = buf_add_str(out, text);
    free(text);
    return fits;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text ? text : "";
}

static int64_t count_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(item) || !(item->valuedouble > 0) || item->valuedouble > TOKENS_MAX) return 0;
    return (int64_t)item->valuedouble;
}

/* {"error":{"message":…,"param":…}}, {"error":"…"}, {"message":"…"}, {"detail":"…"}: all are met. */
static void read_error(const cJSON *root, struct llm_json_response *r)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(root, "error");
    const char *words = cJSON_IsString(error) ? error->valuestring : text_of(error, "message");
    if (!*words) words = text_of(root, "message");
    if (!*words) words = text_of(root, "detail");
    size_t n = 0;
    for (; words[n] && n < sizeof r->error - 1; n++) r->error[n] = (unsigned char)words[n] < ' ' ? ' ' : words[n];
    if (utf8_valid(r->error, n)) return;
    while (n > 0 && !utf8_valid(r->error, n)) n--;
    r->error[n] = '\0';
}

static void read_id(const cJSON *root, struct llm_json_response *r)
{
    const char *id = text_of(root, "id");
    for (size_t n = 0; id[n] > ' ' && id[n] <= '~' && n < sizeof r->id - 1; n++) r->id[n] = id[n];
}

static void read_choice(const cJSON *root, struct llm_json_response *r)
{
    const cJSON *choice = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(root, "choices"), 0);
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(choice, "message");
    const char *finish = text_of(choice, "finish_reason");
    if (!cJSON_IsObject(message)) return;
    r->valid = true;
    r->content = mem_strdup(text_of(message, "content"));
    r->refused = *text_of(message, "refusal") || strcmp(finish, "content_filter") == 0;
    r->cut_off = strcmp(finish, "length") == 0;
}

void llm_json_response(const char *body, size_t n, struct llm_json_response *response_r)
{
    *response_r = (struct llm_json_response){.valid = false};
    if (!utf8_valid(body, n)) return;
    cJSON *root = cJSON_ParseWithLength(body, n);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return;
    }
    const cJSON *usage = cJSON_GetObjectItemCaseSensitive(root, "usage");
    response_r->tokens_in = count_of(usage, "prompt_tokens");
    response_r->tokens_out = count_of(usage, "completion_tokens");
    response_r->tokens_cached = count_of(cJSON_GetObjectItemCaseSensitive(usage, "prompt_tokens_details"), "cached_tokens");
    if (!response_r->tokens_cached) response_r->tokens_cached = count_of(usage, "prompt_cache_hit_tokens"); /* DeepSeek */
    read_id(root, response_r);
    read_error(root, response_r);
    read_choice(root, response_r);
    response_r->wants_completion_tokens = strstr(response_r->error, "max_completion_tokens") != NULL;
    response_r->wants_no_temperature = strstr(response_r->error, "temperature") != NULL;
    response_r->wants_no_format = strstr(response_r->error, "response_format") != NULL || strstr(response_r->error, "json_") != NULL;
    cJSON_Delete(root);
}

void llm_json_release(struct llm_json_response *response)
{
    free(response->content);
    response->content = NULL;
}
