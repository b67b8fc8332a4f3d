/*
 * `tell pop3 show lockouts`, `unlock NAME`, `show penalties`: who is kept out by wrong
 * passwords, told line by line to the log.
 */
#ifndef POSTIL_POP3_GUARDS_H
#define POSTIL_POP3_GUARDS_H

#include "addin/pop3/task.h"

void guards_show_lockouts(struct task *task);
void guards_show_penalties(struct task *task);
/* name: a person in any spelling that a login may have, or an address. */
void guards_unlock(struct task *task, struct slice name);

#endif
