/*
 * Who is meant by the recipient of a message: from an address or a name to the mail files it
 * goes to, by the directory as it is at that moment. Of the following the first that names
 * somebody counts:
 *
 *   jcorrer@acme.example           as it stands: InternetAddress, FullName or ShortName of a person,
 *                                  InternetAddress or name of a mail-in database or group
 *   jcorrer@other.example          with each other domain of ours in its place, where its own
 *                                  is ours (domains.h)
 *   Jada_Correr@acme.example       the local part as a name, where the domain is ours: as it
 *                                  stands, with blanks for `_`, with blanks for `_` and `.`
 *   jcorrer+lists@acme.example     all of it once more without what stands behind a separator
 *   Jada Correr/Acme, jcorrer      without a domain: a name, as it stands, then without what
 *                                  stands behind a separator
 *
 * A name is any FullName in all its forms, else a ShortName, else the name of a group. Quotes
 * around a local part are undone. A group (types multi-purpose and mail only) means its
 * members, groups among them, each mail file once; groups that contain each other end.
 * Members that have no mail file here (RFC 5321 addresses elsewhere, forwarded persons, names
 * of nobody) are passed over and counted; where they are all, the group is refused.
 */
#ifndef POSTIL_MAIL_RECIPIENT_H
#define POSTIL_MAIL_RECIPIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "addin/mail/domains.h"
#include "base/fault.h"
#include "directory/directory.h"

#define RECIPIENT_OCTETS_MAX 1024       /* of an address or name */
#define RECIPIENT_FILES_MAX 10000       /* that one group may mean */
#define RECIPIENT_MEMBERS_MAX 100000    /* looked at for one recipient */
#define RECIPIENT_GROUPS_MAX 1000       /* likewise */

struct recipient_rules {
	const char *data_dir;
	/* Canonical name of this server: persons whose MailServer is another one are refused.
	 * Empty: that is not looked at. */
	struct slice server;
	const struct mail_domains *domains;     /* NULL: none */
	struct slice separators;        /* octets each of which may begin the detail: "+" */
};

enum recipient_result {
	RECIPIENT_FOUND,
	RECIPIENT_UNKNOWN,              /* names nobody; empty, not text, too long */
	RECIPIENT_ELSEWHERE,            /* names nobody, and its domain is not ours */
	RECIPIENT_NO_MAIL_FILE,         /* the document names none */
	RECIPIENT_FORWARDED,            /* the Person document has a forwarding address */
	RECIPIENT_OTHER_SERVER,         /* the mail file is on another server */
	RECIPIENT_GROUP_EMPTY,          /* no member has a mail file here */
	RECIPIENT_GROUP_LARGE,          /* more than one of the limits above */
	/* For an administrator to mend: */
	RECIPIENT_AMBIGUOUS,            /* several persons have the name */
	RECIPIENT_BAD_MAIL_FILE,        /* the document names one that lies outside DATA, or so */
	RECIPIENT_TROUBLE               /* the directory cannot be asked now: fault->status */
};

struct recipient_file {
	const char *path;               /* relative to the data directory, as mailfile_path made it */
	struct slice owner;             /* canonical name of whom it belongs to */
};

/* One block of memory: free() lets go of all of it. */
struct recipient {
	size_t count;
	size_t passed_over;             /* members of groups without a mail file here */
	struct recipient_file files[];
};

/* address: without angle brackets. FOUND: *recipient_r is the caller's. Else the fault says in
 * a sentence what is wrong. Blocks. */
enum recipient_result recipient_find(struct directory *dir, const struct recipient_rules *rules,
                                     struct slice address, struct recipient **recipient_r,
                                     struct fault *fault);

#endif
