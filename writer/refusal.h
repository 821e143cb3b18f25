/* The closed list of reasons why a URL is not a page of a crawl. They are counted in the table `refused`, by these names in
 * lower case, with samples. Names live in the database: they may be added (and to the table's check), never renamed. The order is
 * the one in which the rules are asked; the first that says no is the one that counts. */
#ifndef GM_WRITER_REFUSAL_H
#define GM_WRITER_REFUSAL_H

#define REFUSAL_LIST(X)                                                                                                                    \
    X(SITEMAP, "sitemap", "not found in a sitemap, and the crawl wants nothing else")                                                      \
    X(DEPTH, "depth", "farther from the seed than the crawl's depth")                                                                      \
    X(URL, "url", "not a URL that can be fetched")                                                                                         \
    X(SCOPE, "scope", "its host is not in the crawl's scope")                                                                              \
    X(PREFIX, "prefix", "its path does not begin with the crawl's prefix")                                                                 \
    X(URL_LENGTH, "url_length", "longer than a page's address is likely to be")                                                            \
    X(PATH_REPEAT, "path_repeat", "one segment of its path comes again and again")                                                         \
    X(PARAMETERS, "parameters", "too many parameters")                                                                                     \
    X(PRESET, "preset", "the crawl's preset leaves it out")                                                                                \
    X(EXCLUDE, "exclude", "a mask of exclude matches")                                                                                     \
    X(INCLUDE, "include", "no mask of include matches")                                                                                    \
    X(MASK_LIMIT, "mask_limit", "a mask took too much work to say whether it matches")                                                     \
    X(LIMIT, "limit", "the crawl has stored as many pages as it wants")                                                                    \
    X(PER_HOST, "per_host", "the crawl has as many pages of this host as it wants")                                                        \
    X(CALENDAR, "calendar", "too many pages that differ only in a date")

enum refusal {
#define X(name, word, text) REFUSED_##name,
    REFUSAL_LIST(X)
#undef X
        REFUSED_COUNT, /* not refused */
    REFUSED_NOT = REFUSED_COUNT
};

/* As in the table `refused`; "" for REFUSED_NOT. */
const char *refusal_name(enum refusal refusal);
/* Words for a person. */
const char *refusal_text(enum refusal refusal);

#endif
