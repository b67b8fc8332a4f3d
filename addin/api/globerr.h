/*
 * Status codes: the flag bits, the packages, the codes that many packages use.
 * A code is its package's number plus an offset.
 */
#ifndef POSTIL_API_GLOBERR_H
#define POSTIL_API_GLOBERR_H

#ifndef NOERROR
#define NOERROR 0
#endif

#define STS_DISPLAYED 0x8000    /* the user has been told already */
#define STS_REMOTE 0x4000       /* it happened on another server */
#define ERR_MASK 0x3fff
#define PKG_MASK 0x3f00
#define ERRNUM_MASK 0x00ff
#define ERR(code) ((STATUS)((code) & ERR_MASK))
#define ERRNUM(code) ((STATUS)((code) & ERRNUM_MASK))
#define PKG(code) ((STATUS)((code) & PKG_MASK))

#define PKG_GLOBAL 0x0000
#define PKG_OS 0x0100
#define PKG_NSF 0x0200
#define PKG_MISC 0x0400
#define PKG_SERVER 0x0900
#define PKG_NETWORK 0x0A00
#define PKG_SECURE 0x1900
#define PKG_ADDIN 0x3300
#define PKG_ADDIN2 0x3700
#define PKG_NSF9 0x3800
#define PKG_POP3 0x3AC8
#define PKG_POP3C 0x3AE8

#define ERR_CANCEL 0x019D
#define ERR_NOEXIST 0x0103
#define ERR_EXISTS 0x0104
#define ERR_MEMORY 0x0107
#define ERR_NOT_FOUND 0x0404

#endif
