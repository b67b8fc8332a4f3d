/* The cache of message lists. Nothing here is input; see lists.h. */
#include "mailfile/lists.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/cache.h"

struct kept {
	struct cache_node node;
	struct file_id id;
	struct nsf_stamp stamp;
	struct msglist *list;
	bool utf8;              /* if the list is not the same for all */
	char path[];
};

struct lists {
	pthread_mutex_t mutex;
	struct cache cache;
	size_t max_octets;
};

STATUS lists_new(size_t max_octets, struct lists **lists_r)
{
	struct lists *lists = calloc(1, sizeof(*lists));
	STATUS status;

	if (lists == NULL)
		return POSTIL_ERR_MEMORY;
	lists->max_octets = max_octets;
	status = cache_init(&lists->cache);
	if (status != NOERROR) {
		free(lists);
		return status;
	}
	pthread_mutex_init(&lists->mutex, NULL);
	*lists_r = lists;
	return NOERROR;
}

static void drop(struct lists *lists, struct kept *kept)
{
	cache_remove(&lists->cache, &kept->node);
	msglist_let_go(&kept->list);
	free(kept);
}

void lists_free(struct lists **lists)
{
	if (*lists == NULL)
		return;
	while ((*lists)->cache.oldest != NULL)
		drop(*lists, (struct kept *)(*lists)->cache.oldest);
	cache_release(&(*lists)->cache);
	pthread_mutex_destroy(&(*lists)->mutex);
	free(*lists);
	*lists = NULL;
}

static bool stamp_equal(const struct nsf_stamp *a, const struct nsf_stamp *b)
{
	return a->valid && b->valid && memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

/* The list for such sessions. Of one path there are two at most. */
static struct kept *find(const struct lists *lists, const char *path, bool utf8)
{
	struct cache_node *node = cache_find(&lists->cache, path);

	while (node != NULL && !msglist_is_one_form(((struct kept *)node)->list)
	       && ((struct kept *)node)->utf8 != utf8)
		node = cache_find_next(node);
	return (struct kept *)node;
}

struct msglist *lists_find(struct lists *lists, const char *path, bool utf8,
                           const struct nsf_stamp *stamp, struct file_id *id_r)
{
	struct msglist *list = NULL;
	struct kept *kept;

	if (!stamp->valid)
		return NULL;
	pthread_mutex_lock(&lists->mutex);
	kept = find(lists, path, utf8);
	if (kept != NULL && stamp_equal(&kept->stamp, stamp)) {
		cache_touch(&lists->cache, &kept->node);
		*id_r = kept->id;
		list = msglist_hold(kept->list);
	}
	pthread_mutex_unlock(&lists->mutex);
	return list;
}

static struct kept *kept_new(const char *path, struct file_id id,
                             const struct nsf_stamp *stamp, struct msglist *list)
{
	size_t length = strlen(path) + 1;
	struct kept *kept = calloc(1, sizeof(*kept) + length);

	if (kept == NULL)
		return NULL;
	memcpy(kept->path, path, length);
	kept->node.key = kept->path;
	kept->node.cost = sizeof(*kept) + length + msglist_memory(list);
	kept->id = id;
	kept->stamp = *stamp;
	kept->list = msglist_hold(list);
	return kept;
}

/* What another list of that path makes out of date. */
static void drop_older(struct lists *lists, const char *path, bool utf8, bool one_form)
{
	struct kept *kept;

	while ((kept = find(lists, path, utf8)) != NULL)
		drop(lists, kept);
	while (one_form && (kept = find(lists, path, !utf8)) != NULL)
		drop(lists, kept);
}

void lists_keep(struct lists *lists, const char *path, bool utf8, struct file_id id,
                const struct nsf_stamp *stamp, struct msglist *list)
{
	struct kept *kept;

	if (!stamp->valid || msglist_memory(list) > lists->max_octets)
		return;
	kept = kept_new(path, id, stamp, list);
	if (kept == NULL)
		return;
	kept->utf8 = utf8;
	pthread_mutex_lock(&lists->mutex);
	drop_older(lists, path, utf8, msglist_is_one_form(list));
	cache_insert(&lists->cache, &kept->node);
	while (lists->cache.cost > lists->max_octets && lists->cache.oldest != NULL)
		drop(lists, (struct kept *)lists->cache.oldest);
	pthread_mutex_unlock(&lists->mutex);
}

void lists_forget(struct lists *lists, const char *path)
{
	pthread_mutex_lock(&lists->mutex);
	drop_older(lists, path, false, true);
	pthread_mutex_unlock(&lists->mutex);
}
