/* postil mail mark, folder, move, trash, undelete, properties and list -f, -m: the Notes side, while
 * POP3 sessions go on. Distrusted: what is typed, and what notes hold, of which only text is
 * shown. */
#include "addin/tools/mail_notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/name.h"
#include "base/text.h"

int mail_notes_open(struct mail_notes *n, const char *data, const char *mail_file)
{
	struct fault fault = { 0 };
	STATUS status;
	int exit_status;

	*n = (struct mail_notes){ .user = BUF_INIT };
	exit_status = mail_tool_open(&n->tool, data, mail_file);
	if (exit_status != EX_OK)
		return exit_status;
	status = nsf_open(buf_cstr(&n->tool.full_path), &n->nsf, &fault);
	if (status == NOERROR)
		return EX_OK;
	mail_tool_close(&n->tool);
	return tool_fail(&fault, status);
}

void mail_notes_close(struct mail_notes *n)
{
	notes_ids_release(&n->ids);
	buf_release(&n->user);
	nsf_close(&n->nsf);
	mail_tool_close(&n->tool);
}

int mail_notes_end(struct mail_notes *n, STATUS status, const struct fault *fault)
{
	int exit_status = status == NOERROR ? EX_OK : tool_fail(fault, status);

	if (exit_status == EX_OK && fflush(stdout) != 0)
		exit_status = EX_IOERR;
	mail_notes_close(n);
	return exit_status;
}

STATUS mail_notes_choose(struct mail_notes *n, const char *folder, char **texts, int count,
                         struct fault *fault)
{
	STATUS status = NOERROR;

	for (int i = 0; i < count && status == NOERROR; i++)
		status = notes_choose(n->nsf, slice_of(folder), texts[i], &n->ids, fault);
	return status;
}

void mail_notes_reclaim(struct mail_notes *n)
{
	bool more = true;

	while (more && nsf_reclaim(n->nsf, &more) == NOERROR)
		;
}

static STATUS set_user(struct mail_notes *n, const char *name, struct fault *fault)
{
	STATUS status = name_canonicalize(slice_of(name), &n->user);

	return status == NOERROR ? status : fault_set(fault, status, "%s: %s", name, status_text(status));
}

static void say_count(const char *done, size_t count)
{
	printf("%zu note%s %s\n", count, text_plural(count), done);
}

/* --- list ------------------------------------------------------------------------------ */

static void put_text(struct slice text, size_t width, bool pad)
{
	struct buf out = BUF_INIT;
	size_t characters = 0;

	tool_add_text(&out, text);
	for (size_t i = 0; i < out.n; i++) {
		if (((unsigned char)out.p[i] & 0xC0) != 0x80 && ++characters > width)
			break;
		putchar(out.p[i]);
	}
	for (; pad && characters < width; characters++)
		putchar(' ');
	buf_release(&out);
}

static STATUS put_entry(void *context, const struct notes_entry *e)
{
	time_t when = (time_t)(e->date_ms / 1000);
	char date[32] = "", size[24] = "-";
	struct tm tm;

	(void)context;
	if (localtime_r(&when, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm);
	if (e->has_message)
		snprintf(size, sizeof(size), "%llu", (unsigned long long)e->size_octets);
	printf("%c%5u NT%08llX %10s  %-16s  ", e->unread ? '*' : ' ', e->number,
	       (unsigned long long)e->note_id, size, date);
	put_text(e->from, 24, true);
	printf("  ");
	put_text(e->subject, 40, false);
	putchar('\n');
	return NOERROR;
}

int mail_notes_list(const char *data, const char *mail_file, const char *folder, const char *user)
{
	struct fault fault = { 0 };
	struct mail_notes n;
	STATUS status = NOERROR;
	int exit_status = mail_notes_open(&n, data, mail_file);

	if (exit_status != EX_OK)
		return exit_status;
	if (user != NULL)
		status = set_user(&n, user, &fault);
	if (status == NOERROR)
		status = notes_list(n.nsf, slice_of(folder), buf_slice(&n.user), put_entry, NULL, &fault);
	return mail_notes_end(&n, status, &fault);
}

/* --- mark ------------------------------------------------------------------------------ */

/* The owner, if nobody is named. */
static STATUS mark_user(struct mail_notes *n, const char *user, struct fault *fault)
{
	struct buf owner = BUF_INIT;
	STATUS status;

	if (user != NULL)
		return set_user(n, user, fault);
	status = nsf_property_get(n->nsf, NSF_PROPERTY_OWNER, &owner);
	if (status == POSTIL_ERR_NOT_FOUND || (status == NOERROR && owner.n == 0))
		status = fault_set(fault, POSTIL_ERR_INVALID, "%s belongs to nobody; name a user with -m",
		                   buf_cstr(&n->tool.path));
	/* a file may have been made for "Jane Doe/Acme": his marks are those of the whole name */
	if (status == NOERROR)
		status = set_user(n, buf_cstr(&owner), fault);
	buf_release(&owner);
	return status;
}

int mail_mark(int argc, char **argv)
{
	static const char usage[] =
		"mail mark [-d DATA] [-f FOLDER] [-m USER] MAILFILE read|unread NOTE...";
	const char *data = NULL, *folder = NSF_INBOX, *user = NULL;
	struct fault fault = { 0 };
	struct mail_notes n;
	int option, exit_status;
	STATUS status;
	bool read;

	while ((option = getopt(argc, argv, "+d:f:m:")) != -1)
		switch (option) {
		case 'd': data = optarg; break;
		case 'f': folder = optarg; break;
		case 'm': user = optarg; break;
		default: return tool_usage(usage);
		}
	if (argc - optind < 3)
		return tool_usage(usage);
	read = strcmp(argv[optind + 1], "read") == 0;
	if (!read && strcmp(argv[optind + 1], "unread") != 0)
		return tool_usage(usage);
	exit_status = mail_notes_open(&n, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	status = mark_user(&n, user, &fault);
	if (status == NOERROR)
		status = mail_notes_choose(&n, folder, argv + optind + 2, argc - optind - 2, &fault);
	if (status == NOERROR)
		status = notes_mark(n.nsf, buf_slice(&n.user), read, &n.ids, &fault);
	if (status == NOERROR)
		say_count(read ? "marked read" : "marked unread", n.ids.count);
	return mail_notes_end(&n, status, &fault);
}

/* --- folders ----------------------------------------------------------------------------- */

static STATUS put_folder(void *context, struct slice name, uint64_t notes)
{
	(void)context;
	printf("%8llu  ", (unsigned long long)notes);
	put_text(name, 255, false);
	putchar('\n');
	return NOERROR;
}

static STATUS change_folder(struct nsf *nsf, const char *what, const char *name, struct fault *fault)
{
	bool make = strcmp(what, "make") == 0;
	STATUS status = make ? nsf_folder_make(nsf, slice_of(name))
		: nsf_folder_remove(nsf, slice_of(name));

	switch (status) {
	case POSTIL_ERR_EXISTS:
		return fault_set(fault, status, "there is a folder \"%s\" already", name);
	case POSTIL_ERR_NOT_FOUND:
		return fault_set(fault, status, "there is no folder \"%s\"", name);
	case POSTIL_ERR_INVALID:
		return fault_set(fault, status, make ? "a name of a folder is text of one line, at most 255 octets"
		                 : "%s is in every mail file and cannot be removed", name);
	default:
		return status == NOERROR ? status
			: fault_set(fault, status, "\"%s\": %s", name, status_text(status));
	}
}

int mail_folder(int argc, char **argv)
{
	static const char usage[] = "mail folder [-d DATA] MAILFILE\n"
		"       postil mail folder [-d DATA] MAILFILE make|remove NAME";
	const char *data = NULL;
	struct fault fault = { 0 };
	struct mail_notes n;
	int option, exit_status;
	STATUS status = NOERROR;

	while ((option = getopt(argc, argv, "+d:")) != -1) {
		if (option != 'd')
			return tool_usage(usage);
		data = optarg;
	}
	argc -= optind;
	argv += optind;
	if (argc != 1 && (argc != 3 || (strcmp(argv[1], "make") != 0 && strcmp(argv[1], "remove") != 0)))
		return tool_usage(usage);
	exit_status = mail_notes_open(&n, data, argv[0]);
	if (exit_status != EX_OK)
		return exit_status;
	if (argc == 3)
		status = change_folder(n.nsf, argv[1], argv[2], &fault);
	else
		status = nsf_folders_each(n.nsf, put_folder, NULL);
	return mail_notes_end(&n, status, &fault);
}

/* --- moving ------------------------------------------------------------------------------- */

int mail_move(int argc, char **argv)
{
	static const char usage[] = "mail move [-d DATA] [-f FOLDER] -t FOLDER MAILFILE NOTE...";
	const char *data = NULL, *from = NSF_INBOX, *to = NULL;
	struct fault fault = { 0 };
	struct mail_notes n;
	int option, exit_status;
	STATUS status;

	while ((option = getopt(argc, argv, "d:f:t:")) != -1)
		switch (option) {
		case 'd': data = optarg; break;
		case 'f': from = optarg; break;
		case 't': to = optarg; break;
		default: return tool_usage(usage);
		}
	if (to == NULL || argc - optind < 2)
		return tool_usage(usage);
	exit_status = mail_notes_open(&n, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	status = mail_notes_choose(&n, from, argv + optind + 1, argc - optind - 1, &fault);
	if (status == NOERROR)
		status = notes_move(n.nsf, slice_of(from), slice_of(to), &n.ids, &fault);
	if (status == NOERROR)
		say_count("moved", n.ids.count);
	return mail_notes_end(&n, status, &fault);
}

static STATUS empty_trash(struct mail_notes *n, struct fault *fault)
{
	uint64_t count = 0;
	STATUS status = notes_empty_trash(n->nsf, &count, fault);

	if (status != NOERROR)
		return status;
	say_count("deleted for good", (size_t)count);
	mail_notes_reclaim(n);
	return NOERROR;
}

int mail_trash(int argc, char **argv)
{
	static const char usage[] = "mail trash [-d DATA] [-f FOLDER] MAILFILE NOTE...\n"
		"       postil mail trash [-d DATA] -e MAILFILE";
	const char *data = NULL, *from = NSF_INBOX;
	struct fault fault = { 0 };
	struct mail_notes n;
	bool empty = false;
	int option, exit_status;
	STATUS status;

	while ((option = getopt(argc, argv, "d:ef:")) != -1)
		switch (option) {
		case 'd': data = optarg; break;
		case 'e': empty = true; break;
		case 'f': from = optarg; break;
		default: return tool_usage(usage);
		}
	if (empty ? argc - optind != 1 : argc - optind < 2)
		return tool_usage(usage);
	exit_status = mail_notes_open(&n, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	if (empty)
		return mail_notes_end(&n, empty_trash(&n, &fault), &fault);
	status = mail_notes_choose(&n, from, argv + optind + 1, argc - optind - 1, &fault);
	if (status == NOERROR)
		status = notes_move(n.nsf, slice_of(from), SLICE_LIT(NSF_TRASH), &n.ids, &fault);
	if (status == NOERROR)
		say_count("moved to the trash", n.ids.count);
	return mail_notes_end(&n, status, &fault);
}

int mail_undelete(int argc, char **argv)
{
	static const char usage[] = "mail undelete [-d DATA] MAILFILE NOTE...";
	const char *data = NULL;
	struct fault fault = { 0 };
	struct mail_notes n;
	int option, exit_status;
	STATUS status;

	while ((option = getopt(argc, argv, "d:")) != -1) {
		if (option != 'd')
			return tool_usage(usage);
		data = optarg;
	}
	if (argc - optind < 2)
		return tool_usage(usage);
	exit_status = mail_notes_open(&n, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	status = mail_notes_choose(&n, NSF_TRASH, argv + optind + 1, argc - optind - 1, &fault);
	if (status == NOERROR)
		status = notes_restore(n.nsf, &n.ids, &fault);
	if (status == NOERROR)
		say_count("restored", n.ids.count);
	return mail_notes_end(&n, status, &fault);
}

/* --- properties ------------------------------------------------------------------------------ */

static STATUS put_property(void *context, const char *name, struct slice value)
{
	(void)context;
	printf("%s=", name);
	put_text(value, 1024, false);
	putchar('\n');
	return NOERROR;
}

/* "name=value" */
static STATUS set_property(struct nsf *nsf, const char *text, struct fault *fault)
{
	const char *equals = strchr(text, '=');
	char name[32];

	if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof(name))
		return fault_set(fault, POSTIL_ERR_INVALID, "\"%s\" is not of the form NAME=VALUE", text);
	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = '\0';
	return notes_property_set(nsf, name, slice_of(equals + 1), fault);
}

static STATUS set_properties(struct nsf *nsf, char **texts, int count, struct fault *fault)
{
	STATUS status = count > 0 ? nsf_begin(nsf, fault) : NOERROR;

	if (status != NOERROR || count == 0)
		return status;
	for (int i = 0; i < count && status == NOERROR; i++)
		status = set_property(nsf, texts[i], fault);
	if (status == NOERROR)
		return nsf_commit(nsf, fault);
	nsf_rollback(nsf);
	return status;
}

int mail_properties(int argc, char **argv)
{
	static const char usage[] = "mail properties [-d DATA] MAILFILE [NAME=VALUE]...";
	const char *data = NULL;
	struct fault fault = { 0 };
	struct mail_notes n;
	int option, exit_status;
	STATUS status;

	while ((option = getopt(argc, argv, "+d:")) != -1) {
		if (option != 'd')
			return tool_usage(usage);
		data = optarg;
	}
	if (argc - optind < 1)
		return tool_usage(usage);
	exit_status = mail_notes_open(&n, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	status = set_properties(n.nsf, argv + optind + 1, argc - optind - 1, &fault);
	if (status == NOERROR)
		status = notes_properties_each(n.nsf, put_property, NULL, &fault);
	return mail_notes_end(&n, status, &fault);
}
