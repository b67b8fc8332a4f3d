/*
 * The host's side of the wire: takes a task's messages, answers them, asks it.
 * Everything a task sends is distrusted; what wire_receive lets through is
 * still bounded in number and rate here, and a task that speaks out of turn is
 * ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addin/host/control.h"
#include "addin/host/listener.h"
#include "addin/host/task.h"
#include "base/clock.h"
#include "base/banned.h"

#define MESSAGES_A_ROUND 64
#define OUT_FULL_OCTETS (512u << 10)    /* then the task's messages wait */
#define QUESTIONS_MAX 64

static unsigned char receive_memory[WIRE_MAX];
static unsigned char send_memory[WIRE_MAX];

/* --- sending --------------------------------------------------------------------- */

static void watch_as_needed(struct task *t)
{
	short events = 0;

	if (t->wire_watch == NULL)
		return;
	if (t->out_octets < OUT_FULL_OCTETS)
		events |= POLLIN;
	if (t->out_first != NULL)
		events |= POLLOUT;
	watch_events(t->wire_watch, events);
}

static void outgoing_free(struct outgoing *o)
{
	for (size_t i = 0; i < o->fd_count; i++)
		close(o->fds[i]);
	free(o);
}

static void keep_outgoing(struct task *t, const struct wire_out *out, const int *fds,
                          size_t fd_count)
{
	struct outgoing *o = malloc(sizeof(*o) + out->n);

	if (o == NULL) {
		task_contain(t, "no memory for its messages");
		return;
	}
	o->next = NULL;
	o->n = out->n;
	memcpy(o->octets, out->p, out->n);
	o->fd_count = 0;
	for (size_t i = 0; i < fd_count; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 10);

		if (fd >= 0)
			o->fds[o->fd_count++] = fd;
	}
	*t->out_last = o;
	t->out_last = &o->next;
	t->out_octets += o->n;
}

void task_send(struct task *t, const struct wire_out *out, const int *fds, size_t fd_count)
{
	STATUS status = POSTIL_ERR_BUSY;

	if (t->wire_fd < 0)
		return;
	if (t->out_first == NULL)
		status = wire_send(t->wire_fd, out, fds, fd_count, false);
	if (status == POSTIL_ERR_BUSY)
		keep_outgoing(t, out, fds, fd_count);
	watch_as_needed(t);
}

static void send_kept(struct task *t)
{
	struct outgoing *o;

	while ((o = t->out_first) != NULL) {
		if (wire_send_octets(t->wire_fd, o->octets, o->n, o->fds, o->fd_count, false)
		    == POSTIL_ERR_BUSY)
			return;
		t->out_first = o->next;
		if (t->out_first == NULL)
			t->out_last = &t->out_first;
		t->out_octets -= o->n;
		outgoing_free(o);
	}
}

void task_event(struct task *t, struct wire_out *out)
{
	if (wire_end(out, WIRE_HOST) == NOERROR)
		task_send(t, out, NULL, 0);
}

void task_reply_begin(struct wire_out *out, enum wire_kind kind, uint32_t id)
{
	wire_begin(out, send_memory, sizeof(send_memory), kind, WIRE_REPLY, id, NOERROR);
}

void task_reply_end(struct task *t, struct wire_out *out, const int *fds, size_t fd_count)
{
	if (wire_end(out, WIRE_HOST) == NOERROR)
		task_send(t, out, fds, fd_count);
	else
		log_say(t->host->log, "%s: an answer does not fit the wire", t->name);
}

void task_reply(struct task *t, enum wire_kind kind, uint32_t id, STATUS status)
{
	struct wire_out out;

	wire_begin(&out, send_memory, sizeof(send_memory), kind, WIRE_REPLY, id, status);
	task_reply_end(t, &out, NULL, 0);
}

/* --- questions to the task ---------------------------------------------------------- */

STATUS task_ask(struct task *t, struct wire_out *out, enum wire_kind kind,
                void (*part)(void *context, struct wire_in *in, bool last), void *context)
{
	struct question *q;
	unsigned count = 0;

	for (q = t->questions; q != NULL; q = q->next)
		count++;
	if (!t->hello || t->wire_fd < 0 || count >= QUESTIONS_MAX)
		return POSTIL_ERR_CLOSED;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return POSTIL_ERR_MEMORY;
	if (++t->last_question == 0)
		t->last_question = 1;
	q->id = t->last_question;
	q->part = part;
	q->context = context;
	q->next = t->questions;
	t->questions = q;
	wire_begin(out, send_memory, sizeof(send_memory), kind, 0, q->id, NOERROR);
	return NOERROR;
}

void task_ask_end(struct task *t, struct wire_out *out)
{
	task_event(t, out);
}

static void on_answer(struct task *t, struct wire_in *in)
{
	struct question **at = &t->questions, *q;
	bool last = !(in->flags & WIRE_MORE);

	while (*at != NULL && (*at)->id != in->id)
		at = &(*at)->next;
	q = *at;
	if (q == NULL) {
		task_contain(t, "it answered what was not asked");
		return;
	}
	if (last)
		*at = q->next;
	q->part(q->context, in, last);
	if (last)
		free(q);
}

static void end_questions(struct task *t)
{
	struct question *q;

	while ((q = t->questions) != NULL) {
		t->questions = q->next;
		q->part(q->context, NULL, true);
		free(q);
	}
}

/* --- messages of the task ------------------------------------------------------------- */

static void on_hello(struct task *t, struct wire_in *in)
{
	struct wire_out out;

	t->hello = true;
	task_reply_begin(&out, WIRE_HELLO, in->id);
	wire_put_text(&out, t->host->data_dir);
	wire_put_text(&out, setting(t->host, "ServerName"));
	wire_put_text(&out, t->host->program_dir);
	task_reply_end(t, &out, NULL, 0);
}

static void on_log(struct task *t, struct wire_in *in)
{
	while (!wire_at_end(in)) {
		uint32_t flags;

		wire_get_u32(in);       /* severity */
		flags = wire_get_u32(in);
		wire_get_u64(in);       /* the task's clock; the log has the host's */
		task_log(t, 0, wire_get_slice(in), !(flags & WIRE_LOG_NO_CONSOLE));
	}
}

static struct status_line *find_line(struct task *t, uint32_t id)
{
	for (size_t i = 0; i < t->line_count; i++)
		if (t->lines[i].id == id)
			return &t->lines[i];
	return NULL;
}

/* At most `octets` of text, not cut inside a UTF-8 character. */
static struct slice shortened(struct slice s, size_t octets)
{
	if (s.n <= octets)
		return s;
	while (octets > 0 && ((unsigned char)s.p[octets] & 0xC0) == 0x80)
		octets--;
	return (struct slice){ s.p, octets };
}

static void on_status_new(struct task *t, struct wire_in *in)
{
	uint32_t id = wire_get_u32(in);
	struct slice name = shortened(wire_get_slice(in), sizeof(t->lines->name) - 1);
	struct status_line *lines;

	if (find_line(t, id) != NULL || t->line_count >= TASK_STATUS_LINES_MAX)
		return;
	lines = realloc(t->lines, (t->line_count + 1) * sizeof(*lines));
	if (lines == NULL)
		return;
	t->lines = lines;
	lines[t->line_count] = (struct status_line){ .id = id };
	memcpy(lines[t->line_count].name, name.p, name.n);
	t->line_count++;
}

static void on_status_set(struct task *t, struct wire_in *in)
{
	struct status_line *line = find_line(t, wire_get_u32(in));
	struct slice text = shortened(wire_get_slice(in), 512);

	if (line == NULL)
		return;
	free(line->text);
	line->text = strndup(text.p, text.n);
}

static void on_status_delete(struct task *t, struct wire_in *in)
{
	struct status_line *line = find_line(t, wire_get_u32(in));
	size_t at;

	if (line == NULL)
		return;
	at = (size_t)(line - t->lines);
	free(line->text);
	memmove(line, line + 1, (t->line_count - at - 1) * sizeof(*line));
	t->line_count--;
}

static void on_stat_update(struct task *t, struct wire_in *in)
{
	while (!wire_at_end(in)) {
		struct slice facility = wire_get_slice(in), name = wire_get_slice(in);
		uint32_t flags = wire_get_u32(in), type = wire_get_u32(in);

		stat_update(&t->host->stats, t->run, facility, name, flags, type,
		            wire_get_slice(in));
	}
}

static void on_stat_delete(struct task *t, struct wire_in *in)
{
	struct slice facility = wire_get_slice(in);

	stat_delete(&t->host->stats, facility, wire_get_slice(in));
}

static void on_stat_reset(struct task *t, struct wire_in *in)
{
	struct slice facility = wire_get_slice(in);

	task_reply(t, in->kind, in->id, stat_reset(&t->host->stats, facility,
	                                           wire_get_slice(in)));
}

static void put_statistic(struct wire_out *out, const struct statistic *s)
{
	struct slice value = buf_slice(&s->value);
	int64_t wide;
	int32_t narrow;

	if (s->type == VT_LONG && value.n == sizeof(wide)) {
		memcpy(&wide, value.p, sizeof(wide));
		narrow = wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
		value = (struct slice){ (const char *)&narrow, sizeof(narrow) };
	}
	wire_put_text(out, s->facility);
	wire_put_text(out, s->name);
	wire_put_u32(out, s->flags);
	wire_put_u32(out, (uint32_t)s->type);
	wire_put_octets(out, value.p, value.n);
	wire_put_u64(out, (uint64_t)s->updated_ms);
}

static bool is_wanted(const struct statistic *s, struct slice facility, struct slice name)
{
	return (facility.n == 0 || slice_equal_nocase(slice_of(s->facility), facility))
	       && (name.n == 0 || slice_equal_nocase(slice_of(s->name), name));
}

static void on_stat_list(struct task *t, struct wire_in *in)
{
	struct slice facility = wire_get_slice(in), name = wire_get_slice(in);
	struct slice after_facility = wire_get_slice(in), after_name = wire_get_slice(in);
	const struct stat_table *table = &t->host->stats;
	struct wire_out out;
	size_t i = after_facility.n == 0 ? 0 : stat_after(table, after_facility, after_name);
	unsigned flags = WIRE_REPLY;

	wire_begin(&out, send_memory, sizeof(send_memory), WIRE_STAT_LIST, flags, in->id, NOERROR);
	for (; i < table->count; i++) {
		const struct statistic *s = table->sorted[i];

		if (!is_wanted(s, facility, name))
			continue;
		if (!wire_has_room(&out, 3, strlen(s->facility) + strlen(s->name)
		                   + s->value.n, 4)) {
			flags |= WIRE_MORE;
			break;
		}
		put_statistic(&out, s);
	}
	out.p[3] = (unsigned char)flags;
	task_reply_end(t, &out, NULL, 0);
}

static void on_env_get(struct task *t, struct wire_in *in)
{
	char name[WIRE_NAME_MAX + 1];
	const char *value;
	struct wire_out out;

	wire_get_text(in, name, sizeof(name));
	value = ini_get(t->host->ini, name);
	if (value == NULL) {
		task_reply(t, in->kind, in->id, POSTIL_ERR_NOT_FOUND);
		return;
	}
	task_reply_begin(&out, in->kind, in->id);
	wire_put_text(&out, value);
	task_reply_end(t, &out, NULL, 0);
}

struct env_set {
	struct host *host;
	unsigned run;
	uint32_t id;
};

static void on_env_written(void *context, STATUS status, const char *why)
{
	struct env_set *set = context;

	if (status != NOERROR)
		log_say(set->host->log, "notes.ini could not be written: %s", why);
	for (struct task *t = set->host->tasks; t != NULL; t = t->next)
		if (t->run == set->run)
			task_reply(t, WIRE_ENV_SET, set->id, status);
	free(set);
}

static void on_env_set(struct task *t, struct wire_in *in)
{
	char name[WIRE_NAME_MAX + 1], value[4096];
	size_t length;
	struct env_set *set = malloc(sizeof(*set));
	STATUS status;

	wire_get_text(in, name, sizeof(name));
	length = wire_get_text(in, value, sizeof(value));
	status = length >= sizeof(value) ? POSTIL_ERR_TOO_LONG : setting_check(name, value);
	if (status == NOERROR && set == NULL)
		status = POSTIL_ERR_MEMORY;
	if (status != NOERROR) {
		free(set);
		task_reply(t, in->kind, in->id, status);
		return;
	}
	*set = (struct env_set){ t->host, t->run, in->id };
	setting_set(t->host, name, value, on_env_written, set);
}

static void on_env_seqno(struct task *t, struct wire_in *in)
{
	struct wire_out out;

	task_reply_begin(&out, in->kind, in->id);
	wire_put_u32(&out, t->host->ini_changes);
	task_reply_end(t, &out, NULL, 0);
}

static void on_listen(struct task *t, struct wire_in *in)
{
	char service[WIRE_NAME_MAX + 1], address[WIRE_NAME_MAX + 1];
	int fds[WIRE_FDS_MAX];
	size_t count = 0;
	struct wire_out out;
	uint32_t port;
	STATUS status;

	wire_get_text(in, service, sizeof(service));
	wire_get_text(in, address, sizeof(address));
	port = wire_get_u32(in);
	status = listener_open(t, service, address, port, fds, &count);
	if (status != NOERROR) {
		task_reply(t, in->kind, in->id, status);
		return;
	}
	task_reply_begin(&out, in->kind, in->id);
	wire_put_u32(&out, (uint32_t)count);
	task_reply_end(t, &out, fds, count);
}

static void on_listen_local(struct task *t, struct wire_in *in)
{
	char service[WIRE_NAME_MAX + 1], path[WIRE_NAME_MAX + 1], group[WIRE_NAME_MAX + 1];
	struct wire_out out;
	uint32_t mode;
	STATUS status;
	int fd = -1;

	wire_get_text(in, service, sizeof(service));
	wire_get_text(in, path, sizeof(path));
	mode = wire_get_u32(in);
	wire_get_text(in, group, sizeof(group));
	status = listener_open_local(t, service, path, mode, group, &fd);
	if (status != NOERROR) {
		task_reply(t, in->kind, in->id, status);
		return;
	}
	task_reply_begin(&out, in->kind, in->id);
	wire_put_u32(&out, 1);
	task_reply_end(t, &out, &fd, 1);
}

static void on_unlisten(struct task *t, struct wire_in *in)
{
	char service[WIRE_NAME_MAX + 1], address[WIRE_NAME_MAX + 1];

	wire_get_text(in, service, sizeof(service));
	wire_get_text(in, address, sizeof(address));
	listener_close(t, address, wire_get_u32(in));
	task_reply(t, in->kind, in->id, NOERROR);
}

static void on_load_program(struct task *t, struct wire_in *in)
{
	struct slice program = wire_get_slice(in), directory = wire_get_slice(in);
	struct slice arguments = wire_get_slice(in);
	struct buf command = BUF_INIT;
	struct fault fault;
	STATUS status;

	if (directory.n > 0)
		buf_addf(&command, "%.*s/", (int)directory.n, directory.p);
	buf_addf(&command, "%.*s %.*s", (int)program.n, program.p, (int)arguments.n, arguments.p);
	status = buf_status(&command);
	if (status == NOERROR)
		status = task_load(t->host, buf_slice(&command), NULL, &fault);
	buf_release(&command);
	task_reply(t, WIRE_LOAD_PROGRAM, in->id, status);
}

static void on_goodbye(struct task *t, struct wire_in *in)
{
	t->goodbye = true;
	t->exit_status = wire_get_u32(in);
}

static void (*const handlers[WIRE_KIND_END])(struct task *t, struct wire_in *in) = {
	[WIRE_HELLO] = on_hello,
	[WIRE_GOODBYE] = on_goodbye,
	[WIRE_LOG] = on_log,
	[WIRE_STATUS_NEW] = on_status_new,
	[WIRE_STATUS_SET] = on_status_set,
	[WIRE_STATUS_DELETE] = on_status_delete,
	[WIRE_STAT_UPDATE] = on_stat_update,
	[WIRE_STAT_DELETE] = on_stat_delete,
	[WIRE_STAT_RESET] = on_stat_reset,
	[WIRE_STAT_LIST] = on_stat_list,
	[WIRE_ENV_GET] = on_env_get,
	[WIRE_ENV_SET] = on_env_set,
	[WIRE_ENV_SEQNO] = on_env_seqno,
	[WIRE_LISTEN] = on_listen,
	[WIRE_UNLISTEN] = on_unlisten,
	[WIRE_LISTEN_LOCAL] = on_listen_local,
	[WIRE_LOAD_PROGRAM] = on_load_program,
};

static void dispatch(struct task *t, struct wire_in *in)
{
	if (in->flags & WIRE_REPLY)
		on_answer(t, in);
	else if (!t->hello && in->kind != WIRE_HELLO)
		task_contain(t, "its first message is \"%s\"", wire_kind_name(in->kind));
	else if (handlers[in->kind] != NULL)
		handlers[in->kind](t, in);
	else if (!task_mq_message(t, in))
		task_contain(t, "it sent \"%s\"", wire_kind_name(in->kind));
}

static void receive_some(struct task *t)
{
	struct wire_in in;
	STATUS status;

	for (int i = 0; i < MESSAGES_A_ROUND && t->wire_fd >= 0; i++) {
		if (t->out_octets >= OUT_FULL_OCTETS)
			return;
		status = wire_receive(t->wire_fd, WIRE_HOST, receive_memory, &in, false);
		if (status == POSTIL_ERR_BUSY)
			return;
		if (status == POSTIL_ERR_INVALID || status == POSTIL_ERR_TOO_LONG) {
			task_contain(t, "it sent what is no message");
			return;
		}
		if (status != NOERROR) {
			task_wire_close(t);
			return;
		}
		dispatch(t, &in);
	}
}

void task_wire_ready(void *context, short revents)
{
	struct task *t = context;

	if (revents & (POLLOUT | POLLHUP | POLLERR))
		send_kept(t);
	if (revents & (POLLIN | POLLHUP | POLLERR))
		receive_some(t);
	watch_as_needed(t);
}

void task_wire_close(struct task *t)
{
	struct outgoing *o;

	if (t->wire_fd < 0)
		return;
	loop_unwatch(&t->host->loop, &t->wire_watch);
	close(t->wire_fd);
	t->wire_fd = -1;
	end_questions(t);
	task_mq_close(t);
	followers_end(t);
	while ((o = t->out_first) != NULL) {
		t->out_first = o->next;
		outgoing_free(o);
	}
	t->out_last = &t->out_first;
	t->out_octets = 0;
}

void tasks_settings_changed(struct host *host)
{
	struct wire_out out;
	unsigned char memory[WIRE_HEAD];

	for (struct task *t = host->tasks; t != NULL; t = t->next) {
		if (!t->hello || t->wire_fd < 0 || t->out_octets >= OUT_FULL_OCTETS)
			continue;
		wire_begin(&out, memory, sizeof(memory), WIRE_SETTINGS_CHANGED, 0, 0, NOERROR);
		task_event(t, &out);
	}
}
