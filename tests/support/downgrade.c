/* What clients without UTF8 get of a message on standard input that was sent with SMTPUTF8.
 * Exit status 3: there is no such form; 4: it is the same. For tests/unit/mailfile/downgrade.py. */
#include <stdio.h>

#include "mailfile/message.h"

static int write_whole(const struct maildrop_delivery *d)
{
	char piece[4096];

	for (uint64_t at = 0; at < d->size_octets; at += sizeof(piece)) {
		uint64_t left = d->size_octets - at;
		size_t n = left < sizeof(piece) ? (size_t)left : sizeof(piece);

		if (d->body(d->context, at, piece, n) != NOERROR || fwrite(piece, 1, n, stdout) != n)
			return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}

int main(void)
{
	struct intake_options options = { .smtputf8 = true };
	struct maildrop_delivery d;
	struct intake *intake;
	char piece[4096];
	size_t n;
	int result;

	if (intake_new(&options, &intake) != NOERROR)
		return 1;
	while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
		if (intake_add(intake, piece, n) != NOERROR)
			return 1;
	if (intake_finish(intake, &d) != NOERROR)
		return 1;
	result = d.needs_utf8 ? 3 : d.second == NULL ? 4 : write_whole(d.second);
	intake_free(&intake);
	return result;
}
