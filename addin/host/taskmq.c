/*
 * Message queues over the wire: handles, waits, scans of one task. Distrusts
 * the task's handles, keys and numbers.
 */
#include <stdlib.h>

#include "addin/host/task.h"
#include "base/banned.h"

struct mq_wait {
	struct queue_waiter waiter;     /* first: woken gets this */
	struct mq_wait *next;
	struct task *task;
	struct queue *queue;
	uint32_t id;
	struct timer *timer;            /* NULL: for ever */
};

static struct queue *queue_of(struct task *t, uint32_t handle)
{
	if (handle == 0 || handle > TASK_HANDLES_MAX)
		return NULL;
	return t->handles[handle - 1];
}

static void on_create(struct task *t, struct wire_in *in)
{
	struct slice name = wire_get_slice(in);
	struct queue *q;

	task_reply(t, in->kind, in->id,
	           name.n == 0 ? POSTIL_ERR_INVALID
	           : queue_create(&t->host->queues, name, wire_get_u32(in), &q));
}

static STATUS open_queue(struct task *t, struct slice name, bool create, uint32_t *handle_r)
{
	struct queue *q = queue_find(&t->host->queues, name);
	STATUS status;

	if (q == NULL && (!create || name.n == 0))
		return ERR_NO_SUCH_MQ;
	for (uint32_t i = 0; i < TASK_HANDLES_MAX; i++) {
		if (t->handles[i] != NULL)
			continue;
		if (q == NULL) {
			status = queue_create(&t->host->queues, name, 0, &q);
			if (status != NOERROR)
				return status;
		}
		queue_open(q);
		t->handles[i] = q;
		*handle_r = i + 1;
		return NOERROR;
	}
	return ERR_MQ_POOLFULL;
}

static void reply_u32(struct task *t, const struct wire_in *in, uint32_t value)
{
	struct wire_out out;

	task_reply_begin(&out, in->kind, in->id);
	wire_put_u32(&out, value);
	task_reply_end(t, &out, NULL, 0);
}

static void on_open(struct task *t, struct wire_in *in)
{
	struct slice name = wire_get_slice(in);
	uint32_t handle;
	STATUS status = open_queue(t, name, wire_get_u32(in) & 1, &handle);

	if (status != NOERROR)
		task_reply(t, in->kind, in->id, status);
	else
		reply_u32(t, in, handle);
}

static void wait_end(struct mq_wait *wait)
{
	struct mq_wait **at = &wait->task->waits;

	while (*at != wait)
		at = &(*at)->next;
	*at = wait->next;
	wait->task->wait_count--;
	queue_unwait(&wait->waiter);
	loop_untimer(&wait->task->host->loop, &wait->timer);
	free(wait);
}

/* A message for the task; it is gone from the queue, so it must reach the task. */
static void reply_message(struct task *t, struct queue *q, uint32_t id,
                          struct queue_message *m)
{
	struct wire_out out;

	task_reply_begin(&out, WIRE_MQ_GET, id);
	wire_put_u32(&out, m->priority);
	wire_put_octets(&out, m->octets, m->n);
	task_reply_end(t, &out, NULL, 0);
	followers_taken(t, q, m->key);
	free(m);
}

static void on_woken(struct queue_waiter *waiter, STATUS status, struct queue_message *m)
{
	struct mq_wait *wait = (struct mq_wait *)waiter;
	struct task *t = wait->task;
	struct queue *q = wait->queue;
	uint32_t id = wait->id;

	wait_end(wait);
	if (status == NOERROR)
		reply_message(t, q, id, m);
	else
		task_reply(t, WIRE_MQ_GET, id, status);
}

static void on_wait_over(void *context)
{
	struct mq_wait *wait = context;
	struct task *t = wait->task;
	uint32_t id = wait->id;

	wait_end(wait);
	task_reply(t, WIRE_MQ_GET, id, ERR_MQ_TIMEOUT);
}

static STATUS wait_start(struct task *t, struct queue *q, uint32_t id, uint32_t timeout_ms)
{
	struct mq_wait *wait;

	if (t->wait_count >= TASK_WAITS_MAX)
		return POSTIL_ERR_LIMIT;
	wait = calloc(1, sizeof(*wait));
	if (wait == NULL)
		return POSTIL_ERR_MEMORY;
	if (timeout_ms != 0) {
		wait->timer = loop_timer(&t->host->loop, on_wait_over, wait);
		if (wait->timer == NULL) {
			free(wait);
			return POSTIL_ERR_MEMORY;
		}
		timer_arm(wait->timer, timeout_ms);
	}
	wait->waiter.woken = on_woken;
	wait->task = t;
	wait->queue = q;
	wait->id = id;
	wait->next = t->waits;
	t->waits = wait;
	t->wait_count++;
	queue_wait(q, &wait->waiter);
	return NOERROR;
}

static void on_get(struct task *t, struct wire_in *in)
{
	struct queue *q = queue_of(t, wire_get_u32(in));
	bool wait = wire_get_u32(in) != 0;
	uint32_t timeout_ms = wire_get_u32(in);
	struct queue_message *m;
	STATUS status = ERR_MQ_EMPTY;

	if (q == NULL) {
		task_reply(t, in->kind, in->id, ERR_MQ_EMPTY);
		return;
	}
	followers_asks_again(t, q);
	status = queue_get(q, &m);
	if (status == NOERROR) {
		reply_message(t, q, in->id, m);
		return;
	}
	if (status == ERR_MQ_EMPTY && wait)
		status = wait_start(t, q, in->id, timeout_ms);
	if (status != NOERROR)
		task_reply(t, in->kind, in->id, status);
}

static void on_put(struct task *t, struct wire_in *in)
{
	struct queue *q = queue_of(t, wire_get_u32(in));
	uint32_t priority = wire_get_u32(in), id = in->id;
	struct slice message = wire_get_slice(in);

	task_reply(t, WIRE_MQ_PUT, id,
	           q == NULL ? ERR_MQ_EMPTY : message.n > WIRE_MQ_MAX ? POSTIL_ERR_TOO_LONG
	           : queue_put(q, priority, message, NULL));
}

static void on_scan(struct task *t, struct wire_in *in)
{
	struct queue *q = queue_of(t, wire_get_u32(in));
	uint32_t priority = wire_get_u32(in);
	uint64_t key = wire_get_u64(in);
	const struct queue_message *m;
	struct wire_out out;

	if (q == NULL || queue_scan(q, priority, key, &m) != NOERROR) {
		task_reply(t, in->kind, in->id, ERR_MQ_EMPTY);
		return;
	}
	task_reply_begin(&out, in->kind, in->id);
	wire_put_u32(&out, m->priority);
	wire_put_u64(&out, m->key);
	wire_put_octets(&out, m->octets, m->n);
	task_reply_end(t, &out, NULL, 0);
}

static void on_remove(struct task *t, struct wire_in *in)
{
	struct queue *q = queue_of(t, wire_get_u32(in));
	uint64_t key = wire_get_u64(in);
	STATUS status = q == NULL ? ERR_MQ_EMPTY : queue_remove(q, key);

	if (status == NOERROR)
		followers_taken(t, q, key);
	task_reply(t, in->kind, in->id, status);
}

/* The task's other waits on a queue that it closes end with it. */
static void end_waits_on(struct task *t, const struct queue *q)
{
	struct mq_wait *wait, *next;

	for (wait = t->waits; wait != NULL; wait = next) {
		next = wait->next;
		if (wait->queue == q)
			on_woken(&wait->waiter, ERR_MQ_EMPTY, NULL);
	}
}

static bool is_open_twice(const struct task *t, const struct queue *q)
{
	unsigned count = 0;

	for (size_t i = 0; i < TASK_HANDLES_MAX; i++)
		count += t->handles[i] == q;
	return count > 1;
}

static void on_close(struct task *t, struct wire_in *in)
{
	uint32_t handle = wire_get_u32(in);
	struct queue *q = queue_of(t, handle);

	if (q != NULL) {
		followers_asks_again(t, q);
		if (!is_open_twice(t, q))
			end_waits_on(t, q);
		queue_close(&t->handles[handle - 1]);
	}
	task_reply(t, in->kind, in->id, q == NULL ? ERR_MQ_EMPTY : NOERROR);
}

static void on_put_quit(struct task *t, struct wire_in *in)
{
	struct queue *q = queue_of(t, wire_get_u32(in));

	if (q != NULL)
		queue_quit(q);
	task_reply(t, in->kind, in->id, q == NULL ? ERR_MQ_EMPTY : NOERROR);
}

static void on_is_quit(struct task *t, struct wire_in *in)
{
	struct queue *q = queue_of(t, wire_get_u32(in));

	if (q == NULL)
		task_reply(t, in->kind, in->id, ERR_MQ_EMPTY);
	else
		reply_u32(t, in, queue_is_quitting(q));
}

static void on_count(struct task *t, struct wire_in *in)
{
	struct queue *q = queue_of(t, wire_get_u32(in));

	if (q == NULL)
		task_reply(t, in->kind, in->id, ERR_MQ_EMPTY);
	else
		reply_u32(t, in, queue_count(q));
}

bool task_mq_message(struct task *t, struct wire_in *in)
{
	switch (in->kind) {
	case WIRE_MQ_CREATE: on_create(t, in); return true;
	case WIRE_MQ_OPEN: on_open(t, in); return true;
	case WIRE_MQ_CLOSE: on_close(t, in); return true;
	case WIRE_MQ_PUT: on_put(t, in); return true;
	case WIRE_MQ_GET: on_get(t, in); return true;
	case WIRE_MQ_SCAN: on_scan(t, in); return true;
	case WIRE_MQ_REMOVE: on_remove(t, in); return true;
	case WIRE_MQ_PUT_QUIT: on_put_quit(t, in); return true;
	case WIRE_MQ_IS_QUIT: on_is_quit(t, in); return true;
	case WIRE_MQ_COUNT: on_count(t, in); return true;
	default: return false;
	}
}

void task_mq_close(struct task *t)
{
	while (t->waits != NULL)
		wait_end(t->waits);
	for (size_t i = 0; i < TASK_HANDLES_MAX; i++)
		if (t->handles[i] != NULL)
			queue_close(&t->handles[i]);
}
