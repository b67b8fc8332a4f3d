/*
 * Database files: make, open, close, remove. A file is distrusted from its
 * first octet: it may be a real NSF, something else, of a newer version, cut
 * off or made to harm. SQLite's own locks end with any close() of the file in
 * the process, so its octets are looked at through SQLite's descriptor only.
 */
#include "nsf/private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/banned.h"

enum { HEADER_OCTETS = 100, AT_WRITE_VERSION = 18, AT_USER_VERSION = 60, AT_APPLICATION_ID = 68 };

bool nsf_is_network_fs(unsigned long magic)
{
	static const unsigned long magics[] = {
		0x6969,         /* NFS */
		0x517B,         /* SMB */
		0xFF534D42,     /* CIFS */
		0xFE534D42,     /* SMB2 */
		0x65735546,     /* FUSE: may be sshfs and the like */
		0x01021997,     /* 9p */
		0x5346414F,     /* AFS */
		0x6B414653,     /* kAFS */
		0x73757245,     /* Coda */
		0x00C36400,     /* Ceph */
		0x01161970,     /* GFS2 */
		0x7461636F,     /* OCFS2 */
		0x0BD00BD0      /* Lustre */
	};

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (magic == magics[i])
			return true;
	return false;
}

static STATUS status_of_errno(int error)
{
	switch (error) {
	case ENOENT: case ENOTDIR: return POSTIL_ERR_NOEXIST;
	case EACCES: case EPERM: case EROFS: case ELOOP: return POSTIL_ERR_PERMISSION;
	case ENOSPC: case EDQUOT: return POSTIL_ERR_DISK_FULL;
	case ENAMETOOLONG: return POSTIL_ERR_TOO_LONG;
	case EEXIST: return POSTIL_ERR_EXISTS;
	default: return POSTIL_ERR_IO;
	}
}

static STATUS fail_errno(const char *path, const char *what, struct fault *fault)
{
	int error = errno;

	return fault_set(fault, status_of_errno(error), "%s: %s: %s", path, what, strerrordesc_np(error));
}

static void library_start(void)
{
	/* The statistics of memory would cost every allocation a common mutex. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	/* Pages one by one, not twenty for each handle from the start. */
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
}

static STATUS library_ready(struct fault *fault)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, library_start);
	if (!sqlite3_threadsafe())
		return fault_set(fault, POSTIL_ERR_INVALID,
		                 "this SQLite library was built without threads; install another");
	return NOERROR;
}

/* SQLite would read a name with this start as a URI with options. */
static STATUS path_check(const char *path, struct fault *fault)
{
	if (path[0] == '\0' || strncmp(path, "file:", 5) == 0 || path[0] == ':')
		return fault_set(fault, POSTIL_ERR_INVALID, "%s: not a usable file name", path);
	return NOERROR;
}

static STATUS place_check(const char *path, struct fault *fault)
{
	struct stat st;
	struct statfs fs;

	if (stat(path, &st) < 0 || statfs(path, &fs) < 0)
		return fail_errno(path, "cannot open", fault);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, POSTIL_ERR_FOREIGN, "%s: not a regular file", path);
	if (nsf_is_network_fs((unsigned long)fs.f_type & 0xFFFFFFFFu))
		return fault_set(fault, POSTIL_ERR_NETWORK_FS, "%s: lies on a network or user-space "
		                 "file system, where its locks do not hold; move it to a local one", path);
	if (st.st_size == 0)
		return fault_set(fault, POSTIL_ERR_DAMAGED, "%s: the file is empty; remove it or "
		                 "restore it from a backup", path);
	return NOERROR;
}

static uint32_t big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static STATUS header_read(struct nsf *nsf, unsigned char *header, struct fault *fault)
{
	sqlite3_file *file = NULL;
	int rc = sqlite3_file_control(nsf->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	memset(header, 0, HEADER_OCTETS);
	if (rc == SQLITE_OK && file != NULL && file->pMethods != NULL)
		rc = file->pMethods->xRead(file, header, HEADER_OCTETS, 0);
	/* A file shorter than its header has been filled up with zeros. */
	return rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ ? NOERROR
		: nsf_fail(nsf, rc, fault);
}

static STATUS header_check(const struct nsf *nsf, const unsigned char *header, struct fault *fault)
{
	static const char magic[16] = "SQLite format 3";
	uint32_t version = big_endian(header + AT_USER_VERSION);

	if (header[0] == 0x1A && header[1] == 0x00)
		return fault_set(fault, POSTIL_ERR_FOREIGN, "%s: this is a database of a Domino server "
		                 "or Notes client, which cannot be read here; export it there as DXL, or "
		                 "its messages as .eml files, and import them with `postil mail import`",
		                 nsf->path);
	if (memcmp(header, magic, sizeof(magic)) != 0)
		return fault_set(fault, POSTIL_ERR_FOREIGN, "%s: not a Postil database; if it was one, its beginning "
		                 "is damaged, and `load fixup` rebuilds what can be read", nsf->path);
	if (big_endian(header + AT_APPLICATION_ID) != NSF_APPLICATION_ID)
		return fault_set(fault, POSTIL_ERR_FOREIGN,
		                 "%s: an SQLite database, but not one of Postil", nsf->path);
	if (version == 0 || version > NSF_SCHEMA_VERSION)
		return fault_set(fault, POSTIL_ERR_SCHEMA, "%s: made by a newer version of Postil "
		                 "(schema %u, this version knows %d); update Postil", nsf->path,
		                 (unsigned)version, NSF_SCHEMA_VERSION);
	return NOERROR;
}

/* Keep a hostile file from running anything, and bound what it can ask for. */
static int harden(sqlite3 *db)
{
	int keep_names = 1;

	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_drop_modules(db, NULL);         /* no table is made by code that we do not use */
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, (int)NSF_VALUE_MAX + 4096);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_busy_timeout(db, (int)nsf_lock_wait_ms);
	/* The last to close empties the log but leaves it there, of no octets: two
	 * files made and removed cost more than all else of a short look. */
	sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_names);
	return sqlite3_exec(db, "PRAGMA cell_size_check=ON; PRAGMA cache_size=-1024;"
	                    " PRAGMA journal_size_limit=4194304", NULL, NULL, NULL);
}

static int connect_file(const char *path, int flags, sqlite3 **db_r)
{
	return sqlite3_open_v2(path, db_r, flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
	                       | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, NULL);
}

static STATUS contents_check(struct nsf *nsf, const unsigned char *header, struct fault *fault)
{
	struct counters counters;
	int kind = 0;
	int rc = harden(nsf->db);
	STATUS status;

	/* A copy made by VACUUM INTO is not in WAL mode. */
	if (rc == SQLITE_OK && header[AT_WRITE_VERSION] != 2)
		rc = sqlite3_exec(nsf->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return nsf_fail(nsf, rc, fault);
	if (big_endian(header + AT_USER_VERSION) < NSF_SCHEMA_VERSION) {
		status = nsf_schema_upgrade(nsf, fault);
		if (status != NOERROR)
			return status;
	}
	status = nsf_counters_read(nsf, &counters, &kind);
	if (status != NOERROR) {
		rc = sqlite3_extended_errcode(nsf->db);
		return nsf_fail(nsf, nsf_status(nsf->db, rc) == status ? rc : SQLITE_CORRUPT, fault);
	}
	nsf->kind = (enum nsf_kind)kind;
	return NOERROR;
}

STATUS nsf_open(const char *path, struct nsf **nsf_r, struct fault *fault)
{
	unsigned char header[HEADER_OCTETS];
	struct nsf *nsf = NULL;
	STATUS status = library_ready(fault);
	int rc;

	if (status == NOERROR)
		status = path_check(path, fault);
	if (status == NOERROR)
		status = place_check(path, fault);
	if (status != NOERROR)
		return status;
	nsf = calloc(1, sizeof(*nsf));
	if (nsf == NULL || (nsf->path = strdup(path)) == NULL) {
		free(nsf);
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s: out of memory", path);
	}
	rc = connect_file(path, 0, &nsf->db);
	status = rc == SQLITE_OK ? header_read(nsf, header, fault) : nsf_fail(nsf, rc, fault);
	if (status == NOERROR)
		status = header_check(nsf, header, fault);
	if (status == NOERROR)
		status = contents_check(nsf, header, fault);
	if (status != NOERROR) {
		nsf_close(&nsf);
		return status;
	}
	*nsf_r = nsf;
	return NOERROR;
}

enum nsf_kind nsf_kind(const struct nsf *nsf)
{
	return nsf->kind;
}

void nsf_close(struct nsf **nsf_pointer)
{
	struct nsf *nsf = *nsf_pointer;

	if (nsf == NULL)
		return;
	nsf_rollback(nsf);
	if (nsf_log_is_long(nsf))
		nsf_log_empty(nsf);
	nsf_statements_finalize(nsf);
	sqlite3_close(nsf->db);
	nsf_lock_close(&nsf->lock);
	free(nsf->path);
	free(nsf);
	*nsf_pointer = NULL;
}

void nsf_set_cache(struct nsf *nsf, size_t octets)
{
	char text[96];

	/* Each call inside a transaction is a savepoint; its page copies, once they
	 * have gone to a file, would be written there for every call. */
	snprintf(text, sizeof(text), "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%zu", octets / 1024);
	sqlite3_exec(nsf->db, text, NULL, NULL, NULL);  /* without it, only slower */
}

void nsf_shrink(struct nsf *nsf)
{
	if (nsf->in_transaction)
		return;
	nsf_statements_finalize(nsf);
	sqlite3_db_release_memory(nsf->db);
}

/* --- making -------------------------------------------------------------------------- */

static STATUS directory_sync(const char *path, struct fault *fault)
{
	char *name = strdup(path);
	char *slash;
	int fd, rc;

	if (name == NULL)
		return POSTIL_ERR_MEMORY;
	slash = strrchr(name, '/');
	if (slash != NULL)
		slash[slash == name ? 1 : 0] = '\0';
	fd = open(slash == NULL ? "." : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(name);
	if (fd < 0)
		return fail_errno(path, "cannot open its directory", fault);
	rc = fsync(fd);
	close(fd);
	return rc == 0 ? NOERROR : fail_errno(path, "cannot sync its directory", fault);
}

static STATUS draft_sync(const char *draft, struct fault *fault)
{
	int fd = open(draft, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	STATUS status = NOERROR;

	if (fd < 0 || fsync(fd) < 0)
		status = fail_errno(draft, "cannot sync", fault);
	if (fd >= 0)
		close(fd);
	return status;
}

STATUS nsf_leftovers_remove(const char *path, struct fault *fault)
{
	static const char *const endings[] = { "-wal", "-shm", "-journal" };
	size_t size = strlen(path) + sizeof("-journal");
	char *name = malloc(size);
	STATUS status = NOERROR;

	if (name == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s: out of memory", path);
	for (size_t i = 0; status == NOERROR && i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(name, size, "%s%s", path, endings[i]);
		if (unlink(name) < 0 && errno != ENOENT)
			status = fail_errno(name, "cannot remove", fault);
	}
	free(name);
	return status;
}

/* Built under another name, so that the file appears whole or not at all. The
 * writer lock keeps two makers apart. */
static STATUS build(const char *path, const char *draft, enum nsf_kind kind, struct fault *fault)
{
	sqlite3 *db = NULL;
	STATUS status;
	int fd, rc;

	if (unlink(draft) < 0 && errno != ENOENT)
		return fail_errno(draft, "cannot remove", fault);
	fd = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_errno(draft, "cannot make", fault);
	close(fd);
	rc = connect_file(draft, 0, &db);
	status = rc == SQLITE_OK ? nsf_schema_create(db, kind, fault)
		: fault_set(fault, nsf_status(db, rc), "%s: cannot make: %s", draft, sqlite3_errmsg(db));
	sqlite3_close(db);      /* the last close moves everything into the file */
	if (status == NOERROR)
		status = draft_sync(draft, fault);
	if (status == NOERROR)
		status = nsf_leftovers_remove(path, fault);
	if (status == NOERROR && link(draft, path) < 0)
		status = fail_errno(path, "cannot make", fault);
	unlink(draft);
	return status == NOERROR ? directory_sync(path, fault) : status;
}

static STATUS create_locked(const char *path, enum nsf_kind kind, struct fault *fault)
{
	size_t size = strlen(path) + sizeof("-draft");
	char *draft = malloc(size);
	struct stat st;
	STATUS status;

	if (draft == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s: out of memory", path);
	snprintf(draft, size, "%s-draft", path);
	if (lstat(path, &st) == 0)
		status = fault_set(fault, POSTIL_ERR_EXISTS, "%s: exists already", path);
	else
		status = build(path, draft, kind, fault);
	free(draft);
	return status;
}

STATUS nsf_create(const char *path, enum nsf_kind kind, struct nsf **nsf_r, struct fault *fault)
{
	struct nsf_lock *lock = NULL;
	struct stat st;
	STATUS status = library_ready(fault);

	if (status == NOERROR)
		status = path_check(path, fault);
	if (status == NOERROR && lstat(path, &st) == 0)
		status = fault_set(fault, POSTIL_ERR_EXISTS, "%s: exists already", path);
	if (status == NOERROR)
		status = nsf_lock_make(path, &lock, fault);
	if (status != NOERROR)
		return status;
	status = nsf_lock_writer(lock);
	if (status != NOERROR) {
		fault_set(fault, status, "%s-lock: %s", path, status_text(status));
	} else {
		status = create_locked(path, kind, fault);
		nsf_unlock_writer(lock);
	}
	nsf_lock_close(&lock);
	return status == NOERROR ? nsf_open(path, nsf_r, fault) : status;
}

/* --- removing ------------------------------------------------------------------------- */

static STATUS remove_locked(const char *path, struct fault *fault)
{
	static const char *const endings[] = { "", "-wal", "-shm", "-journal", "-lock" };   /* the lock last */
	size_t size = strlen(path) + sizeof("-journal");
	char *name = malloc(size);
	STATUS status = NOERROR;

	if (name == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s: out of memory", path);
	for (size_t i = 0; status == NOERROR && i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(name, size, "%s%s", path, endings[i]);
		if (unlink(name) < 0 && (errno != ENOENT || i == 0))
			status = fail_errno(name, "cannot remove", fault);
	}
	free(name);
	return status == NOERROR ? directory_sync(path, fault) : status;
}

STATUS nsf_remove(const char *path, struct fault *fault)
{
	struct nsf_lock *lock = NULL;
	STATUS status = nsf_lock_open(path, &lock, fault);

	if (status != NOERROR)
		return status;
	status = nsf_lock_session(lock);
	if (status == NOERROR)
		status = nsf_lock_writer(lock);
	if (status == NOERROR)
		status = remove_locked(path, fault);
	else
		fault_set(fault, status, "%s: cannot be removed: %s", path, status_text(status));
	nsf_lock_close(&lock);
	return status;
}
