/* The extractive engine: the sentences of an article that say most of it, word for word, in text order.
 *
 * How it judges (docs/SUMMARIES.md has the measurements): a sentence counts by its centrality (how much it shares with the
 * sentences that share much: PageRank over cosine similarities, as LexRank (Erkan and Radev 2004) and TextRank (Mihalcea and
 * Tarau 2004) do), by its place where the text keeps its opening, by its length, by the title's words in it; a sentence too like one already picked counts less (MMR, Carbonell and Goldstein 1998).
 * The graph is never built: a step of the power iteration goes sentence → terms → sentence, so time is linear in the
 * text. Texts are read up to LIMIT_TEXT and GIST_SENTENCES_READ; the result says so.
 *
 * Pure: no files, no network, no clock; the same input gives the same summary. One engine serves one thread. */
#ifndef GM_SUMMARIZER_GIST_H
#define GM_SUMMARIZER_GIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define GIST_VERSION        "gist-2" /* part of the recipe: changes whenever summaries change */
#define GIST_SENTENCES      3
#define GIST_SENTENCES_MAX  100
#define GIST_SENTENCE_BYTES 2048u /* a summary is at most this times the sentences asked for */

/* What each sign weighs. */
struct gist_weights {
    double damping;    /* of the PageRank */
    double idf;        /* power of a term's rarity in the article: 0 counts all alike */
    double stops;      /* what a stop word counts, of a word of the same rarity: function words tell running prose */
    double norm;       /* a sentence's vector is divided by its length to this power: 1 is the cosine, less favours long ones */
    double lead;       /* the first sentence of a text that keeps its opening; fades with the next ones */
    double fade;       /* from sentence to sentence of the opening */
    double doubt;      /* a chance below this that it is one: the place counts nothing … */
    double trust;      /* … and from this on all of it; between them in proportion */
    double title;      /* all words of the title */
    double early;      /* place in a text without its opening: first against last sentence */
    double redundancy; /* likeness to a picked sentence */
    double short_words, long_words; /* sentences outside lose in proportion */
};
extern const struct gist_weights gist_weights_default;

struct gist;

struct gist_request {
    const char *text; /* well-formed UTF-8, blank lines between blocks */
    size_t length;
    const char *markdown; /* the same article as the parser's Markdown, which tells lists, code, tables and headings; NULL or "": unknown */
    const char *title;    /* NULL or "": unknown */
    const char *lang;     /* BCP 47; NULL or "": guessed */
    int sentences;        /* 1 to GIST_SENTENCES_MAX */
};

struct gist_result {
    struct buf summary; /* one sentence a line, no newline at the end; empty only if the text is */
    int picked;         /* sentences in it */
    size_t sentences;   /* in the text */
    const char *lang;   /* the language worked with, "" if none was recognised; lives as long as the engine */
    bool opening;       /* the text was taken to keep its opening */
    bool capped;        /* only the first LIMIT_TEXT bytes, or GIST_SENTENCES_READ sentences, were looked at */
    bool cut;           /* no sentence could be had: the text itself, cut at the cap */
};

/* weights: NULL for the default. */
struct gist *gist_new(const struct gist_weights *weights);
void gist_free(struct gist **gist);
void gist_result_init(struct gist_result *result);
void gist_result_release(struct gist_result *result);
/* Summarises; never fails. result_r must have been initialised; an earlier summary in it is replaced. */
void gist_summarise(struct gist *gist, const struct gist_request *request, struct gist_result *result_r);

#endif
