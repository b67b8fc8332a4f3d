/*
 * postil mail backup and restore: one mail file, or all below a folder, while the
 * server runs. Paths come from the command line; those of mail files are checked
 * as in a Person document, the others name what the user may read and write.
 */
#include "addin/tools/mail.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "addin/maint/walk.h"
#include "addin/tools/progress.h"
#include "base/text.h"
#include "nsf/maint.h"

struct job {
	const char *data_dir;
	bool replace;
	uint64_t files, octets, messages;
	int exit_status;        /* of the first that failed */
};

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void failed(struct job *job, const struct fault *fault, STATUS status)
{
	int exit_status = tool_fail(fault, status);

	if (job->exit_status == EX_OK)
		job->exit_status = exit_status;
}

/* The folders above path, as far as they are not there. */
static STATUS make_folders(char *path, struct fault *fault)
{
	for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		int rc;

		*p = '\0';
		rc = mkdir(path, 0700);
		if (rc < 0 && errno != EEXIST) {
			fault_set(fault, errno == EACCES || errno == EROFS ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
			          "cannot make the directory %s: %s", path, strerrordesc_np(errno));
			*p = '/';
			return fault->status;
		}
		*p = '/';
	}
	return NOERROR;
}

static STATUS join(char out[PATH_MAX], const char *folder, const char *name, struct fault *fault)
{
	if (snprintf(out, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
		return NOERROR;
	return fault_set(fault, POSTIL_ERR_TOO_LONG, "%s/%s: the name is too long", folder, name);
}

static bool step(void *context, uint64_t done, uint64_t total)
{
	progress_step(context, done, total, 0);
	return true;
}

/* --- backup ---------------------------------------------------------------------------- */

static void backup_one(struct job *job, const char *from, char *to)
{
	struct fault fault = { .status = NOERROR };
	struct progress progress;
	struct nsf_watch watch = { .go_on = step, .context = &progress };
	uint64_t octets = 0;
	STATUS status = make_folders(to, &fault);

	progress_start(&progress);
	if (status == NOERROR)
		status = nsf_backup(from, to, job->replace, &watch, &octets, &fault);
	progress_end(&progress);
	if (status != NOERROR) {
		failed(job, &fault, status);
		return;
	}
	job->files++;
	job->octets += octets;
}

/* Where the copy of a file goes: target itself, or its place below the folder target. */
static void backup_all(struct job *job, const struct walk *walk, size_t prefix, bool several,
                       const char *target)
{
	for (size_t i = 0; i < walk->count; i++) {
		struct fault fault = { .status = NOERROR };
		char from[PATH_MAX], to[PATH_MAX];
		const char *base = strrchr(walk->paths[i], '/');
		STATUS status = join(from, job->data_dir, walk->paths[i], &fault);

		base = base == NULL ? walk->paths[i] : base + 1;
		if (status == NOERROR && several)
			status = join(to, target, walk->paths[i] + prefix, &fault);
		else if (status == NOERROR && is_folder(target))
			status = join(to, target, base, &fault);
		else if (snprintf(to, sizeof(to), "%s", target) >= (int)sizeof(to))
			status = fault_set(&fault, POSTIL_ERR_TOO_LONG, "%s: the name is too long", target);
		if (status == NOERROR)
			backup_one(job, from, to);
		else
			failed(job, &fault, status);
	}
}

/* How much of the paths is the folder that was named; *several_r: it was a folder. */
static size_t prefix_of(const char *data_dir, const char *argument, bool *several_r)
{
	char full[PATH_MAX];
	size_t n = strlen(argument);

	while (n > 0 && (argument[n - 1] == '/' || argument[n - 1] == '\\'))
		n--;
	if (snprintf(full, sizeof(full), "%s/%.*s", data_dir, (int)n, argument) >= (int)sizeof(full))
		return 0;
	for (char *p = full + strlen(data_dir); *p != '\0'; p++)
		*p = *p == '\\' ? '/' : *p;
	*several_r = is_folder(full);
	return *several_r && strcmp(argument, ".") != 0 ? n + 1 : 0;
}

static int backup(const char *data_dir, const char *argument, const char *target, bool replace)
{
	struct job job = { .data_dir = data_dir, .replace = replace };
	struct fault fault = { .status = NOERROR };
	struct walk walk = { .paths = NULL };
	bool several = false;
	size_t prefix = prefix_of(data_dir, argument, &several);
	STATUS status = walk_add(&walk, data_dir, argument, &fault);
	char size[16];

	if (status != NOERROR)
		return tool_fail(&fault, status);
	walk_sort(&walk);
	backup_all(&job, &walk, prefix, several, target);
	walk_release(&walk);
	text_size(job.octets, size);
	printf("%llu file%s copied to %s, %s\n", (unsigned long long)job.files, text_plural(job.files),
	       target, size);
	return job.exit_status;
}

/* --- restore -------------------------------------------------------------------------------- */

static void told(const char *path, const struct nsf_restored *r)
{
	printf("%s: %llu message%s restored", path, (unsigned long long)r->messages,
	       text_plural(r->messages));
	if (r->kept[0] != '\0')
		printf("; the file that was there is %s now", r->kept);
	if (r->renamed > 0)
		printf("; %llu UIDL%s had named other messages since and %s new", (unsigned long long)r->renamed,
		       text_plural(r->renamed), r->renamed == 1 ? "is" : "are");
	putchar('\n');
}

/* Made from documents; an older one would have persons as they were until it is made anew. */
static bool is_compiled(const char *path)
{
	return strcmp(path, "names.nsf") == 0;
}

static void restore_one(struct job *job, const char *from, const char *mail_file)
{
	struct fault fault = { .status = NOERROR };
	struct buf path = BUF_INIT;
	struct nsf_restored restored;
	char full[PATH_MAX];
	STATUS status = mailfile_path(job->data_dir, slice_of(mail_file), &path, &fault);

	if (status == NOERROR && is_compiled(buf_cstr(&path)))
		status = fault_set(&fault, POSTIL_ERR_INVALID, "%s is no mail file; it is made from the "
		                   "documents in %s/names by: postil directory update", mail_file,
		                   job->data_dir);
	if (status == NOERROR)
		status = join(full, job->data_dir, buf_cstr(&path), &fault);
	if (status == NOERROR)
		status = make_folders(full, &fault);
	if (status == NOERROR)
		status = nsf_restore(from, full, NULL, &restored, &fault);
	if (status == NOERROR) {
		told(buf_cstr(&path), &restored);
		job->files++;
	} else {
		failed(job, &fault, status);
	}
	buf_release(&path);
}

static int restore_folder(struct job *job, const char *from, const char *to)
{
	struct fault fault = { .status = NOERROR };
	struct walk walk = { .paths = NULL };
	STATUS status = walk_add(&walk, from, NULL, &fault);

	if (status != NOERROR)
		return tool_fail(&fault, status);
	walk_sort(&walk);
	for (size_t i = 0; i < walk.count; i++) {
		char full[PATH_MAX], mail_file[PATH_MAX];

		status = join(full, from, walk.paths[i], &fault);
		if (status == NOERROR && strcmp(to, ".") != 0)
			status = join(mail_file, to, walk.paths[i], &fault);
		else
			snprintf(mail_file, sizeof(mail_file), "%s", walk.paths[i]);
		if (status == NOERROR && is_compiled(mail_file))
			printf("%s: passed over, postil directory update makes it\n", mail_file);
		else if (status == NOERROR)
			restore_one(job, full, mail_file);
		else
			failed(job, &fault, status);
	}
	walk_release(&walk);
	return job->exit_status;
}

/* --- the verbs -------------------------------------------------------------------------------- */

static bool options(int argc, char **argv, const char *letters, const char **data, bool *replace)
{
	int option;

	while ((option = getopt(argc, argv, letters)) != -1)
		switch (option) {
		case 'd': *data = optarg; break;
		case 'r': *replace = true; break;
		default: return false;
		}
	return argc - optind == 2;
}

int mail_backup(int argc, char **argv)
{
	static const char usage[] = "mail backup [-r] [-d DATA] MAILFILE|DIR TARGET";
	const char *data = NULL;
	bool replace = false;
	char *data_dir, *target;
	int exit_status = EX_OK;

	if (!options(argc, argv, "d:r", &data, &replace))
		return tool_usage(usage);
	data_dir = tool_data_dir(data, &exit_status);
	if (data_dir == NULL)
		return exit_status;
	target = argv[optind + 1];
	for (size_t n = strlen(target); n > 1 && target[n - 1] == '/'; n--)
		target[n - 1] = '\0';
	exit_status = backup(data_dir, argv[optind], target, replace);
	free(data_dir);
	return exit_status;
}

int mail_restore(int argc, char **argv)
{
	static const char usage[] = "mail restore [-d DATA] BACKUP MAILFILE|DIR";
	struct job job = { .exit_status = EX_OK };
	const char *data = NULL, *from;
	char *data_dir;
	int exit_status = EX_OK;

	if (!options(argc, argv, "d:", &data, &job.replace))
		return tool_usage(usage);
	data_dir = tool_data_dir(data, &exit_status);
	if (data_dir == NULL)
		return exit_status;
	job.data_dir = data_dir;
	from = argv[optind];
	if (is_folder(from)) {
		exit_status = restore_folder(&job, from, argv[optind + 1]);
	} else {
		restore_one(&job, from, argv[optind + 1]);
		exit_status = job.exit_status;
	}
	free(data_dir);
	return exit_status;
}
