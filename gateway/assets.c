/* The page's files; contract in assets.h. */
#include "gateway/assets.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "gateway/http.h"

static const struct {
    const char *extension, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".json", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
};

/* Scripts, styles, images and connections of our own alone: whatever markup of a crawled page might reach it, nothing of it runs or loads. */
static const char POLICY[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                             "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static const struct asset *find(const char *path)
{
    if (strcmp(path, "/") == 0) path = "/index.html";
    for (const struct asset *a = assets; a->path; a++)
        if (strcmp(a->path, path) == 0) return a;
    return NULL;
}

bool asset_exists(const char *path)
{
    return find(path) != NULL;
}

static const char *type_of(const char *path)
{
    const char *extension = strrchr(path, '.');
    for (size_t i = 0; extension && i < sizeof types / sizeof *types; i++)
        if (strcmp(extension, types[i].extension) == 0) return types[i].type;
    return "application/octet-stream";
}

void asset_get(struct request *req, struct db *db)
{
    const struct asset *a = find(req->path);
    const char *seen = request_header(req, "If-None-Match");
    char hex[DIGEST_HEX], tag[DIGEST_HEX + 2];
    (void)db;
    struct digest digest = digest_of(a->start, (size_t)(a->end - a->start));
    digest_hex(&digest, hex);
    snprintf(tag, sizeof tag, "\"%s\"", hex);
    req->answer.type = type_of(a->path);
    answer_header(req, "ETag", "%s", tag);
    answer_header(req, "Cache-Control", "no-cache"); /* kept, but asked for again: a new gateway may have another page */
    answer_header(req, "Content-Security-Policy", "%s", POLICY);
    answer_header(req, "Referrer-Policy", "no-referrer"); /* links to crawled pages do not tell them of us */
    req->answer.status = seen && strstr(seen, tag) ? 304 : 200;
    if (req->answer.status == 304) return;
    req->answer.fixed = (const char *)a->start;
    req->answer.fixed_len = (size_t)(a->end - a->start);
}
