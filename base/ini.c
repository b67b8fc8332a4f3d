/*
 * notes.ini. The file is an administrator's, edited by hand and by programs:
 * any octets may be in it. It is bounded in size, and lines that are not
 * settings are carried along untouched.
 */
#include "base/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum { FILE_OCTETS_MAX = 1 << 20 };

struct line {
	char *name;             /* NULL: not a setting, text is the whole line */
	char *text;             /* the value, without blanks at its ends */
};

struct ini {
	struct line *lines;
	size_t count, size;
};

static char *copy_slice(struct slice s)
{
	char *copy = malloc(s.n + 1);

	if (copy == NULL)
		return NULL;
	if (s.n != 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

static void line_release(struct line *line)
{
	free(line->name);
	free(line->text);
}

static STATUS add_line(struct ini *ini, const struct slice *name, struct slice text)
{
	struct line line = { NULL, NULL };

	if (ini->count == ini->size) {
		size_t size = ini->size == 0 ? 32 : ini->size * 2;
		struct line *lines = reallocarray(ini->lines, size, sizeof(*lines));

		if (lines == NULL)
			return POSTIL_ERR_MEMORY;
		ini->lines = lines;
		ini->size = size;
	}
	line.text = copy_slice(text);
	if (name != NULL)
		line.name = copy_slice(*name);
	if (line.text == NULL || (name != NULL && line.name == NULL)) {
		line_release(&line);
		return POSTIL_ERR_MEMORY;
	}
	ini->lines[ini->count++] = line;
	return NOERROR;
}

/* Is this the name of a setting? Comments and section lines are none. */
static bool is_setting_name(struct slice name)
{
	return name.n != 0 && strchr(";#[", name.p[0]) == NULL;
}

static STATUS parse_line(struct ini *ini, struct slice line)
{
	const char *equals;
	struct slice name;

	if (line.n != 0 && line.p[line.n - 1] == '\r')
		line.n--;
	equals = line.n == 0 ? NULL : memchr(line.p, '=', line.n);
	if (equals == NULL)
		return add_line(ini, NULL, line);
	name = text_trim((struct slice){ line.p, (size_t)(equals - line.p) });
	if (!is_setting_name(name))
		return add_line(ini, NULL, line);
	return add_line(ini, &name, text_trim((struct slice){
		equals + 1, (size_t)(line.p + line.n - (equals + 1)) }));
}

static STATUS parse_lines(struct ini *ini, struct slice text)
{
	STATUS status = NOERROR;

	while (text.n != 0 && status == NOERROR) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end == NULL ? text.n : (size_t)(end - text.p);

		status = parse_line(ini, (struct slice){ text.p, n });
		n += end != NULL;
		text = (struct slice){ text.p + n, text.n - n };
	}
	return status;
}

STATUS ini_parse(struct slice text, struct ini **ini_r)
{
	struct ini *ini;
	STATUS status;

	if (text.n > FILE_OCTETS_MAX)
		return POSTIL_ERR_TOO_LONG;
	if (text.n != 0 && memchr(text.p, '\0', text.n) != NULL)
		return POSTIL_ERR_SYNTAX;
	if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
		text = (struct slice){ text.p + 3, text.n - 3 };
	ini = calloc(1, sizeof(*ini));
	if (ini == NULL)
		return POSTIL_ERR_MEMORY;
	status = parse_lines(ini, text);
	if (status == NOERROR)
		*ini_r = ini;
	else
		ini_free(&ini);
	return status;
}

static STATUS fault_errno(struct fault *fault, const char *what, const char *path, int error)
{
	STATUS status = error == ENOENT ? POSTIL_ERR_NOEXIST :
	                error == EACCES || error == EPERM || error == EROFS ? POSTIL_ERR_PERMISSION :
	                error == ENOSPC || error == EDQUOT ? POSTIL_ERR_DISK_FULL :
	                error == ENOMEM ? POSTIL_ERR_MEMORY : POSTIL_ERR_IO;

	return fault_set(fault, status, "%s: cannot %s: %s", path, what, strerror(error));
}

static STATUS read_all(int fd, const char *path, struct buf *text, struct fault *fault)
{
	ssize_t n;

	do {
		if (buf_reserve(text, 4096) != NOERROR)
			return fault_set(fault, buf_status(text), "%s: the file is larger than %d octets",
			                 path, FILE_OCTETS_MAX);
		n = read(fd, text->p + text->n, 4096);
		if (n > 0)
			text->n += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0 ? NOERROR : fault_errno(fault, "read", path, errno);
}

STATUS ini_read(const char *path, struct ini **ini_r, struct fault *fault)
{
	struct buf text;
	struct stat st;
	STATUS status;
	/* not to hang on a pipe that lies in the file's place */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return fault_errno(fault, "open", path, errno);
	buf_init(&text, FILE_OCTETS_MAX + 4096);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		status = fault_set(fault, POSTIL_ERR_INVALID, "%s: not a file", path);
	else
		status = read_all(fd, path, &text, fault);
	close(fd);
	if (status == NOERROR) {
		status = ini_parse(buf_slice(&text), ini_r);
		if (status == POSTIL_ERR_SYNTAX)
			fault_set(fault, status, "%s: the file is not text: it holds NUL octets", path);
		else if (status != NOERROR)
			fault_set(fault, status, "%s: %s", path, status_text(status));
	}
	buf_release(&text);
	return status;
}

void ini_free(struct ini **ini)
{
	if (*ini == NULL)
		return;
	for (size_t i = 0; i < (*ini)->count; i++)
		line_release(&(*ini)->lines[i]);
	free((*ini)->lines);
	free(*ini);
	*ini = NULL;
}

/* The first line of that name at or behind index from; count if there is none. */
static size_t find_line(const struct ini *ini, const char *name, size_t from)
{
	size_t i = from;

	while (i < ini->count && (ini->lines[i].name == NULL ||
	       !slice_equal_nocase(slice_of(ini->lines[i].name), slice_of(name))))
		i++;
	return i;
}

const char *ini_get(const struct ini *ini, const char *name)
{
	size_t i = find_line(ini, name, 0);

	if (i == ini->count || ini->lines[i].text[0] == '\0')
		return NULL;
	return ini->lines[i].text;
}

int64_t ini_get_number(const struct ini *ini, const char *name, int64_t fallback)
{
	const char *text = ini_get(ini, name);
	bool negative = text != NULL && text[0] == '-';
	uint64_t value;

	if (text == NULL || !text_number(slice_of(text + negative), INT64_MAX, &value))
		return fallback;
	return negative ? -(int64_t)value : (int64_t)value;
}

static void remove_lines(struct ini *ini, const char *name, size_t from)
{
	size_t i;

	while ((i = find_line(ini, name, from)) < ini->count) {
		line_release(&ini->lines[i]);
		memmove(&ini->lines[i], &ini->lines[i + 1],
		        (ini->count - i - 1) * sizeof(ini->lines[0]));
		ini->count--;
	}
}

/* Would the pair come back the same from a file? */
static bool survives_file(struct slice name, struct slice value)
{
	struct slice trimmed = text_trim(name);

	return is_setting_name(name) && trimmed.n == name.n &&
	       memchr(name.p, '=', name.n) == NULL && memchr(name.p, '\n', name.n) == NULL &&
	       memchr(name.p, '\r', name.n) == NULL && (value.n == 0 ||
	       (memchr(value.p, '\n', value.n) == NULL && memchr(value.p, '\r', value.n) == NULL));
}

STATUS ini_set(struct ini *ini, const char *name, const char *value)
{
	struct slice name_slice = slice_of(name), text = text_trim(slice_of(value));
	size_t i;
	char *copy;

	if (!survives_file(name_slice, text))
		return POSTIL_ERR_INVALID;
	if (text.n == 0) {
		remove_lines(ini, name, 0);
		return NOERROR;
	}
	i = find_line(ini, name, 0);
	if (i == ini->count)
		return add_line(ini, &name_slice, text);
	copy = copy_slice(text);
	if (copy == NULL)
		return POSTIL_ERR_MEMORY;
	free(ini->lines[i].text);
	ini->lines[i].text = copy;
	remove_lines(ini, name, i + 1);
	return NOERROR;
}

static STATUS format_lines(const struct ini *ini, struct buf *out)
{
	for (size_t i = 0; i < ini->count; i++) {
		if (ini->lines[i].name != NULL) {
			buf_add_str(out, ini->lines[i].name);
			buf_add_char(out, '=');
		}
		buf_add_str(out, ini->lines[i].text);
		buf_add_char(out, '\n');
	}
	return buf_status(out);
}

static bool write_all(int fd, struct slice s)
{
	while (s.n != 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s = (struct slice){ s.p + n, s.n - (size_t)n };
	}
	return true;
}

/* The new file gets the old one's mode and owner, as far as we may give them. */
static bool copy_access(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == ENOENT;
	if (fchown(fd, st.st_uid, st.st_gid) != 0 && errno != EPERM)
		return false;
	return fchmod(fd, st.st_mode & 0777) == 0;
}

static bool sync_directory_of(const char *path)
{
	char *copy = strdup(path);
	int fd = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return good;
}

/* true, or errno says why not and no temporary file is left. */
static bool replace_file(const char *path, struct slice text)
{
	char *temporary = NULL;
	int fd, error = 0;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return false;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		error = errno;
		goto out;
	}
	if (!write_all(fd, text) || !copy_access(fd, path) || fsync(fd) != 0)
		error = errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	if (error == 0 && rename(temporary, path) != 0)
		error = errno;
	if (error != 0)
		unlink(temporary);
	else if (!sync_directory_of(path))
		error = errno;
out:
	free(temporary);
	errno = error;
	return error == 0;
}

STATUS ini_write(const struct ini *ini, const char *path, struct fault *fault)
{
	struct buf text = BUF_INIT;
	STATUS status = format_lines(ini, &text);
	/* a symbolic link stays one: its target is replaced */
	char *real = realpath(path, NULL);

	if (status == NOERROR && !replace_file(real == NULL ? path : real, buf_slice(&text)))
		status = fault_errno(fault, "write", path, errno);
	free(real);
	buf_release(&text);
	return status;
}

void ini_each(const struct ini *ini, bool (*each)(void *context, const char *name,
              const char *value), void *context)
{
	for (size_t i = 0; i < ini->count; i++)
		if (ini->lines[i].name != NULL &&
		    !each(context, ini->lines[i].name, ini->lines[i].text))
			return;
}
