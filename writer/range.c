/* Ranges in seeds; contract in range.h. */
#include "writer/range.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "line/limits.h"

#define DIGITS_MAX 15 /* far from the end of int64_t, also multiplied by a step */

/* Where path or query begin. */
static size_t after_host(const char *text, size_t n)
{
    const char *sign = memmem(text, n, "://", 3);
    size_t i = sign ? (size_t)(sign - text) + 3 : 0;
    while (sign && i < n && !strchr("/?#", text[i])) i++;
    return i;
}

static size_t read_number(const char *text, size_t n, int64_t *value_r)
{
    size_t i = 0;
    *value_r = 0;
    while (i < n && i < DIGITS_MAX && isdigit((unsigned char)text[i])) *value_r = *value_r * 10 + text[i++] - '0';
    return i;
}

/* Reads what stands between the brackets. 0: no range; else its length, up to the closing bracket. */
static size_t read_range(const char *text, size_t n, int64_t *min_r, int64_t *max_r, int64_t *step_r, int *width_r)
{
    size_t i = 0, m;
    bool letters = n > 2 && isalpha((unsigned char)text[0]) && text[1] == '-' && isalpha((unsigned char)text[2]);
    *step_r = 1;
    if (letters) {
        *min_r = text[0];
        *max_r = text[2];
        *width_r = -1;
        i = 3;
    } else {
        m = read_number(text, n, min_r);
        *width_r = *text == '0' ? (int)m : 0;
        if (m == 0 || m == n || text[m] != '-') return 0;
        i = m + 1;
        m = read_number(text + i, n - i, max_r);
        if (m == 0) return 0;
        i += m;
    }
    if (i < n && text[i] == ':') {
        m = read_number(text + i + 1, n - i - 1, step_r);
        if (m == 0) return 0;
        i += m + 1;
    }
    return i < n && text[i] == ']' ? i : 0;
}

static bool bad(struct range_error *e, size_t at, const char *what)
{
    snprintf(e->text, sizeof e->text, "range at offset %zu: %s", at, what);
    return false;
}

static bool add(struct range *r, size_t at, size_t len, int64_t min, int64_t max, int64_t step, int width, struct range_error *e)
{
    if (r->count == RANGES_MAX) return bad(e, at, "more ranges than a URL may have");
    if (min > max) return bad(e, at, "it ends before it begins");
    if (width < 0 && (isupper((int)min) != 0) != (isupper((int)max) != 0)) return bad(e, at, "it begins and ends in different cases");
    if (step == 0 || (min == max ? step != 1 : step > max - min)) return bad(e, at, "a step of nothing, or longer than the range");
    int64_t count = (max - min) / step + 1;
    if (count > LIMIT_RANGE || r->total * count > LIMIT_RANGE) return bad(e, at, "it makes more than 10000 URLs of one");
    r->total *= count;
    r->items[r->count].from = at;
    r->items[r->count].to = at + len;
    r->items[r->count].min = min;
    r->items[r->count].step = step;
    r->items[r->count].count = count;
    r->items[r->count++].width = width;
    return true;
}

bool range_parse(const char *text, size_t n, struct range *r, struct range_error *e)
{
    *r = (struct range){.text = text, .len = n, .total = 1, .begin = after_host(text, n)};
    for (size_t i = r->begin; i < n; i++) {
        int64_t min, max, step;
        int width;
        if (text[i] == '\\' && i + 1 < n && strchr("[]", text[i + 1])) {
            i++;
            continue;
        }
        if (text[i] != '[') continue;
        size_t len = read_range(text + i + 1, n - i - 1, &min, &max, &step, &width);
        if (len == 0) continue;
        if (!add(r, i, len + 2, min, max, step, width, e)) return false;
        i += len + 1;
    }
    return true;
}

static size_t write_value(const struct range *r, size_t item, int64_t step, char out[24])
{
    int64_t value = r->items[item].min + step * r->items[item].step;
    int width = r->items[item].width;
    int n = width < 0 ? snprintf(out, 24, "%c", (char)value) : snprintf(out, 24, "%0*lld", width, (long long)value);
    return (size_t)n;
}

bool range_write(const struct range *r, int64_t index, char *out, size_t size)
{
    int64_t steps[RANGES_MAX];
    size_t m = 0, item = 0;
    for (size_t i = r->count; i-- > 0; index /= r->items[i].count) steps[i] = index % r->items[i].count;
    for (size_t i = 0; i < r->len;) {
        char value[24] = {r->text[i]};
        size_t n = 1, next = i + 1;
        if (item < r->count && i == r->items[item].from) {
            n = write_value(r, item, steps[item], value);
            next = r->items[item++].to;
        } else if (i >= r->begin && r->text[i] == '\\' && i + 1 < r->len && strchr("[]", r->text[i + 1])) {
            value[0] = r->text[i + 1];
            next = i + 2;
        }
        if (m + n >= size) return false;
        memcpy(out + m, value, n);
        m += n;
        i = next;
    }
    if (m >= size) return false;
    out[m] = '\0';
    return true;
}
