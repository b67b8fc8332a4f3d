/* What the host's console asks of the task: its sessions, and to drop some. */
#ifndef POSTIL_LMTP_CONSOLE_H
#define POSTIL_LMTP_CONSOLE_H

#include <postil.h>

#include "addin/lmtp/task.h"

void console_list_sessions(struct task *task, void (*emit)(void *emit_context,
                           const POSTIL_SESSION *session), void *emit_context);
/* pattern: an address, "local", or "ALL"; returns how many. */
DWORD console_drop_sessions(struct task *task, const char *pattern);

#endif
