/*
 * A console's face. Lines from the server may come at any time: while one is
 * being typed, the editor waits for keys and for the server at once, takes the
 * prompt away, shows the lines and brings the prompt back. Distrusts what is
 * typed only in length; what the server sends is safe to show.
 */
#include "addin/tools/terminal.h"

#include <errno.h>
#include <histedit.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <wchar.h>

#include "addin/wire/console.h"
#include "base/buf.h"
#include "base/banned.h"

#define EXIT_NO_ANSWER 2
#define HISTORY_LINES 500

struct terminal {
	int fd;
	bool own;               /* the server's own terminal */
	bool ended;             /* the server has gone */
	bool shows_prompt;      /* an edited line must be cleared before output */
	unsigned open_commands;
	bool failed;            /* a command went wrong */
	struct buf in;          /* from the server, not yet a whole line */
	struct buf words, tasks;
	EditLine *editor;
	mbstate_t mb;
};

/* --- to and from the server --------------------------------------------------------- */

static bool write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN) {
			struct pollfd room = { .fd = fd, .events = POLLOUT };

			poll(&room, 1, -1);
			continue;
		}
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static void send_line(struct terminal *t, char kind, struct slice text)
{
	struct buf line = BUF_INIT;

	buf_add_char(&line, kind);
	buf_add_slice(&line, text);
	buf_add_char(&line, '\n');
	if (!write_all(t->fd, line.p, line.n))
		t->ended = true;
	buf_release(&line);
}

static void send_command(struct terminal *t, struct slice text)
{
	t->open_commands++;
	send_line(t, 'R', text);
}

static void keep(struct buf *to, struct slice text)
{
	buf_clear(to);
	buf_add_char(to, '\t');
	buf_add_slice(to, text);
	buf_add_char(to, '\t');
}

/* One line from the server; what is to be shown goes to out. */
static void take_line(struct terminal *t, struct slice line, struct buf *out)
{
	struct slice text = { line.p + 1, line.n > 0 ? line.n - 1 : 0 };

	switch (line.n > 0 ? line.p[0] : '\0') {
	case 'L':
	case 'O':
		buf_add_slice(out, text);
		buf_add_char(out, '\n');
		break;
	case 'X':
		buf_add_slice(out, text);
		buf_add_char(out, '\n');
		t->failed = true;
		break;
	case 'D':
		buf_addf(out, "[%.*s lines are not shown: this console was too slow]\n",
		         (int)text.n, text.p);
		break;
	case 'E':
		t->open_commands -= t->open_commands > 0;
		t->failed = t->failed || (text.n > 0 && text.p[0] == '1');
		break;
	case 'W':
		keep(&t->words, text);
		break;
	case 'T':
		keep(&t->tasks, text);
		break;
	}
}

static void show(struct terminal *t, struct buf *out)
{
	static const char clear[] = "\r\033[K";

	if (out->n == 0)
		return;
	if (t->shows_prompt)
		write_all(1, clear, sizeof(clear) - 1);
	write_all(1, out->p, out->n);
	if (t->shows_prompt)
		el_set(t->editor, EL_REFRESH);
}

static void take_from_server(struct terminal *t)
{
	char octets[16384];
	ssize_t n = read(t->fd, octets, sizeof(octets));
	struct buf out = BUF_INIT;
	const char *end;
	size_t at = 0;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		t->ended = true;
		return;
	}
	buf_add(&t->in, octets, (size_t)n);
	while ((end = memchr(t->in.p + at, '\n', t->in.n - at)) != NULL) {
		size_t length = (size_t)(end - t->in.p) - at;

		take_line(t, (struct slice){ t->in.p + at, length }, &out);
		at += length + 1;
	}
	buf_remove_front(&t->in, at);
	if (t->in.n > 2 * CONSOLE_LINE_MAX)
		t->ended = true;
	show(t, &out);
	buf_release(&out);
}

/* --- the editor ------------------------------------------------------------------------ */

static char *prompt(EditLine *editor)
{
	static char text[] = "> ";

	(void)editor;
	return text;
}

/* One character from the keyboard; 0: none will come. */
static int read_key(struct terminal *t, wchar_t *key_r)
{
	char octet;
	ssize_t n;
	size_t length;

	for (;;) {
		n = read(0, &octet, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : -1;
		length = mbrtowc(key_r, &octet, 1, &t->mb);
		if (length == (size_t)-2)
			continue;
		if (length == (size_t)-1) {
			memset(&t->mb, 0, sizeof(t->mb));
			*key_r = (wchar_t)(unsigned char)octet;
		}
		return 1;
	}
}

static int get_key(EditLine *editor, wchar_t *key_r)
{
	struct terminal *t = NULL;
	struct pollfd fds[2];

	el_get(editor, EL_CLIENTDATA, &t);
	for (;;) {
		fds[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = t->fd, .events = POLLIN };
		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (fds[1].revents != 0)
			take_from_server(t);
		if (t->ended)
			return -1;
		if (fds[0].revents != 0)
			return read_key(t, key_r);
	}
}

struct completion {
	struct slice typed;
	char common[128];       /* what all that fit begin with */
	size_t count;
	struct buf list;
};

static void consider(struct completion *c, struct slice word)
{
	size_t n = word.n < sizeof(c->common) - 1 ? word.n : sizeof(c->common) - 1, same = 0;

	if (word.n < c->typed.n || strncasecmp(word.p, c->typed.p, c->typed.n) != 0)
		return;
	if (c->count++ == 0) {
		memcpy(c->common, word.p, n);
		c->common[n] = '\0';
	} else {
		while (same < n && c->common[same] != '\0' && c->common[same] == word.p[same])
			same++;
		c->common[same] = '\0';
	}
	buf_addf(&c->list, "%.*s  ", (int)word.n, word.p);
}

/* Offer each entry of a list divided by tabs, behind `before`. */
static void consider_list(struct completion *c, const struct buf *list, const char *before)
{
	size_t at = 0;

	while (at < list->n) {
		const char *end = memchr(list->p + at, '\t', list->n - at);
		size_t n = end != NULL ? (size_t)(end - list->p) - at : list->n - at;
		struct buf whole = BUF_INIT;

		if (n > 0) {
			buf_addf(&whole, "%s%.*s", before, (int)n, list->p + at);
			consider(c, buf_slice(&whole));
		}
		buf_release(&whole);
		at += n + 1;
	}
}

static unsigned char complete(EditLine *editor, int key)
{
	struct terminal *t = NULL;
	const LineInfo *line = el_line(editor);
	struct completion c = { .list = BUF_INIT };
	unsigned char result = CC_ERROR;

	(void)key;
	el_get(editor, EL_CLIENTDATA, &t);
	c.typed = (struct slice){ line->buffer, (size_t)(line->cursor - line->buffer) };
	consider_list(&c, &t->words, "");
	consider_list(&c, &t->tasks, "tell ");
	consider_list(&c, &t->tasks, "restart task ");
	if (c.count > 0 && strlen(c.common) > c.typed.n) {
		el_insertstr(editor, c.common + c.typed.n);
		if (c.count == 1)
			el_insertstr(editor, " ");
		result = CC_REFRESH;
	} else if (c.count > 1) {
		buf_add_char(&c.list, '\n');
		show(t, &c.list);
		result = CC_REDISPLAY;
	} else if (c.count == 1) {
		el_insertstr(editor, " ");
		result = CC_REFRESH;
	}
	buf_release(&c.list);
	return result;
}

static bool open_editor(struct terminal *t, History **history_r)
{
	HistEvent event;

	setlocale(LC_CTYPE, "");
	t->editor = el_init("postil", stdin, stdout, stderr);
	*history_r = history_init();
	if (t->editor == NULL || *history_r == NULL)
		return false;
	history(*history_r, &event, H_SETSIZE, HISTORY_LINES);
	history(*history_r, &event, H_SETUNIQUE, 1);
	el_set(t->editor, EL_CLIENTDATA, t);
	el_set(t->editor, EL_PROMPT, prompt);
	el_set(t->editor, EL_EDITOR, "emacs");
	el_set(t->editor, EL_HIST, history, *history_r);
	el_set(t->editor, EL_ADDFN, "postil-complete", "Complete a command", complete);
	el_set(t->editor, EL_BIND, "^I", "postil-complete", NULL);
	el_set(t->editor, EL_GETCFN, get_key);
	return true;
}

/* false: the terminal is gone, or a console of a person has ended. */
static bool edit_line(struct terminal *t, History *past)
{
	HistEvent event;
	int n = 0;
	const char *line;
	struct slice text;

	t->shows_prompt = true;
	line = el_gets(t->editor, &n);
	t->shows_prompt = false;
	if (line == NULL || n <= 0) {
		write_all(1, "\n", 1);
		return n == 0 && t->own && isatty(0);   /* Ctrl-D does not end a server */
	}
	text = (struct slice){ line, (size_t)n };
	while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	if (text.n == 0)
		return true;
	history(past, &event, H_ENTER, line);
	send_command(t, text);
	return true;
}

static int run_editor(struct terminal *t)
{
	History *past = NULL;

	if (!open_editor(t, &past))
		return EXIT_FAILURE;
	send_line(t, 'L', SLICE_LIT(""));
	while (!t->ended && edit_line(t, past))
		;
	el_end(t->editor);
	history_end(past);
	return EXIT_SUCCESS;
}

/* --- without a terminal --------------------------------------------------------------------- */

/* Send the next whole line of what was read, when the one before has ended; with
 * all, a last one without line end, too. */
static void send_next(struct terminal *t, struct buf *typed, bool all)
{
	const char *end = typed->n > 0 ? memchr(typed->p, '\n', typed->n) : NULL;
	size_t n = end != NULL ? (size_t)(end - typed->p) : typed->n;

	if (t->open_commands > 0 || (end == NULL && n <= 2 * CONSOLE_COMMAND_MAX && !(all && n > 0)))
		return;
	send_command(t, (struct slice){ typed->p, n });
	buf_remove_front(typed, n + (end != NULL));
}

static bool has_line(const struct buf *typed)
{
	return typed->n > 2 * CONSOLE_COMMAND_MAX
	       || (typed->n > 0 && memchr(typed->p, '\n', typed->n) != NULL);
}

static int run_plain(struct terminal *t)
{
	struct buf typed = BUF_INIT;
	bool open = true;
	char octets[4096];

	if (t->own)
		send_line(t, 'P', SLICE_LIT(""));
	while (!t->ended && (open || t->own || t->open_commands > 0 || typed.n > 0)) {
		struct pollfd fds[2] = { { .fd = t->fd, .events = POLLIN },
		                         { .fd = open && !has_line(&typed) ? 0 : -1,
		                           .events = POLLIN } };
		ssize_t n;

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			take_from_server(t);
		if (fds[1].revents != 0) {
			n = read(0, octets, sizeof(octets));
			open = n > 0 || (n < 0 && errno == EINTR);
			if (n > 0)
				buf_add(&typed, octets, (size_t)n);
		}
		send_next(t, &typed, !open);
	}
	buf_release(&typed);
	return t->failed && !t->own ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void terminal_init(struct terminal *t, int fd, bool own)
{
	*t = (struct terminal){ .fd = fd, .own = own };
	buf_init(&t->in, 0);
	buf_init(&t->words, 0);
	buf_init(&t->tasks, 0);
}

static void terminal_release(struct terminal *t)
{
	buf_release(&t->in);
	buf_release(&t->words);
	buf_release(&t->tasks);
}

int terminal_run(int fd, bool own)
{
	struct terminal t;
	int code;

	terminal_init(&t, fd, own);
	code = isatty(0) && isatty(1) ? run_editor(&t) : run_plain(&t);
	terminal_release(&t);
	return code;
}

int terminal_command(int fd, const char *command)
{
	struct terminal t;
	int code;

	terminal_init(&t, fd, false);
	send_command(&t, slice_of(command));
	while (!t.ended && t.open_commands > 0)
		take_from_server(&t);
	code = t.failed ? EXIT_FAILURE : t.open_commands > 0 ? EXIT_NO_ANSWER : EXIT_SUCCESS;
	terminal_release(&t);
	return code;
}
