/*
 * Which message had which UIDL, and what else the old server wrote down of it:
 *
 *   pairs    lines `KEY UIDL`, made by export or by hand
 *   dovecot  dovecot-uidlist of versions 1 and 3; courierimapuiddb is a version 1
 *   courier  courierpop3dsizelist of all versions (pop3dserver.c of Courier-IMAP)
 *   cyrus    cyrus.index (imap/mailbox.h of Cyrus IMAP), versions 1 to 20
 *
 * KEY is a file's name without directory and without what follows the colon of a
 * Maildir name, or a message's number in its mbox file.
 */
#ifndef POSTIL_MAILFILE_UIDLMAP_H
#define POSTIL_MAILFILE_UIDLMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "mailfile/uidlformat.h"

enum uidl_map_kind { UIDL_MAP_AUTO, UIDL_MAP_PAIRS, UIDL_MAP_DOVECOT, UIDL_MAP_COURIER,
                     UIDL_MAP_CYRUS };

enum uidl_flag {
	UIDL_FLAG_KNOWN = 1,    /* the map knows flags at all */
	UIDL_FLAG_SEEN = 2, UIDL_FLAG_ANSWERED = 4, UIDL_FLAG_FLAGGED = 8,
	UIDL_FLAG_DRAFT = 16, UIDL_FLAG_DELETED = 32,
	UIDL_FLAG_EXPUNGED = 64,        /* no longer there for any client */
	UIDL_FLAG_UNUSABLE = 128        /* it had a UIDL that POP3 cannot carry */
};

/* All slices live as long as the map. */
struct uidl_facts {
	struct slice key;
	struct slice uidl;              /* empty: none known, or not usable */
	bool recorded;                  /* it stands there; else the format made it */
	struct slice guid;
	uint32_t uid, order;            /* order: of the message in POP3; 0: that of uid */
	int64_t received_ms;            /* 0: not known */
	unsigned flags;
	size_t place;                   /* of its record in the file */
};

struct uidl_map;

/* A file that a person named; the first fault ends it: POSTIL_ERR_SYNTAX with file and
 * line. format: of UIDLs that are not written down, NULL: as the server does by default. */
STATUS uidl_map_read(const char *path, const struct uidl_format *format,
                     struct uidl_map **map_r, struct fault *fault);
/* The same for octets that are at hand. lenient, for a server's own file: lines that are
 * none are counted and passed over, and of two that name one message the later holds;
 * a file that is none at all is still POSTIL_ERR_SYNTAX. name: for people. */
STATUS uidl_map_parse(struct slice octets, enum uidl_map_kind kind,
                      const struct uidl_format *format, bool lenient, const char *name,
                      struct uidl_map **map_r, struct fault *fault);
void uidl_map_free(struct uidl_map **map);

/* map may be NULL. NULL: not in it. Valid until uidl_map_free. */
const struct uidl_facts *uidl_map_facts(const struct uidl_map *map, struct slice key);
struct slice uidl_map_find(const struct uidl_map *map, struct slice key); /* empty: none */
size_t uidl_map_count(const struct uidl_map *map);
/* In order of keys; index below the count. */
const struct uidl_facts *uidl_map_at(const struct uidl_map *map, size_t index);
enum uidl_map_kind uidl_map_kind(const struct uidl_map *map);
uint32_t uidl_map_validity(const struct uidl_map *map);         /* 0: not known */
size_t uidl_map_ignored(const struct uidl_map *map, size_t *first_line_r);

/* 1 to 70 octets from 0x21 to 0x7E (RFC 1939, section 7). */
bool uidl_is_valid(struct slice uidl);

#endif
