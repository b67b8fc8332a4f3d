/* The wire: any packet is taken or refused by either side; one that is taken can
 * be read field by field, and is the same after being made again. */
#include <string.h>

#include "addin/wire/wire.h"
#include "tests/fuzz/fuzz.h"

static void read_all(struct wire_in in)
{
	while (!wire_at_end(&in)) {
		size_t before = in.n;

		switch (before % 3) {
		case 0:
			wire_get_u32(&in);
			break;
		case 1:
			wire_get_u64(&in);
			break;
		default:
			wire_get_slice(&in);
		}
		FUZZ_CHECK(in.n < before);
	}
}

static void make_again(const uint8_t *data, const struct wire_in *in, enum wire_side self)
{
	static unsigned char memory[WIRE_MAX];
	struct wire_out out;

	wire_begin(&out, memory, sizeof(memory), in->kind, in->flags, in->id, in->status);
	wire_put_groups(&out, in->p, in->n);
	FUZZ_CHECK(wire_end(&out, self == WIRE_TASK ? WIRE_HOST : WIRE_TASK) == NOERROR);
	FUZZ_CHECK(out.n == WIRE_HEAD + in->n && memcmp(out.p, data, out.n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	bool taken[2] = { false, false };
	struct wire_in in;

	for (int side = WIRE_TASK; side <= WIRE_HOST; side++) {
		if (wire_parse(data, n, (enum wire_side)side, &in) != NOERROR)
			continue;
		taken[side] = true;
		FUZZ_CHECK(strcmp(wire_kind_name(in.kind), "unknown") != 0);
		read_all(in);
		make_again(data, &in, (enum wire_side)side);
	}
	FUZZ_CHECK(!(taken[WIRE_TASK] && taken[WIRE_HOST]));
	return 0;
}
