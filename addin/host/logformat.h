/*
 * How a log line looks: `MM/DD/YYYY hh:mm:ss AM  Task: text`, after the
 * notes.ini variables DateOrder, DateSeparator, ClockType, TimeSeparator
 * (Domino's), or one JSON object a line.
 */
#ifndef POSTIL_HOST_LOGFORMAT_H
#define POSTIL_HOST_LOGFORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ini.h"

struct log_style {
	char date_order[4];     /* "MDY", "DMY" or "YMD" */
	char date_separator, time_separator;
	bool clock_24;
	bool thread_id;         /* DEBUG_THREADID: `[pid:thread] ` before the date */
};

/* Values that make no sense leave the default: MDY, `/`, `:`, 12 hours. */
void log_style_read(struct log_style *style, const struct ini *ini);

struct log_record {
	int64_t wall_ms;
	const char *task;       /* as loaded, "server" for the host itself */
	int pid;
	uint32_t thread;        /* 0: the main one */
	struct slice text;      /* any octets; final line ends are dropped */
};

/* Appended to out, without line end. Control characters, octets that are not
 * UTF-8, and characters that reorder text become \xNN; a newline inside the
 * text goes on in a new line with four blanks. */
void log_format_text(const struct log_style *style, const struct log_record *record,
                     struct buf *out);
/* {"time":"2026-01-31T12:00:00.123Z","task":"pop3","pid":7,"text":"..."} */
void log_format_json(const struct log_record *record, struct buf *out);

/* "MM/DD/YYYY hh:mm:ss AM" */
void log_format_time(const struct log_style *style, int64_t wall_ms, struct buf *out);

/* Text made safe to show, as log_format_text does it. */
void log_show_text(struct slice text, struct buf *out);

#endif
