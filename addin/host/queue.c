/* Message queues. Distrusts tasks: numbers and sizes are bounded, and a queue
 * that nobody empties refuses what does not fit. */
#include "addin/host/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct queue {
	struct queue *next;
	struct queue_table *table;
	char *name;
	uint32_t quota, count, references;
	bool quitting;
	uint64_t last_key;
	struct queue_message *first;
	struct queue_waiter *waiters;
};

struct queue *queue_find(struct queue_table *table, struct slice name)
{
	for (struct queue *q = table->first; q != NULL; q = q->next)
		if (slice_equal_nocase(slice_of(q->name), name))
			return q;
	return NULL;
}

STATUS queue_create(struct queue_table *table, struct slice name, uint32_t quota,
                    struct queue **queue_r)
{
	struct queue *q;

	if (queue_find(table, name) != NULL)
		return ERR_DUPLICATE_MQ;
	if (table->count >= QUEUE_TABLE_MAX)
		return ERR_MQ_POOLFULL;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return POSTIL_ERR_MEMORY;
	q->name = strndup(name.p, name.n);
	if (q->name == NULL) {
		free(q);
		return POSTIL_ERR_MEMORY;
	}
	q->table = table;
	q->quota = quota == 0 || quota > QUEUE_QUOTA_MAX ? QUEUE_QUOTA_MAX : quota;
	q->next = table->first;
	table->first = q;
	table->count++;
	*queue_r = q;
	return NOERROR;
}

void queue_open(struct queue *queue)
{
	queue->references++;
}

/* What a message costs, its own record included. */
static size_t cost(size_t n)
{
	return n + sizeof(struct queue_message);
}

static void forget_message(struct queue *q, struct queue_message **at)
{
	struct queue_message *m = *at;

	*at = m->next;
	q->count--;
	q->table->octets -= cost(m->n);
}

static void drop_messages(struct queue *q)
{
	struct queue_message *m;

	while ((m = q->first) != NULL) {
		forget_message(q, &q->first);
		free(m);
	}
}

static void wake_all(struct queue *q, STATUS status)
{
	struct queue_waiter *w;

	while ((w = q->waiters) != NULL) {
		q->waiters = w->next;
		w->queue = NULL;
		w->woken(w, status, NULL);
	}
}

static void queue_free(struct queue *q)
{
	struct queue **at = &q->table->first;

	wake_all(q, ERR_MQ_QUITTING);
	drop_messages(q);
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	q->table->count--;
	free(q->name);
	free(q);
}

void queue_close(struct queue **queue)
{
	struct queue *q = *queue;

	*queue = NULL;
	if (--q->references == 0)
		queue_free(q);
}

void queue_table_release(struct queue_table *table)
{
	while (table->first != NULL)
		queue_free(table->first);
}

static struct queue_message *message_new(uint32_t priority, struct slice octets)
{
	struct queue_message *m = malloc(sizeof(*m) + octets.n);

	if (m == NULL)
		return NULL;
	m->next = NULL;
	m->priority = priority;
	m->n = octets.n;
	if (octets.n > 0)
		memcpy(m->octets, octets.p, octets.n);
	return m;
}

static void hand_over(struct queue *q, struct queue_message *m)
{
	struct queue_waiter *w = q->waiters;

	q->waiters = w->next;
	w->queue = NULL;
	w->woken(w, NOERROR, m);
}

STATUS queue_put(struct queue *q, uint32_t priority, struct slice message, uint64_t *key_r)
{
	struct queue_message **at = &q->first, *m;

	if (q->quitting)
		return ERR_MQ_QUITTING;
	if (q->count >= q->quota)
		return ERR_MQ_EXCEEDED_QUOTA;
	if (q->table->octets + cost(message.n) > QUEUE_OCTETS_MAX)
		return ERR_MQ_POOLFULL;
	m = message_new(priority, message);
	if (m == NULL)
		return POSTIL_ERR_MEMORY;
	m->key = ++q->last_key;
	if (key_r != NULL)
		*key_r = m->key;
	if (q->waiters != NULL && q->first == NULL) {
		hand_over(q, m);
		return NOERROR;
	}
	while (*at != NULL && (*at)->priority <= priority)
		at = &(*at)->next;
	m->next = *at;
	*at = m;
	q->count++;
	q->table->octets += cost(m->n);
	return NOERROR;
}

STATUS queue_get(struct queue *q, struct queue_message **message_r)
{
	if (q->quitting)
		return ERR_MQ_QUITTING;
	if (q->first == NULL)
		return ERR_MQ_EMPTY;
	*message_r = q->first;
	forget_message(q, &q->first);
	return NOERROR;
}

void queue_wait(struct queue *q, struct queue_waiter *waiter)
{
	struct queue_waiter **at = &q->waiters;

	while (*at != NULL)
		at = &(*at)->next;
	waiter->next = NULL;
	waiter->queue = q;
	*at = waiter;
}

void queue_unwait(struct queue_waiter *waiter)
{
	struct queue_waiter **at;

	if (waiter->queue == NULL)
		return;
	at = &waiter->queue->waiters;
	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	waiter->queue = NULL;
}

STATUS queue_scan(struct queue *q, uint32_t priority, uint64_t key,
                  const struct queue_message **message_r)
{
	for (const struct queue_message *m = q->first; m != NULL; m = m->next) {
		if (m->priority > priority || (m->priority == priority && m->key > key)) {
			*message_r = m;
			return NOERROR;
		}
	}
	return ERR_MQ_EMPTY;
}

STATUS queue_remove(struct queue *q, uint64_t key)
{
	for (struct queue_message **at = &q->first; *at != NULL; at = &(*at)->next) {
		struct queue_message *m = *at;

		if (m->key == key) {
			forget_message(q, at);
			free(m);
			return NOERROR;
		}
	}
	return POSTIL_ERR_NOT_FOUND;
}

void queue_quit(struct queue *q)
{
	q->quitting = true;
	wake_all(q, ERR_MQ_QUITTING);
}

bool queue_is_quitting(const struct queue *q)
{
	return q->quitting;
}

uint32_t queue_count(const struct queue *q)
{
	return q->count;
}

void queue_reset(struct queue *q)
{
	drop_messages(q);
	q->quitting = false;
}
