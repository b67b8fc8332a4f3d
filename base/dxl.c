/*
 * Reading DXL with libxml2's SAX interface: nothing is built that outlives one
 * document. The file is distrusted as a whole: libxml2 is given octets and no
 * way to open anything, entity declarations end the reading, depth and sizes
 * are bounded. What elements mean is dxlnote.c's to know. markup.h is the same
 * for those who want the elements themselves.
 */
#include "base/dxl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "base/dxlnote.h"
#include "base/markup.h"
#include "base/text.h"

#include "base/banned.h"

/* Of one tag, comment or the like. libxml2 compares each attribute with all others
 * of its element: with many it would take minutes. */
#define MARKUP_OCTETS_MAX 65536
/* A CDATA section in an encoding that dxlcdata.c cannot see through is held whole. */
#define CDATA_OCTETS_MAX (16u * 1024 * 1024)
#define PIECE_OCTETS 4096

const struct dxl_limits dxl_limits_directory = {
	.depth = 64,
	.item_octets = 16 * 1024 * 1024,
	.note_octets = 64 * 1024 * 1024
};

const struct dxl_limits dxl_limits_mail = {
	.depth = 200,
	.item_octets = 16 * 1024 * 1024,
	.note_octets = 32 * 1024 * 1024,
	.value_octets = 1024 * 1024,
	.spool_octets = 64ull * 1024 * 1024 * 1024,
	.mend = true
};

static const char *const element_names[E_COUNT] = {
	[E_OTHER] = "", [E_DATABASE] = "database", [E_DOCUMENT] = "document",
	[E_NOTE] = "note", [E_NOTEINFO] = "noteinfo", [E_CREATED] = "created",
	[E_MODIFIED] = "modified", [E_UPDATEDBY] = "updatedby",
	[E_REVISIONS] = "revisions", [E_MIME] = "mime", [E_ITEM] = "item",
	[E_TEXT] = "text", [E_TEXTLIST] = "textlist", [E_NUMBER] = "number",
	[E_NUMBERLIST] = "numberlist", [E_DATETIME] = "datetime",
	[E_DATETIMELIST] = "datetimelist", [E_DATETIMEPAIR] = "datetimepair",
	[E_RAWITEMDATA] = "rawitemdata", [E_ITEMDATA] = "itemdata",
	[E_FORMULA] = "formula", [E_RICHTEXT] = "richtext", [E_OBJECT] = "object",
	[E_FILE] = "file", [E_FILEDATA] = "filedata", [E_NAME] = "name",
	[E_BREAK] = "break", [E_NONXMLCHAR] = "nonxmlchar"
};

struct parser {
	xmlParserCtxtPtr xml;
	const xmlChar *names[E_COUNT];          /* interned: compared by address */
	ssize_t (*read)(void *read_context, void *out, size_t size);
	void *read_context;
	size_t unseen;                          /* octets read since something was told of */
	struct dxl_cdata cdata;
	char ready[DXL_CDATA_ROOM(PIECE_OCTETS)]; /* for libxml2 */
	size_t ready_from, ready_n;
	char error_text[256];                   /* first error of libxml2 */
	struct dxl_reader r;
};

static enum dxl_element element_of(const struct parser *p, const xmlChar *name)
{
	for (int i = 1; i < E_COUNT; i++)
		if (p->names[i] == name)
			return (enum dxl_element)i;
	return E_OTHER;
}

static struct dxl_reader *at_line(struct parser *p)
{
	p->unseen = 0;
	p->r.line = p->xml->input == NULL || p->xml->input->line < 0 ? 0
	            : (unsigned)p->xml->input->line;
	return &p->r;
}

static void stop_if_asked(struct parser *p)
{
	if (p->r.stopped != NOERROR)
		xmlStopParser(p->xml);
}

/* --- what libxml2 calls ---------------------------------------------------- */

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix,
                     const xmlChar *uri, int ns_count, const xmlChar **namespaces,
                     int count, int defaulted, const xmlChar **attributes)
{
	struct parser *p = context;

	dxl_start(at_line(p), element_of(p, name), (const char *)name, (const char *)uri, count,
	          attributes);
	stop_if_asked(p);
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct parser *p = context;

	dxl_end(at_line(p), (const char *)name);
	stop_if_asked(p);
}

static void on_characters(void *context, const xmlChar *text, int n)
{
	struct parser *p = context;

	dxl_characters(at_line(p), (struct slice){ (const char *)text, (size_t)n });
}

static void on_reference(void *context, const xmlChar *name)
{
	struct dxl_reader *r = at_line(context);

	if (r->in_note)
		dxl_flaw(r, r->line, "an entity other than those of XML is used");
}

static void on_comment(void *context, const xmlChar *text)
{
	at_line(context);
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *text)
{
	at_line(context);
}

static void refuse_entities(struct parser *p)
{
	dxl_stop(at_line(p), POSTIL_ERR_SYNTAX, "entity declarations are refused");
	stop_if_asked(p);
}

static void on_entity(void *context, const xmlChar *name, int type, const xmlChar *public_id,
                      const xmlChar *system_id, xmlChar *content)
{
	refuse_entities(context);
}

static void on_unparsed_entity(void *context, const xmlChar *name, const xmlChar *public_id,
                               const xmlChar *system_id, const xmlChar *notation)
{
	refuse_entities(context);
}

#if LIBXML_VERSION >= 21200
static void on_error(void *context, const xmlError *error)
#else
static void on_error(void *context, xmlErrorPtr error)
#endif
{
	struct parser *p = context;
	struct slice message = slice_of(error->message);
	struct buf shown;

	if (p->r.error_line != 0 || error->level < XML_ERR_FATAL || p->r.stopped != NOERROR)
		return;
	while (message.n > 0 && (message.p[message.n - 1] == '\n' || message.p[message.n - 1] == ' '))
		message.n--;
	buf_init(&shown, sizeof(p->error_text) * 4);
	text_escape(message, sizeof(p->error_text) - 1, &shown);
	snprintf(p->error_text, sizeof(p->error_text), "%s", buf_cstr(&shown));
	buf_release(&shown);
	p->r.error_line = error->line > 0 ? (unsigned)error->line : 1;
}

/* The next octets of the file, without CDATA sections. */
static bool fill(struct parser *p)
{
	char piece[PIECE_OCTETS];
	ssize_t got = 0, n;

	do {
		n = p->read(p->read_context, piece + got, sizeof(piece) - (size_t)got);
		got = n < 0 ? n : got + n;
	} while (n > 0 && got < (ssize_t)sizeof(piece));
	if (got < 0) {
		p->r.stopped = POSTIL_ERR_IO;
		snprintf(p->r.stop_text, sizeof(p->r.stop_text), "cannot be read: %s",
		         strerrordesc_np(errno));
		return false;
	}
	p->ready_from = 0;
	p->ready_n = got == 0 ? dxl_cdata_end(&p->cdata, p->ready)
	             : dxl_cdata(&p->cdata, (struct slice){ piece, (size_t)got }, p->ready);
	return got > 0 || p->ready_n > 0;
}

/* All that is asked for until the file ends: libxml2 looks for long words in what one
 * reading gave it. */
static size_t take_ready(struct parser *p, char *out, size_t size)
{
	size_t done = 0;

	while (done < size && (p->ready_n > 0 || fill(p))) {
		size_t n = p->ready_n < size - done ? p->ready_n : size - done;

		memcpy(out + done, p->ready + p->ready_from, n);
		p->ready_from += n;
		p->ready_n -= n;
		done += n;
	}
	return done;
}

static int on_read(void *context, char *out, int size)
{
	struct parser *p = context;
	size_t n = take_ready(p, out, (size_t)size);

	p->unseen += n;
	if (p->unseen <= MARKUP_OCTETS_MAX || (p->xml->instate == XML_PARSER_CDATA_SECTION &&
	    p->unseen <= CDATA_OCTETS_MAX))
		return (int)n;
	if (p->r.stopped == NOERROR)
		dxl_stop(at_line(p), POSTIL_ERR_SYNTAX, "a tag or comment is longer than allowed");
	p->unseen = CDATA_OCTETS_MAX;   /* nothing more is read */
	return 0;
}

/* --- setting it going ------------------------------------------------------ */

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Some errors of encodings have no parser and would go to standard error. */
static void say_nothing(void *context, const char *format, ...)
{
}

static bool parser_start(struct parser *p)
{
	xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_characters,
		.cdataBlock = on_characters,
		.ignorableWhitespace = on_characters,
		.reference = on_reference,
		.comment = on_comment,
		.processingInstruction = on_instruction,
		.entityDecl = on_entity,
		.unparsedEntityDecl = on_unparsed_entity,
		.serror = on_error
	};

	pthread_once(&once, xmlInitParser);
	xmlSetGenericErrorFunc(NULL, say_nothing);
	p->xml = xmlCreateIOParserCtxt(&sax, p, on_read, NULL, p, XML_CHAR_ENCODING_NONE);
	if (p->xml == NULL)
		return false;
	/* huge: depth and sizes have bounds of ours */
	xmlCtxtUseOptions(p->xml, XML_PARSE_NONET | (p->r.limits->mend ? XML_PARSE_HUGE : 0));
	for (int i = 1; i < E_COUNT; i++) {
		p->names[i] = xmlDictLookup(p->xml->dict, (const xmlChar *)element_names[i], -1);
		if (p->names[i] == NULL)
			return false;
	}
	return true;
}

static STATUS verdict(const struct parser *p, const char *name, struct fault *fault)
{
	const struct dxl_reader *r = &p->r;

	if (r->stopped == POSTIL_ERR_IO)
		return fault_set(fault, POSTIL_ERR_IO, "%s %s", name, r->stop_text);
	if (r->stopped == POSTIL_ERR_SYNTAX && r->stop_text[0] != '\0')
		return fault_set(fault, r->stopped, "%s:%u: %s", name, r->error_line, r->stop_text);
	if (r->stopped != NOERROR)
		return fault_set(fault, r->stopped, "%s: %s", name, status_text(r->stopped));
	if (r->error_line != 0 || !p->xml->wellFormed)
		return fault_set(fault, POSTIL_ERR_SYNTAX, "%s:%u: not well-formed XML: %s", name,
		                 r->error_line != 0 ? r->error_line : 1, p->error_text);
	return NOERROR;
}

static void parser_release(struct parser *p)
{
	if (p->xml != NULL) {
		/* only an internal subset makes a document tree, and holds nothing of ours */
		xmlFreeDoc(p->xml->myDoc);
		xmlFreeParserCtxt(p->xml);
	}
	dxl_reader_release(&p->r);
}

STATUS dxl_read_stream(ssize_t (*read_octets)(void *read_context, void *out, size_t size),
                       void *read_context, const char *name_for_messages,
                       const struct dxl_limits *limits, const struct dxl_sink *sink,
                       void *context, struct fault *fault)
{
	struct parser *p = calloc(1, sizeof(*p));
	STATUS status;

	if (p == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s: %s", name_for_messages,
		                 status_text(POSTIL_ERR_MEMORY));
	p->read = read_octets;
	p->read_context = read_context;
	dxl_reader_init(&p->r, limits != NULL ? limits : &dxl_limits_directory, sink, context);
	if (parser_start(p)) {
		xmlParseDocument(p->xml);
		dxl_finish(&p->r);
		status = verdict(p, name_for_messages, fault);
	} else {
		status = fault_set(fault, POSTIL_ERR_MEMORY, "%s: %s", name_for_messages,
		                   status_text(POSTIL_ERR_MEMORY));
	}
	parser_release(p);
	free(p);
	return status;
}

static ssize_t read_memory(void *context, void *out, size_t size)
{
	struct slice *rest = context;
	size_t n = size < rest->n ? size : rest->n;

	if (n > 0) {
		memcpy(out, rest->p, n);
		rest->p += n;
		rest->n -= n;
	}
	return (ssize_t)n;
}

STATUS dxl_read_memory(struct slice xml, const char *name_for_messages,
                       const struct dxl_limits *limits, const struct dxl_sink *sink,
                       void *context, struct fault *fault)
{
	return dxl_read_stream(read_memory, &xml, name_for_messages, limits, sink, context, fault);
}

static ssize_t read_fd(void *context, void *out, size_t size)
{
	const int *fd = context;
	ssize_t n;

	do
		n = read(*fd, out, size);
	while (n < 0 && errno == EINTR);
	return n;
}

STATUS dxl_read_file(const char *path, const struct dxl_limits *limits,
                     const struct dxl_sink *sink, void *context, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	STATUS status;

	if (fd < 0)
		return fault_set(fault, errno == ENOENT ? POSTIL_ERR_NOEXIST
		                 : errno == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
		                 "cannot open %s: %s", path, strerrordesc_np(errno));
	status = dxl_read_stream(read_fd, &fd, path, limits, sink, context, fault);
	close(fd);
	return status;
}

/* --- markup.h: elements for others ----------------------------------------- */

#define ATTRIBUTES_MAX 64       /* of one element; DXL has none with more */

struct markup {
	xmlParserCtxtPtr xml;
	ssize_t (*read)(void *read_context, void *out, size_t size);
	void *read_context;
	const struct markup_sink *sink;
	void *context;
	size_t unseen;                          /* octets read since something was told of */
	struct arena arena;                     /* of one element's attributes */
	STATUS stopped;
	unsigned line;
	char text[256];                         /* why it stopped, or the first error of libxml2 */
};

static void markup_fault(struct markup *m, STATUS status, const char *text)
{
	if (m->stopped != NOERROR)
		return;
	m->stopped = status;
	snprintf(m->text, sizeof(m->text), "%s", text);
}

static void markup_stop(struct markup *m, STATUS status, const char *text)
{
	if (status == NOERROR)
		return;
	markup_fault(m, status, text);
	xmlStopParser(m->xml);
}

static struct markup *markup_at(void *context)
{
	struct markup *m = context;

	m->unseen = 0;
	m->line = m->xml->input == NULL || m->xml->input->line < 0 ? 0 : (unsigned)m->xml->input->line;
	return m;
}

/* An ampersand comes as "&#38;". */
static struct slice markup_unescape(struct markup *m, struct slice raw)
{
	char *copy, *to;

	if (raw.n == 0 || memchr(raw.p, '&', raw.n) == NULL)
		return raw;
	copy = to = arena_alloc(&m->arena, raw.n);
	if (copy == NULL)
		return (struct slice){ "", 0 };
	for (size_t i = 0; i < raw.n; i++) {
		*to++ = raw.p[i];
		if (raw.n - i >= 5 && memcmp(raw.p + i, "&#38;", 5) == 0)
			i += 4;
	}
	return (struct slice){ copy, (size_t)(to - copy) };
}

static void markup_on_start(void *context, const xmlChar *name, const xmlChar *prefix,
                            const xmlChar *uri, int ns_count, const xmlChar **namespaces,
                            int count, int defaulted, const xmlChar **attributes)
{
	struct markup *m = markup_at(context);
	struct markup_attribute list[ATTRIBUTES_MAX];
	size_t n = 0;

	if (m->stopped != NOERROR)
		return;
	for (int i = 0; i < count && n < ATTRIBUTES_MAX; i++, attributes += 5) {
		struct slice value = { (const char *)attributes[3],
		                       (size_t)(attributes[4] - attributes[3]) };

		if (attributes[2] != NULL)
			continue;
		list[n].name = slice_of((const char *)attributes[0]);
		list[n++].value = markup_unescape(m, value);
	}
	markup_stop(m, m->sink->start(m->context, slice_of((const char *)name), list, n), "");
	arena_release(&m->arena);
}

static void markup_on_end(void *context, const xmlChar *name, const xmlChar *prefix,
                          const xmlChar *uri)
{
	struct markup *m = markup_at(context);

	if (m->stopped == NOERROR)
		markup_stop(m, m->sink->end(m->context, slice_of((const char *)name)), "");
}

static void markup_on_text(void *context, const xmlChar *text, int n)
{
	struct markup *m = markup_at(context);

	if (m->stopped == NOERROR)
		markup_stop(m, m->sink->text(m->context, (struct slice){ (const char *)text, (size_t)n }),
		            "");
}

static void markup_on_comment(void *context, const xmlChar *text)
{
	markup_at(context);
}

static void markup_on_instruction(void *context, const xmlChar *target, const xmlChar *text)
{
	markup_at(context);
}

static void markup_refuse(void *context)
{
	markup_stop(markup_at(context), POSTIL_ERR_SYNTAX, "entity declarations are refused");
}

static void markup_on_entity(void *context, const xmlChar *name, int type,
                             const xmlChar *public_id, const xmlChar *system_id,
                             xmlChar *content)
{
	markup_refuse(context);
}

static void markup_on_unparsed(void *context, const xmlChar *name, const xmlChar *public_id,
                               const xmlChar *system_id, const xmlChar *notation)
{
	markup_refuse(context);
}

#if LIBXML_VERSION >= 21200
static void markup_on_error(void *context, const xmlError *error)
#else
static void markup_on_error(void *context, xmlErrorPtr error)
#endif
{
	struct markup *m = context;
	struct buf shown;

	if (error->level < XML_ERR_FATAL || m->text[0] != '\0' || m->stopped != NOERROR)
		return;
	m->line = error->line > 0 ? (unsigned)error->line : 1;
	buf_init(&shown, sizeof(m->text) * 4);
	text_escape(text_trim(slice_of(error->message)), 200, &shown);
	snprintf(m->text, sizeof(m->text), "%s", buf_cstr(&shown));
	buf_release(&shown);
}

static int markup_on_read(void *context, char *out, int size)
{
	struct markup *m = context;
	ssize_t got = m->read(m->read_context, out, (size_t)size);

	if (got < 0) {
		markup_fault(m, POSTIL_ERR_IO, "it cannot be read");
		return 0;
	}
	m->unseen += (size_t)got;
	if (m->unseen <= MARKUP_OCTETS_MAX || m->xml->instate == XML_PARSER_CDATA_SECTION)
		return (int)got;
	markup_fault(m, POSTIL_ERR_SYNTAX, "a tag or comment is longer than allowed");
	m->unseen = MARKUP_OCTETS_MAX;  /* nothing more is read */
	return 0;
}

static bool markup_open(struct markup *m)
{
	xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = markup_on_start,
		.endElementNs = markup_on_end,
		.characters = markup_on_text,
		.cdataBlock = markup_on_text,
		.ignorableWhitespace = markup_on_text,
		.comment = markup_on_comment,
		.processingInstruction = markup_on_instruction,
		.entityDecl = markup_on_entity,
		.unparsedEntityDecl = markup_on_unparsed,
		.serror = markup_on_error
	};

	pthread_once(&once, xmlInitParser);
	xmlSetGenericErrorFunc(NULL, say_nothing);
	m->xml = xmlCreateIOParserCtxt(&sax, m, markup_on_read, NULL, m, XML_CHAR_ENCODING_NONE);
	if (m->xml != NULL)
		xmlCtxtUseOptions(m->xml, XML_PARSE_NONET);
	return m->xml != NULL;
}

STATUS markup_read(ssize_t (*read_octets)(void *read_context, void *out, size_t size),
                   void *read_context, const struct markup_sink *sink, void *context,
                   struct fault *fault)
{
	struct markup m = {
		.read = read_octets, .read_context = read_context, .sink = sink, .context = context,
		.arena = ARENA_INIT
	};
	STATUS status = POSTIL_ERR_MEMORY;

	if (markup_open(&m)) {
		xmlParseDocument(m.xml);
		status = m.stopped != NOERROR ? m.stopped
		         : m.xml->errNo == XML_ERR_NO_MEMORY ? POSTIL_ERR_MEMORY
		         : !m.xml->wellFormed ? POSTIL_ERR_SYNTAX : NOERROR;
		xmlFreeDoc(m.xml->myDoc);
		xmlFreeParserCtxt(m.xml);
	}
	arena_release(&m.arena);
	if (status == NOERROR)
		return NOERROR;
	return fault_set(fault, status, "line %u: %s", m.line,
	                 m.text[0] != '\0' ? m.text : status_text(status));
}

STATUS markup_read_memory(struct slice xml, const struct markup_sink *sink, void *context,
                          struct fault *fault)
{
	return markup_read(read_memory, &xml, sink, context, fault);
}

struct slice markup_value(const struct markup_attribute *attributes, size_t count, const char *name)
{
	struct slice wanted = slice_of(name);

	for (size_t i = 0; i < count; i++)
		if (slice_equal(attributes[i].name, wanted))
			return attributes[i].value;
	return (struct slice){ "", 0 };
}
