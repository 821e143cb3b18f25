/* Parts of a URL; contract in part.h. */
#include "writer/part.h"

#include <string.h>

#include "line/url.h"

void part_first_segment(const char *canonical, struct part *p)
{
    *p = (struct part){.rest = url_path(canonical), .value = ""};
}

bool part_next_segment(struct part *p)
{
    p->rest += strspn(p->rest, "/");
    p->name = p->rest;
    p->name_len = p->len = strcspn(p->rest, "/?");
    p->rest += p->len;
    return p->len > 0;
}

void part_first_parameter(const char *canonical, struct part *p)
{
    const char *query = strchr(canonical, '?');
    *p = (struct part){.rest = query ? query + 1 : ""};
}

bool part_next_parameter(struct part *p)
{
    p->rest += strspn(p->rest, "&;");
    p->name = p->rest;
    p->len = strcspn(p->rest, "&;");
    p->rest += p->len;
    const char *sign = memchr(p->name, '=', p->len);
    p->name_len = sign ? (size_t)(sign - p->name) : p->len;
    p->value = sign ? sign + 1 : "";
    p->value_len = sign ? p->len - p->name_len - 1 : 0;
    return p->len > 0;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void part_decode(const char *text, size_t n, char *out, size_t size)
{
    size_t m = 0;
    for (size_t i = 0; i < n && m + 1 < size; i++) {
        bool coded = text[i] == '%' && n - i > 2 && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
        int c = coded ? digit(text[i + 1]) * 16 + digit(text[i + 2]) : (unsigned char)text[i];
        out[m++] = (char)(c ? c : ' ');
        if (coded) i += 2;
    }
    out[m] = '\0';
}
