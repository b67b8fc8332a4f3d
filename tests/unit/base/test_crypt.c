/* Digests, random octets, comparison, base64. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"

static void to_hex(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
}

START_TEST(sha256)
{
	uint8_t out[32];
	char hex[65];

	ck_assert_int_eq(crypt_sha256(SLICE_LIT("abc"), out), NOERROR);
	to_hex(out, 32, hex);
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ck_assert_int_eq(crypt_sha256((struct slice){ NULL, 0 }, out), NOERROR);
	to_hex(out, 32, hex);
	ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(md5)
{
	uint8_t out[16];
	char hex[33];

	ck_assert_int_eq(crypt_md5(SLICE_LIT("abc"), out), NOERROR);    /* RFC 1321, A.5 */
	to_hex(out, 16, hex);
	ck_assert_str_eq(hex, "900150983cd24fb0d6963f7d28e17f72");
}
END_TEST

START_TEST(hmac_parts_do_not_run_together)
{
	static const uint8_t key[32] = { 1, 2, 3 };
	const struct slice one[] = { SLICE_LIT("ab"), SLICE_LIT("c") };
	const struct slice two[] = { SLICE_LIT("a"), SLICE_LIT("bc") };
	const struct slice three[] = { SLICE_LIT("abc"), SLICE_LIT("") };
	uint8_t a[32], b[32], c[32], again[32];

	ck_assert_int_eq(crypt_hmac_parts(key, one, 2, a), NOERROR);
	ck_assert_int_eq(crypt_hmac_parts(key, two, 2, b), NOERROR);
	ck_assert_int_eq(crypt_hmac_parts(key, three, 2, c), NOERROR);
	ck_assert_int_eq(crypt_hmac_parts(key, one, 2, again), NOERROR);
	ck_assert(crypt_equal(a, again, 32));
	ck_assert(!crypt_equal(a, b, 32));
	ck_assert(!crypt_equal(a, c, 32));
	ck_assert(!crypt_equal(b, c, 32));
}
END_TEST

START_TEST(hmac_is_hmac_sha256_over_length_and_octets)
{
	/* python3: hmac.new(bytes(32), struct.pack(">Q", 3) + b"abc", "sha256") */
	static const uint8_t key[32] = { 0 };
	const struct slice part = SLICE_LIT("abc");
	uint8_t out[32];
	char hex[65];

	ck_assert_int_eq(crypt_hmac_parts(key, &part, 1, out), NOERROR);
	to_hex(out, 32, hex);
	ck_assert_str_eq(hex, "8983e9940a134698bc589074bba9bca2d4465a24c585145e9f7996bbf379c7d7");
}
END_TEST

START_TEST(random_and_wipe)
{
	uint8_t a[64], b[64];
	static const uint8_t zero[64];

	ck_assert_int_eq(crypt_random(a, sizeof(a)), NOERROR);
	ck_assert_int_eq(crypt_random(b, sizeof(b)), NOERROR);
	ck_assert(!crypt_equal(a, b, sizeof(a)));
	crypt_wipe(a, sizeof(a));
	ck_assert(crypt_equal(a, zero, sizeof(a)));
	crypt_wipe(NULL, 0);
	ck_assert(crypt_equal(NULL, NULL, 0));
}
END_TEST

static const struct {
	const char *text, *plain;
} base64_good[] = {    /* RFC 4648, section 10 */
	{ "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" },
	{ "Zm9vYg==", "foob" }, { "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" },
};

START_TEST(base64_vectors)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(base64_encode(slice_of(base64_good[_i].plain), &out), NOERROR);
	ck_assert_str_eq(buf_cstr(&out), base64_good[_i].text);
	buf_clear(&out);
	ck_assert_int_eq(base64_decode(slice_of(base64_good[_i].text), &out), NOERROR);
	ck_assert_str_eq(buf_cstr(&out), base64_good[_i].plain);
	buf_release(&out);
}
END_TEST

static const char *const base64_bad[] = {
	"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "Zg==Zg==", "=", "====", "Z===",
	"Zm 9v", "Zm9v\n", "Zm9\xff", "Zm-v", "Z=9v",
};

START_TEST(base64_strict)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(base64_decode(slice_of(base64_bad[_i]), &out), POSTIL_ERR_INVALID);
	buf_release(&out);
}
END_TEST

START_TEST(base64_folded)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(base64_decode_folded(slice_of("\nZm 9v\r\n\tYg=\n=\n"), &out), NOERROR);
	ck_assert_str_eq(buf_cstr(&out), "foob");
	buf_clear(&out);
	ck_assert_int_eq(base64_decode_folded(slice_of("Zm9v\x0bYg=="), &out), POSTIL_ERR_INVALID);
	buf_release(&out);
}
END_TEST

/* However it is cut into pieces. */
START_TEST(base64_in_pieces)
{
	static const struct {
		const char *text, *plain;
		bool good;
	} cases[] = {
		{ "\nZm 9v\r\n\tYg=\n=\n", "foob", true },
		{ "", "", true },
		{ "Zm9vYmFy", "foobar", true },
		{ "Zm9vYmF", "foo", false },
		{ "Zm9v*mFyZm9v", "foo", false },
		{ "Zm9vYg==Zm9v", "foob", false },
		{ "Zm9vYh==", "foo", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct slice text = slice_of(cases[i].text);

		for (size_t piece = 1; piece <= text.n + 1; piece++) {
			struct base64_stream stream = BASE64_STREAM_INIT;
			struct buf out = BUF_INIT;

			for (size_t at = 0; at < text.n; at += piece)
				base64_stream_add(&stream, (struct slice){ text.p + at,
				                  text.n - at < piece ? text.n - at : piece }, &out);
			ck_assert_msg(strcmp(buf_cstr(&out), cases[i].plain) == 0, "case %zu, pieces of %zu",
			              i, piece);
			ck_assert_msg((base64_stream_end(&stream) == NOERROR) == cases[i].good,
			              "case %zu, pieces of %zu", i, piece);
			buf_release(&out);
		}
	}
}
END_TEST

START_TEST(base64_respects_the_limit)
{
	struct buf out;

	buf_init(&out, 4);
	ck_assert_int_ne(base64_decode(slice_of("Zm9vYmFy"), &out), NOERROR);
	buf_release(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/crypt");
	TCase *tc = tcase_create("crypt");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, sha256);
	tcase_add_test(tc, md5);
	tcase_add_test(tc, hmac_parts_do_not_run_together);
	tcase_add_test(tc, hmac_is_hmac_sha256_over_length_and_octets);
	tcase_add_test(tc, random_and_wipe);
	tcase_add_loop_test(tc, base64_vectors, 0, sizeof(base64_good) / sizeof(*base64_good));
	tcase_add_loop_test(tc, base64_strict, 0, sizeof(base64_bad) / sizeof(*base64_bad));
	tcase_add_test(tc, base64_folded);
	tcase_add_test(tc, base64_in_pieces);
	tcase_add_test(tc, base64_respects_the_limit);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
