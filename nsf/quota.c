/*
 * How much a file may hold. Counted are pages that are not free, so that what is deleted makes
 * room as soon as it is reclaimed, whether or not the file shrinks.
 */
#include "nsf/private.h"

#include "base/banned.h"

static STATUS used(struct nsf *nsf, uint64_t *octets_r)
{
	uint64_t size = 0, count = 0, free_count = 0;
	STATUS status = nsf_ask_number(nsf, ST_PAGE_SIZE, 0, NULL, &size);

	if (status == NOERROR)
		status = nsf_ask_number(nsf, ST_PAGE_COUNT, 0, NULL, &count);
	if (status == NOERROR)
		status = nsf_ask_number(nsf, ST_FREE_COUNT, 0, NULL, &free_count);
	if (status == NOERROR)
		*octets_r = size * (count > free_count ? count - free_count : 0);
	return status;
}

/* What the quota is asked for; *count becomes how many messages that are. */
static uint64_t octets_of(const struct nsf_delivery *messages, size_t *count)
{
	uint64_t sum = 0;
	size_t asking = 0;

	for (size_t i = 0; i < *count; i++) {
		if (messages[i].beyond_quota)
			continue;
		asking++;
		sum += messages[i].size_octets
		       + (messages[i].second != NULL ? messages[i].second->size_octets : 0);
	}
	*count = asking;
	return sum;
}

STATUS nsf_quota_check(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                       struct fault *fault)
{
	struct counters *c = &nsf->counters;
	uint64_t needed = octets_of(messages, &count), held = c->messages + c->filed, octets = 0;
	STATUS status = NOERROR;

	if (count > 0 && c->quota_messages > 0 && held + count > c->quota_messages)
		return fault_set(fault, POSTIL_ERR_QUOTA, "%s: holds %llu messages, %zu more would exceed "
		                 "its quota of %llu", nsf->path,
		                 (unsigned long long)held, count,
		                 (unsigned long long)c->quota_messages);
	if (c->quota > 0 || c->warning > 0)
		status = used(nsf, &octets);
	if (status != NOERROR)
		return status;
	if (octets < c->warning)
		c->warned = 0;
	if (count == 0 || c->quota == 0 || (needed <= c->quota && octets <= c->quota - needed))
		return NOERROR;
	return fault_set(fault, POSTIL_ERR_QUOTA, "%s: uses %llu octets, %llu more would exceed its "
	                 "quota of %llu", nsf->path, (unsigned long long)octets,
	                 (unsigned long long)needed, (unsigned long long)c->quota);
}

STATUS nsf_quota_note(struct nsf *nsf)
{
	struct counters *c = &nsf->counters;
	uint64_t octets = 0;
	STATUS status;

	if (c->warning == 0 || c->warned != 0)
		return NOERROR;
	status = used(nsf, &octets);
	nsf->crossed = status == NOERROR && octets >= c->warning;
	return status;
}

bool nsf_quota_crossed(const struct nsf *nsf)
{
	return nsf->crossed;
}

/* Is there enough in the trash that emptying it can help? */
static STATUS trash_would_do(struct nsf *nsf, uint64_t needed, size_t count, bool *would_r)
{
	struct counters c;
	uint64_t octets = 0, trash = 0, messages = 0;
	STATUS status = nsf_counters_read(nsf, &c, NULL);

	if (status == NOERROR)
		status = nsf_ask_number(nsf, ST_TRASH_OCTETS, 0, NULL, &trash);
	if (status == NOERROR)
		status = nsf_ask_number(nsf, ST_TRASH_MESSAGES, 0, NULL, &messages);
	if (status == NOERROR)
		status = used(nsf, &octets);
	*would_r = status == NOERROR
	           && (c.quota == 0 || octets + needed <= c.quota + trash)
	           && (c.quota_messages == 0 || c.messages + c.filed + count <= c.quota_messages + messages);
	return status;
}

STATUS nsf_quota_make_room(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                           bool *made_r)
{
	bool more = false, would = false;
	uint64_t purged = 0, needed = octets_of(messages, &count);
	STATUS status = nsf_reclaim_pending(nsf, made_r);

	if (status != NOERROR)
		return status;
	if (*made_r)
		return nsf_reclaim(nsf, &more);
	status = trash_would_do(nsf, needed, count, &would);
	if (status != NOERROR || !would)
		return status;
	status = nsf_trash_purge(nsf, INT64_MAX, &purged, &more);
	*made_r = purged > 0;
	return status;
}

STATUS nsf_quota_get(struct nsf *nsf, struct nsf_quota *quota_r)
{
	struct counters c = nsf->counters;
	STATUS status = nsf->in_transaction ? NOERROR : nsf_counters_read(nsf, &c, NULL);
	uint64_t octets = 0;

	if (status == NOERROR)
		status = used(nsf, &octets);
	if (status == NOERROR)
		*quota_r = (struct nsf_quota){ .octets = c.quota, .messages = c.quota_messages,
			.warning_octets = c.warning, .used_octets = octets,
			.used_messages = c.messages + c.filed };
	return status;
}
