/*
 * The load generator: one thread, one epoll set, a fixed number of sessions at
 * a time, for a number of seconds or of sessions. What came is counted and
 * printed as one line of JSON. It trusts the server it measures.
 *
 *     load MODE PORT [-c SESSIONS-AT-A-TIME] [-t SECONDS | -n SESSIONS] [-u MAILBOXES]
 *          [-r] [-m MESSAGES] [-p MILLISECONDS] [-P PASSWORD] [-S | -T]
 *
 * MODE is poll, fetch, pipeline, drain, idle, big, or login. Mailboxes are user0,
 * user1, ... in turn, or in random order with -r. `idle` logs in once to each
 * mailbox, fetches message 1, prints a line, and holds until its input ends.
 * `big` times each command of one session. `login` says QUIT after any reply to PASS.
 * With -p a session begins so long after the last one ended: a steady load, whose
 * slowest reply tells what others suffer from. With -S each session begins with a full TLS
 * 1.3 handshake; with -T each mailbox's client offers the ticket it got last.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/wire.h"

enum mode { POLL, FETCH, PIPELINE, DRAIN, IDLE, BIG, LOGIN };
enum step { HANDSHAKE, GREETING, USER, PASS, STAT, UIDL, LIST, RETR, DELE, QUIT, HELD };

#define TAIL 5          /* octets of the end mark CR LF . CR LF */
#define BATCH 50        /* RETR commands sent together in mode pipeline */
#define SLOW_MS 50      /* replies slower than this are counted */

struct session {
	struct wire wire;
	enum step step;
	bool first_seen;        /* the status line of this reply was complete */
	unsigned mailbox;
	unsigned message;       /* number under way */
	unsigned waiting;       /* replies of a batch still to come */
	unsigned tail_n;
	char tail[TAIL];
	double begun, asked;
};

static struct {
	enum mode mode;
	uint16_t port;
	unsigned at_a_time, mailboxes, messages;
	double seconds, pause;
	uint64_t sessions;
	bool random, tls, resume;
	const char *password;
} options = { .at_a_time = 8, .mailboxes = 100, .messages = 10, .password = "benchmark" };

static struct {
	uint64_t sessions, messages, octets, errors, started, turn;
	uint64_t replies, slow, refused;
	uint64_t returned, resumed;     /* handshakes that offered a ticket; of them short ones */
	unsigned open, held;
	double worst_ms, worst_reply_ms;
} counts;

static int poller;
static bool *busy;              /* mailboxes with a session */
static SSL_SESSION **tickets;   /* of each mailbox's client, the newest */
static double *pauses;          /* ring: when the next sessions are due */
static unsigned first_pause, pause_count;
static double deadline;
static bool ended;
static char input[1 << 18];
static double step_begun;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void session_start(void);

static void session_end(struct session *s, bool error)
{
	double ms = (now() - s->begun) * 1000;

	wire_close(&s->wire);
	busy[s->mailbox] = false;
	counts.open--;
	if (error)
		counts.errors++;
	else
		counts.sessions++;
	if (ms > counts.worst_ms)
		counts.worst_ms = ms;
	free(s);
	if (ended || now() >= deadline ||
	    (options.sessions != 0 && counts.started >= options.sessions))
		return;
	if (options.pause > 0)
		pauses[(first_pause + pause_count++) % options.at_a_time] = now() + options.pause;
	else
		session_start();
}

/* Sessions that are due begin; milliseconds until the next one, -1: none waits. */
static int end_pauses(void)
{
	while (pause_count > 0) {
		double left = pauses[first_pause] - now();

		if (left > 0)
			return (int)(left * 1000) + 1;
		first_pause = (first_pause + 1) % options.at_a_time;
		pause_count--;
		session_start();
	}
	return -1;
}

/* Repeatable on purpose (xorshift): every server meets the same order. */
static unsigned order_next(void)
{
	static uint32_t x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static void session_start(void)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		exit(1);
	s->begun = s->asked = now();
	/* Distinct mailboxes for sessions at the same time. */
	do {
		s->mailbox = options.random ? order_next() % options.mailboxes
		                            : (unsigned)(counts.turn++ % options.mailboxes);
	} while (busy[s->mailbox]);
	busy[s->mailbox] = true;
	counts.started++;
	counts.open++;
	s->step = options.tls ? HANDSHAKE : GREETING;
	wire_open(&s->wire, options.port, options.tls, options.resume ? &tickets[s->mailbox] : NULL);
	if (options.tls)
		wire_shake(&s->wire);
	epoll_ctl(poller, EPOLL_CTL_ADD, s->wire.fd,
	          &(struct epoll_event){ .events = EPOLLIN, .data.ptr = s });
}

static void say(struct session *s, enum step step, const char *text, size_t n)
{
	step_begun = s->asked = now();
	if (!wire_write(&s->wire, text, n))
		counts.errors++;
	s->step = step;
	s->first_seen = false;
	s->tail_n = 0;
}

static void say_number(struct session *s, enum step step, const char *verb, unsigned number)
{
	char line[64];

	say(s, step, line, (size_t)snprintf(line, sizeof(line), "%s %u\r\n", verb, number));
}

static void say_batch(struct session *s)
{
	char lines[BATCH * 20];
	size_t n = 0;

	s->waiting = 0;
	for (unsigned i = 0; i < BATCH; i++) {
		n += (size_t)snprintf(lines + n, sizeof(lines) - n, "RETR %u\r\n", s->message);
		s->message = s->message % options.messages + 1;
		s->waiting++;
	}
	say(s, RETR, lines, n);
}

#define SAY(s, step, text) say(s, step, text "\r\n", sizeof(text) + 1)

static void report_step(const char *name)
{
	printf("\"%s_ms\": %.3f, ", name, (now() - step_begun) * 1000);
}

/* The reply to the step is complete: what comes next. false: the session is over. */
static bool session_next(struct session *s)
{
	char line[128];
	bool over = now() >= deadline;
	static const char *const names[] = { "handshake", "greeting", "user", "PASS", "STAT", "UIDL", "LIST", "RETR", "DELE", "QUIT" };

	if (options.mode == BIG && s->step >= PASS)
		report_step(names[s->step]);
	switch (s->step) {
	case GREETING:
		say(s, USER, line, (size_t)snprintf(line, sizeof(line), "USER user%u\r\n", s->mailbox));
		return true;
	case USER:
		say(s, PASS, line, (size_t)snprintf(line, sizeof(line), "PASS %s\r\n", options.password));
		return true;
	case PASS:
		s->message = 1;
		if (options.mode == LOGIN) {
			SAY(s, QUIT, "QUIT");
			return true;
		}
		SAY(s, STAT, "STAT");
		return true;
	case STAT:
		if (options.mode == BIG)
			SAY(s, LIST, "LIST");
		else if (options.mode == POLL)
			SAY(s, UIDL, "UIDL");
		else if (options.mode == PIPELINE)
			say_batch(s);
		else
			say_number(s, RETR, "RETR", 1);
		return true;
	case LIST:
		SAY(s, UIDL, "UIDL");
		return true;
	case UIDL:
		SAY(s, QUIT, "QUIT");
		return true;
	case RETR:
		if (options.mode == IDLE) {
			s->step = HELD;
			counts.held++;
			if (counts.started < options.mailboxes)
				session_start();
			return true;
		}
		if (options.mode == PIPELINE) {
			if (over)
				SAY(s, QUIT, "QUIT");
			else
				say_batch(s);
			return true;
		}
		counts.messages++;
		if (options.mode == DRAIN) {
			say_number(s, DELE, "DELE", s->message);
			return true;
		}
		__attribute__((fallthrough));
	case DELE:
		s->message++;
		if (s->message > options.messages && options.mode == FETCH)
			s->message = 1;
		if (s->message > options.messages || (over && options.mode == FETCH))
			SAY(s, QUIT, "QUIT");
		else
			say_number(s, RETR, "RETR", s->message);
		return true;
	default:
		return false;
	}
}

static bool step_is_long(enum step step)
{
	return step == UIDL || step == LIST || step == RETR;
}

/* Keep the last octets of the reply, over pieces. */
static void keep_tail(struct session *s, const char *p, size_t n)
{
	if (n >= TAIL) {
		memcpy(s->tail, p + n - TAIL, TAIL);
		s->tail_n = TAIL;
		return;
	}
	if (s->tail_n + n > TAIL) {
		size_t drop = s->tail_n + n - TAIL;

		memmove(s->tail, s->tail + drop, s->tail_n - drop);
		s->tail_n -= (unsigned)drop;
	}
	memcpy(s->tail + s->tail_n, p, n);
	s->tail_n += (unsigned)n;
}

/* Count the ends of messages in a pipelined stream. */
static void count_ends(struct session *s, const char *p, size_t n)
{
	char joined[2 * TAIL];
	size_t old = s->tail_n, head = n < TAIL - 1 ? n : TAIL - 1;
	const char *at;

	/* An end mark that lies across two pieces. */
	if (old == TAIL) {
		memcpy(joined, s->tail + 1, TAIL - 1);
		old = TAIL - 1;
	} else {
		memcpy(joined, s->tail, old);
	}
	memcpy(joined + old, p, head);
	if (memmem(joined, old + head, "\r\n.\r\n", TAIL) != NULL)
		s->waiting--, counts.messages++;
	for (at = p; (at = memmem(at, n - (size_t)(at - p), "\r\n.\r\n", TAIL)) != NULL; at += TAIL)
		s->waiting--, counts.messages++;
	keep_tail(s, p, n);
}

static bool reply_complete(struct session *s, const char *p, size_t n)
{
	if (!s->first_seen) {
		if (p[0] == '-' && options.mode == LOGIN && s->step == PASS) {
			counts.refused++;
			return true;
		}
		if (p[0] == '-') {
			counts.errors++;
			if (counts.errors <= 3)
				fprintf(stderr, "load: %.*s", (int)n, p);
			return true;
		}
		s->first_seen = true;
	}
	if (s->step == RETR && options.mode == PIPELINE) {
		count_ends(s, p, n);
		return s->waiting == 0;
	}
	keep_tail(s, p, n);
	if (step_is_long(s->step))
		return s->tail_n == TAIL && memcmp(s->tail, "\r\n.\r\n", TAIL) == 0;
	return s->tail[s->tail_n - 1] == '\n';
}

static void count_reply(const struct session *s)
{
	double ms = (now() - s->asked) * 1000;

	counts.replies++;
	counts.slow += ms > SLOW_MS;
	if (ms > counts.worst_reply_ms)
		counts.worst_reply_ms = ms;
}

/* false: it has not come to its end, or failed and the session is gone. */
static bool handshake(struct session *s)
{
	int done = wire_shake(&s->wire);

	if (done < 0)
		session_end(s, true);
	if (done <= 0)
		return false;
	s->step = GREETING;
	counts.returned += s->wire.offered;
	counts.resumed += wire_is_resumed(&s->wire);
	return true;
}

/* Take in one piece; false: there is none, or the session is gone. */
static bool session_piece(struct session *s)
{
	ssize_t n = wire_read(&s->wire, input, sizeof(input));

	if (n < 0)
		return false;
	if (n == 0) {
		session_end(s, s->step != QUIT);
		return false;
	}
	counts.octets += (uint64_t)n;
	if (s->step == HELD || !reply_complete(s, input, (size_t)n))
		return true;
	count_reply(s);
	if (session_next(s))
		return true;
	session_end(s, false);
	return false;
}

static void session_ready(struct session *s)
{
	if (s->step == HANDSHAKE && !handshake(s))
		return;
	while (session_piece(s) && s->wire.ssl != NULL)
		continue;
}

static bool hold_over(void)
{
	char c;

	printf("{\"held\": %u, \"errors\": %lu}\n", counts.held, (unsigned long)counts.errors);
	fflush(stdout);
	return read(0, &c, 1) <= 1;
}

static int mode_of(const char *name)
{
	static const char *const names[] = { "poll", "fetch", "pipeline", "drain", "idle", "big",
	                                     "login" };

	for (int i = 0; i < 7; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

static void usage(void)
{
	fprintf(stderr, "usage: load poll|fetch|pipeline|drain|idle|big|login PORT [-c SESSIONS] [-t SECONDS] "
	        "[-n SESSIONS] [-u MAILBOXES] [-m MESSAGES] [-r] [-p MILLISECONDS] "
	        "[-P PASSWORD] [-S | -T]\n");
	exit(2);
}

static void read_options(int argc, char *argv[])
{
	int c;

	if (argc < 3 || mode_of(argv[1]) < 0)
		usage();
	options.mode = (enum mode)mode_of(argv[1]);
	options.port = (uint16_t)strtoul(argv[2], NULL, 10);
	optind = 3;
	while ((c = getopt(argc, argv, "c:t:n:u:m:rp:P:ST")) != -1) {
		switch (c) {
		case 'c': options.at_a_time = (unsigned)strtoul(optarg, NULL, 10); break;
		case 't': options.seconds = strtod(optarg, NULL); break;
		case 'n': options.sessions = strtoul(optarg, NULL, 10); break;
		case 'u': options.mailboxes = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'm': options.messages = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'r': options.random = true; break;
		case 'p': options.pause = strtod(optarg, NULL) / 1000; break;
		case 'P': options.password = optarg; break;
		case 'S': options.tls = true; break;
		case 'T': options.tls = options.resume = true; break;
		default: usage();
		}
	}
	if (options.mode == BIG)
		options.at_a_time = 1, options.sessions = 1;
	if (options.at_a_time > options.mailboxes)
		options.at_a_time = options.mailboxes;
}

int main(int argc, char *argv[])
{
	struct epoll_event events[64];
	struct rlimit files;
	double begun;

	read_options(argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	busy = calloc(options.mailboxes, sizeof(*busy));
	pauses = calloc(options.at_a_time, sizeof(*pauses));
	tickets = calloc(options.mailboxes, sizeof(SSL_SESSION *));
	if (busy == NULL || pauses == NULL || tickets == NULL)
		return 1;
	if (options.tls)
		wire_init_tls();
	poller = epoll_create1(EPOLL_CLOEXEC);
	begun = now();
	deadline = options.seconds > 0 ? begun + options.seconds : begun + 1e9;
	if (options.mode == BIG)
		printf("{");
	for (unsigned i = 0; i < options.at_a_time; i++)
		session_start();
	while (counts.open > 0 || pause_count > 0) {
		int due = end_pauses();
		int n = epoll_wait(poller, events, 64, due < 0 ? 60000 : due);

		if (n == 0 && due < 0) {
			fprintf(stderr, "load: nothing came for 60 seconds, %u sessions open\n", counts.open);
			return 1;
		}
		for (int i = 0; i < n; i++)
			session_ready(events[i].data.ptr);
		if (options.mode == IDLE && counts.held == options.mailboxes && hold_over())
			return 0;
	}
	printf("%s\"sessions\": %lu, \"messages\": %lu, \"octets\": %lu, \"errors\": %lu, \"seconds\": %.3f, \"worst_ms\": %.1f, "
	       "\"replies\": %lu, \"slow\": %lu, \"worst_reply_ms\": %.1f, \"refused\": %lu, "
	       "\"returned\": %lu, \"resumed\": %lu}\n",
	       options.mode == BIG ? "" : "{", (unsigned long)counts.sessions,
	       (unsigned long)counts.messages, (unsigned long)counts.octets,
	       (unsigned long)counts.errors, now() - begun, counts.worst_ms,
	       (unsigned long)counts.replies, (unsigned long)counts.slow, counts.worst_reply_ms,
	       (unsigned long)counts.refused, (unsigned long)counts.returned,
	       (unsigned long)counts.resumed);
	return counts.errors > 0;
}
