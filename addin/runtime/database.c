/*
 * NSF...: a task writes documents into note databases. Handles may be wrong or
 * old and are looked up, generation included; texts must be UTF-8. One lock for
 * all: a database handle of nsf is used by one thread at a time.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "addin/api/nsfdb.h"
#include "addin/api/nsfnote.h"
#include "addin/runtime/link.h"
#include "base/clock.h"
#include "base/note.h"
#include "base/text.h"
#include "nsf/nsf.h"
#include "base/banned.h"

#define DATABASES_MAX 64
#define NOTES_MAX 1024
#define PATH_OCTETS 4096
#define GENERATION 4096         /* a handle is generation * GENERATION + place + 1 */

struct database {
	struct nsf *nsf;        /* NULL: free */
	unsigned generation;
};

struct open_note {
	bool used;
	unsigned generation;
	struct database *database;
	struct arena arena;
	struct note note;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct database databases[DATABASES_MAX];
static struct open_note notes[NOTES_MAX];

/* --- handles ------------------------------------------------------------------------- */

static DWORD make_handle(unsigned generation, size_t place)
{
	return (DWORD)(generation % (MAXDWORD / GENERATION)) * GENERATION + (DWORD)place + 1;
}

static struct database *find_database(DBHANDLE handle)
{
	size_t place = (handle - 1) % GENERATION;

	if (handle == NULLHANDLE || place >= DATABASES_MAX || databases[place].nsf == NULL ||
	    make_handle(databases[place].generation, place) != handle)
		return NULL;
	return &databases[place];
}

static struct open_note *find_note(NOTEHANDLE handle)
{
	size_t place = (handle - 1) % GENERATION;

	if (handle == NULLHANDLE || place >= NOTES_MAX || !notes[place].used ||
	    make_handle(notes[place].generation, place) != handle)
		return NULL;
	return &notes[place];
}

static void free_note(struct open_note *open)
{
	arena_release(&open->arena);
	open->used = false;
	open->generation++;
}

/* --- databases ------------------------------------------------------------------------- */

/* The file a task means; false: too long, or on another server. */
static bool make_path(const char *name, char path[PATH_OCTETS])
{
	const char *last, *extension = ".nsf";
	int n;

	if (name == NULL || name[0] == '\0' || strstr(name, "!!") != NULL)
		return false;
	last = strrchr(name, '/');
	last = last != NULL ? last + 1 : name;
	if (strchr(last, '.') != NULL)
		extension = "";
	if (name[0] == '/')
		n = snprintf(path, PATH_OCTETS, "%s%s", name, extension);
	else
		n = snprintf(path, PATH_OCTETS, "%s/%s%s", link_data_directory(), name, extension);
	return n > 0 && n < PATH_OCTETS;
}

static STATUS keep_database(struct nsf *nsf, DBHANDLE *handle_r)
{
	for (size_t i = 0; i < DATABASES_MAX; i++)
		if (databases[i].nsf == NULL) {
			databases[i].nsf = nsf;
			*handle_r = make_handle(databases[i].generation, i);
			return NOERROR;
		}
	return POSTIL_ERR_LIMIT;
}

STATUS LNPUBLIC NSFDbOpen(const char *name, DBHANDLE *handle_r)
{
	char path[PATH_OCTETS];
	struct nsf *nsf = NULL;
	STATUS status;

	*handle_r = NULLHANDLE;
	if (!make_path(name, path))
		return POSTIL_ERR_INVALID;
	pthread_mutex_lock(&lock);
	status = nsf_open(path, &nsf, NULL);
	if (status == NOERROR)
		status = keep_database(nsf, handle_r);
	if (status != NOERROR && nsf != NULL)
		nsf_close(&nsf);
	pthread_mutex_unlock(&lock);
	return status;
}

STATUS LNPUBLIC NSFDbClose(DBHANDLE handle)
{
	STATUS status = POSTIL_ERR_INVALID;
	struct database *database;

	pthread_mutex_lock(&lock);
	database = find_database(handle);
	if (database != NULL) {
		for (size_t i = 0; i < NOTES_MAX; i++)
			if (notes[i].used && notes[i].database == database)
				free_note(&notes[i]);
		nsf_close(&database->nsf);
		database->generation++;
		status = NOERROR;
	}
	pthread_mutex_unlock(&lock);
	return status;
}

STATUS LNPUBLIC NSFDbCreate(const char *name, USHORT class, BOOL force)
{
	char path[PATH_OCTETS];
	struct nsf *nsf = NULL;
	STATUS status;

	if ((class != DBCLASS_NOTEFILE && class != DBCLASS_BY_EXTENSION) || !make_path(name, path))
		return POSTIL_ERR_INVALID;
	pthread_mutex_lock(&lock);
	status = nsf_create(path, NSF_OTHER, &nsf, NULL);
	if (status == POSTIL_ERR_EXISTS && force) {
		status = nsf_remove(path, NULL);
		if (status == NOERROR)
			status = nsf_create(path, NSF_OTHER, &nsf, NULL);
	}
	if (status == NOERROR)
		nsf_close(&nsf);
	pthread_mutex_unlock(&lock);
	return status;
}

/* --- notes ---------------------------------------------------------------------------- */

static STATUS begin_note(struct database *database, NOTEHANDLE *handle_r)
{
	for (size_t i = 0; i < NOTES_MAX; i++) {
		struct open_note *open = &notes[i];

		if (open->used)
			continue;
		arena_init(&open->arena);
		note_init(&open->note, &open->arena);
		open->note.class = NOTE_CLASS_DOCUMENT;
		open->note.created_ms = clock_wall_ms();
		if (unid_random(&open->note.unid) != NOERROR)
			return POSTIL_ERR_IO;
		open->note.has_unid = true;
		open->database = database;
		open->used = true;
		*handle_r = make_handle(open->generation, i);
		return NOERROR;
	}
	return POSTIL_ERR_LIMIT;
}

STATUS LNPUBLIC NSFNoteCreate(DBHANDLE handle, NOTEHANDLE *handle_r)
{
	struct database *database;
	STATUS status = POSTIL_ERR_INVALID;

	*handle_r = NULLHANDLE;
	pthread_mutex_lock(&lock);
	database = find_database(handle);
	if (database != NULL)
		status = begin_note(database, handle_r);
	pthread_mutex_unlock(&lock);
	return status;
}

static STATUS write_note(struct open_note *open)
{
	struct nsf *nsf = open->database->nsf;
	STATUS status;
	uint64_t id;

	open->note.modified_ms = clock_wall_ms();
	status = nsf_begin(nsf, NULL);
	if (status != NOERROR)
		return status;
	status = nsf_note_put(nsf, &open->note, &id);
	if (status == NOERROR)
		status = nsf_commit(nsf, NULL);
	else
		nsf_rollback(nsf);
	return status;
}

STATUS LNPUBLIC NSFNoteUpdate(NOTEHANDLE handle, WORD flags)
{
	STATUS status = POSTIL_ERR_INVALID;
	struct open_note *open;

	pthread_mutex_lock(&lock);
	open = find_note(handle);
	if (open != NULL)
		status = write_note(open);
	pthread_mutex_unlock(&lock);
	return status;
}

STATUS LNPUBLIC NSFNoteClose(NOTEHANDLE handle)
{
	STATUS status = POSTIL_ERR_INVALID;
	struct open_note *open;

	pthread_mutex_lock(&lock);
	open = find_note(handle);
	if (open != NULL) {
		free_note(open);
		status = NOERROR;
	}
	pthread_mutex_unlock(&lock);
	return status;
}

/* --- items ---------------------------------------------------------------------------- */

static void remove_items(struct note *note, struct slice name)
{
	struct item **at = &note->first;

	while (*at != NULL) {
		if (slice_equal_nocase(slice_of((*at)->name), name))
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
	note->last = at;
}

static STATUS set_item(NOTEHANDLE handle, const char *name, enum item_type type,
                       struct slice value)
{
	STATUS status = POSTIL_ERR_INVALID;
	struct slice name_slice = slice_of(name);
	struct open_note *open;

	if (name_slice.n == 0 || !text_is_utf8(name_slice) || !text_is_utf8(value))
		return POSTIL_ERR_INVALID;
	pthread_mutex_lock(&lock);
	open = find_note(handle);
	if (open != NULL) {
		remove_items(&open->note, name_slice);
		status = note_add(&open->note, name_slice, (uint16_t)type, ITEM_SUMMARY, &value,
		                  1) != NULL ? NOERROR : POSTIL_ERR_MEMORY;
	}
	pthread_mutex_unlock(&lock);
	return status;
}

STATUS LNPUBLIC NSFItemSetText(NOTEHANDLE handle, const char *name, const char *text, WORD length)
{
	struct buf copy = BUF_INIT;
	STATUS status;

	if (text == NULL)
		text = "";
	buf_add(&copy, text, length == MAXWORD ? strlen(text) : length);
	status = buf_status(&copy);
	for (size_t i = 0; i < copy.n; i++)
		if (copy.p[i] == '\0')
			copy.p[i] = '\n';
	if (status == NOERROR)
		status = set_item(handle, name, ITEM_TEXT, buf_slice(&copy));
	buf_release(&copy);
	return status;
}

STATUS LNPUBLIC NSFItemSetTime(NOTEHANDLE handle, const char *name, const TIMEDATE *time)
{
	struct timedate inner = { .innards = { time->Innards[0], time->Innards[1] } };
	char text[32];
	int64_t wall_ms;

	if (!timedate_to_wall(inner, &wall_ms))
		return POSTIL_ERR_INVALID;
	timedate_format_dxl(wall_ms, text);
	return set_item(handle, name, ITEM_TIME, slice_of(text));
}

STATUS LNPUBLIC NSFItemSetNumber(NOTEHANDLE handle, const char *name, const NUMBER *number)
{
	char text[64];

	snprintf(text, sizeof(text), "%.15g", *number);
	return set_item(handle, name, ITEM_NUMBER, slice_of(text));
}
