/* Digests against FIPS 180-4's examples, and their hexadecimal form. */
#include "test.h"

#include <string.h>

#include "base/digest.h"

static void test_known(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb924"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct digest d = digest_of(cases[i].text, strlen(cases[i].text)), back;
        char hex[DIGEST_HEX];
        digest_hex(&d, hex);
        assert_string_equal(hex, cases[i].hex);
        assert_int_equal(digest_parse(hex, &back), 0);
        assert_memory_equal(&back, &d, sizeof d);
    }
}

static void test_bad_hex(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        "00",
                                        "BA7816BF8F01CFEA414140DE5DAE2223",
                                        "ba7816bf8f01cfea414140de5dae222g",
                                        "ba7816bf8f01cfea414140de5dae222",
                                        "ba7816bf8f01cfea414140de5dae22233",
                                        " a7816bf8f01cfea414140de5dae2223",
                                        "ba7816bf8f01cfea414140de5dae222\xff"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct digest d;
        if (digest_parse(cases[i], &d) != -1) fail_msg("\"%s\" was accepted", cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known), cmocka_unit_test(test_bad_hex)};
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
