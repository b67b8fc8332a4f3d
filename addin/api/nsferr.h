/* Codes of the note database packages. */
#ifndef POSTIL_API_NSFERR_H
#define POSTIL_API_NSFERR_H

#include <globerr.h>

#define ERR_NOTE_DELETED 0x0225
#define ERR_INVALID_NOTE 0x0227
#define ERR_NOACCESS 0x0246
#define ERR_OVERDISKQUOTA 0x02FE
#define ERR_OVERWARNQUOTA 0x3834

#endif
