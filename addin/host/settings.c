/*
 * notes.ini while the host runs: read at the start, set by console and tasks,
 * taken up again when someone edits it by hand. Writing is the worker's job; it
 * reads the file anew, so that nobody's edit is lost. Distrusts names and values
 * from tasks, and the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "addin/host/host.h"
#include "addin/host/task.h"
#include "base/text.h"
#include "base/banned.h"

#define NAME_MAX_OCTETS 128
#define VALUE_MAX_OCTETS 4000

const char *setting(const struct host *host, const char *name)
{
	const char *value = ini_get(host->ini, name);

	return value != NULL ? value : "";
}

int64_t setting_number(const struct host *host, const char *name, int64_t fallback,
                       int64_t least, int64_t most)
{
	int64_t value = ini_get_number(host->ini, name, fallback);

	return value < least ? least : value > most ? most : value;
}

STATUS setting_check(const char *name, const char *value)
{
	size_t n = strlen(name);

	if (n == 0 || n > NAME_MAX_OCTETS || strlen(value) > VALUE_MAX_OCTETS)
		return POSTIL_ERR_INVALID;
	for (size_t i = 0; i < n; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z')
		      || (name[i] >= '0' && name[i] <= '9') || strchr("_$-.", name[i]) != NULL))
			return POSTIL_ERR_INVALID;
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7F)
			return POSTIL_ERR_INVALID;
	return text_is_utf8(slice_of(value)) ? NOERROR : POSTIL_ERR_INVALID;
}

struct change {
	char *path, *name, *value;
	STATUS status;
	struct fault fault;
	void (*done)(void *context, STATUS status, const char *why);
	void *context;
};

static void change_free(struct change *c)
{
	if (c == NULL)
		return;
	free(c->path);
	free(c->name);
	free(c->value);
	free(c);
}

static void write_change(void *context)
{
	struct change *c = context;
	struct ini *ini = NULL;

	c->status = ini_read(c->path, &ini, &c->fault);
	if (c->status == NOERROR)
		c->status = ini_set(ini, c->name, c->value);
	if (c->status == NOERROR)
		c->status = ini_write(ini, c->path, &c->fault);
	ini_free(&ini);
}

static void change_written(void *context)
{
	struct change *c = context;

	if (c->done != NULL)
		c->done(c->context, c->status, fault_text(&c->fault, c->status));
	change_free(c);
}

static struct change *change_new(const struct host *host, const char *name,
                                 const char *value)
{
	struct change *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->name = strdup(name);
	c->value = strdup(value);
	if (asprintf(&c->path, "%s/notes.ini", host->data_dir) < 0)
		c->path = NULL;
	if (c->name != NULL && c->value != NULL && c->path != NULL)
		return c;
	change_free(c);
	return NULL;
}

static void taken_up(struct host *host)
{
	host->ini_changes++;
	log_configure(host->log, host->ini);
	tasks_settings_changed(host);
}

void setting_set(struct host *host, const char *name, const char *value,
                 void (*done)(void *context, STATUS status, const char *why), void *context)
{
	struct change *c = change_new(host, name, value);
	STATUS status = c == NULL ? POSTIL_ERR_MEMORY : ini_set(host->ini, name, value);

	if (status == NOERROR) {
		taken_up(host);
		settings_judge(host, name);
		c->done = done;
		c->context = context;
		status = worker_submit(host->worker, write_change, change_written, c);
	}
	if (status == NOERROR)
		return;
	change_free(c);
	if (done != NULL)
		done(context, status, status_text(status));
}

/* --- edits by hand ----------------------------------------------------------------- */

struct reading {
	struct host *host;
	char *path;
	struct ini *ini;
	struct fault fault;
	uint32_t changes;       /* host->ini_changes when it was begun */
};

static void read_again(struct host *host);

static void read_file(void *context)
{
	struct reading *r = context;

	ini_read(r->path, &r->ini, &r->fault);
}

struct difference {
	const struct ini *other;
	bool found;
};

static bool is_same_there(void *context, const char *name, const char *value)
{
	struct difference *d = context;
	const char *there = ini_get(d->other, name);

	d->found = there == NULL || strcmp(there, value) != 0;
	return !d->found;
}

static bool differ(const struct ini *a, const struct ini *b)
{
	struct difference d = { b, false };

	ini_each(a, is_same_there, &d);
	if (d.found)
		return true;
	d.other = a;
	ini_each(b, is_same_there, &d);
	return d.found;
}

static void file_was_read(void *context)
{
	struct reading *r = context;
	struct host *host = r->host;

	if (r->ini == NULL) {
		log_say(host->log, "notes.ini was changed but cannot be read, the old settings"
		        " stay: %s", r->fault.text);
	} else if (r->changes != host->ini_changes) {
		read_again(host);       /* what was set meanwhile may not be in it yet */
	} else if (differ(r->ini, host->ini)) {
		ini_free(&host->ini);
		host->ini = r->ini;
		r->ini = NULL;
		taken_up(host);
		settings_judge(host, NULL);
	}
	ini_free(&r->ini);
	free(r->path);
	free(r);
}

static void read_again(struct host *host)
{
	struct reading *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return;
	r->host = host;
	r->changes = host->ini_changes;
	if (asprintf(&r->path, "%s/notes.ini", host->data_dir) < 0)
		r->path = NULL;
	if (r->path != NULL
	    && worker_submit(host->worker, read_file, file_was_read, r) == NOERROR)
		return;
	free(r->path);
	free(r);
}

static void on_change(void *context, short revents)
{
	struct host *host = context;
	union {
		struct inotify_event event;
		char octets[4096];
	} got;
	ssize_t n = read(host->ini_fd, &got, sizeof(got));
	bool ours = false;

	(void)revents;
	for (ssize_t at = 0; n > 0 && at < n;) {
		const struct inotify_event *e = (const void *)(got.octets + at);

		ours = ours || (e->len > 0 && strcmp(e->name, "notes.ini") == 0);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	if (ours)
		read_again(host);
}

void settings_watch(struct host *host)
{
	host->ini_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (host->ini_fd < 0)
		return;
	inotify_add_watch(host->ini_fd, host->data_dir, IN_CLOSE_WRITE | IN_MOVED_TO);
	host->ini_watch = loop_watch(&host->loop, host->ini_fd, POLLIN, on_change, host);
}
