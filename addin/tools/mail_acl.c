/* postil mail acl: the access control list of a mail file, shown and changed. Names come
 * from the command line and from the file; on a terminal nothing but text is shown. */
#include "addin/tools/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/text.h"
#include "mailfile/header.h"

static const char usage[] = "mail acl [-d DATA] MAILFILE\n"
	"       postil mail acl [-d DATA] MAILFILE set NAME LEVEL [nodelete]\n"
	"       postil mail acl [-d DATA] MAILFILE remove NAME\n"
	"       postil mail acl [-d DATA] MAILFILE internet LEVEL";

static void show_name(struct slice name)
{
	struct buf shown = BUF_INIT;

	header_text(name, 1024, &shown);
	fputs(buf_cstr(&shown), stdout);
	buf_release(&shown);
}

static void show(const struct acl *acl)
{
	for (size_t i = 0; i < acl->count; i++) {
		const struct acl_entry *e = &acl->entries[i];

		printf("%-10s %-9s ", acl_level_text(e->level),
		       (e->flags & ACL_NO_DELETE) != 0 ? "nodelete" : "");
		show_name(e->name);
		putchar('\n');
	}
	printf("Maximum Internet name and password access: %s\n", acl_level_text(acl->max_internet));
}

/* Only what is wrong with the words; the change itself is made in acl. */
static STATUS change(struct acl *acl, struct arena *arena, char **words, int count,
                     struct fault *fault)
{
	struct acl_entry entry = { .flags = 0 };
	STATUS status;

	if (strcmp(words[0], "remove") == 0) {
		status = acl_remove(acl, slice_of(words[1]));
		if (status == POSTIL_ERR_NOT_FOUND)
			return fault_set(fault, status, "there is no entry of the name \"%s\"", words[1]);
		if (status == POSTIL_ERR_INVALID)
			return fault_set(fault, status, ACL_DEFAULT_ENTRY " cannot be removed; set it "
			                 "to noaccess");
		return status;
	}
	entry.name = slice_of(words[1]);
	if (!acl_level_parse(slice_of(words[count > 2 ? 2 : 1]), &entry.level))
		return fault_set(fault, POSTIL_ERR_INVALID, "\"%s\" is no access level; levels are "
		                 "noaccess, depositor, reader, author, editor, designer, manager",
		                 words[count > 2 ? 2 : 1]);
	if (strcmp(words[0], "internet") == 0) {
		acl->max_internet = entry.level;
		return NOERROR;
	}
	entry.flags = count == 4 ? ACL_NO_DELETE : 0;
	status = acl_set(acl, arena, &entry);
	if (status == POSTIL_ERR_INVALID || status == POSTIL_ERR_TOO_LONG)
		return fault_set(fault, POSTIL_ERR_INVALID, "that is no name for an entry: it is empty, longer than "
		                 "%d octets, or not text", ACL_NAME_MAX);
	return status;
}

static bool words_are_good(char **words, int count)
{
	if (count == 0)
		return true;
	if (strcmp(words[0], "set") == 0)
		return count == 3 || (count == 4 && strcmp(words[3], "nodelete") == 0);
	return count == 2 && (strcmp(words[0], "remove") == 0 || strcmp(words[0], "internet") == 0);
}

static STATUS run(struct mail_tool *t, char **words, int count, struct fault *fault)
{
	const struct maildrop_store_calls *calls = t->store->calls;
	struct arena arena = ARENA_INIT;
	struct buf encoded = BUF_INIT;
	struct acl acl;
	STATUS status = calls->acl_get(t->store, buf_cstr(&t->path), &encoded, fault);

	if (status == NOERROR)
		status = acl_decode(buf_slice(&encoded), &arena, &acl);
	/* what cannot be understood can be replaced, beginning with nobody */
	if (status == POSTIL_ERR_DAMAGED && count > 0)
		status = acl_default(SLICE_LIT(""), &arena, &acl);
	if (status == NOERROR && count > 0)
		status = change(&acl, &arena, words, count, fault);
	if (status == NOERROR && count > 0)
		status = calls->acl_set(t->store, buf_cstr(&t->path), &acl, fault);
	if (status == NOERROR)
		show(&acl);
	else if (fault->status == NOERROR)
		fault_set(fault, status, "%s: the access control list: %s", buf_cstr(&t->full_path),
		          status_text(status));
	buf_release(&encoded);
	arena_release(&arena);
	return status;
}

int mail_acl(int argc, char **argv)
{
	const char *data = NULL;
	struct fault fault = { 0 };
	struct mail_tool t;
	int option, exit_status;
	STATUS status;

	while ((option = getopt(argc, argv, "+d:")) != -1) {
		if (option != 'd')
			return tool_usage(usage);
		data = optarg;
	}
	if (argc - optind < 1 || !words_are_good(argv + optind + 1, argc - optind - 1))
		return tool_usage(usage);
	exit_status = mail_tool_open(&t, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	status = run(&t, argv + optind + 1, argc - optind - 1, &fault);
	if (status != NOERROR)
		exit_status = tool_fail(&fault, status);
	mail_tool_close(&t);
	return exit_status;
}
