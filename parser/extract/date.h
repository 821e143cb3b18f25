/* Dates as people and machines write them, to YYYY-MM-DD. */
#ifndef GM_PARSER_EXTRACT_DATE_H
#define GM_PARSER_EXTRACT_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "parser/extract/doc.h"

#define DATE_SIZE 11 /* "2024-02-29" and NUL */

/* A date at the beginning of a machine-readable value: ISO 8601 (also 20240229), RFC 822, Unix time is not guessed at. */
bool date_parse(struct span s, char date_r[DATE_SIZE]);
/* A date right at the beginning of a text, as date_find takes it. */
bool date_at(struct span s, char date_r[DATE_SIZE]);
/* The first date within a text, in words of several languages ("29. Februar 2024", "Feb 29, 2024", "29 de febrero de 2024",
 * "2024年2月29日") or in digits. A date of digits that could be read two ways is taken as day, month, year when it has dots or the text says
 * nothing else, never guessed with slashes. */
bool date_find(struct span s, char date_r[DATE_SIZE]);
/* The moment a machine-readable value means, in ms since 1970: a date as date_parse takes it, with a time of day and a zone (ISO 8601's, RFC
 * 822's) if it has them; without a time it is midnight, without a zone UTC. */
bool date_moment(struct span s, int64_t *ms_r);
/* A date in the path of a URL: /2024/02/29/ or 2024-02-29. */
bool date_in_url(const char *url, char date_r[DATE_SIZE]);

#endif
