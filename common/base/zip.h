/* Compression of message bodies: zstd (RFC 8878), content_encoding "zstd"; and gzip files (RFC 1952) as found on the web. */
#ifndef GM_BASE_ZIP_H
#define GM_BASE_ZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends the compressed form of n bytes; false if it exceeds out's maximum. */
bool zip_pack(struct buf *out, const void *data, size_t n);
/* Appends the content of a compressed body, streaming, so that memory never exceeds out's maximum whatever the frame
 * header claims. NULL, or a static text saying what is wrong ("not zstd", "too large when unpacked", "cut short"). */
const char *zip_unpack(struct buf *out, const void *data, size_t n);

/* The same for gzip, all members of the file ("not gzip, or damaged", "too large when unpacked", "cut short"). Where it fails, out holds what could
 * be unpacked before. Bytes behind the last member are ignored, as gzip(1) does. */
const char *zip_unpack_gzip(struct buf *out, const void *data, size_t n);

#endif
