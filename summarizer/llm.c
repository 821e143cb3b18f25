/* Asking the model; contract in llm.h. */
#include "summarizer/llm.h"

#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"
#include "summarizer/llm_answer.h"
#include "summarizer/llm_http.h"
#include "summarizer/llm_json.h"

#define TRIES          2
#define AGAIN_MS       500 /* before the second try, if the server names no time */
#define AGAIN_LEFT_MS  200 /* less time than this left is not worth a try */
#define QUESTION_BYTES (16u << 20)

static_assert(DIGEST_HEX == 33, "llm_recipe's contract names the size");

struct llm {
    struct ev_loop *loop;
    struct llm_http *http;
    struct llm_config config;
    char *model, *key, *system;
    struct gist_langs *langs;
    bool completion_tokens, no_temperature; /* learned from the server's refusals, as form is */
    enum llm_json_form form;
    int failures;           /* of the service, in a row */
    int64_t rest_until;     /* monotonic ms; 0: in use */
    bool probing;           /* one call is under way to see whether it is back */
    struct llm_call *calls; /* doubly linked */
};

struct llm_call {
    struct llm_call *prev, *next;
    struct llm *llm;
    char *user;     /* the article's part of the prompt */
    char wanted[8]; /* language of the answer: a tag, or "" for any */
    struct llm_prompt_cut cut;
    int64_t deadline;    /* monotonic ms */
    int tries, requests; /* requests: also those that were put anew as the server likes */
    bool probe;
    bool completion_tokens, no_temperature; /* as it was put */
    enum llm_json_form form;
    int64_t tokens_in, tokens_out;
    struct llm_http_call *http; /* NULL while waiting for the second try */
    ev_timer wait;
    const struct llm_watch *watch; /* NULL: nobody */
    int64_t posted_at;             /* monotonic ms */
    llm_done_fn *done;
    void *context;
};

/* ---- address and recipe ---- */

bool llm_endpoint(const char *base, struct buf *out)
{
    static const char tail[] = "/chat/completions";
    size_t n = strlen(base), scheme = strncasecmp(base, "http://", 7) == 0 ? 7 : strncasecmp(base, "https://", 8) == 0 ? 8 : 0;
    while (n > scheme && base[n - 1] == '/') n--;
    if (scheme == 0 || n == scheme || strcspn(base, " \t\r\n?#@") < n) return false;
    bool path = memchr(base + scheme, '/', n - scheme) != NULL;
    bool whole = n > sizeof tail - 1 && memcmp(base + n - (sizeof tail - 1), tail, sizeof tail - 1) == 0;
    buf_add(out, base, n);
    if (!path) buf_add_str(out, "/v1");
    if (!whole) buf_add_str(out, tail);
    return !buf_failed(out);
}

void llm_recipe(const struct llm_config *config, char hex_r[33])
{
    struct buf text = BUF_INIT(1u << 16);
    static const char words[] = "x x x x x";
    const struct llm_article samples[] = {{.title = "t", .lang = "", .text = words, .length = 1},
                                          {.title = "t", .lang = "", .text = words, .length = sizeof words - 1}};
    struct llm_prompt_config whole_and_cut = config->prompt;
    struct llm_prompt_cut cut;
    whole_and_cut.input_max = 5;
    buf_addf(&text, "llm\nmodel=%s\nmax_tokens=%" PRId64 "\ntemperature=%g\ninput=%" PRId64 "\n", config->model, config->max_tokens,
             config->temperature, config->prompt.input_max);
    llm_prompt_system(&text, &config->prompt);
    buf_add_char(&text, '\n');
    for (size_t i = 0; i < 2; i++) llm_prompt_user(&text, &whole_and_cut, &samples[i], &cut); /* the wording around every article */
    struct digest digest = digest_of(buf_str(&text), text.len);
    digest_hex(&digest, hex_r);
    buf_release(&text);
}

/* ---- the circuit ---- */

bool llm_resting(struct llm *llm)
{
    if (llm->rest_until == 0) return false;
    return llm->probing || clock_mono_ms() < llm->rest_until;
}

static void note_failure(struct llm *llm, bool probe, const char *why)
{
    if (llm->failures < LLM_FAILURES_MAX) llm->failures++;
    if (llm->failures < LLM_FAILURES_MAX && !probe) return;
    bool rests = llm->rest_until && clock_mono_ms() < llm->rest_until;
    if (rests) return; /* one that was asked before the rest began */
    llm->rest_until = clock_mono_ms() + llm->config.pause_ms;
    log_error("the model does not answer, extractive summaries for %" PRId64 " s: %s", llm->config.pause_ms / 1000, why);
}

static void note_success(struct llm *llm)
{
    if (llm->rest_until) log_info("the model answers again");
    llm->failures = 0;
    llm->rest_until = 0;
}

static void note(struct llm *llm, bool probe, bool outage, const char *why)
{
    if (outage)
        note_failure(llm, probe, why);
    else
        note_success(llm);
}

/* ---- one call ---- */

static void call_unlink(struct llm_call *call)
{
    if (call->prev)
        call->prev->next = call->next;
    else
        call->llm->calls = call->next;
    if (call->next) call->next->prev = call->prev;
    if (call->probe) call->llm->probing = false;
    ev_timer_stop(call->llm->loop, &call->wait);
}

static void call_free(struct llm_call *call)
{
    free(call->user);
    free(call);
}

static void finish(struct llm_call *call, struct llm_answer *answer)
{
    char detail[LIMIT_DETAIL];
    struct trouble trouble = summarizer_trouble(answer->fault, answer->status);
    if (!call->watch) note(call->llm, call->probe, trouble.outage, answer->detail);
    if (answer->fault == LLM_FINE && call->cut.sent < call->cut.whole) {
        snprintf(detail, sizeof detail, "the model was given the first %zu of %zu characters", call->cut.sent, call->cut.whole);
        answer->detail = detail;
    }
    answer->tokens_in = call->tokens_in;
    answer->tokens_out = call->tokens_out;
    call_unlink(call);
    call->done(call->context, answer);
    call_free(call);
}

static void on_reply(void *context, const struct llm_http_reply *reply);

static void post(struct llm_call *call)
{
    struct llm *llm = call->llm;
    struct buf body = BUF_INIT(QUESTION_BYTES);
    struct llm_json_request request = {.model = llm->model,
                                       .system = llm->system,
                                       .user = call->user,
                                       .max_tokens = llm->config.max_tokens,
                                       .temperature = llm->config.temperature,
                                       .form = llm->form,
                                       .completion_tokens = llm->completion_tokens,
                                       .no_temperature = llm->no_temperature};
    if (!llm_json_request(&body, &request)) log_panic("a question of more than %u bytes", QUESTION_BYTES);
    int64_t left = call->deadline - clock_mono_ms();
    call->tries++;
    call->completion_tokens = llm->completion_tokens;
    call->no_temperature = llm->no_temperature;
    call->form = llm->form;
    call->posted_at = clock_mono_ms();
    call->http = llm_http_post(llm->http, buf_str(&body), body.len, left > 1 ? left : 1, on_reply, call);
    buf_release(&body);
}

static void post_again(struct llm_call *call)
{
    struct llm_answer held = {.fault = LLM_HELD, .summary = "", .detail = "its books cannot be kept now"};
    if (call->watch && !call->watch->again(call->context, ++call->requests))
        finish(call, &held);
    else
        post(call);
}

static void on_wait(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)revents;
    post_again(w->data);
}

/* ---- replies ---- */

static enum llm_fault fault_of_reply(const struct llm_http_reply *reply, const struct llm_json_response *response)
{
    static const enum llm_fault faults[] = {[LLM_HTTP_ANSWERED] = LLM_FINE,
                                            [LLM_HTTP_UNREACHABLE] = LLM_UNREACHABLE,
                                            [LLM_HTTP_SLOW] = LLM_SLOW,
                                            [LLM_HTTP_BROKEN] = LLM_BROKEN,
                                            [LLM_HTTP_TOO_LARGE] = LLM_TOO_LARGE};
    if (reply->how != LLM_HTTP_ANSWERED) return faults[reply->how];
    if (reply->status != 200) return LLM_HTTP;
    if (!response->valid) return LLM_NO_JSON;
    return response->refused ? LLM_REFUSAL : LLM_FINE;
}

static enum llm_fault fault_of_answer(const struct llm_call *call, const struct llm_json_response *response, struct buf *summary)
{
    static const enum llm_fault faults[] = {
        [LLM_ANSWER_GOOD] = LLM_FINE,      [LLM_ANSWER_EMPTY] = LLM_EMPTY,     [LLM_ANSWER_LONG] = LLM_TOO_LONG,
        [LLM_ANSWER_BROKEN] = LLM_CUT_OFF, [LLM_ANSWER_REFUSAL] = LLM_REFUSAL, [LLM_ANSWER_MARKUP] = LLM_MARKUP};
    const struct llm *llm = call->llm;
    enum llm_fault fault =
        faults[llm_answer_read(response->content, response->cut_off, llm->config.prompt.words, llm->config.prompt.style, summary)];
    if (fault == LLM_FINE && llm_answer_is_foreign(llm->langs, buf_str(summary), call->wanted)) fault = LLM_LANGUAGE;
    if (fault != LLM_FINE || llm->config.prompt.style != LLM_JSON) return fault;
    char *answer = buf_take(summary);
    bool good = llm_json_summary(summary, answer);
    free(answer);
    return good ? LLM_FINE : LLM_EMPTY;
}

/* A server that wants other parameters says so; the question is then put as it likes, and that is no try. */
static bool adapt(struct llm_call *call, const struct llm_http_reply *reply, const struct llm_json_response *response)
{
    struct llm *llm = call->llm;
    bool tokens = response->wants_completion_tokens && !call->completion_tokens;
    if (reply->status == 400 && response->wants_no_format && call->form != LLM_FORM_TEXT) {
        if (llm->form == call->form) {
            llm->form--;
            log_info("the model does not take that kind of response_format: %s", response->error);
        }
        return true;
    }
    bool temperature = !tokens && response->wants_no_temperature && !call->no_temperature;
    if (reply->status != 400 || !(tokens || temperature)) return false;
    if ((tokens && !llm->completion_tokens) || (temperature && !llm->no_temperature))
        log_info("the model wants %s: %s", tokens ? "max_completion_tokens" : "no temperature", response->error);
    llm->completion_tokens |= tokens;
    llm->no_temperature |= temperature;
    return true;
}

/* True if the call goes on with a second try. */
static bool try_again(struct llm_call *call, const struct trouble *trouble, int64_t retry_after_ms)
{
    int64_t wait = retry_after_ms > AGAIN_MS ? retry_after_ms : AGAIN_MS;
    if (!trouble->again || call->tries >= TRIES) return false;
    if (!trouble->outage) wait = 0; /* the server is well: it just answered */
    if (call->deadline - clock_mono_ms() < wait + AGAIN_LEFT_MS) return false;
    ev_timer_set(&call->wait, (double)wait / 1000, 0);
    ev_timer_start(call->llm->loop, &call->wait);
    return true;
}

static void describe(char *detail, size_t size, const struct llm_http_reply *reply, const struct llm_json_response *response,
                     const struct trouble *trouble)
{
    const char *more = *reply->detail ? reply->detail : response->error;
    if (reply->how == LLM_HTTP_ANSWERED && reply->status != 200)
        snprintf(detail, size, "%s %ld%s%s", trouble->text, reply->status, *more ? ": " : "", more);
    else
        snprintf(detail, size, "%s%s%s", trouble->text, *more ? ": " : "", more);
}

/* Some servers repeat a wrong key in their answer. */
static void hide_key(const struct llm *llm, char *words)
{
    size_t n = strlen(llm->key);
    for (char *at = n ? strstr(words, llm->key) : NULL; at; at = strstr(at, llm->key)) memset(at, '*', n);
}

static void tell(struct llm_call *call, const struct llm_http_reply *reply, const struct llm_json_response *response)
{
    const struct llm_facts facts = {.fault = fault_of_reply(reply, response),
                                    .status = reply->status,
                                    .id = *reply->id ? reply->id : response->id,
                                    .tokens_in = response->tokens_in,
                                    .tokens_cached = response->tokens_cached,
                                    .tokens_out = response->tokens_out,
                                    .ms = clock_mono_ms() - call->posted_at,
                                    .pause_ms = reply->retry_after_ms > reply->limit_ms ? reply->retry_after_ms : reply->limit_ms};
    call->watch->received(call->context, &facts);
}

static void on_reply(void *context, const struct llm_http_reply *reply)
{
    struct llm_call *call = context;
    struct llm *llm = call->llm;
    struct llm_json_response response;
    struct buf summary = BUF_INIT(LIMIT_SUMMARY);
    char detail[LIMIT_DETAIL] = "";
    call->http = NULL;
    llm_json_response(reply->body, reply->length, &response);
    call->tokens_in += response.tokens_in;
    call->tokens_out += response.tokens_out;
    hide_key(llm, response.error);
    if (call->watch) tell(call, reply, &response);
    if (adapt(call, reply, &response)) {
        call->tries--;
        post_again(call);
        goto out;
    }
    struct llm_answer answer = {.fault = fault_of_reply(reply, &response), .status = reply->status, .detail = detail};
    if (answer.fault == LLM_FINE) answer.fault = fault_of_answer(call, &response, &summary);
    struct trouble trouble = summarizer_trouble(answer.fault, answer.status);
    if (try_again(call, &trouble, reply->retry_after_ms)) goto out;
    if (answer.fault != LLM_FINE) describe(detail, sizeof detail, reply, &response, &trouble);
    answer.summary = buf_str(&summary);
    finish(call, &answer);
out:
    llm_json_release(&response);
    buf_release(&summary);
}

/* ---- public ---- */

struct llm *llm_new(struct ev_loop *loop, const struct llm_config *config)
{
    struct llm *llm = mem_zalloc(sizeof *llm);
    struct buf url = BUF_INIT(4096), system = BUF_INIT(1u << 16);
    if (!llm_endpoint(config->base_url, &url)) log_panic("no endpoint");
    struct llm_http_config http = {
        .url = buf_str(&url), .key = config->key, .connections = (size_t)config->concurrency, .answer_max = LLM_ANSWER_BYTES};
    llm->loop = loop;
    llm->config = *config;
    llm->form = config->prompt.style == LLM_JSON ? LLM_FORM_SCHEMA : LLM_FORM_TEXT;
    llm->model = mem_strdup(config->model);
    llm->key = mem_strdup(config->key);
    llm_prompt_system(&system, &config->prompt);
    llm->system = buf_take(&system);
    llm->langs = gist_langs_new();
    llm->http = llm_http_new(loop, &http);
    buf_release(&url);
    return llm;
}

void llm_free(struct llm **llm)
{
    struct llm *l = *llm;
    if (!l) return;
    while (l->calls) llm_cancel(l->calls);
    llm_http_free(&l->http);
    gist_langs_free(&l->langs);
    free(l->model);
    free(l->key);
    free(l->system);
    free(l);
    *llm = NULL;
}

/* As it is said in the prompt; where that names none, as the article is. */
static const char *wanted_language(const struct llm *llm, const struct llm_article *article)
{
    const char *language = llm->config.prompt.language;
    if (strcmp(language, "auto") != 0) return language; /* a name ("simple English") is no tag: anything will do */
    if (article->lang && *article->lang) return article->lang;
    return gist_langs_guess(llm->langs, article->text, article->length)->code;
}

struct llm_call *llm_ask(struct llm *llm, const struct llm_article *article, llm_done_fn *done, void *context)
{
    return llm_ask_watched(llm, article, NULL, done, context);
}

struct llm_call *llm_ask_watched(struct llm *llm, const struct llm_article *article, const struct llm_watch *watch, llm_done_fn *done,
                                 void *context)
{
    struct llm_call *call = mem_zalloc(sizeof *call);
    struct buf user = BUF_INIT(QUESTION_BYTES);
    call->llm = llm;
    call->watch = watch;
    call->requests = 1;
    call->done = done;
    call->context = context;
    call->deadline = clock_mono_ms() + llm->config.timeout_ms;
    call->probe = !watch && llm->rest_until != 0;
    llm->probing |= call->probe;
    ev_init(&call->wait, on_wait);
    call->wait.data = call;
    call->next = llm->calls;
    if (llm->calls) llm->calls->prev = call;
    llm->calls = call;
    snprintf(call->wanted, sizeof call->wanted, "%s", wanted_language(llm, article));
    llm_prompt_user(&user, &llm->config.prompt, article, &call->cut);
    call->user = buf_take(&user);
    post(call);
    return call;
}

void llm_cancel(struct llm_call *call)
{
    call_unlink(call);
    if (call->http) llm_http_cancel(call->http);
    call_free(call);
}
