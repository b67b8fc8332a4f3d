/*
 * Consoles: the terminal's, and those that come through DATA/console.sock, which
 * only the owner of the data directory and root may use. The lines are those of
 * addin/wire/console.h.
 */
#ifndef POSTIL_HOST_CONTROL_H
#define POSTIL_HOST_CONTROL_H

#include "addin/host/host.h"

/* --- a command that runs ------------------------------------------------------------ */

struct run;

struct host *run_host(struct run *run);
/* Its console shows the log anyway. */
bool run_is_live(const struct run *run);
__attribute__((format(printf, 2, 3)))
void run_say(struct run *run, const char *format, ...);         /* one line of output */
void run_line(struct run *run, struct slice text);
/* The command has ended; run is gone. */
void run_end(struct run *run, bool well);
__attribute__((format(printf, 2, 3)))
void run_fail(struct run *run, const char *format, ...);        /* a line, then the end */

/* A command within another: its output goes to the same console, its end to ended. */
struct run *run_part(struct run *whole, void (*ended)(void *context, bool well), void *context);
bool run_is_part(const struct run *run);

/* Find and start the command of a line (console.c). */
void console_run(struct run *run, struct slice line);

/* --- consoles --------------------------------------------------------------------------- */

STATUS control_open(struct host *host, struct fault *fault);
/* The terminal's console, a stream socket that is now ours. plain: it is no terminal. */
void control_add_local(struct host *host, int fd, bool plain);
void control_log(void *context, struct slice text, struct slice json);  /* a log_listener */
void control_tasks(struct host *host);  /* tasks have come or gone */
void control_tick(struct host *host);
bool control_is_idle(const struct host *host);  /* all has been sent to the terminal */
void control_close(struct host *host);

#endif
