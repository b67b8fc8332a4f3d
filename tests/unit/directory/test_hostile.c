/*
 * Documents and files that are wrong, large or made to harm: each is named by file and
 * line, and nothing else is affected; names.nsf as another version or a stranger left it.
 */
#include "base/crypt.h"
#include "directory/private.h"
#include "tests/unit/directory/fixture.h"

static struct world w;

#define GOOD HEAD PERSON(U2, T("CN=Good/O=X"), "g@x", HASH1) TAIL
#define VICTIM(names) PERSON(U1, names, "v@x", HASH1)

/* --- whole files ------------------------------------------------------------ */

static const struct {
	const char *what, *xml, *told;
} files[] = {
	{ "an entity bomb", "<?xml version='1.0'?>\n<!DOCTYPE x [\n<!ENTITY a 'aaaaaaaaaa'>\n<!ENTITY b '&a;&a;&a;&a;&a;&a;'>\n"
	  "]>\n<database><document form='Person'><item name='FullName'><text>&b;</text></item></document></database>",
	  "a.dxl:3: entity declarations are refused" },
	{ "an external entity", "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>\n<database>"
	  "<document form='Person'><item name='FullName'><text>&a;</text></item></document></database>",
	  "a.dxl:1: entity declarations are refused" },
	{ "a parameter entity", "<!DOCTYPE x [\n<!ENTITY % a SYSTEM 'http://127.0.0.1:1/x.dtd'>\n%a;]>\n<database/>",
	  "a.dxl:2: entity declarations are refused" },
	{ "octets that are not of its encoding", "<?xml version='1.0' encoding='utf-8'?>\n<database>\n"
	  "<document form='Person'><item name='FullName'><text>CN=J\xF6rg/O=X</text></item></document></database>",
	  "a.dxl:3: not well-formed" },
	{ "an encoding that nobody knows", "<?xml version='1.0' encoding='x-nobody-knows'?>\n<database>"
	  "<document form='Person'><item name='FullName'><text>CN=J\xF6rg/O=X</text></item></document></database>",
	  "a.dxl:1: not well-formed" },
	{ "another encoding than it says", "<?xml version='1.0' encoding='utf-16'?>\n<database><document", "a.dxl:" },
	{ "not XML", "$%&/()=?\n", "a.dxl:1: not well-formed" },
	{ "nothing", "", "a.dxl:1: not well-formed" },
	{ "not DXL", "<?xml version='1.0'?>\n<html><body/></html>", "a.dxl:2: this is not DXL" },
	{ "a database of Notes", "\x1a", "a.dxl:1: not well-formed" },
};

START_TEST(a_hostile_file_affects_nothing_else)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		world_begin(&w);
		put_file(&w, "a.dxl", HEAD VICTIM(T("CN=Victim/O=X")) TAIL);
		put_file(&w, "b.dxl", GOOD);
		ck_assert_str_eq(compile(&w), "");
		put_file(&w, "a.dxl", files[i].xml);
		compile(&w);
		ck_assert_msg(strstr(buf_cstr(&w.said), files[i].told) != NULL, "%s: %s", files[i].what,
		              buf_cstr(&w.said));
		ck_assert_msg(w.report.faults == 1 && w.report.persons == 2, "%s", files[i].what);
		ck_assert_str_eq(find(&w, "v@x"), "CN=Victim/O=X");
		ck_assert_str_eq(find(&w, "good"), "CN=Good/O=X");
		ck_assert_str_eq(find(&w, "root"), "");
		world_end(&w);
	}
}
END_TEST

/* --- documents ---------------------------------------------------------------- */

#define WITH_HASH(digest) "<document form='Person'>\n<item name='FullName'><text>CN=Bad/O=X</text></item>\n" \
	"<item name='HTTPPassword'><text>" digest "</text></item></document>\n"

static const struct {
	const char *document, *told;            /* the document begins on line 7 */
} documents[] = {
	{ WITH_HASH("(06E0A50B579AD2CD5FFDC48564627EE"), "a.dxl:9: HTTPPassword is malformed" },
	{ WITH_HASH("(GNBpcGJRYpBe9orUOp"), "a.dxl:9: HTTPPassword is malformed" },
	{ WITH_HASH("(HsjFebq0Kh9kH7aAZYc7kY30mC30mC3KmC30mCluagXrvWKj)"), "a.dxl:9: HTTPPassword is malformed" },
	/* no rounds, and 9,000,000,000 of them */
	{ WITH_HASH("(HsjFebq0Kh9kH7aAZYc7kY30mC30mC30mC30mCluagXrvWKj1)"), "a.dxl:9: HTTPPassword is malformed" },
	{ WITH_HASH("(HsjFebq0Kh9kH7aAZYc7kY3amC30mC3KmC30mCluagXrvWKj1)"), "a.dxl:9: HTTPPassword is malformed" },
	{ "<document form='Group'>\n<item name='ListName'><text>Staff</text></item>\n<item name='Members'><textlist><text>Good/X</text>"
	  "<text>STAFF</text></textlist></item></document>\n", "a.dxl:9: the group is among its own Members" },
	{ "<document form='Person'>\n<item name='FullName'><text>CN=Bad/O=X</text></item>\n"
	  "<item name='ShortName'><rawitemdata type='500'>/w==</rawitemdata></item></document>\n",
	  "a.dxl:9: a value of ShortName cannot be used as a name" },
	{ "<document form='Person'>\n<item name='FullName'><text>CN=Good/O=X</text></item></document>\n",
	  "a.dxl:7: the same FullName is that of another Person document, a.dxl:3" },
};

START_TEST(a_hostile_document_affects_nothing_else)
{
	char xml[4096];

	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		world_begin(&w);
		snprintf(xml, sizeof(xml), HEAD PERSON(U2, T("CN=Good/O=X"), "g@x", HASH1) "%s" TAIL,
		         documents[i].document);
		put_file(&w, "a.dxl", xml);
		compile(&w);
		ck_assert_msg(strstr(buf_cstr(&w.said), documents[i].told) != NULL, "case %zu: %s", i,
		              buf_cstr(&w.said));
		ck_assert_msg(w.report.faults == 0 && w.report.warnings == 1, "case %zu: %s", i,
		              buf_cstr(&w.said));
		ck_assert_str_eq(find(&w, "g@x"), "CN=Good/O=X");
		ck_assert_uint_eq(directory_costliest_rounds(w.directory), 0);
		world_end(&w);
	}
}
END_TEST

START_TEST(a_name_of_a_megabyte)
{
	static const char *const forms[] = { "Person", "Group", "Server" };
	static const char *const items[] = { "FullName", "ListName", "ServerName" };
	struct buf xml = BUF_INIT;

	for (size_t i = 0; i < 3; i++) {
		buf_clear(&xml);
		buf_addf(&xml, HEAD "<document form='%s'>\n<item name='%s'><text>", forms[i], items[i]);
		for (int j = 0; j < 1 << 20; j++)
			buf_add_char(&xml, 'x');
		buf_add_str(&xml, "</text></item></document>\n" PERSON(U2, T("CN=Good/O=X"), "g@x", HASH1) TAIL);
		world_begin(&w);
		put_file(&w, "a.dxl", buf_cstr(&xml));
		compile(&w);
		ck_assert(strstr(buf_cstr(&w.said), "a.dxl:4: ") != NULL);
		ck_assert(strstr(buf_cstr(&w.said), "cannot be used: it is longer than 1024 octets") != NULL);
		ck_assert_uint_lt(w.said.n, 1000);
		ck_assert_uint_eq(w.report.faults, 1);
		ck_assert_str_eq(find(&w, "good"), "CN=Good/O=X");
		world_end(&w);
	}
	buf_release(&xml);
}
END_TEST

/* --- large groups ------------------------------------------------------------- */

#define MEMBERS 100000

static STATUS see_group(void *context, const struct directory_group *group)
{
	buf_addf(context, "%.*s/%d;", (int)group->name.n, group->name.p, group->type);
	return NOERROR;
}

static const char *groups_of(struct directory_source *source, const char *name)
{
	static char out[200];
	struct buf key = BUF_INIT, seen = BUF_INIT;

	ck_assert_int_eq(directory_key(slice_of(name), &key), NOERROR);
	ck_assert_int_eq(source->calls->groups_of(source, buf_slice(&key), see_group, &seen), NOERROR);
	snprintf(out, sizeof(out), "%s", buf_cstr(&seen));
	buf_release(&key);
	buf_release(&seen);
	return out;
}

START_TEST(a_group_of_100000_members)
{
	struct directory_source *source;
	struct buf xml = BUF_INIT;

	world_begin(&w);
	buf_add_str(&xml, HEAD "<document form='Group'><item name='ListName'><text>Everybody</text></item>"
	            "<item name='GroupType'><text>2</text></item><item name='Members'><textlist>");
	for (int i = 0; i < MEMBERS; i++)
		buf_addf(&xml, "<text>CN=Member %d/OU=Some Department/O=Example</text>\n", i);
	buf_add_str(&xml, "</textlist></item></document>" TAIL);
	put_file(&w, "a.dxl", buf_cstr(&xml));
	ck_assert_str_eq(compile(&w), "");
	ck_assert_uint_eq(w.report.documents, 1);
	ck_assert_int_eq(directory_source_compiled(w.dir, &source, NULL), NOERROR);
	ck_assert_str_eq(groups_of(source, "member 0/some department/example"), "Everybody/2;");
	ck_assert_str_eq(groups_of(source, "CN=Member 99999/OU=Some Department/O=Example"), "Everybody/2;");
	ck_assert_str_eq(groups_of(source, "Member 100000/Some Department/Example"), "");
	put_file(&w, "a.dxl", HEAD TAIL);
	compile(&w);
	ck_assert_str_eq(groups_of(source, "member 0/some department/example"), "");
	source->calls->close(&source);
	buf_release(&xml);
	world_end(&w);
}
END_TEST

/* --- names.nsf ------------------------------------------------------------------ */

static struct nsf *open_names(void)
{
	struct nsf *nsf;
	char path[4096];

	snprintf(path, sizeof(path), "%s/names.nsf", w.dir);
	ck_assert_int_eq(nsf_open(path, &nsf, NULL), NOERROR);
	return nsf;
}

START_TEST(a_file_of_another_version_is_made_anew)
{
	struct nsf *nsf;
	uint64_t generation;

	world_begin(&w);
	put_file(&w, "a.dxl", GOOD);
	compile(&w);
	generation = directory_generation(w.directory);
	nsf = open_names();
	ck_assert_int_eq(nsf_property_set(nsf, PROPERTY_FORMAT, (struct slice){ "\1\0\0\0\0\0\0\0", 8 }), NOERROR);
	ck_assert_int_eq(nsf_view_put(nsf, VIEW_USERS, SLICE_LIT("old"), 1, SLICE_LIT("\1what it was")), NOERROR);
	nsf_close(&nsf);
	ck_assert_str_eq(compile(&w), "");
	ck_assert(w.report.changed && w.report.persons == 1);
	ck_assert_str_eq(find(&w, "good"), "CN=Good/O=X");
	ck_assert_str_eq(find(&w, "old"), "");
	ck_assert_uint_gt(directory_generation(w.directory), generation);
	world_end(&w);
}
END_TEST

/* Records that nobody of us wrote are damage, not persons. */
START_TEST(hostile_records)
{
	static const struct slice records[] = {
		{ "", 0 }, { "\3", 1 }, { "\3\1", 2 }, { "\2\1xxxxxxxxxxxxxxxx\0\0\0\0\0\0\0\0\0\0\0", 29 },
		{ "\3\377xxxxxxxxxxxxxxxx\0\0\0\0\0\0\0\0\0\0\0", 29 }, { "\3\4xxxxxxxxxxxxxxxx\0\0\0\0\0\0\0\0\0\0\0", 29 },
		{ "\3\1xxxxxxxxxxxxxxxx\377\377\0\0\0\0\0\0\0\0\0", 29 }, { "\3\1xxxxxxxxxxxxxxxx\0\0\0\0\0\0\0\0\0\0\377", 29 },
	};
	struct arena arena = ARENA_INIT;
	struct nsf *nsf;

	world_begin(&w);
	put_file(&w, "a.dxl", GOOD);
	compile(&w);
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		const struct person *persons;
		size_t count;

		nsf = open_names();
		ck_assert_int_eq(nsf_view_put(nsf, VIEW_USERS, SLICE_LIT("bad"), 1, records[i]), NOERROR);
		nsf_close(&nsf);
		ck_assert_msg(directory_find_login(w.directory, SLICE_LIT("bad"), true, 8, &arena, &persons,
		              &count) == POSTIL_ERR_DAMAGED, "record %zu", i);
		ck_assert_str_eq(find(&w, "good"), "CN=Good/O=X");
		arena_release(&arena);
	}
	nsf = open_names();
	ck_assert_int_eq(nsf_property_set(nsf, PROPERTY_GENERATION, SLICE_LIT("\1\0\0\0\0\0\0\0\377\377\377\377")), NOERROR);
	nsf_close(&nsf);
	ck_assert_uint_eq(directory_generation(w.directory), 0);
	ck_assert_uint_eq(directory_costliest_rounds(w.directory), 0);
	world_end(&w);
}
END_TEST

UNIT_MAIN("directory/hostile", a_hostile_file_affects_nothing_else, a_hostile_document_affects_nothing_else,
          a_name_of_a_megabyte, a_group_of_100000_members, a_file_of_another_version_is_made_anew,
          hostile_records)
