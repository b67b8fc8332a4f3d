/* From a certificate to a person. What it says is distrusted; see the header. */
#include "addin/pop3/certificate.h"

#include <string.h>

static STATUS copy_all(struct slice *to, const struct slice *from, size_t count,
                       struct arena *arena)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < count && status == NOERROR; i++)
		status = arena_copy(arena, from[i], &to[i]);
	return status;
}

STATUS certificate_copy(const struct tls_peer *peer, struct arena *arena, struct tls_peer *copy_r)
{
	struct tls_peer copy = *peer;
	STATUS status = copy_all(copy.names, peer->names, peer->name_count, arena);

	if (status == NOERROR)
		status = copy_all(copy.addresses, peer->addresses, peer->address_count, arena);
	if (status == NOERROR)
		status = copy_all(&copy.public_key, &peer->public_key, 1, arena);
	if (status == NOERROR)
		status = copy_all(&copy.subject, &peer->subject, 1, arena);
	if (status == NOERROR)
		*copy_r = copy;
	return status;
}

struct search {
	struct directory *directory;
	const struct tls_peer *peer;
	struct arena *arena;
	const struct person *owner;
	bool named, several;            /* somebody has the name; more than one has it and the key */
	bool crowded;                   /* more have the name than are looked at */
};

typedef STATUS finder(struct directory *directory, struct slice name, struct arena *arena,
                      const struct person **persons_r, size_t *count_r);

static bool has_key(const struct person *person, struct slice key)
{
	for (size_t i = 0; i < person->certificate_count; i++)
		if (tls_key_equal(key, person->certificates[i]))
			return true;
	return false;
}

static void consider(struct search *search, const struct person *person)
{
	search->named = true;
	if (!has_key(person, search->peer->public_key))
		return;
	if (search->owner == NULL)
		search->owner = person;
	else if (memcmp(&search->owner->unid, &person->unid, sizeof(person->unid)) != 0)
		search->several = true;
}

static STATUS look(struct search *search, finder *find, const struct slice *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct person *persons = NULL;
		size_t found = 0;
		STATUS status = find(search->directory, names[i], search->arena, &persons, &found);

		if (status == POSTIL_ERR_AMBIGUOUS)
			search->crowded = true;
		else if (status != NOERROR && status != POSTIL_ERR_INVALID)
			return status;
		for (size_t k = 0; k < found; k++)
			consider(search, &persons[k]);
	}
	return NOERROR;
}

STATUS certificate_owner(struct directory *directory, const struct tls_peer *peer,
                         bool address_names, struct arena *arena,
                         const struct person **owner_r, const char **why_r)
{
	struct search search = { .directory = directory, .peer = peer, .arena = arena };
	bool addresses = address_names && peer->address_count > 0;
	STATUS status = look(&search, directory_find_subject, peer->names, peer->name_count);

	if (status == NOERROR && addresses)
		status = look(&search, directory_find_address, peer->addresses, peer->address_count);
	if (status != NOERROR)
		return status;
	*owner_r = search.several ? NULL : search.owner;
	*why_r = NULL;
	if (search.several)
		*why_r = "several persons have its name and its key";
	else if (search.owner != NULL)
		return NOERROR;
	else if (search.named)
		*why_r = "no person of its name has its key among the certificates in the Person document";
	else if (search.crowded)
		*why_r = "more persons have its name than are looked at";
	else if (peer->name_count == 0 && !addresses)
		*why_r = "there is no usable name in it";
	else
		*why_r = "no person has its name";
	return NOERROR;
}
