/*
 * Keys of session tickets (RFC 5077, RFC 8446 section 4.6.1): how a client that comes back
 * is spared a full handshake without the server remembering it. The keys live in memory
 * alone, change with time, and are shared by all workers and by every context made with
 * them, so that tickets hold over a reload; with the process they are gone.
 *
 * What a ticket is bound to, and what is checked when it comes back: connection.h.
 */
#ifndef POSTIL_TLS_TICKET_H
#define POSTIL_TLS_TICKET_H

#include <stdint.h>

#include "base/status.h"

struct tls_tickets;

/* lifetime_secs: how long a ticket holds (0: 8 hours; at most 7 days, the limit of TLS
 * 1.3); a key makes tickets for half of that and opens them until the last of them has
 * ended. One reference is the caller's. POSTIL_ERR_IO: no random octets. */
STATUS tls_tickets_new(uint32_t lifetime_secs, struct tls_tickets **tickets_r);
struct tls_tickets *tls_tickets_share(struct tls_tickets *tickets);
void tls_tickets_release(struct tls_tickets **tickets);         /* wipes the keys with the last */
/* New keys from now on: no ticket made before holds any more. */
STATUS tls_tickets_renew(struct tls_tickets *tickets);

#endif
