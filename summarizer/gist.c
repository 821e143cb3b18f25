/* The extractive engine; contract in gist.h. */
#include "summarizer/gist.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "summarizer/gist_lang.h"
#include "summarizer/gist_terms.h"
#include "summarizer/gist_text.h"

#define STEPS_MAX 30   /* of the power iteration; it mostly settles in ten */
#define SAME      0.95 /* a likeness from which on one sentence repeats another */
#define SETTLED   1e-4 /* change of the whole, of 1, that ends it */

/* Found by search over half of each of two collections and checked on the other half; the optimum is flat. */
const struct gist_weights gist_weights_default = {
    .damping = 0.6,
    .idf = 0.7,
    .norm = 1.2,
    .lead = 2,
    .fade = 0.65,
    .trust = 4.5,
    .block = 0.15,
    .title = 0.3,
    .early = 0.2,
    .redundancy = 0.7,
    .short_words = 15,
    .long_words = 70,
};

/* The chance that a text keeps its opening, logistic: fitted to texts with and without. Openings are more central than
 * other sentences; and a text that quotes people is a report, which says the most important first. */
static const struct {
    double base, first, next, height, speech;
} opening_weights = {.base = 0.55, .first = 1.61, .next = 0.65, .height = 2.67, .speech = 34.7};
#define SPEECH_MAX 0.1 /* direct speech in a tenth of the sentences is as good as more */

/* One sentence as the graph sees it. */
struct node {
    uint32_t from, to; /* its terms: entries [from, to) */
    uint32_t words;
    double length;     /* of its vector, Euclidean */
    double centrality; /* mean 1 */
    double score;
    double likeness; /* to the picked ones, at most */
    bool in;         /* part of the graph */
    bool picked;
};

struct entry {
    uint32_t term;
    float weight;
};

/* Per term. */
struct term {
    uint32_t seen;  /* sentence + 1 that had it last … */
    uint32_t place; /* … and its entry there */
    uint32_t df;    /* sentences that have it */
    bool title;
    double sum; /* scratch of a step */
};

struct gist {
    struct gist_weights weights;
    struct gist_langs *langs;
    struct gist_terms *words;
    struct gist_text text;
    struct node *nodes;
    struct entry *entries;
    struct term *terms;
    uint32_t *ids;
    size_t node_cap, entry_count, entry_cap, term_cap, id_cap, node_count, term_count, graph;
};

/* ---- sentences to vectors ---- */

static void add_term(struct gist *g, uint32_t id, uint32_t node)
{
    while (g->term_count <= id) {
        g->terms = mem_grow(g->terms, &g->term_cap, g->term_count + 1, sizeof *g->terms);
        g->terms[g->term_count++] = (struct term){.seen = 0};
    }
    struct term *t = &g->terms[id];
    if (t->seen == node + 1) {
        g->entries[t->place].weight += 1;
        return;
    }
    g->entries = mem_grow(g->entries, &g->entry_cap, g->entry_count + 1, sizeof *g->entries);
    t->seen = node + 1;
    t->place = (uint32_t)g->entry_count;
    t->df++;
    g->entries[g->entry_count++] = (struct entry){.term = id, .weight = 1};
}

static void add_node(struct gist *g, const struct gist_sentence *s)
{
    uint32_t at = (uint32_t)g->node_count++;
    size_t ids = 0;
    struct node *n = &g->nodes[at];
    *n = (struct node){.from = (uint32_t)g->entry_count};
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
    for (size_t t = 0; t < g->term_count; t++) g->terms[t].sum = g->terms[t].df < 8 ? few[g->terms[t].df] : rarity(g, g->terms[t].df);
    for (size_t i = 0; i < g->node_count; i++) {
        struct node *n = &g->nodes[i];
        double square = 0;
        for (uint32_t k = n->from; k < n->to; k++) {
            struct entry *e = &g->entries[k];
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
static double spread(const struct gist *g, const struct node *n, double x)
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

/* ---- does the text keep its opening? ---- */

/* Share of fit sentences less central than this one, equals half. */
static double percentile(const struct gist *g, double centrality)
{
    double below = 0, all = 0;
    for (size_t i = 0; i < g->node_count; i++) {
        if (!g->text.items[i].fit) continue;
        double c = g->nodes[i].centrality;
        below += c < centrality ? 1 : c == centrality ? 0.5 : 0;
        all++;
    }
    return all > 0 ? below / all : 0;
}

/* Length of a quotation mark that may close at s; 0 for none. */
static size_t closing_quote(const char *s)
{
    static const char *const marks[] = {"\"", "\u201c", "\u201d", "\u2019", "\u00ab", "\u00bb"};
    if (*s != '"' && (unsigned char)*s < 0xc2) return 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strncmp(s, marks[i], strlen(marks[i])) == 0) return strlen(marks[i]);
    return 0;
}

/* Pieces of direct speech a sentence, about: `…,"` and `….”`, and `…“,` as others write it. */
static double speech(const struct gist *g)
{
    const char *s = buf_str(&g->text.clean);
    size_t hits = 0;
    for (size_t i = 1; i < g->text.clean.len; i++) {
        size_t width = closing_quote(s + i);
        if (!width) continue;
        char before = s[i - 1], after = s[i + width];
        bool ends = after == ' ' || after == '\n' || after == '\0';
        hits += strchr(",.!?", before) ? ends : width > 1 && after == ',' && before != ' ';
    }
    return (double)hits / (double)g->text.count;
}

/* From 0 to 1; a text of fewer than three sentences is all opening. */
static double opening_chance(const struct gist *g)
{
    double first[3] = {0}, best = 0;
    size_t place = 0;
    for (size_t i = 0; i < g->node_count; i++) {
        if (!g->text.items[i].fit) continue;
        if (place < 3) first[place++] = g->nodes[i].centrality;
        best = fmax(best, g->nodes[i].centrality);
    }
    if (place < 3 || best <= 0) return 1;
    double a = percentile(g, first[0]) - 0.5, b = (percentile(g, first[1]) + percentile(g, first[2])) / 2 - 0.5;
    double height = log(fmax(first[0], fmax(first[1], first[2])) / best);
    double z = opening_weights.base + opening_weights.first * a + opening_weights.next * b + opening_weights.height * height +
               opening_weights.speech * fmin(SPEECH_MAX, speech(g));
    return 1 / (1 + exp(-z));
}

/* ---- the other signs ---- */

static double title_share(const struct gist *g, const struct node *n, size_t titles)
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
        if (g->ids[i] >= g->term_count) continue; /* in no sentence */
        marked += !g->terms[g->ids[i]].title;
        g->terms[g->ids[i]].title = true;
    }
    return marked;
}

static void judge(struct gist *g, const struct gist_request *request, double opening)
{
    const struct gist_weights *w = &g->weights;
    size_t titles = mark_title(g, request->title);
    double best = 0, lead = w->lead * pow(opening, w->trust);
    size_t place = 0;
    for (size_t i = 0; i < g->node_count; i++)
        if (g->text.items[i].fit) best = fmax(best, g->nodes[i].centrality);
    for (size_t i = 0; i < g->node_count; i++) {
        struct node *n = &g->nodes[i];
        const struct gist_sentence *s = &g->text.items[i];
        double score = best > 0 ? n->centrality / best : 0;
        if (n->words < w->short_words) score *= n->words / w->short_words;
        if (n->words > w->long_words) score *= w->long_words / n->words;
        score += w->title * title_share(g, n, titles);
        score += s->first ? w->block : 0;
        score += w->early * (1 - (double)i / (double)g->node_count);
        if (s->fit) score += lead * pow(w->fade, (double)place++);
        n->score = score;
    }
}

/* ---- the choice ---- */

static void liken(struct gist *g, const struct node *to)
{
    for (size_t t = 0; t < g->term_count; t++) g->terms[t].sum = 0;
    for (uint32_t k = to->from; k < to->to; k++) g->terms[g->entries[k].term].sum = g->entries[k].weight;
    double to_length = pow(to->length, 1 - g->weights.norm);
    for (size_t i = 0; i < g->node_count; i++) {
        struct node *n = &g->nodes[i];
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
        struct node *best = NULL;
        double best_value = 0;
        for (size_t i = 0; i < g->node_count; i++) {
            struct node *n = &g->nodes[i];
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
    gist_text_split(&g->text, lang, request->text, request->length);
    gist_terms_reset(g->words, g->langs, lang);
    g->node_count = g->entry_count = g->term_count = g->graph = 0;
    g->nodes = mem_grow(g->nodes, &g->node_cap, g->text.count, sizeof *g->nodes);
    for (size_t i = 0; i < g->text.count; i++) add_node(g, &g->text.items[i]);
    weigh_terms(g);
    if (g->node_count) rank(g);
    double opening = g->node_count ? opening_chance(g) : 0;
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
    result_r->opening = opening > 0.5;
}
