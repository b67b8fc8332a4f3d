#include "tests/support/htmlcheck.h"

#include <stdbool.h>
#include <string.h>

#define DEPTH_MAX 4096

static const char *const names[] = {
	"html", "head", "body", "div", "span", "b", "i", "u", "s", "sup", "sub", "a", "ul", "ol",
	"li", "table", "colgroup", "tr", "td", "br", "hr", "img", "col", "meta"
};
#define VOID_FROM 19            /* these have no end */

static const char *const attributes[] = {
	"style", "href", "src", "alt", "width", "height", "colspan", "rowspan", "type", "dir", "id",
	"cellpadding", "http-equiv", "content"
};

static const char *const schemes[] = {
	"http:", "https:", "ftp:", "mailto:", "notes:", "tel:", "news:", "#"
};

static int name_of(struct slice s)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_equal(s, slice_of(names[i])))
			return (int)i;
	return -1;
}

static size_t until(struct slice s, const char *stops)
{
	for (size_t n = 0; n < s.n; n++)
		for (const char *stop = stops; *stop != '\0'; stop++)
			if (s.p[n] == *stop)
				return n;
	return s.n;
}

static struct slice behind(struct slice s, size_t n)
{
	return (struct slice){ s.p + n, s.n - n };
}

static bool value_is_harmless(struct slice name, struct slice value)
{
	if (slice_equal(name, SLICE_LIT("src")))
		return value.n > 4 && memcmp(value.p, "cid:", 4) == 0;
	if (slice_equal(name, SLICE_LIT("style")))
		return memchr(value.p, '@', value.n) == NULL && memchr(value.p, '\\', value.n) == NULL &&
		       memchr(value.p, '(', value.n) == NULL;
	if (!slice_equal(name, SLICE_LIT("href")))
		return true;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (value.n >= n && slice_equal_nocase((struct slice){ value.p, n }, slice_of(schemes[i])))
			return true;
	}
	return false;
}

/* The attributes of one tag. */
static const char *attributes_fault(struct slice s)
{
	while (s.n > 0) {
		struct slice name, value;
		bool known = false;
		size_t n;

		if (s.p[0] != ' ')
			return "no blank before an attribute";
		s = behind(s, 1);
		n = until(s, "=");
		name = (struct slice){ s.p, n };
		if (s.n < n + 2 || s.p[n + 1] != '"')
			return "an attribute without a quoted value";
		s = behind(s, n + 2);
		n = until(s, "\"");
		if (n == s.n)
			return "a value that does not end";
		value = (struct slice){ s.p, n };
		s = behind(s, n + 1);
		for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
			known = known || slice_equal(name, slice_of(attributes[i]));
		if (!known)
			return "an attribute that is not known";
		if (!value_is_harmless(name, value))
			return "a value that is not harmless";
	}
	return NULL;
}

static const char *tag_fault(struct slice tag, int *stack, size_t *depth)
{
	bool closes = tag.n > 0 && tag.p[0] == '/';
	size_t n;
	int which;

	if (closes)
		tag = behind(tag, 1);
	n = until(tag, " ");
	which = name_of((struct slice){ tag.p, n });
	if (which < 0)
		return "an element that is not known";
	if (closes)
		return n != tag.n || *depth == 0 || stack[--*depth] != which ? "an end that closes nothing" : NULL;
	if (which < VOID_FROM) {
		if (*depth == DEPTH_MAX)
			return "too deep";
		stack[(*depth)++] = which;
	}
	return attributes_fault(behind(tag, n));
}

static bool entity(struct slice s)
{
	static const char *const known[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&nbsp;" };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (s.n >= strlen(known[i]) && memcmp(s.p, known[i], strlen(known[i])) == 0)
			return true;
	return false;
}

const char *html_fault(struct slice html)
{
	static const char doctype[] = "<!DOCTYPE html>\n";
	int stack[DEPTH_MAX];
	size_t depth = 0;

	if (html.n < sizeof(doctype) || memcmp(html.p, doctype, sizeof(doctype) - 1) != 0)
		return "no document type";
	html = behind(html, sizeof(doctype) - 1);
	while (html.n > 0) {
		size_t n = until(html, "<&");
		const char *fault = NULL;

		if (memchr(html.p, '\0', n) != NULL || memchr(html.p, '\r', n) != NULL)
			return "a control character";
		html = behind(html, n);
		if (html.n == 0)
			break;
		if (html.p[0] == '&') {
			if (!entity(html))
				return "an ampersand that begins no entity";
			html = behind(html, 1);
			continue;
		}
		n = until(html, ">");
		if (n == html.n)
			return "a tag that does not end";
		fault = tag_fault((struct slice){ html.p + 1, n - 1 }, stack, &depth);
		if (fault != NULL)
			return fault;
		html = behind(html, n + 1);
	}
	return depth == 0 ? NULL : "an element that is not closed";
}
