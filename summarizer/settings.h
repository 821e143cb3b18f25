/* The summarizer's configuration. */
#ifndef GM_SUMMARIZER_SETTINGS_H
#define GM_SUMMARIZER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "summarizer/llm_prompt.h"

struct summarizer_settings {
    char *engine; /* "extractive", "llm", "auto" */
    char *database_url;
    char *base_url, *key, *model, *language, *style;
    int64_t prefetch, sentences;
    int64_t timeout_ms, pause_ms, max_tokens, words, input_max, grace_ms;
    int64_t minute_requests, minute_tokens;
    int64_t day_tokens, crawl_tokens;
    double day_money, crawl_money;
    double price_in, price_cached, price_out;
    double temperature;
};
extern struct summarizer_settings summarizer_settings;
extern const struct conf_row summarizer_conf[];

/* Checks what the table cannot say. 0, or -1 with words. */
int summarizer_settings_check(struct conf_error *error_r);
enum llm_style summarizer_settings_style(void);
/* True if an article without its summary is better than one with an extractive one, when a budget is used up: SUMMARY_ENGINE=llm. */
bool summarizer_settings_owes(void);
/* True if a model is to be asked: SUMMARY_ENGINE=llm, or auto with an endpoint and a model configured. */
bool summarizer_settings_llm(void);

#endif
