/* Tickets; contract in ticket.h. */
#include "fetcher/ticket.h"

enum ticket_step ticket_read(const struct mq_delivery *delivery, int64_t now_ms, struct record *record_r, struct url *url_r,
                             const char **why_r)
{
    static struct record_error error;
    switch (record_decode(delivery->body, delivery->len, 1u << RECORD_TICKET, record_r, &error)) {
    case RECORD_NEWER: return TICKET_NEWER;
    case RECORD_BAD: *why_r = error.text; return error.has_version ? TICKET_BAD : TICKET_FORWARD;
    case RECORD_OK: break;
    }
    /* Law 8. Both checks come first: a ticket that is not used must not say anything about its page. */
    if (delivery->redelivered) {
        *why_r = "redelivered";
        return TICKET_RETURN;
    }
    if (now_ms >= record_r->deadline) {
        *why_r = "past its deadline";
        return TICKET_RETURN;
    }
    enum url_status status = url_parse(record_r->url, url_r);
    if (status != URL_OK) {
        *why_r = url_status_text(status);
        return TICKET_BAD_URL;
    }
    return record_r->page == 0 ? TICKET_ROBOTS : TICKET_PAGE;
}
