/* What the files of the extractive engine's judgement share: an article as a graph of sentences. Private to them. */
#ifndef GM_SUMMARIZER_GIST_PARTS_H
#define GM_SUMMARIZER_GIST_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "summarizer/gist.h"
#include "summarizer/gist_lang.h"
#include "summarizer/gist_terms.h"
#include "summarizer/gist_text.h"

/* One sentence as the graph sees it. */
struct gist_node {
    uint32_t from, to; /* its terms: entries [from, to) */
    uint32_t words;
    double length;     /* of its vector, Euclidean */
    double centrality; /* mean 1 */
    double score;
    double likeness; /* to the picked ones, at most */
    bool in;         /* part of the graph */
    bool picked;
};

struct gist_entry {
    uint32_t term;
    float weight;
};

/* Per term. */
struct gist_term {
    uint32_t seen;   /* sentence + 1 that had it last … */
    uint32_t place;  /* … and its entry there */
    uint32_t df;     /* sentences that have it */
    uint32_t window; /* gist_opening: the last window that had it */
    bool title;
    bool stop;
    double sum; /* scratch of a step */
};

struct gist {
    struct gist_weights weights;
    struct gist_langs *langs;
    struct gist_terms *words;
    struct gist_text text;
    struct gist_node *nodes;
    struct gist_entry *entries;
    struct gist_term *terms;
    uint32_t *ids;
    size_t node_cap, entry_count, entry_cap, term_cap, id_cap, node_count, term_count, graph;
};

/* The chance, from 0 to 1, that the text begins with its own opening: its most important sentences. For a graph whose
 * centralities are known. */
double gist_opening(struct gist *g);

#endif
