/* console.log: append, rotate. Distrusts the file system: a file that was moved
 * or removed by others is opened anew; a link in its place is not followed. */
#include "addin/host/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

STATUS log_file_init(struct log_file *file, const char *data_dir)
{
	*file = (struct log_file){ .fd = -1, .max_octets = 10240 * 1024, .generations = 5 };
	if (asprintf(&file->path, "%s/console.log", data_dir) < 0)
		return POSTIL_ERR_MEMORY;
	return NOERROR;
}

void log_file_release(struct log_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	*file = (struct log_file){ .fd = -1 };
}

void log_file_limits(struct log_file *file, int64_t max_kbytes, int64_t generations)
{
	file->max_octets = max_kbytes > 0 && max_kbytes < INT64_MAX / 1024
	                   ? max_kbytes * 1024 : 0;
	file->generations = generations < 1 ? 1 : generations > 99 ? 99 : (int)generations;
}

static void close_file(struct log_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

static bool is_still_ours(const struct log_file *file)
{
	struct stat here, open_one;

	return lstat(file->path, &here) == 0 && fstat(file->fd, &open_one) == 0
	       && here.st_dev == open_one.st_dev && here.st_ino == open_one.st_ino;
}

static bool open_file(struct log_file *file)
{
	if (file->reopen || (file->fd >= 0 && !is_still_ours(file)))
		close_file(file);
	file->reopen = false;
	if (file->fd < 0)
		file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC
		                            | O_NOFOLLOW | O_NONBLOCK, 0600);
	return file->fd >= 0;
}

static void name_generation(const struct log_file *file, int n, char *out, size_t size)
{
	if (n == 0)
		snprintf(out, size, "%s", file->path);
	else
		snprintf(out, size, "%s.%d", file->path, n);
}

static void rotate(struct log_file *file)
{
	char from[4096 + 8], to[4096 + 8];

	for (int n = file->generations - 1; n >= 0; n--) {
		name_generation(file, n, from, sizeof(from));
		name_generation(file, n + 1, to, sizeof(to));
		rename(from, to);
	}
	close_file(file);
}

static bool is_full(const struct log_file *file, size_t more)
{
	struct stat st;

	return file->max_octets > 0 && fstat(file->fd, &st) == 0 && st.st_size > 0
	       && st.st_size + (int64_t)more > file->max_octets;
}

static unsigned long count_lines(const char *p, size_t n)
{
	unsigned long lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

static void write_some(struct log_file *file, struct slice lines)
{
	size_t done = 0;

	while (done < lines.n) {
		ssize_t n = write(file->fd, lines.p + done, lines.n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			file->error = n < 0 ? errno : EIO;
			file->lost += count_lines(lines.p + done, lines.n - done);
			return;
		}
		done += (size_t)n;
	}
}

/* As many whole lines as fit before the limit; at least one. */
static size_t fitting(const struct log_file *file, struct slice lines)
{
	size_t n = lines.n;
	const char *end;

	if (file->max_octets == 0 || (int64_t)n <= file->max_octets)
		return n;
	end = memrchr(lines.p, '\n', (size_t)file->max_octets);
	if (end == NULL)
		end = memchr(lines.p, '\n', n);
	return end == NULL ? n : (size_t)(end - lines.p) + 1;
}

void log_file_write(struct log_file *file, struct slice lines)
{
	file->error = 0;
	while (lines.n > 0) {
		size_t n = fitting(file, lines);

		if (open_file(file) && is_full(file, n)) {
			rotate(file);
			open_file(file);
		}
		if (file->fd < 0) {
			file->error = errno;
			file->lost += count_lines(lines.p, lines.n);
			return;
		}
		write_some(file, (struct slice){ lines.p, n });
		lines.p += n;
		lines.n -= n;
	}
}
