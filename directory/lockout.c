/*
 * Lockout records in inetlockout.nsf, and in memory as long as its stamp stays the
 * same. Two locks: `mutex` over the memory, held for microseconds; `writing` over the
 * database handle, held over a commit, so that a question never waits for a disk.
 *
 * A note of form InternetLockout holds a record for people to read; the entry of view
 * $Lockouts holds it packed. The file is distrusted; so are names, which are shown only.
 */
#include "directory/lockout.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/text.h"
#include "directory/lockaside.h"
#include "directory/locktable.h"
#include "directory/pack.h"
#include "directory/private.h"

#include "base/banned.h"

#define VIEW_LOCKOUTS "$Lockouts"
#define PROPERTY_SERIAL "lockout.serial"        /* another one with each commit of ours */
#define FORM "InternetLockout"
#define RECORD_VERSION 1

struct lockout {
	char *path;
	pthread_mutex_t writing;        /* over these; taken before mutex */
	struct nsf *nsf;
	struct stat file;               /* of the file that nsf is */
	pthread_mutex_t mutex;          /* over all below */
	struct nsf_lock *lock;          /* for the stamp */
	struct nsf_stamp stamp;         /* what table was read at */
	struct locktable table;
	struct fault trouble;           /* .status NOERROR: none, or told */
};

STATUS lockout_open(const char *data_dir, struct lockout **lockout_r, struct fault *fault)
{
	struct lockout *l = calloc(1, sizeof(*l));

	if (l != NULL)
		l->path = directory_path(data_dir, "inetlockout.nsf");
	if (l == NULL || l->path == NULL) {
		free(l);
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s/inetlockout.nsf: %s", data_dir,
		                 status_text(POSTIL_ERR_MEMORY));
	}
	pthread_mutex_init(&l->writing, NULL);
	pthread_mutex_init(&l->mutex, NULL);
	*lockout_r = l;
	return NOERROR;
}

void lockout_close(struct lockout **lockout)
{
	struct lockout *l = *lockout;

	if (l == NULL)
		return;
	nsf_close(&l->nsf);
	nsf_lock_close(&l->lock);
	locktable_release(&l->table);
	pthread_mutex_destroy(&l->mutex);
	pthread_mutex_destroy(&l->writing);
	free(l->path);
	free(l);
	*lockout = NULL;
}

/* --- trouble ---------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4)))
static void trouble(struct lockout *l, STATUS status, const char *format, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	pthread_mutex_lock(&l->mutex);
	if (l->trouble.status == NOERROR)
		fault_set(&l->trouble, status, "%s", text);
	pthread_mutex_unlock(&l->mutex);
}

bool lockout_trouble(struct lockout *l, struct fault *fault_r)
{
	bool any;

	pthread_mutex_lock(&l->mutex);
	any = l->trouble.status != NOERROR;
	if (any)
		*fault_r = l->trouble;
	l->trouble = (struct fault){ .status = NOERROR };
	pthread_mutex_unlock(&l->mutex);
	return any;
}

/* --- records in the file ------------------------------------------------------------ */

/* The view's key: the kind's digit and the folded name. */
static STATUS make_key(enum lockout_kind kind, struct slice name, struct buf *out)
{
	buf_add_char(out, (char)('0' + kind));
	return directory_key(name, out);
}

static struct slice key_name(const struct buf *key)
{
	return (struct slice){ key->p + 1, key->n - 1 };
}

static void pack_record(const struct locked *record, struct buf *out)
{
	pack_number(out, RECORD_VERSION, 1);
	pack_number(out, record->failures, 4);
	pack_number(out, (uint64_t)record->first_ms, 8);
	pack_number(out, (uint64_t)record->last_ms, 8);
	pack_number(out, (uint64_t)record->locked_ms, 8);
	pack_slice(out, slice_of(record->name));
}

struct load {
	struct locktable table;
	STATUS status;
};

static STATUS load_record(void *context, struct slice key, uint64_t note_id, struct slice value)
{
	struct load *load = context;
	struct unpack u = { .rest = value };
	uint64_t version = unpack_number(&u, 1), failures = unpack_number(&u, 4);
	uint64_t first = unpack_number(&u, 8), last = unpack_number(&u, 8);
	uint64_t locked = unpack_number(&u, 8);
	struct slice name = unpack_slice(&u);
	struct locked *record;
	enum lockout_kind kind;

	if (u.bad || version != RECORD_VERSION || key.n < 2 || key.n > 2 * LOCKTABLE_NAME_MAX ||
	    name.n > LOCKTABLE_NAME_MAX || key.p[0] < '0' || key.p[0] >= '0' + LOCKOUT_KINDS)
		return POSTIL_ERR_DAMAGED;
	kind = (enum lockout_kind)(key.p[0] - '0');
	key = (struct slice){ key.p + 1, key.n - 1 };
	if (load->table.count[kind] >= LOCKOUT_RECORDS_MAX ||
	    locktable_find(&load->table, kind, key) != NULL)
		return NOERROR;
	record = locktable_add(&load->table, kind, key, name);
	if (record == NULL)
		return POSTIL_ERR_MEMORY;
	record->note_id = note_id;
	record->failures = (uint32_t)failures;
	record->first_ms = (int64_t)first;
	record->last_ms = (int64_t)last;
	record->locked_ms = (int64_t)locked;
	return NOERROR;
}

/* --- the file ----------------------------------------------------------------------- */

static void forget_file(struct lockout *l)
{
	nsf_close(&l->nsf);
	pthread_mutex_lock(&l->mutex);
	nsf_lock_close(&l->lock);
	memset(&l->stamp, 0, sizeof(l->stamp));
	pthread_mutex_unlock(&l->mutex);
}

/* A file that cannot be used is kept under another name. */
static STATUS set_aside(struct lockout *l, STATUS why, const struct stat *bad)
{
	char *to;
	STATUS status;

	forget_file(l);
	status = lockaside(l->path, bad, &to);
	if (status == NOERROR && to != NULL)
		trouble(l, why, "%s could not be used (%s) and has been set aside as %s; lockouts "
		        "before now are forgotten", l->path, status_text(why), to);
	free(to);
	return status;
}

/* writing is held. make: if there is none. */
static STATUS open_file(struct lockout *l, bool make)
{
	struct stat st = { .st_ino = 0 };
	STATUS status = NOERROR;

	if (l->nsf != NULL && stat(l->path, &st) == 0 && st.st_dev == l->file.st_dev &&
	    st.st_ino == l->file.st_ino)
		return NOERROR;
	forget_file(l);
	for (int tries = 0; tries < 3; tries++) {
		(void)stat(l->path, &st);
		status = nsf_open(l->path, &l->nsf, NULL);
		if (status == NOERROR && nsf_kind(l->nsf) != NSF_OTHER) {
			nsf_close(&l->nsf);
			status = POSTIL_ERR_FOREIGN;
		}
		if (status == POSTIL_ERR_NOEXIST && make)
			status = nsf_create(l->path, NSF_OTHER, &l->nsf, NULL);
		else if (status == POSTIL_ERR_DAMAGED || status == POSTIL_ERR_FOREIGN)
			status = set_aside(l, status, &st) == NOERROR ? POSTIL_ERR_EXISTS : status;
		if (status != POSTIL_ERR_EXISTS)        /* made by another process meanwhile */
			break;
	}
	/* An open handle keeps the inode's number from being given to another file. */
	if (status == NOERROR && stat(l->path, &st) == 0)
		l->file = st;
	return status;
}

/* mutex is held. *now has the stamp; true: table is what the file says. */
static bool table_is_current(struct lockout *l, struct nsf_stamp *now)
{
	memset(now, 0, sizeof(*now));
	if (l->lock != NULL && nsf_lock_is_removed(l->lock))
		nsf_lock_close(&l->lock);
	if ((l->lock == NULL && nsf_lock_open(l->path, &l->lock, NULL) != NOERROR) ||
	    nsf_lock_stamp(l->lock, now) != NOERROR)
		now->valid = false;
	return now->valid && l->stamp.valid &&
	       memcmp(now->words, l->stamp.words, sizeof(now->words)) == 0;
}

/* writing is held and the file is open. */
static STATUS load_table(struct lockout *l, const struct nsf_stamp *stamp)
{
	struct load load = { .status = NOERROR };
	STATUS status = nsf_view_each(l->nsf, VIEW_LOCKOUTS, load_record, &load);

	if (status == NOERROR) {
		struct locktable old;

		pthread_mutex_lock(&l->mutex);
		old = l->table;
		l->table = load.table;
		l->stamp = *stamp;
		pthread_mutex_unlock(&l->mutex);
		load.table = old;
	}
	locktable_release(&load.table);
	return status;
}

static void forget_table(struct lockout *l)
{
	pthread_mutex_lock(&l->mutex);
	locktable_release(&l->table);
	memset(&l->stamp, 0, sizeof(l->stamp));
	pthread_mutex_unlock(&l->mutex);
}

/* Take up what other processes have written. While a thread of ours writes, or a commit
 * is under way anywhere, what is known will do. */
static void follow(struct lockout *l)
{
	struct nsf_stamp now;
	bool current, had_file;
	STATUS status;

	pthread_mutex_lock(&l->mutex);
	current = table_is_current(l, &now);
	had_file = l->stamp.valid;
	pthread_mutex_unlock(&l->mutex);
	if (current || pthread_mutex_trylock(&l->writing) != 0)
		return;
	if (!now.valid && access(l->path, F_OK) != 0) {
		if (had_file)           /* removed by an administrator: that unlocks all */
			forget_table(l);
	} else if (now.valid) {
		status = open_file(l, false);
		if (status == NOERROR)
			status = load_table(l, &now);
		if (status == POSTIL_ERR_DAMAGED)
			set_aside(l, status, &l->file);
		else if (status != NOERROR && status != POSTIL_ERR_NOEXIST)
			trouble(l, status, "%s cannot be read: %s", l->path, status_text(status));
	}
	pthread_mutex_unlock(&l->writing);
}

/* --- what a record means -------------------------------------------------------------- */

static bool counts(const struct lockout_rules *rules, enum lockout_kind kind)
{
	return rules->enforce && (kind != LOCKOUT_ADDRESS || rules->count_against_address ||
	                          rules->lock_address);
}

static bool locks(const struct lockout_rules *rules, enum lockout_kind kind)
{
	return rules->enforce && (kind == LOCKOUT_PERSON ||
	                          (kind == LOCKOUT_ADDRESS && rules->lock_address));
}

/* A clock set back makes no lock end early. */
static bool has_expired(const struct locked *record, const struct lockout_rules *rules,
                        int64_t now_ms)
{
	return record->locked_ms != 0 && rules->expire_secs != 0 && now_ms > record->locked_ms &&
	       (uint64_t)(now_ms - record->locked_ms) / 1000 >= rules->expire_secs;
}

static bool holds(const struct locked *record, const struct lockout_rules *rules, int64_t now_ms)
{
	return record->locked_ms != 0 && !has_expired(record, rules, now_ms);
}

bool lockout_is_locked(struct lockout *l, const struct lockout_rules *rules,
                       enum lockout_kind kind, struct slice name, int64_t now_ms)
{
	struct buf key = BUF_INIT;
	const struct locked *record;
	bool locked = false;

	if (!locks(rules, kind) || make_key(kind, name, &key) != NOERROR) {
		buf_release(&key);
		return false;
	}
	follow(l);
	pthread_mutex_lock(&l->mutex);
	record = locktable_find(&l->table, kind, key_name(&key));
	locked = record != NULL && holds(record, rules, now_ms);
	pthread_mutex_unlock(&l->mutex);
	buf_release(&key);
	return locked;
}

/* --- writing --------------------------------------------------------------------------- */

static void add_number(struct note *note, const char *name, uint64_t value)
{
	char text[24];
	struct slice s = { text, (size_t)snprintf(text, sizeof(text), "%llu",
	                                          (unsigned long long)value) };

	note_add(note, slice_of(name), ITEM_NUMBER, ITEM_SUMMARY, &s, 1);
}

static void add_time(struct note *note, const char *name, int64_t ms)
{
	char text[32];
	struct slice s;

	timedate_format_dxl(ms, text);
	s = slice_of(text);
	note_add(note, slice_of(name), ITEM_TIME, ITEM_SUMMARY, &s, 1);
}

/* What an administrator sees who looks into the file. */
static void describe(const struct locked *record, struct slice key, struct note *note)
{
	uint8_t digest[32];

	note->class = NOTE_CLASS_DOCUMENT;
	note->has_unid = crypt_sha256(key, digest) == NOERROR;
	memcpy(note->unid.octets, digest, UNID_OCTETS);
	note_add_text(note, "Form", SLICE_LIT(FORM));
	note_add_text(note, record->kind == LOCKOUT_ADDRESS ? "IPAddress" : "UserName",
	              slice_of(record->name));
	note_add_text(note, "Locked", record->locked_ms != 0 ? SLICE_LIT("1") : SLICE_LIT("0"));
	add_number(note, "FailedTries", record->failures);
	add_time(note, "FirstFailure", record->first_ms);
	add_time(note, "LastFailure", record->last_ms);
	if (record->locked_ms != 0)
		add_time(note, "LockedSince", record->locked_ms);
}

static STATUS write_record(struct lockout *l, const struct locked *record, struct slice key,
                           uint64_t *note_id_r)
{
	struct arena arena = ARENA_INIT;
	struct buf value = BUF_INIT;
	struct note note;
	STATUS status;

	note_init(&note, &arena);
	describe(record, key, &note);
	pack_record(record, &value);
	status = note.has_unid ? buf_status(&value) : POSTIL_ERR_MEMORY;
	if (status == NOERROR)
		status = nsf_note_put(l->nsf, &note, note_id_r);
	if (status == NOERROR)
		status = nsf_view_put(l->nsf, VIEW_LOCKOUTS, key, *note_id_r, buf_slice(&value));
	buf_release(&value);
	arena_release(&arena);
	return status;
}

/* One change under way: begin locks the file and takes up what it says now. */
struct change {
	uint8_t serial[16];
};

static STATUS change_begin(struct lockout *l, struct change *change)
{
	struct nsf_stamp now;
	bool current;
	STATUS status = open_file(l, true);

	if (status == NOERROR)
		status = crypt_random(change->serial, sizeof(change->serial));
	if (status == NOERROR)
		status = nsf_begin(l->nsf, NULL);
	if (status != NOERROR)
		return status;
	pthread_mutex_lock(&l->mutex);
	current = table_is_current(l, &now);
	pthread_mutex_unlock(&l->mutex);
	if (!current)
		status = load_table(l, &now);
	if (status == NOERROR)
		status = nsf_property_set(l->nsf, PROPERTY_SERIAL, (struct slice){
			(const char *)change->serial, sizeof(change->serial) });
	if (status != NOERROR)
		nsf_rollback(l->nsf);
	return status;
}

/* The table is that of the file, if after the stamp was taken nobody else's commit has
 * come: then the serial is still ours. */
static void change_end(struct lockout *l, const struct change *change)
{
	struct buf serial = BUF_INIT;
	struct nsf_stamp now;

	pthread_mutex_lock(&l->mutex);
	table_is_current(l, &now);
	pthread_mutex_unlock(&l->mutex);
	if (nsf_property_get(l->nsf, PROPERTY_SERIAL, &serial) != NOERROR ||
	    !slice_equal(buf_slice(&serial), (struct slice){ (const char *)change->serial,
	                                                     sizeof(change->serial) }))
		now.valid = false;
	pthread_mutex_lock(&l->mutex);
	l->stamp = now;
	pthread_mutex_unlock(&l->mutex);
	buf_release(&serial);
}

/* mutex is held. Room for one more record; the file's copy of what goes is told in id_r. */
static void make_room(struct lockout *l, enum lockout_kind kind, uint64_t *id_r)
{
	struct locked *old;

	*id_r = 0;
	if (l->table.count[kind] < LOCKOUT_RECORDS_MAX)
		return;
	old = locktable_oldest(&l->table, kind);
	*id_r = old->note_id;
	locktable_remove(&l->table, old);
}

/* In memory. *copy_r is what is to be written; its name is copied to name. POSTIL_ERR_EXISTS:
 * a lock holds, nothing is counted. */
static STATUS count_failure(struct lockout *l, const struct lockout_rules *rules,
                            enum lockout_kind kind, struct slice key, struct slice name,
                            int64_t now_ms, struct locked *copy_r, uint64_t *dropped_r)
{
	struct locked *record = locktable_find(&l->table, kind, key);

	*dropped_r = 0;
	if (record != NULL && locks(rules, kind) && holds(record, rules, now_ms))
		return POSTIL_ERR_EXISTS;
	if (record == NULL) {
		make_room(l, kind, dropped_r);
		record = locktable_add(&l->table, kind, key, name);
	}
	if (record == NULL)
		return POSTIL_ERR_MEMORY;
	if (record->locked_ms != 0) {           /* that lock has expired */
		record->locked_ms = 0;
		record->failures = 0;
	}
	if (record->failures == 0)
		record->first_ms = now_ms;
	record->last_ms = now_ms;
	if (record->failures < UINT32_MAX)
		record->failures++;
	if (locks(rules, kind) && rules->max_tries != 0 && record->failures >= rules->max_tries)
		record->locked_ms = now_ms != 0 ? now_ms : 1;
	*copy_r = *record;
	return NOERROR;
}

static void keep_note_id(struct lockout *l, enum lockout_kind kind, struct slice key, uint64_t id)
{
	struct locked *record;

	pthread_mutex_lock(&l->mutex);
	record = locktable_find(&l->table, kind, key);
	if (record != NULL)
		record->note_id = id;
	pthread_mutex_unlock(&l->mutex);
}

static STATUS write_failure(struct lockout *l, const struct locked *copy, const struct buf *key,
                            uint64_t dropped)
{
	uint64_t id = copy->note_id;
	STATUS status = NOERROR;

	if (dropped != 0)
		status = nsf_note_delete(l->nsf, dropped);
	if (status == NOERROR || status == POSTIL_ERR_DELETED)
		status = write_record(l, copy, buf_slice(key), &id);
	if (status != NOERROR) {
		nsf_rollback(l->nsf);
		return status;
	}
	status = nsf_commit(l->nsf, NULL);
	if (status == NOERROR)
		keep_note_id(l, copy->kind, key_name(key), id);
	return status;
}

/* writing is held. */
static STATUS fail(struct lockout *l, const struct lockout_rules *rules, enum lockout_kind kind,
                   struct slice name, const struct buf *key, int64_t now_ms, bool *locked_r)
{
	struct change change;
	struct locked copy;
	struct buf shown = BUF_INIT;
	uint64_t dropped;
	STATUS begun = change_begin(l, &change), status;

	pthread_mutex_lock(&l->mutex);
	status = count_failure(l, rules, kind, key_name(key), name, now_ms, &copy, &dropped);
	if (status == NOERROR) {
		*locked_r = copy.locked_ms != 0;
		buf_add_str(&shown, copy.name);
		copy.name = (char *)(uintptr_t)buf_cstr(&shown);
	}
	pthread_mutex_unlock(&l->mutex);
	if (begun == NOERROR && status == NOERROR) {
		status = write_failure(l, &copy, key, dropped);
		if (status == NOERROR)
			change_end(l, &change);
	} else if (begun == NOERROR) {
		nsf_rollback(l->nsf);
		status = status == POSTIL_ERR_EXISTS ? NOERROR : status;
	} else {
		status = begun;
	}
	if (status == POSTIL_ERR_DAMAGED)
		set_aside(l, status, &l->file);
	buf_release(&shown);
	return status;
}

STATUS lockout_failed(struct lockout *l, const struct lockout_rules *rules,
                      enum lockout_kind kind, struct slice name, int64_t now_ms, bool *locked_r)
{
	struct buf key = BUF_INIT;
	STATUS status;

	*locked_r = false;
	if (!counts(rules, kind))
		return NOERROR;
	status = name.n <= LOCKTABLE_NAME_MAX ? make_key(kind, name, &key) : POSTIL_ERR_INVALID;
	if (status == NOERROR && !lockout_is_locked(l, rules, kind, name, now_ms)) {
		pthread_mutex_lock(&l->writing);
		status = fail(l, rules, kind, name, &key, now_ms, locked_r);
		pthread_mutex_unlock(&l->writing);
		if (status != NOERROR)
			trouble(l, status, "%s cannot be written: %s; failed logins are counted in memory "
			        "alone until it can", l->path, status_text(status));
	}
	buf_release(&key);
	return status;
}

/* --- clearing ----------------------------------------------------------------------------- */

/* POSTIL_ERR_NOT_FOUND. */
static STATUS remove_record(struct lockout *l, enum lockout_kind kind, const struct buf *key)
{
	struct change change;
	struct locked *record;
	uint64_t id = 0;
	STATUS status;

	pthread_mutex_lock(&l->writing);
	status = access(l->path, F_OK) == 0 ? change_begin(l, &change) : POSTIL_ERR_NOEXIST;
	pthread_mutex_lock(&l->mutex);
	record = locktable_find(&l->table, kind, key_name(key));
	if (record != NULL) {
		id = record->note_id;
		locktable_remove(&l->table, record);
	}
	pthread_mutex_unlock(&l->mutex);
	if (status == NOERROR && id != 0) {
		status = nsf_note_delete(l->nsf, id);
		if (status == NOERROR || status == POSTIL_ERR_DELETED)
			status = nsf_commit(l->nsf, NULL);
		else
			nsf_rollback(l->nsf);
		if (status == NOERROR)
			change_end(l, &change);
	} else if (status == NOERROR) {
		nsf_rollback(l->nsf);
	} else if (status == POSTIL_ERR_DAMAGED) {
		set_aside(l, status, &l->file);
	}
	pthread_mutex_unlock(&l->writing);
	if (status == NOERROR || status == POSTIL_ERR_NOEXIST)
		return record != NULL ? NOERROR : POSTIL_ERR_NOT_FOUND;
	return status;
}

STATUS lockout_succeeded(struct lockout *l, const struct lockout_rules *rules,
                         enum lockout_kind kind, struct slice name, int64_t now_ms)
{
	struct buf key = BUF_INIT;
	const struct locked *record;
	bool clears = false;
	STATUS status;

	if (!counts(rules, kind))
		return NOERROR;
	follow(l);
	status = make_key(kind, name, &key);
	if (status == NOERROR) {
		pthread_mutex_lock(&l->mutex);
		record = locktable_find(&l->table, kind, key_name(&key));
		clears = record != NULL && !holds(record, rules, now_ms) &&
		         (record->locked_ms != 0 || rules->clear_secs == 0 ||
		          (now_ms > record->last_ms &&
		           (uint64_t)(now_ms - record->last_ms) / 1000 >= rules->clear_secs));
		pthread_mutex_unlock(&l->mutex);
	}
	if (clears)
		status = remove_record(l, kind, &key);
	buf_release(&key);
	return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
}

STATUS lockout_unlock(struct lockout *l, enum lockout_kind kind, struct slice name)
{
	struct buf key = BUF_INIT;
	STATUS status = make_key(kind, name, &key);

	if (status == NOERROR)
		status = remove_record(l, kind, &key);
	buf_release(&key);
	return status;
}

/* --- showing ------------------------------------------------------------------------------- */

struct listing {
	const struct lockout_rules *rules;
	int64_t now_ms;
	struct arena arena;
	struct lockout_record *records;
	size_t count;
	STATUS status;
};

static void list_record(void *context, struct locked *record)
{
	struct listing *list = context;
	char *name;

	if (list->status != NOERROR || record->kind == LOCKOUT_NOBODY ||
	    has_expired(record, list->rules, list->now_ms))
		return;
	name = arena_strdup(&list->arena, record->name);
	if (name == NULL) {
		list->status = POSTIL_ERR_MEMORY;
		return;
	}
	list->records[list->count++] = (struct lockout_record){
		.kind = record->kind, .name = slice_of(name), .locked = record->locked_ms != 0,
		.failures = record->failures, .first_ms = record->first_ms,
		.last_ms = record->last_ms, .locked_ms = record->locked_ms,
	};
}

STATUS lockout_each(struct lockout *l, const struct lockout_rules *rules, int64_t now_ms,
                    STATUS (*each)(void *context, const struct lockout_record *record),
                    void *context)
{
	struct listing list = { .rules = rules, .now_ms = now_ms };

	follow(l);
	pthread_mutex_lock(&l->mutex);
	list.records = calloc(l->table.count[LOCKOUT_PERSON] + l->table.count[LOCKOUT_ADDRESS] + 1,
	                      sizeof(*list.records));
	if (list.records == NULL)
		list.status = POSTIL_ERR_MEMORY;
	else
		locktable_each(&l->table, list_record, &list);
	pthread_mutex_unlock(&l->mutex);
	for (size_t i = 0; i < list.count && list.status == NOERROR; i++)
		list.status = each(context, &list.records[i]);
	free(list.records);
	arena_release(&list.arena);
	return list.status;
}
