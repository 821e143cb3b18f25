/* The extractive engine. Input: a language, the Markdown and the text, parted by the first line end and the first 0 after it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "summarizer/gist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes what is before `stop` off the data, as well-formed UTF-8; owned by the caller. */
static char *take(const uint8_t **data, size_t *size, int stop)
{
    struct buf out = BUF_INIT(3 * (size_t)LIMIT_MARKDOWN);
    const uint8_t *end = *size ? memchr(*data, stop, *size) : NULL;
    size_t n = end ? (size_t)(end - *data) : *size;
    utf8_clean(&out, (const char *)*data, n);
    *data += n + (end != NULL);
    *size -= n + (end != NULL);
    return buf_take(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gist *gist;
    static struct gist_result result;
    if (!gist) {
        gist = gist_new(NULL);
        gist_result_init(&result);
    }
    char *lang = take(&data, &size, '\n'), *markdown = take(&data, &size, 0), *text = take(&data, &size, 0);
    struct gist_request request = {
        .text = text, .length = strlen(text), .markdown = markdown, .title = lang, .lang = lang, .sentences = GIST_SENTENCES};
    gist_summarise(gist, &request, &result);
    const char *summary = buf_str(&result.summary);
    if (strlen(summary) != result.summary.len || !utf8_valid(summary, result.summary.len)) abort();
    if (result.summary.len > GIST_SENTENCES * GIST_SENTENCE_BYTES) abort();
    if (result.picked > GIST_SENTENCES || (size_t)result.picked > result.sentences) abort();
    if (!result.summary.len && text[strspn(text, " \t\n\v\f\r")]) abort();
    free(lang);
    free(markdown);
    free(text);
    return 0;
}
