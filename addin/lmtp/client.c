/*
 * A connection's life: its session, and the one job that may be under way.
 *
 *   input --> session --> seam --> job (parked) --> resume --> session --> output
 *
 * What a job works on belongs to the job until resume brings it back; when its deadline passes it
 * never does. Before a peer is known to be trusted it costs a few octets.
 */
#include "addin/lmtp/client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "addin/lmtp/post.h"
#include "addin/lmtp/reply.h"
#include "base/clock.h"
#include "base/text.h"

#define UNTRUSTED_LOG_MS 10000

enum doing { DOING_NOTHING, DOING_FIND, DOING_DELIVER };

struct client {
	struct task *task;
	struct net_conn *conn;
	struct settings *settings;
	struct lmtp_session *session;
	enum doing doing;
	struct lmtp_found *found_r;
	struct lmtp_batch **batch_r;
	struct lmtp_session_counts told;        /* counts that the task has already */
	uint64_t began_ms;
	_Atomic uint32_t messages;
};

/* Either a look-up or a delivery. */
struct work {
	struct task *task;
	struct settings *settings;
	char *address;
	struct lmtp_found found;
	struct lmtp_batch *batch;
};

/* --- jobs ---------------------------------------------------------------------------- */

static void work_free(struct work *w)
{
	if (w == NULL)
		return;
	settings_release(&w->settings);
	free(w->address);
	free(w->found.recipient);
	lmtp_batch_free(&w->batch);
	free(w);
}

static struct work *work_new(const struct client *c)
{
	struct work *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->task = c->task;
	w->settings = settings_share(c->settings);
	return w;
}

static void discard(void *context, STATUS status)
{
	work_free(context);
}

static STATUS run_find(void *context)
{
	struct work *w = context;
	struct fault fault = { .status = NOERROR };
	struct buf shown = BUF_INIT;

	w->found.result = recipient_find(w->task->directory, &w->settings->rules, slice_of(w->address),
	                                 &w->found.recipient, &fault);
	text_escape(slice_of(w->address), 200, &shown);
	if (w->found.result >= RECIPIENT_AMBIGUOUS)
		task_log(w->task, "LMTP Server: recipient [%s]: %s", buf_cstr(&shown),
		         fault_text(&fault, fault.status));
	else if (w->found.result == RECIPIENT_FOUND && w->found.recipient->passed_over > 0)
		task_log(w->task, "LMTP Server: recipient [%s]: %zu member%s of the group ha%s no mail file "
		         "here", buf_cstr(&shown), w->found.recipient->passed_over,
		         text_plural(w->found.recipient->passed_over),
		         w->found.recipient->passed_over == 1 ? "s" : "ve");
	buf_release(&shown);
	return NOERROR;
}

static STATUS run_deliver(void *context)
{
	struct work *w = context;
	struct post post = { .store = w->task->store, .log_context = w->task->log_context,
		.log = w->task->log, .quiet = w->settings->log_deliveries == 0 };

	post_batch(&post, w->batch);
	return NOERROR;
}

static void start(struct client *c, struct work *w, STATUS (*run)(void *context))
{
	struct net_job job = { .class = NET_JOB_STORE, .run = run, .discard = discard, .context = w,
		.deadline_ms = c->settings->store_timeout_secs * 1000 };

	net_job_start(c->conn, &job);
}

/* --- the seam ------------------------------------------------------------------------- */

static STATUS seam_find(void *context, struct slice address, struct lmtp_found *found_r)
{
	struct client *c = context;
	struct work *w = work_new(c);

	if (w != NULL)
		w->address = strndup(address.p, address.n);
	if (w == NULL || w->address == NULL) {
		work_free(w);
		return POSTIL_ERR_MEMORY;
	}
	c->doing = DOING_FIND;
	c->found_r = found_r;
	start(c, w, run_find);
	return LMTP_PENDING;
}

static STATUS seam_deliver(void *context, struct lmtp_batch **batch)
{
	struct client *c = context;
	struct work *w = work_new(c);

	if (w == NULL)
		return POSTIL_ERR_MEMORY;
	w->batch = *batch;
	*batch = NULL;
	c->batch_r = batch;
	c->doing = DOING_DELIVER;
	start(c, w, run_deliver);
	return LMTP_PENDING;
}

static bool seam_has_more(void *context)
{
	return net_conn_has_more(((struct client *)context)->conn);
}

static const struct lmtp_seam seam = { seam_find, seam_deliver, seam_has_more };

/* The queue was full: nothing of it has been done. */
static void not_begun(struct lmtp_batch *batch)
{
	for (struct lmtp_message *m = batch->first; m != NULL; m = m->next)
		for (size_t i = 0; i < m->count; i++)
			m->recipients[i].status = POSTIL_ERR_LIMIT;
}

static STATUS take_result(struct client *c, enum doing doing, STATUS status, struct work *w)
{
	if (w == NULL)
		return status;
	if (doing == DOING_FIND && status == NOERROR) {
		*c->found_r = w->found;
		w->found.recipient = NULL;
	}
	if (doing == DOING_DELIVER) {
		if (status != NOERROR)
			not_begun(w->batch);
		*c->batch_r = w->batch;
		w->batch = NULL;
		status = NOERROR;
	}
	work_free(w);
	return status;
}

/* --- the protocol ------------------------------------------------------------------------ */

static void tell_untrusted(struct task *task, const char *address)
{
	uint64_t now = clock_mono_ms(), next = atomic_load(&task->untrusted_next_ms);

	atomic_fetch_add(&task->counters.untrusted, 1);
	if (now >= next && atomic_compare_exchange_strong(&task->untrusted_next_ms, &next,
	                                                  now + UNTRUSTED_LOG_MS))
		task_log(task, "LMTP Server: [%s] is refused, it is in none of LMTP_Trusted_Networks",
		         address);
}

static enum net_next protocol_open(void *state, struct net_conn *conn, struct buf *out)
{
	struct client *c = state;
	struct net_peer peer;

	c->task = net_conn_listener_data(conn);
	c->conn = conn;
	c->began_ms = clock_mono_ms();
	c->settings = task_settings(c->task);
	net_conn_peer(conn, &peer);
	if (!settings_trusts(c->settings, peer.text)) {
		tell_untrusted(c->task, peer.text);
		buf_add_str(out, reply_untrusted_line);
		return NET_CLOSE;
	}
	if (lmtp_session_new(&c->settings->options, &seam, c, &c->session) != NOERROR)
		return NET_CLOSE;
	return lmtp_session_open(c->session, out);
}

/* What the session has counted since the last step. */
static void count(struct client *c)
{
	struct task_counters *sum = &c->task->counters;
	struct lmtp_session_counts now;

	lmtp_session_counts(c->session, &now);
	atomic_fetch_add(&sum->messages, now.messages - c->told.messages);
	atomic_fetch_add(&sum->octets, now.octets - c->told.octets);
	atomic_fetch_add(&sum->delivered, now.delivered - c->told.delivered);
	atomic_fetch_add(&sum->failed, now.failed - c->told.failed);
	atomic_fetch_add(&sum->refused, now.refused - c->told.refused);
	atomic_store(&c->messages, (uint32_t)(now.messages < UINT32_MAX ? now.messages : UINT32_MAX));
	c->told = now;
}

static enum net_next protocol_input(void *state, struct net_conn *conn, struct slice in,
                                    size_t *used_r, struct buf *out)
{
	struct client *c = state;
	enum net_next next;

	if (net_is_ending(c->task->net))
		lmtp_session_ending(c->session);
	next = lmtp_session_input(c->session, in, used_r, out);
	if (*used_r > 0)
		net_conn_touch(conn);
	count(c);
	return next;
}

static enum net_next protocol_pull(void *state, struct net_conn *conn, struct buf *out)
{
	return lmtp_session_pull(((struct client *)state)->session, out);
}

static enum net_next protocol_resume(void *state, struct net_conn *conn, STATUS status,
                                     void *result, struct buf *out)
{
	struct client *c = state;
	enum doing doing = c->doing;
	enum net_next next;

	c->doing = DOING_NOTHING;
	if (result == NULL)
		task_log(c->task, "LMTP Server: a %s is given up: %s",
		         doing == DOING_FIND ? "look-up" : "delivery", status_text(status));
	status = take_result(c, doing, status, result);
	net_conn_touch(conn);
	next = lmtp_session_resume(c->session, status, out);
	count(c);
	return next;
}

static const char *how_it_ended(const struct client *c, STATUS why)
{
	switch (c->told.end) {
	case LMTP_END_BAD_COMMANDS: return "too many bad commands";
	case LMTP_END_MEMORY: return "out of memory";
	default: break;
	}
	return why == POSTIL_ERR_TIMEOUT ? "no command came in time"
	       : why == POSTIL_ERR_CANCEL ? "dropped" : NULL;
}

/* Sessions that end as they should are not told: their deliveries have been. */
static void tell_end(struct client *c, STATUS why)
{
	const char *how;
	struct net_peer peer;

	count(c);
	how = how_it_ended(c, why);
	net_conn_peer(c->conn, &peer);
	if (how != NULL || c->told.refused > 0)
		task_log(c->task, "lmtp: session of [%s] ended: %s; %" PRIu64 " message%s, %" PRIu64
		         " recipient%s refused, %u bad command%s", peer.text, how != NULL ? how : "done",
		         c->told.messages, text_plural(c->told.messages), c->told.refused,
		         text_plural(c->told.refused), c->told.bad_commands,
		         text_plural(c->told.bad_commands));
}

static void protocol_close(void *state, struct net_conn *conn, STATUS why)
{
	struct client *c = state;

	if (c->session != NULL)
		tell_end(c, why);
	lmtp_session_free(&c->session);
	settings_release(&c->settings);
}

static bool has_greeted(const struct client *c)
{
	return c->session != NULL && lmtp_session_has_greeted(c->session);
}

static uint32_t protocol_idle_ms(void *state)
{
	const struct client *c = state;

	return has_greeted(c) ? c->settings->timeout_secs * 1000 : 0;
}

static bool protocol_established(void *state)
{
	return has_greeted(state);
}

const struct net_protocol client_protocol = {
	.state_octets = sizeof(struct client),
	.open = protocol_open,
	.input = protocol_input,
	.pull = protocol_pull,
	.resume = protocol_resume,
	.close = protocol_close,
	.idle_ms = protocol_idle_ms,
	.established = protocol_established,
};

uint64_t client_since_ms(const void *state)
{
	return ((const struct client *)state)->began_ms;
}

uint32_t client_messages(const void *state)
{
	return atomic_load(&((const struct client *)state)->messages);
}
