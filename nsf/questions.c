/*
 * What the tables of a file promise each other, as questions whose every row is a
 * broken promise, with what puts it right. Asked in this order: each may count on
 * those before it. The tables found, named, scan and bad are those of scan.c: only
 * what was there when the bodies were read is judged by them, and ids never return.
 *
 * Which of two things is right when they differ? A digest decides about octets and
 * UIDL; octets decide about sizes; what is there decides about counters; and where
 * a deletion and a message contradict each other, the message stays.
 */
#include "nsf/maintain.h"

#include "base/banned.h"

#define OLD(id) id "<(SELECT horizon FROM temp.scan)"
#define BAD_ID(id) "(" id "<1 OR " id ">140737488355327)"
#define IS_NAMED(id) "EXISTS(SELECT 1 FROM temp.named n WHERE n.id=" id ")"
#define FITS(id) "EXISTS(SELECT 1 FROM temp.named n WHERE n.id=" id " AND n.fits)"
#define MESSAGES "(SELECT id,coalesce(note,id) AS note,dot&2 AS two FROM inbox" \
	" UNION ALL SELECT id,coalesce(note,id),dot&2 FROM filed)"
#define BAD_UIDL(x) "(typeof(" x ")<>'text' OR length(CAST(" x " AS BLOB)) NOT BETWEEN 1 AND 70" \
	" OR " x " GLOB '*[^!-~]*')"
#define BODY_THERE(id) "EXISTS(SELECT 1 FROM body b WHERE b.k BETWEEN " id "<<16 AND " id "<<16|65535)"

/* Octets that are not there, or not those the digest was made of; without a digest only
 * the size can tell. */
#define DAMAGED(t) " FROM " t " m LEFT JOIN temp.found f ON f.id=m.id WHERE " OLD("m.id") \
	" AND (f.id IS NULL OR NOT f.ok OR (" IS_NAMED("m.id") " AND NOT " FITS("m.id") ")" \
	" OR (NOT " IS_NAMED("m.id") " AND f.size IS NOT m.size))"

#define WRONG_SIZE(t) " FROM " t " m JOIN temp.found f ON f.id=m.id WHERE " OLD("m.id") \
	" AND (m.size IS NOT f.size OR typeof(m.hdr)<>'integer' OR m.hdr<0 OR m.hdr>f.size" \
	" OR typeof(m.dot)<>'integer' OR m.dot NOT BETWEEN 0 AND 7 OR (m.dot&1=0 AND f.dot))"
#define SIZE(t) \
	{ "SELECT m.id" WRONG_SIZE(t), "message %lld: its size or its kind is wrong in the list", NULL, \
	  "UPDATE " t " SET (size,hdr,dot)=(SELECT f.size,f.hdr,f.dot|(CASE typeof(" t ".dot) WHEN 'integer'" \
	  " THEN " t ".dot&6 ELSE 0 END) FROM temp.found f WHERE f.id=" t ".id)" \
	  " WHERE id IN (SELECT m.id" WRONG_SIZE(t) ")", true }

/* The UIDL that a digest vouches for; else the one in the list, if it names nothing else. */
#define WRONG_UIDL(t) " FROM " t " m JOIN temp.found f ON f.id=m.id WHERE " OLD("m.id") \
	" AND " FITS("m.id") " AND NOT EXISTS(SELECT 1 FROM temp.named n WHERE n.id=m.id AND n.fits" \
	" AND n.uidl=m.uidl)"
#define NO_UIDL(t) " FROM " t " m JOIN temp.found f ON f.id=m.id WHERE " OLD("m.id") \
	" AND NOT " IS_NAMED("m.id") " AND (" BAD_UIDL("m.uidl") \
	" OR EXISTS(SELECT 1 FROM uidl u WHERE u.uidl=m.uidl AND u.id IS NOT m.id))"
#define NEW_UIDL(t) " FROM " t " m JOIN temp.found f ON f.id=m.id WHERE " OLD("m.id") \
	" AND NOT EXISTS(SELECT 1 FROM uidl u WHERE u.uidl=m.uidl)"
#define UIDL(t) \
	{ "SELECT m.id" WRONG_UIDL(t), "message %lld: its UIDL in the list is not the one it has", NULL, \
	  "UPDATE " t " SET uidl=(SELECT n.uidl FROM temp.named n WHERE n.id=" t ".id AND n.fits" \
	  " ORDER BY n.uidl LIMIT 1) WHERE id IN (SELECT m.id" WRONG_UIDL(t) ")", true }, \
	{ "SELECT m.id" NO_UIDL(t), "message %lld: its UIDL is impossible or another's; it gets a new one", \
	  NULL, "UPDATE " t " SET uidl=lower(hex(randomblob(16))) WHERE id IN (SELECT m.id" NO_UIDL(t) ")", \
	  true }, \
	{ "SELECT m.id" NEW_UIDL(t), "message %lld: its UIDL is not among those in use", NULL, \
	  "INSERT OR IGNORE INTO uidl(uidl,id,digest) SELECT m.uidl,m.id,f.digest" NEW_UIDL(t), true }

/* A message and all that is its: used for octets that cannot be repaired. What was made in
 * Notes is rendered again. */
const char nsf_bad_away[] =
	"INSERT OR IGNORE INTO pending(note,seq) SELECT n.id,n.seq FROM inbox i JOIN note n ON n.id=i.note"
	" WHERE i.id IN (SELECT id FROM temp.bad) AND i.note<>i.id;"
	"DELETE FROM second WHERE id-1 IN (SELECT id FROM temp.bad);"
	"INSERT OR IGNORE INTO loose(id) SELECT id+1 FROM temp.bad WHERE " BODY_THERE("(temp.bad.id+1)")
	" AND id+1 NOT IN (SELECT id FROM inbox) AND id+1 NOT IN (SELECT id FROM filed);"
	"INSERT OR IGNORE INTO loose(id) SELECT id FROM temp.bad WHERE " BODY_THERE("temp.bad.id") ";"
	"INSERT OR IGNORE INTO loose(id) SELECT object FROM item WHERE object IS NOT NULL"
	" AND note_id IN (SELECT id FROM temp.bad);"
	"DELETE FROM inbox WHERE id IN (SELECT id FROM temp.bad);"
	"DELETE FROM filed WHERE id IN (SELECT id FROM temp.bad);"
	"DELETE FROM item WHERE note_id IN (SELECT id FROM temp.bad);"
	"DELETE FROM unread WHERE note_id IN (SELECT id FROM temp.bad);"
	"DELETE FROM member WHERE note IN (SELECT id FROM temp.bad);"
	"DELETE FROM trash WHERE note IN (SELECT id FROM temp.bad);"
	"DELETE FROM entry WHERE note_id IN (SELECT id FROM temp.bad);"
	"DELETE FROM note WHERE id IN (SELECT id FROM temp.bad);"
	"DELETE FROM temp.bad";

/* Octets that nothing refers to. */
#define UNUSED " FROM temp.found f WHERE f.id NOT IN (SELECT id FROM inbox)" \
	" AND f.id NOT IN (SELECT id FROM filed) AND f.id NOT IN (SELECT id FROM second)" \
	" AND f.id NOT IN (SELECT object FROM item WHERE object IS NOT NULL)" \
	" AND f.id NOT IN (SELECT id FROM gone) AND f.id NOT IN (SELECT id FROM loose)" \
	" AND " OLD("f.id") " AND " BODY_THERE("f.id")
/* Those of them that are a second form: they follow a message and have no note. */
#define SECOND_OF_NOTE "(f.id NOT IN (SELECT id FROM note) AND f.id-1 IN (SELECT id FROM note)" \
	" AND f.id-1 IN (SELECT id FROM temp.found))"
#define UNUSED_SECOND UNUSED " AND " FITS("f.id") " AND EXISTS(SELECT 1 FROM " MESSAGES " m" \
	" WHERE m.id=f.id-1 AND (m.two OR " SECOND_OF_NOTE "))"
/* And those that are a message whose row is lost: known by their digest, or by their note. They
 * go into the inbox, where they are seen, if the note is not in the trash. */
#define UNUSED_MESSAGE UNUSED " AND f.ok AND NOT " SECOND_OF_NOTE " AND (" FITS("f.id") " OR (NOT " IS_NAMED("f.id") \
	" AND f.id IN (SELECT id FROM note) AND f.size%262144<>0))"
#define FILED_NOTE "f.id IN (SELECT note FROM trash)"
#define MESSAGE_AGAIN "SELECT f.id,f.size,coalesce((SELECT n.uidl FROM temp.named n WHERE n.id=f.id" \
	" AND n.fits ORDER BY n.uidl LIMIT 1),lower(hex(randomblob(16)))),f.hdr,f.dot" UNUSED_MESSAGE

#define STRAY_SECOND "id-1 IN (SELECT id FROM " MESSAGES " WHERE two) AND id NOT IN (SELECT id FROM note)"

#define GONE_ROW(t, column, text) \
	{ "SELECT " column " FROM " t " WHERE " column " NOT IN (SELECT id FROM note)" \
	  " OR " column " IN (SELECT id FROM gone)", text, NULL, \
	  "DELETE FROM " t " WHERE " column " NOT IN (SELECT id FROM note)" \
	  " OR " column " IN (SELECT id FROM gone)" }
#define ID_ROW(t, column) \
	{ "SELECT " column " FROM " t " WHERE " BAD_ID(column), "there can be no number %lld in " t, \
	  "SELECT '" t "' AS \"Table\",* FROM " t " WHERE " BAD_ID(column), \
	  "DELETE FROM " t " WHERE " BAD_ID(column) }

#define BAD_NUMBERS "typeof(class)<>'integer' OR class NOT BETWEEN 0 AND 65535 OR typeof(seq)<>'integer'" \
	" OR typeof(created)<>'integer' OR typeof(modified)<>'integer' OR typeof(flags)<>'integer'"
#define BAD_DIGEST "typeof(id)<>'integer' OR typeof(digest)<>'blob' OR length(digest)<>16"
/* Numbers are below all texts, octets above them, NULL is neither: quicker than typeof. */
#define BAD_ITEM "(name>='' AND name<x'') IS NOT 1 OR (type BETWEEN 0 AND 65535) IS NOT 1" \
	" OR (flags BETWEEN 0 AND 65535) IS NOT 1" \
	" OR (object IS NULL AND typeof(value)<>'text' AND NOT values_fit(value))"
/* A value in pieces that are not all there. */
#define BAD_OBJECT "object IS NOT NULL AND (typeof(object)<>'integer' OR (" OLD("object") \
	" AND NOT EXISTS(SELECT 1 FROM temp.found f WHERE f.id=object AND f.size IS item.size AND f.ok)" \
	" AND item.size IS NOT 0))"
#define ORPHAN_ITEM "note_id NOT IN (SELECT id FROM note)"
#define HIGHEST "max((SELECT coalesce(max(id),0) FROM note),(SELECT coalesce(max(k)>>16,0) FROM body)," \
	"(SELECT coalesce(max(id),0) FROM inbox),(SELECT coalesce(max(id),0) FROM filed)," \
	"(SELECT coalesce(max(id),0) FROM second),(SELECT coalesce(max(id),0) FROM gone)," \
	"(SELECT coalesce(max(id),0) FROM uidl WHERE id<1<<47))"

/* Rows in the list that have the octets, sizes and UIDLs that they should. */
#define SOUND(t) "(SELECT count(*) FROM " t " m JOIN temp.found f ON f.id=m.id JOIN uidl u ON u.uidl=m.uidl" \
	" WHERE f.ok AND m.size IS f.size AND u.id IS m.id AND u.digest IS f.digest AND typeof(m.uidl)='text'" \
	" AND typeof(m.hdr)='integer' AND m.hdr BETWEEN 0 AND f.size AND typeof(m.dot)='integer'" \
	" AND m.dot BETWEEN 0 AND 7 AND m.dot&1>=f.dot)"
/* All of the lists, and no octets that are in none: then most questions need not be put. */
const char nsf_sound[] =
	"SELECT " SOUND("inbox") "=(SELECT count(*) FROM inbox) AND " SOUND("filed") "=(SELECT count(*) FROM filed)"
	" AND " SOUND("second") "=(SELECT count(*) FROM second)"
	" AND (SELECT count(*) FROM temp.found)=(SELECT count(*) FROM inbox)+(SELECT count(*) FROM filed)"
	"+(SELECT count(*) FROM second)";

const struct nsf_question nsf_questions[] = {
	ID_ROW("inbox", "id"), ID_ROW("filed", "id"), ID_ROW("second", "id"), ID_ROW("note", "id"),
	ID_ROW("gone", "id"), ID_ROW("loose", "id"), ID_ROW("pending", "note"), ID_ROW("trash", "note"),
	{ "SELECT k>>16 FROM body WHERE k<65536", "octets lie under the impossible number %lld",
	  "SELECT 'body' AS \"Table\",k,data FROM body WHERE k<65536", "DELETE FROM body WHERE k<65536" },
	{ "SELECT id FROM note WHERE typeof(unid)<>'blob' OR length(unid)<>16", "note %lld has no UNID",
	  NULL, "UPDATE note SET unid=randomblob(16) WHERE typeof(unid)<>'blob' OR length(unid)<>16" },
	{ "SELECT id FROM note WHERE " BAD_NUMBERS, "note %lld: impossible class, dates or flags", NULL,
	  "UPDATE note SET class=CASE WHEN typeof(class)='integer' AND class BETWEEN 0 AND 65535 THEN class"
	  " ELSE 1 END,seq=CAST(coalesce(seq,0) AS INT),created=CAST(coalesce(created,0) AS INT),"
	  "modified=CAST(coalesce(modified,0) AS INT),flags=CAST(coalesce(flags,0) AS INT) WHERE " BAD_NUMBERS },
	{ "SELECT CAST(id AS INT) FROM uidl WHERE " BAD_DIGEST, "the UIDL of %lld has lost its digest", NULL,
	  "DELETE FROM uidl WHERE (" BAD_DIGEST ") AND uidl IN (SELECT uidl FROM inbox UNION ALL"
	  " SELECT uidl FROM filed UNION ALL SELECT uidl FROM second);"
	  "DELETE FROM temp.named WHERE uidl NOT IN (SELECT uidl FROM uidl);"
	  "UPDATE uidl SET id=CASE typeof(id) WHEN 'integer' THEN id ELSE 0 END,digest=randomblob(16)"
	  " WHERE " BAD_DIGEST },
	{ "SELECT id FROM filed WHERE id IN (SELECT id FROM inbox)", "message %lld is in the inbox and is not",
	  NULL, "DELETE FROM filed WHERE id IN (SELECT id FROM inbox)" },
	/* Rows of version 1 on lost pages look like second forms, and the other way round. */
	{ "SELECT id FROM inbox WHERE " STRAY_SECOND, "the second form of a message, %lld, is listed as a message",
	  NULL, "INSERT OR IGNORE INTO second SELECT id,size,uidl,hdr,dot FROM inbox WHERE " STRAY_SECOND ";"
	  "DELETE FROM inbox WHERE " STRAY_SECOND },
	{ "SELECT m.id" DAMAGED("second"), "the second form of a message, %lld, is damaged and is dropped",
	  NULL, "INSERT OR IGNORE INTO loose(id) SELECT m.id" DAMAGED("second") " AND f.id IS NOT NULL;"
	  "DELETE FROM second WHERE id IN (SELECT m.id" DAMAGED("second") ")", true },
	{ "SELECT m.id" DAMAGED("inbox"), "the octets of message %lld are damaged", NULL,
	  "INSERT INTO temp.bad SELECT m.id,'its octets are damaged'" DAMAGED("inbox"), true },
	{ "SELECT m.id" DAMAGED("filed"), "the octets of message %lld are damaged", NULL,
	  "INSERT INTO temp.bad SELECT m.id,'its octets are damaged'" DAMAGED("filed"), true },
	{ "SELECT f.id" UNUSED_MESSAGE, "message %lld is not listed", NULL,
	  "INSERT INTO filed(id,size,uidl,hdr,dot) " MESSAGE_AGAIN " AND " FILED_NOTE ";"
	  "INSERT INTO inbox(id,size,uidl,hdr,dot) " MESSAGE_AGAIN, true },
	{ "SELECT f.id" UNUSED_SECOND, "the second form of a message, %lld, is not listed", NULL,
	  "INSERT INTO second(id,size,uidl,hdr,dot) SELECT f.id,f.size,(SELECT n.uidl FROM temp.named n"
	  " WHERE n.id=f.id AND n.fits LIMIT 1),f.hdr,f.dot" UNUSED_SECOND ";"
	  "UPDATE inbox SET dot=dot&1|2 WHERE dot&2=0 AND id+1 IN (SELECT id FROM second);"
	  "UPDATE filed SET dot=dot&1|2 WHERE dot&2=0 AND id+1 IN (SELECT id FROM second)", true },
	{ "SELECT f.id" UNUSED, "octets are left under the number %lld, which belong to nothing", NULL,
	  "INSERT INTO temp.bad SELECT f.id,'it belonged to nothing'" UNUSED, true },
	SIZE("inbox"), SIZE("filed"), SIZE("second"),
	UIDL("inbox"), UIDL("filed"), UIDL("second"),
	{ "SELECT id FROM " MESSAGES " WHERE two AND id+1 NOT IN (SELECT id FROM second)",
	  "message %lld has lost its second form", NULL,
	  "UPDATE inbox SET dot=dot&1|4 WHERE dot&2 AND id+1 NOT IN (SELECT id FROM second);"
	  "UPDATE filed SET dot=dot&1|4 WHERE dot&2 AND id+1 NOT IN (SELECT id FROM second)" },
	{ "SELECT id FROM second WHERE id-1 NOT IN (SELECT id FROM " MESSAGES " WHERE two)",
	  "a second form, %lld, belongs to no message", NULL,
	  "INSERT OR IGNORE INTO loose(id) SELECT id FROM second WHERE id-1 NOT IN (SELECT id FROM " MESSAGES
	  " WHERE two);"
	  "DELETE FROM second WHERE id-1 NOT IN (SELECT id FROM " MESSAGES " WHERE two)" },
	{ "SELECT id FROM loose WHERE +id IN (SELECT id FROM " MESSAGES ") OR +id IN (SELECT id FROM second)"
	  " OR +id IN (SELECT object FROM item WHERE object IS NOT NULL)",
	  "octets that are used, %lld, are marked as unused", NULL,
	  "DELETE FROM loose WHERE id IN (SELECT id FROM " MESSAGES ") OR id IN (SELECT id FROM second)"
	  " OR id IN (SELECT object FROM item WHERE object IS NOT NULL)" },
	{ "SELECT id FROM gone WHERE +id IN (SELECT note FROM " MESSAGES ")",
	  "message %lld is there and deleted", NULL,
	  "DELETE FROM gone WHERE id IN (SELECT note FROM " MESSAGES ")" },
	{ "SELECT id FROM " MESSAGES " WHERE note NOT IN (SELECT id FROM note)", "message %lld has no note",
	  NULL, "INSERT OR IGNORE INTO note(id,unid,class,seq,created,modified,flags) SELECT note,randomblob(16),"
	  "1,0,strftime('%s','now')*1000,strftime('%s','now')*1000,0 FROM " MESSAGES " WHERE note NOT IN (SELECT id FROM note)" },
	{ "SELECT DISTINCT note_id FROM item WHERE " ORPHAN_ITEM, "items are left of note %lld, which is not there",
	  "SELECT 'item' AS \"Table\",* FROM item WHERE " ORPHAN_ITEM,
	  "INSERT OR IGNORE INTO loose(id) SELECT object FROM item WHERE object IS NOT NULL AND " ORPHAN_ITEM ";"
	  "DELETE FROM item WHERE " ORPHAN_ITEM },
	{ "SELECT note_id FROM item WHERE " BAD_ITEM, "an item of note %lld is damaged",
	  "SELECT 'item' AS \"Table\",* FROM item WHERE " BAD_ITEM, "DELETE FROM item WHERE " BAD_ITEM },
	{ "SELECT note_id FROM item WHERE " BAD_OBJECT, "a large item of note %lld is damaged",
	  "SELECT 'item' AS \"Table\",*,(SELECT data FROM body b WHERE b.k=object<<16) AS data FROM item WHERE "
	  BAD_OBJECT, "INSERT OR IGNORE INTO loose(id) SELECT object FROM item WHERE typeof(object)='integer' AND "
	  BAD_OBJECT "; DELETE FROM item WHERE " BAD_OBJECT },
	{ "SELECT id FROM user WHERE typeof(name)<>'text'", "user %lld has no name", NULL,
	  "DELETE FROM user WHERE typeof(name)<>'text'" },
	{ "SELECT id FROM folder WHERE typeof(name)<>'text'", "folder %lld has no name", NULL,
	  "UPDATE folder SET name='Folder '||id WHERE typeof(name)<>'text'" },
	GONE_ROW("member", "note", "note %lld, which is not there, lies in a folder"),
	GONE_ROW("trash", "note", "note %lld, which is not there, lies in the trash"),
	GONE_ROW("pending", "note", "note %lld, which is not there, waits to be rendered"),
	{ "SELECT note FROM pending WHERE +note IN (SELECT coalesce(note,id) FROM inbox)",
	  "note %lld waits to be rendered, and has been", NULL,
	  "DELETE FROM pending WHERE note IN (SELECT coalesce(note,id) FROM inbox)" },
	{ "SELECT note FROM trash WHERE +note IN (SELECT coalesce(note,id) FROM inbox)",
	  "note %lld lies in the inbox and in the trash", NULL,
	  "DELETE FROM trash WHERE note IN (SELECT coalesce(note,id) FROM inbox)" },
	{ "SELECT folder FROM member WHERE folder NOT IN (SELECT id FROM folder)",
	  "a note lies in the folder %lld, which is not there", NULL,
	  "DELETE FROM member WHERE folder NOT IN (SELECT id FROM folder)" },
	{ "SELECT note_id FROM unread WHERE note_id NOT IN (SELECT id FROM note)"
	  " OR user NOT IN (SELECT id FROM user)", "an unread mark is left of note %lld", NULL,
	  "DELETE FROM unread WHERE note_id NOT IN (SELECT id FROM note) OR user NOT IN (SELECT id FROM user)" },
	{ "SELECT note_id FROM entry WHERE note_id NOT IN (SELECT id FROM note)",
	  "a view shows note %lld, which is not there", "SELECT 'entry' AS \"Table\",* FROM entry WHERE note_id"
	  " NOT IN (SELECT id FROM note)", "DELETE FROM entry WHERE note_id NOT IN (SELECT id FROM note)" },
	{ "SELECT n.id FROM stub s JOIN note n ON n.unid=s.unid WHERE n.id NOT IN (SELECT id FROM gone)",
	  "note %lld is there and has a deletion stub", NULL, "DELETE FROM stub WHERE unid IN (SELECT unid FROM"
	  " note WHERE id NOT IN (SELECT id FROM gone))" },
	{ "SELECT next_id FROM store WHERE next_id<=" HIGHEST, "the next number would be %lld, which has been used",
	  NULL, "UPDATE store SET next_id=1+" HIGHEST },
	{ "SELECT n FROM store WHERE n<>(SELECT count(*) FROM inbox)",
	  "the counter says %lld messages, which is not what the inbox holds", NULL,
	  "UPDATE store SET n=(SELECT count(*) FROM inbox)" },
	{ "SELECT bytes FROM store WHERE bytes<>(SELECT coalesce(sum(size),0) FROM inbox)",
	  "the counter says %lld octets, which is not what the inbox holds", NULL,
	  "UPDATE store SET bytes=(SELECT coalesce(sum(size),0) FROM inbox)" },
	{ "SELECT filed_n FROM store WHERE filed_n IS NOT (SELECT count(*) FROM filed)",
	  "the counter says %lld messages outside the inbox, which is not what there is", NULL,
	  "UPDATE store SET filed_n=(SELECT count(*) FROM filed)" },
};
const size_t nsf_question_count = sizeof(nsf_questions) / sizeof(nsf_questions[0]);
