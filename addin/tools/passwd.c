/*
 * postil passwd: a person's Internet password, in a document of its own of the form
 * LocalPerson, which holds in place of what the Person document says. Distrusts the
 * name given and what lies in names/local.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "addin/tools/localperson.h"
#include "base/banned.h"

#define USAGE "passwd [-123] [-d DATA] [-r ROUNDS] NAME"

static STATUS change(void *context, struct note *note)
{
	return person_set_password(note, context);
}

struct setting {
	struct person_tool *tool;
	struct slice name;
	struct buf shown;               /* the name, for people */
	struct buf words;               /* what kind of digest */
	struct buf file;
	char digest[64];
};

/* Written; does it hold? */
static int taken_up(struct setting *s)
{
	struct fault fault = { .status = NOERROR };
	STATUS status = person_compile(s->tool, &fault);

	if (status != NOERROR) {
		tool_say("the password has been written to " LOCAL_FOLDER "/%s, but does not hold "
		         "yet: %s; `postil directory update` tries again", buf_cstr(&s->file),
		         fault_text(&fault, status));
		return tool_exit_status(status);
	}
	if (!person_has(s->tool, s->name, s->digest)) {
		tool_say("the password has been written to " LOCAL_FOLDER "/%s, but does not hold: "
		         "another document decides; see `postil directory show`",
		         buf_cstr(&s->file));
		return EX_DATAERR;
	}
	printf("The Internet password of %s is set (%s) and holds from now on; it is kept in "
	       LOCAL_FOLDER "/%s.\n", buf_cstr(&s->shown), buf_cstr(&s->words),
	       buf_cstr(&s->file));
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int keep(struct setting *s)
{
	struct fault fault = { .status = NOERROR };
	struct local local;
	STATUS status = local_name(s->name, ENDING_LOCAL, &s->file);
	int exit_status;

	if (status == NOERROR)
		status = local_open(s->tool->data_dir, &local, &fault);
	if (status != NOERROR)
		return tool_fail(&fault, status);
	status = localperson_change(&local, buf_cstr(&s->file), s->name, change, s->digest, &fault);
	exit_status = status == NOERROR ? taken_up(s) : tool_fail(&fault, status);
	local_close(&local);
	return exit_status;
}

static int set_password(struct person_tool *t, const struct digest_wish *wish,
                        struct slice name)
{
	struct setting s = { .tool = t, .name = name, .shown = BUF_INIT, .words = BUF_INIT,
	                     .file = BUF_INIT };
	struct buf prompt = BUF_INIT;
	struct fault fault = { .status = NOERROR };
	struct secret secret;
	int exit_status;
	STATUS status;

	person_add_names(&s.shown, &(struct person){ .name = name }, 1);
	buf_addf(&prompt, "New Internet password of %s: ", buf_cstr(&s.shown));
	status = ask_new_password(buf_cstr(&prompt), &secret, &fault);
	if (status == NOERROR) {
		status = person_digest(t, wish, &secret, s.digest, &s.words, &fault);
		crypt_wipe(&secret, sizeof(secret));
	}
	exit_status = status == NOERROR ? keep(&s) : tool_fail(&fault, status);
	crypt_wipe(s.digest, sizeof(s.digest));
	buf_release(&prompt);
	buf_release(&s.shown);
	buf_release(&s.words);
	buf_release(&s.file);
	return exit_status;
}

int person_passwd(int argc, char **argv)
{
	struct digest_wish wish = { .kind = INETPASS_V3 };
	struct arena arena = ARENA_INIT;
	const char *data = NULL;
	struct person_tool t;
	struct slice name;
	int option, exit_status;

	while ((option = getopt(argc, argv, "hd:" DIGEST_OPTIONS)) != -1)
		if (option == 'h')
			return tool_help(USAGE);
		else if (option == 'd')
			data = optarg;
		else if (!digest_option(&wish, option, optarg))
			return tool_usage(USAGE);
	if (argc - optind != 1 || !digest_wish_fits(&wish))
		return tool_usage(USAGE);
	exit_status = person_tool_open(&t, data, false);
	if (exit_status != EX_OK)
		return exit_status;
	exit_status = localperson_find_one(&t, slice_of(argv[optind]), &arena, &name);
	if (exit_status == EX_OK)
		exit_status = set_password(&t, &wish, name);
	arena_release(&arena);
	person_tool_close(&t);
	return exit_status;
}
