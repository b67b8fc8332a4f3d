/*
 * Messages into mail files. The octets pass through unread; what is put before them is written
 * here, and addresses in it are distrusted.
 *
 * Deliveries are sorted by mail file, those of one file stay in their order, and go into it
 * with one call. With several files a few threads take them in turn: what each waits for is its
 * own sync, and a disk does several together in little more time than one.
 */
#include "addin/mail/delivery.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mailfile/downgrade.h"

/* A message with its own first lines, as the store reads it. */
struct topped {
	const struct maildrop_delivery *message;
	struct slice top;
};

/* One delivery on its way into the store: the message, and its form for clients without UTF8
 * (RFC 6856) behind the same lines, which may hold an address in UTF-8 where the message has
 * none. */
struct passage {
	struct topped first, second;
	struct buf second_top;
	struct maildrop_delivery second_message;
};

/* --- header lines ----------------------------------------------------------------- */

static STATUS check_address(struct slice address)
{
	if (address.n > DELIVERY_ADDRESS_MAX)
		return POSTIL_ERR_TOO_LONG;
	for (size_t i = 0; i < address.n; i++)
		if ((unsigned char)address.p[i] < 0x20 || address.p[i] == 0x7F)
			return POSTIL_ERR_INVALID;
	return NOERROR;
}

static STATUS add_line(const char *before, struct slice address, const char *behind, struct buf *top)
{
	STATUS status = check_address(address);

	if (status != NOERROR)
		return status;
	buf_add_str(top, before);
	buf_add_slice(top, address);
	buf_add_str(top, behind);
	return buf_status(top);
}

STATUS delivery_add_return_path(struct slice sender, struct buf *top)
{
	return add_line("Return-Path: <", sender, ">\r\n", top);
}

STATUS delivery_add_delivered_to(struct slice recipient, struct buf *top)
{
	return add_line("Delivered-To: ", recipient, "\r\n", top);
}

/* --- a message with lines before it ------------------------------------------------ */

static STATUS read_topped(void *context, uint64_t offset, void *out, size_t size)
{
	const struct topped *t = context;
	char *to = out;
	size_t part = 0;

	if (offset < t->top.n) {
		part = t->top.n - (size_t)offset;
		if (part > size)
			part = size;
		memcpy(to, t->top.p + offset, part);
	}
	if (part == size)
		return NOERROR;
	return t->message->body(t->message->context, offset + part - t->top.n, to + part, size - part);
}

static void add_top(struct slice top, const struct maildrop_delivery *message,
                    struct topped *topped, struct maildrop_delivery *message_r)
{
	*topped = (struct topped){ message, top };
	*message_r = *message;
	message_r->size_octets += top.n;
	message_r->header_octets += top.n;
	message_r->body = read_topped;
	message_r->context = topped;
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7F)
			return false;
	return true;
}

static STATUS put_top(const struct delivery *delivery, struct passage *passage,
                      struct maildrop_delivery *message_r)
{
	const struct maildrop_delivery *message = delivery->message, *second = message->second;
	STATUS status;

	*message_r = *message;
	message_r->beyond_quota = delivery->beyond_quota;
	if (delivery->top.n == 0)
		return NOERROR;
	add_top(delivery->top, message, &passage->first, message_r);
	message_r->beyond_quota = delivery->beyond_quota;
	if (second == NULL && (message->needs_utf8 || is_ascii(delivery->top)))
		return NOERROR;
	buf_clear(&passage->second_top);
	status = downgrade_lines(delivery->top, &passage->second_top);
	if (status != NOERROR)
		return status;
	add_top(buf_slice(&passage->second_top), second != NULL ? second : message, &passage->second,
	        &passage->second_message);
	passage->second_message.second = NULL;
	message_r->second = &passage->second_message;
	return NOERROR;
}

/* --- delivering ---------------------------------------------------------------------- */

struct run {
	struct mail_store *store;
	struct delivery **order;        /* sorted by path */
	struct maildrop_delivery *messages;
	struct passage *passages;
	size_t *files;                  /* where each mail file begins in order, and count behind them */
	size_t file_count;
	atomic_size_t next_file;
	void (*told)(void *context, const struct delivery *delivery, const struct fault *fault);
	void *context;
	pthread_mutex_t mutex;          /* over told */
};

#define THREADS_MAX 8
#define FILES_FOR_A_THREAD 3            /* fewer are not worth another thread */

STATUS delivery_prepare(struct mail_store *store, const struct delivery *deliveries, size_t count,
                        struct fault *fault)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < count && status == NOERROR; i++)
		status = store->calls->deliver(store, deliveries[i].path, true, deliveries[i].owner, NULL,
		                               0, fault);
	return status;
}

/* Does it say that this message cannot be stored, while others may? */
static bool is_of_one(STATUS status)
{
	return status == POSTIL_ERR_QUOTA || status == POSTIL_ERR_DISK_FULL ||
	       status == POSTIL_ERR_TOO_LONG || status == POSTIL_ERR_EXISTS;
}

static void settle(struct run *run, struct delivery *delivery, STATUS status,
                   const struct fault *fault)
{
	delivery->status = status;
	if (status == NOERROR || run->told == NULL)
		return;
	pthread_mutex_lock(&run->mutex);
	run->told(run->context, delivery, fault);
	pthread_mutex_unlock(&run->mutex);
}

/* order[first .. first + count) are of one file; again: one by one. */
static void deliver_to_file(struct run *run, size_t first, size_t count)
{
	struct delivery **some = run->order + first;
	struct maildrop_delivery *messages = run->messages + first;
	struct fault fault = { .status = NOERROR };
	STATUS status = NOERROR;

	for (size_t i = 0; i < count && status == NOERROR; i++)
		status = put_top(some[i], &run->passages[first + i], &messages[i]);
	if (status == NOERROR)
		status = run->store->calls->deliver(run->store, some[0]->path, true, some[0]->owner,
		                                    messages, count, &fault);
	if (count > 1 && is_of_one(status)) {
		for (size_t i = 0; i < count; i++)
			deliver_to_file(run, first + i, 1);
		return;
	}
	for (size_t i = 0; i < count; i++)
		settle(run, some[i], status, &fault);
}

static int by_path(const void *a, const void *b)
{
	const struct delivery *x = *(struct delivery *const *)a, *y = *(struct delivery *const *)b;
	int order = strcmp(x->path, y->path);

	return order != 0 ? order : x < y ? -1 : x > y;
}

static void find_files(struct run *run, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(run->order[i - 1]->path, run->order[i]->path) != 0)
			run->files[run->file_count++] = i;
	run->files[run->file_count] = count;
}

static void *deliver_files(void *context)
{
	struct run *run = context;
	size_t file;

	while ((file = atomic_fetch_add(&run->next_file, 1)) < run->file_count)
		deliver_to_file(run, run->files[file], run->files[file + 1] - run->files[file]);
	return NULL;
}

/* This thread works, too, so it does not matter how many others can be had. */
static void deliver_sorted(struct run *run, size_t count)
{
	pthread_t threads[THREADS_MAX - 1];
	size_t wanted, started = 0;

	find_files(run, count);
	wanted = run->file_count / FILES_FOR_A_THREAD;
	if (wanted > THREADS_MAX - 1)
		wanted = THREADS_MAX - 1;
	while (started < wanted && pthread_create(&threads[started], NULL, deliver_files, run) == 0)
		started++;
	deliver_files(run);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static bool make_room(struct run *run, struct delivery *deliveries, size_t count)
{
	run->order = calloc(count, sizeof(*run->order));
	run->messages = calloc(count, sizeof(*run->messages));
	run->passages = calloc(count, sizeof(*run->passages));
	run->files = calloc(count + 1, sizeof(*run->files));
	if (run->order == NULL || run->messages == NULL || run->passages == NULL || run->files == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		run->order[i] = &deliveries[i];
	qsort(run->order, count, sizeof(*run->order), by_path);
	return true;
}

static void release(struct run *run, size_t count)
{
	for (size_t i = 0; run->passages != NULL && i < count; i++)
		buf_release(&run->passages[i].second_top);
	free(run->order);
	free(run->messages);
	free(run->passages);
	free(run->files);
	pthread_mutex_destroy(&run->mutex);
}

void delivery_run(struct mail_store *store, struct delivery *deliveries, size_t count,
                  void (*told)(void *context, const struct delivery *delivery,
                               const struct fault *fault), void *context)
{
	static const struct fault none = { .status = POSTIL_ERR_MEMORY };
	struct run run = { .store = store, .told = told, .context = context };

	if (count == 0)
		return;
	pthread_mutex_init(&run.mutex, NULL);
	if (make_room(&run, deliveries, count))
		deliver_sorted(&run, count);
	else
		for (size_t i = 0; i < count; i++)
			settle(&run, &deliveries[i], POSTIL_ERR_MEMORY, &none);
	release(&run, count);
}
