/*
 * Types and constants that every header of the Domino C API stands on, for
 * Linux, with the sizes its 64-bit release has.
 */
#ifndef POSTIL_API_GLOBAL_H
#define POSTIL_API_GLOBAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calling conventions and pointer sizes of other platforms. */
#ifndef far
#define far
#endif
#ifndef near
#define near
#endif
#define LNPUBLIC
#define LNVARARGS
#define LNCALLBACK
#define LNCALLBACKPTR *

#if defined(__GNUC__) || defined(__clang__)
#define POSTIL_PRINTF(string, first) __attribute__((__format__(__printf__, string, first)))
#else
#define POSTIL_PRINTF(string, first)
#endif

#ifndef UNIX
#define UNIX
#endif
#ifndef LINUX
#define LINUX
#endif
#ifndef PREEMPTIVE
#define PREEMPTIVE
#endif

typedef unsigned char BYTE;
typedef signed char SBYTE;
typedef uint16_t WORD;
typedef int16_t SWORD;
typedef uint32_t DWORD;
typedef int32_t LONG;
typedef uint64_t DWORD64;
typedef int64_t LONG64;
typedef uint16_t USHORT;
typedef uint32_t ULONG;
typedef int BOOL;
typedef BYTE BOOLBYTE;
typedef double NUMBER;
typedef uint16_t STATUS;

typedef DWORD DHANDLE;
typedef DHANDLE HANDLE;
typedef DHANDLE HMODULE;
typedef DWORD MEMHANDLE;
typedef DHANDLE DBHANDLE;
typedef DHANDLE NOTEHANDLE;
typedef DWORD NOTEID;
#define NULLHANDLE 0
#define NULLDBHANDLE 0
#define NULLNOTEHANDLE 0
#define NULLMEMHANDLE 0

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

#define MAXBYTE 0xFF
#define MAXWORD 0xFFFF
#define MAXDWORD 0xFFFFFFFFu

/* A moment: Innards[0] hundredths of a second since midnight GMT, Innards[1]
 * Julian day and time zone. */
typedef struct tagTIMEDATE {
	DWORD Innards[2];
} TIMEDATE;

/* Threads a task starts itself may call these around their work; here every
 * thread may call everything without. */
STATUS LNPUBLIC NotesInitThread(void);
void LNPUBLIC NotesTermThread(void);

#ifdef __cplusplus
}
#endif

#include <globerr.h>

#endif
