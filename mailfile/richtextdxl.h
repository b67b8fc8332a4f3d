/*
 * Reading DXL rich text: what richtextdxl.c (elements, text), richtextdxlpar.c (paragraphs,
 * fonts) and richtextdxlobject.c (links, pictures, tables) share. Private to them.
 */
#ifndef POSTIL_MAILFILE_RICHTEXTDXL_H
#define POSTIL_MAILFILE_RICHTEXTDXL_H

#include "base/markup.h"
#include "mailfile/richtextmaker.h"

#define DXL_DEPTH_MAX 260       /* libxml2 stops before */
#define DXL_TABLES_MAX 90
#define DXL_COLUMNS_MAX 64      /* whose widths are kept */
#define DXL_REGIONS_MAX 64

/* What characters are, by the element they stand in. */
enum dxl_chars {
	CHARS_NONE,             /* white space between elements */
	CHARS_TEXT, CHARS_HTML,
	CHARS_LABEL,            /* of a title, a button and the like: gathered */
	CHARS_BASE64
};

struct dxl_open {
	uint8_t element;        /* its number in the table of richtextdxl.c */
	uint8_t chars;          /* enum dxl_chars */
	bool keep;              /* white space is kept: keepindentation */
	bool html;              /* pass-through HTML */
	bool any;               /* something stands in it */
	struct rich_font font;  /* before it */
};

struct dxl_table {
	struct rich_length widths[DXL_COLUMNS_MAX];
	size_t width_count;
	bool begun, right, center, full;
	char style[12];                 /* colorstyle */
	uint32_t color, other;
	unsigned row, column;
};

struct dxl_region {
	char id[12];
	struct buf address;
};

struct dxl_text {
	struct richtext_maker *m;
	struct dxl_open open[DXL_DEPTH_MAX];
	size_t depth, skip_depth;       /* skip_depth != 0: pass over until this depth closes */
	bool too_deep;

	struct rich_par *pardefs[65536 / 256];  /* by number, 256 in a block */
	struct rich_par par;            /* of the paragraph before */

	bool node_any, node_blank, node_newline;        /* of the text being read: see add_text() */
	struct buf label, popup;
	uint32_t bits;                  /* base64 */
	unsigned bit_count;
	struct buf data;
	bool data_over;

	struct dxl_table *tables;       /* DXL_TABLES_MAX of them, once there is one */
	size_t table_count;
	bool title_waits;               /* a section has begun, its title has not come */
	uint32_t title_color;
	unsigned width, height;         /* of the picture */
	bool picture_done, captioned;
	struct buf description;
	struct dxl_region *regions;     /* links that go on in other places */
	size_t region_count;
};

typedef const struct markup_attribute *dxl_attributes;

bool dxl_is(struct slice value, const char *text);
bool dxl_has_token(struct slice tokens, const char *token);

void dxl_pardef(struct dxl_text *t, dxl_attributes a, size_t n);
void dxl_par(struct dxl_text *t, dxl_attributes a, size_t n);
void dxl_font(struct dxl_text *t, dxl_attributes a, size_t n);
void dxl_highlight(struct dxl_text *t, struct slice color);

void dxl_link_start(struct dxl_text *t, const char *element, dxl_attributes a, size_t n);
void dxl_link_end(struct dxl_text *t, struct dxl_open *open);
void dxl_region_start(struct dxl_text *t, dxl_attributes a, size_t n);
void dxl_picture_start(struct dxl_text *t, dxl_attributes a, size_t n);
void dxl_picture_data(struct dxl_text *t, bool bitmap);
void dxl_picture_missing(struct dxl_text *t);
void dxl_picture_end(struct dxl_text *t);
void dxl_table_start(struct dxl_text *t, dxl_attributes a, size_t n);
void dxl_table_column(struct dxl_text *t, dxl_attributes a, size_t n);
void dxl_row_start(struct dxl_text *t, dxl_attributes a, size_t n);
void dxl_cell_start(struct dxl_text *t, dxl_attributes a, size_t n);
void dxl_table_end(struct dxl_text *t);
void dxl_text_free(struct dxl_text **text);
/* Something stands here: told to all that is open. */
void dxl_any(struct dxl_text *t);

#endif
