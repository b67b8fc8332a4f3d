/*
 * Every statement that this room speaks to SQLite, whose tables schema.c tells. Values are
 * always bound; nothing that comes from elsewhere is part of a text.
 */
#include "nsf/private.h"

#include "base/banned.h"

#define LIST_COLUMNS "id,size,hdr,dot,uidl"
#define ROW_COLUMNS LIST_COLUMNS ",note"
/* Rows of a note: mostly the row of its own number has no other note. */
#define OF_NOTE(table) " FROM " table " WHERE id=?1 AND note IS NULL"
#define OF_NOTE_TOO(table) " FROM " table " WHERE note=?1"

const char *const nsf_statement_texts[ST_COUNT] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_SAVEPOINT] = "SAVEPOINT part",
	[ST_SAVEPOINT_ROLLBACK] = "ROLLBACK TO part",
	[ST_SAVEPOINT_RELEASE] = "RELEASE part",
	[ST_COUNTERS_GET] = "SELECT kind,n,bytes,next_id,seq,filed_n,coalesce(warned,0),"
		"coalesce(quota,0),coalesce(quota_n,0),coalesce(warn,0),coalesce(soft,0) FROM store WHERE k=1",
	[ST_COUNTERS_SET] = "UPDATE store SET n=?1,bytes=?2,next_id=?3,seq=?4,filed_n=?5,warned=?6"
		" WHERE k=1",
	[ST_INBOX_LIST] = "SELECT " LIST_COLUMNS " FROM inbox ORDER BY id",
	[ST_INBOX_LIST_UNREAD] = "SELECT " LIST_COLUMNS " FROM inbox"
		" WHERE id IN (SELECT note_id FROM unread WHERE user=?1 UNION ALL"
		" SELECT i.id FROM inbox i INDEXED BY inbox_note CROSS JOIN unread u ON u.user=?1"
		" AND u.note_id=i.note WHERE i.note IS NOT NULL) ORDER BY id",
	[ST_BODY_GET] = "SELECT i.size,CASE WHEN i.size<=16384 THEN b.data END"
		" FROM inbox i LEFT JOIN body b ON b.k=?2 WHERE i.id=?1",
	[ST_OCTETS_SIZE] = "SELECT size FROM filed WHERE id=?1 UNION ALL SELECT size FROM second"
		" WHERE id=?1",
	[ST_SECOND_GET] = "SELECT id,size,hdr,dot,uidl FROM second WHERE id=?1",
	[ST_SECOND_ADD] = "INSERT INTO second(id,size,uidl,hdr,dot) VALUES(?1,?2,?3,?4,?5)",
	[ST_SECOND_DELETE] = "DELETE FROM second WHERE id=?1",
	[ST_BODY_ADD] = "INSERT INTO body(k,data) VALUES(?1,?2)",
	[ST_INBOX_ADD] = "INSERT INTO inbox(id,size,uidl,hdr,dot,note)"
		" VALUES(?1,?2,?3,?4,?5,?6)",
	[ST_UIDL_ADD] = "INSERT INTO uidl(uidl,id,digest) VALUES(?1,?2,?3)",
	[ST_UIDL_FIND] = "SELECT id,digest FROM uidl WHERE uidl=?1",
	[ST_UIDL_SET] = "UPDATE uidl SET id=?2 WHERE uidl=?1",
	[ST_UIDL_EACH] = "SELECT uidl,digest,EXISTS(SELECT 1 FROM inbox i WHERE i.id=u.id)"
		" OR EXISTS(SELECT 1 FROM filed f WHERE f.id=u.id) FROM uidl u",
	[ST_MESSAGE_HAS] = "SELECT 1 FROM inbox WHERE id=?1 UNION ALL SELECT 1 FROM filed WHERE id=?1"
		" UNION ALL SELECT 1 FROM second WHERE id=?1",
	[ST_MESSAGE_OF_NOTE] = "SELECT " ROW_COLUMNS ",1" OF_NOTE("inbox")
		" UNION ALL SELECT " ROW_COLUMNS ",1" OF_NOTE_TOO("inbox")
		" UNION ALL SELECT " ROW_COLUMNS ",0" OF_NOTE("filed")
		" UNION ALL SELECT " ROW_COLUMNS ",0" OF_NOTE_TOO("filed") " LIMIT 1",
	[ST_NOTE_OF_MESSAGE] = "SELECT coalesce(note,id) FROM inbox WHERE id=?1"
		" UNION ALL SELECT coalesce(note,id) FROM filed WHERE id=?1"
		" UNION ALL SELECT coalesce(i.note,i.id) FROM second s JOIN inbox i ON i.id=s.id-1 WHERE s.id=?1"
		" UNION ALL SELECT coalesce(f.note,f.id) FROM second s JOIN filed f ON f.id=s.id-1 WHERE s.id=?1"
		" LIMIT 1",
	[ST_INBOX_OF_SECOND] = "SELECT id-1 FROM second WHERE id=?1",
	[ST_UNREAD_ADD] = "INSERT OR IGNORE INTO unread(user,note_id) SELECT id,?1 FROM user",
	[ST_INBOX_TAKE] = "DELETE FROM inbox WHERE id=?1 RETURNING " ROW_COLUMNS ",1",
	[ST_FILED_TAKE] = "DELETE FROM filed WHERE id=?1",
	[ST_FILED_ADD] = "INSERT INTO filed(id,size,uidl,hdr,dot,note)"
		" SELECT id,size,uidl,hdr,dot,note FROM inbox WHERE id=?1",
	[ST_FILED_RETURN] = "INSERT INTO inbox(id,size,uidl,hdr,dot,note)"
		" SELECT id,size,uidl,hdr,dot,note FROM filed WHERE id=?1",
	[ST_GONE_ADD] = "INSERT OR IGNORE INTO gone(id,deleted,uidl) VALUES(?1,?2,?3)",
	[ST_GONE_HAS] = "SELECT 1 FROM gone WHERE id=?1",
	[ST_GONE_FIRST] = "SELECT id FROM gone ORDER BY id LIMIT 1",
	[ST_STUB_ADD] = "INSERT OR REPLACE INTO stub(unid,seq,deleted,uidl,digest)"
		" SELECT n.unid,n.seq,g.deleted,g.uidl,(SELECT u.digest FROM uidl u WHERE u.uidl=g.uidl)"
		" FROM note n, gone g WHERE n.id=?1 AND g.id=?1 AND n.flags&2=0",
	[ST_STUB_DELETE] = "DELETE FROM stub WHERE unid=?1",
	[ST_BODY_LAST] = "SELECT k FROM body WHERE k>=?1 AND k<=?2 ORDER BY k DESC LIMIT 1",
	[ST_BODY_DELETE] = "DELETE FROM body WHERE k>=?1 AND k<=?2",
	[ST_BODY_ANY] = "SELECT 1 FROM body WHERE k>=?1 AND k<=?2",
	[ST_GONE_DELETE] = "DELETE FROM gone WHERE id=?1",
	[ST_STUBS_OF_GONE] = "INSERT OR REPLACE INTO stub(unid,seq,deleted,uidl,digest)"
		" SELECT n.unid,n.seq,g.deleted,g.uidl,(SELECT u.digest FROM uidl u WHERE u.uidl=g.uidl)"
		" FROM gone g CROSS JOIN note n ON n.id=g.id WHERE n.flags&2=0"
		" AND NOT EXISTS (SELECT 1 FROM stub WHERE stub.unid=n.unid)",
	[ST_STUB_DIGEST] = "SELECT s.uidl FROM stub s JOIN uidl u ON u.uidl=s.uidl AND u.digest=?1"
		" WHERE s.digest=?1 AND NOT EXISTS (SELECT 1 FROM inbox WHERE id=u.id)"
		" AND NOT EXISTS (SELECT 1 FROM filed WHERE id=u.id)"
		" AND NOT EXISTS (SELECT 1 FROM second WHERE id=u.id) ORDER BY u.id LIMIT 1",
	[ST_STUBS_EACH] = "SELECT unid,deleted,uidl,digest FROM stub",
	[ST_STUBS_PURGE] = "DELETE FROM stub WHERE unid IN"
		" (SELECT unid FROM stub WHERE deleted<?1 LIMIT 1000)",
	[ST_LOOSE_ADD] = "INSERT OR IGNORE INTO loose(id) VALUES(?1)",
	[ST_LOOSE_OBJECTS] = "INSERT OR IGNORE INTO loose(id)"
		" SELECT object FROM item WHERE note_id=?1 AND object IS NOT NULL",
	[ST_LOOSE_FIRST] = "SELECT id FROM loose ORDER BY id LIMIT 1",
	[ST_LOOSE_DELETE] = "DELETE FROM loose WHERE id=?1",
	[ST_UNREAD_PURGE] = "DELETE FROM unread WHERE user IN (SELECT id FROM user) AND note_id=?1",
	[ST_USER_FIND] = "SELECT id FROM user WHERE name=?1",
	[ST_USER_ADD] = "INSERT INTO user(name) VALUES(?1)",
	[ST_USER_FILL] = "INSERT OR IGNORE INTO unread(user,note_id)"
		" SELECT ?1,id FROM note WHERE class=1 AND flags&1=0 AND id NOT IN (SELECT id FROM gone)",
	[ST_MARK_READ] = "DELETE FROM unread WHERE user=?1 AND note_id=?2",
	[ST_MARK_UNREAD] = "INSERT OR IGNORE INTO unread(user,note_id) SELECT ?1,id FROM note WHERE id=?2",
	[ST_UNREAD_HAS] = "SELECT 1 FROM unread WHERE user=?2 AND note_id=?1",
	[ST_UNREAD_HAS_NEW] = "SELECT 1 FROM note WHERE id=?1 AND flags&1=0",
	[ST_UNREAD_EACH] = "SELECT note_id FROM unread WHERE user=?1 ORDER BY note_id",
	[ST_UNREAD_EACH_NEW] = "SELECT id FROM note WHERE class=1 AND flags&1=0"
		" AND id NOT IN (SELECT id FROM gone) ORDER BY id",
	[ST_PENDING_ADD] = "INSERT OR IGNORE INTO pending(note,seq) VALUES(?1,?2)",
	[ST_PENDING_AGAIN] = "UPDATE pending SET seq=?2 WHERE note=?1",
	[ST_PENDING_GET] = "SELECT seq FROM pending WHERE note=?1",
	[ST_PENDING_NEXT] = "SELECT note,seq FROM pending WHERE note>?1 ORDER BY note LIMIT 1",
	[ST_PENDING_DELETE] = "DELETE FROM pending WHERE note=?1",
	[ST_FOLDER_ADD] = "INSERT INTO folder(name) VALUES(?1)",
	[ST_FOLDER_FIND] = "SELECT id FROM folder WHERE name=?1",
	[ST_FOLDER_DELETE] = "DELETE FROM folder WHERE id=?1",
	[ST_FOLDER_EMPTY] = "DELETE FROM member WHERE folder=?1",
	[ST_FOLDER_NEXT] = "SELECT id,name FROM folder WHERE name>?1 ORDER BY name LIMIT 1",
	[ST_MEMBER_ADD] = "INSERT OR IGNORE INTO member(folder,note) VALUES(?1,?2)",
	[ST_MEMBER_DELETE] = "DELETE FROM member WHERE folder=?1 AND note=?2",
	[ST_MEMBER_DELETE_NOTE] = "DELETE FROM member WHERE note=?1",
	[ST_MEMBERS] = "SELECT note FROM member WHERE folder=?1 AND note NOT IN (SELECT id FROM gone)"
		" AND note NOT IN (SELECT note FROM trash) ORDER BY note",
	[ST_MEMBER_FOLDERS] = "SELECT f.name FROM member m JOIN folder f ON f.id=m.folder"
		" WHERE m.note=?1 ORDER BY f.name",
	[ST_INBOX_NOTES] = "SELECT coalesce(note,id) AS n FROM inbox UNION ALL SELECT note FROM pending"
		" ORDER BY n",
	[ST_TRASH_NOTES] = "SELECT note FROM trash ORDER BY note",
	[ST_ALL_NOTES] = "SELECT id FROM note WHERE class=1 AND id NOT IN (SELECT id FROM gone)"
		" AND id NOT IN (SELECT note FROM trash) ORDER BY id",
	[ST_TRASH_ADD] = "INSERT OR IGNORE INTO trash(note,deleted,inbox) VALUES(?1,?2,?3)",
	[ST_TRASH_GET] = "SELECT deleted FROM trash WHERE note=?1",
	[ST_TRASH_TAKE] = "DELETE FROM trash WHERE note=?1 RETURNING inbox",
	[ST_TRASH_OLD] = "SELECT note FROM trash WHERE deleted<?1 ORDER BY deleted,note LIMIT 1",
	[ST_TRASH_OCTETS] = "SELECT coalesce(sum(size),0) FROM filed"
		" WHERE coalesce(note,id) IN (SELECT note FROM trash)",
	[ST_TRASH_MESSAGES] = "SELECT count(*) FROM filed"
		" WHERE coalesce(note,id) IN (SELECT note FROM trash)",
	[ST_PAGE_SIZE] = "PRAGMA page_size",
	[ST_PAGE_COUNT] = "PRAGMA page_count",
	[ST_FREE_COUNT] = "PRAGMA freelist_count",
	[ST_SET_QUOTA] = "UPDATE store SET quota=?1 WHERE k=1",
	[ST_SET_QUOTA_MESSAGES] = "UPDATE store SET quota_n=?1 WHERE k=1",
	[ST_SET_WARNING] = "UPDATE store SET warn=?1 WHERE k=1",
	[ST_SET_SOFT] = "UPDATE store SET soft=?1 WHERE k=1",
	[ST_SET_CUTOFF] = "UPDATE store SET cutoff=?1 WHERE k=1",
	[ST_SETTINGS] = "SELECT coalesce(quota,0),coalesce(quota_n,0),coalesce(warn,0),coalesce(soft,0),"
		"coalesce(cutoff,90) FROM store WHERE k=1",
	[ST_REPLICA_GET] = "SELECT replica FROM store WHERE k=1",
	[ST_REPLICA_SET] = "UPDATE store SET replica=?1 WHERE k=1",
	[ST_NOTE_ADD] = "INSERT INTO note(id,unid,class,seq,created,modified,flags)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7)",
	[ST_NOTE_FIND] = "SELECT n.id,g.id FROM note n LEFT JOIN gone g ON g.id=n.id WHERE n.unid=?1",
	[ST_NOTE_SET] = "UPDATE note SET class=?2,seq=?3,created=?4,modified=?5 WHERE id=?1",
	[ST_NOTE_RENAME] = "UPDATE note SET unid=randomblob(16),flags=flags|2 WHERE id=?1",
	[ST_NOTE_GET] = "SELECT unid,class,created,modified,seq FROM note n WHERE id=?1"
		" AND NOT EXISTS (SELECT 1 FROM gone WHERE gone.id=n.id)",
	[ST_NOTE_DELETE] = "DELETE FROM note WHERE id=?1",
	[ST_NOTES_EACH] = "SELECT id FROM note WHERE id NOT IN (SELECT id FROM gone)"
		" AND id NOT IN (SELECT note FROM trash) ORDER BY id",
	[ST_ITEM_ADD] = "INSERT INTO item(note_id,ord,name,type,flags,value,object,size)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
	[ST_ITEMS_GET] = "SELECT name,type,flags,value,object,size FROM item WHERE note_id=?1 ORDER BY ord",
	[ST_ITEMS_DELETE] = "DELETE FROM item WHERE note_id=?1",
	[ST_VIEW_PUT] = "INSERT OR REPLACE INTO entry(view,key,note_id,value) VALUES(?1,?2,?3,?4)",
	[ST_VIEW_DELETE_NOTE] = "DELETE FROM entry WHERE note_id=?1",
	[ST_VIEW_FIND] = "SELECT note_id,value FROM entry WHERE view=?1 AND key=?2 ORDER BY note_id",
	[ST_VIEW_RANGE] = "SELECT note_id,value FROM entry WHERE view=?1 AND key>=?2 AND key<=?3"
		" ORDER BY key,note_id",
	[ST_VIEW_EACH] = "SELECT note_id,value,key FROM entry WHERE view=?1 ORDER BY key,note_id",
	[ST_PROPERTY_SET] = "INSERT OR REPLACE INTO property(name,value) VALUES(?1,?2)",
	[ST_PROPERTY_GET] = "SELECT value FROM property WHERE name=?1",
	[ST_ACL_SET] = "UPDATE store SET acl=?1",
	[ST_ACL_GET] = "SELECT acl FROM store WHERE acl IS NOT NULL",
};
