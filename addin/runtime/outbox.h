/*
 * What goes to the host without an answer: log lines, status lines, statistics.
 *
 * They are kept in a bounded buffer and sent by a thread of their own: at once
 * when nothing was sent lately, else together after OUTBOX_MS or when the buffer
 * is half full. A caller waits at most OUTBOX_PATIENCE_MS for room, and not at
 * all while the host takes nothing; what finds no room is dropped, counted, and
 * told in a log line as soon as there is room. Status lines are never dropped:
 * each is kept as it is now and sent when it differs from what the host has.
 */
#ifndef POSTIL_RUNTIME_OUTBOX_H
#define POSTIL_RUNTIME_OUTBOX_H

#include <stdint.h>

#include "addin/wire/wire.h"

#define OUTBOX_MS 30
#define OUTBOX_PATIENCE_MS 200
#define OUTBOX_OCTETS (256 * 1024)
#define OUTBOX_TEXT_MAX 4000    /* octets of a log line; the rest is cut */
#define OUTBOX_LINES_MAX 128    /* status lines */
#define OUTBOX_STATUS_MAX 255   /* octets of their text */

STATUS outbox_start(void);

void outbox_log(enum wire_severity severity, uint32_t flags, const char *text);
/* value_octets as they go over the wire. POSTIL_ERR_INVALID: a name is too long. */
STATUS outbox_stat_update(const char *facility, const char *name, uint32_t flags,
                          uint32_t type, const void *value, size_t value_octets);
STATUS outbox_stat_delete(const char *facility, const char *name);

/* A new line; its number, 0 when there are too many. Unknown numbers are ignored. */
uint32_t outbox_line_new(const char *name);
void outbox_line_set(uint32_t line, const char *text);
void outbox_line_delete(uint32_t line);

/* Have what is kept sent now. */
void outbox_kick(void);
/* Send all that is kept; the caller holds link_lock_sending(). */
void outbox_drain_locked(void);

#endif
