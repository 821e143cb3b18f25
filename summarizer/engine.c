/* Which engine summarises; contract in engine.h. */
#include "summarizer/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "summarizer/gist.h"
#include "summarizer/llm.h"
#include "summarizer/settings.h"

struct engine {
    struct gist *gist;
    struct gist_result result;
    struct llm *llm; /* NULL: no model */
    char gist_recipe[DIGEST_HEX], llm_recipe[DIGEST_HEX];
    struct engine_stats stats;
};

struct engine_call {
    struct engine *engine;
    struct engine_article article;
    struct llm_call *llm;
    engine_done_fn *done;
    void *context;
};

static void gist_recipe(char hex_r[DIGEST_HEX])
{
    char text[100];
    int n = snprintf(text, sizeof text, "extractive\n%s\nsentences=%" PRId64 "\n", GIST_VERSION, summarizer_settings.sentences);
    struct digest digest = digest_of(text, (size_t)n);
    digest_hex(&digest, hex_r);
}

struct engine *engine_new(struct ev_loop *loop)
{
    const struct summarizer_settings *s = &summarizer_settings;
    struct engine *e = mem_zalloc(sizeof *e);
    e->gist = gist_new(NULL);
    gist_result_init(&e->result);
    gist_recipe(e->gist_recipe);
    if (!summarizer_settings_llm()) return e;
    struct llm_config config = {
        .base_url = s->base_url,
        .key = s->key,
        .model = s->model,
        .timeout_ms = s->timeout_ms,
        .pause_ms = s->pause_ms,
        .max_tokens = s->max_tokens,
        .temperature = s->temperature,
        .concurrency = s->prefetch + EXPRESS_WINDOW,
        .prompt = {.style = summarizer_settings_style(), .words = s->words, .language = s->language, .input_max = s->input_max}};
    llm_recipe(&config, e->llm_recipe);
    e->llm = llm_new(loop, &config);
    return e;
}

void engine_free(struct engine **engine)
{
    struct engine *e = *engine;
    if (!e) return;
    llm_free(&e->llm);
    gist_result_release(&e->result);
    gist_free(&e->gist);
    free(e);
    *engine = NULL;
}

/* ---- extractive ---- */

/* Both fit: the room is the second one's. */
static void say_capped(struct buf *words, const char *detail, bool capped)
{
    static const char beginning[] = "only the beginning of this long text was weighed";
    size_t n = strlen(detail), most = capped ? LIMIT_DETAIL - sizeof beginning - 2 : LIMIT_DETAIL;
    buf_add(words, detail, n < most ? n : utf8_floor(detail, most));
    if (capped) buf_addf(words, "%s%s", n ? "; " : "", beginning);
}

/* answer: what the model said instead, with its tokens; NULL if it was not asked. */
static void extract(struct engine *e, const struct engine_article *article, enum code reason, const char *detail,
                    const struct llm_answer *answer, engine_done_fn *done, void *context)
{
    struct gist_request request = {.text = article->text,
                                   .length = article->length,
                                   .markdown = article->markdown,
                                   .title = article->title,
                                   .lang = article->lang,
                                   .sentences = (int)summarizer_settings.sentences};
    gist_summarise(e->gist, &request, &e->result);
    struct buf words = BUF_INIT(4 * LIMIT_DETAIL);
    say_capped(&words, detail, e->result.capped);
    e->stats.extractive++;
    if (reason != CODE_OK) e->stats.fallbacks[reason]++;
    struct engine_summary summary = {.text = buf_str(&e->result.summary),
                                     .engine = "extractive",
                                     .recipe = e->gist_recipe,
                                     .lang = e->result.lang,
                                     .reason = reason,
                                     .detail = buf_str(&words),
                                     .tokens_in = answer ? answer->tokens_in : 0,
                                     .tokens_out = answer ? answer->tokens_out : 0};
    done(context, &summary);
    buf_release(&words);
}

/* ---- the model ---- */

static void on_answer(void *context, const struct llm_answer *answer)
{
    struct engine_call *call = context;
    struct engine *e = call->engine;
    struct buf detail = BUF_INIT(4 * LIMIT_DETAIL);
    utf8_clean(&detail, answer->detail, strlen(answer->detail));
    if (detail.len > LIMIT_DETAIL) buf_truncate(&detail, utf8_floor(detail.data, LIMIT_DETAIL));
    e->stats.asking--;
    e->stats.tokens_in += (uint64_t)answer->tokens_in;
    e->stats.tokens_out += (uint64_t)answer->tokens_out;
    if (answer->fault == LLM_FINE) {
        struct engine_summary summary = {.text = answer->summary,
                                         .engine = "llm",
                                         .model = summarizer_settings.model,
                                         .recipe = e->llm_recipe,
                                         .reason = CODE_OK,
                                         .detail = buf_str(&detail),
                                         .tokens_in = answer->tokens_in,
                                         .tokens_out = answer->tokens_out};
        e->stats.llm++;
        call->done(call->context, &summary);
    } else {
        struct trouble trouble = summarizer_trouble(answer->fault, answer->status);
        extract(e, &call->article, trouble.code, buf_str(&detail), answer, call->done, call->context);
    }
    buf_release(&detail);
    free(call);
}

bool engine_would_use(const struct engine *e, const char *recipe)
{
    return recipe && strcmp(recipe, e->llm ? e->llm_recipe : e->gist_recipe) == 0;
}

struct engine_call *engine_ask(struct engine *engine, const struct engine_article *article, engine_done_fn *done, void *context)
{
    struct trouble resting = summarizer_trouble(LLM_RESTING, 0);
    if (!engine->llm || article->length == 0) {
        extract(engine, article, CODE_OK, "", NULL, done, context);
        return NULL;
    }
    if (llm_resting(engine->llm)) {
        extract(engine, article, resting.code, resting.text, NULL, done, context);
        return NULL;
    }
    struct engine_call *call = mem_zalloc(sizeof *call);
    *call = (struct engine_call){.engine = engine, .article = *article, .done = done, .context = context};
    const struct llm_article question = {.title = article->title, .lang = article->lang, .text = article->text, .length = article->length};
    engine->stats.asking++;
    call->llm = llm_ask(engine->llm, &question, on_answer, call);
    return call;
}

struct llm *engine_llm(const struct engine *engine)
{
    return engine->llm;
}

const char *engine_llm_recipe(const struct engine *engine)
{
    return engine->llm_recipe;
}

void engine_note(struct engine *engine, bool llm, int64_t tokens_in, int64_t tokens_out)
{
    engine->stats.llm += llm;
    engine->stats.tokens_in += (uint64_t)tokens_in;
    engine->stats.tokens_out += (uint64_t)tokens_out;
}

void engine_extract(struct engine *engine, const struct engine_article *article, enum code reason, const char *detail, engine_done_fn *done,
                    void *context)
{
    extract(engine, article, reason, detail, NULL, done, context);
}

void engine_cancel(struct engine_call *call)
{
    call->engine->stats.asking--;
    llm_cancel(call->llm);
    free(call);
}

void engine_stats(const struct engine *engine, struct engine_stats *stats_r)
{
    *stats_r = engine->stats;
    stats_r->resting = engine->llm && llm_resting(engine->llm);
}
