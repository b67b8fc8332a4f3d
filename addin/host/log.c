/* The server's log. Distrusts the text of lines (logformat.c makes it safe) and
 * the disk: when it is slow or full, lines are dropped, counted and told. */
#include "addin/host/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "addin/host/logfile.h"
#include "base/clock.h"
#include "base/banned.h"

#define PENDING_MAX_OCTETS (4u << 20)
#define LINE_MAX_OCTETS 8192
#define COMPLAIN_EVERY_MS 60000

struct log {
	struct log_style style;
	bool enabled, json;
	struct worker *worker;
	log_listener *listener;
	void *listener_context;
	struct buf pending;             /* for the file, not yet handed over */
	unsigned long dropped;          /* lines that found no room in it */
	struct buf text_line, json_line;
	bool busy;                      /* the worker has `batch` and `file` */
	struct log_file file;
	int64_t max_kbytes, generations;        /* for the file's next batch */
	bool reopen;
	struct buf batch;
	uint64_t complained_ms;
};

STATUS log_new(const char *data_dir, struct worker *worker, struct log **log_r)
{
	struct log *log = calloc(1, sizeof(*log));
	STATUS status;

	if (log == NULL)
		return POSTIL_ERR_MEMORY;
	log->worker = worker;
	log->style = (struct log_style){ "MDY", '/', ':', false, false };
	log->enabled = true;
	log->max_kbytes = 10240;
	log->generations = 5;
	buf_init(&log->pending, PENDING_MAX_OCTETS);
	buf_init(&log->batch, PENDING_MAX_OCTETS);
	buf_init(&log->text_line, 0);
	buf_init(&log->json_line, 0);
	status = log_file_init(&log->file, data_dir);
	if (status != NOERROR) {
		free(log);
		return status;
	}
	*log_r = log;
	return NOERROR;
}

void log_free(struct log **log)
{
	if (*log == NULL)
		return;
	log_file_release(&(*log)->file);
	buf_release(&(*log)->pending);
	buf_release(&(*log)->batch);
	buf_release(&(*log)->text_line);
	buf_release(&(*log)->json_line);
	free(*log);
	*log = NULL;
}

void log_configure(struct log *log, const struct ini *ini)
{
	const char *format = ini_get(ini, "CONSOLE_LOG_FORMAT");

	log_style_read(&log->style, ini);
	log->enabled = ini_get_number(ini, "CONSOLE_LOG_ENABLED", 1) != 0;
	log->json = format != NULL && strcasecmp(format, "json") == 0;
	log->max_kbytes = ini_get_number(ini, "CONSOLE_LOG_MAX_KBYTES", 10240);
	log->generations = ini_get_number(ini, "CONSOLE_LOG_GENERATIONS", 5);
}

void log_listen(struct log *log, log_listener *listener, void *context)
{
	log->listener = listener;
	log->listener_context = context;
}

const struct log_style *log_style(const struct log *log)
{
	return &log->style;
}

static void keep_for_file(struct log *log, struct slice line)
{
	if (!log->enabled)
		return;
	if (log->pending.n + line.n > PENDING_MAX_OCTETS) {
		log->dropped++;
		return;
	}
	buf_add_slice(&log->pending, line);
	if (buf_status(&log->pending) != NOERROR) {
		log->dropped++;
		log->pending.broken = NOERROR;
	}
}

static void add_record(struct log *log, struct log_record *record, bool file_only)
{
	if (record->text.n > LINE_MAX_OCTETS)
		record->text.n = LINE_MAX_OCTETS;
	record->wall_ms = clock_wall_ms();
	buf_clear(&log->text_line);
	buf_clear(&log->json_line);
	log_format_text(&log->style, record, &log->text_line);
	buf_add_char(&log->text_line, '\n');
	if (log->json) {
		log_format_json(record, &log->json_line);
		buf_add_char(&log->json_line, '\n');
	}
	keep_for_file(log, buf_slice(log->json ? &log->json_line : &log->text_line));
	if (!file_only && log->listener != NULL)
		log->listener(log->listener_context, buf_slice(&log->text_line),
		              buf_slice(&log->json_line));
}

void log_add(struct log *log, const char *task, int pid, uint32_t thread, struct slice text)
{
	struct log_record record = { .task = task, .pid = pid, .thread = thread, .text = text };

	add_record(log, &record, false);
}

void log_say(struct log *log, const char *format, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_add(log, "server", (int)getpid(), 0, slice_of(text));
}

void log_file_only(struct log *log, struct slice text)
{
	struct log_record record = { .task = "server", .pid = (int)getpid(), .text = text };

	add_record(log, &record, true);
}

bool log_is_enabled(const struct log *log)
{
	return log->enabled;
}

void log_enable(struct log *log, bool enabled)
{
	log->enabled = enabled;
}

const char *log_path(const struct log *log)
{
	return log->file.path;
}

void log_reopen(struct log *log)
{
	log->reopen = true;
}

static void write_batch(void *context)
{
	struct log *log = context;

	log_file_write(&log->file, buf_slice(&log->batch));
}

/* The file's trouble is shown on the consoles; the line itself may not reach it. */
static void complain(struct log *log)
{
	uint64_t now = clock_mono_ms();

	if (log->complained_ms != 0 && now - log->complained_ms < COMPLAIN_EVERY_MS)
		return;
	log->complained_ms = now;
	if (log->file.error != 0)
		log_say(log, "Console log %s cannot be written: %s; %lu lines dropped",
		        log->file.path, strerrordesc_np(log->file.error), log->file.lost + log->dropped);
	else
		log_say(log, "Console log %s is slower than its lines come: %lu lines dropped",
		        log->file.path, log->dropped);
	log->dropped = log->file.lost = 0;
}

static void batch_written(void *context)
{
	struct log *log = context;

	log->busy = false;
	buf_clear(&log->batch);
	if (log->file.error != 0 || log->dropped > 0)
		complain(log);
}

void log_flush(struct log *log)
{
	struct buf taken;

	if (log->busy || log->pending.n == 0)
		return;
	log_file_limits(&log->file, log->max_kbytes, log->generations);
	log->file.reopen = log->reopen;
	log->reopen = false;
	taken = log->batch;
	log->batch = log->pending;
	log->pending = taken;
	log->busy = worker_submit(log->worker, write_batch, batch_written, log) == NOERROR;
	if (!log->busy) {
		taken = log->batch;
		log->batch = log->pending;
		log->pending = taken;
	}
}

bool log_is_idle(const struct log *log)
{
	return !log->busy && log->pending.n == 0;
}
