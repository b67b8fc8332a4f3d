/* Native MIME, put together again: the header that was received, then the parts in the order of their
 * tree, octet for octet where nothing is amiss; attachments get their encoding back. */
#include <string.h>

#include "mailfile/header.h"
#include "mailfile/nativetree.h"
#include "mailfile/renderimpl.h"

#define OBJECT_NAME_MAX 1024u
#define SEARCH_MAX 20000000u    /* $FILE items that are looked at, for all parts together */

struct native {
	struct render *r;
	struct native_tree tree;
	const struct item *file;        /* the $FILE item found last: the next one is near it */
	size_t looked;
	bool wrapped;                   /* in a multipart of ours */
};

/* --- octets ---------------------------------------------------------------------------------- */

static void stream(struct render *r, const struct item *item, uint64_t at, uint64_t n)
{
	char piece[16384];

	while (n > 0) {
		size_t part = n < sizeof(piece) ? (size_t)n : sizeof(piece);

		if (!render_read(r, item, 0, at, piece, part))
			return;
		render_octets(r, piece, part);
		at += part;
		n -= part;
	}
}

static uint64_t header_at(const struct native_part *part)
{
	return MIME_PART_OCTETS + part->head.boundary_octets;
}

static uint64_t data_at(const struct native_part *part)
{
	return header_at(part) + part->head.header_octets;
}

/* --- boundary lines ------------------------------------------------------------------------------- */

static void made_line(struct render *r, struct slice boundary, bool last)
{
	render_end_line(r);
	render_str(r, "--");
	render_slice(r, boundary);
	render_str(r, last ? "--\r\n" : "\r\n");
}

/* As it stands where it is right, else as it should be. */
static void boundary_line(struct render *r, const struct native_part *part, struct slice wanted,
                          bool last)
{
	char first = '-';

	if (part == NULL || part->ends != last || !slice_equal(part->boundary, wanted)) {
		made_line(r, wanted, last);
		return;
	}
	if (!render_read(r, part->item, 0, MIME_PART_OCTETS, &first, 1))
		return;
	if (first != '\r' && first != '\n')
		render_end_line(r);
	stream(r, part->item, MIME_PART_OCTETS, part->head.boundary_octets);
	render_end_line(r);
}

/* --- headers ------------------------------------------------------------------------------------------ */

static bool is_content(struct slice name)
{
	return name.n > 8 && slice_equal_nocase((struct slice){ name.p, 8 }, SLICE_LIT("Content-"));
}

/* The fields of content that lie in items, for a body whose record has none. */
static void each_received(struct render *r, struct slice record, void *context)
{
	struct nativemime_field field;

	(void)context;
	if (!nativemime_field(record, &field) || !is_content(field.name))
		return;
	render_slice(r, field.name);
	render_str(r, ":");
	render_str(r, field.body.n > 0 && field.body.p[0] == ' ' ? "" : " ");
	render_received_body(r, field.body);
}

enum change { KEEP, BASE64, EIGHT_BIT };

struct heading {
	bool top;               /* of the whole message: only fields of content */
	enum change change;     /* of Content-Transfer-Encoding */
	struct slice boundary;  /* for a Content-Type without one */
};

static void add_field(struct render *r, struct slice name, struct slice value,
                      const struct heading *heading)
{
	if (heading->top && !is_content(name))
		return;
	if (heading->change != KEEP &&
	    slice_equal_nocase(name, SLICE_LIT("Content-Transfer-Encoding")))
		return;
	render_slice(r, name);
	render_str(r, ":");
	if (heading->boundary.n == 0 || !slice_equal_nocase(name, SLICE_LIT("Content-Type"))) {
		render_received_body(r, value);
		return;
	}
	render_str(r, " multipart/mixed;\r\n\tboundary=\"");
	render_slice(r, heading->boundary);
	render_str(r, "\"\r\n");
}

static void changed_header(struct render *r, struct slice header, const struct heading *heading)
{
	struct slice rest = header, name, value;

	while (header_next(&rest, &name, &value))
		add_field(r, name, value, heading);
	if (heading->boundary.n > 0 && !header_find(header, "Content-Type", &value))
		add_field(r, SLICE_LIT("Content-Type"), (struct slice){ NULL, 0 }, heading);
	if (heading->change != KEEP)
		render_str(r, heading->change == BASE64 ? "Content-Transfer-Encoding: base64\r\n"
		           : "Content-Transfer-Encoding: 8bit\r\n");
	render_str(r, "\r\n");
}

static void write_header(struct native *n, const struct native_part *part, enum change change)
{
	struct heading heading = {
		.top = part->parent == NATIVE_NONE && !n->wrapped, .change = change,
		.boundary = part->made_up ? part->declared : (struct slice){ NULL, 0 },
	};
	struct buf header = BUF_INIT;
	size_t size = part->head.header_octets;

	render_fail(n->r, buf_reserve(&header, size));
	if (n->r->status == NOERROR && render_read(n->r, part->item, 0, header_at(part), header.p, size)) {
		header.n = size;
		if (heading.top && size == 0)
			render_received_fields(n->r, each_received, NULL);
		if (heading.top || change != KEEP || part->made_up || !nativemime_header_is_whole(buf_slice(&header)))
			changed_header(n->r, buf_slice(&header), &heading);
		else
			render_slice(n->r, buf_slice(&header));
	}
	buf_release(&header);
}

/* --- attachments ---------------------------------------------------------------------------------------- */

static bool is_named(const struct item *item, struct slice name)
{
	return render_is_file(item) && item->count > 0 && slice_equal_nocase(item->values[0], name);
}

/* Files come in the order of their parts as a rule: the search goes on behind the last one. */
static const struct item *find_file(struct native *n, struct slice name)
{
	const struct item *start = n->file != NULL ? n->file : n->r->note->first;
	const struct item *item = start;

	while (n->looked++ < SEARCH_MAX) {
		if (is_named(item, name))
			return n->file = item;
		item = item->next != NULL ? item->next : n->r->note->first;
		if (item == start)
			break;
	}
	return NULL;
}

static struct slice object_name(struct render *r, const struct native_part *part, char *name)
{
	size_t n = part->head.data_octets < OBJECT_NAME_MAX ? (size_t)part->head.data_octets
	                                                    : OBJECT_NAME_MAX;
	size_t from = 0;

	if (!render_read(r, part->item, 0, data_at(part), name, n))
		n = 0;
	while (n > 0 && (unsigned char)name[n - 1] <= ' ')
		n--;
	while (from < n && (unsigned char)name[from] <= ' ')
		from++;
	return (struct slice){ name + from, n - from };
}

static void missing_object(struct render *r, struct slice name)
{
	struct buf sentence = BUF_INIT;

	if (r->sealed) {
		buf_add_str(&sentence, RENDER_SEALED_SENTENCE);
	} else {
		buf_add_str(&sentence, "[The attachment \"");
		render_clean(name, false, &sentence);
		buf_add_str(&sentence, "\" is not in this document.]\n");
	}
	render_fail(r, buf_status(&sentence));
	render_text_part(r, "plain", buf_slice(&sentence));
	buf_release(&sentence);
}

/* Composite types may not be encoded (RFC 2046, 5): their octets go as they are. */
static void object(struct native *n, const struct native_part *part)
{
	char name[OBJECT_NAME_MAX];
	struct slice wanted = object_name(n->r, part, name);
	const struct item *file = find_file(n, wanted);

	if (file == NULL || !render_file_is_whole(file) || !render_may_show(n->r, file)) {
		missing_object(n->r, wanted);
		return;
	}
	if (render_file_is_large(n->r, file)) {
		render_missing_part(n->r, file);
		return;
	}
	if (part->is_multipart || part->is_message) {
		write_header(n, part, EIGHT_BIT);
		render_value(n->r, file, 1);
		return;
	}
	write_header(n, part, BASE64);
	render_base64(n->r, file, 1);
}

/* --- the tree --------------------------------------------------------------------------------------------- */

static bool needs_boundary(const struct native *n, const struct native_part *part)
{
	const struct native_part *parent;

	if (part->parent == NATIVE_NONE)
		return false;
	parent = &n->tree.parts[part->parent];
	return parent->declared.n > 0 && !(parent->is_message && part->head.boundary_octets == 0);
}

static void enter(struct native *n, const struct native_part *part)
{
	if (needs_boundary(n, part))
		boundary_line(n->r, part, n->tree.parts[part->parent].declared, false);
	else if (part->parent == NATIVE_NONE && n->wrapped)
		render_boundary(n->r, "native", false);
	if ((part->head.flags & MIME_PART_BODY_IN_DBOBJECT) != 0 &&
	    part->head.type != MIME_PART_PROLOG) {
		object(n, part);
		return;
	}
	write_header(n, part, KEEP);
	stream(n->r, part->item, data_at(part), part->head.data_octets);
}

/* A multipart that came in one record brings its own end. */
static void leave(struct native *n, const struct native_part *part)
{
	const struct native_part *epilog = part->epilog != NATIVE_NONE ? &n->tree.parts[part->epilog]
	                                                               : NULL;

	if (part->declared.n == 0 || (epilog == NULL && part->first_child == NATIVE_NONE &&
	                              part->head.type != MIME_PART_PROLOG))
		return;
	boundary_line(n->r, epilog, part->declared, true);
	if (epilog != NULL)
		stream(n->r, epilog->item, data_at(epilog), epilog->head.data_octets);
}

static void walk(struct native *n)
{
	struct native_part *parts = n->tree.parts;
	size_t i = n->tree.first_root;

	while (i != NATIVE_NONE && n->r->status == NOERROR) {
		enter(n, &parts[i]);
		if (parts[i].first_child != NATIVE_NONE) {
			i = parts[i].first_child;
			continue;
		}
		leave(n, &parts[i]);
		while (parts[i].next == NATIVE_NONE && parts[i].parent != NATIVE_NONE) {
			i = parts[i].parent;
			leave(n, &parts[i]);
		}
		i = parts[i].next;
	}
}

void nativemime_render(struct render *r)
{
	struct native n = { .r = r };
	struct arena arena;

	arena_init(&arena);
	render_header(r);
	render_fail(r, native_tree_read(r->note, r->sealed, r->unid, &arena, &n.tree, &r->unreadable));
	n.wrapped = n.tree.root_count != 1 || r->sealed;
	if (n.tree.root_count == 0) {
		render_sentence_part(r, r->sealed ? RENDER_SEALED_SENTENCE
		                     : "[The text of this document cannot be read.]\n");
	} else if (r->status == NOERROR) {
		if (n.wrapped)
			render_multipart(r, "mixed", "native");
		walk(&n);
		if (r->sealed) {
			render_boundary(r, "native", false);
			render_sentence_part(r, RENDER_SEALED_SENTENCE);
		}
		if (n.wrapped)
			render_boundary(r, "native", true);
	}
	arena_release(&arena);
}
