/*
 * STATUS: what every call that can fail returns.
 *
 * The numbers are those of the Domino C API (a package base plus an offset),
 * so that a task author finds the codes he knows. NOERROR is 0. The upper two
 * bits are flags and never set here. Codes of our own live in the package
 * PKG_POSTIL, which the product does not use.
 */
#ifndef POSTIL_BASE_STATUS_H
#define POSTIL_BASE_STATUS_H

#include <stdint.h>

typedef uint16_t STATUS;

#ifndef NOERROR
#define NOERROR 0
#endif

enum {
	POSTIL_ERR_MEMORY = 0x0107,     /* out of memory */
	POSTIL_ERR_NOEXIST = 0x0103,    /* file does not exist */
	POSTIL_ERR_EXISTS = 0x0104,     /* file exists already */
	POSTIL_ERR_CANCEL = 0x019D,     /* operation stopped at the caller's wish */
	POSTIL_ERR_DELETED = 0x0225,    /* note has been deleted */
	POSTIL_ERR_NOACCESS = 0x0246,   /* not authorized to perform that operation */
	POSTIL_ERR_NOT_FOUND = 0x0404,  /* entry not found */
	POSTIL_ERR_BADPASSWORD = 0x1908,/* wrong password */

	POSTIL_ERR_BASE = 0x3D00,
	POSTIL_ERR_INVALID = POSTIL_ERR_BASE, /* an argument or input is malformed */
	POSTIL_ERR_TOO_LONG,            /* input exceeds a documented limit */
	POSTIL_ERR_IO,                  /* read, write or sync failed */
	POSTIL_ERR_DISK_FULL,           /* no space, or below the reserve */
	POSTIL_ERR_DAMAGED,             /* file fails its own checks */
	POSTIL_ERR_FOREIGN,             /* file is of a kind we do not read (a real NSF, ...) */
	POSTIL_ERR_SCHEMA,              /* file was made by a newer version */
	POSTIL_ERR_NETWORK_FS,          /* file lies on a network file system */
	POSTIL_ERR_BUSY,                /* lock not had in time */
	POSTIL_ERR_IN_USE,              /* maildrop held by another session */
	POSTIL_ERR_LOCK_LOST,           /* our lock was taken over or lost */
	POSTIL_ERR_TIMEOUT,             /* deadline passed */
	POSTIL_ERR_UNKNOWN_OUTCOME,     /* a commit may or may not have happened */
	POSTIL_ERR_SYNTAX,              /* DXL, notes.ini or command cannot be parsed */
	POSTIL_ERR_AMBIGUOUS,           /* more than one match where one is needed */
	POSTIL_ERR_LIMIT,               /* a configured limit has been reached */
	POSTIL_ERR_CLOSED,              /* the other side has gone */
	POSTIL_ERR_PERMISSION,          /* the operating system refused access */
	POSTIL_ERR_QUOTA,               /* the mail file's quota would be exceeded */
	POSTIL_ERR_END
};

/* The sentence for a code, never NULL, static storage; for codes not known
 * here a sentence with the number is not possible, so a general one. */
const char *status_text(STATUS status);

#endif
