/*
 * Message queues: what MQCreate, MQOpen, MQPut, MQGet and kin do, kept by the
 * host so that a queue outlives whoever fills it. (C API user guide, "Message
 * Queues"; C API reference, MQ functions.)
 *
 * Queues are named without regard to ASCII case. Messages are ordered by
 * priority (the smallest number first), then by arrival.
 */
#ifndef POSTIL_HOST_QUEUE_H
#define POSTIL_HOST_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

enum {  /* with the numbers of the C API */
	ERR_STAT_NOT_FOUND = 0x0452,
	ERR_STAT_POOLFULL = 0x0454,
	ERR_MQ_POOLFULL = 0x045E,
	ERR_MQ_TIMEOUT = 0x045F,
	ERR_DUPLICATE_MQ = 0x0461,
	ERR_NO_SUCH_MQ = 0x0462,
	ERR_MQ_EXCEEDED_QUOTA = 0x0463,
	ERR_MQ_EMPTY = 0x0464,
	ERR_MQ_QUITTING = 0x0466,
	ERR_STAT_NOT_SET = 0x0467
};

#define QUEUE_TABLE_MAX 1024            /* queues in all */
#define QUEUE_OCTETS_MAX (32u << 20)    /* of waiting messages in all queues */
#define QUEUE_QUOTA_MAX 65535

struct queue;

struct queue_message {
	struct queue_message *next;
	uint32_t priority;
	uint64_t key;           /* 1 and on, in order of arrival */
	size_t n;
	char octets[];
};

/* Someone who waits for a message. woken is called once, with the message (then
 * the caller's, to free) or a STATUS; the waiter is off the queue by then. */
struct queue_waiter {
	struct queue_waiter *next;
	struct queue *queue;    /* NULL: not waiting */
	void (*woken)(struct queue_waiter *waiter, STATUS status, struct queue_message *message);
};

struct queue_table {
	struct queue *first;
	unsigned count;
	size_t octets;
};

void queue_table_release(struct queue_table *table);
struct queue *queue_find(struct queue_table *table, struct slice name); /* NULL: none */
/* quota 0: QUEUE_QUOTA_MAX. ERR_DUPLICATE_MQ, ERR_MQ_POOLFULL. */
STATUS queue_create(struct queue_table *table, struct slice name, uint32_t quota,
                    struct queue **queue_r);
void queue_open(struct queue *queue);           /* one reference more */
void queue_close(struct queue **queue);         /* one less; with the last the queue goes */

STATUS queue_put(struct queue *queue, uint32_t priority, struct slice message,
                 uint64_t *key_r);
/* The first message, the caller's to free. ERR_MQ_QUITTING, ERR_MQ_EMPTY. */
STATUS queue_get(struct queue *queue, struct queue_message **message_r);
void queue_wait(struct queue *queue, struct queue_waiter *waiter);
void queue_unwait(struct queue_waiter *waiter);
/* The first message behind that place; it stays the queue's. ERR_MQ_EMPTY. */
STATUS queue_scan(struct queue *queue, uint32_t priority, uint64_t key,
                  const struct queue_message **message_r);
STATUS queue_remove(struct queue *queue, uint64_t key);         /* POSTIL_ERR_NOT_FOUND */
void queue_quit(struct queue *queue);           /* wakes all who wait */
bool queue_is_quitting(const struct queue *queue);
uint32_t queue_count(const struct queue *queue);
/* As new: no messages, not quitting; for a queue whose task has ended. */
void queue_reset(struct queue *queue);

#endif
