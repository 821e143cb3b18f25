/* robots.txt. Input: a path and the file, parted by the first line end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "writer/robots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t head = end ? (size_t)(end - data) : 0;
    char *path = strndup((const char *)data, head);
    struct robots *robots = robots_parse((const char *)data + head, size - head, "Mill");
    robots_allows(robots, path);
    if (!robots_allows(robots, "/robots.txt")) abort();
    if (robots_delay_ms(robots) < -1) abort();
    for (size_t i = 0; robots_sitemap(robots, i); i++)
        if (!*robots_sitemap(robots, i)) abort();
    robots_free(robots);
    free(path);
    return 0;
}
