/* The session: whatever a client sends, at once or octet by octet, with calls that
 * finish at once or later, the answers are the same and each begins as an answer
 * must; nothing is deleted without QUIT. Whatever the door, logins come by it only, and
 * TLS is begun where it is offered only, once (the drive sees to the first). */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/support/pop3drive.h"
#include "tests/support/stores.h"

static struct mail_store *new_store(void)
{
	static const char *const texts[] = { "Subject: a\n\nA\n", ".\n.\n..\n\n.\n", "",
		"A: 1\n\n\xFF\n\r\n..", "\n\n\n" };
	struct mail_store *store;

	if (store_memory_new(&store) != NOERROR)
		abort();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (store_put(store, DRIVE_PATH, texts[i], strlen(texts[i]), NULL) != NOERROR)
			abort();
	return store;
}

static uint32_t count_messages(struct mail_store *store)
{
	static const struct maildrop_options options;
	struct maildrop *drop;
	uint64_t epoch, octets;
	uint32_t count;

	FUZZ_CHECK(store->calls->open(store, DRIVE_PATH, &options, &drop, &epoch, NULL) == NOERROR);
	drop->calls->stat(drop, &count, &octets);
	drop->calls->close(&drop);
	return count;
}

/* +OK, -ERR, a challenge, or something inside a long answer, which ends with a dot. */
static void check_answers(struct slice out)
{
	const char *p = out.p, *stop = out.p + out.n;

	while (p < stop) {
		const char *end = memmem(p, (size_t)(stop - p), "\r\n", 2);

		FUZZ_CHECK(end != NULL);
		if (strncmp(p, "+OK", 3) != 0 && strncmp(p, "+ \r", 3) != 0)
			FUZZ_CHECK(strncmp(p, "-ERR ", 5) == 0 && end - p <= 510);
		/* What follows until a dot alone is content; one that stands there belongs
		 * to this answer, for no answer of one line is a dot. */
		const char *dot = memmem(end, (size_t)(stop - end), "\r\n.\r\n", 5);
		const char *next = end + 2;

		if (dot != NULL && next < stop && strncmp(next, "+OK", 3) != 0 &&
		    strncmp(next, "-ERR ", 5) != 0 && strncmp(next, "+ \r", 3) != 0)
			next = dot + 5;
		p = next;
	}
}

/* How one may log in, and how after STLS. */
struct doors {
	struct pop3_door before, after;
};

/* An input that begins with a control chooses by it. */
static struct doors choose_doors(struct slice *in)
{
	static const struct pop3_door before[] = {
		{ .password = true, .stls = true },
		{ .certificate = true },
		{ .refused = TEXT_NO_PASSWORD },
		{ .stls = true },
		{ .stls = true, .stls_first = true },
		{ .password = true, .stls = true, .stls_first = true },
		{ .certificate = true, .stls = true },
		{ .password = true },
	};
	static const struct pop3_door after[] = {
		{ .password = true }, { .certificate = true }, { .refused = TEXT_NO_PASSWORD },
	};
	struct doors doors = { before[7], after[0] };
	unsigned char first = in->n == 0 ? ' ' : (unsigned char)in->p[0];

	if (first >= ' ')
		return doors;
	in->p++;
	in->n--;
	return (struct doors){ before[first % 8], after[first / 8 % 3] };
}

/* All that is left of the input is said over TLS. */
static void begin_tls(struct drive *d, const struct doors *doors, size_t piece)
{
	struct buf rest = d->in;

	FUZZ_CHECK(doors->before.stls && pop3_session_state(d->session) == POP3_AUTHORIZATION);
	d->in = (struct buf)BUF_INIT;
	drive_secure(d, &doors->after);
	drive_feed(d, buf_slice(&rest), piece);
	FUZZ_CHECK(d->next != NET_START_TLS);
	buf_release(&rest);
}

static void run(struct slice in, struct slice login, size_t piece, bool pending,
                struct buf *out)
{
	struct drive d = { .store = new_store(), .pending = pending, .read_most = pending ? 3 : 0 };
	struct doors doors = choose_doors(&in);
	struct pop3_session_counts counts;

	drive_options(&d.options);
	d.options.door = doors.before;
	drive_open(&d);
	drive_feed(&d, login, 0);
	drive_feed(&d, in, piece);
	if (d.next == NET_START_TLS)
		begin_tls(&d, &doors, piece);
	pop3_session_counts(d.session, &counts);
	if (pop3_session_state(d.session) != POP3_ENDED || d.next == NET_CLOSE)
		check_answers(buf_slice(&d.out));
	buf_add_slice(out, buf_slice(&d.out));
	drive_close(&d);
	FUZZ_CHECK(count_messages(d.store) == 5 - counts.deleted);
	FUZZ_CHECK(counts.deleted == 0 || counts.end == POP3_END_QUIT);
	d.store->calls->free(&d.store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* Half of the inputs begin behind a login. */
	struct slice login = n % 2 == 1 ? SLICE_LIT("USER jcorrer\r\nPASS lotus notes\r\n")
	                                : SLICE_LIT("");
	struct slice in = { (const char *)data, n };
	struct buf whole = BUF_INIT, cut = BUF_INIT;

	run(in, login, 0, false, &whole);
	run(in, login, 1, true, &cut);
	FUZZ_CHECK(slice_equal(buf_slice(&whole), buf_slice(&cut)));
	buf_release(&whole);
	buf_release(&cut);
	return 0;
}
