/*
 * Consoles and the lines to and from them. Distrusts them: a console that does
 * not read loses log lines, which are counted, or is closed; lines are bounded;
 * who connects is asked of the kernel.
 */
#include "addin/host/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "addin/host/command.h"
#include "addin/host/lines.h"
#include "addin/host/task.h"
#include "addin/wire/console.h"
#include "base/clock.h"
#include "base/banned.h"

#define CLIENTS_MAX 32
#define LIVE_OCTETS_MAX (256u << 10)    /* waiting log lines for one console */
#define OUT_OCTETS_MAX (8u << 20)       /* waiting output; more ends the console */
#define STALLED_MS 30000
#define RUNS_MAX 32                     /* commands of one console at a time */

struct client {
	struct client *next;
	struct host *host;
	int fd;
	struct watch *watch;
	bool local, live, plain, ending;
	unsigned uid;
	struct line_reader in;
	struct buf out;
	unsigned long dropped;
	uint64_t progress_ms;
	struct run *runs;
};

struct run {
	struct run *next;
	struct host *host;
	struct client *client;  /* NULL: has gone */
	void (*ended)(void *context, bool well);        /* NULL: the console is told */
	void *context;
};

struct control {
	int fd, data_fd;
	struct watch *watch;
	struct client *clients;
	bool any_dead;
};

/* --- to a console ------------------------------------------------------------------------- */

static void client_end(struct client *c)
{
	if (c->fd < 0)
		return;
	loop_unwatch(&c->host->loop, &c->watch);
	close(c->fd);
	c->fd = -1;
	c->host->control->any_dead = true;
	for (struct run *r = c->runs; r != NULL; r = r->next)
		r->client = NULL;
	c->runs = NULL;
}

static void add_line(struct client *c, char kind, struct slice text)
{
	if (c->fd < 0)
		return;
	if (c->out.n == 0)
		c->progress_ms = clock_mono_ms();
	buf_add_char(&c->out, kind);
	buf_add(&c->out, text.p, text.n < CONSOLE_LINE_MAX ? text.n : CONSOLE_LINE_MAX);
	buf_add_char(&c->out, '\n');
	watch_events(c->watch, POLLIN | POLLOUT);
}

static void tell_dropped(struct client *c)
{
	char number[24];

	if (c->dropped == 0 || c->out.n > LIVE_OCTETS_MAX / 2)
		return;
	snprintf(number, sizeof(number), "%lu", c->dropped);
	c->dropped = 0;
	add_line(c, 'D', slice_of(number));
}

static void send_out(struct client *c)
{
	while (c->fd >= 0 && c->out.n > 0) {
		ssize_t n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			client_end(c);
			return;
		}
		buf_remove_front(&c->out, (size_t)n);
		c->progress_ms = clock_mono_ms();
		tell_dropped(c);
	}
	if (c->fd >= 0 && c->out.n == 0 && c->ending)
		client_end(c);
	else if (c->fd >= 0)
		watch_events(c->watch, c->out.n > 0 ? POLLIN | POLLOUT : POLLIN);
}

/* Lines that a console may lose: the log's, and all of the terminal's. */
static void add_losable(struct client *c, char kind, struct slice text)
{
	tell_dropped(c);
	if (c->dropped > 0 || c->out.n + text.n > LIVE_OCTETS_MAX)
		c->dropped++;
	else
		add_line(c, kind, text);
}

static void each_line(struct client *c, char kind, struct slice text)
{
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end != NULL ? (size_t)(end - text.p) : text.n;

		if (c->local || kind == 'L')
			add_losable(c, kind, (struct slice){ text.p, n });
		else
			add_line(c, kind, (struct slice){ text.p, n });
		n += end != NULL;
		text.p += n;
		text.n -= n;
	}
	if (c->out.n > OUT_OCTETS_MAX)
		client_end(c);
}

void control_log(void *context, struct slice text, struct slice json)
{
	struct host *host = context;

	if (host->control == NULL)
		return;
	for (struct client *c = host->control->clients; c != NULL; c = c->next)
		if (c->fd >= 0 && c->live)
			each_line(c, 'L', c->plain && json.n > 0 ? json : text);
}

static void add_tasks(struct client *c)
{
	struct buf names = BUF_INIT;

	for (struct task *t = c->host->tasks; t != NULL; t = t->next)
		buf_addf(&names, "%s%s", t == c->host->tasks ? "" : "\t", t->name);
	add_losable(c, 'T', buf_slice(&names));
	buf_release(&names);
}

static void add_words(struct client *c)
{
	struct buf words = BUF_INIT;

	for (const struct command *k = console_commands; k->words != NULL; k++)
		if (!k->hidden)
			buf_addf(&words, "%s%s", words.n > 0 ? "\t" : "", k->words);
	add_losable(c, 'W', buf_slice(&words));
	buf_release(&words);
}

void control_tasks(struct host *host)
{
	if (host->control == NULL)
		return;
	for (struct client *c = host->control->clients; c != NULL; c = c->next)
		if (c->fd >= 0 && c->live && !c->plain)
			add_tasks(c);
}

/* --- commands ---------------------------------------------------------------------------------- */

struct host *run_host(struct run *run)
{
	return run->host;
}

bool run_is_live(const struct run *run)
{
	return run->client != NULL && run->client->live;
}

void run_line(struct run *run, struct slice text)
{
	struct buf safe = BUF_INIT;

	if (run->client == NULL)
		return;
	log_show_text(text, &safe);
	buf_add_char(&safe, '\n');
	each_line(run->client, 'O', buf_slice(&safe));
	buf_release(&safe);
}

__attribute__((format(printf, 2, 0)))
static void say(struct run *run, const char *format, va_list ap)
{
	struct buf text = BUF_INIT;

	buf_vaddf(&text, format, ap);
	run_line(run, buf_slice(&text));
	buf_release(&text);
}

void run_say(struct run *run, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(run, format, ap);
	va_end(ap);
}

void run_end(struct run *run, bool well)
{
	struct run **at;

	if (run->client != NULL) {
		for (at = &run->client->runs; *at != run; at = &(*at)->next)
			;
		*at = run->next;
		if (run->ended == NULL)
			add_line(run->client, 'E', slice_of(well ? "0" : "1"));
	}
	if (run->ended != NULL)
		run->ended(run->context, well);
	free(run);
}

struct run *run_part(struct run *whole, void (*ended)(void *context, bool well), void *context)
{
	struct run *part = calloc(1, sizeof(*part));

	if (part == NULL)
		return NULL;
	*part = (struct run){ NULL, whole->host, whole->client, ended, context };
	if (part->client != NULL) {
		part->next = part->client->runs;
		part->client->runs = part;
	}
	return part;
}

bool run_is_part(const struct run *run)
{
	return run->ended != NULL;
}

void run_fail(struct run *run, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(run, format, ap);
	va_end(ap);
	run_end(run, false);
}

static void log_command(struct client *c, struct slice line)
{
	char text[CONSOLE_COMMAND_MAX + 64];
	int n;

	if (c->local)
		n = snprintf(text, sizeof(text), "> %.*s", (int)line.n, line.p);
	else if (c->uid == 0)
		n = snprintf(text, sizeof(text), "Remote console command issued by root: %.*s",
		             (int)line.n, line.p);
	else
		n = snprintf(text, sizeof(text), "Remote console command issued by user %u: %.*s",
		             c->uid, (int)line.n, line.p);
	if (n < 0)
		return;
	log_file_only(c->host->log, (struct slice){ text, (size_t)n < sizeof(text)
	              ? (size_t)n : sizeof(text) - 1 });
}

static void start_run(struct client *c, struct slice line)
{
	struct run *run;
	unsigned count = 0;

	for (run = c->runs; run != NULL; run = run->next)
		count++;
	run = count < RUNS_MAX ? calloc(1, sizeof(*run)) : NULL;
	if (run == NULL) {
		add_line(c, 'O', slice_of("Too many commands at a time"));
		add_line(c, 'E', slice_of("1"));
		return;
	}
	run->host = c->host;
	run->client = c;
	run->next = c->runs;
	c->runs = run;
	if (line.n > 0 && line.n <= CONSOLE_COMMAND_MAX)
		log_command(c, line);
	console_run(run, line);
}

static void go_live(struct client *c, bool plain)
{
	c->live = true;
	c->plain = plain;
	if (plain)
		return;
	add_words(c);
	add_tasks(c);
}

static void on_line(void *context, struct slice line)
{
	struct client *c = context;
	char kind = line.n > 0 ? line.p[0] : '\0';

	if (c->fd < 0 || c->ending)
		return;
	if (kind == 'R')
		start_run(c, (struct slice){ line.p + 1, line.n - 1 });
	else if (kind == 'L' || kind == 'P')
		go_live(c, kind == 'P');
	else
		client_end(c);
}

static void on_client(void *context, short revents)
{
	struct client *c = context;
	char octets[8192];
	ssize_t n;

	if (revents & POLLOUT)
		send_out(c);
	if (c->fd < 0 || !(revents & (POLLIN | POLLHUP | POLLERR)))
		return;
	n = recv(c->fd, octets, sizeof(octets), MSG_DONTWAIT);
	if (n > 0)
		line_reader_feed(&c->in, (struct slice){ octets, (size_t)n }, on_line, c);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		client_end(c);
}

/* --- coming and going ----------------------------------------------------------------------------- */

static struct client *client_add(struct host *host, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->host = host;
	c->fd = fd;
	line_reader_init(&c->in);
	buf_init(&c->out, 0);
	c->watch = loop_watch(&host->loop, fd, POLLIN, on_client, c);
	if (c->watch == NULL) {
		free(c);
		return NULL;
	}
	c->next = host->control->clients;
	host->control->clients = c;
	return c;
}

static void bury(struct control *control)
{
	struct client **at = &control->clients, *c;

	if (!control->any_dead)
		return;
	while ((c = *at) != NULL) {
		if (c->fd >= 0) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		line_reader_release(&c->in);
		buf_release(&c->out);
		free(c);
	}
	control->any_dead = false;
}

void control_add_local(struct host *host, int fd, bool plain)
{
	struct client *c = client_add(host, fd);

	if (c == NULL) {
		close(fd);
		return;
	}
	c->local = c->live = true;
	c->plain = plain;
}

static bool may_use(struct host *host, int fd, unsigned *uid_r)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);
	struct stat st;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0
	    || fstat(host->control->data_fd, &st) != 0)
		return false;
	*uid_r = peer.uid;
	return peer.uid == 0 || peer.uid == st.st_uid || peer.uid == geteuid();
}

static unsigned remote_clients(const struct control *control)
{
	unsigned count = 0;

	for (const struct client *c = control->clients; c != NULL; c = c->next)
		count += c->fd >= 0 && !c->local;
	return count;
}

static void refuse(int fd, const char *why)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "X%s\n", why);

	send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void on_connect(void *context, short revents)
{
	struct host *host = context;
	int fd = accept4(host->control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;
	unsigned uid = 0;

	(void)revents;
	if (fd < 0)
		return;
	if (!may_use(host, fd, &uid)) {
		refuse(fd, "You are not authorized to use the remote console on this server");
		log_say(host->log, "Remote console refused for user %u", uid);
		return;
	}
	c = remote_clients(host->control) < CLIENTS_MAX ? client_add(host, fd) : NULL;
	if (c == NULL)
		refuse(fd, "Server is not responding to remote console commands (try again later)");
	else
		c->uid = uid;
}

/* The name is reached through a descriptor, for a path longer than sun_path. */
static int bind_socket(struct control *control)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d/" CONSOLE_SOCKET,
	         control->data_fd);
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return errno;
	unlinkat(control->data_fd, CONSOLE_SOCKET, 0);
	if (bind(control->fd, (struct sockaddr *)&name, sizeof(name)) != 0
	    || fchmodat(control->data_fd, CONSOLE_SOCKET, 0600, 0) != 0
	    || listen(control->fd, 16) != 0)
		return errno;
	return 0;
}

STATUS control_open(struct host *host, struct fault *fault)
{
	struct control *control = calloc(1, sizeof(*control));
	int error;

	if (control == NULL)
		return POSTIL_ERR_MEMORY;
	control->fd = -1;
	host->control = control;
	control->data_fd = open(host->data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	error = control->data_fd < 0 ? errno : bind_socket(control);
	if (error != 0)
		return fault_set(fault, POSTIL_ERR_IO, "%s/" CONSOLE_SOCKET " cannot be made: %s",
		                 host->data_dir, strerrordesc_np(error));
	control->watch = loop_watch(&host->loop, control->fd, POLLIN, on_connect, host);
	return control->watch != NULL ? NOERROR : POSTIL_ERR_MEMORY;
}

void control_tick(struct host *host)
{
	uint64_t now = clock_mono_ms();

	if (host->control == NULL)
		return;
	for (struct client *c = host->control->clients; c != NULL; c = c->next)
		if (c->fd >= 0 && !c->local && c->out.n > 0 && now - c->progress_ms > STALLED_MS)
			client_end(c);
	bury(host->control);
}

bool control_is_idle(const struct host *host)
{
	for (const struct client *c = host->control->clients; c != NULL; c = c->next)
		if (c->fd >= 0 && c->out.n > 0)
			return false;
	return true;
}

void control_close(struct host *host)
{
	struct control *control = host->control;

	if (control == NULL)
		return;
	for (struct client *c = control->clients; c != NULL; c = c->next)
		client_end(c);
	bury(control);
	loop_unwatch(&host->loop, &control->watch);
	if (control->fd >= 0) {
		close(control->fd);
		unlinkat(control->data_fd, CONSOLE_SOCKET, 0);
	}
	if (control->data_fd >= 0)
		close(control->data_fd);
	free(control);
	host->control = NULL;
}
