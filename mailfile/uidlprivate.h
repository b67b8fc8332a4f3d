/* What the readers of UIDL files share. */
#ifndef POSTIL_MAILFILE_UIDLPRIVATE_H
#define POSTIL_MAILFILE_UIDLPRIVATE_H

#include "base/arena.h"
#include "mailfile/uidlmap.h"

struct uidl_map {
	enum uidl_map_kind kind;
	const char *name;               /* of the file, for people; while it is read */
	bool lenient;
	struct buf text;
	struct arena made;              /* what does not stand there as it is */
	uint32_t validity;
	struct uidl_facts *facts;       /* by key */
	size_t count, room;
	size_t ignored, first_ignored;  /* lines */
	struct slice rest;              /* of text, not yet read */
	size_t line;                    /* number of the one read last */
};

STATUS uidl_map_add(struct uidl_map *map, const struct uidl_facts *facts);
/* The next line without its end; false: there is none. */
bool uidl_map_line(struct uidl_map *map, struct slice *line_r);
/* The line read last is none: pass over it, or end with a fault. */
STATUS uidl_map_bad_line(struct uidl_map *map, const char *what, struct fault *fault);
/* The word before the next blank; *rest is behind it. */
struct slice uidl_map_word(struct slice *rest);
/* A file's name without what follows the colon. */
struct slice uidl_map_base(struct slice name);
/* Take a UIDL that stands in the file, or say that it cannot be used. */
void uidl_facts_set(struct uidl_facts *facts, struct slice uidl);
/* Make UIDLs for those that have none, by format or, if it is NULL, by pattern. */
STATUS uidl_map_make(struct uidl_map *map, const struct uidl_format *format,
                     const char *pattern);

/* --- one for each kind: map->rest holds the octets --- */
bool uidl_is_uidlist(struct slice text);
STATUS uidl_read_uidlist(struct uidl_map *map, const struct uidl_format *format,
                         struct fault *fault);
bool uidl_is_sizelist(struct slice text);
STATUS uidl_read_sizelist(struct uidl_map *map, struct fault *fault);
STATUS uidl_read_cyrus(struct uidl_map *map, const struct uidl_format *format,
                       struct fault *fault);

#endif
