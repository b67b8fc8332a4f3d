/* From DXL to names.nsf: what is read again, what takes whose place, what is told. */
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
	/* the same form and name with another UNID */
	put_file(&w, "b.dxl", HEAD PERSON(U3, T("cn=a/o=x") T("newer"), "a2@x", HASH1) TAIL);
	compile(&w);
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
	put_file(&w, "b.dxl", HEAD PERSON(U2, T("CN=A/O=X") T("second"), "a@x", HASH1) TAIL);
	compile(&w);
	ck_assert_str_eq(find(&w, "first"), "");
	put_file(&w, "b.dxl", HEAD PERSON(U2, T("CN=Z/O=X") T("second"), "z@x", HASH1) TAIL);
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
	         PERSON(U2, T("CN=A/O=X") T("three"), "a@x", HASH1) TAIL);
	ck_assert(strstr(compile(&w), "a.dxl:7: ") != NULL);
	ck_assert(strstr(buf_cstr(&w.said), "a.dxl:11: ") != NULL);
	ck_assert_uint_eq(w.report.warnings, 2);
	ck_assert_uint_eq(w.report.persons, 1);
	ck_assert_str_eq(find(&w, "one"), "");
	ck_assert_str_eq(find(&w, "two"), "");
	ck_assert_str_eq(find(&w, "three"), "CN=A/O=X");
	world_end(&w);
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
	ck_assert_int_eq(directory_check(w.dir, &w.report, say_into, &w, &w.fault), NOERROR);
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
          order_of_files, told_by_file_and_line, a_broken_file_keeps_its_last_good_state,
          a_file_cut_from_the_start, the_database_goes_or_is_damaged, a_real_nsf_is_left_alone,
          too_many_warnings_become_one_line, check_writes_nothing)
