/* Which Internet address a Notes name has. The name comes from a document and is distrusted;
 * so is what the directory says, which the caller checks. */
#include <string.h>

#include "base/text.h"
#include "directory/directory.h"
#include "directory/settings.h"

/* A person or a mail-in database. */
static STATUS address_of_user(struct directory *dir, struct slice name, struct buf *address_r)
{
	struct arena arena = ARENA_INIT;
	const struct person *person;
	struct slice address;
	STATUS status = directory_find_recipient(dir, name, &arena, &person);

	if (status == NOERROR) {
		address = text_trim(person->internet_address);
		buf_add_slice(address_r, address);
		status = address.n == 0 ? POSTIL_ERR_NOT_FOUND : buf_status(address_r);
	}
	arena_release(&arena);
	return status;
}

struct group_call {
	struct buf *address;
	bool found;
};

static STATUS take_group(void *context, const struct note *note, const char *file)
{
	struct group_call *call = context;
	struct slice address = text_trim(setting_text(note, SET_GROUP_ADDRESS));

	(void)file;
	if (call->found || address.n == 0 ||
	    !slice_equal_nocase(note_text(note, "Form"), SLICE_LIT("Group")))
		return NOERROR;
	call->found = true;
	buf_add_slice(call->address, address);
	return buf_status(call->address);
}

STATUS directory_internet_address(struct directory *dir, struct slice name, struct buf *address_r)
{
	struct group_call call = { .address = address_r };
	STATUS status = address_of_user(dir, name, address_r);

	if (status != POSTIL_ERR_NOT_FOUND)
		return status;
	status = directory_each_document(dir, name, take_group, &call);
	return status == NOERROR && !call.found ? POSTIL_ERR_NOT_FOUND : status;
}
