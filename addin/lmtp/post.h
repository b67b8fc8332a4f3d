/*
 * From a batch of messages to mail files: what a session has gathered, delivered with one call of
 * the store for each mail file, and told in the log.
 */
#ifndef POSTIL_LMTP_POST_H
#define POSTIL_LMTP_POST_H

#include "addin/lmtp/batch.h"
#include "mailfile/store.h"

struct post {
	struct mail_store *store;
	void (*log)(void *context, const char *text);   /* one line */
	void *log_context;
	bool quiet;                     /* tell of mail files in trouble alone */
};

/* Deliver; sets the status of each recipient, or broken of a message that cannot be finished.
 * A mail file that several recipients of one message mean gets it once. Before a group's message
 * goes into the first of its mail files all of them are opened, and no quota of theirs refuses
 * it: there is one reply for all, which must not say of one member what holds for another. Blocks.
 *
 *      lmtp: delivery to [ADDRESS] from [SENDER] message-id [ID] size OCTETS: delivered (MAIL FILE)
 *                                                                 delivered (N mail files)
 *                                                                 failed (WHY)
 */
void post_batch(const struct post *post, struct lmtp_batch *batch);

#endif
