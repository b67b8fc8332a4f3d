/*
 * A context for a TLS server, with a certificate made for it (ECDSA, P-256, signed by
 * itself, for "localhost") and default options. For tests.
 */
#ifndef POSTIL_TESTS_SUPPORT_SERVERCERT_H
#define POSTIL_TESTS_SUPPORT_SERVERCERT_H

#include "tls/context.h"

/* One reference is the caller's; the test fails if it cannot be made. */
struct tls_context *servercert_context(void);

#endif
