/* SHA-256 (FIPS 180-4, by libcrypto), whole or cut to 16 bytes for keys that PostgreSQL keeps as uuid. */
#ifndef GM_BASE_DIGEST_H
#define GM_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 16
#define DIGEST_HEX   (2 * DIGEST_BYTES + 1)

struct digest {
    uint8_t bytes[DIGEST_BYTES]; /* the first 16 bytes of SHA-256: collisions cost 2^64 hashes to make */
};

struct digest digest_of(const void *data, size_t n);
/* Lower-case hexadecimal with closing NUL. */
void digest_hex(const struct digest *d, char hex_r[DIGEST_HEX]);
/* Reads what digest_hex wrote; 0, or -1 if it is not 32 hexadecimal digits. */
int digest_parse(const char *hex, struct digest *digest_r);

#endif
