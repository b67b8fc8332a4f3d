/*
 * Notes names: parts divided by `/`, each with or without a label. `$` before
 * `/` or `=` takes away its meaning. Names come from logins and documents and
 * are distrusted; what is not understood is copied as it is.
 */
#include "base/name.h"

#include <string.h>

#include "base/text.h"

enum { PARTS_MAX = 32 };

enum label { LABEL_NONE, LABEL_CN, LABEL_OU, LABEL_O, LABEL_C, LABEL_OTHER };

static const char *const label_texts[] = {
	[LABEL_CN] = "CN=", [LABEL_OU] = "OU=", [LABEL_O] = "O=", [LABEL_C] = "C=",
};

struct part {
	enum label label;
	struct slice value;
};

struct parts {
	size_t count;           /* 0: more than PARTS_MAX, or one of them is empty */
	struct part part[PARTS_MAX];
};

/* Where the first c without `$` before it stands, or the end. */
static size_t find_plain(struct slice s, char c)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == c && (i == 0 || s.p[i - 1] != '$'))
			return i;
	return s.n;
}

static struct slice rest_from(struct slice s, size_t at)
{
	return (struct slice){ s.p + at, s.n - at };
}

static enum label label_of(struct slice s)
{
	s = text_trim(s);
	for (enum label l = LABEL_CN; l <= LABEL_C; l++)
		if (slice_equal_nocase(s, (struct slice){ label_texts[l], strlen(label_texts[l]) - 1 }))
			return l;
	return LABEL_OTHER;
}

static struct part read_part(struct slice s)
{
	size_t equals = find_plain(s, '=');

	if (equals == s.n)
		return (struct part){ LABEL_NONE, text_trim(s) };
	return (struct part){ label_of((struct slice){ s.p, equals }),
	                      text_trim(rest_from(s, equals + 1)) };
}

static void split(struct slice name, struct parts *parts)
{
	struct slice rest = name;

	parts->count = 0;
	while (parts->count < PARTS_MAX) {
		size_t slash = find_plain(rest, '/');
		struct part part = read_part((struct slice){ rest.p, slash });

		if (part.value.n == 0)
			break;
		parts->part[parts->count++] = part;
		if (slash == rest.n)
			return;
		rest = rest_from(rest, slash + 1);
	}
	parts->count = 0;
}

static bool has_other_label(const struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		if (parts->part[i].label == LABEL_OTHER)
			return true;
	return false;
}

/* Parts that have labels of ours or none: the only names that are rewritten. */
static bool is_ordinary(const struct parts *parts)
{
	return parts->count != 0 && !has_other_label(parts);
}

static bool is_wildcard(struct slice s)
{
	return s.n == 1 && s.p[0] == '*';
}

static bool is_country(const struct parts *parts)
{
	struct part last = parts->part[parts->count - 1];

	if (last.label != LABEL_NONE || parts->count < 3 || last.value.n != 2)
		return false;
	for (size_t i = 0; i < 2; i++) {
		char c = (char)(last.value.p[i] | 0x20);

		if (c < 'a' || c > 'z')
			return false;
	}
	return true;
}

/* The label that the part at i has or, by its place, should have. */
static enum label label_at(const struct parts *parts, size_t i)
{
	size_t organization = parts->count - 1;

	if (parts->part[i].label != LABEL_NONE || is_wildcard(parts->part[i].value))
		return parts->part[i].label;
	if (i == 0)
		return LABEL_CN;
	if (is_country(parts) || parts->part[organization].label == LABEL_C) {
		if (i == organization)
			return LABEL_C;
		organization--;
	}
	return i == organization ? LABEL_O : LABEL_OU;
}

STATUS name_abbreviate(struct slice name, struct buf *out)
{
	struct parts parts;

	split(name, &parts);
	if (!is_ordinary(&parts) || (parts.count == 1 && parts.part[0].label != LABEL_CN)) {
		buf_add_slice(out, name);
		return buf_status(out);
	}
	for (size_t i = 0; i < parts.count; i++) {
		if (i != 0)
			buf_add_char(out, '/');
		buf_add_slice(out, parts.part[i].value);
	}
	return buf_status(out);
}

STATUS name_canonicalize(struct slice name, struct buf *out)
{
	struct parts parts;

	split(name, &parts);
	if (!is_ordinary(&parts) || parts.count == 1) {
		buf_add_slice(out, name);
		return buf_status(out);
	}
	for (size_t i = 0; i < parts.count; i++) {
		if (i != 0)
			buf_add_char(out, '/');
		buf_add_str(out, label_texts[label_at(&parts, i)]);
		buf_add_slice(out, parts.part[i].value);
	}
	return buf_status(out);
}

STATUS name_common(struct slice name, struct buf *out)
{
	struct parts parts;

	split(name, &parts);
	for (size_t i = 0; i < parts.count; i++)
		if (parts.part[i].label == LABEL_CN) {
			buf_add_slice(out, parts.part[i].value);
			return buf_status(out);
		}
	if (parts.count > 1 && parts.part[0].label == LABEL_NONE)
		buf_add_slice(out, parts.part[0].value);
	else
		buf_add_slice(out, name);
	return buf_status(out);
}

STATUS name_organization(struct slice name, struct buf *out)
{
	struct parts parts;

	split(name, &parts);
	for (size_t i = 0; i < parts.count && is_ordinary(&parts); i++)
		if (parts.part[i].label == LABEL_O ||
		    (parts.count > 1 && label_at(&parts, i) == LABEL_O)) {
			buf_add_slice(out, parts.part[i].value);
			break;
		}
	return buf_status(out);
}

bool name_is_hierarchical(struct slice name)
{
	struct parts parts;

	split(name, &parts);
	return parts.count > 1;
}

static bool fold_equal(struct slice a, struct slice b)
{
	struct buf fa = BUF_INIT, fb = BUF_INIT;
	bool equal = text_fold(a, &fa) == NOERROR && text_fold(b, &fb) == NOERROR &&
	             fa.n != 0 && slice_equal(buf_slice(&fa), buf_slice(&fb));

	buf_release(&fa);
	buf_release(&fb);
	return equal;
}

bool name_equal(struct slice a, struct slice b)
{
	struct buf ca = BUF_INIT, cb = BUF_INIT;
	bool equal = name_canonicalize(a, &ca) == NOERROR && name_canonicalize(b, &cb) == NOERROR &&
	             fold_equal(buf_slice(&ca), buf_slice(&cb));

	buf_release(&ca);
	buf_release(&cb);
	return equal;
}

static bool part_matches(struct part name, struct part pattern)
{
	if (name.label != LABEL_NONE && pattern.label != LABEL_NONE && name.label != pattern.label)
		return false;
	return fold_equal(name.value, pattern.value);
}

bool name_matches(struct slice name, struct slice pattern)
{
	struct parts n, p;

	split(name, &n);
	split(pattern, &p);
	if (p.count == 0 || p.part[0].label != LABEL_NONE || !is_wildcard(p.part[0].value))
		return name_equal(name, pattern);
	if (p.count == 1)
		return text_trim(name).n != 0;
	if (!is_ordinary(&n) || !is_ordinary(&p) || n.count < p.count)
		return false;
	for (size_t i = 1; i < p.count; i++)
		if (!part_matches(n.part[n.count - i], p.part[p.count - i]))
			return false;
	return true;
}
