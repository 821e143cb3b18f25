/* Structured data; contract in jsonld.h. */
#include "parser/extract/jsonld.h"

#include <cjson/cJSON.h>
#include <string.h>

#define SCRIPT_MAX  (1u << 20) /* larger ones are product catalogues */
#define NAMES_MAX   8          /* authors kept */
#define LOOKUPS_MAX 20         /* references followed in one script */

static struct span text_of(const cJSON *value)
{
    return cJSON_IsString(value) ? span_of(value->valuestring, strlen(value->valuestring)) : span_of(NULL, 0);
}

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* @type is one name or a list of them. */
static bool has_type(const cJSON *object, const char *part)
{
    const cJSON *type = get(object, "@type");
    if (cJSON_IsArray(type)) type = type->child;
    for (; type; type = type->next)
        if (span_has(text_of(type), part)) return true;
    return false;
}

/* One script: its @graph, where objects are that others name by their @id. */
struct script {
    const cJSON *graph; /* NULL if there is none */
    int lookups;        /* left; each may cost a walk over the graph */
};

/* The object itself, or the one of the graph that {"@id": …} stands for. */
static const cJSON *resolve(struct script *script, const cJSON *object)
{
    struct span id = text_of(get(object, "@id"));
    if (!id.n || get(object, "name") || !script->graph || script->lookups <= 0) return object;
    script->lookups--;
    for (const cJSON *other = script->graph->child; other; other = other->next) {
        const char *known = cJSON_GetStringValue(get(other, "@id"));
        if (known && get(other, "name") && span_is(id, known)) return other;
    }
    return object;
}

/* A person or an organisation: a name, or an object that has one, or a list of these. Is any of them a person, or may be? */
static bool names_of(struct script *script, const cJSON *value, struct buf *out)
{
    const cJSON *item = cJSON_IsArray(value) ? value->child : value;
    bool person = false;
    for (int n = 0; item && n < NAMES_MAX; item = cJSON_IsArray(value) ? item->next : NULL, n++) {
        const cJSON *who = cJSON_IsObject(item) ? resolve(script, item) : NULL;
        struct span name = span_trim(text_of(who ? get(who, "name") : item));
        if (!name.n || span_starts(name, "http")) continue;
        person |= !who || !has_type(who, "Organization");
        if (out->len) buf_add_str(out, ", ");
        buf_add(out, name.p, name.n);
    }
    return person;
}

/* if_no_person: the rank of names of organisations alone */
static void offer_names(struct meta *meta, enum meta_field field, int rank, int if_no_person, struct script *script, const cJSON *value)
{
    struct buf names = BUF_INIT(500);
    bool person = names_of(script, value, &names);
    if (names.len) meta_offer(meta, field, person ? rank : if_no_person, span_of(buf_str(&names), names.len));
    buf_release(&names);
}

static void read_object(struct meta *meta, struct script *script, const cJSON *object)
{
    bool article = has_type(object, "Article") || has_type(object, "Posting") || has_type(object, "Report") || has_type(object, "Review");
    bool page = !article && has_type(object, "WebPage");
    const int site = META_RANK_JSONLD + 3;
    if (has_type(object, "WebSite")) offer_names(meta, META_SITE, site, site, script, get(object, "name"));
    if (!article && !page) return;
    int rank = article ? META_RANK_JSONLD : META_RANK_JSONLD + 5;
    meta_offer(meta, META_TITLE, rank, text_of(get(object, "headline")));
    meta_offer(meta, META_TITLE, rank + 1, text_of(get(object, "name")));
    offer_names(meta, META_BYLINE, rank, META_RANK_PUBLISHER, script, get(object, "author"));
    meta_offer(meta, META_DATE, rank, text_of(get(object, "datePublished")));
    meta_offer(meta, META_DATE, rank + 30, text_of(get(object, "dateModified")));
    meta_offer(meta, META_LANG, rank, text_of(get(object, "inLanguage")));
    meta_offer(meta, META_EXCERPT, rank, text_of(get(object, "description")));
    offer_names(meta, META_SITE, rank + 1, rank + 1, script, get(object, "publisher"));
}

static void read_list(struct meta *meta, struct script *script, const cJSON *list)
{
    for (const cJSON *item = list->child; item; item = item->next)
        if (cJSON_IsObject(item)) read_object(meta, script, item);
}

void jsonld_read(struct meta *meta, struct span s)
{
    if (!s.p || s.n > SCRIPT_MAX) return;
    /* Some wrap it in a comment or CDATA: the JSON begins at the first bracket. */
    while (s.n && *s.p != '{' && *s.p != '[') s.p++, s.n--;
    cJSON *root = cJSON_ParseWithLength(s.p, s.n);
    if (!root) return;
    const cJSON *graph = get(root, "@graph");
    struct script script = {.graph = cJSON_IsArray(graph) ? graph : NULL, .lookups = LOOKUPS_MAX};
    if (cJSON_IsArray(root))
        read_list(meta, &script, root);
    else
        read_object(meta, &script, root);
    if (script.graph) read_list(meta, &script, script.graph);
    cJSON_Delete(root);
}
