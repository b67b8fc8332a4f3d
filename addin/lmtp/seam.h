/*
 * The seam between protocol and mail: the three things a session asks for. No pointer into
 * directory or store flows through it.
 *
 * A call finishes at once (its status is the answer) or returns LMTP_PENDING; then the session
 * parks, and lmtp_session_resume brings the status. A session has at most one call under way.
 * When it is freed meanwhile, nothing is written through a result parameter any more.
 */
#ifndef POSTIL_LMTP_SEAM_H
#define POSTIL_LMTP_SEAM_H

#include "addin/lmtp/batch.h"

#define LMTP_PENDING ((STATUS)0x3FFF)

struct lmtp_found {
	enum recipient_result result;
	struct recipient *recipient;    /* of RECIPIENT_FOUND: the caller's now */
};

struct lmtp_seam {
	/* Who is this? NOERROR: see *found_r, which stays valid until then. address is copied. */
	STATUS (*find)(void *context, struct slice address, struct lmtp_found *found_r);
	/* Deliver all messages that are not broken, and set the status of each of their
	 * recipients. *batch belongs to the seam while the call is pending and is NULL then; NOERROR
	 * brings it back there. Any other status: nobody knows what became of it, it is the seam's
	 * for good. */
	STATUS (*deliver)(void *context, struct lmtp_batch **batch);
	/* Is more input there already, so that gathering costs nobody time? */
	bool (*has_more)(void *context);
};

#endif
