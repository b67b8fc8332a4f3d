/*
 * The stored form of a message, made while it streams in.
 *
 * A bare LF becomes CRLF; CRLF, bare CR, NUL and 8-bit octets stay as they are;
 * a missing last line end is added (no octets at all become one CRLF); nothing
 * else changes. While the octets pass
 * the intake learns size, header length (octets up to and with the empty line;
 * all of it when there is none) and whether a line starts with a dot. Up to
 * spool_octets are held in memory, more in an unlinked file in spool_dir.
 */
#ifndef POSTIL_MAILFILE_MESSAGE_H
#define POSTIL_MAILFILE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "mailfile/store.h"

struct intake;

struct intake_options {
	const char *spool_dir;          /* NULL: $TMPDIR or /tmp */
	size_t spool_octets;            /* default 256 KiB */
	uint64_t max_octets;            /* POSTIL_ERR_TOO_LONG above; default 1 GiB */
	bool smtputf8;                  /* sent with SMTPUTF8 (RFC 6531): headers are UTF-8 */
};

STATUS intake_new(const struct intake_options *options, struct intake **intake_r);
void intake_free(struct intake **intake);
STATUS intake_add(struct intake *intake, const void *p, size_t n);
/* No more octets. Then the delivery may be used until intake_free; its note
 * holds the header items the Notes side shows (From, SendTo, CopyTo, Subject,
 * PostedDate, $MessageID, Form "Memo"). With smtputf8 and octets above 127 in a
 * header of whatever level, delivery_r->second is the form for clients without
 * UTF8 (downgrade.h), or needs_utf8 says that there is none. Without smtputf8
 * such a header stays what it is: mail of old, served as it came. */
STATUS intake_finish(struct intake *intake, struct maildrop_delivery *delivery_r);
/* After intake_finish: another item, of text, beside the octets. */
STATUS intake_add_item(struct intake *intake, const char *item, struct slice value);

#endif
