/* The access control list of a mail file on a note database: read, made from the owner
 * where there is none yet, replaced. Distrusted: what the file says; a list that cannot
 * be understood lets nobody in but the file's own side. */
#include "mailfile/nsfstore.h"

#include "nsf/nsf.h"

STATUS nsfacl_make(struct nsf *nsf, struct slice owner)
{
	struct arena arena = ARENA_INIT;
	struct buf encoded = BUF_INIT;
	struct acl acl;
	STATUS status = acl_default(owner, &arena, &acl);

	if (status == NOERROR)
		status = acl_encode(&acl, &encoded);
	if (status == NOERROR)
		status = nsf_acl_set(nsf, buf_slice(&encoded));
	buf_release(&encoded);
	arena_release(&arena);
	return status;
}

/* What a file without a list would have, by its owner. */
static STATUS default_of(struct nsf *nsf, struct buf *encoded_r)
{
	struct arena arena = ARENA_INIT;
	struct buf owner = BUF_INIT;
	struct acl acl;
	STATUS status = nsf_property_get(nsf, "owner", &owner);

	if (status == NOERROR && owner.n == 0)
		status = POSTIL_ERR_NOT_FOUND;
	if (status == NOERROR)
		status = acl_default(buf_slice(&owner), &arena, &acl);
	if (status == NOERROR)
		status = acl_encode(&acl, encoded_r);
	buf_release(&owner);
	arena_release(&arena);
	return status;
}

/* Owner and list in one transaction. */
static STATUS adopt(struct nsf *nsf, struct slice owner)
{
	STATUS status = nsf_begin(nsf, NULL);

	if (status != NOERROR)
		return status;
	status = nsf_property_set(nsf, "owner", owner);
	if (status == NOERROR)
		status = nsfacl_make(nsf, owner);
	if (status == NOERROR)
		return nsf_commit(nsf, NULL);
	nsf_rollback(nsf);
	return status;
}

STATUS nsfacl_read(struct nsf *nsf, const struct acl_who *adopter, struct buf *encoded_r)
{
	STATUS status = nsf_acl_get(nsf, encoded_r);

	if (status == POSTIL_ERR_NOT_FOUND)
		status = default_of(nsf, encoded_r);
	if (status != POSTIL_ERR_NOT_FOUND)
		return status;
	if (adopter == NULL)
		return NOERROR;
	status = adopt(nsf, adopter->name);
	return status == NOERROR ? nsf_acl_get(nsf, encoded_r) : status;
}

STATUS nsfacl_judge(struct slice encoded, const struct acl_who *who, struct acl_rights *rights_r)
{
	struct arena arena = ARENA_INIT;
	struct acl acl;
	STATUS status;

	*rights_r = (struct acl_rights){ ACL_MANAGER, true, true };
	if (who == NULL)
		return NOERROR;
	status = acl_decode(encoded, &arena, &acl);
	if (status == NOERROR) {
		acl_evaluate(&acl, who, rights_r);
		status = rights_r->may_read ? NOERROR : POSTIL_ERR_NOACCESS;
	}
	arena_release(&arena);
	return status;
}

/* --- the store's calls -------------------------------------------------------------- */

static STATUS take(struct nsfstore *store, const char *path, char full[PATH_MAX],
                   struct handle **handle_r, struct fault *fault)
{
	struct file_id id;
	STATUS status = nsfstore_path(store, path, full, fault);

	if (status == NOERROR)
		status = file_id_of(full, &id, fault);
	if (status == NOERROR)
		status = handles_take(store->handles, full, id, handle_r, fault);
	return status;
}

STATUS nsfstore_acl_get(struct mail_store *base, const char *path, struct buf *encoded_r,
                        struct fault *fault)
{
	struct nsfstore *store = (struct nsfstore *)base;
	struct handle *handle = NULL;
	char full[PATH_MAX];
	size_t before = encoded_r->n;
	STATUS status = take(store, path, full, &handle, fault);

	if (status != NOERROR)
		return status;
	status = nsfacl_read(handle_nsf(handle), NULL, encoded_r);
	handles_put(store->handles, &handle, status);
	if (status == NOERROR && encoded_r->n == before)
		status = acl_encode(&(struct acl){ .max_internet = ACL_EDITOR }, encoded_r);
	return nsfstore_told(fault, status, full);
}

STATUS nsfstore_acl_set(struct mail_store *base, const char *path, const struct acl *acl,
                        struct fault *fault)
{
	struct nsfstore *store = (struct nsfstore *)base;
	struct handle *handle = NULL;
	struct buf encoded = BUF_INIT;
	char full[PATH_MAX];
	STATUS status = take(store, path, full, &handle, fault);

	if (status == NOERROR) {
		status = acl_encode(acl, &encoded);
		if (status == NOERROR)
			status = nsf_acl_set(handle_nsf(handle), buf_slice(&encoded));
		handles_put(store->handles, &handle, status);
		status = nsfstore_told(fault, status, full);
	}
	buf_release(&encoded);
	return status;
}
