/* Which addresses may be fetched from. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "address_rows.h"
#include "fetcher/address.h"

static const char *refused(const struct address_rules *rules, const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) return address_refused(rules, (struct sockaddr *)&in, sizeof in);
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1) fail_msg("bad address in the test: %s", text);
    return address_refused(rules, (struct sockaddr *)&in6, sizeof in6);
}

static void every_range(void **state)
{
    (void)state;
    struct address_rules none = {0};
    for (size_t i = 0; i < ADDRESS_ROWS; i++) {
        const char *got = refused(&none, address_rows[i].address), *want = address_rows[i].kind;
        if (!got != !want || (got && strcmp(got, want) != 0))
            fail_msg("%s: got %s, want %s", address_rows[i].address, got ? got : "permitted", want ? want : "permitted");
    }
}

static void permitted_networks(void **state)
{
    (void)state;
    char fault[64];
    struct address_rules rules;
    assert_int_equal(address_rules_parse("127.0.0.0/8,::1/128 fd12::/16, 10.20.30.40", "", &rules, fault, sizeof fault), 0);
    assert_int_equal(rules.count, 4);
    assert_null(refused(&rules, "127.1.2.3"));
    assert_null(refused(&rules, "::ffff:127.0.0.1"));
    assert_null(refused(&rules, "64:ff9b::127.0.0.1"));
    assert_null(refused(&rules, "2002:7f00:1::1"));
    assert_null(refused(&rules, "2001:0:5db8:d70e:0:63bf:80ff:fffe"));                /* Teredo, client 127.0.0.1 */
    assert_string_equal(refused(&rules, "2001:0:a00:1:0:63bf:80ff:fffe"), "private"); /* and server 10.0.0.1 */
    assert_null(refused(&rules, "::1"));
    assert_null(refused(&rules, "fd12::5"));
    assert_string_equal(refused(&rules, "fd13::5"), "unique local");
    assert_null(refused(&rules, "10.20.30.40"));
    assert_string_equal(refused(&rules, "10.20.30.41"), "private");
    address_rules_release(&rules);

    assert_int_equal(address_rules_parse("", "", &rules, fault, sizeof fault), 0);
    assert_int_equal(rules.count, 0);
    assert_int_equal(address_rules_parse("0.0.0.0/0", "", &rules, fault, sizeof fault), 0);
    assert_null(refused(&rules, "10.0.0.1"));
    assert_string_equal(refused(&rules, "::1"), "loopback");
    address_rules_release(&rules);
}

/* Wide networks do not mean the metadata service in them. */
static void metadata_is_named_itself(void **state)
{
    (void)state;
    static const struct {
        const char *permitted, *address;
        bool may;
    } cases[] = {
        {"169.254.0.0/16", "169.254.1.1", true},
        {"169.254.0.0/16", "169.254.169.254", false},
        {"0.0.0.0/0,::/0", "169.254.169.254", false},
        {"0.0.0.0/0", "64:ff9b::169.254.169.254", false},
        {"169.254.169.254", "169.254.169.254", true},
        {"169.254.169.254/32", "::ffff:169.254.169.254", true},
        {"100.64.0.0/10", "100.100.100.201", true},
        {"100.64.0.0/10", "100.100.100.200", false},
        {"fc00::/7", "fd00:ec2::253", true},
        {"fc00::/7", "fd00:ec2::254", false},
        {"fd00:ec2::254", "fd00:ec2::254", true},
        {"::/0", "::ffff:10.0.0.1", true},
        {"2002::/16", "2002:a00:1::1", false},
        {"64:ff9b::/96", "64:ff9b::10.0.0.1", false},
        {"64:ff9b:1::/48", "64:ff9b:1::10.0.0.1", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address_rules rules;
        char fault[300];
        assert_int_equal(address_rules_parse(cases[i].permitted, "", &rules, fault, sizeof fault), 0);
        const char *kind = refused(&rules, cases[i].address);
        if (!kind != cases[i].may) fail_msg("%s with %s permitted: %s", cases[i].address, cases[i].permitted, kind ? kind : "permitted");
        address_rules_release(&rules);
    }
}

static void ports(void **state)
{
    (void)state;
    static const unsigned bad[] = {0, 1, 7, 22, 25, 53, 110, 143, 389, 465, 587, 636, 993, 2049, 5060, 6000, 6665, 6669, 6697, 10080};
    static const unsigned fine[] = {80, 443, 24, 2, 8, 81, 591, 3000, 5059, 5062, 6001, 6670, 8000, 8080, 8443, 10079, 10081, 65535};
    struct address_rules rules;
    char fault[300];
    assert_int_equal(address_rules_parse("", "", &rules, fault, sizeof fault), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_true(address_port_refused(&rules, bad[i]));
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) assert_false(address_port_refused(&rules, fine[i]));
    unsigned count = 0;
    for (unsigned port = 0; port <= 65535; port++) count += address_port_refused(&rules, port);
    assert_int_equal(count, 83);
    assert_int_equal(address_rules_parse("10.0.0.0/8", "22, 6000", &rules, fault, sizeof fault), 0);
    assert_false(address_port_refused(&rules, 22));
    assert_false(address_port_refused(&rules, 6000));
    assert_true(address_port_refused(&rules, 25));
    address_rules_release(&rules);
    static const char *const nonsense[] = {"0", "65536", "-1", "ssh", "22x", "000022", "1-1024", "99999999999999999999"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        char text[64];
        snprintf(text, sizeof text, "6000 %s", nonsense[i]);
        if (address_rules_parse("", text, &rules, fault, sizeof fault) == 0) fail_msg("%s was accepted", nonsense[i]);
        char begin[64];
        snprintf(begin, sizeof begin, "FETCH_ALLOW_PORTS: %.15s ", nonsense[i]);
        if (strncmp(fault, begin, strlen(begin)) != 0) fail_msg("%s: %s", nonsense[i], fault);
    }
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
        char fault[300] = "", text[128], begin[80];
        snprintf(text, sizeof text, "::1/128,%s", bad[i]);
        if (address_rules_parse(text, "", &rules, fault, sizeof fault) == 0) fail_msg("%s was accepted", bad[i]);
        snprintf(begin, sizeof begin, "FETCH_ALLOW_NETWORKS: %.40s", bad[i]);
        if (strncmp(fault, begin, strlen(begin)) != 0) fail_msg("%s: the fault is %s", bad[i], fault);
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
        cmocka_unit_test(every_range), cmocka_unit_test(permitted_networks), cmocka_unit_test(metadata_is_named_itself),
        cmocka_unit_test(ports),       cmocka_unit_test(bad_networks),       cmocka_unit_test(other_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
