/*
 * What a rich text consists of, however it was written down. Readers (richtextdxl.c,
 * cdtext.c) tell it in order; richtext.c keeps what is open and hands each piece to the
 * two writers, richtexthtml.c and richtextplain.c. Private to these files.
 *
 * A reader need not know whether a piece is shown at all: paragraphs open themselves
 * when something stands in them, what is hidden or over a bound is passed over, and
 * whatever is open at the end is closed.
 */
#ifndef POSTIL_MAILFILE_RICHTEXTMAKER_H
#define POSTIL_MAILFILE_RICHTEXTMAKER_H

#include <stdint.h>

#include "mailfile/richtext.h"

#define RICH_LEVELS_MAX 64      /* of tables and sections, whatever the options say */
#define RICH_LISTS_MAX 8        /* in each other */
#define RICH_TWIPS_INCH 1440

/* --- looks ------------------------------------------------------------------ */

enum rich_list {
	RICH_LIST_NONE, RICH_LIST_BULLET, RICH_LIST_CIRCLE, RICH_LIST_SQUARE, RICH_LIST_CHECK,
	RICH_LIST_UNCHECK, RICH_LIST_NUMBER, RICH_LIST_ALPHA_UPPER, RICH_LIST_ALPHA_LOWER,
	RICH_LIST_ROMAN_UPPER, RICH_LIST_ROMAN_LOWER
};

enum rich_align {
	RICH_ALIGN_LEFT, RICH_ALIGN_RIGHT, RICH_ALIGN_CENTER, RICH_ALIGN_FULL,
	RICH_ALIGN_NONE         /* lines are not wrapped */
};

struct rich_length {
	int32_t value;          /* twips, or hundredths of a percent */
	bool set, percent;
};

struct rich_par {
	uint8_t align, list;                    /* enum rich_align, enum rich_list */
	uint8_t line_spacing, before, after;    /* in half lines more than one line: 0, 1, 2 */
	bool hidden, new_page, right_to_left;
	struct rich_length left, first, right;  /* from the left edge of the page or cell */
};

enum rich_style {
	RICH_BOLD = 1, RICH_ITALIC = 2, RICH_UNDERLINE = 4, RICH_STRIKE = 8, RICH_SUPER = 16,
	RICH_SUB = 32
};

#define RICH_COLOR_SET 0x1000000U       /* | 0xRRGGBB */

struct rich_font {
	char name[40];          /* letters, digits, blanks and `-` only; "" is the default */
	uint8_t style;          /* enum rich_style */
	uint16_t half_points;   /* 0: the default */
	uint32_t color, background;
};

struct rich_table_look {
	bool right, center, full;       /* full: as wide as what it stands in */
	const struct rich_length *widths;       /* of columns; may be NULL */
	size_t width_count;
};

struct rich_cell_look {
	unsigned row_span, column_span; /* 0 is 1 */
	uint32_t background;
	bool border, middle, bottom, header;
};

struct rich_picture_look {
	unsigned width, height;         /* pixels; 0: its own */
	struct slice description;       /* shown where pictures are not */
};

/* What is left out is told by a sentence. */
enum rich_gap {
	RICH_GAP_UNKNOWN, RICH_GAP_BROKEN, RICH_GAP_DEEP, RICH_GAP_SIZE,       /* said once */
	RICH_GAP_PICTURE, RICH_GAP_PICTURE_SIZE, RICH_GAP_COMPUTED, RICH_GAP_EMBEDDED,
	RICH_GAP_COUNT
};

/* --- what readers tell --------------------------------------------------------- */

void rich_par_begin(struct richtext_maker *m, const struct rich_par *par);
void rich_par_end(struct richtext_maker *m);
void rich_font(struct richtext_maker *m, const struct rich_font *font);
/* UTF-8. '\n' is rich_break, other control characters but '\t' are left out. */
void rich_text(struct richtext_maker *m, struct slice text);
void rich_break(struct richtext_maker *m);
void rich_rule(struct richtext_maker *m);
/* An address as it was written: one that may not be followed makes no link. Links do not
 * nest: an inner one ends the outer one. `#NAME` is an anchor of this rich text. */
void rich_link_begin(struct richtext_maker *m, struct slice address);
void rich_link_end(struct richtext_maker *m);
void rich_anchor(struct richtext_maker *m, struct slice name);
void rich_picture(struct richtext_maker *m, struct slice octets, const struct rich_picture_look *look);
void rich_attachment(struct richtext_maker *m, struct slice name, struct slice shown);
void rich_button(struct richtext_maker *m, struct slice label);
void rich_gap(struct richtext_maker *m, enum rich_gap gap);
/* "[what: detail]", or "[what]" if detail is empty. */
void rich_note(struct richtext_maker *m, const char *what, struct slice detail);

/* Begin and end come in pairs; rows in tables, cells in rows. */
void rich_table_begin(struct richtext_maker *m, const struct rich_table_look *look);
void rich_row_begin(struct richtext_maker *m);
void rich_cell_begin(struct richtext_maker *m, const struct rich_cell_look *look);
void rich_cell_end(struct richtext_maker *m);
void rich_row_end(struct richtext_maker *m);
void rich_table_end(struct richtext_maker *m);
void rich_section_begin(struct richtext_maker *m, struct slice title, uint32_t color);
void rich_section_end(struct richtext_maker *m);

/* richtextlink.c: the address as it may stand in a document (still to be escaped for
 * HTML), or false: it may not be followed. */
bool rich_address(struct slice address, struct buf *out);
/* What an anchor is called in a document: letters, digits, hyphens and underscores. */
void rich_anchor_name(struct slice name, struct buf *out);
/* notes://SERVER/REPLICA/VIEW/DOCUMENT of what is known; false when that is not enough. */
bool rich_notes_address(struct slice server, struct slice replica, struct slice view,
                        struct slice document, struct buf *out);

/* richtextlook.c: what attributes of DXL say; what cannot be read is not set. */
struct rich_length rich_read_length(struct slice text);         /* 1.25in, 10pt, 20px, 50% */
uint32_t rich_read_color(struct slice text);                    /* #rrggbb, or a name */
void rich_clean_name(struct slice name, char *out, size_t size);        /* of a font */
struct slice rich_cut(struct slice utf8, size_t max_octets);    /* never inside a character */

/* richtextpass.c: HTML that stands in the rich text; it may come in pieces. */
void rich_pass_html(struct richtext_maker *m, struct slice html);
void rich_pass_end(struct richtext_maker *m);

/* cdbitmap.c: a bitmap of Notes (records of a <notesbitmap>, or those behind CDGRAPHIC) as
 * PNG, appended; false when it is broken, or larger than all such may be together. */
bool rich_bitmap_png(struct richtext_maker *m, struct slice records, struct buf *png);

/* cdtext.c */
void rich_read_cd(struct richtext_maker *m, struct slice records);
void rich_end_cd(struct richtext_maker *m);
struct cd_state;
void cd_state_free(struct cd_state **state);

/* --- inside -------------------------------------------------------------------- */

struct rich_list_open {
	uint8_t kind;           /* enum rich_list */
	int32_t left;           /* twips */
	unsigned number;
	bool item_open;
};

/* A cell of a table in plain text: its lines are in rich_table.lines. */
struct rich_cell {
	size_t from, end;
	unsigned row;
	uint16_t column, span;
	uint32_t lines, width;
};

struct rich_table {
	unsigned row;                   /* number of rows begun */
	uint16_t column;                /* where the next cell begins */
	struct rich_cell *cells;
	size_t count, room;
	struct buf lines;
};

enum rich_level_kind { RICH_LEVEL_TOP, RICH_LEVEL_TABLE, RICH_LEVEL_SECTION };

struct rich_level {
	uint8_t kind;
	bool row_open, cell_open;
	struct rich_table *table;
	struct rich_list_open lists[RICH_LISTS_MAX];
	size_t list_count;
};

struct rich_pass {
	struct buf tag;                 /* a tag that has begun */
	struct buf entity;
	char skip[8];                   /* "script": nothing counts until its end */
	bool in_tag, in_entity, any, blank, line_waits;
	uint8_t style, last, hyphens;   /* style: without what tags opened; last: see open_styles() */
	unsigned opened[6];             /* of each style */
};

struct richtext_maker {
	struct richtext_options options;
	struct buf cid_suffix;
	STATUS status;

	struct rich_level levels[RICH_LEVELS_MAX + 1];
	size_t level_count;             /* the first is the page */
	size_t ghosts;                  /* tables and sections too deep to be open */
	struct rich_par par;
	bool par_open, par_used, par_item;      /* par_item: it is an item of a list */
	bool full;                      /* a bound has been passed */
	struct rich_font font;

	/* html */
	struct buf html;
	struct rich_font html_font;     /* of the tags that are open */
	bool html_font_open, html_link_open, html_blank;
	size_t html_line;               /* where the line begins */

	/* plain text */
	struct buf text, line;          /* line: not finished */
	unsigned line_first, line_rest; /* columns before its first, its other lines */
	size_t plain_octets;            /* of all that was written */

	bool in_link;
	struct buf link, link_label;    /* label: the beginning of what it stands behind */

	struct richtext_picture *pictures;
	size_t picture_count, picture_room;
	struct buf picture_octets;
	size_t bitmap_octets;           /* that bitmaps took when they were decoded */
	size_t *picture_ends;
	struct buf names;               /* of attachments, each ended by NUL */
	size_t attachment_count;
	bool incomplete, said[RICH_GAP_COUNT];

	struct rich_pass pass;
	struct cd_state *cd;
};

/* richtext.c, for richtextblock.c; and the other way round. */
struct rich_level *rich_level(struct richtext_maker *m);
void rich_check_size(struct richtext_maker *m);
void rich_settle_lists(struct richtext_maker *m);       /* for the paragraph that begins */
void rich_close_lists(struct richtext_maker *m);
void rich_free_table(struct rich_table *table);         /* may be NULL */

/* The writers. What they are told has been checked: something is open, and nothing is
 * hidden or full. */
void html_begin(struct richtext_maker *m);
void html_end(struct richtext_maker *m);
void html_par_begin(struct richtext_maker *m);
void html_par_end(struct richtext_maker *m);
void html_list_begin(struct richtext_maker *m, enum rich_list kind);
void html_list_end(struct richtext_maker *m, enum rich_list kind);
void html_text(struct richtext_maker *m, struct slice text);
void html_break(struct richtext_maker *m);
void html_rule(struct richtext_maker *m);
void html_anchor(struct richtext_maker *m, struct slice name);
void html_picture(struct richtext_maker *m, const struct richtext_picture *picture,
                  const struct rich_picture_look *look);
void html_button(struct richtext_maker *m, struct slice label);
void html_table_begin(struct richtext_maker *m, const struct rich_table_look *look);
void html_cell_begin(struct richtext_maker *m, const struct rich_cell_look *look);
void html_section_begin(struct richtext_maker *m, struct slice title, uint32_t color);
void html_raw(struct richtext_maker *m, const char *tags);      /* our own markup, ends a line */
void html_close_inline(struct richtext_maker *m);

void plain_par_begin(struct richtext_maker *m);
void plain_par_end(struct richtext_maker *m);
void plain_text(struct richtext_maker *m, struct slice text);
void plain_break(struct richtext_maker *m);
void plain_rule(struct richtext_maker *m);
void plain_table_end(struct richtext_maker *m, struct rich_table *table);
/* Columns that a text takes. */
size_t plain_width(struct slice text);
/* "a.", "IV.", "*": what stands before an item. */
void plain_mark(enum rich_list kind, unsigned number, struct buf *out);
/* Twips from the left edge of the page or cell. */
int32_t rich_left(const struct richtext_maker *m, struct rich_length length, int32_t unset);
bool rich_in_cell(const struct richtext_maker *m);

#endif
