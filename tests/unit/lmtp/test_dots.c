/* Where a message of DATA ends: against the plainest reading of RFC 5321, in all pieces. */
#include <stdlib.h>
#include <string.h>

#include "addin/lmtp/dots.h"
#include "tests/support/unit.h"

static void collect(void *context, struct slice octets)
{
	ck_assert_uint_gt(octets.n, 0);
	buf_add_slice(context, octets);
}

/* in fed in two pieces, cut at `cut`; -1: it did not end; else the octets taken. */
static long feed(struct slice in, size_t cut, struct buf *message)
{
	struct dots dots = { DOTS_START };
	size_t used = 0, more = 0;

	buf_clear(message);
	if (dots_feed(&dots, (struct slice){ in.p, cut }, &used, collect, message))
		return (long)used;
	ck_assert_uint_eq(used, cut);
	if (dots_feed(&dots, (struct slice){ in.p + cut, in.n - cut }, &more, collect, message))
		return (long)(used + more);
	ck_assert_uint_eq(used + more, in.n);
	return -1;
}

/* The same by its definition: behind a CRLF of our own, up to CRLF . CRLF, dots behind CRLF off. */
static long reference(struct slice in, struct buf *message)
{
	struct buf text = BUF_INIT;
	const char *end;
	long used = -1;
	size_t n;

	buf_add_str(&text, "\r\n");
	buf_add_slice(&text, in);
	end = memmem(text.p, text.n, "\r\n.\r\n", 5);
	n = end != NULL ? (size_t)(end - text.p) + 2 : text.n;
	if (end != NULL)
		used = (long)(n - 2 + 3);
	buf_clear(message);
	for (size_t i = 2; i < n; i++)
		if (text.p[i] != '.' || text.p[i - 1] != '\n' || text.p[i - 2] != '\r')
			buf_add_char(message, text.p[i]);
	buf_release(&text);
	return used;
}

/* A message that has not ended withholds what may belong to its end. */
static void same(struct slice in, const struct buf *was, const struct buf *wanted, bool ended)
{
	size_t missing = wanted->n - was->n;

	ck_assert_msg(was->n <= wanted->n && (missing == 0 || (!ended && missing == 1)),
	              "%zu octets of %.*s", was->n, (int)in.n, in.p);
	if (was->n > 0)
		ck_assert_mem_eq(was->p, wanted->p, was->n);
}

static void check(struct slice in)
{
	struct buf was = BUF_INIT, wanted = BUF_INIT;
	long ends = reference(in, &wanted);

	for (size_t cut = 0; cut <= in.n; cut++) {
		ck_assert_int_eq(feed(in, cut, &was), ends);
		same(in, &was, &wanted, ends >= 0);
	}
	buf_release(&was);
	buf_release(&wanted);
}

/* Each way in which servers have been made to end a message early, before the true end. */
static const char *const smuggled[] = {
	"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\n\r.\n\r",
	"\n.\r", "\r.\n", "\r\n\r.\r\n", "\r\n .\r\n", "\r\n. \r\n", "\r\n.\t\r\n", "\r\n.\n\r\n",
	"\n\n.\n\n", "\r\n.\v\r\n", "\n.\v\n",
};

START_TEST(smuggling)
{
	for (size_t i = 0; i < sizeof(smuggled) / sizeof(smuggled[0]); i++) {
		struct buf text = BUF_INIT, was = BUF_INIT;
		size_t n;

		buf_add_str(&text, "A: 1\r\n\r\nx");
		buf_add_str(&text, smuggled[i]);
		buf_add_str(&text, "MAIL FROM:<evil@x>\r\nDATA\r\n");
		n = text.n;
		ck_assert_msg(feed(buf_slice(&text), n, &was) == -1, "variant %zu ends a message", i);
		buf_add_str(&text, ".\r\n");
		ck_assert_int_eq(feed(buf_slice(&text), n, &was), (long)text.n);
		check(buf_slice(&text));
		buf_release(&text);
		buf_release(&was);
	}
	/* a NUL or a high octet is no line end either */
	check((struct slice){ "x\r\n.\0\r\n.\r\n", 10 });
	check(SLICE_LIT("x\r\n\x85.\x85\r\n.\r\n"));
}
END_TEST

START_TEST(dots_come_off)
{
	struct buf was = BUF_INIT;

	ck_assert_int_eq(feed(SLICE_LIT("..a\r\n.b\r\n...\r\nc..\r\n\n..d\r\n.\r\nNOOP"), 0, &was), 28);
	ck_assert_str_eq(buf_cstr(&was), ".a\r\nb\r\n..\r\nc..\r\n\n..d\r\n");
	ck_assert_int_eq(feed(SLICE_LIT(".\r\n"), 0, &was), 3);
	ck_assert_uint_eq(was.n, 0);
	ck_assert_int_eq(feed(SLICE_LIT("\r\n.\r\n"), 0, &was), 5);
	ck_assert_str_eq(buf_cstr(&was), "\r\n");
	buf_release(&was);
}
END_TEST

/* Every text of up to seven of the octets that matter. */
START_TEST(all_short_ones)
{
	static const char octets[] = "\r\n.x";
	char text[7];

	for (size_t n = 0; n <= sizeof(text); n++)
		for (unsigned number = 0; number < 1u << 2 * n; number++) {
			for (size_t i = 0; i < n; i++)
				text[i] = octets[number >> 2 * i & 3];
			check((struct slice){ text, n });
		}
}
END_TEST

START_TEST(long_random_ones)
{
	static const char octets[] = "\r\r\n\n..xy";
	uint32_t chance = 1;
	char text[120];

	for (int round = 0; round < 3000; round++) {
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = octets[(chance = chance * 1103515245u + 12345u) >> 16 & 7];
		check((struct slice){ text, sizeof(text) });
	}
}
END_TEST

UNIT_MAIN("dots", smuggling, dots_come_off, all_short_ones, long_random_ones)
