/* What the verbs of `postil mail` share. */
#ifndef POSTIL_TOOLS_MAIL_H
#define POSTIL_TOOLS_MAIL_H

#include <getopt.h>

#include "addin/tools/tool.h"
#include "base/buf.h"

/* A mail file named on the command line, and its store. */
struct mail_tool {
	char *data_dir;
	struct mail_store *store;
	struct buf path;        /* relative, as the store takes it */
	struct buf full_path;
};

/* EX_OK, or what to exit with; it has been said why. */
int mail_tool_open(struct mail_tool *t, const char *data, const char *mail_file);
void mail_tool_close(struct mail_tool *t);
/* Open the maildrop; look_only without the session lock. */
int mail_tool_drop(struct mail_tool *t, bool look_only, struct maildrop **drop_r);

/* argv[0] is the verb; the result is the exit status. */
int mail_create(int argc, char **argv);
int mail_info(int argc, char **argv);
int mail_list(int argc, char **argv);
int mail_show(int argc, char **argv);
int mail_import(int argc, char **argv);
int mail_export(int argc, char **argv);
int mail_delete(int argc, char **argv);
int mail_acl(int argc, char **argv);
int mail_mark(int argc, char **argv);
int mail_folder(int argc, char **argv);
int mail_move(int argc, char **argv);
int mail_trash(int argc, char **argv);
int mail_undelete(int argc, char **argv);
int mail_properties(int argc, char **argv);
int mail_backup(int argc, char **argv);
int mail_restore(int argc, char **argv);

#endif
