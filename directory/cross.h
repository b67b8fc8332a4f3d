/*
 * What shows only across documents: names that name nobody, groups that go round in
 * circles, documents of which one never holds. Gathered while `check` reads them
 * (cross.c), told after all files (crosstell.c, crosshold.c, crosstls.c).
 *
 * Names are kept as hashes of their directory_key: two that collide may cost a warning
 * or make one too many, never more.
 */
#ifndef POSTIL_DIRECTORY_CROSS_H
#define POSTIL_DIRECTORY_CROSS_H

#include "directory/compile.h"

/* Where something stands. It counts while turn is the last that its note had. */
struct cross_place {
	struct file *file;
	uint32_t line, note_id, turn;
};

enum cross_kind {
	CROSS_PERSON = 1,       /* first FullName, AltFullName: what access lists go by */
	CROSS_ALIAS = 2,        /* another name of anything */
	CROSS_GROUP = 4,
	CROSS_SERVER = 8,
	CROSS_MAILIN = 16,
	CROSS_PATTERN = 32,     /* that a person or server is under */
	CROSS_ORGANIZATION = 64 /* of a server */
};

struct cross_name {
	uint64_t key;
	enum cross_kind kind;
	struct cross_place place;
};

struct cross_group {
	uint64_t key;
	int type;
	struct slice name;
	struct cross_place place;
	size_t first, count;    /* its references; set when all are known */
};

enum cross_item { CROSS_MEMBERS, CROSS_ALLOW, CROSS_DENY, CROSS_HOSTS, CROSS_CONFIG, CROSS_MAIL };

/* A value that names somebody. */
struct cross_reference {
	uint64_t key;
	enum cross_item item;
	int type;               /* of the group that it is a member of */
	struct slice text;
	struct cross_place place;
};

/* What a server or site allows with TLS. */
struct cross_tls {
	bool password, certificate, stls;
};

struct cross_server {
	struct slice key;       /* directory_key */
	struct slice name;
	bool tls_port, internet_sites;
	struct cross_tls tls;
	struct cross_place place;
};

struct cross_site {
	struct slice name, sort_key, organization;
	struct identity unid;
	bool everywhere, addressed;     /* hosted by all servers; has an address */
	struct cross_tls tls;
	const uint64_t *hosts;
	size_t host_count;
	struct cross_place place;
};

struct cross_config {
	struct identity unid;
	bool is_default;
	struct cross_place place;
};

struct cross_list {
	void *p;
	size_t count, room;
};
#define CROSS_AT(list, type, i) (&((type *)(list)->p)[i])

struct cross {
	struct arena arena;
	struct slice server;            /* canonical; empty: not known */
	uint32_t *turns;                /* by note id: when it was last added, 0: never */
	size_t turns_room;
	uint32_t turn;
	struct cross_list names, groups, references, servers, sites, configs;
};

/* server: whose directory it is, empty if nobody knows. */
STATUS cross_new(struct slice server, struct cross **cross_r);
void cross_free(struct cross **cross);
/* A document of the current file, whose names c->keys has; it counts in place of what its
 * note has been before. */
STATUS cross_add(struct compile *c, const struct form *form, const struct note *note,
                 const struct document *document);
/* Tell what is wrong, as warnings. */
STATUS cross_tell(struct compile *c);

uint64_t cross_hash(struct slice key);
/* The key of a pattern that key is under, by its rest from the slash at. */
uint64_t cross_pattern_hash(struct slice key, size_t slash);
/* Does a part of key begin behind this octet? */
bool cross_is_slash(struct slice key, size_t at);

/* --- crosstell.c, crosshold.c and crosstls.c: once all is known ---------------------------- */

#define CROSS_WARN(c, place, ...) \
	do { \
		(c)->file = (place)->file; \
		compile_warn(c, (place)->line, __VA_ARGS__); \
	} while (0)

int cross_order(uint64_t a, uint64_t b);        /* for qsort */
/* A value escaped for one line, good until the next call but three. */
const char *cross_shown(struct slice s);
/* Kinds of all that have a name, as bits; the place of one of wanted kind (place_r may be
 * NULL). */
unsigned cross_kinds(const struct cross *x, uint64_t key, unsigned wanted,
                     struct cross_place *place_r);
/* The references of an item, sorted by key; the list is the caller's to free. */
STATUS cross_references(const struct cross *x, enum cross_item item,
                        const struct cross_reference ***list_r, size_t *count_r);
#define CROSS_SITES_MAX 1000    /* looked at with each other, or with each server */
void cross_tell_sites(struct compile *c);
void cross_tell_tls(struct compile *c);
STATUS cross_tell_configs(struct compile *c);

#endif
