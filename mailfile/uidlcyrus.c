/* cyrus.index: the index of a mailbox of Cyrus IMAP, all numbers with the high octet
 * first (imap/mailbox.h). Any octet may be wrong: the header says how long header and
 * records are, and is believed within bounds.
 *
 *   header   8 minor version, 12 its length, 16 length of a record, 20 records; UID
 *            validity at 40, since version 6 at 44, since 20 at 92; options beside it
 *   record   0 UID, 4 date of receipt, 32 flags; since version 20: 8 date in
 *            nanoseconds, 36 flags
 *
 * The UIDL is VALIDITY.UID in mailboxes made since version 2.1.3 (an option of the
 * mailbox says so), UID in older ones (uidl_msg in imap/pop3d.c). Since version 12 of
 * the index the flags say what the owner has read; before, a file elsewhere does. */
#include "mailfile/uidlprivate.h"

#include <stdio.h>
#include <string.h>

#define HEADER_OCTETS_MIN 36
#define HEADER_OCTETS_MAX 4096
#define RECORD_OCTETS_MIN 36
#define RECORD_OCTETS_MAX 1024

#define OPTION_NEW_UIDL 1u
#define CYRUS_ANSWERED 1u
#define CYRUS_FLAGGED 2u
#define CYRUS_DELETED 4u
#define CYRUS_DRAFT 8u
#define CYRUS_SEEN 16u
#define CYRUS_GONE (1u << 30 | 1u << 31)        /* unlinked, expunged */

struct layout {
	uint32_t version, header_octets, record_octets;
	size_t validity, options;       /* 0: there is none */
	size_t flags;
};

static uint32_t number_at(struct slice s, size_t offset)
{
	const unsigned char *p = (const unsigned char *)s.p + offset;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool read_layout(struct slice text, struct layout *l)
{
	if (text.n < HEADER_OCTETS_MIN)
		return false;
	*l = (struct layout){ number_at(text, 8), number_at(text, 12), number_at(text, 16),
	                      0, 0, 32 };
	if (l->version == 0 || l->version > 255 || l->header_octets < HEADER_OCTETS_MIN
	    || l->header_octets > HEADER_OCTETS_MAX || l->header_octets > text.n
	    || l->record_octets < RECORD_OCTETS_MIN || l->record_octets > RECORD_OCTETS_MAX)
		return false;
	if (l->version >= 20) {
		*l = (struct layout){ l->version, l->header_octets, l->record_octets, 92, 64, 36 };
		return l->header_octets >= 96 && l->record_octets >= 40;
	}
	if (l->header_octets >= 80) {
		l->validity = 44;
		l->options = 60;
	} else if (l->header_octets >= 44) {
		l->validity = 40;
		l->options = l->header_octets >= 60 ? 56 : 0;
	}
	return true;
}

static unsigned flags_of(uint32_t flags, uint32_t version)
{
	static const struct { uint32_t theirs; unsigned ours; } same[] = {
		{ CYRUS_ANSWERED, UIDL_FLAG_ANSWERED }, { CYRUS_FLAGGED, UIDL_FLAG_FLAGGED },
		{ CYRUS_DELETED, UIDL_FLAG_DELETED }, { CYRUS_DRAFT, UIDL_FLAG_DRAFT },
	};
	unsigned ours = UIDL_FLAG_KNOWN;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (flags & same[i].theirs)
			ours |= same[i].ours;
	if (version < 12)
		return ours;
	if (flags & CYRUS_SEEN)
		ours |= UIDL_FLAG_SEEN;
	return flags & CYRUS_GONE ? ours | UIDL_FLAG_EXPUNGED : ours;
}

static int64_t received_of(struct slice record, uint32_t version)
{
	uint64_t nanoseconds;

	if (version < 20)
		return (int64_t)number_at(record, 4) * 1000;
	nanoseconds = (uint64_t)number_at(record, 8) << 32 | number_at(record, 12);
	return (int64_t)(nanoseconds / 1000000);
}

static STATUS add_record(struct uidl_map *map, const struct layout *l, struct slice record)
{
	struct uidl_facts facts = { .uid = number_at(record, 0),
		.received_ms = received_of(record, l->version),
		.flags = flags_of(number_at(record, l->flags), l->version) };
	char key[16];
	STATUS status;

	snprintf(key, sizeof(key), "%u", (unsigned)facts.uid);
	status = arena_copy(&map->made, slice_of(key), &facts.key);
	return status == NOERROR ? uidl_map_add(map, &facts) : status;
}

STATUS uidl_read_cyrus(struct uidl_map *map, const struct uidl_format *format,
                       struct fault *fault)
{
	struct slice text = map->rest;
	uint32_t records, options;
	struct layout l;
	STATUS status = NOERROR;

	if (!read_layout(text, &l))
		return fault_set(fault, POSTIL_ERR_SYNTAX, "%s: not an index of Cyrus IMAP",
		                 map->name);
	map->validity = l.validity != 0 ? number_at(text, l.validity) : 0;
	options = l.options != 0 ? number_at(text, l.options) : 0;
	records = number_at(text, 20);
	text = (struct slice){ text.p + l.header_octets, text.n - l.header_octets };
	for (uint32_t i = 0; i < records && status == NOERROR; i++) {
		struct slice record = { text.p, l.record_octets };

		if (text.n < l.record_octets) {
			map->line = i + 1;
			status = uidl_map_bad_line(map, "as many records as the header says", fault);
			break;
		}
		text = (struct slice){ text.p + l.record_octets, text.n - l.record_octets };
		map->line = i + 1;
		status = number_at(record, 0) != 0 ? add_record(map, &l, record)
		         : uidl_map_bad_line(map, "a record with a UID", fault);
	}
	return status == NOERROR
	       ? uidl_map_make(map, format, options & OPTION_NEW_UIDL ? "cyrus" : "uid") : status;
}
