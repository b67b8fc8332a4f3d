/*
 * What the verbs of the postil command share: where the data directory is, how
 * a failure is said, which exit status it gives (sysexits.h), who the process is.
 */
#ifndef POSTIL_TOOLS_TOOL_H
#define POSTIL_TOOLS_TOOL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/fault.h"
#include "mailfile/store.h"

/* "postil deliver: text" as one line on standard error. verb is set once. */
void tool_start(const char *verb);
__attribute__((format(printf, 1, 2)))
void tool_say(const char *format, ...);
/* Append text for a person to read: as it is, or, where it could do harm to a terminal
 * or is no UTF-8, escaped as a log line is. */
void tool_add_text(struct buf *out, struct slice text);
/* Say the fault; returns the exit status for it. */
int tool_fail(const struct fault *fault, STATUS status);
int tool_exit_status(STATUS status);
/* From now on the usage is what was asked for: tool_usage prints it on standard output and returns
 * EX_OK, and getopt says nothing. */
void tool_ask_usage(void);
/* "Usage: postil text" on standard error; returns EX_USAGE. */
int tool_usage(const char *text);
/* The same to who asked for it: on standard output; returns EX_OK. */
int tool_help(const char *text);

/* given, else $POSTIL_DATA, else the installed default: absolute, links
 * resolved, to be freed. From then on the process has umask 077 and, if root
 * was it and the directory is somebody else's, that owner's identity. NULL: it
 * has been said why, *exit_r is what to exit with. */
char *tool_data_dir(const char *given, int *exit_r);

/* ServerName of DATA/notes.ini, canonical; appended. Nothing where there is none. */
STATUS tool_server_name(const char *data_dir, struct buf *out, struct fault *fault);

/* The store of mail files below data_dir. NULL: it has been said why. */
struct mail_store *tool_store(const char *data_dir, int *exit_r);

/* --- names.c: for verbs that read mail --- */
struct render_options;
/* How Notes names in mail become addresses: by the directory and notes.ini; stays until the process ends.
 * NULL: see fault. */
const struct render_options *tool_names(const char *data_dir, struct fault *fault);
/* tool_store with them. */
struct mail_store *tool_mail_store(const char *data_dir, int *exit_r);

#endif
