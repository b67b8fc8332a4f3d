/* postil deliver: a message from standard input into the mail files of its
 * recipients, for an MTA's pipe. Distrusted: every octet of the message, the
 * addresses, what the directory names as mail file.
 *
 * The exit status is what an MTA acts upon: 67 and 65 return the message, 75
 * keeps it for another try. So what an administrator can mend is 75. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "addin/tools/tool.h"
#include "addin/tools/verbs.h"
#include "base/text.h"
#include "directory/directory.h"
#include "mailfile/message.h"

#define PIECE_OCTETS (64u * 1024)
#define SENDER_MAX 1000

struct target {
	char *path;             /* of the mail file, relative */
	struct slice owner;
};

struct deliver {
	char *data_dir;
	struct mail_store *store;
	struct arena arena;
	struct target *targets;
	size_t count;
	struct intake *intake;
	struct maildrop_delivery message;
};

static int exit_for(STATUS status)
{
	switch (status) {
	case NOERROR: return EX_OK;
	case POSTIL_ERR_NOT_FOUND: return EX_NOUSER;
	case POSTIL_ERR_TOO_LONG: return EX_DATAERR;
	default: return EX_TEMPFAIL;
	}
}

static int fail(const char *what, const struct fault *fault, STATUS status)
{
	struct buf shown = BUF_INIT;

	text_escape(slice_of(what), 256, &shown);
	tool_say("%s: %s", buf_cstr(&shown), fault_text(fault, status));
	buf_release(&shown);
	return exit_for(status);
}

/* --- recipients ----------------------------------------------------------------- */

static struct slice without_angles(struct slice address)
{
	address = text_trim(address);
	if (address.n >= 2 && address.p[0] == '<' && address.p[address.n - 1] == '>')
		return (struct slice){ address.p + 1, address.n - 2 };
	return address;
}

static STATUS find_person(struct directory *dir, const char *recipient, struct arena *arena,
                          const struct person **person_r, struct fault *fault)
{
	STATUS status = directory_find_recipient(dir, without_angles(slice_of(recipient)), arena,
	                                         person_r);

	switch (status) {
	case NOERROR:
		if ((*person_r)->mail_file.n != 0)
			return NOERROR;
		return fault_set(fault, POSTIL_ERR_NOT_FOUND,
		                 "the Person document names no mail file");
	case POSTIL_ERR_NOT_FOUND:
	case POSTIL_ERR_INVALID:
		return fault_set(fault, POSTIL_ERR_NOT_FOUND, "no such person in the directory");
	case POSTIL_ERR_AMBIGUOUS:
		return fault_set(fault, status, "more than one person has this name");
	case POSTIL_ERR_NOEXIST:
		return fault_set(fault, status,
		                 "there is no directory yet; compile it: postil directory update");
	default:
		return fault_set(fault, status, "the directory cannot be asked: %s",
		                 status_text(status));
	}
}

/* Two names of one person, and two persons with one mail file, get it once. */
static STATUS add_target(struct deliver *d, const struct person *person, struct fault *fault)
{
	struct buf path = BUF_INIT;
	STATUS status = mailfile_path(d->data_dir, person->mail_file, &path, fault);
	bool known = false;

	for (size_t i = 0; i < d->count && status == NOERROR; i++)
		known |= strcmp(d->targets[i].path, buf_cstr(&path)) == 0;
	if (status == NOERROR && !known) {
		struct target *target = &d->targets[d->count];

		target->path = arena_strndup(&d->arena, path.p, path.n);
		target->owner = person->name;
		if (target->path != NULL)
			d->count++;
		else
			status = POSTIL_ERR_MEMORY;
	}
	buf_release(&path);
	return status;
}

static int find_targets(struct deliver *d, int count, char **recipients)
{
	struct directory *dir = NULL;
	const struct person *person;
	struct fault fault = { 0 };
	STATUS status = directory_open(d->data_dir, &dir, &fault);
	int exit_status = status == NOERROR ? EX_OK : fail(d->data_dir, &fault, status);

	d->targets = calloc((size_t)count, sizeof(*d->targets));
	if (d->targets == NULL)
		exit_status = EX_TEMPFAIL;
	for (int i = 0; i < count && exit_status == EX_OK; i++) {
		fault = (struct fault){ 0 };
		status = find_person(dir, recipients[i], &d->arena, &person, &fault);
		if (status == NOERROR)
			status = add_target(d, person, &fault);
		if (status != NOERROR)
			exit_status = fail(recipients[i], &fault, status);
	}
	directory_close(&dir);
	return exit_status;
}

/* --- the message -------------------------------------------------------------------- */

static STATUS add_return_path(struct intake *intake, const char *sender, struct fault *fault)
{
	struct slice address = without_angles(slice_of(sender));
	struct buf line = BUF_INIT;
	STATUS status;

	if (address.n > SENDER_MAX)
		return fault_set(fault, POSTIL_ERR_TOO_LONG, "the sender is too long");
	for (size_t i = 0; i < address.n; i++)
		if ((unsigned char)address.p[i] < ' ' || address.p[i] == 0x7F)
			return fault_set(fault, POSTIL_ERR_TOO_LONG,
			                 "the sender holds a control character");
	buf_add_str(&line, "Return-Path: <");
	buf_add_slice(&line, address);
	buf_add_str(&line, ">\r\n");
	status = buf_status(&line);
	if (status == NOERROR)
		status = intake_add(intake, line.p, line.n);
	buf_release(&line);
	return status;
}

/* Octets of standard input; at least `least` unless it ends. */
static STATUS read_input(char *piece, size_t least, size_t *got_r, struct fault *fault)
{
	size_t got = 0;

	do {
		ssize_t n = read(STDIN_FILENO, piece + got, PIECE_OCTETS - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_set(fault, POSTIL_ERR_IO, "cannot read the message: %s",
			                 strerrordesc_np(errno));
		if (n == 0)
			break;
		got += (size_t)n;
	} while (got < least);
	*got_r = got;
	return NOERROR;
}

/* A "From " line before the header is the MTA's envelope and no part of it. */
static STATUS read_message(struct intake *intake, struct fault *fault)
{
	char piece[PIECE_OCTETS];
	bool first = true, in_from_line = false;
	size_t got = 0;
	STATUS status;

	while ((status = read_input(piece, first ? 5 : 1, &got, fault)) == NOERROR && got > 0) {
		const char *start = piece, *lf;

		if (first)
			in_from_line = got >= 5 && memcmp(piece, "From ", 5) == 0;
		first = false;
		if (in_from_line) {
			lf = memchr(piece, '\n', got);
			if (lf == NULL)
				continue;
			start = lf + 1;
			in_from_line = false;
		}
		status = intake_add(intake, start, got - (size_t)(start - piece));
		if (status != NOERROR)
			break;
	}
	return status;
}

static int take_message(struct deliver *d, const char *sender)
{
	struct fault fault = { 0 };
	STATUS status = intake_new(NULL, &d->intake);

	if (status == NOERROR && sender != NULL)
		status = add_return_path(d->intake, sender, &fault);
	if (status == NOERROR)
		status = read_message(d->intake, &fault);
	if (status == NOERROR)
		status = intake_finish(d->intake, &d->message);
	return status == NOERROR ? EX_OK : fail("the message", &fault, status);
}

/* --- delivery ------------------------------------------------------------------------- */

static int deliver_to(struct deliver *d, const struct target *target, size_t count)
{
	struct fault fault = { 0 };
	STATUS status = d->store->calls->deliver(d->store, target->path, true, target->owner,
	                                         &d->message, count, &fault);

	return status == NOERROR ? EX_OK : fail(target->path, &fault, status);
}

/* With several recipients all mail files are opened, and made where they are
 * missing, before the message goes into the first. */
static int deliver_all(struct deliver *d)
{
	int exit_status = EX_OK;
	size_t done = 0;

	for (size_t i = 0; i < d->count && d->count > 1 && exit_status == EX_OK; i++)
		exit_status = deliver_to(d, &d->targets[i], 0);
	while (done < d->count && exit_status == EX_OK) {
		exit_status = deliver_to(d, &d->targets[done], 1);
		done += exit_status == EX_OK;
	}
	if (exit_status != EX_OK && done > 0)
		tool_say("%zu of %zu mail files have the message; another try adds it to them again",
		         done, d->count);
	return exit_status;
}

static int deliver(struct deliver *d, const char *sender, int count, char **recipients)
{
	int exit_status = find_targets(d, count, recipients);

	if (exit_status == EX_OK)
		exit_status = take_message(d, sender);
	if (exit_status == EX_OK) {
		d->store = tool_store(d->data_dir, &exit_status);
		if (d->store == NULL)
			exit_status = EX_TEMPFAIL;
	}
	if (exit_status == EX_OK)
		exit_status = deliver_all(d);
	if (d->store != NULL)
		d->store->calls->free(&d->store);
	intake_free(&d->intake);
	free(d->targets);
	arena_release(&d->arena);
	return exit_status;
}

int verb_deliver(int argc, char **argv)
{
	static const char usage[] = "deliver [-d DATA] [-f SENDER] RECIPIENT... < message";
	const char *data = NULL, *sender = NULL;
	struct deliver d = { .arena = ARENA_INIT };
	int option, exit_status;

	while ((option = getopt(argc, argv, "d:f:h")) != -1)
		switch (option) {
		case 'd': data = optarg; break;
		case 'f': sender = optarg; break;
		case 'h': return tool_help(usage);
		default: return tool_usage(usage);
		}
	if (optind == argc)
		return tool_usage(usage);
	d.data_dir = tool_data_dir(data, &exit_status);
	if (d.data_dir == NULL)         /* perhaps not mounted yet */
		return EX_TEMPFAIL;
	exit_status = deliver(&d, sender, argc - optind, argv + optind);
	free(d.data_dir);
	return exit_status;
}
