/*
 * The MIME library, GMime, behind an interface of our own: transfer encodings, addresses
 * and parameters. No other file includes its headers.
 *
 * glib ends the process when it gets no memory, so nothing unbounded is handed to it:
 * texts above the limits told here are refused, encoders work in pieces.
 */
#ifndef POSTIL_MAILFILE_MIME_H
#define POSTIL_MAILFILE_MIME_H

#include <stdbool.h>

#include "base/buf.h"

/* --- transfer encodings (RFC 2045, 6) --- */

enum mime_encoding { MIME_7BIT, MIME_QUOTED_PRINTABLE, MIME_BASE64 };
const char *mime_encoding_name(enum mime_encoding encoding);

/* The encoding that text (UTF-8, lines end in LF) goes best in: 7bit when it is ASCII
 * without control characters and no line is longer than 998 octets; else whichever of the
 * others is shorter. */
enum mime_encoding mime_text_encoding(struct slice text);

#define MIME_PIECE_OCTETS 8192u         /* of input at a time */
struct mime_encoder;
STATUS mime_encoder_new(enum mime_encoding encoding, struct mime_encoder **encoder_r);
/* At most MIME_PIECE_OCTETS of input; what it became is appended, lines end in CRLF. In
 * quoted-printable LF is a line end of the text. */
STATUS mime_encoder_add(struct mime_encoder *encoder, struct slice in, struct buf *out);
/* What is still held, and a line end if the last line has none. */
STATUS mime_encoder_end(struct mime_encoder *encoder, struct buf *out);
void mime_encoder_free(struct mime_encoder **encoder);

/* --- header values --- */

#define MIME_VALUE_MAX 8192             /* octets of a value that is read */
#define MIME_NAME_MAX 1024              /* octets of a parameter that is written */

/* ";" CRLF TAB name=value, in as many sections as RFC 2231 wants; value is UTF-8 without control
 * characters. POSTIL_ERR_TOO_LONG above MIME_NAME_MAX. */
STATUS mime_add_parameter(const char *name, struct slice value, struct buf *out);

/* The media type of a Content-Type value in lower case ("text/plain" when there is none that can be
 * read) and its boundary (empty when there is none), appended. */
STATUS mime_content_type(struct slice value, struct buf *type, struct buf *boundary);

/* Each mailbox of a list of addresses (RFC 5322, 3.4, and what real mail has): name is decoded
 * UTF-8, may be empty, address is as it stands, its domain in the form of ASCII. Members of groups
 * come like others. false: there is none, or the value is too long. */
bool mime_each_address(struct slice value,
                       void (*each)(void *context, struct slice name, struct slice address),
                       void *context);

#endif
