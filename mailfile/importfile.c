/* Importing files: one message, or an mbox file of many. What an mbox file says of
 * its messages (mailfile/mboxhead.h) is hostile as the rest of it. */
#include "mailfile/importer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypt.h"
#include "mailfile/mbox.h"
#include "mailfile/mboxcl.h"
#include "mailfile/mboxhead.h"

struct mbox_import {
	struct importer *im;
	struct mbox_head head;
	uint32_t validity;              /* of X-IMAPbase in the first message */
	int64_t received_ms;
	struct buf md5;                 /* what Dovecot's %m is the digest of */
	struct buf uidl;                /* made for the message under way */
};

/* The next octets; 0 at the end. */
static STATUS read_piece(struct importer *im, int fd, size_t *got_r)
{
	ssize_t n;

	do
		n = read(fd, im->buffer, IMPORT_READ_OCTETS);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return importer_read_failed(im, im->source, errno);
	*got_r = (size_t)n;
	im->done_octets += (uint64_t)n;
	return NOERROR;
}

/* All that fits, so that what the file is can be seen; also from a pipe. */
static STATUS read_first_piece(struct importer *im, int fd, size_t *got_r)
{
	size_t got = 0;

	while (got < IMPORT_READ_OCTETS) {
		ssize_t n = read(fd, im->buffer + got, IMPORT_READ_OCTETS - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return importer_read_failed(im, im->source, errno);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	im->done_octets += got;
	*got_r = got;
	return NOERROR;
}

/* --- one message --------------------------------------------------------------------- */

/* What was found out before, of its name and its place, stays. The first piece is in
 * the buffer already. */
static STATUS read_eml(struct importer *im, int fd, size_t got)
{
	bool at_end = got < IMPORT_READ_OCTETS;
	struct incoming incoming = im->incoming;
	STATUS status = importer_begin(im);

	im->incoming = incoming;
	while (status == NOERROR && got > 0) {
		status = importer_octets(im, im->buffer, got);
		got = 0;
		if (status == NOERROR && !at_end)
			status = read_piece(im, fd, &got);
		importer_progress(im);
	}
	return status == NOERROR ? importer_end(im) : status;
}

/* --- mbox ------------------------------------------------------------------------------- */

static STATUS box_begin(void *context)
{
	struct mbox_import *box = context;

	box->im->number++;
	box->received_ms = 0;
	buf_clear(&box->md5);
	mbox_head_begin(&box->head);
	return importer_begin(box->im);
}

static STATUS box_from(void *context, struct slice line)
{
	struct mbox_import *box = context;
	int64_t secs;

	if (mbox_from_date(line, &secs) && secs > 0)
		box->received_ms = secs * 1000;
	return NOERROR;
}

static STATUS box_octets(void *context, const void *p, size_t n)
{
	return mbox_head_feed(&((struct mbox_import *)context)->head, p, n);
}

static STATUS md5_text(struct mbox_import *box, char hex[33])
{
	uint8_t digest[16];
	STATUS status = crypt_md5(buf_slice(&box->md5), digest);

	for (size_t i = 0; i < 16 && status == NOERROR; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return status;
}

/* By the format that was asked for, else X-UIDL, else as Dovecot makes it of X-UID. */
static STATUS box_uidl(struct mbox_import *box)
{
	const struct mbox_books *books = &box->head.books;
	const struct uidl_format *format = box->im->options->uidl_format;
	struct uidl_format usual;
	char md5[33] = "";
	struct uidl_parts parts = { .uid = books->uid, .validity = box->validity };
	STATUS status = NOERROR;

	if (format == NULL && books->uidl_octets > sizeof(books->uidl)) {
		box->im->incoming.unusable = true;
		return NOERROR;
	}
	if (format == NULL && books->uidl_octets != 0)
		return importer_uidl(box->im, (struct slice){ books->uidl, books->uidl_octets });
	if (format == NULL && uidl_format_parse("dovecot", &usual))
		format = &usual;
	if (format == NULL)
		return POSTIL_ERR_INVALID;
	if (uidl_format_uses(format, 'm'))
		status = md5_text(box, md5);
	parts.md5 = slice_of(md5);
	buf_clear(&box->uidl);
	if (status == NOERROR && uidl_format_make(format, &parts, &box->uidl))
		status = importer_uidl(box->im, buf_slice(&box->uidl));
	return status;
}

static STATUS box_end(void *context)
{
	struct mbox_import *box = context;
	struct importer *im = box->im;
	const struct mbox_books *books = &box->head.books;
	const struct uidl_facts *facts;
	char key[24];
	STATUS status = mbox_head_end(&box->head);

	if (box->validity == 0)
		box->validity = books->validity;
	if (status == NOERROR && books->internal) {
		importer_forget(im);            /* c-client's own message, no mail */
		return NOERROR;
	}
	im->incoming.flags = books->flags;
	im->incoming.received_ms = box->received_ms;
	snprintf(key, sizeof(key), "%llu", (unsigned long long)im->number);
	facts = uidl_map_facts(im->options->uidls, slice_of(key));
	if (facts != NULL)
		importer_facts(im, facts);
	else if (status == NOERROR)
		status = box_uidl(box);
	return status == NOERROR ? importer_end(im) : status;
}

static const struct mbox_events box_events = { box_begin, box_octets, box_end, box_from };

static STATUS head_octets(void *context, const void *p, size_t n)
{
	return importer_octets(((struct mbox_import *)context)->im, p, n);
}

static bool box_length(void *context, uint64_t *length_r)
{
	const struct mbox_books *books = &((struct mbox_import *)context)->head.books;

	*length_r = books->length;
	return books->has_length;
}

static STATUS read_mboxcl2(struct importer *im, struct mbox_import *box, int fd)
{
	struct stat st;
	STATUS status;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || lseek(fd, 0, SEEK_SET) != 0)
		return fault_set(im->fault, POSTIL_ERR_INVALID, "%s: the form mboxcl2 needs a file,"
		                 " for what it says of lengths is looked up", im->source);
	status = mboxcl_read(fd, im->buffer, IMPORT_READ_OCTETS, &box_events, box_length, box);
	return status == POSTIL_ERR_IO && (im->fault == NULL || im->fault->status != status)
	       ? importer_read_failed(im, im->source, errno) : status;
}

static STATUS read_mbox(struct importer *im, struct mbox_import *box, int fd, size_t got,
                        bool unquote)
{
	struct mbox_reader reader;
	STATUS status = NOERROR;

	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	mbox_reader_init(&reader, unquote, &box_events, box);
	while (status == NOERROR && got > 0) {
		status = mbox_reader_feed(&reader, im->buffer, got);
		if (status == NOERROR)
			status = read_piece(im, fd, &got);
		importer_progress(im);
	}
	return status == NOERROR ? mbox_reader_end(&reader) : status;
}

static enum mbox_removal removal_for(const struct importer *im, size_t got)
{
	switch (im->options->books) {
	case MAIL_BOOKS_KEEP: return MBOX_REMOVE_NONE;
	case MAIL_BOOKS_REMOVE: return MBOX_REMOVE_ALL;
	default: break;
	}
	return mbox_keeps_books((struct slice){ im->buffer, got }) ? MBOX_REMOVE_HIDDEN
	                                                           : MBOX_REMOVE_NONE;
}

static STATUS read_box(struct importer *im, int fd, size_t got, enum mail_form form)
{
	struct mbox_import box = { .im = im, .md5 = BUF_INIT, .uidl = BUF_INIT };
	STATUS status;

	im->number = 0;
	mbox_head_init(&box.head, removal_for(im, got), head_octets, &box);
	if (im->options->uidl_format != NULL && uidl_format_uses(im->options->uidl_format, 'm'))
		box.head.md5 = &box.md5;
	status = form == MAIL_FORM_MBOXCL2 ? read_mboxcl2(im, &box, fd)
	         : read_mbox(im, &box, fd, got, form == MAIL_FORM_MBOXRD);
	buf_release(&box.md5);
	buf_release(&box.uidl);
	im->number = 0;
	if (status == POSTIL_ERR_SYNTAX)
		return fault_set(im->fault, status, "%s is no mbox file: it does not begin with"
		                 " \"From \"; for a single message use the form eml", im->source);
	return status;
}

/* --- either --------------------------------------------------------------------------------- */

static void facts_of_file(struct importer *im, int fd)
{
	const char *slash = strrchr(im->source, '/');
	struct slice name = slice_of(slash != NULL ? slash + 1 : im->source);
	struct stat st;

	importer_facts(im, uidl_map_facts(im->options->uidls, name));
	if (im->incoming.received_ms == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		im->incoming.received_ms = (int64_t)st.st_mtim.tv_sec * 1000
		                           + st.st_mtim.tv_nsec / 1000000;
}

STATUS importer_file(struct importer *im, int fd, enum mail_form form)
{
	size_t got = 0;
	STATUS status = read_first_piece(im, fd, &got);

	if (status != NOERROR)
		return status;
	if (form == MAIL_FORM_AUTO)
		form = got >= 5 && memcmp(im->buffer, "From ", 5) == 0 ? MAIL_FORM_MBOX
		                                                       : MAIL_FORM_EML;
	if (form == MAIL_FORM_MBOX || form == MAIL_FORM_MBOXRD || form == MAIL_FORM_MBOXCL2)
		return read_box(im, fd, got, form);
	if (im->incoming.received_ms == 0)
		facts_of_file(im, fd);
	return read_eml(im, fd, got);
}
