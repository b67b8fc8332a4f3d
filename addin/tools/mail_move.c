/* postil mail import and export: telling what mailfile/import.h and export.h do. */
#include "addin/tools/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "addin/tools/progress.h"
#include "base/text.h"
#include "mailfile/export.h"
#include "mailfile/import.h"

struct move_arguments {
	const char *data, *owner, *uidls, *folder;
	enum mail_form form;
	enum mail_books headers;
	struct uidl_format format;
	bool has_format, dry_run, inbox_only, books;
};

static const struct option long_options[] = {
	{ "data", required_argument, NULL, 'd' },
	{ "folder", required_argument, NULL, 'F' },
	{ "form", required_argument, NULL, 'f' },
	{ "headers", required_argument, NULL, 'H' },
	{ "inbox-only", no_argument, NULL, 'i' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "owner", required_argument, NULL, 'o' },
	{ "uidl-format", required_argument, NULL, 'U' },
	{ "uidl-map", required_argument, NULL, 'u' },
	{ "uidl-headers", no_argument, NULL, 'x' },
	{ NULL, 0, NULL, 0 },
};

static bool take_form(struct move_arguments *a, const char *text)
{
	if (mail_form_parse(text, &a->form))
		return true;
	tool_say("the form is eml, mbox, mboxrd, mboxcl2, maildir, cyrus or dxl, not \"%s\"", text);
	return false;
}

static bool take_headers(struct move_arguments *a, const char *text)
{
	bool keep = strcmp(text, "keep") == 0;

	a->headers = keep ? MAIL_BOOKS_KEEP : MAIL_BOOKS_REMOVE;
	if (keep || strcmp(text, "remove") == 0)
		return true;
	tool_say("headers are kept by \"keep\" or taken out by \"remove\", not by \"%s\"", text);
	return false;
}

static bool take_format(struct move_arguments *a, const char *text)
{
	a->has_format = uidl_format_parse(text, &a->format);
	if (!a->has_format)
		tool_say("\"%s\" is no format of UIDLs: see postil-mail(1)", text);
	return a->has_format;
}

static bool move_options(int argc, char **argv, const char *known, struct move_arguments *a)
{
	int option;

	while ((option = getopt_long(argc, argv, known, long_options, NULL)) != -1) {
		if (option == '?' || strchr(known, option) == NULL)
			return false;
		switch (option) {
		case 'd': a->data = optarg; break;
		case 'F': a->folder = optarg; break;
		case 'i': a->inbox_only = true; break;
		case 'n': a->dry_run = true; break;
		case 'o': a->owner = optarg; break;
		case 'u': a->uidls = optarg; break;
		case 'x': a->books = true; break;
		case 'H': if (!take_headers(a, optarg)) return false; break;
		case 'U': if (!take_format(a, optarg)) return false; break;
		default: if (!take_form(a, optarg)) return false; break;
		}
	}
	return true;
}

/* --- import ------------------------------------------------------------------------ */

struct import_context {
	struct progress progress;
};

static void import_step(void *context, uint64_t done, uint64_t total, uint64_t messages)
{
	progress_step(&((struct import_context *)context)->progress, done, total, messages);
}

static void import_say(void *context, const char *text)
{
	struct buf shown = BUF_INIT;

	progress_end(&((struct import_context *)context)->progress);
	tool_add_text(&shown, slice_of(text));
	tool_say("%s", buf_cstr(&shown));
	buf_release(&shown);
}

static void put_count(uint64_t count, const char *what)
{
	if (count > 0)
		printf(", %llu %s", (unsigned long long)count, what);
}

/* One line for people; what did not happen is not in it. */
static void put_report(struct mail_tool *t, const struct import_report *r, bool dry_run)
{
	printf("%llu message%s %s %s, %llu octets", (unsigned long long)r->messages,
	       text_plural(r->messages), dry_run ? "would be imported into" : "imported into",
	       buf_cstr(&t->path), (unsigned long long)r->octets);
	put_count(r->read, "of them read");
	put_count(r->filed, "of them in folders");
	put_count(r->uidls, "of them with a UIDL of the old server or the map");
	put_count(r->uidls_made, "with a new UIDL, for none was known");
	put_count(r->uidls_clashing, "with a new UIDL, for theirs names another message here");
	put_count(r->uidls_unusable, "with a new UIDL, for POP3 cannot carry theirs");
	if (r->documents > 0)
		printf("; %llu document%s beside them", (unsigned long long)r->documents,
		       text_plural(r->documents));
	if (r->present > 0)
		printf("; %llu there already", (unsigned long long)r->present);
	if (r->passed_over > 0)
		printf("; %llu passed over", (unsigned long long)r->passed_over);
	if (r->expunged > 0)
		printf("; %llu deleted on the old server", (unsigned long long)r->expunged);
	if (r->missing > 0)
		printf("; %llu in an index without a file", (unsigned long long)r->missing);
	if (r->lines_ignored > 0)
		printf("; %llu record%s of UIDLs ignored", (unsigned long long)r->lines_ignored,
		       text_plural(r->lines_ignored));
	printf("\n");
}

static int import_all(struct mail_tool *t, const struct move_arguments *a,
                      const struct uidl_map *map, int count, char **sources)
{
	struct import_context context;
	struct import_options options = { .form = a->form, .uidls = map,
		.uidl_format = a->has_format ? &a->format : NULL, .folders = !a->inbox_only,
		.folder = a->folder, .books = a->headers, .dry_run = a->dry_run,
		.say = import_say, .context = &context };
	struct import_report report = { 0 };
	struct fault fault = { 0 };
	STATUS status = NOERROR;

	options.render = tool_names(t->data_dir, &fault);
	if (options.render == NULL)
		status = fault.status;
	progress_start(&context.progress);
	if (context.progress.wanted)
		options.progress = import_step;
	for (int i = 0; i < count && status == NOERROR; i++)
		status = import_mail(t->store, buf_cstr(&t->path), slice_of(a->owner), sources[i],
		                     &options, &report, &fault);
	progress_end(&context.progress);
	put_report(t, &report, a->dry_run);
	if (status != NOERROR)
		return tool_fail(&fault, status);
	return report.passed_over > 0 ? EX_DATAERR : EX_OK;
}

int mail_import(int argc, char **argv)
{
	static const char usage[] = "mail import [-in] [-d DATA] [-F FOLDER]"
		" [-f eml|mbox|mboxrd|mboxcl2|maildir|cyrus|dxl] [-H keep|remove] [-o OWNER]"
		" [-U FORMAT] [-u UIDLMAP] MAILFILE SOURCE...";
	struct move_arguments a = { .form = MAIL_FORM_AUTO };
	struct uidl_map *map = NULL;
	struct fault fault = { 0 };
	struct mail_tool t;
	STATUS status = NOERROR;
	int exit_status;

	if (!move_options(argc, argv, "d:F:f:H:ino:U:u:", &a) || argc - optind < 2)
		return tool_usage(usage);
	exit_status = mail_tool_open(&t, a.data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	if (a.uidls != NULL)
		status = uidl_map_read(a.uidls, a.has_format ? &a.format : NULL, &map, &fault);
	exit_status = status != NOERROR ? tool_fail(&fault, status)
	              : import_all(&t, &a, map, argc - optind - 1, argv + optind + 1);
	uidl_map_free(&map);
	mail_tool_close(&t);
	return exit_status;
}

/* --- export -------------------------------------------------------------------------- */

static int export_to(struct mail_tool *t, const struct move_arguments *a,
                     const char *destination)
{
	struct import_context context;
	struct export_options options = { .form = a->form, .uidl_map = a->uidls,
		.books = a->books, .folders = !a->inbox_only && a->folder == NULL,
		.folder = a->folder, .progress = import_step, .say = import_say,
		.context = &context };
	struct export_report report = { 0 };
	struct fault fault = { 0 };
	FILE *out = strcmp(destination, "-") == 0 ? stderr : stdout;
	STATUS status;

	progress_start(&context.progress);
	status = export_mail(t->store, buf_cstr(&t->path), destination, &options, &report, &fault);
	progress_end(&context.progress);
	if (status != NOERROR)
		return tool_fail(&fault, status);
	fprintf(out, "%llu message%s exported from %s, %llu octets",
	        (unsigned long long)report.messages, text_plural(report.messages),
	        buf_cstr(&t->path), (unsigned long long)report.octets);
	if (report.folders > 0)
		fprintf(out, ", %llu folder%s beside the inbox", (unsigned long long)report.folders,
		        text_plural(report.folders));
	if (report.gone > 0)
		fprintf(out, "; %llu were deleted meanwhile", (unsigned long long)report.gone);
	fprintf(out, "\n");
	return report.left_out > 0 ? EX_DATAERR : EX_OK;
}

int mail_export(int argc, char **argv)
{
	static const char usage[] = "mail export [-ix] [-d DATA] [-F FOLDER]"
		" [-f eml|mbox|mboxrd|maildir|dxl] [-u UIDLMAP] MAILFILE DESTINATION";
	struct move_arguments a = { .form = MAIL_FORM_AUTO };
	struct mail_tool t;
	int exit_status;

	if (!move_options(argc, argv, "d:F:f:iu:x", &a) || argc - optind != 2)
		return tool_usage(usage);
	exit_status = mail_tool_open(&t, a.data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	exit_status = export_to(&t, &a, argv[optind + 1]);
	mail_tool_close(&t);
	return exit_status;
}
