/*
 * The skeleton of an Internet service. It owns sockets, worker threads, timers,
 * limits; a task brings a protocol.
 *
 * One epoll set, EPOLLONESHOT: a connection belongs to one worker at a time, so
 * a protocol needs no locks of its own. Worker threads call epoll_wait
 * themselves, handle what they got and re-arm it.
 *
 *      listener --accept--> conn --input octets--> protocol->input
 *                                <--output buf---  protocol->pull (long answers)
 *                                    job (blocking work) ---> protocol->resume
 *
 * An idle connection keeps no buffer. Blocking work (store, directory, password
 * hash) is a job: it needs a token of its class, without one it waits in a
 * bounded queue; it runs in a worker thread while its connection is parked, never
 * inside a call of the protocol (though mostly in the same thread, right after
 * that call has returned). When its deadline passes first, the protocol is told
 * so, and the job's later result goes to job->discard. So with every job frozen
 * the greeting and all commands that need no job are still answered.
 *
 * TLS, from the first octet (a listener with tls) or from a command on (NET_START_TLS), is
 * the engine's affair: the protocol is asked what the handshake needs, sees octets in
 * clear, and is told nothing of a handshake that fails but by `close`, if `open` was called.
 * A handshake is a state before login like any other: its deadline runs from accept, its
 * connection gives way when the service is full, and until a whole first record has come
 * it costs hardly more than its socket. Each that fails is logged once, unless not one
 * octet of it has come:
 *
 *      TLS/SSL connection 192.0.2.1(50332) -> 192.0.2.9(995) failed with WHY
 *
 * Whichever way a connection ends, a client that is still there gets close_notify; one that
 * goes without is no error.
 */
#ifndef POSTIL_NET_NET_H
#define POSTIL_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/fault.h"
#include "tls/connection.h"

struct net;             /* the engine of one service */
struct net_conn;        /* one connection */
struct net_listener;

/* What any of open, input, pull and resume may answer. */
enum net_next {
	NET_CONTINUE,   /* more input is welcome */
	NET_PULL,       /* a long answer is under way: call pull until it says otherwise */
	NET_PARKED,     /* net_job_start or net_conn_delay was called: nothing until resume */
	NET_CLOSE,      /* send what is in out, then close */
	/* Send what is in out, then begin a TLS handshake, once in a connection. Input that
	 * has come already and was not consumed ends the connection (POSTIL_ERR_INVALID,
	 * logged): whoever sent it did so in clear. */
	NET_START_TLS
};

struct net_peer {
	char text[48];          /* numeric address, IPv4-mapped shown as IPv4; "local": a UNIX socket */
	char local_text[48];
	uint16_t port, local_port;
	bool tls;               /* since accept or since NET_START_TLS has done its work */
};

struct net_protocol {
	/* Octets of state a connection has; zeroed at accept. */
	size_t state_octets;
	/* What the handshake of this connection needs. Asked before it: for a connection of a
	 * listener with tls (state is zeroed and open has not been called; if the handshake
	 * fails nothing ever is, so own nothing yet) and after NET_START_TLS. The reference
	 * setup_r->context is the engine's from now on; binding must stay valid a moment (let it
	 * be static or lie in state). Any status but NOERROR ends the connection (logged). NULL:
	 * there is no TLS. */
	STATUS (*tls)(void *state, struct net_conn *conn, struct tls_setup *setup_r);
	/* The handshake that NET_START_TLS asked for is done: no greeting. NULL if tls is. */
	enum net_next (*secured)(void *state, struct net_conn *conn, struct buf *out);
	/* A connection has come (and has done its handshake, on a listener with tls); write the
	 * greeting to out. */
	enum net_next (*open)(void *state, struct net_conn *conn, struct buf *out);
	/* Octets have come. Consume what makes whole commands, *used_r of them (0 at
	 * entry); the engine keeps the rest and calls again, with more unless the
	 * slice was cut short. Stops early (and is called again) when the answer is
	 * not NET_CONTINUE. A call that takes nothing of line_octets octets and
	 * answers NET_CONTINUE ends the connection (POSTIL_ERR_TOO_LONG). */
	enum net_next (*input)(void *state, struct net_conn *conn, struct slice in,
	                       size_t *used_r, struct buf *out);
	/* The client has taken what was sent: append the next piece (about
	 * NET_PIECE octets) of the long answer. May add nothing only if the answer
	 * is not NET_PULL. */
	enum net_next (*pull)(void *state, struct net_conn *conn, struct buf *out);
	/* The job is done (status of its run) or its deadline passed
	 * (POSTIL_ERR_TIMEOUT) or it never started (POSTIL_ERR_LIMIT: the queue was
	 * full). `result` is the job's context, owned by the protocol again except
	 * after TIMEOUT (then result is NULL, the context is discard's). After
	 * net_conn_delay: NOERROR and NULL. */
	enum net_next (*resume)(void *state, struct net_conn *conn, STATUS status,
	                        void *result, struct buf *out);
	/* The connection ends for this reason (NOERROR: the protocol said NET_CLOSE);
	 * release everything. No output. A job still waiting or running is given up:
	 * its context is discard's. May itself hand work to net_detach. */
	void (*close)(void *state, struct net_conn *conn, STATUS why);
	/* Milliseconds from the last activity after which close(POSTIL_ERR_TIMEOUT)
	 * comes; asked after each step. 0 = the pre-login deadline of net_options,
	 * counted from accept. Not asked during a handshake, which always has that one
	 * (counted from NET_START_TLS if established). */
	uint32_t (*idle_ms)(void *state);
	/* True once a person has logged in: such a connection is never the one that
	 * gives way when the service is full. Asked after each step. */
	bool (*established)(void *state);
};

#define NET_PIECE 65536

struct net_options {
	unsigned workers;               /* 0: 2 x cores + 2, at least 4 */
	unsigned max_connections;       /* default 2000; fewer if files run out before */
	unsigned files_each;            /* that a connection opens beside its own socket */
	unsigned files_kept;            /* for all else; 0: open files are not counted */
	unsigned max_per_address;       /* an IPv6 /64 is one address; 0 none; none on UNIX sockets */
	bool spare_loopback;            /* it does not hold for this machine itself */
	uint32_t prelogin_ms;           /* default 60000 */
	uint32_t grace_ms;              /* what a long answer may take while ending; 20000 */
	size_t line_octets;             /* input kept while a command is incomplete; 65536 */
	unsigned max_queue;             /* jobs waiting in each class; default max_connections */
	/* Text sent to a connection refused because a limit is reached (whole line). */
	const char *refused_line;
	void (*log)(void *context, const char *text);   /* any thread */
	void *log_context;
};

/* Zero in an option means its default. options and the texts in it are copied;
 * protocol must outlive the engine. */
STATUS net_new(const struct net_options *options, const struct net_protocol *protocol,
               struct net **net_r, struct fault *fault);
/* Change limits while running (workers stay). Here and in net_new the soft limit of open
 * files is raised to the hard one. */
void net_set_options(struct net *net, const struct net_options *options);
/* Start the worker threads. */
STATUS net_start(struct net *net, struct fault *fault);
/* Serve a listening socket, TCP or UNIX, in clear or with TLS from the first octet (owned by net from now
 * on, also after an error; another process may hold a copy). user_data reaches the protocol
 * by net_conn_listener_data and must stay valid until net_end has returned. */
STATUS net_listen(struct net *net, int fd, bool tls, void *user_data,
                  struct net_listener **listener_r, struct fault *fault);
void net_unlisten(struct net *net, struct net_listener **listener);
/* Stop accepting; idle connections are told by `input` at their next command
 * (net_is_ending) and closed without a word after grace_ms; long answers may
 * finish within grace_ms; jobs are waited for. Returns when all connections have
 * ended: NOERROR. POSTIL_ERR_TIMEOUT: jobs were still frozen another grace_ms
 * later; their threads cannot be stopped, so let the process end (net_free then
 * leaves the memory they use alone). */
STATUS net_end(struct net *net);
bool net_is_ending(const struct net *net);
void net_free(struct net **net);        /* after net_end */

/* --- for the protocol, from inside its calls --------------------------------- */

/* Made on demand, an idle connection keeps only the octets of the address. Also
 * inside net_each. */
void net_conn_peer(const struct net_conn *conn, struct net_peer *peer_r);
struct net *net_conn_net(struct net_conn *conn);
void *net_conn_listener_data(const struct net_conn *conn);
uint64_t net_conn_id(const struct net_conn *conn);
/* NULL: in clear. Inside the protocol's calls alone; the handshake is done in all of them
 * but `tls`, where it is NULL. */
const struct tls_connection *net_conn_tls(const struct net_conn *conn);
/* Monotonic milliseconds of the last complete command or moving output. */
uint64_t net_conn_active_ms(const struct net_conn *conn);
void net_conn_touch(struct net_conn *conn);     /* a complete command has come */
/* Is there input that the protocol has not been shown yet, here or in the socket? Then the
 * next call of input comes at once. */
bool net_conn_has_more(const struct net_conn *conn);
/* Answer by a timer instead of at once: parks the connection, then resume is
 * called with NOERROR and result NULL. No worker is held. */
enum net_next net_conn_delay(struct net_conn *conn, uint32_t ms);
/* Ask that a connection be closed, from any thread and also during its handshake;
 * POSTIL_ERR_NOT_FOUND. why (not NOERROR) reaches protocol->close; a job of it is given up. */
STATUS net_close_conn(struct net *net, uint64_t conn_id, STATUS why);

enum net_job_class {
	NET_JOB_STORE,          /* all workers but two */
	NET_JOB_HASH            /* half the cores, fair per client address */
};
struct net_job {
	enum net_job_class class;
	uint32_t deadline_ms;           /* from now, waiting included; 0: none */
	STATUS (*run)(void *context);   /* blocks; sees no connection */
	/* Nobody waits for this job any more: release the context and what run got.
	 * status is that of run, or POSTIL_ERR_CANCEL if run was never called. May
	 * come while or after resume is told POSTIL_ERR_TIMEOUT, in any worker. */
	void (*discard)(void *context, STATUS status);
	void *context;
};
/* Start a job for this connection; one at a time. Nothing happens inside the
 * call: the caller returns NET_PARKED (`return net_job_start(conn, &job);`), then
 * the job runs, then resume is called, or else job->discard: always one of both
 * gets the context. */
enum net_next net_job_start(struct net_conn *conn, const struct net_job *job);
/* Work that belongs to no connection any more (reclaiming space), from any
 * thread. Its context goes to discard when run has returned, or, with
 * POSTIL_ERR_CANCEL, when the queue is full or the engine ends. */
void net_detach(struct net *net, const struct net_job *job);

/* --- numbers for statistics ---------------------------------------------------- */

struct net_counters {
	uint64_t accepted;              /* by listeners in clear */
	uint64_t accepted_tls;          /* by those with tls, and handshakes of NET_START_TLS */
	uint64_t refused;
	uint64_t octets_in, octets_out; /* as the protocol sees them */
	unsigned active, active_tls;    /* the second are among the first; as with the peaks */
	unsigned peak, peak_tls, queue;
	unsigned threads, threads_busy, threads_peak;
	uint64_t bad_handshakes;        /* all that did not come to a good end, silent or not */
};
void net_counters(struct net *net, struct net_counters *counters_r);
/* Every open connection (between its open and its close), under the engine's
 * lock: do little, and call nothing of this header but net_conn_... questions.
 * A worker may be busy with state meanwhile: look only at what the protocol
 * itself guards (atomics, a lock of its own). */
void net_each(struct net *net, void (*each)(void *context, struct net_conn *conn,
              void *state), void *context);

#endif
