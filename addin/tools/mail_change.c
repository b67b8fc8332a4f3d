/* postil mail create and delete. Numbers and UIDLs come from the command line
 * and are checked against what the mail file holds. */
#include "addin/tools/mail_notes.h"

#include <stdio.h>
#include <sysexits.h>

#include "base/text.h"

int mail_create(int argc, char **argv)
{
	static const char usage[] = "mail create [-d DATA] [-o OWNER] MAILFILE";
	const char *data = NULL, *owner = NULL;
	struct fault fault = { 0 };
	struct mail_tool t;
	int option, exit_status;
	STATUS status;

	while ((option = getopt(argc, argv, "d:o:")) != -1)
		switch (option) {
		case 'd': data = optarg; break;
		case 'o': owner = optarg; break;
		default: return tool_usage(usage);
		}
	if (argc - optind != 1)
		return tool_usage(usage);
	exit_status = mail_tool_open(&t, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	status = t.store->calls->create(t.store, buf_cstr(&t.path), slice_of(owner), &fault);
	if (status != NOERROR)
		exit_status = tool_fail(&fault, status);
	mail_tool_close(&t);
	return exit_status;
}

/* --- delete ------------------------------------------------------------------------ */

struct deletion {
	bool uidls, for_good;
	const char *folder;
};

static STATUS choose(struct mail_notes *n, bool uidls, const char *folder, char **texts, int count,
                     struct fault *fault)
{
	STATUS status = NOERROR;

	if (!uidls)
		return mail_notes_choose(n, folder, texts, count, fault);
	for (int i = 0; i < count && status == NOERROR; i++)
		status = notes_choose_uidl(n->nsf, slice_of(texts[i]), &n->ids, fault);
	return status;
}

/* Where deletions are kept for a time they can be undone: that is said. */
static void say_deleted(struct mail_notes *n)
{
	size_t count = n->ids.count, kept = 0;
	int64_t since;

	for (size_t i = 0; i < count; i++)
		kept += nsf_trash_since(n->nsf, n->ids.all[i], &since) == NOERROR;
	printf("%zu message%s deleted from %s", count, text_plural(count), buf_cstr(&n->tool.path));
	if (kept == count)
		printf(", to the trash\n");
	else if (kept != 0)
		printf(", %zu of them to the trash\n", kept);
	else
		printf("\n");
}

/* POP3 sessions go on: see notes.h. */
static int delete_notes(struct mail_notes *n, const struct deletion *how, char **texts, int count)
{
	struct fault fault = { 0 };
	STATUS status = choose(n, how->uidls, how->folder, texts, count, &fault);

	if (status == NOERROR)
		status = notes_delete(n->nsf, how->for_good, &n->ids, &fault);
	if (status == NOERROR) {
		say_deleted(n);
		mail_notes_reclaim(n);
	}
	return mail_notes_end(n, status, &fault);
}

static int delete_file(const char *data, const char *mail_file)
{
	struct fault fault = { 0 };
	struct mail_tool t;
	STATUS status;
	int exit_status = mail_tool_open(&t, data, mail_file);

	if (exit_status != EX_OK)
		return exit_status;
	status = t.store->calls->remove(t.store, buf_cstr(&t.path), &fault);
	if (status != NOERROR)
		exit_status = tool_fail(&fault, status);
	mail_tool_close(&t);
	return exit_status;
}

int mail_delete(int argc, char **argv)
{
	static const char usage[] =
		"mail delete [-d DATA] [-f FOLDER] [-u] [-x] MAILFILE NUMBER[-NUMBER]...|NOTE...|UIDL...\n"
		"       postil mail delete [-d DATA] -F MAILFILE";
	struct deletion how = { .folder = NSF_INBOX };
	const char *data = NULL;
	bool whole_file = false;
	struct mail_notes n;
	int option, exit_status;

	while ((option = getopt(argc, argv, "d:f:uxF")) != -1)
		switch (option) {
		case 'd': data = optarg; break;
		case 'f': how.folder = optarg; break;
		case 'u': how.uidls = true; break;
		case 'x': how.for_good = true; break;
		case 'F': whole_file = true; break;
		default: return tool_usage(usage);
		}
	if (whole_file ? argc - optind != 1 : argc - optind < 2)
		return tool_usage(usage);
	if (whole_file)
		return delete_file(data, argv[optind]);
	exit_status = mail_notes_open(&n, data, argv[optind]);
	return exit_status != EX_OK ? exit_status
		: delete_notes(&n, &how, argv + optind + 1, argc - optind - 1);
}
