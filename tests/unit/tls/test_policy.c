/* Lists of suites: what is taken, what is only told. */
#include <string.h>

#include "tests/support/unit.h"
#include "tls/policy.h"

#include "base/banned.h"

#define ALL "TLS 1.2, TLS 1.3: TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 " \
	"TLS_CHACHA20_POLY1305_SHA256 ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 " \
	"ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305 " \
	"ECDHE-RSA-CHACHA20-POLY1305 DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384 " \
	"DHE-RSA-CHACHA20-POLY1305"
#define ALL_1_3 "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256"
#define CODES_MAX 8

static const struct {
	const char *codes[CODES_MAX];
	STATUS status;
	const char *text, *ignored;
} cases[] = {
	{ { NULL }, NOERROR, ALL, "" },
	{ { "" }, NOERROR, ALL, "" },
	{ { " ", "" }, NOERROR, ALL, "" },
	{ { "C02F" }, NOERROR, "TLS 1.2, TLS 1.3: " ALL_1_3 " ECDHE-RSA-AES128-GCM-SHA256", "" },
	{ { "c02f", " 9E ", "0xC030", "0,9f" }, NOERROR, "TLS 1.2, TLS 1.3: " ALL_1_3
	  " ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384 DHE-RSA-AES128-GCM-SHA256 "
	  "DHE-RSA-AES256-GCM-SHA384", "" },
	{ { "0x13,0x01" }, NOERROR, "TLS 1.3: TLS_AES_128_GCM_SHA256", "" },
	{ { "1302", "CC,A8" }, NOERROR, "TLS 1.2, TLS 1.3: TLS_AES_256_GCM_SHA384 "
	  "ECDHE-RSA-CHACHA20-POLY1305", "" },
	/* what only a Domino server has */
	{ { "C030", "35", "2F", "C014", "0A" }, NOERROR, "TLS 1.2, TLS 1.3: " ALL_1_3
	  " ECDHE-RSA-AES256-GCM-SHA384", "35 2F C014 0A" },
	{ { "05", "04" }, POSTIL_ERR_INVALID, ALL, "05 04" },
	{ { "ALL:!aNULL" }, POSTIL_ERR_INVALID, ALL, "ALL:!aNULL" },
	{ { "C02FC030" }, POSTIL_ERR_INVALID, ALL, "C02FC030" },
	{ { "0x", ",", "00C02F", "g" }, POSTIL_ERR_INVALID, ALL, "0x , 00C02F g" },
	{ { "a\x1b[31mb" }, POSTIL_ERR_INVALID, ALL, "a\\x1b\\x5b31mb" },
};

START_TEST(test_narrow)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice codes[CODES_MAX];
		struct buf text = BUF_INIT, ignored = BUF_INIT;
		struct fault fault = { .text = "" };
		struct tls_policy policy;
		size_t count = 0;

		while (count < CODES_MAX && cases[i].codes[count] != NULL) {
			codes[count] = slice_of(cases[i].codes[count]);
			count++;
		}
		tls_policy_init(&policy);
		ck_assert_int_eq(tls_policy_narrow(&policy, codes, count, NULL, NULL), cases[i].status);
		tls_policy_init(&policy);
		ck_assert_int_eq(tls_policy_narrow(&policy, codes, count, &ignored, &fault), cases[i].status);
		tls_policy_text(&policy, &text);
		ck_assert_str_eq(buf_cstr(&text), cases[i].text);
		ck_assert_str_eq(buf_cstr(&ignored), cases[i].ignored);
		ck_assert_int_eq(fault.text[0] != '\0', cases[i].status != NOERROR);
		buf_release(&text);
		buf_release(&ignored);
	}
}
END_TEST

/* A second list narrows what the first left, and never widens. */
START_TEST(test_narrow_twice)
{
	const struct slice first[] = { SLICE_LIT("C02F"), SLICE_LIT("C02B"), SLICE_LIT("1301") };
	const struct slice second[] = { SLICE_LIT("C02F"), SLICE_LIT("C030"), SLICE_LIT("1301") };
	const struct slice third[] = { SLICE_LIT("C030"), SLICE_LIT("1302") };
	struct buf text = BUF_INIT;
	struct tls_policy policy;

	tls_policy_init(&policy);
	ck_assert_int_eq(tls_policy_narrow(&policy, first, 3, NULL, NULL), NOERROR);
	ck_assert_int_eq(tls_policy_narrow(&policy, second, 3, NULL, NULL), NOERROR);
	ck_assert_int_eq(tls_policy_narrow(&policy, third, 2, NULL, NULL), POSTIL_ERR_INVALID);
	tls_policy_text(&policy, &text);
	ck_assert_str_eq(buf_cstr(&text), "TLS 1.2, TLS 1.3: TLS_AES_128_GCM_SHA256 "
	                 "ECDHE-RSA-AES128-GCM-SHA256");
	buf_release(&text);
}
END_TEST

UNIT_MAIN("policy", test_narrow, test_narrow_twice)
