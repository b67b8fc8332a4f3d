/*
 * Questions to names.nsf. A few database handles are shared by all threads of
 * a task; each question takes one for its few microseconds. The file may be
 * made, replaced or removed at any time: its identity is looked at before each
 * question, and handles of another file are dropped. Logins and records are
 * distrusted.
 */
#include "directory/directory.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/name.h"
#include "directory/documents.h"
#include "directory/pack.h"
#include "directory/private.h"
#include "directory/settings.h"

#include "base/banned.h"

#define HANDLES_MAX 2           /* look-ups last microseconds; each handle costs memory */
#define CACHE_OCTETS 1536000    /* of a handle: the upper levels of a large $Users */

struct handle {
	struct nsf *nsf;
	uint64_t epoch;
};

struct directory {
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
	uint64_t generation;    /* at that stamp */
};

/* --- handles --------------------------------------------------------------- */

static void drop_idle(struct directory *dir)
{
	while (dir->idle_count > 0)
		nsf_close(&dir->idle[--dir->idle_count].nsf);
	nsf_lock_close(&dir->lock);
	memset(&dir->stamp, 0, sizeof(dir->stamp));
}

/* Which file is there now? An open handle keeps its inode number from being
 * given to another file, so equal numbers mean the same file. */
static STATUS notice(struct directory *dir)
{
	struct stat st;

	if (stat(dir->path, &st) != 0) {
		drop_idle(dir);
		dir->epoch++;
		dir->dev = 0;
		dir->ino = 0;
		return errno == ENOENT || errno == ENOTDIR ? POSTIL_ERR_NOEXIST
		       : errno == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO;
	}
	if (st.st_dev != dir->dev || st.st_ino != dir->ino) {
		drop_idle(dir);
		dir->epoch++;
		dir->dev = st.st_dev;
		dir->ino = st.st_ino;
	}
	return NOERROR;
}

static STATUS take(struct directory *dir, struct handle *handle_r)
{
	STATUS status;

	pthread_mutex_lock(&dir->mutex);
	while (dir->idle_count == 0 && dir->out_count >= HANDLES_MAX)
		pthread_cond_wait(&dir->given_back, &dir->mutex);
	status = notice(dir);
	handle_r->nsf = NULL;
	handle_r->epoch = dir->epoch;
	if (status == NOERROR) {
		dir->out_count++;
		if (dir->idle_count > 0)
			*handle_r = dir->idle[--dir->idle_count];
	}
	pthread_mutex_unlock(&dir->mutex);
	if (status != NOERROR || handle_r->nsf != NULL)
		return status;
	status = nsf_open(dir->path, &handle_r->nsf, NULL);
	if (status == NOERROR)
		nsf_set_cache(handle_r->nsf, CACHE_OCTETS);
	if (status != NOERROR) {
		pthread_mutex_lock(&dir->mutex);
		dir->out_count--;
		pthread_cond_signal(&dir->given_back);
		pthread_mutex_unlock(&dir->mutex);
	}
	return status;
}

/* result: what the question came to; after trouble with the file the handle is not kept. */
static STATUS give_back(struct directory *dir, struct handle *handle, STATUS result)
{
	bool keep = result == NOERROR || result == POSTIL_ERR_AMBIGUOUS ||
	            result == POSTIL_ERR_DELETED || result == POSTIL_ERR_NOT_FOUND;

	pthread_mutex_lock(&dir->mutex);
	dir->out_count--;
	if (keep && handle->epoch == dir->epoch) {
		dir->idle[dir->idle_count++] = *handle;
		handle->nsf = NULL;
	}
	pthread_cond_signal(&dir->given_back);
	pthread_mutex_unlock(&dir->mutex);
	nsf_close(&handle->nsf);
	return result;
}

STATUS directory_open(const char *data_dir, struct directory **dir_r, struct fault *fault)
{
	struct directory *dir = calloc(1, sizeof(*dir));

	if (dir != NULL)
		dir->path = directory_path(data_dir, "names.nsf");
	if (dir == NULL || dir->path == NULL) {
		free(dir);
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s/names.nsf: %s", data_dir,
		                 status_text(POSTIL_ERR_MEMORY));
	}
	pthread_mutex_init(&dir->mutex, NULL);
	pthread_cond_init(&dir->given_back, NULL);
	*dir_r = dir;
	return NOERROR;
}

void directory_close(struct directory **dir)
{
	if (*dir == NULL)
		return;
	drop_idle(*dir);
	pthread_cond_destroy(&(*dir)->given_back);
	pthread_mutex_destroy(&(*dir)->mutex);
	free((*dir)->path);
	free(*dir);
	*dir = NULL;
}

void directory_shrink(struct directory *dir)
{
	pthread_mutex_lock(&dir->mutex);
	for (size_t i = 0; i < dir->idle_count; i++)
		nsf_shrink(dir->idle[i].nsf);
	pthread_mutex_unlock(&dir->mutex);
}

/* --- persons --------------------------------------------------------------- */

struct matches {
	struct arena *arena;
	struct person *persons;         /* room for DIRECTORY_MATCHES_MAX */
	size_t count;
	bool mailin_too;
};

static STATUS add_match(void *context, uint64_t note_id, struct slice record)
{
	struct matches *m = context;
	struct person person;
	enum document_kind kind;
	STATUS status = record_decode(record, m->arena, &person, &kind);

	if (status != NOERROR)
		return status;
	if (kind != DOCUMENT_PERSON && !(m->mailin_too && kind == DOCUMENT_MAILIN))
		return NOERROR;
	if (m->count == DIRECTORY_MATCHES_MAX)
		return POSTIL_ERR_AMBIGUOUS;
	if (m->persons == NULL)
		m->persons = arena_alloc(m->arena, DIRECTORY_MATCHES_MAX * sizeof(*m->persons));
	if (m->persons == NULL)
		return POSTIL_ERR_MEMORY;
	m->persons[m->count++] = person;
	return NOERROR;
}

static STATUS find_users(struct directory *dir, struct slice name, struct matches *m)
{
	struct handle handle;
	struct buf key = BUF_INIT;
	STATUS status = directory_key(name, &key);

	if (status == NOERROR)
		status = take(dir, &handle);
	if (status == NOERROR)
		status = give_back(dir, &handle, nsf_view_find(handle.nsf, VIEW_USERS,
		                   buf_slice(&key), add_match, m));
	buf_release(&key);
	return status;
}

STATUS directory_find_login(struct directory *dir, struct slice login, struct arena *arena,
                            const struct person **persons_r, size_t *count_r)
{
	struct matches m = { .arena = arena };
	STATUS status = find_users(dir, login, &m);

	if (status == NOERROR) {
		*persons_r = m.persons;
		*count_r = m.count;
	}
	return status;
}

STATUS directory_find_recipient(struct directory *dir, struct slice recipient,
                                struct arena *arena, const struct person **person_r)
{
	struct matches m = { .arena = arena, .mailin_too = true };
	STATUS status = find_users(dir, recipient, &m);

	if (status != NOERROR)
		return status;
	if (m.count != 1)
		return m.count == 0 ? POSTIL_ERR_NOT_FOUND : POSTIL_ERR_AMBIGUOUS;
	*person_r = m.persons;
	return NOERROR;
}

/* --- documents ------------------------------------------------------------- */

#define IDS_MAX 64

struct ids {
	uint64_t id[IDS_MAX];
	size_t count;
};

/* In the order they came; more than IDS_MAX are cut off. */
static STATUS add_id(void *context, uint64_t note_id, struct slice value)
{
	struct ids *ids = context;

	for (size_t i = 0; i < ids->count; i++)
		if (ids->id[i] == note_id)
			return NOERROR;
	if (ids->count < IDS_MAX)
		ids->id[ids->count++] = note_id;
	return NOERROR;
}

struct document_call {
	STATUS (*each)(void *context, const struct note *note, const char *file);
	void *context;
	struct files *files;
};

static STATUS call_document(struct nsf *nsf, uint64_t id, const struct document_call *call)
{
	struct arena arena = ARENA_INIT;
	struct note note;
	const char *file = files_of_note(nsf, call->files, id);
	STATUS status = nsf_note_get(nsf, id, &arena, &note);

	if (status == NOERROR)
		status = call->each(call->context, &note, file);
	else if (status == POSTIL_ERR_DELETED)
		status = NOERROR;
	arena_release(&arena);
	return status;
}

static STATUS find_documents(struct nsf *nsf, struct slice key, struct document_call *call)
{
	static const char *const views[] = { VIEW_USERS, VIEW_SERVERS, VIEW_GROUPS };
	struct ids ids = { .count = 0 };
	struct files files;
	STATUS status;

	files_init(&files);
	call->files = &files;
	status = files_load(&files, nsf);
	for (size_t i = 0; status == NOERROR && i < sizeof(views) / sizeof(*views); i++)
		status = nsf_view_find(nsf, views[i], key, add_id, &ids);
	for (size_t i = 0; status == NOERROR && i < ids.count; i++)
		status = call_document(nsf, ids.id[i], call);
	call->files = NULL;
	files_release(&files);
	return status;
}

STATUS directory_each_document(struct directory *dir, struct slice name,
                               STATUS (*each)(void *context, const struct note *note,
                                              const char *file), void *context)
{
	struct document_call call = { each, context, NULL };
	struct handle handle;
	struct buf key = BUF_INIT;
	STATUS status = directory_key(name, &key);

	if (status == NOERROR)
		status = take(dir, &handle);
	if (status == NOERROR)
		status = give_back(dir, &handle, find_documents(handle.nsf, buf_slice(&key), &call));
	buf_release(&key);
	return status;
}

/* --- this server ----------------------------------------------------------- */

static void read_pop3(const struct note *note, struct pop3_settings *s)
{
	s->found = note->first != NULL;
	s->port = setting_port(note, SET_POP3_PORT);
	s->tls_port = setting_port(note, SET_POP3_TLS_PORT);
	s->port_enabled = setting_switch(note, SET_POP3_PORT_STATUS);
	s->tls_port_enabled = setting_switch(note, SET_POP3_TLS_STATUS);
	s->name_and_password = setting_switch(note, SET_POP3_PASSWORD);
	s->tls_name_and_password = setting_switch(note, SET_POP3_TLS_PASSWORD);
	s->client_certificate = setting_switch(note, SET_POP3_TLS_CERTIFICATE);
	s->enforce_access = setting_switch(note, SET_POP3_ENFORCE_ACCESS);
	s->more_name_variations = setting_switch(note, SET_NAME_VARIATIONS);
	s->internet_sites = setting_switch(note, SET_INTERNET_SITES);
	s->host_name = setting_text(note, SET_HOST_NAME);
}

/* The Server document of that very name; a common name alone may stand for one. */
static STATUS find_server(struct nsf *nsf, struct slice key, struct arena *arena,
                          struct note *note)
{
	struct ids ids = { .count = 0 };
	STATUS status = nsf_view_find(nsf, VIEW_SERVERS, key, add_id, &ids);

	note_init(note, arena);
	if (status != NOERROR || ids.count == 0)
		return status;
	if (ids.count > 1)
		return POSTIL_ERR_AMBIGUOUS;
	status = nsf_note_get(nsf, ids.id[0], arena, note);
	if (status == POSTIL_ERR_DELETED) {     /* between the two looks */
		note_init(note, arena);
		return NOERROR;
	}
	return status;
}

STATUS directory_pop3_settings(struct directory *dir, struct slice server,
                               struct arena *arena, struct pop3_settings *settings_r)
{
	struct handle handle;
	struct buf key = BUF_INIT;
	struct note note;
	STATUS status = directory_key(server, &key);

	if (status == NOERROR)
		status = take(dir, &handle);
	if (status == NOERROR)
		status = give_back(dir, &handle, find_server(handle.nsf, buf_slice(&key), arena, &note));
	if (status == NOERROR)
		read_pop3(&note, settings_r);
	buf_release(&key);
	return status;
}

/* --- generation ------------------------------------------------------------ */

static uint64_t generation_read(struct nsf *nsf)
{
	struct buf text = BUF_INIT;
	struct unpack u = { .bad = false };
	uint64_t generation = 0;

	if (nsf_property_get(nsf, PROPERTY_GENERATION, &text) == NOERROR) {
		u.rest = buf_slice(&text);
		generation = unpack_number(&u, 8);
	}
	buf_release(&text);
	return generation;
}

/* The stamp now, and whether the remembered generation belongs to it. */
static bool stamp_is_known(struct directory *dir, struct nsf_stamp *now)
{
	bool known;

	memset(now, 0, sizeof(*now));
	pthread_mutex_lock(&dir->mutex);
	if (notice(dir) == NOERROR &&
	    (dir->lock != NULL || nsf_lock_open(dir->path, &dir->lock, NULL) == NOERROR) &&
	    nsf_lock_stamp(dir->lock, now) != NOERROR)
		now->valid = false;
	known = now->valid && dir->stamp.valid &&
	        memcmp(now->words, dir->stamp.words, sizeof(now->words)) == 0;
	pthread_mutex_unlock(&dir->mutex);
	return known;
}

uint64_t directory_generation(struct directory *dir)
{
	struct handle handle;
	struct nsf_stamp now;
	uint64_t generation;

	if (stamp_is_known(dir, &now)) {
		pthread_mutex_lock(&dir->mutex);
		generation = dir->generation;
		pthread_mutex_unlock(&dir->mutex);
		return generation;
	}
	if (take(dir, &handle) != NOERROR)
		return 0;
	generation = generation_read(handle.nsf);
	give_back(dir, &handle, NOERROR);
	pthread_mutex_lock(&dir->mutex);
	dir->stamp = now;       /* taken before the reading: never newer than what was read */
	dir->generation = generation;
	pthread_mutex_unlock(&dir->mutex);
	return generation;
}
