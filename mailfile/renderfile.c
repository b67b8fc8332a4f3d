/* Attachments: $FILE items become parts in base64, as they stream from where they are. Names, times
 * and octets are distrusted. */
#include <string.h>

#include "base/text.h"
#include "mailfile/renderimpl.h"

#define NAME_OCTETS_MAX 255u    /* of a file's name; a longer one is cut before its ending */
#define ENDING_MAX 16u

/* What clients go by; other endings are application/octet-stream. */
static const struct {
	const char *ending, *type;
} types[] = {
	{ ".7z", "application/x-7z-compressed" }, { ".avi", "video/x-msvideo" },
	{ ".bmp", "image/bmp" }, { ".css", "text/css" }, { ".csv", "text/csv" },
	{ ".doc", "application/msword" },
	{ ".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ ".gif", "image/gif" }, { ".gz", "application/gzip" }, { ".htm", "text/html" },
	{ ".html", "text/html" }, { ".ics", "text/calendar" }, { ".jpeg", "image/jpeg" },
	{ ".jpg", "image/jpeg" }, { ".json", "application/json" }, { ".mov", "video/quicktime" },
	{ ".mp3", "audio/mpeg" }, { ".mp4", "video/mp4" }, { ".mpeg", "video/mpeg" },
	{ ".mpg", "video/mpeg" }, { ".odp", "application/vnd.oasis.opendocument.presentation" },
	{ ".ods", "application/vnd.oasis.opendocument.spreadsheet" },
	{ ".odt", "application/vnd.oasis.opendocument.text" }, { ".pdf", "application/pdf" },
	{ ".png", "image/png" }, { ".ppt", "application/vnd.ms-powerpoint" },
	{ ".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
	{ ".ps", "application/postscript" }, { ".rtf", "application/rtf" },
	{ ".svg", "image/svg+xml" }, { ".tar", "application/x-tar" }, { ".tgz", "application/gzip" },
	{ ".tif", "image/tiff" }, { ".tiff", "image/tiff" }, { ".txt", "text/plain" },
	{ ".vcf", "text/vcard" }, { ".wav", "audio/x-wav" }, { ".webp", "image/webp" },
	{ ".xls", "application/vnd.ms-excel" },
	{ ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ ".xml", "application/xml" }, { ".zip", "application/zip" },
};

/* A text type would need a charset that nobody knows; clients then show it as it is. */
static const char *type_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (text_ends_nocase(name, types[i].ending))
			return types[i].type;
	return "application/octet-stream";
}

bool render_is_file(const struct item *item)
{
	return item->type == ITEM_OBJECT &&
	       slice_equal_nocase(slice_of(item->name), SLICE_LIT("$FILE"));
}

/* The octets are there: the value behind the name, or a blob. */
bool render_file_is_whole(const struct item *item)
{
	return item->count >= 2 || (item->blob != NULL && item->count >= 1);
}

/* --- names and times ---------------------------------------------------------------------------- */

/* Where the ending of a name begins, or its end. */
static size_t ending_of(struct slice name)
{
	for (size_t i = name.n; i-- > 1 && name.n - i <= ENDING_MAX;)
		if (name.p[i] == '.')
			return i;
	return name.n;
}

/* No path, no control characters, not too long, never empty. */
static void add_file_name(struct slice given, struct buf *out)
{
	struct buf clean = BUF_INIT;
	struct slice name, ending;

	render_clean(given, false, &clean);
	name = clean.n > 0 ? buf_slice(&clean) : SLICE_LIT("attachment");
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '/' || name.p[i] == '\\') {
			name = (struct slice){ name.p + i + 1, name.n - i - 1 };
			i = (size_t)-1;
		}
	ending = (struct slice){ name.p + ending_of(name), name.n - ending_of(name) };
	if (name.n > NAME_OCTETS_MAX)
		name = render_cut((struct slice){ name.p, name.n - ending.n }, NAME_OCTETS_MAX - ending.n);
	else
		ending.n = 0;
	buf_add_slice(out, name);
	buf_add_slice(out, ending);
	if (name.n + ending.n == 0)     /* nothing behind the path */
		buf_add_str(out, "attachment");
	if (buf_status(&clean) != NOERROR)
		out->broken = buf_status(&clean);
	buf_release(&clean);
}

/* RFC 2183, 2.4 and 2.5. */
static void add_time(const struct item *item, size_t value, const char *name, struct buf *out)
{
	char date[48];

	if (item->count > value && render_date(item->values[value], date))
		buf_addf(out, ";\r\n\t%s=\"%s\"", name, date);
}

/* Old clients look for the name in Content-Type and know no RFC 2231. */
static void add_part_header(const struct item *item, struct slice name, struct buf *out)
{
	buf_addf(out, "Content-Type: %s", type_of(name));
	buf_add_str(out, ";\r\n\tname=");
	render_old_parameter(name, out);
	buf_add_str(out, "\r\nContent-Disposition: attachment");
	mime_add_parameter("filename", name, out);
	add_time(item, 2, "creation-date", out);
	add_time(item, 3, "modification-date", out);
	buf_addf(out, ";\r\n\tsize=%llu\r\nContent-Transfer-Encoding: base64\r\n\r\n",
	         (unsigned long long)item_size(item, 1));
}

/* --- octets ------------------------------------------------------------------------------------- */

void render_base64(struct render *r, const struct item *item, size_t value)
{
	char piece[MIME_PIECE_OCTETS];
	uint64_t size = item_size(item, value), at = 0;
	struct mime_encoder *encoder;

	render_fail(r, mime_encoder_new(MIME_BASE64, &encoder));
	if (r->status != NOERROR)
		return;
	while (at < size && r->status == NOERROR) {
		size_t n = size - at < sizeof(piece) ? (size_t)(size - at) : sizeof(piece);
		size_t before = r->out.n;

		if (!render_read(r, item, value, at, piece, n))
			break;
		render_fail(r, mime_encoder_add(encoder, (struct slice){ piece, n }, &r->out));
		render_written(r, before);
		at += n;
	}
	if (r->status == NOERROR) {
		size_t before = r->out.n;

		render_fail(r, mime_encoder_end(encoder, &r->out));
		render_written(r, before);
	}
	mime_encoder_free(&encoder);
}

bool render_file_is_large(const struct render *r, const struct item *item)
{
	uint64_t size = item_size(item, 1), had = r->written + r->out.n;

	/* 57 octets are a line of 78 */
	return size > RENDER_OCTETS_MAX || had > RENDER_OCTETS_MAX ||
	       size / 57 * 78 > RENDER_OCTETS_MAX - had;
}

static void add_item_name(const struct item *item, struct buf *out)
{
	/* without its octets the one value there is may be anything */
	bool named = render_file_is_whole(item) || (item->count == 1 && item->values[0].n < 256);

	add_file_name(named ? item->values[0] : SLICE_LIT("?"), out);
}

void render_missing_part(struct render *r, const struct item *item)
{
	struct buf sentence = BUF_INIT;
	char size[16];

	buf_add_str(&sentence, "[The attachment \"");
	add_item_name(item, &sentence);
	if (render_file_is_whole(item)) {
		text_size(item_size(item, 1), size);
		buf_addf(&sentence, "\" (%s) is too large for mail.]\n", size);
	} else {
		buf_add_str(&sentence, "\" is not in this document in a form that can be read.]\n");
	}
	render_fail(r, buf_status(&sentence));
	render_text_part(r, "plain", buf_slice(&sentence));
	buf_release(&sentence);
}

void render_file_part(struct render *r, const struct item *item)
{
	struct buf name = BUF_INIT, header = BUF_INIT;

	if (!render_file_is_whole(item) || render_file_is_large(r, item)) {
		render_missing_part(r, item);
		return;
	}
	add_item_name(item, &name);
	add_part_header(item, buf_slice(&name), &header);
	render_fail(r, buf_status(&name));
	render_fail(r, buf_status(&header));
	render_slice(r, buf_slice(&header));
	render_base64(r, item, 1);
	buf_release(&name);
	buf_release(&header);
}
