/* Which message had which UIDL on the server it comes from. The file is made by
 * export, by hand or by Dovecot (dovecot-uidlist) and distrusted: each line is
 * checked and faults are told by its number. */
#include "mailfile/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define MAP_OCTETS_MAX ((size_t)256 << 20)

struct pair {
	struct slice key, uidl;
};

struct uidl_map {
	struct buf text;
	struct buf made;        /* UIDLs of a dovecot-uidlist, 16 octets each */
	bool is_uidlist;
	uint32_t uidvalidity;
	struct pair *pairs;     /* by key */
	size_t count, room;
};

void uidl_map_free(struct uidl_map **map)
{
	if (*map == NULL)
		return;
	buf_release(&(*map)->text);
	buf_release(&(*map)->made);
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

/* --- dovecot-uidlist, version 3 ---------------------------------------------------
 *
 *      3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1
 *      25006 P4f5d7a13000061ae :1276528487.M364837P9451.host:2,S
 *
 * The UIDL is what P says; else what Dovecot makes of UID and V: eight lower-case
 * hexadecimal digits each. */

static struct slice next_word(struct slice *rest)
{
	const char *blank = rest->n != 0 ? memchr(rest->p, ' ', rest->n) : NULL;
	struct slice word = { rest->p, blank != NULL ? (size_t)(blank - rest->p) : rest->n };
	size_t used = blank != NULL ? word.n + 1 : word.n;

	*rest = (struct slice){ rest->p + used, rest->n - used };
	return word;
}

/* A letter and a number. */
static bool number_word(struct slice word, char letter, uint64_t *number_r)
{
	return word.n > 1 && word.p[0] == letter
	       && text_number((struct slice){ word.p + 1, word.n - 1 }, UINT32_MAX, number_r);
}

static bool uidlist_header(struct uidl_map *map, struct slice line)
{
	bool is_version_3 = slice_equal(next_word(&line), SLICE_LIT("3"));
	bool has_validity = false, has_next = false;
	uint64_t number;

	while (line.n > 0) {
		struct slice word = next_word(&line);

		if (number_word(word, 'V', &number)) {
			map->uidvalidity = (uint32_t)number;
			has_validity = true;
		}
		has_next |= number_word(word, 'N', &number);
	}
	return is_version_3 && has_validity && has_next;
}

/* The UIDLs made are found by their place, for the buffer may yet move. */
static bool pair_of_record(struct uidl_map *map, struct slice line, struct pair *pair_r)
{
	struct slice uid = next_word(&line);
	const char *colon;
	uint64_t number;

	if (!text_number(uid, UINT32_MAX, &number))
		return false;
	pair_r->uidl = (struct slice){ NULL, map->made.n };
	while (line.n > 0 && line.p[0] != ':') {
		struct slice word = next_word(&line);

		if (word.n > 0 && word.p[0] == 'P')
			pair_r->uidl = (struct slice){ word.p + 1, word.n - 1 };
	}
	if (line.n < 2)
		return false;
	pair_r->key = (struct slice){ line.p + 1, line.n - 1 };
	colon = memchr(pair_r->key.p, ':', pair_r->key.n);
	if (colon != NULL)
		pair_r->key.n = (size_t)(colon - pair_r->key.p);
	if (pair_r->uidl.p == NULL)
		buf_addf(&map->made, "%08x%08x", (unsigned)number, (unsigned)map->uidvalidity);
	return pair_r->key.n > 0 && (pair_r->uidl.p == NULL || uidl_is_valid(pair_r->uidl));
}

static void place_made_uidls(struct uidl_map *map)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->pairs[i].uidl.p == NULL)
			map->pairs[i].uidl = (struct slice){ map->made.p + map->pairs[i].uidl.n, 16 };
}

/* --- lines ----------------------------------------------------------------------------- */

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

/* The next line without its end; false: there is none. */
static bool next_line(struct slice *rest, struct slice *line_r)
{
	const char *lf;

	if (rest->n == 0)
		return false;
	lf = memchr(rest->p, '\n', rest->n);
	*line_r = (struct slice){ rest->p, lf != NULL ? (size_t)(lf - rest->p) : rest->n };
	rest->p += line_r->n + (lf != NULL);
	rest->n -= line_r->n + (lf != NULL);
	if (line_r->n > 0 && line_r->p[line_r->n - 1] == '\r')
		line_r->n--;
	return true;
}

static STATUS map_parse(struct uidl_map *map, const char *path, struct fault *fault)
{
	struct slice rest = buf_slice(&map->text), line;
	STATUS status = NOERROR;

	for (unsigned long number = 1; status == NOERROR && next_line(&rest, &line); number++) {
		struct pair pair;

		if (number == 1 && uidlist_header(map, line)) {
			map->is_uidlist = true;
			continue;
		}
		if (line.n == 0)
			continue;
		if (map->is_uidlist ? !pair_of_record(map, line, &pair)
		                    : !pair_of_line(line, &pair))
			return fault_set(fault, POSTIL_ERR_SYNTAX, map->is_uidlist
			                 ? "%s:%lu: not a line of a dovecot-uidlist"
			                 : "%s:%lu: not `KEY UIDL` with a UIDL of 1 to 70 printable"
			                   " characters", path, number);
		status = map_add(map, pair);
	}
	if (status == NOERROR)
		status = buf_status(&map->made);
	if (status == NOERROR)
		place_made_uidls(map);
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
