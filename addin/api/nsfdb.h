/*
 * Note databases of the data directory. Domino C API reference, functions NSFDb...
 * What stands here is what a task needs to write documents; a task that uses it
 * links with the note store as well (pkg-config does so).
 */
#ifndef POSTIL_API_NSFDB_H
#define POSTIL_API_NSFDB_H

#include <global.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DBCLASS_BY_EXTENSION 0
#define DBCLASS_NOTEFILE 0xFF01

/* A path without directory lies in the data directory; ".nsf" is added to a name
 * without extension. */
STATUS LNPUBLIC NSFDbOpen(const char *PathName, DBHANDLE *rethDB);
/* Also closes the notes opened in it. */
STATUS LNPUBLIC NSFDbClose(DBHANDLE hDB);
STATUS LNPUBLIC NSFDbCreate(const char *PathName, USHORT DbClass, BOOL ForceCreation);

#ifdef __cplusplus
}
#endif
#endif
