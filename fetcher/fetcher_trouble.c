/* What a response means for its page; contract in fetcher_trouble.h. */
#include "fetcher/fetcher_trouble.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

static const struct {
    enum http_failure failure;
    enum code code;
} by_failure[] = {
    {HTTP_BAD_URL, CODE_BAD_URL},
    {HTTP_NO_NAME, CODE_DNS_FAIL},
    {HTTP_NO_RESOLVER, CODE_NO_RESOLVER},
    {HTTP_NO_CONNECTION, CODE_CONNECT_FAIL},
    {HTTP_BLOCKED, CODE_ADDRESS_BLOCKED},
    {HTTP_NO_TLS, CODE_TLS},
    {HTTP_SLOW, CODE_TIMEOUT},
    {HTTP_BROKEN, CODE_BAD_RESPONSE},
    {HTTP_UNDECODABLE, CODE_BAD_RESPONSE},
    {HTTP_LAYERED, CODE_BAD_ENCODING},
    {HTTP_TOO_LARGE, CODE_TOO_LARGE},
    {HTTP_WRONG_TYPE, CODE_UNSUPPORTED_TYPE},
};

/* The first row that holds a status decides. 408 and 425 say "again, later"; redirects were dealt with before. */
static const struct {
    long from, to;
    enum code code;
} by_status[] = {
    {200, 299, CODE_OK},           {304, 304, CODE_UNCHANGED}, {408, 408, CODE_TIMEOUT},  {425, 425, CODE_TIMEOUT},
    {429, 429, CODE_RATE_LIMITED}, {400, 499, CODE_HTTP_4XX},  {500, 599, CODE_HTTP_5XX},
};

bool fetcher_redirects(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Words of foreign origin: cut, ill-formed bytes replaced, control bytes blanked. */
__attribute__((format(printf, 2, 3))) static void say(struct trouble *t, const char *format, ...)
{
    char raw[LIMIT_DETAIL + 1];
    struct buf clean;
    va_list ap;
    va_start(ap, format);
    vsnprintf(raw, sizeof raw, format, ap);
    va_end(ap);
    buf_init(&clean, 3 * sizeof raw);
    utf8_clean(&clean, raw, strlen(raw));
    size_t n = utf8_floor(buf_str(&clean), clean.len < LIMIT_DETAIL ? clean.len : LIMIT_DETAIL);
    memcpy(t->detail, buf_str(&clean), n);
    t->detail[n] = '\0';
    for (char *c = t->detail; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = ' ';
    buf_release(&clean);
}

static void redirect(struct trouble *t, const struct head *head, const char *url)
{
    t->code = CODE_BAD_RESPONSE;
    if (head->location_dropped) {
        say(t, "%ld with a location of more than %u bytes", head->status, HEAD_LOCATION);
        return;
    }
    if (!*head->location) {
        say(t, "%ld without a location", head->status);
        return;
    }
    enum url_status status = url_resolve(url, head->location, strlen(head->location), &t->location);
    if (status == URL_OK) {
        t->code = CODE_REDIRECTED;
        return;
    }
    t->code = CODE_BAD_URL;
    say(t, "redirect to %.200s: %s", head->location, url_status_text(status));
}

static void judge_status(struct trouble *t, const struct head *head, bool conditional, const char *url, int64_t now_ms)
{
    bool limits = head->status == 429 || head->status == 503;
    bool waits = limits && head_retry_after(head->retry_after, now_ms, &t->retry_after);
    if (fetcher_redirects(head->status)) {
        redirect(t, head, url);
        return;
    }
    for (size_t i = 0; i < sizeof by_status / sizeof *by_status; i++) {
        if (head->status < by_status[i].from || head->status > by_status[i].to) continue;
        t->code = head->status == 503 && waits ? CODE_RATE_LIMITED : by_status[i].code;
        if (t->code == CODE_UNCHANGED && conditional) return;
        if (t->code == CODE_UNCHANGED) t->code = CODE_BAD_RESPONSE; /* nobody asked whether it changed */
        if (t->code != CODE_OK) say(t, "status %ld", head->status);
        return;
    }
    say(t, "status %ld", head->status);
}

void fetcher_trouble(const struct http_response *response, const char *url, int64_t now_ms, struct trouble *t)
{
    const struct head *head = &response->head;
    t->code = CODE_BAD_RESPONSE;
    t->ours = response->failure == HTTP_STARVED;
    t->retry_after = 0;
    t->detail[0] = '\0';
    /* An error or a redirect was said with the head; that its body broke off changes nothing. */
    if (response->failure == HTTP_FINE || (head->complete && head->status >= 300)) {
        judge_status(t, head, response->conditional, url, now_ms);
        return;
    }
    for (size_t i = 0; i < sizeof by_failure / sizeof *by_failure; i++)
        if (by_failure[i].failure == response->failure) t->code = by_failure[i].code;
    say(t, "%s", response->detail);
}
