/*
 * Texts of status codes, starting programs, yielding. Domino C API reference,
 * functions OSLoadString, OSLoadProgram, OSPreemptOccasionally, OSTranslate.
 */
#ifndef POSTIL_API_OSMISC_H
#define POSTIL_API_OSMISC_H

#include <global.h>
#include <names.h>
#include <nls.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The built-in text of a code, cut to BufferLength - 1 octets and ended by NUL.
 * Returns its length; 0 when the code has none. hModule: NULLHANDLE. */
WORD LNPUBLIC OSLoadString(HMODULE hModule, STATUS StringCode, char *retBuffer,
                           WORD BufferLength);

#define OS_LOADPROG_ICONIC 0x0001
#define OS_LOADPROG_BACKGROUND 0x0002
#define OS_LOADPROG_DEBUG 0x0004
#define OS_LOADPROG_DETACHED 0x0008
#define OS_LOADPROG_ASSOCIATE 0x0010
#define OS_LOADPROG_PRIORITY_LOW 0x0020

/* Have the host start a program; WorkingDir may be NULL. */
STATUS LNPUBLIC OSLoadProgram(const char *filename, const char *WorkingDir,
                              const char *Arguments, WORD Flags);

/* Other tasks run anyway: nothing to do. */
#define OSPreemptOccasionally() ((void)0)

#define OS_TRANSLATE_NATIVE_TO_LMBCS 0
#define OS_TRANSLATE_LMBCS_TO_NATIVE 1
#define OS_TRANSLATE_LOWER_TO_UPPER 3
#define OS_TRANSLATE_UPPER_TO_LOWER 4
#define OS_TRANSLATE_OSNATIVE_TO_LMBCS OS_TRANSLATE_NATIVE_TO_LMBCS
#define OS_TRANSLATE_LMBCS_TO_OSNATIVE OS_TRANSLATE_LMBCS_TO_NATIVE
#define OS_TRANSLATE_LMBCS_TO_UTF8 22
#define OS_TRANSLATE_UTF8_TO_LMBCS 24

/* Texts are UTF-8 inside, so the character set modes copy; the case modes change
 * ASCII letters. Returns the length of what was written (no NUL is added). */
WORD LNPUBLIC OSTranslate(WORD TranslateMode, const char *In, WORD InLength, char *Out,
                          WORD OutLength);

#ifdef __cplusplus
}
#endif
#endif
