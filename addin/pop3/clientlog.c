/*
 * What the log says about a connection: one line for a login, one for a refusal, one for
 * the end of a session. Names are escaped where they come from a client.
 */
#include <inttypes.h>

#include "addin/pop3/client_impl.h"
#include "base/clock.h"
#include "base/text.h"

void client_log_refusal(struct client *c, struct login *login)
{
	static const char *const plain[] = {
		[POP3_LOGIN_IN_USE] = "another session has the maildrop",
		[POP3_LOGIN_TROUBLE_TEMP] = "the mail file could not be opened",
		[POP3_LOGIN_TROUBLE_PERM] = "the mail file could not be opened",
	};
	enum pop3_login_result result = login_result(login);
	const char *reason = login_reason(login);
	struct buf name = BUF_INIT;
	struct net_peer peer;

	net_conn_peer(c->conn, &peer);
	login_shown_name(login, &name);
	if (login_certificate_trouble(login) != NULL)
		task_log(c->task, "pop3: %s [%s] %s", buf_cstr(&name), peer.text,
		         login_certificate_trouble(login));
	if (result == POP3_LOGIN_REFUSED) {
		/* fail2ban reads these; see contrib/fail2ban */
		task_log(c->task, "pop3: %s [%s] authentication failure using %s%s",
		         login_lock(login) == LOGIN_ADDRESS_LOCKED ? "IP Address" : buf_cstr(&name),
		         peer.text, login_means(login),
		         login_lock(login) != LOGIN_NOT_LOCKED ? ": User is locked out" : "");
	} else {
		if (reason == NULL && (size_t)result < sizeof(plain) / sizeof(plain[0]))
			reason = plain[result];
		task_log(c->task, "pop3: %s [%s] login refused: %s", buf_cstr(&name),
		         peer.text, reason != NULL ? reason : "");
	}
	buf_release(&name);
}

/* What of TLS there is to say: "; TLSv1.3 TLS_AES_128_GCM_SHA256, resumed". */
static void add_tls(const struct client *c, struct buf *out)
{
	const struct tls_connection *tls = net_conn_tls(c->conn);

	if (tls != NULL)
		buf_addf(out, "; %s %s%s", tls_connection_version(tls), tls_connection_cipher(tls),
		         tls_connection_is_resumed(tls) ? ", resumed" : "");
}

void client_log_success(const struct client *c, struct login *login)
{
	struct buf tls = BUF_INIT;
	struct net_peer peer;

	if (c->settings->log_sessions == 0)
		return;
	net_conn_peer(c->conn, &peer);
	add_tls(c, &tls);
	task_log(c->task, "pop3: %s [%s] logged in using %s; %" PRIu32 " message%s, %"
	         PRIu64 " octets%s", c->name, peer.text, login_means(login), c->answer_r->messages,
	         text_plural(c->answer_r->messages), c->answer_r->octets, buf_cstr(&tls));
	buf_release(&tls);
}

/* How a session ended, from the session's and the engine's point of view. */
static const char *how_it_ended(const struct client *c, const struct pop3_session_counts *counts,
                                STATUS why)
{
	switch (counts->end) {
	case POP3_END_QUIT:
		return "QUIT";
	case POP3_END_COMMIT:
		return counts->end_status == POSTIL_ERR_UNKNOWN_OUTCOME
			? "QUIT, but the outcome is unknown" : "QUIT, but nothing was deleted";
	case POP3_END_READ:
		return "a message could not be read";
	case POP3_END_BAD_COMMANDS:
		return "too many bad commands";
	case POP3_END_BAD_LOGINS:
		return "too many failed logins";
	case POP3_END_SERVICE:
		return "the server is shutting down";
	case POP3_END_MEMORY:
		return "out of memory";
	case POP3_END_NONE:
		break;
	}
	switch (why) {
	case POSTIL_ERR_TIMEOUT:
		return "no command came in time";
	case POSTIL_ERR_LOCK_LOST:
		return "taken over by a new session";
	case POSTIL_ERR_CANCEL:
		return "dropped";
	default:
		return c->doing == DOING_COMMIT ? "the connection was lost in UPDATE"
		                                : "the connection was lost";
	}
}

void client_log_end(struct client *c, STATUS why)
{
	struct pop3_session_counts counts;
	struct net_peer peer;

	if (c->name == NULL || c->settings->log_sessions == 0)
		return;
	pop3_session_counts(c->session, &counts);
	net_conn_peer(c->conn, &peer);
	task_log(c->task, "pop3: %s [%s] session ended: %s; retrieved %" PRIu32 " (%" PRIu64
	         " octets), deleted %" PRIu32 " of %" PRIu32 " messages, %" PRIu64 " seconds",
	         c->name, peer.text, how_it_ended(c, &counts, why), counts.retrieved,
	         counts.octets_retrieved, counts.deleted, counts.messages,
	         (clock_mono_ms() - c->began_ms) / 1000);
}
