/* Finding and starting programs. Distrusts names: they come from notes.ini, a
 * console or another task. */
#include "addin/host/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addin/wire/wire.h"
#include "base/banned.h"

#define LOCK_FD 4
#define FIRST_FREE_FD 10

void program_args_free(char ***argv)
{
	if (*argv == NULL)
		return;
	for (size_t i = 0; (*argv)[i] != NULL; i++)
		free((*argv)[i]);
	free(*argv);
	*argv = NULL;
}

/* The next word of s, NULL at the end; *open_r: a quote was not closed. */
static char *next_word(struct slice *s, bool *open_r)
{
	struct buf word = BUF_INIT;
	bool quoted = false, any = false;
	char *copy;

	while (s->n > 0 && (*s->p == ' ' || *s->p == '\t')) {
		s->p++;
		s->n--;
	}
	for (; s->n > 0 && (quoted || (*s->p != ' ' && *s->p != '\t')); s->p++, s->n--) {
		any = true;
		if (*s->p == '"')
			quoted = !quoted;
		else
			buf_add_char(&word, *s->p);
	}
	*open_r = quoted;
	copy = any ? strdup(buf_cstr(&word)) : NULL;
	buf_release(&word);
	return copy;
}

STATUS program_args(struct slice command, char ***argv_r)
{
	char **argv = calloc(PROGRAM_WORDS_MAX + 1, sizeof(char *));
	size_t count = 0;
	bool open = false;
	char *word;

	if (argv == NULL)
		return POSTIL_ERR_MEMORY;
	while (count < PROGRAM_WORDS_MAX && !open && (word = next_word(&command, &open)) != NULL)
		argv[count++] = word;
	if (count == 0 || open || argv[0][0] == '\0') {
		program_args_free(&argv);
		return POSTIL_ERR_INVALID;
	}
	*argv_r = argv;
	return NOERROR;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* A task is called by the last part of its path. */
static bool is_task_name(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 64 || name[0] == '.' || strncasecmp(name, "postil", 6) == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z')
		      || (name[i] >= '0' && name[i] <= '9') || strchr("_-.", name[i]) != NULL))
			return false;
	return true;
}

static void lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text | 0x20);
}

STATUS program_find(const char *directory, const char *name, char *path, size_t size)
{
	const char *base = strrchr(name, '/');
	int n;

	if (base != NULL) {
		if (name[0] != '/' || !is_task_name(base + 1))
			return POSTIL_ERR_INVALID;
		n = snprintf(path, size, "%s", name);
		return n < (int)size && is_program(path) ? NOERROR : POSTIL_ERR_NOEXIST;
	}
	if (!is_task_name(name))
		return POSTIL_ERR_INVALID;
	n = snprintf(path, size, "%s/%s", directory, name);
	if (n >= (int)size)
		return POSTIL_ERR_TOO_LONG;
	if (is_program(path))
		return NOERROR;
	lower(path + strlen(directory) + 1);
	return is_program(path) ? NOERROR : POSTIL_ERR_NOEXIST;
}

static char *own_directory(void)
{
	char path[4096], companion[4096 + 32];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return NULL;
	*slash = '\0';
	snprintf(companion, sizeof(companion), "%s/postil-server", path);
	return access(companion, X_OK) == 0 ? strdup(path) : NULL;
}

char *program_directory(void)
{
	const char *named = getenv("POSTIL_PROGRAM_DIR");
	char *own;

	if (named != NULL && named[0] == '/')
		return strdup(named);
	own = own_directory();
	return own != NULL ? own : strdup(POSTIL_PROGRAM_DIR);
}

void program_move_up(int *fd)
{
	int moved;

	if (*fd < 0 || *fd >= FIRST_FREE_FD)
		return;
	moved = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	if (moved < 0)
		return;
	close(*fd);
	*fd = moved;
}

/* --- starting ------------------------------------------------------------------------------ */

static bool is_ours(const char *variable)
{
	static const char *const names[] = { "POSTIL_WIRE_FD=", "POSTIL_DATA=",
	                                     "POSTIL_PROGRAM_DIR=", "NOTIFY_SOCKET=",
	                                     "WATCHDOG_USEC=", "WATCHDOG_PID=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

struct environment {
	char **list;
	char *added[3];
};

static void environment_free(struct environment *e)
{
	for (size_t i = 0; i < 3; i++)
		free(e->added[i]);
	free(e->list);
}

static bool environment_make(struct environment *e, const struct program_start *start)
{
	size_t count = 0, n = 0;
	bool made = true;

	*e = (struct environment){ 0 };
	while (environ[count] != NULL)
		count++;
	e->list = calloc(count + 4, sizeof(char *));
	made = asprintf(&e->added[0], "POSTIL_DATA=%s", start->host->data_dir) >= 0 && made;
	made = asprintf(&e->added[1], "POSTIL_PROGRAM_DIR=%s", start->host->program_dir) >= 0
	       && made;
	made = asprintf(&e->added[2], "%s=%d", WIRE_FD_ENV, WIRE_FD) >= 0 && made;
	if (!made || e->list == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!is_ours(environ[i]))
			e->list[n++] = environ[i];
	for (size_t i = 0; i < (start->wire_fd >= 0 ? 3u : 2u); i++)
		e->list[n++] = e->added[i];
	return true;
}

static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK
	                                      | POSIX_SPAWN_SETSIGDEF);
}

static int set_descriptors(posix_spawn_file_actions_t *actions,
                           const struct program_start *start)
{
	int error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);

	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, start->output_fd, 1);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, start->output_fd, 2);
	if (error == 0 && start->wire_fd >= 0)
		error = posix_spawn_file_actions_adddup2(actions, start->wire_fd, WIRE_FD);
	if (error == 0 && start->host->lock_fd >= 0)
		error = posix_spawn_file_actions_adddup2(actions, start->host->lock_fd, LOCK_FD);
	return error;
}

int program_start(const struct program_start *start, pid_t *pid_r)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	struct environment environment;
	int error = ENOMEM;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	if (environment_make(&environment, start))
		error = set_descriptors(&actions, start);
	if (error == 0)
		error = set_attributes(&attr);
	if (error == 0)
		error = posix_spawn(pid_r, start->path, &actions, &attr, start->argv,
		                    environment.list);
	environment_free(&environment);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}
