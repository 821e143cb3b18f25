/* Purchases; contract in buyer.h. */
#include "summarizer/buyer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"

#define PAUSE_MIN_MS  1000 /* before the first probe; doubles */
#define PROMPT_TOKENS 400  /* of the prompt around an article, title included, at most */
#define STRUCK        64   /* texts whose outages are counted */

/* What the model is asked when it was away: short, and any model can do it. */
static const struct llm_article probe_article = {
    .title = "The new tram",
    .lang = "en",
    .text = "The city opened a new tram line on Monday. It joins the harbour and the university. Trams run every ten minutes.",
    .length =
        sizeof "The city opened a new tram line on Monday. It joins the harbour and the university. Trams run every ten minutes." - 1};

struct buyer_wait {
    struct buyer_wait *next;
    struct purchase *purchase; /* NULL: waits for its turn, or given up in an outage */
    struct buyer *buyer;       /* waits for its turn: in its list */
    struct buyer_order order;
    buyer_done_fn *done;
    void *context;
};

struct purchase {
    struct purchase *prev, *next;
    struct buyer *buyer;
    struct ledger_text text; /* its texts are gone after buyer_ask */
    bool probe, over_budget; /* over_budget: a second try was not allowed */
    int64_t call;            /* row of llm_call */
    struct llm_call *llm;    /* NULL: it has ended */
    /* what came, until the database has it */
    char *summary, *detail;
    enum code reason;
    int64_t tokens_in, tokens_out;
    struct buyer_wait *waits;
};

struct buyer {
    struct llm *llm;
    struct ledger *ledger;
    struct digest recipe;
    int64_t pause_max_ms;
    double price_in, price_cached, price_out;
    int64_t max_tokens, input_max;
    struct purchase *purchases; /* doubly linked */
    struct buyer_wait *later;   /* for whom so many a minute are too few */
    int64_t paused_until;       /* monotonic ms: the server asked for it */
    size_t asking;
    /* the circuit */
    char why[200];    /* "": closed */
    int64_t probe_at; /* monotonic ms */
    int64_t pause_ms;
    int64_t since, fault_at; /* wall clock ms */
    char fault[200];         /* that opened it last */
    bool probing, refused;   /* refused: it opened because of refusals; only a good answer closes it */
    int refusals;            /* texts in a row */
    struct {
        struct digest hash;
        int count;
    } struck[STRUCK];
    size_t struck_next;
};

/* ---- purchases ---- */

static struct purchase *purchase_new(struct buyer *b)
{
    struct purchase *p = mem_zalloc(sizeof *p);
    p->buyer = b;
    p->next = b->purchases;
    if (p->next) p->next->prev = p;
    b->purchases = p;
    return p;
}

static void purchase_free(struct purchase *p)
{
    struct buyer *b = p->buyer;
    for (struct buyer_wait *w = p->waits; w; w = w->next) w->purchase = NULL;
    if (p->prev)
        p->prev->next = p->next;
    else
        b->purchases = p->next;
    if (p->next) p->next->prev = p->prev;
    if (p->llm) {
        llm_cancel(p->llm);
        b->asking--;
    }
    free(p->summary);
    free(p->detail);
    free(p);
}

static struct purchase *find(struct buyer *b, const struct digest *hash)
{
    struct purchase *p = b->purchases;
    while (p && (p->probe || memcmp(p->text.hash.bytes, hash->bytes, DIGEST_BYTES) != 0)) p = p->next;
    return p;
}

static void tell(struct purchase *p, const struct buyer_result *result)
{
    struct buyer_result r = *result;
    while (p->waits) {
        struct buyer_wait *w = p->waits;
        p->waits = w->next;
        w->done(w->context, &r);
        free(w);
        r.tokens_in = r.tokens_out = 0; /* told once: they were used once */
    }
}

/* ---- the circuit ---- */

static void open_circuit(struct buyer *b, bool refused, const char *why)
{
    if (!*b->why) {
        b->pause_ms = PAUSE_MIN_MS < b->pause_max_ms ? PAUSE_MIN_MS : b->pause_max_ms;
        b->since = clock_wall_ms();
        log_error("the model gives no summaries, nothing is taken until it does: %s", why);
    }
    b->fault_at = clock_wall_ms();
    snprintf(b->fault, sizeof b->fault, "%.*s", (int)utf8_floor(why, strnlen(why, sizeof b->fault - 1)), why);
    b->refused |= refused;
    snprintf(b->why, sizeof b->why, "the model: %.*s", (int)utf8_floor(b->fault, strnlen(b->fault, sizeof b->why - sizeof "the model: ")),
             b->fault);
    b->probe_at = clock_mono_ms() + b->pause_ms;
    if (b->probe_at < b->paused_until) b->probe_at = b->paused_until;
}

static void close_circuit(struct buyer *b)
{
    log_info("the model answers again");
    b->why[0] = '\0';
    b->since = clock_wall_ms();
    b->refused = false;
    b->refusals = 0;
}

/* How often the calls for this text looked like an outage, this one included. */
static int strike(struct buyer *b, const struct digest *hash)
{
    for (size_t i = 0; i < STRUCK; i++)
        if (b->struck[i].count && memcmp(b->struck[i].hash.bytes, hash->bytes, DIGEST_BYTES) == 0) return ++b->struck[i].count;
    size_t at = b->struck_next++ % STRUCK;
    b->struck[at].hash = *hash;
    return b->struck[at].count = 1;
}

/* ---- answers ---- */

/* The lease ends with what came; then it is told. False: the database is away, it is tried again. */
static bool deliver(struct purchase *p)
{
    struct ledger *l = p->buyer->ledger;
    const struct buyer_result result = {.end = p->summary ? BUYER_SUMMARY : BUYER_EXTRACT,
                                        .summary = p->summary,
                                        .reason = p->reason,
                                        .detail = p->detail,
                                        .tokens_in = p->tokens_in,
                                        .tokens_out = p->tokens_out};
    const struct ledger_summary summary = {.text = p->summary, .detail = p->detail, .tokens_in = p->tokens_in, .tokens_out = p->tokens_out};
    bool stored = p->summary ? ledger_store(l, &p->text.hash, &summary) : ledger_fail(l, &p->text.hash, p->reason, p->detail);
    if (!stored) return false;
    tell(p, &result);
    purchase_free(p);
    return true;
}

static void end_probe(struct purchase *p, const struct llm_answer *answer, const struct trouble *trouble)
{
    struct buyer *b = p->buyer;
    b->probing = false;
    if (answer->fault == LLM_FINE || (!b->refused && !trouble->outage && answer->fault != LLM_HELD)) {
        close_circuit(b);
    } else {
        b->pause_ms = b->pause_ms * 2 < b->pause_max_ms ? b->pause_ms * 2 : b->pause_max_ms;
        open_circuit(b, false, answer->detail);
    }
    purchase_free(p);
}

static void on_answer(void *context, const struct llm_answer *answer)
{
    struct purchase *p = context;
    struct buyer *b = p->buyer;
    struct trouble trouble = summarizer_trouble(answer->fault, answer->status);
    p->llm = NULL;
    b->asking--;
    p->tokens_in = answer->tokens_in;
    p->tokens_out = answer->tokens_out;
    if (p->probe) {
        end_probe(p, answer, &trouble);
        return;
    }
    bool over = answer->fault == LLM_HELD && p->over_budget;
    bool outage = (trouble.outage && strike(b, &p->text.hash) < BUYER_STRIKES) || (answer->fault == LLM_HELD && !over);
    if (trouble.outage) open_circuit(b, false, answer->detail);
    if (over) {
        const struct buyer_result none = {.end = BUYER_EXTRACT,
                                          .reason = CODE_BUDGET_EXCEEDED,
                                          .detail = "for a second try",
                                          .tokens_in = answer->tokens_in,
                                          .tokens_out = answer->tokens_out};
        tell(p, &none);
    }
    if (over || outage) {
        ledger_drop(b->ledger, &p->text.hash); /* if it does not come to this, the lease runs out */
        purchase_free(p);
        return;
    }
    b->refusals = answer->fault == LLM_FINE ? 0 : b->refusals + 1;
    if (b->refusals >= BUYER_REFUSALS) open_circuit(b, true, answer->detail);
    if (answer->fault == LLM_FINE) p->summary = mem_strdup(answer->summary);
    p->reason = trouble.code;
    p->detail = mem_strdup(answer->detail);
    deliver(p);
}

/* ---- calls ---- */

static int64_t price_of(const struct buyer *b, const struct llm_facts *f)
{
    int64_t cached = f->tokens_cached < f->tokens_in ? f->tokens_cached : f->tokens_in;
    return llround((double)(f->tokens_in - cached) * b->price_in + (double)cached * b->price_cached + (double)f->tokens_out * b->price_out);
}

static bool on_again(void *context, int number)
{
    struct purchase *p = context;
    struct ledger *l = p->buyer->ledger;
    enum ledger_found found = ledger_intend(l, p->probe ? NULL : &p->text, number, &p->call);
    p->over_budget = found == LEDGER_BUDGET;
    return found == LEDGER_OURS && ledger_sent(l, p->call);
}

static void on_received(void *context, const struct llm_facts *facts)
{
    struct purchase *p = context;
    struct buyer *b = p->buyer;
    if (facts->pause_ms > 0) {
        ledger_pause(b->ledger, facts->pause_ms);
        b->paused_until = clock_mono_ms() + facts->pause_ms;
    }
    /* Tokens that were told, or a server that was not reached or only said no. */
    bool settles = facts->tokens_in + facts->tokens_out > 0 || facts->fault == LLM_UNREACHABLE || facts->fault == LLM_HTTP;
    ledger_received(p->buyer->ledger, p->call, facts, price_of(p->buyer, facts), settles);
}

static const struct llm_watch watch = {.again = on_again, .received = on_received};

static void ask(struct purchase *p, const struct llm_article *article)
{
    p->buyer->asking++;
    p->llm = llm_ask_watched(p->buyer->llm, article, &watch, on_answer, p);
}

static void probe(struct buyer *b)
{
    struct purchase *p = purchase_new(b);
    p->probe = true;
    if (!on_again(p, 1)) {
        purchase_free(p);
        return;
    }
    b->probing = true;
    ask(p, &probe_article);
}

/* What a call may take at most: a token for three bytes is more than any tokenizer needs for prose; and the prompt around it. */
static void estimate(const struct buyer *b, struct ledger_text *text)
{
    size_t bytes = strlen(text->text), most = 4 * (size_t)b->input_max;
    int64_t in = (int64_t)(bytes < most ? bytes : most) / 3 + PROMPT_TOKENS;
    text->tokens = in + b->max_tokens;
    text->price = llround((double)in * b->price_in + (double)b->max_tokens * b->price_out);
}

static void join(struct buyer_wait **list, struct buyer_wait *w)
{
    while (*list) list = &(*list)->next; /* in the order they came */
    w->next = NULL;
    *list = w;
}

static void leave(struct buyer_wait **list, struct buyer_wait *w)
{
    while (*list && *list != w) list = &(*list)->next;
    if (*list) *list = w->next;
}

/* What is known without asking. */
static void answer(struct buyer_wait *w, enum ledger_found how, const struct ledger_answer *found)
{
    static const struct {
        enum buyer_end end;
        enum code reason;
        const char *detail;
    } ends[] = {[LEDGER_STORED] = {BUYER_SUMMARY, CODE_OK, ""},
                [LEDGER_FOREIGN] = {BUYER_PENDING, CODE_OK, ""},
                [LEDGER_FAILED] = {BUYER_EXTRACT, CODE_OK, ""},
                [LEDGER_CANCELLED] = {BUYER_EXTRACT, CODE_CANCELLED, "not asked: the crawl is cancelled"},
                [LEDGER_BUDGET] = {BUYER_EXTRACT, CODE_BUDGET_EXCEEDED, ""}};
    const struct buyer_result result = {.end = ends[how].end,
                                        .summary = found->text,
                                        .reason = how == LEDGER_FAILED ? found->reason : ends[how].reason,
                                        .detail = found->detail ? found->detail : ends[how].detail};
    w->done(w->context, &result);
}

static void buy(struct buyer *b, struct buyer_wait *w, int64_t call)
{
    const struct buyer_order *order = &w->order;
    const struct llm_article article = {
        .title = order->title, .lang = order->lang, .text = order->text.text, .length = strlen(order->text.text)};
    struct purchase *p = purchase_new(b);
    p->text = order->text;
    p->text.text = p->text.markdown = NULL;
    p->call = call;
    w->purchase = p;
    join(&p->waits, w);
    ask(p, &article);
}

/* True if it is done, and done has run. */
static bool attempt(struct buyer *b, struct buyer_wait *w)
{
    struct ledger_answer found;
    struct purchase *p = find(b, &w->order.text.hash);
    if (p) {
        w->purchase = p;
        join(&p->waits, w);
        return false;
    }
    if (buyer_down(b)) return false;
    enum ledger_found how = ledger_lease(b->ledger, &w->order.text, &found);
    if (how == LEDGER_LATER) {
        w->buyer = b;
        join(&b->later, w);
    } else if (how == LEDGER_OURS && ledger_sent(b->ledger, found.call)) {
        buy(b, w, found.call);
    } else if (how != LEDGER_AWAY && how != LEDGER_OURS) {
        answer(w, how, &found);
        ledger_answer_release(&found);
        return true;
    }
    return false;
}

struct buyer_wait *buyer_ask(struct buyer *b, const struct buyer_order *order, buyer_done_fn *done, void *context)
{
    struct buyer_wait *w = mem_zalloc(sizeof *w);
    *w = (struct buyer_wait){.order = *order, .done = done, .context = context};
    estimate(b, &w->order.text);
    if (!attempt(b, w)) return w;
    free(w);
    return NULL;
}

/* Those who wait for their turn try again, until the first for whom it is still too early. */
static void serve_later(struct buyer *b)
{
    struct buyer_wait *queue = b->later, *w;
    b->later = NULL;
    while ((w = queue) && !b->later && !buyer_down(b)) {
        queue = w->next;
        w->next = NULL;
        w->buyer = NULL;
        if (attempt(b, w)) free(w);
    }
    if (b->later)
        b->later->next = queue;
    else
        b->later = queue;
}

void buyer_leave(struct buyer_wait *wait)
{
    if (wait->purchase)
        leave(&wait->purchase->waits, wait);
    else if (wait->buyer)
        leave(&wait->buyer->later, wait);
    free(wait);
}

/* ---- life ---- */

struct buyer *buyer_new(const struct buyer_config *config)
{
    struct buyer *b = mem_zalloc(sizeof *b);
    b->llm = config->llm;
    b->pause_max_ms = config->pause_max_ms;
    b->since = clock_wall_ms();
    b->price_in = config->price_in;
    b->price_cached = config->price_cached;
    b->price_out = config->price_out;
    if (digest_parse(config->recipe_hex, &b->recipe) != 0) log_panic("no recipe");
    b->max_tokens = config->max_tokens;
    b->input_max = config->input_max;
    const struct ledger_config ledger = {.url = config->database_url,
                                         .model = config->model,
                                         .recipe = b->recipe,
                                         .endpoint = config->endpoint,
                                         .requests = config->minute_requests,
                                         .tokens = config->minute_tokens,
                                         .lease_ms = config->lease_ms,
                                         .day_tokens = config->day_tokens,
                                         .crawl_tokens = config->crawl_tokens,
                                         .day_price = llround(config->day_money * 1e6),
                                         .crawl_price = llround(config->crawl_money * 1e6)};
    b->ledger = ledger_new(&ledger);
    ledger_tick(b->ledger);
    return b;
}

void buyer_free(struct buyer **buyer)
{
    struct buyer *b = *buyer;
    if (!b) return;
    while (b->purchases) purchase_free(b->purchases);
    ledger_free(&b->ledger);
    free(b);
    *buyer = NULL;
}

void buyer_tick(struct buyer *b)
{
    ledger_tick(b->ledger);
    if (!ledger_up(b->ledger)) return;
    struct purchase *next;
    for (struct purchase *p = b->purchases; p && ledger_up(b->ledger); p = next) {
        next = p->next;
        if (!p->llm) deliver(p); /* what the database did not take before */
    }
    serve_later(b);
    if (*b->why && !b->probing && clock_mono_ms() >= b->probe_at) probe(b);
}

const char *buyer_down(const struct buyer *b)
{
    return *b->why ? b->why : ledger_up(b->ledger) ? NULL : "waiting for the database";
}

struct buyer_circuit buyer_circuit(const struct buyer *b)
{
    bool open = *b->why;
    return (struct buyer_circuit){.name = !open        ? "closed"
                                          : b->probing ? "half-open"
                                                       : "open",
                                  .since = b->since,
                                  .fault = b->fault,
                                  .fault_at = b->fault_at,
                                  .probe_at = open && !b->probing ? clock_wall_ms() + b->probe_at - clock_mono_ms() : 0};
}

size_t buyer_asking(const struct buyer *b)
{
    return b->asking;
}

bool buyer_busy(const struct buyer *b)
{
    const struct purchase *p = b->purchases;
    while (p && (p->probe || !p->llm)) p = p->next;
    return p != NULL;
}

bool buyer_queues(const struct buyer *b)
{
    return b->later != NULL;
}
