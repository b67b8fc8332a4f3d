/* A bar on the terminal for what takes longer than a moment. */
#ifndef POSTIL_TOOLS_PROGRESS_H
#define POSTIL_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool wanted;            /* standard error is a terminal */
	bool shown;
	uint64_t started_ms, last_ms;
};

void progress_start(struct progress *p);
/* Fits the callbacks of import and export; context is the struct progress. */
void progress_step(void *context, uint64_t done, uint64_t total, uint64_t messages);
void progress_end(struct progress *p);          /* the line is cleared */

#endif
