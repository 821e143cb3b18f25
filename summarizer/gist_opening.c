/* Does a text keep its opening? Contract in gist_parts.h.
 *
 * A report says the most important first, and no other sign beats that; a text whose abstract or lead is elsewhere begins
 * anywhere. What tells them apart is in the text: an opening holds much of what the text comes back to; a report quotes
 * people, is short, and has few brackets and few paragraphs that lead to lists and code. */
#include <math.h>
#include <string.h>

#include "summarizer/gist_parts.h"

#define WINDOW       3    /* sentences of an opening */
#define SPEECH_MAX   0.1  /* direct speech in a tenth of the sentences is as good as more */
#define BRACKETS_MAX 0.05 /* of the bytes: as bad as more */

/* Logistic, fitted to texts with and without their opening (docs/SUMMARIES.md). */
static const struct {
    double base, cover, height, speech, size, brackets, colons;
} weights = {.base = 3.95, .cover = 2.2, .height = 1.3, .speech = 44, .size = -1, .brackets = -33, .colons = -2.15};

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

/* Brackets of all kinds, as a share of the bytes. */
static double brackets(const struct gist *g)
{
    const char *s = buf_str(&g->text.clean);
    size_t hits = 0;
    for (size_t at = strcspn(s, "()[]{}`_"); s[at]; at += 1 + strcspn(s + at + 1, "()[]{}`_")) hits++;
    return (double)hits / (double)g->text.clean.len;
}

/* Paragraphs that lead to something else, a fit sentence. */
static double colons(const struct gist *g, size_t fit)
{
    size_t hits = 0;
    for (size_t i = 0; i < g->text.block_count; i++) hits += g->text.clean.data[g->text.blocks[i].end - 1] == ':';
    return (double)hits / (double)fit;
}

/* How much of what the text repeats these sentences hold together. `mark` is the window's own number, not 0. */
static double cover(struct gist *g, const size_t window[WINDOW], uint32_t mark)
{
    double sum = 0;
    for (int w = 0; w < WINDOW; w++) {
        const struct gist_node *n = &g->nodes[window[w]];
        for (uint32_t k = n->from; k < n->to; k++) {
            struct gist_term *t = &g->terms[g->entries[k].term];
            if (t->window != mark && t->df > 1 && !t->stop) sum += t->df;
            t->window = mark;
        }
    }
    return sum;
}

double gist_opening(struct gist *g)
{
    size_t window[WINDOW] = {0}, fit = 0;
    double best = 0, head = 0, first = 0, below = 0, windows = 0;
    for (size_t i = 0; i < g->node_count; i++) {
        if (!g->text.items[i].fit) continue;
        best = fmax(best, g->nodes[i].centrality);
        if (fit++ < WINDOW) head = best;
        memmove(window, window + 1, sizeof window - sizeof *window);
        window[WINDOW - 1] = i;
        if (fit < WINDOW) continue;
        double held = cover(g, window, (uint32_t)fit);
        if (fit == WINDOW) first = held;
        below += held < first ? 1 : held == first ? 0.5 : 0;
        windows++;
    }
    if (fit < WINDOW || best <= 0) return 1; /* so short a text is all opening */
    double z = weights.base + weights.cover * (below / windows - 0.5) + weights.height * log(head / best) +
               weights.speech * fmin(SPEECH_MAX, speech(g)) + weights.size * log((double)fit) +
               weights.brackets * fmin(BRACKETS_MAX, brackets(g)) + weights.colons * colons(g, fit);
    return 1 / (1 + exp(-z));
}
