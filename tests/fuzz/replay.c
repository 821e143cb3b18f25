/* Runs one fuzz target, without a fuzzer, over files: those named, or all that are committed for it. Prints TAP, as unit tests do. */
#include <errno.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define INPUT_MAX (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is a copy of its exact size, so that a sanitizer sees the first byte read beyond it. */
static bool replay(const char *path)
{
    char block[65536];
    struct buf input = BUF_INIT(INPUT_MAX);
    size_t n;
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    while ((n = fread(block, 1, sizeof block, file)) > 0 && buf_add(&input, block, n)) continue;
    bool ok = !ferror(file) && !buf_failed(&input);
    fclose(file);
    uint8_t *exact = malloc(input.len ? input.len : 1);
    if (!exact) abort();
    memcpy(exact, buf_str(&input), input.len);
    if (ok) LLVMFuzzerTestOneInput(exact, input.len);
    free(exact);
    buf_release(&input);
    return ok;
}

/* fuzz_X: tests/fuzz/seeds/X/ and tests/fuzz/crashers/X/. */
static void find_committed(const char *program, glob_t *found_r)
{
    static const char *const folders[] = {"seeds", "crashers"};
    const char *slash = strrchr(program, '/'), *name = strstr(slash ? slash : program, "fuzz_");
    char pattern[300];
    for (int i = 0; i < 2; i++) {
        snprintf(pattern, sizeof pattern, "tests/fuzz/%s/%s/*", folders[i], name ? name + 5 : "");
        glob(pattern, i ? GLOB_APPEND : 0, NULL, found_r);
    }
}

int main(int argc, char **argv)
{
    glob_t found = {.gl_pathc = 0};
    char **paths = argv + 1;
    size_t count = (size_t)argc - 1, failed = 0;
    if (argc == 1) {
        find_committed(argv[0], &found);
        paths = found.gl_pathv;
        count = found.gl_pathc;
    }
    printf("1..%zu\n", count ? count : 1);
    if (!count) puts("not ok 1 - no inputs");
    for (size_t i = 0; i < count; i++) {
        printf("# %s\n", paths[i]); /* said before, for the case that it crashes */
        fflush(stdout);
        bool ok = replay(paths[i]);
        printf("%s %zu - %s\n", ok ? "ok" : "not ok", i + 1, ok ? paths[i] : strerror(errno));
        failed += !ok;
    }
    globfree(&found);
    return failed || !count;
}
