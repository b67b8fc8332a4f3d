/* What the verbs of the Notes side share. */
#ifndef POSTIL_TOOLS_MAIL_NOTES_H
#define POSTIL_TOOLS_MAIL_NOTES_H

#include "addin/tools/mail.h"
#include "mailfile/notes.h"

struct mail_notes {
	struct mail_tool tool;
	struct nsf *nsf;
	struct notes_ids ids;   /* which have been chosen */
	struct buf user;        /* canonical name, or empty */
};

/* EX_OK, or what to exit with; it has been said why. */
int mail_notes_open(struct mail_notes *n, const char *data, const char *mail_file);
void mail_notes_close(struct mail_notes *n);
/* Close; the exit status for what came of it, which is said. */
int mail_notes_end(struct mail_notes *n, STATUS status, const struct fault *fault);
/* The notes that the texts name, added to n->ids. */
STATUS mail_notes_choose(struct mail_notes *n, const char *folder, char **texts, int count,
                         struct fault *fault);
/* Free what deletions have left. */
void mail_notes_reclaim(struct mail_notes *n);

/* list -f FOLDER, -m USER; user may be NULL. */
int mail_notes_list(const char *data, const char *mail_file, const char *folder, const char *user);

#endif
