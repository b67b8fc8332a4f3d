/* Message queues: order, quota, quit, waiting, scanning. */
#include "addin/host/queue.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

static struct queue_table table;

static struct queue *make(const char *name, uint32_t quota)
{
	struct queue *q = NULL;

	ck_assert_int_eq(queue_create(&table, slice_of(name), quota, &q), NOERROR);
	queue_open(q);
	return q;
}

static void assert_next(struct queue *q, const char *expected)
{
	struct queue_message *m = NULL;

	ck_assert_int_eq(queue_get(q, &m), NOERROR);
	ck_assert(slice_equal((struct slice){ m->octets, m->n }, slice_of(expected)));
	free(m);
}

START_TEST(order_is_priority_then_arrival)
{
	struct queue *q = make("MQ$A", 0);
	struct queue_message *m;

	queue_put(q, 5, SLICE_LIT("b1"), NULL);
	queue_put(q, 0xFFFF, SLICE_LIT("c"), NULL);
	queue_put(q, 0, SLICE_LIT("a"), NULL);
	queue_put(q, 5, SLICE_LIT("b2"), NULL);
	ck_assert_uint_eq(queue_count(q), 4);
	assert_next(q, "a");
	assert_next(q, "b1");
	assert_next(q, "b2");
	assert_next(q, "c");
	ck_assert_int_eq(queue_get(q, &m), ERR_MQ_EMPTY);
	queue_table_release(&table);
}
END_TEST

START_TEST(names_and_references)
{
	struct queue *q = make("MQ$Pop3", 0), *same;

	ck_assert_int_eq(queue_create(&table, SLICE_LIT("mq$POP3"), 0, &same), ERR_DUPLICATE_MQ);
	ck_assert_ptr_eq(queue_find(&table, SLICE_LIT("mq$pop3")), q);
	ck_assert_ptr_null(queue_find(&table, SLICE_LIT("MQ$POP")));
	same = q;
	queue_open(q);
	queue_close(&same);
	ck_assert_ptr_nonnull(queue_find(&table, SLICE_LIT("MQ$POP3")));
	queue_close(&q);
	ck_assert_ptr_null(queue_find(&table, SLICE_LIT("MQ$POP3")));
	ck_assert_uint_eq(table.count, 0);
}
END_TEST

START_TEST(quota_and_pool_are_kept)
{
	struct queue *q = make("small", 2), *big = make("big", 0);
	char *octets = calloc(1, 60000);
	unsigned count = 0;

	ck_assert_int_eq(queue_put(q, 0, SLICE_LIT("1"), NULL), NOERROR);
	ck_assert_int_eq(queue_put(q, 0, SLICE_LIT("2"), NULL), NOERROR);
	ck_assert_int_eq(queue_put(q, 0, SLICE_LIT("3"), NULL), ERR_MQ_EXCEEDED_QUOTA);
	assert_next(q, "1");
	ck_assert_int_eq(queue_put(q, 0, SLICE_LIT("3"), NULL), NOERROR);
	while (queue_put(big, 0, (struct slice){ octets, 60000 }, NULL) == NOERROR)
		count++;
	ck_assert_uint_gt(count, 500);
	ck_assert_uint_lt(count, QUEUE_OCTETS_MAX / 60000 + 1);
	queue_table_release(&table);
	ck_assert_uint_eq(table.octets, 0);
	free(octets);
}
END_TEST

START_TEST(quit_goes_before_messages)
{
	struct queue *q = make("q", 0);
	struct queue_message *m;

	queue_put(q, 0, SLICE_LIT("left"), NULL);
	queue_quit(q);
	ck_assert(queue_is_quitting(q));
	ck_assert_int_eq(queue_get(q, &m), ERR_MQ_QUITTING);
	ck_assert_int_eq(queue_put(q, 0, SLICE_LIT("late"), NULL), ERR_MQ_QUITTING);
	queue_reset(q);
	ck_assert_int_eq(queue_get(q, &m), ERR_MQ_EMPTY);
	ck_assert_int_eq(queue_put(q, 0, SLICE_LIT("new"), NULL), NOERROR);
	queue_table_release(&table);
}
END_TEST

struct waiting {
	struct queue_waiter waiter;
	int calls;
	STATUS status;
	char text[16];
};

static void on_woken(struct queue_waiter *waiter, STATUS status, struct queue_message *m)
{
	struct waiting *w = (struct waiting *)waiter;

	w->calls++;
	w->status = status;
	if (m != NULL)
		memcpy(w->text, m->octets, m->n);
	free(m);
}

START_TEST(waiters_are_served_in_turn)
{
	struct queue *q = make("w", 0);
	struct waiting a = { { NULL, NULL, on_woken } }, b = a, c = a;

	queue_wait(q, &a.waiter);
	queue_wait(q, &b.waiter);
	queue_wait(q, &c.waiter);
	queue_unwait(&b.waiter);
	queue_put(q, 0, SLICE_LIT("first"), NULL);
	ck_assert_int_eq(a.calls, 1);
	ck_assert_str_eq(a.text, "first");
	ck_assert_int_eq(b.calls, 0);
	queue_quit(q);
	ck_assert_int_eq(c.calls, 1);
	ck_assert_int_eq(c.status, ERR_MQ_QUITTING);
	queue_unwait(&c.waiter);
	queue_table_release(&table);
	ck_assert_int_eq(a.calls + b.calls + c.calls, 2);
}
END_TEST

START_TEST(scan_and_remove)
{
	struct queue *q = make("s", 0);
	const struct queue_message *m = NULL;
	uint64_t key = 0;

	queue_put(q, 7, SLICE_LIT("x"), NULL);
	queue_put(q, 1, SLICE_LIT("y"), &key);
	queue_put(q, 7, SLICE_LIT("z"), NULL);
	ck_assert_int_eq(queue_scan(q, 0, 0, &m), NOERROR);
	ck_assert_int_eq(m->octets[0], 'y');
	ck_assert_uint_eq(m->key, key);
	ck_assert_int_eq(queue_scan(q, m->priority, m->key, &m), NOERROR);
	ck_assert_int_eq(m->octets[0], 'x');
	ck_assert_int_eq(queue_remove(q, key), NOERROR);
	ck_assert_int_eq(queue_remove(q, key), POSTIL_ERR_NOT_FOUND);
	ck_assert_int_eq(queue_scan(q, m->priority, m->key, &m), NOERROR);
	ck_assert_int_eq(m->octets[0], 'z');
	ck_assert_int_eq(queue_scan(q, m->priority, m->key, &m), ERR_MQ_EMPTY);
	queue_table_release(&table);
}
END_TEST

UNIT_MAIN("queue", order_is_priority_then_arrival, names_and_references,
          quota_and_pool_are_kept, quit_goes_before_messages, waiters_are_served_in_turn,
          scan_and_remove)
