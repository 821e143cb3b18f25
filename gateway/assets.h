/* The web page's files, gateway/web/, as they were when the program was built. */
#ifndef GM_GATEWAY_ASSETS_H
#define GM_GATEWAY_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

struct db;
struct request;

/* A file, taken in by the assembler; the build runs in the top folder. */
#define ASSET_FILE(symbol, file)                                                                                                           \
    __asm__(".section .rodata\n" #symbol ": .incbin \"" file "\"\n" #symbol "_end: .byte 0\n.previous\n");                                 \
    extern const unsigned char symbol[], symbol##_end[]
#define ASSET_ROW(path, symbol) {path, symbol, symbol##_end},

/* Made by the Makefile: every file of gateway/web/, ended by a row without a name. */
struct asset {
    const char *path; /* "/app.js" */
    const unsigned char *start, *end;
};
extern const struct asset assets[];

/* True if a path is one of the files, or / (index.html). */
bool asset_exists(const char *path);
void asset_get(struct request *req, struct db *db);

#endif
