/* The extractive engine; contract in gist.h. */
#include "summarizer/gist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "summarizer/gist_parts.h"

#define STEPS_MAX 30   /* of the power iteration; it mostly settles in ten */
#define SAME      0.95 /* a likeness from which on one sentence repeats another */
#define SETTLED   1e-4 /* change of the whole, of 1, that ends it */

/* Found by search over half of each of three collections and checked on the other half; the optimum is flat
 * (docs/SUMMARIES.md). */
const struct gist_weights gist_weights_default = {
    .damping = 0.5,
    .idf = 0.6,
    .stops = 1,
    .norm = 1.2,
    .lead = 2,
    .fade = 0.75,
    .doubt = 0.57,
    .trust = 0.72,
    .title = 0.15,
    .early = 0.12,
    .redundancy = 0.85,
    .short_words = 12,
    .long_words = 45,
};

/* ---- sentences to vectors ---- */

static void add_term(struct gist *g, uint32_t id, uint32_t node)
{
    while (g->term_count <= id) {
        g->terms = mem_grow(g->terms, &g->term_cap, g->term_count + 1, sizeof *g->terms);
        g->terms[g->term_count] = (struct gist_term){.stop = gist_terms_is_stop(g->words, (uint32_t)g->term_count)};
        g->term_count++;
    }
    struct gist_term *t = &g->terms[id];
    if (t->seen == node + 1) {
        g->entries[t->place].weight += 1;
        return;
    }
    g->entries = mem_grow(g->entries, &g->entry_cap, g->entry_count + 1, sizeof *g->entries);
    t->seen = node + 1;
    t->place = (uint32_t)g->entry_count;
    t->df++;
    g->entries[g->entry_count++] = (struct gist_entry){.term = id, .weight = 1};
}

static void add_node(struct gist *g, const struct gist_sentence *s)
{
    uint32_t at = (uint32_t)g->node_count++;
    size_t ids = 0;
    struct gist_node *n = &g->nodes[at];
    *n = (struct gist_node){.from = (uint32_t)g->entry_count};
    n->words = (uint32_t)gist_terms_add(g->words, g->text.clean.data + s->start, s->end - s->start, &g->ids, &ids, &g->id_cap);
    n->in = g->text.blocks[s->block].prose && ids > 0;
    if (n->in) {
        for (size_t i = 0; i < ids; i++) add_term(g, g->ids[i], at);
        g->graph++;
    }
    n->to = (uint32_t)g->entry_count;
}

static double rarity(const struct gist *g, uint32_t df)
{
    return pow(log(1 + (double)g->graph / df), g->weights.idf);
}

static void weigh_terms(struct gist *g)
{
    double few[8] = {0}; /* most terms are in few sentences: reckoned once */
    for (uint32_t df = 1; df < 8; df++) few[df] = rarity(g, df);
    for (size_t i = 0; i < g->term_count; i++) {
        struct gist_term *t = &g->terms[i];
        t->sum = (t->df < 8 ? few[t->df] : rarity(g, t->df)) * (t->stop ? g->weights.stops : 1);
    }
    for (size_t i = 0; i < g->node_count; i++) {
        struct gist_node *n = &g->nodes[i];
        double square = 0;
        for (uint32_t k = n->from; k < n->to; k++) {
            struct gist_entry *e = &g->entries[k];
            e->weight *= (float)g->terms[e->term].sum;
            square += (double)e->weight * e->weight;
        }
        n->length = sqrt(square);
        double by = n->in ? pow(n->length, -g->weights.norm) : 0;
        for (uint32_t k = n->from; k < n->to; k++) g->entries[k].weight *= (float)by;
    }
}

/* ---- centrality ---- */

/* terms.sum = Σ over nodes of x × vector */
static void gather(struct gist *g, const double *x)
{
    for (size_t t = 0; t < g->term_count; t++) g->terms[t].sum = 0;
    for (size_t i = 0; i < g->node_count; i++)
        for (uint32_t k = g->nodes[i].from; k < g->nodes[i].to; k++) g->terms[g->entries[k].term].sum += x[i] * g->entries[k].weight;
}

/* The vector of a node times terms.sum, its own share x taken out. */
static double spread(const struct gist *g, const struct gist_node *n, double x)
{
    double sum = 0, self = 0;
    for (uint32_t k = n->from; k < n->to; k++) {
        sum += g->entries[k].weight * g->terms[g->entries[k].term].sum;
        self += (double)g->entries[k].weight * g->entries[k].weight;
    }
    return fmax(0, sum - x * self);
}

/* PageRank over similarities: what a sentence is worth it shares out among the others, in proportion to likeness. */
static void rank(struct gist *g)
{
    size_t n = g->node_count;
    double *x = mem_calloc(3 * n, sizeof *x), *degree = x + n, *share = x + 2 * n;
    for (size_t i = 0; i < n; i++) share[i] = 1;
    gather(g, share);
    for (size_t i = 0; i < n; i++) {
        degree[i] = spread(g, &g->nodes[i], 1);
        x[i] = g->nodes[i].in ? 1.0 / (double)g->graph : 0;
    }
    double change = 1;
    for (int step = 0; step < STEPS_MAX && change > SETTLED; step++) {
        double loose = 0; /* of those like no other */
        for (size_t i = 0; i < n; i++) {
            share[i] = degree[i] > 0 ? x[i] / degree[i] : 0;
            loose += degree[i] > 0 ? 0 : x[i];
        }
        gather(g, share);
        change = 0;
        for (size_t i = 0; i < n; i++) {
            if (!g->nodes[i].in) continue;
            double next = (1 - g->weights.damping + g->weights.damping * loose) / (double)g->graph +
                          g->weights.damping * spread(g, &g->nodes[i], share[i]);
            change += fabs(next - x[i]);
            x[i] = next;
        }
    }
    for (size_t i = 0; i < n; i++) g->nodes[i].centrality = x[i] * (double)g->graph;
    free(x);
}

/* ---- the signs ---- */

static double title_share(const struct gist *g, const struct gist_node *n, size_t titles)
{
    size_t hits = 0;
    if (!titles) return 0;
    for (uint32_t k = n->from; k < n->to; k++) hits += g->terms[g->entries[k].term].title;
    return (double)hits / (double)titles;
}

static size_t mark_title(struct gist *g, const char *title)
{
    size_t ids = 0, marked = 0;
    if (!title) return 0;
    gist_terms_add(g->words, title, strlen(title), &g->ids, &ids, &g->id_cap);
    for (size_t i = 0; i < ids; i++) {
        if (g->ids[i] >= g->term_count || g->terms[g->ids[i]].stop) continue; /* in no sentence, or in any */
        marked += !g->terms[g->ids[i]].title;
        g->terms[g->ids[i]].title = true;
    }
    return marked;
}

static void judge(struct gist *g, const struct gist_request *request, double opening)
{
    const struct gist_weights *w = &g->weights;
    size_t titles = mark_title(g, request->title);
    double best = 0, lead = w->lead * fmin(1, fmax(0, (opening - w->doubt) / (w->trust - w->doubt)));
    size_t place = 0;
    for (size_t i = 0; i < g->node_count; i++)
        if (g->text.items[i].fit) best = fmax(best, g->nodes[i].centrality);
    for (size_t i = 0; i < g->node_count; i++) {
        struct gist_node *n = &g->nodes[i];
        const struct gist_sentence *s = &g->text.items[i];
        double score = best > 0 ? n->centrality / best : 0;
        if (n->words < w->short_words) score *= n->words / w->short_words;
        if (n->words > w->long_words) score *= w->long_words / n->words;
        score += w->title * title_share(g, n, titles);
        score += w->early * (1 - (double)i / (double)g->node_count);
        if (s->fit) score += lead * pow(w->fade, (double)place++);
        n->score = score;
    }
}

/* ---- the choice ---- */

static void liken(struct gist *g, const struct gist_node *to)
{
    for (size_t t = 0; t < g->term_count; t++) g->terms[t].sum = 0;
    for (uint32_t k = to->from; k < to->to; k++) g->terms[g->entries[k].term].sum = g->entries[k].weight;
    double to_length = pow(to->length, 1 - g->weights.norm);
    for (size_t i = 0; i < g->node_count; i++) {
        struct gist_node *n = &g->nodes[i];
        double dot = 0, length = pow(n->length, 1 - g->weights.norm) * to_length;
        for (uint32_t k = n->from; k < n->to; k++) dot += g->entries[k].weight * g->terms[g->entries[k].term].sum;
        if (length > 0) n->likeness = fmax(n->likeness, dot / length);
    }
}

/* Picks up to `want` sentences; only fit ones unless loosely. Returns their number. */
static int pick(struct gist *g, int want, bool loosely)
{
    int picked = 0;
    while (picked < want) {
        struct gist_node *best = NULL;
        double best_value = 0;
        for (size_t i = 0; i < g->node_count; i++) {
            struct gist_node *n = &g->nodes[i];
            double value = n->score - g->weights.redundancy * n->likeness;
            bool open = !n->picked && n->likeness < SAME && (g->text.items[i].fit || loosely);
            if (!open || (best && value <= best_value)) continue;
            best = n;
            best_value = value;
        }
        if (!best) break;
        best->picked = true;
        picked++;
        liken(g, best);
    }
    return picked;
}

/* As much as fits. */
static void add_cut(struct buf *out, const char *s, size_t n)
{
    size_t room = out->max - out->len;
    buf_add(out, s, n <= room ? n : utf8_floor(s, room));
}

static void write_out(const struct gist *g, struct buf *out)
{
    for (size_t i = 0; i < g->node_count; i++) {
        const struct gist_sentence *s = &g->text.items[i];
        if (!g->nodes[i].picked) continue;
        if (out->len && !buf_add_char(out, '\n')) return;
        add_cut(out, g->text.clean.data + s->start, s->end - s->start);
    }
}

/* ---- public ---- */

struct gist *gist_new(const struct gist_weights *weights)
{
    struct gist *g = mem_zalloc(sizeof *g);
    g->weights = weights ? *weights : gist_weights_default;
    g->langs = gist_langs_new();
    g->words = gist_terms_new();
    gist_text_init(&g->text);
    return g;
}

void gist_free(struct gist **gist)
{
    struct gist *g = *gist;
    if (!g) return;
    gist_text_release(&g->text);
    gist_terms_free(&g->words);
    gist_langs_free(&g->langs);
    free(g->nodes);
    free(g->entries);
    free(g->terms);
    free(g->ids);
    free(g);
    *gist = NULL;
}

void gist_result_init(struct gist_result *result)
{
    *result = (struct gist_result){.summary = BUF_INIT(LIMIT_SUMMARY), .lang = ""};
}

void gist_result_release(struct gist_result *result)
{
    buf_release(&result->summary);
    gist_result_init(result);
}

void gist_summarise(struct gist *g, const struct gist_request *request, struct gist_result *result_r)
{
    struct gist_lang *lang = gist_langs_find(g->langs, request->lang);
    if (!*lang->code) lang = gist_langs_guess(g->langs, request->text, request->length);
    gist_text_split(&g->text, lang, request->text, request->length, request->markdown);
    if (!g->text.fit_count && g->text.shape.count) /* a page that is nothing but a list */
        gist_text_split(&g->text, lang, request->text, request->length, NULL);
    gist_terms_reset(g->words, g->langs, lang);
    g->node_count = g->entry_count = g->term_count = g->graph = 0;
    g->nodes = mem_grow(g->nodes, &g->node_cap, g->text.count, sizeof *g->nodes);
    for (size_t i = 0; i < g->text.count; i++) add_node(g, &g->text.items[i]);
    weigh_terms(g);
    if (g->node_count) rank(g);
    double opening = g->node_count ? gist_opening(g) : 0;
    judge(g, request, opening);

    size_t cap = (size_t)request->sentences * GIST_SENTENCE_BYTES;
    buf_release(&result_r->summary);
    buf_init(&result_r->summary, cap < LIMIT_SUMMARY ? cap : LIMIT_SUMMARY);
    result_r->picked = pick(g, request->sentences, false);
    if (!result_r->picked) result_r->picked = pick(g, request->sentences, true);
    write_out(g, &result_r->summary);
    result_r->cut = result_r->summary.len == 0 && g->text.clean.len > 0;
    if (result_r->cut) add_cut(&result_r->summary, g->text.clean.data, g->text.clean.len - 1); /* its last byte ends a line */
    result_r->sentences = g->text.count;
    result_r->lang = lang->code;
    result_r->capped = g->text.capped;
    result_r->opening = opening > 0.5;
}
