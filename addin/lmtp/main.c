/*
 * The delivery task: AddInMain, what the console tells it, its settings over time. Distrusts the
 * text of `tell lmtp ...`, which is compared and shown escaped.
 */
#include <malloc.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <addin.h>
#include <miscerr.h>
#include <mq.h>
#include <osenv.h>
#include <postil.h>
#include <stdnames.h>

#include "addin/lmtp/client.h"
#include "addin/lmtp/console.h"
#include "addin/lmtp/port.h"
#include "addin/lmtp/reply.h"
#include "addin/lmtp/statistics.h"
#include "addin/lmtp/task.h"
#include "addin/mail/names.h"
#include "addin/net/complaints.h"
#include "base/clock.h"
#include "base/text.h"
#include "mailfile/tidy.h"

#define STATISTICS_MS 5000
#define QUIET_MS 1000
#define TIDY_MS 5000            /* for mail files at the end, at most */

struct program {
	struct task task;
	struct ports *ports;
	struct mail_names *names;       /* for the store */
	struct complaints complaints;   /* about the settings */
	MQHANDLE queue;
	DHANDLE listen_line;
	atomic_bool port_ready, settings_changed;
	uint64_t settings_read_ms, statistics_ms;
	uint64_t quiet_since_ms;        /* nothing has been said since */
	uint64_t last_octets;
	bool shrunk;
	char listens[512];              /* the status line as last shown */
};

static void log_line(void *context, const char *text)
{
	AddInLogMessageText("%s", NOERROR, text);
}

/* What does not name its speaker itself. */
static void log_ours(void *context, const char *text)
{
	AddInLogMessageText("LMTP Server: %s", NOERROR, text);
}

/* --- settings ------------------------------------------------------------------------ */

static bool get_variable(void *context, const char *name, char *value, size_t size)
{
	return OSGetEnvironmentString(name, value, (WORD)(size - 1)) != FALSE;
}

/* A session may keep a message in a file, and its second form in another one. A handle is up to
 * four files; besides the idle ones each thread may have one open, and so has the directory. */
#define SESSION_FILES 2
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
		.prelogin_ms = settings->greeting_timeout_secs * 1000,
		.grace_ms = settings->grace_secs * 1000,
		.line_octets = 2 * LMTP_COMMAND_OCTETS,
		.refused_line = reply_refused_line,
		.log = log_ours,
		.log_context = task->log_context,
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

/* Take up what notes.ini and the directory say now; sessions keep what they began with. */
static STATUS read_settings(struct program *p, bool told, struct settings **settings_r)
{
	STATUS status;

	complaints_begin(&p->complaints, told);
	status = settings_read(get_variable, NULL, p->task.data_dir, p->task.directory, complaints_say,
	                       &p->complaints, settings_r);
	p->settings_read_ms = clock_mono_ms();
	if (status != NOERROR && p->task.settings != NULL)
		AddInLogMessageText("LMTP Server: the settings cannot be read, the old ones hold: %s",
		                    NOERROR, status_text(status));
	return status;
}

static void refresh(struct program *p, bool told)
{
	struct settings *fresh;
	struct net_options options;

	if (read_settings(p, told, &fresh) != NOERROR)
		return;
	if (settings_equal(fresh, p->task.settings)) {
		settings_release(&fresh);
		if (told)
			log_line(NULL, "LMTP Server: Configuration has not changed");
		return;
	}
	engine_options(&p->task, fresh, &options);
	net_set_options(p->task.net, &options);
	ports_follow(p->ports, fresh);
	task_set_settings(&p->task, fresh);
	show_port(p);
	log_line(NULL, "LMTP Server: Configuration updated");
}

/* --- what the host asks, on a thread of its own ---------------------------------------- */

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

/* --- tell lmtp ... ----------------------------------------------------------------------- */

static void show_config(struct program *p)
{
	settings_each(p->task.settings, log_line, NULL);
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
	{ "refresh", refresh_told },
};

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
	text_escape(text, 60, &shown);
	AddInLogMessageText("LMTP Server: \"%s\" is not a command; it knows refresh, show config and quit",
	                    NOERROR, buf_cstr(&shown));
	buf_release(&shown);
}

/* --- the task's own time ------------------------------------------------------------------- */

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

static void every_second(struct program *p)
{
	uint64_t now = clock_mono_ms();
	uint64_t interval = (uint64_t)p->task.settings->config_update_minutes * 60000;

	if (atomic_exchange(&p->port_ready, false)) {
		ports_retry(p->ports);
		show_port(p);
	}
	if (atomic_exchange(&p->settings_changed, false) || now - p->settings_read_ms >= interval)
		refresh(p, false);
	if (now - p->statistics_ms >= STATISTICS_MS) {
		p->statistics_ms = now;
		statistics_publish(&p->task);
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

/* --- start and end ------------------------------------------------------------------------- */

static void make_status_line(struct program *p)
{
	HMODULE module;
	DHANDLE line;

	AddInQueryDefaults(&module, &line);
	AddInDeleteStatusLine(line);
	p->listen_line = AddInCreateStatusLine("LMTP Server");
	AddInSetDefaults(module, p->listen_line);
	AddInSetStatusLine(p->listen_line, "Initializing");
}

static STATUS open_parts(struct program *p, struct fault *fault)
{
	struct task *task = &p->task;
	struct nsfstore_options store_options = { .tell = log_ours };
	struct settings *settings = NULL;
	STATUS status = directory_open(task->data_dir, &task->directory, fault);

	if (status == NOERROR)
		status = read_settings(p, false, &settings);
	if (status != NOERROR)
		return status;
	task->settings = settings;
	status = mail_names_new(task->directory, slice_of(settings->server),
	                        slice_of(settings->pop3_domain), &p->names);
	if (status != NOERROR)
		return status;
	store_options.handles = settings->open_databases;
	store_options.render = mail_names_options(p->names);
	return nsfstore_new(task->data_dir, &store_options, &task->store, fault);
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
	set_callbacks(p);
	ports_follow(p->ports, p->task.settings);
	show_port(p);
	return NOERROR;
}

static void close_parts(struct program *p)
{
	struct task *task = &p->task;

	PostilSetCallbacks(NULL);
	ports_free(&p->ports);
	net_free(&task->net);
	if (task->store != NULL) {
		task->store->calls->free(&task->store);
		mailfile_tidy(task->data_dir, TIDY_MS);
	}
	mail_names_free(&p->names);
	directory_close(&task->directory);
	settings_release(&task->settings);
	complaints_release(&p->complaints);
	pthread_mutex_destroy(&task->mutex);
}

/* Sessions end as they may; what is frozen in the store ends with the process. */
static bool end_sessions(struct program *p)
{
	bool all_done;

	log_line(NULL, "LMTP Server: Waiting for all tasks to complete");
	AddInSetStatusLine(p->listen_line, "Waiting for all tasks to complete");
	if (p->ports != NULL)
		ports_stop(p->ports);
	all_done = net_end(p->task.net) == NOERROR;
	statistics_publish(&p->task);
	log_line(NULL, all_done ? "LMTP Server: All tasks have completed"
	                        : "LMTP Server: A call to a mail file does not return, it is given up");
	return all_done;
}

/* One heap that gives back what is free; buffers of a message are not mapped anew for each. */
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
		status = MQOpen(TASK_QUEUE_PREFIX "LMTP", MQ_OPEN_CREATE, &p->queue);
	if (status == NOERROR)
		status = start_engine(p, &fault);
	if (status != NOERROR)
		AddInLogMessageText("LMTP Server: Cannot start: %s", NOERROR, fault_text(&fault, status));
	return status;
}

STATUS LNPUBLIC AddInMain(HMODULE module, int argc, char *argv[])
{
	static struct program program;
	struct program *p = &program;
	STATUS status;

	tune_memory();
	make_status_line(p);
	complaints_init(&p->complaints, log_ours, NULL);
	log_line(NULL, "LMTP Server: Starting...");
	p->task.data_dir = PostilDataDirectory();
	p->task.log = log_line;
	pthread_mutex_init(&p->task.mutex, NULL);
	status = start(p);
	if (status == NOERROR) {
		log_line(NULL, "LMTP Server: Started");
		serve(p);
	}
	if (p->task.net == NULL || end_sessions(p))
		close_parts(p);
	log_line(NULL, "LMTP Server: Shutdown");
	return status;
}
