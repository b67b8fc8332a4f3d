/* Codes of the server package. */
#ifndef POSTIL_API_SRVERR_H
#define POSTIL_API_SRVERR_H

#include <globerr.h>

#define ERR_AMBIGUOUS 0x0909
#define ERR_INSUFF_ARGUMENTS 0x0911
#define ERR_NOMATCH 0x0913
#define ERR_TASK_NOT_FOUND 0x092A
#define ERR_TASK_RUNNING 0x092C
#define ERR_NO_SERVER_NAME 0x0938
#define ERR_CONSOLE_CANT_TELL 0x0963
#define ERR_INIT_CANT_LOAD 0x096E

#endif
