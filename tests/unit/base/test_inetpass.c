/* Internet passwords: every known vector, round trips, malformed values. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"

static const struct {
	const char *stored, *password;
	enum inetpass_kind kind;
} vectors[] = {
	{ "(06E0A50B579AD2CD5FFDC48564627EE7)", "secret", INETPASS_V1 },
	{ "(355E98E7C7B59BD810ED845AD0FD2FC4)", "password", INETPASS_V1 },
	{ "(CD2D90E8E00D8A2A63A81F531EA8A9A3)", "lotus", INETPASS_V1 },
	{ "(69D90B46B1AC0912E5CCF858094BBBFC)", "dirtydog", INETPASS_V1 },
	{ "(3dd2e1e5ac03e230243d58b8c5ada076)", "hashcat", INETPASS_V1 },
	{ "(GVMroLzc50YK/Yd+L8KH)", "", INETPASS_V2 },
	{ "(GqnUDNNGNUz5HRoelmLU)", "x", INETPASS_V2 },
	{ "(GNBpcGJRYpBe9orUOpmZ)", "dupaaa123", INETPASS_V2 },
	{ "(G0xjUQzdKxvHpUYqo5hU)", "koziolekmatolek", INETPASS_V2 },
	{ "(G+dfECo845XxUw+nFVYD)", "szesnascieznakow", INETPASS_V2 },
	{ "(GowT5I2hVHZpRWpvGmux)", "terazjakiesdwadziesciacos", INETPASS_V2 },
	{ "(Gq2bAtpguiTSSycy6dhu)", "trzydziescidwamozesieudaojnieuda", INETPASS_V2 },
	{ "(G82TtgNcqcHGkpEo7wQp)", "looongrandominputdataforfunbutnotonlyoi!", INETPASS_V2 },
	{ "(GDpOtD35gGlyDksQRxEU)", "hashcat", INETPASS_V2 },
	{ "(HsjFebq0Kh9kH7aAZYc7kY30mC30mC3KmC30mCluagXrvWKj1)", "hashcat", INETPASS_V3 },
	{ "(HosOQowHtnaYQqFo/XlScup0mC30mC3KmC30mCeACAxpjQN2u)", "pleaseletmein", INETPASS_V3 },
};

START_TEST(known_vectors)
{
	struct slice stored = slice_of(vectors[_i].stored);
	char other[256];

	ck_assert_int_eq(inetpass_kind(stored, NULL), vectors[_i].kind);
	ck_assert_int_eq(inetpass_verify(slice_of(vectors[_i].password), stored), NOERROR);
	snprintf(other, sizeof(other), "%sX", vectors[_i].password);
	ck_assert_int_eq(inetpass_verify(slice_of(other), stored), POSTIL_ERR_BADPASSWORD);
	snprintf(other, sizeof(other), " %s\n", vectors[_i].stored);
	ck_assert_int_eq(inetpass_verify(slice_of(vectors[_i].password), slice_of(other)), NOERROR);
}
END_TEST

static const struct {
	const char *stored;
	enum inetpass_kind kind;
} shapes[] = {
	{ "", INETPASS_NONE },
	{ "  \t", INETPASS_NONE },
	{ "secret", INETPASS_PLAIN },
	{ "(", INETPASS_BAD },
	{ "()", INETPASS_BAD },
	{ "(G)", INETPASS_BAD },
	{ "(GNBpcGJRYpBe9orUOpm)", INETPASS_BAD },          /* one short */
	{ "(GNBpcGJRYpBe9orUOpmZZ)", INETPASS_BAD },        /* one long */
	{ "(GNBpcGJRYp=e9orUOpmZ)", INETPASS_BAD },         /* not in the alphabet */
	{ "(gNBpcGJRYpBe9orUOpmZ)", INETPASS_BAD },
	{ "(355E98E7C7B59BD810ED845AD0FD2FCG)", INETPASS_BAD },
	{ "(355E98E7C7B59BD810ED845AD0FD2FC)", INETPASS_BAD },
	{ "355E98E7C7B59BD810ED845AD0FD2FC4", INETPASS_PLAIN },
	{ "(HsjFebq0Kh9kH7aAZYc7kY30mC30mC3KmC30mCluagXrvWKj)", INETPASS_BAD },
	/* rounds that are not digits, and 0 rounds */
	{ "(HsjFebq0Kh9kH7aAZYc7kYzzzzzzzzzzzzzzzzluagXrvWKj1)", INETPASS_BAD },
	{ "(HsjFebq0Kh9kH7aAZYc7kY30mC30mC30mC30mCluagXrvWKj1)", INETPASS_BAD },
	/* 9,000,000,000 rounds */
	{ "(HsjFebq0Kh9kH7aAZYc7kY3amC30mC3KmC30mCluagXrvWKj1)", INETPASS_BAD },
};

START_TEST(shapes_of_values)
{
	struct slice stored = slice_of(shapes[_i].stored);

	ck_assert_int_eq(inetpass_kind(stored, NULL), shapes[_i].kind);
	ck_assert_int_eq(inetpass_verify(slice_of(shapes[_i].stored), stored),
	                 POSTIL_ERR_BADPASSWORD);
	ck_assert_int_eq(inetpass_verify(slice_of(""), stored), POSTIL_ERR_BADPASSWORD);
}
END_TEST

START_TEST(round_trip)
{
	static const enum inetpass_kind kinds[] = { INETPASS_V1, INETPASS_V2, INETPASS_V3 };
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 31, 32, 33, 64, INETPASS_MAX_OCTETS };
	char password[INETPASS_MAX_OCTETS], out[64];
	uint32_t rounds = 0;

	for (size_t i = 0; i < sizeof(password); i++)
		password[i] = (char)(i * 37 + 1);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct slice given = { password, lengths[i] };

		ck_assert_int_eq(inetpass_hash(given, kinds[_i], 17, out), NOERROR);
		ck_assert_int_eq(inetpass_kind(slice_of(out), &rounds), kinds[_i]);
		ck_assert_int_eq(inetpass_verify(given, slice_of(out)), NOERROR);
		if (kinds[_i] == INETPASS_V3)
			ck_assert_uint_eq(rounds, 17);
	}
}
END_TEST

START_TEST(rounds_default_and_limits)
{
	char out[64], longer[INETPASS_MAX_OCTETS + 1];
	uint32_t rounds = 0;

	memset(longer, 'a', sizeof(longer));
	ck_assert_int_eq(inetpass_hash(SLICE_LIT("x"), INETPASS_V3, 0, out), NOERROR);
	ck_assert_int_eq(inetpass_kind(slice_of(out), &rounds), INETPASS_V3);
	ck_assert_uint_eq(rounds, INETPASS_V3_ROUNDS_DEFAULT);
	ck_assert_int_eq(inetpass_hash(SLICE_LIT("x"), INETPASS_V3,
	                 INETPASS_V3_ROUNDS_MAX + 1, out), POSTIL_ERR_INVALID);
	ck_assert_int_eq(inetpass_hash(SLICE_LIT("x"), INETPASS_BAD, 0, out), POSTIL_ERR_INVALID);
	ck_assert_int_eq(inetpass_hash((struct slice){ longer, sizeof(longer) }, INETPASS_V1, 0,
	                 out), POSTIL_ERR_INVALID);
	ck_assert_int_eq(inetpass_verify((struct slice){ longer, sizeof(longer) },
	                 slice_of(vectors[0].stored)), POSTIL_ERR_BADPASSWORD);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/inetpass");
	TCase *tc = tcase_create("inetpass");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, known_vectors, 0, sizeof(vectors) / sizeof(*vectors));
	tcase_add_loop_test(tc, shapes_of_values, 0, sizeof(shapes) / sizeof(*shapes));
	tcase_add_loop_test(tc, round_trip, 0, 3);
	tcase_add_test(tc, rounds_default_and_limits);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
