/* DXL: any octets are read or refused within the limits; what was read can be
 * written, and reads the same again. */
#include <string.h>

#include "base/dxl.h"
#include "tests/fuzz/fuzz.h"

static const struct dxl_limits limits = { 16, 4096, 32768 };

struct run {
	struct buf out;         /* the notes written as DXL */
	unsigned notes, faults;
};

static STATUS take_note(void *context, const struct note *note)
{
	struct run *run = context;

	for (const struct item *item = note->first; item != NULL; item = item->next)
		for (size_t i = 0; i < item->count; i++)
			FUZZ_CHECK(item->values[i].n <= limits.item_octets);
	run->notes++;
	return dxl_write_note(&run->out, note);
}

static void take_fault(void *context, unsigned line, const char *text)
{
	struct run *run = context;

	FUZZ_CHECK(text[0] != '\0');
	run->faults++;
}

static const struct dxl_sink sink = { take_note, take_fault };

static STATUS take_mail(void *context, const struct note *note)
{
	struct run *run = context;

	for (const struct item *item = note->first; item != NULL; item = item->next) {
		char octet;

		if (item->blob == NULL)
			continue;
		FUZZ_CHECK(item->blob->size_octets > 0);
		FUZZ_CHECK(item->blob->read(item->blob->context, item->blob->size_octets - 1, &octet, 1)
		           == NOERROR);
	}
	run->notes++;
	return dxl_write_note(&run->out, note);
}

static void take_flaw(void *context, unsigned line, const char *item, const char *text)
{
	FUZZ_CHECK(text[0] != '\0');
}

/* What mail's limits leave of a file is written and read again as it is. */
static void mail(struct slice xml)
{
	static const struct dxl_limits small = { .depth = 16, .item_octets = 4096, .note_octets = 32768,
		.value_octets = 256, .spool_octets = 65536, .mend = true };
	static const struct dxl_limits wide = { .depth = 64, .item_octets = 1 << 20, .note_octets = 1 << 24,
		.value_octets = 1024, .spool_octets = 1 << 24, .mend = true };
	static const struct dxl_sink mail_sink = { .note = take_mail, .fault = take_fault,
		.flaw = take_flaw };
	struct run first = { .out = BUF_INIT }, second = { .out = BUF_INIT };

	dxl_write_begin(&first.out);
	dxl_read_memory(xml, "fuzz", &small, &mail_sink, &first, NULL);
	dxl_write_end(&first.out);
	if (first.out.broken == NOERROR) {
		dxl_write_begin(&second.out);
		FUZZ_CHECK(dxl_read_memory(buf_slice(&first.out), "again", &wide, &mail_sink, &second, NULL)
		           == NOERROR);
		dxl_write_end(&second.out);
		FUZZ_CHECK(second.notes == first.notes && second.faults == 0);
		FUZZ_CHECK(slice_equal(buf_slice(&first.out), buf_slice(&second.out)));
	}
	buf_release(&first.out);
	buf_release(&second.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct dxl_limits wide = { 64, 1 << 20, 1 << 24 };
	struct run first = { .out = BUF_INIT }, second = { .out = BUF_INIT };
	struct fault fault = { 0 };

	dxl_write_begin(&first.out);
	dxl_read_memory((struct slice){ (const char *)data, n }, "fuzz", &limits, &sink, &first, &fault);
	dxl_write_end(&first.out);
	if (first.out.broken == NOERROR) {
		STATUS status;

		dxl_write_begin(&second.out);
		status = dxl_read_memory(buf_slice(&first.out), "again", &wide, &sink, &second, &fault);
		FUZZ_CHECK(status == NOERROR);
		FUZZ_CHECK(second.notes == first.notes && second.faults == 0);
	}
	buf_release(&first.out);
	buf_release(&second.out);
	mail((struct slice){ (const char *)data, n });
	return 0;
}
