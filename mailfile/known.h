/*
 * What a mail file holds already and which UIDLs it ever used: against this an
 * import judges each message. In memory while the import runs.
 */
#ifndef POSTIL_MAILFILE_KNOWN_H
#define POSTIL_MAILFILE_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mailfile/store.h"

struct known;

enum known_verdict {
	KNOWN_NEW,              /* to be delivered, with its UIDL if it has one */
	KNOWN_PRESENT,          /* there already */
	KNOWN_CLASH             /* to be delivered; its UIDL names other octets */
};

STATUS known_new(struct known **known_r);
void known_free(struct known **known);
STATUS known_add(struct known *known, const struct maildrop_known *entry);
/* uidl may be empty: then a message with the same octets that no other was taken for is
 * this one. A message judged new counts as there from then on. */
STATUS known_judge(struct known *known, struct slice uidl,
                   const uint8_t digest[MAILDROP_DIGEST_OCTETS], enum known_verdict *verdict_r);

#endif
