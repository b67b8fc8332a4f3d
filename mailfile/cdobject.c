/*
 * CD records of what is more than text: hotspots (links, attachments, sections, pop-ups,
 * buttons), pictures in segments, objects of other programs, fields of forms.
 */
#include "mailfile/cdtext.h"

#include <string.h>

#include "base/banned.h"

/* --- hotspots -------------------------------------------------------------------- */

enum { HOT_POPUP = 1, HOT_FILE = 4, HOT_LINK = 11, HOT_SECTION = 13, HOT_RESOURCE = 32 };
enum { HOT_FORMULA = 0x10, HOT_URL = 0x1000 };

static struct cd_open *top(struct cd_state *cd)
{
	return cd->open_count > 0 && cd->overflow == 0 ? &cd->open[cd->open_count - 1] : NULL;
}

/* Two names: that of the object, and the one it had as a file. */
static void file_begin(struct richtext_maker *m, struct slice data)
{
	struct buf name = BUF_INIT;

	buf_add_slice(&name, cd_utf8(m, cd_string(&data)));
	cd_in_par(m);
	rich_attachment(m, buf_slice(&name), cd_utf8(m, cd_string(&data)));
	buf_release(&name);
}

static void link_begin(struct richtext_maker *m, struct slice address)
{
	struct cd_open *open = top(m->cd);

	open->begun = true;
	cd_in_par(m);
	rich_pass_end(m);
	rich_link_begin(m, cd_utf8(m, address));
}

static enum cd_open_kind hotspot_kind(uint16_t type)
{
	switch (type) {
	case HOT_POPUP:
		return CD_OPEN_POPUP;
	case HOT_FILE:
		return CD_OPEN_FILE;
	case HOT_LINK:
	case HOT_RESOURCE:
		return CD_OPEN_LINK;
	case HOT_SECTION:
		return CD_OPEN_SECTION;
	default:
		return CD_OPEN_OTHER;
	}
}

static void hotspot_begin(struct richtext_maker *m, struct slice b)
{
	uint16_t type = cd_word(b, 0);
	uint32_t flags = cd_dword(b, 2);
	struct slice data = cd_part(b, 8, cd_word(b, 6));
	struct cd_state *cd = m->cd;

	if (!cd_push(cd, hotspot_kind(type)))
		return;
	if (type == HOT_FILE) {
		file_begin(m, data);
	} else if (type == HOT_LINK && (flags & HOT_URL) != 0 && (flags & HOT_FORMULA) == 0) {
		link_begin(m, cd_string(&data));
	} else if (type == HOT_POPUP && (flags & HOT_FORMULA) == 0) {
		buf_clear(&cd->popup);
		buf_add_slice(&cd->popup, cd_utf8(m, cd_part(data, 0, 4096)));
	}
}

void cd_hotspot_end(struct richtext_maker *m)
{
	struct cd_state *cd = m->cd;
	struct cd_open *open = top(cd);

	if (open == NULL || open->kind == CD_OPEN_TABLE) {
		if (cd->overflow > 0)
			cd->overflow--;
		return;
	}
	cd_graphic_end(m);
	cd->open_count--;
	if (open->kind == CD_OPEN_LINK && open->begun) {
		rich_link_end(m);
	} else if (open->kind == CD_OPEN_SECTION && open->begun) {
		cd->par_waits = false;
		rich_section_end(m);
	} else if (open->kind == CD_OPEN_POPUP && cd->popup.n > 0) {
		rich_note(m, "Pop-up", buf_slice(&cd->popup));
		buf_clear(&cd->popup);
	}
}

/* CDRESOURCE: where a hotspot of type "resource" leads. */
static void resource(struct richtext_maker *m, struct slice b)
{
	enum { URL = 1, NOTELINK = 2, FORMULA = 1, INLINE = 2 };
	uint32_t flags = cd_dword(b, 0);
	uint16_t type = cd_word(b, 4), length = cd_word(b, 8);
	size_t hints = (size_t)cd_word(b, 10) + cd_word(b, 12);
	struct cd_open *open = top(m->cd);
	struct buf address = BUF_INIT;

	if (open == NULL || open->kind != CD_OPEN_LINK || open->begun || (flags & FORMULA) != 0)
		return;
	if (type == URL) {
		link_begin(m, cd_part(b, 22 + hints, length));
	} else if (type == NOTELINK && (flags & INLINE) != 0) {
		open->begun = true;
		cd_link_address(cd_rest(b, 22 + hints), cd_part(b, 22, cd_word(b, 10)), &address);
		cd_in_par(m);
		rich_link_begin(m, buf_slice(&address));
	}
	buf_release(&address);
}

/* The title of a section begins it. */
static void bar(struct richtext_maker *m, struct slice b)
{
	enum { FORMULA = 0x2000, COLORED = 0x4000000 };
	uint32_t flags = cd_dword(b, 0);
	struct slice title = cd_rest(b, (flags & COLORED) != 0 ? 10 : 8);
	struct cd_open *open = top(m->cd);

	title = cd_utf8(m, cd_string(&title));
	if ((flags & FORMULA) != 0)
		title = SLICE_LIT("[Computed title]");
	if (open == NULL || open->kind != CD_OPEN_SECTION || open->begun) {
		cd_in_par(m);
		rich_text(m, title);
		return;
	}
	open->begun = true;
	m->cd->par_waits = false;
	rich_section_begin(m, title, 0);
}

/* --- pictures ------------------------------------------------------------------------ */

static void show_picture(struct richtext_maker *m)
{
	struct cd_state *cd = m->cd;
	struct rich_picture_look look = { cd->width, cd->height, buf_slice(&cd->description) };
	struct buf png = BUF_INIT;

	cd_in_par(m);
	if (cd->image)
		rich_picture(m, buf_slice(&cd->picture), &look);
	else if (rich_bitmap_png(m, buf_slice(&cd->picture), &png))
		rich_picture(m, buf_slice(&png), &look);
	else
		rich_gap(m, RICH_GAP_PICTURE);
	buf_release(&png);
}

/* What belongs to the picture has come. */
void cd_graphic_end(struct richtext_maker *m)
{
	struct cd_state *cd = m->cd;

	if (!cd->graphic)
		return;
	if (cd_in_file(cd)) {
		/* an icon */
	} else if (cd->image || cd->bitmap) {
		show_picture(m);
	} else if (!cd->shown) {
		cd_in_par(m);
		rich_gap(m, RICH_GAP_PICTURE);
	}
	cd->graphic = cd->image = cd->bitmap = cd->shown = false;
	buf_clear(&cd->picture);
	buf_clear(&cd->description);
}

static void graphic_begin(struct richtext_maker *m, struct slice b)
{
	enum { IN_PIXELS = 1 };
	struct cd_state *cd = m->cd;
	/* the flag has a meaning since the third version */
	unsigned unit = cd_byte(b, 18) >= 2 && (cd_byte(b, 19) & IN_PIXELS) != 0 ? 1 : 15;

	cd_graphic_end(m);
	cd->graphic = true;
	cd->width = cd_word(b, 0) / unit;
	cd->height = cd_word(b, 2) / unit;
}

static void image_begin(struct richtext_maker *m, struct slice b)
{
	struct cd_state *cd = m->cd;

	if (!cd->graphic)
		graphic_begin(m, (struct slice){ "", 0 });
	if (cd->image || cd->bitmap)
		return;
	cd->image = true;
	if (cd->width == 0 || cd->height == 0) {
		cd->width = cd_word(b, 2);
		cd->height = cd_word(b, 4);
	}
	cd->image_left = cd_dword(b, 6);
}

static void add_octets(struct richtext_maker *m, const char *p, size_t n)
{
	struct cd_state *cd = m->cd;

	/* an octet more than may be shows that there are too many */
	if (cd->picture.n <= m->options.picture_octets)
		buf_add(&cd->picture, p, n);
	if (buf_status(&cd->picture) != NOERROR)
		m->status = POSTIL_ERR_MEMORY;
}

static void image_segment(struct richtext_maker *m, struct slice b)
{
	struct cd_state *cd = m->cd;
	struct slice data = cd_part(b, 4, cd_word(b, 0));

	if (!cd->image)
		return;
	if (data.n > cd->image_left)
		data.n = cd->image_left;
	cd->image_left -= (uint32_t)data.n;
	add_octets(m, data.p, data.n);
}

/* The records of a bitmap are kept with their heads, as <notesbitmap> has them. */
static void bitmap_record(struct richtext_maker *m, const struct cd_record *r)
{
	struct cd_state *cd = m->cd;
	uint32_t length = (uint32_t)(r->body.n + 6);
	char head[6] = {
		(char)(r->signature & 0xFF), 0, (char)length, (char)(length >> 8), (char)(length >> 16),
		(char)(length >> 24)
	};

	if (!cd->graphic)
		graphic_begin(m, (struct slice){ "", 0 });
	if (cd->image)
		return;
	cd->bitmap = true;
	add_octets(m, head, sizeof(head));
	add_octets(m, r->body.p, r->body.n);
	if (r->body.n % 2 != 0)
		add_octets(m, "", 1);
}

static bool picture_record(struct richtext_maker *m, const struct cd_record *r)
{
	switch (r->signature) {
	case CD_GRAPHIC:
		graphic_begin(m, r->body);
		return true;
	case CD_IMAGEHEADER:
		image_begin(m, r->body);
		return true;
	case CD_IMAGESEGMENT:
		image_segment(m, r->body);
		return true;
	case CD_BITMAPHEADER:
	case CD_BITMAPSEGMENT:
	case CD_COLORTABLE:
	case CD_PATTERNTABLE:
		bitmap_record(m, r);
		return true;
	case CD_CGMMETA: case CD_PMMETAHEADER: case CD_WINMETAHEADER: case CD_MACMETAHEADER:
	case CD_PMMETASEG: case CD_WINMETASEG: case CD_MACMETASEG: case CD_TIFF:
		if (!m->cd->graphic)
			graphic_begin(m, (struct slice){ "", 0 });
		return true;
	case CD_TRANSPARENTTABLE:
		return true;
	case CD_ALTTEXT:
		buf_clear(&m->cd->description);
		buf_add_slice(&m->cd->description, cd_utf8(m, cd_part(r->body, 8, cd_word(r->body, 0))));
		return true;
	default:
		return false;
	}
}

bool cd_picture(struct richtext_maker *m, const struct cd_record *r)
{
	/* beginnings and ends of other records may stand between those of a picture */
	if (picture_record(m, r) ||
	    (m->cd->graphic && (r->signature == CD_BYTE(221) || r->signature == CD_BYTE(222))))
		return true;
	cd_graphic_end(m);
	return false;
}

/* --- objects and fields ----------------------------------------------------------------- */

static void object(struct richtext_maker *m, struct slice b)
{
	size_t name = cd_word(b, 8);

	cd_in_par(m);
	m->incomplete = true;
	rich_note(m, "Embedded object", cd_utf8(m, cd_part(b, 14 + name, cd_word(b, 10))));
}

static void field(struct richtext_maker *m, struct slice b)
{
	size_t formulas = (size_t)cd_word(b, 18) + cd_word(b, 20) + cd_word(b, 24);

	cd_in_par(m);
	m->incomplete = true;
	rich_note(m, "Field", cd_utf8(m, cd_part(b, 32 + formulas, cd_word(b, 26))));
}

/* Text behind a length. */
static void caption(struct richtext_maker *m, struct slice b)
{
	struct slice text = cd_utf8(m, cd_part(b, 24, cd_word(b, 0)));

	if (text.n == 0)
		return;
	cd_in_par(m);
	rich_break(m);
	rich_text(m, text);
}

bool cd_object(struct richtext_maker *m, const struct cd_record *r)
{
	switch (r->signature) {
	case CD_HOTSPOTBEGIN: case CD_V4HOTSPOTBEGIN: case CD_V5HOTSPOTBEGIN:
		hotspot_begin(m, r->body);
		return true;
	case CD_HOTSPOTEND: case CD_V4HOTSPOTEND: case CD_V5HOTSPOTEND:
		cd_hotspot_end(m);
		return true;
	case CD_HREF: case CD_HREF2:
		resource(m, r->body);
		return true;
	case CD_BAR:
		bar(m, r->body);
		return true;
	case CD_BUTTON:
		cd_in_par(m);
		rich_button(m, cd_utf8(m, cd_rest(r->body, 12)));
		return true;
	case CD_OLEBEGIN:
		object(m, r->body);
		return true;
	case CD_DDEBEGIN:
		cd_in_par(m);
		m->incomplete = true;
		rich_note(m, "Embedded object", (struct slice){ "", 0 });
		return true;
	case CD_FIELD:
		field(m, r->body);
		return true;
	case CD_CAPTION:
		caption(m, r->body);
		return true;
	case CD_EMBEDDEDVIEW: case CD_EMBEDDEDOUTLINE:
		cd_in_par(m);
		rich_gap(m, RICH_GAP_EMBEDDED);
		return true;
	default:
		return false;
	}
}
