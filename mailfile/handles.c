/* Idle database handles. Paths are the store's own; files under them may be
 * replaced by anybody with access at any moment, so each is known by its inode. */
#include "mailfile/handles.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mailfile/cache.h"

struct handle {
	struct cache_node node;
	struct nsf *nsf;
	struct file_id id;
	char path[];
};

struct handles {
	pthread_mutex_t mutex;
	struct cache idle;
	size_t max_idle;
};

bool file_id_equal(struct file_id a, struct file_id b)
{
	return a.dev == b.dev && a.ino == b.ino;
}

STATUS file_id_of(const char *path, struct file_id *id_r, struct fault *fault)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		*id_r = (struct file_id){ st.st_dev, st.st_ino };
		return NOERROR;
	}
	if (errno == ENOENT || errno == ENOTDIR)
		return fault_set(fault, POSTIL_ERR_NOEXIST, "%s does not exist", path);
	return fault_set(fault, errno == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
	                 "%s: %s", path, strerrordesc_np(errno));
}

STATUS handles_new(size_t max_idle, struct handles **handles_r)
{
	struct handles *handles = calloc(1, sizeof(*handles));
	STATUS status;

	if (handles == NULL)
		return POSTIL_ERR_MEMORY;
	handles->max_idle = max_idle;
	status = cache_init(&handles->idle);
	if (status != NOERROR) {
		free(handles);
		return status;
	}
	pthread_mutex_init(&handles->mutex, NULL);
	*handles_r = handles;
	return NOERROR;
}

void handles_free(struct handles **handles)
{
	if (*handles == NULL)
		return;
	handles_drop_all(*handles);
	cache_release(&(*handles)->idle);
	pthread_mutex_destroy(&(*handles)->mutex);
	free(*handles);
	*handles = NULL;
}

static void handle_free(struct handle *handle)
{
	nsf_close(&handle->nsf);
	free(handle);
}

static struct handle *handle_new(const char *path)
{
	size_t length = strlen(path) + 1;
	struct handle *handle = calloc(1, sizeof(*handle) + length);

	if (handle == NULL)
		return NULL;
	memcpy(handle->path, path, length);
	handle->node.key = handle->path;
	handle->node.cost = 1;
	return handle;
}

static struct handle *take_idle(struct handles *handles, const char *path, struct file_id id)
{
	struct cache_node *node;

	pthread_mutex_lock(&handles->mutex);
	node = cache_find(&handles->idle, path);
	while (node != NULL && !file_id_equal(((struct handle *)node)->id, id))
		node = cache_find_next(node);
	if (node != NULL)
		cache_remove(&handles->idle, node);
	pthread_mutex_unlock(&handles->mutex);
	return (struct handle *)node;
}

STATUS handles_take(struct handles *handles, const char *path, struct file_id id,
                    struct handle **handle_r, struct fault *fault)
{
	struct handle *handle = take_idle(handles, path, id);
	struct file_id after;
	STATUS status;

	if (handle != NULL) {
		*handle_r = handle;
		return NOERROR;
	}
	handle = handle_new(path);
	if (handle == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "out of memory");
	handle->id = id;
	status = nsf_open(path, &handle->nsf, fault);
	if (status == NOERROR && nsf_kind(handle->nsf) != NSF_MAIL)
		status = fault_set(fault, POSTIL_ERR_FOREIGN,
		                   "%s is a database but not a mail file", path);
	if (status == NOERROR)
		status = file_id_of(path, &after, fault);
	if (status == NOERROR && !file_id_equal(id, after))
		status = fault_set(fault, POSTIL_ERR_LOCK_LOST,
		                   "%s has been replaced by another file", path);
	if (status != NOERROR) {
		handle_free(handle);
		return status;
	}
	*handle_r = handle;
	return NOERROR;
}

STATUS handles_create(struct handles *handles, const char *path, struct handle **handle_r,
                      struct fault *fault)
{
	struct handle *handle = handle_new(path);
	STATUS status;

	if (handle == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "out of memory");
	status = nsf_create(path, NSF_MAIL, &handle->nsf, fault);
	if (status == NOERROR)
		status = file_id_of(path, &handle->id, fault);
	if (status != NOERROR) {
		handle_free(handle);
		return status;
	}
	*handle_r = handle;
	return NOERROR;
}

struct nsf *handle_nsf(struct handle *handle)
{
	return handle->nsf;
}

void handles_put(struct handles *handles, struct handle **taken, STATUS status)
{
	struct handle *handle = *taken, *out = NULL;

	if (handle == NULL)
		return;
	*taken = NULL;
	if (status == POSTIL_ERR_DAMAGED || status == POSTIL_ERR_IO || handles->max_idle == 0) {
		handle_free(handle);
		return;
	}
	pthread_mutex_lock(&handles->mutex);
	if (handles->idle.count >= handles->max_idle) {
		out = (struct handle *)handles->idle.oldest;
		cache_remove(&handles->idle, &out->node);
	}
	cache_insert(&handles->idle, &handle->node);
	pthread_mutex_unlock(&handles->mutex);
	if (out != NULL)
		handle_free(out);
}

/* One idle handle of that path (NULL: any) out of the cache, or NULL. */
static struct handle *take_any(struct handles *handles, const char *path)
{
	struct cache_node *node;

	pthread_mutex_lock(&handles->mutex);
	node = path != NULL ? cache_find(&handles->idle, path) : handles->idle.oldest;
	if (node != NULL)
		cache_remove(&handles->idle, node);
	pthread_mutex_unlock(&handles->mutex);
	return (struct handle *)node;
}

void handles_drop(struct handles *handles, const char *path)
{
	struct handle *handle;

	while ((handle = take_any(handles, path)) != NULL)
		handle_free(handle);
}

void handles_drop_all(struct handles *handles)
{
	handles_drop(handles, NULL);
}
