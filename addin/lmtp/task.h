/*
 * The delivery task as its parts see it: what all connections share.
 *
 *   main.c       AddInMain: start, console commands, settings, end
 *   port.c       the UNIX socket and the TCP port
 *   settings.c   notes.ini, and the domains of the directory
 *   client.c     one connection: the engine's protocol on one side, the seam of its session on
 *                the other
 *   post.c       from a session's messages to mail files
 *   console.c    show users, drop
 *   statistics.c LMTP.*
 */
#ifndef POSTIL_LMTP_TASK_H
#define POSTIL_LMTP_TASK_H

#include <pthread.h>
#include <stdatomic.h>

#include "addin/lmtp/settings.h"
#include "addin/net/net.h"
#include "directory/directory.h"
#include "mailfile/store.h"

/* What was delivered since the task began. */
struct task_counters {
	_Atomic uint64_t messages, octets;      /* that came whole */
	_Atomic uint64_t delivered, failed;     /* recipients of them */
	_Atomic uint64_t refused;               /* at RCPT */
	_Atomic uint64_t untrusted;             /* connections from networks that are not trusted */
};

struct task {
	const char *data_dir;
	struct directory *directory;
	struct mail_store *store;
	struct net *net;
	void (*log)(void *context, const char *text);   /* one line; any thread */
	void *log_context;
	struct task_counters counters;
	_Atomic uint64_t untrusted_next_ms;     /* when one may be told in the log again */
	pthread_mutex_t mutex;          /* over settings, the pointer */
	struct settings *settings;
};

struct settings *task_settings(struct task *task);      /* a share of those that hold now */
void task_set_settings(struct task *task, struct settings *settings);
__attribute__((format(printf, 2, 3)))
void task_log(struct task *task, const char *format, ...);

#endif
