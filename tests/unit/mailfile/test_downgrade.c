/* Down-conversion (RFC 6857): field by field, through the parts of a message, and what
 * hostile messages bring. tests/unit/mailfile/downgrade.py reads the results with another
 * parser. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/downgrade.h"
#include "mailfile/message.h"
#include "mailfile/words.h"

/* A message as a client without UTF8 gets it. */
struct result {
	struct intake *intake;
	struct maildrop_delivery delivery;
	struct buf octets, second;
};

static void read_whole(const struct maildrop_delivery *d, struct buf *out)
{
	char *p = malloc(d->size_octets);

	ck_assert_uint_eq(d->body(d->context, 0, p, d->size_octets), NOERROR);
	buf_add(out, p, d->size_octets);
	free(p);
}

static void take(struct slice message, size_t piece, bool smtputf8, struct result *r)
{
	struct intake_options options = { .smtputf8 = smtputf8, .spool_octets = 4096 };

	memset(r, 0, sizeof(*r));
	ck_assert_uint_eq(intake_new(&options, &r->intake), NOERROR);
	for (size_t at = 0; at < message.n; at += piece)
		ck_assert_uint_eq(intake_add(r->intake, message.p + at,
		                             piece < message.n - at ? piece : message.n - at), NOERROR);
	ck_assert_uint_eq(intake_finish(r->intake, &r->delivery), NOERROR);
	read_whole(&r->delivery, &r->octets);
	if (r->delivery.second != NULL)
		read_whole(r->delivery.second, &r->second);
}

static void let_go(struct result *r)
{
	intake_free(&r->intake);
	buf_release(&r->octets);
	buf_release(&r->second);
}

/* --- fields --------------------------------------------------------------------------- */

static const struct {
	const char *in, *out;
} fields[] = {
	/* 3.1.1: text; blanks that were seen are seen */
	{ "Subject: \xC3\xBC", "Subject: =?UTF-8?B?w7w=?=" },
	{ "Subject: Stra\xC3\x9F" "e", "Subject: =?UTF-8?Q?Stra=C3=9Fe?=" },
	{ "Subject:caf\xC3\xA9 au lait", "Subject: =?UTF-8?B?Y2Fmw6k=?= au lait" },
	{ "Subject: a  \xC3\xBC  \xC3\xB6  b", "Subject: a  =?UTF-8?B?w7wgIMO2?=  b" },
	{ "Subject: =?UTF-8?Q?x?= \xC3\xBC =?UTF-8?Q?y?= z",
	  "Subject: =?UTF-8?Q?x?= =?UTF-8?Q?_=C3=BC_?= =?UTF-8?Q?y?= z" },
	{ "Subject: folded\r\n \xC3\xBC", "Subject: folded =?UTF-8?B?w7w=?=" },
	{ "X-Anything: what is \xC3\xBC? a_b=c \xC3\xBC" "a_b=c?",
	  "X-Anything: what is =?UTF-8?B?w7w/?= a_b=c =?UTF-8?B?w7xhX2I9Yz8=?=" },
	/* not UTF-8, though it was said to be */
	{ "Subject: Gr\xFC\xDF" "e", "Subject: =?unknown-8bit?B?R3L832U=?=" },
	/* whole characters in each word, 76 octets a line */
	{ "Subject: \xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B"
	  "\xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B"
	  "\xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B\xE4\xBE\x8B",
	  "Subject: =?UTF-8?B?5L6L5L6L5L6L5L6L5L6L5L6L5L6L5L6L5L6L5L6L5L6L5L6L5L6L?=\r\n"
	  " =?UTF-8?B?5L6L5L6L5L6L5L6L?=" },
	/* 3.1.3: comments */
	{ "Date: Thu, 1 Jan 2026 10:00:00 +0000 (Mitteleurop\xC3\xA4ische (Normal-) Zeit)",
	  "Date: Thu, 1 Jan 2026 10:00:00 +0000 (=?UTF-8?Q?Mitteleurop=C3=A4ische?="
	  " (Normal-)\r\n Zeit)" },
	{ "MIME-Version: 1.0 (\\(\xC3\xBC\\))", "MIME-Version: 1.0 (=?UTF-8?B?KMO8KQ==?=)" },
	{ "MIME-Version: 1.0 (open (\xC3\xBC", "MIME-Version: 1.0 (open (=?UTF-8?B?w7w=?=))" },
	/* 3.1.5 and 3.1.6: display names and domains */
	{ "From: J\xC3\xB6rg <joerg@example.com>", "From: =?UTF-8?B?SsO2cmc=?= <joerg@example.com>" },
	{ "From: \"M\xC3\xBCller, J\\\"org\" <j@example.com>",
	  "From: =?UTF-8?B?TcO8bGxlciwgSiJvcmc=?= <j@example.com>" },
	{ "To: Anna \xC3\x84. Berg<a@b\xC3\xBC" "cher.example>,b@example.com",
	  "To: Anna =?UTF-8?B?w4Qu?= Berg <a@xn--bcher-kva.example>,b@example.com" },
	{ "Cc: x@\xE4\xBE\x8B\xE3\x81\x88.\xE3\x83\x86\xE3\x82\xB9\xE3\x83\x88 (\xC3\xBC)",
	  "Cc: x@xn--r8jz45g.xn--zckzah (=?UTF-8?B?w7w=?=)" },
	{ "To: \"a\\\"@\\\"b\"@\xC3\xBC.example", "To: \"a\\\"@\\\"b\"@xn--tda.example" },
	/* 3.1.8: local parts */
	{ "To: \xC3\xBC@example.com", "To: =?UTF-8?B?w7xAZXhhbXBsZS5jb20=?= :;" },
	{ "Reply-To: J\xC3\xB6rg Beispiel <j\xC3\xB6rg@example.com> (priv\xC3\xA9), b@example.com",
	  "Reply-To: =?UTF-8?B?SsO2cmc=?= Beispiel =?UTF-8?B?asO2cmdAZXhhbXBsZS5jb20=?=\r\n"
	  " :; (=?UTF-8?B?cHJpdsOp?=), b@example.com" },
	{ "To: a@example.com, <@x,@y:\xC3\xBC@z>", "To: a@example.com, =?UTF-8?B?QHgsQHk6w7xAeg==?= :;" },
	/* 3.1.7: groups */
	{ "To: Freunde: a@example.com, \xC3\x84 <b@example.com>;, c@example.com",
	  "To: Freunde: a@example.com, =?UTF-8?B?w4Q=?= <b@example.com>;, c@example.com" },
	{ "To: Fr\xC3\xBC: \xC3\xA4@example.com, b@example.com; (x), c@example.com",
	  "To: =?UTF-8?Q?Fr=C3=BC?= =?UTF-8?B?IMOkQGV4YW1wbGUuY29tLCBiQGV4YW1wbGUu?=\r\n"
	  " =?UTF-8?B?Y29t?= :; (x), c@example.com" },
	{ "To: undisclosed-recipients:; (\xC3\xBC)",
	  "To: undisclosed-recipients:; (=?UTF-8?B?w7w=?=)" },
	/* one mailbox: no group can stand for it */
	{ "Return-Path: <a@\xC3\xBC.example>", "Return-Path: <a@xn--tda.example>" },
	{ "Return-Path: <\xC3\xBC@example.com>",
	  "Downgraded-Return-Path: =?UTF-8?Q?<=C3=BC@example.com>?=" },
	{ "Delivered-To: \xC3\xBC@example.com",
	  "Downgraded-Delivered-To: =?UTF-8?Q?=C3=BC@example.com?=" },
	/* 3.1.10 */
	{ "Original-Recipient: utf-8; j\xC3\xB6rg+x@\xC3\xBC.example",
	  "Original-Recipient: utf-8; j\\x{F6}rg\\x{2B}x@\\x{FC}.example" },
	{ "Final-Recipient: rfc822;x@\xC3\xBC.example", "Final-Recipient: rfc822; x@xn--tda.example" },
	{ "Final-Recipient: rfc822; \xC3\xBC@example.com",
	  "Downgraded-Final-Recipient: =?UTF-8?Q?rfc822;_=C3=BC@example.com?=" },
	/* 3.2.4 */
	{ "Message-ID: <\xC3\xBC@example.com>",
	  "Downgraded-Message-ID: =?UTF-8?Q?<=C3=BC@example.com>?=" },
	{ "References: <a@b> (\xC3\xBC) <c@d>", "References: <a@b> (=?UTF-8?B?w7w=?=) <c@d>" },
	/* 3.2.5 */
	{ "Received: from b\xC3\xBC" "cher.example ([192.0.2.1]) by mx.example with UTF8SMTPS"
	  " id 1\xC3\xBC for <\xC3\xB6@example.com>; Thu, 1 Jan 2026 10:00:00 +0000",
	  "Received: from xn--bcher-kva.example ([192.0.2.1]) by mx.example with\r\n"
	  " UTF8SMTPS; Thu, 1 Jan 2026 10:00:00 +0000" },
	{ "Received: by mx.example for <o@\xC3\xBC.example>; Thu, 1 Jan 2026 10:00:00 +0000",
	  "Received: by mx.example for <o@xn--tda.example>; Thu, 1 Jan 2026 10:00:00\r\n +0000" },
	{ "Received: \xFF\xFE", "Downgraded-Received: =?unknown-8bit?B?//4=?=" },
	/* 3.1.4 */
	{ "Content-Disposition: attachment; filename=\"\xC3\xBC x.txt\"; size=3",
	  "Content-Disposition: attachment; filename*=UTF-8''%C3%BC%20x.txt; size=3" },
	{ "Content-Disposition: attachment; filename=gr\xC3\xB6\xC3\x9F" "e 1.pdf",
	  "Content-Disposition: attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe%201.pdf" },
	{ "Content-Disposition: attachment; filename*=UTF-8''\xC3\xBC%20x",
	  "Content-Disposition: attachment; filename*=UTF-8''%C3%BC%20x" },
	{ "Content-Disposition: attachment; filename*0=\"a b\"; filename*1=\"\xC3\xBC\"",
	  "Content-Disposition: attachment; filename*0*=UTF-8''a%20b;\r\n filename*1*=%C3%BC" },
	{ "Content-Disposition: \xC3\xBC; filename=x",
	  "Downgraded-Content-Disposition: =?UTF-8?Q?=C3=BC;_filename=3Dx?=" },
	{ "Content-Type: text/plain (\xC3\xBC); charset=utf-8",
	  "Content-Type: text/plain (=?UTF-8?B?w7w=?=); charset=utf-8" },
	{ "Content-Type: text/plain; name=\"\xFC\"", "Content-Type: text/plain; name*=unknown-8bit''%FC" },
	/* 3.2.8 */
	{ "Keywords: eins, \xC3\xBC" "ber \"\xC3\xB6 x\", drei",
	  "Keywords: eins, =?UTF-8?B?w7xiZXIgw7YgeA==?= , drei" },
	/* no field at all */
	{ "Subject \xC3\xBC", "Downgraded-Line: =?UTF-8?Q?Subject_=C3=BC?=" },
	{ "S\xC3\xBC" "bject: x", "Downgraded-Line: =?UTF-8?Q?S=C3=BCbject:_x?=" },
	{ ": \xC3\xBC", "Downgraded-Line: =?UTF-8?Q?:_=C3=BC?=" },
	/* what is of ASCII stays as it came */
	{ "To:   a@b ,\r\n\tc@d\r\nSubject: \xC3\xBC", "To:   a@b ,\r\n\tc@d\r\nSubject: =?UTF-8?B?w7w=?=" },
	{ "From joe Thu Jan  1\r\nSubject: \xC3\xBC", "From joe Thu Jan  1\r\nSubject: =?UTF-8?B?w7w=?=" },
};

START_TEST(test_field)
{
	struct buf message = BUF_INIT, expected = BUF_INIT;
	struct result r;

	buf_addf(&message, "%s\r\n\r\nbody \xC3\xBC\r\n", fields[_i].in);
	take(buf_slice(&message), message.n, true, &r);
	ck_assert_ptr_nonnull(r.delivery.second);
	buf_addf(&expected, "%s\r\n\r\nbody \xC3\xBC\r\n", fields[_i].out);
	ck_assert_str_eq(buf_cstr(&r.second), buf_cstr(&expected));
	ck_assert(slice_equal(buf_slice(&r.octets), buf_slice(&message)));
	let_go(&r);
	buf_release(&message);
	buf_release(&expected);
}
END_TEST

/* --- messages ------------------------------------------------------------------------------ */

/* Three levels, message/global and its sisters, a digest, a boundary in a header. */
static const char parts_in[] =
	"From: a@example.com\r\n"
	"Subject: \xC3\xBC\r\n"
	"Content-Type: multipart/mixed; boundary=\"one\"; x=\"\xC3\xBC\"\r\n"
	"\r\n"
	"Pr\xC3\xA4" "ambel\r\n"
	"--one\r\n"
	"Content-Type: message/global\r\n"
	"Content-Transfer-Encoding: 8bit\r\n"
	"\r\n"
	"Subject: \xC3\xB6\r\n"
	"Content-Type: multipart/digest; boundary=two\r\n"
	"\r\n"
	"--two\r\n"
	"\r\n"
	"Subject: \xC3\xA4\r\n"
	"\r\n"
	"--three \xC3\xBC\r\n"
	"--two--\r\n"
	"Subject: \xC3\xBC after the end\r\n"
	"--one\r\n"
	"Content-Type: message/global-headers\r\n"
	"\r\n"
	"Subject: \xC3\x9F\r\n"
	"--one \t\r\n"
	"Content-Type: message/global-delivery-status\r\n"
	"\r\n"
	"Reporting-MTA: dns; \xC3\xBC.example\r\n"
	"\r\n"
	"Final-Recipient: utf-8; \xC3\xBC@example.com\r\n"
	"Diagnostic-Code: smtp; 550 \xC3\xBC" "bel\r\n"
	"\r\n"
	"--one\r\n"
	"Content-Type: message/global\r\n"
	"Content-Transfer-Encoding: base64\r\n"
	"\r\n"
	"U3ViamVjdDogw7wNCg0K\r\n"
	"--one\r\n"
	"Content-Description: no empty line \xC3\xBC\r\n"
	"--one\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"\r\n"
	"--one-\r\n"
	"Subject: \xC3\xBC is no field here\r\n"
	"--one--\r\n"
	"Subject: \xC3\xBC nor here\r\n";

static const char parts_out[] =
	"From: a@example.com\r\n"
	"Subject: =?UTF-8?B?w7w=?=\r\n"
	"Content-Type: multipart/mixed; boundary=\"one\"; x*=UTF-8''%C3%BC\r\n"
	"\r\n"
	"Pr\xC3\xA4" "ambel\r\n"
	"--one\r\n"
	"Content-Type: message/rfc822\r\n"
	"Content-Transfer-Encoding: 8bit\r\n"
	"\r\n"
	"Subject: =?UTF-8?B?w7Y=?=\r\n"
	"Content-Type: multipart/digest; boundary=two\r\n"
	"\r\n"
	"--two\r\n"
	"\r\n"
	"Subject: =?UTF-8?B?w6Q=?=\r\n"
	"\r\n"
	"--three \xC3\xBC\r\n"
	"--two--\r\n"
	"Subject: \xC3\xBC after the end\r\n"
	"--one\r\n"
	"Content-Type: text/rfc822-headers\r\n"
	"\r\n"
	"Subject: =?UTF-8?B?w58=?=\r\n"
	"--one \t\r\n"
	"Content-Type: message/delivery-status\r\n"
	"\r\n"
	"Reporting-MTA: dns; xn--tda.example\r\n"
	"\r\n"
	"Final-Recipient: utf-8; \\x{FC}@example.com\r\n"
	"Diagnostic-Code: smtp; 550 =?UTF-8?B?w7xiZWw=?=\r\n"
	"\r\n"
	"--one\r\n"
	"Content-Type: message/global\r\n"
	"Content-Transfer-Encoding: base64\r\n"
	"\r\n"
	"U3ViamVjdDogw7wNCg0K\r\n"
	"--one\r\n"
	"Content-Description: no empty line =?UTF-8?B?w7w=?=\r\n"
	"--one\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"\r\n"
	"--one-\r\n"
	"Subject: \xC3\xBC is no field here\r\n"
	"--one--\r\n"
	"Subject: \xC3\xBC nor here\r\n";

START_TEST(test_parts)
{
	static const size_t pieces[] = { 1, 7, sizeof(parts_in) };
	struct result r;

	take(SLICE_LIT(parts_in), pieces[_i], true, &r);
	ck_assert_ptr_nonnull(r.delivery.second);
	ck_assert(!r.delivery.needs_utf8);
	ck_assert_str_eq(buf_cstr(&r.second), parts_out);
	ck_assert_uint_eq(r.delivery.second->size_octets, sizeof(parts_out) - 1);
	ck_assert_uint_eq(r.delivery.second->header_octets,
	                  (size_t)(strstr(parts_out, "\r\n\r\n") - parts_out) + 4);
	ck_assert_str_eq(buf_cstr(&r.octets), parts_in);
	let_go(&r);
}
END_TEST

/* No second form: not said to be UTF-8, or nothing to change. */
START_TEST(test_same)
{
	static const struct {
		bool smtputf8;
		const char *message;
	} same[] = {
		{ false, "Subject: \xC3\xBC\r\n\r\n" },
		{ true, "Subject: x\r\n\r\nbody \xC3\xBC\r\n" },
		{ true, "Content-Type: message/global\r\n\r\nSubject: x\r\n\r\nbody\r\n" },
		{ true, "Content-Type: multipart/mixed\r\n\r\n--\xC3\xBC\r\nSubject: \xC3\xBC\r\n" },
		{ true, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n"
			"\r\nSubject: \xC3\xBC\r\n" },
	};
	struct result r;

	take(slice_of(same[_i].message), 100000, same[_i].smtputf8, &r);
	ck_assert_ptr_null(r.delivery.second);
	ck_assert(!r.delivery.needs_utf8);
	let_go(&r);
}
END_TEST

/* What cannot be changed without making another message of it. */
START_TEST(test_impossible)
{
	static const char *const messages[] = {
		"Content-Type: multipart/mixed; boundary=\"\xC3\xBC\"\r\n\r\n--\xC3\xBC--\r\n",
		"Content-Type: multipart/mixed; boundary*0=\"\xC3\xBC\"\r\n\r\n",
		"Content-Type: text/\xC3\xBC\r\n\r\n",
		"Content-Type: text/plain; \xC3\xBC=x\r\n\r\n",
		"Content-Transfer-Encoding: \xC3\xBC\r\n\r\n",
	};
	struct result r;

	take(slice_of(messages[_i]), 100000, true, &r);
	ck_assert_ptr_null(r.delivery.second);
	ck_assert(r.delivery.needs_utf8);
	let_go(&r);
}
END_TEST

/* Boundaries in the forms of RFC 2231 open multiparts, too. */
START_TEST(test_boundary)
{
	static const char *const types[] = {
		"boundary=b-1", "boundary=\"b-1\"", "boundary=\"b\\-1\" (x)", "BOUNDARY*=us-ascii''b%2d1",
		"boundary*0=b-; boundary*1=1", "boundary*0*=utf-8'en'b%2D; boundary*1=\"1\"",
		"boundary=\"b-1  \"", "x=\"boundary=no;\"; boundary = b-1 ; boundary=other",
	};
	struct buf message = BUF_INIT;
	struct result r;

	buf_addf(&message, "Content-Type: multipart/x; %s\r\n\r\n--b-1\r\nSubject: \xC3\xBC\r\n\r\n"
	         "--b-1--\r\n", types[_i]);
	take(buf_slice(&message), message.n, true, &r);
	ck_assert_ptr_nonnull(r.delivery.second);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&r.second), "\r\nSubject: =?UTF-8?B?w7w=?=\r\n"));
	let_go(&r);
	buf_release(&message);
}
END_TEST

/* Multiparts in each other, as deep as is looked into and deeper; messages in messages need
 * no memory and have no limit. */
START_TEST(test_depth)
{
	static const struct {
		bool multipart;
		unsigned depth;
		bool second, needs_utf8;
	} depths[] = {
		{ true, DOWNGRADE_DEPTH, true, false },
		{ true, DOWNGRADE_DEPTH + 1, false, true },
		{ true, 10000, false, true },
		{ false, 10000, true, false },
	};
	struct buf message = BUF_INIT;
	struct result r;

	for (unsigned i = 0; i < depths[_i].depth; i++)
		if (depths[_i].multipart)
			buf_addf(&message, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
		else
			buf_add_str(&message, "Content-Type: message/rfc822\r\n\r\n");
	buf_add_str(&message, "Subject: \xC3\xBC\r\n\r\nbody\r\n");
	take(buf_slice(&message), message.n, true, &r);
	ck_assert_int_eq(r.delivery.second != NULL, depths[_i].second);
	ck_assert_int_eq(r.delivery.needs_utf8, depths[_i].needs_utf8);
	if (r.delivery.second != NULL)
		ck_assert_ptr_nonnull(strstr(buf_cstr(&r.second), "\r\nSubject: =?UTF-8?B?w7w=?=\r\n"));
	let_go(&r);
	buf_release(&message);
}
END_TEST

/* Fields of a megabyte: of ASCII they pass, beyond it there is a bound. */
START_TEST(test_long_fields)
{
	static const struct {
		const char *name, *fill, *more;
		unsigned count;
		bool needs_utf8;
	} longs[] = {
		{ "Subject: ", "x ", "", 1u << 20, false },
		{ "Subject: ", "x", "", 1u << 20, false },
		{ "Subject: ", "x ", " \xC3\xBC", 1u << 20, true },
		{ "Subject: ", "\xC3\xBC", "", 100000, false },
		{ "Subject: ", "(", " \xC3\xBC", 200000, false },
		{ "Date: ", "(", " \xC3\xBC", 200000, false },
		{ "To: ", "\xC3\xBC,", "", 80000, false },
		{ "To: ", "\xC3\xBC:", "", 80000, false },
		{ "To: ", "\"", " \xC3\xBC", 200001, false },
		{ "To: ", "a:<", " \xC3\xBC", 80000, false },
		{ "Received: ", "for ", " \xC3\xBC", 60000, false },
		{ "Keywords: ", "\xC3\xBC\"", "", 60000, false },
		{ "Content-Disposition: x", ";a*0=b", ";c*1=\xC3\xBC", 40000, false },
		{ "Content-Type: text/plain; x=\"", "\xC3\xBC", "\"", 100000, false },
		{ "Content-Disposition: ", "x=", "\xC3\xBC", 100000, false },
	};
	struct buf message = BUF_INIT;
	struct result r;

	buf_add_str(&message, longs[_i].name);
	for (unsigned i = 0; i < longs[_i].count; i++)
		buf_add_str(&message, longs[_i].fill);
	buf_addf(&message, "%s\r\nX: \xC3\xBC\r\n\r\nbody\r\n", longs[_i].more);
	take(buf_slice(&message), 65536, true, &r);
	ck_assert_int_eq(r.delivery.needs_utf8, longs[_i].needs_utf8);
	ck_assert_int_eq(r.delivery.second != NULL, !longs[_i].needs_utf8);
	ck_assert(!words_has_high(buf_slice(&r.second)));
	let_go(&r);
	buf_release(&message);
}
END_TEST

/* A body far beyond what is held in memory, with lines longer than the window. */
START_TEST(test_long_body)
{
	struct buf message = BUF_INIT;
	struct result r;

	buf_add_str(&message, "Subject: \xC3\xBC\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n");
	for (unsigned i = 0; i < 300000; i++)
		buf_addf(&message, "%u\xC3\xBC%s", i, i % 70000 == 0 ? "\r\n--b\r\nX: \xC3\xBC\r\n\r\n" : " ");
	buf_add_str(&message, "\r\n--b--\r\n");
	take(buf_slice(&message), 100000, true, &r);
	ck_assert_ptr_nonnull(r.delivery.second);
	/* what it grows by: one Subject, five X */
	ck_assert_uint_eq(r.second.n, r.octets.n + 6 * (sizeof("=?UTF-8?B?w7w=?=") - sizeof("\xC3\xBC")));
	let_go(&r);
	buf_release(&message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("downgrade");
	TCase *tc = tcase_create("downgrade");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_field, 0, sizeof(fields) / sizeof(fields[0]));
	tcase_add_loop_test(tc, test_parts, 0, 3);
	tcase_add_loop_test(tc, test_same, 0, 5);
	tcase_add_loop_test(tc, test_impossible, 0, 5);
	tcase_add_loop_test(tc, test_boundary, 0, 8);
	tcase_add_loop_test(tc, test_depth, 0, 4);
	tcase_add_loop_test(tc, test_long_fields, 0, 15);
	tcase_add_test(tc, test_long_body);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
