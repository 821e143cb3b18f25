/* What a gateway may send to gistmill: server-sent events, cut in two at a place that the first byte tells; their data as a crawl, as
 * text on a terminal, as JSON. However it is cut, the same events come out; nothing that moves a cursor does. */
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "cli/sse.h"
#include "cli/text.h"

#define EVENT_MAX 4096
#define HEARD_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_harmless(const struct buf *text, bool lines)
{
    for (size_t i = 0; i < text->len;) {
        uint32_t c;
        i += text_next(text->data + i, text->len - i, &c);
        if ((c < ' ' && !(lines && c == '\n')) || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e)) abort();
    }
}

static void show(const struct sse_event *event)
{
    struct buf text = BUF_INIT(HEARD_MAX), wrapped = BUF_INIT(HEARD_MAX);
    struct progress p;
    cJSON *json = cJSON_ParseWithLength(event->data, event->n);
    progress_read(json, &p);
    progress_bar(&text, &p, 80, true, false);
    if (text_width(buf_str(&text)) > 80) abort();
    must_be_harmless(&text, false);
    buf_reset(&text);
    progress_line(&text, &p);
    progress_report(&text, &p);
    must_be_harmless(&text, false);
    cJSON_Delete(json);
    for (int lines = 0; lines < 2; lines++) {
        buf_reset(&text);
        buf_reset(&wrapped);
        text_clean(&text, event->data, event->n, lines);
        must_be_harmless(&text, lines);
        text_wrap(&wrapped, buf_str(&text), 40, 2);
        must_be_harmless(&wrapped, true);
    }
    buf_release(&text);
    buf_release(&wrapped);
}

static void on_event(void *context, const struct sse_event *event)
{
    struct buf *heard = context;
    buf_addf(heard, "%s\n", event->name);
    buf_add(heard, event->data, event->n);
    show(event);
}

static void hear(const char *bytes, size_t n, size_t cut, struct buf *heard)
{
    struct sse sse;
    sse_init(&sse, EVENT_MAX, on_event, heard);
    sse_feed(&sse, bytes, cut);
    sse_feed(&sse, bytes + cut, n - cut);
    buf_addf(heard, "id %s\n", sse.id);
    sse_release(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct buf whole = BUF_INIT(HEARD_MAX), parts = BUF_INIT(HEARD_MAX);
    if (!ready) text_init();
    ready = true;
    if (size == 0) return 0;
    const char *bytes = (const char *)data + 1;
    size_t n = size - 1;
    hear(bytes, n, n, &whole);
    hear(bytes, n, n ? data[0] % (n + 1) : 0, &parts);
    if (whole.len != parts.len || (whole.len && memcmp(whole.data, parts.data, whole.len) != 0)) abort();
    buf_release(&whole);
    buf_release(&parts);
    return 0;
}
