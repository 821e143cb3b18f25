/* Digests; contract in digest.h. */
#include "base/digest.h"

#include <openssl/sha.h>
#include <string.h>

struct digest digest_of(const void *data, size_t n)
{
    unsigned char whole[SHA256_DIGEST_LENGTH];
    struct digest d;
    SHA256(data, n, whole);
    memcpy(d.bytes, whole, sizeof d.bytes);
    return d;
}

void digest_hex(const struct digest *d, char hex_r[DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        hex_r[2 * i] = digits[d->bytes[i] >> 4];
        hex_r[2 * i + 1] = digits[d->bytes[i] & 15];
    }
    hex_r[DIGEST_HEX - 1] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

int digest_parse(const char *hex, struct digest *digest_r)
{
    if (strlen(hex) != DIGEST_HEX - 1) return -1;
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
        if (high < 0 || low < 0) return -1;
        digest_r->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}
