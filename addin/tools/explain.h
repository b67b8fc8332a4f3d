/*
 * What this server would make of a login name, in words: `postil directory find`. By the
 * directory as compiled, notes.ini, and what lies in the data directory.
 */
#ifndef POSTIL_TOOLS_EXPLAIN_H
#define POSTIL_TOOLS_EXPLAIN_H

#include "base/buf.h"
#include "base/fault.h"
#include "directory/config.h"
#include "directory/directory.h"
#include "directory/site.h"

struct explain {
	const char *data_dir;
	struct directory *dir;
	struct buf server;              /* canonical; empty: notes.ini names none */
	struct pop3_settings settings;
	struct pop3_sites sites;
	struct lockout_rules rules;
	enum config_nearness nearness;
	struct arena arena;
};

STATUS explain_init(struct explain *e, const char *data_dir, struct directory *dir,
                    struct fault *fault);
void explain_release(struct explain *e);
/* Which of the person's names this is, "" unknown. */
const char *explain_match(struct explain *e, const struct person *person, struct slice login);
/* Sentences without a full stop; appended. */
void explain_server(struct explain *e, const struct person *person, struct buf *out);
void explain_mail_file(struct explain *e, const struct person *person, struct buf *out);
void explain_access(struct explain *e, const struct person *person, struct buf *out);
void explain_lockout(struct explain *e, const struct person *person, struct buf *out);
void explain_site(const struct explain *e, struct buf *out);

#endif
