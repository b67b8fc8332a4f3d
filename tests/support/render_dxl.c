/* Renders the first document of a DXL file to standard output, with a small directory of its own. For
 * tests and benchmarks. usage: render-dxl FILE.dxl */
#include <stdio.h>
#include <string.h>

#include "base/dxl.h"
#include "base/name.h"
#include "mailfile/message.h"
#include "mailfile/render.h"

static STATUS address(void *context, struct slice name, struct buf *address_r)
{
	(void)context;
	if (!name_equal(name, SLICE_LIT("Jada Correr/Acme")))
		return POSTIL_ERR_NOT_FOUND;
	buf_add_str(address_r, "jada.correr@acme.example");
	return buf_status(address_r);
}

static STATUS print(const struct maildrop_delivery *d)
{
	char piece[65536];

	for (uint64_t at = 0; at < d->size_octets;) {
		size_t n = d->size_octets - at < sizeof(piece) ? (size_t)(d->size_octets - at) : sizeof(piece);
		STATUS status = d->body(d->context, at, piece, n);

		if (status != NOERROR)
			return status;
		if (fwrite(piece, 1, n, stdout) != n)
			return POSTIL_ERR_IO;
		at += n;
	}
	return NOERROR;
}

static STATUS render(void *context, const struct note *note)
{
	static const struct render_options options = {
		.address = address, .domain = { "mail.acme.example", 17 },
	};
	struct maildrop_delivery d;
	struct intake *intake;
	struct fault fault = { .status = NOERROR };
	STATUS status = intake_new(NULL, &intake);

	if (status == NOERROR)
		status = render_note(note, &options, intake, &fault);
	if (status == NOERROR)
		status = intake_finish(intake, &d);
	if (status == NOERROR)
		status = print(&d);
	if (status != NOERROR)
		fprintf(stderr, "%s\n", fault_text(&fault, status));
	intake_free(&intake);
	*(bool *)context = status == NOERROR;
	return POSTIL_ERR_CANCEL;       /* one is enough */
}

static void complain(void *context, unsigned line, const char *text)
{
	(void)context;
	fprintf(stderr, "line %u: %s\n", line, text);
}

int main(int argc, char **argv)
{
	struct dxl_sink sink = { .note = render, .fault = complain };
	struct fault fault = { .status = NOERROR };
	bool done = false;

	if (argc != 2) {
		fprintf(stderr, "usage: render-dxl FILE.dxl\n");
		return 64;
	}
	if (dxl_read_file(argv[1], &dxl_limits_mail, &sink, &done, &fault) != NOERROR && !done)
		fprintf(stderr, "%s\n", fault_text(&fault, fault.status));
	return done ? 0 : 1;
}
