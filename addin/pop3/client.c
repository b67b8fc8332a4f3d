/*
 * A connection's life: its session, its login, its mailbox, and the one job that
 * may be under way. What comes from the network goes to the session unseen.
 *
 *   input --> session --> seam --> job (parked) --> resume --> session --> output
 *
 * Whatever a job works on belongs to the job until resume brings it back. When a
 * deadline passes it never comes back: a login is refused, a session ends.
 */
#include "addin/pop3/client_impl.h"

#include <stdlib.h>
#include <string.h>

#include "addin/pop3/reply.h"
#include "base/clock.h"
#include "base/text.h"

#define TAKEOVER_TRIES 10
#define TAKEOVER_WAIT_MS 50

/* From here on an address waits before its password is looked at: who hangs up before the
 * answer, to try the next one, has not been answered. Below it mistakes cost others nothing. */
#define PENALTY_BEFORE_MS 4000

/* --- the seam --------------------------------------------------------------------- */

/* A certificate is read only where it counts. */
static STATUS begin_login(const struct client *c, const char *address,
                          const struct pop3_credentials *credentials, struct login **login_r)
{
	const struct tls_connection *tls = net_conn_tls(c->conn);
	bool counts = c->way == ENTRY_CERTIFICATE || c->way == ENTRY_BOTH;
	struct login_origin origin = { .address = address, .conn_id = net_conn_id(c->conn),
		.way = c->way };
	struct arena arena = ARENA_INIT;
	struct tls_peer peer;
	STATUS status = NOERROR;

	if (counts && tls != NULL && tls_connection_has_peer(tls)) {
		status = tls_connection_peer(tls, &arena, &peer);
		origin.peer = &peer;
	}
	if (status == NOERROR)
		status = login_new(c->task, c->settings, &origin, credentials, login_r);
	arena_release(&arena);
	return status;
}

static STATUS seam_login(void *context, const struct pop3_credentials *credentials,
                         struct pop3_login_answer *answer_r)
{
	struct client *c = context;
	struct net_peer peer;
	struct login *login;
	struct net_job job;
	uint32_t wait;
	STATUS status;

	net_conn_peer(c->conn, &peer);
	status = begin_login(c, peer.text, credentials, &login);
	if (status != NOERROR)
		return status;
	c->takeovers = 0;
	c->answer_r = answer_r;
	wait = login_is_trusted(login) ? 0 : net_penalty_ms(c->task->penalty, peer.text, clock_mono_ms());
	c->waited = wait >= PENALTY_BEFORE_MS;
	if (c->waited) {
		c->doing = DOING_WAIT;
		c->login = login;
		net_conn_delay(c->conn, wait);
		return POP3_PENDING;
	}
	c->doing = DOING_LOGIN;
	login_job(login, &job);
	net_job_start(c->conn, &job);
	return POP3_PENDING;
}

static void seam_info(void *context, uint32_t number, struct pop3_message_info *info_r)
{
	struct client *c = context;

	mailbox_info(c->mailbox, number, info_r);
}

static STATUS seam_read(void *context, uint32_t number, uint64_t offset, size_t size,
                        struct slice *data_r)
{
	struct client *c = context;
	struct net_job job;

	if (mailbox_has(c->mailbox, number, offset, size, data_r))
		return NOERROR;
	c->doing = DOING_READ;
	c->data_r = data_r;
	c->number = number;
	c->offset = offset;
	c->size = size;
	mailbox_read_job(c->mailbox, number, offset, size, &job);
	c->mailbox = NULL;
	net_job_start(c->conn, &job);
	return POP3_PENDING;
}

static STATUS seam_commit(void *context, const uint32_t *deleted, size_t deleted_count,
                          const uint32_t *read, size_t read_count)
{
	struct client *c = context;
	struct net_job job;
	STATUS status = mailbox_commit_job(c->mailbox, deleted, deleted_count, read, read_count,
	                                   &c->commit, &job);

	if (status != NOERROR)
		return status;
	c->doing = DOING_COMMIT;
	c->mailbox = NULL;
	net_job_start(c->conn, &job);
	return POP3_PENDING;
}

static void seam_close(void *context)
{
	struct client *c = context;

	mailbox_let_go(&c->mailbox);
}

static const struct pop3_seam seam = {
	.login = seam_login,
	.info = seam_info,
	.read = seam_read,
	.commit = seam_commit,
	.close = seam_close,
};

/* --- login --------------------------------------------------------------------------- */

static enum net_next start_login_job(struct client *c, struct login *login)
{
	struct net_job job;

	c->doing = DOING_LOGIN;
	login_job(login, &job);
	return net_job_start(c->conn, &job);
}

struct silence {
	uint64_t conn_id, active_ms;
	bool found;
};

static void look_at(void *context, struct net_conn *conn, void *state)
{
	struct silence *silence = context;

	if (net_conn_id(conn) != silence->conn_id)
		return;
	silence->found = true;
	silence->active_ms = net_conn_active_ms(conn);
}

/* The maildrop is in use: by a session from the same address that has been silent
 * for long? Then that one ends, and this login waits a moment for its maildrop. */
static bool may_take_over(struct client *c, struct login *login)
{
	struct silence silence = { .found = false };
	uint64_t silent_ms = (uint64_t)c->settings->takeover_secs * 1000;

	if (silent_ms == 0 || c->takeovers >= TAKEOVER_TRIES)
		return false;
	if (!login_holder(login, &silence.conn_id))
		return c->takeovers > 0;
	net_each(c->task->net, look_at, &silence);
	if (!silence.found)
		return true;
	if (silence.active_ms + silent_ms > clock_mono_ms())
		return false;
	net_close_conn(c->task->net, silence.conn_id, POSTIL_ERR_LOCK_LOST);
	return true;
}

/* Whoever is logged in has a name in the log; without one nobody is. */
static void enter(struct client *c, struct login *login)
{
	struct buf name = BUF_INIT;

	login_shown_name(login, &name);
	c->name = buf_status(&name) == NOERROR ? strdup(buf_cstr(&name)) : NULL;
	buf_release(&name);
	if (c->name == NULL) {
		c->answer_r->result = POP3_LOGIN_TROUBLE_TEMP;
		return;
	}
	c->mailbox = login_take_mailbox(login);
	mailbox_stat(c->mailbox, &c->answer_r->messages, &c->answer_r->octets);
	c->answer_r->may_delete = mailbox_may_delete(c->mailbox);
	client_log_success(c, login);
}

static enum net_next tell_login(struct client *c, struct login *login, struct buf *out)
{
	enum net_next next;

	c->doing = DOING_NOTHING;
	c->answer_r->result = login_result(login);
	c->answer_r->referral = login_referral(login);
	if (login_result(login) == POP3_LOGIN_OK)
		enter(c, login);
	next = pop3_session_resume(c->session, NOERROR, out);
	c->answer_r->referral = NULL;
	login_free(&login);
	return next;
}

/* What failed before from this address makes this answer wait, and this one the next. */
static uint32_t penalty_of(struct client *c, struct login *login, uint64_t now)
{
	struct net_peer peer;
	uint32_t wait;

	net_conn_peer(c->conn, &peer);
	wait = net_penalty_ms(c->task->penalty, peer.text, now);
	net_penalty_failed(c->task->penalty, peer.text, login_tries(login),
	                   login_fingerprint(login), now);
	return c->waited ? 0 : wait;
}

/* The answer to a wrong password comes at a fixed time after the password, or, if that
 * has passed, at the next multiple of it: how long the refusal took does not show. */
static enum net_next refuse_later(struct client *c, struct login *login, struct buf *out)
{
	uint64_t delay = (uint64_t)c->settings->failed_login_delay_secs * 1000;
	uint64_t began = login_began_ms(login), now = clock_mono_ms(), at = now;

	if (login_is_trusted(login))
		return tell_login(c, login, out);
	if (delay > 0)
		at = began + ((now - began) / delay + 1) * delay;
	at += penalty_of(c, login, now);
	if (at <= now)
		return tell_login(c, login, out);
	c->login = login;
	c->doing = DOING_REFUSAL;
	return net_conn_delay(c->conn, (uint32_t)(at - now));
}

static enum net_next login_came(struct client *c, STATUS status, struct login *login,
                                struct buf *out)
{
	if (login == NULL || status != NOERROR) {
		struct net_peer peer;

		net_conn_peer(c->conn, &peer);
		task_log(c->task, "POP3 Server: login from [%s] given up: %s", peer.text,
		         status_text(status));
		login_free(&login);
		c->doing = DOING_NOTHING;
		return pop3_session_resume(c->session, status, out);
	}
	if (login_step(login) != LOGIN_DONE)
		return start_login_job(c, login);
	if (login_result(login) == POP3_LOGIN_IN_USE && may_take_over(c, login)) {
		c->takeovers++;
		c->login = login;
		c->doing = DOING_TAKEOVER;
		return net_conn_delay(c->conn, TAKEOVER_WAIT_MS);
	}
	if (login_result(login) != POP3_LOGIN_OK)
		client_log_refusal(c, login);
	return login_result(login) == POP3_LOGIN_REFUSED ? refuse_later(c, login, out)
	                                                 : tell_login(c, login, out);
}

/* --- the protocol -------------------------------------------------------------------- */

/* What holds on this connection. With Internet Sites the address that the client has come to
 * has a say. */
static bool find_place(struct net_conn *conn, const struct settings *settings, size_t *place_r,
                       struct entry_rules *rules_r)
{
	struct net_peer peer = { .port = 0 };

	if (settings->internet_sites)
		net_conn_peer(conn, &peer);
	return settings_place_at(settings, peer.local_text, place_r, rules_r);
}

/* Which ways in there are now: in clear, or over TLS with what the client presented. */
static void look_at_door(struct client *c, struct pop3_door *door_r)
{
	const struct tls_connection *tls = net_conn_tls(c->conn);
	bool presented = tls != NULL && tls_connection_has_peer(tls);

	c->way = entry_way(&c->rules, tls != NULL, presented);
	entry_door(&c->rules, tls != NULL, presented, door_r);
}

static bool is_closed(const struct client *c)
{
	return net_conn_tls(c->conn) != NULL && c->way == ENTRY_CLOSED;
}

/* Before a handshake on the TLS port nothing is remembered yet; what has changed when it is
 * done counts as it is then. An address that no site is for has no credential of its own:
 * that of the first place serves to say so. */
static STATUS protocol_tls(void *state, struct net_conn *conn, struct tls_setup *setup_r)
{
	const struct client *c = state;
	struct entry_rules rules = { .password = false };
	struct settings *settings;
	size_t place = 0;
	STATUS status;

	if (c->session != NULL)
		return secure_setup(c->settings->secure, c->place, true, entry_ask(&c->rules), setup_r);
	settings = task_settings(net_conn_listener_data(conn));
	(void)find_place(conn, settings, &place, &rules);
	status = secure_setup(settings->secure, place, false, entry_ask(&rules), setup_r);
	settings_release(&settings);
	return status;
}

static enum net_next protocol_open(void *state, struct net_conn *conn, struct buf *out)
{
	struct client *c = state;
	bool any;

	c->task = net_conn_listener_data(conn);
	c->conn = conn;
	c->began_ms = clock_mono_ms();
	c->settings = task_settings(c->task);
	any = find_place(conn, c->settings, &c->place, &c->rules);
	c->options = c->settings->options;
	look_at_door(c, &c->options.door);
	if (!any || is_closed(c)) {
		reply_error(out, LANGUAGE_DEFAULT, CODE_NONE, TEXT_SITE_DISABLED);
		return NET_CLOSE;
	}
	if (pop3_session_new(&c->options, &seam, c, &c->session) != NOERROR)
		return NET_CLOSE;
	return pop3_session_open(c->session, out);
}

static enum net_next protocol_secured(void *state, struct net_conn *conn, struct buf *out)
{
	struct client *c = state;
	struct pop3_door door;

	look_at_door(c, &door);
	return pop3_session_secured(c->session, &door, out);
}

/* After each step: what has been read and sent is not kept. */
static enum net_next stepped(struct client *c, enum net_next next)
{
	if (c->mailbox != NULL)
		mailbox_trim(c->mailbox);
	return next;
}

static uint64_t lines_of(const struct client *c)
{
	struct pop3_session_counts counts;

	pop3_session_counts(c->session, &counts);
	return counts.lines;
}

static enum net_next protocol_input(void *state, struct net_conn *conn, struct slice in,
                                    size_t *used_r, struct buf *out)
{
	struct client *c = state;
	uint64_t lines = lines_of(c);
	enum net_next next;

	if (net_is_ending(c->task->net))
		pop3_session_ending(c->session);
	next = pop3_session_input(c->session, in, used_r, out);
	if (lines_of(c) != lines)
		net_conn_touch(conn);
	return stepped(c, next);
}

static enum net_next protocol_pull(void *state, struct net_conn *conn, struct buf *out)
{
	struct client *c = state;

	return stepped(c, pop3_session_pull(c->session, out));
}

static enum net_next read_came(struct client *c, STATUS status, struct mailbox *mailbox,
                               struct buf *out)
{
	c->mailbox = mailbox;
	if (status == NOERROR &&
	    !mailbox_has(mailbox, c->number, c->offset, c->size, c->data_r))
		status = POSTIL_ERR_IO;
	return pop3_session_resume(c->session, status, out);
}

/* Given up while it ran: the store may still do it, or may not. Given up before
 * it began: it will not. */
static enum net_next commit_came(struct client *c, STATUS status, struct mailbox *mailbox,
                                 struct buf *out)
{
	if (mailbox == NULL && !mailbox_commit_give_up(c->commit))
		status = POSTIL_ERR_UNKNOWN_OUTCOME;
	mailbox_commit_release(&c->commit);
	mailbox_close(&mailbox);
	return pop3_session_resume(c->session, status, out);
}

static enum net_next protocol_resume(void *state, struct net_conn *conn, STATUS status,
                                     void *result, struct buf *out)
{
	struct client *c = state;
	struct login *login = c->login;
	enum doing doing = c->doing;

	c->doing = DOING_NOTHING;
	c->login = NULL;
	switch (doing) {
	case DOING_LOGIN:
		return login_came(c, status, result, out);
	case DOING_WAIT:
		return start_login_job(c, login);
	case DOING_REFUSAL:
		return tell_login(c, login, out);
	case DOING_TAKEOVER:
		login_open_again(login);
		return start_login_job(c, login);
	case DOING_READ:
		return stepped(c, read_came(c, status, result, out));
	case DOING_COMMIT:
		return commit_came(c, status, result, out);
	case DOING_NOTHING:
		break;
	}
	return NET_CLOSE;
}

static void protocol_close(void *state, struct net_conn *conn, STATUS why)
{
	struct client *c = state;

	if (c->session != NULL)
		client_log_end(c, why);
	pop3_session_free(&c->session);
	mailbox_let_go(&c->mailbox);
	mailbox_commit_release(&c->commit);
	login_free(&c->login);
	settings_release(&c->settings);
	free(c->name);
	c->name = NULL;
}

static uint32_t protocol_idle_ms(void *state)
{
	const struct client *c = state;

	return c->name == NULL ? 0 : c->settings->session_timeout_minutes * 60000;
}

static bool protocol_established(void *state)
{
	const struct client *c = state;

	return c->name != NULL;
}

const struct net_protocol client_protocol = {
	.state_octets = sizeof(struct client),
	.tls = protocol_tls,
	.open = protocol_open,
	.secured = protocol_secured,
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
