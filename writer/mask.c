/* Masks on PCRE2; contract in mask.h. */
#include "writer/mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"

struct mask {
    pcre2_code *code;
    size_t size;
    char pattern[];
};

/* One of each for the process: it has one thread. A pair of offsets is all that a search without captures wants. */
static pcre2_match_context *limits(void)
{
    static pcre2_match_context *context;
    if (context) return context;
    context = pcre2_match_context_create(NULL);
    if (!context) log_panic("out of memory");
    pcre2_set_match_limit(context, MASK_STEPS);
    pcre2_set_depth_limit(context, MASK_STEPS);
    pcre2_set_heap_limit(context, MASK_HEAP_KB);
    return context;
}

static pcre2_match_data *match_data(void)
{
    static pcre2_match_data *data;
    if (!data) data = pcre2_match_data_create(1, NULL);
    if (!data) log_panic("out of memory");
    return data;
}

static void fault(struct mask_error *e, size_t at, const char *text)
{
    e->at = at;
    snprintf(e->text, sizeof e->text, "%s", text);
}

struct mask *mask_new(const char *pattern, struct mask_error *error_r)
{
    size_t n = strlen(pattern), plain = 0, at;
    int number;
    while (pattern[plain] >= ' ' && pattern[plain] <= '~') plain++;
    if (n == 0) return fault(error_r, 0, "empty"), NULL;
    if (n > LIMIT_MASK) return fault(error_r, LIMIT_MASK, "longer than a mask may be"), NULL;
    if (plain < n) return fault(error_r, plain, "not printable ASCII; in URLs other characters are percent-encoded"), NULL;
    /* No UTF mode, whatever the pattern asks for: it checks each subject, and widens what a step may cost. */
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, n, PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C, &number, &at, NULL);
    if (!code) {
        char text[sizeof error_r->text];
        pcre2_get_error_message(number, (PCRE2_UCHAR *)text, sizeof text);
        fault(error_r, at, text);
        return NULL;
    }
    struct mask *m = mem_zalloc(sizeof *m + n + 1);
    m->code = code;
    memcpy(m->pattern, pattern, n);
    pcre2_pattern_info(code, PCRE2_INFO_SIZE, &m->size);
    return m;
}

void mask_free(struct mask **mask)
{
    if (!*mask) return;
    pcre2_code_free((*mask)->code);
    free(*mask);
    *mask = NULL;
}

const char *mask_pattern(const struct mask *m)
{
    return m->pattern;
}

size_t mask_size(const struct mask *m)
{
    return m->size;
}

enum mask_result mask_search(const struct mask *m, const char *subject, size_t n)
{
    int found = pcre2_match(m->code, (PCRE2_SPTR)subject, n, 0, 0, match_data(), limits());
    if (found >= 0) return MASK_YES; /* 0: more captures than offsets are kept for */
    return found == PCRE2_ERROR_NOMATCH ? MASK_NO : MASK_LIMIT;
}
