/* Which addresses may be fetched from. */
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fetcher/address.h"

static const char *refused(const struct address_rules *rules, const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) return address_refused(rules, (struct sockaddr *)&in, sizeof in);
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1) fail_msg("bad address in the test: %s", text);
    return address_refused(rules, (struct sockaddr *)&in6, sizeof in6);
}

/* First and last address of each range, and the neighbours outside. kind NULL: may be fetched from. */
static const struct {
    const char *address, *kind;
} rows[] = {
    {"0.0.0.0", "this network"},
    {"0.255.255.255", "this network"},
    {"1.0.0.0", NULL},
    {"9.255.255.255", NULL},
    {"10.0.0.0", "private"},
    {"10.255.255.255", "private"},
    {"11.0.0.0", NULL},
    {"100.63.255.255", NULL},
    {"100.64.0.0", "carrier-grade NAT"},
    {"100.100.100.200", "carrier-grade NAT"}, /* a cloud's metadata service */
    {"100.127.255.255", "carrier-grade NAT"},
    {"100.128.0.0", NULL},
    {"126.255.255.255", NULL},
    {"127.0.0.0", "loopback"},
    {"127.0.0.1", "loopback"},
    {"127.255.255.255", "loopback"},
    {"128.0.0.0", NULL},
    {"168.63.129.15", NULL},
    {"168.63.129.16", "cloud metadata"},
    {"168.63.129.17", NULL},
    {"169.253.255.255", NULL},
    {"169.254.0.0", "link-local"},
    {"169.254.169.254", "cloud metadata"},
    {"169.254.255.255", "link-local"},
    {"169.255.0.0", NULL},
    {"172.15.255.255", NULL},
    {"172.16.0.0", "private"},
    {"172.31.255.255", "private"},
    {"172.32.0.0", NULL},
    {"191.255.255.255", NULL},
    {"192.0.0.0", "protocol assignments"},
    {"192.0.0.192", "protocol assignments"}, /* a cloud's metadata service */
    {"192.0.0.255", "protocol assignments"},
    {"192.0.1.0", NULL},
    {"192.0.2.0", "documentation"},
    {"192.0.2.255", "documentation"},
    {"192.0.3.0", NULL},
    {"192.88.98.255", NULL},
    {"192.88.99.0", "6to4 relay"},
    {"192.88.99.255", "6to4 relay"},
    {"192.88.100.0", NULL},
    {"192.167.255.255", NULL},
    {"192.168.0.0", "private"},
    {"192.168.255.255", "private"},
    {"192.169.0.0", NULL},
    {"198.17.255.255", NULL},
    {"198.18.0.0", "benchmark"},
    {"198.19.255.255", "benchmark"},
    {"198.20.0.0", NULL},
    {"198.51.99.255", NULL},
    {"198.51.100.0", "documentation"},
    {"198.51.100.255", "documentation"},
    {"198.51.101.0", NULL},
    {"203.0.112.255", NULL},
    {"203.0.113.0", "documentation"},
    {"203.0.113.255", "documentation"},
    {"203.0.114.0", NULL},
    {"223.255.255.255", NULL},
    {"224.0.0.0", "multicast"},
    {"239.255.255.255", "multicast"},
    {"240.0.0.0", "reserved"},
    {"255.255.255.254", "reserved"},
    {"255.255.255.255", "broadcast"},
    {"93.184.215.14", NULL},
    {"::", "unspecified"},
    {"::1", "loopback"},
    {"::2", "not global unicast"},
    {"::7f00:1", "not global unicast"},           /* IPv4-compatible, deprecated */
    {"::ffff:0:127.0.0.1", "not global unicast"}, /* IPv4-translated */
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:10.1.2.3", "private"},
    {"::ffff:169.254.169.254", "cloud metadata"},
    {"::ffff:93.184.215.14", NULL},
    {"64:ff9b::7f00:1", "loopback"},
    {"64:ff9b::10.0.0.1", "private"},
    {"64:ff9b::169.254.169.254", "cloud metadata"},
    {"64:ff9b::93.184.215.14", NULL},
    {"64:ff9b:0:0:0:1::", "not global unicast"},
    {"64:ff9b:1::", "local NAT64"},
    {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "local NAT64"},
    {"64:ff9b:2::", "not global unicast"},
    {"100::", "discard-only"},
    {"100::ffff:ffff:ffff:ffff", "discard-only"},
    {"100:0:0:1::1", "dummy"},
    {"1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "not global unicast"},
    {"2000::", NULL},
    {"2001::", "Teredo"},
    {"2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo"},
    {"2001:1::1", "protocol assignments"},
    {"2001:2::", "benchmark"},
    {"2001:2:0:ffff:ffff:ffff:ffff:ffff", "benchmark"},
    {"2001:10::", "ORCHID"},
    {"2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHID"},
    {"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "protocol assignments"},
    {"2001:200::", NULL},
    {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    {"2001:db8::", "documentation"},
    {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
    {"2001:db9::", NULL},
    {"2002::", "6to4"},
    {"2002:7f00:1::1", "6to4"},
    {"2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4"},
    {"2003::", NULL},
    {"2606:4700:4700::1111", NULL},
    {"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    {"3fff::", "documentation"},
    {"3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
    {"3fff:1000::", NULL},
    {"4000::", "not global unicast"},
    {"5f00::1", "segment routing"},
    {"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "not global unicast"},
    {"fc00::", "unique local"},
    {"fd00:ec2::254", "unique local"}, /* clouds' metadata services */
    {"fd20:ce::254", "unique local"},
    {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique local"},
    {"fe00::", "not global unicast"},
    {"fe80::", "link-local"},
    {"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"},
    {"fec0::", "site-local"},
    {"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local"},
    {"ff00::", "multicast"},
    {"ff02::1", "multicast"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},
};

static void every_range(void **state)
{
    (void)state;
    struct address_rules none = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = refused(&none, rows[i].address), *want = rows[i].kind;
        if (!got != !want || (got && strcmp(got, want) != 0))
            fail_msg("%s: got %s, want %s", rows[i].address, got ? got : "permitted", want ? want : "permitted");
    }
}

static void permitted_networks(void **state)
{
    (void)state;
    char fault[64];
    struct address_rules rules;
    assert_int_equal(address_rules_parse("127.0.0.0/8,::1/128 fd12::/16, 10.20.30.40", &rules, fault, sizeof fault), 0);
    assert_int_equal(rules.count, 4);
    assert_null(refused(&rules, "127.1.2.3"));
    assert_null(refused(&rules, "::ffff:127.0.0.1"));
    assert_null(refused(&rules, "64:ff9b::127.0.0.1"));
    assert_null(refused(&rules, "::1"));
    assert_null(refused(&rules, "fd12::5"));
    assert_string_equal(refused(&rules, "fd13::5"), "unique local");
    assert_null(refused(&rules, "10.20.30.40"));
    assert_string_equal(refused(&rules, "10.20.30.41"), "private");
    address_rules_release(&rules);

    assert_int_equal(address_rules_parse("", &rules, fault, sizeof fault), 0);
    assert_int_equal(rules.count, 0);
    assert_int_equal(address_rules_parse("0.0.0.0/0", &rules, fault, sizeof fault), 0);
    assert_null(refused(&rules, "10.0.0.1"));
    assert_string_equal(refused(&rules, "::1"), "loopback");
    address_rules_release(&rules);
}

static void bad_networks(void **state)
{
    (void)state;
    static const char *const bad[] = {"private",
                                      "127.0.0.0/33",
                                      "::1/129",
                                      "127.0.0.1/8",
                                      "127.0.0/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/8x",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/0008",
                                      "fd00::1/8",
                                      "[::1]/128",
                                      "10.0.0.0/8/8",
                                      "11111111111111111111111111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct address_rules rules;
        char fault[64] = "", text[128];
        snprintf(text, sizeof text, "::1/128,%s", bad[i]);
        if (address_rules_parse(text, &rules, fault, sizeof fault) == 0) fail_msg("%s was accepted", bad[i]);
        if (strncmp(fault, bad[i], 40) != 0) fail_msg("%s: the fault names %s", bad[i], fault);
    }
}

static void other_families(void **state)
{
    (void)state;
    struct address_rules none = {0};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/secret"};
    assert_non_null(address_refused(&none, (struct sockaddr *)&un, sizeof un));
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x5db8d70e)};
    assert_non_null(address_refused(&none, (struct sockaddr *)&in, 4)); /* cut short */
    assert_null(address_refused(&none, (struct sockaddr *)&in, sizeof in));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_range),
        cmocka_unit_test(permitted_networks),
        cmocka_unit_test(bad_networks),
        cmocka_unit_test(other_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
