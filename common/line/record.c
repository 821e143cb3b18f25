/* Records; contract in record.h. cJSON is known here and in alive.c, and nowhere else on the line. */
#include "line/record.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "line/codes.h"
#include "line/limits.h"

#define INT_MAX_EXACT ((int64_t)1 << 53) /* doubles hold every integer below */
#define BIT(kind)     (1u << RECORD_##kind)
#define PAGES         (BIT(PAGE) | BIT(ARTICLE) | BIT(EMPTY)) /* kinds that are always of a page */
#define ALL_KINDS     ((1u << RECORD_KINDS) - 1)

enum field_type {
    FIELD_ID,      /* int64_t, a JSON string of digits */
    FIELD_INT,     /* int64_t, a JSON integer from 0 to limit (0: below 2^53) */
    FIELD_TEXT,    /* char *, at most limit bytes */
    FIELD_URL,     /* char *, http or https, at most LIMIT_URL bytes */
    FIELD_CODE,    /* char *, name of an enum code */
    FIELD_DIGEST,  /* char *, what digest_hex writes */
    FIELD_SIMHASH, /* char *, 16 lower-case hexadecimal digits */
    FIELD_LINKS,   /* struct record_links, a JSON array of URLs */
    FIELD_DATES    /* its dates, a JSON array of as many integers from 0 to 2^53 */
};

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    unsigned limit;
    unsigned required; /* bit mask of kinds: must be there and neither 0 nor empty */
};

#define F(name, type, limit, required)                                                                                                     \
    {                                                                                                                                      \
#name, FIELD_##type, offsetof(struct record, name), limit, required                                                                \
    }
/* One line a field. Names live in queues: they may be added, never renamed. Written in this order. */
static const struct field fields[] = {
    F(page, ID, 0, PAGES),                                  /* the only one that is written as 0, too */
    F(crawl, ID, 0, BIT(PAGE) | BIT(ARTICLE) | BIT(EMPTY)), /* and by tickets of a page: see check_required */
    F(host, ID, 0, BIT(TICKET) | BIT(PAGE) | BIT(FETCHED) | BIT(RETURNED) | BIT(ROBOTS)),
    F(release, ID, 0, ALL_KINDS),
    F(depth, INT, 0, 0),
    F(url, URL, 0, BIT(TICKET) | BIT(PAGE) | BIT(ARTICLE)),
    F(deadline, INT, 0, BIT(TICKET)),
    F(attempt, INT, 0, 0),
    F(known_hash, DIGEST, 0, 0),
    F(known_recipe, DIGEST, 0, 0),
    F(ignore_noindex, INT, 1, 0),
    F(ignore_nofollow, INT, 1, 0),
    F(status, INT, 999, 0),
    F(bytes, INT, 0, 0),
    F(ticketed, INT, 1, 0),
    F(retry_after, INT, 0, 0),
    F(content_type, TEXT, LIMIT_VALIDATOR, 0),
    F(robots_tag, TEXT, LIMIT_FIELD, 0),
    F(etag, TEXT, LIMIT_VALIDATOR, 0),
    F(last_modified, TEXT, LIMIT_VALIDATOR, 0),
    F(location, URL, 0, 0),
    F(taken_at, INT, 0, 0),
    F(fetched_at, INT, 0, 0),
    F(parsed_at, INT, 0, 0),
    F(calculated_at, INT, 0, 0),
    F(code, CODE, 0, BIT(EMPTY) | BIT(VERDICT)),
    F(detail, TEXT, LIMIT_DETAIL, 0),
    F(title, TEXT, LIMIT_FIELD, 0),
    F(byline, TEXT, LIMIT_FIELD, 0),
    F(date, TEXT, LIMIT_FIELD, 0),
    F(lang, TEXT, LIMIT_FIELD, 0),
    F(site, TEXT, LIMIT_FIELD, 0),
    F(excerpt, TEXT, LIMIT_EXCERPT, 0),
    F(canonical, URL, 0, 0),
    F(next, URL, 0, 0),
    F(amp, URL, 0, 0),
    F(feeds, TEXT, LIMIT_FEEDS *(LIMIT_URL + 1), 0),
    F(list, INT, LIST_SITEMAPS, 0),
    F(hash, DIGEST, 0, BIT(ARTICLE)),
    F(simhash, SIMHASH, 0, 0),
    F(text, TEXT, LIMIT_TEXT, BIT(ARTICLE)),
    F(markdown, TEXT, LIMIT_MARKDOWN, 0),
    F(words, INT, 0, 0),
    F(links_cut, INT, 0, 0),
    F(links, LINKS, 0, 0),
    {"link_dates", FIELD_DATES, offsetof(struct record, links), 0, 0},
    F(summary, TEXT, LIMIT_SUMMARY, 0),
    F(engine, TEXT, LIMIT_FIELD, 0),
    F(model, TEXT, LIMIT_FIELD, 0),
    F(recipe, DIGEST, 0, 0),
    F(reason, CODE, 0, 0),
    F(pending, INT, 1, 0),
    F(again, INT, 1, 0),
    F(tokens_in, INT, 0, 0),
    F(tokens_out, INT, 0, 0),
    F(robots, TEXT, LIMIT_ROBOTS, 0),
};
#undef F
#define FIELDS (sizeof fields / sizeof *fields)
static_assert(FIELDS <= 64, "a bit mask of 64 bits marks the fields seen");

static const char *const kind_names[RECORD_KINDS] = {
    [RECORD_TICKET] = "ticket",   [RECORD_PAGE] = "page",         [RECORD_ARTICLE] = "article", [RECORD_EMPTY] = "empty",
    [RECORD_FETCHED] = "fetched", [RECORD_RETURNED] = "returned", [RECORD_ROBOTS] = "robots",   [RECORD_VERDICT] = "verdict",
};

static bool is_number(enum field_type type)
{
    return type == FIELD_ID || type == FIELD_INT;
}

static bool is_list(enum field_type type)
{
    return type == FIELD_LINKS || type == FIELD_DATES;
}

static int64_t *number_of(struct record *r, const struct field *f)
{
    return (int64_t *)(void *)((char *)r + f->offset);
}

static char **string_of(struct record *r, const struct field *f)
{
    return (char **)(void *)((char *)r + f->offset);
}

const char *record_kind_name(enum record_kind kind)
{
    return (unsigned)kind < RECORD_KINDS ? kind_names[kind] : "?";
}

void record_release(struct record *r)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (!is_number(fields[i].type) && !is_list(fields[i].type)) free(*string_of(r, &fields[i]));
    for (size_t i = 0; i < r->links.count; i++) free(r->links.items[i]);
    free(r->links.items);
    free(r->links.dates);
    *r = (struct record){0};
}

bool record_is_about(const struct record *r, const char *message_id)
{
    char id[48];
    snprintf(id, sizeof id, "%" PRId64 ".%" PRId64, r->page, r->release);
    return !*message_id || strcmp(message_id, id) == 0;
}

void record_free_all(struct record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) record_release(&records[i]);
    free(records);
}

/* --- links ---------------------------------------------------------------------------------------------------- */

static bool has_room(const struct record_links *links, size_t n)
{
    return links->count < (links->is_list ? LIMIT_LIST_LINKS : LIMIT_LINKS) &&
           links->bytes + n <= (links->is_list ? LIMIT_LIST_BYTES : LIMIT_LINKS_BYTES);
}

static void push_link(struct record_links *links, char *url)
{
    links->items = mem_grow(links->items, &links->cap, links->count + 1, sizeof *links->items);
    links->items[links->count++] = url;
    links->bytes += strlen(url);
}

static void push_date(struct record_links *links, int64_t date)
{
    links->dates = mem_grow(links->dates, &links->dates_cap, links->dates_count + 1, sizeof *links->dates);
    links->dates[links->dates_count++] = date;
}

bool record_add_link(struct record *r, const char *url, size_t n)
{
    return record_add_dated_link(r, url, n, 0);
}

bool record_add_dated_link(struct record *r, const char *url, size_t n, int64_t date)
{
    if (n > LIMIT_URL || !has_room(&r->links, n)) {
        r->links_cut++;
        return false;
    }
    push_link(&r->links, mem_strndup(url, n));
    if (date <= 0 && !r->links.dates) return true;
    while (r->links.dates_count + 1 < r->links.count) push_date(&r->links, 0); /* those before the first that has one */
    push_date(&r->links, date > 0 ? date : 0);
    return true;
}

void record_cut_links(struct record *r, size_t keep)
{
    struct record_links *links = &r->links;
    for (; links->count > keep; links->count--) {
        char *url = links->items[links->count - 1];
        links->bytes -= strlen(url);
        free(url);
        r->links_cut++;
    }
    if (links->dates_count > links->count) links->dates_count = links->count;
}

/* --- encoding ------------------------------------------------------------------------------------------------- */

static void add_item(cJSON *object, const char *name, cJSON *item)
{
    if (!item || !cJSON_AddItemToObjectCS(object, name, item)) log_panic("out of memory");
}

static void add_number(cJSON *object, const struct field *f, int64_t value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRId64, value);
    /* Raw: cJSON would print through a double, and 10^15 as 1e+15. */
    add_item(object, f->name, f->type == FIELD_ID ? cJSON_CreateString(digits) : cJSON_CreateRaw(digits));
}

static size_t add_links(cJSON *object, const struct field *f, const struct record_links *links)
{
    size_t bytes = 0;
    cJSON *array = cJSON_CreateArray();
    add_item(object, f->name, array);
    for (size_t i = 0; i < links->count; i++) {
        cJSON *item = cJSON_CreateStringReference(links->items[i]);
        if (!item || !cJSON_AddItemToArray(array, item)) log_panic("out of memory");
        bytes += strlen(links->items[i]) + 3;
    }
    return bytes;
}

static size_t add_dates(cJSON *object, const struct field *f, const struct record_links *links)
{
    cJSON *array = cJSON_CreateArray();
    add_item(object, f->name, array);
    for (size_t i = 0; i < links->dates_count; i++) {
        char digits[32];
        snprintf(digits, sizeof digits, "%" PRId64, links->dates[i]);
        cJSON *item = cJSON_CreateRaw(digits);
        if (!item || !cJSON_AddItemToArray(array, item)) log_panic("out of memory");
    }
    return links->dates_count * 20;
}

/* The record as a tree that borrows its strings; *bytes_r is about what its text will take. */
static cJSON *to_tree(const struct record *r, size_t *bytes_r)
{
    size_t bytes = 64;
    cJSON *object = cJSON_CreateObject();
    struct record *borrowed = (struct record *)(uintptr_t)r; /* only read below */
    if (!object) log_panic("out of memory");
    add_item(object, "v", cJSON_CreateRaw("1"));
    add_item(object, "kind", cJSON_CreateStringReference(record_kind_name(r->kind)));
    for (size_t i = 0; i < FIELDS; i++) {
        const struct field *f = &fields[i];
        if (is_number(f->type)) {
            int64_t value = *number_of(borrowed, f);
            if (value == 0 && f->offset != offsetof(struct record, page)) continue;
            add_number(object, f, value);
            bytes += 48;
        } else if (f->type == FIELD_LINKS) {
            if (r->links.count > 0) bytes += add_links(object, f, &r->links) + 16;
        } else if (f->type == FIELD_DATES) {
            if (r->links.dates_count > 0) bytes += add_dates(object, f, &r->links) + 16;
        } else if (*string_of(borrowed, f)) {
            add_item(object, f->name, cJSON_CreateStringReference(*string_of(borrowed, f)));
            bytes += strlen(*string_of(borrowed, f)) + 24;
        }
    }
    *bytes_r = bytes;
    return object;
}

/* Prints into out with room for n bytes at most; false if they do not suffice. */
static bool print_tree(cJSON *tree, struct buf *out, size_t n)
{
    size_t room = out->max - out->len;
    if (!buf_reserve(out, n < room ? n : room)) return false;
    char *start = out->data + out->len;
    if (!cJSON_PrintPreallocated(tree, start, (int)(out->cap - out->len), false)) {
        *start = '\0';
        return false;
    }
    out->len += strlen(start);
    return true;
}

bool record_encode(const struct record *r, struct buf *out)
{
    if ((unsigned)r->kind >= RECORD_KINDS) log_panic("record of kind %d", (int)r->kind);
    size_t bytes;
    cJSON *tree = to_tree(r, &bytes);
    /* Few characters of real text need an escape; six times the size holds the worst that there is. */
    bool ok = print_tree(tree, out, bytes + bytes / 8) || print_tree(tree, out, bytes * 6);
    cJSON_Delete(tree);
    if (!ok) out->failed = true;
    return ok;
}

/* --- decoding ------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static enum record_status bad(struct record_error *error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(error->text, sizeof error->text, format, ap);
    va_end(ap);
    return RECORD_BAD;
}

/* A JSON integer from 0 to max. */
static bool integer_of(const cJSON *item, int64_t max, int64_t *value_r)
{
    if (!cJSON_IsNumber(item)) return false;
    double d = item->valuedouble;
    if (!(d >= 0 && d <= (double)max) || d != (double)(int64_t)d) return false;
    *value_r = (int64_t)d;
    return true;
}

static bool id_of(const cJSON *item, int64_t *value_r)
{
    if (!cJSON_IsString(item)) return false;
    const char *s = item->valuestring;
    size_t n = strlen(s);
    if (n == 0 || n > 19 || strspn(s, "0123456789") != n || (n > 1 && *s == '0')) return false;
    unsigned long long value = strtoull(s, NULL, 10); /* 19 digits always fit */
    if (value > INT64_MAX) return false;
    *value_r = (int64_t)value;
    return true;
}

/* http or https, printable, not too long. Canonical form is the business of url.h. */
static bool url_plausible(const char *s)
{
    if (strncmp(s, "http://", 7) != 0 && strncmp(s, "https://", 8) != 0) return false;
    size_t n = 0;
    for (; s[n]; n++)
        if ((unsigned char)s[n] <= ' ' || s[n] == 0x7f) return false;
    return n <= LIMIT_URL;
}

static bool simhash_plausible(const char *s)
{
    return strlen(s) == 16 && strspn(s, "0123456789abcdef") == 16;
}

static enum record_status read_string(const cJSON *item, const struct field *f, struct record_error *error)
{
    if (!cJSON_IsString(item)) return bad(error, "%s: not a string", f->name);
    const char *s = item->valuestring;
    enum code code;
    struct digest digest;
    switch (f->type) {
    case FIELD_URL: return url_plausible(s) ? RECORD_OK : bad(error, "%s: not an http URL of at most %u bytes", f->name, LIMIT_URL);
    case FIELD_CODE: return code_parse(s, &code) ? RECORD_OK : bad(error, "%s: not a known code", f->name);
    case FIELD_DIGEST: return digest_parse(s, &digest) == 0 ? RECORD_OK : bad(error, "%s: not a digest", f->name);
    case FIELD_SIMHASH: return simhash_plausible(s) ? RECORD_OK : bad(error, "%s: not 16 hexadecimal digits", f->name);
    default: return strlen(s) <= f->limit ? RECORD_OK : bad(error, "%s: longer than %u bytes", f->name, f->limit);
    }
}

static enum record_status read_links(cJSON *array, const struct field *f, struct record *r, struct record_error *error)
{
    if (!cJSON_IsArray(array)) return bad(error, "%s: not an array", f->name);
    for (cJSON *item = array->child; item; item = item->next) {
        if (!cJSON_IsString(item) || !url_plausible(item->valuestring))
            return bad(error, "%s: entry %zu is not an http URL of at most %u bytes", f->name, r->links.count + 1, LIMIT_URL);
        if (!has_room(&r->links, strlen(item->valuestring)))
            return bad(error, "%s: more than %u or than %u bytes", f->name, r->links.is_list ? LIMIT_LIST_LINKS : LIMIT_LINKS,
                       r->links.is_list ? LIMIT_LIST_BYTES : LIMIT_LINKS_BYTES);
        push_link(&r->links, item->valuestring);
        item->valuestring = NULL; /* taken */
    }
    return RECORD_OK;
}

static enum record_status read_dates(const cJSON *array, const struct field *f, struct record *r, struct record_error *error)
{
    if (!cJSON_IsArray(array)) return bad(error, "%s: not an array", f->name);
    for (const cJSON *item = array->child; item; item = item->next) {
        int64_t date;
        if (!integer_of(item, INT_MAX_EXACT - 1, &date))
            return bad(error, "%s: entry %zu is not an integer from 0 to 2^53", f->name, r->links.dates_count + 1);
        if (r->links.dates_count >= LIMIT_LIST_LINKS) return bad(error, "%s: more than %u", f->name, LIMIT_LIST_LINKS);
        push_date(&r->links, date);
    }
    return RECORD_OK;
}

static enum record_status read_field(cJSON *item, const struct field *f, struct record *r, struct record_error *error)
{
    enum record_status status;
    switch (f->type) {
    case FIELD_ID:
        if (!id_of(item, number_of(r, f))) return bad(error, "%s: not a string of digits", f->name);
        return RECORD_OK;
    case FIELD_INT:
        if (integer_of(item, f->limit ? (int64_t)f->limit : INT_MAX_EXACT - 1, number_of(r, f))) return RECORD_OK;
        if (f->limit) return bad(error, "%s: not an integer from 0 to %u", f->name, f->limit);
        return bad(error, "%s: not an integer from 0 to 2^53", f->name);
    case FIELD_LINKS: return read_links(item, f, r, error);
    case FIELD_DATES: return read_dates(item, f, r, error);
    default:
        status = read_string(item, f, error);
        if (status != RECORD_OK) return status;
        *string_of(r, f) = item->valuestring;
        item->valuestring = NULL; /* taken */
        return RECORD_OK;
    }
}

static bool field_empty(struct record *r, const struct field *f)
{
    if (is_number(f->type)) return *number_of(r, f) == 0;
    return !is_list(f->type) && (!*string_of(r, f) || !**string_of(r, f));
}

static enum record_status check_required(struct record *r, uint64_t seen, struct record_error *error)
{
    unsigned bit = 1u << r->kind;
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].required & bit && field_empty(r, &fields[i])) return bad(error, "%s: missing", fields[i].name);
    if (r->links.dates_count && r->links.dates_count != r->links.count) return bad(error, "link_dates: not one for each link");
    /* Without a page these are of a robots.txt, or of a message that names none; but that has to be said. */
    if (!(seen & 1) && bit & (BIT(TICKET) | BIT(FETCHED) | BIT(RETURNED) | BIT(VERDICT))) return bad(error, "page: missing");
    if (r->kind == RECORD_TICKET && r->page != 0 && r->crawl == 0) return bad(error, "crawl: missing");
    return RECORD_OK;
}

static enum record_status read_head(const cJSON *object, unsigned kinds, struct record *r, struct record_error *error)
{
    if (!cJSON_IsObject(object)) return bad(error, "not a JSON object");
    int64_t version;
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, "v");
    if (!v) return bad(error, "v: missing");
    error->has_version = true;
    if (!integer_of(v, INT_MAX_EXACT - 1, &version) || version < 1) return bad(error, "v: not a version number");
    if (version > RECORD_VERSION) {
        bad(error, "v: %" PRId64 " is newer than %d", version, RECORD_VERSION);
        return RECORD_NEWER;
    }
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(object, "kind");
    if (!kind) return bad(error, "kind: missing");
    if (!cJSON_IsString(kind)) return bad(error, "kind: not a string");
    int k = 0;
    while (k < RECORD_KINDS && strcmp(kind->valuestring, kind_names[k]) != 0) k++;
    if (k == RECORD_KINDS) return bad(error, "kind: not a known kind");
    if (!(kinds & 1u << k)) return bad(error, "kind: %s is not expected here", kind_names[k]);
    r->kind = (enum record_kind)k;
    r->links.is_list = r->kind == RECORD_EMPTY;
    return RECORD_OK;
}

static enum record_status read_fields(cJSON *object, struct record *r, struct record_error *error)
{
    uint64_t seen = 0;
    size_t next = 0; /* where our own encoder's order lets us expect the next name */
    for (cJSON *item = object->child; item; item = item->next) {
        size_t tried = 0;
        while (tried < FIELDS && strcmp(item->string, fields[(next + tried) % FIELDS].name) != 0) tried++;
        if (tried == FIELDS) continue; /* v, kind, and what a later program of the same version adds */
        size_t i = (next + tried) % FIELDS;
        if (seen >> i & 1) return bad(error, "%s: there twice", fields[i].name);
        seen |= (uint64_t)1 << i;
        enum record_status status = read_field(item, &fields[i], r, error);
        if (status != RECORD_OK) return status;
        next = i + 1;
    }
    return check_required(r, seen, error);
}

static enum record_status from_tree(cJSON *object, unsigned kinds, struct record *r, struct record_error *error)
{
    *r = (struct record){0};
    enum record_status status = read_head(object, kinds, r, error);
    if (status == RECORD_OK) status = read_fields(object, r, error);
    if (status != RECORD_OK) record_release(r);
    return status;
}

/* cJSON cuts a string at an escaped U+0000 without a word. */
static bool has_escaped_nul(const char *json, size_t n)
{
    static const char escape[] = "\\u0000";
    const char *end = json + n;
    for (const char *p = json; (p = memmem(p, (size_t)(end - p), escape, sizeof escape - 1)); p++) {
        size_t before = 0; /* backslashes: an odd number of them makes ours the escaped one */
        while (before < (size_t)(p - json) && p[-1 - (ptrdiff_t)before] == '\\') before++;
        if (before % 2 == 0) return true;
    }
    return false;
}

/* The whole input as one JSON value, or NULL. */
static cJSON *parse(const char *json, size_t n, struct record_error *error)
{
    const char *end = NULL;
    if (n == 0) return bad(error, "empty"), NULL;
    if (n > LIMIT_RECORD) return bad(error, "longer than %u bytes", LIMIT_RECORD), NULL;
    if (!utf8_valid(json, n)) return bad(error, "not UTF-8, or holds a NUL byte"), NULL;
    if (has_escaped_nul(json, n)) return bad(error, "holds U+0000"), NULL;
    cJSON *tree = cJSON_ParseWithLengthOpts(json, n, &end, false);
    if (!tree) return bad(error, "not JSON at byte %td", end ? end - json : (ptrdiff_t)0), NULL;
    while (end < json + n && strchr(" \t\r\n", *end)) end++; /* no NUL is among them: see above */
    if (end == json + n) return tree;
    bad(error, "bytes after the record at byte %td", end - json);
    cJSON_Delete(tree);
    return NULL;
}

enum record_status record_decode(const char *json, size_t n, unsigned kinds, struct record *record_r, struct record_error *error_r)
{
    *record_r = (struct record){0};
    error_r->has_version = false;
    cJSON *tree = parse(json, n, error_r);
    if (!tree) return RECORD_BAD;
    enum record_status status = from_tree(tree, kinds, record_r, error_r);
    cJSON_Delete(tree);
    return status;
}

/* Says which of several records an error is about. */
static void number_error(struct record_error *error, size_t number)
{
    struct record_error plain = *error;
    snprintf(error->text, sizeof error->text, "record %zu: %.130s", number, plain.text);
}

enum record_status record_decode_all(const char *json, size_t n, unsigned kinds, struct record **records_r, size_t *count_r,
                                     struct record_error *error_r)
{
    *records_r = NULL;
    *count_r = 0;
    cJSON *tree = parse(json, n, error_r);
    if (!tree) return RECORD_BAD;
    enum record_status status = RECORD_OK;
    struct record *records = NULL;
    size_t count = 0, want = cJSON_IsArray(tree) ? (size_t)cJSON_GetArraySize(tree) : 1;
    cJSON *item = cJSON_IsArray(tree) ? tree->child : tree;
    if (want > LIMIT_REPORT_RECORDS) {
        status = bad(error_r, "%zu records, not 1 to %u", want, LIMIT_REPORT_RECORDS);
        goto out;
    }
    records = mem_calloc(want, sizeof *records);
    for (; item && status == RECORD_OK; item = item->next) {
        status = from_tree(item, kinds, &records[count], error_r);
        if (status == RECORD_OK)
            count++;
        else if (cJSON_IsArray(tree))
            number_error(error_r, count + 1);
    }
    if (status == RECORD_OK) {
        *records_r = records;
        *count_r = count;
        records = NULL;
    }
out:
    if (records) record_free_all(records, count);
    cJSON_Delete(tree);
    return status;
}
