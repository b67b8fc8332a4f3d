/*
 * A login: from a name and a password to an open maildrop, as three pieces of
 * blocking work (jobs of addin/net). Which come, and when the answer is told, is
 * client.c's business.
 *
 *   look up --known to the cache--> decide and open (same job)
 *      |
 *      +--> hash --verified--> decide and open
 *              +--not--> refused
 *
 * Until the password has verified, every cause gives POP3_LOGIN_REFUSED, and the
 * work is the same: where there is no V3 digest to verify, a dummy one is.
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

enum login_step { LOGIN_LOOK_UP, LOGIN_HASH, LOGIN_OPEN, LOGIN_DONE };
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
uint64_t login_began_ms(const struct login *login);

#endif
