/*
 * Memory behind handles. A handle from a task may be wrong or old: each is looked
 * up, and its generation compared, before its block is touched.
 *
 *      handle = generation (12 bits) | place in the table + 1 (20 bits)
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "addin/api/osmem.h"

#define PLACE_BITS 20
#define PLACE_MAX ((1u << PLACE_BITS) - 1)
#define GENERATIONS (1u << (32 - PLACE_BITS))

struct block {
	void *p;                /* NULL: this place is free */
	DWORD size;
	DWORD generation;
	DWORD next_free;        /* place + 1; 0: last */
};

static struct {
	pthread_mutex_t lock;
	struct block *blocks;
	DWORD count, size;      /* places ever used, allocated */
	DWORD first_free;       /* place + 1 */
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static DHANDLE handle_of(DWORD place)
{
	return table.blocks[place].generation << PLACE_BITS | (place + 1);
}

/* table.lock is held. */
static struct block *find(DHANDLE handle)
{
	DWORD number = handle & PLACE_MAX;
	struct block *block;

	if (number == 0 || number > table.count)
		return NULL;
	block = &table.blocks[number - 1];
	return block->p != NULL && handle_of(number - 1) == handle ? block : NULL;
}

static bool grow(void)
{
	DWORD size = table.size == 0 ? 64 : 2 * table.size;
	struct block *blocks;

	if (table.count < table.size)
		return true;
	if (size > PLACE_MAX)
		return false;
	blocks = realloc(table.blocks, size * sizeof(*blocks));
	if (blocks == NULL)
		return false;
	table.blocks = blocks;
	table.size = size;
	return true;
}

/* A free place + 1; 0: none. */
static DWORD take_place(void)
{
	DWORD number = table.first_free;

	if (number != 0) {
		table.first_free = table.blocks[number - 1].next_free;
		return number;
	}
	if (!grow())
		return 0;
	table.blocks[table.count] = (struct block){ .p = NULL };
	return ++table.count;
}

static DHANDLE keep(void *p, DWORD size)
{
	DHANDLE handle = NULLHANDLE;
	DWORD number;

	pthread_mutex_lock(&table.lock);
	number = take_place();
	if (number != 0) {
		table.blocks[number - 1].p = p;
		table.blocks[number - 1].size = size;
		handle = handle_of(number - 1);
	}
	pthread_mutex_unlock(&table.lock);
	return handle;
}

STATUS LNPUBLIC OSMemAlloc(WORD type, DWORD size, DHANDLE *handle_r)
{
	void *p;

	*handle_r = NULLHANDLE;
	if (size == 0)
		return NOERROR;
	p = malloc(size);
	if (p == NULL)
		return ERR_MEMORY;
	*handle_r = keep(p, size);
	if (*handle_r == NULLHANDLE) {
		free(p);
		return ERR_MEMORY;
	}
	return NOERROR;
}

STATUS LNPUBLIC OSMemFree(DHANDLE handle)
{
	struct block *block;
	void *p = NULL;

	pthread_mutex_lock(&table.lock);
	block = find(handle);
	if (block != NULL) {
		p = block->p;
		block->p = NULL;
		block->generation = (block->generation + 1) % GENERATIONS;
		block->next_free = table.first_free;
		table.first_free = handle & PLACE_MAX;
	}
	pthread_mutex_unlock(&table.lock);
	free(p);
	return p != NULL ? NOERROR : ERR_NOT_FOUND;
}

STATUS LNPUBLIC OSMemGetSize(DHANDLE handle, DWORD *size_r)
{
	struct block *block;
	STATUS status = ERR_NOT_FOUND;

	pthread_mutex_lock(&table.lock);
	block = find(handle);
	if (block != NULL) {
		*size_r = block->size;
		status = NOERROR;
	}
	pthread_mutex_unlock(&table.lock);
	return status;
}

STATUS LNPUBLIC OSMemRealloc(DHANDLE handle, DWORD size)
{
	struct block *block;
	STATUS status = ERR_NOT_FOUND;

	pthread_mutex_lock(&table.lock);
	block = find(handle);
	if (block != NULL) {
		void *p = realloc(block->p, size > 0 ? size : 1);

		status = p != NULL ? NOERROR : ERR_MEMORY;
		if (p != NULL) {
			block->p = p;
			block->size = size;
		}
	}
	pthread_mutex_unlock(&table.lock);
	return status;
}

void *LNPUBLIC OSLockObject(DHANDLE handle)
{
	struct block *block;
	void *p;

	pthread_mutex_lock(&table.lock);
	block = find(handle);
	p = block != NULL ? block->p : NULL;
	pthread_mutex_unlock(&table.lock);
	return p;
}

BOOL LNPUBLIC OSUnlockObject(DHANDLE handle)
{
	return OSLockObject(handle) != NULL ? TRUE : FALSE;
}

/* --- the same for blocks that are not shared ------------------------------------------ */

STATUS LNPUBLIC OSMemoryAllocate(DWORD type, DWORD size, MEMHANDLE *handle_r)
{
	return OSMemAlloc(0, size, handle_r);
}

STATUS LNPUBLIC OSMemoryReallocate(MEMHANDLE handle, DWORD size)
{
	return OSMemRealloc(handle, size);
}

void LNPUBLIC OSMemoryFree(MEMHANDLE handle)
{
	OSMemFree(handle);
}

DWORD LNPUBLIC OSMemoryGetSize(MEMHANDLE handle)
{
	DWORD size = 0;

	OSMemGetSize(handle, &size);
	return size;
}

void *LNPUBLIC OSMemoryLock(MEMHANDLE handle)
{
	return OSLockObject(handle);
}

BOOL LNPUBLIC OSMemoryUnlock(MEMHANDLE handle)
{
	return OSUnlockObject(handle);
}
