/* What the files that render notes share. Private to them. */
#ifndef POSTIL_MAILFILE_RENDERIMPL_H
#define POSTIL_MAILFILE_RENDERIMPL_H

#include "mailfile/mime.h"
#include "mailfile/render.h"

struct render {
	const struct note *note;
	const struct render_options *options;
	struct intake *intake;
	struct buf out;                 /* waits to be added to the intake */
	uint64_t written;               /* octets that the intake has got */
	STATUS status;                  /* the first failure; nothing is written after it */
	const struct item *unreadable;  /* whose blob could not be read */
	bool at_line_start;             /* what was written ends a line, or nothing was */
	bool sealed;                    /* with a Notes key: items that bear ITEM_SEAL are not shown */
	char unid[33];                  /* "" when there is none */
	struct buf domain;
	unsigned lookups;
};

#define RENDER_SEALED_SENTENCE "[Portions of this MIME document are encrypted with a Notes certificate and " \
	"cannot be read.]\n"

/* --- render.c: octets --- */
void render_octets(struct render *r, const void *p, size_t n);
void render_slice(struct render *r, struct slice s);
void render_str(struct render *r, const char *text);
/* Something was added to r->out behind `before`. */
void render_written(struct render *r, size_t before);
/* CRLF if what was written does not end a line. */
void render_end_line(struct render *r);
void render_fail(struct render *r, STATUS status);
/* Octets of a value from offset on; false: it cannot be read, which ends the rendering. */
bool render_read(struct render *r, const struct item *item, size_t value, uint64_t offset,
                 void *out, size_t size);
/* All of a value as it is. */
void render_value(struct render *r, const struct item *item, size_t value);
/* May the value of this item be shown? */
bool render_may_show(const struct render *r, const struct item *item);
/* A line "--boundary" or "--boundary--" of the multipart called kind. */
void render_boundary(struct render *r, const char *kind, bool last);
/* The header of the multipart called kind, and the empty line. */
void render_multipart(struct render *r, const char *subtype, const char *kind);

/* --- renderwords.c: header fields --- */

/* A field being written. Lines are folded at 76 octets where they can be, and never
 * longer than 998. */
struct field {
	struct render *r;
	size_t column;
	bool any;
};
void field_begin(struct field *f, struct render *r, const char *name);
/* A word that is not divided: at most 900 octets, else it is cut; its control characters are
 * made '?'. */
void field_word(struct field *f, struct slice word);
void field_comma(struct field *f);
/* Text of UTF-8 (else it is taken as ISO-8859-1), encoded (RFC 2047) where it has to be. */
void field_text(struct field *f, struct slice text);
/* The same as a phrase: quoted or encoded. */
void field_phrase(struct field *f, struct slice text);
void field_end(struct field *f);
/* As UTF-8 with blanks for control characters and none at the ends. keep_lines: but for '\n';
 * CRLF and CR become '\n'. */
void render_clean(struct slice text, bool keep_lines, struct buf *out);
/* At most max octets of a text, cut between characters. */
struct slice render_cut(struct slice text, size_t max);
/* A clean value in quotes for clients that do not know RFC 2231: "plan.pdf", "=?UTF-8?B?...?=". */
void render_old_parameter(struct slice value, struct buf *out);

/* --- renderaddress.c: Notes names --- */

/* One value of an item as an address, with a comma if it is not the field's first; internet: the same
 * in the parallel INet item, empty or "." when there is none there. */
void field_name(struct field *f, struct slice value, struct slice internet);
/* Is there anything to show? */
bool render_is_name(struct slice value, struct slice internet);
/* Without a @Domain suffix. */
struct slice render_without_domain(struct slice name);

/* --- renderheader.c --- */

/* All fields but those of content; the empty line is not written. */
void render_header(struct render *r);
/* A value that was received, with CRLF: it keeps its folds, but no line of it can be a field of its
 * own or the header's end. */
void render_received_body(struct render *r, struct slice body);
/* Calls each for every item of type RFC822_TEXT, in order. */
void render_received_fields(struct render *r, void (*each)(struct render *r, struct slice record,
                                                           void *context), void *context);
/* The first text item of that name that may be shown, or NULL. */
const struct item *render_text_item(const struct render *r, const char *name);
/* Its first value, as it is; empty. */
struct slice render_text(const struct render *r, const char *name);

/* --- renderdate.c --- */

/* "Fri, 08 Aug 2014 13:18:33 -0400" of DXL or RFC 5322 text; false: it is none. */
bool render_date(struct slice value, char out[48]);
bool render_date_ms(int64_t wall_ms, char out[48]);

/* --- renderbody.c: what was made in Notes --- */
void render_body(struct render *r);
void render_text_part(struct render *r, const char *subtype, struct slice text);
/* A text part that says one sentence. */
void render_sentence_part(struct render *r, const char *sentence);

/* --- renderform.c --- */

/* What a form shows above its text, line by line: of a meeting when and where it is, of a report what it
 * reports. */
void render_form_lines(struct render *r,
                       void (*line)(void *context, const char *label, struct slice value),
                       void *context);

/* --- renderfile.c: attachments --- */
bool render_is_file(const struct item *item);
/* Are its octets there? */
bool render_file_is_whole(const struct item *item);
/* Would the message pass RENDER_OCTETS_MAX with it? */
bool render_file_is_large(const struct render *r, const struct item *item);
/* What stands for one that is not shown. */
void render_missing_part(struct render *r, const struct item *item);
void render_file_part(struct render *r, const struct item *item);
void render_base64(struct render *r, const struct item *item, size_t value);

#endif
