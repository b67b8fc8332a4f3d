/*
 * fixup: look at a file, mend it in place if SQLite finds it whole, else rebuild
 * it. Distrusted from its first octet: what cannot be one of ours is left alone.
 */
#include "nsf/maintain.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/banned.h"

struct fixup {
	const char *path;
	struct finder finder;
	struct aside aside;
	struct nsf_fixup_result *result;
	struct fault *fault;
};

static STATUS whole_result(struct fixup *f, struct nsf *nsf)
{
	uint64_t octets;
	STATUS status = nsf_inbox_stat(nsf, &f->result->messages, &octets);

	return status == NOERROR ? status
		: fault_set(f->fault, status, "%s: %s", f->path, status_text(status));
}

static STATUS found_only(struct fixup *f)
{
	return fault_set(f->fault, POSTIL_ERR_DAMAGED, "%s: %llu findings, nothing has been changed", f->path,
	                 (unsigned long long)f->finder.findings);
}

/* The directory is made from documents that are elsewhere: no row of it is worth saving, and
 * one that is wrong might let somebody in. */
static STATUS directory_only(struct fixup *f)
{
	return fault_set(f->fault, POSTIL_ERR_DAMAGED, "%s: %llu findings; it is compiled from the documents: "
	                 "remove it, and `postil directory update` makes it anew", f->path,
	                 (unsigned long long)f->finder.findings);
}

/* Findings are told once, while looking; mending counts them again in silence. */
static STATUS in_place(struct fixup *f, struct nsf *nsf, bool sound)
{
	struct finder again = { .findings = 0 };
	STATUS status = nsf_repair(nsf, sound, &f->aside, &again, f->fault);

	if (status == NOERROR)
		status = whole_result(f, nsf);
	return status;
}

/* --- rebuilding ------------------------------------------------------------------------- */

static STATUS nothing_left(struct fixup *f)
{
	return fault_set(f->fault, POSTIL_ERR_DAMAGED, "%s: nothing of it can be read; it is left as it is, "
	                 "restore it with `postil mail restore`", f->path);
}

static STATUS draft_whole(struct fixup *f, const char *draft)
{
	struct finder finder = { .findings = 0 };
	struct nsf *nsf = NULL;
	struct nsf_examined examined;
	STATUS status = nsf_open(draft, &nsf, f->fault);

	if (status == NOERROR)
		status = nsf_examine(nsf, &finder, &examined, f->fault);
	if (status == NOERROR && finder.findings > 0)
		status = fault_set(f->fault, POSTIL_ERR_DAMAGED, "%s: cannot be rebuilt, %llu findings are left; "
		                   "restore it with `postil mail restore`", f->path,
		                   (unsigned long long)finder.findings);
	if (status == NOERROR)
		status = whole_result(f, nsf);
	nsf_close(&nsf);
	nsf_draft_strip(draft);
	return status == NOERROR ? nsf_sync_file(draft, f->fault) : status;
}

static STATUS rebuild_locked(struct fixup *f, struct nsf_lock *lock, const char *draft)
{
	struct nsf *reader = NULL;
	bool any = false;
	STATUS status;

	/* A reader of ours keeps the log as it is; where none can begin, nobody else can write. */
	if (nsf_open(f->path, &reader, NULL) == NOERROR)
		sqlite3_exec(reader->db, "BEGIN; SELECT k FROM store", NULL, NULL, NULL);
	status = nsf_rebuild(f->path, draft, &f->aside, &f->finder, &any, f->fault);
	nsf_close(&reader);
	if (status == NOERROR && !any)
		status = nothing_left(f);
	if (status == NOERROR)
		status = draft_whole(f, draft);
	nsf_aside_close(&f->aside);
	if (status == NOERROR)
		status = nsf_name_free(f->path, "broken", NULL, f->result->kept, f->fault);
	if (status == NOERROR)
		status = nsf_swap(f->path, draft, f->result->kept, lock, f->fault);
	f->result->rebuilt = status == NOERROR;
	return status;
}

static STATUS rebuild(struct fixup *f)
{
	char draft[PATH_MAX];
	struct nsf_lock *lock = NULL;
	STATUS status = nsf_lock_open(f->path, &lock, f->fault);

	if (status != NOERROR)
		return status;
	snprintf(draft, sizeof(draft), "%s-rebuild", f->path);
	status = nsf_lock_writer(lock);
	if (status == NOERROR)
		status = rebuild_locked(f, lock, draft);
	else
		fault_set(f->fault, status, "%s: cannot be repaired: %s", f->path, status_text(status));
	nsf_draft_remove(draft);
	nsf_lock_close(&lock);
	if (status != NOERROR)
		f->result->kept[0] = '\0';
	return status;
}

/* --- looking ------------------------------------------------------------------------------ */

static bool is_directory_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash == NULL ? path : slash + 1, "names.nsf") == 0;
}

/* Not to be opened: damaged, or none of ours at all. */
static STATUS cannot_open(struct fixup *f, bool look_only, STATUS status)
{
	if (status != POSTIL_ERR_DAMAGED && status != POSTIL_ERR_FOREIGN)
		return status;
	f->finder.findings++;
	if (is_directory_name(f->path))
		return directory_only(f);
	if (look_only)
		return status;
	nsf_watch_tell(f->finder.watch, "%s", "it cannot be opened as a database");
	return rebuild(f);
}

static STATUS opened(struct fixup *f, struct nsf **nsf, bool look_only)
{
	struct nsf_examined examined;
	STATUS status = nsf_examine(*nsf, &f->finder, &examined, f->fault);
	if (status != NOERROR)
		return status;
	if (f->finder.findings == 0)
		return whole_result(f, *nsf);
	if (look_only)
		return found_only(f);
	if (nsf_kind(*nsf) == NSF_DIRECTORY)
		return directory_only(f);
	if (examined.whole)
		return in_place(f, *nsf, examined.sound);
	nsf_close(nsf);
	return rebuild(f);
}

/* A real NSF is not ours to touch. */
static bool is_real_nsf(const char *path)
{
	unsigned char start[2] = { 0 };
	FILE *file = fopen(path, "rbe");
	bool real = false;

	if (file != NULL) {
		real = fread(start, 1, 2, file) == 2 && start[0] == 0x1A && start[1] == 0x00;
		fclose(file);
	}
	return real;
}

STATUS nsf_fixup(const char *path, bool look_only, const struct nsf_watch *watch,
                 struct nsf_fixup_result *result_r, struct fault *fault)
{
	struct fixup f = { .path = path, .finder = { watch, 0 }, .result = result_r, .fault = fault };
	struct nsf *nsf = NULL;
	STATUS status;

	memset(result_r, 0, sizeof(*result_r));
	f.aside = (struct aside){ .path = path, .name = result_r->aside };
	if (strlen(path) >= PATH_MAX - 64)
		return fault_set(fault, POSTIL_ERR_TOO_LONG, "%s: the name is too long", path);
	status = nsf_open(path, &nsf, fault);
	if (status == NOERROR)
		status = opened(&f, &nsf, look_only);
	else if (!(status == POSTIL_ERR_FOREIGN && is_real_nsf(path)))
		status = cannot_open(&f, look_only, status);
	nsf_close(&nsf);
	nsf_aside_close(&f.aside);
	result_r->findings = f.finder.findings;
	result_r->set_aside = f.aside.count;
	return status;
}
