/*
 * Messages that have come whole and wait to be delivered together: what a session hands over,
 * and what became of each recipient when it comes back.
 */
#ifndef POSTIL_LMTP_BATCH_H
#define POSTIL_LMTP_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addin/mail/recipient.h"
#include "base/buf.h"
#include "base/status.h"
#include "mailfile/message.h"

struct lmtp_recipient {
	char *address;                  /* as RCPT had it, without brackets */
	struct recipient *recipient;    /* the mail files; this one's own */
	STATUS status;                  /* set by delivery: NOERROR: durable in all of them */
};

struct lmtp_message {
	struct lmtp_message *next;
	char *sender;                   /* as MAIL had it, perhaps "" */
	bool smtputf8;
	struct lmtp_recipient *recipients;
	size_t count, room;
	size_t files;                   /* mail files of all recipients */
	struct intake *intake;          /* NULL: nothing has come yet */
	uint64_t octets;                /* taken so far */
	STATUS broken;                  /* not NOERROR: cannot be taken, and is not delivered */
	/* The session's: what it answers behind this message's own replies. */
	struct buf after;
};

struct lmtp_batch {
	struct lmtp_message *first, *last;
	size_t count;
	uint64_t octets;
};

/* NULL: out of memory. sender is copied. */
struct lmtp_message *lmtp_message_new(struct slice sender, bool smtputf8);
void lmtp_message_free(struct lmtp_message **message);
/* The recipient becomes the message's, unless POSTIL_ERR_MEMORY. */
STATUS lmtp_message_add(struct lmtp_message *message, struct slice address,
                        struct recipient *recipient);
/* Octets of the message itself. Once it is broken they are only counted. */
void lmtp_message_octets(struct lmtp_message *message, const struct intake_options *options,
                         struct slice octets);

struct lmtp_batch *lmtp_batch_new(void);
void lmtp_batch_free(struct lmtp_batch **batch);
void lmtp_batch_add(struct lmtp_batch *batch, struct lmtp_message *message);

#endif
