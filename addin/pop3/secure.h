/*
 * The TLS side of the settings: which credentials, trusted CAs, suites and bindings of
 * tickets hold at which place. A place is the Server document or, with Internet Sites, a
 * POP3 Site document. Made by the task's main thread together with the settings it belongs
 * to, never changed afterwards; connections hold their own share of a context.
 *
 * Files: DATA/certs (credentials), DATA/certs/trusted (CAs of clients), DATA/certs/crls
 * (revocation lists); tls/context.h tells what may be in them.
 */
#ifndef POSTIL_POP3_SECURE_H
#define POSTIL_POP3_SECURE_H

#include "tls/connection.h"
#include "tls/ticket.h"

struct settings;
struct secure;

/* Everything that settings ask for. A place whose credentials cannot be used has what
 * previous (may be NULL) had there, or none; that is told through say, each time. Contexts that are still current are shared with previous. POSTIL_ERR_MEMORY. */
STATUS secure_new(const struct settings *settings, const char *data_dir,
                  struct tls_tickets *tickets, const struct secure *previous,
                  void (*say)(void *context, const char *text), void *say_context,
                  struct secure **secure_r);
void secure_free(struct secure **secure);
/* Would secure_new come to the same? false as soon as a file has changed. Cheap. */
bool secure_is_current(const struct secure *secure);
/* Is there a place where what is asked for is not to be had? Then try again from time to
 * time: what is missing may come. */
bool secure_is_lacking(const struct secure *secure);
bool secure_equal(const struct secure *a, const struct secure *b);

/* Can TLS be spoken anywhere? Then the TLS port is worth listening on. */
bool secure_has_any(const struct secure *secure);
bool secure_has(const struct secure *secure, size_t place);
/* What a handshake at this place needs, on the TLS port or after STLS; the context is
 * shared. POSTIL_ERR_NOT_FOUND. */
STATUS secure_setup(const struct secure *secure, size_t place, bool stls, enum tls_ask ask,
                    struct tls_setup *setup_r);
/* Lines of `tell pop3 show config` about a place. */
void secure_each(const struct secure *secure, size_t place,
                 void (*line)(void *context, const char *text), void *context);

#endif
