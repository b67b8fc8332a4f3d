/* Names in items become Internet addresses. What stands there may be a Notes name in any form, with or
 * without @Domain, a group, an Internet address with or without a phrase, or anything at all:
 * whatever it is, what is written is one address of RFC 5322 in ASCII. */
#include <string.h>

#include "base/name.h"
#include "base/text.h"
#include "mailfile/renderimpl.h"

#define NAME_MAX_OCTETS 4096u   /* of a value; more is cut */
#define LOCAL_MAX 256u          /* of the part before the @ */
#define HOST_MAX 255u
#define LOOKUPS_MAX 10000u

/* --- shapes ------------------------------------------------------------------------------ */

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_atom_char(char c)
{
	return is_letter_or_digit(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* A host name with a dot, or an address in brackets. */
static bool is_host(struct slice s)
{
	bool dot = false;

	if (s.n == 0 || s.n > HOST_MAX)
		return false;
	if (s.p[0] == '[') {
		for (size_t i = 1; i + 1 < s.n; i++)
			if (!is_letter_or_digit(s.p[i]) && s.p[i] != '.' && s.p[i] != ':')
				return false;
		return s.n > 2 && s.p[s.n - 1] == ']';
	}
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && (i == 0 || i + 1 == s.n || s.p[i - 1] == '.'))
			return false;
		dot |= s.p[i] == '.';
		if (!is_letter_or_digit(s.p[i]) && s.p[i] != '.' && s.p[i] != '-' && s.p[i] != '_')
			return false;
	}
	return dot;
}

static bool is_dot_atom(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? i == 0 || i + 1 == s.n || s.p[i - 1] == '.' : !is_atom_char(s.p[i]))
			return false;
	}
	return s.n > 0;
}

/* The last @; s.n: there is none. */
static size_t last_at(struct slice s)
{
	for (size_t i = s.n; i-- > 0;)
		if (s.p[i] == '@')
			return i;
	return s.n;
}

static bool is_text_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

struct slice render_without_domain(struct slice name)
{
	const char *at = name.n > 0 ? memchr(name.p, '@', name.n) : NULL;

	if (at != NULL && at != name.p)
		name.n = (size_t)(at - name.p);
	return text_trim(name);
}

/* --- writing ------------------------------------------------------------------------------- */

/* local@host in angle brackets, the local part quoted where it must be; false: it is not ASCII
 * or too long, and nothing was added. */
static bool add_addr_spec(struct slice local, struct slice host, struct buf *out)
{
	if (local.n == 0 || local.n > LOCAL_MAX || !is_text_ascii(local) || !is_host(host))
		return false;
	buf_add_char(out, '<');
	if (is_dot_atom(local)) {
		buf_add_slice(out, local);
	} else {
		buf_add_char(out, '"');
		for (size_t i = 0; i < local.n; i++) {
			if (local.p[i] == '"' || local.p[i] == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, local.p[i]);
		}
		buf_add_char(out, '"');
	}
	buf_add_char(out, '@');
	buf_add_slice(out, host);
	buf_add_char(out, '>');
	return true;
}

/* local@host of text; a local part in quotes loses them first. */
static bool add_internet(struct slice address, struct buf *out)
{
	size_t at = last_at(address);
	struct slice local = { address.p, at }, host;
	struct buf plain = BUF_INIT;
	bool good;

	if (at == address.n)
		return false;
	host = (struct slice){ address.p + at + 1, address.n - at - 1 };
	if (local.n < 2 || local.p[0] != '"' || local.p[local.n - 1] != '"')
		return add_addr_spec(local, host, out);
	for (size_t i = 1; i + 1 < local.n; i++) {
		if (local.p[i] == '\\' && i + 2 < local.n)
			i++;
		buf_add_char(&plain, local.p[i]);
	}
	good = add_addr_spec(buf_slice(&plain), host, out);
	buf_release(&plain);
	return good;
}

/* A name without an address (RFC 5322, 3.4): an empty group, as RFC 6857 does it too. */
static void field_group(struct field *f, struct slice name)
{
	field_phrase(f, name);
	field_word(f, SLICE_LIT(":;"));
}

/* --- Notes names ------------------------------------------------------------------------------ */

/* The common name as a local part: `Jane Doe` is Jane_Doe, letters lose their accents, and a name
 * with no letter of ASCII becomes hexadecimal. */
static void add_local(struct slice common, struct buf *out)
{
	struct buf folded = BUF_INIT;
	size_t from = out->n;

	if (!is_text_ascii(common) && text_fold_plain(common, &folded) == NOERROR)
		common = buf_slice(&folded);
	common = text_trim(common);
	for (size_t i = 0; i < common.n && out->n - from < 64; i++) {
		char c = common.p[i];

		if (is_letter_or_digit(c) || c == '-' || c == '\'' || c == '&' || c == '+')
			buf_add_char(out, c);
		else if (c == '.' && out->n > from && out->p[out->n - 1] != '.')
			buf_add_char(out, c);
		else if (c == ' ' || c == '_' || c == '/')
			buf_add_char(out, '_');
	}
	while (out->n > from && (out->p[out->n - 1] == '.' || out->p[out->n - 1] == '_'))
		out->n--;
	if (out->n == from)
		for (size_t i = 0; i < common.n && i < 24; i++)
			buf_addf(out, "%02x", (unsigned)(unsigned char)common.p[i]);
	buf_release(&folded);
}

static bool look_up(struct render *r, struct slice name, struct buf *out)
{
	struct buf found;
	STATUS status;
	bool good = false;

	if (r->options->address == NULL || r->lookups >= LOOKUPS_MAX)
		return false;
	r->lookups++;
	buf_init(&found, LOCAL_MAX + HOST_MAX + 1);
	status = r->options->address(r->options->context, name, &found);
	if (status == NOERROR && buf_status(&found) == NOERROR)
		good = add_internet(text_trim(buf_slice(&found)), out);
	else if (status == POSTIL_ERR_MEMORY)
		render_fail(r, status);
	buf_release(&found);
	return good;
}

static bool made_up(struct render *r, struct slice common, struct buf *out)
{
	size_t from = out->n;

	buf_add_char(out, '<');
	add_local(common, out);
	if (out->n == from + 1) {
		out->n = from;
		return false;
	}
	buf_add_char(out, '@');
	buf_add_slice(out, buf_slice(&r->domain));
	buf_add_char(out, '>');
	return true;
}

/* Jane Doe/Acme@Acme, Jane Doe, Sales Team. */
static void field_notes_name(struct field *f, struct slice value)
{
	struct slice name = render_without_domain(value);
	struct buf common = BUF_INIT, address = BUF_INIT;

	name_common(name, &common);
	if (look_up(f->r, name, &address) || made_up(f->r, buf_slice(&common), &address)) {
		field_phrase(f, buf_slice(&common));
		field_word(f, buf_slice(&address));
	} else {
		field_group(f, value);
	}
	render_fail(f->r, buf_status(&common));
	render_fail(f->r, buf_status(&address));
	buf_release(&common);
	buf_release(&address);
}

/* --- Internet addresses ------------------------------------------------------------------------- */

/* Does this look like an address of the Internet rather than a Notes name? */
static bool is_internet(struct slice value)
{
	size_t at = last_at(value);
	struct slice local = { value.p, at }, host;

	if (at < value.n && memchr(value.p, '<', at) != NULL &&
	    memchr(value.p + at, '>', value.n - at) != NULL)
		return true;
	if (at == value.n || at == 0)
		return false;
	host = (struct slice){ value.p + at + 1, value.n - at - 1 };
	for (size_t i = 0; i < host.n; i++)
		if ((unsigned char)host.p[i] >= 0x80)
			return memchr(host.p, '.', host.n) != NULL && !name_is_hierarchical(local);
	return is_host(host) && (!name_is_hierarchical(local) || local.p[0] == '"');
}

struct mailboxes {
	struct field *f;
	struct slice notes_name;        /* whose address this is; may be empty */
	size_t count;
};

static void field_mailbox(void *context, struct slice name, struct slice address)
{
	struct mailboxes *m = context;
	struct buf spec = BUF_INIT, common = BUF_INIT;

	if (m->count++ > 0)
		field_comma(m->f);
	if (name.n == 0 && m->notes_name.n > 0 && m->count == 1) {
		name_common(render_without_domain(m->notes_name), &common);
		name = buf_slice(&common);
	}
	if (!add_internet(address, &spec)) {
		field_group(m->f, address);
	} else if (text_trim(name).n > 0) {
		field_phrase(m->f, name);
		field_word(m->f, buf_slice(&spec));
	} else {
		field_word(m->f, (struct slice){ spec.p + 1, spec.n - 2 });
	}
	render_fail(m->f->r, buf_status(&spec));
	render_fail(m->f->r, buf_status(&common));
	buf_release(&spec);
	buf_release(&common);
}

/* `Jane Doe@acme.com` is an address whose local part lacks its quotes. */
static void field_internet(struct field *f, struct slice value, struct slice notes_name)
{
	struct mailboxes m = { .f = f, .notes_name = notes_name };
	struct buf clean = BUF_INIT;

	render_clean(value, false, &clean);
	value = buf_slice(&clean);
	if (!mime_each_address(value, field_mailbox, &m) || m.count == 0)
		field_mailbox(&m, notes_name, value);
	render_fail(f->r, buf_status(&clean));
	buf_release(&clean);
}

static bool is_null(struct slice value)
{
	return value.n == 0 || (value.n == 1 && value.p[0] == '.');
}

/* `undisclosed-recipients:;` */
static bool is_empty_group(struct slice value)
{
	return value.n > 2 && value.p[value.n - 1] == ';' && value.p[value.n - 2] == ':';
}

/* Blanks and line ends off both ends. */
static struct slice trim(struct slice s)
{
	while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
		s = (struct slice){ s.p + 1, s.n - 1 };
	while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
		s.n--;
	return s;
}

/* Both as they are used: without blanks, empty where they say nothing. */
static void settle(struct slice *value, struct slice *internet)
{
	*value = trim(*value);
	*internet = trim(*internet);
	*value = render_cut(*value, NAME_MAX_OCTETS);
	if (is_null(*internet) || internet->n > NAME_MAX_OCTETS || !is_internet(*internet))
		internet->n = 0;
	if (is_null(*value))
		*value = *internet;
}

bool render_is_name(struct slice value, struct slice internet)
{
	settle(&value, &internet);
	return value.n > 0;
}

void field_name(struct field *f, struct slice value, struct slice internet)
{
	static const struct slice nobody = { "", 0 };

	settle(&value, &internet);
	if (value.n == 0)
		return;
	if (f->any)
		field_comma(f);
	if (is_empty_group(value))
		field_group(f, (struct slice){ value.p, value.n - 2 });
	else if (internet.n > 0)
		field_internet(f, internet, is_internet(value) ? nobody : value);
	else if (is_internet(value))
		field_internet(f, value, nobody);
	else
		field_notes_name(f, value);
}
