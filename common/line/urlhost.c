/* Host parser; contract in urlhost.h. Section names in comments are those of the URL standard, review draft of August
 * 2026. In it an ASCII domain is only lower-cased, whatever UTS 46 says of its xn-- labels: many sites live under labels
 * that UTS 46 refuses. */
#include "line/urlhost.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unicode/uidna.h>

#include "base/log.h"

static UIDNA *idna;
static pthread_once_t idna_once = PTHREAD_ONCE_INIT;

/* "domain parser ToASCII" with beStrict false: CheckBidi and CheckJoiners are options of ICU; CheckHyphens and
 * VerifyDnsLength are always on in ICU, so their errors are taken out again. */
#define IDNA_OPTIONS (UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE)
#define IDNA_NO_ERRORS                                                                                                                     \
    (UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG | UIDNA_ERROR_DOMAIN_NAME_TOO_LONG | UIDNA_ERROR_LEADING_HYPHEN |                \
     UIDNA_ERROR_TRAILING_HYPHEN | UIDNA_ERROR_HYPHEN_3_4)

static void idna_open(void)
{
    UErrorCode error = U_ZERO_ERROR;
    idna = uidna_openUTS46(IDNA_OPTIONS, &error);
    if (U_FAILURE(error)) log_panic("ICU has no data for UTS 46: %s", u_errorName(error));
}

static enum urlhost_status idna_to_ascii(const char *s, size_t n, char *out_r, size_t *len_r)
{
    pthread_once(&idna_once, idna_open);
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UErrorCode error = U_ZERO_ERROR;
    int32_t len = uidna_nameToASCII_UTF8(idna, s, (int32_t)n, out_r, URLHOST_MAX, &info, &error);
    if (error == U_BUFFER_OVERFLOW_ERROR) return URLHOST_TOO_LONG;
    if (U_FAILURE(error) || (info.errors & ~(uint32_t)IDNA_NO_ERRORS)) return URLHOST_INVALID;
    *len_r = (size_t)len;
    return URLHOST_OK;
}

void urlhost_init(void)
{
    /* One label that must be decoded, checked for joiners and direction, and encoded again. */
    static const char sample[] = "xn--mgb9awbf.\xd8\xb9\xd9\x85\xd8\xa7\xd9\x86";
    char out[URLHOST_MAX];
    size_t n;
    idna_to_ascii(sample, sizeof sample - 1, out, &n);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "forbidden host code point"; with domain also "forbidden domain code point". */
static bool is_forbidden(unsigned char c, bool domain)
{
    if (c <= 0x20 || c == 0x7f) return domain || c == 0 || c == '\t' || c == '\n' || c == '\r' || c == ' ';
    if (c == '%') return domain;
    return c < 0x80 && strchr("#/:<>?@[\\]^|", c) != NULL;
}

/* "IPv4 number parser". False if it is no number. Values from 2^32 on are all reported as 2^32. */
static bool ipv4_number(const char *s, size_t n, uint64_t *value_r)
{
    int radix = 10;
    if (n == 0) return false;
    if (n >= 2 && s[0] == '0' && (s[1] | 0x20) == 'x') {
        radix = 16;
        s += 2, n -= 2;
    } else if (n >= 2 && s[0] == '0') {
        radix = 8;
        s++, n--;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        int d = hex_value(s[i]);
        if (d < 0 || d >= radix) return false;
        value = value * (uint64_t)radix + (uint64_t)d;
        if (value > UINT32_MAX) value = (uint64_t)UINT32_MAX + 1;
    }
    *value_r = value;
    return true;
}

/* "ends in a number checker" */
static bool ends_in_number(const char *s, size_t n)
{
    if (n > 0 && s[n - 1] == '.') n--;
    size_t start = n;
    while (start > 0 && s[start - 1] != '.') start--;
    const char *last = s + start;
    size_t len = n - start;
    if (len == 0 || !is_digit(last[0])) return false;
    size_t digits = 0;
    while (digits < len && is_digit(last[digits])) digits++;
    uint64_t value;
    return digits == len || ipv4_number(last, len, &value);
}

/* "IPv4 parser" and "IPv4 serializer". The result goes to the place of the input: URLHOST_MAX bytes. */
static enum urlhost_status ipv4_parse(char *s, size_t n, size_t *len_r)
{
    uint64_t numbers[4];
    int count = 0;
    if (n > 0 && s[n - 1] == '.') n--;
    for (size_t start = 0; start <= n;) {
        const char *dot = memchr(s + start, '.', n - start);
        size_t end = dot ? (size_t)(dot - s) : n;
        if (count == 4 || !ipv4_number(s + start, end - start, &numbers[count])) return URLHOST_INVALID;
        count++;
        start = end + 1;
    }
    uint64_t address = numbers[count - 1];
    if (address >= (uint64_t)1 << (8 * (5 - count))) return URLHOST_INVALID;
    for (int i = 0; i < count - 1; i++) {
        if (numbers[i] > 255) return URLHOST_INVALID;
        address += numbers[i] << (8 * (3 - i));
    }
    *len_r = (size_t)snprintf(s, URLHOST_MAX, "%u.%u.%u.%u", (unsigned)(address >> 24), (unsigned)(address >> 16 & 255),
                              (unsigned)(address >> 8 & 255), (unsigned)(address & 255));
    return URLHOST_OK;
}

/* The part "IPv4 in IPv6" of the "IPv6 parser": exactly four decimal numbers to the end. */
static bool ipv6_tail(const char *s, const char *end, uint16_t pieces_r[2])
{
    unsigned bytes[4];
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (s == end || *s++ != '.')) return false;
        if (s == end || !is_digit(*s)) return false;
        const char *first = s;
        unsigned value = 0;
        while (s < end && is_digit(*s)) {
            if (s > first && *first == '0') return false;
            value = value * 10 + (unsigned)(*s++ - '0');
            if (value > 255) return false;
        }
        bytes[i] = value;
    }
    pieces_r[0] = (uint16_t)(bytes[0] << 8 | bytes[1]);
    pieces_r[1] = (uint16_t)(bytes[2] << 8 | bytes[3]);
    return s == end;
}

/* Moves the pieces after the compression mark to the end. */
static void ipv6_expand(uint16_t pieces[8], int count, int compress)
{
    int after = count - compress;
    memmove(pieces + 8 - after, pieces + compress, (size_t)after * sizeof *pieces);
    memset(pieces + compress, 0, (size_t)(8 - count) * sizeof *pieces);
}

/* "IPv6 parser" */
static bool ipv6_parse(const char *s, const char *end, uint16_t pieces_r[8])
{
    int count = 0, compress = -1;
    memset(pieces_r, 0, 8 * sizeof *pieces_r);
    if (s < end && *s == ':') {
        if (end - s < 2 || s[1] != ':') return false;
        s += 2;
        compress = ++count; /* the piece before the mark counts as one zero */
    }
    while (s < end) {
        if (count == 8) return false;
        if (*s == ':') {
            if (compress >= 0) return false;
            s++;
            compress = ++count;
            continue;
        }
        const char *first = s;
        unsigned value = 0;
        while (s < end && s - first < 4 && hex_value(*s) >= 0) value = value << 4 | (unsigned)hex_value(*s++);
        if (s < end && *s == '.') {
            if (s == first || count > 6 || !ipv6_tail(first, end, pieces_r + count)) return false;
            count += 2;
            break;
        }
        if (s < end && (*s++ != ':' || s == end)) return false;
        pieces_r[count++] = (uint16_t)value;
    }
    if (compress < 0) return count == 8;
    ipv6_expand(pieces_r, count, compress);
    return true;
}

/* "IPv6 serializer", within brackets */
static size_t ipv6_write(const uint16_t pieces[8], char *out)
{
    int best = -1, best_len = 1; /* the first longest run of zeros, if longer than one */
    for (int i = 0; i < 8; i++) {
        int run = 0;
        while (i + run < 8 && pieces[i + run] == 0) run++;
        if (run > best_len) best = i, best_len = run;
        i += run;
    }
    size_t n = 0;
    out[n++] = '[';
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            out[n++] = ':';
            if (i == 0) out[n++] = ':';
            i += best_len - 1;
            continue;
        }
        n += (size_t)snprintf(out + n, 6, i < 7 ? "%x:" : "%x", pieces[i]);
    }
    out[n++] = ']';
    return n;
}

static size_t percent_decode(const char *s, size_t n, char *out)
{
    size_t w = 0;
    for (size_t i = 0; i < n; i++) {
        int high, low;
        if (s[i] == '%' && n - i > 2 && (high = hex_value(s[i + 1])) >= 0 && (low = hex_value(s[i + 2])) >= 0) {
            out[w++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[w++] = s[i];
        }
    }
    return w;
}

/* Checks what the domain parser returned, and tells domains from IPv4 addresses. */
static enum urlhost_status finish_domain(char *s, size_t *len)
{
    if (*len == 0) return URLHOST_INVALID;
    for (size_t i = 0; i < *len; i++)
        if (is_forbidden((unsigned char)s[i], true)) return URLHOST_INVALID;
    return ends_in_number(s, *len) ? ipv4_parse(s, *len, len) : URLHOST_OK;
}

/* Percent-encoded or beyond ASCII. */
static enum urlhost_status parse_encoded(const char *s, size_t n, char *out_r, size_t *len_r)
{
    char decoded[URLHOST_MAX];
    size_t len = percent_decode(s, n, decoded);
    bool ascii = true;
    for (size_t i = 0; i < len && ascii; i++) ascii = (unsigned char)decoded[i] < 0x80;
    if (!ascii) {
        enum urlhost_status status = idna_to_ascii(decoded, len, out_r, len_r);
        return status == URLHOST_OK ? finish_domain(out_r, len_r) : status;
    }
    for (size_t i = 0; i < len; i++) out_r[i] = (char)(decoded[i] | (decoded[i] >= 'A' && decoded[i] <= 'Z' ? 0x20 : 0));
    *len_r = len;
    return finish_domain(out_r, len_r);
}

enum urlhost_status urlhost_parse(const char *s, size_t n, char *out_r, size_t *len_r)
{
    if (n > URLHOST_MAX) return URLHOST_TOO_LONG;
    if (n > 0 && s[0] == '[') {
        uint16_t pieces[8];
        if (s[n - 1] != ']' || !ipv6_parse(s + 1, s + n - 1, pieces)) return URLHOST_INVALID;
        *len_r = ipv6_write(pieces, out_r);
        return URLHOST_OK;
    }
    /* The plain case: letters, digits, hyphens and dots. */
    size_t i;
    for (i = 0; i < n; i++) {
        char c = s[i];
        if ((c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.')
            out_r[i] = c;
        else if (c >= 'A' && c <= 'Z')
            out_r[i] = (char)(c | 0x20);
        else
            break;
    }
    if (i < n) return parse_encoded(s, n, out_r, len_r);
    *len_r = n;
    if (n == 0) return URLHOST_INVALID;
    return ends_in_number(out_r, n) ? ipv4_parse(out_r, n, len_r) : URLHOST_OK;
}

bool urlhost_opaque_valid(const char *s, size_t n)
{
    uint16_t pieces[8];
    if (n > 0 && s[0] == '[') return s[n - 1] == ']' && ipv6_parse(s + 1, s + n - 1, pieces);
    for (size_t i = 0; i < n; i++)
        if (is_forbidden((unsigned char)s[i], false)) return false;
    return n > 0;
}
