/* From DXL to names.nsf: what is read again, what takes whose place, what is told. */
#include "base/crypt.h"
#include "tests/unit/directory/fixture.h"

static struct world w;

static void setup(void)
{
	world_begin(&w);
}

START_TEST(nothing_there)
{
	char path[4096];

	setup();
	ck_assert_str_eq(find(&w, "x"), "error 0103");
	ck_assert_uint_eq(directory_generation(w.directory), 0);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_uint_eq(w.report.files, 0);
	ck_assert_str_eq(find(&w, "x"), "");
	snprintf(path, sizeof(path), "%s/names", w.dir);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(directory_compile(w.dir, &w.report, NULL, NULL, &w.fault), POSTIL_ERR_NOEXIST);
	ck_assert(strstr(w.fault.text, "names") != NULL);
	world_end(&w);
}
END_TEST

START_TEST(second_run_reads_nothing)
{
	uint64_t generation;

	setup();
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("Alias"), "a@x", HASH1) TAIL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert(w.report.changed && w.report.persons == 1 && w.report.files_read == 1);
	generation = directory_generation(w.directory);
	ck_assert_uint_ne(generation, 0);
	compile(&w);
	ck_assert(!w.report.changed && w.report.persons == 1 && w.report.files_read == 0);
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("Alias"), "a@x", HASH1) TAIL);
	compile(&w);
	ck_assert(!w.report.changed && w.report.files_read == 0);
	ck_assert_uint_eq(directory_generation(w.directory), generation);
	/* another spelling of the same: read, but nothing to write about */
	put_file(&w, "a.dxl", HEAD "\n" PERSON(U1, T("CN=A/O=X") T("Alias"), "a@x", HASH1) TAIL);
	compile(&w);
	ck_assert(!w.report.changed && w.report.files_read == 1);
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("Other"), "a@x", HASH1) TAIL);
	compile(&w);
	ck_assert(w.report.changed);
	ck_assert_uint_gt(directory_generation(w.directory), generation);
	ck_assert_str_eq(find(&w, "alias"), "");
	ck_assert_str_eq(find(&w, "OTHER"), "CN=A/O=X");
	world_end(&w);
}
END_TEST

START_TEST(later_takes_the_place_of_earlier)
{
	setup();
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("old"), "a@x", HASH1)
	         PERSON(U2, T("CN=B/O=X"), "b@x", HASH1) TAIL);
	put_file(&w, "b.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("new"), "a@x", HASH1) TAIL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_uint_eq(w.report.persons, 2);
	ck_assert_str_eq(find(&w, "old"), "");
	ck_assert_str_eq(find(&w, "new"), "CN=A/O=X");
	/* the same form and name without a UNID */
	put_file(&w, "b.dxl", HEAD PLAIN_PERSON(T("cn=a/o=x") T("newer"), "a2@x") TAIL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_uint_eq(w.report.persons, 2);
	ck_assert_str_eq(find(&w, "newer"), "CN=a/O=x");
	ck_assert_str_eq(find(&w, "a@x"), "");
	/* the earlier file changes: what covers it stays */
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("old2"), "a@x", HASH1)
	         PERSON(U2, T("CN=B/O=X") T("bee"), "b@x", HASH1) TAIL);
	compile(&w);
	ck_assert_str_eq(find(&w, "old2"), "");
	ck_assert_str_eq(find(&w, "newer"), "CN=a/O=x");
	ck_assert_str_eq(find(&w, "bee"), "CN=B/O=X");
	/* the later file goes: what it covered comes back, though its file has not changed */
	put_file(&w, "b.dxl", NULL);
	compile(&w);
	ck_assert_uint_eq(w.report.persons, 2);
	ck_assert_str_eq(find(&w, "newer"), "");
	ck_assert_str_eq(find(&w, "old2"), "CN=A/O=X");
	put_file(&w, "a.dxl", NULL);
	compile(&w);
	ck_assert_uint_eq(w.report.documents, 0);
	ck_assert_str_eq(find(&w, "old2"), "");
	world_end(&w);
}
END_TEST

START_TEST(a_changed_later_file_uncovers)
{
	setup();
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("first"), "a@x", HASH1) TAIL);
	put_file(&w, "b.dxl", HEAD PLAIN_PERSON(T("CN=A/O=X") T("second"), "a@x") TAIL);
	compile(&w);
	ck_assert_str_eq(find(&w, "first"), "");
	put_file(&w, "b.dxl", HEAD PLAIN_PERSON(T("CN=Z/O=X") T("second"), "z@x") TAIL);
	compile(&w);
	ck_assert_str_eq(find(&w, "first"), "CN=A/O=X");
	ck_assert_str_eq(find(&w, "second"), "CN=Z/O=X");
	ck_assert_uint_eq(w.report.persons, 2);
	world_end(&w);
}
END_TEST

START_TEST(a_document_moves_between_files)
{
	setup();
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X"), "a@x", HASH1) TAIL);
	put_file(&w, "b.dxl", HEAD TAIL);
	compile(&w);
	put_file(&w, "a.dxl", HEAD TAIL);
	put_file(&w, "b.dxl", HEAD PERSON(U1, T("CN=A/O=X"), "a@x", HASH1) TAIL);
	compile(&w);
	ck_assert_str_eq(find(&w, "a"), "CN=A/O=X");
	put_file(&w, "b.dxl", HEAD TAIL);
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X"), "a@x", HASH1) TAIL);
	compile(&w);
	ck_assert_str_eq(find(&w, "a"), "CN=A/O=X");
	ck_assert_uint_eq(w.report.persons, 1);
	world_end(&w);
}
END_TEST

START_TEST(twice_in_one_file)
{
	setup();
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("one"), "a@x", HASH1)
	         PERSON(U1, T("CN=A/O=X") T("two"), "a@x", HASH1)
	         "<document form='Group'><noteinfo unid='" U2 "'/><item name='ListName'><text>G</text></item></document>\n"
	         "<document form='Group'><noteinfo unid='" U3 "'/><item name='ListName'><text>G</text></item></document>\n" TAIL);
	ck_assert(strstr(compile(&w), "a.dxl:7: ") != NULL);
	ck_assert(strstr(buf_cstr(&w.said), "a.dxl:12: ") != NULL);
	ck_assert_uint_eq(w.report.warnings, 2);
	ck_assert_uint_eq(w.report.persons, 1);
	ck_assert_uint_eq(w.report.others, 1);
	ck_assert_str_eq(find(&w, "one"), "");
	ck_assert_str_eq(find(&w, "two"), "CN=A/O=X");
	world_end(&w);
}
END_TEST

#define BOTH "CN=A/O=X|CN=A/O=X"

/* Two persons with one name: both stay, and the second is told of with the first's place. */
START_TEST(two_persons_with_one_name)
{
	setup();
	/* in one file, with UNIDs and without */
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("one"), "1@x", HASH1)
	         PERSON(U2, T("cn=a/o=x") T("two"), "2@x", HASH1)
	         PLAIN_PERSON(T("B/X") T("three"), "3@x") PLAIN_PERSON(T("CN=B/O=X") T("four"), "4@x") TAIL);
	ck_assert_str_eq(compile(&w), "a.dxl:7: the same FullName is that of another Person document, a.dxl:3; "
	                 "both stay, and the name is ambiguous\n"
	                 "a.dxl:13: the same FullName is that of another Person document, a.dxl:11; "
	                 "both stay, and the name is ambiguous\n");
	ck_assert_uint_eq(w.report.persons, 4);
	ck_assert_str_eq(find(&w, "A"), "CN=A/O=X|CN=a/O=x");
	ck_assert_str_eq(find(&w, "b/x"), "CN=B/O=X|CN=B/O=X");
	ck_assert_str_eq(find(&w, "one"), "CN=A/O=X");
	ck_assert_str_eq(find(&w, "2@x"), "CN=a/O=x");
	ck_assert_str_eq(find(&w, "four"), "CN=B/O=X");
	/* other lines, same documents */
	put_file(&w, "a.dxl", HEAD "\n" PERSON(U1, T("CN=A/O=X") T("one"), "1@x", HASH1)
	         PERSON(U2, T("cn=a/o=x") T("two"), "2@x", HASH1) TAIL);
	ck_assert(strstr(compile(&w), "a.dxl:8: the same FullName is that of another Person document, a.dxl:4;") != NULL);
	ck_assert_uint_eq(w.report.persons, 2);
	/* one of them goes to another file, which is told of with where the first stands now */
	put_file(&w, "a.dxl", HEAD "\n\n" PERSON(U1, T("CN=A/O=X") T("one"), "1@x", HASH1) TAIL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(find(&w, "two"), "");
	put_file(&w, "b.dxl", HEAD PERSON(U2, T("CN=A/O=X") T("two"), "2@x", HASH1) TAIL);
	age_file(&w, "b.dxl");
	ck_assert_str_eq(compile(&w), "b.dxl:3: the same FullName is that of another Person document, a.dxl:5; "
	                 "both stay, and the name is ambiguous\n");
	ck_assert_str_eq(find(&w, "A/X"), BOTH);
	ck_assert_str_eq(find(&w, "one"), "CN=A/O=X");
	/* the first one changes */
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("uno"), "1@x", HASH1) TAIL);
	ck_assert_str_eq(compile(&w), "a.dxl:3: the same FullName is that of another Person document, b.dxl:3; "
	                 "both stay, and the name is ambiguous\n");
	ck_assert_str_eq(find(&w, "A/X"), BOTH);
	/* a new UNID for the same one, in the same file or moved: nothing to tell of */
	put_file(&w, "b.dxl", NULL);
	ck_assert_str_eq(compile(&w), "");
	put_file(&w, "a.dxl", HEAD PERSON(U3, T("CN=A/O=X") T("uno"), "1@x", HASH1) TAIL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(find(&w, "A/X"), "CN=A/O=X");
	put_file(&w, "z.dxl", HEAD TAIL);
	compile(&w);
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("uno"), "1@x", HASH1) TAIL);
	put_file(&w, "z.dxl", HEAD TAIL "\n");
	ck_assert_str_eq(compile(&w), "");
	put_file(&w, "a.dxl", HEAD TAIL "\n");
	put_file(&w, "z.dxl", HEAD PERSON(U2, T("CN=A/O=X") T("uno"), "1@x", HASH1) TAIL);
	ck_assert_str_eq(compile(&w), "");
	put_file(&w, "a.dxl", HEAD PERSON(U3, T("CN=A/O=X") T("uno"), "1@x", HASH1) TAIL);
	put_file(&w, "z.dxl", HEAD TAIL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(find(&w, "A/X"), "CN=A/O=X");
	world_end(&w);
}
END_TEST

START_TEST(many_persons_with_one_name)
{
	struct buf xml = BUF_INIT;

	setup();
	buf_add_str(&xml, HEAD);
	for (int i = 0; i < 20000; i++)
		buf_addf(&xml, "<document form='Person'><noteinfo unid='%032x'/><item name='FullName'><text>CN=A/O=X</text>"
		         "</item></document>\n", i + 1);
	buf_add_str(&xml, TAIL);
	put_file(&w, "a.dxl", buf_cstr(&xml));
	compile(&w);
	ck_assert_uint_eq(w.report.persons, 20000);
	ck_assert_str_eq(find(&w, "a"), "error 3d0e");
	put_file(&w, "a.dxl", HEAD TAIL);
	compile(&w);
	ck_assert_str_eq(find(&w, "a"), "");
	buf_release(&xml);
	world_end(&w);
}
END_TEST

/* --- LocalPerson ----------------------------------------------------------------------- */

#define LOCAL(name, password) HEAD "<document form='LocalPerson'>\n<item name='FullName'><text>" name "</text></item>" \
	"<item name='HTTPPassword'><textlist>" password "</textlist></item>" \
	"<item name='HTTPPasswordChangeDate'><datetime>20240601T120000,00Z</datetime></item></document>" TAIL
#define HASH2 "(GNBpcGJRYpBe9orUOpmZ)"
#define EXPORT(password) HEAD PERSON(U1, T("CN=A/O=X") T("alias"), "a@x", password) \
	PERSON(U2, T("CN=B/O=X"), "b@x", HASH1) TAIL

/* The passwords of the only match, "," between them. */
static const char *passwords(const char *login)
{
	static char out[1024];
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	size_t count = 0, at = 0;

	snprintf(out, sizeof(out), "none");
	if (directory_find_login(w.directory, slice_of(login), true, 1, &arena, &persons, &count) == NOERROR && count == 1) {
		out[0] = '\0';
		for (size_t i = 0; i < persons->password_count; i++)
			at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%.*s", i > 0 ? "," : "",
			                       (int)persons->passwords[i].n, persons->passwords[i].p);
	}
	arena_release(&arena);
	return out;
}

static void begin_local(void)
{
	char path[4096];

	setup();
	snprintf(path, sizeof(path), "%s/names/local", w.dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

/* Every order in which the two documents can come, change and go. */
START_TEST(local_items_stand_in_place_of_a_persons)
{
	static const char *const person_files[] = { "a.dxl", "local/z.dxl" };

	for (size_t i = 0; i < 2; i++) {
		const char *file = person_files[i];

		begin_local();
		/* both at once */
		put_file(&w, file, EXPORT(HASH1));
		put_file(&w, "local/a.dxl", LOCAL("A/X", T(HASH2)));
		ck_assert_str_eq(compile(&w), "");
		ck_assert_str_eq(passwords("a"), HASH2);
		ck_assert_str_eq(passwords("alias"), HASH2);
		ck_assert_str_eq(passwords("a@x"), HASH2);
		ck_assert_str_eq(passwords("b"), HASH1);
		ck_assert_uint_eq(w.report.persons, 2);
		compile(&w);
		ck_assert(!w.report.changed);
		/* the person changes */
		put_file(&w, file, EXPORT("(BBD26C0ACAD1C2F59AE1D6A8B6AD8F42)"));
		ck_assert_str_eq(compile(&w), "");
		ck_assert(w.report.changed);
		ck_assert_str_eq(passwords("a"), HASH2);
		/* only its place changes */
		put_file(&w, file, HEAD "\n\n" PERSON(U1, T("CN=A/O=X") T("alias"), "a@x", HASH1) TAIL);
		compile(&w);
		ck_assert_str_eq(passwords("a"), HASH2);
		/* the local one changes */
		put_file(&w, "local/a.dxl", LOCAL("CN=a/O=x", T(HASH2) T(HASH1)));
		ck_assert_str_eq(compile(&w), "");
		ck_assert_str_eq(passwords("alias"), HASH2 "," HASH1);
		/* the person goes, and comes back */
		put_file(&w, file, HEAD TAIL);
		ck_assert(strstr(compile(&w), "local/a.dxl:3: no Person document has this first FullName") != NULL);
		ck_assert_uint_eq(w.report.warnings, 1);
		ck_assert_str_eq(find(&w, "a"), "");
		ck_assert_str_eq(compile(&w), "");
		put_file(&w, file, EXPORT(HASH1));
		ck_assert_str_eq(compile(&w), "");
		ck_assert_str_eq(passwords("alias"), HASH2 "," HASH1);
		/* the local one goes, and comes back */
		put_file(&w, "local/a.dxl", NULL);
		ck_assert_str_eq(compile(&w), "");
		ck_assert(w.report.changed);
		ck_assert_str_eq(passwords("alias"), HASH1);
		put_file(&w, "local/a.dxl", LOCAL("A/X", T(HASH2)));
		ck_assert_str_eq(compile(&w), "");
		ck_assert_str_eq(passwords("alias"), HASH2);
		/* it now means another person */
		put_file(&w, "local/a.dxl", LOCAL("B/X", T(HASH2)));
		ck_assert_str_eq(compile(&w), "");
		ck_assert_str_eq(passwords("a"), HASH1);
		ck_assert_str_eq(passwords("b"), HASH2);
		/* both go */
		put_file(&w, "local/a.dxl", NULL);
		put_file(&w, file, NULL);
		ck_assert_str_eq(compile(&w), "");
		ck_assert_uint_eq(w.report.documents, 0);
		world_end(&w);
	}
}
END_TEST

START_TEST(local_items_for_nobody_or_two)
{
	begin_local();
	put_file(&w, "local/a.dxl", LOCAL("A/X", T(HASH2)));
	ck_assert(strstr(compile(&w), "local/a.dxl:3: no Person document") != NULL);
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("one"), "1@x", HASH1) TAIL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(passwords("one"), HASH2);
	/* a second person of that name: neither gets it, and it is told */
	put_file(&w, "b.dxl", HEAD PERSON(U2, T("CN=A/O=X") T("two"), "2@x", HASH1) TAIL);
	ck_assert(strstr(compile(&w), "local/a.dxl:3: more than one Person document") != NULL);
	ck_assert_str_eq(passwords("one"), HASH1);
	ck_assert_str_eq(passwords("two"), HASH1);
	/* the first goes: the second is the only one */
	put_file(&w, "a.dxl", NULL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(passwords("two"), HASH2);
	/* an alias is not enough, nor another form */
	put_file(&w, "local/a.dxl", LOCAL("two", T(HASH2)));
	ck_assert(strstr(compile(&w), "local/a.dxl:3: no Person document") != NULL);
	ck_assert_str_eq(passwords("two"), HASH1);
	world_end(&w);
}
END_TEST

START_TEST(local_documents_elsewhere)
{
	begin_local();
	put_file(&w, "a.dxl", EXPORT(HASH1));
	put_file(&w, "z.dxl", LOCAL("A/X", T(HASH2)));
	ck_assert_str_eq(compile(&w), "z.dxl:3: a LocalPerson document is passed over: such documents count below "
	                 "names/local/ only\n");
	ck_assert_str_eq(passwords("a"), HASH1);
	/* a blank one shuts a person out; what is malformed is told of */
	put_file(&w, "local/a.dxl", LOCAL("A/X", T("")));
	ck_assert(strstr(compile(&w), "local/a.dxl:4: HTTPPassword is blank") != NULL);
	ck_assert_str_eq(passwords("a"), "");
	put_file(&w, "local/a.dxl", LOCAL("A/X", T("plain secret")));
	ck_assert(strstr(compile(&w), "local/a.dxl:4: HTTPPassword is not a digest") != NULL);
	ck_assert(strstr(buf_cstr(&w.said), "secret") == NULL);
	/* a broken one leaves what it said before */
	put_file(&w, "local/a.dxl", LOCAL("A/X", T(HASH2)));
	compile(&w);
	put_file(&w, "local/a.dxl", HEAD "<document form='LocalPerson'><item name='FullName'><text>A/X</text></item><item>");
	ck_assert(strstr(compile(&w), "remain in force") != NULL);
	ck_assert_str_eq(passwords("a"), HASH2);
	put_file(&w, "local/a.dxl", HEAD "<document form='LocalPerson'><item name='FullName'><text>A/X</text></item><item/></document>" TAIL);
	ck_assert(strstr(compile(&w), "what this document said before remains in force") != NULL);
	ck_assert_str_eq(passwords("a"), HASH2);
	/* checking tells the same and changes nothing */
	put_file(&w, "local/a.dxl", LOCAL("Nobody/X", T(HASH2)));
	buf_clear(&w.said);
	ck_assert_int_eq(directory_check(w.dir, SLICE_LIT(""), &w.report, say_into, &w, &w.fault), NOERROR);
	ck_assert(strstr(buf_cstr(&w.said), "local/a.dxl:3: no Person document") != NULL);
	ck_assert_str_eq(passwords("a"), HASH2);
	world_end(&w);
}
END_TEST

/* --- the costliest digest --------------------------------------------------------------- */

START_TEST(costliest_rounds)
{
	char digest[64], xml[4096];

	begin_local();
	ck_assert_uint_eq(directory_costliest_rounds(w.directory), 0);
	put_file(&w, "a.dxl", EXPORT(HASH1));
	compile(&w);
	ck_assert_uint_eq(directory_costliest_rounds(w.directory), 0);
	ck_assert_int_eq(inetpass_hash(SLICE_LIT("x"), INETPASS_V3, 700, digest), NOERROR);
	snprintf(xml, sizeof(xml), "%s%s<text>%s</text>%s", HEAD "<document form='Person'><item name='FullName'><text>C/X"
	         "</text></item><item name='HTTPPassword'><textlist>", T(HASH1), digest, "</textlist></item></document>" TAIL);
	put_file(&w, "b.dxl", xml);
	compile(&w);
	ck_assert_uint_eq(directory_costliest_rounds(w.directory), 700);
	/* what nothing has changed in stays what it is */
	put_file(&w, "b.dxl", xml);
	put_file(&w, "a.dxl", EXPORT(HASH2));
	compile(&w);
	ck_assert_uint_eq(directory_costliest_rounds(w.directory), 700);
	/* a local document's counts, and what it stands in place of does not */
	ck_assert_int_eq(inetpass_hash(SLICE_LIT("x"), INETPASS_V3, 300, digest), NOERROR);
	snprintf(xml, sizeof(xml), HEAD "<document form='LocalPerson'><item name='FullName'><text>C/X</text></item>"
	         "<item name='HTTPPassword'><text>%s</text></item></document>" TAIL, digest);
	put_file(&w, "local/c.dxl", xml);
	compile(&w);
	ck_assert_uint_eq(directory_costliest_rounds(w.directory), 300);
	put_file(&w, "a.dxl", EXPORT(HASH1));
	compile(&w);
	ck_assert_uint_eq(directory_costliest_rounds(w.directory), 300);
	put_file(&w, "local/c.dxl", NULL);
	compile(&w);
	ck_assert_uint_eq(directory_costliest_rounds(w.directory), 700);
	put_file(&w, "b.dxl", NULL);
	compile(&w);
	ck_assert_uint_eq(directory_costliest_rounds(w.directory), 0);
	world_end(&w);
}
END_TEST

/* --- a broken document -------------------------------------------------------------------- */

#define NAMED(unid, names) "<document form='Person'>" unid "<item name='FullName'><textlist>" names "</textlist></item>"
#define UNID(unid) "<noteinfo unid='" unid "'/>"

START_TEST(a_broken_document_keeps_its_last_good_state)
{
	static const struct {
		const char *document;   /* in place of the person B of line 4 */
		const char *said;
	} broken[] = {
		{ NAMED(UNID(U2), T("CN=B/O=X") T("changed")) "<item/></document>\n",
		  "a.dxl:4: an item without a name; the document is left out\na.dxl:4: what this document said before remains in force\n" },
		{ "<document form='Person'>" UNID(U2) "</document>\n",
		  "a.dxl:4: a Person document without FullName\na.dxl:4: what this document said before remains in force\n" },
		{ "<document>" UNID(U2) "<item name='FullName'><text>CN=B/O=X</text></item></document>\n",
		  "a.dxl:4: a document without a form\na.dxl:4: what this document said before remains in force\n" },
		/* no UNID: by its name */
		{ NAMED("", T("b/x") T("changed")) "<item/></document>\n",
		  "a.dxl:4: an item without a name; the document is left out\na.dxl:4: what this document said before remains in force\n" },
		/* nothing says which one it was */
		{ "<document form='Person'><item/></document>\n",
		  "a.dxl:4: an item without a name; the document is left out\na.dxl: which document was broken cannot be told; "
		  "1 that has not been found again remains in force\n" },
		{ "<document form='Person'><noteinfo unid='xyz'/></document>\n",
		  "a.dxl:4: the attribute unid is not 32 hexadecimal digits; the document is left out\na.dxl: which document was "
		  "broken cannot be told; 1 that has not been found again remains in force\n" },
	};
	char xml[4096];

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		setup();
		put_file(&w, "a.dxl", HEAD NAMED(UNID(U1), T("CN=A/O=X")) "</document>\n" NAMED(UNID(U2), T("CN=B/O=X")) "</document>\n"
		         NAMED(UNID(U3), T("CN=C/O=X")) "</document>\n" TAIL);
		ck_assert_str_eq(compile(&w), "");
		/* A has changed, too */
		snprintf(xml, sizeof(xml), HEAD NAMED(UNID(U1), T("CN=A/O=X") T("new")) "</document>\n" "%s"
		         NAMED(UNID(U3), T("CN=C/O=X")) "</document>\n" TAIL, broken[i].document);
		put_file(&w, "a.dxl", xml);
		ck_assert_str_eq(compile(&w), broken[i].said);
		ck_assert_uint_eq(w.report.persons, 3);
		ck_assert_str_eq(find(&w, "b"), "CN=B/O=X");
		ck_assert_str_eq(find(&w, "changed"), "");
		ck_assert_str_eq(find(&w, "new"), "CN=A/O=X");
		ck_assert_str_eq(find(&w, "c"), "CN=C/O=X");
		/* mended: B is gone for good */
		put_file(&w, "a.dxl", HEAD NAMED(UNID(U1), T("CN=A/O=X")) "</document>\n" TAIL);
		ck_assert_str_eq(compile(&w), "");
		ck_assert_uint_eq(w.report.persons, 1);
		ck_assert_str_eq(find(&w, "b"), "");
		world_end(&w);
	}
}
END_TEST

START_TEST(order_of_files)
{
	char path[4096];

	setup();
	snprintf(path, sizeof(path), "%s/names/local", w.dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	put_file(&w, "z.xml", HEAD PERSON(U1, T("CN=A/O=X") T("from z"), "a@x", HASH1) TAIL);
	put_file(&w, "local/a.DXL", HEAD PERSON(U1, T("CN=A/O=X") T("from local"), "a@x", HASH1) TAIL);
	put_file(&w, "note.txt", "not DXL");
	put_file(&w, ".hidden.dxl", "not DXL");
	ck_assert_str_eq(compile(&w), "");
	ck_assert_uint_eq(w.report.files, 2);
	ck_assert_str_eq(find(&w, "from local"), "CN=A/O=X");
	ck_assert_str_eq(find(&w, "from z"), "");
	world_end(&w);
}
END_TEST

static const struct {
	const char *document, *told;    /* the document begins on line 3 */
	bool fault;                     /* else a warning */
} bad[] = {
	{ "<document><item name='FullName'><text>x</text></item></document>\n", "a.dxl:3: a document without a form", true },
	{ "<document form='Person'></document>\n", "a.dxl:3: a Person document without FullName", true },
	{ "<document form='Person'><item name='FullName'><text> </text></item></document>\n", "a.dxl:3: a Person document without FullName", true },
	{ "<document form='Group'></document>\n", "a.dxl:3: a Group document without ListName", true },
	{ "<document form='Other'></document>\n", "a.dxl:3: a document with neither", true },
	{ "<document form='Person'>\n<item name='FullName'><rawitemdata type='500'>/w==</rawitemdata></item></document>\n", "a.dxl:4: FullName cannot be used", true },
	{ "<document form='Person'><noteinfo unid='x'/></document>\n", "a.dxl:3: the attribute unid", true },
	{ PERSON(U3, T("CN=C/O=X"), "c@x", "secret"), "a.dxl:5: HTTPPassword is not a digest but plain", false },
	{ PERSON(U3, T("CN=C/O=X"), "c@x", ""), "a.dxl:5: HTTPPassword is blank", false },
	{ PERSON(U3, T("CN=C/O=X"), "c@x", "(G123)"), "a.dxl:5: HTTPPassword is malformed", false },
	{ "<document form='Server'><item name='ServerName'><text>CN=S/O=X</text></item>\n<item name='pop3_port'>"
	  "<text>99999</text></item></document>\n", "a.dxl:4: pop3_port is not a port number", false },
	{ "<document form='Server'><item name='ServerName'><text>CN=S/O=X</text></item>\n<item name='POP3_PortStatus'>"
	  "<text>maybe</text></item></document>\n", "a.dxl:4: POP3_PortStatus is neither", false },
};

START_TEST(told_by_file_and_line)
{
	char xml[4096];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		setup();
		snprintf(xml, sizeof(xml), "%s%s%s%s", HEAD, bad[i].document,
		         PERSON(U2, T("CN=Good/O=X"), "g@x", HASH1), TAIL);
		put_file(&w, "a.dxl", xml);
		compile(&w);
		ck_assert_msg(strstr(buf_cstr(&w.said), bad[i].told) != NULL, "case %zu: %s", i,
		              buf_cstr(&w.said));
		ck_assert_msg(strstr(buf_cstr(&w.said), "secret") == NULL, "case %zu", i);
		ck_assert_msg(w.report.faults == (bad[i].fault ? 1 : 0), "case %zu: %u faults", i,
		              w.report.faults);
		ck_assert_msg(w.report.warnings == (bad[i].fault ? 0 : 1), "case %zu: %u warnings", i,
		              w.report.warnings);
		ck_assert_str_eq(find(&w, "good"), "CN=Good/O=X");
		world_end(&w);
	}
}
END_TEST

START_TEST(a_broken_file_keeps_its_last_good_state)
{
	setup();
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X"), "a@x", HASH1) PERSON(U2, T("CN=B/O=X"), "b@x", HASH1) TAIL);
	put_file(&w, "b.dxl", HEAD PERSON(U3, T("CN=C/O=X"), "c@x", HASH1) TAIL);
	compile(&w);
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("changed"), "a@x", HASH1) "<document");
	put_file(&w, "b.dxl", HEAD PERSON(U3, T("CN=C/O=X") T("cee"), "c@x", HASH1) TAIL);
	compile(&w);
	ck_assert(strstr(buf_cstr(&w.said), "a.dxl:7: not well-formed") != NULL);
	ck_assert(strstr(buf_cstr(&w.said), "remain in force") != NULL);
	ck_assert_uint_eq(w.report.faults, 1);
	ck_assert_uint_eq(w.report.persons, 3);
	ck_assert_str_eq(find(&w, "changed"), "");
	ck_assert_str_eq(find(&w, "a"), "CN=A/O=X");
	ck_assert_str_eq(find(&w, "b"), "CN=B/O=X");
	ck_assert_str_eq(find(&w, "cee"), "CN=C/O=X");
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X") T("changed"), "a@x", HASH1) TAIL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(find(&w, "changed"), "CN=A/O=X");
	ck_assert_str_eq(find(&w, "b"), "");
	world_end(&w);
}
END_TEST

START_TEST(a_file_cut_from_the_start)
{
	setup();
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X"), "a@x", HASH1) "<document form='Person'>");
	compile(&w);
	ck_assert_uint_eq(w.report.faults, 1);
	ck_assert_str_eq(find(&w, "a"), "CN=A/O=X");
	put_file(&w, "a.dxl", HEAD PERSON(U2, T("CN=B/O=X"), "b@x", HASH1) TAIL);
	compile(&w);
	ck_assert_str_eq(find(&w, "a"), "");
	ck_assert_str_eq(find(&w, "b"), "CN=B/O=X");
	world_end(&w);
}
END_TEST

START_TEST(the_database_goes_or_is_damaged)
{
	char path[4096];
	FILE *file;

	setup();
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X"), "a@x", HASH1) TAIL);
	compile(&w);
	ck_assert_str_eq(find(&w, "a"), "CN=A/O=X");
	for (int i = 0; i < 2; i++) {
		const char *const endings[] = { "", "-wal", "-shm", "-lock" };

		for (size_t j = 0; j < 4; j++) {
			snprintf(path, sizeof(path), "%s/names.nsf%s", w.dir, endings[j]);
			unlink(path);
		}
		ck_assert_str_eq(find(&w, "a"), "error 0103");
		ck_assert_uint_eq(directory_generation(w.directory), 0);
		compile(&w);
		ck_assert(w.report.changed);
		ck_assert_str_eq(find(&w, "a"), "CN=A/O=X");
		ck_assert_uint_ne(directory_generation(w.directory), 0);
	}
	directory_close(&w.directory);
	snprintf(path, sizeof(path), "%s/names.nsf", w.dir);
	file = fopen(path, "r+");
	fseek(file, 100, SEEK_SET);
	for (int i = 0; i < 30000; i++)
		fputc(0xA5, file);
	fclose(file);
	ck_assert_int_eq(directory_open(w.dir, &w.directory, NULL), NOERROR);
	compile(&w);
	ck_assert(strstr(buf_cstr(&w.said), "made anew") != NULL);
	ck_assert_str_eq(find(&w, "a"), "CN=A/O=X");
	world_end(&w);
}
END_TEST

START_TEST(a_real_nsf_is_left_alone)
{
	char path[4096];
	FILE *file;

	setup();
	snprintf(path, sizeof(path), "%s/names.nsf", w.dir);
	file = fopen(path, "w");
	fwrite("\x1a\0\0\4\0\0", 1, 6, file);
	for (int i = 0; i < 5000; i++)
		fputc(0, file);
	fclose(file);
	ck_assert_int_eq(directory_compile(w.dir, &w.report, NULL, NULL, &w.fault), POSTIL_ERR_FOREIGN);
	ck_assert_int_eq(access(path, F_OK), 0);
	world_end(&w);
}
END_TEST

START_TEST(too_many_warnings_become_one_line)
{
	struct buf xml = BUF_INIT;
	unsigned lines = 0;

	setup();
	buf_add_str(&xml, HEAD);
	for (int i = 0; i < 100; i++)
		buf_addf(&xml, "<document form='Person'><item name='FullName'><text>p%d</text></item>"
		         "<item name='HTTPPassword'><text>plain</text></item></document>\n", i);
	buf_add_str(&xml, TAIL);
	put_file(&w, "a.dxl", buf_cstr(&xml));
	compile(&w);
	for (size_t i = 0; i < w.said.n; i++)
		lines += w.said.p[i] == '\n';
	ck_assert_uint_eq(lines, 21);
	ck_assert_uint_eq(w.report.warnings, 100);
	ck_assert(strstr(buf_cstr(&w.said), "80 more") != NULL);
	buf_release(&xml);
	world_end(&w);
}
END_TEST

START_TEST(check_writes_nothing)
{
	char path[4096];

	setup();
	put_file(&w, "a.dxl", HEAD PERSON(U1, T("CN=A/O=X"), "a@x", "plain") PERSON(U1, T("CN=A/O=X"), "a@x", HASH1)
	         "<document></document>" TAIL);
	ck_assert_int_eq(directory_check(w.dir, SLICE_LIT(""), &w.report, say_into, &w, &w.fault), NOERROR);
	ck_assert_uint_eq(w.report.faults, 1);
	ck_assert_uint_eq(w.report.warnings, 2);
	ck_assert_uint_eq(w.report.persons, 1);
	snprintf(path, sizeof(path), "%s/names.nsf", w.dir);
	ck_assert_int_ne(access(path, F_OK), 0);
	world_end(&w);
}
END_TEST

UNIT_MAIN("directory/compile", nothing_there, second_run_reads_nothing, later_takes_the_place_of_earlier,
          a_changed_later_file_uncovers, a_document_moves_between_files, twice_in_one_file,
          two_persons_with_one_name, many_persons_with_one_name,
          local_items_stand_in_place_of_a_persons, local_items_for_nobody_or_two, local_documents_elsewhere,
          costliest_rounds, a_broken_document_keeps_its_last_good_state,
          order_of_files, told_by_file_and_line, a_broken_file_keeps_its_last_good_state,
          a_file_cut_from_the_start, the_database_goes_or_is_damaged, a_real_nsf_is_left_alone,
          too_many_warnings_become_one_line, check_writes_nothing)
