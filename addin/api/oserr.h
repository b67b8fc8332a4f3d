/* Codes of the operating system package. ERR_NOEXIST, ERR_EXISTS, ERR_MEMORY
 * and ERR_CANCEL stand in globerr.h. */
#ifndef POSTIL_API_OSERR_H
#define POSTIL_API_OSERR_H

#include <globerr.h>

#endif
