/*
 * The time of day. Domino C API reference, functions OSCurrentTIMEDATE,
 * OSGetTimeZone... and TimeDate... (misc.h).
 */
#ifndef POSTIL_API_OSTIME_H
#define POSTIL_API_OSTIME_H

#include <global.h>

#ifdef __cplusplus
extern "C" {
#endif

void LNPUBLIC OSCurrentTIMEDATE(TIMEDATE *retTimeDate);

#ifdef __cplusplus
}
#endif
#endif
