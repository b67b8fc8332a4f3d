/* Maps of UIDLs: the kinds told apart, the pairs, and looking up. The file is made
 * by export, by hand or by another server and distrusted: each line is checked. */
#include "mailfile/uidlprivate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailfile/store.h"

#define MAP_OCTETS_MAX ((size_t)256 << 20)

void uidl_map_free(struct uidl_map **map)
{
	if (*map == NULL)
		return;
	buf_release(&(*map)->text);
	arena_release(&(*map)->made);
	free((*map)->facts);
	free(*map);
	*map = NULL;
}

bool uidl_is_valid(struct slice uidl)
{
	for (size_t i = 0; i < uidl.n; i++)
		if (uidl.p[i] < 0x21 || uidl.p[i] > 0x7E)
			return false;
	return uidl.n > 0 && uidl.n <= MAILDROP_UIDL_MAX;
}

/* --- looking up ------------------------------------------------------------------- */

size_t uidl_map_count(const struct uidl_map *map)
{
	return map->count;
}

const struct uidl_facts *uidl_map_at(const struct uidl_map *map, size_t index)
{
	return &map->facts[index];
}

enum uidl_map_kind uidl_map_kind(const struct uidl_map *map)
{
	return map->kind;
}

uint32_t uidl_map_validity(const struct uidl_map *map)
{
	return map->validity;
}

size_t uidl_map_ignored(const struct uidl_map *map, size_t *first_line_r)
{
	*first_line_r = map->first_ignored;
	return map->ignored;
}

static int compare_keys(const void *a, const void *b)
{
	const struct slice *x = &((const struct uidl_facts *)a)->key;
	const struct slice *y = &((const struct uidl_facts *)b)->key;
	size_t n = x->n < y->n ? x->n : y->n;
	int order = n != 0 ? memcmp(x->p, y->p, n) : 0;

	return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

/* The same key: in the order of their places in the file. */
static int compare_places(const void *a, const void *b)
{
	const struct uidl_facts *x = a, *y = b;
	int order = compare_keys(a, b);

	return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

const struct uidl_facts *uidl_map_facts(const struct uidl_map *map, struct slice key)
{
	struct uidl_facts wanted = { .key = key };

	if (map == NULL || map->count == 0)
		return NULL;
	return bsearch(&wanted, map->facts, map->count, sizeof(wanted), compare_keys);
}

struct slice uidl_map_find(const struct uidl_map *map, struct slice key)
{
	const struct uidl_facts *found = uidl_map_facts(map, key);

	return found != NULL ? found->uidl : (struct slice){ NULL, 0 };
}

/* --- what the readers share ----------------------------------------------------------- */

STATUS uidl_map_add(struct uidl_map *map, const struct uidl_facts *facts)
{
	if (map->count == map->room) {
		size_t room = map->room == 0 ? 256 : map->room * 2;
		struct uidl_facts *grown = realloc(map->facts, room * sizeof(*grown));

		if (grown == NULL)
			return POSTIL_ERR_MEMORY;
		map->facts = grown;
		map->room = room;
	}
	map->facts[map->count] = *facts;
	map->facts[map->count].place = map->count;
	map->count++;
	return NOERROR;
}

bool uidl_map_line(struct uidl_map *map, struct slice *line_r)
{
	struct slice *rest = &map->rest;
	const char *lf;

	if (rest->n == 0)
		return false;
	lf = memchr(rest->p, '\n', rest->n);
	*line_r = (struct slice){ rest->p, lf != NULL ? (size_t)(lf - rest->p) : rest->n };
	rest->p += line_r->n + (lf != NULL);
	rest->n -= line_r->n + (lf != NULL);
	if (line_r->n > 0 && line_r->p[line_r->n - 1] == '\r')
		line_r->n--;
	map->line++;
	return true;
}

STATUS uidl_map_bad_line(struct uidl_map *map, const char *what, struct fault *fault)
{
	if (!map->lenient)
		return fault_set(fault, POSTIL_ERR_SYNTAX, "%s:%zu: not %s", map->name, map->line,
		                 what);
	if (map->ignored++ == 0)
		map->first_ignored = map->line;
	return NOERROR;
}

struct slice uidl_map_word(struct slice *rest)
{
	const char *blank = rest->n != 0 ? memchr(rest->p, ' ', rest->n) : NULL;
	struct slice word = { rest->p, blank != NULL ? (size_t)(blank - rest->p) : rest->n };
	size_t used = blank != NULL ? word.n + 1 : word.n;

	if (used == 0)
		return word;
	*rest = (struct slice){ rest->p + used, rest->n - used };
	return word;
}

struct slice uidl_map_base(struct slice name)
{
	const char *colon = name.n != 0 ? memchr(name.p, ':', name.n) : NULL;

	return (struct slice){ name.p, colon != NULL ? (size_t)(colon - name.p) : name.n };
}

void uidl_facts_set(struct uidl_facts *facts, struct slice uidl)
{
	facts->recorded = uidl_is_valid(uidl);
	facts->uidl = facts->recorded ? uidl : (struct slice){ NULL, 0 };
	facts->flags &= ~(unsigned)UIDL_FLAG_UNUSABLE;
	if (!facts->recorded)
		facts->flags |= UIDL_FLAG_UNUSABLE;
}

static STATUS make_one(struct uidl_map *map, const struct uidl_format *format,
                       struct uidl_facts *facts, struct buf *text)
{
	struct uidl_parts parts = { .uid = facts->uid, .validity = map->validity,
	                            .filename = facts->key, .guid = facts->guid };
	STATUS status = NOERROR;

	buf_clear(text);
	if (parts.guid.n == 0)
		parts.guid = facts->key;        /* as Dovecot does for a Maildir */
	if (!uidl_format_make(format, &parts, text))
		return buf_status(text);
	if (!uidl_is_valid(buf_slice(text)))
		facts->flags |= UIDL_FLAG_UNUSABLE;
	else
		status = arena_copy(&map->made, buf_slice(text), &facts->uidl);
	return status;
}

STATUS uidl_map_make(struct uidl_map *map, const struct uidl_format *format,
                     const char *pattern)
{
	struct uidl_format usual;
	struct buf text = BUF_INIT;
	STATUS status = NOERROR;

	if (format == NULL) {
		if (!uidl_format_parse(pattern, &usual))
			return POSTIL_ERR_INVALID;
		format = &usual;
	}
	for (size_t i = 0; i < map->count && status == NOERROR; i++)
		if (map->facts[i].uidl.n == 0 && !(map->facts[i].flags & UIDL_FLAG_UNUSABLE))
			status = make_one(map, format, &map->facts[i], &text);
	buf_release(&text);
	return status;
}

/* --- pairs ------------------------------------------------------------------------------ */

/* `KEY UIDL`; the key may hold blanks. */
static bool pair_of_line(struct slice line, struct uidl_facts *facts)
{
	const char *blank = line.n != 0 ? memrchr(line.p, ' ', line.n) : NULL;

	*facts = (struct uidl_facts){ .uid = 0 };
	if (blank == NULL || blank == line.p || blank == line.p + line.n - 1)
		return false;
	facts->key = (struct slice){ line.p, (size_t)(blank - line.p) };
	uidl_facts_set(facts, (struct slice){ blank + 1, line.n - facts->key.n - 1 });
	return true;
}

static STATUS read_pairs(struct uidl_map *map, struct fault *fault)
{
	struct uidl_facts facts;
	struct slice line;
	STATUS status = NOERROR;

	while (status == NOERROR && uidl_map_line(map, &line)) {
		if (line.n == 0)
			continue;
		status = pair_of_line(line, &facts) ? uidl_map_add(map, &facts)
		         : uidl_map_bad_line(map, "`KEY UIDL`", fault);
	}
	return status;
}

/* --- the whole ---------------------------------------------------------------------------- */

/* Of two that name one message a server's own file means the later. */
static STATUS settle_keys(struct uidl_map *map, struct fault *fault)
{
	size_t kept = 0;

	if (map->count > 1)
		qsort(map->facts, map->count, sizeof(map->facts[0]), compare_places);
	for (size_t i = 0; i < map->count; i++) {
		bool again = kept > 0 && slice_equal(map->facts[kept - 1].key, map->facts[i].key);

		if (again && !map->lenient)
			return fault_set(fault, POSTIL_ERR_SYNTAX, "%s: the key %.*s stands there twice",
			                 map->name, (int)(map->facts[i].key.n < 200
			                                  ? map->facts[i].key.n : 200), map->facts[i].key.p);
		map->ignored += again;
		kept -= again;
		map->facts[kept++] = map->facts[i];
	}
	map->count = kept;
	return NOERROR;
}

static enum uidl_map_kind kind_of(struct slice text, const char *name)
{
	const char *slash = strrchr(name, '/');

	name = slash != NULL ? slash + 1 : name;
	if (strcmp(name, "cyrus.index") == 0)
		return UIDL_MAP_CYRUS;
	if (uidl_is_uidlist(text))
		return UIDL_MAP_DOVECOT;
	if (uidl_is_sizelist(text) || strcmp(name, "courierpop3dsizelist") == 0)
		return UIDL_MAP_COURIER;
	return UIDL_MAP_PAIRS;
}

static STATUS map_read(struct uidl_map *map, const struct uidl_format *format,
                       struct fault *fault)
{
	STATUS status;

	map->rest = buf_slice(&map->text);
	if (map->kind == UIDL_MAP_AUTO)
		map->kind = kind_of(map->rest, map->name);
	switch (map->kind) {
	case UIDL_MAP_DOVECOT: status = uidl_read_uidlist(map, format, fault); break;
	case UIDL_MAP_COURIER: status = uidl_read_sizelist(map, fault); break;
	case UIDL_MAP_CYRUS: status = uidl_read_cyrus(map, format, fault); break;
	default: status = read_pairs(map, fault);
	}
	return status == NOERROR ? settle_keys(map, fault) : status;
}

static struct uidl_map *map_new(enum uidl_map_kind kind, const char *name, bool lenient)
{
	struct uidl_map *map = calloc(1, sizeof(*map));

	if (map == NULL)
		return NULL;
	map->kind = kind;
	map->name = name;
	map->lenient = lenient;
	buf_init(&map->text, MAP_OCTETS_MAX);
	arena_init(&map->made);
	return map;
}

static STATUS map_done(struct uidl_map *map, STATUS status, struct uidl_map **map_r,
                       struct fault *fault)
{
	if (status == NOERROR) {
		*map_r = map;
		return NOERROR;
	}
	if (fault != NULL && fault->status != status)
		fault_set(fault, status, "%s: %s", map->name, status_text(status));
	uidl_map_free(&map);
	return status;
}

STATUS uidl_map_parse(struct slice octets, enum uidl_map_kind kind,
                      const struct uidl_format *format, bool lenient, const char *name,
                      struct uidl_map **map_r, struct fault *fault)
{
	struct uidl_map *map = map_new(kind, name, lenient);
	STATUS status;

	if (map == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "out of memory");
	buf_add_slice(&map->text, octets);
	status = buf_status(&map->text);
	if (status == NOERROR)
		status = map_read(map, format, fault);
	return map_done(map, status, map_r, fault);
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

STATUS uidl_map_read(const char *path, const struct uidl_format *format,
                     struct uidl_map **map_r, struct fault *fault)
{
	struct uidl_map *map = map_new(UIDL_MAP_AUTO, path, false);
	STATUS status;

	if (map == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "out of memory");
	status = read_all(path, &map->text, fault);
	if (status == NOERROR)
		status = map_read(map, format, fault);
	return map_done(map, status, map_r, fault);
}
