/* postil directory: update, check, find, show, settings, certificate. A program of its own,
 * because it reads DXL. Distrusted: arguments, and what documents
 * hold; on a terminal nothing but text is shown, and no digest ever. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "addin/tools/certificate.h"
#include "addin/tools/explain.h"
#include "addin/tools/held.h"
#include "addin/tools/tool.h"
#include "base/crypt.h"
#include "base/text.h"
#include "directory/certificates.h"
#include "directory/directory.h"
#include "directory/settings.h"

#include "base/banned.h"

#define USAGE "directory update|check|settings [-d DATA]\n" \
	"       postil directory find|show [-d DATA] NAME\n" \
	"       postil " CERTIFICATE_USAGE

/* --- showing --------------------------------------------------------------- */

static void show(struct slice s)
{
	struct buf text = BUF_INIT;

	tool_add_text(&text, s);
	fwrite(text.p, 1, text.n, stdout);
	buf_release(&text);
}

static void show_line(const char *label, struct slice value)
{
	printf("  %-18s ", label);
	if (value.n == 0)
		fputs("(none)", stdout);
	show(value);
	putchar('\n');
}

/* What kind of digest it is, never the digest. */
static void show_digest(struct slice stored)
{
	uint32_t rounds = 0;

	switch (inetpass_kind(stored, &rounds)) {
	case INETPASS_NONE: fputs("blank", stdout); break;
	case INETPASS_PLAIN: fputs("plain text, unusable", stdout); break;
	case INETPASS_V1: fputs("V1", stdout); break;
	case INETPASS_V2: fputs("V2", stdout); break;
	case INETPASS_V3: printf("V3, %u rounds", rounds); break;
	case INETPASS_BAD: fputs("malformed, unusable", stdout); break;
	}
}

/* --- update, check --------------------------------------------------------- */

static void say_text(void *context, const char *text)
{
	struct buf shown = BUF_INIT;

	for (const char *p = text; *p != '\0'; p++)     /* names in it may be hostile */
		buf_add_char(&shown, (unsigned char)*p < ' ' || *p == 0x7F ? '?' : *p);
	fprintf(stderr, "%s\n", buf_cstr(&shown));
	buf_release(&shown);
}

static void show_report(const struct compile_report *r, const char *result)
{
	printf("%u document%s in %u file%s: %u person%s, %u server%s, %u other%s; %u file%s read, "
	       "%u fault%s, %u warning%s; %s\n", r->documents, text_plural(r->documents), r->files,
	       text_plural(r->files), r->persons, text_plural(r->persons), r->servers, text_plural(r->servers),
	       r->others, text_plural(r->others), r->files_read, text_plural(r->files_read), r->faults,
	       text_plural(r->faults), r->warnings, text_plural(r->warnings), result);
}

static int run_update(const char *data_dir, struct slice name)
{
	struct compile_report report;
	struct fault fault = { 0 };
	STATUS status = directory_compile(data_dir, &report, say_text, NULL, &fault);

	if (status != NOERROR) {
		say_text(NULL, fault_text(&fault, status));
		return tool_exit_status(status);
	}
	show_report(&report, report.changed ? "names.nsf has been updated"
	            : "names.nsf was up to date");
	return EX_OK;
}

static int run_check(const char *data_dir, struct slice name)
{
	struct compile_report report;
	struct fault fault = { 0 };
	struct buf server = BUF_INIT;
	STATUS status = tool_server_name(data_dir, &server, &fault);

	if (status == NOERROR)
		status = directory_check(data_dir, buf_slice(&server), &report, say_text, NULL, &fault);
	buf_release(&server);
	if (status != NOERROR) {
		say_text(NULL, fault_text(&fault, status));
		return tool_exit_status(status);
	}
	show_report(&report, "nothing was written");
	return report.faults == 0 ? EX_OK : EX_DATAERR;
}

/* --- find ------------------------------------------------------------------ */

static void show_words(const char *label, void (*explain)(struct explain *e,
                       const struct person *person, struct buf *out), struct explain *e,
                       const struct person *person)
{
	struct buf words = BUF_INIT;

	explain(e, person, &words);
	show_line(label, buf_slice(&words));
	buf_release(&words);
}

static void show_certificates(const struct held *held)
{
	for (size_t i = 0; i < held->count; i++) {
		struct buf words = BUF_INIT;

		held_describe(held->list[i], &words);
		show_line("Certificate", buf_slice(&words));
		buf_release(&words);
	}
}

static void show_person(struct explain *e, const struct person *person, struct slice login)
{
	struct held held;

	show(person->name);
	putchar('\n');
	show_line("Found by", slice_of(explain_match(e, person, login)));
	show_line("Internet address", person->internet_address);
	for (size_t i = 0; i < person->password_count; i++) {
		printf("  %-18s ", "Internet password");
		show_digest(person->passwords[i]);
		putchar('\n');
	}
	if (person->password_count == 0)
		show_line("Internet password", slice_of("blank: the login is refused"));
	if (held_of_person(e->dir, person->name, &person->unid, &e->arena, &held) == NOERROR)
		show_certificates(&held);
	show_line("Mail server", person->mail_server);
	show_words("", explain_server, e, person);
	show_line("Mail file", person->mail_file);
	show_words("", explain_mail_file, e, person);
	show_words("Access", explain_access, e, person);
	show_words("Lockout", explain_lockout, e, person);
}

static int no_answer(STATUS status, const char *data_dir)
{
	switch (status) {
	case POSTIL_ERR_NOEXIST:
		tool_say("%s/names.nsf does not exist; run `postil directory update`", data_dir);
		break;
	case POSTIL_ERR_AMBIGUOUS:
		tool_say("more than %d persons have that name", DIRECTORY_MATCHES_DEFAULT);
		break;
	case POSTIL_ERR_INVALID:
		tool_say("that is no name: empty, too long, or not UTF-8");
		break;
	default:
		tool_say("%s/names.nsf: %s", data_dir, status_text(status));
	}
	return tool_exit_status(status);
}

static struct directory *open_directory(const char *data_dir, int *exit_r)
{
	struct directory *dir = NULL;
	struct fault fault = { 0 };
	STATUS status = directory_open(data_dir, &dir, &fault);

	if (status != NOERROR)
		*exit_r = tool_fail(&fault, status);
	return dir;
}

static void show_login_rules(const struct explain *e)
{
	struct buf words = BUF_INIT;

	explain_site(e, &words);
	printf("Logins by %s name variations; options from ",
	       e->settings.more_name_variations ? "more" : "fewer");
	show(buf_slice(&words));
	putchar('\n');
	buf_release(&words);
}

/* Nobody under the setting that holds: would it be somebody under the other? */
static int nobody(struct explain *e, struct slice name, struct arena *arena)
{
	const struct person *persons;
	size_t count = 0;

	if (!e->settings.more_name_variations &&
	    directory_find_login(e->dir, name, true, DIRECTORY_MATCHES_DEFAULT, arena, &persons,
	                         &count) == NOERROR && count > 0)
		tool_say("nobody can log in by that name; under \"More name variations\" it would be "
		         "%s of %zu person%s", explain_match(e, &persons[0], name), count, text_plural(count));
	else
		tool_say("nobody can log in by that name");
	return EX_NOUSER;
}

static int find(struct explain *e, struct slice name)
{
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	size_t count = 0;
	int code = EX_OK;
	STATUS status = directory_find_login(e->dir, name, e->settings.more_name_variations,
	                                     DIRECTORY_MATCHES_DEFAULT, &arena, &persons, &count);

	if (status != NOERROR)
		code = no_answer(status, e->data_dir);
	else if (count == 0)
		code = nobody(e, name, &arena);
	else
		show_login_rules(e);
	for (size_t i = 0; i < count; i++)
		show_person(e, &persons[i], name);
	if (count > 1)
		tool_say("%zu persons have that name; whose password verifies is logged in, "
		         "if it is one only", count);
	arena_release(&arena);
	return code;
}

static int run_find(const char *data_dir, struct slice name)
{
	struct fault fault = { 0 };
	struct explain e;
	int code = EX_OK;
	struct directory *dir = open_directory(data_dir, &code);
	STATUS status;

	if (dir == NULL)
		return code;
	status = explain_init(&e, data_dir, dir, &fault);
	if (status == NOERROR)
		code = find(&e, name);
	else
		code = fault.status != NOERROR ? tool_fail(&fault, status) : no_answer(status, data_dir);
	explain_release(&e);
	directory_close(&dir);
	return code;
}

/* --- show ------------------------------------------------------------------ */

static bool is_secret(const struct item *item)
{
	const char *const *names = directory_settings[SET_HTTP_PASSWORD].items;

	for (size_t i = 0; i < SETTING_ITEMS_MAX && names[i] != NULL; i++)
		if (slice_equal_nocase(slice_of(item->name), slice_of(names[i])))
			return true;
	return false;
}

static void show_item(const struct item *item)
{
	printf("  ");
	show(slice_of(item->name));
	printf(" = ");
	for (size_t i = 0; i < item->count; i++) {
		if (i > 0)
			printf("; ");
		if (certificates_are_in(item->name)) {
			printf("%zu octets", item->values[i].n);
			continue;
		}
		if (is_secret(item))
			show_digest(item->values[i]);
		else
			show(item->values[i]);
	}
	putchar('\n');
}

/* What they hold, once for all of them. */
static void show_held(const struct note *note)
{
	struct arena arena = ARENA_INIT;
	struct certificates certificates;
	struct held held = { .count = 0 };
	STATUS status = certificates_read(note, &arena, &certificates);

	for (size_t i = 0; status == NOERROR && i < certificates.count; i++)
		status = held_add(&held, certificates.list[i], &arena);
	show_certificates(&held);
	arena_release(&arena);
}

static STATUS show_document(void *context, const struct note *note, const char *file)
{
	char unid[33];

	unid_format(&note->unid, unid);
	printf("Document %s, from names/%s\n", unid, file);
	for (const struct item *item = note->first; item != NULL; item = item->next)
		show_item(item);
	show_held(note);
	++*(size_t *)context;
	return NOERROR;
}

static int run_show(const char *data_dir, struct slice name)
{
	size_t count = 0;
	int code = EX_OK;
	struct directory *dir = open_directory(data_dir, &code);
	STATUS status;

	if (dir == NULL)
		return code;
	status = directory_each_document(dir, name, show_document, &count);
	if (status != NOERROR)
		code = no_answer(status, data_dir);
	else if (count == 0) {
		tool_say("no document has that name");
		code = EX_NOUSER;
	}
	directory_close(&dir);
	return code;
}

/* --- settings -------------------------------------------------------------- */

static int run_settings(const char *data_dir, struct slice name)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct directory_setting *s = &directory_settings[i];

		printf("%s document, %s\n  items    ", s->form, s->label);
		for (size_t j = 0; j < SETTING_ITEMS_MAX && s->items[j] != NULL; j++)
			printf("%s%s", j > 0 ? ", " : "", s->items[j]);
		printf("%s\n  default  %s\n", s->confirmed ? "" : " (names not confirmed)",
		       s->fallback != NULL ? s->fallback : "(none)");
	}
	return EX_OK;
}

static const struct action {
	const char *name;
	int (*run)(const char *data_dir, struct slice name);
	bool takes_name, needs_data;
} actions[] = {
	{ "update", run_update, false, true },
	{ "check", run_check, false, true },
	{ "find", run_find, true, true },
	{ "show", run_show, true, true },
	{ "settings", run_settings, false, false },
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(name, actions[i].name) == 0)
			return &actions[i];
	return NULL;
}

static int run_action(const struct action *action, const char *given, const char *name)
{
	int code = EX_OK;
	char *data_dir = NULL;

	if (action->needs_data) {
		data_dir = tool_data_dir(given, &code);
		if (data_dir == NULL)
			return code;
	}
	code = action->run(data_dir, slice_of(name));
	free(data_dir);
	if (fflush(stdout) != 0 && code == EX_OK)
		code = EX_IOERR;
	return code;
}

int main(int argc, char **argv)
{
	const struct action *action = argc < 2 ? NULL : find_action(argv[1]);
	const char *data = NULL;
	int option;

	tool_start("directory");
	if (argc == 2 && strcmp(argv[1], "-h") == 0)
		return tool_help(USAGE);
	if (argc >= 2 && strcmp(argv[1], "certificate") == 0)
		return certificate_run(argc - 1, argv + 1);
	if (action == NULL)
		return tool_usage(USAGE);
	while ((option = getopt(argc - 1, argv + 1, "d:")) != -1) {
		if (option != 'd')
			return tool_usage(USAGE);
		data = optarg;
	}
	if (argc - 1 - optind != (action->takes_name ? 1 : 0))
		return tool_usage(USAGE);
	return run_action(action, data, action->takes_name ? argv[1 + optind] : NULL);
}
