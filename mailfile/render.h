/*
 * A note as mail: the RFC 5322 octets of a document that was made in Notes.
 *
 * What a note holds decides how it is put together, the first of these that it has:
 *   $MIME (DXL's <mime>)           a whole message, passed as it is
 *   $MessageStorage 1 or 2         the message that is kept whole as $RFC822.eml (or what
 *                                  $IntMailMsgFileName names)
 *   Body of type MIME_PART         native MIME: the parts in order, attachments encoded
 *                                  again from $FILE items
 *   Body of rich text              multipart/alternative of text/plain and text/html,
 *                                  pictures in multipart/related, $FILE items in
 *                                  multipart/mixed
 *   Body of text, or none          text/plain, $FILE items as above
 * Header fields that lie in the note as received (type RFC822_TEXT) stay as received;
 * the others are made from the items of Notes. Bcc is never shown.
 *
 * The same note and options give the same octets: boundaries and what else has to be
 * unique come from the UNID, nothing from a clock, from chance or from a locale.
 */
#ifndef POSTIL_MAILFILE_RENDER_H
#define POSTIL_MAILFILE_RENDER_H

#include "base/buf.h"
#include "base/fault.h"
#include "base/note.h"
#include "mailfile/message.h"

struct render_options {
	/* The Internet address of a Notes name (any form, without a @Domain suffix),
	 * appended. POSTIL_ERR_NOT_FOUND: one is made from the common name and domain,
	 * `"Jane Doe" <Jane_Doe@domain>`; so it is for every other failure but
	 * POSTIL_ERR_MEMORY, and for what comes behind the first 10,000 names of a
	 * note. May be NULL. */
	STATUS (*address)(void *context, struct slice notes_name, struct buf *address_r);
	/* The host part of addresses and message identities that are made, appended; asked once
	 * for a note. Any failure, NULL, or what is no host name: domain. */
	STATUS (*find_domain)(void *context, struct buf *domain_r);
	void *context;                  /* of both */
	struct slice domain;            /* empty, or no host name: "localhost" */
	const char *spool_dir;          /* for who makes the intake; not looked at here */
};

/* A message is not made larger than this by attachments: what does not fit is replaced by a sentence. An intake
 * takes at least as much, if it is not told to take less. */
#define RENDER_OCTETS_MAX (1000ull * 1024 * 1024)

/* Adds the octets of a note to the intake, in pieces; it is the caller's to finish.
 * Attachments stream from where they are: memory stays bounded (of text, HTML and pictures a few
 * megabytes are held, what is more is replaced by a sentence).
 *
 * What cannot be converted is replaced by a sentence in brackets, and the rest is served.
 * Fails only for lack of memory or disk, when a blob cannot be read, and with what
 * intake_add answers. options may be NULL. */
STATUS render_note(const struct note *note, const struct render_options *options,
                   struct intake *intake, struct fault *fault);

#endif
