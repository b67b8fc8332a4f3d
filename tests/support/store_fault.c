/* A store that passes calls on to another and, when told so, lets them fail,
 * counts them, or holds them until it is released. */
#include "tests/support/stores.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct plan {
	unsigned calls;         /* begun so far */
	unsigned countdown;     /* 0: none planned */
	STATUS status;
	bool after;
};

struct fault_store {
	struct mail_store base;
	struct mail_store *inner;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct plan plans[STORE_CALLS];
	bool frozen;
	unsigned held;
	char *watched;
};

struct fault_drop {
	struct maildrop base;
	struct fault_store *store;
	struct maildrop *inner;
};

static void wait_10_ms(struct fault_store *store)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 10000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&store->changed, &store->mutex, &until);
}

static bool is_frozen(const struct fault_store *store)
{
	return store->frozen || (store->watched != NULL && access(store->watched, F_OK) == 0);
}

/* A call begins. True: it ends here with *status_r; *after_r: it ends with
 * that status although the inner store does its work. */
static bool call_begins(struct fault_store *store, enum store_call call, STATUS *status_r,
                        bool *after_r)
{
	struct plan *plan = &store->plans[call];
	bool due;

	pthread_mutex_lock(&store->mutex);
	plan->calls++;
	if (is_frozen(store)) {
		store->held++;
		pthread_cond_broadcast(&store->changed);
		while (is_frozen(store))
			wait_10_ms(store);
		store->held--;
	}
	due = plan->countdown > 0 && --plan->countdown == 0;
	*status_r = due ? plan->status : NOERROR;
	*after_r = due && plan->after;
	pthread_mutex_unlock(&store->mutex);
	return due && !*after_r;
}

static STATUS planned(struct fault *fault, STATUS status)
{
	return fault_set(fault, status, "the test store says: %s", status_text(status));
}

#define BEGIN(store, call) \
	STATUS plan_status, status; \
	bool plan_after; \
	if (call_begins((store), (call), &plan_status, &plan_after)) \
		return planned(fault, plan_status)
#define END() \
	return plan_after ? planned(fault, plan_status) : status

static STATUS fault_open(struct mail_store *base, const char *path,
                         const struct maildrop_options *options, struct maildrop **drop_r,
                         uint64_t *epoch_r, struct fault *fault)
{
	struct fault_store *store = (struct fault_store *)base;
	struct fault_drop *drop;
	BEGIN(store, STORE_OPEN);

	drop = calloc(1, sizeof(*drop));
	if (drop == NULL)
		return POSTIL_ERR_MEMORY;
	drop->base.calls = base->calls;
	drop->store = store;
	status = store->inner->calls->open(store->inner, path, options, &drop->inner, epoch_r,
	                                   fault);
	if (status == NOERROR)
		drop->base.rights = drop->inner->rights;
	if (status == NOERROR && plan_after)
		drop->inner->calls->close(&drop->inner);
	if (status != NOERROR || plan_after)
		free(drop);
	else
		*drop_r = &drop->base;
	END();
}

static void fault_close(struct maildrop **base)
{
	struct fault_drop *drop = (struct fault_drop *)*base;

	if (drop == NULL)
		return;
	drop->inner->calls->close(&drop->inner);
	free(drop);
	*base = NULL;
}

static struct maildrop *inner_of(const struct maildrop *base)
{
	return ((const struct fault_drop *)base)->inner;
}

static void fault_stat(const struct maildrop *base, uint32_t *count_r, uint64_t *octets_r)
{
	inner_of(base)->calls->stat(inner_of(base), count_r, octets_r);
}

static void fault_message(const struct maildrop *base, uint32_t index,
                          struct maildrop_message *message_r)
{
	inner_of(base)->calls->message(inner_of(base), index, message_r);
}

static size_t fault_memory(const struct maildrop *base)
{
	return sizeof(struct fault_drop) + inner_of(base)->calls->memory(inner_of(base));
}

static STATUS fault_read(struct maildrop *base, uint32_t index, uint64_t offset, void *out,
                         size_t size, size_t *got_r, struct fault *fault)
{
	struct fault_drop *drop = (struct fault_drop *)base;
	BEGIN(drop->store, STORE_READ);

	status = drop->inner->calls->read(drop->inner, index, offset, out, size, got_r, fault);
	END();
}

static STATUS fault_commit(struct maildrop *base, const uint32_t *deleted,
                           size_t deleted_count, const uint32_t *read, size_t read_count,
                           struct fault *fault)
{
	struct fault_drop *drop = (struct fault_drop *)base;
	BEGIN(drop->store, STORE_COMMIT);

	status = drop->inner->calls->commit(drop->inner, deleted, deleted_count, read,
	                                    read_count, fault);
	END();
}

static STATUS fault_reclaim(struct mail_store *base, const char *path, bool *more_r)
{
	struct fault_store *store = (struct fault_store *)base;
	struct fault *fault = NULL;
	BEGIN(store, STORE_RECLAIM);

	*more_r = false;
	status = NOERROR;
	if (store->inner->calls->reclaim != NULL)
		status = store->inner->calls->reclaim(store->inner, path, more_r);
	END();
}

static STATUS fault_deliver(struct mail_store *base, const char *path, bool make,
                            struct slice owner, const struct maildrop_delivery *messages,
                            size_t count, struct fault *fault)
{
	struct fault_store *store = (struct fault_store *)base;
	BEGIN(store, STORE_DELIVER);

	status = store->inner->calls->deliver(store->inner, path, make, owner, messages, count,
	                                      fault);
	END();
}

static STATUS fault_create(struct mail_store *base, const char *path, struct slice owner,
                           struct fault *fault)
{
	struct fault_store *store = (struct fault_store *)base;
	BEGIN(store, STORE_CREATE);

	status = store->inner->calls->create(store->inner, path, owner, fault);
	END();
}

static STATUS fault_remove(struct mail_store *base, const char *path, struct fault *fault)
{
	struct fault_store *store = (struct fault_store *)base;
	BEGIN(store, STORE_REMOVE);

	status = store->inner->calls->remove(store->inner, path, fault);
	END();
}

static STATUS fault_acl_get(struct mail_store *base, const char *path, struct buf *encoded_r,
                            struct fault *fault)
{
	struct mail_store *inner = ((struct fault_store *)base)->inner;

	return inner->calls->acl_get(inner, path, encoded_r, fault);
}

static STATUS fault_acl_set(struct mail_store *base, const char *path, const struct acl *acl,
                            struct fault *fault)
{
	struct mail_store *inner = ((struct fault_store *)base)->inner;

	return inner->calls->acl_set(inner, path, acl, fault);
}

static void fault_shrink(struct mail_store *base)
{
	struct mail_store *inner = ((struct fault_store *)base)->inner;

	if (inner->calls->shrink != NULL)
		inner->calls->shrink(inner);
}

static void fault_free(struct mail_store **base)
{
	struct fault_store *store = (struct fault_store *)*base;

	if (store == NULL)
		return;
	store->inner->calls->free(&store->inner);
	pthread_mutex_destroy(&store->mutex);
	pthread_cond_destroy(&store->changed);
	free(store->watched);
	free(store);
	*base = NULL;
}

static const struct maildrop_store_calls fault_calls = {
	.version = 1, .name = "fault",
	.open = fault_open, .close = fault_close, .stat = fault_stat,
	.message = fault_message, .memory = fault_memory, .read = fault_read,
	.commit = fault_commit, .reclaim = fault_reclaim, .deliver = fault_deliver,
	.create = fault_create, .remove = fault_remove, .acl_get = fault_acl_get,
	.acl_set = fault_acl_set, .shrink = fault_shrink,
	.free = fault_free,
};

STATUS store_fault_new(struct mail_store *inner, struct mail_store **store_r)
{
	struct fault_store *store = calloc(1, sizeof(*store));
	pthread_condattr_t attributes;

	if (store == NULL)
		return POSTIL_ERR_MEMORY;
	store->base.calls = &fault_calls;
	store->inner = inner;
	pthread_mutex_init(&store->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&store->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	*store_r = &store->base;
	return NOERROR;
}

void store_fault_fail(struct mail_store *base, enum store_call call, unsigned n,
                      STATUS status, bool after)
{
	struct fault_store *store = (struct fault_store *)base;

	pthread_mutex_lock(&store->mutex);
	store->plans[call].countdown = n;
	store->plans[call].status = status;
	store->plans[call].after = after;
	pthread_mutex_unlock(&store->mutex);
}

static void set_frozen(struct mail_store *base, bool frozen)
{
	struct fault_store *store = (struct fault_store *)base;

	pthread_mutex_lock(&store->mutex);
	store->frozen = frozen;
	pthread_cond_broadcast(&store->changed);
	pthread_mutex_unlock(&store->mutex);
}

void store_fault_freeze(struct mail_store *store)
{
	set_frozen(store, true);
}

void store_fault_release(struct mail_store *store)
{
	set_frozen(store, false);
}

void store_fault_watch(struct mail_store *base, const char *file)
{
	struct fault_store *store = (struct fault_store *)base;

	pthread_mutex_lock(&store->mutex);
	free(store->watched);
	store->watched = file != NULL ? strdup(file) : NULL;
	pthread_cond_broadcast(&store->changed);
	pthread_mutex_unlock(&store->mutex);
}

bool store_fault_wait_held(struct mail_store *base, unsigned calls, unsigned ms)
{
	struct fault_store *store = (struct fault_store *)base;
	bool held;

	pthread_mutex_lock(&store->mutex);
	for (unsigned waited = 0; store->held < calls && waited < ms; waited += 10)
		wait_10_ms(store);
	held = store->held >= calls;
	pthread_mutex_unlock(&store->mutex);
	return held;
}

unsigned store_fault_count(struct mail_store *base, enum store_call call)
{
	struct fault_store *store = (struct fault_store *)base;
	unsigned calls;

	pthread_mutex_lock(&store->mutex);
	calls = store->plans[call].calls;
	pthread_mutex_unlock(&store->mutex);
	return calls;
}
