/*
 * The statistics table, kept by the host until it ends: Facility.Name = value.
 * Domino C API reference, functions Stat...
 */
#ifndef POSTIL_API_STATS_H
#define POSTIL_API_STATS_H

#include <global.h>
#include <misc.h>
#include <names.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STATPKG_OS "OS"
#define STATPKG_STATS "Stats"
#define STATPKG_OSMEM "Mem"
#define STATPKG_OSSEM "Sem"
#define STATPKG_OSSPIN "Spin"
#define STATPKG_OSFILE "Disk"
#define STATPKG_SERVER "Server"
#define STATPKG_REPLICA "Replica"
#define STATPKG_MAIL "Mail"
#define STATPKG_MAILBYDEST "MailByDest"
#define STATPKG_COMM "Comm"
#define STATPKG_NSF "Database"
#define STATPKG_NIF "Database"
#define STATPKG_OSIO "IO"
#define STATPKG_NET "NET"
#define STATPKG_OBJSTORE "Object"
#define STATPKG_AGENT "Agent"
#define STATPKG_WEB "Web"
#define STATPKG_CAL "Calendar"
#define STATPKG_SMTP "SMTP"
#define STATPKG_LDAP "LDAP"
#define STATPKG_LICENSE "License"
#define STATPKG_NNTP "NNTP"
#define STATPKG_ICM "ICM"
#define STATPKG_ADMINP "ADMINP"
#define STATPKG_IMAP "IMAP"
#define STATPKG_MONITOR "Monitor"
#define STATPKG_POP3 "POP3"
#define STATPKG_FT "FT"
#define STATPKG_DECS "DECS"
#define STATPKG_EVENT "EVENT"
#define STATPKG_FA "FaultAnalyzer"
#define STATPKG_DAOS "DAOS"
#define STATPKG_DBMT "DBMT"
#define STATPKG_REPAIR "Repair"
#define STATPKG_QUERY "QUERY"
#define STATPKG_DIRSYNC "DirSync"

#define VT_LONG 0               /* LONG */
#define VT_TEXT 1               /* char, ended by NUL */
#define VT_TIMEDATE 2           /* TIMEDATE */
#define VT_NUMBER 3             /* NUMBER */

#define ST_UNIQUE 0x0001        /* one instance of this statistic */
#define ST_ADDITIVE 0x0002      /* add to the value (VT_LONG, VT_NUMBER) */
#define ST_RESETABLE 0x0003     /* may be set to 0 by StatReset */

STATUS LNPUBLIC StatUpdate(const char *Facility, const char *StatName, WORD Flags,
                           WORD ValueType, const void *Value);
void LNPUBLIC StatDelete(const char *Facility, const char *StatName);
/* ERR_STAT_NOT_FOUND; ERR_STAT_NOT_SET: not one that is added to. */
STATUS LNPUBLIC StatReset(const char *Facility, const char *StatName);

/* Each statistic of a facility and name (NULL: any); a status other than NOERROR
 * ends it. */
typedef STATUS (LNCALLBACKPTR STATTRAVERSEPROC)(void *Context, char *Facility,
                                                char *StatName, WORD ValueType,
                                                void *Value);
void LNPUBLIC StatTraverse(const char *Facility, const char *StatName,
                           STATTRAVERSEPROC Routine, void *Context);
/* One statistic as texts: "Facility.Name" and its value. */
void LNPUBLIC StatToText(const char *Facility, const char *StatName, WORD ValueType,
                         const void *Value, char *NameBuffer, WORD NameBufferLen,
                         char *ValueBuffer, WORD ValueBufferLen);
/* The whole table as one text, ended by NUL, in memory to be freed by OSMemFree:
 * the header, then NamePrefix name ValuePrefix value LineSuffix of each. */
STATUS LNPUBLIC StatQuery(const char *HeaderString, const char *NamePrefix,
                          const char *ValuePrefix, const char *LineSuffix,
                          DHANDLE *rethStats, DWORD *retStatsLength);
/* The same for a facility and name (NULL: any), with the time each was last set
 * in brackets behind its value. */
STATUS LNPUBLIC StatQueryTime(const char *Facility, const char *StatName,
                              const char *HeaderString, const char *NamePrefix,
                              const char *ValuePrefix, const char *LineSuffix,
                              DHANDLE *rethStats, DWORD *retStatsLength);

#ifdef __cplusplus
}
#endif
#endif
