/*
 * Reading DXL without knowing the parser: what dxl.c (libxml2) feeds, dxlnote.c
 * (elements to notes) and dxlvalue.c (values of items) build. Private to them.
 */
#ifndef POSTIL_BASE_DXLNOTE_H
#define POSTIL_BASE_DXLNOTE_H

#include <stdint.h>

#include "base/dxl.h"

#define DXL_NAMESPACE "http://www.lotus.com/dxl"
#define DEPTH_MAX 250                   /* libxml2 itself stops at 256 */
#define VALUES_MAX 1048576              /* of one item */

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
	size_t rich_depth;                      /* != 0: markup goes to text too */

	STATUS stopped;                         /* the parser must stop, and why */
	char stop_text[200];
	unsigned error_line;                    /* where; or of the first XML error */
};

/* dxlnote.c. The caller sets line before each call and looks at stopped behind it.
 * Attributes are five pointers each: name, prefix, URI, value, end of value. */
void dxl_reader_init(struct dxl_reader *r, const struct dxl_limits *limits,
                     const struct dxl_sink *sink, void *context);
void dxl_reader_release(struct dxl_reader *r);
void dxl_stop(struct dxl_reader *r, STATUS status, const char *text);
void dxl_free_text(struct dxl_reader *r);
void dxl_document_fault(struct dxl_reader *r, unsigned line, const char *text);
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
void dxl_end_value(struct dxl_reader *r);
bool dxl_text_fits(struct dxl_reader *r);
void dxl_add_char(struct dxl_reader *r, uint32_t c);
bool dxl_parse_hex(struct slice s, uint32_t max, uint32_t *value_r);
void dxl_nonxmlchar(struct dxl_reader *r, int count, const unsigned char **attributes);
void dxl_end_filedata(struct dxl_reader *r);
void dxl_begin_item(struct dxl_reader *r, struct slice name, uint16_t type);
uint16_t dxl_item_flags(struct dxl_reader *r, int count, const unsigned char **attributes);
void dxl_end_item(struct dxl_reader *r, bool raw);
void dxl_add_escaped(struct buf *out, struct slice s, bool in_attribute);
void dxl_rich_start(struct dxl_reader *r, const char *name, int count,
                    const unsigned char **attributes);
void dxl_rich_end(struct dxl_reader *r, const char *name);
void dxl_rich_begin(struct dxl_reader *r);

#endif
