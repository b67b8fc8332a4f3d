/*
 * Rich text as mail can carry it: DXL's <richtext> and canonical CD records become
 * text/plain and text/html. Both forms are made from the same pieces at the same time,
 * so what one of them says the other says too. The HTML loads nothing, runs nothing
 * and points only to http, https, ftp, mailto, notes, tel and news addresses, and to
 * the pictures that go with it.
 *
 * What is unknown, broken, nested too deeply or too large is replaced by a sentence in
 * brackets, said once for each kind; the rest is served.
 *
 * Where rich text can say more than mail, it was decided so:
 *   hidden paragraphs   hidden from readers or from the web: left out, their attachments are
 *                       listed none the less. Hidden from others (Notes, editors, printers),
 *                       or by a formula, which cannot be computed here: shown
 *   lists               paragraphs with marks; those further in belong to the item before;
 *                       numbers begin again behind a paragraph without a mark
 *   margins             from the inch that Notes leaves on a page; right margins only as
 *                       percentages
 *   links               to documents, views and databases: notes://SERVER/REPLICA/VIEW/DOCUMENT.
 *                       In text the address follows in angle brackets, unless it is what
 *                       is written there anyway
 *   tables              in text side by side if 76 columns are enough, else with tabs, else
 *                       cell below cell; rows that are pages with tabs, all below each other
 *   sections            open, with their title above
 *   pictures            GIF, JPEG and PNG as they are, bitmaps of Notes as PNG
 *   pass-through HTML   taken apart: text, breaks, links, bold and the like; nothing else
 *   attachments         "[Attachment: NAME]" where they stand, their icons left out
 *   fields, computed text, objects, buttons, pop-ups: what they are called, in brackets
 */
#ifndef POSTIL_MAILFILE_RICHTEXT_H
#define POSTIL_MAILFILE_RICHTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"

struct richtext_picture {
	struct slice type;      /* "image/gif", "image/jpeg" or "image/png", by its first octets */
	struct slice octets;    /* decoded */
	char name[24];          /* "picture1.gif": counted from 1, in the order of their places */
};

struct richtext {
	struct buf text;        /* UTF-8, each line ends in LF, lines of at most 998 octets */
	struct buf html;        /* UTF-8, lines end in LF wherever a blank allows it; a whole document.
	                         * <img src="cid:NAME SUFFIX"> (no blank between) where a picture stands */
	struct richtext_picture *pictures;
	size_t picture_count;
	struct slice *attachments;      /* file names as the rich text writes them (the name of the
	                                 * object, not what is displayed), in the order of their places;
	                                 * one that stands at two places is listed twice */
	size_t attachment_count;
	bool incomplete;        /* something was replaced by a sentence */
	struct buf picture_octets;      /* what the pictures' octets point to */
};

/* A value of 0 is the default in parentheses. */
struct richtext_options {
	size_t depth;                   /* tables in tables and the like (32); what is deeper loses its
	                                 * frame and keeps its text */
	size_t html_octets;             /* of html, and of text (16 MiB); then a sentence, and no more */
	size_t picture_octets;          /* of all pictures together, decoded (64 MiB) */
	const char *cid_suffix;         /* behind the name in cid: addresses, "@0123.postil" for example, as
	                                 * it shall stand in HTML; copied; NULL: nothing */
};

/* One rich text. Several items of one name (Body, Body, Body) are one rich text: add
 * each in its order, then finish. DXL and CD records may be mixed.
 *
 * The functions that add answer POSTIL_ERR_MEMORY, or what read answers; nothing that
 * is in the rich text is an error. */
struct richtext_maker;
STATUS richtext_new(const struct richtext_options *options, struct richtext_maker **maker_r);
/* The XML of a <richtext> element, as base/dxl.h hands it out. */
STATUS richtext_add_dxl(struct richtext_maker *maker, struct slice xml);
/* The same, read in pieces; read returns the number of octets (0: end), or -1 for an error,
 * and the call then answers POSTIL_ERR_IO. */
STATUS richtext_add_dxl_stream(struct richtext_maker *maker,
                               ssize_t (*read)(void *context, void *out, size_t size),
                               void *context);
/* Canonical CD records: a raw item of type 1 (ITEM_COMPOSITE). A record never goes from one
 * item into the next. Fonts have their names if the records of item $Fonts were added
 * first; it shows nothing itself. */
STATUS richtext_add_cd(struct richtext_maker *maker, struct slice records);
/* The item $Links (raw, type 7): where CD records say "the third link", it is the third of
 * these. Copied. */
STATUS richtext_set_links(struct richtext_maker *maker, struct slice links);
/* Takes the maker, which is NULL afterwards, whatever the result. What richtext_r
 * points to lives in the arena, but for its buffers and the pictures' octets: see
 * richtext_release. */
STATUS richtext_finish(struct richtext_maker **maker, struct arena *arena, struct richtext *richtext_r);
void richtext_release(struct richtext *richtext);       /* the buffers */
/* Give up without a result. */
void richtext_free(struct richtext_maker **maker);

#endif
