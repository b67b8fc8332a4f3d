/* What a document is, whether two are the same. Items are hostile: any name, any value. */
#include "mailfile/dxlmail.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "nsf/nsf.h"

#define PIECE_OCTETS 65536

/* --- where it goes ------------------------------------------------------------------- */

static bool has(const struct note *note, const char *name)
{
	return note_text(note, name).n > 0;
}

static bool is_form(const struct note *note, const char *form)
{
	return slice_equal_nocase(note_text(note, "Form"), slice_of(form));
}

/* A field of a message, in an item of that name or in the beginning of a whole one. */
static bool was_received(const struct note *note)
{
	const struct item *mime = note_find(note, "$MIME");
	char head[9];

	if (has(note, "DeliveredDate") || note_find(note, "Received") != NULL)
		return true;
	if (mime == NULL)
		return false;
	return (item_size(mime, 0) > sizeof(head) &&
	        item_read(mime, 0, 0, head, sizeof(head)) == NOERROR &&
	        slice_equal_nocase((struct slice){ head, sizeof(head) }, SLICE_LIT("Received:"))) ||
	       !has(note, "PostedDate");
}

static bool is_mail(const struct note *note)
{
	static const char *const forms[] = { "Memo", "Reply", "Reply With History", "Phone Message",
		"Delivery Report", "NonDelivery Report", "Return Receipt", "Trace Report",
		"Quota Report", "Notice", "Bookmark", "Return Notification" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (is_form(note, forms[i]))
			return true;
	return has(note, "DeliveredDate") || note_find(note, "$MIME") != NULL;
}

struct slice dxlmail_folder(const struct note *note)
{
	if (is_form(note, "Mailrule"))
		return SLICE_LIT("(Rules)");
	if (is_form(note, "Stationery") || is_form(note, "Memo Stationery") ||
	    note_find(note, "MailStationeryName") != NULL)
		return SLICE_LIT("(Stationery)");
	if (is_form(note, "Task"))
		return SLICE_LIT("($ToDo)");
	if (is_form(note, "Appointment") && !has(note, "DeliveredDate"))
		return SLICE_LIT("($Calendar)");
	if (!is_mail(note))
		return SLICE_LIT("");
	if (was_received(note))
		return SLICE_LIT(NSF_INBOX);
	return has(note, "PostedDate") ? SLICE_LIT("($Sent)") : SLICE_LIT("($Drafts)");
}

int64_t dxlmail_received(const struct note *note)
{
	static const char *const names[] = { "DeliveredDate", "PostedDate" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct slice value = note_text(note, names[i]);
		char text[40];
		int64_t ms;

		if (value.n == 0 || value.n >= sizeof(text))
			continue;
		memcpy(text, value.p, value.n);
		text[value.n] = '\0';
		if (timedate_parse_dxl(text, &ms))
			return ms;
	}
	return note->created_ms;
}

/* --- whether it is the same ------------------------------------------------------------- */

/* However they are held. */
static size_t value_count(const struct item *item)
{
	size_t least = item->blob == NULL ? 0 : item->type == ITEM_OBJECT ? 2 : 1;

	return item->count > least ? item->count : least;
}

static STATUS same_value(const struct item *a, const struct item *b, size_t value, char *pieces,
                         bool *same_r)
{
	uint64_t size = item_size(a, value);
	STATUS status = NOERROR;

	*same_r = size == item_size(b, value);
	for (uint64_t at = 0; at < size && *same_r && status == NOERROR; at += PIECE_OCTETS) {
		size_t n = size - at < PIECE_OCTETS ? (size_t)(size - at) : PIECE_OCTETS;

		status = item_read(a, value, at, pieces, n);
		if (status == NOERROR)
			status = item_read(b, value, at, pieces + PIECE_OCTETS, n);
		*same_r = status == NOERROR && memcmp(pieces, pieces + PIECE_OCTETS, n) == 0;
	}
	return status;
}

static STATUS same_item(const struct item *a, const struct item *b, char *pieces, bool *same_r)
{
	size_t count = value_count(a);
	STATUS status = NOERROR;

	*same_r = slice_equal_nocase(slice_of(a->name), slice_of(b->name)) && a->type == b->type &&
	          a->flags == b->flags && count == value_count(b);
	for (size_t i = 0; i < count && *same_r && status == NOERROR; i++)
		status = same_value(a, b, i, pieces, same_r);
	return status;
}

STATUS dxlmail_compare(const struct note *a, const struct note *b, bool *same_r)
{
	const struct item *x = a->first, *y = b->first;
	char *pieces = malloc(2 * PIECE_OCTETS);
	STATUS status = pieces == NULL ? POSTIL_ERR_MEMORY : NOERROR;
	bool same = true;

	for (; x != NULL && y != NULL && same && status == NOERROR; x = x->next, y = y->next)
		status = same_item(x, y, pieces, &same);
	free(pieces);
	if (status == NOERROR)
		*same_r = same && x == NULL && y == NULL;
	return status;
}

/* --- a UNID of it ------------------------------------------------------------------------- */

/* A digest of digests: of what came before and the next piece. */
struct chain {
	uint8_t digest[32];
	char piece[32 + PIECE_OCTETS];
	STATUS status;
};

static void chain_add(struct chain *c, size_t n)
{
	memcpy(c->piece, c->digest, sizeof(c->digest));
	if (c->status == NOERROR)
		c->status = crypt_sha256((struct slice){ c->piece, sizeof(c->digest) + n }, c->digest);
}

static void chain_number(struct chain *c, uint64_t number)
{
	for (size_t i = 0; i < 8; i++)
		c->piece[sizeof(c->digest) + i] = (char)(number >> 8 * i & 255);
	chain_add(c, 8);
}

static void chain_value(struct chain *c, const struct item *item, size_t value)
{
	uint64_t size = item_size(item, value);

	chain_number(c, size);
	for (uint64_t at = 0; at < size && c->status == NOERROR; at += PIECE_OCTETS) {
		size_t n = size - at < PIECE_OCTETS ? (size_t)(size - at) : PIECE_OCTETS;

		c->status = item_read(item, value, at, c->piece + sizeof(c->digest), n);
		chain_add(c, n);
	}
}

static void chain_item(struct chain *c, const struct item *item)
{
	struct slice name = slice_of(item->name);
	const struct item named = { .name = "", .count = 1, .values = &name };

	chain_value(c, &named, 0);
	chain_number(c, item->type);
	chain_number(c, item->flags);
	chain_number(c, value_count(item));
	for (size_t i = 0; i < value_count(item); i++)
		chain_value(c, item, i);
}

STATUS dxlmail_derive(const struct note *note, struct unid *unid_r)
{
	struct chain *c = calloc(1, sizeof(*c));
	STATUS status;

	if (c == NULL)
		return POSTIL_ERR_MEMORY;
	if (note->has_unid)
		memcpy(c->digest, note->unid.octets, UNID_OCTETS);
	for (const struct item *item = note->first; item != NULL && c->status == NOERROR;
	     item = item->next)
		chain_item(c, item);
	status = c->status;
	if (status == NOERROR)
		memcpy(unid_r->octets, c->digest, UNID_OCTETS);
	free(c);
	return status;
}

/* --- what an export has said beside the items ------------------------------------------------ */

struct dxlmail_extras dxlmail_extras(const struct note *note)
{
	struct dxlmail_extras extras = {
		.folders = note_find(note, DXLMAIL_FOLDERS),
		.uidl = note_text(note, DXLMAIL_UIDL),
		.unread_known = has(note, DXLMAIL_UNREAD)
	};

	extras.unread = slice_equal(note_text(note, DXLMAIL_UNREAD), SLICE_LIT("1"));
	if (slice_equal(note_text(note, DXLMAIL_MESSAGE), SLICE_LIT("1")))
		extras.message = note_find(note, "$MIME");
	if (extras.message != NULL && item_size(extras.message, 0) == 0)
		extras.message = NULL;
	return extras;
}

static bool is_extra(const struct item *item, const struct dxlmail_extras *extras)
{
	static const char *const names[] = { DXLMAIL_FOLDERS, DXLMAIL_UNREAD, DXLMAIL_UIDL,
		DXLMAIL_MESSAGE };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_equal_nocase(slice_of(item->name), slice_of(names[i])))
			return true;
	return item == extras->message;
}

STATUS dxlmail_copy(const struct note *note, struct arena *arena, struct note *copy_r)
{
	struct dxlmail_extras extras = dxlmail_extras(note);

	note_init(copy_r, arena);
	copy_r->has_unid = note->has_unid;
	copy_r->unid = note->unid;
	copy_r->class = note->class;
	copy_r->created_ms = note->created_ms;
	copy_r->modified_ms = note->modified_ms;
	copy_r->line = note->line;
	for (const struct item *item = note->first; item != NULL; item = item->next) {
		struct item *copy;

		if (is_extra(item, &extras))
			continue;
		copy = note_add(copy_r, slice_of(item->name), item->type, item->flags, item->values,
		                item->count);
		if (copy == NULL)
			return POSTIL_ERR_MEMORY;
		copy->blob = item->blob;
	}
	return NOERROR;
}
