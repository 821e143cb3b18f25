/* Configuration; contract in settings.h. */
#include "summarizer/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "line/pg.h"
#include "summarizer/gist.h"
#include "summarizer/llm.h"

struct summarizer_settings summarizer_settings;

#define S summarizer_settings
const struct conf_row summarizer_conf[] = {
    {"PREFETCH", CONF_INT, &S.prefetch, "16", 1, 1000, 0, "articles in hand, and so questions to the model, at once"},
    {"SUMMARY_ENGINE", CONF_STRING, &S.engine, "auto", 0, 20, 0,
     "extractive, llm, or auto: llm if OPENAI_BASE_URL and SUMMARY_MODEL are set"},
    {"SUMMARY_SENTENCES", CONF_INT, &S.sentences, "3", 1, GIST_SENTENCES_MAX, 0, "extractive: sentences of a summary"},
    {"DATABASE_URL", CONF_STRING, &S.database_url, "postgresql:///gistmill", 0, 2000, CONF_SECRET,
     "the database, as libpq reads it; used with a model only"},
    {"OPENAI_BASE_URL", CONF_STRING, &S.base_url, "", 0, 1000, 0, "an OpenAI-compatible endpoint, such as http://127.0.0.1:11434/v1"},
    {"OPENAI_API_KEY", CONF_STRING, &S.key, "", 0, 4000, CONF_SECRET, "its key; empty for none"},
    {"SUMMARY_MODEL", CONF_STRING, &S.model, "", 0, 200, 0, "the model's name there"},
    {"SUMMARY_TIMEOUT", CONF_MS, &S.timeout_ms, "1m", 50, 240000, 0, "all that is done with the model for one article; less than HOLD_MAX"},
    {"SUMMARY_GRACE", CONF_MS, &S.grace_ms, "30s", 100, 600000, 0, "added to SUMMARY_TIMEOUT: then somebody else may ask for the text"},
    {"SUMMARY_PAUSE", CONF_MS, &S.pause_ms, "30s", 50, 3600000, 0, "longest wait before a model that is out of order is tried again"},
    {"SUMMARY_MAX_TOKENS", CONF_INT, &S.max_tokens, "600", 16, 100000, 0, "tokens the model may answer with"},
    {"SUMMARY_TEMPERATURE", CONF_REAL, &S.temperature, "0.2", 0, 2, 0, "the model's temperature"},
    {"SUMMARY_WORDS", CONF_INT, &S.words, "80", 5, 2000, 0, "words asked of the model"},
    {"SUMMARY_LANGUAGE", CONF_STRING, &S.language, "auto", 0, 80, 0, "the model's summaries: auto (the article's), a code or a name"},
    {"SUMMARY_STYLE", CONF_STRING, &S.style, "paragraph", 0, 20, 0,
     "the model's summaries: paragraph, bullets, or json: an object of summary and points"},
    {"SUMMARY_INPUT_MAX", CONF_INT, &S.input_max, "24000", 200, 500000, 0,
     "characters of an article shown to the model, from its beginning"},
    {"SUMMARY_RPM", CONF_INT, &S.minute_requests, "0", 0, 1e6, 0, "requests a minute, of all summarizers together; 0: as many as it takes"},
    {"SUMMARY_TPM", CONF_INT, &S.minute_tokens, "0", 0, 1e9, 0, "tokens a minute, in and out, of all together; 0: as many as it takes"},
    {"BUDGET_DAY_TOKENS", CONF_INT, &S.day_tokens, "0", 0, 1e15, 0, "of all crawls, a day in UTC; 0: as many as it takes"},
    {"BUDGET_DAY_MONEY", CONF_REAL, &S.day_money, "0", 0, 1e9, 0, "the same in the currency of the prices"},
    {"BUDGET_CRAWL_TOKENS", CONF_INT, &S.crawl_tokens, "0", 0, 1e15, 0, "of each crawl; 0: as many as it takes"},
    {"BUDGET_CRAWL_MONEY", CONF_REAL, &S.crawl_money, "0", 0, 1e9, 0, "the same in the currency of the prices"},
    {"PRICE_INPUT", CONF_REAL, &S.price_in, "0", 0, 1e6, 0, "of a million tokens put in, in any currency"},
    {"PRICE_CACHED", CONF_REAL, &S.price_cached, "0", 0, 1e6, 0, "of a million tokens put in that the provider had in its cache"},
    {"PRICE_OUTPUT", CONF_REAL, &S.price_out, "0", 0, 1e6, 0, "of a million tokens that came out"},
    CONF_END,
};
#undef S

static int fault(struct conf_error *error, const char *words)
{
    snprintf(error->text, sizeof error->text, "%s", words);
    return -1;
}

static int style_of(const char *name)
{
    static const char *const names[] = {[LLM_PARAGRAPH] = "paragraph", [LLM_BULLETS] = "bullets", [LLM_JSON] = "json"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

enum llm_style summarizer_settings_style(void)
{
    return (enum llm_style)style_of(summarizer_settings.style);
}

static bool is_endpoint(const char *base)
{
    struct buf url = BUF_INIT(4096);
    bool good = llm_endpoint(base, &url);
    buf_release(&url);
    return good;
}

int summarizer_settings_check(struct conf_error *error_r)
{
    const struct summarizer_settings *s = &summarizer_settings;
    bool model = strcmp(s->engine, "llm") == 0;
    if (!model && strcmp(s->engine, "auto") != 0 && strcmp(s->engine, "extractive") != 0)
        return fault(error_r, "SUMMARY_ENGINE: must be extractive, llm or auto");
    if (model && (!*s->base_url || !*s->model)) return fault(error_r, "SUMMARY_ENGINE=llm needs OPENAI_BASE_URL and SUMMARY_MODEL");
    if (*s->base_url && !is_endpoint(s->base_url))
        return fault(error_r, "OPENAI_BASE_URL: must be http://HOST… or https://HOST… without ?, # and @");
    if (summarizer_settings_llm() && !pg_url_valid(s->database_url))
        return fault(error_r, "DATABASE_URL=***: must be postgresql://user:password@host:port/name, or what else libpq reads");
    if (style_of(s->style) < 0) return fault(error_r, "SUMMARY_STYLE: must be paragraph, bullets or json");
    if (!*s->language) return fault(error_r, "SUMMARY_LANGUAGE: must be auto, a language code or a name");
    for (const char *c = s->key; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c > '~')
            return fault(error_r, "OPENAI_API_KEY: holds blanks or other characters no key has");
    return 0;
}

bool summarizer_settings_owes(void)
{
    return strcmp(summarizer_settings.engine, "llm") == 0;
}

bool summarizer_settings_llm(void)
{
    const struct summarizer_settings *s = &summarizer_settings;
    return strcmp(s->engine, "extractive") != 0 && *s->base_url && *s->model;
}
