/* A note becomes mail: what kind it is, and the octets on their way to the intake. Items
 * come from DXL files and databases and are distrusted: any octets, any number, any size. */
#include "mailfile/render.h"

#include <string.h>

#include "mailfile/nativemime.h"
#include "mailfile/renderimpl.h"

#define OUT_OCTETS 32768u       /* are collected before the intake gets them */

/* --- octets -------------------------------------------------------------------------- */

void render_fail(struct render *r, STATUS status)
{
	if (r->status == NOERROR)
		r->status = status;
}

static void flush(struct render *r)
{
	render_fail(r, buf_status(&r->out));
	r->written += r->out.n;
	if (r->status == NOERROR)
		render_fail(r, intake_add(r->intake, r->out.p, r->out.n));
	buf_clear(&r->out);
}

void render_written(struct render *r, size_t before)
{
	if (r->out.n <= before)
		return;
	r->at_line_start = r->out.p[r->out.n - 1] == '\n';      /* a bare one becomes CRLF in the stored form */
	if (r->out.n >= OUT_OCTETS)
		flush(r);
}

void render_octets(struct render *r, const void *p, size_t n)
{
	size_t before = r->out.n;

	if (r->status != NOERROR)
		return;
	buf_add(&r->out, p, n);
	render_fail(r, buf_status(&r->out));
	render_written(r, before);
}

void render_slice(struct render *r, struct slice s)
{
	render_octets(r, s.p, s.n);
}

void render_str(struct render *r, const char *text)
{
	render_octets(r, text, strlen(text));
}

void render_end_line(struct render *r)
{
	if (!r->at_line_start)
		render_str(r, "\r\n");
}

bool render_read(struct render *r, const struct item *item, size_t value, uint64_t offset,
                 void *out, size_t size)
{
	STATUS status = r->status == NOERROR ? item_read(item, value, offset, out, size) : r->status;

	if (status != NOERROR && r->status == NOERROR)
		r->unreadable = item;
	render_fail(r, status);
	return status == NOERROR;
}

/* --- multiparts ------------------------------------------------------------------------ */

/* "=_" occurs neither in quoted-printable nor in base64. */
static void add_boundary(struct render *r, const char *kind)
{
	render_str(r, "=_");
	render_str(r, kind);
	render_str(r, "_");
	render_str(r, r->unid[0] != '\0' ? r->unid : "note");
	render_str(r, "_=");
}

void render_boundary(struct render *r, const char *kind, bool last)
{
	render_end_line(r);
	render_str(r, "--");
	add_boundary(r, kind);
	render_str(r, last ? "--\r\n" : "\r\n");
}

void render_multipart(struct render *r, const char *subtype, const char *kind)
{
	render_str(r, "Content-Type: multipart/");
	render_str(r, subtype);
	render_str(r, ";\r\n\tboundary=\"");
	add_boundary(r, kind);
	render_str(r, "\"\r\n\r\n");
}

/* --- what a note is --------------------------------------------------------------------- */

bool render_may_show(const struct render *r, const struct item *item)
{
	return !r->sealed || (item->flags & ITEM_SEAL) == 0;
}

/* ITEM_SEAL alone says what shall be sealed. Sealed it is when the key is there, or when it should
 * be and there is no Body. */
static bool is_sealed(const struct note *note)
{
	if (note_find(note, "$Seal") != NULL || note_find(note, "$SealData") != NULL)
		return true;
	return slice_equal(note_text(note, "Encrypt"), SLICE_LIT("1")) &&
	       note_find(note, "Body") == NULL;
}

void render_value(struct render *r, const struct item *item, size_t value)
{
	char piece[16384];
	uint64_t size = item_size(item, value), at = 0;

	while (at < size) {
		size_t n = size - at < sizeof(piece) ? (size_t)(size - at) : sizeof(piece);

		if (!render_read(r, item, value, at, piece, n))
			return;
		render_octets(r, piece, n);
		at += n;
	}
}

/* Where the message was kept whole beside its rich text, or instead of it ($MessageStorage 1, 2). */
static const struct item *kept_message(const struct render *r)
{
	struct slice storage = note_text(r->note, "$MessageStorage");
	struct slice name = note_text(r->note, "$IntMailMsgFileName");

	if (!slice_equal(storage, SLICE_LIT("1")) && !slice_equal(storage, SLICE_LIT("2")))
		return NULL;
	if (name.n == 0)
		name = SLICE_LIT("$RFC822.eml");
	for (const struct item *item = r->note->first; item != NULL; item = item->next)
		if (render_is_file(item) && render_file_is_whole(item) && item_size(item, 1) > 0 &&
		    render_may_show(r, item) && slice_equal_nocase(item->values[0], name))
			return item;
	return NULL;
}

static void render_all(struct render *r)
{
	const struct item *mime = note_find(r->note, "$MIME");
	const struct item *kept = kept_message(r);

	if (mime != NULL && mime->type == ITEM_MIME_PART && item_size(mime, 0) > 0) {
		render_value(r, mime, 0);
	} else if (kept != NULL) {
		render_value(r, kept, 1);
	} else if (nativemime_is(r->note)) {
		nativemime_render(r);
	} else {
		render_header(r);
		render_body(r);
	}
	flush(r);
}

/* What a host part may be made of; anything else would end an address. */
static bool is_host_name(struct slice domain)
{
	if (domain.n == 0 || domain.n > 253)
		return false;
	for (size_t i = 0; i < domain.n; i++) {
		char c = domain.p[i];

		if (c == '.' ? i == 0 || i + 1 == domain.n || domain.p[i - 1] == '.'
		    : !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        c == '-' || c == '_'))
			return false;
	}
	return true;
}

static void set_domain(struct render *r)
{
	if (r->options->find_domain != NULL &&
	    (r->options->find_domain(r->options->context, &r->domain) != NOERROR ||
	     !is_host_name(buf_slice(&r->domain))))
		buf_clear(&r->domain);
	if (r->domain.n == 0 && is_host_name(r->options->domain))
		buf_add_slice(&r->domain, r->options->domain);
	if (r->domain.n == 0)
		buf_add_str(&r->domain, "localhost");
	render_fail(r, buf_status(&r->domain));
}

STATUS render_note(const struct note *note, const struct render_options *options,
                   struct intake *intake, struct fault *fault)
{
	static const struct render_options none;
	struct render r = {
		.note = note, .options = options != NULL ? options : &none, .intake = intake,
		.out = BUF_INIT, .domain = BUF_INIT, .at_line_start = true,
		.sealed = is_sealed(note),
	};

	if (note->has_unid)
		unid_format(&note->unid, r.unid);
	set_domain(&r);
	render_all(&r);
	buf_release(&r.out);
	buf_release(&r.domain);
	if (r.status == NOERROR)
		return NOERROR;
	if (r.unreadable != NULL)
		return fault_set(fault, r.status, "item %.64s of document %s cannot be read: %s",
		                 r.unreadable->name, r.unid, status_text(r.status));
	return fault_set(fault, r.status, "document %s cannot be made mail: %s", r.unid,
	                 status_text(r.status));
}
