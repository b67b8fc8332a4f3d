/*
 * What a peer says, to the LMTP session with directory and mail files in memory: any octets behind
 * LHLO. However they come, at once or in pieces, and whether questions are answered at once or
 * later, the answers are the same and so is what lies in the mail files in the end; each answer is
 * one. The first octet chooses the size of the pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/support/lmtpdrive.h"
#include "tests/support/stores.h"

struct outcome {
	struct buf out;
	char *content[2];
};

static void run(struct slice octets, size_t piece, bool pending, struct outcome *outcome)
{
	static const char *const files[] = { "mail/jcorrer.nsf", "mail/alee.nsf" };
	struct lmtp_drive d = { .pending = pending };
	struct lmtp_session_counts counts;

	lmtp_drive_options(&d.options);
	d.options.max_octets = 10000;
	d.options.max_recipients = 10;
	d.options.spool_octets = 64;
	FUZZ_CHECK(store_memory_new(&d.store) == NOERROR);
	lmtp_drive_open(&d);
	lmtp_drive_feed(&d, SLICE_LIT("LHLO x\r\n"), 0);
	lmtp_drive_feed(&d, octets, piece);
	lmtp_session_counts(d.session, &counts);
	FUZZ_CHECK(counts.octets <= octets.n);
	outcome->out = d.out;
	buf_init(&d.out, 0);
	for (int i = 0; i < 2; i++)
		outcome->content[i] = lmtp_drive_content(d.store, files[i]);
	lmtp_drive_close(&d);
	d.store->calls->free(&d.store);
}

/* "250 text" or "250-text", nothing a peer has sent in it, and never too long. */
static void check_answers(struct slice out)
{
	for (size_t at = 0; at < out.n;) {
		const char *p = out.p + at, *end = memmem(p, out.n - at, "\r\n", 2);

		FUZZ_CHECK(end != NULL && end - p <= 510 && end - p >= 4);
		FUZZ_CHECK(p[0] >= '2' && p[0] <= '5' && p[0] != '\0' && (p[3] == ' ' || p[3] == '-'));
		for (const char *c = p; c < end; c++)
			FUZZ_CHECK(*c >= ' ' && *c < 0x7F);
		at += (size_t)(end - p) + 2;
	}
}

static void compare(const struct outcome *a, const struct outcome *b)
{
	FUZZ_CHECK(slice_equal(buf_slice(&a->out), buf_slice(&b->out)));
	for (int i = 0; i < 2; i++)
		FUZZ_CHECK(strcmp(a->content[i], b->content[i]) == 0);
}

static void release(struct outcome *outcome)
{
	buf_release(&outcome->out);
	for (int i = 0; i < 2; i++)
		free(outcome->content[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { 1, 7, 100, 1500 };
	struct outcome whole, pieced;
	struct slice octets = { (const char *)data + 1, size - 1 };

	if (size == 0)
		return 0;
	run(octets, 0, false, &whole);
	check_answers(buf_slice(&whole.out));
	run(octets, pieces[data[0] & 3], true, &pieced);
	compare(&whole, &pieced);
	release(&whole);
	release(&pieced);
	return 0;
}
