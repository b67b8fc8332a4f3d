/*
 * Fewer system calls between SQLite and the file system. The layer below does
 * all real work; this one stands between for two kinds of files only.
 *
 * Database: pages that are asked for in order are read several at a time. What
 * was read ahead is kept only until the next lock call or write. That is right
 * because inside a read transaction the pages that come from the file, and not
 * from the log, do not change: whoever moves the log into the file leaves alone
 * what a reader may still need.
 *
 * Log: frames are collected and written together. A frame that ends a
 * transaction is written at once with all before it, as is everything before a
 * sync, a read or any other call. What a crash takes from the collection was
 * part of no transaction.
 */
#include "nsf/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum {
	PAGE = 8192,
	AHEAD_MAX = 8 * PAGE,
	FRAME_HEADER = 24,
	COLLECT_MAX = 8 * (PAGE + FRAME_HEADER)
};

struct file {
	sqlite3_file base;
	sqlite3_file *real;     /* behind this struct, of the layer below */
	char *kept;             /* read ahead, or collected */
	sqlite3_int64 start;    /* its place in the file */
	int n;
	/* database */
	sqlite3_int64 next;     /* where the last read ended */
	int ahead;              /* how much to read ahead; 0: not in order so far */
	/* log */
	bool ends;              /* the frame begun ends a transaction */
	sqlite3_int64 end;      /* of what was written here since the log began anew */
};

static sqlite3_vfs *below;

static struct file *file_of(sqlite3_file *f)
{
	return (struct file *)f;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

static void drop(struct file *f)
{
	free(f->kept);
	f->kept = NULL;
	f->n = 0;
	f->ahead = 0;
	f->next = -1;
}

/* --- database ----------------------------------------------------------------------------- */

/* Read [at, at + size) and some more; false: not enough there, nothing is kept. */
static bool read_ahead(struct file *f, int size, sqlite3_int64 at)
{
	f->ahead = f->ahead == 0 ? 4 * PAGE : AHEAD_MAX;
	f->n = 0;
	if (size > f->ahead)
		return false;
	if (f->kept == NULL)
		f->kept = malloc(AHEAD_MAX);
	if (f->kept == NULL)
		return false;
	if (f->real->pMethods->xRead(f->real, f->kept, f->ahead, at) != SQLITE_OK)
		return false;   /* near the end of the file, or an error to be met again */
	f->start = at;
	f->n = f->ahead;
	return true;
}

static int db_read(sqlite3_file *file, void *out, int size, sqlite3_int64 at)
{
	struct file *f = file_of(file);
	bool in_order = at == f->next;

	f->next = at + size;
	if (!in_order)
		f->ahead = 0;
	if (f->n > 0 && at >= f->start && at + size <= f->start + f->n) {
		memcpy(out, f->kept + (at - f->start), (size_t)size);
		return SQLITE_OK;
	}
	if (in_order && size == PAGE && read_ahead(f, size, at)) {
		memcpy(out, f->kept, (size_t)size);
		return SQLITE_OK;
	}
	return f->real->pMethods->xRead(f->real, out, size, at);
}

static int db_write(sqlite3_file *file, const void *p, int size, sqlite3_int64 at)
{
	drop(file_of(file));
	return real_of(file)->pMethods->xWrite(real_of(file), p, size, at);
}

static int db_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	drop(file_of(file));
	return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int db_lock(sqlite3_file *file, int level)
{
	drop(file_of(file));
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int db_unlock(sqlite3_file *file, int level)
{
	drop(file_of(file));
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int db_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	drop(file_of(file));
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static int db_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **map_r)
{
	return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, map_r);
}

static void db_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int db_shm_unmap(sqlite3_file *file, int delete)
{
	drop(file_of(file));
	return real_of(file)->pMethods->xShmUnmap(real_of(file), delete);
}

static int db_close(sqlite3_file *file)
{
	drop(file_of(file));
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int db_sync(sqlite3_file *file, int flags)
{
	return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int db_size(sqlite3_file *file, sqlite3_int64 *size_r)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), size_r);
}

/* --- log ------------------------------------------------------------------------------------- */

static int flush(struct file *f)
{
	int rc = SQLITE_OK;

	if (f->n > 0)
		rc = f->real->pMethods->xWrite(f->real, f->kept, f->n, f->start);
	f->n = 0;
	return rc;
}

static void collect(struct file *f, const void *p, int size, sqlite3_int64 at)
{
	if (f->n == 0)
		f->start = at;
	memcpy(f->kept + f->n, p, (size_t)size);
	f->n += size;
	f->end = at + size;
}

static int write_through(struct file *f, const void *p, int size, sqlite3_int64 at)
{
	int rc = flush(f);

	if (at == 0)
		f->end = 0;     /* the log's own header: it begins anew */
	if (f->end < at + size)
		f->end = at + size;
	return rc != SQLITE_OK ? rc : f->real->pMethods->xWrite(f->real, p, size, at);
}

/* Octets 4 to 7 of a frame's header: the size of the database after the
 * transaction it ends, else 0. A header that is written once more, with another
 * checksum, is followed by no page and must not wait for one. */
static int log_write_header(struct file *f, const unsigned char *p, sqlite3_int64 at)
{
	int rc = SQLITE_OK;

	if (at < f->end)
		return write_through(f, p, FRAME_HEADER, at);
	f->ends = (p[4] | p[5] | p[6] | p[7]) != 0;
	if (f->kept == NULL)
		f->kept = malloc(COLLECT_MAX);
	if (f->kept == NULL)
		return write_through(f, p, FRAME_HEADER, at);
	if (f->n > 0 && (at != f->start + f->n || f->n + FRAME_HEADER + PAGE > COLLECT_MAX))
		rc = flush(f);
	if (rc == SQLITE_OK)
		collect(f, p, FRAME_HEADER, at);
	return rc;
}

static int log_write(sqlite3_file *file, const void *p, int size, sqlite3_int64 at)
{
	struct file *f = file_of(file);
	int rc;

	if (size == FRAME_HEADER)
		return log_write_header(f, p, at);
	if (f->n > 0 && at == f->start + f->n && f->n + size <= COLLECT_MAX) {
		collect(f, p, size, at);
		if (!f->ends)
			return SQLITE_OK;
		rc = flush(f);
		free(f->kept);          /* an idle handle keeps no buffer */
		f->kept = NULL;
		return rc;
	}
	return write_through(f, p, size, at);
}

static int log_read(sqlite3_file *file, void *out, int size, sqlite3_int64 at)
{
	int rc = flush(file_of(file));

	return rc != SQLITE_OK ? rc : real_of(file)->pMethods->xRead(real_of(file), out, size, at);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int rc = flush(file_of(file));

	return rc != SQLITE_OK ? rc : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int log_sync(sqlite3_file *file, int flags)
{
	int rc = flush(file_of(file));

	return rc != SQLITE_OK ? rc : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size_r)
{
	int rc = flush(file_of(file));

	return rc != SQLITE_OK ? rc : real_of(file)->pMethods->xFileSize(real_of(file), size_r);
}

static int log_close(sqlite3_file *file)
{
	flush(file_of(file));   /* no transaction is in it */
	drop(file_of(file));
	return real_of(file)->pMethods->xClose(real_of(file));
}

/* --- both ------------------------------------------------------------------------------------- */

static int pass_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int pass_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int pass_reserved(sqlite3_file *file, int *is_r)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), is_r);
}

static int pass_control(sqlite3_file *file, int op, void *argument)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int pass_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int pass_characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static const sqlite3_io_methods db_methods = {
	.iVersion = 2, .xClose = db_close, .xRead = db_read, .xWrite = db_write,
	.xTruncate = db_truncate, .xSync = db_sync, .xFileSize = db_size, .xLock = db_lock,
	.xUnlock = db_unlock, .xCheckReservedLock = pass_reserved, .xFileControl = pass_control,
	.xSectorSize = pass_sector, .xDeviceCharacteristics = pass_characteristics,
	.xShmMap = db_shm_map, .xShmLock = db_shm_lock, .xShmBarrier = db_shm_barrier,
	.xShmUnmap = db_shm_unmap,
};

static const sqlite3_io_methods log_methods = {
	.iVersion = 1, .xClose = log_close, .xRead = log_read, .xWrite = log_write,
	.xTruncate = log_truncate, .xSync = log_sync, .xFileSize = log_size, .xLock = pass_lock,
	.xUnlock = pass_unlock, .xCheckReservedLock = pass_reserved, .xFileControl = pass_control,
	.xSectorSize = pass_sector, .xDeviceCharacteristics = pass_characteristics,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_r)
{
	struct file *f = file_of(file);
	int rc;

	(void)vfs;
	if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0)
		return below->xOpen(below, name, file, flags, flags_r);
	memset(f, 0, sizeof(*f));
	f->next = -1;
	f->real = (sqlite3_file *)(f + 1);
	rc = below->xOpen(below, name, f->real, flags, flags_r);
	/* SQLite closes what has methods, also after an error. */
	if (f->real->pMethods != NULL)
		f->base.pMethods = flags & SQLITE_OPEN_WAL ? &log_methods : &db_methods;
	return rc;
}

void nsf_vfs_register(void)
{
	static sqlite3_vfs vfs;

	below = sqlite3_vfs_find(NULL);
	if (below == NULL)
		return;
	vfs = *below;
	vfs.zName = NSF_VFS;
	vfs.szOsFile = (int)sizeof(struct file) + below->szOsFile;
	vfs.xOpen = vfs_open;
	sqlite3_vfs_register(&vfs, 0);
}
