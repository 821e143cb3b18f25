/* Which socket addresses may be fetched from: everything the open internet routes to, nothing else.
 *
 * Refused are the networks that IANA's special-purpose address registries (RFC 6890, RFC 8190 and the registries' later
 * entries) mark as not globally reachable, multicast, everything outside 2000::/3, tunnels that can hide an IPv4 address
 * (6to4, Teredo) and the metadata services of clouds. IPv4-mapped and NAT64 (64:ff9b::/96) addresses are judged by the
 * IPv4 address inside. An operator may permit networks: the demo and the tests permit loopback.
 *
 * What this cannot know: NAT64 prefixes of the operator's own choice, and public addresses of the operator's own
 * machines. */
#ifndef GM_FETCHER_ADDRESS_H
#define GM_FETCHER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

/* A network in the space of IPv6; IPv4 networks lie in ::ffff:0:0/96. */
struct address_network {
    uint8_t bytes[16];
    unsigned bits;
};

struct address_rules {
    struct address_network *permitted;
    size_t count;
};

/* Reads networks separated by commas or blanks, "127.0.0.0/8,::1/128"; an address without "/bits" means itself alone. 0;
 * or -1 with the word at fault (cut to size) in fault_r, and nothing to release. Bits set outside the mask are a fault. */
int address_rules_parse(const char *text, struct address_rules *rules_r, char *fault_r, size_t size);
void address_rules_release(struct address_rules *rules);

/* NULL if one may connect to this address; else the kind of network it belongs to, a static text ("loopback"). */
const char *address_refused(const struct address_rules *rules, const struct sockaddr *address, size_t length);

#endif
