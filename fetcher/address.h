/* Which socket addresses may be fetched from: everything the open internet routes to, nothing else.
 *
 * Refused are the networks that IANA's special-purpose address registries (RFC 6890, RFC 8190 and the registries' later
 * entries) mark as not globally reachable, multicast, everything outside 2000::/3 and the metadata services of clouds. An
 * address that carries an IPv4 address (mapped, NAT64 64:ff9b::/96, 6to4, Teredo) is judged by the one inside; Teredo
 * carries two. Refused are also the ports that browsers refuse.
 *
 * An operator may permit networks (the demo and the tests permit loopback) and ports. A metadata service inside a permitted
 * network is not meant by it: it must be named itself, "169.254.169.254".
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
    uint16_t *ports; /* permitted though browsers refuse them */
    size_t port_count;
};

/* Reads what is permitted: networks ("127.0.0.0/8,::1/128"; an address without "/bits" means itself alone, bits set outside
 * the mask are a fault) and ports ("22 6000"), separated by commas or blanks. 0; or -1 with words in fault_r, naming the
 * variable FETCH_ALLOW_NETWORKS or FETCH_ALLOW_PORTS and the word at fault, and nothing to release. */
int address_rules_parse(const char *networks, const char *ports, struct address_rules *rules_r, char *fault_r, size_t size);
void address_rules_release(struct address_rules *rules);

/* NULL if one may connect to this address; else the kind of network it belongs to, a static text ("loopback"). */
const char *address_refused(const struct address_rules *rules, const struct sockaddr *address, size_t length);
/* True if one must not connect to this port (host byte order): https://fetch.spec.whatwg.org/#bad-port. */
bool address_port_refused(const struct address_rules *rules, unsigned port);

#endif
