/*
 * What the readers of CD records share: cdtext.c (paragraphs, text, links, tables) and
 * cdobject.c (hotspots, pictures, objects). Private to them.
 */
#ifndef POSTIL_MAILFILE_CDTEXT_H
#define POSTIL_MAILFILE_CDTEXT_H

#include "mailfile/cd.h"
#include "mailfile/richtextmaker.h"

#define CD_OPEN_MAX 200

enum cd_open_kind {
	CD_OPEN_TABLE, CD_OPEN_LINK, CD_OPEN_SECTION,
	CD_OPEN_FILE,           /* an attachment: what is in it is its icon */
	CD_OPEN_POPUP, CD_OPEN_OTHER
};

struct cd_open {
	uint8_t kind;
	bool begun;             /* a link that has its address, a section that has its title,
	                         * a row of a table */
	unsigned row;
};

/* What goes on from one item to the next. */
struct cd_state {
	struct rich_par *pabs;          /* by place[] */
	size_t pab_count, pab_room;
	uint16_t *place;                /* of a paragraph definition's number, + 1; 65536 of them */
	struct rich_par par;            /* of the paragraph that is open or begins next */
	bool par_waits;                 /* a paragraph has begun and has nothing in it */
	char faces[256][40];            /* names of fonts: item $Fonts */
	struct buf links;               /* item $Links */

	struct cd_open open[CD_OPEN_MAX];
	size_t open_count, overflow;    /* overflow: tables and hotspots that are not in open */
	struct buf popup, text;
	bool html;                      /* between HTMLBEGIN and HTMLEND */
	unsigned alternate;             /* in what stands for clients that cannot show something */

	/* the picture being read */
	bool graphic, image, bitmap, shown;
	unsigned width, height;
	uint32_t image_left;            /* octets that are still to come */
	struct buf picture, description;
};

/* A paragraph, if none is open; then something may stand in it. */
void cd_in_par(struct richtext_maker *m);
/* LMBCS: NUL in it is a line end. The result is valid until the next call. */
struct slice cd_utf8(struct richtext_maker *m, struct slice lmbcs);
/* The first string of a packed list of strings that end in NUL; *rest moves behind it. */
struct slice cd_string(struct slice *rest);
void cd_set_font(struct richtext_maker *m, uint32_t id);
bool cd_in_file(const struct cd_state *cd);
bool cd_push(struct cd_state *cd, enum cd_open_kind kind);
/* The notes: address of a link: replica, view, document. */
void cd_link_address(struct slice notelink, struct slice server, struct buf *address);

/* cdobject.c. False: the record is not one of theirs; for cd_picture(), the picture before
 * it is whole then and has been shown. */
bool cd_picture(struct richtext_maker *m, const struct cd_record *record);
bool cd_object(struct richtext_maker *m, const struct cd_record *record);
void cd_hotspot_end(struct richtext_maker *m);
void cd_graphic_end(struct richtext_maker *m);

#endif
