/*
 * Rich text: paragraphs and what stands in them, what is hidden, what is over a bound.
 * Everything comes from a document and is distrusted: sizes and counts are bounded here,
 * depth in richtextblock.c, escaping is the writers' business.
 */
#include "mailfile/richtextmaker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define DEPTH_DEFAULT 32
#define OCTETS_DEFAULT ((size_t)16 << 20)
#define PICTURES_DEFAULT ((size_t)64 << 20)
#define PICTURES_MAX 100000
#define ATTACHMENTS_MAX 100000

static const char *const gap_texts[RICH_GAP_COUNT] = {
	[RICH_GAP_UNKNOWN] = "Part of this document is of a kind that cannot be shown",
	[RICH_GAP_BROKEN] = "Part of this document is damaged and cannot be shown",
	[RICH_GAP_DEEP] = "Part of this document is nested too deeply to be shown in its frame",
	[RICH_GAP_SIZE] = "This document is larger than can be shown; the rest of it is left out",
	[RICH_GAP_PICTURE] = "A picture of a kind that cannot be shown",
	[RICH_GAP_PICTURE_SIZE] = "A picture that is too large to be shown",
	[RICH_GAP_COMPUTED] = "Computed text that cannot be shown",
	[RICH_GAP_EMBEDDED] = "An embedded element that cannot be shown"
};

/* --- what is open ---------------------------------------------------------------- */

struct rich_level *rich_level(struct richtext_maker *m)
{
	return &m->levels[m->level_count - 1];
}

bool rich_in_cell(const struct richtext_maker *m)
{
	for (size_t i = m->level_count; i-- > 0;)
		if (m->levels[i].kind == RICH_LEVEL_TABLE)
			return true;
	return false;
}

int32_t rich_left(const struct richtext_maker *m, struct rich_length length, int32_t unset)
{
	if (!length.set)
		return unset;
	/* a page is ten inches wide, for want of its real width */
	return length.percent ? (int32_t)((int64_t)length.value * RICH_TWIPS_INCH / 1000) : length.value;
}

void rich_check_size(struct richtext_maker *m)
{
	if (m->html.n > m->options.html_octets || m->plain_octets > m->options.html_octets)
		m->full = true;
	if (buf_status(&m->html) != NOERROR || buf_status(&m->text) != NOERROR ||
	    buf_status(&m->line) != NOERROR)
		m->status = POSTIL_ERR_MEMORY;
}

/* --- paragraphs ---------------------------------------------------------------------- */

void rich_par_end(struct richtext_maker *m)
{
	if (!m->par_open)
		return;
	m->par_open = false;
	if (m->par.hidden)
		return;
	html_par_end(m);
	plain_par_end(m);
	rich_check_size(m);
}

void rich_par_begin(struct richtext_maker *m, const struct rich_par *par)
{
	rich_par_end(m);
	/* nothing stands in a table but in its cells */
	if (m->full || (rich_level(m)->kind == RICH_LEVEL_TABLE && !rich_level(m)->cell_open))
		return;
	m->par = *par;
	m->par_open = true;
	m->par_used = false;
	m->pass.line_waits = m->pass.any = false;
	if (par->hidden)
		return;
	rich_settle_lists(m);
	html_par_begin(m);
	plain_par_begin(m);
	rich_check_size(m);
}

/* Is something to be shown here? It makes its paragraph if there is none. */
static bool shown(struct richtext_maker *m)
{
	static const struct rich_par plain = { 0 };

	if (m->full || m->status != NOERROR)
		return false;
	if (!m->par_open)
		rich_par_begin(m, &plain);
	if (!m->par_open || m->par.hidden || m->full)
		return false;
	m->par_used = true;
	return true;
}

void rich_font(struct richtext_maker *m, const struct rich_font *font)
{
	m->font = *font;
}

static void text_line(struct richtext_maker *m, struct slice text)
{
	if (text.n == 0)
		return;
	if (m->in_link && m->link_label.n < 1024)
		buf_add_slice(&m->link_label, text);
	html_text(m, text);
	plain_text(m, text);
}

void rich_text(struct richtext_maker *m, struct slice text)
{
	while (text.n > 0 && shown(m)) {
		const char *end = memchr(text.p, '\n', text.n);
		/* in pieces, so that a bound is noticed soon behind it */
		size_t n = end != NULL ? (size_t)(end - text.p) : text.n;

		if (n > 65536) {
			n = 65536;
			while (n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80)
				n--;
			end = NULL;
		}
		text_line(m, (struct slice){ text.p, n });
		if (end != NULL)
			rich_break(m);
		n += end != NULL;
		text = (struct slice){ text.p + n, text.n - n };
		rich_check_size(m);
	}
}

void rich_break(struct richtext_maker *m)
{
	if (!shown(m))
		return;
	html_break(m);
	plain_break(m);
	rich_check_size(m);
}

void rich_rule(struct richtext_maker *m)
{
	if (!shown(m))
		return;
	html_rule(m);
	plain_rule(m);
	rich_check_size(m);
}

/* --- links --------------------------------------------------------------------------- */

/* Does the text already say the address? */
static bool link_is_told(const struct richtext_maker *m)
{
	struct slice label = buf_slice(&m->link_label), link = buf_slice(&m->link);
	static const char *const schemes[] = { "http://", "https://", "mailto:" };

	if (link.n > 0 && link.p[0] == '#')
		return true;
	while (label.n > 0 && label.p[label.n - 1] == ' ')
		label.n--;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (link.n > n && memcmp(link.p, schemes[i], n) == 0 &&
		    !(label.n >= n && memcmp(label.p, schemes[i], n) == 0)) {
			link = (struct slice){ link.p + n, link.n - n };
			break;
		}
	}
	if (link.n > 0 && link.p[link.n - 1] == '/' && (label.n == 0 || label.p[label.n - 1] != '/'))
		link.n--;
	return slice_equal(label, link);
}

void rich_link_end(struct richtext_maker *m)
{
	if (!m->in_link)
		return;
	m->in_link = false;
	html_close_inline(m);
	if (m->full || !m->par_open || m->par.hidden || m->link_label.n == 0 || link_is_told(m))
		return;
	plain_text(m, SLICE_LIT(" <"));
	plain_text(m, buf_slice(&m->link));
	plain_text(m, SLICE_LIT(">"));
	rich_check_size(m);
}

void rich_link_begin(struct richtext_maker *m, struct slice address)
{
	rich_link_end(m);
	buf_clear(&m->link);
	buf_clear(&m->link_label);
	m->in_link = rich_address(address, &m->link);
}

void rich_anchor(struct richtext_maker *m, struct slice name)
{
	if (name.n > 0 && shown(m))
		html_anchor(m, name);
}

/* --- what stands in a text ---------------------------------------------------------------- */

void rich_note(struct richtext_maker *m, const char *what, struct slice detail)
{
	rich_text(m, SLICE_LIT("["));
	rich_text(m, slice_of(what));
	if (detail.n > 0) {
		rich_text(m, SLICE_LIT(": "));
		rich_text(m, detail);
	}
	rich_text(m, SLICE_LIT("]"));
}

void rich_gap(struct richtext_maker *m, enum rich_gap gap)
{
	m->incomplete = true;
	if (gap <= RICH_GAP_SIZE && m->said[gap])
		return;
	/* where a paragraph is hidden it must still be said */
	if (m->par_open && m->par.hidden && gap <= RICH_GAP_SIZE)
		rich_par_end(m);
	if (!shown(m))
		return;
	m->said[gap] = true;
	rich_note(m, gap_texts[gap], (struct slice){ "", 0 });
}

void rich_button(struct richtext_maker *m, struct slice label)
{
	if (label.n == 0 || !shown(m))
		return;
	html_button(m, label);
	plain_text(m, SLICE_LIT("["));
	plain_text(m, label);
	plain_text(m, SLICE_LIT("]"));
	rich_check_size(m);
}

void rich_attachment(struct richtext_maker *m, struct slice name, struct slice shown_name)
{
	if (name.n == 0)
		name = shown_name;
	if (name.n > 0 && m->attachment_count < ATTACHMENTS_MAX &&
	    memchr(name.p, '\0', name.n) == NULL) {
		buf_add_slice(&m->names, name);
		buf_add_char(&m->names, '\0');
		m->attachment_count++;
	}
	rich_note(m, "Attachment", shown_name.n > 0 ? shown_name : name);
}

/* --- pictures --------------------------------------------------------------------------------- */

static bool begins(struct slice octets, const char *with, size_t n)
{
	return octets.n >= n && memcmp(octets.p, with, n) == 0;
}

static const char *picture_type(struct slice octets)
{
	if (begins(octets, "GIF87a", 6) || begins(octets, "GIF89a", 6))
		return "gif";
	if (begins(octets, "\xFF\xD8\xFF", 3))
		return "jpeg";
	if (begins(octets, "\x89PNG\r\n\x1A\n", 8))
		return "png";
	return NULL;
}

static struct richtext_picture *new_picture(struct richtext_maker *m, struct slice octets)
{
	size_t room = m->picture_room == 0 ? 8 : 2 * m->picture_room;

	if (m->picture_count == m->picture_room) {
		void *pictures = realloc(m->pictures, room * sizeof(*m->pictures));

		if (pictures == NULL)
			return NULL;
		m->pictures = pictures;
		pictures = realloc(m->picture_ends, room * sizeof(*m->picture_ends));
		if (pictures == NULL)
			return NULL;
		m->picture_ends = pictures;
		m->picture_room = room;
	}
	buf_add_slice(&m->picture_octets, octets);
	if (buf_status(&m->picture_octets) != NOERROR)
		return NULL;
	m->picture_ends[m->picture_count] = m->picture_octets.n;
	return &m->pictures[m->picture_count++];
}

void rich_picture(struct richtext_maker *m, struct slice octets, const struct rich_picture_look *look)
{
	const char *type = picture_type(octets);
	struct richtext_picture *picture;

	if (type == NULL || octets.n > m->options.picture_octets - m->picture_octets.n ||
	    m->picture_count == PICTURES_MAX) {
		rich_gap(m, type == NULL ? RICH_GAP_PICTURE : RICH_GAP_PICTURE_SIZE);
		return;
	}
	if (!shown(m))
		return;
	picture = new_picture(m, octets);
	if (picture == NULL) {
		m->status = POSTIL_ERR_MEMORY;
		return;
	}
	picture->type = slice_of(type[0] == 'g' ? "image/gif" : type[0] == 'j' ? "image/jpeg" : "image/png");
	snprintf(picture->name, sizeof(picture->name), "picture%u.%s", (unsigned)m->picture_count, type);
	html_picture(m, picture, look);
	plain_text(m, SLICE_LIT("[Picture"));
	if (look->description.n > 0) {
		plain_text(m, SLICE_LIT(": "));
		plain_text(m, look->description);
	}
	plain_text(m, SLICE_LIT("]"));
	rich_check_size(m);
}

/* --- beginning and end ------------------------------------------------------------------------------- */

static void settle_options(struct richtext_options *o)
{
	if (o->depth == 0)
		o->depth = DEPTH_DEFAULT;
	if (o->depth > RICH_LEVELS_MAX)
		o->depth = RICH_LEVELS_MAX;
	if (o->html_octets == 0)
		o->html_octets = OCTETS_DEFAULT;
	if (o->picture_octets == 0)
		o->picture_octets = PICTURES_DEFAULT;
}

STATUS richtext_new(const struct richtext_options *options, struct richtext_maker **maker_r)
{
	struct richtext_maker *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return POSTIL_ERR_MEMORY;
	if (options != NULL)
		m->options = *options;
	settle_options(&m->options);
	buf_add_str(&m->cid_suffix, m->options.cid_suffix != NULL ? m->options.cid_suffix : "");
	m->options.cid_suffix = NULL;
	m->level_count = 1;
	html_begin(m);
	*maker_r = m;
	return NOERROR;
}

static void close_all(struct richtext_maker *m)
{
	bool was_full = m->full;

	rich_end_cd(m);
	rich_pass_end(m);
	rich_link_end(m);
	rich_par_end(m);
	m->ghosts = 0;
	while (m->level_count > 1) {
		if (rich_level(m)->kind == RICH_LEVEL_TABLE)
			rich_table_end(m);
		else
			rich_section_end(m);
	}
	rich_close_lists(m);
	if (was_full || m->full) {
		m->full = false;
		memset(&m->font, 0, sizeof(m->font));
		m->options.html_octets = SIZE_MAX;
		rich_gap(m, RICH_GAP_SIZE);
		rich_par_end(m);
	}
	html_end(m);
}

/* Pictures, names of attachments and the like into the arena. */
static STATUS hand_out(struct richtext_maker *m, struct arena *arena, struct richtext *r)
{
	size_t from = 0;
	const char *name = m->names.p;

	r->pictures = arena_alloc(arena, (m->picture_count + 1) * sizeof(*r->pictures));
	r->attachments = arena_alloc(arena, (m->attachment_count + 1) * sizeof(*r->attachments));
	if (r->pictures == NULL || r->attachments == NULL)
		return POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < m->picture_count; i++) {
		r->pictures[i] = m->pictures[i];
		r->pictures[i].octets = (struct slice){ m->picture_octets.p + from,
		                                        m->picture_ends[i] - from };
		from = m->picture_ends[i];
	}
	for (size_t i = 0; i < m->attachment_count; i++) {
		STATUS status = arena_copy(arena, slice_of(name), &r->attachments[i]);

		if (status != NOERROR)
			return status;
		name += strlen(name) + 1;
	}
	r->picture_count = m->picture_count;
	r->attachment_count = m->attachment_count;
	return NOERROR;
}

STATUS richtext_finish(struct richtext_maker **maker, struct arena *arena, struct richtext *richtext_r)
{
	struct richtext_maker *m = *maker;
	struct richtext r = { .text = BUF_INIT };
	STATUS status;

	close_all(m);
	status = m->status;
	if (status == NOERROR && (buf_status(&m->html) != NOERROR || buf_status(&m->text) != NOERROR ||
	    buf_status(&m->names) != NOERROR || buf_status(&m->link) != NOERROR))
		status = POSTIL_ERR_MEMORY;
	if (status == NOERROR)
		status = hand_out(m, arena, &r);
	if (status == NOERROR) {
		r.text = m->text;
		r.html = m->html;
		r.picture_octets = m->picture_octets;
		r.incomplete = m->incomplete;
		buf_init(&m->text, 0);
		buf_init(&m->html, 0);
		buf_init(&m->picture_octets, 0);
		*richtext_r = r;
	}
	richtext_free(maker);
	return status;
}

void richtext_release(struct richtext *richtext)
{
	buf_release(&richtext->text);
	buf_release(&richtext->html);
	buf_release(&richtext->picture_octets);
}

void richtext_free(struct richtext_maker **maker)
{
	struct richtext_maker *m = *maker;

	if (m == NULL)
		return;
	for (size_t i = 0; i < m->level_count; i++)
		rich_free_table(m->levels[i].table);
	buf_release(&m->cid_suffix);
	buf_release(&m->html);
	buf_release(&m->text);
	buf_release(&m->line);
	buf_release(&m->link);
	buf_release(&m->link_label);
	buf_release(&m->picture_octets);
	buf_release(&m->names);
	buf_release(&m->pass.tag);
	buf_release(&m->pass.entity);
	free(m->pictures);
	free(m->picture_ends);
	cd_state_free(&m->cd);
	free(m);
	*maker = NULL;
}
