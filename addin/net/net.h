/*
 * The skeleton of an Internet service. It owns sockets, worker threads, timers,
 * limits; a task brings a protocol.
 *
 * One epoll set, EPOLLONESHOT: a connection belongs to one worker at a time, so
 * a protocol needs no locks of its own. Worker threads call epoll_wait
 * themselves, handle what they got, try the socket once more and re-arm it.
 *
 *      listener --accept--> conn --input octets--> protocol->input
 *                                <--output buf---  protocol->pull (long answers)
 *                                    job (blocking work) ---> protocol->resume
 *
 * An idle connection keeps no buffer. Blocking work (store, directory, password
 * hash) is a job: it needs a token of its class, without one it waits in a
 * bounded queue; it runs in a worker thread while its connection is parked; when
 * its deadline passes first, the protocol is told so, and the job's later result
 * goes to job->discard. So with every job frozen the greeting and all commands
 * that need no job are still answered.
 */
#ifndef POSTIL_NET_NET_H
#define POSTIL_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/fault.h"

struct net;             /* the engine of one service */
struct net_conn;        /* one connection */
struct net_listener;

enum net_next {
	NET_CONTINUE,   /* more input is welcome */
	NET_PULL,       /* a long answer is under way: call pull until it says otherwise */
	NET_PARKED,     /* a job was started: nothing until resume */
	NET_CLOSE       /* send what is in out, then close */
};

struct net_peer {
	struct sockaddr_storage address, local;
	char text[64];          /* numeric address, IPv4-mapped shown as IPv4 */
	uint16_t port, local_port;
	bool tls;
};

struct net_protocol {
	/* Octets of state a connection has; zeroed at accept. */
	size_t state_octets;
	/* A connection has come; write the greeting to out. */
	enum net_next (*open)(void *state, struct net_conn *conn, struct buf *out);
	/* Octets have come. Consume what makes whole commands, *used_r of them; the
	 * engine keeps the rest and calls again with more. Stops early (and is called
	 * again) when the answer is NET_PULL or NET_PARKED. */
	enum net_next (*input)(void *state, struct net_conn *conn, struct slice in,
	                       size_t *used_r, struct buf *out);
	/* The client has taken what was sent: append the next piece (about
	 * NET_PIECE octets) of the long answer. */
	enum net_next (*pull)(void *state, struct net_conn *conn, struct buf *out);
	/* The job is done (status of its run) or its deadline passed
	 * (POSTIL_ERR_TIMEOUT; POSTIL_ERR_LIMIT: the queue was full). `result` is the
	 * job's context, owned by the protocol again except after TIMEOUT. */
	enum net_next (*resume)(void *state, struct net_conn *conn, STATUS status,
	                        void *result, struct buf *out);
	/* The connection ends for this reason; release everything. No output. May
	 * itself hand work to net_detach. */
	void (*close)(void *state, struct net_conn *conn, STATUS why);
	/* Milliseconds from the last activity after which close(POSTIL_ERR_TIMEOUT)
	 * comes; asked after each step. 0 = the pre-login deadline of net_options,
	 * counted from accept. */
	uint32_t (*idle_ms)(void *state);
	/* True once a person has logged in: such a connection is never the one that
	 * gives way when the service is full. */
	bool (*established)(void *state);
};

#define NET_PIECE 65536

struct net_options {
	unsigned workers;               /* 0: 2 x cores + 2, at least 4 */
	unsigned max_connections;       /* default 2000 */
	unsigned max_per_address;       /* an IPv6 /64 is one address; default 50; 0 none */
	uint32_t prelogin_ms;           /* default 60000 */
	uint32_t grace_ms;              /* what a long answer may take while ending; 20000 */
	size_t line_octets;             /* input kept while a command is incomplete; 65536 */
	/* Text sent to a connection refused because a limit is reached (whole line). */
	const char *refused_line;
	void (*log)(void *context, const char *text);   /* any thread */
	void *log_context;
};

STATUS net_new(const struct net_options *options, const struct net_protocol *protocol,
               struct net **net_r, struct fault *fault);
/* Change limits while running (workers stay). */
void net_set_options(struct net *net, const struct net_options *options);
STATUS net_start(struct net *net, struct fault *fault);         /* the worker threads */
/* Serve a listening socket (owned by net from now on). user_data reaches the
 * protocol by net_conn_listener_data. */
STATUS net_listen(struct net *net, int fd, bool tls, void *user_data,
                  struct net_listener **listener_r, struct fault *fault);
void net_unlisten(struct net *net, struct net_listener **listener);
/* Stop accepting; idle connections are told by `input` at their next command
 * (net_is_ending); long answers may finish within grace_ms; jobs are waited for.
 * Returns when all connections have ended. */
void net_end(struct net *net);
bool net_is_ending(const struct net *net);
void net_free(struct net **net);        /* after net_end */

/* --- for the protocol, from inside its calls --------------------------------- */

const struct net_peer *net_conn_peer(const struct net_conn *conn);
struct net *net_conn_net(struct net_conn *conn);
void *net_conn_listener_data(const struct net_conn *conn);
uint64_t net_conn_id(const struct net_conn *conn);
/* Monotonic milliseconds of the last complete command or moving output. */
uint64_t net_conn_active_ms(const struct net_conn *conn);
void net_conn_touch(struct net_conn *conn);     /* a complete command has come */
/* Answer by a timer instead of at once: parks the connection, then resume is
 * called with NOERROR and result NULL. No worker is held. */
enum net_next net_conn_delay(struct net_conn *conn, uint32_t ms);
/* Ask that a connection be closed, from any thread; POSTIL_ERR_NOT_FOUND. */
STATUS net_close_conn(struct net *net, uint64_t conn_id, STATUS why);

enum net_job_class {
	NET_JOB_STORE,          /* all workers but two */
	NET_JOB_HASH            /* half the cores, fair per client address */
};
struct net_job {
	enum net_job_class class;
	uint32_t deadline_ms;           /* 0: none */
	STATUS (*run)(void *context);   /* blocks; sees no connection */
	/* The deadline passed before run returned: release what it got. */
	void (*discard)(void *context, STATUS status);
	void *context;
};
/* Start a job for this connection; the caller then returns NET_PARKED. If a
 * token is free and allow_inline, the job may run inside this very call: then
 * *done_r = true, its status is returned, resume will not be called. */
STATUS net_job_start(struct net_conn *conn, const struct net_job *job,
                     bool allow_inline, bool *done_r);
/* Work that belongs to no connection any more (reclaiming space). Dropped, with
 * discard, when the queue is full. */
void net_detach(struct net *net, const struct net_job *job);

/* --- numbers for statistics ---------------------------------------------------- */

struct net_counters {
	uint64_t accepted, accepted_tls, refused, octets_in, octets_out;
	unsigned active, active_tls, peak, peak_tls, queue;
	unsigned threads, threads_busy, threads_peak;
	uint64_t bad_handshakes;
};
void net_counters(struct net *net, struct net_counters *counters_r);
/* Every open connection, under the engine's lock: do little. */
void net_each(struct net *net, void (*each)(void *context, struct net_conn *conn,
              void *state), void *context);

#endif
