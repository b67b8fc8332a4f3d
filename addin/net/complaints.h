/*
 * What is wrong with the settings, told when it is new. Settings are read again and again,
 * and who reads them says each time what is wrong; a line that was said at the reading
 * before is not told once more.
 */
#ifndef POSTIL_NET_COMPLAINTS_H
#define POSTIL_NET_COMPLAINTS_H

#include <stdbool.h>

#include "base/buf.h"

struct complaints {
	void (*tell)(void *context, const char *text);  /* one line */
	void *context;
	struct buf now, before;
};

void complaints_init(struct complaints *complaints,
                     void (*tell)(void *context, const char *text), void *context);
void complaints_release(struct complaints *complaints);
/* A reading begins. all: tell all of it, somebody has asked. */
void complaints_begin(struct complaints *complaints, bool all);
/* One line; context is the complaints. */
void complaints_say(void *context, const char *text);

#endif
