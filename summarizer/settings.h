/* The summarizer's configuration. */
#ifndef GM_SUMMARIZER_SETTINGS_H
#define GM_SUMMARIZER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"

struct summarizer_settings {
    char *engine; /* "extractive", "llm", "auto" */
    char *base_url, *key, *model, *language;
    int64_t prefetch, sentences;
    int64_t timeout_ms, pause_ms, max_tokens, words, input_max;
    double temperature;
};
extern struct summarizer_settings summarizer_settings;
extern const struct conf_row summarizer_conf[];

/* Checks what the table cannot say. 0, or -1 with words. */
int summarizer_settings_check(struct conf_error *error_r);
/* True if a model is to be asked: SUMMARY_ENGINE=llm, or auto with an endpoint and a model configured. */
bool summarizer_settings_llm(void);

#endif
