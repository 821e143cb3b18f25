/* Masks: regular expressions (PCRE2) that people give to choose URLs by. The only file that knows PCRE2.
 *
 * Nobody can hang a process with one: each search has limits of steps and memory, and whoever searches many URLs adds up
 * what it cost (rules.h). Not translated to machine code (pcre2_jit_compile): in PCRE2 10.42 that finds matches which are
 * none, of (?>[ab]+|b++){2,9} in "aab" for one. Masks and subjects are bytes: canonical URLs are ASCII. */
#ifndef GM_WRITER_MASK_H
#define GM_WRITER_MASK_H

#include <stddef.h>

struct mask;

enum mask_result { MASK_NO, MASK_YES, MASK_LIMIT };

struct mask_error {
    size_t at; /* offset of the fault in the pattern, bytes */
    char text[160];
};

/* Compiles a pattern of printable ASCII, LIMIT_MASK bytes at most. NULL: error_r says where and why. */
struct mask *mask_new(const char *pattern, struct mask_error *error_r);
void mask_free(struct mask **mask);
const char *mask_pattern(const struct mask *mask);
/* Bytes it holds, compiled. */
size_t mask_size(const struct mask *mask);
/* Looks for the pattern anywhere in the subject. MASK_LIMIT: not found out within MASK_STEPS a place, or without more than
 * MASK_HEAP_KB; the worst case is a fraction of a second for a URL of full length. */
enum mask_result mask_search(const struct mask *mask, const char *subject, size_t n);

#endif
