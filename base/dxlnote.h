/*
 * Reading DXL without knowing the parser: what dxl.c (libxml2) feeds, dxlnote.c
 * (elements to notes), dxlvalue.c (values of items), dxlraw.c (packed values) and
 * dxlcdata.c (CDATA sections) build. Private to them.
 */
#ifndef POSTIL_BASE_DXLNOTE_H
#define POSTIL_BASE_DXLNOTE_H

#include <stdint.h>

#include "base/crypt.h"
#include "base/dxl.h"
#include "base/spool.h"

#define DXL_NAMESPACE "http://www.lotus.com/dxl"
#define DEPTH_MAX 250                   /* of what is looked at */
#define DEPTH_END 20000                 /* of anything: the file ends there */
#define VALUES_MAX 1048576              /* of one item */
#define FLAWS_TOLD 20                   /* of one document */

enum dxl_element {
	E_OTHER, E_DATABASE, E_DOCUMENT, E_NOTE, E_NOTEINFO, E_CREATED, E_MODIFIED,
	E_UPDATEDBY, E_REVISIONS, E_MIME, E_ITEM, E_TEXT, E_TEXTLIST, E_NUMBER,
	E_NUMBERLIST, E_DATETIME, E_DATETIMELIST, E_DATETIMEPAIR, E_RAWITEMDATA,
	E_ITEMDATA, E_FORMULA, E_RICHTEXT, E_OBJECT, E_FILE, E_FILEDATA, E_NAME,
	E_BREAK, E_NONXMLCHAR, E_COUNT
};

struct dxl_span {
	size_t from, n;         /* in dxl_reader.text */
};

struct dxl_reader {
	const struct dxl_limits *limits;
	const struct dxl_sink *sink;
	void *context;
	unsigned line;                          /* where the parser is */

	uint8_t stack[DEPTH_MAX];               /* enum dxl_element of each open element */
	size_t depth, depth_limit;
	size_t ignore_depth;                    /* != 0: pass over until this depth closes */

	struct arena arena;
	struct note note;
	bool in_note, bad;                      /* bad: the document is being skipped */

	/* the item being read */
	struct buf item_name;
	uint16_t type, flags;
	unsigned item_line;
	bool in_item, dropped, has_value;       /* dropped: left out for its size */
	struct buf text;                        /* octets of all its values */
	struct dxl_span *values;
	size_t value_count, value_room, value_from;
	bool capturing;                         /* characters go to text */
	bool base64;                            /* they are decoded first */
	bool cut;                               /* nothing more is taken for the item */
	struct base64_stream decoder;
	unsigned pair_times;                    /* of a <datetimepair>, so far */
	size_t rich_depth;                      /* != 0: markup goes to text too */
	size_t file_parts[4];                   /* of an object: which values are octets, created,
	                                         * modified and attributes; 0: none */

	/* large values: what is behind value_from in text moves on to the spool */
	struct spool spool;
	bool may_spool, spooled;
	uint64_t spool_from;

	struct buf damage;                      /* names of items, each with a NUL */
	unsigned flaws;

	STATUS stopped;                         /* the parser must stop, and why */
	char stop_text[200];
	unsigned error_line;                    /* where; or of the first XML error */
};

/* The file has ended, perhaps within a document. */
void dxl_finish(struct dxl_reader *r);
/* dxlnote.c. The caller sets line before each call and looks at stopped behind it.
 * Attributes are five pointers each: name, prefix, URI, value, end of value. */
void dxl_reader_init(struct dxl_reader *r, const struct dxl_limits *limits,
                     const struct dxl_sink *sink, void *context);
void dxl_reader_release(struct dxl_reader *r);
void dxl_stop(struct dxl_reader *r, STATUS status, const char *text);
void dxl_free_text(struct dxl_reader *r);
void dxl_document_fault(struct dxl_reader *r, unsigned line, const char *text);
void dxl_flaw(struct dxl_reader *r, unsigned line, const char *text);
void dxl_start(struct dxl_reader *r, enum dxl_element e, const char *name, const char *uri,
               int count, const unsigned char **attributes);
void dxl_end(struct dxl_reader *r, const char *name);
void dxl_characters(struct dxl_reader *r, struct slice s);

/* dxlvalue.c */
struct slice dxl_attribute(struct dxl_reader *r, int count, const unsigned char **attributes,
                           const char *name);
bool dxl_attribute_is(struct dxl_reader *r, int count, const unsigned char **attributes,
                      const char *name, const char *value);
void dxl_begin_value(struct dxl_reader *r);
void dxl_begin_octets(struct dxl_reader *r, bool base64);
void dxl_end_value(struct dxl_reader *r);
void dxl_end_octets(struct dxl_reader *r, const char *fault);
bool dxl_text_fits(struct dxl_reader *r);
void dxl_add_char(struct dxl_reader *r, uint32_t c);
bool dxl_parse_hex(struct slice s, uint32_t max, uint32_t *value_r);
void dxl_nonxmlchar(struct dxl_reader *r, int count, const unsigned char **attributes);
void dxl_begin_file(struct dxl_reader *r, int count, const unsigned char **attributes);
void dxl_begin_item(struct dxl_reader *r, struct slice name, uint16_t type);
uint16_t dxl_item_flags(struct dxl_reader *r, int count, const unsigned char **attributes);
void dxl_end_item(struct dxl_reader *r, bool raw);
void dxl_add_escaped(struct buf *out, struct slice s, bool in_attribute);
void dxl_rich_start(struct dxl_reader *r, const char *name, int count,
                    const unsigned char **attributes);
void dxl_rich_end(struct dxl_reader *r, const char *name);
void dxl_rich_begin(struct dxl_reader *r);

/* dxlcdata.c: CDATA sections become the text they are, so that a long one is not held whole.
 * Encodings that are no superset of ASCII pass unchanged. */
struct dxl_cdata {
	uint8_t state;
	char token[9];          /* of markup that has begun */
	size_t token_n;
	char last[2], quote;
	size_t brackets;        /* that may end a section */
	bool begun, off;
};
#define DXL_CDATA_ROOM(n) (5 * (n) + 16)
/* How many octets are in out, which has DXL_CDATA_ROOM(in.n). */
size_t dxl_cdata(struct dxl_cdata *c, struct slice in, char *out);
size_t dxl_cdata_end(struct dxl_cdata *c, char *out);

/* dxlraw.c */
void dxl_pack_unid(const struct unid *unid, char out[UNID_OCTETS]);
void dxl_unpack_unid(const char packed[UNID_OCTETS], struct unid *unid_r);
bool dxl_is_packed(uint16_t type);
/* The octets of a packed item as values: false when memory is short. What is not packed as
 * its type says becomes one value of type ITEM_OBJECT. */
bool dxl_unpack(struct slice raw, struct arena *arena, uint16_t *type, struct slice **values_r,
                size_t *count_r);

#endif
