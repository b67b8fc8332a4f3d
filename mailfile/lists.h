/*
 * Message lists kept from one session to the next. A list is given only to who
 * shows the same stamp of the same file; whatever was committed meanwhile, by
 * whatever program, makes it miss. Bounded in octets, oldest out. Any thread.
 * Where messages have a second form, sessions with and without UTF8 have lists of
 * their own.
 */
#ifndef POSTIL_MAILFILE_LISTS_H
#define POSTIL_MAILFILE_LISTS_H

#include "mailfile/handles.h"
#include "mailfile/list.h"

struct lists;

STATUS lists_new(size_t max_octets, struct lists **lists_r);
void lists_free(struct lists **lists);
/* A hold on the list and which file it is of, or NULL. */
struct msglist *lists_find(struct lists *lists, const char *path, bool utf8,
                           const struct nsf_stamp *stamp, struct file_id *id_r);
/* Keep it (taking a hold of its own) in the place of an older one. */
void lists_keep(struct lists *lists, const char *path, bool utf8, struct file_id id,
                const struct nsf_stamp *stamp, struct msglist *list);
void lists_forget(struct lists *lists, const char *path);

#endif
