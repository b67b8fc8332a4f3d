/* Lines of this reading and of the one before, each behind a line end and before one. */
#include "addin/net/complaints.h"

#include <string.h>

#define OCTETS_MAX (1024 * 1024)        /* what does not fit is told each time */

void complaints_init(struct complaints *c, void (*tell)(void *context, const char *text),
                     void *context)
{
	c->tell = tell;
	c->context = context;
	buf_init(&c->now, OCTETS_MAX);
	buf_init(&c->before, OCTETS_MAX);
}

void complaints_release(struct complaints *c)
{
	buf_release(&c->now);
	buf_release(&c->before);
}

void complaints_begin(struct complaints *c, bool all)
{
	struct buf last = c->before;

	c->before = c->now;
	c->now = last;
	buf_clear(&c->now);
	if (all)
		buf_clear(&c->before);
}

static bool has(const struct buf *lines, struct slice line)
{
	return lines->n > 0 && memmem(lines->p, lines->n, line.p, line.n) != NULL;
}

void complaints_say(void *context, const char *text)
{
	struct complaints *c = context;
	struct buf line = BUF_INIT;

	buf_addf(&line, "\n%s\n", text);
	if (buf_status(&line) != NOERROR || !has(&c->before, buf_slice(&line)))
		c->tell(c->context, text);
	buf_add_slice(&c->now, buf_slice(&line));
	buf_release(&line);
}
