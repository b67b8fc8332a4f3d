/* Down-conversion of any octets: the header of the second form is of ASCII, converting it
 * again changes nothing, it has the same parts, and their bodies are the same octets. The
 * parts are found here by other means than the code under test: recursively, in memory. */
#include <string.h>

#include "mailfile/downgrade.h"
#include "mailfile/downgrade_impl.h"
#include "mailfile/message.h"
#include "tests/fuzz/fuzz.h"

#define DEPTH 40

static struct slice skip(struct slice s, size_t n)
{
	return (struct slice){ s.p + n, s.n - n };
}

static size_t line_octets(struct slice s)
{
	const char *lf = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;

	return lf != NULL ? (size_t)(lf - s.p) + 1 : s.n;
}

/* The octets of a header with its empty line. */
static size_t header_octets(struct slice s)
{
	size_t at = 0;

	while (at < s.n) {
		size_t n = line_octets(skip(s, at));

		at += n;
		if (n == 2 && s.p[at - 2] == '\r')
			break;
	}
	return at;
}

static void first_field(struct slice header, const char *name, struct buf *value)
{
	while (header.n > 0) {
		size_t n = line_octets(header);
		struct slice found = downgrade_field_name((struct slice){ header.p, n });

		while (n < header.n && (header.p[n] == ' ' || header.p[n] == '\t'))
			n += line_octets(skip(header, n));
		if (found.n > 0 && header.p[0] != ' ' && slice_equal_nocase(found, slice_of(name))) {
			downgrade_unfold((struct slice){ header.p, n }, value);
			return;
		}
		header = skip(header, n);
	}
}

static void part_of(struct slice header, bool in_digest, struct downgrade_part *part)
{
	struct buf value = BUF_INIT, encoding = BUF_INIT;

	memset(part, 0, sizeof(*part));
	first_field(header, "Content-Type", &value);
	first_field(header, "Content-Transfer-Encoding", &encoding);
	downgrade_part_type(part, buf_slice(&value));
	downgrade_part_encoding(part, buf_slice(&encoding));
	if (value.p == NULL && in_digest)
		memcpy(part->type, "message/rfc822", sizeof("message/rfc822"));
	buf_release(&value);
	buf_release(&encoding);
}

/* 1 or 2: the line is a boundary, or the last one. */
static int boundary_kind(const struct downgrade_part *part, struct slice line)
{
	while (line.n > 0 && memchr(" \t\r\n", line.p[line.n - 1], 4) != NULL)
		line.n--;
	if (line.n < 2 || memcmp(line.p, "--", 2) != 0)
		return 0;
	line = skip(line, 2);
	if (line.n < part->boundary_length || memcmp(line.p, part->boundary, part->boundary_length) != 0)
		return 0;
	line = skip(line, part->boundary_length);
	return line.n == 0 ? 1 : line.n == 2 && memcmp(line.p, "--", 2) == 0 ? 2 : 0;
}

static bool is_type(const struct downgrade_part *part, const char *type)
{
	const char *plain = downgrade_plain_type(part->type);

	return strcmp(part->type, type) == 0 || (plain != NULL && strcmp(plain, type) == 0);
}

static void describe(struct slice s, bool in_digest, unsigned depth, struct buf *out);

static void describe_parts(const struct downgrade_part *part, struct slice s, unsigned depth,
                           struct buf *out)
{
	bool digest = strcmp(part->type, "multipart/digest") == 0, inside = false;
	size_t from = 0, at = 0;
	int kind = 0;

	while (at < s.n && kind != 2) {
		size_t n = line_octets(skip(s, at));

		kind = boundary_kind(part, (struct slice){ s.p + at, n });
		if (kind != 0 && inside)
			describe((struct slice){ s.p + from, at - from }, digest, depth + 1, out);
		else if (kind != 0)
			buf_add(out, s.p + from, at - from);
		at += n;
		if (kind != 0)
			from = at;
		inside = inside || kind != 0;
	}
	if (kind == 2 || !inside)
		buf_add_slice(out, skip(s, from));
	else
		describe(skip(s, from), digest, depth + 1, out);
}

/* Types, and bodies octet for octet; of what is converted like a header its lines' number. */
static void describe(struct slice s, bool in_digest, unsigned depth, struct buf *out)
{
	struct downgrade_part part;
	size_t header = header_octets(s);
	struct slice body = skip(s, header);
	const char *plain;

	part_of((struct slice){ s.p, header }, in_digest, &part);
	plain = part.encoded ? NULL : downgrade_plain_type(part.type);
	buf_addf(out, "%u %s\n", depth, plain != NULL ? plain : part.type);
	if (depth == DEPTH)
		return;
	if (strncmp(part.type, "multipart/", 10) == 0 && part.boundary_length > 0 && !part.boundary_is_long)
		describe_parts(&part, body, depth, out);
	else if (!part.encoded && is_type(&part, "message/rfc822"))
		describe(body, false, depth + 1, out);
	else if (plain == NULL && !is_type(&part, "text/rfc822-headers")
	         && !is_type(&part, "message/delivery-status")
	         && !is_type(&part, "message/disposition-notification"))
		buf_add_slice(out, body);
}

static void whole(const struct maildrop_delivery *d, struct buf *out)
{
	char *p = malloc(d->size_octets);

	FUZZ_CHECK(p != NULL && d->body(d->context, 0, p, d->size_octets) == NOERROR);
	buf_add(out, p, d->size_octets);
	free(p);
}

static struct intake *take(struct slice octets, size_t piece, struct maildrop_delivery *d)
{
	struct intake_options options = { .smtputf8 = true };
	struct intake *in;

	FUZZ_CHECK(intake_new(&options, &in) == NOERROR);
	for (size_t at = 0; at < octets.n; at += piece)
		FUZZ_CHECK(intake_add(in, octets.p + at, piece < octets.n - at ? piece : octets.n - at) == NOERROR);
	FUZZ_CHECK(intake_finish(in, d) == NOERROR);
	return in;
}

static void check(const struct maildrop_delivery *d)
{
	struct buf first = BUF_INIT, second = BUF_INIT, parts_first = BUF_INIT, parts_second = BUF_INIT;
	struct maildrop_delivery again;
	struct intake *in;

	whole(d, &first);
	whole(d->second, &second);
	FUZZ_CHECK(!words_has_high((struct slice){ second.p, header_octets(buf_slice(&second)) }));
	FUZZ_CHECK(header_octets(buf_slice(&second)) == d->second->header_octets);
	describe(buf_slice(&first), false, 0, &parts_first);
	describe(buf_slice(&second), false, 0, &parts_second);
	FUZZ_CHECK(slice_equal(buf_slice(&parts_first), buf_slice(&parts_second)));
	in = take(buf_slice(&second), second.n, &again);
	FUZZ_CHECK(again.second == NULL && !again.needs_utf8);
	intake_free(&in);
	buf_release(&first);
	buf_release(&second);
	buf_release(&parts_first);
	buf_release(&parts_second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct maildrop_delivery d;
	struct intake *in = take((struct slice){ (const char *)data, n }, n % 13 + 1, &d);

	FUZZ_CHECK(d.second == NULL || !d.needs_utf8);
	if (d.second != NULL)
		check(&d);
	intake_free(&in);
	return 0;
}
