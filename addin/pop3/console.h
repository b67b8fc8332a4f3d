/*
 * What the console asks of open sessions: `show users` and `drop`. Both may be
 * called from any thread; neither waits for a session.
 */
#ifndef POSTIL_POP3_CONSOLE_H
#define POSTIL_POP3_CONSOLE_H

#include <postil.h>

#include "addin/pop3/task.h"

void console_list_sessions(struct task *task, void (*emit)(void *emit_context,
                           const POSTIL_SESSION *session), void *emit_context);
/* Sessions of a person (any form of the name), or from an address, or "ALL";
 * how many were told to end. */
DWORD console_drop_sessions(struct task *task, const char *pattern);

#endif
