/*
 * A console's face: the terminal with line editing, history and completion, or
 * plain lines where standard input or output is no terminal.
 */
#ifndef POSTIL_TOOLS_TERMINAL_H
#define POSTIL_TOOLS_TERMINAL_H

#include <stdbool.h>

/* Talk to the server at fd (addin/wire/console.h) until one side ends; the exit
 * status. own: the server started us; plain input that ends leaves it serving. */
int terminal_run(int fd, bool own);

/* One command: its output to standard output; 0 or 1 as it went, 2: no answer. */
int terminal_command(int fd, const char *command);

#endif
