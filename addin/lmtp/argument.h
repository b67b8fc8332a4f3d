/*
 * What stands behind MAIL and RCPT (RFC 5321, section 4.1.2): a path and parameters.
 */
#ifndef POSTIL_LMTP_ARGUMENT_H
#define POSTIL_LMTP_ARGUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define ARGUMENT_ADDRESS_OCTETS 1000

enum argument_fault {
	ARGUMENT_GOOD,
	ARGUMENT_SYNTAX,                /* 501 5.5.4 */
	ARGUMENT_ADDRESS,               /* 501 5.1.7 (MAIL), 5.1.3 (RCPT) */
	ARGUMENT_UNKNOWN,               /* 555 5.5.4: a parameter that is not known here */
	ARGUMENT_NEEDS_UTF8             /* 553 5.6.7: an address beyond ASCII without SMTPUTF8 */
};

struct argument {
	struct slice address;           /* what is between the brackets, without a source route */
	bool has_size, eight_bit, smtputf8;
	uint64_t size;                  /* UINT64_MAX: larger than any number */
};

/* text: all behind `MAIL ` or `RCPT `. mail: `FROM:`, an empty path and parameters may come; else
 * `TO:` and no parameter. utf8: RCPT in a transaction with SMTPUTF8. */
enum argument_fault argument_parse(struct slice text, bool mail, bool utf8, struct argument *argument_r);

#endif
