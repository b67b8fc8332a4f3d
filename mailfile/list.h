/*
 * What a mail file's inbox held at one moment: for each message id, size,
 * header length, dot flag and UIDL, packed into one block of memory that never
 * changes and is shared by counting its users.
 *
 *   offsets[0..blocks]    where each block of LIST_BLOCK messages begins
 *   per message           varint id (less the one before it; in a block's first
 *                         message less nothing), varint size, varint header,
 *                         an octet 0x7F if it needs UTF8, octet dot << 7 | UIDL length, UIDL
 *   acl                   the file's access control list, encoded
 *
 * About 10 octets and the UIDL each.
 */
#ifndef POSTIL_MAILFILE_LIST_H
#define POSTIL_MAILFILE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mailfile/store.h"

#define LIST_BLOCK 32

struct msglist;

/* --- making one: messages in order of growing id ----------------------------- */

struct msglist_maker {
	struct buf data, offsets;
	struct buf acl;         /* the caller adds to it */
	uint64_t octets, last_id;
	uint32_t count;
	bool one_form;          /* the caller may clear it: the list is another with, or without, UTF8 */
};
void msglist_start(struct msglist_maker *maker);
/* POSTIL_ERR_DAMAGED: ids do not grow, a UIDL is empty or longer than
 * MAILDROP_UIDL_MAX, or there are more than 2^32-2 messages. */
STATUS msglist_add(struct msglist_maker *maker, uint64_t id,
                   const struct maildrop_message *message);
STATUS msglist_finish(struct msglist_maker *maker, struct msglist **list_r);
void msglist_give_up(struct msglist_maker *maker);

/* --- using it: any number of threads ------------------------------------------ */

struct msglist *msglist_hold(struct msglist *list);
void msglist_let_go(struct msglist **list);
uint32_t msglist_count(const struct msglist *list);
uint64_t msglist_octets(const struct msglist *list);    /* of all messages */
size_t msglist_memory(const struct msglist *list);
bool msglist_is_one_form(const struct msglist *list);
struct slice msglist_acl(const struct msglist *list);   /* lies in the list */

/* Where the last look-up ended, so that going through in order costs little.
 * Zero it to begin; one thread at a time. */
struct msglist_cursor {
	uint32_t next;          /* index of the message that begins at `at` */
	uint32_t at;
	uint64_t last_id;       /* of the message before it */
};
/* index < count. The UIDL lies in the list. Returns the id. */
uint64_t msglist_get(const struct msglist *list, struct msglist_cursor *cursor,
                     uint32_t index, struct maildrop_message *message_r);

#endif
