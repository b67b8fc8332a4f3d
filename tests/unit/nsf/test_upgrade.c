/* Files of version 1: brought up when they are opened, whole or not at all. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

/* As version 1 made it: two messages, the first read by a user, the third deleted and not yet
 * reclaimed, the fourth reclaimed. */
static const char version_1[] =
	"PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
	"BEGIN;"
	"CREATE TABLE store(k INTEGER PRIMARY KEY CHECK(k=1),kind INT,n INT,bytes INT,next_id INT,"
	"seq INT,replica BLOB,created INT,acl BLOB);"
	"CREATE TABLE note(id INTEGER PRIMARY KEY,unid BLOB UNIQUE,class INT,seq INT,"
	"created INT,modified INT,flags INT);"
	"CREATE TABLE item(note_id INT,ord INT,name TEXT,type INT,flags INT,value,"
	"PRIMARY KEY(note_id,ord))WITHOUT ROWID;"
	"CREATE TABLE inbox(id INTEGER PRIMARY KEY,size INT,uidl TEXT,hdr INT,dot INT);"
	"CREATE TABLE uidl(uidl TEXT PRIMARY KEY,id INT,digest BLOB)WITHOUT ROWID;"
	"CREATE TABLE body(k INTEGER PRIMARY KEY,data BLOB);"
	"CREATE TABLE gone(id INTEGER PRIMARY KEY,deleted INT);"
	"CREATE TABLE stub(unid BLOB PRIMARY KEY,seq INT,deleted INT)WITHOUT ROWID;"
	"CREATE TABLE user(id INTEGER PRIMARY KEY,name TEXT UNIQUE);"
	"CREATE TABLE unread(user INT,note_id INT,PRIMARY KEY(user,note_id))WITHOUT ROWID;"
	"CREATE TABLE entry(view TEXT,key BLOB,note_id INT,value BLOB,"
	"PRIMARY KEY(view,key,note_id))WITHOUT ROWID;"
	"CREATE INDEX entry_note ON entry(note_id);"
	"CREATE TABLE property(name TEXT PRIMARY KEY,value BLOB)WITHOUT ROWID;"
	"INSERT INTO store VALUES(1,1,2,7,5,4,randomblob(8),0,NULL);"
	"INSERT INTO note VALUES(1,randomblob(16),1,1,0,0,0),(2,randomblob(16),1,2,0,0,0),"
	"(3,randomblob(16),1,3,0,0,0);"
	"INSERT INTO item VALUES(1,0,'Subject',1280,4,'one'),(1,1,'List',1281,4,x'0100000061');"
	"INSERT INTO inbox VALUES(1,3,'u1',2,0),(2,4,'u2',4,1);"
	"INSERT INTO uidl VALUES('u1',1,x'ba7816bf8f01cfea414140de5dae2223'),"
	"('u2',2,x'ae332675a160332257286bcf34ec1e1d'),('u3',3,zeroblob(16)),"
	"('u4',4,zeroblob(16));"
	"INSERT INTO body VALUES(1<<16,CAST('abc' AS BLOB)),(2<<16,CAST('.def' AS BLOB)),"
	"(3<<16,x'00');"
	"INSERT INTO gone VALUES(3,7);"
	"INSERT INTO stub VALUES(randomblob(16),4,6);"
	"INSERT INTO user VALUES(1,'CN=A'); INSERT INTO unread VALUES(1,2);"
	"PRAGMA application_id=1349743724; PRAGMA user_version=1;"
	"COMMIT;";

static char *dir;
static char path[4096];

static void start(void)
{
	int fd;

	dir = unit_tempdir();
	snprintf(path, sizeof(path), "%s/old.nsf", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(NSF_APPLICATION_ID, 1349743724);
	help_sql(path, version_1);
}

static void expect_contents(struct nsf *nsf)
{
	struct help_list list;
	uint64_t user = 0, value = 1;
	struct arena arena = ARENA_INIT;
	struct note note;

	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.count, 2);
	ck_assert_uint_eq(list.octets, 7);
	ck_assert_str_eq(list.uidls[1], "u2");
	ck_assert(list.messages[1].has_dot_line && !list.messages[1].needs_utf8);
	help_list_release(&list);
	ck_assert_uint_eq(nsf_user_id(nsf, SLICE_LIT("CN=A"), false, &user), NOERROR);
	help_list(nsf, user, &list);
	ck_assert_uint_eq(list.count, 1);
	help_list_release(&list);
	ck_assert_uint_eq(nsf_note_get(nsf, 1, &arena, &note), NOERROR);
	ck_assert(slice_equal(note_text(&note, "Subject"), SLICE_LIT("one")));
	ck_assert(slice_equal(note_text(&note, "List"), SLICE_LIT("a")));
	ck_assert_uint_eq(nsf_setting_get(nsf, NSF_CUTOFF_DAYS, &value), NOERROR);
	ck_assert_uint_eq(value, 90);
	arena_release(&arena);
}

START_TEST(test_contents_stay)
{
	uint64_t seed = 9, id;
	struct nsf *nsf;

	start();
	nsf = help_open(path);
	expect_contents(nsf);
	ck_assert_int_eq(help_sql_number(path, "PRAGMA user_version"), NSF_SCHEMA_VERSION);
	id = help_deliver(nsf, seed, 20000, "");
	ck_assert_uint_eq(id, 5);
	ck_assert(help_body_is(nsf, id, seed, 20000));
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM stub"), 2);
	nsf_close(&nsf);
	nsf = help_open(path);          /* nothing is done again */
	ck_assert_uint_eq(nsf_folder_make(nsf, SLICE_LIT("Projects")), NOERROR);
	nsf_close(&nsf);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

/* The version is in the log and not yet in the file, as after a crash. */
START_TEST(test_version_in_the_log)
{
	struct nsf *first, *second;

	start();
	/* keeps the log from being emptied */
	first = help_open(path);
	help_sql(path, "PRAGMA wal_checkpoint(TRUNCATE); UPDATE property SET value=1");
	second = help_open(path);
	expect_contents(second);
	nsf_close(&second);
	nsf_close(&first);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

/* Many at once: one does it, and all see it done. */
START_TEST(test_several_openers)
{
	pid_t children[6];
	int state;

	start();
	for (size_t i = 0; i < 6; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (children[i] == 0) {
			struct nsf *nsf = NULL;
			uint64_t count = 0, octets = 0;
			bool fine = nsf_open(path, &nsf, NULL) == NOERROR
			            && nsf_inbox_stat(nsf, &count, &octets) == NOERROR && count == 2;

			nsf_close(&nsf);
			_exit(fine ? 0 : 1);
		}
	}
	for (size_t i = 0; i < 6; i++) {
		ck_assert_int_eq(waitpid(children[i], &state, 0), children[i]);
		ck_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0);
	}
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

/* A table is in the way: nothing is changed, and it is said. */
START_TEST(test_all_or_nothing)
{
	struct fault fault = { 0 };
	struct nsf *nsf = NULL;

	start();
	help_sql(path, "CREATE TABLE trash(x)");
	ck_assert_uint_eq(nsf_open(path, &nsf, &fault), POSTIL_ERR_DAMAGED);
	ck_assert_ptr_null(nsf);
	ck_assert_ptr_nonnull(strstr(fault.text, "trash"));
	ck_assert_int_eq(help_sql_number(path, "PRAGMA user_version"), 1);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM pragma_table_info('inbox')"), 5);
	help_sql(path, "DROP TABLE trash");
	nsf = help_open(path);
	expect_contents(nsf);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

/* A writer that does not give way: later is another time. */
START_TEST(test_lock_not_had)
{
	struct nsf_lock *lock = NULL;
	struct fault fault = { 0 };
	struct nsf *nsf = NULL;

	start();
	nsf_lock_wait_ms = 50;
	ck_assert_uint_eq(nsf_lock_open(path, &lock, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_writer(lock), NOERROR);
	ck_assert_uint_eq(nsf_open(path, &nsf, &fault), POSTIL_ERR_BUSY);
	nsf_unlock_writer(lock);
	nsf = help_open(path);
	expect_contents(nsf);
	nsf_close(&nsf);
	nsf_lock_close(&lock);
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("nsf upgrade", test_contents_stay, test_version_in_the_log, test_several_openers,
	test_all_or_nothing, test_lock_not_had)
