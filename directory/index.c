/*
 * Which names lead to a document, and what a view answers under them. Documents are
 * distrusted; what cannot be used is told by file and line, without values that may be
 * secret.
 */
#include "directory/certificates.h"
#include "directory/compile.h"
#include "directory/cross.h"

#include <string.h>

#include "base/crypt.h"
#include "base/name.h"
#include "base/soundex.h"
#include "base/text.h"
#include "directory/settings.h"

#include "base/banned.h"

#define NAMES_MAX 256                   /* of one person */
#define SHORT_NAMES_MAX 64              /* of one person; first and last names alike */

unsigned compile_line(const struct note *note, const char *item_name)
{
	const struct item *item = note_find(note, item_name);

	return item != NULL && item->line != 0 ? item->line : note->line;
}

/* --- which names lead to it ------------------------------------------------ */

static struct slice key_at(const struct keys *keys, const struct key *key)
{
	return (struct slice){ keys->text.p + key->at, key->n };
}

static struct key *find_key(struct keys *keys, struct slice key)
{
	for (size_t i = 0; i < keys->count; i++)
		if (slice_equal(key_at(keys, &keys->list[i]), key))
			return &keys->list[i];
	return NULL;
}

/* What a name is, if neither a value of FullName nor an Internet address: a common name, or
 * one that counts only under "More name variations". */
#define BY_COMMON_NAME 0
#define BY_MORE (1u << 8)
#define BY_KEPT 0xFFu                   /* of it: enum directory_by */

/* false: it cannot be a key; told. */
static bool add_key(struct compile *c, struct slice name, unsigned by, unsigned line,
                    const char *what)
{
	struct keys *keys = &c->keys;
	struct key *key = &keys->list[keys->count], *old;
	bool more = (by & BY_MORE) != 0;
	size_t at = keys->text.n;

	if (text_trim(name).n == 0 || keys->count == KEYS_MAX)
		return true;
	if (directory_key(name, &keys->text) != NOERROR) {
		compile_warn(c, line, "a value of %s cannot be used as a name: it is longer than "
		             "%d octets or not text", what, DIRECTORY_NAME_MAX);
		keys->text.n = at;
		return false;
	}
	*key = (struct key){ at, keys->text.n - at, more, by & BY_KEPT };
	old = find_key(keys, key_at(keys, key));
	if (old != NULL) {
		old->by |= key->by;
		keys->text.n = at;
		return true;
	}
	if (more)
		buf_add(&keys->text, MORE_SUFFIX, MORE_SUFFIX_OCTETS);
	keys->count++;
	return true;
}

static void add_common_key(struct compile *c, struct slice name, unsigned line)
{
	struct buf common = BUF_INIT;

	if (name_is_hierarchical(name) && name_common(name, &common) == NOERROR)
		add_key(c, buf_slice(&common), BY_COMMON_NAME, line, "a common name");
	buf_release(&common);
}

static void add_name_keys(struct compile *c, const struct note *note, const char *item_name,
                          size_t values_max)
{
	const struct item *item = note_find(note, item_name);

	for (size_t i = 0; item != NULL && i < item->count && i < values_max; i++)
		if (add_key(c, item->values[i], DIRECTORY_BY_FULL_NAME, item->line, item_name))
			add_common_key(c, item->values[i], item->line);
	if (item != NULL && item->count > values_max && values_max > 1)
		compile_warn(c, item->line, "only the first %zu values of %s are looked at", values_max,
		             item_name);
}

static void add_address_key(struct compile *c, const struct note *note, enum setting which)
{
	const struct item *address = setting_item(note, which);

	if (address != NULL)
		add_key(c, setting_text(note, which), DIRECTORY_BY_ADDRESS, address->line, address->name);
}

static void add_soundex_keys(struct compile *c, const struct item *last_name)
{
	char code[SOUNDEX_OCTETS + 1];

	for (size_t i = 0; i < last_name->count && i < SHORT_NAMES_MAX; i++)
		if (soundex(last_name->values[i], code))
			add_key(c, slice_of(code), BY_MORE, last_name->line, last_name->name);
}

/* What leads to a person under "More name variations" besides. */
static void add_more_keys(struct compile *c, const struct note *note)
{
	static const enum setting settings[] = { SET_SHORT_NAME, SET_FIRST_NAME, SET_LAST_NAME };

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		const struct item *item = setting_item(note, settings[i]);
		unsigned by = settings[i] == SET_SHORT_NAME ? BY_MORE | DIRECTORY_BY_SHORT_NAME : BY_MORE;

		for (size_t j = 0; item != NULL && j < item->count && j < SHORT_NAMES_MAX; j++)
			add_key(c, item->values[j], by, item->line, item->name);
		if (item != NULL && settings[i] == SET_LAST_NAME)
			add_soundex_keys(c, item);
	}
}

static bool is_user(const struct form *form)
{
	return form->kind == DOCUMENT_PERSON || form->kind == DOCUMENT_MAILIN;
}

/* Documents of which there may be one for each person are not listed by form. */
static bool is_many(const struct form *form)
{
	return is_user(form) || form->kind == DOCUMENT_GROUP || form->kind == DOCUMENT_LOCAL;
}

static void collect_keys(struct compile *c, const struct form *form, const struct note *note)
{
	buf_clear(&c->keys.text);
	c->keys.count = 0;
	if (form->name_item != NULL)
		add_name_keys(c, note, form->name_item, is_user(form) ? NAMES_MAX : 1);
	if (is_user(form))
		add_address_key(c, note, SET_INTERNET_ADDRESS);
	if (form->kind == DOCUMENT_GROUP && c->keys.count > 0)
		add_address_key(c, note, SET_GROUP_ADDRESS);
	if (form->kind == DOCUMENT_PERSON)
		add_more_keys(c, note);
}

/* --- the record of a person ------------------------------------------------ */

static void warn_password(struct compile *c, const struct item *item, enum inetpass_kind kind)
{
	switch (kind) {
	case INETPASS_NONE:
		compile_warn(c, item->line, "HTTPPassword is blank: this person cannot log in");
		break;
	case INETPASS_PLAIN:
		compile_warn(c, item->line, "HTTPPassword is not a digest but plain text: it lets "
		             "nobody in until it has been hashed");
		break;
	case INETPASS_BAD:
		compile_warn(c, item->line, "HTTPPassword is malformed: it begins as a digest but "
		             "has not the form of one, or an impossible round count");
		break;
	default:
		break;
	}
}

static void take_passwords(struct compile *c, const struct note *note, struct slice *passwords,
                           struct person *person, uint32_t *rounds_r)
{
	const struct item *item = setting_item(note, SET_HTTP_PASSWORD);

	if (item == NULL) {
		item = note_find(note, directory_settings[SET_HTTP_PASSWORD].items[0]);
		if (item != NULL)
			warn_password(c, item, INETPASS_NONE);
		return;
	}
	person->passwords = passwords;
	for (size_t i = 0; i < item->count; i++) {
		struct slice value = text_trim(item->values[i]);
		uint32_t rounds = 0;
		enum inetpass_kind kind = inetpass_kind(value, &rounds);

		warn_password(c, item, kind);
		if (value.n == 0 || value.n > DIRECTORY_PASSWORD_OCTETS ||
		    person->password_count == DIRECTORY_PASSWORDS_MAX)
			continue;
		passwords[person->password_count++] = value;
		if (kind == INETPASS_V3 && rounds > *rounds_r)
			*rounds_r = rounds;
	}
}

static void check_passwords(struct compile *c, const struct note *note)
{
	struct slice passwords[DIRECTORY_PASSWORDS_MAX];
	struct person person = { 0 };
	uint32_t rounds = 0;

	take_passwords(c, note, passwords, &person, &rounds);
}

static struct slice canonical(struct slice name, struct buf *out)
{
	if (name.n > 0 && name.n <= DIRECTORY_NAME_MAX && name_canonicalize(name, out) == NOERROR)
		return buf_slice(out);
	return (struct slice){ "", 0 };
}

static struct slice bounded(struct compile *c, const struct note *note, enum setting which)
{
	struct slice value = setting_text(note, which);
	const char *name = directory_settings[which].items[0];

	if (value.n <= DIRECTORY_NAME_MAX && text_is_utf8(value))
		return value;
	compile_warn(c, compile_line(note, name), "%s is passed over: it is longer than %d octets or "
	             "not text", name, DIRECTORY_NAME_MAX);
	return (struct slice){ "", 0 };
}

static STATUS make_record(struct compile *c, const struct form *form, const struct note *note,
                          struct document *document, struct buf *record)
{
	struct slice passwords[DIRECTORY_PASSWORDS_MAX];
	struct buf name = BUF_INIT, alternate = BUF_INIT, server = BUF_INIT;
	struct person person = { 0 };
	STATUS status;

	document->rounds = 0;
	person.name = canonical(text_trim(note_text(note, form->name_item)), &name);
	person.internet_address = bounded(c, note, SET_INTERNET_ADDRESS);
	person.mail_server = canonical(bounded(c, note, SET_MAIL_SERVER), &server);
	person.mail_file = bounded(c, note, SET_MAIL_FILE);
	person.forward = bounded(c, note, SET_FORWARD);
	memcpy(person.unid.octets, document->unid.octets, UNID_OCTETS);
	if (form->kind == DOCUMENT_PERSON) {
		person.alternate_name = canonical(bounded(c, note, SET_ALTERNATE_NAME), &alternate);
		take_passwords(c, note, passwords, &person, &document->rounds);
	}
	status = record_encode(&person, form->kind, 0, record);
	buf_release(&name);
	buf_release(&alternate);
	buf_release(&server);
	return status;
}

static void warn_certificates(struct compile *c, const struct note *note,
                              const struct certificates *certificates)
{
	const struct item *item = note->first;
	unsigned line;

	while (item != NULL && !certificates_are_in(item->name))
		item = item->next;
	if (item == NULL)
		return;
	line = item->line != 0 ? item->line : note->line;
	if (certificates->bad > 0)
		compile_warn(c, line, "%s: %u value%s passed over, neither octets of a certificate nor base64 "
		             "or PEM of one", item->name, certificates->bad, certificates->bad == 1 ? " is" : "s are");
	if (certificates->large > 0)
		compile_warn(c, line, "%s: %u value%s passed over, larger than %d octets", item->name,
		             certificates->large, certificates->large == 1 ? " is" : "s are",
		             DIRECTORY_CERTIFICATE_OCTETS);
	if (certificates->more > 0)
		compile_warn(c, line, "%s: only the first %d certificates are looked at", item->name,
		             DIRECTORY_CERTIFICATES_MAX);
}

static STATUS put_certificates(struct compile *c, const struct note *note,
                               const struct document *document, bool write)
{
	struct certificates certificates;
	struct buf value = BUF_INIT;
	uint8_t key[8];
	STATUS status = certificates_read(note, note->arena, &certificates);

	if (status == NOERROR)
		warn_certificates(c, note, &certificates);
	if (status != NOERROR || certificates.count == 0 || !write)
		return status;
	document_key(document->note_id, key);
	status = certificates_encode(&certificates, &value);
	if (status == NOERROR)
		status = entries_add(&c->entries, c->nsf, VIEW_CERTIFICATES,
		                     (struct slice){ (const char *)key, sizeof(key) },
		                     document->note_id, buf_slice(&value));
	buf_release(&value);
	return status;
}

/* --- groups ---------------------------------------------------------------- */

static void warn_members(struct compile *c, const struct item *members, size_t bad)
{
	if (bad > 0)
		compile_warn(c, members->line, "%zu value%s of %s cannot be used as a name: longer than "
		             "%d octets or not text", bad, text_plural(bad), members->name,
		             DIRECTORY_NAME_MAX);
}

/* The members may be many: no list of them is made. */
static STATUS put_members(struct compile *c, const struct note *note,
                          const struct document *document, bool write)
{
	const struct item *members = setting_item(note, SET_GROUP_MEMBERS);
	struct buf key = BUF_INIT, value = BUF_INIT;
	struct directory_group group = { .type = setting_group_type(note) };
	STATUS status = NOERROR;
	size_t bad = 0;
	bool itself = false;

	if (members == NULL || c->keys.count == 0)
		return NOERROR;
	group.name = setting_text(note, SET_GROUP_NAME);
	group.key = key_at(&c->keys, &c->keys.list[0]);
	status = group_encode(&group, &value);
	for (size_t i = 0; i < members->count && status == NOERROR; i++) {
		buf_clear(&key);
		if (text_trim(members->values[i]).n == 0)
			continue;
		if (directory_key(members->values[i], &key) != NOERROR) {
			bad++;
			continue;
		}
		itself = itself || slice_equal(buf_slice(&key), group.key);
		if (write)
			status = entries_add(&c->entries, c->nsf, VIEW_MEMBERS, buf_slice(&key),
			                     document->note_id, buf_slice(&value));
	}
	warn_members(c, members, bad);
	if (itself)
		compile_warn(c, members->line, "the group is among its own Members; that adds nobody");
	buf_release(&key);
	buf_release(&value);
	return status;
}

/* --- into views ------------------------------------------------------------ */

/* An item that is there but not understood. */
static void warn_setting(struct compile *c, const struct directory_setting *setting,
                         const struct item *item, const char *complaint)
{
	if (setting->kind == SETTING_ACCESS || setting->fallback == NULL)
		compile_warn(c, item->line, "%s %s; that is passed over", item->name, complaint);
	else
		compile_warn(c, item->line, "%s %s; %s counts", item->name, complaint, setting->fallback);
}

static void check_settings(struct compile *c, const struct form *form, const struct note *note)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		const struct directory_setting *setting = &directory_settings[i];
		const char *complaint = NULL;

		if (strcmp(setting->form, form->form) == 0)
			complaint = setting_complaint(note, (enum setting)i);
		if (complaint != NULL)
			warn_setting(c, setting, setting_item(note, (enum setting)i), complaint);
	}
}

STATUS index_remember(struct compile *c, const struct document *document)
{
	struct buf value = BUF_INIT;
	uint8_t key[8];
	STATUS status;

	if (c->nsf == NULL)
		return NOERROR;
	document_key(document->note_id, key);
	document_encode(document, &value);
	status = buf_status(&value);
	if (status == NOERROR)
		status = entries_add(&c->entries, c->nsf, VIEW_DOCUMENTS,
		                     (struct slice){ (const char *)key, sizeof(key) },
		                     document->note_id, buf_slice(&value));
	buf_release(&value);
	return status;
}

static STATUS put_form(struct compile *c, const struct note *note,
                       const struct document *document)
{
	struct slice form = text_trim(note_text(note, "Form"));
	struct buf key = BUF_INIT;
	STATUS status = NOERROR;

	if (form.n <= DIRECTORY_NAME_MAX && text_fold(form, &key) == NOERROR)
		status = entries_add(&c->entries, c->nsf, VIEW_FORMS, buf_slice(&key),
		                     document->note_id, (struct slice){ "", 0 });
	buf_release(&key);
	return status;
}

/* record: of a user, or empty. */
static STATUS put_keys(struct compile *c, const char *view, const struct document *document,
                       const struct buf *record)
{
	STATUS status = buf_status(&c->keys.text);

	for (size_t i = 0; i < c->keys.count && status == NOERROR; i++) {
		struct slice key = key_at(&c->keys, &c->keys.list[i]);

		if (c->keys.list[i].more)
			key.n += MORE_SUFFIX_OCTETS;
		if (record->n > 0)
			record->p[RECORD_BY_AT] = (char)c->keys.list[i].by;
		status = entries_add(&c->entries, c->nsf, view, key, document->note_id,
		                     buf_slice(record));
	}
	return status;
}

STATUS index_document(struct compile *c, const struct form *form, const struct note *note,
                      struct document *document, bool write)
{
	struct buf record = BUF_INIT;
	STATUS status = NOERROR;

	collect_keys(c, form, note);
	if (!is_user(form))
		check_settings(c, form, note);
	if (form->kind == DOCUMENT_GROUP)
		status = put_members(c, note, document, write);
	if (form->kind == DOCUMENT_LOCAL)
		check_passwords(c, note);
	if (is_user(form))
		status = make_record(c, form, note, document, &record);
	if (write && status == NOERROR)
		status = index_remember(c, document);
	if (write && status == NOERROR)
		status = put_keys(c, is_user(form) ? VIEW_USERS : VIEW_NAMES, document, &record);
	if (status == NOERROR && form->kind == DOCUMENT_PERSON)
		status = put_certificates(c, note, document, write);
	if (status == NOERROR && form->kind == DOCUMENT_LOCAL)
		status = put_certificates(c, note, document, false);
	if (write && status == NOERROR && !is_many(form))
		status = put_form(c, note, document);
	if (c->cross != NULL && status == NOERROR)
		status = cross_add(c, form, note, document);
	buf_wipe_release(&record);
	return status;
}
