/* What a form shows beside its text: Notes keeps it in items of its own, mail has only a body. One
 * table says which items are shown for which form; names are those of the mail template. Values are
 * distrusted. */
#include <string.h>

#include "base/name.h"
#include "base/text.h"
#include "mailfile/renderimpl.h"

#define LINE_MAX_OCTETS 8192u   /* of what is shown of an item */

enum show { SHOW_TEXT, SHOW_NAMES, SHOW_TIME, SHOW_FLAG, SHOW_NOTICE };

struct form_line {
	const char *item, *label;
	enum show show;
};

#define LINES_MAX 16

static const struct {
	const char *form;
	struct form_line lines[LINES_MAX];
} forms[] = {
	{ "Phone Message", {
		{ "Contact", "Caller: ", SHOW_NAMES },
		{ "Caller", "Caller: ", SHOW_NAMES },
		{ "Company", "Of: ", SHOW_TEXT },
		{ "Phone", "Phone: ", SHOW_TEXT },
		{ "PhoneNumber", "Phone: ", SHOW_TEXT },
		{ "Fax", "Fax: ", SHOW_TEXT },
		{ "Telephoned", "Telephoned", SHOW_FLAG },
		{ "PleaseCall", "Please call", SHOW_FLAG },
		{ "WillCallAgain", "Will call again", SHOW_FLAG },
		{ "ReturnedCall", "Returned your call", SHOW_FLAG },
		{ "LeftPackage", "Left a package", SHOW_FLAG },
		{ "CameToSeeYou", "Came to see you", SHOW_FLAG },
		{ "WantsToSeeYou", "Wants to see you", SHOW_FLAG },
		{ "Urgent", "Urgent", SHOW_FLAG } } },
	{ "NonDelivery Report", {
		{ "IntendedRecipient", "Could not be delivered to: ", SHOW_NAMES },
		{ "FailureReason", "Because: ", SHOW_TEXT },
		{ "RouteServers", "Servers on the way: ", SHOW_NAMES } } },
	{ "Delivery Report", {
		{ "IntendedRecipient", "Recipient: ", SHOW_NAMES },
		{ "DeliveredDate", "Delivered: ", SHOW_TIME },
		{ "RouteServers", "Servers on the way: ", SHOW_NAMES } } },
	{ "Trace Report", {
		{ "IntendedRecipient", "Recipient: ", SHOW_NAMES },
		{ "RouteServers", "Servers on the way: ", SHOW_NAMES } } },
	{ "Return Receipt", {
		{ "IntendedRecipient", "Read by: ", SHOW_NAMES },
		{ "ReadDate", "Read: ", SHOW_TIME } } },
	{ "Quota Report", {
		{ "$QuotaType", "Quota: ", SHOW_TEXT } } },
	{ "Appointment", {
		{ "StartDateTime", "Starts: ", SHOW_TIME },
		{ "EndDateTime", "Ends: ", SHOW_TIME },
		{ "Location", "Where: ", SHOW_TEXT },
		{ "Room", "Room: ", SHOW_NAMES },
		{ "Chair", "Chair: ", SHOW_NAMES },
		{ "RequiredAttendees", "Required: ", SHOW_NAMES },
		{ "OptionalAttendees", "Optional: ", SHOW_NAMES } } },
	{ "Notice", {
		{ "NoticeType", "", SHOW_NOTICE },
		{ "Topic", "Topic: ", SHOW_TEXT },
		{ "StartDateTime", "Starts: ", SHOW_TIME },
		{ "EndDateTime", "Ends: ", SHOW_TIME },
		{ "NewStartDate", "Moved to: ", SHOW_TIME },
		{ "Location", "Where: ", SHOW_TEXT },
		{ "Room", "Room: ", SHOW_NAMES },
		{ "Chair", "Chair: ", SHOW_NAMES },
		{ "RequiredAttendees", "Required: ", SHOW_NAMES },
		{ "OptionalAttendees", "Optional: ", SHOW_NAMES } } },
	{ "Task", {
		{ "DueDateTime", "Due: ", SHOW_TIME },
		{ "AssignedTo", "Assigned to: ", SHOW_NAMES } } },
};

static const struct { const char *type, *words; } notices[] = {
	{ "I", "Invitation" }, { "U", "Rescheduled" }, { "C", "Cancelled" }, { "N", "Confirmed" },
	{ "D", "Delegated" }, { "A", "Accepted" }, { "R", "Declined" }, { "P", "Tentatively accepted" },
	{ "T", "Another time is proposed" }, { "E", "Updated" }, { "S", "Update" },
};

static void add_notice(struct slice value, struct buf *out)
{
	for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++)
		if (slice_equal_nocase(value, slice_of(notices[i].type)))
			buf_add_str(out, notices[i].words);
}

static void add_value(enum show show, struct slice value, struct buf *out)
{
	struct buf plain = BUF_INIT;
	char date[48];

	value = render_cut(text_trim(value), LINE_MAX_OCTETS);
	if (value.n == 0)
		return;
	switch (show) {
	case SHOW_TIME:
		if (render_date(value, date))
			buf_add_str(out, date);
		break;
	case SHOW_NOTICE:
		add_notice(value, out);
		break;
	case SHOW_NAMES:
		name_abbreviate(render_without_domain(value), &plain);
		render_clean(memchr(value.p, '.', value.n) != NULL && memchr(value.p, '@', value.n) != NULL
		             ? value : buf_slice(&plain), false, out);
		break;
	default:
		render_clean(value, false, out);
	}
	if (buf_status(&plain) != NOERROR)
		out->broken = buf_status(&plain);
	buf_release(&plain);
}

/* All values, a comma between. */
static void add_values(enum show show, const struct item *item, struct buf *out)
{
	for (size_t i = 0; i < item->count && out->n < LINE_MAX_OCTETS; i++) {
		size_t before = out->n;

		if (item->values[i].n == 0)
			continue;
		if (before > 0)
			buf_add_str(out, ", ");
		add_value(show, item->values[i], out);
		if (before > 0 && out->n == before + 2)
			out->n = before;
	}
}

/* "1", "Yes", or anything that is not no. */
static bool is_set(struct slice value)
{
	value = text_trim(value);
	return value.n > 0 && !slice_equal(value, SLICE_LIT("0")) &&
	       !slice_equal_nocase(value, SLICE_LIT("no"));
}

static bool one_line(struct render *r, const struct form_line *shown,
                     void (*line)(void *context, const char *label, struct slice value), void *context)
{
	const struct item *item = note_find(r->note, shown->item);
	struct buf text = BUF_INIT;

	bool any;

	if (item == NULL || item->count == 0 || !render_may_show(r, item) ||
	    (item->type & 0xFF00) < 0x0300 || (item->type & 0xFF00) > 0x0500)
		return false;
	if (shown->show != SHOW_FLAG)
		add_values(shown->show, item, &text);
	render_fail(r, buf_status(&text));
	any = r->status == NOERROR &&
	      (shown->show == SHOW_FLAG ? is_set(item->values[0]) : text.n > 0);
	if (any)
		line(context, shown->label, buf_slice(&text));
	buf_release(&text);
	return any;
}

void render_form_lines(struct render *r,
                       void (*line)(void *context, const char *label, struct slice value),
                       void *context)
{
	struct slice form = text_trim(note_text(r->note, "Form"));
	bool any = false;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!slice_equal_nocase(form, slice_of(forms[i].form)))
			continue;
		for (size_t k = 0; k < LINES_MAX && forms[i].lines[k].item != NULL; k++)
			any |= one_line(r, &forms[i].lines[k], line, context);
	}
	if (any)
		line(context, "", (struct slice){ NULL, 0 });
}
