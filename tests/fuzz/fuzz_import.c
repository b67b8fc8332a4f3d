/* Importing: any octets are an mbox file or are refused; each message in it takes
 * its stored form, the same in pieces of any size, and comes back the same when
 * it is written as mboxrd and read again. The first octet chooses the pieces. */
#include <string.h>

#include "mailfile/header.h"
#include "mailfile/mbox.h"
#include "mailfile/message.h"
#include "tests/fuzz/fuzz.h"

struct sink {
	struct buf octets;              /* of all messages, in stored form */
	unsigned messages;
	struct intake *intake;
};

static STATUS sink_begin(void *context)
{
	static const struct intake_options options = { .spool_octets = 300 };

	return intake_new(&options, &((struct sink *)context)->intake);
}

static STATUS sink_octets(void *context, const void *p, size_t n)
{
	return intake_add(((struct sink *)context)->intake, p, n);
}

/* What the contract promises of a stored message. */
static void check_stored(const struct maildrop_delivery *d, const char *p)
{
	size_t n = (size_t)d->size_octets;
	bool dot = false;

	FUZZ_CHECK(n >= 2 && p[n - 2] == '\r' && p[n - 1] == '\n');
	FUZZ_CHECK(d->header_octets >= 2 && d->header_octets <= n);
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(p[i] != '\n' || (i > 0 && p[i - 1] == '\r'));
		dot |= p[i] == '.' && (i == 0 || p[i - 1] == '\n');
	}
	FUZZ_CHECK(dot == d->has_dot_line);
}

static STATUS sink_end(void *context)
{
	struct sink *sink = context;
	struct maildrop_delivery d;
	STATUS status = intake_finish(sink->intake, &d);

	if (status == NOERROR && buf_reserve(&sink->octets, (size_t)d.size_octets) == NOERROR) {
		char *p = sink->octets.p + sink->octets.n;

		FUZZ_CHECK(d.body(d.context, 0, p, (size_t)d.size_octets) == NOERROR);
		check_stored(&d, p);
		sink->octets.n += (size_t)d.size_octets;
		sink->messages++;
	}
	intake_free(&sink->intake);
	return status;
}

static const struct mbox_events events = { sink_begin, sink_octets, sink_end };

static STATUS read_all(struct sink *sink, const char *p, size_t n, size_t piece, bool unquote)
{
	struct mbox_reader reader;
	STATUS status = NOERROR;

	*sink = (struct sink){ .octets = BUF_INIT };
	mbox_reader_init(&reader, unquote, &events, sink);
	for (size_t i = 0; i < n && status == NOERROR; i += piece)
		status = mbox_reader_feed(&reader, p + i, n - i < piece ? n - i : piece);
	if (status == NOERROR)
		status = mbox_reader_end(&reader);
	intake_free(&sink->intake);
	return status;
}

static STATUS put(void *context, const void *p, size_t n)
{
	buf_add(context, p, n);
	return buf_status(context);
}

static void there_and_back(const char *p, size_t n, size_t piece)
{
	struct buf box = BUF_INIT;
	struct mbox_writer writer;
	struct sink stored, back;

	sink_begin(&stored);
	stored.octets = (struct buf)BUF_INIT;
	stored.messages = 0;
	FUZZ_CHECK(intake_add(stored.intake, p, n) == NOERROR);
	FUZZ_CHECK(sink_end(&stored) == NOERROR);
	buf_add_str(&box, "From x\n");
	mbox_writer_init(&writer, MBOX_QUOTE_ALL, put, &box);
	for (size_t i = 0; i < stored.octets.n; i += piece)
		FUZZ_CHECK(mbox_writer_feed(&writer, stored.octets.p + i, stored.octets.n - i < piece
		                            ? stored.octets.n - i : piece) == NOERROR);
	FUZZ_CHECK(mbox_writer_end(&writer) == NOERROR);
	buf_add_str(&box, "\nFrom y\n\n");
	FUZZ_CHECK(read_all(&back, box.p, box.n, piece, true) == NOERROR);
	FUZZ_CHECK(back.messages == 2 && back.octets.n == stored.octets.n + 2);
	FUZZ_CHECK(memcmp(back.octets.p, stored.octets.p, stored.octets.n) == 0);
	buf_release(&back.octets);
	buf_release(&stored.octets);
	buf_release(&box);
}

static void header_functions(struct slice all)
{
	struct slice rest = all, name, value, address;
	struct buf text = BUF_INIT;
	int64_t secs;

	while (header_next(&rest, &name, &value)) {
		header_text(value, 100, &text);
		header_date(value, &secs);
		while (header_next_address(&value, &address))
			header_text(address, 10, &text);
		buf_clear(&text);
	}
	buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data + 1;
	struct sink whole, pieces;
	size_t piece;

	if (n < 1)
		return 0;
	piece = (size_t)data[0] % 7 + 1;
	n--;
	for (int unquote = 0; unquote < 2; unquote++) {
		STATUS status = read_all(&whole, p, n, n + 1, unquote);

		FUZZ_CHECK(status == NOERROR || status == POSTIL_ERR_SYNTAX);
		FUZZ_CHECK(read_all(&pieces, p, n, piece, unquote) == status);
		FUZZ_CHECK(whole.messages == pieces.messages && whole.octets.n == pieces.octets.n);
		FUZZ_CHECK(whole.octets.n == 0
		           || memcmp(whole.octets.p, pieces.octets.p, whole.octets.n) == 0);
		buf_release(&whole.octets);
		buf_release(&pieces.octets);
	}
	there_and_back(p, n, piece);
	header_functions((struct slice){ p, n });
	return 0;
}
