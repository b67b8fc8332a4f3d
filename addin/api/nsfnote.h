/* Notes and their items. Domino C API reference, functions NSFNote..., NSFItem... */
#ifndef POSTIL_API_NSFNOTE_H
#define POSTIL_API_NSFNOTE_H

#include <global.h>
#include <nsfdb.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A new document in memory; NSFNoteUpdate writes it, as often as it is called to
 * the same note. */
STATUS LNPUBLIC NSFNoteCreate(DBHANDLE db_handle, NOTEHANDLE *note_handle);
STATUS LNPUBLIC NSFNoteUpdate(NOTEHANDLE note_handle, WORD update_flags);
STATUS LNPUBLIC NSFNoteClose(NOTEHANDLE note_handle);

/* Each replaces the items of that name. TextLength MAXWORD: up to the NUL; a NUL
 * inside is a line end. Text is UTF-8. */
STATUS LNPUBLIC NSFItemSetText(NOTEHANDLE hNote, const char *ItemName, const char *ItemText,
                               WORD TextLength);
STATUS LNPUBLIC NSFItemSetTime(NOTEHANDLE hNote, const char *ItemName, const TIMEDATE *ItemTime);
STATUS LNPUBLIC NSFItemSetNumber(NOTEHANDLE hNote, const char *ItemName, const NUMBER *Number);

#ifdef __cplusplus
}
#endif
#endif
