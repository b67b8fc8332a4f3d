/* Names come from records, from the directory and from a command line. */
#include "directory/lockadmin.h"

#include <string.h>
#include <time.h>

#include "base/ipaddr.h"
#include "base/name.h"
#include "base/text.h"

#include "base/banned.h"

/* --- words ---------------------------------------------------------------------------- */

static void add_time(int64_t ms, struct buf *out)
{
	time_t secs = (time_t)(ms / 1000);
	char text[32] = "?";
	struct tm local;

	if (localtime_r(&secs, &local) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	buf_add_str(out, text);
}

void lockadmin_add_name(const struct lockout_record *record, struct buf *out)
{
	if (record->kind == LOCKOUT_ADDRESS || name_abbreviate(record->name, out) != NOERROR)
		buf_add_slice(out, record->name);
}

void lockadmin_add_line(const struct lockout_record *record, struct slice name,
                        struct buf *out)
{
	buf_add_str(out, record->kind == LOCKOUT_PERSON ? "user " : "address ");
	buf_add_slice(out, name);
	buf_addf(out, ": %s, %u failed login%s, first ", record->locked ? "locked" : "not locked",
	         (unsigned)record->failures, text_plural(record->failures));
	add_time(record->first_ms, out);
	buf_add_str(out, ", last ");
	add_time(record->last_ms, out);
}

/* --- unlocking ------------------------------------------------------------------------ */

struct unlocking {
	struct lockout *lockout;
	void (*unlocked)(void *context, const struct lockout_record *record);
	void *context;
};

static STATUS unlock(const struct unlocking *u, enum lockout_kind kind, struct slice name)
{
	STATUS status = lockout_unlock(u->lockout, kind, name);

	if (status == NOERROR)
		u->unlocked(u->context, &(struct lockout_record){ .kind = kind, .name = name });
	return status;
}

static STATUS unlock_address(const struct unlocking *u, struct slice name)
{
	char address[IPADDR_UNIT_TEXT], unit[IPADDR_UNIT_TEXT];

	if (name.n >= sizeof(address) || memchr(name.p, '\0', name.n) != NULL)
		return POSTIL_ERR_NOT_FOUND;
	memcpy(address, name.p, name.n);
	address[name.n] = '\0';
	ipaddr_unit_text(address, unit);
	return unlock(u, LOCKOUT_ADDRESS, slice_of(unit));
}

/* One that cannot be deleted does not keep the others locked. */
static STATUS unlock_persons(const struct unlocking *u, struct directory *dir, struct slice name)
{
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	size_t count = 0;
	STATUS status = directory_find_login(dir, name, true, DIRECTORY_MATCHES_MAX, &arena,
	                                     &persons, &count), result = POSTIL_ERR_NOT_FOUND;

	if (status == NOERROR)
		for (size_t i = 0; i < count; i++) {
			status = unlock(u, LOCKOUT_PERSON, persons[i].name);
			if (result == POSTIL_ERR_NOT_FOUND
			    || (status != NOERROR && status != POSTIL_ERR_NOT_FOUND))
				result = status;
		}
	else if (status != POSTIL_ERR_NOEXIST && status != POSTIL_ERR_INVALID)
		result = status;
	arena_release(&arena);
	return result;
}

STATUS lockadmin_unlock(struct lockout *lockout, struct directory *dir, struct slice name,
                        void (*unlocked)(void *context, const struct lockout_record *record),
                        void *context)
{
	struct unlocking u = { lockout, unlocked, context };
	STATUS status = unlock(&u, LOCKOUT_PERSON, name);

	if (status == POSTIL_ERR_INVALID)       /* no name, no record */
		status = POSTIL_ERR_NOT_FOUND;
	if (status == POSTIL_ERR_NOT_FOUND)
		status = unlock_address(&u, name);
	if (status == POSTIL_ERR_INVALID)
		status = POSTIL_ERR_NOT_FOUND;
	if (status == POSTIL_ERR_NOT_FOUND && dir != NULL)
		status = unlock_persons(&u, dir, name);
	return status;
}
