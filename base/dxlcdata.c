/*
 * CDATA sections taken out of XML: libxml2 holds one whole until its end, and a mail
 * message in DXL is one. What is between <![CDATA[ and ]]> is escaped instead, and the
 * file means the same.
 *
 *              "<?" -> instruction -- "?>" ---+
 *              "<!--" -> comment -- "-->" ----+
 *   content -- "<![CDATA[" -> section --"]]>"-+-> content
 *              "<!" -> declaration -- ">" ----+
 *              "<" -> tag -- ">" not quoted --+
 *
 * Right for whatever is well-formed; what is not fails in the parser. Where a document
 * type has an internal subset everything passes as it is from there on.
 */
#include "base/dxlnote.h"

#include <string.h>

#include "base/banned.h"

enum { CONTENT, MARKUP, TAG, COMMENT, INSTRUCTION, DECLARATION, SECTION };

static const char section_start[] = "<![CDATA[";

/* UTF-16, UTF-32 and EBCDIC: by their byte order marks or the zeros beside '<'. */
static bool is_foreign(struct slice in)
{
	static const char ebcdic[] = { '\x4C', '\x6F' };

	return in.n >= 2 && (in.p[0] == '\0' || in.p[1] == '\0' ||
	       memcmp(in.p, "\xFE\xFF", 2) == 0 || memcmp(in.p, "\xFF\xFE", 2) == 0 ||
	       memcmp(in.p, ebcdic, 2) == 0);
}

static size_t put(char *out, const char *p, size_t n)
{
	memcpy(out, p, n);
	return n;
}

/* What has begun with '<' and is now token: which kind of markup? */
static bool markup_is_known(struct dxl_cdata *c)
{
	if (c->token_n == 2 && c->token[1] == '?')
		c->state = INSTRUCTION;
	else if (c->token_n == 2 && c->token[1] != '!')
		c->state = c->token[1] == '>' ? CONTENT : TAG;
	else if (c->token_n == 3 && c->token[2] == '-')
		c->state = COMMENT;
	else if (c->token_n == 3 && c->token[2] != '[')
		c->state = DECLARATION;
	else if (memcmp(c->token, section_start, c->token_n) != 0)
		c->state = CONTENT;
	return c->state != MARKUP;
}

static size_t in_markup(struct dxl_cdata *c, char octet, char *out)
{
	size_t n;

	c->token[c->token_n++] = octet;
	c->quote = 0;
	c->last[0] = c->last[1] = 0;
	if (markup_is_known(c)) {
		n = put(out, c->token, c->token_n);
		c->token_n = 0;
		return n;
	}
	if (c->token_n == sizeof(section_start) - 1) {
		c->state = SECTION;
		c->brackets = c->token_n = 0;
	}
	return 0;
}

/* Inside the markup whose octets pass as they are. */
static void look_for_end(struct dxl_cdata *c, char octet)
{
	bool ends = false;

	switch (c->state) {
	case TAG:
		if (c->quote == 0 && (octet == '"' || octet == '\''))
			c->quote = octet;
		else if (octet == c->quote)
			c->quote = 0;
		ends = c->quote == 0 && octet == '>';
		break;
	case COMMENT:
		ends = octet == '>' && c->last[0] == '-' && c->last[1] == '-';
		break;
	case INSTRUCTION:
		ends = octet == '>' && c->last[1] == '?';
		break;
	default:
		c->off = c->off || octet == '[';
		ends = octet == '>';
	}
	c->last[0] = c->last[1];
	c->last[1] = octet;
	if (ends)
		c->state = CONTENT;
}

static size_t escape(char octet, char *out)
{
	switch (octet) {
	case '<': return put(out, "&lt;", 4);
	case '>': return put(out, "&gt;", 4);
	case '&': return put(out, "&amp;", 5);
	default: return put(out, &octet, 1);
	}
}

static size_t in_section(struct dxl_cdata *c, char octet, char *out)
{
	size_t n = 0;

	if (octet == ']' && c->brackets == 2)
		return put(out, "]", 1);
	if (octet == ']') {
		c->brackets++;
		return 0;
	}
	if (octet == '>' && c->brackets == 2) {
		c->state = CONTENT;
		return 0;
	}
	n = put(out, "]]", c->brackets);
	c->brackets = 0;
	return n + escape(octet, out + n);
}

/* As far as nothing begins there. */
static size_t in_content(struct dxl_cdata *c, struct slice in, char *out, size_t *used_r)
{
	const char *open = memchr(in.p, '<', in.n);
	size_t n = open == NULL ? in.n : (size_t)(open - in.p);

	*used_r = n;
	memcpy(out, in.p, n);
	if (open != NULL) {
		c->state = MARKUP;
		c->token[0] = '<';
		c->token_n = 1;
		*used_r = n + 1;
	}
	return n;
}

size_t dxl_cdata(struct dxl_cdata *c, struct slice in, char *out)
{
	size_t n = 0, used;

	if (!c->begun)
		c->off = is_foreign(in);
	c->begun = true;
	for (size_t i = 0; i < in.n; i += used) {
		used = 1;
		if (c->off) {
			used = in.n - i;
			n += put(out + n, in.p + i, used);
		} else if (c->state == CONTENT) {
			n += in_content(c, (struct slice){ in.p + i, in.n - i }, out + n, &used);
		} else if (c->state == MARKUP) {
			n += in_markup(c, in.p[i], out + n);
		} else if (c->state == SECTION) {
			n += in_section(c, in.p[i], out + n);
		} else {
			n += put(out + n, in.p + i, 1);
			look_for_end(c, in.p[i]);
		}
	}
	return n;
}

/* The file ends: what was held back goes out; a section without end must not pass. */
size_t dxl_cdata_end(struct dxl_cdata *c, char *out)
{
	size_t n = put(out, c->token, c->token_n);

	if (c->state == SECTION)
		n = put(out, section_start, sizeof(section_start) - 1);
	c->state = CONTENT;
	c->token_n = 0;
	return n;
}
