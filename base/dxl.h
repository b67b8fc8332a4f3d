/*
 * DXL: documents written as XML by a Domino server. Reading is by libxml2's
 * streaming reader, with no network, no external entities, no entity
 * expansion beyond the five of XML, bounded depth and sizes.
 */
#ifndef POSTIL_BASE_DXL_H
#define POSTIL_BASE_DXL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/fault.h"
#include "base/note.h"

struct dxl_limits {
	size_t depth;           /* of elements; default 64 */
	size_t item_octets;     /* of all values of one item; default 16 MiB for a directory: a group
	                         * may have 100,000 members */
	size_t note_octets;     /* of one note in memory; default 64 MiB */
	size_t value_octets;    /* octets of attachments, MIME, rich text and raw data above this go
	                         * to a file without a name, and are a blob; less when the note
	                         * is large already. 0: none do */
	uint64_t spool_octets;  /* of one note in that file */
	const char *spool_dir;  /* where it is; NULL: $TMPDIR or /tmp */
	bool mend;              /* keep a document that has flaws, see dxl_sink.flaw */
};
extern const struct dxl_limits dxl_limits_directory;
/* Mail: 200 elements deep, items of 16 MiB and notes of 32 MiB in memory, values above 1 MiB
 * in a file, which may take 64 GiB; flaws are mended. */
extern const struct dxl_limits dxl_limits_mail;

/* What becomes of the parts of a document:
 *   attribute form, element updatedby, element revisions
 *                          items Form, $UpdatedBy, $Revisions
 *   attributes parent, conflict
 *                          items $REF (a list of one UNID; text if it is none), $Conflict
 *   text, textlist         text; <break/> is '\n', <nonxmlchar/> the character
 *   number, numberlist     decimal text as written
 *   datetime, datetimelist DXL text as written; a pair is joined by '/'
 *   rawitemdata, itemdata  type as given; texts, numbers, times and lists of them are
 *                          unpacked, other types are one value of octets
 *   richtext               one value, the XML of the element
 *   object                 file name and octets; when it was created and modified, if the
 *                          file says so; then the other attributes of <file> as they are
 *                          written, unless they are the usual ones
 *   mime                   item $MIME of type ITEM_MIME_PART
 * Without value_octets rich text, objects and raw data larger than item_octets are left
 * out; other values that large make the document faulty. Elements that mean nothing here
 * are passed over. */
struct dxl_sink {
	/* One document was read whole. The note is the caller's to read until it
	 * returns; its arena is then reused. A status other than NOERROR ends the
	 * reading with that status. */
	STATUS (*note)(void *context, const struct note *note);
	/* A document is faulty and has been skipped; reading goes on with the next
	 * one where XML allows it. line counts from 1. */
	void (*fault)(void *context, unsigned line, const char *text);
	/* Behind its end the same document once more, as far as it had been read before the
	 * fault: who it is, perhaps. Also when the file ends within it. May be NULL. */
	void (*broken)(void *context, const struct note *note);
	/* With dxl_limits.mend: a document has a flaw, which is mended. Base64 is decoded as far
	 * as it goes, a text is cut at the limit, markup nested too deeply is left out of rich
	 * text; an item that cannot be had at all is missing. Told for the first flaws of a
	 * document; the item NOTE_DAMAGED names what is not whole. May be NULL. */
	void (*flaw)(void *context, unsigned line, const char *item, const char *text);
	/* Something else in a database: a design element, a profile document, a note of another
	 * class. name is that of the element's attribute of that name, may be empty. May be NULL. */
	void (*other)(void *context, unsigned line, const char *element, struct slice name);
};

/* Read every <document> and <note class='document'> of the file, whatever its
 * root (database, document, note; any namespace prefix state, DOCTYPE or not;
 * UTF-8, UTF-16 or another encoding that the XML declaration names).
 * NOERROR even if documents were faulty (they went to sink->fault);
 * POSTIL_ERR_SYNTAX when the file is not well-formed XML or not DXL: what came
 * before the place was delivered, and the fault names file and line. */
STATUS dxl_read_file(const char *path, const struct dxl_limits *limits,
                     const struct dxl_sink *sink, void *context, struct fault *fault);
/* The same from anything that can be read in order. read returns the number of
 * octets (0: end), or -1 with errno set. */
STATUS dxl_read_stream(ssize_t (*read)(void *read_context, void *out, size_t size),
                       void *read_context, const char *name_for_messages,
                       const struct dxl_limits *limits, const struct dxl_sink *sink,
                       void *context, struct fault *fault);
STATUS dxl_read_memory(struct slice xml, const char *name_for_messages,
                       const struct dxl_limits *limits, const struct dxl_sink *sink,
                       void *context, struct fault *fault);

/* Write: opening and closing <database> tags and one note between them, elements in the
 * order of Domino's document type. */
STATUS dxl_write_begin(struct buf *out);
STATUS dxl_write_note(struct buf *out, const struct note *note);
STATUS dxl_write_end(struct buf *out);
/* A note of any size: what collects in out is handed on in pieces, which empties it. */
struct dxl_writing {
	struct buf *out;
	STATUS (*flush)(void *context, struct slice piece);
	void *context;
	/* A whole message in the place of the item $MIME; size_octets 0: none. CRLF becomes a
	 * line feed if XML can hold it as text; else it is raw data and unchanged. */
	struct item_blob mime;
};
STATUS dxl_write_note_to(const struct dxl_writing *writing, const struct note *note);

#endif
