/* Properties of a mail file as an administrator writes them; see notes.h. What is written is
 * checked, what the file says is shown as text. */
#include "mailfile/notes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/text.h"

enum form { FORM_TEXT, FORM_NAME, FORM_OCTETS, FORM_NUMBER, FORM_REPLICA, FORM_FORMAT };

static const struct property {
	const char *name;
	enum form form;
	const char *key;                /* of texts */
	enum nsf_setting setting;       /* of numbers */
} properties[] = {
	{ .name = "title", .form = FORM_TEXT, .key = NSF_PROPERTY_TITLE },
	{ .name = "owner", .form = FORM_NAME, .key = NSF_PROPERTY_OWNER },
	{ .name = "quota", .form = FORM_OCTETS, .setting = NSF_QUOTA_OCTETS },
	{ .name = "quota-messages", .form = FORM_NUMBER, .setting = NSF_QUOTA_MESSAGES },
	{ .name = "warning", .form = FORM_OCTETS, .setting = NSF_WARNING_OCTETS },
	{ .name = "soft-deletion", .form = FORM_NUMBER, .setting = NSF_SOFT_DELETE_HOURS },
	{ .name = "cutoff", .form = FORM_NUMBER, .setting = NSF_CUTOFF_DAYS },
	{ .name = "replica", .form = FORM_REPLICA },
	{ .name = "format", .form = FORM_FORMAT, .key = NSF_PROPERTY_FORMAT },
};
#define PROPERTIES (sizeof(properties) / sizeof(properties[0]))

/* --- reading what is written --------------------------------------------------------------- */

static bool number_of(struct slice text, bool units, uint64_t *value_r)
{
	static const char letters[] = "KMG";
	const char *letter = NULL;
	unsigned shift = 0;

	if (units && text.n > 1)
		letter = memchr(letters, text.p[text.n - 1] & ~0x20, 3);
	if (letter != NULL) {
		shift = 10 * (unsigned)(letter - letters + 1);
		text.n--;
	}
	if (!text_number(text, (uint64_t)INT64_MAX >> shift, value_r))
		return false;
	*value_r <<= shift;
	return true;
}

static bool replica_of(struct slice text, uint64_t *replica_r)
{
	uint64_t value = 0;
	size_t digits = 0;

	for (size_t i = 0; i < text.n; i++) {
		static const char known[] = "0123456789ABCDEF";
		char c = text.p[i];
		const char *digit;

		if (c == ':' && i == 8 && text.n == 17)
			continue;
		digit = memchr(known, c >= 'a' && c <= 'f' ? c - 0x20 : c, 16);
		if (digit == NULL || ++digits > 16)
			return false;
		value = value << 4 | (uint64_t)(digit - known);
	}
	*replica_r = value;
	return digits == 16;
}

static bool text_is_fit(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7F)
			return false;
	return text.n <= 1024 && text_is_utf8(text);
}

/* --- setting ------------------------------------------------------------------------------- */

static STATUS set_text(struct nsf *nsf, const struct property *p, struct slice value,
                       struct fault *fault)
{
	struct buf name = BUF_INIT;
	STATUS status = NOERROR;

	if (!text_is_fit(value))
		return fault_set(fault, POSTIL_ERR_INVALID, "%s takes a text of one line, at most 1024 octets",
		                 p->name);
	if (p->form == FORM_NAME) {
		status = name_canonicalize(value, &name);
		value = buf_slice(&name);
	}
	if (status == NOERROR)
		status = nsf_property_set(nsf, p->key, value);
	buf_release(&name);
	return status;
}

static STATUS set_number(struct nsf *nsf, const struct property *p, struct slice value,
                         struct fault *fault)
{
	uint64_t number;

	if (!number_of(value, p->form == FORM_OCTETS, &number))
		return fault_set(fault, POSTIL_ERR_INVALID, p->form == FORM_OCTETS
		                 ? "%s takes a number of octets, perhaps with K, M or G, such as 200M"
		                 : "%s takes a number", p->name);
	return nsf_setting_set(nsf, p->setting, number);
}

static STATUS set_one(struct nsf *nsf, const struct property *p, struct slice value,
                      struct fault *fault)
{
	uint64_t replica;

	switch (p->form) {
	case FORM_OCTETS: case FORM_NUMBER:
		return set_number(nsf, p, value, fault);
	case FORM_REPLICA:
		return replica_of(value, &replica) ? nsf_replica_set(nsf, replica)
			: fault_set(fault, POSTIL_ERR_INVALID, "replica takes sixteen hexadecimal digits, such as "
			            "85257AB0:00123456");
	case FORM_FORMAT:
		if (value.n != 1 || value.p[0] < '0' || value.p[0] > '2')
			return fault_set(fault, POSTIL_ERR_INVALID, "format takes 0 (Notes rich text), 1 (no "
			                 "preference) or 2 (MIME)");
		return set_text(nsf, p, value, fault);
	default:
		return set_text(nsf, p, value, fault);
	}
}

STATUS notes_property_set(struct nsf *nsf, const char *name, struct slice value,
                          struct fault *fault)
{
	struct fault own = { .status = NOERROR };
	STATUS status;

	fault = fault != NULL ? fault : &own;
	for (size_t i = 0; i < PROPERTIES; i++)
		if (strcmp(properties[i].name, name) == 0) {
			fault->status = NOERROR;
			status = set_one(nsf, &properties[i], value, fault);
			return status == NOERROR || fault->status == status ? status
				: fault_set(fault, status, "%s cannot be set: %s", name, status_text(status));
		}
	return fault_set(fault, POSTIL_ERR_NOT_FOUND, "there is no property \"%s\"", name);
}

/* --- showing ------------------------------------------------------------------------------- */

static STATUS get_one(struct nsf *nsf, const struct property *p, struct buf *out)
{
	uint64_t number = 0;
	STATUS status;

	if (p->key != NULL) {
		status = nsf_property_get(nsf, p->key, out);
		return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
	}
	status = p->form == FORM_REPLICA ? nsf_replica_get(nsf, &number)
		: nsf_setting_get(nsf, p->setting, &number);
	if (status == NOERROR && p->form == FORM_REPLICA)
		buf_addf(out, "%08" PRIX64 ":%08" PRIX64, number >> 32, number & 0xFFFFFFFF);
	else if (status == NOERROR)
		buf_addf(out, "%" PRIu64, number);
	return status == NOERROR ? buf_status(out) : status;
}

STATUS notes_properties_each(struct nsf *nsf,
                             STATUS (*each)(void *context, const char *name, struct slice value),
                             void *context, struct fault *fault)
{
	STATUS status = NOERROR;

	for (size_t i = 0; status == NOERROR && i < PROPERTIES; i++) {
		struct buf value = BUF_INIT;

		status = get_one(nsf, &properties[i], &value);
		if (status == NOERROR)
			status = each(context, properties[i].name, buf_slice(&value));
		buf_release(&value);
	}
	return status == NOERROR ? status
		: fault_set(fault, status, "the properties cannot be read: %s", status_text(status));
}
