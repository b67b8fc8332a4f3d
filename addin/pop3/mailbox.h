/*
 * An open maildrop and what a session does with it. Everything that may block is
 * a job of addin/net; while a job runs, the job owns the mailbox, and whoever
 * gets the job's context back (net_protocol.resume, or mailbox_discard) owns it
 * again. So a mailbox needs no lock, and a job that nobody waits for any more
 * lets it go by itself.
 */
#ifndef POSTIL_POP3_MAILBOX_H
#define POSTIL_POP3_MAILBOX_H

#include "addin/net/net.h"
#include "addin/pop3/registry.h"
#include "addin/pop3/seam.h"
#include "addin/pop3/task.h"

struct mailbox;

/* Blocks: for a job. who: whose rights hold; utf8: the client has said UTF8. The entry becomes the
 * mailbox's on success. Errors are those of maildrop_store_calls.open; what an
 * administrator should know has been logged. */
STATUS mailbox_open(struct task *task, const struct settings *settings,
                    const struct acl_who *who, bool utf8, struct registry_entry **entry,
                    struct mailbox **mailbox_r);
/* Blocks. */
void mailbox_close(struct mailbox **mailbox);
/* The same as detached work. */
void mailbox_let_go(struct mailbox **mailbox);

bool mailbox_may_delete(const struct mailbox *mailbox);
void mailbox_stat(const struct mailbox *mailbox, uint32_t *messages_r, uint64_t *octets_r);
void mailbox_info(const struct mailbox *mailbox, uint32_t number,
                  struct pop3_message_info *info_r);

/* Octets that are in memory already; false: a job must read them. */
bool mailbox_has(struct mailbox *mailbox, uint32_t number, uint64_t offset, size_t size,
                 struct slice *data_r);
/* The job that reads them (then mailbox_has is true), and more behind them where
 * that is likely to be asked for next. */
void mailbox_read_job(struct mailbox *mailbox, uint32_t number, uint64_t offset, size_t size,
                      struct net_job *job_r);
/* Give back memory that no one will ask for. */
void mailbox_trim(struct mailbox *mailbox);

/* What the session and the job that commits for it must agree on: whether the
 * commit has begun, when the deadline passes. */
struct mailbox_commit;
/* The job that commits and closes the maildrop; numbers count from 1. */
STATUS mailbox_commit_job(struct mailbox *mailbox, const uint32_t *deleted,
                          size_t deleted_count, const uint32_t *read, size_t read_count,
                          struct mailbox_commit **commit_r, struct net_job *job_r);
/* True: it has not begun and never will. False: it may happen or have happened. */
bool mailbox_commit_give_up(struct mailbox_commit *commit);
void mailbox_commit_release(struct mailbox_commit **commit);

#endif
