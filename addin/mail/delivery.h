/*
 * Messages into mail files: any number of messages, each into any number of files, with one
 * call of the store, and so one sync, for each file.
 */
#ifndef POSTIL_MAIL_DELIVERY_H
#define POSTIL_MAIL_DELIVERY_H

#include "base/buf.h"
#include "base/fault.h"
#include "mailfile/store.h"

/* One message for one mail file. */
struct delivery {
	const char *path;               /* of the mail file, relative; made if it is not there */
	struct slice owner;             /* whose it is then */
	const struct maildrop_delivery *message;        /* as intake_finish made it */
	struct slice top;               /* header lines put before it, whole; may be empty */
	bool beyond_quota;              /* as in store.h */
	STATUS status;                  /* what came of it */
};

/* "Return-Path: <sender>" CRLF (RFC 5321, section 4.4), sender without angle brackets, perhaps
 * empty. POSTIL_ERR_INVALID: it holds control octets; POSTIL_ERR_TOO_LONG: more than
 * DELIVERY_ADDRESS_MAX. Appended to top, as is the next. */
STATUS delivery_add_return_path(struct slice sender, struct buf *top);
/* "Delivered-To: recipient" CRLF. */
STATUS delivery_add_delivered_to(struct slice recipient, struct buf *top);
#define DELIVERY_ADDRESS_MAX 1024

/* Make sure that each mail file is there and can be opened; the first that cannot be ends it. */
STATUS delivery_prepare(struct mail_store *store, const struct delivery *deliveries, size_t count,
                        struct fault *fault);
/* Deliver all, in the order given within each mail file; sets each status. NOERROR: it is on
 * the disk. What one message alone makes impossible (quota, space, size) does not keep others
 * from the same file. told (may be NULL) is called for each one that failed, from
 * any thread, one call at a time. With many files several threads deliver. */
void delivery_run(struct mail_store *store, struct delivery *deliveries, size_t count,
                  void (*told)(void *context, const struct delivery *delivery,
                               const struct fault *fault), void *context);

#endif
