/* What a response means for its page: the one place of this program where failures become codes. */
#ifndef GM_FETCHER_TROUBLE_H
#define GM_FETCHER_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "fetcher/http.h"
#include "line/codes.h"
#include "line/limits.h"
#include "line/url.h"

struct trouble {
    enum code code;                /* CODE_OK: pass the body on */
    bool ours;                     /* no verdict on the page: this program could not try; the ticket goes back */
    int64_t retry_after;           /* seconds the server asked for, 0 if none */
    char detail[LIMIT_DETAIL + 1]; /* words, clean UTF-8; "" if the code says it all */
    struct url location;           /* with CODE_REDIRECTED */
};

/* url: the canonical URL that was asked for. now_ms: wall clock, for Retry-After. */
void fetcher_trouble(const struct http_response *response, const char *url, int64_t now_ms, struct trouble *trouble_r);

/* True for the statuses that send a client elsewhere: 301, 302, 303, 307, 308. */
bool fetcher_redirects(long status);

#endif
