/*
 * Internet password lockout (Configuration Settings, Security tab; Domino help "The
 * Internet lockout database"): how often in a row a password was wrong, kept in
 * DATA/inetlockout.nsf so that it survives restarts and holds for all tasks of the
 * server. Counted under the resolved person, never under what the client typed, and
 * where switched on under the client's address.
 *
 * Questions are answered from memory that follows the file; only failures that count,
 * unlocking and a success that clears write, one small transaction each. Time comes
 * from the caller (milliseconds since 1970). Any thread, any number of processes.
 */
#ifndef POSTIL_DIRECTORY_LOCKOUT_H
#define POSTIL_DIRECTORY_LOCKOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"

/* Records of one kind; then the one that failed longest ago gives way. */
#define LOCKOUT_RECORDS_MAX 20000

/* What the nearest ServerConfig document says. */
struct lockout_rules {
	bool enforce;                   /* ILEnforce */
	bool log_lockouts, log_failures;/* ILLogLockouts, ILLogFailures */
	bool lock_address;              /* ILLockIP: addresses are locked, too */
	bool count_against_address;     /* ILCountAgainstIP: failures count for the address */
	uint32_t max_tries;             /* ILMaxTries; 0: unlimited */
	uint64_t expire_secs;           /* ILExp...; 0: a lock never expires by itself */
	uint64_t clear_secs;            /* ILClear...; 0: every success clears, else only one that
	                                 * comes this long after the last failure */
};

struct lockout;

enum lockout_kind {
	LOCKOUT_PERSON, LOCKOUT_ADDRESS,
	LOCKOUT_NOBODY          /* never locked, never shown: for a refusal that counts for nobody
	                         * and must cost what one that does costs */
};
#define LOCKOUT_KINDS 3

struct lockout_record {
	enum lockout_kind kind;
	struct slice name;              /* canonical name, or numeric address (IPv6: its /64) */
	bool locked;
	uint32_t failures;
	int64_t first_ms, last_ms;      /* failures */
	int64_t locked_ms;              /* 0: not locked */
};

/* DATA/inetlockout.nsf is made at the first failure that counts. */
STATUS lockout_open(const char *data_dir, struct lockout **lockout_r, struct fault *fault);
void lockout_close(struct lockout **lockout);

/* Is it locked at now_ms? A lock that has expired does not hold. Memory only, except
 * when another process has changed the file. While the file cannot be read or written
 * what this process knows itself counts (see lockout_trouble). */
bool lockout_is_locked(struct lockout *lockout, const struct lockout_rules *rules,
                       enum lockout_kind kind, struct slice name, int64_t now_ms);
/* A wrong password. *locked_r: this one has locked it. Nothing is counted while a lock
 * holds, nor without rules->enforce, nor for an address unless the rules name addresses.
 * The status is that of writing; the failure counts in this process all the same. */
STATUS lockout_failed(struct lockout *lockout, const struct lockout_rules *rules,
                      enum lockout_kind kind, struct slice name, int64_t now_ms, bool *locked_r);
/* The right password: clears earlier failures where the rules say so. */
STATUS lockout_succeeded(struct lockout *lockout, const struct lockout_rules *rules,
                         enum lockout_kind kind, struct slice name, int64_t now_ms);
/* The first trouble with the file since the last call, once: a sentence for the log.
 * A damaged file is set aside as inetlockout.nsf.damaged-N and made anew. */
bool lockout_trouble(struct lockout *lockout, struct fault *fault_r);
/* Records in order of kind and name; those whose lock has expired or that hold nothing
 * any more do not come. */
STATUS lockout_each(struct lockout *lockout, const struct lockout_rules *rules, int64_t now_ms,
                    STATUS (*each)(void *context, const struct lockout_record *record),
                    void *context);
/* Delete the record: effect at once, in every process. POSTIL_ERR_NOT_FOUND. */
STATUS lockout_unlock(struct lockout *lockout, enum lockout_kind kind, struct slice name);

#endif
