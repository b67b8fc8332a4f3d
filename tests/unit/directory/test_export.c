/*
 * What real exporters write, through the directory: each shape of a file or of an item
 * gives the same person, who has the same names, password and mail file.
 */
#include "base/crypt.h"
#include "tests/unit/directory/fixture.h"

static struct world w;

#define ITEMS \
	"<item name='FullName' names='true'><textlist><text>CN=Jada Correr/O=Acme</text><text>Jada</text>" \
	"</textlist></item><item name='InternetAddress'><text>jada@acme.example</text></item>" \
	"<item name='HTTPPassword'><text>" HASH1 "</text></item>" \
	"<item name='MailServer' names='true'><text>CN=mail/O=Acme</text></item>" \
	"<item name='MailFile'><text>mail\\jcorrer.nsf</text></item>"
#define NOTE_FORM "<item name='Form'><text>Person</text></item>"
/* rawitemdata: text "CN=Jada Correr/O=Acme"; a list of the same and "Jada" */
#define RAW_TEXT "Q049SmFkYSBDb3JyZXIvTz1BY21l"
#define RAW_LIST "AgAVAAQAQ049SmFkYSBDb3Jy\nZXIvTz1BY21lSmFkYQ=="

static const struct {
	const char *what, *xml;
} shapes[] = {
	{ "a database as the exporter writes it",
	  "<?xml version='1.0' encoding='utf-8'?>\n<!DOCTYPE database SYSTEM 'xmlschemas/domino_12_0.dtd'>\n"
	  "<database xmlns='http://www.lotus.com/dxl' version='12.0' maintenanceversion='2.0'\n"
	  "replicaid='C125867A0034B6D1' path='CN=mail/O=Acme!!names.nsf' type='addressbook'>\n"
	  "<databaseinfo dbid='C125867A0034B6D2' odsversion='53' numberofdocuments='1'>"
	  "<datamodified><datetime dst='true'>20240618T090201,12+02</datetime></datamodified></databaseinfo>\n"
	  "<acl><aclentry name='-Default-' level='reader'/></acl>\n"
	  "<document form='Person'>\n<noteinfo noteid='902' unid='" U1 "' sequence='4'>\n"
	  "<created><datetime>20210302T101512,37+01</datetime></created></noteinfo>\n"
	  "<updatedby><name>CN=Admin/O=Acme</name></updatedby>\n"
	  "<revisions><datetime/></revisions>\n" ITEMS
	  "<item name='HTTPPasswordChangeDate'><datetime/></item></document></database>\n" },
	{ "one document", "<document form='Person' xmlns='http://www.lotus.com/dxl'>" ITEMS "</document>" },
	{ "one note, form as item", "<note class='document' xmlns='http://www.lotus.com/dxl'>" NOTE_FORM ITEMS
	  "</note>" },
	{ "no namespace, form as item of a document", "<database><document>" NOTE_FORM ITEMS "</document></database>" },
	{ "notes of other classes before it", "<database><note class='icon'/><note class='form'><item name='Form'>"
	  "<text>Person</text></item></note><document form='Person'>" ITEMS "</document></database>" },
	{ "line breaks inside tags", "<database><document\nform='Person'\n><item\nname='FullName'\nnames='true'><textlist\n>"
	  "<text\n>CN=Jada Correr/O=Acme</text\n><text\n>Jada</text></textlist></item\n>"
	  "<item name='InternetAddress'><text\n>jada@acme.example</text></item><item name='HTTPPassword'\n><text\n>"
	  HASH1 "</text></item><item name='MailServer'><text>CN=mail/O=Acme</text></item>"
	  "<item name='MailFile'><text>mail\\jcorrer.nsf</text></item></document></database>" },
	{ "double quotes, comments, CDATA", "<?xml version=\"1.0\"?><!-- exporter --><database><document form=\"Person\">"
	  "<!-- a warning: item left out -->"
	  "<item name=\"FullName\"><textlist><text><![CDATA[CN=Jada Correr/O=Acme]]></text><text>Jada</text></textlist></item>"
	  "<item name='InternetAddress'><text>jada@<![CDATA[acme.example]]></text></item><item name='HTTPPassword'><text>"
	  HASH1 "</text></item><item name='MailServer'><text>CN=mail/O=Acme</text></item>"
	  "<item name='MailFile'><text>mail\\jcorrer.nsf</text></item></document></database>" },
	{ "escapes and characters by number", "<database><document form='Person'><item name='FullName'><textlist>"
	  "<text>CN=&#74;ada&#x20;Correr/O=Acme</text><text>Jada</text></textlist></item>"
	  "<item name='InternetAddress'><text>jada&#64;acme.example</text></item><item name='HTTPPassword'><text>"
	  HASH1 "</text></item><item name='MailServer'><text>CN=mail/O=Acme</text></item>"
	  "<item name='MailFile'><text>mail\\jcorrer.nsf</text></item></document></database>" },
	{ "nonxmlchar", "<database><document form='Person'><item name='FullName'><textlist>"
	  "<text>CN=J<nonxmlchar value='61'/>da Correr/O=Acme</text><text>Jada</text></textlist></item>"
	  "<item name='InternetAddress'><text>jada@acme.example</text></item><item name='HTTPPassword'><text>"
	  HASH1 "</text></item><item name='MailServer'><text>CN=mail/O=Acme</text></item>"
	  "<item name='MailFile'><text>mail\\jcorrer.nsf</text></item></document></database>" },
	{ "raw item data", "<database><document form='Person'><item name='FullName'>"
	  "<rawitemdata type='501'>\n" RAW_LIST "\n</rawitemdata></item>"
	  "<item name='InternetAddress'><rawitemdata type='500'>amFkYUBhY21l\nLmV4YW1wbGU=</rawitemdata></item>"
	  "<item name='HTTPPassword'><text>" HASH1 "</text></item>"
	  "<item name='MailServer'><text>CN=mail/O=Acme</text></item>"
	  "<item name='MailFile'><text>mail\\jcorrer.nsf</text></item></document></database>" },
	{ "raw text, names twice", "<database><document form='Person'><item name='FullName'>"
	  "<rawitemdata type='500'>" RAW_TEXT "</rawitemdata></item><item name='FULLNAME'><text>Jada</text></item>"
	  ITEMS "</document></database>" },
	{ "item names in another case", "<database><document form='PERSON'><item name='fullname'><textlist>"
	  "<text>CN=Jada Correr/O=Acme</text><text>Jada</text></textlist></item>"
	  "<item name='INTERNETADDRESS'><text>jada@acme.example</text></item><item name='httppassword'><text>"
	  HASH1 "</text></item><item name='mailserver'><text>CN=mail/O=Acme</text></item>"
	  "<item name='mailfile'><text>mail\\jcorrer.nsf</text></item></document></database>" },
	{ "a byte order mark", "\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><database><document form='Person'>"
	  ITEMS "</document></database>" },
	{ "a Latin-1 export", "<?xml version='1.0' encoding='iso-8859-1'?><database><document form='Person'>" ITEMS
	  "<item name='Location'><text>Malm\xf6</text></item></document></database>" },
};

static bool is_jada(const char *login)
{
	struct arena arena = ARENA_INIT;
	const struct person *p;
	size_t count = 0;
	bool is = directory_find_login(w.directory, slice_of(login), false, 8, &arena, &p, &count) == NOERROR &&
		count == 1 && slice_equal(p->name, SLICE_LIT("CN=Jada Correr/O=Acme")) &&
		slice_equal(p->internet_address, SLICE_LIT("jada@acme.example")) &&
		slice_equal(p->mail_server, SLICE_LIT("CN=mail/O=Acme")) &&
		slice_equal(p->mail_file, SLICE_LIT("mail\\jcorrer.nsf")) &&
		p->password_count == 1 && slice_equal(p->passwords[0], SLICE_LIT(HASH1));

	arena_release(&arena);
	return is;
}

START_TEST(every_shape)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		world_begin(&w);
		put_file(&w, "a.dxl", shapes[i].xml);
		compile(&w);
		ck_assert_msg(w.report.persons == 1 && w.report.faults == 0, "%s: %s", shapes[i].what,
		              buf_cstr(&w.said));
		ck_assert_msg(is_jada("jada correr/acme"), "%s", shapes[i].what);
		ck_assert_msg(is_jada("Jada Correr"), "%s", shapes[i].what);
		ck_assert_msg(is_jada("JADA@acme.example"), "%s", shapes[i].what);
		if (strstr(shapes[i].what, "twice") == NULL)
			ck_assert_msg(is_jada("jada"), "%s", shapes[i].what);
		world_end(&w);
	}
}
END_TEST

/* --- certificates ---------------------------------------------------------------------- */

/* Lines of the base64 of one certificate, with before and behind around each. */
#define CERTIFICATE(before, behind) \
	before "MIIBnzCCAUWgAwIBAgIUDlmTHRQoiOmoP3A5WdLlEGJ1hH4wCgYIKoZIzj0EAwIw" behind \
	before "JTENMAsGA1UECgwEQWNtZTEUMBIGA1UEAwwLSmFkYSBDb3JyZXIwHhcNMjYxMTI2" behind \
	before "MTEwNTExWhcNMzYxMTIzMTEwNTExWjAlMQ0wCwYDVQQKDARBY21lMRQwEgYDVQQD" behind \
	before "DAtKYWRhIENvcnJlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBB82VJbeO4u" behind \
	before "j64N/m+myEQ91Jfoma0NEkGoohaxjzdCuGU2arQSsZszeUeuoCXPJPU2HHir7kad" behind \
	before "9VeZXya+VbqjUzBRMB0GA1UdDgQWBBQUwlAupt+uavYyCeO+Msdz/PNCezAfBgNV" behind \
	before "HSMEGDAWgBQUwlAupt+uavYyCeO+Msdz/PNCezAPBgNVHRMBAf8EBTADAQH/MAoG" behind \
	before "CCqGSM49BAMCA0gAMEUCIQDKId4F6FEWSvwe0LwTNRJVUPMPV0wF409OSJd7Ah3D" behind \
	before "vQIgAv6z9nGG/8+0RjUA+Z0wSB5sWgD6OxcJXNOx+dr8+zE=" behind
#define PEM(before, behind) before "-----BEGIN CERTIFICATE-----" behind CERTIFICATE(before, behind) \
	before "-----END CERTIFICATE-----" behind
#define ITEM(name, value) "<item name='" name "'>" value "</item>"

static const struct {
	const char *what, *items;
} certificate_shapes[] = {
	{ "raw data", ITEM("UserCertificate", "<rawitemdata type='4'>\n" CERTIFICATE("", "\n") "</rawitemdata>") },
	{ "raw data of user's type, indented", ITEM("UserCertificate", "<rawitemdata type='e'>" CERTIFICATE("\n\t", "")
	  "</rawitemdata>") },
	{ "item data", ITEM("usercertificate", "<itemdata type='2'>" CERTIFICATE("", "") "</itemdata>") },
	{ "an attachment", ITEM("UserCertificate", "<object><file hosttype='msdos' compression='none' name='jada.cer'>"
	  "<filedata>" CERTIFICATE("", "\n") "</filedata></file></object>") },
	{ "base64 as one text", ITEM("UserCertificate", "<text>" CERTIFICATE("", "") "</text>") },
	{ "base64 with line breaks", ITEM("UserCertificate", "<text>" CERTIFICATE("", "<break/>") "</text>") },
	{ "base64 in lines", ITEM("UserCertificate", "<textlist>" CERTIFICATE("<text>", "</text>") "</textlist>") },
	{ "as LDAP names it", ITEM("userCertificate;binary", "<text>" CERTIFICATE("", "") "</text>") },
	{ "PEM", ITEM("UserCertificate", "<text>" PEM("", "\n") "</text>") },
	{ "PEM with line breaks", ITEM("UserCertificate", "<text>" PEM("", "<break/>") "</text>") },
	{ "PEM, lines joined", ITEM("UserCertificate", "<text>" PEM("", "") "</text>") },
	{ "PEM, lines joined by blanks", ITEM("UserCertificate", "<text>" PEM(" ", "") "</text>") },
	{ "PEM in lines", ITEM("UserCertificate", "<textlist>" PEM("<text>", "</text>") "</textlist>") },
};

START_TEST(certificates_of_every_shape)
{
	struct buf octets = BUF_INIT;

	ck_assert_uint_eq(base64_decode_folded(SLICE_LIT(CERTIFICATE("", "")), &octets), NOERROR);
	for (size_t i = 0; i < sizeof(certificate_shapes) / sizeof(*certificate_shapes); i++) {
		struct arena arena = ARENA_INIT;
		const struct person *p;
		struct buf text = BUF_INIT;
		size_t count = 0;

		buf_addf(&text, "<database><document form='Person'>%s" ITEMS "</document></database>",
		         certificate_shapes[i].items);
		world_begin(&w);
		put_file(&w, "a.dxl", buf_cstr(&text));
		ck_assert_msg(strcmp(compile(&w), "") == 0, "%s: %s", certificate_shapes[i].what,
		              buf_cstr(&w.said));
		ck_assert_uint_eq(directory_find_subject(w.directory, SLICE_LIT("Jada Correr/Acme"), &arena, &p,
		                                         &count), NOERROR);
		ck_assert_uint_eq(count, 1);
		ck_assert_msg(p->certificate_count == 1 && slice_equal(p->certificates[0], buf_slice(&octets)),
		              "%s", certificate_shapes[i].what);
		arena_release(&arena);
		buf_release(&text);
		world_end(&w);
	}
	buf_release(&octets);
}
END_TEST

/* Every second octet is 0, so that it cannot be written as a string. */
static void put_utf16(const char *text, bool big)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/names/a.dxl", w.dir);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(big ? "\xfe\xff" : "\xff\xfe", file);
	for (; *text != '\0'; text++) {
		if (big)
			fputc(0, file);
		fputc(*text, file);
		if (!big)
			fputc(0, file);
	}
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(utf16)
{
	for (int big = 0; big < 2; big++) {
		world_begin(&w);
		put_utf16("<?xml version='1.0' encoding='utf-16'?><database><document form='Person'>" ITEMS
		          "</document></database>", big);
		compile(&w);
		ck_assert(is_jada("jada"));
		world_end(&w);
	}
}
END_TEST

/* A line break inside a value makes two lines of one value, not two values. */
START_TEST(a_break_in_a_value)
{
	world_begin(&w);
	put_file(&w, "a.dxl", "<database><document form='Person'><item name='FullName'><textlist>"
	         "<text>CN=Jada Correr/O=Acme</text><text>Jada<break/>Correr</text></textlist></item>"
	         "<item name='InternetAddress'><text>jada@acme.example</text></item><item name='HTTPPassword'><text>" HASH1
	         "</text></item><item name='MailServer'><text>CN=mail/O=Acme</text></item>"
	         "<item name='MailFile'><text>mail\\jcorrer.nsf</text></item></document></database>");
	compile(&w);
	ck_assert(is_jada("Jada Correr"));
	ck_assert(!is_jada("Jada"));
	world_end(&w);
}
END_TEST

UNIT_MAIN("export", every_shape, certificates_of_every_shape, utf16, a_break_in_a_value)
