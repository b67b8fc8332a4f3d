/* The mail store on note databases, one SQLite file per mail file.
 *
 *   open    session lock -> stamp -> list cache: a hit opens no database at all;
 *           a miss takes a handle, lists, and keeps the list if the stamp has
 *           not moved meanwhile
 *   read    handle out of the cache, one short statement, handle back
 *   commit  is this still our lock and our file? one transaction
 *
 * An open maildrop that does nothing holds its lock, a share in a list and its
 * path. Distrusted: what the database says (nsf and list.c check it), and that a
 * path still means the file it meant (inode numbers tell). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/nsfstore.h"
#include "nsf/nsf.h"

#define HANDLES_DEFAULT 64
#define LONG_INBOX 2000         /* messages */
#define LIST_OCTETS_DEFAULT (32u * 1024 * 1024)

struct nsfdrop {
	struct maildrop base;
	struct nsfstore *store;
	struct nsf_lock *lock;
	struct msglist *list;
	struct file_id id;
	bool look_only;
	uint16_t user_length;           /* the user's name lies behind the path's NUL */
	struct msglist_cursor *cursor;  /* = &place; message() has a const maildrop */
	struct msglist_cursor place;
	char path[];                    /* absolute */
};

static struct nsfstore *store_of(struct mail_store *base)
{
	return (struct nsfstore *)base;
}

static struct nsfdrop *drop_of(struct maildrop *base)
{
	return (struct nsfdrop *)base;
}

static void fault_clear(struct fault *fault)
{
	if (fault != NULL)
		*fault = (struct fault){ .status = NOERROR };
}

/* --- paths ------------------------------------------------------------------------ */

/* path as mailfile_path made it; anything else is our own mistake or worse. */
static bool path_is_clean(const char *path)
{
	return path[0] != '/' && path[0] != '\0' && strncmp(path, "../", 3) != 0
	       && strstr(path, "/../") == NULL && strlen(path) < PATH_MAX / 2;
}

STATUS nsfstore_path(const struct nsfstore *store, const char *path, char out[PATH_MAX],
                     struct fault *fault)
{
	size_t n = strlen(path);

	fault_clear(fault);
	if (!path_is_clean(path) || store->data_dir_length + n + 2 > PATH_MAX)
		return fault_set(fault, POSTIL_ERR_INVALID, "not a path of a mail file");
	memcpy(out, store->data_dir, store->data_dir_length);
	out[store->data_dir_length] = '/';
	memcpy(out + store->data_dir_length + 1, path, n + 1);
	return NOERROR;
}

STATUS nsfstore_told(struct fault *fault, STATUS status, const char *path)
{
	if (status == NOERROR || (fault != NULL && fault->status == status
	                          && fault->text[0] != '\0'))
		return status;
	return fault_set(fault, status, "%s: %s", path, status_text(status));
}

void nsfstore_tell(const struct nsfstore *store, const char *format, ...)
{
	char text[512];
	va_list list;

	if (store->tell == NULL)
		return;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	store->tell(store->context, text);
}

/* --- the list ----------------------------------------------------------------------- */

static STATUS add_to_list(void *context, const struct nsf_message *m)
{
	struct maildrop_message message = { m->size_octets, m->header_octets,
	                                    m->has_dot_line, m->uidl, m->needs_utf8 };
	struct msglist_maker *maker = context;

	if (m->has_second)
		maker->one_form = false;
	return msglist_add(maker, m->id, &message);
}

/* What nsf_inbox_list is to leave out: 0 nothing, else a user's read messages. */
static STATUS unread_filter(struct nsf *nsf, const struct maildrop_options *options,
                            uint64_t *user_r)
{
	*user_r = 0;
	if (options == NULL || !options->unread_only)
		return NOERROR;
	return nsf_user_id(nsf, options->user, true, user_r);
}

static bool wants_utf8(const struct maildrop_options *options)
{
	return options != NULL && options->utf8;
}

static STATUS list_read(struct nsfdrop *drop, const struct maildrop_options *options,
                        struct fault *fault)
{
	struct slice folder = options != NULL ? options->folder : (struct slice){ NULL, 0 };
	struct msglist_maker maker;
	struct handle *handle = NULL;
	uint64_t user;
	STATUS status;

	status = handles_take(drop->store->handles, drop->path, drop->id, &handle, fault);
	if (status != NOERROR)
		return status;
	msglist_start(&maker);
	status = nsfacl_read(handle_nsf(handle), drop->look_only || options == NULL ? NULL
	                     : options->who, &maker.acl);
	if (status == NOERROR)
		status = nsfstore_render(drop->store, handle_nsf(handle), drop->path);
	if (status == NOERROR)
		status = unread_filter(handle_nsf(handle), options, &user);
	if (status == NOERROR)
		status = folder.n != 0 ? nsfmove_list(handle_nsf(handle), folder, &maker)
		         : nsf_inbox_list(handle_nsf(handle), user, wants_utf8(options), add_to_list, &maker);
	/* The pages of a long inbox would cost more than the list made from them. */
	if (maker.count > LONG_INBOX)
		nsf_shrink(handle_nsf(handle));
	handles_put(drop->store->handles, &handle, status);
	if (status == NOERROR)
		status = msglist_finish(&maker, &drop->list);
	if (status != NOERROR)
		msglist_give_up(&maker);
	return nsfstore_told(fault, status, drop->path);
}

/* A known list of a file that belongs to nobody yet does not serve who may become its owner. */
static bool wants_owner(const struct nsfdrop *drop, const struct maildrop_options *options)
{
	return msglist_acl(drop->list).n == 0 && options != NULL && options->who != NULL
	       && !drop->look_only;
}

static STATUS list_get(struct nsfdrop *drop, const struct maildrop_options *options,
                       struct fault *fault)
{
	bool whole = options == NULL || (!options->unread_only && options->folder.n == 0);
	struct nsf_stamp before = { .valid = false }, after = { .valid = false };
	STATUS status;

	if (whole) {
		status = nsf_lock_stamp(drop->lock, &before);
		if (status != NOERROR)
			return nsfstore_told(fault, status, drop->path);
		drop->list = lists_find(drop->store->lists, drop->path, wants_utf8(options), &before,
		                        &drop->id);
		if (drop->list != NULL && !wants_owner(drop, options))
			return NOERROR;
		msglist_let_go(&drop->list);
	}
	/* Which file: asked under the lock, so that it cannot be removed since. */
	status = file_id_of(drop->path, &drop->id, fault);
	if (status == NOERROR)
		status = list_read(drop, options, fault);
	if (status != NOERROR || !whole)
		return status;
	/* A stamp taken before and found again after belongs to what lies between. */
	if (nsf_lock_stamp(drop->lock, &after) == NOERROR && before.valid && after.valid
	    && memcmp(before.words, after.words, sizeof(before.words)) == 0)
		lists_keep(drop->store->lists, drop->path, wants_utf8(options), drop->id, &after,
		           drop->list);
	return NOERROR;
}

/* --- open and close -------------------------------------------------------------------- */

static struct nsfdrop *drop_new(struct nsfstore *store, const char *path, struct slice user)
{
	size_t length = strlen(path) + 1;
	struct nsfdrop *drop;

	if (user.n > UINT16_MAX)
		return NULL;
	drop = calloc(1, sizeof(*drop) + length + user.n);
	if (drop == NULL)
		return NULL;
	drop->base.calls = store->base.calls;
	drop->store = store;
	drop->cursor = &drop->place;
	memcpy(drop->path, path, length);
	if (user.n != 0)
		memcpy(drop->path + length, user.p, user.n);
	drop->user_length = (uint16_t)user.n;
	return drop;
}

/* May who read? Told before anything else, and before a list is handed out. */
static STATUS judge(struct nsfdrop *drop, const struct maildrop_options *options,
                    struct fault *fault)
{
	const struct acl_who *who = options != NULL ? options->who : NULL;
	STATUS status = nsfacl_judge(msglist_acl(drop->list), who, &drop->base.rights);

	if (status == POSTIL_ERR_NOACCESS)
		return fault_set(fault, status, "the access control list of %s gives %s", drop->path,
		                 acl_level_text(drop->base.rights.level));
	if (status == POSTIL_ERR_DAMAGED)
		return fault_set(fault, status, "the access control list of %s cannot be understood; "
		                 "`postil mail acl` sets another one", drop->path);
	return status;
}

/* Somebody else has the session: whether who may read is all there is to say. */
static STATUS in_use(struct nsfdrop *drop, const struct maildrop_options *options,
                     struct fault *fault)
{
	struct fault own = { .status = NOERROR };

	if (options == NULL || options->who == NULL)
		return POSTIL_ERR_IN_USE;
	drop->look_only = true;         /* takes no owner, keeps no lock */
	if (list_get(drop, options, &own) != NOERROR || msglist_acl(drop->list).n == 0 ||
	    judge(drop, options, &own) != POSTIL_ERR_NOACCESS)
		return POSTIL_ERR_IN_USE;
	if (fault != NULL)
		*fault = own;
	return POSTIL_ERR_NOACCESS;
}

static STATUS take_lock(struct nsfdrop *drop, const struct maildrop_options *options,
                        struct fault *fault)
{
	STATUS status = nsf_lock_open(drop->path, &drop->lock, fault);

	if (status == NOERROR && !drop->look_only)
		status = nsf_lock_session(drop->lock);
	if (status == POSTIL_ERR_IN_USE)
		status = in_use(drop, options, fault);
	return nsfstore_told(fault, status, drop->path);
}

static void nsfstore_close(struct maildrop **base)
{
	struct nsfdrop *drop = (struct nsfdrop *)*base;

	if (drop == NULL)
		return;
	msglist_let_go(&drop->list);
	if (drop->lock != NULL)
		nsf_lock_close(&drop->lock);
	free(drop);
	*base = NULL;
}

static STATUS nsfstore_open(struct mail_store *base, const char *path,
                            const struct maildrop_options *options,
                            struct maildrop **drop_r, uint64_t *epoch_r, struct fault *fault)
{
	struct nsfstore *store = store_of(base);
	struct slice user = options != NULL ? options->user : (struct slice){ NULL, 0 };
	char full[PATH_MAX];
	struct maildrop *drop;
	STATUS status = nsfstore_path(store, path, full, fault);

	if (status != NOERROR)
		return status;
	drop = (struct maildrop *)drop_new(store, full, user);
	if (drop == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "out of memory");
	drop_of(drop)->look_only = options != NULL && options->look_only;
	status = take_lock(drop_of(drop), options, fault);
	if (status == NOERROR)
		status = list_get(drop_of(drop), options, fault);
	if (status == NOERROR)
		status = judge(drop_of(drop), options, fault);
	if (status != NOERROR) {
		nsfstore_close(&drop);
		return status;
	}
	*epoch_r = nsf_lock_epoch(drop_of(drop)->lock);
	if (drop_of(drop)->look_only)   /* it served for the stamp */
		nsf_lock_close(&drop_of(drop)->lock);
	*drop_r = drop;
	return NOERROR;
}

/* --- what the list says ------------------------------------------------------------------ */

static void nsfstore_stat(const struct maildrop *base, uint32_t *count_r, uint64_t *octets_r)
{
	const struct nsfdrop *drop = (const struct nsfdrop *)base;

	*count_r = msglist_count(drop->list);
	*octets_r = msglist_octets(drop->list);
}

static void nsfstore_message(const struct maildrop *base, uint32_t index,
                             struct maildrop_message *message_r)
{
	const struct nsfdrop *drop = (const struct nsfdrop *)base;

	msglist_get(drop->list, drop->cursor, index, message_r);
}

static size_t nsfstore_memory(const struct maildrop *base)
{
	const struct nsfdrop *drop = (const struct nsfdrop *)base;

	return sizeof(*drop) + strlen(drop->path) + 1 + drop->user_length
	       + msglist_memory(drop->list);
}

static uint64_t id_of(struct nsfdrop *drop, uint32_t index)
{
	struct maildrop_message unused;

	return msglist_get(drop->list, drop->cursor, index, &unused);
}

/* --- reading and committing ------------------------------------------------------------ */

static STATUS nsfstore_read(struct maildrop *base, uint32_t index, uint64_t offset,
                            void *out, size_t size, size_t *got_r, struct fault *fault)
{
	struct nsfdrop *drop = drop_of(base);
	struct maildrop_message message;
	struct handle *handle = NULL;
	uint64_t id;
	STATUS status;

	fault_clear(fault);
	if (index >= msglist_count(drop->list))
		return fault_set(fault, POSTIL_ERR_INVALID, "no message %u", index);
	id = msglist_get(drop->list, drop->cursor, index, &message);
	*got_r = 0;
	if (offset >= message.size_octets)
		return NOERROR;
	if (size > message.size_octets - offset)        /* or it would look for more */
		size = (size_t)(message.size_octets - offset);
	status = handles_take(drop->store->handles, drop->path, drop->id, &handle, fault);
	if (status != NOERROR)
		return status;
	status = nsf_body_read(handle_nsf(handle), id, offset, out, size, got_r);
	handles_put(drop->store->handles, &handle, status);
	return nsfstore_told(fault, status, drop->path);
}

/* Is the lock that we hold still the lock of the file that we listed? */
static STATUS check_lock(const struct nsfdrop *drop, struct fault *fault)
{
	struct file_id id;

	fault_clear(fault);
	if (drop->look_only)
		return fault_set(fault, POSTIL_ERR_INVALID, "%s was opened to look only",
		                 drop->path);
	if (nsf_lock_is_removed(drop->lock) || file_id_of(drop->path, &id, NULL) != NOERROR
	    || !file_id_equal(id, drop->id))
		return fault_set(fault, POSTIL_ERR_LOCK_LOST,
		                 "%s was removed or replaced during the session; nothing was"
		                 " deleted", drop->path);
	return NOERROR;
}

static STATUS ids_of(struct nsfdrop *drop, const uint32_t *indexes, size_t count,
                     uint64_t **ids_r)
{
	uint64_t *ids = malloc((count != 0 ? count : 1) * sizeof(*ids));

	if (ids == NULL)
		return POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		if (indexes[i] >= msglist_count(drop->list)) {
			free(ids);
			return POSTIL_ERR_INVALID;
		}
		ids[i] = id_of(drop, indexes[i]);
	}
	*ids_r = ids;
	return NOERROR;
}

static STATUS mark_read(struct nsfdrop *drop, struct nsf *nsf, const uint32_t *indexes,
                        size_t count)
{
	struct slice user = { drop->path + strlen(drop->path) + 1, drop->user_length };
	uint64_t *ids, user_id;
	STATUS status;

	if (count == 0 || user.n == 0)
		return NOERROR;
	status = ids_of(drop, indexes, count, &ids);
	if (status != NOERROR)
		return status;
	status = nsf_user_id(nsf, user, true, &user_id);
	if (status == NOERROR)
		status = nsf_mark_read(nsf, user_id, ids, count);
	free(ids);
	return status;
}

static STATUS delete_messages(struct nsfdrop *drop, struct nsf *nsf, const uint32_t *indexes,
                              size_t count, struct fault *fault)
{
	uint64_t *ids;
	STATUS status;

	if (count == 0)
		return NOERROR;
	status = ids_of(drop, indexes, count, &ids);
	if (status != NOERROR)
		return status;
	status = nsf_delete(nsf, ids, count, fault);
	free(ids);
	return status;
}

/* Marks and deletions in one transaction. */
static STATUS commit_both(struct nsfdrop *drop, struct nsf *nsf, const uint32_t *deleted,
                          size_t deleted_count, const uint32_t *read, size_t read_count,
                          struct fault *fault)
{
	STATUS status = nsf_begin(nsf, fault);

	if (status != NOERROR)
		return status;
	status = mark_read(drop, nsf, read, read_count);
	if (status == NOERROR)
		status = delete_messages(drop, nsf, deleted, deleted_count, fault);
	if (status == NOERROR)
		return nsf_commit(nsf, fault);
	nsf_rollback(nsf);
	return status;
}

static STATUS commit_on(struct nsfdrop *drop, struct nsf *nsf, const uint32_t *deleted,
                        size_t deleted_count, const uint32_t *read, size_t read_count,
                        struct fault *fault)
{
	STATUS status;

	if (read_count == 0 || drop->user_length == 0)
		return delete_messages(drop, nsf, deleted, deleted_count, fault);
	status = commit_both(drop, nsf, deleted, deleted_count, read, read_count, fault);
	/* On a full disk deletions matter and marks do not: alone they may use the reserve. */
	if (status == POSTIL_ERR_DISK_FULL && deleted_count > 0)
		status = delete_messages(drop, nsf, deleted, deleted_count, fault);
	return status;
}

static STATUS nsfstore_commit(struct maildrop *base, const uint32_t *deleted,
                              size_t deleted_count, const uint32_t *read, size_t read_count,
                              struct fault *fault)
{
	struct nsfdrop *drop = drop_of(base);
	struct handle *handle = NULL;
	STATUS status = check_lock(drop, fault);

	if (status == NOERROR && deleted_count > 0 && !base->rights.may_delete)
		status = fault_set(fault, POSTIL_ERR_NOACCESS, "the access control list of %s gives no "
		                   "right to delete", drop->path);
	if (status != NOERROR || (deleted_count == 0 && read_count == 0))
		return status;
	status = handles_take(drop->store->handles, drop->path, drop->id, &handle, fault);
	if (status != NOERROR)
		return status;
	status = commit_on(drop, handle_nsf(handle), deleted, deleted_count, read, read_count,
	                   fault);
	handles_put(drop->store->handles, &handle, status);
	return nsfstore_told(fault, status, drop->path);
}

/* --- the store itself ---------------------------------------------------------------------- */

static void nsfstore_shrink(struct mail_store *base)
{
	handles_drop_all(store_of(base)->handles);
}

static void nsfstore_free(struct mail_store **base)
{
	struct nsfstore *store = (struct nsfstore *)*base;

	if (store == NULL)
		return;
	handles_free(&store->handles);
	lists_free(&store->lists);
	free(store);
	*base = NULL;
}

static STATUS nsfstore_details(struct maildrop *base, uint32_t index,
                               struct maildrop_details *details_r, struct fault *fault)
{
	struct nsfdrop *drop = drop_of(base);
	struct handle *handle = NULL;
	STATUS status;

	fault_clear(fault);
	if (index >= msglist_count(drop->list))
		return fault_set(fault, POSTIL_ERR_INVALID, "no message %u", index);
	status = handles_take(drop->store->handles, drop->path, drop->id, &handle, fault);
	if (status != NOERROR)
		return status;
	status = nsfmove_details(handle_nsf(handle), id_of(drop, index), details_r);
	handles_put(drop->store->handles, &handle, status);
	return nsfstore_told(fault, status, drop->path);
}

static const struct maildrop_store_calls nsfstore_calls = {
	.version = 1, .name = "nsf",
	.open = nsfstore_open, .close = nsfstore_close, .stat = nsfstore_stat,
	.message = nsfstore_message, .memory = nsfstore_memory, .read = nsfstore_read,
	.commit = nsfstore_commit, .reclaim = nsfstore_reclaim, .deliver = nsfstore_deliver,
	.create = nsfstore_create, .remove = nsfstore_remove, .acl_get = nsfstore_acl_get,
	.acl_set = nsfstore_acl_set, .known = nsfstore_known, .folders = nsfstore_folders,
	.details = nsfstore_details, .shrink = nsfstore_shrink, .free = nsfstore_free,
};

STATUS nsfstore_new(const char *data_dir, const struct nsfstore_options *options,
                    struct mail_store **store_r, struct fault *fault)
{
	static const struct nsfstore_options none;
	const struct nsfstore_options *o = options != NULL ? options : &none;
	size_t n = strlen(data_dir);
	struct nsfstore *store;
	struct mail_store *base;
	STATUS status;

	while (n > 1 && data_dir[n - 1] == '/')
		n--;
	if (data_dir[0] != '/' || n > PATH_MAX / 2)
		return fault_set(fault, POSTIL_ERR_INVALID,
		                 "the data directory must be an absolute path");
	store = calloc(1, sizeof(*store) + n + 1);
	if (store == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "out of memory");
	base = &store->base;
	base->calls = &nsfstore_calls;
	if (o->render != NULL)
		store->render = *o->render;
	store->tell = o->tell;
	store->context = o->context;
	memcpy(store->data_dir, data_dir, n);
	store->data_dir_length = n;
	status = handles_new(o->handles != 0 ? o->handles : HANDLES_DEFAULT, &store->handles);
	if (status == NOERROR)
		status = lists_new(o->list_octets != 0 ? o->list_octets : LIST_OCTETS_DEFAULT,
		                   &store->lists);
	if (status != NOERROR) {
		nsfstore_free(&base);
		return fault_set(fault, status, "%s", status_text(status));
	}
	*store_r = base;
	return NOERROR;
}
