/*
 * The inside of the engine: what its files share.
 *
 * Who may touch a connection is told by one atomic word: generation of the slot,
 * epoch, state. Only the thread that turned the state to OWNED touches the rest.
 *
 *      FREE -> OWNED (accept)          OWNED -> ARMED (in the epoll set)
 *      ARMED -> OWNED  event, timer, closer      OWNED -> JOB, DELAY (parked)
 *      JOB -> OWNED    the job's result, or the timer or closer, who give it up
 *      DELAY -> OWNED  timer, closer             OWNED -> FREE, next generation
 *
 * While a handshake is under way (HANDSHAKE) the owner calls nothing of the protocol:
 *
 *      accept --> [HANDSHAKE -->] open --> CLEAR or TLS
 *                              NET_START_TLS: CLEAR --> HANDSHAKE --> secured --> TLS
 *
 * The epoch grows at each OWNED -> something, so whoever saw a word earlier fails
 * to claim by it later. Slots are never given back to the allocator while the
 * engine lives: a stale event finds a connection of another generation, not freed
 * memory. An event that finds the state OWNED leaves the MISSED bit, and the
 * owner looks again before it lets go.
 *
 * Order of locks: net.lock, jobs.lock, timers.lock (gate_lock alone); none is held while the
 * protocol or a job is called, except in net_each.
 */
#ifndef POSTIL_NET_IMPL_H
#define POSTIL_NET_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "addin/net/heap.h"
#include "addin/net/net.h"
#include "addin/net/transport.h"

#define INPUT_OCTETS 16384      /* read at once */
#define INPUT_STEP 1024         /* shown to the protocol at once: bounds its output */
#define PENDING_READS 16        /* of what a transport holds, then others have their turn */
#define FLUSH_OCTETS 32768      /* pending output is sent from here on */
#define WAKE_OCTETS 262144      /* sent in one turn, then others have theirs */
#define WAKE_CALLS 256          /* calls of the protocol in one turn */
#define EVENTS_AT_ONCE 8
#define LINGER_MS 2000
#define NEVER UINT64_MAX

enum conn_phase { PHASE_CLEAR, PHASE_HANDSHAKE, PHASE_TLS };

enum conn_state { CONN_FREE, CONN_OWNED, CONN_ARMED, CONN_JOB, CONN_DELAY };
#define WORD_STATE UINT64_C(0x7)
#define WORD_MISSED UINT64_C(0x8)
#define WORD_EPOCH_ONE UINT64_C(0x10)
#define WORD_EPOCH UINT64_C(0xFFFFFFF0)
#define WORD_GENERATION UINT64_C(0xFFFFFFFF00000000)
#define WORD_GENERATION_ONE UINT64_C(0x100000000)

/* What epoll hands back: generation and slot, or one of these. */
#define EVENT_SPECIAL UINT64_C(0x8000000000000000)
#define EVENT_TIMER (EVENT_SPECIAL | 0)
#define EVENT_KICK (EVENT_SPECIAL | 1)
#define EVENT_LISTENER (EVENT_SPECIAL | 2)      /* plus its number */

#define SLAB_CONNS 64
#define SLABS_MAX 16384
#define LISTENERS_MAX 256
#define SOURCE_BUCKETS 4096

struct address {
	uint8_t octets[16];     /* IPv4 as ::ffff:a.b.c.d */
	uint32_t scope;
	uint16_t port;
	bool local;             /* of a UNIX socket: the rest is 0 */
};

enum timer_kind { TIMER_CONN, TIMER_LISTENER };
struct timer {
	struct heap_node node;          /* timers.lock; first member */
	_Atomic uint64_t key;           /* as in the heap; NEVER when not in it */
	enum timer_kind kind;
};

struct source;

struct net_conn {
	struct timer timer;             /* first member */
	_Atomic uint64_t word;
	_Atomic uint64_t deadline;      /* what it means depends on the state */
	_Atomic uint64_t id;            /* 0: none */
	_Atomic uint64_t active_ms;
	uint64_t accepted_ms;           /* while it lingers: since when */
	struct net *net;
	struct worker *worker;          /* while OWNED */
	void *user_data;
	const struct transport *transport;
	void *transport_state;
	struct source *source;          /* net.lock; as are the two links */
	struct net_conn *newer, *older; /* of those before login of this source */
	struct job *queued;             /* jobs.lock: the record while it waits */
	char *in, *out;                 /* private buffers, NULL mostly */
	unsigned in_n, in_size;
	unsigned out_n, out_at;
	int fd;
	uint32_t slot;
	struct address address;
	_Atomic STATUS close_why;       /* set under net.lock */
	uint8_t next;                   /* enum net_next that waits for the socket */
	uint8_t phase;                  /* enum conn_phase */
	bool in_set, eof, hungry, yields, lingers, established;
	bool opened;                    /* the protocol knows it */
	bool wants_out;                 /* waits until the socket takes octets, else until it has some */
	bool tls;                       /* written under net.lock, by the owner */
	bool counted, counted_tls, visible, closable;   /* net.lock */
};

struct job {
	struct net_job what;
	struct net_conn *conn;          /* NULL: detached */
	uint64_t word;                  /* the parked word, to claim conn by */
	struct source *source;
	struct job *next, *prev;
};

struct job_list {
	struct job *head, *tail;
};

/* One client address: an IPv4 address or an IPv6 /64. */
struct source {
	struct heap_node node;          /* first member; key: ~count, in the heap while newest != NULL */
	uint8_t key[16];
	unsigned count, refs;           /* that count; that point here */
	struct net_conn *newest;        /* before login */
	struct source *chain;
	struct job_list hashes;         /* jobs.lock, as is the ring of waiting sources */
	struct source *ring_next, *ring_prev;
};

struct net_listener {
	struct timer timer;             /* first member */
	pthread_mutex_t lock;
	struct net *net;
	void *user_data;
	int fd;                         /* -1: not in use */
	unsigned number;
	bool tls;
	bool in_use;                    /* net.lock */
};

struct worker {
	struct net *net;
	pthread_t thread;
	uint64_t now;                   /* of this turn */
	/* the turn of one connection */
	struct buf out;
	char *view;                     /* input not yet consumed: view[view_at .. view_n) */
	size_t view_n, view_at, step;
	size_t shown;                   /* of the view, to the protocol in the call under way */
	size_t moved;
	unsigned calls;
	bool starved;                   /* the protocol has seen all and took nothing */
	bool crossed;                   /* the transport's last call waits the other way round */
	struct net_job start;           /* what net_job_start asked for */
	bool start_set, delay_set;
	uint32_t delay_ms;
	/* a job with a token, to run when this batch of events is done */
	struct job deferred;
	bool deferred_set;
	bool polls;                     /* is one of net.pollers */
	_Atomic uint64_t octets_in, octets_out, accepted, accepted_tls, refused, bad_handshakes;
	char in[INPUT_OCTETS];
};

struct net_jobs {
	pthread_mutex_t lock;
	unsigned limit[2], used[2];     /* tokens, by class */
	unsigned detached_limit, detached_used;
	struct job_list store, detached;
	struct source *ring;            /* sources with waiting hashes */
	unsigned queued[2], detached_queued;
	_Atomic unsigned waiting;       /* all of them: a hint */
	_Atomic unsigned running;
};

struct net_timers {
	pthread_mutex_t lock;
	struct heap heap;
	uint64_t armed;                 /* what the timerfd is set to */
	int fd;
};

struct net_limits {                     /* net_options, each read at any time */
	_Atomic unsigned max_connections, max_per_address, max_queue;
	atomic_bool spare_loopback;
	_Atomic uint32_t prelogin_ms, grace_ms;
	_Atomic size_t line_octets;
};

struct net {
	const struct net_protocol *protocol;
	struct net_limits limits;
	void (*log)(void *context, const char *text);
	void *log_context;
	int epoll, kick;
	struct worker **workers;
	unsigned worker_count, workers_started;
	_Atomic unsigned busy, busy_peak;
	pthread_mutex_t gate_lock;      /* few workers wait for events, others are spare */
	pthread_cond_t gate;
	unsigned pollers, pollers_most;
	_Atomic bool ending, closing, stopping, sweep, frozen;
	_Atomic uint64_t log_next;      /* when the next complaint about accept may be logged */

	pthread_mutex_t lock;
	pthread_cond_t ended;
	char *refused_line;             /* lock; as is all below */
	size_t conn_octets, state_at;
	unsigned slots;                 /* made so far */
	uint32_t *free_slots;
	unsigned free_count, free_size;
	unsigned used, active, peak;    /* slots in use; connections that count */
	unsigned active_tls, peak_tls;  /* of those */
	uint64_t next_id;
	struct net_counters past;       /* of workers that have ended */
	_Atomic(char *) slabs[SLABS_MAX];
	struct net_listener *listeners[LISTENERS_MAX];
	unsigned listener_count;
	int reserve;                    /* a descriptor given up when there are no more */
	struct source *sources[SOURCE_BUCKETS];
	unsigned source_count;
	struct heap source_heap;
	uint64_t source_seed;

	struct net_jobs jobs;
	struct net_timers timers;
};

/* net.c */
void net_logf(struct net *net, const char *format, ...) __attribute__((format(printf, 2, 3)));
void net_kick(struct net *net);         /* wake a worker for jobs, sweep or stop */
void net_signal_end(struct net *net);   /* something net_end waits for has happened */

/* slot.c: the table of connections */
struct net_conn *slot_at(struct net *net, uint32_t slot);
/* Under net.lock. NULL: no memory or all in use. The word is FREE still. */
struct net_conn *slot_take(struct net *net);
void slot_give(struct net *net, struct net_conn *conn);
void *conn_state(const struct net_conn *conn);

/* conn.c: claiming, turns, closing */
static inline enum conn_state word_state(uint64_t word)
{
	return (enum conn_state)(word & WORD_STATE);
}
static inline uint64_t word_next(uint64_t word, enum conn_state state)
{
	return (word & WORD_GENERATION) | ((word + WORD_EPOCH_ONE) & WORD_EPOCH) | state;
}
/* ARMED, JOB or DELAY as in word -> OWNED by this worker. */
bool conn_claim(struct worker *worker, struct net_conn *conn, uint64_t word);
void conn_accepted(struct worker *worker, struct net_conn *conn);       /* owned, new */
void conn_event(struct worker *worker, uint64_t data);
void conn_expired(struct worker *worker, struct net_conn *conn, uint64_t word);
void conn_resume(struct worker *worker, struct net_conn *conn, STATUS status, void *result);
/* Claim by word, whatever the state, and close for conn->close_why. */
void conn_close_requested(struct worker *worker, struct net_conn *conn, uint64_t word);
void conn_sweep(struct worker *worker); /* close those that are to be closed */

/* turn.c: what an owner does with input and output */
void turn_begin(struct worker *worker, struct net_conn *conn);
/* Call the protocol and send until something must be waited for. */
STATUS turn_advance(struct worker *worker, struct net_conn *conn, enum net_next *next);
STATUS turn_read(struct worker *worker, struct net_conn *conn);

void input_drop(struct net_conn *conn); /* the private input, wiped before login */
/* What of the input lies in the worker's own buffer: wiped before login. */
void turn_forget(struct worker *worker, const struct net_conn *conn);
/* All that was said in clear leaves the buffers before a handshake. */
void turn_wipe(struct worker *worker, struct net_conn *conn);
/* Keep what is left of the input; also the end of input and lines too long. */
STATUS turn_end(struct worker *worker, struct net_conn *conn, enum net_next next);

/* secure.c: TLS */
/* Ask the protocol what the handshake needs; the transport is another from now on. Any
 * status but NOERROR: the connection ends, which has been logged. */
STATUS secure_begin(struct worker *worker, struct net_conn *conn);
/* One step. NOERROR: it is done (the phase tells) or waits for the socket. Else: it failed,
 * and secure_failed is still to be called. */
STATUS secure_step(struct worker *worker, struct net_conn *conn);
/* Count and log a handshake that ends unfinished for why. */
void secure_failed(struct worker *worker, const struct net_conn *conn, STATUS why);
/* Count and log that input in clear came before a handshake could begin. */
void secure_refused(struct worker *worker, const struct net_conn *conn, size_t octets);

/* listener.c */
void listener_event(struct worker *worker, unsigned number);
void listener_expired(struct net_listener *listener);
void listener_stop(struct net_listener *listener);

/* limit.c; all under net.lock */
STATUS limit_enter(struct net *net, struct net_conn *conn);
void limit_leave(struct net_conn *conn);        /* nothing if it has left */
void limit_tls(struct net_conn *conn);          /* it counts as one with TLS from now on */
void limit_forget(struct net_conn *conn);       /* conn lets go of its source */
void limit_established(struct net_conn *conn);  /* never gives way from now on */
void limit_prelogin(struct net_conn *conn);     /* takes that back */
/* The newest before login of the address that holds most; NULL: none. */
struct net_conn *limit_victim(struct net *net);
void limit_release(struct net *net);

/* address.c */
void address_from(struct address *address, const struct sockaddr_storage *from);
void address_key(const struct address *address, uint8_t key[16]);
bool address_is_loopback(const struct address *address);
void address_text(const struct address *address, char *text, size_t size);

/* job.c */
/* The connection's wish becomes a parked job. NOERROR, or why it cannot. */
STATUS job_park(struct worker *worker, struct net_conn *conn);
void job_forget(struct net_conn *conn); /* the owner gives the parked job up */
void job_work(struct worker *worker);   /* run what may run */
void jobs_drop(struct net *net);        /* discard what waits */

/* timer.c */
STATUS timers_init(struct net *net, struct fault *fault);
void timers_release(struct net *net);
bool timers_reserve(struct net *net, unsigned nodes);
void timer_want(struct net *net, struct timer *timer, uint64_t at);     /* not later than at */
void timer_drop(struct net *net, struct timer *timer);
void timer_event(struct worker *worker);

/* worker.c */
void *worker_main(void *worker);
struct worker *worker_self(void);       /* NULL: not a worker thread */
void worker_leaves(struct worker *worker);      /* it may block: others wait for events */
void workers_wake(struct net *net);     /* all spare ones, to see that it stops */

static inline void worker_count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter,
		atomic_load_explicit(counter, memory_order_relaxed) + more,
		memory_order_relaxed);
}

#endif
