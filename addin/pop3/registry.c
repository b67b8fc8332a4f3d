/* Open maildrops in a hash table by person. Input: names of persons who have
 * proved their password, so collisions are not an attacker's to choose. */
#include "addin/pop3/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096

struct registry_entry {
	struct registry_entry *next, **back;
	uint64_t conn_id;
	uint32_t messages;
	bool open;
	uint16_t path_at, address_at;   /* where they begin in text */
	char text[];                    /* person, path, address, each with its NUL */
};

struct registry {
	pthread_mutex_t mutex;
	struct registry_entry *buckets[BUCKETS];
};

STATUS registry_new(struct registry **registry_r)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return POSTIL_ERR_MEMORY;
	pthread_mutex_init(&r->mutex, NULL);
	*registry_r = r;
	return NOERROR;
}

void registry_free(struct registry **registry)
{
	struct registry *r = *registry;

	if (r == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (r->buckets[i] != NULL) {
			struct registry_entry *entry = r->buckets[i];

			r->buckets[i] = entry->next;
			free(entry);
		}
	pthread_mutex_destroy(&r->mutex);
	free(r);
	*registry = NULL;
}

static struct registry_entry **bucket_of(struct registry *r, struct slice person)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < person.n; i++)
		hash = (hash ^ (unsigned char)person.p[i]) * 16777619u;
	return &r->buckets[hash % BUCKETS];
}

static struct registry_entry *entry_new(struct slice person, const char *path,
                                        const char *address)
{
	size_t path_size = strlen(path) + 1, address_size = strlen(address) + 1;
	struct registry_entry *entry;

	if (person.n + 1 + path_size > UINT16_MAX)
		return NULL;
	entry = calloc(1, sizeof(*entry) + person.n + 1 + path_size + address_size);
	if (entry == NULL)
		return NULL;
	entry->path_at = (uint16_t)(person.n + 1);
	entry->address_at = (uint16_t)(person.n + 1 + path_size);
	memcpy(entry->text, person.p, person.n);
	memcpy(entry->text + entry->path_at, path, path_size);
	memcpy(entry->text + entry->address_at, address, address_size);
	return entry;
}

static unsigned count_person(const struct registry_entry *entry, struct slice person)
{
	unsigned count = 0;

	for (; entry != NULL; entry = entry->next)
		if (slice_equal(slice_of(entry->text), person))
			count++;
	return count;
}

STATUS registry_add(struct registry *r, struct slice person, const char *path,
                    const char *address, uint64_t conn_id, unsigned most,
                    struct registry_entry **entry_r)
{
	struct registry_entry *entry = entry_new(person, path, address), **bucket;

	if (entry == NULL)
		return POSTIL_ERR_MEMORY;
	entry->conn_id = conn_id;
	bucket = bucket_of(r, person);
	pthread_mutex_lock(&r->mutex);
	if (count_person(*bucket, person) >= most) {
		pthread_mutex_unlock(&r->mutex);
		free(entry);
		return POSTIL_ERR_LIMIT;
	}
	entry->next = *bucket;
	entry->back = bucket;
	if (entry->next != NULL)
		entry->next->back = &entry->next;
	*bucket = entry;
	pthread_mutex_unlock(&r->mutex);
	*entry_r = entry;
	return NOERROR;
}

void registry_open(struct registry *r, struct registry_entry *entry, uint32_t messages)
{
	pthread_mutex_lock(&r->mutex);
	entry->open = true;
	entry->messages = messages;
	pthread_mutex_unlock(&r->mutex);
}

void registry_remove(struct registry *r, struct registry_entry **entry_p)
{
	struct registry_entry *entry = *entry_p;

	if (entry == NULL)
		return;
	pthread_mutex_lock(&r->mutex);
	*entry->back = entry->next;
	if (entry->next != NULL)
		entry->next->back = entry->back;
	pthread_mutex_unlock(&r->mutex);
	free(entry);
	*entry_p = NULL;
}

const char *registry_path(const struct registry_entry *entry)
{
	return entry->text + entry->path_at;
}

const char *registry_person(const struct registry_entry *entry)
{
	return entry->text;
}

/* Rare (a second login on one maildrop), so all of the table is looked at: the
 * holder may be another person with the same mail file. */
bool registry_holder(struct registry *r, const char *path, const char *address,
                     uint64_t *conn_id_r)
{
	bool found = false;

	pthread_mutex_lock(&r->mutex);
	for (size_t i = 0; !found && i < BUCKETS; i++)
		for (struct registry_entry *e = r->buckets[i]; !found && e != NULL; e = e->next)
			if (e->open && strcmp(e->text + e->path_at, path) == 0 &&
			    strcmp(e->text + e->address_at, address) == 0) {
				*conn_id_r = e->conn_id;
				found = true;
			}
	pthread_mutex_unlock(&r->mutex);
	return found;
}

void registry_each(struct registry *r, void (*each)(void *context, uint64_t conn_id,
                   const char *person, uint32_t messages), void *context)
{
	pthread_mutex_lock(&r->mutex);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct registry_entry *e = r->buckets[i]; e != NULL; e = e->next)
			if (e->open)
				each(context, e->conn_id, e->text, e->messages);
	pthread_mutex_unlock(&r->mutex);
}
