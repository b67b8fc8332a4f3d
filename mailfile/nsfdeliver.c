/* Mail files of the store on note databases: made, delivered to, reclaimed,
 * removed. Distrusted: that a path names today what it named before; somebody
 * else may make the same file at the same moment. */
#include "mailfile/nsfstore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/name.h"
#include "nsf/nsf.h"

STATUS nsfstore_reclaim(struct mail_store *base, const char *path, bool *more_r)
{
	struct nsfstore *store = (struct nsfstore *)base;
	struct handle *handle = NULL;
	char full[PATH_MAX];
	struct file_id id;
	STATUS status = nsfstore_path(store, path, full, NULL);

	if (status == NOERROR)
		status = file_id_of(full, &id, NULL);
	if (status == NOERROR)
		status = handles_take(store->handles, full, id, &handle, NULL);
	if (status != NOERROR)
		return status;
	status = nsf_reclaim(handle_nsf(handle), more_r);
	handles_put(store->handles, &handle, status);
	return status;
}

/* --- making, delivering, removing -------------------------------------------------------- */

static STATUS sync_directory(const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	STATUS status = NOERROR;

	if (fd < 0 || fsync(fd) != 0)
		status = fault_set(fault, POSTIL_ERR_IO, "cannot sync the directory %s: %s", path,
		                   strerrordesc_np(errno));
	if (fd >= 0)
		close(fd);
	return status;
}

static STATUS make_directory(const char *path, const char *parent, struct fault *fault)
{
	if (mkdir(path, 0700) == 0)
		return sync_directory(parent, fault);
	if (errno == EEXIST)
		return NOERROR;
	return fault_set(fault, errno == ENOSPC || errno == EDQUOT ? POSTIL_ERR_DISK_FULL
	                 : errno == EACCES || errno == EROFS ? POSTIL_ERR_PERMISSION
	                 : errno == ENOENT ? POSTIL_ERR_NOEXIST : POSTIL_ERR_IO,
	                 "cannot make the directory %s: %s", path, strerrordesc_np(errno));
}

/* The directories between data_dir and the file. */
static STATUS make_parents(const struct nsfstore *store, const char *full, struct fault *fault)
{
	char path[PATH_MAX], parent[PATH_MAX];
	STATUS status = NOERROR;
	size_t n = strlen(full) + 1;

	memcpy(path, full, n);
	memcpy(parent, store->data_dir, store->data_dir_length + 1);
	for (char *p = path + store->data_dir_length + 1;
	     status == NOERROR && (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		status = make_directory(path, parent, fault);
		memcpy(parent, path, strlen(path) + 1);
		*p = '/';
	}
	return status;
}

static STATUS make_file(struct nsfstore *store, const char *full, struct handle **handle_r,
                        struct fault *fault)
{
	STATUS status = make_parents(store, full, fault);

	if (status == NOERROR)
		status = handles_create(store->handles, full, handle_r, fault);
	return nsfstore_told(fault, status, full);
}

/* The file for a delivery: there, or made; somebody else may make it first. */
static STATUS take_or_make(struct nsfstore *store, const char *full, bool make, bool *made_r,
                           struct handle **handle_r, struct fault *fault)
{
	struct file_id id;
	STATUS status = file_id_of(full, &id, fault);

	*made_r = false;
	if (status == POSTIL_ERR_NOEXIST && make) {
		status = make_file(store, full, handle_r, fault);
		*made_r = status == NOERROR;
		if (status != POSTIL_ERR_EXISTS)
			return status;
		status = file_id_of(full, &id, fault);
	}
	return status != NOERROR ? status
	                         : handles_take(store->handles, full, id, handle_r, fault);
}

/* form: room for its second form. */
static struct nsf_delivery delivery_of(const struct maildrop_delivery *m, struct nsf_form *form)
{
	if (m->second != NULL)
		*form = (struct nsf_form){ m->second->size_octets, m->second->header_octets,
			m->second->has_dot_line, m->second->body, m->second->context };
	return (struct nsf_delivery){
		.size_octets = m->size_octets, .header_octets = m->header_octets,
		.has_dot_line = m->has_dot_line, .uidl = m->uidl, .reuse_uidl = m->reuse_uidl,
		.note = m->note, .read = m->read, .second = m->second != NULL ? form : NULL,
		.needs_utf8 = m->needs_utf8, .received_ms = m->received_ms,
		.beyond_quota = m->beyond_quota,
		.body = m->body, .context = m->context,
	};
}

/* Those with folders need a transaction around. */
static STATUS deliver_all(struct nsf *nsf, const char *full,
                          const struct maildrop_delivery *messages, size_t count,
                          struct fault *fault)
{
	struct nsf_delivery *deliveries = calloc(count, sizeof(*deliveries));
	struct nsf_form *forms = calloc(count, sizeof(*forms));
	uint64_t *ids = calloc(count, sizeof(*ids));
	size_t failed = 0;
	STATUS status = deliveries == NULL || forms == NULL || ids == NULL ? POSTIL_ERR_MEMORY
	                                                                   : NOERROR;

	for (size_t i = 0; i < count && status == NOERROR; i++)
		deliveries[i] = delivery_of(&messages[i], &forms[i]);
	if (status == NOERROR)
		status = nsf_deliver(nsf, deliveries, count, ids, &failed, fault);
	if (status == NOERROR)
		status = nsfmove_file(nsf, messages, ids, count);
	free(deliveries);
	free(forms);
	free(ids);
	return nsfstore_told(fault, status, full);
}

/* Into a new file: whose it is and who may read it. */
static STATUS make_owner(struct nsf *nsf, struct slice owner)
{
	struct buf name = BUF_INIT;
	STATUS status = name_canonicalize(owner, &name);

	if (status == NOERROR)
		status = nsf_property_set(nsf, NSF_PROPERTY_OWNER, buf_slice(&name));
	buf_release(&name);
	return status == NOERROR ? nsfacl_make(nsf, owner) : status;
}

/* All in one, synced together: what makes a new file somebody's (owner empty: it is no
 * new one), messages, their folders. */
static STATUS deliver_together(struct nsf *nsf, const char *full, struct slice owner,
                               const struct maildrop_delivery *messages, size_t count,
                               struct fault *fault)
{
	STATUS status = nsf_begin(nsf, fault);

	if (status != NOERROR)
		return status;
	if (owner.n > 0)
		status = make_owner(nsf, owner);
	if (status == NOERROR && count > 0)
		status = deliver_all(nsf, full, messages, count, fault);
	if (status == NOERROR)
		return nsf_commit(nsf, fault);
	nsf_rollback(nsf);
	return nsfstore_told(fault, status, full);
}

/* Into a file just made. It stays where the messages cannot be taken, so it belongs to its owner
 * in any case: the next delivery finds it there and does not ask. */
static STATUS deliver_first(struct nsf *nsf, const char *full, struct slice owner,
                            const struct maildrop_delivery *messages, size_t count,
                            struct fault *fault)
{
	STATUS status = deliver_together(nsf, full, owner, messages, count, fault);

	/* Where not even this succeeds, the first trouble is the one to tell. */
	if (status != NOERROR && count > 0)
		(void)deliver_together(nsf, full, owner, NULL, 0, NULL);
	return status;
}

STATUS nsfstore_deliver(struct mail_store *base, const char *path, bool make,
                        struct slice owner, const struct maildrop_delivery *messages,
                        size_t count, struct fault *fault)
{
	struct nsfstore *store = (struct nsfstore *)base;
	struct handle *handle = NULL;
	char full[PATH_MAX];
	bool made = false;
	STATUS status = nsfstore_path(store, path, full, fault);

	if (status == NOERROR)
		status = take_or_make(store, full, make, &made, &handle, fault);
	if (status != NOERROR)
		return status;
	if (made && owner.n > 0)
		status = deliver_first(handle_nsf(handle), full, owner, messages, count, fault);
	else if (nsfmove_has_folders(messages, count))
		status = deliver_together(handle_nsf(handle), full, (struct slice){ "", 0 }, messages, count,
		                          fault);
	else if (count > 0)
		status = deliver_all(handle_nsf(handle), full, messages, count, fault);
	if (status == NOERROR && count > 0 && nsf_quota_crossed(handle_nsf(handle)))
		nsfstore_warn_of_quota(store, handle_nsf(handle), full);
	handles_put(store->handles, &handle, status);
	return status;
}

STATUS nsfstore_create(struct mail_store *base, const char *path, struct slice owner,
                       struct fault *fault)
{
	struct nsfstore *store = (struct nsfstore *)base;
	struct handle *handle = NULL;
	char full[PATH_MAX];
	STATUS status = nsfstore_path(store, path, full, fault);

	if (status == NOERROR)
		status = make_file(store, full, &handle, fault);
	if (status == NOERROR && owner.n > 0)
		status = deliver_together(handle_nsf(handle), full, owner, NULL, 0, fault);
	handles_put(store->handles, &handle, status);
	return status;
}

STATUS nsfstore_remove(struct mail_store *base, const char *path, struct fault *fault)
{
	struct nsfstore *store = (struct nsfstore *)base;
	char full[PATH_MAX];
	struct file_id id;
	STATUS status = nsfstore_path(store, path, full, fault);

	if (status == NOERROR)
		status = file_id_of(full, &id, fault);
	if (status != NOERROR)
		return status;
	handles_drop(store->handles, full);
	lists_forget(store->lists, full);
	return nsfstore_told(fault, nsf_remove(full, fault), full);
}
