/* Codes of the network package. */
#ifndef POSTIL_API_NETERR_H
#define POSTIL_API_NETERR_H

#include <globerr.h>

#define ERR_QUIT 0x0AC5

#endif
