/*
 * Sizes of formatted texts; arithmetic with TIMEDATE. Domino C API reference,
 * functions TimeDate...
 */
#ifndef POSTIL_API_MISC_H
#define POSTIL_API_MISC_H

#include <global.h>
#include <intl.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAXSPRINTF 256
#define MAXALPHATIMEDATE 80

/* 1, 0 or -1: the first is later, the same, earlier. */
int LNPUBLIC TimeDateCompare(const TIMEDATE *t1, const TIMEDATE *t2);
/* t1 less t2 in seconds. */
LONG LNPUBLIC TimeDateDifference(const TIMEDATE *t1, const TIMEDATE *t2);
/* Add seconds, minutes, hours, days, months, years; any may be negative. TRUE:
 * the time is absent or the result is out of range. */
BOOL LNPUBLIC TimeDateIncrement(TIMEDATE *Time, int Seconds, int Minutes, int Hours,
                                int Days, int Months, int Years);
void LNPUBLIC TimeDateClear(TIMEDATE *Time);

#ifdef __cplusplus
}
#endif
#endif
