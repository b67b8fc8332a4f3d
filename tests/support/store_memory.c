/* A mail store in memory: the second implementation of the contract. */
#include "tests/support/stores.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/message.h"

struct letter {
	struct maildrop_message info;
	char uidl[MAILDROP_UIDL_MAX];
	char *octets;
	struct letter *second;          /* the form for clients without UTF8; NULL: the same */
	bool read;
	unsigned users;                 /* the mail file, and maildrops */
};

/* What a deleted message was, so that the same octets get its UIDL again. */
struct departed {
	struct departed *next;
	char uidl[MAILDROP_UIDL_MAX];
	size_t uidl_length, size;
	char *octets;
};

struct mail_file {
	struct mail_file *next;
	char *path;
	bool in_use, removed;
	uint64_t epoch;
	struct letter **letters;
	size_t count, room;
	struct departed *departed;
	struct buf acl;                 /* encoded; empty: neither list nor owner yet */
};

struct memory_store {
	struct mail_store base;
	pthread_mutex_t mutex;          /* over everything below */
	struct mail_file *files;
	uint64_t last_uidl;
	unsigned drops;
};

struct memory_drop {
	struct maildrop base;
	struct memory_store *store;
	struct mail_file *file;
	bool locked, utf8;
	uint32_t count;
	uint64_t octets;
	struct letter **letters;
};

static void letter_let_go(struct letter *letter)
{
	if (--letter->users > 0)
		return;
	if (letter->second != NULL)
		letter_let_go(letter->second);
	free(letter->octets);
	free(letter);
}

/* As this maildrop's client gets it. */
static const struct letter *letter_form(const struct memory_drop *drop, uint32_t index)
{
	const struct letter *letter = drop->letters[index];

	return drop->utf8 || letter->second == NULL ? letter : letter->second;
}

static struct mail_file *file_find(struct memory_store *store, const char *path)
{
	struct mail_file *file = store->files;

	while (file != NULL && (file->removed || strcmp(file->path, path) != 0))
		file = file->next;
	return file;
}

static STATUS file_own(struct mail_file *file, struct slice owner)
{
	struct arena arena = ARENA_INIT;
	struct acl acl;
	STATUS status = owner.n == 0 ? NOERROR : acl_default(owner, &arena, &acl);

	if (status == NOERROR && owner.n > 0)
		status = acl_encode(&acl, &file->acl);
	arena_release(&arena);
	return status;
}

static STATUS file_make(struct memory_store *store, const char *path,
                        struct slice owner, struct mail_file **file_r)
{
	struct mail_file *file = calloc(1, sizeof(*file));

	if (file == NULL || (file->path = strdup(path)) == NULL ||
	    file_own(file, owner) != NOERROR) {
		if (file != NULL)
			free(file->path);
		free(file);
		return POSTIL_ERR_MEMORY;
	}
	file->next = store->files;
	store->files = file;
	*file_r = file;
	return NOERROR;
}

/* May who read? A file without a list becomes his. */
static STATUS file_judge(struct mail_file *file, const struct acl_who *who, bool adopt,
                         struct acl_rights *rights_r)
{
	struct arena arena = ARENA_INIT;
	struct acl acl;
	STATUS status = NOERROR;

	*rights_r = (struct acl_rights){ ACL_MANAGER, true, true };
	if (who == NULL)
		return NOERROR;
	if (file->acl.n == 0 && adopt)
		status = file_own(file, who->name);
	if (status == NOERROR && file->acl.n > 0) {
		status = acl_decode(buf_slice(&file->acl), &arena, &acl);
		if (status == NOERROR)
			acl_evaluate(&acl, who, rights_r);
	}
	arena_release(&arena);
	return status == NOERROR && !rights_r->may_read ? POSTIL_ERR_NOACCESS : status;
}

static STATUS memory_open(struct mail_store *base, const char *path,
                          const struct maildrop_options *options,
                          struct maildrop **drop_r, uint64_t *epoch_r, struct fault *fault)
{
	struct memory_store *store = (struct memory_store *)base;
	bool look_only = options != NULL && options->look_only;
	struct memory_drop *drop = calloc(1, sizeof(*drop));
	const struct acl_who *who = options != NULL ? options->who : NULL;
	struct acl_rights rights;
	struct mail_file *file;
	STATUS status = POSTIL_ERR_NOEXIST;

	if (drop == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "out of memory");
	pthread_mutex_lock(&store->mutex);
	file = file_find(store, path);
	if (file != NULL)
		status = file_judge(file, who, !look_only && !file->in_use, &rights);
	if (status == NOERROR && file->in_use && !look_only)
		status = POSTIL_ERR_IN_USE;
	if (status == NOERROR) {
		*drop = (struct memory_drop){ .base = { base->calls, rights }, .store = store,
		                              .file = file, .locked = !look_only,
		                              .utf8 = options != NULL && options->utf8 };
		drop->letters = calloc(file->count + 1, sizeof(struct letter *));
		for (size_t i = 0; i < file->count; i++) {
			struct letter *letter = file->letters[i];

			if (options != NULL && options->unread_only && letter->read)
				continue;
			letter->users++;
			drop->letters[drop->count++] = letter;
			drop->octets += letter_form(drop, drop->count - 1)->info.size_octets;
		}
		file->in_use |= drop->locked;
		*epoch_r = drop->locked ? ++file->epoch : file->epoch;
		store->drops++;
	}
	pthread_mutex_unlock(&store->mutex);
	if (status != NOERROR) {
		free(drop);
		return fault_set(fault, status, "%s: %s", path, status_text(status));
	}
	*drop_r = &drop->base;
	return NOERROR;
}

static void memory_close(struct maildrop **base)
{
	struct memory_drop *drop = (struct memory_drop *)*base;
	struct memory_store *store;

	if (drop == NULL)
		return;
	store = drop->store;
	pthread_mutex_lock(&store->mutex);
	for (uint32_t i = 0; i < drop->count; i++)
		letter_let_go(drop->letters[i]);
	if (drop->locked)
		drop->file->in_use = false;
	store->drops--;
	pthread_mutex_unlock(&store->mutex);
	free(drop->letters);
	free(drop);
	*base = NULL;
}

static void memory_stat(const struct maildrop *base, uint32_t *count_r, uint64_t *octets_r)
{
	const struct memory_drop *drop = (const struct memory_drop *)base;

	*count_r = drop->count;
	*octets_r = drop->octets;
}

static void memory_message(const struct maildrop *base, uint32_t index,
                           struct maildrop_message *message_r)
{
	*message_r = letter_form((const struct memory_drop *)base, index)->info;
}

static size_t memory_memory(const struct maildrop *base)
{
	return sizeof(struct memory_drop)
	       + ((const struct memory_drop *)base)->count * sizeof(struct letter *);
}

static STATUS memory_read(struct maildrop *base, uint32_t index, uint64_t offset, void *out,
                          size_t size, size_t *got_r, struct fault *fault)
{
	const struct letter *letter = letter_form((struct memory_drop *)base, index);
	uint64_t left = offset < letter->info.size_octets ? letter->info.size_octets - offset : 0;

	*got_r = size < left ? size : (size_t)left;
	if (*got_r != 0)
		memcpy(out, letter->octets + offset, *got_r);
	return NOERROR;
}

static void remember(struct mail_file *file, const struct letter *letter)
{
	struct departed *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return;
	d->size = (size_t)letter->info.size_octets;
	d->octets = malloc(d->size);
	if (d->octets == NULL) {
		free(d);
		return;
	}
	memcpy(d->octets, letter->octets, d->size);
	memcpy(d->uidl, letter->uidl, sizeof(d->uidl));
	d->uidl_length = letter->info.uidl.n;
	d->next = file->departed;
	file->departed = d;
}

static void file_take_out(struct mail_file *file, const struct letter *letter)
{
	for (size_t i = 0; i < file->count; i++)
		if (file->letters[i] == letter) {
			remember(file, letter);
			letter_let_go(file->letters[i]);
			memmove(file->letters + i, file->letters + i + 1,
			        (--file->count - i) * sizeof(struct letter *));
			return;
		}
}

static STATUS memory_commit(struct maildrop *base, const uint32_t *deleted,
                            size_t deleted_count, const uint32_t *read, size_t read_count,
                            struct fault *fault)
{
	struct memory_drop *drop = (struct memory_drop *)base;

	if (!drop->locked)
		return fault_set(fault, POSTIL_ERR_INVALID, "opened to look only");
	if (drop->file->removed)
		return fault_set(fault, POSTIL_ERR_LOCK_LOST, "%s was removed", drop->file->path);
	if (deleted_count > 0 && !base->rights.may_delete)
		return fault_set(fault, POSTIL_ERR_NOACCESS, "no right to delete");
	pthread_mutex_lock(&drop->store->mutex);
	for (size_t i = 0; i < read_count; i++)
		drop->letters[read[i]]->read = true;
	for (size_t i = 0; i < deleted_count; i++)
		file_take_out(drop->file, drop->letters[deleted[i]]);
	pthread_mutex_unlock(&drop->store->mutex);
	return NOERROR;
}

/* --- delivery ---------------------------------------------------------------------- */

static bool uidl_is_taken(const struct mail_file *file, struct slice uidl)
{
	for (size_t i = 0; i < file->count && uidl.n != 0; i++)
		if (slice_equal(file->letters[i]->info.uidl, uidl))
			return true;
	return false;
}

/* A given one, or that of the same octets before, or the next of a row. */
static STATUS uidl_choose(struct memory_store *store, const struct mail_file *file,
                          const struct maildrop_delivery *d, struct letter *letter)
{
	struct slice *uidl = &letter->info.uidl;

	*uidl = (struct slice){ letter->uidl, d->uidl.n };
	if (d->uidl.n > MAILDROP_UIDL_MAX)
		return POSTIL_ERR_INVALID;
	if (d->uidl.n != 0) {
		memcpy(letter->uidl, d->uidl.p, d->uidl.n);
		return NOERROR;
	}
	for (const struct departed *old = d->reuse_uidl ? file->departed : NULL; old != NULL;
	     old = old->next)
		if (old->size == d->size_octets && memcmp(old->octets, letter->octets, old->size) == 0
		    && !uidl_is_taken(file, (struct slice){ old->uidl, old->uidl_length })) {
			memcpy(letter->uidl, old->uidl, old->uidl_length);
			uidl->n = old->uidl_length;
			return NOERROR;
		}
	uidl->n = (size_t)snprintf(letter->uidl, sizeof(letter->uidl), "memory%016llx",
	                           (unsigned long long)++store->last_uidl);
	return NOERROR;
}

static STATUS letter_make(struct memory_store *store, struct mail_file *file,
                          const struct maildrop_delivery *d, struct letter **letter_r)
{
	struct letter *letter = calloc(1, sizeof(*letter));
	size_t size = (size_t)d->size_octets;
	STATUS status = POSTIL_ERR_MEMORY;

	if (letter == NULL)
		return status;
	letter->users = 1;
	letter->read = d->read;
	letter->octets = malloc(size + 1);
	if (letter->octets != NULL)
		status = d->body(d->context, 0, letter->octets, size);
	letter->info = (struct maildrop_message){ d->size_octets, d->header_octets,
		d->has_dot_line, { letter->uidl, 0 }, d->needs_utf8 };
	if (status == NOERROR)
		status = uidl_choose(store, file, d, letter);
	if (status == NOERROR && d->second != NULL) {
		struct maildrop_delivery second = *d->second;

		second.uidl = SLICE_LIT("");
		second.second = NULL;
		status = letter_make(store, file, &second, &letter->second);
	}
	if (status != NOERROR)
		letter_let_go(letter);
	else
		*letter_r = letter;
	return status;
}

static STATUS letter_add(struct memory_store *store, struct mail_file *file,
                         const struct maildrop_delivery *d)
{
	struct letter *letter;
	STATUS status;

	if (uidl_is_taken(file, d->uidl))
		return POSTIL_ERR_EXISTS;
	if (file->count == file->room) {
		size_t room = file->room == 0 ? 16 : file->room * 2;
		struct letter **letters = realloc(file->letters, room * sizeof(*letters));

		if (letters == NULL)
			return POSTIL_ERR_MEMORY;
		file->letters = letters;
		file->room = room;
	}
	status = letter_make(store, file, d, &letter);
	if (status == NOERROR)
		file->letters[file->count++] = letter;
	return status;
}

static STATUS memory_deliver(struct mail_store *base, const char *path, bool make,
                             struct slice owner, const struct maildrop_delivery *messages,
                             size_t count, struct fault *fault)
{
	struct memory_store *store = (struct memory_store *)base;
	struct mail_file *file;
	STATUS status = NOERROR;
	size_t before;

	pthread_mutex_lock(&store->mutex);
	file = file_find(store, path);
	if (file == NULL)
		status = make ? file_make(store, path, owner, &file) : POSTIL_ERR_NOEXIST;
	if (status == NOERROR) {
		before = file->count;
		for (size_t i = 0; i < count && status == NOERROR; i++)
			status = letter_add(store, file, &messages[i]);
		while (status != NOERROR && file->count > before)
			letter_let_go(file->letters[--file->count]);
	}
	pthread_mutex_unlock(&store->mutex);
	return status == NOERROR ? NOERROR : fault_set(fault, status, "%s: %s", path,
	                                               status_text(status));
}

static STATUS memory_create(struct mail_store *base, const char *path, struct slice owner,
                            struct fault *fault)
{
	struct memory_store *store = (struct memory_store *)base;
	struct mail_file *file;
	STATUS status = POSTIL_ERR_EXISTS;

	pthread_mutex_lock(&store->mutex);
	if (file_find(store, path) == NULL)
		status = file_make(store, path, owner, &file);
	pthread_mutex_unlock(&store->mutex);
	return status == NOERROR ? NOERROR : fault_set(fault, status, "%s: %s", path,
	                                               status_text(status));
}

static void file_empty(struct mail_file *file)
{
	while (file->departed != NULL) {
		struct departed *old = file->departed;

		file->departed = old->next;
		free(old->octets);
		free(old);
	}
	while (file->count > 0)
		letter_let_go(file->letters[--file->count]);
}

static STATUS memory_remove(struct mail_store *base, const char *path, struct fault *fault)
{
	struct memory_store *store = (struct memory_store *)base;
	struct mail_file *file;
	STATUS status = NOERROR;

	pthread_mutex_lock(&store->mutex);
	file = file_find(store, path);
	if (file == NULL)
		status = POSTIL_ERR_NOEXIST;
	else if (file->in_use)
		status = POSTIL_ERR_IN_USE;
	if (status == NOERROR) {
		file_empty(file);
		file->removed = true;
	}
	pthread_mutex_unlock(&store->mutex);
	return status == NOERROR ? NOERROR : fault_set(fault, status, "%s: %s", path,
	                                               status_text(status));
}

static STATUS memory_acl_get(struct mail_store *base, const char *path, struct buf *encoded_r,
                             struct fault *fault)
{
	struct memory_store *store = (struct memory_store *)base;
	struct mail_file *file;
	STATUS status = POSTIL_ERR_NOEXIST;

	pthread_mutex_lock(&store->mutex);
	file = file_find(store, path);
	if (file != NULL && file->acl.n > 0) {
		buf_add_slice(encoded_r, buf_slice(&file->acl));
		status = buf_status(encoded_r);
	} else if (file != NULL) {
		status = acl_encode(&(struct acl){ .max_internet = ACL_EDITOR }, encoded_r);
	}
	pthread_mutex_unlock(&store->mutex);
	return status == NOERROR ? NOERROR : fault_set(fault, status, "%s: %s", path,
	                                               status_text(status));
}

static STATUS memory_acl_set(struct mail_store *base, const char *path, const struct acl *acl,
                             struct fault *fault)
{
	struct memory_store *store = (struct memory_store *)base;
	struct mail_file *file;
	STATUS status = POSTIL_ERR_NOEXIST;

	pthread_mutex_lock(&store->mutex);
	file = file_find(store, path);
	if (file != NULL) {
		buf_clear(&file->acl);
		status = acl_encode(acl, &file->acl);
	}
	pthread_mutex_unlock(&store->mutex);
	return status == NOERROR ? NOERROR : fault_set(fault, status, "%s: %s", path,
	                                               status_text(status));
}

static void memory_free(struct mail_store **base)
{
	struct memory_store *store = (struct memory_store *)*base;

	if (store == NULL)
		return;
	while (store->files != NULL) {
		struct mail_file *file = store->files;

		store->files = file->next;
		file_empty(file);
		free(file->letters);
		buf_release(&file->acl);
		free(file->path);
		free(file);
	}
	pthread_mutex_destroy(&store->mutex);
	free(store);
	*base = NULL;
}

static const struct maildrop_store_calls memory_calls = {
	.version = 1, .name = "memory",
	.open = memory_open, .close = memory_close, .stat = memory_stat,
	.message = memory_message, .memory = memory_memory, .read = memory_read,
	.commit = memory_commit, .deliver = memory_deliver, .create = memory_create,
	.remove = memory_remove, .acl_get = memory_acl_get, .acl_set = memory_acl_set,
	.free = memory_free,
};

STATUS store_memory_new(struct mail_store **store_r)
{
	struct memory_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return POSTIL_ERR_MEMORY;
	store->base.calls = &memory_calls;
	pthread_mutex_init(&store->mutex, NULL);
	*store_r = &store->base;
	return NOERROR;
}

static STATUS put(struct mail_store *store, const char *path, const char *text, size_t n,
                  const char *uidl, bool smtputf8)
{
	struct intake_options options = { .smtputf8 = smtputf8 };
	struct maildrop_delivery delivery;
	struct intake *intake;
	STATUS status = intake_new(&options, &intake);

	if (status != NOERROR)
		return status;
	status = intake_add(intake, text, n);
	if (status == NOERROR)
		status = intake_finish(intake, &delivery);
	if (status == NOERROR) {
		delivery.uidl = slice_of(uidl);
		status = store->calls->deliver(store, path, true, SLICE_LIT("CN=Test/O=Postil"),
		                               &delivery, 1, NULL);
	}
	intake_free(&intake);
	return status;
}

STATUS store_put(struct mail_store *store, const char *path, const char *text, size_t n,
                 const char *uidl)
{
	return put(store, path, text, n, uidl, false);
}

STATUS store_put_utf8(struct mail_store *store, const char *path, const char *text, size_t n)
{
	return put(store, path, text, n, NULL, true);
}
