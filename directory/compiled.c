/*
 * The source that directory_compile makes: names.nsf. A few database handles are
 * shared by all threads of a task; each question takes one for its few
 * microseconds. The file may be made, replaced or removed at any time: its
 * identity is looked at before each question, and handles of another file are
 * dropped. Records are distrusted.
 */
#include "directory/source.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypt.h"
#include "base/text.h"
#include "directory/certificates.h"
#include "directory/documents.h"
#include "directory/pack.h"
#include "directory/private.h"

#include "base/banned.h"

#define HANDLES_MAX 2           /* look-ups last microseconds; each handle costs memory */
#define CACHE_OCTETS 1000000    /* of a handle: the upper levels of a large $Users */

struct handle {
	struct nsf *nsf;
	uint64_t epoch;
};

/* What a compilation leaves as its mark. */
struct version {
	uint64_t generation;
	uint32_t costliest_rounds;
};

struct compiled {
	struct directory_source source;
	char *path;
	pthread_mutex_t mutex;  /* over all below */
	pthread_cond_t given_back;
	dev_t dev;
	ino_t ino;
	uint64_t epoch;         /* grows when the file becomes another */
	struct handle idle[HANDLES_MAX];
	size_t idle_count, out_count;

	struct nsf_lock *lock;  /* for the stamp */
	struct nsf_stamp stamp;
	struct version version; /* at that stamp */
};

/* --- handles --------------------------------------------------------------- */

static void drop_idle(struct compiled *c)
{
	while (c->idle_count > 0)
		nsf_close(&c->idle[--c->idle_count].nsf);
	nsf_lock_close(&c->lock);
	memset(&c->stamp, 0, sizeof(c->stamp));
}

/* Which file is there now? An open handle keeps its inode number from being
 * given to another file, so equal numbers mean the same file. */
static STATUS notice(struct compiled *c)
{
	struct stat st;

	if (stat(c->path, &st) != 0) {
		drop_idle(c);
		c->epoch++;
		c->dev = 0;
		c->ino = 0;
		return errno == ENOENT || errno == ENOTDIR ? POSTIL_ERR_NOEXIST
		       : errno == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO;
	}
	if (st.st_dev != c->dev || st.st_ino != c->ino) {
		drop_idle(c);
		c->epoch++;
		c->dev = st.st_dev;
		c->ino = st.st_ino;
	}
	return NOERROR;
}

static STATUS take(struct compiled *c, struct handle *handle_r)
{
	STATUS status;

	pthread_mutex_lock(&c->mutex);
	while (c->idle_count == 0 && c->out_count >= HANDLES_MAX)
		pthread_cond_wait(&c->given_back, &c->mutex);
	status = notice(c);
	handle_r->nsf = NULL;
	handle_r->epoch = c->epoch;
	if (status == NOERROR) {
		c->out_count++;
		if (c->idle_count > 0)
			*handle_r = c->idle[--c->idle_count];
	}
	pthread_mutex_unlock(&c->mutex);
	if (status != NOERROR || handle_r->nsf != NULL)
		return status;
	status = nsf_open(c->path, &handle_r->nsf, NULL);
	if (status == NOERROR)
		nsf_set_cache(handle_r->nsf, CACHE_OCTETS);
	if (status != NOERROR) {
		pthread_mutex_lock(&c->mutex);
		c->out_count--;
		pthread_cond_signal(&c->given_back);
		pthread_mutex_unlock(&c->mutex);
	}
	return status;
}

/* result: what the question came to; after trouble with the file the handle is not kept. */
static STATUS give_back(struct compiled *c, struct handle *handle, STATUS result)
{
	bool keep = result == NOERROR || result == POSTIL_ERR_AMBIGUOUS ||
	            result == POSTIL_ERR_DELETED || result == POSTIL_ERR_NOT_FOUND;

	pthread_mutex_lock(&c->mutex);
	c->out_count--;
	if (keep && handle->epoch == c->epoch) {
		c->idle[c->idle_count++] = *handle;
		handle->nsf = NULL;
	}
	pthread_cond_signal(&c->given_back);
	pthread_mutex_unlock(&c->mutex);
	nsf_close(&handle->nsf);
	return result;
}

/* --- users ----------------------------------------------------------------- */

struct users_call {
	struct arena *arena;
	STATUS (*each)(void *context, enum directory_user_kind kind, const struct person *person);
	void *context;
};

static STATUS call_user(void *context, uint64_t note_id, struct slice record)
{
	const struct users_call *call = context;
	struct person person;
	enum document_kind kind;
	unsigned by;
	STATUS status = record_decode(record, call->arena, &person, &kind, &by);

	if (status != NOERROR)
		return status;
	if (kind != DOCUMENT_PERSON && kind != DOCUMENT_MAILIN)
		return POSTIL_ERR_DAMAGED;
	return call->each(call->context, kind == DOCUMENT_PERSON ? DIRECTORY_PERSON : DIRECTORY_MAILIN,
	                  &person);
}

/* With more, names that count only then stand right behind the others: one look finds both. */
static STATUS find_users(struct nsf *nsf, struct slice key, bool more,
                         STATUS (*each)(void *context, uint64_t note_id, struct slice record),
                         void *context)
{
	struct buf last = BUF_INIT;
	STATUS status;

	if (!more)
		return nsf_view_find(nsf, VIEW_USERS, key, each, context);
	buf_add_slice(&last, key);
	buf_add(&last, MORE_SUFFIX, MORE_SUFFIX_OCTETS);
	status = buf_status(&last);
	if (status == NOERROR)
		status = nsf_view_range(nsf, VIEW_USERS, key, buf_slice(&last), each, context);
	buf_release(&last);
	return status;
}

static STATUS users(struct directory_source *source, struct slice key, bool more,
                    struct arena *arena,
                    STATUS (*each)(void *context, enum directory_user_kind kind,
                                   const struct person *person), void *context)
{
	struct compiled *c = (struct compiled *)source;
	struct users_call call = { arena, each, context };
	struct handle handle;
	STATUS status = take(c, &handle);

	return status != NOERROR ? status
	       : give_back(c, &handle, find_users(handle.nsf, key, more, call_user, &call));
}

/* --- persons, with certificates --------------------------------------------- */

struct persons_call {
	struct nsf *nsf;
	enum directory_by by;
	struct arena *arena;
	STATUS (*each)(void *context, enum directory_user_kind kind, const struct person *person);
	void *context;
};

struct certificates_call {
	struct arena *arena;
	struct person *person;
};

static STATUS take_certificates(void *context, uint64_t note_id, struct slice record)
{
	const struct certificates_call *call = context;

	return certificates_decode(record, call->arena, call->person);
}

static STATUS call_person(void *context, uint64_t note_id, struct slice record)
{
	const struct persons_call *call = context;
	struct person person;
	struct certificates_call certificates = { call->arena, &person };
	enum document_kind kind;
	unsigned by;
	uint8_t key[8];
	STATUS status = record_decode(record, call->arena, &person, &kind, &by);

	if (status != NOERROR || kind != DOCUMENT_PERSON || !(by & call->by))
		return status;
	document_key(note_id, key);
	status = nsf_view_find(call->nsf, VIEW_CERTIFICATES,
	                       (struct slice){ (const char *)key, sizeof(key) }, take_certificates,
	                       &certificates);
	return status == NOERROR ? call->each(call->context, DIRECTORY_PERSON, &person) : status;
}

static STATUS persons(struct directory_source *source, struct slice key, enum directory_by by,
                      struct arena *arena,
                      STATUS (*each)(void *context, enum directory_user_kind kind,
                                     const struct person *person), void *context)
{
	struct compiled *c = (struct compiled *)source;
	struct persons_call call = { NULL, by, arena, each, context };
	struct handle handle;
	STATUS status = take(c, &handle);

	if (status != NOERROR)
		return status;
	call.nsf = handle.nsf;
	return give_back(c, &handle, find_users(handle.nsf, key, by == DIRECTORY_BY_SHORT_NAME,
	                                        call_person, &call));
}

/* --- groups ---------------------------------------------------------------- */

struct groups_call {
	STATUS (*each)(void *context, const struct directory_group *group);
	void *context;
};

static STATUS call_group(void *context, uint64_t note_id, struct slice record)
{
	const struct groups_call *call = context;
	struct directory_group group;
	STATUS status = group_decode(record, &group);

	return status == NOERROR ? call->each(call->context, &group) : status;
}

static STATUS groups_of(struct directory_source *source, struct slice key,
                        STATUS (*each)(void *context, const struct directory_group *group),
                        void *context)
{
	struct compiled *c = (struct compiled *)source;
	struct groups_call call = { each, context };
	struct handle handle;
	STATUS status = take(c, &handle);

	return status != NOERROR ? status
	       : give_back(c, &handle, nsf_view_find(handle.nsf, VIEW_MEMBERS, key, call_group,
	                                             &call));
}

/* --- documents ------------------------------------------------------------- */

struct documents_call {
	struct nsf *nsf;
	STATUS (*each)(void *context, const struct note *note, const char *file);
	void *context;
};

static STATUS call_document(void *context, uint64_t note_id, struct slice value)
{
	const struct documents_call *call = context;
	struct arena arena = ARENA_INIT;
	struct buf file = BUF_INIT;
	struct note note;
	STATUS status = nsf_note_get(call->nsf, note_id, &arena, &note);

	if (status == NOERROR)
		status = document_file(call->nsf, note_id, &file);
	if (status == NOERROR)
		status = call->each(call->context, &note, buf_cstr(&file));
	else if (status == POSTIL_ERR_DELETED)
		status = NOERROR;
	buf_release(&file);
	arena_release(&arena);
	return status;
}

static STATUS documents(struct directory_source *source, const char *form,
                        STATUS (*each)(void *context, const struct note *note,
                                       const char *file), void *context)
{
	struct compiled *c = (struct compiled *)source;
	struct documents_call call = { NULL, each, context };
	struct buf key = BUF_INIT;
	struct handle handle;
	STATUS status = text_fold(slice_of(form), &key);

	if (status == NOERROR)
		status = take(c, &handle);
	if (status == NOERROR) {
		call.nsf = handle.nsf;
		status = give_back(c, &handle, nsf_view_find(handle.nsf, VIEW_FORMS, buf_slice(&key),
		                                             call_document, &call));
	}
	buf_release(&key);
	return status;
}

static STATUS find_named(struct nsf *nsf, struct slice key, struct documents_call *call)
{
	STATUS status;

	call->nsf = nsf;
	status = nsf_view_find(nsf, VIEW_NAMES, key, call_document, call);
	if (status == NOERROR)
		status = nsf_view_find(nsf, VIEW_USERS, key, call_document, call);
	return status;
}

static STATUS named(struct directory_source *source, struct slice key,
                    STATUS (*each)(void *context, const struct note *note, const char *file),
                    void *context)
{
	struct compiled *c = (struct compiled *)source;
	struct documents_call call = { NULL, each, context };
	struct handle handle;
	STATUS status = take(c, &handle);

	return status != NOERROR ? status
	       : give_back(c, &handle, find_named(handle.nsf, key, &call));
}

/* --- generation ------------------------------------------------------------ */

static STATUS read_version(struct nsf *nsf, struct version *version_r)
{
	struct buf text = BUF_INIT;
	struct unpack u = { .bad = false };
	STATUS status = nsf_property_get(nsf, PROPERTY_GENERATION, &text);

	if (status == NOERROR) {
		u.rest = buf_slice(&text);
		version_r->generation = unpack_number(&u, 8);
		version_r->costliest_rounds = (uint32_t)unpack_number(&u, 4);
		if (u.bad || version_r->costliest_rounds > INETPASS_V3_ROUNDS_MAX)
			status = POSTIL_ERR_DAMAGED;
	}
	buf_release(&text);
	return status;
}

/* The stamp now, and whether the remembered version belongs to it. */
static bool stamp_is_known(struct compiled *c, struct nsf_stamp *now, struct version *version_r)
{
	bool known;

	memset(now, 0, sizeof(*now));
	pthread_mutex_lock(&c->mutex);
	if (notice(c) == NOERROR &&
	    (c->lock != NULL || nsf_lock_open(c->path, &c->lock, NULL) == NOERROR) &&
	    nsf_lock_stamp(c->lock, now) != NOERROR)
		now->valid = false;
	known = now->valid && c->stamp.valid &&
	        memcmp(now->words, c->stamp.words, sizeof(now->words)) == 0;
	*version_r = c->version;
	pthread_mutex_unlock(&c->mutex);
	return known;
}

/* All 0 when there is no directory, or none that can be read. */
static struct version version_now(struct compiled *c)
{
	struct version version;
	struct handle handle;
	struct nsf_stamp now;

	if (stamp_is_known(c, &now, &version))
		return version;
	version = (struct version){ 0 };
	if (take(c, &handle) != NOERROR)
		return version;
	if (give_back(c, &handle, read_version(handle.nsf, &version)) != NOERROR)
		version = (struct version){ 0 };
	pthread_mutex_lock(&c->mutex);
	c->stamp = now;         /* taken before the reading: never newer than what was read */
	c->version = version;
	pthread_mutex_unlock(&c->mutex);
	return version;
}

static uint64_t generation(struct directory_source *source)
{
	return version_now((struct compiled *)source).generation;
}

static uint32_t costliest_rounds(struct directory_source *source)
{
	return version_now((struct compiled *)source).costliest_rounds;
}

/* --- life ------------------------------------------------------------------ */

static void shrink(struct directory_source *source)
{
	struct compiled *c = (struct compiled *)source;

	pthread_mutex_lock(&c->mutex);
	for (size_t i = 0; i < c->idle_count; i++)
		nsf_shrink(c->idle[i].nsf);
	pthread_mutex_unlock(&c->mutex);
}

static void close_source(struct directory_source **source)
{
	struct compiled *c = (struct compiled *)*source;

	if (c == NULL)
		return;
	drop_idle(c);
	pthread_cond_destroy(&c->given_back);
	pthread_mutex_destroy(&c->mutex);
	free(c->path);
	free(c);
	*source = NULL;
}

static const struct directory_source_calls calls = {
	.version = 3,
	.name = "compiled",
	.users = users,
	.persons = persons,
	.groups_of = groups_of,
	.documents = documents,
	.named = named,
	.generation = generation,
	.costliest_rounds = costliest_rounds,
	.shrink = shrink,
	.close = close_source,
};

STATUS directory_source_compiled(const char *data_dir, struct directory_source **source_r,
                                 struct fault *fault)
{
	struct compiled *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->path = directory_path(data_dir, "names.nsf");
	if (c == NULL || c->path == NULL) {
		free(c);
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s/names.nsf: %s", data_dir,
		                 status_text(POSTIL_ERR_MEMORY));
	}
	c->source.calls = &calls;
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->given_back, NULL);
	*source_r = &c->source;
	return NOERROR;
}
