/*
 * A message as DATA brings it (RFC 5321, sections 4.1.1.4 and 4.5.2): it ends at CRLF . CRLF and
 * at nothing else; a dot behind a CRLF that is not the end is taken off. A bare LF or CR ends no
 * line here, whatever stands around it: who takes it for one would be told where a message ends
 * by its content (SMTP smuggling).
 *
 *      START --CRLF seen, or the beginning--         any octet but . and CR --> TEXT
 *      START --.--> DOT --CR--> DOT_CR --LF--> the end
 *      TEXT --CR--> CR --LF--> START
 */
#ifndef POSTIL_LMTP_DOTS_H
#define POSTIL_LMTP_DOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum dots_state { DOTS_START, DOTS_TEXT, DOTS_CR, DOTS_DOT, DOTS_DOT_CR };

struct dots {
	enum dots_state state;          /* DOTS_START at first */
};

/* Take octets of in, *used_r of them: all, or up to the end of the message (true). What of them
 * is message is given to emit, in pieces that lie in in or are static. */
bool dots_feed(struct dots *dots, struct slice in, size_t *used_r,
               void (*emit)(void *context, struct slice octets), void *context);

#endif
