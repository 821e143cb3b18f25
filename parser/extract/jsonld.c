/* Structured data; contract in jsonld.h. */
#include "parser/extract/jsonld.h"

#include <cjson/cJSON.h>
#include <string.h>

#define SCRIPT_MAX (1u << 20) /* larger ones are product catalogues */
#define NAMES_MAX  8          /* authors kept */

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

/* A person or an organisation: a name, or an object that has one, or a list of these. */
static void names_of(const cJSON *value, struct buf *out)
{
    const cJSON *item = cJSON_IsArray(value) ? value->child : value;
    for (int n = 0; item && n < NAMES_MAX; item = cJSON_IsArray(value) ? item->next : NULL, n++) {
        struct span name = span_trim(text_of(cJSON_IsObject(item) ? get(item, "name") : item));
        if (!name.n || span_starts(name, "http")) continue;
        if (out->len) buf_add_str(out, ", ");
        buf_add(out, name.p, name.n);
    }
}

static void offer_names(struct meta *meta, enum meta_field field, int rank, const cJSON *value)
{
    struct buf names = BUF_INIT(500);
    names_of(value, &names);
    if (names.len) meta_offer(meta, field, rank, span_of(buf_str(&names), names.len));
    buf_release(&names);
}

static void read_object(struct meta *meta, const cJSON *object)
{
    bool article = has_type(object, "Article") || has_type(object, "Posting") || has_type(object, "Report") || has_type(object, "Review");
    bool page = !article && has_type(object, "WebPage");
    if (has_type(object, "WebSite")) offer_names(meta, META_SITE, META_RANK_JSONLD + 3, get(object, "name"));
    if (!article && !page) return;
    int rank = article ? META_RANK_JSONLD : META_RANK_JSONLD + 5;
    meta_offer(meta, META_TITLE, rank, text_of(get(object, "headline")));
    meta_offer(meta, META_TITLE, rank + 1, text_of(get(object, "name")));
    offer_names(meta, META_BYLINE, rank, get(object, "author"));
    meta_offer(meta, META_DATE, rank, text_of(get(object, "datePublished")));
    meta_offer(meta, META_DATE, rank + 30, text_of(get(object, "dateModified")));
    meta_offer(meta, META_LANG, rank, text_of(get(object, "inLanguage")));
    meta_offer(meta, META_EXCERPT, rank, text_of(get(object, "description")));
    offer_names(meta, META_SITE, rank + 1, get(object, "publisher"));
}

static void read_list(struct meta *meta, const cJSON *list)
{
    for (const cJSON *item = list->child; item; item = item->next)
        if (cJSON_IsObject(item)) read_object(meta, item);
}

void jsonld_read(struct meta *meta, struct span s)
{
    if (!s.p || s.n > SCRIPT_MAX) return;
    /* Some wrap it in a comment or CDATA: the JSON begins at the first bracket. */
    while (s.n && *s.p != '{' && *s.p != '[') s.p++, s.n--;
    cJSON *root = cJSON_ParseWithLength(s.p, s.n);
    if (!root) return;
    if (cJSON_IsArray(root))
        read_list(meta, root);
    else
        read_object(meta, root);
    const cJSON *graph = get(root, "@graph");
    if (cJSON_IsArray(graph)) read_list(meta, graph);
    cJSON_Delete(root);
}
