/* Texts of the status codes. No input is distrusted here: codes are numbers. */
#include "base/status.h"

#include <stddef.h>

static const struct {
	STATUS status;
	const char *text;
} texts[] = {
	{ NOERROR, "No error" },
	{ POSTIL_ERR_MEMORY, "Out of memory" },
	{ POSTIL_ERR_NOEXIST, "File does not exist" },
	{ POSTIL_ERR_EXISTS, "File already exists" },
	{ POSTIL_ERR_CANCEL, "Operation was stopped" },
	{ POSTIL_ERR_DELETED, "Document has been deleted" },
	{ POSTIL_ERR_NOACCESS, "You are not authorized to perform that operation" },
	{ POSTIL_ERR_NOT_FOUND, "Entry not found" },
	{ POSTIL_ERR_BADPASSWORD, "Wrong password" },
	{ POSTIL_ERR_INVALID, "Input is malformed" },
	{ POSTIL_ERR_TOO_LONG, "Input is longer than the limit" },
	{ POSTIL_ERR_IO, "Reading or writing failed" },
	{ POSTIL_ERR_DISK_FULL, "The disk is full or below its reserve" },
	{ POSTIL_ERR_DAMAGED, "File is damaged" },
	{ POSTIL_ERR_FOREIGN, "File is not a Postil database" },
	{ POSTIL_ERR_SCHEMA, "Database was made by a newer version" },
	{ POSTIL_ERR_NETWORK_FS, "Database lies on a network file system" },
	{ POSTIL_ERR_BUSY, "Database is busy" },
	{ POSTIL_ERR_IN_USE, "Mail file is in use by another session" },
	{ POSTIL_ERR_LOCK_LOST, "Lock on the mail file was lost" },
	{ POSTIL_ERR_TIMEOUT, "Operation took too long" },
	{ POSTIL_ERR_UNKNOWN_OUTCOME, "Outcome of the operation is unknown" },
	{ POSTIL_ERR_SYNTAX, "Text cannot be parsed" },
	{ POSTIL_ERR_AMBIGUOUS, "More than one entry matches" },
	{ POSTIL_ERR_LIMIT, "A limit has been reached" },
	{ POSTIL_ERR_CLOSED, "Connection has ended" },
	{ POSTIL_ERR_QUOTA, "The mail file has reached its quota" },
	{ POSTIL_ERR_PERMISSION, "The operating system refused access" },
};

const char *status_text(STATUS status)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Unknown error";
}
