/* Internet passwords and base64: the input is a stored value and, behind a
 * newline, a password; and it is base64. */
#include <string.h>

#include "base/crypt.h"
#include "tests/fuzz/fuzz.h"

static void try_base64(struct slice in)
{
	struct buf octets = BUF_INIT, text = BUF_INIT, folded = BUF_INIT;

	if (base64_decode(in, &octets) == NOERROR) {
		FUZZ_CHECK(base64_encode(buf_slice(&octets), &text) == NOERROR);
		FUZZ_CHECK(slice_equal(buf_slice(&text), in));
		FUZZ_CHECK(base64_decode_folded(in, &folded) == NOERROR);
		FUZZ_CHECK(slice_equal(buf_slice(&folded), buf_slice(&octets)));
	} else {
		base64_decode_folded(in, &folded);
	}
	buf_release(&octets);
	buf_release(&text);
	buf_release(&folded);
}

static void try_password(struct slice stored, struct slice password)
{
	uint32_t rounds = 1;
	enum inetpass_kind kind = inetpass_kind(stored, &rounds);
	STATUS status;

	if (rounds > 1000)
		return;         /* slow, and nothing new */
	status = inetpass_verify(password, stored);
	FUZZ_CHECK(status == NOERROR || status == POSTIL_ERR_BADPASSWORD);
	if (kind != INETPASS_V1 && kind != INETPASS_V2 && kind != INETPASS_V3)
		FUZZ_CHECK(status == POSTIL_ERR_BADPASSWORD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice all = { (const char *)data, n };
	const char *end = n == 0 ? NULL : memchr(all.p, '\n', n);
	struct slice stored = { all.p, end == NULL ? n : (size_t)(end - all.p) };
	struct slice password = { all.p + stored.n, n - stored.n };
	char made[64];

	try_base64(all);
	try_password(stored, password);
	if (password.n <= 64 && inetpass_hash(password, INETPASS_V2, 0, made) == NOERROR)
		FUZZ_CHECK(inetpass_verify(password, slice_of(made)) == NOERROR);
	return 0;
}
