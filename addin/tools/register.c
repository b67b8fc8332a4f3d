/*
 * postil register: a Person document of its own and the mail file that it names. The
 * document is written last, so that nothing half-made is ever a person. Distrusts the
 * answers: they become names, a path and DXL only after they have been checked.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "addin/tools/person.h"
#include "base/clock.h"
#include "base/name.h"
#include "base/text.h"

#include "base/banned.h"

#define USAGE "register [-123] [-d DATA] [-r ROUNDS] [-f FIRST] [-l LAST] [-o ORGANIZATION]\n" \
	"       [-n NAME] [-s SHORT] [-a ADDRESS] [-m MAILFILE]"
#define ANSWER_MAX 512

enum answer { FIRST, LAST, ORGANIZATION, NAME, SHORT, ADDRESS, MAIL_FILE, ANSWERS };

struct registration {
	struct person_tool tool;
	struct buf answers[ANSWERS];
	struct buf name;                /* canonical */
	struct buf common;
	struct buf mail_file;           /* as the store takes it */
	struct buf file, words;
	char digest[64];
};

/* --- proposals ----------------------------------------------------------------------- */

/* What follows the first part of this server's name: "Sales/Example" */
static void propose_organization(const struct registration *r, struct buf *out)
{
	struct buf name = BUF_INIT;
	const char *slash;

	if (r->tool.server.n > 0
	    && name_abbreviate(buf_slice(&r->tool.server), &name) == NOERROR
	    && (slash = memchr(name.p, '/', name.n)) != NULL)
		buf_add(out, slash + 1, name.n - (size_t)(slash + 1 - name.p));
	buf_release(&name);
}

static void propose_name(const struct registration *r, struct buf *out)
{
	const struct buf *first = &r->answers[FIRST], *last = &r->answers[LAST],
		*organization = &r->answers[ORGANIZATION];

	buf_add(out, first->p, first->n);
	buf_add_str(out, first->n > 0 && last->n > 0 ? " " : "");
	buf_add(out, last->p, last->n);
	buf_add_str(out, organization->n > 0 ? "/" : "");
	buf_add(out, organization->p, organization->n);
}

/* Letters and digits, and all beyond ASCII. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* The first letter of the first name and the last name, in small letters. */
static void propose_short(const struct registration *r, struct buf *out)
{
	struct buf first = BUF_INIT, last = BUF_INIT;
	size_t n = 0;

	text_fold(buf_slice(&r->answers[FIRST]), &first);
	text_fold(buf_slice(&r->answers[LAST]), &last);
	while (n < first.n && (n == 0 || ((unsigned char)first.p[n] & 0xC0) == 0x80))
		n++;
	for (size_t i = 0; i < n; i++)
		if (is_letter(first.p[i]))
			buf_add_char(out, first.p[i]);
	for (size_t i = 0; i < last.n; i++)
		if (is_letter(last.p[i]))
			buf_add_char(out, last.p[i]);
	buf_release(&first);
	buf_release(&last);
}

static void propose_address(const struct registration *r, struct buf *out)
{
	const struct buf *name = &r->answers[SHORT], *host = &r->tool.host_name;

	for (size_t i = 0; i < name->n; i++)
		if ((unsigned char)name->p[i] >= 0x80 || name->p[i] == ' ' || name->p[i] == '@')
			return;
	if (name->n == 0 || host->n == 0)
		return;
	buf_add(out, name->p, name->n);
	buf_add_char(out, '@');
	buf_add(out, host->p, host->n);
}

static void propose_mail_file(const struct registration *r, struct buf *out)
{
	const struct buf *name = &r->answers[SHORT];

	if (name->n == 0)
		return;
	buf_add_str(out, "mail/");
	for (size_t i = 0; i < name->n; i++)
		buf_add_char(out, strchr("/\\ ", name->p[i]) != NULL ? '-' : name->p[i]);
	buf_add_str(out, ".nsf");
}

/* --- checks ----------------------------------------------------------------------------- */

static const char *no_hierarchy(struct slice s)
{
	return memchr(s.p, '/', s.n) != NULL ? "it holds a \"/\"" : NULL;
}

static const char *is_address(struct slice s)
{
	const char *at = memchr(s.p, '@', s.n);
	size_t before = at == NULL ? 0 : (size_t)(at - s.p);

	if (at == NULL || before == 0 || before + 1 == s.n
	    || memchr(at + 1, '@', s.n - before - 1) != NULL)
		return "it is no Internet address";
	return memchr(s.p, ' ', s.n) != NULL ? "it holds a blank" : NULL;
}

static const struct question {
	const char *prompt;
	char option;
	bool needed;
	void (*propose)(const struct registration *r, struct buf *out);
	const char *(*complaint)(struct slice s);       /* of an answer that is not empty */
} questions[ANSWERS] = {
	[FIRST] = { "First name", 'f', false, NULL, no_hierarchy },
	[LAST] = { "Last name", 'l', true, NULL, no_hierarchy },
	[ORGANIZATION] = { "Organization", 'o', false, propose_organization, NULL },
	[NAME] = { "Full name", 'n', true, propose_name, NULL },
	[SHORT] = { "Short name", 's', true, propose_short, no_hierarchy },
	[ADDRESS] = { "Internet address", 'a', false, propose_address, is_address },
	[MAIL_FILE] = { "Mail file", 'm', true, propose_mail_file, NULL },
};
#define ANSWER_OPTIONS "f:l:o:n:s:a:m:"

static const char *complaint_of(const struct question *q, struct slice s)
{
	if (s.n == 0)
		return q->needed ? "it is needed" : NULL;
	if (s.n > ANSWER_MAX)
		return "it is longer than 512 octets";
	if (!text_is_utf8(s))
		return "it is not UTF-8";
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
			return "it holds control characters";
	return q->complaint == NULL ? NULL : q->complaint(s);
}

_Static_assert(ANSWER_MAX == 512, "complaint_of says so");

static bool check(const struct question *q, struct slice s)
{
	const char *complaint = complaint_of(q, s);

	if (complaint == NULL)
		return true;
	tool_say("%s (-%c): %s", q->prompt, q->option, complaint);
	return false;
}

/* --- answers ------------------------------------------------------------------------------ */

static STATUS ask_one(const struct question *q, struct slice proposal, struct buf *answer,
                      struct fault *fault)
{
	struct buf prompt = BUF_INIT;
	STATUS status;

	buf_add_str(&prompt, q->prompt);
	if (proposal.n > 0) {
		buf_add_str(&prompt, " [");
		tool_add_text(&prompt, proposal);
		buf_add_str(&prompt, "]");
	}
	buf_add_str(&prompt, ": ");
	do {
		buf_clear(answer);
		status = ask_line(buf_cstr(&prompt), proposal, answer, fault);
	} while (status == NOERROR && !check(q, buf_slice(answer)));
	buf_release(&prompt);
	return status;
}

/* Options come first, then at a terminal questions, else proposals. */
static int answer_one(struct registration *r, enum answer which, const char *given)
{
	const struct question *q = &questions[which];
	struct buf *answer = &r->answers[which], proposal = BUF_INIT;
	struct fault fault = { .status = NOERROR };
	STATUS status = NOERROR;
	bool good = true;

	if (given == NULL && q->propose != NULL)
		q->propose(r, &proposal);
	if (given != NULL)
		buf_add_str(answer, given);
	else if (ask_is_terminal())
		status = ask_one(q, buf_slice(&proposal), answer, &fault);
	else
		buf_add(answer, proposal.p, proposal.n);
	buf_release(&proposal);
	if (status == NOERROR)
		status = buf_status(answer);
	if (status != NOERROR)
		return tool_fail(&fault, status);
	if (given != NULL || !ask_is_terminal())
		good = check(q, buf_slice(answer));
	return good ? EX_OK : EX_USAGE;
}

static int take_answers(struct registration *r, const char *const given[ANSWERS])
{
	struct fault fault = { .status = NOERROR };
	STATUS status;
	int exit_status = EX_OK;

	for (int i = 0; i < ANSWERS && exit_status == EX_OK; i++)
		exit_status = answer_one(r, (enum answer)i, given[i]);
	if (exit_status != EX_OK)
		return exit_status;
	status = name_canonicalize(buf_slice(&r->answers[NAME]), &r->name);
	if (status == NOERROR)
		status = name_common(buf_slice(&r->name), &r->common);
	if (status == NOERROR)
		status = mailfile_path(r->tool.data_dir, buf_slice(&r->answers[MAIL_FILE]),
		                       &r->mail_file, &fault);
	if (status == NOERROR)
		status = local_name(buf_slice(&r->name), ENDING_PERSON, &r->file);
	return status == NOERROR ? EX_OK : tool_fail(&fault, status);
}

/* --- nobody has these names ------------------------------------------------------------------ */

/* Whatever this server's setting is: names are free under either. */
static int check_free(struct registration *r, const char *what, struct slice name)
{
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	struct buf names = BUF_INIT, shown = BUF_INIT;
	size_t count = 0;
	STATUS status = NOERROR;
	int exit_status = EX_OK;

	if (name.n > 0)
		status = directory_find_login(r->tool.dir, name, true, PERSON_MATCHES_MAX, &arena,
		                              &persons, &count);
	tool_add_text(&shown, name);
	if (status == POSTIL_ERR_AMBIGUOUS) {
		tool_say("%s: more than %d persons have the name %s", what, PERSON_MATCHES_MAX,
		         buf_cstr(&shown));
		exit_status = EX_CANTCREAT;
	} else if (status != NOERROR) {
		tool_say("%s: %s cannot be looked up: %s", what, buf_cstr(&shown),
		         status_text(status));
		exit_status = tool_exit_status(status);
	} else if (count > 0) {
		person_add_names(&names, persons, count);
		tool_say("%s: %s is a name of %s", what, buf_cstr(&shown), buf_cstr(&names));
		exit_status = EX_CANTCREAT;
	}
	buf_release(&names);
	buf_release(&shown);
	arena_release(&arena);
	return exit_status;
}

/* A file that is there already would decide for the new person. */
static int check_no_file(struct registration *r, const char *ending)
{
	struct buf name = BUF_INIT, path = BUF_INIT;
	struct stat st;
	STATUS status = local_name(buf_slice(&r->name), ending, &name);
	bool there;

	buf_addf(&path, "%s/" LOCAL_FOLDER "/%s", r->tool.data_dir, buf_cstr(&name));
	if (status == NOERROR)
		status = buf_status(&path);
	there = status == NOERROR && lstat(buf_cstr(&path), &st) == 0;
	if (there)
		tool_say("%s is there already, from an earlier person of this name; remove it first",
		         buf_cstr(&path));
	buf_release(&name);
	buf_release(&path);
	return there ? EX_CANTCREAT : status == NOERROR ? EX_OK : tool_exit_status(status);
}

static int check_all_free(struct registration *r)
{
	static const enum answer unique[] = { SHORT, ADDRESS };
	int worst = check_free(r, "Full name", buf_slice(&r->name));

	if (worst == EX_OK && !slice_equal(buf_slice(&r->name), buf_slice(&r->common)))
		worst = check_free(r, "Common name", buf_slice(&r->common));
	for (size_t i = 0; i < sizeof(unique) / sizeof(*unique); i++) {
		int code = check_free(r, questions[unique[i]].prompt,
		                      buf_slice(&r->answers[unique[i]]));

		worst = worst == EX_OK ? code : worst;
	}
	if (worst == EX_OK)
		worst = check_no_file(r, ENDING_PERSON);
	return worst == EX_OK ? check_no_file(r, ENDING_LOCAL) : worst;
}

/* --- making it ---------------------------------------------------------------------------------- */

static STATUS add_full_name(struct registration *r, struct note *note)
{
	const struct slice values[] = { buf_slice(&r->name), buf_slice(&r->common) };
	size_t count = slice_equal(values[0], values[1]) ? 1 : 2;

	return note_add(note, SLICE_LIT("FullName"), count == 1 ? ITEM_TEXT : ITEM_TEXT_LIST,
	                ITEM_SUMMARY | ITEM_NAMES, values, count) == NULL
	       ? POSTIL_ERR_MEMORY : NOERROR;
}

static STATUS add_texts(struct registration *r, struct note *note)
{
	const struct { const char *item; uint16_t flags; struct slice text; } texts[] = {
		{ "Form", 0, SLICE_LIT("Person") },
		{ "Type", 0, SLICE_LIT("Person") },
		{ "FirstName", 0, buf_slice(&r->answers[FIRST]) },
		{ "LastName", 0, buf_slice(&r->answers[LAST]) },
		{ "ShortName", 0, buf_slice(&r->answers[SHORT]) },
		{ "InternetAddress", 0, buf_slice(&r->answers[ADDRESS]) },
		{ "MailSystem", 0, SLICE_LIT("1") },
		{ "MailServer", ITEM_NAMES, buf_slice(&r->tool.server) },
		{ "MailFile", 0, buf_slice(&r->mail_file) },
	};
	STATUS status = NOERROR;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts) && status == NOERROR; i++)
		if (texts[i].text.n > 0)
			status = person_set_text(note, texts[i].item, texts[i].flags,
			                         texts[i].text);
	return status;
}

static STATUS write_document(struct registration *r, const struct local *local,
                             struct fault *fault)
{
	struct arena arena = ARENA_INIT;
	struct local_notes notes = { .count = 0 };
	struct note note;
	STATUS status;

	note_init(&note, &arena);
	note.has_unid = true;
	note.created_ms = note.modified_ms = clock_wall_ms();
	status = unid_random(&note.unid);
	if (status == NOERROR)
		status = add_texts(r, &note);
	if (status == NOERROR)
		status = add_full_name(r, &note);
	if (status == NOERROR)
		status = person_set_password(&note, r->digest);
	if (status == NOERROR)
		status = local_add(&notes, &arena, &note);
	if (status == NOERROR)
		status = local_write(local, buf_cstr(&r->file), &notes, true, fault);
	arena_release(&arena);
	return status;
}

/* The mail file first; it goes again if the document cannot be written. Signals wait
 * meanwhile. */
static STATUS make_both(struct registration *r, const struct local *local,
                        struct mail_store *store, struct fault *fault)
{
	const char *path = buf_cstr(&r->mail_file);
	sigset_t all, before;
	STATUS status;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	status = store->calls->create(store, path, buf_slice(&r->name), fault);
	if (status == NOERROR) {
		status = write_document(r, local, fault);
		if (status != NOERROR)
			store->calls->remove(store, path, NULL);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}

static int registered(struct registration *r)
{
	struct fault fault = { .status = NOERROR };
	struct buf shown = BUF_INIT, server = BUF_INIT;
	STATUS status = person_compile(&r->tool, &fault);

	if (status != NOERROR) {
		tool_say("the person has been registered in " LOCAL_FOLDER "/%s, but cannot log in "
		         "yet: %s; `postil directory update` tries again", buf_cstr(&r->file),
		         fault_text(&fault, status));
		return tool_exit_status(status);
	}
	if (!person_has(&r->tool, buf_slice(&r->name), r->digest)) {
		tool_say("the person has been registered in " LOCAL_FOLDER "/%s, but another document "
		         "stands in the way; see `postil directory show`", buf_cstr(&r->file));
		return EX_DATAERR;
	}
	name_abbreviate(buf_slice(&r->name), &server);
	tool_add_text(&shown, buf_slice(&server));
	printf("%s is registered, with the mail file %s and an Internet password (%s), and can log "
	       "in from now on; the document is " LOCAL_FOLDER "/%s.\n", buf_cstr(&shown),
	       buf_cstr(&r->mail_file), buf_cstr(&r->words), buf_cstr(&r->file));
	buf_release(&shown);
	buf_release(&server);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int make_person(struct registration *r)
{
	struct fault fault = { .status = NOERROR };
	struct local local;
	int exit_status = EX_OK;
	struct mail_store *store = tool_store(r->tool.data_dir, &exit_status);
	STATUS status;

	if (store == NULL)
		return exit_status;
	status = local_open(r->tool.data_dir, &local, &fault);
	if (status == NOERROR) {
		exit_status = check_all_free(r);        /* nobody else can take them now */
		if (exit_status == EX_OK)
			status = make_both(r, &local, store, &fault);
		if (exit_status == EX_OK && status == NOERROR)
			exit_status = registered(r);
		local_close(&local);
	}
	store->calls->free(&store);
	return status == NOERROR ? exit_status : tool_fail(&fault, status);
}

/* --- the command -------------------------------------------------------------------------------- */

static int ask_and_make(struct registration *r, const struct digest_wish *wish)
{
	struct fault fault = { .status = NOERROR };
	struct secret secret;
	STATUS status = ask_new_password("Internet password: ", &secret, &fault);
	int exit_status;

	if (status == NOERROR) {
		status = person_digest(&r->tool, wish, &secret, r->digest, &r->words, &fault);
		crypt_wipe(&secret, sizeof(secret));
	}
	exit_status = status == NOERROR ? make_person(r) : tool_fail(&fault, status);
	crypt_wipe(r->digest, sizeof(r->digest));
	return exit_status;
}

static void say_what_is_missing(const struct person_tool *t)
{
	struct buf server = BUF_INIT, shown = BUF_INIT;

	name_abbreviate(buf_slice(&t->server), &server);
	tool_add_text(&shown, buf_slice(&server));
	if (!t->has_server_document)
		tool_say("there is no Server document for %s below %s/names yet: the POP3 service "
		         "will run with its defaults, on port %u", buf_cstr(&shown), t->data_dir,
		         t->port);
	buf_release(&server);
	buf_release(&shown);
}

static int run(struct registration *r, const struct digest_wish *wish,
               const char *const given[ANSWERS])
{
	int exit_status;

	if (r->tool.server.n == 0) {
		tool_say("%s/notes.ini does not set ServerName, which the person's MailServer must "
		         "be; write it there first, for example ServerName=mail/Example",
		         r->tool.data_dir);
		return EX_CONFIG;
	}
	say_what_is_missing(&r->tool);
	exit_status = take_answers(r, given);
	if (exit_status == EX_OK)
		exit_status = check_all_free(r);
	return exit_status == EX_OK ? ask_and_make(r, wish) : exit_status;
}

static bool take_option(const char *given[ANSWERS], int option)
{
	for (int i = 0; i < ANSWERS; i++)
		if (questions[i].option == option) {
			given[i] = optarg;
			return true;
		}
	return false;
}

int person_register(int argc, char **argv)
{
	struct digest_wish wish = { .kind = INETPASS_V3 };
	const char *data = NULL, *given[ANSWERS] = { NULL };
	struct registration r = { .name = BUF_INIT };
	int option, exit_status;

	while ((option = getopt(argc, argv, "hd:" ANSWER_OPTIONS DIGEST_OPTIONS)) != -1)
		if (option == 'h')
			return tool_help(USAGE);
		else if (option == 'd')
			data = optarg;
		else if (!take_option(given, option) && !digest_option(&wish, option, optarg))
			return tool_usage(USAGE);
	if (optind != argc || !digest_wish_fits(&wish))
		return tool_usage(USAGE);
	exit_status = person_tool_open(&r.tool, data, true);
	if (exit_status != EX_OK)
		return exit_status;
	exit_status = run(&r, &wish, given);
	for (int i = 0; i < ANSWERS; i++)
		buf_release(&r.answers[i]);
	buf_release(&r.name);
	buf_release(&r.common);
	buf_release(&r.mail_file);
	buf_release(&r.file);
	buf_release(&r.words);
	person_tool_close(&r.tool);
	return exit_status;
}
