/* The stored form of a message, made while it streams in. The octets are
 * hostile: any value, any line length, in pieces of any size.
 *
 * Line ends are found with memchr; what needs no change is copied in runs. */
#include "mailfile/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "mailfile/downgrade.h"
#include "mailfile/header.h"
#include "mailfile/words.h"

#define SPOOL_OCTETS_DEFAULT (256u * 1024)
#define MAX_OCTETS_DEFAULT (1024ull * 1024 * 1024)
#define HEADER_LOOK_OCTETS (64u * 1024) /* of the header, for the items */
#define FIELD_TEXT_MAX 4096
#define ADDRESSES_MAX 1000

struct intake {
	char *spool_dir;
	size_t spool_octets;
	uint64_t max_octets;

	char *memory;           /* the octets from `flushed` on */
	size_t used, allocated;
	int fd;                 /* the unlinked file, -1 while all is in memory */
	uint64_t flushed;       /* octets written to it */

	uint64_t size_octets, header_octets;
	bool header_done, has_dot_line;
	uint64_t line_octets;   /* of the line under way, so far */
	bool last_is_cr;        /* its last octet is CR */
	STATUS broken;          /* the first failure; nothing is taken after it */

	bool smtputf8, has_high;        /* has_high: octets above 127, looked for with smtputf8 */
	struct intake *second;          /* the form for clients without UTF8, or NULL */
	struct maildrop_delivery second_delivery;

	struct arena arena;
	struct note note;
};

STATUS intake_new(const struct intake_options *options, struct intake **intake_r)
{
	static const struct intake_options none;
	const struct intake_options *o = options != NULL ? options : &none;
	const char *dir = o->spool_dir != NULL ? o->spool_dir : getenv("TMPDIR");
	struct intake *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return POSTIL_ERR_MEMORY;
	in->fd = -1;
	in->spool_octets = o->spool_octets != 0 ? o->spool_octets : SPOOL_OCTETS_DEFAULT;
	in->max_octets = o->max_octets != 0 ? o->max_octets : MAX_OCTETS_DEFAULT;
	in->spool_dir = strdup(dir != NULL && dir[0] != '\0' ? dir : "/tmp");
	in->smtputf8 = o->smtputf8;
	arena_init(&in->arena);
	if (in->spool_dir == NULL) {
		intake_free(&in);
		return POSTIL_ERR_MEMORY;
	}
	*intake_r = in;
	return NOERROR;
}

void intake_free(struct intake **intake)
{
	struct intake *in = *intake;

	if (in == NULL)
		return;
	intake_free(&in->second);
	if (in->fd >= 0)
		close(in->fd);
	arena_release(&in->arena);
	free(in->memory);
	free(in->spool_dir);
	free(in);
	*intake = NULL;
}

/* --- the spool ------------------------------------------------------------------ */

static STATUS io_status(int error)
{
	if (error == ENOSPC || error == EDQUOT)
		return POSTIL_ERR_DISK_FULL;
	return error == EACCES || error == EPERM ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO;
}

static STATUS spool_open(struct intake *in)
{
	size_t length = strlen(in->spool_dir);
	char *name;

	in->fd = open(in->spool_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (in->fd >= 0)
		return NOERROR;
	name = malloc(length + sizeof("/postil.XXXXXX"));
	if (name == NULL)
		return POSTIL_ERR_MEMORY;
	memcpy(name, in->spool_dir, length);
	memcpy(name + length, "/postil.XXXXXX", sizeof("/postil.XXXXXX"));
	in->fd = mkostemp(name, O_CLOEXEC);
	if (in->fd < 0) {
		STATUS status = io_status(errno);

		free(name);
		return status;
	}
	unlink(name);
	free(name);
	return NOERROR;
}

static STATUS spool_flush(struct intake *in)
{
	size_t done = 0;
	STATUS status;

	if (in->fd < 0 && (status = spool_open(in)) != NOERROR)
		return status;
	while (done < in->used) {
		ssize_t n = pwrite(in->fd, in->memory + done, in->used - done,
		                   (off_t)(in->flushed + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? io_status(errno) : POSTIL_ERR_IO;
		done += (size_t)n;
	}
	in->flushed += in->used;
	in->used = 0;
	return NOERROR;
}

/* Room for at least one more octet: grow, or write out what is there. */
static STATUS spool_room(struct intake *in)
{
	size_t wanted;
	char *memory;

	if (in->allocated >= in->spool_octets)
		return spool_flush(in);
	wanted = in->allocated == 0 ? 4096 : in->allocated * 2;
	if (wanted > in->spool_octets)
		wanted = in->spool_octets;
	memory = realloc(in->memory, wanted);
	if (memory == NULL)
		return POSTIL_ERR_MEMORY;
	in->memory = memory;
	in->allocated = wanted;
	return NOERROR;
}

static STATUS spool_append(struct intake *in, const char *p, size_t n)
{
	if (n > in->max_octets - in->size_octets)
		return POSTIL_ERR_TOO_LONG;
	in->size_octets += n;
	while (n > 0) {
		size_t part = in->allocated - in->used;
		STATUS status;

		if (part == 0) {
			if ((status = spool_room(in)) != NOERROR)
				return status;
			continue;
		}
		if (part > n)
			part = n;
		memcpy(in->memory + in->used, p, part);
		in->used += part;
		p += part;
		n -= part;
	}
	return NOERROR;
}

static STATUS spool_read(void *context, uint64_t offset, void *out, size_t size)
{
	struct intake *in = context;
	char *to = out;

	if (offset > in->size_octets || size > in->size_octets - offset)
		return POSTIL_ERR_INVALID;
	if (in->fd < 0) {
		if (size > 0)
			memcpy(to, in->memory + offset, size);
		return NOERROR;
	}
	while (size > 0) {
		ssize_t n = pread(in->fd, to, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return POSTIL_ERR_IO;
		to += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return NOERROR;
}

/* --- lines --------------------------------------------------------------------------- */

/* A line has ended and `end` octets are stored with it. */
static void line_done(struct intake *in, uint64_t content, uint64_t end)
{
	if (content == 0 && !in->header_done) {
		in->header_done = true;
		in->header_octets = end;
	}
	in->line_octets = 0;
	in->last_is_cr = false;
}

/* The part of a line before its LF: k octets at q. True if a CR ends it. */
static bool line_part(struct intake *in, const char *q, size_t k)
{
	if (k > 0) {
		if (in->line_octets == 0 && q[0] == '.')
			in->has_dot_line = true;
		in->last_is_cr = q[k - 1] == '\r';
		in->line_octets += k;
	}
	return in->last_is_cr;
}

static STATUS add_lines(struct intake *in, const char *p, size_t n)
{
	const char *end = p + n, *run = p, *at = p;
	STATUS status;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		if (lf == NULL) {
			line_part(in, at, (size_t)(end - at));
			break;
		}
		if (line_part(in, at, (size_t)(lf - at))) {
			line_done(in, in->line_octets - 1,
			          in->size_octets + (uint64_t)(lf + 1 - run));
		} else {
			status = spool_append(in, run, (size_t)(lf - run));
			if (status == NOERROR)
				status = spool_append(in, "\r\n", 2);
			if (status != NOERROR)
				return status;
			run = lf + 1;
			line_done(in, in->line_octets, in->size_octets);
		}
		at = lf + 1;
	}
	return spool_append(in, run, (size_t)(end - run));
}

STATUS intake_add(struct intake *in, const void *p, size_t n)
{
	if (in->broken == NOERROR && n > 0)
		in->broken = add_lines(in, p, n);
	if (in->smtputf8 && !in->has_high)
		in->has_high = words_has_high((struct slice){ p, n });
	return in->broken;
}

/* --- items ----------------------------------------------------------------------------- */

static STATUS add_text_item(struct note *note, const char *item, struct slice value)
{
	struct buf text = BUF_INIT;
	STATUS status;

	header_text(value, FIELD_TEXT_MAX, &text);
	status = buf_status(&text);
	if (status == NOERROR && note_add_text(note, item, buf_slice(&text)) == NULL)
		status = POSTIL_ERR_MEMORY;
	buf_release(&text);
	return status;
}

/* Collects the texts of addresses one behind the other and where each ends. */
static size_t collect_addresses(struct slice value, struct buf *text, size_t *ends)
{
	struct slice address;
	size_t count = 0;

	while (count < ADDRESSES_MAX && header_next_address(&value, &address)) {
		header_text(address, FIELD_TEXT_MAX, text);
		ends[count++] = text->n;
	}
	return count;
}

static STATUS add_address_item(struct note *note, const char *item, struct slice value)
{
	size_t *ends = malloc(ADDRESSES_MAX * sizeof(*ends));
	struct slice *values = malloc(ADDRESSES_MAX * sizeof(*values));
	struct buf text = BUF_INIT;
	STATUS status = ends == NULL || values == NULL ? POSTIL_ERR_MEMORY : NOERROR;
	size_t count = 0;

	if (status == NOERROR) {
		count = collect_addresses(value, &text, ends);
		status = buf_status(&text);
	}
	if (status == NOERROR && count > 0) {
		for (size_t i = 0, start = 0; i < count; start = ends[i++])
			values[i] = (struct slice){ text.p + start, ends[i] - start };
		if (note_add(note, slice_of(item), count > 1 ? ITEM_TEXT_LIST : ITEM_TEXT,
		             ITEM_SUMMARY | ITEM_NAMES, values, count) == NULL)
			status = POSTIL_ERR_MEMORY;
	}
	buf_release(&text);
	free(values);
	free(ends);
	return status;
}

static STATUS add_date_item(struct note *note, const char *item, struct slice value)
{
	char text[32];
	struct slice s;
	int64_t secs;

	if (!header_date(value, &secs))
		return NOERROR;
	timedate_format_dxl(secs * 1000, text);
	s = slice_of(text);
	return note_add(note, slice_of(item), ITEM_TIME, ITEM_SUMMARY, &s, 1) != NULL
	       ? NOERROR : POSTIL_ERR_MEMORY;
}

static const struct {
	const char *field, *item;
	STATUS (*add)(struct note *note, const char *item, struct slice value);
} item_fields[] = {
	{ "From", "From", add_text_item },
	{ "To", "SendTo", add_address_item },
	{ "Cc", "CopyTo", add_address_item },
	{ "Subject", "Subject", add_text_item },
	{ "Date", "PostedDate", add_date_item },
	{ "Message-ID", "$MessageID", add_text_item },
};

static STATUS make_items(struct intake *in, struct slice header)
{
	STATUS status = NOERROR;

	note_init(&in->note, &in->arena);
	in->note.class = NOTE_CLASS_DOCUMENT;
	if (note_add_text(&in->note, "Form", SLICE_LIT("Memo")) == NULL)
		return POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < sizeof(item_fields) / sizeof(item_fields[0]); i++) {
		struct slice value;

		if (header_find(header, item_fields[i].field, &value))
			status = item_fields[i].add(&in->note, item_fields[i].item, value);
		if (status != NOERROR)
			return status;
	}
	return NOERROR;
}

/* The header's first octets, wherever they are now. */
static STATUS read_items(struct intake *in)
{
	size_t n = in->header_octets < HEADER_LOOK_OCTETS ? (size_t)in->header_octets
	                                                  : HEADER_LOOK_OCTETS;
	char *copy;
	STATUS status;

	if (in->fd < 0)
		return make_items(in, (struct slice){ in->memory, n });
	copy = malloc(n != 0 ? n : 1);
	if (copy == NULL)
		return POSTIL_ERR_MEMORY;
	status = spool_read(in, 0, copy, n);
	if (status == NOERROR)
		status = make_items(in, (struct slice){ copy, n });
	free(copy);
	return status;
}

/* --- the second form ---------------------------------------------------------------------- */

/* Headers grow, at most to three octets for one and a little for each line; bodies do not. */
static STATUS second_new(const struct intake *in, struct intake **second_r)
{
	struct intake_options options = { .spool_dir = in->spool_dir,
		.spool_octets = in->spool_octets, .max_octets = UINT64_MAX };

	return intake_new(&options, second_r);
}

/* Makes in->second, or sets *needs_utf8_r. */
static STATUS make_second(struct intake *in, bool *needs_utf8_r)
{
	struct downgrade_source source = { in->size_octets, spool_read, in };
	bool changed = false;
	STATUS status = second_new(in, &in->second);

	if (status == NOERROR)
		status = downgrade(&source, in->second, &changed);
	if (status == NOERROR && changed)
		status = intake_finish(in->second, &in->second_delivery);
	if (status != NOERROR || !changed)
		intake_free(&in->second);
	*needs_utf8_r = status == POSTIL_ERR_INVALID;
	return *needs_utf8_r ? NOERROR : status;
}

STATUS intake_add_item(struct intake *in, const char *item, struct slice value)
{
	return note_add_text(&in->note, item, value) != NULL ? NOERROR : POSTIL_ERR_MEMORY;
}

STATUS intake_finish(struct intake *in, struct maildrop_delivery *delivery_r)
{
	bool needs_utf8 = false;

	/* Nothing at all lacks its last line end too: no message is empty. */
	if (in->broken == NOERROR && (in->line_octets > 0 || in->size_octets == 0))
		in->broken = spool_append(in, "\r\n", 2);
	in->line_octets = 0;
	if (!in->header_done)
		in->header_octets = in->size_octets;
	in->header_done = true;
	if (in->broken == NOERROR && in->fd >= 0)
		in->broken = spool_flush(in);
	if (in->broken == NOERROR)
		in->broken = read_items(in);
	if (in->broken == NOERROR && in->has_high)
		in->broken = make_second(in, &needs_utf8);
	if (in->broken != NOERROR)
		return in->broken;
	*delivery_r = (struct maildrop_delivery){
		.size_octets = in->size_octets,
		.header_octets = in->header_octets,
		.has_dot_line = in->has_dot_line,
		.note = &in->note,
		.body = spool_read,
		.context = in,
		.second = in->second != NULL ? &in->second_delivery : NULL,
		.needs_utf8 = needs_utf8,
	};
	return NOERROR;
}
