/* Which message had which UIDL on the server it comes from. The file is made by
 * export or by hand and distrusted: each line is checked and faults are told by
 * its number. */
#include "mailfile/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAP_OCTETS_MAX ((size_t)256 << 20)

struct pair {
	struct slice key, uidl;
};

struct uidl_map {
	struct buf text;
	struct pair *pairs;     /* by key */
	size_t count, room;
};

void uidl_map_free(struct uidl_map **map)
{
	if (*map == NULL)
		return;
	buf_release(&(*map)->text);
	free((*map)->pairs);
	free(*map);
	*map = NULL;
}

size_t uidl_map_count(const struct uidl_map *map)
{
	return map->count;
}

static int compare_keys(const void *a, const void *b)
{
	const struct slice *x = &((const struct pair *)a)->key, *y = &((const struct pair *)b)->key;
	size_t n = x->n < y->n ? x->n : y->n;
	int order = n != 0 ? memcmp(x->p, y->p, n) : 0;

	return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

struct slice uidl_map_find(const struct uidl_map *map, struct slice key)
{
	struct pair wanted = { .key = key };
	const struct pair *found = NULL;

	if (map != NULL && map->count > 0)
		found = bsearch(&wanted, map->pairs, map->count, sizeof(wanted), compare_keys);
	return found != NULL ? found->uidl : (struct slice){ NULL, 0 };
}

static STATUS read_failed(const char *path, int error, struct fault *fault)
{
	return fault_set(fault, error == ENOENT ? POSTIL_ERR_NOEXIST
	                 : error == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
	                 "cannot read %s: %s", path, strerrordesc_np(error));
}

static STATUS read_all(const char *path, struct buf *text, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), error = errno;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && buf_reserve(text, 65536) == NOERROR) {
		n = read(fd, text->p + text->n, 65536);
		error = errno;
		if (n > 0)
			text->n += (size_t)n;
		else if (n < 0 && error == EINTR)
			n = 1;
	}
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return read_failed(path, error, fault);
	return buf_status(text) == NOERROR ? NOERROR
	       : fault_set(fault, buf_status(text), "%s is too large for a UIDL map", path);
}

static bool uidl_is_valid(struct slice uidl)
{
	for (size_t i = 0; i < uidl.n; i++)
		if (uidl.p[i] < 0x21 || uidl.p[i] > 0x7E)
			return false;
	return uidl.n > 0 && uidl.n <= MAILDROP_UIDL_MAX;
}

/* `KEY UIDL`; the key may hold blanks. */
static bool pair_of_line(struct slice line, struct pair *pair_r)
{
	const char *blank = line.n != 0 ? memrchr(line.p, ' ', line.n) : NULL;

	if (blank == NULL || blank == line.p)
		return false;
	pair_r->key = (struct slice){ line.p, (size_t)(blank - line.p) };
	pair_r->uidl = (struct slice){ blank + 1, line.n - pair_r->key.n - 1 };
	return uidl_is_valid(pair_r->uidl);
}

static STATUS map_add(struct uidl_map *map, struct pair pair)
{
	if (map->count == map->room) {
		size_t room = map->room == 0 ? 256 : map->room * 2;
		struct pair *pairs = realloc(map->pairs, room * sizeof(*pairs));

		if (pairs == NULL)
			return POSTIL_ERR_MEMORY;
		map->pairs = pairs;
		map->room = room;
	}
	map->pairs[map->count++] = pair;
	return NOERROR;
}

static STATUS map_parse(struct uidl_map *map, const char *path, struct fault *fault)
{
	struct slice rest = buf_slice(&map->text);
	STATUS status = NOERROR;

	for (unsigned long number = 1; rest.n > 0 && status == NOERROR; number++) {
		const char *lf = memchr(rest.p, '\n', rest.n);
		struct slice line = { rest.p, lf != NULL ? (size_t)(lf - rest.p) : rest.n };
		size_t used = lf != NULL ? line.n + 1 : line.n;
		struct pair pair;

		rest = (struct slice){ rest.p + used, rest.n - used };
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n == 0)
			continue;
		if (!pair_of_line(line, &pair))
			return fault_set(fault, POSTIL_ERR_SYNTAX, "%s:%lu: not `KEY UIDL` with a UIDL"
			                 " of 1 to 70 printable characters", path, number);
		status = map_add(map, pair);
	}
	return status;
}

static STATUS check_keys(const struct uidl_map *map, const char *path, struct fault *fault)
{
	for (size_t i = 1; i < map->count; i++)
		if (slice_equal(map->pairs[i - 1].key, map->pairs[i].key))
			return fault_set(fault, POSTIL_ERR_SYNTAX, "%s: the key %.*s stands there twice",
			                 path, (int)(map->pairs[i].key.n < 200 ? map->pairs[i].key.n : 200),
			                 map->pairs[i].key.p);
	return NOERROR;
}

STATUS uidl_map_read(const char *path, struct uidl_map **map_r, struct fault *fault)
{
	struct uidl_map *map = calloc(1, sizeof(*map));
	STATUS status;

	if (map == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "out of memory");
	buf_init(&map->text, MAP_OCTETS_MAX);
	status = read_all(path, &map->text, fault);
	if (status == NOERROR)
		status = map_parse(map, path, fault);
	if (status == NOERROR && map->count > 1) {
		qsort(map->pairs, map->count, sizeof(map->pairs[0]), compare_keys);
		status = check_keys(map, path, fault);
	}
	if (status != NOERROR)
		uidl_map_free(&map);
	else
		*map_r = map;
	return status;
}
