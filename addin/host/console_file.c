/*
 * The console command `< filename`: the lines of a file in the data directory, one
 * after the other; `;` and `#` begin comments. The worker reads it. Distrusts the
 * file: it must be a regular one, it is bounded, and it may not name another.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addin/host/console.h"
#include "base/text.h"
#include "base/banned.h"

#define FILE_MAX_OCTETS 65536

struct script {
	struct run *run;
	struct host *host;
	char *path;
	int error;
	struct buf text;
	size_t at;
	bool well;
	bool running, again;    /* a command may end while it is being started */
};

static void script_end(struct script *s)
{
	run_end(s->run, s->well);
	buf_release(&s->text);
	free(s->path);
	free(s);
}

/* --- on the worker -------------------------------------------------------------------- */

static int read_all(int fd, struct buf *text)
{
	struct stat st;
	char octets[4096];
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	while ((n = read(fd, octets, sizeof(octets))) > 0) {
		if (text->n + (size_t)n > FILE_MAX_OCTETS)
			return EFBIG;
		buf_add(text, octets, (size_t)n);
	}
	return n < 0 ? errno : buf_status(text) != NOERROR ? ENOMEM : 0;
}

static void read_file(void *context)
{
	struct script *s = context;
	int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	s->error = fd < 0 ? errno : read_all(fd, &s->text);
	if (fd >= 0)
		close(fd);
}

/* --- its lines --------------------------------------------------------------------------- */

static bool next_line(struct script *s, struct slice *line_r)
{
	while (s->at < s->text.n) {
		const char *p = s->text.p + s->at, *end = memchr(p, '\n', s->text.n - s->at);
		size_t n = end != NULL ? (size_t)(end - p) : s->text.n - s->at;

		s->at += n + (end != NULL);
		while (n > 0 && p[n - 1] == '\r')
			n--;
		*line_r = text_trim((struct slice){ p, n });
		if (line_r->n > 0 && line_r->p[0] != ';' && line_r->p[0] != '#')
			return true;
	}
	return false;
}

static void continue_script(struct script *s);

static void on_ended(void *context, bool well)
{
	struct script *s = context;

	s->well = s->well && well;
	if (s->running)
		s->again = true;
	else
		continue_script(s);
}

static void continue_script(struct script *s)
{
	struct slice line;
	struct run *part;

	do {
		s->again = false;
		if (!next_line(s, &line)) {
			script_end(s);
			return;
		}
		part = run_part(s->run, on_ended, s);
		if (part == NULL) {
			s->well = false;
			script_end(s);
			return;
		}
		s->running = true;
		console_run(part, line);
		s->running = false;
	} while (s->again);
}

static void was_read(void *context)
{
	struct script *s = context;

	if (s->error != 0) {
		run_say(s->run, "%s: %s", s->path, strerrordesc_np(s->error));
		s->well = false;
	}
	if (s->error != 0)
		script_end(s);
	else
		continue_script(s);
}

void do_file(struct run *run, struct slice name)
{
	struct host *host = run_host(run);
	struct script *s;

	if (run_is_part(run)) {
		run_fail(run, "A file of commands cannot name another");
		return;
	}
	if (name.n == 0 || memchr(name.p, '\0', name.n) != NULL) {
		run_fail(run, "%s", command_match_text(COMMAND_INSUFFICIENT));
		return;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL || asprintf(&s->path, "%s%s%.*s", name.p[0] == '/' ? "" : host->data_dir,
	                          name.p[0] == '/' ? "" : "/", (int)name.n, name.p) < 0) {
		free(s);
		run_fail(run, "Out of memory");
		return;
	}
	s->run = run;
	s->host = host;
	s->well = true;
	buf_init(&s->text, 0);
	if (worker_submit(host->worker, read_file, was_read, s) != NOERROR) {
		s->well = false;
		script_end(s);
	}
}
