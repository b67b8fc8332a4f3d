/* Two hash tables over one list: by UIDL and by digest. UIDLs come from files of
 * other servers; the hash has a random key, so that no file can make chains long. */
#include "mailfile/known.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"

#define NONE UINT32_MAX

struct entry {
	size_t place;           /* of the UIDL in text */
	uint32_t next_uidl, next_digest;
	uint8_t digest[MAILDROP_DIGEST_OCTETS];
	uint8_t n;              /* octets of the UIDL */
	bool live;              /* the message is there */
	bool taken;             /* a message of the import was found to be this one */
};

struct known {
	struct buf text;
	struct entry *entries;
	uint32_t count, room;
	uint32_t *by_uidl, *by_digest;  /* first of each chain; slots of each */
	uint32_t slots;                 /* a power of two */
	uint64_t key;
};

STATUS known_new(struct known **known_r)
{
	struct known *known = calloc(1, sizeof(*known));
	STATUS status = known == NULL ? POSTIL_ERR_MEMORY
	                              : crypt_random(&known->key, sizeof(known->key));

	if (status != NOERROR) {
		free(known);
		return status;
	}
	buf_init(&known->text, 0);
	*known_r = known;
	return NOERROR;
}

void known_free(struct known **known)
{
	if (*known == NULL)
		return;
	buf_release(&(*known)->text);
	free((*known)->entries);
	free((*known)->by_uidl);
	free((*known)->by_digest);
	free(*known);
	*known = NULL;
}

/* Multiplied and folded, eight octets at a time; both factors depend on the key. */
static uint32_t hash(const struct known *known, const void *p, size_t n)
{
	const unsigned char *octets = p;
	uint64_t h = known->key ^ n;

	while (n > 0) {
		uint64_t word = 0;
		size_t part = n < 8 ? n : 8;

		memcpy(&word, octets, part);
		h = (h ^ word) * (known->key | 1);
		h ^= h >> 29;
		h *= 0xBF58476D1CE4E5B9u;
		h ^= h >> 32;
		octets += part;
		n -= part;
	}
	return (uint32_t)h & (known->slots - 1);
}

static struct slice uidl_of(const struct known *known, const struct entry *e)
{
	return (struct slice){ known->text.p + e->place, e->n };
}

static void chain(struct known *known, uint32_t index)
{
	struct entry *e = &known->entries[index];
	uint32_t *first = &known->by_uidl[hash(known, known->text.p + e->place, e->n)];

	e->next_uidl = *first;
	*first = index;
	first = &known->by_digest[hash(known, e->digest, sizeof(e->digest))];
	e->next_digest = *first;
	*first = index;
}

static STATUS grow(struct known *known)
{
	uint32_t room = known->room == 0 ? 1024 : known->room * 2;
	struct entry *entries = realloc(known->entries, room * sizeof(*entries));
	uint32_t *by_uidl = malloc(room * sizeof(*by_uidl));
	uint32_t *by_digest = malloc(room * sizeof(*by_digest));

	if (entries != NULL)
		known->entries = entries;
	if (entries == NULL || by_uidl == NULL || by_digest == NULL || room >= NONE / 2) {
		free(by_uidl);
		free(by_digest);
		return POSTIL_ERR_MEMORY;
	}
	free(known->by_uidl);
	free(known->by_digest);
	known->by_uidl = by_uidl;
	known->by_digest = by_digest;
	known->room = known->slots = room;
	for (uint32_t i = 0; i < room; i++)
		by_uidl[i] = by_digest[i] = NONE;
	for (uint32_t i = 0; i < known->count; i++)
		chain(known, i);
	return NOERROR;
}

static STATUS add(struct known *known, struct slice uidl, const uint8_t *digest, bool live,
                  bool taken)
{
	struct entry *e;
	STATUS status = known->count == known->room ? grow(known) : NOERROR;

	if (status != NOERROR || uidl.n > MAILDROP_UIDL_MAX)
		return status;
	e = &known->entries[known->count];
	*e = (struct entry){ .place = known->text.n, .n = (uint8_t)uidl.n, .live = live,
	                     .taken = taken };
	memcpy(e->digest, digest, sizeof(e->digest));
	buf_add_slice(&known->text, uidl);
	if (buf_status(&known->text) != NOERROR)
		return buf_status(&known->text);
	chain(known, known->count++);
	return NOERROR;
}

STATUS known_add(struct known *known, const struct maildrop_known *entry)
{
	return add(known, entry->uidl, entry->digest, entry->live, false);
}

static struct entry *find_uidl(struct known *known, struct slice uidl)
{
	uint32_t i = known->slots == 0 ? NONE : known->by_uidl[hash(known, uidl.p, uidl.n)];

	while (i != NONE && !slice_equal(uidl_of(known, &known->entries[i]), uidl))
		i = known->entries[i].next_uidl;
	return i == NONE ? NULL : &known->entries[i];
}

/* A message with these octets that is there and not yet taken. */
static bool take_same(struct known *known, const uint8_t *digest)
{
	uint32_t i = known->slots == 0 ? NONE
	             : known->by_digest[hash(known, digest, MAILDROP_DIGEST_OCTETS)];

	for (; i != NONE; i = known->entries[i].next_digest) {
		struct entry *e = &known->entries[i];

		if (e->live && !e->taken && memcmp(e->digest, digest, sizeof(e->digest)) == 0)
			return e->taken = true;
	}
	return false;
}

STATUS known_judge(struct known *known, struct slice uidl,
                   const uint8_t digest[MAILDROP_DIGEST_OCTETS], enum known_verdict *verdict_r)
{
	struct entry *e = uidl.n != 0 ? find_uidl(known, uidl) : NULL;

	*verdict_r = KNOWN_NEW;
	if (e != NULL && memcmp(e->digest, digest, sizeof(e->digest)) == 0) {
		*verdict_r = e->live ? KNOWN_PRESENT : KNOWN_NEW;
		e->live = e->taken = true;
		return NOERROR;
	}
	if (e != NULL || uidl.n == 0) {
		if (take_same(known, digest))
			*verdict_r = KNOWN_PRESENT;
		else if (e != NULL)
			*verdict_r = KNOWN_CLASH;
		return NOERROR;
	}
	return add(known, uidl, digest, true, true);
}
