/*
 * The ways in: what the columns of a port make of a connection, and whom a login lets
 * in. One table, one decision:
 *
 *      certificate  name and password   over TLS
 *      No           Yes                 name and password
 *      Yes          No                  the certificate, by EXTERNAL or by USER with any PASS
 *      Yes          Yes                 both, and of the same person; or, where `either` is
 *                                       set, the certificate if one is presented, else name
 *                                       and password
 *      No           No                  closed
 *
 * In clear the TCP/IP column alone counts: name and password, or closed. Nothing here
 * asks a directory, a socket or a clock.
 */
#ifndef POSTIL_POP3_ENTRY_H
#define POSTIL_POP3_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "addin/pop3/seam.h"
#include "addin/pop3/session.h"
#include "directory/directory.h"
#include "tls/connection.h"

struct entry_rules {
	bool password;                  /* TCP/IP: name and password */
	bool tls_password, tls_certificate;
	bool either;                    /* what Yes and Yes means */
	bool stls;                      /* clear connections may begin TLS */
};

enum entry_way { ENTRY_CLOSED, ENTRY_PASSWORD, ENTRY_CERTIFICATE, ENTRY_BOTH };

/* What a handshake asks the client for. */
enum tls_ask entry_ask(const struct entry_rules *rules);
/* has_certificate: a trusted one was presented. */
enum entry_way entry_way(const struct entry_rules *rules, bool tls, bool has_certificate);
/* Is there any way in, in clear or over TLS? */
bool entry_is_open(const struct entry_rules *rules);
void entry_door(const struct entry_rules *rules, bool tls, bool has_certificate,
                struct pop3_door *door_r);

struct entry_claim {
	enum pop3_mechanism mechanism;
	const struct person *owner;     /* of the certificate; NULL: none or nobody's */
	const struct person *named;     /* whom the name may mean (not for EXTERNAL) */
	size_t named_count;
	const bool *verified;           /* whose password it is; NULL: not asked */
};
/* Who may go on; NULL: the login is refused. owner, or one of named. */
const struct person *entry_person(enum entry_way way, const struct entry_claim *claim);

#endif
