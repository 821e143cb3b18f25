/* A fingerprint under which similar texts are near: SimHash.
 *
 * Source: M. Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC 2002, section 3; over shingles as G. Manku,
 * A. Jain and A. Das Sarma use it in Detecting Near-Duplicates for Web Crawling, WWW 2007. Each shingle (three words in a row)
 * votes with the 64 bits of its hash; the majority of every bit is the fingerprint. So the number of bits two fingerprints differ in
 * estimates the angle between the texts: 0 for the same words, a few for an edited text, about 32 for unrelated ones. */
#ifndef GM_PARSER_EXTRACT_SIMHASH_H
#define GM_PARSER_EXTRACT_SIMHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIMHASH_HEX 17 /* 16 digits and NUL */

/* The fingerprint of n bytes of well-formed UTF-8. Normalised: only letters and digits count (Unicode's, by ICU), in lower case; what
 * is between them divides words; an ideograph, a kana or a character of a script without blanks is a word of its own.
 * A text of one or two words is one shingle; 0 for a text without words. Linear in n. The hash functions are part of the contract: the
 * same text gives the same fingerprint in every version, as stored ones are compared with new ones. */
uint64_t simhash_of(const char *utf8, size_t n);
/* Lower-case hexadecimal with closing NUL, most significant digit first. */
void simhash_hex(uint64_t simhash, char hex_r[SIMHASH_HEX]);

#endif
