/*
 * The POP3 task as its parts see it: what all connections share.
 *
 *   main.c       AddInMain: start, console commands, settings, end
 *   port.c       the ports
 *   settings.c   notes.ini and the Server document (shown by settingsshow.c; what is wrong
 *                in them is told through complaints.c)
 *   secure.c     TLS credentials for each place of the settings
 *   entry.c      which ways in a port has, and who is let in
 *   client.c     one connection: the engine's protocol on one side, the seam of
 *                its session on the other; clientlog.c its lines in the log
 *   login.c      who is it (verify.c, certificate.c), may he in, and the maildrop opened (decide.c)
 *   mailbox.c    an open maildrop, read ahead, committed, let go
 *   registry.c   which maildrops are open, by whom
 *   console.c    show users, drop
 *   guards.c     lockouts and penalties for the console
 *   statistics.c POP3.*
 */
#ifndef POSTIL_POP3_TASK_H
#define POSTIL_POP3_TASK_H

#include <pthread.h>

#include "addin/net/net.h"
#include "addin/net/penalty.h"
#include "addin/pop3/settings.h"
#include "directory/directory.h"
#include "directory/lockout.h"
#include "directory/passcache.h"
#include "mailfile/store.h"

struct registry;

struct task {
	const char *data_dir;
	struct directory *directory;
	struct mail_store *store;
	struct passcache *passcache;
	struct registry *registry;
	struct net *net;
	struct lockout *lockout;
	struct net_penalty *penalty;
	struct tls_tickets *tickets;
	uint8_t fingerprint_key[32];    /* of names and passwords for penalty */
	void (*log)(void *context, const char *text);   /* one line; any thread */
	void *log_context;
	pthread_mutex_t mutex;          /* over settings, the pointer */
	struct settings *settings;
};

struct settings *task_settings(struct task *task);      /* a share of those that hold now */
void task_set_settings(struct task *task, struct settings *settings);
__attribute__((format(printf, 2, 3)))
void task_log(struct task *task, const char *format, ...);

#endif
