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
	const char *data, *owner, *uidls;
	enum mail_form form;
};

static bool move_options(int argc, char **argv, const char *known, struct move_arguments *a)
{
	int option;

	while ((option = getopt(argc, argv, known)) != -1)
		switch (option) {
		case 'd': a->data = optarg; break;
		case 'o': a->owner = optarg; break;
		case 'u': a->uidls = optarg; break;
		case 'f':
			if (mail_form_parse(optarg, &a->form))
				break;
			tool_say("the form is eml, mbox, mboxrd or maildir, not \"%s\"", optarg);
			return false;
		default: return false;
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
	progress_end(&((struct import_context *)context)->progress);
	tool_say("%s", text);
}

static int import_all(struct mail_tool *t, const struct move_arguments *a,
                      const struct uidl_map *map, int count, char **sources)
{
	struct import_context context;
	struct import_options options = { .form = a->form, .uidls = map,
		.progress = import_step, .say = import_say, .context = &context };
	struct import_report report = { 0 };
	struct fault fault = { 0 };
	STATUS status = NOERROR;

	progress_start(&context.progress);
	for (int i = 0; i < count && status == NOERROR; i++)
		status = import_mail(t->store, buf_cstr(&t->path), slice_of(a->owner), sources[i],
		                     &options, &report, &fault);
	progress_end(&context.progress);
	printf("%llu message%s imported into %s, %llu octets",
	       (unsigned long long)report.messages, text_plural(report.messages),
	       buf_cstr(&t->path), (unsigned long long)report.octets);
	if (map != NULL)
		printf(", %llu of them with a UIDL of the map", (unsigned long long)report.uidls);
	if (report.passed_over > 0)
		printf("; %llu passed over", (unsigned long long)report.passed_over);
	printf("\n");
	if (status != NOERROR)
		return tool_fail(&fault, status);
	return report.passed_over > 0 ? EX_DATAERR : EX_OK;
}

int mail_import(int argc, char **argv)
{
	static const char usage[] = "mail import [-d DATA] [-f eml|mbox|mboxrd|maildir]"
		" [-o OWNER] [-u UIDLMAP] MAILFILE SOURCE...";
	struct move_arguments a = { .form = MAIL_FORM_AUTO };
	struct uidl_map *map = NULL;
	struct fault fault = { 0 };
	struct mail_tool t;
	STATUS status = NOERROR;
	int exit_status;

	if (!move_options(argc, argv, "d:f:o:u:", &a) || argc - optind < 2)
		return tool_usage(usage);
	exit_status = mail_tool_open(&t, a.data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	if (a.uidls != NULL)
		status = uidl_map_read(a.uidls, &map, &fault);
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
	struct progress progress;
	struct export_options options = { .form = a->form, .uidl_map = a->uidls,
		.progress = progress_step, .context = &progress };
	struct export_report report = { 0 };
	struct fault fault = { 0 };
	FILE *out = strcmp(destination, "-") == 0 ? stderr : stdout;
	STATUS status;

	progress_start(&progress);
	status = export_mail(t->store, buf_cstr(&t->path), destination, &options, &report, &fault);
	progress_end(&progress);
	if (status != NOERROR)
		return tool_fail(&fault, status);
	fprintf(out, "%llu message%s exported from %s, %llu octets",
	        (unsigned long long)report.messages, text_plural(report.messages),
	        buf_cstr(&t->path), (unsigned long long)report.octets);
	if (report.gone > 0)
		fprintf(out, "; %llu were deleted meanwhile", (unsigned long long)report.gone);
	fprintf(out, "\n");
	return EX_OK;
}

int mail_export(int argc, char **argv)
{
	static const char usage[] = "mail export [-d DATA] [-f eml|mbox|mboxrd|maildir]"
		" [-u UIDLMAP] MAILFILE DESTINATION";
	struct move_arguments a = { .form = MAIL_FORM_AUTO };
	struct mail_tool t;
	int exit_status;

	if (!move_options(argc, argv, "d:f:u:", &a) || argc - optind != 2)
		return tool_usage(usage);
	exit_status = mail_tool_open(&t, a.data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	exit_status = export_to(&t, &a, argv[optind + 1]);
	mail_tool_close(&t);
	return exit_status;
}
