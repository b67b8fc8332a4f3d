/*
 * The inside of a connection, shared by the files that make it up:
 *
 *   client.c      its life: session, login, mailbox, jobs
 *   clientlog.c   what the log says about it
 */
#ifndef POSTIL_POP3_CLIENT_IMPL_H
#define POSTIL_POP3_CLIENT_IMPL_H

#include "addin/pop3/client.h"
#include "addin/pop3/login.h"
#include "addin/pop3/mailbox.h"
#include "addin/pop3/session.h"
#include "addin/pop3/task.h"

enum doing {
	DOING_NOTHING, DOING_WAIT, DOING_LOGIN, DOING_REFUSAL, DOING_TAKEOVER, DOING_READ, DOING_COMMIT
};

struct client {
	struct task *task;
	struct net_conn *conn;
	struct settings *settings;
	size_t place;                   /* of the settings: the documents that hold here */
	struct entry_rules rules;
	enum entry_way way;             /* in, on this connection as it is now */
	struct pop3_session_options options;
	struct pop3_session *session;
	struct mailbox *mailbox;        /* NULL: none, or with a job */
	struct mailbox_commit *commit;  /* under way */
	struct login *login;            /* while its answer waits */
	enum doing doing;
	unsigned takeovers;             /* tries to get the maildrop from a silent holder */
	bool waited;                    /* for its address's penalty, before the login began */
	struct pop3_login_answer *answer_r;
	struct slice *data_r;
	uint32_t number;                /* of a read under way */
	uint64_t offset;
	size_t size;
	char *name;                     /* who has logged in, as the log shows it */
	uint64_t began_ms;
};

/* clientlog.c */
void client_log_refusal(struct client *c, struct login *login);
void client_log_success(const struct client *c, struct login *login);
void client_log_end(struct client *c, STATUS why);

#endif
