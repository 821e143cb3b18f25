/* Compressed bodies as the web has them, unpacked while they come in: the codings of HTTP (RFC 9110 section 8.4.1), which are gzip
 * (RFC 1952), deflate (RFC 1950; raw RFC 1951, which some servers send under that name, too), br (RFC 7932) and zstd (RFC 8878).
 *
 * A stream of each of these says where it ends, most also have a checksum: what is cut short, at whatever place, is not whole. What
 * follows the end is ignored, as browsers do, unless it begins another gzip member or zstd frame: those belong to the body. */
#ifndef GM_BASE_UNPACK_H
#define GM_BASE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define UNPACK_CODINGS "gzip, deflate, br, zstd" /* all there are, for Accept-Encoding */

enum unpack_status {
    UNPACK_OK,
    UNPACK_BROKEN, /* not of this coding, or a wrong checksum */
    UNPACK_FULL    /* out holds its maximum, and there is more */
};

struct unpack;

/* For a coding by its name, in any case; x-gzip is gzip. NULL: there is none of this name. Holds up to 40 KiB for gzip and deflate;
 * what br and zstd may look back on, 16 and 8 MiB (RFC 9659) at most, is allocated as the body grows. */
struct unpack *unpack_new(const char *coding);
void unpack_free(struct unpack **u);

/* Takes the next n bytes of the body and appends what they unpack to, in pieces, so that memory never exceeds out's maximum. After any
 * other status than UNPACK_OK, out holds what could be unpacked before, and nothing more may be added. */
enum unpack_status unpack_add(struct unpack *u, const void *bytes, size_t n, struct buf *out);

/* True if the stream has ended, or nothing of it ever came: a body without a byte is an empty one, whatever its coding. */
bool unpack_whole(const struct unpack *u);

#endif
