/*
 * The task's end of the wire: requests that wait for their reply, one-way
 * messages, and what the host tells unasked. Any thread may call everything.
 *
 *   thread A --request--+                    +--> reader thread --> waiter of the id
 *   thread B --request--+--> socket <--> host                  --> quit, events
 *   outbox  ---one-way--+
 *
 * The host is distrusted: a message that does not fit ends the link. Once it has
 * ended, every request answers POSTIL_ERR_CLOSED and the task is told to end.
 */
#ifndef POSTIL_RUNTIME_LINK_H
#define POSTIL_RUNTIME_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addin/wire/wire.h"

#define LINK_SMALL 1024         /* octets that hold any request without long texts */

/* Start the threads on this socket, say hello as task_name and take the answer.
 * The socket is the link's from now on. */
STATUS link_open(int fd, const char *task_name);
/* Send what is queued, then goodbye with this status; bounded in time. */
void link_close(STATUS exit_status);

const char *link_data_directory(void);
const char *link_program_directory(void);
const char *link_server_name(void);

/* The host wants the task to end, or has gone. */
bool link_is_ending(void);
/* Wait so long for that; returns link_is_ending(). */
bool link_wait_ending(uint32_t ms);
bool link_is_closed(void);

/* --- requests ----------------------------------------------------------------- */

struct link_reply {
	struct wire_in in;      /* fds are the caller's */
	unsigned char *more;    /* holds long payloads */
	unsigned char small[LINK_SMALL];
};

/* Begin a request with a new id in memory of the caller's. */
void link_begin(struct wire_out *out, void *p, size_t size, enum wire_kind kind);
/* Complete and send it behind all one-way messages queued before, and wait for
 * the reply: its status, or POSTIL_ERR_CLOSED, or what wire_end found. NOERROR:
 * reply_r is to be released; NULL when only the status matters. */
STATUS link_request(struct wire_out *out, struct link_reply *reply_r);
void link_reply_release(struct link_reply *reply);

/* --- for the outbox and for answers to the host -------------------------------- */

/* Send a finished message; waits while the host is slow. */
STATUS link_send(const struct wire_out *out);
/* The order of messages is that of taking this lock. */
bool link_lock_sending(uint32_t ms);    /* false: not had in time (whole seconds); 0: no limit */
void link_unlock_sending(void);
STATUS link_send_locked(const struct wire_out *out);

#endif
