/* Notes made mail: headers from items, names, texts, attachments, and what hostile items come to. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mailfile/header.h"
#include "mailfile/message.h"
#include "mailfile/render.h"
#include "tests/support/unit.h"

static struct arena arena;
static struct note note;

static void setup(void)
{
	arena_init(&arena);
	note_init(&note, &arena);
	note.has_unid = true;
	for (int i = 0; i < UNID_OCTETS; i++)
		note.unid.octets[i] = (uint8_t)(0xA0 + i);
	note.created_ms = INT64_C(1700000000000);
}

static void teardown(void)
{
	arena_release(&arena);
}

static void add(const char *name, const char *value)
{
	ck_assert_ptr_nonnull(note_add_text(&note, name, slice_of(value)));
}

static void add_list(const char *name, const char *const *values)
{
	struct slice slices[20];
	size_t n = 0;

	for (; values[n] != NULL; n++)
		slices[n] = slice_of(values[n]);
	ck_assert_ptr_nonnull(note_add(&note, slice_of(name), ITEM_TEXT_LIST, 0, slices, n));
}

static void add_item(const char *name, uint16_t type, uint16_t flags, struct slice value)
{
	ck_assert_ptr_nonnull(note_add(&note, slice_of(name), type, flags, &value, 1));
}

static STATUS directory(void *context, struct slice name, struct buf *address_r)
{
	(void)context;
	if (slice_equal(name, SLICE_LIT("Jane Doe/Sales/Acme")) ||
	    slice_equal(name, SLICE_LIT("CN=Jane Doe/OU=Sales/O=Acme")))
		buf_add_str(address_r, "jane.doe@acme.example");
	else if (slice_equal(name, SLICE_LIT("Evil/Acme")))
		buf_add_str(address_r, "evil@x.example>\r\nBcc: <you@y.example");
	else
		return POSTIL_ERR_NOT_FOUND;
	return NOERROR;
}

static struct render_options options = {
	.address = directory, .domain = { "mail.acme.example", 17 },
};

/* The octets of the note; the caller frees. Rendered twice, they are the same; no line is longer than
 * 998 octets, none but the known begins a field, and the size is what the intake says. */
static char *rendered(void)
{
	char *octets[2];
	uint64_t size = 0;

	for (int i = 0; i < 2; i++) {
		struct intake *intake;
		struct maildrop_delivery d;
		struct fault fault;

		ck_assert_uint_eq(intake_new(NULL, &intake), NOERROR);
		ck_assert_uint_eq(render_note(&note, &options, intake, &fault), NOERROR);
		ck_assert_uint_eq(intake_finish(intake, &d), NOERROR);
		octets[i] = calloc(1, (size_t)d.size_octets + 1);
		ck_assert_uint_eq(d.body(d.context, 0, octets[i], (size_t)d.size_octets), NOERROR);
		ck_assert(i == 0 || size == d.size_octets);
		size = d.size_octets;
		intake_free(&intake);
	}
	ck_assert_mem_eq(octets[0], octets[1], (size_t)size);
	ck_assert_uint_eq(strlen(octets[0]), size);
	for (char *line = octets[0], *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2)
		ck_assert_int_le(end - line, 998);
	free(octets[1]);
	return octets[0];
}

/* The value of a field, unfolded, as it stands (decoded: as text); NULL: there is none. */
static const char *field(const char *octets, const char *name, bool decoded)
{
	static char text[8192];
	const char *end = strstr(octets, "\r\n\r\n");
	struct buf out = BUF_INIT;
	struct slice value;

	ck_assert_ptr_nonnull(end);
	if (!header_find((struct slice){ octets, (size_t)(end - octets) + 2 }, name, &value))
		return NULL;
	if (decoded) {
		header_text(value, sizeof(text) - 1, &out);
	} else {
		for (size_t i = 0; i < value.n; i++)
			if (value.p[i] != '\r' && value.p[i] != '\n')
				buf_add_char(&out, value.p[i]);
	}
	ck_assert_uint_lt(out.n, sizeof(text));
	memcpy(text, buf_cstr(&out), out.n + 1);
	buf_release(&out);
	return text[0] == ' ' ? text + 1 : text;
}

static void expect_field(const char *name, const char *value)
{
	char *octets = rendered();

	if (value == NULL)
		ck_assert_ptr_null(field(octets, name, false));
	else
		ck_assert_str_eq(field(octets, name, false), value);
	free(octets);
}

/* --- names ------------------------------------------------------------------------------------ */

static const struct {
	const char *value, *internet, *shown;
} names[] = {
	/* Notes names: the directory's address, whatever the form and domain; else one is made */
	{ "CN=Jane Doe/OU=Sales/O=Acme", "", "\"Jane Doe\" <jane.doe@acme.example>" },
	{ "Jane Doe/Sales/Acme@Acme", "", "\"Jane Doe\" <jane.doe@acme.example>" },
	{ "Jane Doe/Sales/Acme@Acme@Other", ".", "\"Jane Doe\" <jane.doe@acme.example>" },
	{ "John Roe/Acme", "", "\"John Roe\" <John_Roe@mail.acme.example>" },
	{ "John Roe", "", "\"John Roe\" <John_Roe@mail.acme.example>" },
	{ "John Roe@Acme", "", "\"John Roe\" <John_Roe@mail.acme.example>" },
	{ "Sales Team", "", "\"Sales Team\" <Sales_Team@mail.acme.example>" },
	{ "CN=J\xC3\xBCrgen M\xC3\xBCller/O=Acme", "",
	  "=?UTF-8?B?SsO8cmdlbiBNw7xsbGVy?= <jurgen_muller@mail.acme.example>" },
	{ "\xE7\x8E\x8B/Acme", "", "=?UTF-8?B?546L?= <e78e8b@mail.acme.example>" },
	{ "Evil/Acme", "", "\"Evil\" <Evil@mail.acme.example>" },
	/* the parallel Internet address */
	{ "John Roe/Acme", "roe@x.example", "\"John Roe\" <roe@x.example>" },
	{ "John Roe/Acme", "\"R, J\" <roe@x.example>", "\"R, J\" <roe@x.example>" },
	{ "", "roe@x.example", "roe@x.example" },
	{ "John Roe/Acme", "not an address", "\"John Roe\" <John_Roe@mail.acme.example>" },
	/* Internet forms */
	{ "a@b.example", "", "a@b.example" },
	{ "a@b.example, \"Doe, J\" <j@b.example>", "", "a@b.example, \"Doe, J\" <j@b.example>" },
	{ "Jane <jane@b.example> junk", "", "\"Jane\" <jane@b.example>, \"junk\" :;" },
	{ "Jane Doe@acme.example", "", "\"Jane Doe\"@acme.example" },
	{ "=?utf-8?q?J=C3=BC?= <j@b.example>", "", "=?UTF-8?B?SsO8?= <j@b.example>" },
	{ "j\xC3\xBC@b.example", "", "=?UTF-8?B?asO8QGIuZXhhbXBsZQ==?= :;" },
	{ "j@b\xC3\xBC.example", "", "j@xn--b-eha.example" },
	{ "undisclosed-recipients:;", "", "\"undisclosed-recipients\" :;" },
	{ "x@y.example\r\nBcc: z@q.example", "", "x@y.example, z@q.example" },
	{ "a@[1.2.3.4]", "", "a@[1.2.3.4]" },
	/* nothing to see */
	{ ".", ".", NULL }, { "", "", NULL }, { " ", "", NULL }, { "\r\n ", "\n", NULL },
};

START_TEST(test_names)
{
	add("SendTo", names[_i].value);
	add("INetSendTo", names[_i].internet);
	expect_field("To", names[_i].shown);
}
END_TEST

/* The lists are parallel; a null entry there means the name here. */
START_TEST(test_lists)
{
	add_list("SendTo", (const char *const[]){ "One/Acme", "Two/Acme", "Three/Acme", NULL });
	add_list("INetSendTo", (const char *const[]){ ".", "2@x.example", NULL });
	add_list("BlindCopyTo", (const char *const[]){ "Secret/Acme", NULL });
	add("INetBlindCopyTo", "secret@x.example");
	add("Resent_Bcc", "secret@x.example");
	expect_field("To", "\"One\" <One@mail.acme.example>, \"Two\" <2@x.example>, "
	             "\"Three\" <Three@mail.acme.example>");
	expect_field("Bcc", NULL);
	expect_field("Resent-Bcc", NULL);
}
END_TEST

START_TEST(test_authors)
{
	expect_field("From", "unknown:;");
	add("SMTPOriginator", "o@x.example");
	expect_field("From", "o@x.example");
	add("From", "John Roe/Acme");
	expect_field("From", "\"John Roe\" <John_Roe@mail.acme.example>");
	expect_field("Sender", NULL);
	add("Principal", "CN=John Roe/O=Acme@Acme");
	expect_field("Sender", NULL);
	note_init(&note, &arena);
	add("From", "John Roe/Acme");
	add("INetFrom", "roe@x.example");
	add("Principal", "Jane Doe/Sales/Acme");
	add("ReturnReceipt", "1");
	expect_field("From", "\"Jane Doe\" <jane.doe@acme.example>");
	expect_field("Sender", "\"John Roe\" <roe@x.example>");
	expect_field("Disposition-Notification-To", "\"John Roe\" <roe@x.example>");
}
END_TEST

/* --- other fields ---------------------------------------------------------------------------------- */

static const struct {
	const char *item, *value, *field, *shown;
} fields[] = {
	{ "Subject", "Hello", "Subject", "Hello" },
	{ "Subject", "  two  blanks ", "Subject", "two  blanks" },
	{ "Subject", "Re: Gr\xC3\xBC\xC3\x9F" "e an alle", "Subject", "Re: =?UTF-8?B?R3LDvMOfZQ==?= an alle" },
	{ "Subject", "a =?utf-8?q?x?= b", "Subject", "a =?UTF-8?B?PT91dGYtOD9xP3g/PQ==?= b" },
	{ "Subject", "x\r\nBcc: y@z\n\nbody", "Subject", "x  Bcc: y@z  body" },
	{ "Subject", "latin \xFC", "Subject", "latin =?UTF-8?B?w7w=?=" },
	{ "Subject", "tab\tbell\a\x7F!", "Subject", "tab bell  !" },
	{ "$MessageID", "<a@b>", "Message-ID", "<a@b>" },
	{ "$MessageID", "a@b", "Message-ID", "<a@b>" },
	{ "$MessageID", "<a@b\r\nX: y>", "Message-ID", "<A0A1A2A3A4A5A6A7A8A9AAABACADAEAF@mail.acme.example>" },
	{ "Other", "", "Message-ID", "<A0A1A2A3A4A5A6A7A8A9AAABACADAEAF@mail.acme.example>" },
	{ "In_Reply_To", "<a@b>", "In-Reply-To", "<a@b>" },
	{ "In_Reply_To", "your letter of today", "In-Reply-To", NULL },
	{ "References", "<a@b>\r\n <c@d> junk <e f>", "References", "<a@b> <c@d>" },
	{ "Importance", "1", "Importance", "high" },
	{ "Importance", "1", "X-Priority", "1" },
	{ "Importance", "3", "X-Priority", "5" },
	{ "Importance", "2", "Importance", NULL },
	{ "$Mailer", "Lotus Notes\r\nX: y", "X-Mailer", "Lotus Notes  X: y" },
	{ "ReplyTo", "John Roe/Acme", "Reply-To", "\"John Roe\" <John_Roe@mail.acme.example>" },
	{ "X_Foo_Bar", "baz", "X-Foo-Bar", "baz" },
	{ "x_notes_item", "baz\r\n\r\nbody", "x-notes-item", "baz    body" },
	{ "X_Foo: y\r\nBcc", "baz", "X-Foo", NULL },
	{ "List-Unsubscribe", "<mailto:x@y>", "List-Unsubscribe", "<mailto:x@y>" },
	{ "Resent_Date", "today", "Resent-Date", "today" },
	{ "Received", "from a by b", "Received", "from a by b" },
	{ "Categories", "private", "Categories", NULL },
	{ "Other", "", "Date", "Tue, 14 Nov 2023 22:13:20 +0000" },
	{ "Other", "", "MIME-Version", "1.0" },
};

START_TEST(test_fields)
{
	char *octets;

	add(fields[_i].item, fields[_i].value);
	expect_field(fields[_i].field, fields[_i].shown);
	octets = rendered();
	ck_assert_ptr_null(field(octets, "Bcc", false));
	free(octets);
}
END_TEST

static const struct {
	const char *item, *value, *shown;
} dates[] = {
	{ "PostedDate", "20140808T131833,00-04", "Fri, 08 Aug 2014 13:18:33 -0400" },
	{ "PostedDate", "20260101T120000,00-05", "Thu, 01 Jan 2026 12:00:00 -0500" },
	{ "PostedDate", "20260228T233000,00+0530", "Sat, 28 Feb 2026 23:30:00 +0530" },
	{ "DeliveredDate", "20260101T003000,00+01", "Thu, 01 Jan 2026 00:30:00 +0100" },
	{ "ComposedDate", "19691231T235959,00+00", "Wed, 31 Dec 1969 23:59:59 +0000" },
	{ "PostedDate", "20260101T120000,00-05/20260101T130000,00-05", "Thu, 01 Jan 2026 12:00:00 -0500" },
	{ "PostedDate", "20260101", "Thu, 01 Jan 2026 00:00:00 +0000" },
	{ "PostedDate", "Fri, 8 Aug 2014 13:18:33 -0400", "Fri, 08 Aug 2014 17:18:33 +0000" },
	{ "PostedDate", "", "Tue, 14 Nov 2023 22:13:20 +0000" },
	{ "PostedDate", "20261301T120000,00-05", "Tue, 14 Nov 2023 22:13:20 +0000" },
	{ "PostedDate", "rubbish\r\nBcc: x", "Tue, 14 Nov 2023 22:13:20 +0000" },
};

START_TEST(test_dates)
{
	add_item(dates[_i].item, ITEM_TIME, 0, slice_of(dates[_i].value));
	expect_field("Date", dates[_i].shown);
}
END_TEST

/* --- size ---------------------------------------------------------------------------------------------- */

START_TEST(test_subject_of_a_megabyte)
{
	static const char *const pieces[] = { "word ", "wordword", "\xC3\xBC", "\xF0\x9F\x98\x80 " };
	struct buf subject = BUF_INIT, back = BUF_INIT;
	struct slice value;
	char *octets;

	while (subject.n < 1000000)
		buf_add_str(&subject, pieces[_i]);
	add("Subject", buf_cstr(&subject));
	octets = rendered();
	ck_assert(header_find(slice_of(octets), "Subject", &value));
	header_text(value, 2000000, &back);
	ck_assert(slice_equal(text_trim(buf_slice(&subject)), buf_slice(&back)));
	buf_release(&subject);
	buf_release(&back);
	free(octets);
}
END_TEST

START_TEST(test_many_recipients)
{
	enum { MANY = 100000 };
	struct slice *values = calloc(MANY, sizeof(*values)), value, address;
	struct intake *intake;
	size_t count = 0;
	char *octets;

	for (size_t i = 0; i < MANY; i++)
		values[i] = SLICE_LIT("CN=Jane Doe/OU=Sales/O=Acme");
	note_add(&note, SLICE_LIT("SendTo"), ITEM_TEXT_LIST, 0, values, MANY);
	free(values);
	ck_assert_uint_eq(intake_new(NULL, &intake), NOERROR);
	octets = rendered();
	ck_assert(header_find(slice_of(octets), "To", &value));
	while (header_next_address(&value, &address))
		count++;
	ck_assert_uint_eq(count, MANY);
	free(octets);
	intake_free(&intake);
}
END_TEST

/* --- bodies ----------------------------------------------------------------------------------------------- */

static const char *body_of(const char *octets)
{
	const char *body = strstr(octets, "\r\n\r\n");

	ck_assert_ptr_nonnull(body);
	return body + 4;
}

static const struct {
	const char *text, *encoding, *shown;
} bodies[] = {
	{ "Hello\nWorld", "7bit", "Hello\r\nWorld\r\n" },
	{ "Hello\r\nWorld\r", "7bit", "Hello\r\nWorld\r\n" },
	{ "Mostly text, and one \xC3\xBC.", "quoted-printable", "Mostly text, and one =C3=BC.\r\n" },
	{ "\xE7\x8E\x8B\n\xE7\x8E\x8B", "base64", "546LDQrnjosNCg==\r\n" },
};

START_TEST(test_bodies)
{
	char *octets;

	add("Body", bodies[_i].text);
	octets = rendered();
	ck_assert_str_eq(field(octets, "Content-Transfer-Encoding", false), bodies[_i].encoding);
	ck_assert_str_eq(body_of(octets), bodies[_i].shown);
	free(octets);
}
END_TEST

START_TEST(test_long_line)
{
	struct buf line = BUF_INIT;
	char *octets;

	for (int i = 0; i < 3000; i++)
		buf_add_char(&line, 'x');
	add("Body", buf_cstr(&line));
	octets = rendered();
	ck_assert_str_eq(field(octets, "Content-Transfer-Encoding", false), "quoted-printable");
	buf_release(&line);
	free(octets);
}
END_TEST

static void add_file(const char *name, const char *octets, const char *created)
{
	struct slice values[] = { slice_of(name), slice_of(octets), slice_of(created), slice_of("") };

	ck_assert_ptr_nonnull(note_add(&note, SLICE_LIT("$FILE"), ITEM_OBJECT, 0, values,
	                               created != NULL ? 4 : 2));
}

START_TEST(test_attachments)
{
	char *octets;

	add("Body", "See the files.");
	add_file("plan.pdf", "octets of the plan", "20260101T120000,00-05");
	add_file("C:\\temp\\\xC3\xBC\r\nbersicht.xyz", "", NULL);
	octets = rendered();
	ck_assert_str_eq(body_of(octets),
		"--=_mixed_A0A1A2A3A4A5A6A7A8A9AAABACADAEAF_=\r\n"
		"Content-Type: text/plain; charset=US-ASCII\r\n"
		"Content-Transfer-Encoding: 7bit\r\n"
		"\r\n"
		"See the files.\r\n"
		"--=_mixed_A0A1A2A3A4A5A6A7A8A9AAABACADAEAF_=\r\n"
		"Content-Type: application/pdf;\r\n"
		"\tname=\"plan.pdf\"\r\n"
		"Content-Disposition: attachment;\r\n"
		"\tfilename=plan.pdf;\r\n"
		"\tcreation-date=\"Thu, 01 Jan 2026 12:00:00 -0500\";\r\n"
		"\tsize=18\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"\r\n"
		"b2N0ZXRzIG9mIHRoZSBwbGFu\r\n"
		"--=_mixed_A0A1A2A3A4A5A6A7A8A9AAABACADAEAF_=\r\n"
		"Content-Type: application/octet-stream;\r\n"
		"\tname=\"=?UTF-8?B?w7wgIGJlcnNpY2h0Lnh5eg==?=\"\r\n"
		"Content-Disposition: attachment;\r\n"
		"\tfilename*=UTF-8''%C3%BC%20%20bersicht.xyz;\r\n"
		"\tsize=0\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"\r\n"
		"--=_mixed_A0A1A2A3A4A5A6A7A8A9AAABACADAEAF_=--\r\n");
	free(octets);
}
END_TEST

static STATUS blob_read(void *context, uint64_t offset, void *out, size_t size)
{
	(void)offset;
	memset(out, 'x', size);
	return *(STATUS *)context;
}

/* Octets that are read on demand: bounded memory, and a fault that names the item. */
START_TEST(test_blob)
{
	STATUS answer = NOERROR;
	struct item_blob blob = { (uint64_t)64 * 1024 * 1024, blob_read, &answer };
	struct slice values[] = { slice_of("big.bin"), slice_of("") };
	struct intake *intake;
	struct maildrop_delivery d;
	struct fault fault;
	long before;

	note_add_blob(&note, SLICE_LIT("$FILE"), ITEM_OBJECT, 0, values, 2, &blob);
	before = unit_resident_kib();
	ck_assert_uint_eq(intake_new(NULL, &intake), NOERROR);
	ck_assert_uint_eq(render_note(&note, &options, intake, &fault), NOERROR);
	ck_assert_uint_eq(intake_finish(intake, &d), NOERROR);
	ck_assert_uint_gt(d.size_octets, blob.size_octets / 3 * 4);
	ck_assert_int_lt(unit_resident_kib() - before, 4096);
	intake_free(&intake);
	answer = POSTIL_ERR_IO;
	ck_assert_uint_eq(intake_new(NULL, &intake), NOERROR);
	ck_assert_uint_eq(render_note(&note, &options, intake, &fault), POSTIL_ERR_IO);
	ck_assert_ptr_nonnull(strstr(fault.text, "$FILE"));
	intake_free(&intake);
}
END_TEST

/* Larger than a message may be: the sentence, and the rest is served. */
START_TEST(test_large)
{
	STATUS answer = POSTIL_ERR_IO;          /* it is not even read */
	struct item_blob blob = { UINT64_C(2) << 30, blob_read, &answer };
	struct slice values[] = { slice_of("huge.bin"), slice_of("") };
	char *octets;

	add("Body", "text");
	note_add_blob(&note, SLICE_LIT("$FILE"), ITEM_OBJECT, 0, values, 2, &blob);
	add_file("small.bin", "x", NULL);
	octets = rendered();
	ck_assert_ptr_nonnull(strstr(octets, "[The attachment \"huge.bin\" (2.0 GB) is too large for mail.]"));
	ck_assert_ptr_nonnull(strstr(octets, "filename=small.bin"));
	free(octets);
}
END_TEST

/* A key of Notes: what is sealed stays out, the rest is served. */
START_TEST(test_sealed)
{
	static const char sentence[] = "[Portions of this MIME document are encrypted with a Notes "
	                               "certificate and cannot be read.]\r\n";
	char *octets;

	add("Subject", "open");
	add("$SealData", "x");
	add_item("Body", ITEM_TEXT, ITEM_SEAL, slice_of("secret"));
	octets = rendered();
	ck_assert_str_eq(body_of(octets), sentence);
	ck_assert_str_eq(field(octets, "Subject", false), "open");
	free(octets);
	note_init(&note, &arena);
	add("Encrypt", "1");
	octets = rendered();
	ck_assert_str_eq(body_of(octets), sentence);
	free(octets);
	add_item("Body", ITEM_TEXT, ITEM_SEAL, slice_of("not sealed yet"));
	octets = rendered();
	ck_assert_str_eq(body_of(octets), "not sealed yet\r\n");
	free(octets);
}
END_TEST

static const char rich[] = "<richtext><pardef id='1'/><par def='1'><run><font style='bold'/>Dear</run> all &amp;"
	" <picture width='1px' height='1px'><gif>R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=</gif></picture></par>"
	"</richtext>";

START_TEST(test_rich_text)
{
	char *octets, *part;

	add_item("Body", ITEM_COMPOSITE, 0, slice_of(rich));
	add_item("Body", ITEM_TEXT, 0, slice_of("and <text>"));
	octets = rendered();
	ck_assert_str_eq(field(octets, "Content-Type", false), "multipart/alternative;"
	                 "\tboundary=\"=_alternative_A0A1A2A3A4A5A6A7A8A9AAABACADAEAF_=\"");
	part = strstr(octets, "Content-Type: text/plain");
	ck_assert_ptr_nonnull(part);
	ck_assert_ptr_nonnull(strstr(part, "Dear all &"));
	ck_assert_ptr_nonnull(strstr(part, "and <text>\r\n"));
	part = strstr(part, "Content-Type: multipart/related;");
	ck_assert_ptr_nonnull(part);
	ck_assert_ptr_nonnull(strstr(part, "cid:picture1.gif@A0A1A2A3A4A5A6A7A8A9AAABACADAEAF.notes"));
	part = strstr(part, "Content-Type: image/gif;");
	ck_assert_ptr_nonnull(part);
	ck_assert_ptr_nonnull(strstr(part, "Content-ID: <picture1.gif@A0A1A2A3A4A5A6A7A8A9AAABACADAEAF.notes>"));
	ck_assert_ptr_nonnull(strstr(part, "\r\n\r\nR0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=\r\n"));
	free(octets);
}
END_TEST

/* Sealed rich text, and what is no rich text at all. */
START_TEST(test_rich_text_left_out)
{
	char *octets;

	add_item("Body", ITEM_COMPOSITE, ITEM_SEAL, slice_of(rich));
	add_item("Body", ITEM_COMPOSITE, 0, slice_of("<richtext><par>open</par></richtext>"));
	add("$Seal", "key");
	octets = rendered();
	ck_assert_ptr_null(strstr(octets, "Dear"));
	ck_assert_ptr_nonnull(strstr(octets, "open"));
	ck_assert_ptr_nonnull(strstr(octets, "encrypted with a Notes certificate"));
	free(octets);
	note_init(&note, &arena);
	add_item("Body", ITEM_COMPOSITE, 0, slice_of("\xFF\xFF\xFF\xFF rubbish"));
	add_item("Body", ITEM_COMPOSITE, 0, slice_of("<richtext><par>cut off"));
	octets = rendered();
	ck_assert_ptr_nonnull(strstr(octets, "cut off"));
	free(octets);
}
END_TEST

static const struct {
	const char *form, *item, *value, *line;
} form_lines[] = {
	{ "Phone Message", "Contact", "CN=Jane Doe/O=Acme", "Caller: Jane Doe/Acme\r\n\r\n" },
	{ "Phone Message", "PleaseCall", "1", "Please call\r\n\r\n" },
	{ "Phone Message", "PleaseCall", "0", "" },
	{ "NonDelivery Report", "FailureReason", "No such\nperson", "Because: No such person\r\n\r\n" },
	{ "NonDelivery Report", "IntendedRecipient", "x@y.example", "Could not be delivered to: x@y.example\r\n\r\n" },
	{ "Notice", "NoticeType", "I", "Invitation\r\n\r\n" },
	{ "Notice", "NoticeType", "?", "" },
	{ "Appointment", "StartDateTime", "20260101T120000,00-05", "Starts: Thu, 01 Jan 2026 12:00:00 -0500\r\n\r\n" },
	{ "Appointment", "EndDateTime", "", "" },
	{ "Appointment", "Location", "Room 5", "Where: Room 5\r\n\r\n" },
	{ "Memo", "Location", "Room 5", "" },
};

START_TEST(test_form_lines)
{
	char *octets, expected[200];

	add("Form", form_lines[_i].form);
	add(form_lines[_i].item, form_lines[_i].value);
	add("Body", "text");
	snprintf(expected, sizeof(expected), "%stext\r\n", form_lines[_i].line);
	octets = rendered();
	ck_assert_str_eq(body_of(octets), expected);
	free(octets);
	note_init(&note, &arena);
	add("Form", form_lines[_i].form);
	add(form_lines[_i].item, form_lines[_i].value);
	add_item("Body", ITEM_COMPOSITE, 0, slice_of(rich));
	octets = rendered();
	snprintf(expected, strcspn(form_lines[_i].line, "\r") + 1, "%s", form_lines[_i].line);
	ck_assert_ptr_nonnull(strstr(octets, expected));
	free(octets);
}
END_TEST

START_TEST(test_mime_element)
{
	char *octets;

	add("Subject", "not this one");
	add_item("$MIME", ITEM_MIME_PART, 0, slice_of("Subject: x\nBcc: me\n\nbody =FC \xFC"));
	octets = rendered();
	ck_assert_str_eq(octets, "Subject: x\r\nBcc: me\r\n\r\nbody =FC \xFC\r\n");
	free(octets);
}
END_TEST


int main(void)
{
	Suite *suite = suite_create("render");
	TCase *tc = tcase_create("render");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_names, 0, (int)(sizeof(names) / sizeof(names[0])));
	tcase_add_test(tc, test_lists);
	tcase_add_test(tc, test_authors);
	tcase_add_loop_test(tc, test_fields, 0, (int)(sizeof(fields) / sizeof(fields[0])));
	tcase_add_loop_test(tc, test_dates, 0, (int)(sizeof(dates) / sizeof(dates[0])));
	tcase_add_loop_test(tc, test_subject_of_a_megabyte, 0, 4);
	tcase_add_test(tc, test_many_recipients);
	tcase_add_loop_test(tc, test_bodies, 0, (int)(sizeof(bodies) / sizeof(bodies[0])));
	tcase_add_test(tc, test_long_line);
	tcase_add_test(tc, test_attachments);
	tcase_add_test(tc, test_blob);
	tcase_add_test(tc, test_large);
	tcase_add_test(tc, test_sealed);
	tcase_add_test(tc, test_rich_text);
	tcase_add_test(tc, test_rich_text_left_out);
	tcase_add_loop_test(tc, test_form_lines, 0, (int)(sizeof(form_lines) / sizeof(form_lines[0])));
	tcase_add_test(tc, test_mime_element);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
