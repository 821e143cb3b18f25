/* Which socket addresses may be fetched from; contract in address.h. */
#include "fetcher/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"

#define MAPPED_BITS 96
static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};   /* ::ffff:0:0/96, RFC 4291 */
static const uint8_t nat64_prefix[12] = {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}; /* 64:ff9b::/96, RFC 6052 */

/* The first row that holds an address names it. 192.31.196.0/24, 192.52.193.0/24, 192.175.48.0/24 and 2620:4f:8000::/48
 * are in the registries but globally reachable, so they are not here; 2001::/23 goes as a whole, its few reachable parts
 * serve no web pages. */
static const struct {
    const char *network, *kind;
} refused[] = {
    {"0.0.0.0/8", "this network"},            /* RFC 791 */
    {"10.0.0.0/8", "private"},                /* RFC 1918 */
    {"100.64.0.0/10", "carrier-grade NAT"},   /* RFC 6598 */
    {"127.0.0.0/8", "loopback"},              /* RFC 1122 */
    {"169.254.169.254/32", "cloud metadata"}, /* and link-local */
    {"169.254.0.0/16", "link-local"},         /* RFC 3927 */
    {"172.16.0.0/12", "private"},             /* RFC 1918 */
    {"192.0.0.0/24", "protocol assignments"}, /* RFC 6890, RFC 7335, RFC 8155 */
    {"192.0.2.0/24", "documentation"},        /* RFC 5737 */
    {"192.88.99.0/24", "6to4 relay"},         /* RFC 7526 */
    {"192.168.0.0/16", "private"},            /* RFC 1918 */
    {"198.18.0.0/15", "benchmark"},           /* RFC 2544 */
    {"198.51.100.0/24", "documentation"},     /* RFC 5737 */
    {"203.0.113.0/24", "documentation"},      /* RFC 5737 */
    {"168.63.129.16/32", "cloud metadata"},   /* Azure's platform address, the same in every virtual network */
    {"224.0.0.0/4", "multicast"},             /* RFC 5771 */
    {"255.255.255.255/32", "broadcast"},      /* RFC 8190 */
    {"240.0.0.0/4", "reserved"},              /* RFC 1112 */
    {"::/128", "unspecified"},                /* RFC 4291 */
    {"::1/128", "loopback"},                  /* RFC 4291 */
    {"64:ff9b:1::/48", "local NAT64"},        /* RFC 8215 */
    {"100::/64", "discard-only"},             /* RFC 6666 */
    {"100:0:0:1::/64", "dummy"},              /* RFC 9780 */
    {"2001::/32", "Teredo"},                  /* RFC 4380 */
    {"2001:2::/48", "benchmark"},             /* RFC 5180 */
    {"2001:10::/28", "ORCHID"},               /* RFC 4843 */
    {"2001:20::/28", "ORCHID"},               /* RFC 7343 */
    {"2001::/23", "protocol assignments"},    /* RFC 2928 */
    {"2001:db8::/32", "documentation"},       /* RFC 3849 */
    {"2002::/16", "6to4"},                    /* RFC 3056 */
    {"3fff::/20", "documentation"},           /* RFC 9637 */
    {"5f00::/16", "segment routing"},         /* RFC 9602 */
    {"fc00::/7", "unique local"},             /* RFC 4193; AWS and Google keep their metadata services here */
    {"fe80::/10", "link-local"},              /* RFC 4291 */
    {"fec0::/10", "site-local"},              /* RFC 3879 */
    {"ff00::/8", "multicast"},                /* RFC 4291 */
};
#define REFUSED (sizeof refused / sizeof *refused)
static struct address_network refused_networks[REFUSED];

static void map_ipv4(const void *four, uint8_t bytes_r[16])
{
    memcpy(bytes_r, mapped_prefix, sizeof mapped_prefix);
    memcpy(bytes_r + sizeof mapped_prefix, four, 4);
}

static bool bit_set(const uint8_t bytes[16], unsigned i)
{
    return bytes[i / 8] & (0x80u >> i % 8);
}

static bool inside(const struct address_network *network, const uint8_t bytes[16])
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->bytes, bytes, whole) != 0) return false;
    return rest == 0 || (network->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}

/* Up to three digits; -1 for anything else. */
static int parse_bits(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n <= 3 && strspn(text, "0123456789") == n ? (int)strtol(text, NULL, 10) : -1;
}

static bool network_parse(const char *text, struct address_network *network_r)
{
    char address[INET6_ADDRSTRLEN];
    uint8_t raw[16];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    if (n >= sizeof address) return false;
    memcpy(address, text, n);
    address[n] = '\0';
    bool four = inet_pton(AF_INET, address, raw) == 1;
    if (!four && inet_pton(AF_INET6, address, raw) != 1) return false;
    int most = four ? 32 : 128, bits = slash ? parse_bits(slash + 1) : most;
    if (bits < 0 || bits > most) return false;
    if (four)
        map_ipv4(raw, network_r->bytes);
    else
        memcpy(network_r->bytes, raw, sizeof raw);
    network_r->bits = (unsigned)bits + (four ? MAPPED_BITS : 0);
    for (unsigned i = network_r->bits; i < 128; i++)
        if (bit_set(network_r->bytes, i)) return false;
    return true;
}

int address_rules_parse(const char *text, struct address_rules *rules_r, char *fault_r, size_t size)
{
    static const char between[] = ", \t\n";
    struct address_rules rules = {0};
    size_t cap = 0;
    for (const char *at = text + strspn(text, between); *at; at += strspn(at, between)) {
        size_t n = strcspn(at, between);
        char word[INET6_ADDRSTRLEN + 5];
        snprintf(word, sizeof word, "%.*s", (int)n, at);
        rules.permitted = mem_grow(rules.permitted, &cap, rules.count + 1, sizeof *rules.permitted);
        if (n >= sizeof word || !network_parse(word, &rules.permitted[rules.count])) {
            snprintf(fault_r, size, "%s", word);
            address_rules_release(&rules);
            return -1;
        }
        rules.count++;
        at += n;
    }
    *rules_r = rules;
    return 0;
}

void address_rules_release(struct address_rules *rules)
{
    free(rules->permitted);
    *rules = (struct address_rules){0};
}

static const struct address_network *refused_table(void)
{
    static bool made;
    for (size_t i = 0; i < REFUSED && !made; i++)
        if (!network_parse(refused[i].network, &refused_networks[i])) log_panic("bad network %s", refused[i].network);
    made = true;
    return refused_networks;
}

const char *address_refused(const struct address_rules *rules, const struct sockaddr *address, size_t length)
{
    uint8_t bytes[16];
    if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        map_ipv4(&in.sin_addr, bytes);
    } else if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        memcpy(bytes, &in6.sin6_addr, sizeof bytes);
    } else {
        return "not an internet address";
    }
    for (size_t i = 0; i < rules->count; i++)
        if (inside(&rules->permitted[i], bytes)) return NULL;
    if (memcmp(bytes, nat64_prefix, sizeof nat64_prefix) == 0) {
        memcpy(bytes, mapped_prefix, sizeof mapped_prefix); /* the same four bytes follow both */
        for (size_t i = 0; i < rules->count; i++)
            if (inside(&rules->permitted[i], bytes)) return NULL;
    }
    const struct address_network *table = refused_table();
    for (size_t i = 0; i < REFUSED; i++)
        if (inside(&table[i], bytes)) return refused[i].kind;
    bool mapped = memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0;
    return mapped || bytes[0] >> 5 == 1 ? NULL : "not global unicast"; /* RFC 4291 section 2.4: 2000::/3 is */
}
