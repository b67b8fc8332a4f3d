/*
 * Keys and records of the views. Names come from documents and from
 * logins, records from names.nsf; all are distrusted.
 */
#include "directory/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/text.h"
#include "directory/pack.h"

#include "base/banned.h"

#define RECORD_VERSION 5

char *directory_path(const char *data_dir, const char *rest)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", data_dir, rest) < 0 ? NULL : path;
}

static bool is_flat(struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '/' || name.p[i] == '=')
			return false;
	return true;
}

/* name is not flat: canonical, or the common name of a single labelled part. */
static STATUS unfolded_key(struct slice name, struct buf *out)
{
	return name_is_hierarchical(name) ? name_canonicalize(name, out) : name_common(name, out);
}

STATUS directory_key(struct slice name, struct buf *out)
{
	struct buf whole = BUF_INIT;
	size_t before = out->n;
	STATUS status = NOERROR;

	name = text_trim(name);
	if (name.n == 0 || name.n > DIRECTORY_NAME_MAX)
		return POSTIL_ERR_INVALID;
	if (is_flat(name)) {
		status = text_fold(name, out);
	} else {
		status = unfolded_key(name, &whole);
		if (status == NOERROR)
			status = text_fold(buf_slice(&whole), out);
		buf_release(&whole);
	}
	if (status == NOERROR && (out->n == before || out->n - before > 2 * DIRECTORY_NAME_MAX))
		status = POSTIL_ERR_INVALID;
	return status;
}

STATUS record_encode(const struct person *person, enum document_kind kind, unsigned by,
                     struct buf *out)
{
	pack_number(out, RECORD_VERSION, 1);
	pack_number(out, kind, 1);
	pack_number(out, by, 1);
	buf_add(out, person->unid.octets, UNID_OCTETS);
	pack_short(out, person->name);
	pack_short(out, person->alternate_name);
	pack_short(out, person->internet_address);
	pack_short(out, person->mail_server);
	pack_short(out, person->mail_file);
	pack_short(out, person->forward);
	pack_number(out, person->password_count, 1);
	for (size_t i = 0; i < person->password_count; i++)
		pack_short(out, person->passwords[i]);
	return buf_status(out);
}

static STATUS decode_passwords(struct unpack *u, struct arena *arena, struct person *person)
{
	size_t count = unpack_number(u, 1);
	struct slice *passwords;

	person->password_count = count;
	person->passwords = passwords = arena_alloc(arena, (count + 1) * sizeof(*passwords));
	if (passwords == NULL)
		return POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < count; i++)
		passwords[i] = unpack_short(u);
	return NOERROR;
}

STATUS record_decode(struct slice record, struct arena *arena, struct person *person_r,
                     enum document_kind *kind_r, unsigned *by_r)
{
	struct person person = { 0 };
	struct unpack u = { .rest = { arena_strndup(arena, record.p, record.n), record.n } };
	uint64_t version, kind, by;
	struct slice unid;
	STATUS status;

	if (u.rest.p == NULL)
		return POSTIL_ERR_MEMORY;
	version = unpack_number(&u, 1);
	kind = unpack_number(&u, 1);
	by = unpack_number(&u, 1);
	unid = unpack_octets(&u, UNID_OCTETS);
	person.name = unpack_short(&u);
	person.alternate_name = unpack_short(&u);
	person.internet_address = unpack_short(&u);
	person.mail_server = unpack_short(&u);
	person.mail_file = unpack_short(&u);
	person.forward = unpack_short(&u);
	status = decode_passwords(&u, arena, &person);
	if (status != NOERROR)
		return status;
	if (u.bad || version != RECORD_VERSION || kind > DOCUMENT_LOCAL)
		return POSTIL_ERR_DAMAGED;
	memcpy(person.unid.octets, unid.p, UNID_OCTETS);
	*person_r = person;
	*kind_r = (enum document_kind)kind;
	*by_r = (unsigned)by;
	return NOERROR;
}

STATUS group_encode(const struct directory_group *group, struct buf *out)
{
	pack_number(out, (uint64_t)group->type, 1);
	pack_slice(out, group->name);
	pack_slice(out, group->key);
	return buf_status(out);
}

STATUS group_decode(struct slice record, struct directory_group *group_r)
{
	struct unpack u = { .rest = record };

	group_r->type = (int)unpack_number(&u, 1);
	group_r->name = unpack_slice(&u);
	group_r->key = unpack_slice(&u);
	return u.bad || group_r->type > GROUP_TYPE_MAX ? POSTIL_ERR_DAMAGED : NOERROR;
}
