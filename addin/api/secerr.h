/* Codes of the security package. */
#ifndef POSTIL_API_SECERR_H
#define POSTIL_API_SECERR_H

#include <globerr.h>

#define ERR_SECURE_BADPASSWORD 0x1908

#endif
