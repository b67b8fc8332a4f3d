/*
 * The table of console commands and how a typed line finds its command: words
 * may be shortened while they stay unique, upper and lower case are the same.
 */
#ifndef POSTIL_HOST_COMMAND_H
#define POSTIL_HOST_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct run;

#define COMMAND_ARGS_MAX 8

struct command {
	const char *words;              /* "show tasks", in lower case */
	unsigned least, most;           /* arguments behind the words */
	bool hidden;                    /* not in the list of help */
	const char *syntax, *help;
	/* rest: all behind the words, as typed; args: its words, without quotes. */
	void (*function)(struct run *run, struct slice rest, const struct slice *args,
	                 size_t count);
};

enum command_match {
	COMMAND_FOUND, COMMAND_EMPTY, COMMAND_UNKNOWN, COMMAND_AMBIGUOUS,
	COMMAND_INSUFFICIENT, COMMAND_TOO_MANY, COMMAND_TOO_LONG
};

struct command_found {
	const struct command *command;
	struct slice rest, args[COMMAND_ARGS_MAX];
	size_t count;
};

/* table ends with words == NULL. Commands with the same function do not make each
 * other ambiguous. */
enum command_match command_match(const struct command *table, struct slice line,
                                 struct command_found *found_r);
/* The product's sentence for each but FOUND and EMPTY. */
const char *command_match_text(enum command_match match);

extern const struct command console_commands[];         /* console.c */

#endif
