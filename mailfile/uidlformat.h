/*
 * How another server makes the UIDL of a message: pop3_uidl_format of Dovecot
 * (settings of 2.3 and 2.4), and by name what Cyrus and Courier do.
 *
 *   %u UID, %v UID validity, %f file name without flags, %g GUID, %m MD5 of some of
 *   the header (mbox); %08Xu: hexadecimal, at least eight digits, zeros before;
 *   %5u: at most so many characters; L, U: small, capital letters; M: MD5 of it.
 *   %{uid}, %{uidvalidity}, %{filename}, %{guid}, %{md5}; %{uid | hex(8)}.
 */
#ifndef POSTIL_MAILFILE_UIDLFORMAT_H
#define POSTIL_MAILFILE_UIDLFORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define UIDL_FORMAT_PIECES 16
#define UIDL_FORMAT_OCTETS 160

struct uidl_piece {
	char what;              /* u, v, f, g, m; 0: text as it is */
	bool hex, zeros, md5, capital, small;
	unsigned width;         /* 0: as it comes */
	struct slice text;
};

struct uidl_format {
	struct uidl_piece pieces[UIDL_FORMAT_PIECES];
	size_t count;
	char octets[UIDL_FORMAT_OCTETS];
};

/* What is known of a message; 0 or empty: not known. */
struct uidl_parts {
	uint32_t uid, validity;
	struct slice filename, guid, md5;       /* md5: 32 hexadecimal digits */
};

/* text: a pattern, or dovecot (%08Xu%08Xv), cyrus (%v.%u), courier (UID%u-%v), uid (%u),
 * filename (%f), guid (%g), md5 (%m). false: it is none, or names nothing that tells
 * messages apart. format points into itself: do not copy it. */
bool uidl_format_parse(const char *text, struct uidl_format *format);
bool uidl_format_uses(const struct uidl_format *format, char what);
/* Appended. false: a part is not known, nothing is appended. What comes out may be too
 * long or hold octets that no UIDL has: see uidl_is_valid in mailfile/uidlmap.h. */
bool uidl_format_make(const struct uidl_format *format, const struct uidl_parts *parts,
                      struct buf *out);

#endif
