/* Access control lists as a file may hold them: what is understood is written the same
 * way again, and nobody gets more than the cap. */
#include "mailfile/acl.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct acl_who who = { .name = SLICE_LIT("CN=Ann Lee/OU=Sales/O=Acme"), .internet = true };
	struct arena arena = ARENA_INIT;
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct acl_rights rights;
	struct acl acl, again;

	if (acl_decode((struct slice){ (const char *)data, n }, &arena, &acl) == NOERROR) {
		acl_evaluate(&acl, &who, &rights);
		FUZZ_CHECK(rights.level <= acl.max_internet);
		FUZZ_CHECK(!rights.may_delete || rights.may_read);
		FUZZ_CHECK(acl_encode(&acl, &once) == NOERROR);
		FUZZ_CHECK(acl_decode(buf_slice(&once), &arena, &again) == NOERROR);
		FUZZ_CHECK(acl_encode(&again, &twice) == NOERROR);
		FUZZ_CHECK(slice_equal(buf_slice(&once), buf_slice(&twice)));
	}
	buf_release(&once);
	buf_release(&twice);
	arena_release(&arena);
	return 0;
}
