/* What reading directories is made of: listing.c finds files and files of UIDLs,
 * importdir.c takes them in. */
#ifndef POSTIL_MAILFILE_IMPORTDIR_H
#define POSTIL_MAILFILE_IMPORTDIR_H

#include <limits.h>

#include "mailfile/importer.h"

#define LISTING_DEPTH_MAX 16            /* of folders in folders */

enum listing_kind { LISTING_EML, LISTING_MAILDIR, LISTING_CYRUS };

struct listed {
	const char *name;
	unsigned char part;             /* which directory it lies in */
	const struct uidl_facts *facts; /* NULL: none */
};

/* One directory with messages: of a Maildir, cur and new. */
struct listing {
	enum listing_kind kind;
	bool top;                       /* the inbox of the old server: clients know its UIDLs */
	const char *path;               /* for people */
	int fd;                         /* of the directory */
	int parts[2];                   /* where files lie; -1: not there */
	const char *part_names[2];
	struct arena arena;
	struct listed *list;
	size_t count, room;
	struct uidl_map *maps[2];       /* the one that was written last comes first */
	size_t map_count;
};

/* fd is the listing's from now on. Messages in order, each with what is known of it. */
STATUS listing_open(struct importer *im, struct listing *l, enum listing_kind kind, bool top,
                    const char *path, int fd);
void listing_close(struct listing *l);
/* The names in a directory that are its folders: begin with a dot or not; in arena. */
STATUS listing_folders(int fd, bool dotted, struct arena *arena, char ***names_r,
                       size_t *count_r);
/* A directory in another, never by a link; -1 with errno. */
int listing_subdirectory(int fd, const char *name);
bool listing_has(int fd, const char *name);     /* a directory or a file, no link */

#endif
