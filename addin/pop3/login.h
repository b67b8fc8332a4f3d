/*
 * A login: from a name and a password to an open maildrop, as pieces of blocking
 * work (jobs of addin/net). Which come, and when the answer is told, is client.c's
 * business.
 *
 *   look up --known to the cache--> decide and open (same job)
 *      |
 *      +--> hash --exactly one verified--> decide and open
 *              +--not--> refused; count it where lockout is enforced
 *
 * Until the password has verified, every cause gives POP3_LOGIN_REFUSED: unknown,
 * wrong, blank, malformed, ambiguous, locked. Where refusals are delayed the timer makes
 * them equal, and a locked person costs no hash; where they are not (trusted networks)
 * each costs as much as the costliest digest of the directory.
 */
#ifndef POSTIL_POP3_LOGIN_H
#define POSTIL_POP3_LOGIN_H

#include "addin/net/net.h"
#include "addin/pop3/mailbox.h"
#include "addin/pop3/seam.h"
#include "addin/pop3/task.h"

struct login;

/* Credentials are copied, and wiped by login_free. address: of the client. */
STATUS login_new(struct task *task, struct settings *settings, const char *address,
                 uint64_t conn_id, const struct pop3_credentials *credentials,
                 struct login **login_r);
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
/* The person's name, abbreviated and escaped, or the given name, escaped. */
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
/* A keyed digest of name and password, never 0. */
uint64_t login_fingerprint(const struct login *login);
/* Refusals of this client are not delayed. */
bool login_is_trusted(const struct login *login);
uint64_t login_began_ms(const struct login *login);

#endif
