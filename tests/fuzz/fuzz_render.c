/* Notes of any items become mail: always the same octets, all of them ASCII in lines of at most 998, a
 * header of fields that we know, and no blind copies. An item of the input is an octet for its name, one
 * for its type and flags, two for its length, and its value; a value of several texts is divided by NUL. */
#include <string.h>

#include "mailfile/header.h"
#include "mailfile/message.h"
#include "mailfile/render.h"
#include "tests/fuzz/fuzz.h"

static const char *const names[] = {
	"Body", "From", "INetFrom", "Principal", "SendTo", "INetSendTo", "CopyTo", "BlindCopyTo", "Subject",
	"PostedDate", "$MessageID", "In_Reply_To", "References", "ReplyTo", "Importance",
	"ReturnReceipt", "$Mailer", "Sender", "Resent_Bcc", "Received", "X_Foo", "Form", "$FILE",
	"NoticeType", "StartDateTime", "Encrypt", "$Seal", "Disposition_Notification_To", "PleaseCall",
	"FailureReason", "Topic", "DKIM_Signature", "$Fonts", "$Links", "Bcc", "List-Id",
};
static const uint16_t types[] = {
	ITEM_TEXT, ITEM_TEXT_LIST, ITEM_COMPOSITE, ITEM_OBJECT, ITEM_TIME, ITEM_NUMBER, 0x0007, ITEM_TEXT,
};

#define VALUES_MAX 64

static size_t split(const char *p, size_t n, struct slice values[VALUES_MAX])
{
	size_t count = 0, from = 0;

	for (size_t i = 0; i <= n && count < VALUES_MAX; i++)
		if (i == n || p[i] == '\0') {
			values[count++] = (struct slice){ p + from, i - from };
			from = i + 1;
		}
	return count;
}

static void build(struct note *note, const uint8_t *data, size_t n)
{
	while (n >= 4) {
		size_t size = (size_t)data[2] << 8 | data[3];
		uint16_t type = types[data[1] % 8];
		struct slice values[VALUES_MAX];
		size_t count = 1;

		data += 4;
		n -= 4;
		size = size < n ? size : n;
		values[0] = (struct slice){ (const char *)data, size };
		if (type == ITEM_TEXT_LIST || type == ITEM_OBJECT || (data[-3] & 0x40) != 0)
			count = split((const char *)data, size, values);
		if (note_add(note, slice_of(names[data[-4] % (sizeof(names) / sizeof(names[0]))]), type,
		             (data[-3] & 0x80) != 0 ? ITEM_SEAL : 0, values, count) == NULL)
			return;
		data += size;
		n -= size;
	}
}

static STATUS address(void *context, struct slice name, struct buf *address_r)
{
	(void)context;
	if (name.n % 3 == 0)
		return POSTIL_ERR_NOT_FOUND;
	buf_add_slice(address_r, name);
	if (name.n % 3 == 1)
		buf_add_str(address_r, "@x.example");
	return buf_status(address_r);
}

static void render(const struct note *note, struct buf *out, size_t *header_octets_r)
{
	static const struct render_options options = { .address = address, .domain = { "y.example", 9 } };
	struct intake *intake;
	struct maildrop_delivery d;

	FUZZ_CHECK(intake_new(NULL, &intake) == NOERROR);
	FUZZ_CHECK(render_note(note, &options, intake, NULL) == NOERROR);
	FUZZ_CHECK(intake_finish(intake, &d) == NOERROR);
	FUZZ_CHECK(buf_reserve(out, (size_t)d.size_octets) == NOERROR);
	FUZZ_CHECK(d.body(d.context, 0, out->p, (size_t)d.size_octets) == NOERROR);
	out->n = (size_t)d.size_octets;
	*header_octets_r = (size_t)d.header_octets;
	intake_free(&intake);
}

static void check_lines(struct slice octets)
{
	size_t line = 0;

	for (size_t i = 0; i < octets.n; i++) {
		FUZZ_CHECK((unsigned char)octets.p[i] < 0x80 && octets.p[i] != '\0');
		FUZZ_CHECK((octets.p[i] == '\r') == (i + 1 < octets.n && octets.p[i + 1] == '\n'));
		line = octets.p[i] == '\n' ? 0 : line + 1;
		FUZZ_CHECK(line <= 999);
	}
}

static void check_header(struct slice header)
{
	static const char *const known[] = {
		"Received", "Date", "From", "Sender", "Reply-To", "To", "Cc", "Subject", "Message-ID",
		"In-Reply-To", "References", "Importance", "X-Priority", "Disposition-Notification-To",
		"X-Mailer", "MIME-Version", "X-Foo", "DKIM-Signature", "List-Id", "Content-Type",
		"Content-Transfer-Encoding",
	};
	struct slice name, value, rest = header;
	size_t lines = 0;

	while (header_next(&rest, &name, &value)) {
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= slice_equal(name, slice_of(known[i]));
		FUZZ_CHECK(found);
		lines++;
	}
	/* what is left is the empty line: no line was passed over */
	FUZZ_CHECK(rest.n == 2 && lines > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct buf once = BUF_INIT, again = BUF_INIT;
	struct note note;
	size_t header_octets;

	note_init(&note, &arena);
	note.has_unid = n % 2 == 0;
	note.created_ms = n % 3 == 0 ? 0 : 1;
	build(&note, data, n);
	render(&note, &once, &header_octets);
	render(&note, &again, &header_octets);
	FUZZ_CHECK(once.n == again.n && memcmp(once.p, again.p, once.n) == 0);
	check_lines(buf_slice(&once));
	check_header((struct slice){ once.p, header_octets });
	buf_release(&once);
	buf_release(&again);
	arena_release(&arena);
	return 0;
}
