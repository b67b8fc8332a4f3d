/* Messages between host and task: every kind there and back, every way to be
 * wrong, and the socket. */
#include "addin/wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/unit.h"

/* As the header says, request first, then reply; "-" where there is none. */
static const struct {
	enum wire_kind kind;
	enum wire_side from;
	const char *fields, *answer;
} kinds[] = {
	{ WIRE_HELLO, WIRE_TASK, "un", "sss" },
	{ WIRE_GOODBYE, WIRE_TASK, "u", "-" },
	{ WIRE_LOG, WIRE_TASK, "(uuqs)", "-" },
	{ WIRE_STATUS_NEW, WIRE_TASK, "un", "-" },
	{ WIRE_STATUS_SET, WIRE_TASK, "us", "-" },
	{ WIRE_STATUS_DELETE, WIRE_TASK, "u", "-" },
	{ WIRE_STAT_UPDATE, WIRE_TASK, "(nnuub)", "-" },
	{ WIRE_STAT_DELETE, WIRE_TASK, "nn", "-" },
	{ WIRE_STAT_RESET, WIRE_TASK, "nn", "" },
	{ WIRE_STAT_LIST, WIRE_TASK, "nnnn", "(nnuubq)" },
	{ WIRE_ENV_GET, WIRE_TASK, "n", "s" },
	{ WIRE_ENV_SET, WIRE_TASK, "ns", "" },
	{ WIRE_ENV_SEQNO, WIRE_TASK, "", "u" },
	{ WIRE_MQ_CREATE, WIRE_TASK, "nuu", "" },
	{ WIRE_MQ_OPEN, WIRE_TASK, "nu", "u" },
	{ WIRE_MQ_CLOSE, WIRE_TASK, "u", "" },
	{ WIRE_MQ_PUT, WIRE_TASK, "uub", "" },
	{ WIRE_MQ_GET, WIRE_TASK, "uuu", "ub" },
	{ WIRE_MQ_SCAN, WIRE_TASK, "uuq", "uqb" },
	{ WIRE_MQ_REMOVE, WIRE_TASK, "uq", "" },
	{ WIRE_MQ_PUT_QUIT, WIRE_TASK, "u", "" },
	{ WIRE_MQ_IS_QUIT, WIRE_TASK, "u", "u" },
	{ WIRE_MQ_COUNT, WIRE_TASK, "u", "u" },
	{ WIRE_LISTEN, WIRE_TASK, "nnu", "u" },
	{ WIRE_UNLISTEN, WIRE_TASK, "nnu", "" },
	{ WIRE_LISTEN_LOCAL, WIRE_TASK, "nnun", "u" },
	{ WIRE_LOAD_PROGRAM, WIRE_TASK, "sssu", "" },
	{ WIRE_QUIT, WIRE_HOST, "u", "-" },
	{ WIRE_SETTINGS_CHANGED, WIRE_HOST, "", "-" },
	{ WIRE_PORT_READY, WIRE_HOST, "nu", "-" },
	{ WIRE_LIST_SESSIONS, WIRE_HOST, "", "(qnnuuuuu)" },
	{ WIRE_DROP_SESSIONS, WIRE_HOST, "s", "u" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static enum wire_side other(enum wire_side side)
{
	return side == WIRE_TASK ? WIRE_HOST : WIRE_TASK;
}

static bool is_group(const char *fields)
{
	return fields[0] == '(';
}

static void put_field(struct wire_out *out, char letter, size_t i)
{
	if (letter == 'u')
		wire_put_u32(out, 0x80000001u + (uint32_t)i);
	else if (letter == 'q')
		wire_put_u64(out, UINT64_C(0x8000000000000002) + i);
	else if (letter == 'b')
		wire_put_octets(out, "\0b\xFF", 3);
	else if (letter == 'n' || letter == 's')
		wire_put_text(out, letter == 'n' ? "name" : "some text");
}

static void check_field(struct wire_in *in, char letter, size_t i)
{
	struct slice s;

	if (letter == 'u') {
		ck_assert_uint_eq(wire_get_u32(in), 0x80000001u + i);
	} else if (letter == 'q') {
		ck_assert_uint_eq(wire_get_u64(in), UINT64_C(0x8000000000000002) + i);
	} else if (letter != '(' && letter != ')') {
		s = wire_get_slice(in);
		ck_assert(slice_equal(s, letter == 'b' ? SLICE_LIT("\0b\xFF") :
		                      letter == 'n' ? SLICE_LIT("name") : SLICE_LIT("some text")));
	}
}

static void make(struct wire_out *out, void *memory, size_t k, bool reply, size_t repeats)
{
	const char *fields = reply ? kinds[k].answer : kinds[k].fields;
	bool one_way = kinds[k].answer[0] == '-';

	wire_begin(out, memory, WIRE_MAX, kinds[k].kind, reply ? WIRE_REPLY : 0,
	           one_way ? 0 : 77, NOERROR);
	if (!is_group(fields))
		repeats = 1;
	for (size_t r = 0; r < repeats; r++)
		for (size_t i = 0; fields[i] != '\0'; i++)
			put_field(out, fields[i], i);
}

static void check(const struct wire_out *out, size_t k, bool reply, size_t repeats)
{
	const char *fields = reply ? kinds[k].answer : kinds[k].fields;
	enum wire_side from = reply ? other(kinds[k].from) : kinds[k].from;
	struct wire_in in;

	ck_assert_int_eq(wire_parse(out->p, out->n, other(from), &in), NOERROR);
	ck_assert_uint_eq(in.kind, kinds[k].kind);
	ck_assert_uint_eq(in.flags, reply ? WIRE_REPLY : 0);
	ck_assert_uint_eq(in.id, kinds[k].answer[0] == '-' ? 0 : 77);
	ck_assert_uint_eq(in.status, NOERROR);
	if (!is_group(fields))
		repeats = 1;
	for (size_t r = 0; r < repeats; r++)
		for (size_t i = 0; fields[i] != '\0'; i++)
			check_field(&in, fields[i], i);
	ck_assert(wire_at_end(&in));
	ck_assert_int_eq(wire_parse(out->p, out->n, from, &in), POSTIL_ERR_INVALID);
}

START_TEST(every_kind_there_and_back)
{
	static unsigned char memory[WIRE_MAX];
	struct wire_out out;

	for (size_t k = 0; k < KINDS; k++) {
		bool has_reply = kinds[k].answer[0] != '-';

		ck_assert_msg(wire_has_reply(kinds[k].kind) == has_reply, "kind %zu", k);
		ck_assert_str_ne(wire_kind_name(kinds[k].kind), "unknown");
		for (size_t repeats = 0; repeats < 3; repeats++) {
			make(&out, memory, k, false, repeats);
			ck_assert_msg(wire_end(&out, kinds[k].from) == NOERROR, "kind %zu", k);
			check(&out, k, false, repeats);
			if (!has_reply)
				continue;
			make(&out, memory, k, true, repeats);
			ck_assert_msg(wire_end(&out, other(kinds[k].from)) == NOERROR, "reply %zu", k);
			check(&out, k, true, repeats);
		}
	}
	ck_assert_uint_eq(KINDS, WIRE_KIND_END - 1);
}
END_TEST

static void set_length(unsigned char *p, size_t n)
{
	n -= WIRE_HEAD;
	for (size_t i = 0; i < 4; i++)
		p[12 + i] = (unsigned char)(n >> (8 * i));
}

/* Cut at every octet: with the length as it was, and with one that fits the rest.
 * Only whole groups may then be taken. */
static void cut_everywhere(size_t k, bool reply)
{
	static unsigned char memory[WIRE_MAX];
	const char *fields = reply ? kinds[k].answer : kinds[k].fields;
	enum wire_side self = reply ? kinds[k].from : other(kinds[k].from);
	struct wire_out out;
	struct wire_in in;
	size_t one;

	make(&out, memory, k, reply, 1);
	one = out.n - WIRE_HEAD;
	make(&out, memory, k, reply, 3);
	ck_assert_int_eq(wire_end(&out, other(self)), NOERROR);
	for (size_t n = 0; n < out.n; n++) {
		unsigned char *copy = malloc(n > 0 ? n : 1);    /* so that a sanitizer sees its end */
		bool whole = n >= WIRE_HEAD && is_group(fields) && (n - WIRE_HEAD) % one == 0;

		memcpy(copy, memory, n);
		ck_assert_msg(wire_parse(copy, n, self, &in) == POSTIL_ERR_INVALID, "%zu/%zu", k, n);
		if (n >= WIRE_HEAD) {
			set_length(copy, n);
			ck_assert_msg((wire_parse(copy, n, self, &in) == NOERROR) == whole,
			              "kind %zu cut at %zu", k, n);
		}
		free(copy);
	}
}

START_TEST(cut_at_every_octet)
{
	for (size_t k = 0; k < KINDS; k++) {
		cut_everywhere(k, false);
		if (kinds[k].answer[0] != '-')
			cut_everywhere(k, true);
	}
}
END_TEST

/* Each octet of each message takes each value: never a crash, and what is taken
 * can be read to its end. */
START_TEST(every_octet_changed)
{
	static unsigned char memory[WIRE_MAX];
	struct wire_out out;
	struct wire_in in;

	for (size_t k = 0; k < KINDS; k++) {
		make(&out, memory, k, false, 2);
		ck_assert_int_eq(wire_end(&out, kinds[k].from), NOERROR);
		for (size_t i = 0; i < out.n; i++) {
			unsigned char was = memory[i];

			for (unsigned v = 0; v < 256; v++) {
				unsigned char *copy = malloc(out.n);

				memory[i] = (unsigned char)v;
				memcpy(copy, memory, out.n);
				if (wire_parse(copy, out.n, other(kinds[k].from), &in) == NOERROR)
					while (!wire_at_end(&in))
						wire_get_slice(&in);
				free(copy);
			}
			memory[i] = was;
		}
	}
}
END_TEST

START_TEST(wrong_heads)
{
	static const struct {
		const char *what;
		size_t at;
		unsigned char value;
	} cases[] = {
		{ "magic", 0, 'p' }, { "magic", 1, 0 }, { "version", 2, WIRE_VERSION + 1 },
		{ "reply nobody can want", 3, WIRE_REPLY }, { "more without reply", 3, WIRE_MORE },
		{ "unknown flag", 3, 0x80 }, { "kind 0", 4, 0 },
		{ "kind past the end", 4, WIRE_KIND_END }, { "huge kind", 5, 0x7F },
		{ "status in a request", 6, 1 }, { "status in a request", 7, 0x40 },
		{ "no id", 8, 0 }, { "length", 12, 0xFF }, { "length", 15, 0x80 },
	};
	unsigned char memory[64], copy[64];
	struct wire_out out;
	struct wire_in in;

	wire_begin(&out, memory, sizeof(memory), WIRE_ENV_SEQNO, 0, 9, NOERROR);
	ck_assert_int_eq(wire_end(&out, WIRE_TASK), NOERROR);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(copy, memory, sizeof(copy));
		copy[cases[i].at] = cases[i].value;
		ck_assert_msg(wire_parse(copy, out.n, WIRE_HOST, &in) == POSTIL_ERR_INVALID, "%s",
		              cases[i].what);
	}
	/* an id in a one-way message; a reply with a payload and a status */
	wire_begin(&out, memory, sizeof(memory), WIRE_GOODBYE, 0, 5, NOERROR);
	wire_put_u32(&out, 0);
	ck_assert_int_eq(wire_end(&out, WIRE_TASK), POSTIL_ERR_INVALID);
	wire_begin(&out, memory, sizeof(memory), WIRE_ENV_SEQNO, WIRE_REPLY, 5, 0x0404);
	wire_put_u32(&out, 0);
	ck_assert_int_eq(wire_end(&out, WIRE_HOST), POSTIL_ERR_INVALID);
	wire_begin(&out, memory, sizeof(memory), WIRE_ENV_SEQNO, WIRE_REPLY, 5, 0x0404);
	ck_assert_int_eq(wire_end(&out, WIRE_HOST), NOERROR);
}
END_TEST

START_TEST(wrong_fields)
{
	static unsigned char memory[WIRE_MAX];
	char name[WIRE_NAME_MAX + 2];
	struct wire_out out;

	memset(name, 'n', sizeof(name));
	for (size_t n = WIRE_NAME_MAX; n <= WIRE_NAME_MAX + 1; n++) {
		wire_begin(&out, memory, sizeof(memory), WIRE_ENV_GET, 0, 1, NOERROR);
		wire_put_octets(&out, name, n);
		ck_assert_int_eq(wire_end(&out, WIRE_TASK),
		                 n <= WIRE_NAME_MAX ? NOERROR : POSTIL_ERR_INVALID);
	}
	wire_begin(&out, memory, sizeof(memory), WIRE_ENV_GET, 0, 1, NOERROR);
	wire_put_octets(&out, "a\0b", 3);
	ck_assert_int_eq(wire_end(&out, WIRE_TASK), POSTIL_ERR_INVALID);
	/* a string longer than what is left, up to the largest */
	for (unsigned shift = 0; shift < 32; shift++) {
		wire_begin(&out, memory, sizeof(memory), WIRE_DROP_SESSIONS, 0, 1, NOERROR);
		wire_put_u32(&out, 1u << shift);
		ck_assert_int_eq(wire_end(&out, WIRE_HOST), POSTIL_ERR_INVALID);
	}
	wire_begin(&out, memory, sizeof(memory), WIRE_DROP_SESSIONS, 0, 1, NOERROR);
	wire_put_u32(&out, 0xFFFFFFFF);
	ck_assert_int_eq(wire_end(&out, WIRE_HOST), POSTIL_ERR_INVALID);
	/* a field too many */
	wire_begin(&out, memory, sizeof(memory), WIRE_QUIT, 0, 0, NOERROR);
	wire_put_u32(&out, 0);
	wire_put_u32(&out, 0);
	ck_assert_int_eq(wire_end(&out, WIRE_HOST), POSTIL_ERR_INVALID);
}
END_TEST

START_TEST(sizes)
{
	static unsigned char memory[2 * WIRE_MAX];
	static char message[WIRE_MAX];
	struct wire_out out;
	struct wire_in in;

	wire_begin(&out, memory, sizeof(memory), WIRE_MQ_PUT, 0, 1, NOERROR);
	wire_put_u32(&out, 1);
	wire_put_u32(&out, 0);
	ck_assert(wire_has_room(&out, 1, WIRE_MQ_MAX, 0));
	ck_assert(!wire_has_room(&out, 1, WIRE_MAX, 0));
	ck_assert(!wire_has_room(&out, SIZE_MAX, 1, 0));
	wire_put_octets(&out, message, WIRE_MQ_MAX);
	ck_assert_int_eq(wire_end(&out, WIRE_TASK), NOERROR);
	ck_assert_int_eq(wire_parse(out.p, out.n, WIRE_HOST, &in), NOERROR);
	/* what does not fit is refused, and stays refused */
	wire_begin(&out, memory, sizeof(memory), WIRE_MQ_PUT, 0, 1, NOERROR);
	wire_put_u32(&out, 1);
	wire_put_u32(&out, 0);
	wire_put_octets(&out, message, WIRE_MAX);
	wire_put_octets(&out, message, 1);
	ck_assert_int_eq(wire_end(&out, WIRE_TASK), POSTIL_ERR_TOO_LONG);
	wire_begin(&out, memory, WIRE_HEAD - 1, WIRE_ENV_SEQNO, 0, 1, NOERROR);
	ck_assert_int_eq(wire_end(&out, WIRE_TASK), POSTIL_ERR_TOO_LONG);
}
END_TEST

START_TEST(groups_are_joined)
{
	static unsigned char memory[WIRE_MAX], joined[WIRE_MAX];
	struct wire_out out, all;
	struct wire_in in;

	wire_begin(&all, joined, sizeof(joined), WIRE_LOG, 0, 0, NOERROR);
	for (uint32_t i = 0; i < 3; i++) {
		wire_begin(&out, memory, sizeof(memory), WIRE_LOG, 0, 0, NOERROR);
		wire_put_u32(&out, i);
		wire_put_u32(&out, 0);
		wire_put_u64(&out, i);
		wire_put_text(&out, "line");
		ck_assert_int_eq(wire_end(&out, WIRE_TASK), NOERROR);
		wire_put_groups(&all, out.p + WIRE_HEAD, out.n - WIRE_HEAD);
	}
	ck_assert_int_eq(wire_end(&all, WIRE_TASK), NOERROR);
	ck_assert_int_eq(wire_parse(all.p, all.n, WIRE_HOST, &in), NOERROR);
	for (uint32_t i = 0; i < 3; i++) {
		char text[3];

		ck_assert_uint_eq(wire_get_u32(&in), i);
		wire_get_u32(&in);
		wire_get_u64(&in);
		ck_assert_uint_eq(wire_get_text(&in, text, sizeof(text)), 4);
		ck_assert_str_eq(text, "li");
	}
	ck_assert(wire_at_end(&in));
}
END_TEST

START_TEST(reading_past_the_end)
{
	unsigned char memory[64];
	struct wire_out out;
	struct wire_in in;
	char text[4] = "xyz";

	wire_begin(&out, memory, sizeof(memory), WIRE_GOODBYE, 0, 0, NOERROR);
	wire_put_u32(&out, 3);
	ck_assert_int_eq(wire_end(&out, WIRE_TASK), NOERROR);
	ck_assert_int_eq(wire_parse(out.p, out.n, WIRE_HOST, &in), NOERROR);
	ck_assert_uint_eq(wire_get_u64(&in), 0);
	ck_assert(wire_at_end(&in));
	ck_assert_uint_eq(wire_get_u32(&in), 0);
	ck_assert_uint_eq(wire_get_slice(&in).n, 0);
	ck_assert_uint_eq(wire_get_text(&in, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
}
END_TEST

/* --- the socket ------------------------------------------------------------------- */

static void pair(int fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
}

static void make_listen_reply(struct wire_out *out, void *memory, uint32_t count)
{
	wire_begin(out, memory, 64, WIRE_LISTEN, WIRE_REPLY, 4, NOERROR);
	wire_put_u32(out, count);
	ck_assert_int_eq(wire_end(out, WIRE_HOST), NOERROR);
}

/* Have all copies of the pipe's write end been closed? */
static bool is_closed(int read_end)
{
	char c;

	return read(read_end, &c, 1) == 0;
}

START_TEST(descriptors_travel)
{
	static unsigned char memory[WIRE_MAX];
	unsigned char small[64];
	struct wire_out out;
	struct wire_in in;
	int ends[2], fds[2];

	pair(ends);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	make_listen_reply(&out, small, 2);
	ck_assert_int_eq(wire_send(ends[0], &out, (int[]){ fds[1], fds[1] }, 2, true), NOERROR);
	close(fds[1]);
	ck_assert_int_eq(wire_receive(ends[1], WIRE_TASK, memory, &in, true), NOERROR);
	ck_assert_uint_eq(in.fd_count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(fcntl(in.fds[i], F_GETFD), FD_CLOEXEC);
		ck_assert_int_eq(write(in.fds[i], "x", 1), 1);
		close(in.fds[i]);
	}
	close(fds[0]);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* With a wrong number, with another kind, with more than can be: refused, and
 * nothing stays open. */
START_TEST(descriptors_refused)
{
	static unsigned char memory[WIRE_MAX];
	static const struct {
		uint32_t count;
		size_t sent;
		bool listen;
	} cases[] = { { 1, 0, true }, { 0, 1, true }, { 1, 2, true }, { 0, 1, false },
	              { 0xFFFFFFFF, 4, true } };
	unsigned char small[64];
	struct wire_out out;
	struct wire_in in;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ends[2], fds[2];

		pair(ends);
		ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
		make_listen_reply(&out, small, cases[i].count);
		if (!cases[i].listen) {
			wire_begin(&out, small, sizeof(small), WIRE_SETTINGS_CHANGED, 0, 0, NOERROR);
			ck_assert_int_eq(wire_end(&out, WIRE_HOST), NOERROR);
		}
		ck_assert_int_eq(wire_send(ends[0], &out, (int[]){ fds[1], fds[1], fds[1], fds[1] },
		                           cases[i].sent, true), NOERROR);
		close(fds[1]);
		ck_assert_msg(wire_receive(ends[1], WIRE_TASK, memory, &in, true) ==
		              POSTIL_ERR_INVALID, "case %zu", i);
		ck_assert_msg(is_closed(fds[0]), "case %zu", i);
		close(fds[0]);
		close(ends[0]);
		close(ends[1]);
	}
}
END_TEST

START_TEST(more_descriptors_than_can_be)
{
	static unsigned char memory[WIRE_MAX];
	char space[CMSG_SPACE(8 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	unsigned char small[64];
	struct wire_out out;
	struct wire_in in;
	int ends[2], fds[2], eight[8];

	pair(ends);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	make_listen_reply(&out, small, 4);
	struct iovec part = { out.p, out.n };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = space,
	                          .msg_controllen = sizeof(space) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	for (size_t i = 0; i < 8; i++)
		eight[i] = fds[1];
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(eight));
	memcpy(CMSG_DATA(head), eight, sizeof(eight));
	ck_assert_int_gt(sendmsg(ends[0], &message, 0), 0);
	close(fds[1]);
	ck_assert_int_eq(wire_receive(ends[1], WIRE_TASK, memory, &in, true), POSTIL_ERR_INVALID);
	ck_assert(is_closed(fds[0]));
	ck_assert_int_eq(wire_send(ends[0], &out, eight, 5, true), POSTIL_ERR_TOO_LONG);
	close(fds[0]);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(socket_states)
{
	static unsigned char memory[WIRE_MAX], huge[WIRE_MAX + 1];
	unsigned char small[64];
	struct wire_out out;
	struct wire_in in;
	STATUS status;
	int ends[2];

	pair(ends);
	ck_assert_int_eq(wire_receive(ends[1], WIRE_TASK, memory, &in, false), POSTIL_ERR_BUSY);
	ck_assert_int_gt(send(ends[0], huge, sizeof(huge), 0), 0);
	ck_assert_int_eq(wire_receive(ends[1], WIRE_TASK, memory, &in, true), POSTIL_ERR_INVALID);
	/* a side that reads nothing */
	wire_begin(&out, small, sizeof(small), WIRE_SETTINGS_CHANGED, 0, 0, NOERROR);
	ck_assert_int_eq(wire_end(&out, WIRE_HOST), NOERROR);
	do
		status = wire_send(ends[0], &out, NULL, 0, false);
	while (status == NOERROR);
	ck_assert_int_eq(status, POSTIL_ERR_BUSY);
	ck_assert_int_eq(wire_receive(ends[1], WIRE_TASK, memory, &in, false), NOERROR);
	/* a side that has gone: what it sent is still read */
	close(ends[0]);
	do
		status = wire_receive(ends[1], WIRE_TASK, memory, &in, true);
	while (status == NOERROR);
	ck_assert_int_eq(status, POSTIL_ERR_CLOSED);
	wire_begin(&out, small, sizeof(small), WIRE_GOODBYE, 0, 0, NOERROR);
	wire_put_u32(&out, 0);
	ck_assert_int_eq(wire_end(&out, WIRE_TASK), NOERROR);
	ck_assert_int_eq(wire_send(ends[1], &out, NULL, 0, true), POSTIL_ERR_CLOSED);
	close(ends[1]);
}
END_TEST

UNIT_MAIN("wire", every_kind_there_and_back, cut_at_every_octet, every_octet_changed,
          wrong_heads, wrong_fields, sizes, groups_are_joined, reading_past_the_end,
          descriptors_travel, descriptors_refused, more_descriptors_than_can_be, socket_states)
