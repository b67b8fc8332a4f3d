/* postil mail: finds the verb. Distrusted: argv. */
#include "addin/tools/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "addin/tools/verbs.h"
#include "nsf/maint.h"

static const struct {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "create", "make an empty mail file", mail_create },
	{ "info", "tell how many messages it holds, whose it is; check it", mail_info },
	{ "list", "list its messages", mail_list },
	{ "show", "write a message to standard output", mail_show },
	{ "import", "move messages in: .eml, mbox, Maildir, Cyrus, DXL", mail_import },
	{ "export", "move them out: .eml, mbox, Maildir, DXL", mail_export },
	{ "mark", "mark notes read or unread", mail_mark },
	{ "folder", "list, make or remove folders", mail_folder },
	{ "move", "move notes to a folder", mail_move },
	{ "trash", "move notes to the trash, or empty it", mail_trash },
	{ "delete", "delete messages, or the mail file itself", mail_delete },
	{ "undelete", "take notes out of the trash", mail_undelete },
	{ "properties", "show or change title, quota, soft deletion and the like", mail_properties },
	{ "backup", "copy mail files while they are used", mail_backup },
	{ "restore", "put such copies back", mail_restore },
	{ "acl", "show or change who may read it and delete in it", mail_acl },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int help(FILE *out, int exit_status)
{
	fprintf(out, "Usage: postil mail VERB [-d DATA] MAILFILE [ARGUMENT]...\n\n");
	for (size_t i = 0; i < VERBS; i++)
		fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].help);
	fprintf(out, "\nMAILFILE is relative to the data directory, as in a Person document:"
	        " mail/jdoe.nsf.\nSee postil-mail(1).\n");
	return exit_status;
}

int verb_mail(int argc, char **argv)
{
	char name[48];

	if (argc < 2)
		return help(stderr, EX_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(stdout, EX_OK);
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(argv[1], verbs[i].name) == 0) {
			snprintf(name, sizeof(name), "postil mail %s", verbs[i].name);
			tool_start(name + sizeof("postil ") - 1);
			argv[1] = name;         /* what getopt calls the program */
			if (argc == 3 && strcmp(argv[2], "--help") == 0)
				tool_ask_usage();
			return verbs[i].run(argc - 1, argv + 1);
		}
	tool_say("there is no verb \"%s\"", argv[1]);
	return help(stderr, EX_USAGE);
}

int mail_tool_open(struct mail_tool *t, const char *data, const char *mail_file)
{
	struct fault fault = { 0 };
	STATUS status;
	int exit_status = EX_OK;

	*t = (struct mail_tool){ .path = BUF_INIT, .full_path = BUF_INIT };
	t->data_dir = tool_data_dir(data, &exit_status);
	if (t->data_dir == NULL)
		return exit_status;
	status = mailfile_path(t->data_dir, slice_of(mail_file), &t->path, &fault);
	if (status != NOERROR)
		exit_status = tool_fail(&fault, status);
	else
		t->store = tool_mail_store(t->data_dir, &exit_status);
	buf_addf(&t->full_path, "%s/%s", t->data_dir, buf_cstr(&t->path));
	if (t->store == NULL || buf_status(&t->full_path) != NOERROR) {
		mail_tool_close(t);
		return exit_status != EX_OK ? exit_status : EX_OSERR;
	}
	return EX_OK;
}

void mail_tool_close(struct mail_tool *t)
{
	if (t->store != NULL)
		t->store->calls->free(&t->store);
	buf_release(&t->path);
	buf_release(&t->full_path);
	free(t->data_dir);
	t->data_dir = NULL;
}

int mail_tool_drop(struct mail_tool *t, bool look_only, struct maildrop **drop_r)
{
	struct maildrop_options options = { .look_only = look_only };
	struct fault fault = { 0 };
	uint64_t epoch;
	STATUS status = t->store->calls->open(t->store, buf_cstr(&t->path), &options, drop_r,
	                                      &epoch, &fault);

	return status == NOERROR ? EX_OK : tool_fail(&fault, status);
}
