/*
 * What every add-in task uses: its entry point, the idle loop, its lines in
 * `show tasks`, messages on the console and in the log. Domino C API reference,
 * functions AddIn...
 */
#ifndef POSTIL_API_ADDIN_H
#define POSTIL_API_ADDIN_H

#include <global.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAX_CONSOLE_CMD_LEN 256

/* Written by the task. Called once; its return ends the task (never exit). */
STATUS LNPUBLIC AddInMain(HMODULE hModule, int argc, char *argv[]);

/* --- the idle loop ------------------------------------------------------------ */

/* Sleep a tenth of a second, less when the task is asked to end; then TRUE. */
BOOL LNPUBLIC AddInIdle(void);
/* The same for so many milliseconds; asks first and then does not sleep. */
BOOL LNPUBLIC AddInIdleDelay(DWORD Delay);
BOOL LNPUBLIC AddInShouldTerminate(void);
/* TRUE if the clock passed a whole multiple of so many seconds between the last
 * two calls of AddInIdle in this thread (the task's start stands for the first). */
BOOL LNPUBLIC AddInSecondsHaveElapsed(DWORD Seconds);
#define AddInMinutesHaveElapsed(minutes) AddInSecondsHaveElapsed((DWORD)(minutes) * 60)
/* TRUE the first time, then at the first call after each 02:00 GMT. */
BOOL LNPUBLIC AddInDayHasElapsed(void);

/* --- lines of `show tasks` ----------------------------------------------------- */

DHANDLE LNPUBLIC AddInCreateStatusLine(const char *TaskName);
void LNPUBLIC AddInDeleteStatusLine(DHANDLE hDesc);
/* The module and the line used by this thread; a thread that never set them uses
 * those of the main thread. */
void LNPUBLIC AddInQueryDefaults(HMODULE *rethModule, DHANDLE *rethDesc);
void LNPUBLIC AddInSetDefaults(HMODULE hNewModule, DHANDLE hDesc);
void LNVARARGS AddInSetStatus(STATUS StringID, ...);
void LNVARARGS AddInSetStatusText(const char *String, ...) POSTIL_PRINTF(1, 2);
void LNVARARGS AddInSetStatusLine(DHANDLE hDesc, const char *String, ...) POSTIL_PRINTF(2, 3);

/* --- messages: "text" or "text: sentence of the additional code" ------------------- */

void LNVARARGS AddInLogMessage(STATUS StringID, STATUS AdditionalErrorCode, ...);
void LNVARARGS AddInLogMessageText(const char *String, STATUS AdditionalErrorCode, ...)
	POSTIL_PRINTF(1, 3);
/* The string has one %s for Arg, or none. */
void LNPUBLIC AddInLogError(STATUS StringID, STATUS AdditionalErrorCode, const char *Arg);
void LNPUBLIC AddInLogErrorText(const char *String, STATUS AdditionalErrorCode, const char *Arg);
#define AddInLogMsg(id, arg) AddInLogError(id, NOERROR, arg)
/* Into a buffer of MAXSPRINTF octets. */
void LNVARARGS AddInFormatError(char *retString, STATUS StringID, ...);
void LNVARARGS AddInFormatErrorText(char *retString, const char *String, ...) POSTIL_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
