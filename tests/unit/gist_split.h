/* A text cut into sentences: what tests of gist_text.h begin and end with. */
#ifndef GM_TEST_GIST_SPLIT_H
#define GM_TEST_GIST_SPLIT_H

#include "test.h"

#include <string.h>

#include "base/buf.h"
#include "summarizer/gist_lang.h"
#include "summarizer/gist_text.h"

static struct gist_langs *langs;
static struct gist_text text;

static inline int begin(void **state)
{
    (void)state;
    langs = gist_langs_new();
    gist_text_init(&text);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    gist_text_release(&text);
    gist_langs_free(&langs);
    return 0;
}

/* All sentences (or only the fit ones), joined by bars, to be freed. `text` has them till the next call. */
static inline char *split(const char *lang, const char *s, bool fit_only)
{
    struct buf out = BUF_INIT(1u << 20);
    gist_text_split(&text, gist_langs_find(langs, lang), s, strlen(s), NULL);
    for (size_t i = 0; i < text.count; i++) {
        if (fit_only && !text.items[i].fit) continue;
        if (out.len) buf_add_char(&out, '|');
        buf_add(&out, text.clean.data + text.items[i].start, text.items[i].end - text.items[i].start);
    }
    return buf_take(&out);
}

#endif
