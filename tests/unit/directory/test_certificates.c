/* Certificates of a person: every way in which an item may hold them, LocalPerson documents
 * that stand in place of them, what is left out. */
#include "base/crypt.h"
#include "directory/certificates.h"
#include "tests/unit/directory/fixture.h"

/* --- pieces ------------------------------------------------------------------------------ */

/* Octets with the frame of a certificate; filling tells one from another. */
static struct slice frame(struct arena *arena, size_t n, char filling)
{
	char *octets = arena_alloc(arena, n);

	memset(octets, filling, n);
	octets[0] = 0x30;
	octets[1] = (char)0x82;
	octets[2] = (char)((n - 4) >> 8);
	octets[3] = (char)(n - 4);
	return (struct slice){ octets, n };
}

static struct slice base64(struct arena *arena, struct slice octets)
{
	struct buf text = BUF_INIT;
	struct slice kept;

	ck_assert_uint_eq(base64_encode(octets, &text), NOERROR);
	ck_assert_uint_eq(arena_copy(arena, buf_slice(&text), &kept), NOERROR);
	buf_release(&text);
	return kept;
}

/* A text with each of A, B replaced by base64 of a certificate, a and b by its first and
 * second half, and _ by a line's end. */
static struct slice written(struct arena *arena, const char *pattern)
{
	struct slice a = base64(arena, frame(arena, 301, 'a')), b = base64(arena, frame(arena, 302, 'b'));
	struct buf text = BUF_INIT;
	struct slice kept;

	for (; *pattern != '\0'; pattern++)
		switch (*pattern) {
		case 'A': buf_add_slice(&text, a); break;
		case 'B': buf_add_slice(&text, b); break;
		case 'a': buf_add(&text, a.p, 200); break;
		case 'b': buf_add(&text, a.p + 200, a.n - 200); break;
		case '_': buf_add_char(&text, '\n'); break;
		case '[': buf_add_str(&text, "-----BEGIN CERTIFICATE-----"); break;
		case '(': buf_add_str(&text, "-----BEGIN X509 CERTIFICATE-----"); break;
		case '{': buf_add_str(&text, "-----BEGIN PRIVATE KEY-----"); break;
		case ']': buf_add_str(&text, "-----END CERTIFICATE-----"); break;
		default: buf_add_char(&text, *pattern);
		}
	ck_assert_uint_eq(arena_copy(arena, buf_slice(&text), &kept), NOERROR);
	buf_release(&text);
	return kept;
}

/* Patterns with | between values become one item. */
static void add_item(struct note *note, const char *name, const char *patterns)
{
	struct slice values[20];
	char *copy = strdup(patterns), *p = copy, *one;
	size_t count = 0;

	while ((one = strsep(&p, "|")) != NULL)
		values[count++] = written(note->arena, one);
	ck_assert_ptr_nonnull(note_add(note, slice_of(name), count > 1 ? ITEM_TEXT_LIST : ITEM_TEXT, 0,
	                               values, count));
	free(copy);
}

/* "ab" for a certificate of each, "!n" for n bad ones. */
static const char *letters(const struct certificates *found)
{
	static char out[64];
	size_t n = 0;

	for (size_t i = 0; i < found->count; i++) {
		struct slice one = found->list[i];

		ck_assert_uint_eq(one.n, one.p[one.n - 1] == 'a' ? 301 : 302);
		ck_assert_int_eq(one.p[0], 0x30);
		out[n++] = one.p[one.n - 1];
	}
	out[n] = '\0';
	if (found->bad > 0)
		snprintf(out + n, sizeof(out) - n, "!%u", found->bad);
	return out;
}

static const struct {
	const char *patterns, *found;
} texts[] = {
	{ "A", "a" }, { " A ", "a" }, { "A|B", "ab" }, { "A||B", "ab" }, { "A| |B", "ab" },
	{ "a_b", "a" }, { "a b", "a" }, { "a|b", "a" }, { "a|b|B", "ab" }, { "B|a|b", "ba" },
	{ "[_A_]_", "a" }, { "[_a_b_]", "a" }, { "[A]", "a" }, { "[ A ]", "a" }, { "[ a b ]", "a" },
	{ "[|a|b|]", "a" }, { "[|a|b|]|[|B|]", "ab" }, { "[_A_]_[_B_]_", "ab" }, { "[A][B]", "ab" },
	{ "(_A_]", "a" }, { "words_[_A_]_words and more of them_[_B_]_words", "ab" },
	{ "[_A_]|B", "ab" }, { "B|[_A_]", "ba" }, { "[_A_", "a" },
	/* none */
	{ "", "" }, { " ", "" }, { "|", "" }, { "short", "!1" }, { "no certificate at all", "!1" },
	{ "AAAAAAAAAAAAAAAA|A", "a!1" }, { "A|no certificate at all", "a!1" }, { "a", "!1" },
	{ "{_A_]", "!1" }, { "{_A_]_[_B_]", "b!1" }, { "[_]", "!1" }, { "[", "!1" }, { "[_*_]|A", "a!1" },
	{ "[_a_[_B_]", "!1" }, { "MIIB", "!1" }, { "]", "!1" },
};

START_TEST(texts_of_all_kinds)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct arena arena = ARENA_INIT;
		struct certificates found;
		struct note note;

		note_init(&note, &arena);
		add_item(&note, "UserCertificate", texts[i].patterns);
		ck_assert_uint_eq(certificates_read(&note, &arena, &found), NOERROR);
		ck_assert_msg(strcmp(letters(&found), texts[i].found) == 0, "%s: %s", texts[i].patterns,
		              letters(&found));
		arena_release(&arena);
	}
}
END_TEST

static void add_octets(struct note *note, uint16_t type, struct slice octets)
{
	ck_assert_ptr_nonnull(note_add(note, SLICE_LIT("userCertificate;binary"), type, 0, &octets, 1));
}

START_TEST(octets_of_all_kinds)
{
	struct arena arena = ARENA_INIT;
	struct certificates found;
	struct note note;
	struct slice object[2], one = frame(&arena, 301, 'a');
	char prefixed[400] = "\x0Bx509 format";

	note_init(&note, &arena);
	add_octets(&note, 0x0004, one);
	add_item(&note, "usercertificate", "B");
	add_octets(&note, 0x000E, written(&arena, "[_A_]"));    /* a file of PEM */
	object[0] = SLICE_LIT("jane.cer");
	object[1] = one;
	ck_assert_ptr_nonnull(note_add(&note, SLICE_LIT("UserCertificate"), ITEM_OBJECT, 0, object, 2));
	add_octets(&note, 0x0004, SLICE_LIT("\x00\x01\x02"));
	add_octets(&note, 0x0004, (struct slice){ one.p, one.n - 1 });
	ck_assert_uint_eq(certificates_read(&note, &arena, &found), NOERROR);
	ck_assert_str_eq(letters(&found), "abaa!2");
	/* what another format puts before it stays */
	note_init(&note, &arena);
	memcpy(prefixed + 12, one.p, one.n);
	add_octets(&note, 0x000E, (struct slice){ prefixed, 12 + one.n });
	ck_assert_uint_eq(certificates_read(&note, &arena, &found), NOERROR);
	ck_assert_uint_eq(found.count, 1);
	ck_assert_uint_eq(found.list[0].n, 313);
	arena_release(&arena);
}
END_TEST

START_TEST(bounds)
{
	struct arena arena = ARENA_INIT;
	struct certificates found;
	struct note note;
	char *huge = arena_alloc(&arena, CERTIFICATES_ITEM_OCTETS);

	note_init(&note, &arena);
	add_octets(&note, 0x0004, frame(&arena, DIRECTORY_CERTIFICATE_OCTETS, 'a'));
	add_octets(&note, 0x0004, frame(&arena, DIRECTORY_CERTIFICATE_OCTETS + 1, 'a'));
	add_octets(&note, ITEM_TEXT, base64(&arena, frame(&arena, DIRECTORY_CERTIFICATE_OCTETS, 'a')));
	add_octets(&note, ITEM_TEXT, base64(&arena, frame(&arena, DIRECTORY_CERTIFICATE_OCTETS + 1, 'a')));
	add_octets(&note, ITEM_TEXT, base64(&arena, frame(&arena, 60000, 'a')));
	add_octets(&note, 0x0004, (struct slice){ huge, CERTIFICATES_ITEM_OCTETS });
	ck_assert_uint_eq(certificates_read(&note, &arena, &found), NOERROR);
	ck_assert_uint_eq(found.count, 2);
	ck_assert_uint_eq(found.large, 4);
	ck_assert_uint_eq(found.bad, 0);
	note_init(&note, &arena);
	for (int i = 0; i < DIRECTORY_CERTIFICATES_MAX + 2; i++)
		add_item(&note, "UserCertificate", "A");
	ck_assert_uint_eq(certificates_read(&note, &arena, &found), NOERROR);
	ck_assert_uint_eq(found.count, DIRECTORY_CERTIFICATES_MAX);
	ck_assert_uint_eq(found.more, 2);
	arena_release(&arena);
}
END_TEST

/* --- compiled ------------------------------------------------------------------------------ */

static struct world w;

#define UNID "<noteinfo unid='" U1 "'/>"
#define NAMES "<item name='FullName'><textlist>" T("CN=Ann/O=Acme") T("Ann") "</textlist></item>"

/* A document with items, in which A and B stand for base64 as above. */
static void put_document(const char *file, const char *form, const char *unid, const char *items)
{
	struct arena arena = ARENA_INIT;
	struct slice a = base64(&arena, frame(&arena, 301, 'a')), b = base64(&arena, frame(&arena, 302, 'b'));
	struct buf text = BUF_INIT;

	buf_addf(&text, HEAD "<document form='%s'>%s\n" NAMES "\n", form, unid);
	for (; *items != '\0'; items++)
		if (*items == '@')
			buf_add_slice(&text, a);
		else if (*items == '#')
			buf_add_slice(&text, b);
		else
			buf_add_char(&text, *items);
	buf_add_str(&text, "</document>\n" TAIL);
	put_file(&w, file, buf_cstr(&text));
	buf_release(&text);
	arena_release(&arena);
}

#define RAW(name, base64) "<item name='" name "'><rawitemdata type='4'>\n" base64 "\n</rawitemdata></item>\n"
#define TEXTS(name, values) "<item name='" name "'><textlist>" values "</textlist></item>\n"

/* What Ann's are, as letters; "-" if there is no Ann. */
static const char *held(const char *name)
{
	static char out[64];
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	size_t count = 0, n = 0;

	ck_assert_uint_eq(directory_find_subject(w.directory, slice_of(name), &arena, &persons, &count),
	                  NOERROR);
	ck_assert_uint_le(count, 1);
	for (size_t i = 0; count > 0 && i < persons[0].certificate_count; i++)
		out[n++] = persons[0].certificates[i].p[persons[0].certificates[i].n - 1];
	out[n] = '\0';
	arena_release(&arena);
	return count == 0 ? "-" : out;
}

START_TEST(from_an_export)
{
	world_begin(&w);
	put_document("a.dxl", "Person", UNID, RAW("UserCertificate", "@"));
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann/Acme"), "a");
	ck_assert_str_eq(held("Ann"), "a");
	ck_assert_str_eq(held("Ann/Other"), "-");
	put_document("a.dxl", "Person", UNID, TEXTS("usercertificate;binary", T("#") T("@")));
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann"), "ba");
	put_document("a.dxl", "Person", UNID, RAW("USERCERTIFICATE", "#") RAW("UserCertificate", "@"));
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann"), "ba");
	put_document("a.dxl", "Person", UNID, "");
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann"), "");
	/* of a mail-in database, of anything else */
	put_document("a.dxl", "Database", UNID, RAW("UserCertificate", "@"));
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann"), "-");
	world_end(&w);
}
END_TEST

/* Whichever of the two was read first, has changed or has gone. */
START_TEST(local_in_place)
{
	char path[4096];

	world_begin(&w);
	snprintf(path, sizeof(path), "%s/names/local", w.dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	put_document("a.dxl", "Person", UNID, RAW("userCertificate;binary", "@"));
	compile(&w);
	ck_assert_str_eq(held("Ann"), "a");
	put_document("local/ann.dxl", "LocalPerson", "", TEXTS("UserCertificate", T("#") T("@")));
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann"), "ba");
	put_document("a.dxl", "Person", UNID, RAW("UserCertificate", "@") TEXTS("MailFile", T("mail/a")));
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann"), "ba");
	/* an empty one says: none */
	put_document("local/ann.dxl", "LocalPerson", "", TEXTS("UserCertificate", T("")));
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann"), "");
	put_document("local/ann.dxl", "LocalPerson", "", TEXTS("HTTPPassword", T(HASH1)));
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann"), "a");
	put_document("local/ann.dxl", "LocalPerson", "", RAW("UserCertificate", "#"));
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann"), "b");
	put_file(&w, "local/ann.dxl", NULL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(held("Ann"), "a");
	world_end(&w);
}
END_TEST

static STATUS add_octets_kept(void *context, const struct note *note, const char *file)
{
	for (const struct item *item = note->first; item != NULL; item = item->next)
		for (size_t i = 0; i < item->count; i++)
			*(size_t *)context += item->values[i].n;
	return NOERROR;
}

START_TEST(warnings)
{
	struct buf many = BUF_INIT;
	size_t octets = 0;

	world_begin(&w);
	put_document("a.dxl", "Person", UNID, TEXTS("UserCertificate", T("nonsense here") T("@") T("more of it")));
	ck_assert_str_eq(compile(&w), "a.dxl:5: UserCertificate: 2 values are passed over, neither octets "
	                 "of a certificate nor base64 or PEM of one\n");
	ck_assert_str_eq(held("Ann"), "a");
	buf_add_str(&many, "<item name='UserCertificate'><textlist>");
	for (int i = 0; i < DIRECTORY_CERTIFICATES_MAX + 1; i++)
		buf_add_str(&many, T("@"));
	buf_add_str(&many, "</textlist></item>");
	put_document("a.dxl", "Person", UNID, buf_cstr(&many));
	ck_assert_str_eq(compile(&w), "a.dxl:5: UserCertificate: only the first 16 certificates are looked at\n");
	ck_assert_str_eq(held("Ann"), "aaaaaaaaaaaaaaaa");
	buf_clear(&many);
	buf_add_str(&many, "<item name='UserCertificate'><text>");
	for (size_t i = 0; i < CERTIFICATES_ITEM_OCTETS; i++)
		buf_add_char(&many, 'A');
	buf_add_str(&many, "</text></item>" RAW("UserCertificate", "@"));
	put_document("a.dxl", "Person", UNID, buf_cstr(&many));
	ck_assert_str_eq(compile(&w), "a.dxl:5: UserCertificate: 1 value is passed over, larger than 32768 "
	                 "octets\n");
	ck_assert_str_eq(held("Ann"), "a");
	/* nor is it kept in names.nsf */
	ck_assert_uint_eq(directory_each_document(w.directory, SLICE_LIT("Ann"), add_octets_kept, &octets), NOERROR);
	ck_assert_uint_gt(octets, 301);
	ck_assert_uint_lt(octets, 2000);
	buf_release(&many);
	world_end(&w);
}
END_TEST

UNIT_MAIN("certificates", texts_of_all_kinds, octets_of_all_kinds, bounds, from_an_export,
	  local_in_place, warnings)
