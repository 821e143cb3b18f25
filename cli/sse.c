/* Server-sent events; contract in sse.h. */
#include "cli/sse.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX 64 /* bytes of an event's name */

void sse_init(struct sse *sse, size_t max, sse_event_fn *on_event, void *context)
{
    *sse = (struct sse){.on_event = on_event, .context = context};
    buf_init(&sse->line, max);
    buf_init(&sse->name, NAME_MAX);
    buf_init(&sse->data, max);
}

void sse_release(struct sse *sse)
{
    buf_release(&sse->line);
    buf_release(&sse->name);
    buf_release(&sse->data);
}

static void forget_event(struct sse *sse)
{
    buf_reset(&sse->name);
    buf_reset(&sse->data);
    sse->has_data = sse->too_large = false;
}

void sse_restart(struct sse *sse)
{
    forget_event(sse);
    buf_reset(&sse->line);
    memcpy(sse->next_id, sse->id, sizeof sse->id);
    sse->skip_feed = sse->begun = false;
}

static void dispatch(struct sse *sse)
{
    bool whole = sse->has_data && !sse->too_large && !buf_failed(&sse->data) && !buf_failed(&sse->name);
    struct sse_event event = {sse->name.len ? buf_str(&sse->name) : "message", buf_str(&sse->data), sse->data.len};
    memcpy(sse->id, sse->next_id, sizeof sse->id); /* not before the event is whole, or a cut connection would lose it */
    if (whole) sse->on_event(sse->context, &event);
    forget_event(sse);
}

static void set_id(struct sse *sse, const char *value, size_t n)
{
    if (n >= sizeof sse->next_id || memchr(value, '\0', n)) return; /* the standard: an id with U+0000 does not count */
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)value[i] < ' ') return; /* it goes back in a header */
    memcpy(sse->next_id, value, n);
    sse->next_id[n] = '\0';
}

static void read_line(struct sse *sse, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n);
    size_t name = colon ? (size_t)(colon - line) : n, skip = name + (colon ? 1 : 0);
    if (colon && skip < n && line[skip] == ' ') skip++;
    const char *value = line + skip;
    size_t value_n = n - skip;
    if (name == 5 && memcmp(line, "event", 5) == 0) {
        buf_reset(&sse->name);
        buf_add(&sse->name, value, value_n);
    } else if (name == 4 && memcmp(line, "data", 4) == 0) {
        if (sse->has_data) buf_add_char(&sse->data, '\n');
        buf_add(&sse->data, value, value_n);
        sse->has_data = true;
    } else if (name == 2 && memcmp(line, "id", 2) == 0) {
        set_id(sse, value, value_n);
    }
}

static void end_line(struct sse *sse)
{
    const char *line = buf_str(&sse->line);
    size_t n = sse->line.len;
    if (!sse->begun && n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) line += 3, n -= 3;
    sse->begun = true;
    if (buf_failed(&sse->line))
        sse->too_large = true;
    else if (n == 0)
        dispatch(sse);
    else if (*line != ':')
        read_line(sse, line, n);
    buf_reset(&sse->line);
}

void sse_feed(struct sse *sse, const char *bytes, size_t n)
{
    while (n > 0) {
        if (sse->skip_feed && *bytes == '\n') { /* of a \r\n */
            sse->skip_feed = false;
            bytes++, n--;
            continue;
        }
        sse->skip_feed = false;
        size_t len = 0;
        while (len < n && bytes[len] != '\n' && bytes[len] != '\r') len++;
        buf_add(&sse->line, bytes, len);
        if (len == n) return;
        sse->skip_feed = bytes[len] == '\r';
        end_line(sse);
        bytes += len + 1;
        n -= len + 1;
    }
}
