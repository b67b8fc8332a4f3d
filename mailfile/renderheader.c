/* The header of a note's mail: fields that were received stay as they are, the others are made
 * from items. Values are distrusted; none begins a line, none shows who got a blind copy. */
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/text.h"
#include "mailfile/nativemime.h"
#include "mailfile/renderimpl.h"

#define TEXT_MAX (4u * 1024 * 1024)     /* of a value that is not in memory */
#define ID_MAX 500u                     /* of a message's identity */
#define FIELD_NAME_MAX 76u

static const struct slice nothing = { "", 0 };

/* --- items ---------------------------------------------------------------------------------- */

static bool is_text(const struct item *item)
{
	return item->type == ITEM_TEXT || item->type == ITEM_TEXT_LIST;
}

const struct item *render_text_item(const struct render *r, const char *name)
{
	const struct item *item = note_find(r->note, name);

	while (item != NULL && (!is_text(item) || !render_may_show(r, item)))
		item = note_find_next(item, name);
	return item;
}

static struct slice value_at(const struct item *item, size_t i)
{
	return item != NULL && i < item->count ? item->values[i] : nothing;
}

struct slice render_text(const struct render *r, const char *name)
{
	return value_at(render_text_item(r, name), 0);
}

/* --- fields of names --------------------------------------------------------------------------- */

static size_t count_of(const struct item *item)
{
	return item != NULL ? item->count : 0;
}

/* A list of names and the parallel one of Internet addresses. */
static void name_list(struct render *r, const char *field, const char *name, const char *inet_name)
{
	const struct item *names = render_text_item(r, name);
	const struct item *inet = render_text_item(r, inet_name);
	size_t count = count_of(names) > count_of(inet) ? count_of(names) : count_of(inet);
	struct field f;
	bool begun = false;

	for (size_t i = 0; i < count && r->status == NOERROR; i++) {
		struct slice value = value_at(names, i), internet = value_at(inet, i);

		if (!render_is_name(value, internet))
			continue;
		if (!begun)
			field_begin(&f, r, field);
		begun = true;
		field_name(&f, value, internet);
	}
	if (begun)
		field_end(&f);
}

static void make_to(struct render *r, const char *field)
{
	name_list(r, field, "SendTo", "INetSendTo");
}

static void make_cc(struct render *r, const char *field)
{
	name_list(r, field, "CopyTo", "INetCopyTo");
}

static void make_reply_to(struct render *r, const char *field)
{
	name_list(r, field, "ReplyTo", "$INetReplyTo");
}

struct author {
	struct slice name, internet;
};

static struct author author_of(const struct render *r, const char *name, const char *inet_name)
{
	struct author author = { render_text(r, name), render_text(r, inet_name) };

	if (!render_is_name(author.name, author.internet))
		author.name = author.internet = nothing;
	return author;
}

static bool is_somebody(struct author author)
{
	return render_is_name(author.name, author.internet);
}

/* Who wrote it: From, or who else is named. */
static struct author writer(const struct render *r)
{
	static const char *const names[] = { "SMTPOriginator", "Sender", "$UpdatedBy" };
	struct author author = author_of(r, "From", "INetFrom");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !is_somebody(author); i++)
		author = author_of(r, names[i], "");
	return author;
}

/* On whose behalf: Principal where it is another one than From. */
static struct author principal(const struct render *r)
{
	struct author from = writer(r), author = author_of(r, "Principal", "$INetPrincipal");

	if (!is_somebody(author) || (from.name.n > 0 &&
	    name_equal(render_without_domain(author.name), render_without_domain(from.name))))
		return (struct author){ nothing, nothing };
	return author;
}

static void author_field(struct render *r, const char *field, struct author author)
{
	struct field f;

	field_begin(&f, r, field);
	if (is_somebody(author))
		field_name(&f, author.name, author.internet);
	else    /* RFC 6854 lets a group stand here */
		field_word(&f, SLICE_LIT("unknown:;"));
	field_end(&f);
}

static void make_from(struct render *r, const char *field)
{
	struct author author = principal(r);

	author_field(r, field, is_somebody(author) ? author : writer(r));
}

static void make_sender(struct render *r, const char *field)
{
	struct author author = author_of(r, "Sender", "");

	if (is_somebody(principal(r)))
		author = writer(r);
	if (is_somebody(author))
		author_field(r, field, author);
}

static void make_notification(struct render *r, const char *field)
{
	if (render_text_item(r, "Disposition_Notification_To") != NULL)
		name_list(r, field, "Disposition_Notification_To", "");
	else if (slice_equal(text_trim(render_text(r, "ReturnReceipt")), SLICE_LIT("1")) &&
	         is_somebody(writer(r)))
		author_field(r, field, writer(r));
}

/* --- other fields ---------------------------------------------------------------------------------- */

/* A value that may be too large for memory, as far as it fits a buffer; owned by buf. */
static struct slice whole_value(struct render *r, const struct item *item, struct buf *buf)
{
	uint64_t size = item_size(item, 0);
	size_t n = size < TEXT_MAX ? (size_t)size : TEXT_MAX;

	if (item->blob == NULL)
		return value_at(item, 0);
	render_fail(r, buf_reserve(buf, n));
	if (r->status == NOERROR && render_read(r, item, 0, 0, buf->p, n))
		buf->n = n;
	return buf_slice(buf);
}

static void make_subject(struct render *r, const char *field)
{
	const struct item *item = render_text_item(r, "Subject");
	struct buf buf = BUF_INIT;
	struct field f;

	if (item == NULL)
		return;
	field_begin(&f, r, field);
	field_text(&f, whole_value(r, item, &buf));
	field_end(&f);
	buf_release(&buf);
}

static void make_date(struct render *r, const char *field)
{
	static const char *const names[] = { "PostedDate", "DeliveredDate", "ComposedDate" };
	struct field f;
	char date[48];
	bool known = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !known; i++) {
		const struct item *item = note_find(r->note, names[i]);

		known = item != NULL && render_may_show(r, item) && item->count > 0 &&
		        render_date(item->values[0], date);
	}
	if (!known && r->note->created_ms != 0)
		known = render_date_ms(r->note->created_ms, date);
	if (!known && r->note->modified_ms != 0)
		known = render_date_ms(r->note->modified_ms, date);
	if (!known)
		return;
	field_begin(&f, r, field);
	field_word(&f, slice_of(date));
	field_end(&f);
}

/* <...> of printable ASCII (RFC 5322, 3.6.4, generously). */
static bool is_id(struct slice s)
{
	if (s.n < 3 || s.n > ID_MAX || s.p[0] != '<' || s.p[s.n - 1] != '>')
		return false;
	for (size_t i = 1; i + 1 < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '<' || s.p[i] == '>')
			return false;
	return true;
}

static void make_message_id(struct render *r, const char *field)
{
	struct slice rest = render_text(r, "$MessageID"), id = text_word(&rest);
	struct buf made = BUF_INIT;
	struct field f;

	if (id.n > 0 && id.p[0] != '<') {
		buf_add_char(&made, '<');
		buf_add_slice(&made, id);
		buf_add_char(&made, '>');
		id = buf_slice(&made);
	}
	if (!is_id(id) && r->unid[0] != '\0') {
		buf_clear(&made);
		buf_addf(&made, "<%s@%.*s>", r->unid, (int)r->domain.n, r->domain.p);
		id = buf_slice(&made);
	}
	render_fail(r, buf_status(&made));
	if (is_id(id)) {
		field_begin(&f, r, field);
		field_word(&f, id);
		field_end(&f);
	}
	buf_release(&made);
}

/* Identities of other messages, from all values of an item. */
static void id_list(struct render *r, const char *field, const char *name)
{
	const struct item *item = render_text_item(r, name);
	struct field f;
	bool begun = false;

	for (size_t i = 0; i < count_of(item); i++) {
		struct slice rest = item->values[i], id;

		while ((id = text_word(&rest)).n > 0 && r->status == NOERROR) {
			if (!is_id(id))
				continue;
			if (!begun)
				field_begin(&f, r, field);
			begun = true;
			field_word(&f, id);
		}
	}
	if (begun)
		field_end(&f);
}

static void make_in_reply_to(struct render *r, const char *field)
{
	id_list(r, field, "In_Reply_To");
}

static void make_references(struct render *r, const char *field)
{
	id_list(r, field, "References");
}

static void one_word(struct render *r, const char *field, const char *word)
{
	struct field f;

	field_begin(&f, r, field);
	field_word(&f, slice_of(word));
	field_end(&f);
}

/* Importance is "1" (high), "2" or "3" (low). */
static void make_importance(struct render *r, const char *field)
{
	struct slice value = text_trim(render_text(r, "Importance"));

	if (slice_equal(value, SLICE_LIT("1")))
		one_word(r, field, "high");
	else if (slice_equal(value, SLICE_LIT("3")))
		one_word(r, field, "low");
}

static void make_priority(struct render *r, const char *field)
{
	struct slice value = text_trim(render_text(r, "Importance"));

	if (render_text_item(r, "X_Priority") != NULL)
		return;
	if (slice_equal(value, SLICE_LIT("1")))
		one_word(r, field, "1");
	else if (slice_equal(value, SLICE_LIT("3")))
		one_word(r, field, "5");
}

static void text_fields(struct render *r, const char *field, const struct item *item)
{
	struct field f;

	for (size_t i = 0; i < item->count && r->status == NOERROR; i++) {
		if (text_trim(item->values[i]).n == 0)
			continue;
		field_begin(&f, r, field);
		field_text(&f, item->values[i]);
		field_end(&f);
	}
}

static void make_mailer(struct render *r, const char *field)
{
	const struct item *item = render_text_item(r, "$Mailer");

	if (item != NULL)
		text_fields(r, field, item);
}

static void make_received(struct render *r, const char *field)
{
	for (const struct item *item = note_find(r->note, "Received"); item != NULL;
	     item = note_find_next(item, "Received"))
		if (is_text(item) && render_may_show(r, item))
			text_fields(r, field, item);
}

static void make_version(struct render *r, const char *field)
{
	one_word(r, field, "1.0");
}

static const struct {
	const char *name;
	void (*make)(struct render *r, const char *field);
} known_fields[] = {
	{ "Received", make_received },
	{ "Date", make_date },
	{ "From", make_from },
	{ "Sender", make_sender },
	{ "Reply-To", make_reply_to },
	{ "To", make_to },
	{ "Cc", make_cc },
	{ "Subject", make_subject },
	{ "Message-ID", make_message_id },
	{ "In-Reply-To", make_in_reply_to },
	{ "References", make_references },
	{ "Importance", make_importance },
	{ "X-Priority", make_priority },
	{ "Disposition-Notification-To", make_notification },
	{ "X-Mailer", make_mailer },
	{ "MIME-Version", make_version },
};
#define KNOWN_FIELDS (sizeof(known_fields) / sizeof(known_fields[0]))

/* --- fields that have the name of their item ------------------------------------------------------------ */

/* Begins with one of these, `_` standing for `-`; a name without a dash at its end is the whole. */
static bool is_carried(struct slice name)
{
	static const char *const carried[] = {
		"X-", "List-", "Resent-", "DKIM-", "ARC-", "Thread-", "Authentication-Results",
		"Auto-Submitted", "Comments", "Errors-To", "Keywords", "Mailing-List",
		"Organization", "Precedence", "Return-Receipt-To",
	};

	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
		struct slice known = slice_of(carried[i]), start = name;

		if (known.p[known.n - 1] == '-' && name.n > known.n)
			start.n = known.n;
		if (slice_equal_nocase(start, known))
			return !slice_equal_nocase(name, SLICE_LIT("Resent-Bcc"));
	}
	return false;
}

/* X_Foo_Bar is X-Foo-Bar; false: no name of a field. */
static bool field_name_of(const char *item, char out[FIELD_NAME_MAX + 1])
{
	size_t n = strlen(item);

	if (n == 0 || n > FIELD_NAME_MAX)
		return false;
	for (size_t i = 0; i <= n; i++) {
		char c = item[i] == '_' ? '-' : item[i];

		if (i < n && c != '-' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9'))
			return false;
		out[i] = c;
	}
	return true;
}

static void carried_fields(struct render *r)
{
	char name[FIELD_NAME_MAX + 1];

	for (const struct item *item = r->note->first; item != NULL && r->status == NOERROR;
	     item = item->next)
		if (is_text(item) && render_may_show(r, item) && field_name_of(item->name, name) &&
		    is_carried(slice_of(name)) &&
		    !(slice_equal_nocase(slice_of(name), SLICE_LIT("X-Mailer")) &&
		      render_text_item(r, "$Mailer") != NULL))
			text_fields(r, name, item);
}

/* --- fields as they were received ------------------------------------------------------------------------ */

/* A value keeps its folds; a line end that is none of them gets a blank behind it, NUL becomes one, so
 * that no line of it is a field of its own or the header's end. */
void render_received_body(struct render *r, struct slice body)
{
	struct buf out = BUF_INIT;

	while (body.n > 0 && (body.p[body.n - 1] == '\n' || body.p[body.n - 1] == '\r' ||
	                      body.p[body.n - 1] == '\0'))
		body.n--;
	for (size_t i = 0; i < body.n; i++) {
		char c = body.p[i];

		if (c == '\r' && (i + 1 == body.n || body.p[i + 1] != '\n'))
			c = ' ';
		buf_add_char(&out, (char)(c == '\0' ? ' ' : c));
		if (c == '\n' && body.p[i + 1] != ' ' && body.p[i + 1] != '\t')
			buf_add_char(&out, ' ');
	}
	render_fail(r, buf_status(&out));
	render_slice(r, buf_slice(&out));
	render_str(r, "\r\n");
	buf_release(&out);
}

/* ":" and what blanks are behind it. */
static bool is_delimiter(struct slice s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] != ' ' && s.p[i] != '\t')
			return false;
	return s.n > 0 && s.p[0] == ':';
}

static bool is_hidden(struct slice name)
{
	return slice_equal_nocase(name, SLICE_LIT("Bcc")) ||
	       slice_equal_nocase(name, SLICE_LIT("Resent-Bcc")) ||
	       (name.n > 8 && slice_equal_nocase((struct slice){ name.p, 8 }, SLICE_LIT("Content-")));
}

/* Fields of content are left out here: the parts have their own. */
static void received_field(struct render *r, struct slice record, bool seen[KNOWN_FIELDS])
{
	struct nativemime_field field;

	if (!nativemime_field(record, &field) || is_hidden(field.name))
		return;
	for (size_t i = 0; i < KNOWN_FIELDS; i++)
		seen[i] |= slice_equal_nocase(field.name, slice_of(known_fields[i].name));
	render_slice(r, field.name);
	if (is_delimiter(field.delimiter))
		render_slice(r, field.delimiter);
	else
		render_str(r, ": ");
	render_received_body(r, field.body);
}

void render_received_fields(struct render *r, void (*each)(struct render *r, struct slice record,
                                                           void *context), void *context)
{
	struct buf record = BUF_INIT;

	for (const struct item *item = r->note->first; item != NULL && r->status == NOERROR;
	     item = item->next) {
		uint64_t size = item_size(item, 0);
		size_t n = size < NATIVEMIME_FIELD_MAX ? (size_t)size : NATIVEMIME_FIELD_MAX;

		if (item->type != ITEM_RFC822_TEXT || !render_may_show(r, item))
			continue;
		buf_clear(&record);
		render_fail(r, buf_reserve(&record, n));
		if (r->status == NOERROR && render_read(r, item, 0, 0, record.p, n))
			each(r, (struct slice){ record.p, n }, context);
	}
	buf_release(&record);
}

static void each_received(struct render *r, struct slice record, void *context)
{
	received_field(r, record, context);
}

void render_header(struct render *r)
{
	bool seen[KNOWN_FIELDS] = { false };

	render_received_fields(r, each_received, seen);
	for (size_t i = 0; i < KNOWN_FIELDS && r->status == NOERROR; i++)
		if (!seen[i])
			known_fields[i].make(r, known_fields[i].name);
	carried_fields(r);
}
