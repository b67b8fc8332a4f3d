/*
 * Memory behind handles. A handle stands for a block until OSMemFree; its
 * address stays the same until OSMemRealloc. Domino C API reference, functions
 * OSMem..., OSMemory..., OSLockObject.
 */
#ifndef POSTIL_API_OSMEM_H
#define POSTIL_API_OSMEM_H

#include <global.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAXONESEGSIZE 65406

#define MEM_SHARE 0x8000        /* accepted, without effect */
#define MEM_GROWABLE 0x4000     /* accepted: every block can grow */

STATUS LNPUBLIC OSMemAlloc(WORD BlkType, DWORD dwSize, DHANDLE *retHandle);
STATUS LNPUBLIC OSMemFree(DHANDLE Handle);
STATUS LNPUBLIC OSMemGetSize(DHANDLE Handle, DWORD *retSize);
STATUS LNPUBLIC OSMemRealloc(DHANDLE Handle, DWORD NewSize);
void *LNPUBLIC OSLockObject(DHANDLE Handle);
BOOL LNPUBLIC OSUnlockObject(DHANDLE Handle);
#define OSLock(blocktype, handle) ((blocktype *)OSLockObject(handle))
#define OSUnlock(handle) OSUnlockObject(handle)

STATUS LNPUBLIC OSMemoryAllocate(DWORD dwtype, DWORD size, MEMHANDLE *rethandle);
STATUS LNPUBLIC OSMemoryReallocate(MEMHANDLE handle, DWORD size);
void LNPUBLIC OSMemoryFree(MEMHANDLE handle);
DWORD LNPUBLIC OSMemoryGetSize(MEMHANDLE handle);
void *LNPUBLIC OSMemoryLock(MEMHANDLE handle);
BOOL LNPUBLIC OSMemoryUnlock(MEMHANDLE handle);

#ifdef __cplusplus
}
#endif
#endif
