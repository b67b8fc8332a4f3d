/* The progress bar. Nothing here is input. */
#include "addin/tools/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define FIRST_MS 400
#define EVERY_MS 100
#define WIDTH 30

void progress_start(struct progress *p)
{
	*p = (struct progress){ .wanted = isatty(STDERR_FILENO) == 1,
	                        .started_ms = clock_mono_ms() };
}

void progress_step(void *context, uint64_t done, uint64_t total, uint64_t messages)
{
	struct progress *p = context;
	char bar[WIDTH + 1], size[16];
	uint64_t now;
	size_t full;

	if (!p->wanted)
		return;
	now = clock_mono_ms();
	if (now - p->started_ms < FIRST_MS || now - p->last_ms < EVERY_MS)
		return;
	p->last_ms = now;
	p->shown = true;
	text_size(done, size);
	if (total == 0) {
		fprintf(stderr, "\r%s, %llu messages   ", size, (unsigned long long)messages);
		return;
	}
	if (done > total)
		done = total;
	full = (size_t)((double)done / (double)total * WIDTH);
	memset(bar, '#', full);
	memset(bar + full, '.', WIDTH - full);
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r[%s] %3.0f %%  %s, %llu messages   ", bar,
	        (double)done / (double)total * 100, size, (unsigned long long)messages);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r%70s\r", "");
	p->shown = false;
}
