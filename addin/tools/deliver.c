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

#include "addin/mail/delivery.h"
#include "addin/mail/recipient.h"
#include "addin/tools/tool.h"
#include "addin/tools/verbs.h"
#include "base/ini.h"
#include "base/text.h"
#include "mailfile/message.h"

#define PIECE_OCTETS (64u * 1024)
#define SEPARATORS_DEFAULT "+"

struct deliver {
	char *data_dir;
	struct mail_store *store;
	struct arena arena;             /* of the domains */
	struct recipient **recipients;
	size_t recipient_count;
	struct delivery *list;          /* one for each mail file */
	size_t count;
	struct intake *intake;
	struct maildrop_delivery message;
	struct buf top;                 /* Return-Path */
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

static void say_failure(const char *what, const struct fault *fault, STATUS status)
{
	struct buf shown = BUF_INIT;

	text_escape(slice_of(what), 256, &shown);
	tool_say("%s: %s", buf_cstr(&shown), fault_text(fault, status));
	buf_release(&shown);
}

static int fail(const char *what, const struct fault *fault, STATUS status)
{
	say_failure(what, fault, status);
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

static STATUS read_domains(struct deliver *d, const struct ini *ini, struct directory *dir,
                           struct mail_domains *domains_r)
{
	struct slice written[] = { slice_of(ini_get(ini, "LMTP_Domains")),
		slice_of(ini_get(ini, "POP3_Domain")) };
	struct buf server = BUF_INIT;
	STATUS status = tool_server_name(d->data_dir, &server, NULL);

	if (status == NOERROR)
		status = mail_domains_read(dir, buf_slice(&server), written, 2, &d->arena, domains_r);
	buf_release(&server);
	return status;
}

/* What notes.ini says of recipients; without it the defaults hold. */
static STATUS read_rules(struct deliver *d, struct directory *dir, struct mail_domains *domains,
                         struct recipient_rules *rules_r, struct fault *fault)
{
	struct buf path = BUF_INIT;
	struct ini *ini = NULL;
	const char *separators;
	STATUS status;

	buf_addf(&path, "%s/notes.ini", d->data_dir);
	status = buf_status(&path);
	if (status == NOERROR)
		status = ini_read(buf_cstr(&path), &ini, fault);
	buf_release(&path);
	if (status == POSTIL_ERR_NOEXIST)
		status = ini_parse((struct slice){ "", 0 }, &ini);
	if (status == NOERROR)
		status = read_domains(d, ini, dir, domains);
	separators = status == NOERROR ? ini_get(ini, "LMTP_Detail_Separators") : NULL;
	*rules_r = (struct recipient_rules){ .data_dir = d->data_dir, .domains = domains };
	if (status == NOERROR)
		status = arena_copy(&d->arena, slice_of(separators != NULL ? separators
		                                        : SEPARATORS_DEFAULT), &rules_r->separators);
	ini_free(&ini);
	return status;
}

static struct delivery *find_target(const struct deliver *d, const char *path)
{
	for (size_t i = 0; i < d->count; i++)
		if (strcmp(d->list[i].path, path) == 0)
			return &d->list[i];
	return NULL;
}

/* Two names of one person, and two persons with one mail file, get it once. */
static STATUS add_targets(struct deliver *d, struct recipient *recipient)
{
	struct delivery *list = reallocarray(d->list, d->count + recipient->count, sizeof(*list));

	d->recipients[d->recipient_count++] = recipient;
	if (list == NULL)
		return POSTIL_ERR_MEMORY;
	d->list = list;
	for (size_t i = 0; i < recipient->count; i++) {
		struct delivery *target = find_target(d, recipient->files[i].path);

		if (target == NULL) {
			target = &list[d->count++];
			*target = (struct delivery){ .path = recipient->files[i].path,
				.owner = recipient->files[i].owner, .message = &d->message };
		}
		target->beyond_quota |= recipient->count > 1;
	}
	return NOERROR;
}

/* What an administrator can mend keeps the message for another try. */
static int exit_for_result(enum recipient_result result)
{
	switch (result) {
	case RECIPIENT_FOUND:
		return EX_OK;
	case RECIPIENT_AMBIGUOUS:
	case RECIPIENT_BAD_MAIL_FILE:
	case RECIPIENT_TROUBLE:
		return EX_TEMPFAIL;
	default:
		return EX_NOUSER;
	}
}

static int find_one(struct deliver *d, struct directory *dir, const struct recipient_rules *rules,
                    const char *name)
{
	struct fault fault = { 0 };
	struct recipient *recipient = NULL;
	enum recipient_result result = recipient_find(dir, rules, without_angles(slice_of(name)),
	                                              &recipient, &fault);

	if (result != RECIPIENT_FOUND) {
		say_failure(name, &fault, fault.status);
		return exit_for_result(result);
	}
	if (recipient->passed_over > 0)
		tool_say("%s: %zu member%s of the group ha%s no mail file here", name,
		         recipient->passed_over, text_plural(recipient->passed_over),
		         recipient->passed_over == 1 ? "s" : "ve");
	return add_targets(d, recipient) == NOERROR ? EX_OK : EX_TEMPFAIL;
}

static int find_targets(struct deliver *d, int count, char **recipients)
{
	struct mail_domains domains = { .count = 0 };
	struct recipient_rules rules;
	struct directory *dir = NULL;
	struct fault fault = { 0 };
	STATUS status = directory_open(d->data_dir, &dir, &fault);
	int exit_status;

	if (status == NOERROR)
		status = read_rules(d, dir, &domains, &rules, &fault);
	exit_status = status == NOERROR ? EX_OK : fail(d->data_dir, &fault, status);
	d->recipients = calloc((size_t)count, sizeof(*d->recipients));
	if (d->recipients == NULL)
		exit_status = EX_TEMPFAIL;
	for (int i = 0; i < count && exit_status == EX_OK; i++)
		exit_status = find_one(d, dir, &rules, recipients[i]);
	directory_close(&dir);
	return exit_status;
}

/* --- the message -------------------------------------------------------------------- */

static STATUS make_top(struct deliver *d, const char *sender, struct fault *fault)
{
	STATUS status = delivery_add_return_path(without_angles(slice_of(sender)), &d->top);

	if (status == POSTIL_ERR_INVALID)
		return fault_set(fault, POSTIL_ERR_TOO_LONG, "the sender holds a control character");
	if (status == POSTIL_ERR_TOO_LONG)
		return fault_set(fault, status, "the sender is too long");
	for (size_t i = 0; i < d->count; i++)
		d->list[i].top = buf_slice(&d->top);
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

static int take_message(struct deliver *d, const char *sender, bool smtputf8)
{
	struct intake_options options = { .smtputf8 = smtputf8 };
	struct fault fault = { 0 };
	STATUS status = intake_new(&options, &d->intake);

	if (status == NOERROR && sender != NULL)
		status = make_top(d, sender, &fault);
	if (status == NOERROR)
		status = read_message(d->intake, &fault);
	if (status == NOERROR)
		status = intake_finish(d->intake, &d->message);
	return status == NOERROR ? EX_OK : fail("the message", &fault, status);
}

/* --- delivery ------------------------------------------------------------------------- */

static void told(void *context, const struct delivery *delivery, const struct fault *fault)
{
	say_failure(delivery->path, fault, delivery->status);
}

/* With several recipients all mail files are opened, and made where they are
 * missing, before the message goes into the first. */
static int deliver_all(struct deliver *d)
{
	struct fault fault = { 0 };
	int exit_status = EX_OK;
	size_t done = 0;

	if (d->count > 1 && delivery_prepare(d->store, d->list, d->count, &fault) != NOERROR)
		return fail("the mail files", &fault, fault.status);
	delivery_run(d->store, d->list, d->count, told, NULL);
	for (size_t i = 0; i < d->count; i++) {
		done += d->list[i].status == NOERROR;
		if (exit_status == EX_OK)
			exit_status = exit_for(d->list[i].status);
	}
	if (exit_status != EX_OK && done > 0)
		tool_say("%zu of %zu mail files have the message; another try adds it to them again",
		         done, d->count);
	return exit_status;
}

static void release(struct deliver *d)
{
	if (d->store != NULL)
		d->store->calls->free(&d->store);
	intake_free(&d->intake);
	for (size_t i = 0; i < d->recipient_count; i++)
		free(d->recipients[i]);
	free(d->recipients);
	free(d->list);
	buf_release(&d->top);
	arena_release(&d->arena);
}

static int deliver(struct deliver *d, const char *sender, bool smtputf8, int count,
                   char **recipients)
{
	int exit_status = find_targets(d, count, recipients);

	if (exit_status == EX_OK)
		exit_status = take_message(d, sender, smtputf8);
	if (exit_status == EX_OK) {
		d->store = tool_mail_store(d->data_dir, &exit_status);
		if (d->store == NULL)
			exit_status = EX_TEMPFAIL;
	}
	if (exit_status == EX_OK)
		exit_status = deliver_all(d);
	release(d);
	return exit_status;
}

int verb_deliver(int argc, char **argv)
{
	static const char usage[] = "deliver [-u] [-d DATA] [-f SENDER] RECIPIENT... < message";
	const char *data = NULL, *sender = NULL;
	struct deliver d = { .arena = ARENA_INIT, .top = BUF_INIT };
	bool smtputf8 = false;
	int option, exit_status;

	while ((option = getopt(argc, argv, "d:f:hu")) != -1)
		switch (option) {
		case 'd': data = optarg; break;
		case 'f': sender = optarg; break;
		case 'u': smtputf8 = true; break;
		case 'h': return tool_help(usage);
		default: return tool_usage(usage);
		}
	if (optind == argc)
		return tool_usage(usage);
	d.data_dir = tool_data_dir(data, &exit_status);
	if (d.data_dir == NULL)         /* perhaps not mounted yet */
		return EX_TEMPFAIL;
	exit_status = deliver(&d, sender, smtputf8, argc - optind, argv + optind);
	free(d.data_dir);
	return exit_status;
}
