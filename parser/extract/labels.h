/* Labels and names of encodings: WHATWG Encoding Standard, section 4.2, and the ICU converter for each. */
#ifndef GM_PARSER_EXTRACT_LABELS_H
#define GM_PARSER_EXTRACT_LABELS_H

struct encoding {
    const char *name;      /* the standard's, in lower case */
    const char *converter; /* ICU's; NULL for utf-8 and replacement */
    const char *labels;    /* blank-separated, lower case */
};

/* Ended by a NULL name. */
extern const struct encoding encodings[];

#endif
