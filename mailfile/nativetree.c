/* Records become a tree. They are distrusted: boundaries may be missing, wrong or doubled, parts out of
 * order, nested without end (nothing here recurses). */
#include "mailfile/nativetree.h"

#include <stdlib.h>
#include <string.h>

#include "mailfile/header.h"
#include "mailfile/mime.h"

#define SEARCH_MAX 4096u        /* parts that are looked at for one boundary */

struct reading {
	struct arena *arena;
	struct native_tree *tree;
	const char *made_up_suffix;
	struct buf header;
	const struct item *unreadable;
	size_t open;            /* the multipart or message that is being filled */
	size_t last;            /* the part added last */
};

/* --- one record ------------------------------------------------------------------------------- */

static STATUS read_at(struct reading *rd, const struct item *item, uint64_t at, char *out, size_t n)
{
	STATUS status = item_read(item, 0, at, out, n);

	if (status != NOERROR)
		rd->unreadable = item;
	return status;
}

/* "--boundary" or "--boundary--", with line ends around it. */
static STATUS read_boundary(struct reading *rd, struct native_part *part)
{
	char line[NATIVE_BOUNDARY_MAX + 8];
	size_t n = part->head.boundary_octets, from = 0;
	STATUS status;

	if (n == 0 || n > sizeof(line))
		return NOERROR;
	status = read_at(rd, part->item, MIME_PART_OCTETS, line, n);
	if (status != NOERROR)
		return status;
	while (n > 0 && (unsigned char)line[n - 1] <= ' ')
		n--;
	while (from < n && (unsigned char)line[from] <= ' ')
		from++;
	if (n - from < 3 || line[from] != '-' || line[from + 1] != '-' || memchr(line, '\0', n) != NULL)
		return NOERROR;
	from += 2;
	part->ends = n - from > 2 && line[n - 1] == '-' && line[n - 2] == '-';
	if (part->ends)
		n -= 2;
	return arena_copy(rd->arena, (struct slice){ line + from, n - from }, &part->boundary);
}

static bool starts_with(struct slice s, const char *start)
{
	struct slice begin = slice_of(start);

	return s.n >= begin.n && memcmp(s.p, begin.p, begin.n) == 0;
}

static STATUS make_up_boundary(struct reading *rd, struct native_part *part)
{
	struct buf text = BUF_INIT;
	STATUS status;

	buf_addf(&text, "=_part%zu_%s_=", (size_t)(part - rd->tree->parts), rd->made_up_suffix);
	part->made_up = true;
	status = buf_status(&text);
	if (status == NOERROR)
		status = arena_copy(rd->arena, buf_slice(&text), &part->declared);
	buf_release(&text);
	return status;
}

/* What its Content-Type says of what lies in it. */
static STATUS read_type(struct reading *rd, struct native_part *part, struct slice header)
{
	struct buf type = BUF_INIT, boundary = BUF_INIT;
	struct slice value;
	STATUS status;

	if (!header_find(header, "Content-Type", &value))
		return NOERROR;
	status = mime_content_type(value, &type, &boundary);
	part->is_multipart = starts_with(buf_slice(&type), "multipart/");
	part->is_message = strcmp(buf_cstr(&type), "message/rfc822") == 0;
	if (status == NOERROR && part->is_multipart && boundary.n > 0 &&
	    boundary.n <= NATIVE_BOUNDARY_MAX)
		status = arena_copy(rd->arena, buf_slice(&boundary), &part->declared);
	buf_release(&type);
	buf_release(&boundary);
	return status;
}

static size_t count_lines(struct slice s)
{
	size_t lines = 0;

	for (size_t i = 0; i < s.n; i++)
		lines += s.p[i] == '\n';
	return lines;
}

/* Nothing but fields and their folds up to the empty line. */
static bool is_header(struct slice s)
{
	struct slice rest = s, name, value;
	size_t known = 1;       /* the empty line */

	while (header_next(&rest, &name, &value))
		known += 1 + count_lines(value);
	return known == count_lines(s);
}

/* A length of headers that lies: they end with the first empty line. */
static STATUS settle_header(struct reading *rd, struct native_part *part)
{
	uint64_t all = part->head.header_octets + part->head.data_octets;
	size_t n = all < 65536 ? (size_t)all : 65536, end;
	const char *found;
	STATUS status;

	buf_clear(&rd->header);
	status = buf_reserve(&rd->header, n);
	if (status == NOERROR)
		status = read_at(rd, part->item, MIME_PART_OCTETS + part->head.boundary_octets,
		                 rd->header.p, n);
	if (status != NOERROR || n < 2)
		return status;
	found = memmem(rd->header.p, n, "\r\n\r\n", 4);
	if (found == NULL && memcmp(rd->header.p, "\r\n", 2) != 0)
		return NOERROR;
	end = memcmp(rd->header.p, "\r\n", 2) == 0 ? 2 : (size_t)(found - rd->header.p) + 4;
	if (!is_header((struct slice){ rd->header.p, end }))
		return NOERROR;
	part->head.header_octets = end;
	part->head.data_octets = all - end;
	return NOERROR;
}

/* The headers of a part, and for a message what follows them: its own header may be there. */
static STATUS read_header(struct reading *rd, struct native_part *part)
{
	size_t n = part->head.header_octets;
	STATUS status;

	buf_clear(&rd->header);
	status = buf_reserve(&rd->header, n);
	if (status == NOERROR)
		status = read_at(rd, part->item, MIME_PART_OCTETS + part->head.boundary_octets,
		                 rd->header.p, n);
	if (status == NOERROR && !nativemime_header_is_whole((struct slice){ rd->header.p, n })) {
		status = settle_header(rd, part);
		n = part->head.header_octets;
	}
	if (status == NOERROR)
		status = read_type(rd, part, (struct slice){ rd->header.p, n });
	part->is_message |= part->head.type == MIME_PART_MESSAGE;
	return status;
}

static STATUS read_inner_header(struct reading *rd, struct native_part *part)
{
	size_t n = part->head.data_octets < 65536 ? (size_t)part->head.data_octets : 65536;
	STATUS status;

	buf_clear(&rd->header);
	status = buf_reserve(&rd->header, n);
	if (status == NOERROR)
		status = read_at(rd, part->item, MIME_PART_OCTETS + part->head.boundary_octets +
		                 part->head.header_octets, rd->header.p, n);
	if (status == NOERROR)
		status = read_type(rd, part, (struct slice){ rd->header.p, n });
	part->is_message = true;
	return status;
}

static STATUS read_record(struct reading *rd, const struct item *item, struct native_part *part)
{
	char head[MIME_PART_OCTETS];
	uint64_t size = item_size(item, 0);
	STATUS status;

	*part = (struct native_part){ .item = item, .parent = NATIVE_NONE, .first_child = NATIVE_NONE,
	                              .last_child = NATIVE_NONE, .next = NATIVE_NONE,
	                              .epilog = NATIVE_NONE };
	if (size < sizeof(head)) {
		part->head = (struct mime_part){ .type = MIME_PART_RETRIEVE_INFO };
		return NOERROR;
	}
	status = read_at(rd, item, 0, head, sizeof(head));
	if (status != NOERROR)
		return status;
	nativemime_part(head, size, &part->head);
	status = read_boundary(rd, part);
	if (part->head.type == MIME_PART_EPILOG)        /* whatever its headers say, nothing lies in it */
		return status;
	if (status == NOERROR && part->head.header_octets > 0)
		status = read_header(rd, part);
	if (status == NOERROR && part->is_message && part->head.data_octets > 0 &&
	    (part->head.flags & MIME_PART_BODY_IN_DBOBJECT) == 0)
		status = read_inner_header(rd, part);
	if (status == NOERROR && part->head.type == MIME_PART_PROLOG && part->declared.n == 0) {
		part->is_multipart = true;
		status = make_up_boundary(rd, part);
	}
	return status;
}

/* --- where it belongs ----------------------------------------------------------------------------- */

/* A multipart with that boundary: the nearest that is open, else the first there is. */
static size_t find_declared(const struct reading *rd, struct slice boundary)
{
	const struct native_part *parts = rd->tree->parts;
	size_t looked = 0;

	if (boundary.n == 0)
		return NATIVE_NONE;
	for (size_t i = rd->open; i != NATIVE_NONE && looked++ < SEARCH_MAX; i = parts[i].parent)
		if (slice_equal(parts[i].declared, boundary))
			return i;
	for (size_t i = 0; i < rd->tree->count && i < SEARCH_MAX; i++)
		if (slice_equal(parts[i].declared, boundary))
			return i;
	return NATIVE_NONE;
}

/* The nearest open part that can take children behind boundaries. */
static size_t nearest_multipart(const struct reading *rd)
{
	size_t i = rd->open;

	while (i != NATIVE_NONE && rd->tree->parts[i].declared.n == 0)
		i = rd->tree->parts[i].parent;
	return i;
}

static void attach(struct native_tree *tree, size_t i, size_t parent)
{
	size_t *first = parent != NATIVE_NONE ? &tree->parts[parent].first_child : &tree->first_root;
	size_t *last = parent != NATIVE_NONE ? &tree->parts[parent].last_child : &tree->last_root;

	tree->parts[i].parent = parent;
	if (*first == NATIVE_NONE)
		*first = i;
	else
		tree->parts[*last].next = i;
	*last = i;
	if (parent == NATIVE_NONE)
		tree->root_count++;
}

/* A message and what lies in it, which has no boundary line of its own. */
static bool continues_message(const struct reading *rd, const struct native_part *part)
{
	const struct native_part *last;

	if (rd->last == NATIVE_NONE || part->head.boundary_octets > 0)
		return false;
	last = &rd->tree->parts[rd->last];
	return last->is_message && last->first_child == NATIVE_NONE;
}

/* The end of a multipart; false: there is none that it could end. */
static bool end_multipart(struct reading *rd, size_t i)
{
	struct native_part *parts = rd->tree->parts;
	size_t ended = find_declared(rd, parts[i].boundary);

	if (ended == NATIVE_NONE || parts[ended].epilog != NATIVE_NONE)
		ended = nearest_multipart(rd);
	while (ended != NATIVE_NONE && parts[ended].epilog != NATIVE_NONE)
		ended = parts[ended].parent;
	if (ended == NATIVE_NONE || parts[ended].declared.n == 0)
		return false;
	parts[ended].epilog = i;
	rd->open = parts[ended].parent;
	rd->last = NATIVE_NONE;
	return true;
}

static void place(struct reading *rd, size_t i)
{
	struct native_part *part = &rd->tree->parts[i];
	size_t parent;

	if (part->head.type == MIME_PART_EPILOG && end_multipart(rd, i))
		return;
	if (part->head.type == MIME_PART_EPILOG && part->head.data_octets == 0)
		return;
	if (continues_message(rd, part))
		parent = rd->last;
	else if ((parent = find_declared(rd, part->boundary)) == NATIVE_NONE)
		parent = nearest_multipart(rd);
	if (parent == i)        /* it names itself */
		parent = NATIVE_NONE;
	attach(rd->tree, i, parent);
	rd->last = i;
	rd->open = part->declared.n > 0 || part->is_message ? i : parent;
}

static size_t count_records(const struct note *note)
{
	size_t count = 0;

	for (const struct item *item = note_find(note, "Body"); item != NULL;
	     item = note_find_next(item, "Body"))
		count += item->type == ITEM_MIME_PART;
	return count;
}

static STATUS read_all(struct reading *rd, const struct note *note, bool leave_sealed_out)
{
	struct native_tree *tree = rd->tree;
	STATUS status = NOERROR;

	for (const struct item *item = note_find(note, "Body"); item != NULL && status == NOERROR;
	     item = note_find_next(item, "Body")) {
		if (item->type != ITEM_MIME_PART || (leave_sealed_out && (item->flags & ITEM_SEAL) != 0))
			continue;
		status = read_record(rd, item, &tree->parts[tree->count]);
		if (status == NOERROR && tree->parts[tree->count].head.type != MIME_PART_RETRIEVE_INFO)
			place(rd, tree->count++);
	}
	return status;
}

STATUS native_tree_read(const struct note *note, bool leave_sealed_out, const char *made_up_suffix,
                        struct arena *arena, struct native_tree *tree_r,
                        const struct item **unreadable_r)
{
	struct reading rd = {
		.arena = arena, .tree = tree_r, .made_up_suffix = made_up_suffix,
		.header = BUF_INIT, .open = NATIVE_NONE, .last = NATIVE_NONE,
	};
	size_t count = count_records(note);
	STATUS status;

	*tree_r = (struct native_tree){ .first_root = NATIVE_NONE, .last_root = NATIVE_NONE };
	if (count == 0)
		return NOERROR;
	tree_r->parts = arena_alloc(arena, count * sizeof(*tree_r->parts));
	if (tree_r->parts == NULL)
		return POSTIL_ERR_MEMORY;
	status = read_all(&rd, note, leave_sealed_out);
	*unreadable_r = rd.unreadable;
	buf_release(&rd.header);
	return status;
}
