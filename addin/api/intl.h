/* International settings. A server of this kind has but one: the format of
 * dates and times, which TimeDate functions use when they are given none. */
#ifndef POSTIL_API_INTL_H
#define POSTIL_API_INTL_H

#include <global.h>

typedef struct {
	WORD Flags;
	BYTE CurrencyDigits;
	BYTE Length;
	SWORD TimeZone;
} INTLFORMAT;

#endif
