/* Files of UIDLs: any octets are a map or are refused; what comes out are UIDLs that POP3
 * can carry, keys that can be found, and the same again. The first octet chooses the kind
 * and whether faults are passed over. Also patterns, names in a Maildir, books in headers. */
#include <stdlib.h>
#include <string.h>

#include "mailfile/maildirname.h"
#include "mailfile/mboxhead.h"
#include "mailfile/uidlmap.h"
#include "tests/fuzz/fuzz.h"

static void check_map(const struct uidl_map *map)
{
	size_t first;

	for (size_t i = 0; i < uidl_map_count(map); i++) {
		const struct uidl_facts *facts = uidl_map_at(map, i);
		const struct uidl_facts *found = uidl_map_facts(map, facts->key);

		FUZZ_CHECK(found == facts);
		FUZZ_CHECK(facts->uidl.n == 0 || uidl_is_valid(facts->uidl));
		FUZZ_CHECK(facts->uidl.n == 0 || !(facts->flags & UIDL_FLAG_UNUSABLE));
		FUZZ_CHECK(facts->key.n > 0);
		FUZZ_CHECK(!facts->recorded || facts->uidl.n > 0);
	}
	uidl_map_ignored(map, &first);
}

static void maps(unsigned choice, struct slice octets)
{
	enum uidl_map_kind kind = (enum uidl_map_kind)(choice % 5);
	struct uidl_map *map = NULL;
	struct fault fault = { 0 };
	STATUS status = uidl_map_parse(octets, kind, NULL, choice & 8, "fuzz", &map, &fault);

	FUZZ_CHECK(status == NOERROR || status == POSTIL_ERR_SYNTAX);
	FUZZ_CHECK((status == NOERROR) == (map != NULL));
	if (map != NULL)
		check_map(map);
	uidl_map_free(&map);
}

static void patterns(struct slice octets)
{
	static const struct uidl_parts parts = { 1, UINT32_MAX, { "name", 4 }, { "guid", 4 },
	                                         { "0123456789abcdef0123456789abcdef", 32 } };
	struct uidl_format format;
	struct buf text = BUF_INIT;
	char *copy = malloc(octets.n + 1);

	if (copy == NULL)
		return;
	memcpy(copy, octets.p, octets.n);
	copy[octets.n] = '\0';
	if (uidl_format_parse(copy, &format)) {
		FUZZ_CHECK(uidl_format_make(&format, &parts, &text));
		FUZZ_CHECK(text.n <= UIDL_FORMAT_OCTETS + UIDL_FORMAT_PIECES * 80);
	}
	buf_release(&text);
	free(copy);
}

static void names(struct slice octets)
{
	struct buf in = BUF_INIT, out = BUF_INIT, again = BUF_INIT;

	maildir_flags(octets);
	maildir_secs(octets);
	if (maildir_folder_in(octets, '.', &in) == NOERROR) {
		FUZZ_CHECK(maildir_folder_out(buf_slice(&in), &out) == NOERROR);
		FUZZ_CHECK(memchr(out.p, '/', out.n) == NULL);
		FUZZ_CHECK(maildir_folder_in(buf_slice(&out), '.', &again) == NOERROR
		           || out.n > 200);
		FUZZ_CHECK(again.n == 0 || slice_equal(buf_slice(&again), buf_slice(&in))
		           || again.p[0] == '(');
	}
	buf_release(&in);
	buf_release(&out);
	buf_release(&again);
}

static STATUS put(void *context, const void *p, size_t n)
{
	buf_add(context, p, n);
	return buf_status(context);
}

static void feed(struct mbox_head *h, struct slice octets, size_t piece)
{
	for (size_t i = 0; i < octets.n; i += piece)
		FUZZ_CHECK(mbox_head_feed(h, octets.p + i,
		                          octets.n - i < piece ? octets.n - i : piece) == NOERROR);
	FUZZ_CHECK(mbox_head_end(h) == NOERROR);
}

static void heads(unsigned choice, struct slice octets)
{
	enum mbox_removal removal = (enum mbox_removal)(choice % 3);
	struct buf whole = BUF_INIT, pieces = BUF_INIT, md5 = BUF_INIT;
	struct mbox_head h;

	mbox_head_init(&h, removal, put, &whole);
	feed(&h, octets, octets.n + 1);
	FUZZ_CHECK(whole.n <= octets.n);
	FUZZ_CHECK(removal != MBOX_REMOVE_NONE || h.is_export || whole.n == octets.n);
	mbox_head_init(&h, removal, put, &pieces);
	h.md5 = &md5;
	feed(&h, octets, choice % 7 + 1);
	FUZZ_CHECK(whole.n == pieces.n && (whole.n == 0 || memcmp(whole.p, pieces.p, whole.n) == 0));
	mbox_keeps_books(octets);
	buf_release(&whole);
	buf_release(&pieces);
	buf_release(&md5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice octets = { (const char *)data + 1, n - 1 };

	if (n < 1)
		return 0;
	maps(data[0], octets);
	heads(data[0], octets);
	if (n < 300) {
		patterns(octets);
		names(octets);
	}
	return 0;
}
