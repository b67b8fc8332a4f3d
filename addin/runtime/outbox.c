/*
 * The bounded buffer of one-way messages. Texts come from the task and are only
 * cut, never interpreted; a host that takes nothing costs lines, not threads.
 *
 *      record record record ...        each a whole message; neighbours of the
 *                                      same kind are sent as one
 */
#include "addin/runtime/outbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "addin/runtime/link.h"
#include "addin/runtime/thread.h"
#include "base/clock.h"
#include "base/banned.h"

#define NAME_OCTETS 64

struct line {
	uint32_t number;        /* 0: free */
	bool announced, changed, deleted;
	char name[NAME_OCTETS];
	char text[OUTBOX_STATUS_MAX + 1];
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	unsigned char *records;         /* one of the two */
	size_t n;
	unsigned char buffers[2][OUTBOX_OCTETS];
	struct line lines[OUTBOX_LINES_MAX];
	uint32_t last_line;
	bool lines_changed, kicked, stuck, started;
	uint64_t lost_texts, lost_statistics;
} box = { .lock = PTHREAD_MUTEX_INITIALIZER, .records = box.buffers[0] };

/* --- adding ---------------------------------------------------------------------- */

static void wake_sender(void)
{
	pthread_cond_signal(&box.filled);
}

/* Room for this many octets, waiting a little; box.lock is held. */
static bool make_room(size_t octets)
{
	struct timespec until = thread_deadline(OUTBOX_PATIENCE_MS);

	while (OUTBOX_OCTETS - box.n < octets) {
		box.kicked = true;
		wake_sender();
		if (box.stuck || !box.started)
			return false;
		if (pthread_cond_timedwait(&box.emptied, &box.lock, &until) == ETIMEDOUT)
			box.stuck = true;
	}
	return true;
}

/* Keep a finished message. */
static bool keep(const struct wire_out *out)
{
	bool kept;

	pthread_mutex_lock(&box.lock);
	kept = make_room(out->n);
	if (kept) {
		bool was_empty = box.n == 0;
		bool was_low = box.n < OUTBOX_OCTETS / 2;

		memcpy(box.records + box.n, out->p, out->n);
		box.n += out->n;
		if (was_empty || (was_low && box.n >= OUTBOX_OCTETS / 2))
			wake_sender();
	}
	pthread_mutex_unlock(&box.lock);
	return kept;
}

static void count_lost(uint64_t *counter)
{
	pthread_mutex_lock(&box.lock);
	(*counter)++;
	pthread_mutex_unlock(&box.lock);
}

static STATUS make_log(struct wire_out *out, enum wire_severity severity, uint32_t flags,
                       const char *text)
{
	wire_put_u32(out, severity);
	wire_put_u32(out, flags);
	wire_put_u64(out, (uint64_t)clock_wall_ms());
	wire_put_octets(out, text, strnlen(text, OUTBOX_TEXT_MAX));
	return wire_end(out, WIRE_TASK);
}

void outbox_log(enum wire_severity severity, uint32_t flags, const char *text)
{
	unsigned char memory[OUTBOX_TEXT_MAX + 64];
	struct wire_out out;

	if (link_is_closed())
		return;
	wire_begin(&out, memory, sizeof(memory), WIRE_LOG, 0, 0, NOERROR);
	if (make_log(&out, severity, flags, text) != NOERROR || !keep(&out))
		count_lost(&box.lost_texts);
}

STATUS outbox_stat_update(const char *facility, const char *name, uint32_t flags,
                          uint32_t type, const void *value, size_t value_octets)
{
	unsigned char memory[OUTBOX_TEXT_MAX + 1024];
	struct wire_out out;
	STATUS status;

	wire_begin(&out, memory, sizeof(memory), WIRE_STAT_UPDATE, 0, 0, NOERROR);
	wire_put_text(&out, facility);
	wire_put_text(&out, name);
	wire_put_u32(&out, flags);
	wire_put_u32(&out, type);
	wire_put_octets(&out, value, value_octets);
	status = wire_end(&out, WIRE_TASK);
	if (status == NOERROR && !keep(&out))
		count_lost(&box.lost_statistics);
	return status;
}

STATUS outbox_stat_delete(const char *facility, const char *name)
{
	unsigned char memory[1024];
	struct wire_out out;
	STATUS status;

	wire_begin(&out, memory, sizeof(memory), WIRE_STAT_DELETE, 0, 0, NOERROR);
	wire_put_text(&out, facility);
	wire_put_text(&out, name);
	status = wire_end(&out, WIRE_TASK);
	if (status == NOERROR && !keep(&out))
		count_lost(&box.lost_statistics);
	return status;
}

/* --- status lines ------------------------------------------------------------------ */

static void copy_text(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

static struct line *find_line(uint32_t number)
{
	for (size_t i = 0; i < OUTBOX_LINES_MAX; i++)
		if (box.lines[i].number == number && (number == 0 || !box.lines[i].deleted))
			return &box.lines[i];
	return NULL;
}

static void line_changed(struct line *line)
{
	line->changed = true;
	if (!box.lines_changed && box.n == 0)
		wake_sender();
	box.lines_changed = true;
}

uint32_t outbox_line_new(const char *name)
{
	uint32_t number = 0;
	struct line *line;

	pthread_mutex_lock(&box.lock);
	line = find_line(0);
	if (line != NULL) {
		*line = (struct line){ .number = 0 };
		number = line->number = ++box.last_line;
		copy_text(line->name, sizeof(line->name), name);
		line_changed(line);
	}
	pthread_mutex_unlock(&box.lock);
	return number;
}

void outbox_line_set(uint32_t number, const char *text)
{
	struct line *line;

	if (number == 0)
		return;
	pthread_mutex_lock(&box.lock);
	line = find_line(number);
	if (line != NULL && strncmp(line->text, text, sizeof(line->text) - 1) != 0) {
		copy_text(line->text, sizeof(line->text), text);
		line_changed(line);
	}
	pthread_mutex_unlock(&box.lock);
}

void outbox_line_delete(uint32_t number)
{
	struct line *line;

	if (number == 0)
		return;
	pthread_mutex_lock(&box.lock);
	line = find_line(number);
	if (line != NULL && line->announced) {
		line->deleted = true;
		line_changed(line);
	} else if (line != NULL) {
		line->number = 0;
	}
	pthread_mutex_unlock(&box.lock);
}

/* --- sending ------------------------------------------------------------------------- */

static STATUS send_line(const struct line *line)
{
	unsigned char memory[LINK_SMALL];
	struct wire_out out;
	STATUS status = NOERROR;

	if (line->deleted) {
		wire_begin(&out, memory, sizeof(memory), WIRE_STATUS_DELETE, 0, 0, NOERROR);
		wire_put_u32(&out, line->number);
		return wire_end(&out, WIRE_TASK) == NOERROR ? link_send_locked(&out) : NOERROR;
	}
	if (!line->announced) {
		wire_begin(&out, memory, sizeof(memory), WIRE_STATUS_NEW, 0, 0, NOERROR);
		wire_put_u32(&out, line->number);
		wire_put_text(&out, line->name);
		if (wire_end(&out, WIRE_TASK) == NOERROR)
			status = link_send_locked(&out);
	}
	if (status == NOERROR && (line->announced || line->text[0] != '\0')) {
		wire_begin(&out, memory, sizeof(memory), WIRE_STATUS_SET, 0, 0, NOERROR);
		wire_put_u32(&out, line->number);
		wire_put_text(&out, line->text);
		if (wire_end(&out, WIRE_TASK) == NOERROR)
			status = link_send_locked(&out);
	}
	return status;
}

/* Take the next line to be told as it is now; false: none. */
static bool next_changed_line(struct line *line_r)
{
	bool found = false;

	pthread_mutex_lock(&box.lock);
	for (size_t i = 0; box.lines_changed && i < OUTBOX_LINES_MAX && !found; i++) {
		struct line *line = &box.lines[i];

		if (line->number == 0 || !line->changed)
			continue;
		*line_r = *line;
		line->changed = false;
		line->announced = true;
		if (line->deleted)
			line->number = 0;
		found = true;
	}
	box.lines_changed = found;
	pthread_mutex_unlock(&box.lock);
	return found;
}

static void send_lines(void)
{
	struct line line;

	while (next_changed_line(&line))
		if (send_line(&line) != NOERROR)
			break;
}

static size_t record_octets(const unsigned char *p, size_t n, struct wire_in *in)
{
	size_t length = p[12] | (size_t)p[13] << 8 | (size_t)p[14] << 16;

	if (WIRE_HEAD + length > n || wire_parse(p, WIRE_HEAD + length, WIRE_HOST, in) != NOERROR)
		return 0;
	return WIRE_HEAD + length;
}

/* Send the first records that can be one message; returns their octets. */
static size_t send_some(const unsigned char *p, size_t n)
{
	static unsigned char memory[WIRE_MAX];  /* under the sending lock */
	struct wire_in in;
	struct wire_out out;
	size_t used = record_octets(p, n, &in);
	enum wire_kind kind = in.kind;

	if (used == 0)
		return n;
	wire_begin(&out, memory, sizeof(memory), kind, 0, 0, NOERROR);
	wire_put_groups(&out, in.p, in.n);
	while (used < n && (kind == WIRE_LOG || kind == WIRE_STAT_UPDATE)) {
		size_t next = record_octets(p + used, n - used, &in);

		if (next == 0 || in.kind != kind || !wire_has_room(&out, 0, in.n, 0))
			break;
		wire_put_groups(&out, in.p, in.n);
		used += next;
	}
	if (wire_end(&out, WIRE_TASK) == NOERROR && link_send_locked(&out) != NOERROR)
		return n;
	return used;
}

static void tell_lost(uint64_t texts, uint64_t statistics)
{
	unsigned char memory[LINK_SMALL];
	struct wire_out out;
	char text[160];

	if (texts == 0 && statistics == 0)
		return;
	snprintf(text, sizeof(text), "%llu log lines and %llu statistics of this task were lost: "
	         "the server did not take them in time",
	         (unsigned long long)texts, (unsigned long long)statistics);
	wire_begin(&out, memory, sizeof(memory), WIRE_LOG, 0, 0, NOERROR);
	if (make_log(&out, WIRE_WARNING, 0, text) == NOERROR)
		link_send_locked(&out);
}

void outbox_drain_locked(void)
{
	uint64_t texts, statistics;
	unsigned char *p;
	size_t n;

	send_lines();
	pthread_mutex_lock(&box.lock);
	p = box.records;
	n = box.n;
	if (n > 0)
		box.records = p == box.buffers[0] ? box.buffers[1] : box.buffers[0];
	box.n = 0;
	box.kicked = box.stuck = false;
	texts = box.lost_texts;
	statistics = box.lost_statistics;
	box.lost_texts = box.lost_statistics = 0;
	pthread_cond_broadcast(&box.emptied);
	pthread_mutex_unlock(&box.lock);
	while (n > 0) {
		size_t sent = send_some(p, n);

		p += sent;
		n -= sent;
	}
	tell_lost(texts, statistics);
}

void outbox_kick(void)
{
	pthread_mutex_lock(&box.lock);
	if (box.n > 0 || box.lines_changed) {
		box.kicked = true;
		wake_sender();
	}
	pthread_mutex_unlock(&box.lock);
}

/* Something to send has come, and the pause since the last sending is over or
 * does not matter. */
static void await_work(uint64_t last_ms)
{
	pthread_mutex_lock(&box.lock);
	while (box.n == 0 && !box.lines_changed)
		pthread_cond_wait(&box.filled, &box.lock);
	for (;;) {
		uint64_t since = clock_mono_ms() - last_ms;
		struct timespec until;

		if (box.kicked || box.n >= OUTBOX_OCTETS / 2 || since >= OUTBOX_MS)
			break;
		until = thread_deadline(OUTBOX_MS - (uint32_t)since);
		pthread_cond_timedwait(&box.filled, &box.lock, &until);
	}
	pthread_mutex_unlock(&box.lock);
}

static void *send_box(void *unused)
{
	uint64_t last_ms = 0;

	while (!link_is_closed()) {
		await_work(last_ms);
		link_lock_sending(0);
		outbox_drain_locked();
		link_unlock_sending();
		last_ms = clock_mono_ms();
	}
	return NULL;
}

STATUS outbox_start(void)
{
	STATUS status;

	thread_cond_init(&box.filled);
	thread_cond_init(&box.emptied);
	status = thread_start(send_box, NULL, 64 * 1024);
	pthread_mutex_lock(&box.lock);
	box.started = status == NOERROR;
	pthread_mutex_unlock(&box.lock);
	return status;
}
