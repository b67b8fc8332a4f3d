/*
 * Variables of notes.ini; names without regard to case. Domino C API reference,
 * functions OSGetEnvironment..., OSSetEnvironment...
 */
#ifndef POSTIL_API_OSENV_H
#define POSTIL_API_OSENV_H

#include <global.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAXENVVALUE 256         /* a value and its NUL */

/* BufferLength is the size of the buffer less one. */
BOOL LNPUBLIC OSGetEnvironmentString(const char *VariableName, char *retValueBuffer,
                                     WORD BufferLength);
long LNPUBLIC OSGetEnvironmentLong(const char *VariableName);
#define OSGetEnvironmentInt(name) ((int)OSGetEnvironmentLong(name))
BOOL LNPUBLIC OSGetEnvironmentTIMEDATE(const char *EnvVariable, TIMEDATE *td);
void LNPUBLIC OSSetEnvironmentVariable(const char *VariableName, const char *Value);
void LNPUBLIC OSSetEnvironmentInt(const char *VariableName, int Value);
void LNPUBLIC OSSetEnvironmentTIMEDATE(const char *EnvVariable, const TIMEDATE *td);
/* How often a variable has been changed; 0: never. */
WORD LNPUBLIC OSGetEnvironmentSeqNo(void);

#ifdef __cplusplus
}
#endif
#endif
