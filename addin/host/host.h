/*
 * The host: what its parts share. One thread runs all of it but the worker's
 * jobs, so nothing here is locked.
 */
#ifndef POSTIL_HOST_HOST_H
#define POSTIL_HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "addin/host/log.h"
#include "addin/host/loop.h"
#include "addin/host/queue.h"
#include "addin/host/stat.h"
#include "addin/host/worker.h"
#include "base/fault.h"
#include "base/ini.h"

struct task;
struct plan;
struct listener;
struct control;
struct compiler;

#define INHERITED_MAX 64

enum host_state { HOST_STARTING, HOST_RUNNING, HOST_ENDING };

struct host {
	char *data_dir, *program_dir;   /* absolute */
	enum host_state state;
	struct loop loop;
	struct worker *worker;
	struct log *log;
	struct ini *ini;                /* notes.ini as read, and as set since */
	uint32_t ini_changes;
	struct watch *signal_watch, *ini_watch;
	int signal_fd, ini_fd;
	struct stat_table stats;
	struct queue_table queues;
	struct task *tasks;
	struct plan *plans;             /* programs that ServerTasks names */
	unsigned last_run;              /* number of the last task started */
	struct listener *listeners;
	int privileged_fd;              /* to the child that opens ports; -1: none */
	struct control *control;
	struct compiler *compiler;
	struct timer *second;           /* fires each second */
	int inherited[INHERITED_MAX];   /* descriptors from systemd */
	size_t inherited_count;
	int lock_fd;                    /* inherited by tasks */
	uint64_t started_ms;            /* monotonic */
	int64_t started_wall_ms;
	uint64_t quit_ms;               /* when HOST_ENDING began */
	int last_hour;                  /* ServerTasksAt of this hour were started */
	pid_t terminal_pid;             /* 0: gone */
};

/* Begin the end: tasks are asked, then made to end; the loop leaves with the last. */
void host_quit(struct host *host);

/* --- notes.ini (settings.c) ---------------------------------------------------- */

const char *setting(const struct host *host, const char *name);         /* "" when not set */
int64_t setting_number(const struct host *host, const char *name, int64_t fallback,
                       int64_t least, int64_t most);
/* Set a variable ("" removes it) at once in memory and durably in the file; done
 * (may be NULL) is called when that has succeeded or failed. */
void setting_set(struct host *host, const char *name, const char *value,
                 void (*done)(void *context, STATUS status, const char *why), void *context);
/* Is it a name, may it be set, is the value one line? */
STATUS setting_check(const char *name, const char *value);
/* Log what makes no sense: of one variable, of all (NULL). */
void settings_judge(const struct host *host, const char *changed);
void settings_watch(struct host *host); /* take up changes made by hand */

/* --- the directory's compiler (compiler.c) --------------------------------------- */

/* Keep names.nsf in step with DATA/names: compile now and whenever they change.
 * first_done is called once, when the first run has ended or could not start. */
STATUS compiler_start(struct host *host, void (*first_done)(struct host *host));
bool compiler_reaped(struct host *host, pid_t pid, int status);
void compiler_stop(struct host *host);

#endif
