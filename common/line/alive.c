/* What a program says of itself; contract in alive.h. */
#include "line/alive.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"

#define INT_MAX_EXACT 9007199254740992.0 /* doubles hold every integer below */

/* One line a member; a text has a size, a number has none. The last ones are new: they may be missing. */
#define TEXT(name)                                                                                                                         \
    {                                                                                                                                      \
#name, offsetof(struct alive, name), sizeof(((struct alive *)0)->name)                                                             \
    }
#define NUMBER(name)                                                                                                                       \
    {                                                                                                                                      \
#name, offsetof(struct alive, name), 0                                                                                             \
    }
static const struct {
    const char *name;
    size_t offset, size;
} members[] = {
    TEXT(id),    TEXT(program),      TEXT(host),      TEXT(version), TEXT(state), TEXT(why),
    NUMBER(pid), NUMBER(started_at), NUMBER(in_hand), TEXT(alarm),   TEXT(model),
};
#undef TEXT
#undef NUMBER
#define MEMBERS (sizeof members / sizeof *members)
#define NEEDED  (MEMBERS - 2)

void alive_begin(struct alive *a, const char *program)
{
    unsigned char random[16];
    char host[256] = "";
    *a = (struct alive){.pid = getpid(), .started_at = clock_wall_ms()};
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) log_panic("no random numbers");
    for (size_t i = 0; i < sizeof random; i++) snprintf(a->id + 2 * i, 3, "%02x", random[i]);
    gethostname(host, sizeof host - 1);
    snprintf(a->program, sizeof a->program, "%s", program);
    snprintf(a->host, sizeof a->host, "%.64s", utf8_valid(host, strlen(host)) ? host : "?");
    snprintf(a->version, sizeof a->version, "%s", GM_VERSION);
}

void alive_encode(const struct alive *a, struct buf *out)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < MEMBERS; i++) {
        const char *at = (const char *)a + members[i].offset;
        if (members[i].size)
            cJSON_AddStringToObject(object, members[i].name, at);
        else
            cJSON_AddNumberToObject(object, members[i].name, (double)*(const int64_t *)(const void *)at);
    }
    cJSON *hand = cJSON_AddArrayToObject(object, "hand");
    for (size_t i = 0; i < a->hand_count; i++) {
        cJSON_AddItemToArray(hand, cJSON_CreateNumber((double)a->hand[i].page));
        cJSON_AddItemToArray(hand, cJSON_CreateNumber((double)a->hand[i].release));
        cJSON_AddItemToArray(hand, cJSON_CreateNumber((double)a->hand[i].since));
    }
    char *text = cJSON_PrintUnformatted(object);
    if (!text) log_panic("out of memory");
    buf_add_str(out, text);
    cJSON_free(text);
    cJSON_Delete(object);
}

static bool read_number(const cJSON *item, int64_t *at)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < INT_MAX_EXACT)) return false;
    *at = (int64_t)item->valuedouble;
    return true;
}

static bool read_member(const cJSON *item, size_t size, char *at)
{
    if (!size) return read_number(item, (int64_t *)(void *)at);
    const char *text = cJSON_GetStringValue(item);
    if (!text || strlen(text) >= size || !utf8_valid(text, strlen(text))) return false;
    memcpy(at, text, strlen(text) + 1);
    return true;
}

/* Page, release, since, and so on. */
static bool read_hand(const cJSON *hand, struct alive *a)
{
    if (!hand) return true;
    const cJSON *item = hand->child;
    bool ok = cJSON_IsArray(hand);
    while (ok && item && a->hand_count < ALIVE_HAND) {
        struct alive_page *page = &a->hand[a->hand_count++];
        ok = read_number(item, &page->page) && read_number(item->next, &page->release) && read_number(item->next->next, &page->since);
        if (ok) item = item->next->next->next;
    }
    return ok && !item;
}

/* It goes on as JSON: an object, written anew, so that it is well-formed. */
static bool clean_model(char model[ALIVE_MODEL])
{
    cJSON *object = cJSON_ParseWithOpts(model, NULL, true);
    bool ok = cJSON_IsObject(object) && cJSON_PrintPreallocated(object, model, ALIVE_MODEL, false);
    cJSON_Delete(object);
    return ok;
}

bool alive_decode(const char *json, struct alive *a)
{
    *a = (struct alive){.pid = 0};
    cJSON *object = cJSON_Parse(json);
    bool ok = cJSON_IsObject(object);
    for (size_t i = 0; ok && i < MEMBERS; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, members[i].name);
        ok = (!item && i >= NEEDED) || read_member(item, members[i].size, (char *)a + members[i].offset);
    }
    ok = ok && read_hand(cJSON_GetObjectItemCaseSensitive(object, "hand"), a) && (!*a->model || clean_model(a->model));
    cJSON_Delete(object);
    return ok && *a->id && *a->program;
}
