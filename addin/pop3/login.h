/*
 * A login: from a name and a password to an open maildrop, as pieces of blocking
 * work (jobs of addin/net). Which come, and when the answer is told, is client.c's
 * business.
 *
 *   look up --known to the cache--> decide and open (same job)
 *      |  \--let in by the certificate alone--> decide and open (same job), or refused
 *      |
 *      +--> hash --exactly one verified--> decide and open
 *              +--not--> refused; count it where lockout is enforced
 *
 * Which of them hold, and who is let in, is entry.h's decision. Where a certificate and
 * a password are both required, a password that is not the certificate owner's counts as
 * wrong in every respect.
 *
 * Until the password has verified, every cause gives POP3_LOGIN_REFUSED: unknown,
 * wrong, blank, malformed, ambiguous, locked. Where refusals are delayed the timer makes
 * them equal, and a locked person costs no hash; where they are not (trusted networks)
 * each costs as much as the costliest digest of the directory.
 */
#ifndef POSTIL_POP3_LOGIN_H
#define POSTIL_POP3_LOGIN_H

#include "addin/net/net.h"
#include "addin/pop3/entry.h"
#include "addin/pop3/mailbox.h"
#include "addin/pop3/seam.h"
#include "addin/pop3/task.h"

struct login;

/* How the connection came here. */
struct login_origin {
	const char *address;            /* of the client */
	uint64_t conn_id;
	enum entry_way way;
	const struct tls_peer *peer;    /* what its certificate says; NULL: it has none, or way
	                                 * does not ask for one */
};

/* Credentials and origin are copied, the password wiped by login_free. */
STATUS login_new(struct task *task, struct settings *settings, const struct login_origin *origin,
                 const struct pop3_credentials *credentials, struct login **login_r);
void login_free(struct login **login);  /* may block if it has opened a maildrop */

enum login_step { LOGIN_LOOK_UP, LOGIN_HASH, LOGIN_COUNT, LOGIN_OPEN, LOGIN_DONE };
/* What is to be done next; LOGIN_DONE: see login_result. */
enum login_step login_step(const struct login *login);
/* The job that does it. Its context is the login, its discard frees it. */
void login_job(struct login *login, struct net_job *job_r);
/* After POP3_LOGIN_IN_USE: try the opening again. */
void login_open_again(struct login *login);
/* The connection from the same address that holds the maildrop; false: none. */
bool login_holder(struct login *login, uint64_t *conn_id_r);

enum pop3_login_result login_result(const struct login *login);
/* After POP3_LOGIN_OK, once: the maildrop is the caller's. */
struct mailbox *login_take_mailbox(struct login *login);
/* "internet password", "client certificate": what it is a login by. */
const char *login_means(const struct login *login);
/* Why its certificate did not help, a sentence for the log with what the certificate says;
 * NULL: there is nothing to say. */
const char *login_certificate_trouble(const struct login *login);
/* The person's name, abbreviated and escaped, or the given name (without one the subject of
 * the certificate), escaped. */
void login_shown_name(const struct login *login, struct buf *out);
/* A sentence for the log about a refusal; NULL: there is nothing to say. */
const char *login_reason(const struct login *login);
/* After POP3_LOGIN_REFUSED: was somebody who was meant locked out, or the address? */
enum login_lock { LOGIN_NOT_LOCKED, LOGIN_PERSON_LOCKED, LOGIN_ADDRESS_LOCKED };
enum login_lock login_lock(const struct login *login);
/* After POP3_LOGIN_REFUSED: how many passwords were tried, at least 1. */
unsigned login_tries(const struct login *login);
/* After POP3_LOGIN_WRONG_SERVER: URL of the right one, NULL if it is not told. */
const char *login_referral(const struct login *login);
/* A keyed digest of all that was claimed, never 0: equal for the same try again. */
uint64_t login_fingerprint(const struct login *login);
/* Refusals of this client are not delayed. */
bool login_is_trusted(const struct login *login);
uint64_t login_began_ms(const struct login *login);

#endif
