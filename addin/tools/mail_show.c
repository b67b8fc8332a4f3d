/* postil mail show: one message or document. What it holds is hostile; on a terminal nothing but text
 * is shown. */
#include "addin/tools/mail_notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PIECE_OCTETS 65536
#define VALUE_OCTETS 4096       /* of a value that is shown */

enum manner { SHOW_TEXT, SHOW_HEADER, SHOW_RAW };

/* Controls of ASCII, and those above it (U+0080 to U+009F, of which one begins escape sequences);
 * before is the octet in front of c. */
static bool is_control(unsigned char before, unsigned char c)
{
	return (c < ' ' && c != '\n' && c != '\t') || c == 0x7F || (before == 0xC2 && c >= 0x80 && c < 0xA0);
}

/* For a terminal: line ends as LF, control characters as '?'. *last: the octet before p, then the
 * last of p. */
static size_t make_harmless(char *p, size_t n, unsigned char *last)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\r')
			continue;
		p[kept++] = is_control(*last, c) ? '?' : (char)c;
		*last = c;
	}
	return kept;
}

static STATUS write_out(const char *p, size_t n, struct fault *fault)
{
	return fwrite(p, 1, n, stdout) == n ? NOERROR
		: fault_set(fault, POSTIL_ERR_IO, "cannot write to standard output: %m");
}

static STATUS show_octets(struct nsf *nsf, const struct nsf_message *m, enum manner manner,
                          struct fault *fault)
{
	uint64_t end = manner == SHOW_HEADER ? m->header_octets : m->size_octets, offset = 0;
	char piece[PIECE_OCTETS];
	unsigned char last = '\n';
	STATUS status = NOERROR;

	while (status == NOERROR && offset < end) {
		uint64_t left = end - offset;
		size_t got = 0, wanted = left < sizeof(piece) ? (size_t)left : sizeof(piece);

		status = nsf_body_read(nsf, m->id, offset, piece, wanted, &got);
		if (status == NOERROR && got == 0)
			break;
		offset += got;
		if (status == NOERROR)
			status = write_out(piece, manner == SHOW_RAW ? got : make_harmless(piece, got, &last),
			                   fault);
	}
	return status;
}

/* --- a document that is no message ------------------------------------------------------- */

static void show_values(const struct item *item)
{
	bool is_text = item->type == ITEM_TEXT || item->type == ITEM_TEXT_LIST
	               || item->type == ITEM_NUMBER || item->type == ITEM_TIME
	               || item->type == ITEM_NUMBER_RANGE || item->type == ITEM_TIME_RANGE;
	struct buf shown = BUF_INIT;

	if (item->blob != NULL || !is_text)
		buf_addf(&shown, "(type %04X, %llu octets)", item->type, (unsigned long long)
		         (item->blob != NULL ? item->blob->size_octets : item_size(item, 0)));
	for (size_t i = 0; i < item->count && is_text && item->blob == NULL; i++) {
		struct slice value = item->values[i];

		if (value.n > VALUE_OCTETS)
			value.n = VALUE_OCTETS;
		buf_addf(&shown, i == 0 ? "" : "; ");
		tool_add_text(&shown, value);
	}
	fputs(buf_cstr(&shown), stdout);
	buf_release(&shown);
}

static STATUS show_items(struct nsf *nsf, uint64_t id)
{
	struct arena arena = ARENA_INIT;
	struct note note;
	STATUS status = nsf_note_get(nsf, id, &arena, &note);

	for (const struct item *item = status == NOERROR ? note.first : NULL; item != NULL;
	     item = item->next) {
		struct buf name = BUF_INIT;

		tool_add_text(&name, slice_of(item->name));
		printf("%s: ", buf_cstr(&name));
		show_values(item);
		putchar('\n');
		buf_release(&name);
	}
	arena_release(&arena);
	return status;
}

/* --- the verb ------------------------------------------------------------------------------ */

/* Notes of the inbox become messages when it is opened. */
static int render_inbox(struct mail_notes *n)
{
	struct maildrop *drop = NULL;
	int exit_status = mail_tool_drop(&n->tool, true, &drop);

	if (drop != NULL)
		drop->calls->close(&drop);
	return exit_status;
}

static STATUS show(struct mail_notes *n, const char *folder, char *text, enum manner manner,
                   struct fault *fault)
{
	struct nsf_note_message m;
	STATUS status = mail_notes_choose(n, folder, &text, 1, fault);

	if (status == POSTIL_ERR_INVALID)
		return fault_set(fault, POSTIL_ERR_NOT_FOUND, "there is no message or note \"%s\"", text);
	if (status != NOERROR)
		return status;
	if (n->ids.count != 1)
		return fault_set(fault, POSTIL_ERR_NOT_FOUND, "one message at a time");
	status = nsf_message_of_note(n->nsf, n->ids.all[0], &m);
	if (status == NOERROR)
		status = show_octets(n->nsf, &m.message, manner, fault);
	else if (status == POSTIL_ERR_NOT_FOUND)
		status = show_items(n->nsf, n->ids.all[0]);
	return status == NOERROR || fault->status == status ? status
		: fault_set(fault, status, "%s: %s", text, status_text(status));
}

int mail_show(int argc, char **argv)
{
	static const char usage[] = "mail show [-Hr] [-d DATA] [-f FOLDER] MAILFILE NUMBER|NOTE";
	enum manner manner = isatty(STDOUT_FILENO) != 1 ? SHOW_RAW : SHOW_TEXT;
	const char *data = NULL, *folder = NSF_INBOX;
	struct fault fault = { 0 };
	struct mail_notes n;
	int option, exit_status;
	STATUS status;

	while ((option = getopt(argc, argv, "Hrd:f:")) != -1)
		switch (option) {
		case 'H': manner = SHOW_HEADER; break;
		case 'r': manner = SHOW_RAW; break;
		case 'd': data = optarg; break;
		case 'f': folder = optarg; break;
		default: return tool_usage(usage);
		}
	if (argc - optind != 2)
		return tool_usage(usage);
	exit_status = mail_notes_open(&n, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	exit_status = render_inbox(&n);
	if (exit_status != EX_OK) {
		mail_notes_close(&n);
		return exit_status;
	}
	status = show(&n, folder, argv[optind + 1], manner, &fault);
	return mail_notes_end(&n, status, &fault);
}
