/*
 * MQ...: message queues, which the host keeps. Messages from other tasks and the
 * console are distrusted only in length; the caller's buffer is never passed.
 */
#include <stdlib.h>
#include <string.h>

#include "addin/api/miscerr.h"
#include "addin/api/mq.h"
#include "addin/runtime/link.h"

/* With the host gone a queue is as good as quitting. */
static STATUS queue_status(STATUS status)
{
	switch (status) {
	case POSTIL_ERR_CLOSED:
	case POSTIL_ERR_IO:
		return ERR_MQ_QUITTING;
	case POSTIL_ERR_MEMORY:
	case POSTIL_ERR_TOO_LONG:
		return ERR_MQ_POOLFULL;
	default:
		return status;
	}
}

/* A request of a handle alone. */
static STATUS ask(enum wire_kind kind, MQHANDLE queue, uint32_t *answer_r)
{
	unsigned char memory[LINK_SMALL];
	struct link_reply reply;
	struct wire_out out;
	STATUS status;

	link_begin(&out, memory, sizeof(memory), kind);
	wire_put_u32(&out, queue);
	status = link_request(&out, &reply);
	if (status != NOERROR)
		return queue_status(status);
	if (answer_r != NULL)
		*answer_r = wire_get_u32(&reply.in);
	link_reply_release(&reply);
	return NOERROR;
}

STATUS LNPUBLIC MQCreate(const char *name, WORD quota, DWORD options)
{
	unsigned char memory[LINK_SMALL];
	struct wire_out out;

	link_begin(&out, memory, sizeof(memory), WIRE_MQ_CREATE);
	wire_put_text(&out, name);
	wire_put_u32(&out, quota);
	wire_put_u32(&out, options);
	return queue_status(link_request(&out, NULL));
}

STATUS LNPUBLIC MQOpen(const char *name, DWORD options, MQHANDLE *queue_r)
{
	unsigned char memory[LINK_SMALL];
	struct link_reply reply;
	struct wire_out out;
	STATUS status;

	link_begin(&out, memory, sizeof(memory), WIRE_MQ_OPEN);
	wire_put_text(&out, name);
	wire_put_u32(&out, options);
	status = link_request(&out, &reply);
	if (status != NOERROR)
		return queue_status(status);
	*queue_r = wire_get_u32(&reply.in);
	link_reply_release(&reply);
	return NOERROR;
}

STATUS LNPUBLIC MQClose(MQHANDLE queue, DWORD options)
{
	STATUS status = ask(WIRE_MQ_CLOSE, queue, NULL);

	return status == ERR_MQ_QUITTING ? NOERROR : status;
}

STATUS LNPUBLIC MQPut(MQHANDLE queue, WORD priority, const char *buffer, WORD length,
                      DWORD options)
{
	unsigned char small[LINK_SMALL], *memory = small;
	size_t size = sizeof(small);
	struct wire_out out;
	STATUS status;

	if (length > MQ_MAX_MSGSIZE)
		return ERR_MQ_POOLFULL;
	if ((size_t)length + 64 > size) {
		size = (size_t)length + 64;
		memory = malloc(size);
		if (memory == NULL)
			return ERR_MQ_POOLFULL;
	}
	link_begin(&out, memory, size, WIRE_MQ_PUT);
	wire_put_u32(&out, queue);
	wire_put_u32(&out, priority);
	wire_put_octets(&out, buffer, length);
	status = queue_status(link_request(&out, NULL));
	if (memory != small)
		free(memory);
	return status;
}

/* Hand a message over to the caller's buffer. */
static STATUS give(struct slice message, char *buffer, WORD size, WORD *length_r)
{
	size_t n = message.n < size ? message.n : size;

	if (n > 0)
		memcpy(buffer, message.p, n);
	if (length_r != NULL)
		*length_r = (WORD)n;
	return n < message.n ? ERR_MQ_BFR_TOO_SMALL : NOERROR;
}

STATUS LNPUBLIC MQGet(MQHANDLE queue, char *buffer, WORD size, DWORD options, DWORD timeout,
                      WORD *length_r)
{
	unsigned char memory[LINK_SMALL];
	struct link_reply reply;
	struct wire_out out;
	STATUS status;

	if (length_r != NULL)
		*length_r = 0;
	link_begin(&out, memory, sizeof(memory), WIRE_MQ_GET);
	wire_put_u32(&out, queue);
	wire_put_u32(&out, options & MQ_WAIT_FOR_MSG ? 1 : 0);
	wire_put_u32(&out, timeout);
	status = link_request(&out, &reply);
	if (status != NOERROR)
		return queue_status(status);
	wire_get_u32(&reply.in);
	status = give(wire_get_slice(&reply.in), buffer, size, length_r);
	link_reply_release(&reply);
	return status;
}

/* --- scanning ------------------------------------------------------------------------ */

struct scan {
	MQHANDLE queue;
	uint32_t priority;
	uint64_t key;
};

static STATUS next_message(struct scan *scan, struct link_reply *reply_r)
{
	unsigned char memory[LINK_SMALL];
	struct wire_out out;
	STATUS status;

	link_begin(&out, memory, sizeof(memory), WIRE_MQ_SCAN);
	wire_put_u32(&out, scan->queue);
	wire_put_u32(&out, scan->priority);
	wire_put_u64(&out, scan->key);
	status = link_request(&out, reply_r);
	if (status != NOERROR)
		return queue_status(status);
	scan->priority = wire_get_u32(&reply_r->in);
	scan->key = wire_get_u64(&reply_r->in);
	return NOERROR;
}

static STATUS remove_message(const struct scan *scan)
{
	unsigned char memory[LINK_SMALL];
	struct wire_out out;

	link_begin(&out, memory, sizeof(memory), WIRE_MQ_REMOVE);
	wire_put_u32(&out, scan->queue);
	wire_put_u64(&out, scan->key);
	return queue_status(link_request(&out, NULL));
}

/* Show one message to the callback and do as it says. NOERROR: go on. */
static STATUS show(const struct scan *scan, struct slice message, MQSCAN_CALLBACK action,
                   void *context, bool *taken_r)
{
	STATUS wish = action(message.p, (WORD)message.n, (WORD)scan->priority, context);
	STATUS status = NOERROR;

	if (wish != ERR_MQSCAN_DEQUEUE && wish != ERR_MQSCAN_DELETE)
		return wish;
	status = remove_message(scan);
	if (status == POSTIL_ERR_NOT_FOUND)
		return NOERROR;
	*taken_r = status == NOERROR && wish == ERR_MQSCAN_DEQUEUE;
	return status;
}

STATUS LNPUBLIC MQScan(MQHANDLE queue, char *buffer, WORD size, DWORD options,
                       MQSCAN_CALLBACK action, void *context, WORD *length_r)
{
	struct scan scan = { .queue = queue };
	struct link_reply reply;
	bool taken = false;
	STATUS status;

	if (length_r != NULL)
		*length_r = 0;
	do {
		struct slice message;

		status = next_message(&scan, &reply);
		if (status != NOERROR)
			return status;
		message = wire_get_slice(&reply.in);
		status = show(&scan, message, action, context, &taken);
		if (taken)
			status = give(message, buffer, size, length_r);
		link_reply_release(&reply);
	} while (status == NOERROR && !taken);
	return status;
}

/* --- state ----------------------------------------------------------------------------- */

void LNPUBLIC MQPutQuitMsg(MQHANDLE queue)
{
	ask(WIRE_MQ_PUT_QUIT, queue, NULL);
}

BOOL LNPUBLIC MQIsQuitPending(MQHANDLE queue)
{
	uint32_t quitting = 0;
	STATUS status = ask(WIRE_MQ_IS_QUIT, queue, &quitting);

	return quitting != 0 || status == ERR_MQ_QUITTING ? TRUE : FALSE;
}

WORD LNPUBLIC MQGetCount(MQHANDLE queue)
{
	uint32_t count = 0;

	ask(WIRE_MQ_COUNT, queue, &count);
	return count < MAXWORD ? (WORD)count : MAXWORD;
}
