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
static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}; /* ::ffff:0:0/96, RFC 4291 */

/* IPv6 networks whose addresses stand for an IPv4 address inside: every row that holds an address is asked. Mapped ones
 * need no row: IPv4 is judged in that form anyway. */
static const struct {
    const char *network;
    unsigned at;  /* first of the four bytes */
    uint8_t flip; /* what they are XORed with */
} carriers[] = {
    {"64:ff9b::/96", 12, 0x00}, /* NAT64, RFC 6052 */
    {"2002::/16", 2, 0x00},     /* 6to4, RFC 3056 */
    {"2001::/32", 4, 0x00},     /* Teredo's server, RFC 4380 section 4 */
    {"2001::/32", 12, 0xff},    /* Teredo's client */
};
#define CARRIERS (sizeof carriers / sizeof *carriers)

static const char metadata[] = "cloud metadata";

/* The first row that holds an address names it. 192.31.196.0/24, 192.52.193.0/24, 192.175.48.0/24 and 2620:4f:8000::/48
 * are in the registries but globally reachable, so they are not here; 192.0.0.0/24 and 2001::/23 go as a whole, their few
 * reachable parts serve no web pages. */
static const struct {
    const char *network, *kind;
} refused[] = {
    {"0.0.0.0/8", "this network"},            /* RFC 791 */
    {"10.0.0.0/8", "private"},                /* RFC 1918 */
    {"100.100.100.200/32", metadata},         /* Alibaba's */
    {"100.64.0.0/10", "carrier-grade NAT"},   /* RFC 6598 */
    {"127.0.0.0/8", "loopback"},              /* RFC 1122 */
    {"168.63.129.16/32", metadata},           /* Azure's platform address, the same in every virtual network */
    {"169.254.169.254/32", metadata},         /* nearly everybody's */
    {"169.254.170.2/32", metadata},           /* credentials of Amazon's containers */
    {"169.254.170.23/32", metadata},          /* the same */
    {"169.254.0.0/16", "link-local"},         /* RFC 3927 */
    {"172.16.0.0/12", "private"},             /* RFC 1918 */
    {"192.0.0.192/32", metadata},             /* Oracle's */
    {"192.0.0.0/24", "protocol assignments"}, /* RFC 6890, RFC 7335, RFC 8155 */
    {"192.0.2.0/24", "documentation"},        /* RFC 5737 */
    {"192.88.99.0/24", "6to4 relay"},         /* RFC 7526 */
    {"192.168.0.0/16", "private"},            /* RFC 1918 */
    {"198.18.0.0/15", "benchmark"},           /* RFC 2544 */
    {"198.51.100.0/24", "documentation"},     /* RFC 5737 */
    {"203.0.113.0/24", "documentation"},      /* RFC 5737 */
    {"224.0.0.0/4", "multicast"},             /* RFC 5771 */
    {"255.255.255.255/32", "broadcast"},      /* RFC 8190 */
    {"240.0.0.0/4", "reserved"},              /* RFC 1112 */
    {"::/128", "unspecified"},                /* RFC 4291 */
    {"::1/128", "loopback"},                  /* RFC 4291 */
    {"64:ff9b:1::/48", "local NAT64"},        /* RFC 8215: where in it the IPv4 address is, its operator alone knows */
    {"100::/64", "discard-only"},             /* RFC 6666 */
    {"100:0:0:1::/64", "dummy"},              /* RFC 9780 */
    {"2001:2::/48", "benchmark"},             /* RFC 5180 */
    {"2001:10::/28", "ORCHID"},               /* RFC 4843 */
    {"2001:20::/28", "ORCHID"},               /* RFC 7343 */
    {"2001::/23", "protocol assignments"},    /* RFC 2928 */
    {"2001:db8::/32", "documentation"},       /* RFC 3849 */
    {"3fff::/20", "documentation"},           /* RFC 9637 */
    {"5f00::/16", "segment routing"},         /* RFC 9602 */
    {"fd00:ec2::254/128", metadata},          /* Amazon's */
    {"fd00:ec2::23/128", metadata},           /* credentials of its containers */
    {"fd20:ce::254/128", metadata},           /* Google's */
    {"fc00::/7", "unique local"},             /* RFC 4193 */
    {"fe80::/10", "link-local"},              /* RFC 4291 */
    {"fec0::/10", "site-local"},              /* RFC 3879 */
    {"ff00::/8", "multicast"},                /* RFC 4291 */
};
#define REFUSED (sizeof refused / sizeof *refused)

/* Both tables in the form that addresses are compared with. */
static struct address_network refused_networks[REFUSED], carrier_networks[CARRIERS];

/* Ports that browsers do not connect to: https://fetch.spec.whatwg.org/#bad-port. Behind them are services that take the
 * text of a request for commands of their own. */
static const uint16_t bad_ports[] = {
    0,   1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,   25,   37,   42,   43,   53,   69,   77,    79,
    87,  95,   101,  102,  103,  104,  109,  110,  111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,   389,
    427, 465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,  556,  563,  587,  601,  636,  989,  990,   993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
};

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

/* The next word of a list at *at, which is moved behind it; NULL at the end. A word longer than size is cut, *whole_r says so. */
static const char *next_word(const char **at, char *word, size_t size, bool *whole_r)
{
    static const char between[] = ", \t\n";
    *at += strspn(*at, between);
    size_t n = strcspn(*at, between);
    if (n == 0) return NULL;
    snprintf(word, size, "%.*s", (int)n, *at);
    *whole_r = n < size;
    *at += n;
    return word;
}

static bool parse_networks(const char *text, struct address_rules *rules, char *fault_r, size_t size)
{
    char word[INET6_ADDRSTRLEN + 5];
    bool whole;
    size_t cap = 0;
    while (next_word(&text, word, sizeof word, &whole)) {
        rules->permitted = mem_grow(rules->permitted, &cap, rules->count + 1, sizeof *rules->permitted);
        if (!whole || !network_parse(word, &rules->permitted[rules->count])) {
            snprintf(fault_r, size, "FETCH_ALLOW_NETWORKS: %s is not a network such as 127.0.0.0/8 or ::1/128", word);
            return false;
        }
        rules->count++;
    }
    return true;
}

static bool parse_ports(const char *text, struct address_rules *rules, char *fault_r, size_t size)
{
    char word[16];
    bool whole;
    size_t cap = 0;
    while (next_word(&text, word, sizeof word, &whole)) {
        int port = whole && strlen(word) <= 5 && strspn(word, "0123456789") == strlen(word) ? (int)strtol(word, NULL, 10) : 0;
        if (port < 1 || port > 65535) {
            snprintf(fault_r, size, "FETCH_ALLOW_PORTS: %s is not a port from 1 to 65535", word);
            return false;
        }
        rules->ports = mem_grow(rules->ports, &cap, rules->port_count + 1, sizeof *rules->ports);
        rules->ports[rules->port_count++] = (uint16_t)port;
    }
    return true;
}

int address_rules_parse(const char *networks, const char *ports, struct address_rules *rules_r, char *fault_r, size_t size)
{
    struct address_rules rules = {0};
    if (!parse_networks(networks, &rules, fault_r, size) || !parse_ports(ports, &rules, fault_r, size)) {
        address_rules_release(&rules);
        return -1;
    }
    *rules_r = rules;
    return 0;
}

void address_rules_release(struct address_rules *rules)
{
    free(rules->permitted);
    free(rules->ports);
    *rules = (struct address_rules){0};
}

static void make_tables(void)
{
    static bool made;
    if (made) return;
    for (size_t i = 0; i < REFUSED; i++)
        if (!network_parse(refused[i].network, &refused_networks[i])) log_panic("bad network %s", refused[i].network);
    for (size_t i = 0; i < CARRIERS; i++)
        if (!network_parse(carriers[i].network, &carrier_networks[i])) log_panic("bad network %s", carriers[i].network);
    made = true;
}

static const char *kind_of(const uint8_t bytes[16])
{
    for (size_t i = 0; i < REFUSED; i++)
        if (inside(&refused_networks[i], bytes)) return refused[i].kind;
    bool mapped = memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0;
    return mapped || bytes[0] >> 5 == 1 ? NULL : "not global unicast"; /* RFC 4291 section 2.4: 2000::/3 is */
}

/* Who permits a network of many addresses hardly means the one in it that hands out the machine's credentials. */
static const char *judge(const struct address_rules *rules, const uint8_t bytes[16])
{
    const char *kind = kind_of(bytes);
    unsigned narrow = kind == metadata ? 128 : 0;
    for (size_t i = 0; kind && i < rules->count; i++)
        if (rules->permitted[i].bits >= narrow && inside(&rules->permitted[i], bytes)) return NULL;
    return kind;
}

const char *address_refused(const struct address_rules *rules, const struct sockaddr *address, size_t length)
{
    uint8_t bytes[16], four[4], inner[16];
    bool carried = false;
    make_tables();
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
    for (size_t i = 0; i < CARRIERS; i++) {
        if (!inside(&carrier_networks[i], bytes)) continue;
        for (size_t k = 0; k < sizeof four; k++) four[k] = bytes[carriers[i].at + k] ^ carriers[i].flip;
        map_ipv4(four, inner);
        const char *kind = judge(rules, inner);
        if (kind) return kind;
        carried = true;
    }
    return carried ? NULL : judge(rules, bytes);
}

bool address_port_refused(const struct address_rules *rules, unsigned port)
{
    for (size_t i = 0; i < rules->port_count; i++)
        if (rules->ports[i] == port) return false;
    for (size_t i = 0; i < sizeof bad_ports / sizeof *bad_ports; i++)
        if (bad_ports[i] == port) return true;
    return false;
}
