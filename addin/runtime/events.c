/*
 * The host's events on their way to the task's callbacks. The messages have been
 * checked by addin/wire; how many come is distrusted: the queue is short, and
 * what finds it full is answered with an error (questions) or is one with an
 * event that waits already (changes).
 */
#include "addin/runtime/events.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "addin/runtime/link.h"
#include "addin/runtime/thread.h"
#include "base/banned.h"

#define QUEUE_MAX 32
#define PATTERN_OCTETS 512

struct event {
	enum wire_kind kind;
	uint32_t id;
	WORD port;
	char text[PATTERN_OCTETS];      /* pattern or address */
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t come;
	bool started, closed;
	POSTIL_CALLBACKS callbacks;
	struct event queue[QUEUE_MAX];
	size_t first, count;
} self = { .lock = PTHREAD_MUTEX_INITIALIZER, .come = PTHREAD_COND_INITIALIZER };

/* --- answers --------------------------------------------------------------------- */

static void reply_status(enum wire_kind kind, uint32_t id, STATUS why)
{
	unsigned char memory[WIRE_HEAD];
	struct wire_out out;

	wire_begin(&out, memory, sizeof(memory), kind, WIRE_REPLY, id, why);
	if (wire_end(&out, WIRE_TASK) == NOERROR)
		link_send(&out);
}

static void reply_dropped(uint32_t id, DWORD count)
{
	unsigned char memory[LINK_SMALL];
	struct wire_out out;

	wire_begin(&out, memory, sizeof(memory), WIRE_DROP_SESSIONS, WIRE_REPLY, id, NOERROR);
	wire_put_u32(&out, count);
	if (wire_end(&out, WIRE_TASK) == NOERROR)
		link_send(&out);
}

/* A listing in the making: full messages go out with MORE. */
struct listing {
	uint32_t id;
	struct wire_out out;
	unsigned char memory[16 * 1024];
};

static void begin_page(struct listing *listing)
{
	wire_begin(&listing->out, listing->memory, sizeof(listing->memory), WIRE_LIST_SESSIONS,
	           WIRE_REPLY, listing->id, NOERROR);
}

static void end_page(struct listing *listing, bool more)
{
	if (more)
		listing->out.p[3] |= WIRE_MORE;
	if (wire_end(&listing->out, WIRE_TASK) == NOERROR)
		link_send(&listing->out);
}

static void put_name(struct wire_out *out, const char *name)
{
	if (name == NULL)
		name = "";
	wire_put_octets(out, name, strnlen(name, WIRE_NAME_MAX));
}

static void emit_session(void *context, const POSTIL_SESSION *session)
{
	struct listing *listing = context;

	if (!wire_has_room(&listing->out, 2, (size_t)2 * WIRE_NAME_MAX, 7)) {
		end_page(listing, true);
		begin_page(listing);
	}
	wire_put_u64(&listing->out, (uint64_t)session->id_high << 32 | session->id_low);
	put_name(&listing->out, session->user);
	put_name(&listing->out, session->address);
	wire_put_u32(&listing->out, session->port);
	wire_put_u32(&listing->out, session->tls ? 1 : 0);
	wire_put_u32(&listing->out, session->since_secs);
	wire_put_u32(&listing->out, session->idle_secs);
	wire_put_u32(&listing->out, session->messages);
}

static void list_sessions(const POSTIL_CALLBACKS *callbacks, uint32_t id)
{
	struct listing listing;

	listing.id = id;
	begin_page(&listing);
	if (callbacks->ListSessions != NULL)
		callbacks->ListSessions(callbacks->context, emit_session, &listing);
	end_page(&listing, false);
}

/* --- handing over ------------------------------------------------------------------ */

static void handle(const POSTIL_CALLBACKS *callbacks, const struct event *event)
{
	switch (event->kind) {
	case WIRE_LIST_SESSIONS:
		list_sessions(callbacks, event->id);
		break;
	case WIRE_DROP_SESSIONS:
		reply_dropped(event->id, callbacks->DropSessions == NULL ? 0 :
		              callbacks->DropSessions(callbacks->context, event->text));
		break;
	case WIRE_PORT_READY:
		if (callbacks->PortReady != NULL)
			callbacks->PortReady(callbacks->context, event->text, event->port);
		break;
	case WIRE_SETTINGS_CHANGED:
		if (callbacks->SettingsChanged != NULL)
			callbacks->SettingsChanged(callbacks->context);
		break;
	default:
		break;
	}
}

static bool next_event(struct event *event_r, POSTIL_CALLBACKS *callbacks_r)
{
	bool found;

	pthread_mutex_lock(&self.lock);
	while (self.count == 0 && !self.closed)
		pthread_cond_wait(&self.come, &self.lock);
	found = self.count > 0;
	if (found) {
		*event_r = self.queue[self.first];
		self.first = (self.first + 1) % QUEUE_MAX;
		self.count--;
		*callbacks_r = self.callbacks;
	}
	pthread_mutex_unlock(&self.lock);
	return found;
}

static void *run_events(void *unused)
{
	POSTIL_CALLBACKS callbacks;
	struct event event;

	while (next_event(&event, &callbacks))
		handle(&callbacks, &event);
	return NULL;
}

/* --- taking ------------------------------------------------------------------------- */

static bool waits_already(enum wire_kind kind)
{
	for (size_t i = 0; i < self.count; i++)
		if (self.queue[(self.first + i) % QUEUE_MAX].kind == kind)
			return true;
	return false;
}

static void read_event(struct wire_in *in, struct event *event)
{
	*event = (struct event){ .kind = in->kind, .id = in->id };
	if (in->kind == WIRE_PORT_READY || in->kind == WIRE_DROP_SESSIONS)
		wire_get_text(in, event->text, sizeof(event->text));
	if (in->kind == WIRE_PORT_READY)
		event->port = (WORD)wire_get_u32(in);
}

static STATUS enqueue(struct wire_in *in)
{
	STATUS status = NOERROR;

	pthread_mutex_lock(&self.lock);
	if (!self.started)
		status = POSTIL_ERR_NOEXIST;
	else if (in->kind == WIRE_SETTINGS_CHANGED && waits_already(in->kind))
		status = NOERROR;
	else if (self.count == QUEUE_MAX)
		status = POSTIL_ERR_LIMIT;
	else
		read_event(in, &self.queue[(self.first + self.count++) % QUEUE_MAX]);
	pthread_cond_signal(&self.come);
	pthread_mutex_unlock(&self.lock);
	return status;
}

void events_take(struct wire_in *in)
{
	static const POSTIL_CALLBACKS none;
	struct event event;
	STATUS status = enqueue(in);

	if (status == NOERROR || !wire_has_reply(in->kind))
		return;
	if (status == POSTIL_ERR_LIMIT) {
		reply_status(in->kind, in->id, status);
		return;
	}
	read_event(in, &event);
	handle(&none, &event);
}

void events_link_closed(void)
{
	pthread_mutex_lock(&self.lock);
	self.closed = true;
	pthread_cond_signal(&self.come);
	pthread_mutex_unlock(&self.lock);
}

STATUS events_set_callbacks(const POSTIL_CALLBACKS *callbacks)
{
	STATUS status = NOERROR;

	pthread_mutex_lock(&self.lock);
	self.callbacks = *callbacks;
	if (!self.started) {
		status = thread_start(run_events, NULL, 256 * 1024);
		self.started = status == NOERROR;
	}
	pthread_mutex_unlock(&self.lock);
	return status;
}
