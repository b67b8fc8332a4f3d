/*
 * The tables of schema.c as they lie in a file: what a row of each looks like. Rows
 * whose page can no longer be reached are known by that; where two tables look
 * alike, by what else is in the row.
 */
#include <string.h>

#include "nsf/maintain.h"
#include "nsf/salvage.h"
#include "base/banned.h"

const struct nsf_table nsf_tables[] = {
	{ "store", true, 9, "k,kind,n,bytes,next_id,seq,replica,created,acl,quota,quota_n,warn,warned,"
	  "soft,cutoff,filed_n", "kiiiiibiBIIIIIII" },
	{ "note", true, 7, "id,unid,class,seq,created,modified,flags", "kdiiiii" },
	{ "item", false, 6, "note_id,ord,name,type,flags,value,object,size", "iitiivII" },
	{ "inbox", true, 5, "id,size,uidl,hdr,dot,note", "kitiiI" },
	{ "filed", true, 6, "id,size,uidl,hdr,dot,note", "kitiiI" },
	{ "second", true, 5, "id,size,uidl,hdr,dot", "kitii" },
	{ "uidl", false, 3, "uidl,id,digest", "tid" },
	{ "body", true, 2, "k,data", "kb" },
	{ "gone", true, 2, "id,deleted,uidl", "kiT" },
	{ "stub", false, 3, "unid,seq,deleted,uidl,digest", "diiTB" },
	{ "user", true, 2, "id,name", "kt" },
	{ "unread", false, 2, "user,note_id", "ii" },
	{ "entry", false, 4, "view,key,note_id,value", "tbib" },
	{ "property", false, 2, "name,value", "tb" },
	{ "pending", true, 2, "note,seq", "ki" },
	{ "loose", true, 1, "id", "k" },
	{ "folder", true, 2, "id,name", "kt" },
	{ "member", false, 2, "folder,note", "ii" },
	{ "trash", true, 3, "note,deleted,inbox", "kii" },
};
const size_t nsf_table_count = sizeof(nsf_tables) / sizeof(nsf_tables[0]);

const struct nsf_table *nsf_table_named(const char *name)
{
	for (size_t i = 0; i < nsf_table_count; i++)
		if (strcmp(nsf_tables[i].name, name) == 0)
			return &nsf_tables[i];
	return NULL;
}

static bool value_fits(char shape, const struct salvage_value *v)
{
	if (shape >= 'A' && shape <= 'Z') {
		if (v->type == SALVAGE_NULL)
			return true;
		shape = (char)(shape | 0x20);
	}
	switch (shape) {
	case 'k': return v->type == SALVAGE_NULL;
	case 'i': return v->type == SALVAGE_INTEGER;
	case 't': return v->type == SALVAGE_TEXT;
	case 'b': return v->type == SALVAGE_BLOB;
	case 'd': return v->type == SALVAGE_BLOB && v->octets.n == NSF_DIGEST_OCTETS;
	default: return true;
	}
}

bool nsf_table_fits(const struct nsf_table *table, const struct salvage_row *row)
{
	if (row->has_rowid != table->has_rowid || row->count < table->least
	    || row->count > strlen(table->shape))
		return false;
	for (size_t i = 0; i < row->count; i++)
		if (!value_fits(table->shape[i], &row->values[i]))
			return false;
	return true;
}

static bool is_time(const struct salvage_value *v)
{
	return v->integer > 1000000000 && v->integer < 100000000000;
}

/* Tables that look alike. Unread marks and members of folders look like entries of
 * several indexes too: those are left. Rows of the inbox and of messages elsewhere are
 * sorted out when all is there. */
static const char *name_of(const struct salvage_row *row)
{
	const struct salvage_value *v = row->values;

	if (!row->has_rowid)
		return row->count == 2 && v[0].type == SALVAGE_INTEGER ? NULL : "";
	if (row->count == 1)
		return "loose";
	if (row->count == 2 && v[1].type == SALVAGE_INTEGER)
		return is_time(&v[1]) ? "gone" : "pending";
	if (row->count == 2 && v[1].type == SALVAGE_TEXT)
		return memchr(v[1].octets.p, '=', v[1].octets.n) != NULL ? "user" : "folder";
	if (row->count == 5 || row->count == 6)
		return v[1].type == SALVAGE_INTEGER ? "inbox" : "";
	return "";
}

const struct nsf_table *nsf_table_of(const struct salvage_row *row)
{
	const char *name = name_of(row);
	const struct nsf_table *table;

	if (name == NULL)
		return NULL;
	if (name[0] != '\0') {
		table = nsf_table_named(name);
		return nsf_table_fits(table, row) ? table : NULL;
	}
	for (size_t i = 0; i < nsf_table_count; i++)
		if (nsf_table_fits(&nsf_tables[i], row))
			return &nsf_tables[i];
	return NULL;
}
