/*
 * The server's log: every line goes to the consoles that listen and, in batches
 * by the worker thread, to DATA/console.log, which is rotated by size.
 *
 * notes.ini: CONSOLE_LOG_ENABLED (1), CONSOLE_LOG_MAX_KBYTES (10240, 0 = never
 * rotated), CONSOLE_LOG_GENERATIONS (5), CONSOLE_LOG_FORMAT (text or json).
 */
#ifndef POSTIL_HOST_LOG_H
#define POSTIL_HOST_LOG_H

#include "addin/host/logformat.h"
#include "addin/host/worker.h"

struct log;

/* text and json: one line each, with line end; json is empty unless
 * CONSOLE_LOG_FORMAT=json. */
typedef void log_listener(void *context, struct slice text, struct slice json);

STATUS log_new(const char *data_dir, struct worker *worker, struct log **log_r);
void log_free(struct log **log);
void log_configure(struct log *log, const struct ini *ini);
void log_listen(struct log *log, log_listener *listener, void *context);
const struct log_style *log_style(const struct log *log);

/* A line of a task (text: hostile octets), and a line of the host itself. */
void log_add(struct log *log, const char *task, int pid, uint32_t thread, struct slice text);
__attribute__((format(printf, 2, 3)))
void log_say(struct log *log, const char *format, ...);
/* For the file only: what was typed at a console and answered there. */
void log_file_only(struct log *log, struct slice text);

bool log_is_enabled(const struct log *log);
void log_enable(struct log *log, bool enabled);
const char *log_path(const struct log *log);
void log_reopen(struct log *log);

/* Hand what has gathered to the worker: once per round of the loop. */
void log_flush(struct log *log);
bool log_is_idle(const struct log *log);        /* all is written */

#endif
