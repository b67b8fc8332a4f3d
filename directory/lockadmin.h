/*
 * Lockout records as an administrator sees and undoes them: on the console of a task
 * and by `postil lockout`, in the same words.
 */
#ifndef POSTIL_DIRECTORY_LOCKADMIN_H
#define POSTIL_DIRECTORY_LOCKADMIN_H

#include "directory/directory.h"
#include "directory/lockout.h"

/* Whose record: a person's abbreviated name, an address. Appended as it is kept; to be
 * escaped for where it is shown. */
void lockadmin_add_name(const struct lockout_record *record, struct buf *out);
/* "user NAME: locked, 3 failed logins, first ..., last ...": local time. name: from
 * lockadmin_add_name, escaped. */
void lockadmin_add_line(const struct lockout_record *record, struct slice name,
                        struct buf *out);

/* Delete the record that name means: of a person by the name of the record, of an
 * address (any of an IPv6 /64, or the /64 itself), else of every person that can log in
 * by that name under "more name variations". dir may be NULL. Each one deleted is told.
 * POSTIL_ERR_NOT_FOUND: there is no record of the name. */
STATUS lockadmin_unlock(struct lockout *lockout, struct directory *dir, struct slice name,
                        void (*unlocked)(void *context, const struct lockout_record *record),
                        void *context);

#endif
