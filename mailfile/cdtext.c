/*
 * CD records to rich text: paragraphs, runs, links to documents, tables. Every record is
 * bounded by its own length (cd.c); numbers in it that say how long something else is are
 * only ever used to cut less. Beginnings and ends need not match: what is open is kept
 * here, and ends close what they can.
 */
#include "mailfile/cdtext.h"

#include <stdlib.h>
#include <string.h>

#include "base/lmbcs.h"

#include "base/banned.h"

#define PABS_MAX 65535
#define NOTELINK_OCTETS 40      /* TIMEDATE, UNID of the view, UNID of the document */

static struct cd_state *state(struct richtext_maker *m)
{
	if (m->cd == NULL) {
		m->cd = calloc(1, sizeof(*m->cd));
		if (m->cd == NULL)
			m->status = POSTIL_ERR_MEMORY;
	}
	return m->cd;
}

void cd_state_free(struct cd_state **cd_state)
{
	struct cd_state *cd = *cd_state;

	if (cd == NULL)
		return;
	free(cd->pabs);
	free(cd->place);
	buf_release(&cd->links);
	buf_release(&cd->popup);
	buf_release(&cd->text);
	buf_release(&cd->picture);
	buf_release(&cd->description);
	free(cd);
	*cd_state = NULL;
}

struct slice cd_utf8(struct richtext_maker *m, struct slice lmbcs)
{
	buf_clear(&m->cd->text);
	lmbcs_to_utf8(lmbcs, &m->cd->text);
	return buf_slice(&m->cd->text);
}

struct slice cd_string(struct slice *rest)
{
	const char *nul = rest->n > 0 ? memchr(rest->p, '\0', rest->n) : NULL;
	struct slice string = { rest->p, nul != NULL ? (size_t)(nul - rest->p) : rest->n };
	size_t n = string.n + (nul != NULL);

	*rest = (struct slice){ rest->p + n, rest->n - n };
	return string;
}

/* --- paragraphs -------------------------------------------------------------------- */

/* C API: editdflt.h */
enum {
	PAB_PAGINATE = 0x0001, PAB_HIDE_RO = 0x0010, PAB_BULLET = 0x0400, PAB_NUMBERED = 0x1000,
	PAB2_HIDE_WEB = 0x0001, PAB2_CHECKED = 0x0002, PAB2_LM_PERCENT = 0x0008,
	PAB2_FLLM_PERCENT = 0x0020, PAB2_LM_DEFAULT = 0x0100, PAB2_FLLM_DEFAULT = 0x0200,
	PAB2_CIRCLE = 0x0800, PAB2_SQUARE = 0x1000, PAB2_UNCHECKED = 0x2000, PAB2_RTL = 0x4000
};

static uint8_t list_of(uint16_t flags, uint16_t flags2)
{
	switch (flags2 & (PAB2_CHECKED | PAB2_CIRCLE | PAB2_SQUARE | PAB2_UNCHECKED)) {
	case PAB2_CHECKED:
		return RICH_LIST_CHECK;
	case PAB2_UNCHECKED:
		return RICH_LIST_UNCHECK;
	case PAB2_CIRCLE:
		return RICH_LIST_CIRCLE;
	case PAB2_SQUARE:
		return RICH_LIST_SQUARE;
	case PAB2_CHECKED | PAB2_CIRCLE:
		return RICH_LIST_ROMAN_UPPER;
	case PAB2_CHECKED | PAB2_SQUARE:
		return RICH_LIST_ROMAN_LOWER;
	case PAB2_SQUARE | PAB2_CIRCLE:
		return RICH_LIST_ALPHA_UPPER;
	case PAB2_CHECKED | PAB2_SQUARE | PAB2_CIRCLE:
		return RICH_LIST_ALPHA_LOWER;
	default:
		break;
	}
	return (flags & PAB_BULLET) != 0 ? RICH_LIST_BULLET
	       : (flags & PAB_NUMBERED) != 0 ? RICH_LIST_NUMBER : RICH_LIST_NONE;
}

static uint8_t spacing(uint16_t half_lines)
{
	return half_lines > 2 ? 2 : (uint8_t)half_lines;
}

static struct rich_par pab(struct slice b)
{
	static const uint8_t aligns[] = {
		RICH_ALIGN_LEFT, RICH_ALIGN_RIGHT, RICH_ALIGN_FULL, RICH_ALIGN_CENTER, RICH_ALIGN_NONE
	};
	uint16_t justify = cd_word(b, 2), flags = cd_word(b, 58), flags2 = cd_word(b, 64);

	return (struct rich_par){
		.align = justify < sizeof(aligns) ? aligns[justify] : RICH_ALIGN_LEFT,
		.list = list_of(flags, flags2),
		.line_spacing = spacing(cd_word(b, 4)), .before = spacing(cd_word(b, 6)),
		.after = spacing(cd_word(b, 8)),
		.hidden = (flags & PAB_HIDE_RO) != 0 || (flags2 & PAB2_HIDE_WEB) != 0,
		.new_page = (flags & PAB_PAGINATE) != 0, .right_to_left = (flags2 & PAB2_RTL) != 0,
		.left = { cd_word(b, 10), (flags2 & (PAB2_LM_DEFAULT | PAB2_LM_PERCENT)) == 0, false },
		.first = { cd_word(b, 14), (flags2 & (PAB2_FLLM_DEFAULT | PAB2_FLLM_PERCENT)) == 0, false }
	};
}

static void define_pab(struct richtext_maker *m, struct slice b)
{
	struct cd_state *cd = m->cd;
	uint16_t id = cd_word(b, 0);

	if (cd->place == NULL)
		cd->place = calloc(65536, sizeof(*cd->place));
	if (cd->pab_count == cd->pab_room && cd->pab_room < PABS_MAX) {
		size_t room = cd->pab_room == 0 ? 64 : 2 * cd->pab_room;
		struct rich_par *more = realloc(cd->pabs, room * sizeof(*more));

		if (more != NULL) {
			cd->pabs = more;
			cd->pab_room = room;
		}
	}
	if (cd->place == NULL || cd->pab_count == cd->pab_room) {
		m->status = POSTIL_ERR_MEMORY;
		return;
	}
	if (cd->place[id] == 0) {
		if (cd->pab_count == PABS_MAX)
			return;
		cd->place[id] = (uint16_t)++cd->pab_count;
	}
	cd->pabs[cd->place[id] - 1] = pab(b);
}

void cd_in_par(struct richtext_maker *m)
{
	if (m->par_open)
		return;
	m->cd->par_waits = false;
	rich_par_begin(m, &m->cd->par);
}

static void paragraph(struct richtext_maker *m)
{
	if (!m->par_open && m->cd->par_waits)
		rich_par_begin(m, &m->cd->par);         /* an empty line */
	rich_par_end(m);
	m->cd->par_waits = true;
}

/* Of a paragraph that has something in it already it says nothing new. */
static void refer_pab(struct richtext_maker *m, uint16_t id)
{
	struct cd_state *cd = m->cd;

	if (m->par_open)
		return;
	if (cd->place != NULL && cd->place[id] != 0)
		cd->par = cd->pabs[cd->place[id] - 1];
	else
		memset(&cd->par, 0, sizeof(cd->par));
}

/* --- fonts and text ---------------------------------------------------------------- */

/* C API: fontid.h, colorid.h */
void cd_set_font(struct richtext_maker *m, uint32_t id)
{
	static const uint32_t colors[] = {
		0x000000, 0xFFFFFF, 0xFF0000, 0x00FF00, 0x0000FF, 0xFF00FF, 0xFFFF00, 0x00FFFF,
		0x800000, 0x008000, 0x000080, 0x800080, 0x808000, 0x008080, 0x808080, 0xC0C0C0
	};
	static const char *const faces[] = { "serif", "", "", "", "monospace" };
	uint8_t face = id & 0xFF, style = id >> 8 & 0xFF, color = id >> 16 & 0xFF;
	unsigned points = id >> 24;
	struct rich_font f = { .name = "" };
	const char *name = face < sizeof(faces) / sizeof(*faces) ? faces[face] : m->cd->faces[face];

	memcpy(f.name, name, strlen(name) + 1);
	/* with the highest bit they are shadows and the like */
	f.style = style & ((style & 0x80) != 0 ? 0x0F : 0x3F);
	if (color > 0 && color < sizeof(colors) / sizeof(*colors))
		f.color = colors[color] | RICH_COLOR_SET;
	if (points != 0 && points != 10)
		f.half_points = (uint16_t)(2 * points);
	rich_font(m, &f);
}

static void font_table(struct richtext_maker *m, struct slice b)
{
	for (size_t at = 2; at + 34 <= b.n; at += 34) {
		struct slice name = cd_part(b, at + 2, 32);

		name = cd_utf8(m, cd_string(&name));
		rich_clean_name(name, m->cd->faces[cd_byte(b, at)], sizeof(m->cd->faces[0]));
	}
}

static void text(struct richtext_maker *m, struct slice b)
{
	struct slice utf8 = cd_utf8(m, cd_rest(b, 4));

	cd_set_font(m, cd_dword(b, 0));
	if (utf8.n == 0 || cd_in_file(m->cd))
		return;
	cd_in_par(m);
	if (m->cd->html) {
		rich_pass_html(m, utf8);
		return;
	}
	rich_pass_end(m);
	rich_text(m, utf8);
}

static void raw_html(struct richtext_maker *m, struct slice b)
{
	cd_in_par(m);
	rich_pass_html(m, cd_utf8(m, cd_part(b, 2, cd_word(b, 0))));
}

/* --- links to documents -------------------------------------------------------------- */

/* TIMEDATE and UNID: 32-bit words, the second of a pair first. */
static void add_pair(struct buf *out, struct slice link, size_t at)
{
	buf_addf(out, "%08X%08X", (unsigned)cd_dword(link, at + 4), (unsigned)cd_dword(link, at));
}

void cd_link_address(struct slice link, struct slice server, struct buf *address)
{
	struct buf ids = BUF_INIT;
	struct slice none = { "", 0 };
	bool view, document;

	if (link.n < NOTELINK_OCTETS)
		return;
	for (size_t at = 0; at < NOTELINK_OCTETS; at += 8)
		add_pair(&ids, link, at);
	view = strspn(buf_cstr(&ids) + 16, "0") < 32;
	document = strspn(buf_cstr(&ids) + 48, "0") < 32;
	rich_notes_address(server, cd_part(buf_slice(&ids), 0, 16),
	                   view ? cd_part(buf_slice(&ids), 16, 32) : none,
	                   document ? cd_part(buf_slice(&ids), 48, 32) : none, address);
	buf_release(&ids);
}

/* Behind the link stand a comment, the server and the anchor. */
static void document_link(struct richtext_maker *m, struct slice link, struct slice strings)
{
	struct buf address = BUF_INIT, comment = BUF_INIT;

	buf_add_slice(&comment, cd_utf8(m, cd_string(&strings)));
	cd_link_address(link, cd_utf8(m, cd_string(&strings)), &address);
	cd_in_par(m);
	rich_link_begin(m, buf_slice(&address));
	rich_note(m, "Document link", buf_slice(&comment));
	rich_link_end(m);
	buf_release(&address);
	buf_release(&comment);
}

/* The item is a count and that many links. */
static struct slice stored_link(const struct cd_state *cd, uint16_t number)
{
	struct slice links = buf_slice(&cd->links);

	return number < cd_word(links, 0) ? cd_part(links, 2 + (size_t)number * NOTELINK_OCTETS,
	                                            NOTELINK_OCTETS) : (struct slice){ "", 0 };
}

STATUS richtext_set_links(struct richtext_maker *maker, struct slice links)
{
	if (state(maker) == NULL)
		return POSTIL_ERR_MEMORY;
	buf_clear(&maker->cd->links);
	buf_add_slice(&maker->cd->links, links);
	return buf_status(&maker->cd->links);
}

/* --- tables ------------------------------------------------------------------------------ */

bool cd_in_file(const struct cd_state *cd)
{
	return cd->open_count > 0 && cd->open[cd->open_count - 1].kind == CD_OPEN_FILE;
}

bool cd_push(struct cd_state *cd, enum cd_open_kind kind)
{
	if (cd->open_count == CD_OPEN_MAX || cd->overflow > 0) {
		cd->overflow++;
		return false;
	}
	cd->open[cd->open_count++] = (struct cd_open){ .kind = (uint8_t)kind };
	return true;
}

static struct cd_open *top(struct cd_state *cd)
{
	return cd->open_count > 0 && cd->overflow == 0 ? &cd->open[cd->open_count - 1] : NULL;
}

/* Hotspots that are still open where a cell or a table ends, end too. */
static bool back_to_table(struct richtext_maker *m)
{
	struct cd_state *cd = m->cd;
	size_t i = cd->open_count;

	while (i > 0 && cd->open[i - 1].kind != CD_OPEN_TABLE)
		i--;
	if (i == 0 || cd->overflow > 0)
		return false;
	while (cd->open_count > i)
		cd_hotspot_end(m);
	return true;
}

static void table_begin(struct richtext_maker *m, struct slice b)
{
	enum { AUTO_WIDTH = 0x0001, RIGHT = 0x0020, CENTER = 0x1000 };
	uint16_t flags = cd_word(b, 10);
	struct rich_table_look look = {
		.full = (flags & AUTO_WIDTH) != 0, .right = (flags & RIGHT) != 0,
		.center = (flags & CENTER) != 0
	};

	m->cd->par_waits = false;
	if (cd_push(m->cd, CD_OPEN_TABLE))
		rich_table_begin(m, &look);
}

enum { CELL_COLORED = 0x01, CELL_INVISIBLE = 0x04 | 0x08, CELL_MIDDLE = 0x20, CELL_BOTTOM = 0x80 };

static void table_cell(struct richtext_maker *m, struct slice b)
{
	uint8_t row = cd_byte(b, 0), flags = cd_byte(b, 9);
	struct rich_cell_look look = {
		.row_span = cd_byte(b, 12), .column_span = cd_byte(b, 13),
		.border = cd_byte(b, 8) != 0 || cd_word(b, 10) != 0 || b.n < 12,
		.middle = (flags & CELL_MIDDLE) != 0, .bottom = (flags & CELL_BOTTOM) != 0
	};
	struct rich_font font = m->font;
	struct cd_open *table;

	if (!back_to_table(m) || (flags & CELL_INVISIBLE) != 0)
		return;
	table = top(m->cd);
	m->cd->par_waits = false;
	if (!table->begun || table->row != row)
		rich_row_begin(m);
	table->begun = true;
	table->row = row;
	if ((flags & CELL_COLORED) != 0 && cd_word(b, 14) < 16) {
		cd_set_font(m, (uint32_t)cd_word(b, 14) << 16 | 1);
		look.background = m->font.color != 0 ? m->font.color : RICH_COLOR_SET;
		rich_font(m, &font);
	}
	rich_cell_begin(m, &look);
}

static void table_end(struct richtext_maker *m)
{
	if (m->cd->overflow > 0) {
		m->cd->overflow--;
		return;
	}
	if (!back_to_table(m))
		return;
	m->cd->open_count--;
	m->cd->par_waits = false;
	rich_table_end(m);
}

/* --- records ------------------------------------------------------------------------------ */

/* Records that look, layout and programs need, and that show nothing. */
static bool is_silent(uint32_t signature)
{
	static const uint32_t silent[] = {
		CD_BYTE(82), CD_WORD(81), CD_BYTE(87), CD_BYTE(89), CD_WORD(90), CD_WORD(91), CD_WORD(92),
		CD_WORD(94), CD_WORD(95), CD_BYTE(98), CD_BYTE(99), CD_WORD(100), CD_WORD(101),
		CD_WORD(102), CD_WORD(103), CD_WORD(104), CD_BYTE(106), CD_BYTE(107), CD_BYTE(108),
		CD_WORD(109), CD_BYTE(110), CD_BYTE(111), CD_WORD(112), CD_BYTE(114), CD_WORD(115),
		CD_WORD(116), CD_WORD(117), CD_WORD(119), CD_WORD(120), CD_WORD(121), CD_WORD(122),
		CD_WORD(123), CD_WORD(128), CD_BYTE(134), CD_WORD(142), CD_BYTE(166), CD_WORD(176),
		CD_WORD(177), CD_WORD(187), CD_BYTE(188), CD_BYTE(189), CD_WORD(190), CD_WORD(191),
		CD_WORD(193), CD_WORD(195), CD_WORD(196), CD_WORD(200), CD_WORD(206), CD_BYTE(210),
		CD_BYTE(211), CD_WORD(220), CD_BYTE(221), CD_BYTE(222), CD_BYTE(223), CD_BYTE(224),
		CD_BYTE(225), CD_BYTE(226), CD_WORD(228), CD_WORD(229), CD_WORD(230), CD_WORD(231),
		CD_WORD(232), CD_WORD(233), CD_WORD(235), CD_WORD(238), CD_WORD(242), CD_WORD(244),
		CD_WORD(245), CD_WORD(248), CD_WORD(249), CD_WORD(251), CD_WORD(252), CD_WORD(254),
		CD_OLEEND, CD_DDEEND
	};

	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
		if (silent[i] == signature)
			return true;
	return false;
}

/* The name of a row whose rows are pages with tabs: a row of its own above. */
static void table_label(struct richtext_maker *m, struct slice b)
{
	static const struct rich_cell_look look = { .border = true };
	struct slice label = cd_part(b, 0, 128);

	label = cd_utf8(m, cd_string(&label));
	if (label.n == 0 || !back_to_table(m))
		return;
	m->cd->par_waits = false;
	rich_row_begin(m);
	rich_cell_begin(m, &look);
	cd_in_par(m);
	rich_text(m, label);
	rich_row_end(m);
	top(m->cd)->begun = false;
}

static bool text_record(struct richtext_maker *m, const struct cd_record *r)
{
	switch (r->signature) {
	case CD_PARAGRAPH:
		paragraph(m);
		return true;
	case CD_PABDEFINITION:
		define_pab(m, r->body);
		return true;
	case CD_PABREFERENCE:
		refer_pab(m, cd_word(r->body, 0));
		return true;
	case CD_TEXT:
		text(m, r->body);
		return true;
	case CD_FONTTABLE:
		font_table(m, r->body);
		return true;
	case CD_LINK2:
		document_link(m, stored_link(m->cd, cd_word(r->body, 0)), cd_rest(r->body, 2));
		return true;
	case CD_LINKEXPORT2:
		document_link(m, cd_part(r->body, 0, NOTELINK_OCTETS), cd_rest(r->body, NOTELINK_OCTETS));
		return true;
	case CD_HORIZONTALRULE:
		cd_in_par(m);
		rich_rule(m);
		return true;
	case CD_ANCHOR:
		rich_anchor(m, cd_utf8(m, cd_part(r->body, 6, cd_word(r->body, 0))));
		return true;
	case CD_HTMLBEGIN:
	case CD_HTMLEND:
		m->cd->html = r->signature == CD_HTMLBEGIN;
		return true;
	case CD_HTMLSEGMENT:
		raw_html(m, r->body);
		return true;
	case CD_HTMLHEADER:
		return true;
	default:
		return false;
	}
}

static void record(struct richtext_maker *m, const struct cd_record *r)
{
	if (r->signature == CD_ALTERNATEBEGIN)
		m->cd->alternate++;
	else if (r->signature == CD_ALTERNATEEND && m->cd->alternate > 0)
		m->cd->alternate--;
	else if (m->cd->alternate > 0 || cd_picture(m, r))
		return;
	else if (text_record(m, r) || cd_object(m, r))
		return;
	else if (r->signature == CD_TABLEBEGIN || r->signature == CD_NESTEDTABLEBEGIN)
		table_begin(m, r->body);
	else if (r->signature == CD_TABLECELL || r->signature == CD_NESTEDTABLECELL)
		table_cell(m, r->body);
	else if (r->signature == CD_TABLEEND || r->signature == CD_NESTEDTABLEEND)
		table_end(m);
	else if (r->signature == CD_TABLELABEL)
		table_label(m, r->body);
	else if (!is_silent(r->signature))
		rich_gap(m, RICH_GAP_UNKNOWN);
}

void rich_read_cd(struct richtext_maker *m, struct slice records)
{
	struct cd_record r;

	if (state(m) == NULL)
		return;
	while (!m->full && m->status == NOERROR && cd_next(&records, &r))
		record(m, &r);
	if (records.n > 0 && !m->full && m->status == NOERROR)
		rich_gap(m, RICH_GAP_BROKEN);
}

/* What waits for more that did not come. */
void rich_end_cd(struct richtext_maker *m)
{
	if (m->cd != NULL)
		cd_graphic_end(m);
}

STATUS richtext_add_cd(struct richtext_maker *maker, struct slice records)
{
	rich_read_cd(maker, records);
	return maker->status;
}
