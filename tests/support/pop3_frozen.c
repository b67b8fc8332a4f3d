/* The POP3 task on a store that stands still while the file named by
 * POSTIL_TEST_FREEZE exists. Linked with --wrap=nsfstore_new; tests only. */
#include <stdlib.h>

#include "tests/support/stores.h"

STATUS __real_nsfstore_new(const char *data_dir, const struct nsfstore_options *options,
                           struct mail_store **store_r, struct fault *fault);
STATUS __wrap_nsfstore_new(const char *data_dir, const struct nsfstore_options *options,
                           struct mail_store **store_r, struct fault *fault);

STATUS __wrap_nsfstore_new(const char *data_dir, const struct nsfstore_options *options,
                           struct mail_store **store_r, struct fault *fault)
{
	struct mail_store *inner;
	STATUS status = __real_nsfstore_new(data_dir, options, &inner, fault);

	if (status == NOERROR)
		status = store_fault_new(inner, store_r);
	if (status == NOERROR)
		store_fault_watch(*store_r, getenv("POSTIL_TEST_FREEZE"));
	return status;
}
