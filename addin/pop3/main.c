/*
 * The POP3 task: AddInMain, what the console tells it, its settings over time.
 * Distrusts the text of `tell pop3 ...`, which is compared and shown escaped.
 */
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <addin.h>
#include <miscerr.h>
#include <mq.h>
#include <osenv.h>
#include <postil.h>
#include <stdnames.h>

#include "addin/mail/names.h"
#include "addin/pop3/client.h"
#include "addin/net/complaints.h"
#include "addin/pop3/console.h"
#include "addin/pop3/guards.h"
#include "addin/pop3/port.h"
#include "addin/pop3/registry.h"
#include "addin/pop3/reply.h"
#include "addin/pop3/statistics.h"
#include "addin/pop3/task.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/text.h"
#include "mailfile/tidy.h"

#define STATISTICS_MS 5000
#define FILES_MS 2000           /* between two looks whether TLS credentials have changed */
#define LACKING_MS 10000        /* and whether what was missing has come */
#define QUIET_MS 1000
#define TIDY_MS 5000            /* for mail files at the end, at most */

struct program {
	struct task task;
	struct mail_names *names;       /* for the store */
	struct ports *ports;
	struct complaints complaints;   /* about the settings */
	MQHANDLE queue;
	DHANDLE listen_line, utility_line, control_line;
	atomic_bool port_ready, settings_changed;
	uint64_t settings_read_ms, statistics_ms, files_ms;
	uint64_t quiet_since_ms;        /* nothing has been said since */
	uint64_t last_octets;
	bool shrunk;
	char listens[200];              /* the status line as last shown */
};

static void log_line(void *context, const char *text)
{
	AddInLogMessageText("%s", NOERROR, text);
}

/* What does not name its speaker itself. */
static void log_ours(void *context, const char *text)
{
	AddInLogMessageText("POP3 Server: %s", NOERROR, text);
}

/* --- settings ------------------------------------------------------------------------ */

static bool get_variable(void *context, const char *name, char *value, size_t size)
{
	return OSGetEnvironmentString(name, value, (WORD)(size - 1)) != FALSE;
}

/* A session locks its mail file. A handle is up to four files; besides the idle ones
 * each thread may have one open, and so has the directory. */
#define SESSION_FILES 1
#define HANDLE_FILES 4
#define OTHER_FILES 128

static unsigned other_files(const struct settings *settings)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned threads = settings->threads != 0 ? settings->threads
		: 2 * (unsigned)(cores < 1 ? 1 : cores) + 2;

	return OTHER_FILES + HANDLE_FILES * (settings->open_databases + threads);
}

static void engine_options(const struct task *task, const struct settings *settings,
                           struct net_options *options)
{
	*options = (struct net_options){
		.workers = settings->threads,
		.max_connections = settings->max_sessions,
		.files_each = SESSION_FILES,
		.files_kept = other_files(settings),
		.max_per_address = settings->max_per_address,
		.spare_loopback = settings->spare_loopback,
		.prelogin_ms = settings->prelogin_timeout_secs * 1000,
		.grace_ms = settings->grace_secs * 1000,
		.line_octets = 2 * POP3_AUTH_LINE_OCTETS,
		.refused_line = reply_refused_line,
		.log = log_ours,
		.log_context = task->log_context,
	};
}

#define PENALTY_FIRST_MS 1000
#define PENALTY_ADDRESSES 20000

static void penalty_options(const struct settings *settings, struct net_penalty_options *options)
{
	*options = (struct net_penalty_options){
		.first_ms = PENALTY_FIRST_MS,
		.most_ms = settings->failed_login_penalty_secs * 1000,
		.halve_ms = settings->penalty_halves_secs * 1000,
		.addresses = PENALTY_ADDRESSES,
	};
}

static void show_port(struct program *p)
{
	char text[sizeof(p->listens)];

	ports_describe(p->ports, text, sizeof(text));
	if (strcmp(text, p->listens) == 0)
		return;
	memcpy(p->listens, text, sizeof(text));
	AddInSetStatusLine(p->listen_line, "%s", text);
}

/* Tickets live as long as the task, so that clients come back over every change. */
static STATUS make_secure(struct program *p, struct settings *fresh, const struct settings *before)
{
	STATUS status = NOERROR;

	if (p->task.tickets == NULL)
		status = tls_tickets_new(fresh->ticket_hours * 3600, &p->task.tickets);
	if (status == NOERROR)
		status = secure_new(fresh, p->task.data_dir, p->task.tickets,
		                    before == NULL ? NULL : before->secure, complaints_say,
		                    &p->complaints, &fresh->secure);
	return status;
}

/* Take up what notes.ini and the Server document say now; sessions keep what they
 * began with. */
static STATUS read_settings(struct program *p, bool told, struct settings **settings_r)
{
	struct settings *before = p->task.settings, *fresh = NULL;
	STATUS status;

	complaints_begin(&p->complaints, told);
	status = settings_read(get_variable, NULL, p->task.directory, complaints_say, &p->complaints,
	                       &fresh);
	if (status == NOERROR)
		status = make_secure(p, fresh, before);
	p->settings_read_ms = clock_mono_ms();
	if (status == NOERROR)
		*settings_r = fresh;
	else
		settings_release(&fresh);
	if (status != NOERROR && before != NULL)
		AddInLogMessageText("POP3 Server: the settings cannot be read, the old ones hold: %s",
		                    NOERROR, status_text(status));
	return status;
}

/* Certificates, CAs or revocation lists may have changed though nothing else has. */
static void refresh_secure(struct program *p, struct settings *fresh, bool told)
{
	if (secure_equal(fresh->secure, p->task.settings->secure)) {
		settings_release(&fresh);
		if (told)
			log_line(NULL, "POP3 Server: Configuration has not changed");
		return;
	}
	ports_follow(p->ports, fresh);
	task_set_settings(&p->task, fresh);
	show_port(p);
	log_line(NULL, "POP3 Server: TLS credentials updated");
}

/* Names and passwords that cross the network in clear. */
static void warn_of_clear_text(const struct settings *settings)
{
	struct entry_rules rules;
	size_t open = 0;

	for (size_t i = 0; i < settings_place_count(settings); i++) {
		settings_place_rules(settings, i, &rules);
		open += rules.password;
	}
	if (settings->port_enabled && open > 0 && !settings_is_loopback(settings))
		AddInLogMessageText("POP3 Server: Warning: port %u takes names and passwords in clear from "
		                    "the network; set Name & password of the TCP/IP port to No where clients "
		                    "can use TLS or STLS", NOERROR, (unsigned)settings->port);
}

static void refresh(struct program *p, bool told)
{
	struct settings *fresh;
	struct net_options options;
	struct net_penalty_options penalties;

	if (read_settings(p, told, &fresh) != NOERROR)
		return;
	if (settings_equal(fresh, p->task.settings)) {
		refresh_secure(p, fresh, told);
		return;
	}
	engine_options(&p->task, fresh, &options);
	net_set_options(p->task.net, &options);
	passcache_set_ttl(p->task.passcache, fresh->password_cache_minutes * 60);
	penalty_options(fresh, &penalties);
	net_penalty_set_options(p->task.penalty, &penalties);
	ports_follow(p->ports, fresh);
	task_set_settings(&p->task, fresh);
	show_port(p);
	log_line(NULL, "POP3 Server: Configuration updated");
	warn_of_clear_text(fresh);
}

/* --- what the host asks, on a thread of its own -------------------------------------------- */

static void list_sessions(void *context, void (*emit)(void *emit_context,
                          const POSTIL_SESSION *session), void *emit_context)
{
	console_list_sessions(&((struct program *)context)->task, emit, emit_context);
}

static DWORD drop_sessions(void *context, const char *pattern)
{
	return console_drop_sessions(&((struct program *)context)->task, pattern);
}

static void port_ready(void *context, const char *address, WORD port)
{
	atomic_store(&((struct program *)context)->port_ready, true);
}

static void settings_changed(void *context)
{
	atomic_store(&((struct program *)context)->settings_changed, true);
}

static void set_callbacks(struct program *p)
{
	POSTIL_CALLBACKS callbacks = {
		.ListSessions = list_sessions, .DropSessions = drop_sessions,
		.PortReady = port_ready, .SettingsChanged = settings_changed, .context = p,
	};

	PostilSetCallbacks(&callbacks);
}

/* --- tell pop3 ... --------------------------------------------------------------------------- */

static void show_config(struct program *p)
{
	settings_each(p->task.settings, log_line, NULL);
}

static void show_lockouts(struct program *p)
{
	guards_show_lockouts(&p->task);
}

static void show_penalties(struct program *p)
{
	guards_show_penalties(&p->task);
}

static void refresh_told(struct program *p)
{
	refresh(p, true);
}

static const struct {
	const char *text;
	void (*run)(struct program *p);
} commands[] = {
	{ "show config", show_config },
	{ "show configuration", show_config },
	{ "show lockouts", show_lockouts },
	{ "show penalties", show_penalties },
	{ "refresh", refresh_told },
};

/* "unlock NAME": the rest of the line is a name, blanks and all. */
static bool obey_unlock(struct program *p, struct slice text)
{
	static const char word[] = "unlock";
	size_t n = sizeof(word) - 1;

	if (text.n <= n || (text.p[n] != ' ' && text.p[n] != '\t') ||
	    !slice_equal_nocase((struct slice){ text.p, n }, slice_of(word)))
		return false;
	guards_unlock(&p->task, text_trim((struct slice){ text.p + n, text.n - n }));
	return true;
}

static void obey(struct program *p, struct slice text)
{
	struct buf shown = BUF_INIT;

	text = text_trim(text);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!slice_equal_nocase(text, slice_of(commands[i].text)))
			continue;
		commands[i].run(p);
		return;
	}
	if (obey_unlock(p, text))
		return;
	text_escape(text, 60, &shown);
	AddInLogMessageText("POP3 Server: \"%s\" is not a command; it knows refresh, show config, "
	                    "show lockouts, show penalties, unlock NAME and quit", NOERROR,
	                    buf_cstr(&shown));
	buf_release(&shown);
}

/* --- the task's own time -------------------------------------------------------------------------- */

/* Nothing has been said for a while: memory goes back to the system. */
static void shrink_when_quiet(struct program *p, uint64_t now)
{
	struct net_counters counters;
	uint64_t octets;

	net_counters(p->task.net, &counters);
	octets = counters.octets_in + counters.octets_out;
	if (octets != p->last_octets) {
		p->last_octets = octets;
		p->quiet_since_ms = now;
		p->shrunk = false;
	} else if (!p->shrunk && now - p->quiet_since_ms >= QUIET_MS) {
		if (p->task.store->calls->shrink != NULL)
			p->task.store->calls->shrink(p->task.store);
		directory_shrink(p->task.directory);
		malloc_trim(0);
		p->shrunk = true;
	}
}

/* Files of credentials say nothing when they change: one looks. */
static bool files_changed(struct program *p, uint64_t now)
{
	const struct secure *secure = p->task.settings->secure;

	if (secure_is_lacking(secure) && now - p->settings_read_ms >= LACKING_MS)
		return true;
	if (now - p->files_ms < FILES_MS)
		return false;
	p->files_ms = now;
	return !secure_is_current(secure);
}

static void every_second(struct program *p)
{
	uint64_t now = clock_mono_ms();
	uint64_t interval = (uint64_t)p->task.settings->config_update_minutes * 60000;

	if (atomic_exchange(&p->port_ready, false)) {
		ports_retry(p->ports);
		show_port(p);
	}
	if (atomic_exchange(&p->settings_changed, false) || now - p->settings_read_ms >= interval ||
	    files_changed(p, now))
		refresh(p, false);
	if (now - p->statistics_ms >= STATISTICS_MS) {
		p->statistics_ms = now;
		statistics_publish(p->task.net);
	}
	shrink_when_quiet(p, now);
}

static void serve(struct program *p)
{
	char text[MAX_CONSOLE_CMD_LEN];
	STATUS status = NOERROR;
	WORD length;

	while (!AddInShouldTerminate() && (status == NOERROR || status == ERR_MQ_TIMEOUT)) {
		status = MQGet(p->queue, text, sizeof(text), MQ_WAIT_FOR_MSG, 1000, &length);
		if (status == NOERROR)
			obey(p, (struct slice){ text, length });
		every_second(p);
	}
}

/* --- start and end ----------------------------------------------------------------------------------- */

static void make_status_lines(struct program *p)
{
	HMODULE module;
	DHANDLE line;

	AddInQueryDefaults(&module, &line);
	AddInDeleteStatusLine(line);
	p->listen_line = AddInCreateStatusLine("POP3 Server");
	p->utility_line = AddInCreateStatusLine("POP3 Server");
	p->control_line = AddInCreateStatusLine("POP3 Server");
	AddInSetDefaults(module, p->listen_line);
	AddInSetStatusLine(p->listen_line, "Initializing");
	AddInSetStatusLine(p->utility_line, "Utility task");
	AddInSetStatusLine(p->control_line, "Control task");
}

static STATUS open_guards(struct task *task, struct fault *fault)
{
	struct net_penalty_options options;
	STATUS status = lockout_open(task->data_dir, &task->lockout, fault);

	penalty_options(task->settings, &options);
	if (status == NOERROR)
		status = net_penalty_new(&options, &task->penalty);
	if (status == NOERROR)
		status = crypt_random(task->fingerprint_key, sizeof(task->fingerprint_key));
	return status;
}

static STATUS open_parts(struct program *p, struct fault *fault)
{
	struct task *task = &p->task;
	struct nsfstore_options store_options = { .tell = log_ours };
	char domain[256] = "";
	struct settings *settings;
	STATUS status = directory_open(task->data_dir, &task->directory, fault);

	if (status == NOERROR)
		status = read_settings(p, false, &settings);
	if (status != NOERROR)
		return status;
	task->settings = settings;
	store_options.handles = settings->open_databases;
	get_variable(NULL, "POP3_Domain", domain, sizeof(domain));
	status = mail_names_new(task->directory, slice_of(settings->server), slice_of(domain), &p->names);
	if (status != NOERROR)
		return status;
	store_options.render = mail_names_options(p->names);
	status = nsfstore_new(task->data_dir, &store_options, &task->store, fault);
	if (status == NOERROR)
		status = passcache_new(settings->password_cache_entries,
		                       settings->password_cache_minutes * 60, &task->passcache);
	if (status == NOERROR)
		status = registry_new(&task->registry);
	if (status == NOERROR)
		status = open_guards(task, fault);
	return status;
}

static STATUS start_engine(struct program *p, struct fault *fault)
{
	struct net_options options;
	STATUS status;

	engine_options(&p->task, p->task.settings, &options);
	status = net_new(&options, &client_protocol, &p->task.net, fault);
	if (status == NOERROR)
		status = net_start(p->task.net, fault);
	if (status == NOERROR)
		status = ports_new(&p->task, &p->ports);
	if (status != NOERROR)
		return status;
	if (!p->task.settings->found)
		AddInLogMessageText("POP3 Server: there is no Server document for %s, defaults are used",
		                    NOERROR, p->task.settings->server);
	set_callbacks(p);
	ports_follow(p->ports, p->task.settings);
	show_port(p);
	warn_of_clear_text(p->task.settings);
	return NOERROR;
}

static void close_parts(struct program *p)
{
	struct task *task = &p->task;

	PostilSetCallbacks(NULL);
	ports_free(&p->ports);
	net_free(&task->net);
	registry_free(&task->registry);
	passcache_free(&task->passcache);
	lockout_close(&task->lockout);
	net_penalty_free(&task->penalty);
	crypt_wipe(task->fingerprint_key, sizeof(task->fingerprint_key));
	if (task->store != NULL) {
		task->store->calls->free(&task->store);
		mailfile_tidy(task->data_dir, TIDY_MS);
	}
	mail_names_free(&p->names);
	directory_close(&task->directory);
	settings_release(&task->settings);
	complaints_release(&p->complaints);
	tls_tickets_release(&task->tickets);
	pthread_mutex_destroy(&task->mutex);
}

/* Sessions end as they may; what is frozen in the store ends with the process. */
static bool end_sessions(struct program *p)
{
	bool all_done;

	log_line(NULL, "POP3 Server: Waiting for all tasks to complete");
	AddInSetStatusLine(p->listen_line, "Waiting for all tasks to complete");
	ports_stop(p->ports);
	all_done = net_end(p->task.net) == NOERROR;
	statistics_publish(p->task.net);
	log_line(NULL, all_done ? "POP3 Server: All tasks have completed"
	                        : "POP3 Server: A call to a mail file does not return, it is given up");
	return all_done;
}

/* One heap that gives back what is free; buffers of a message are not mapped anew
 * for each. */
static void tune_memory(void)
{
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);
	mallopt(M_TOP_PAD, 1024 * 1024);
}

static STATUS start(struct program *p)
{
	struct fault fault = { .status = NOERROR };
	STATUS status = open_parts(p, &fault);

	if (status == NOERROR)
		status = MQOpen(TASK_QUEUE_PREFIX "POP3", MQ_OPEN_CREATE, &p->queue);
	if (status == NOERROR)
		status = start_engine(p, &fault);
	if (status != NOERROR)
		AddInLogMessageText("POP3 Server: Cannot start: %s", NOERROR,
		                    fault_text(&fault, status));
	return status;
}

STATUS LNPUBLIC AddInMain(HMODULE module, int argc, char *argv[])
{
	static struct program program;
	struct program *p = &program;
	STATUS status;

	tune_memory();
	make_status_lines(p);
	complaints_init(&p->complaints, log_ours, NULL);
	log_line(NULL, "POP3 Server: Starting...");
	p->task.data_dir = PostilDataDirectory();
	p->task.log = log_line;
	pthread_mutex_init(&p->task.mutex, NULL);
	status = start(p);
	if (status == NOERROR) {
		log_line(NULL, "POP3 Server: Started");
		serve(p);
	}
	if (p->task.net == NULL || end_sessions(p))
		close_parts(p);
	log_line(NULL, "POP3 Server: Shutdown");
	return status;
}
