/*
 * Native MIME: mail that a note holds as it was received, in raw items.
 *
 * Header fields are items of type RFC822_TEXT, each an RFC822ITEMDESC: WORD version (14, its own
 * size), DWORD flags, WORD lengths of native value, name, delimiter and body, then these four. The
 * body of the message is one or more items of type MIME_PART, in order, each a MIME_PART: WORD
 * version, DWORD flags, BYTE type, BYTE, WORD octets following, WORD length of boundary line, WORD
 * length of headers, WORD, DWORD, then boundary line, headers with their empty line, data; the data
 * of an attachment is the name of the $FILE item with its octets. All are little-endian and packed.
 *
 * Records come from files and are distrusted: each length is bounded by what is there.
 */
#ifndef POSTIL_MAILFILE_NATIVEMIME_H
#define POSTIL_MAILFILE_NATIVEMIME_H

#include <stdbool.h>

#include "base/note.h"

struct render;

/* A header field as it was received. */
struct nativemime_field {
	struct slice name, delimiter, body;
};
/* false: no field can be read from it. */
bool nativemime_field(struct slice record, struct nativemime_field *field_r);
/* The most octets of an item that nativemime_field looks at. */
#define NATIVEMIME_FIELD_MAX (14u + 4u * 65535u)

#define MIME_PART_OCTETS 20u    /* before boundary, headers and data */

enum mime_part_flag {
	MIME_PART_HAS_BOUNDARY = 1, MIME_PART_HAS_HEADERS = 2,
	MIME_PART_BODY_IN_DBOBJECT = 4, MIME_PART_SHARED_DBOBJECT = 8
};
enum mime_part_type {
	MIME_PART_PROLOG = 1, MIME_PART_BODY, MIME_PART_EPILOG, MIME_PART_RETRIEVE_INFO,
	MIME_PART_MESSAGE
};

struct mime_part {
	uint32_t flags;
	uint8_t type;
	size_t boundary_octets, header_octets;
	uint64_t data_octets;   /* behind the header; to the item's end */
};
/* From the first MIME_PART_OCTETS octets of an item of item_octets; false: too short. */
bool nativemime_part(const char head[MIME_PART_OCTETS], uint64_t item_octets,
                     struct mime_part *part_r);

/* Does it end in the only empty line that it has? */
bool nativemime_header_is_whole(struct slice header);

/* Does the note hold a body of this kind? */
bool nativemime_is(const struct note *note);
/* All of the message. */
void nativemime_render(struct render *r);

#endif
