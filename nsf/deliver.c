/*
 * Delivery: messages, their notes and counters in one transaction with one sync.
 * A batch is all or none. The caller's octets are passed through unread; its
 * numbers and UIDL are checked, and so is that there is room.
 */
#include "nsf/private.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/banned.h"

static _Atomic uint64_t reserve_octets = (uint64_t)16 << 20;

void nsf_set_reserve(uint64_t octets)
{
	reserve_octets = octets;
}

/* Of a message, its second form and the large values of its note, each of which has a bound. */
static uint64_t octets_of(const struct nsf_delivery *d)
{
	uint64_t sum = d->size_octets + (d->second != NULL ? d->second->size_octets : 0);

	for (const struct item *item = d->note != NULL ? d->note->first : NULL; item != NULL;
	     item = item->next)
		if (item->blob != NULL && item->blob->size_octets <= NSF_SIZE_MAX)
			sum += item->blob->size_octets;
	return sum;
}

/* What the batch needs beside the reserve: itself in the log, and once more in
 * the file when the log is emptied. */
static STATUS space_check(const struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                          struct fault *fault)
{
	struct statvfs fs;
	uint64_t need = reserve_octets, room;

	if (need == 0)
		return NOERROR;
	for (size_t i = 0; i < count; i++) {
		uint64_t twice = octets_of(&messages[i]) * 2 + 32768;

		need = need > UINT64_MAX - twice ? UINT64_MAX : need + twice;
	}
	if (statvfs(nsf->path, &fs) < 0)
		return fault_set(fault, errno == ENOENT ? POSTIL_ERR_NOEXIST : POSTIL_ERR_IO,
		                 "%s: cannot tell the free space: %s", nsf->path, strerrordesc_np(errno));
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room >= need)
		return NOERROR;
	return fault_set(fault, POSTIL_ERR_DISK_FULL, "%s: only %llu octets are free on its file "
	                 "system, %llu are needed with the reserve for deletions", nsf->path,
	                 (unsigned long long)room, (unsigned long long)need);
}

/* --- one message --------------------------------------------------------------------------- */

/* The message first: the number of a second form is that after its own. */
static STATUS deliver_one(struct nsf *nsf, const struct nsf_delivery *d, char *buffer,
                          uint64_t *id_r)
{
	static const struct note no_note = { .class = NOTE_CLASS_DOCUMENT };
	uint64_t id = 0;
	STATUS status = nsf_id_take(nsf, &id);

	if (status == NOERROR)
		status = nsf_message_add(nsf, id, id, d, buffer);
	if (status == NOERROR)
		status = nsf_note_insert(nsf, id, d->note == NULL ? &no_note : d->note,
		                         d->read ? NOTE_ROW_READ : 0, d->received_ms);
	if (status == NOERROR && !d->read)
		status = nsf_run(nsf, ST_UNREAD_ADD, 1, (const int64_t[]){ (int64_t)id });
	*id_r = id;
	return status;
}

/* The owner has been told of the threshold by somebody else meanwhile. */
static bool is_told(struct nsf *nsf, const struct nsf_delivery *d)
{
	bool told = d->quota_report && nsf->counters.warned != 0;

	if (d->quota_report)
		nsf->counters.warned = 1;
	return told;
}

static STATUS batch_check(const struct nsf_delivery *messages, size_t count, size_t *failed_r)
{
	for (size_t i = 0; i < count; i++) {
		STATUS status = nsf_message_check(&messages[i]);

		if (status != NOERROR) {
			if (failed_r != NULL)
				*failed_r = i;
			return status;
		}
	}
	return NOERROR;
}

static STATUS batch_insert(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                           char *buffer, uint64_t *ids_r, size_t *failed_r)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t id = 0;
		STATUS status = NOERROR;

		if (!is_told(nsf, &messages[i]))
			status = deliver_one(nsf, &messages[i], buffer, &id);

		if (status != NOERROR) {
			if (failed_r != NULL)
				*failed_r = i;
			return status;
		}
		if (ids_r != NULL)
			ids_r[i] = id;
	}
	return NOERROR;
}

static bool any_reuse(const struct nsf_delivery *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (messages[i].reuse_uidl && messages[i].uidl.n == 0)
			return true;
	return false;
}

static STATUS batch_add(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                        char *buffer, uint64_t *ids_r, size_t *failed_r, struct fault *fault)
{
	STATUS status = messages[0].quota_report ? NOERROR
		: nsf_quota_check(nsf, messages, count, fault);

	/* What has been deleted but not reclaimed has no stub yet. */
	if (status == NOERROR && any_reuse(messages, count))
		status = nsf_run(nsf, ST_STUBS_OF_GONE, 0, NULL);
	if (status == NOERROR)
		status = batch_insert(nsf, messages, count, buffer, ids_r, failed_r);
	if (status == POSTIL_ERR_EXISTS)
		fault_set(fault, status, "%s: the UIDL or UNID of a message is taken", nsf->path);
	return status == NOERROR ? nsf_quota_note(nsf) : status;
}

static STATUS batch_deliver(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                            char *buffer, uint64_t *ids_r, size_t *failed_r, struct fault *fault)
{
	struct change change;
	STATUS status = nsf_change_begin(nsf, &change, fault);

	if (status != NOERROR)
		return status;
	nsf->crossed = false;
	status = batch_add(nsf, messages, count, buffer, ids_r, failed_r, fault);
	return nsf_change_end(nsf, &change, status, fault);
}

/* As long as something can make room. */
static STATUS quota_deliver(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                            char *buffer, uint64_t *ids_r, size_t *failed_r, struct fault *fault)
{
	bool made = true;
	STATUS status = batch_deliver(nsf, messages, count, buffer, ids_r, failed_r, fault);

	while (status == POSTIL_ERR_QUOTA && made && !nsf->in_transaction) {
		if (nsf_quota_make_room(nsf, messages, count, &made) != NOERROR || !made)
			return status;
		status = batch_deliver(nsf, messages, count, buffer, ids_r, failed_r, fault);
	}
	return status;
}

STATUS nsf_deliver(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                   uint64_t *ids_r, size_t *failed_r, struct fault *fault)
{
	char *buffer = NULL;
	STATUS status;

	if (fault != NULL)
		fault->status = NOERROR;
	if (count == 0)
		return NOERROR;
	status = batch_check(messages, count, failed_r);
	if (status != NOERROR)
		return fault_set(fault, status, "%s: a message cannot be stored: %s", nsf->path,
		                 status_text(status));
	status = space_check(nsf, messages, count, fault);
	if (status == NOERROR)
		status = nsf_message_buffer(messages, count, &buffer);
	if (status == NOERROR)
		status = quota_deliver(nsf, messages, count, buffer, ids_r, failed_r, fault);
	free(buffer);
	return status;
}
