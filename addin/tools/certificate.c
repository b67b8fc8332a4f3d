/*
 * postil directory certificate: a person's certificates, in a document of the form
 * LocalPerson, which holds in place of what the Person document says; so those that the
 * Person document has are taken over. Distrusts the name, the file and what lies in
 * names/local.
 */
#include "addin/tools/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "addin/tools/held.h"
#include "addin/tools/localperson.h"
#include "base/crypt.h"
#include "base/name.h"
#include "base/text.h"
#include "directory/certificates.h"
#include "directory/settings.h"
#include "tls/peer.h"

#include "base/banned.h"

#define FILE_OCTETS_MAX (1024 * 1024)

struct certificate_tool {
	struct person_tool person_tool;
	struct arena arena;
	struct slice name;              /* the person's, canonical */
	struct buf shown;               /* it, for people */
	struct unid unid;
	struct held held;               /* what holds now */
	struct buf file;                /* below names/local */
};

/* --- the file ---------------------------------------------------------------------- */

static bool read_all(int fd, struct buf *out)
{
	char block[16384];
	ssize_t n;

	do {
		n = read(fd, block, sizeof(block));
		if (n > 0)
			buf_add(out, block, (size_t)n);
	} while ((n > 0 && buf_status(out) == NOERROR) || (n < 0 && errno == EINTR));
	return n >= 0;
}

/* Read before the process takes on another identity: it is the caller's file. */
static int read_file(const char *path, struct buf *out)
{
	bool standard_input = strcmp(path, "-") == 0;
	int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok = fd >= 0 && read_all(fd, out);
	int error = errno;

	if (fd >= 0 && !standard_input)
		close(fd);
	if (!ok) {
		tool_say("%s cannot be read: %s", path, strerrordesc_np(error));
		return EX_NOINPUT;
	}
	if (buf_status(out) != NOERROR) {
		tool_say("%s is larger than %d octets; that is no certificate", path, FILE_OCTETS_MAX);
		return EX_DATAERR;
	}
	return EX_OK;
}

/* The first certificate of the file: that of whoever it was made for, in a chain. */
static int take_certificate(const char *path, struct arena *arena, struct slice *der_r)
{
	struct buf text;
	struct held held = { .count = 0 };
	int exit_status;

	buf_init(&text, FILE_OCTETS_MAX);
	exit_status = read_file(path, &text);
	if (exit_status == EX_OK && held_add(&held, buf_slice(&text), arena) != NOERROR)
		exit_status = EX_OSERR;
	buf_wipe_release(&text);        /* there may be a key beside it */
	if (exit_status != EX_OK)
		return exit_status;
	if (held.count == 0) {
		tool_say("%s holds no certificate: neither PEM nor DER of one, or larger than %d octets",
		         path, TLS_CERTIFICATE_MAX);
		return EX_DATAERR;
	}
	if (held.count > 1)
		tool_say("%s holds %zu certificates; the first one is taken", path, held.count);
	*der_r = held.list[0];
	return EX_OK;
}

/* --- the person ---------------------------------------------------------------------- */

static int no_answer(const struct certificate_tool *t, STATUS status)
{
	tool_say("%s/names.nsf: %s", t->person_tool.data_dir, status_text(status));
	return tool_exit_status(status);
}

/* What holds now; asked once more when nobody else can change it. */
static STATUS look(struct certificate_tool *t)
{
	return held_of_person(t->person_tool.dir, t->name, &t->unid, &t->arena, &t->held);
}

static int find_person(struct certificate_tool *t, const char *name)
{
	const struct person *persons;
	size_t count;
	int exit_status = localperson_find_one(&t->person_tool, slice_of(name), &t->arena, &t->name);
	STATUS status;

	if (exit_status != EX_OK)
		return exit_status;
	status = directory_find_subject(t->person_tool.dir, t->name, &t->arena, &persons, &count);
	for (size_t i = 0; status == NOERROR && i < count; i++)
		if (name_equal(persons[i].name, t->name))
			t->unid = persons[i].unid;
	if (status == NOERROR)
		status = look(t);
	if (status == NOERROR)
		status = local_name(t->name, ENDING_LOCAL, &t->file);
	person_add_names(&t->shown, &(struct person){ .name = t->name }, 1);
	return status == NOERROR ? EX_OK : no_answer(t, status);
}

typedef STATUS finder(struct directory *dir, struct slice name, struct arena *arena,
                      const struct person **persons_r, size_t *count_r);

static bool is_persons(struct certificate_tool *t, finder *find, struct slice name)
{
	const struct person *persons;
	size_t count;

	if (find(t->person_tool.dir, name, &t->arena, &persons, &count) != NOERROR)
		return false;
	for (size_t i = 0; i < count; i++)
		if (memcmp(&persons[i].unid, &t->unid, sizeof(t->unid)) == 0)
			return true;
	return false;
}

static bool names_person(struct certificate_tool *t, const struct tls_peer *peer)
{
	for (size_t i = 0; i < peer->name_count; i++)
		if (is_persons(t, directory_find_subject, peer->names[i]))
			return true;
	return false;
}

/* A certificate that nothing ties to the person lets nobody in. */
static void warn_of_names(struct certificate_tool *t, const struct tls_peer *peer)
{
	struct buf names = BUF_INIT;
	bool address = false;

	if (names_person(t, peer))
		return;
	for (size_t i = 0; i < peer->name_count; i++) {
		buf_add_str(&names, i == 0 ? " (" : ", ");
		tool_add_text(&names, peer->names[i]);
	}
	if (peer->name_count > 0)
		buf_add_char(&names, ')');
	for (size_t i = 0; i < peer->address_count && !address; i++)
		address = is_persons(t, directory_find_address, peer->addresses[i]);
	tool_say("no name in the certificate%s is among the values of FullName of %s: it lets in %s",
	         buf_cstr(&names), buf_cstr(&t->shown), address
	         ? "only where the server lets the address in it stand for a name" : "nobody");
	buf_release(&names);
}

/* --- writing --------------------------------------------------------------------------- */

struct own {
	const struct unid *unid;
	bool has;
};

static STATUS find_own(void *context, const struct note *note, const char *file)
{
	struct own *own = context;

	if (memcmp(&note->unid, own->unid, sizeof(note->unid)) != 0)
		return NOERROR;
	for (const struct item *item = note->first; item != NULL; item = item->next)
		own->has = own->has || certificates_are_in(item->name);
	return NOERROR;
}

/* Has the Person document certificates of its own, which an item must stand in place of? */
static bool person_has_own(struct certificate_tool *t)
{
	struct own own = { &t->unid, false };

	return directory_each_document(t->person_tool.dir, t->name, find_own, &own) != NOERROR || own.has;
}

static STATUS encode(const struct held *held, struct arena *arena, struct slice *values)
{
	STATUS status = NOERROR;

	values[0] = (struct slice){ "", 0 };
	for (size_t i = 0; i < held->count && status == NOERROR; i++) {
		struct buf text = BUF_INIT;

		status = base64_encode(held->list[i], &text);
		if (status == NOERROR)
			status = arena_copy(arena, buf_slice(&text), &values[i]);
		buf_release(&text);
	}
	return status;
}

static STATUS change(void *context, struct note *note)
{
	struct certificate_tool *t = context;
	const struct directory_setting *setting = &directory_settings[SET_USER_CERTIFICATE];
	struct slice values[HELD_MAX];
	size_t count = t->held.count > 0 ? t->held.count : 1;
	STATUS status = encode(&t->held, &t->arena, values);

	for (size_t i = 0; i < SETTING_ITEMS_MAX && setting->items[i] != NULL; i++)
		person_remove_item(note, setting->items[i]);
	if (status != NOERROR || (t->held.count == 0 && !person_has_own(t)))
		return status;
	return note_add(note, slice_of(setting->items[0]), count > 1 ? ITEM_TEXT_LIST : ITEM_TEXT, 0,
	                values, count) == NULL ? POSTIL_ERR_MEMORY : NOERROR;
}

/* Written; do they hold? */
static int taken_up(struct certificate_tool *t)
{
	struct fault fault = { .status = NOERROR };
	struct held wanted = t->held;
	bool same;
	STATUS status = person_compile(&t->person_tool, &fault);

	if (status == NOERROR)
		status = look(t);
	if (status != NOERROR) {
		tool_say("the change has been written to " LOCAL_FOLDER "/%s, but does not hold yet: %s; "
		         "`postil directory update` tries again", buf_cstr(&t->file), fault_text(&fault, status));
		return tool_exit_status(status);
	}
	same = wanted.count == t->held.count;
	for (size_t i = 0; i < wanted.count && same; i++)
		same = slice_equal(wanted.list[i], t->held.list[i]);
	if (same)
		return EX_OK;
	tool_say("the change has been written to " LOCAL_FOLDER "/%s, but does not hold: another document "
	         "decides; see `postil directory show`", buf_cstr(&t->file));
	return EX_DATAERR;
}

/* Let edit change what holds, and keep that. EX_OK with *changed_r false: there was nothing
 * to do. edit says what it cannot do. */
static int keep(struct certificate_tool *t, int (*edit)(struct certificate_tool *t, void *context,
                bool *changed_r), void *context, bool *changed_r)
{
	struct fault fault = { .status = NOERROR };
	struct local local;
	int exit_status = EX_OK;
	STATUS status = local_open(t->person_tool.data_dir, &local, &fault);

	*changed_r = false;
	if (status != NOERROR)
		return tool_fail(&fault, status);
	status = person_compile(&t->person_tool, &fault);
	if (status == NOERROR)
		status = look(t);
	if (status == NOERROR)
		exit_status = edit(t, context, changed_r);
	if (status == NOERROR && *changed_r)
		status = localperson_change(&local, buf_cstr(&t->file), t->name, change, t, &fault);
	if (status != NOERROR)
		exit_status = tool_fail(&fault, status);
	else if (*changed_r)
		exit_status = taken_up(t);
	local_close(&local);
	return exit_status;
}

/* --- add --------------------------------------------------------------------------------- */

static int edit_add(struct certificate_tool *t, void *context, bool *changed_r)
{
	const struct slice *der = context;

	if (held_has(&t->held, *der))
		return EX_OK;
	if (t->held.count >= DIRECTORY_CERTIFICATES_MAX) {
		tool_say("%s has %zu certificates already, and no more are looked at", buf_cstr(&t->shown),
		         t->held.count);
		return EX_DATAERR;
	}
	t->held.list[t->held.count++] = *der;
	*changed_r = true;
	return EX_OK;
}

static int add(struct certificate_tool *t, void *context)
{
	const struct slice *der = context;
	struct buf words = BUF_INIT;
	struct tls_peer peer;
	bool changed;
	int exit_status;
	STATUS status = tls_peer_read(*der, &t->arena, &peer);

	if (status != NOERROR) {
		tool_say("that certificate cannot be used: %s", status_text(status));
		return EX_DATAERR;
	}
	warn_of_names(t, &peer);
	exit_status = keep(t, edit_add, context, &changed);
	held_describe(*der, &words);
	if (exit_status == EX_OK && changed)
		printf("The certificate %s belongs to %s from now on; it is kept in " LOCAL_FOLDER "/%s.\n",
		       buf_cstr(&words), buf_cstr(&t->shown), buf_cstr(&t->file));
	else if (exit_status == EX_OK)
		printf("%s has this certificate already: %s; nothing has been changed.\n", buf_cstr(&t->shown),
		       buf_cstr(&words));
	buf_release(&words);
	return exit_status;
}

/* --- list ---------------------------------------------------------------------------------- */

static int list(struct certificate_tool *t, void *context)
{
	printf("%s has %zu certificate%s\n", buf_cstr(&t->shown), t->held.count, text_plural(t->held.count));
	for (size_t i = 0; i < t->held.count; i++) {
		struct buf words = BUF_INIT, print = BUF_INIT;
		struct tls_peer peer;

		held_describe(t->held.list[i], &words);
		held_fingerprint(t->held.list[i], &print);
		printf("%3zu  %s\n     %s\n", i + 1, buf_cstr(&words), buf_cstr(&print));
		if (tls_peer_read(t->held.list[i], &t->arena, &peer) == NOERROR && !names_person(t, &peer))
			puts("     no name in it is among the values of FullName");
		buf_release(&words);
		buf_release(&print);
	}
	if (t->held.others > 0)
		printf("and %zu value%s that hold%s none\n", t->held.others, text_plural(t->held.others),
		       t->held.others == 1 ? "s" : "");
	return EX_OK;
}

/* --- remove -------------------------------------------------------------------------------- */

static int edit_remove(struct certificate_tool *t, void *context, bool *changed_r)
{
	const char *which = context;
	uint64_t number = 1;

	if (t->held.count == 0) {
		tool_say("%s has no certificate", buf_cstr(&t->shown));
		return EX_DATAERR;
	}
	if (which == NULL && t->held.count > 1) {
		tool_say("%s has %zu certificates: name one by its number in `postil directory certificate "
		         "list`, or all", buf_cstr(&t->shown), t->held.count);
		return EX_USAGE;
	}
	*changed_r = true;
	if (which != NULL && strcmp(which, "all") == 0) {
		t->held.count = 0;
		return EX_OK;
	}
	if (which != NULL && (!text_number(slice_of(which), t->held.count, &number) || number == 0)) {
		tool_say("%s is neither all nor a number from 1 to %zu", which, t->held.count);
		*changed_r = false;
		return EX_USAGE;
	}
	t->held.count--;
	memmove(&t->held.list[number - 1], &t->held.list[number],
	        (t->held.count - (size_t)number + 1) * sizeof(*t->held.list));
	return EX_OK;
}

static int take_out(struct certificate_tool *t, void *context)
{
	bool changed;
	int exit_status = keep(t, edit_remove, context, &changed);

	if (exit_status == EX_OK && changed)
		printf("%s has %zu certificate%s from now on.\n", buf_cstr(&t->shown), t->held.count,
		       text_plural(t->held.count));
	return exit_status;
}

/* --- the verb ------------------------------------------------------------------------------ */

static const struct action {
	const char *name;
	int (*run)(struct certificate_tool *t, void *context);
	int least, most;                /* arguments behind the options */
} actions[] = {
	{ "add", add, 2, 2 },
	{ "list", list, 1, 1 },
	{ "remove", take_out, 1, 2 },
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(name, actions[i].name) == 0)
			return &actions[i];
	return NULL;
}

static int run(const struct action *action, const char *data, char **arguments)
{
	struct certificate_tool t = { .held.count = 0 };
	struct slice der;
	void *context = action->most > 1 ? arguments[1] : NULL;
	int exit_status = EX_OK;

	if (action->run == add) {
		exit_status = take_certificate(arguments[1], &t.arena, &der);
		context = &der;
	}
	if (exit_status == EX_OK)
		exit_status = person_tool_open(&t.person_tool, data, false);
	if (exit_status == EX_OK) {
		exit_status = find_person(&t, arguments[0]);
		if (exit_status == EX_OK)
			exit_status = action->run(&t, context);
		person_tool_close(&t.person_tool);
	}
	buf_release(&t.shown);
	buf_release(&t.file);
	arena_release(&t.arena);
	if (fflush(stdout) != 0 && exit_status == EX_OK)
		exit_status = EX_IOERR;
	return exit_status;
}

int certificate_run(int argc, char **argv)
{
	const struct action *action = argc < 2 ? NULL : find_action(argv[1]);
	const char *data = NULL;
	int option;

	if (argc == 2 && strcmp(argv[1], "-h") == 0)
		return tool_help(CERTIFICATE_USAGE);
	if (action == NULL)
		return tool_usage(CERTIFICATE_USAGE);
	argc--;
	argv++;
	while ((option = getopt(argc, argv, "hd:")) != -1) {
		if (option == 'h')
			return tool_help(CERTIFICATE_USAGE);
		if (option != 'd')
			return tool_usage(CERTIFICATE_USAGE);
		data = optarg;
	}
	if (argc - optind < action->least || argc - optind > action->most)
		return tool_usage(CERTIFICATE_USAGE);
	return run(action, data, argv + optind);
}
