/* Reading JSON that may be anything: what is missing or of another type reads as nothing. */
#ifndef GM_CLI_JSON_H
#define GM_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct cJSON;

/* A member by its path, such as "counts.stored"; NULL if it is not there. json may be NULL. */
const struct cJSON *json_at(const struct cJSON *json, const char *path);
/* A string, "" if there is none; borrowed. */
const char *json_text(const struct cJSON *json, const char *path);
/* A number, or otherwise. Strings of digits count: ids are such. */
double json_real(const struct cJSON *json, const char *path, double otherwise);
/* The same as a whole number, cut to what exactly fits a double. */
int64_t json_int(const struct cJSON *json, const char *path);
bool json_true(const struct cJSON *json, const char *path);

#endif
