/* Notes of any raw items become mail: always the same octets, a header that shows no blind copy and ends
 * where it should, and at least every octet of data that the records hold. An item of the input is an octet
 * for its kind, two for its length, and its value. */
#include <string.h>

#include "mailfile/header.h"
#include "mailfile/message.h"
#include "mailfile/nativemime.h"
#include "mailfile/render.h"
#include "tests/fuzz/fuzz.h"

struct made {
	struct note note;
	uint64_t data_octets;
	bool native;
};

static void add_part(struct made *made, struct slice value, uint16_t flags)
{
	struct mime_part part;
	struct slice header;

	if (note_add(&made->note, SLICE_LIT("Body"), ITEM_MIME_PART, flags, &value, 1) == NULL)
		return;
	made->native = true;
	if (value.n < MIME_PART_OCTETS || flags != 0 || !nativemime_part(value.p, value.n, &part))
		return;
	FUZZ_CHECK(part.boundary_octets + part.header_octets + part.data_octets + MIME_PART_OCTETS
	           <= value.n);
	header = (struct slice){ value.p + MIME_PART_OCTETS + part.boundary_octets, part.header_octets };
	if (header.n > 0 && !nativemime_header_is_whole(header))
		return;         /* what is header and what is data is not as it is told */
	if (part.type != MIME_PART_RETRIEVE_INFO && (part.flags & MIME_PART_BODY_IN_DBOBJECT) == 0)
		made->data_octets += part.data_octets;
}

static void add_file(struct made *made, struct slice value)
{
	size_t name = value.n < 5 ? value.n : 5;
	struct slice values[] = { { value.p, name }, { value.p + name, value.n - name } };

	note_add(&made->note, SLICE_LIT("$FILE"), ITEM_OBJECT, 0, values, value.n % 3 == 0 ? 1 : 2);
}

static void build(struct made *made, const uint8_t *data, size_t n)
{
	while (n >= 3) {
		size_t size = (size_t)data[1] << 8 | data[2];
		uint8_t kind = data[0];
		struct slice value;

		data += 3;
		n -= 3;
		size = size < n ? size : n;
		value = (struct slice){ (const char *)data, size };
		if (kind % 4 == 0)
			note_add(&made->note, SLICE_LIT("Any"), ITEM_RFC822_TEXT, 0, &value, 1);
		else if (kind % 4 == 1)
			add_file(made, value);
		else
			add_part(made, value, kind >= 0xF0 ? ITEM_SEAL : 0);
		if (kind == 0xEF)
			note_add_text(&made->note, "$SealData", SLICE_LIT("x"));
		data += size;
		n -= size;
	}
}

static void render(const struct note *note, struct buf *out, size_t *header_octets_r)
{
	struct intake *intake;
	struct maildrop_delivery d;

	FUZZ_CHECK(intake_new(NULL, &intake) == NOERROR);
	FUZZ_CHECK(render_note(note, NULL, intake, NULL) == NOERROR);
	FUZZ_CHECK(intake_finish(intake, &d) == NOERROR);
	FUZZ_CHECK(buf_reserve(out, (size_t)d.size_octets) == NOERROR);
	FUZZ_CHECK(d.body(d.context, 0, out->p, (size_t)d.size_octets) == NOERROR);
	out->n = (size_t)d.size_octets;
	*header_octets_r = (size_t)d.header_octets;
	intake_free(&intake);
}

static void check_header(struct slice header)
{
	struct slice name, value;

	while (header_next(&header, &name, &value))
		FUZZ_CHECK(!slice_equal_nocase(name, SLICE_LIT("Bcc")));
	FUZZ_CHECK(header.n == 2 && memcmp(header.p, "\r\n", 2) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct buf once = BUF_INIT, again = BUF_INIT;
	struct made made = { .data_octets = 0 };
	size_t header_octets;

	note_init(&made.note, &arena);
	build(&made, data, n);
	render(&made.note, &once, &header_octets);
	render(&made.note, &again, &header_octets);
	FUZZ_CHECK(once.n == again.n && memcmp(once.p, again.p, once.n) == 0);
	FUZZ_CHECK(!made.native || once.n >= made.data_octets);
	check_header((struct slice){ once.p, header_octets });
	buf_release(&once);
	buf_release(&again);
	arena_release(&arena);
	return 0;
}
