/*
 * Which protocol versions and cipher suites are spoken. TLS 1.2 and 1.3, and the suites
 * of Mozilla's "intermediate" list (Server Side TLS 5.7), which can be narrowed and
 * never widened.
 */
#ifndef POSTIL_TLS_POLICY_H
#define POSTIL_TLS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"

struct tls_policy {
	bool tls_1_2, tls_1_3;
	uint32_t suites;        /* bits: places in the table of policy.c */
};

/* All that is allowed. */
void tls_policy_init(struct tls_policy *policy);
/* Narrow to a list of IANA codes in hexadecimal as SSLCipherList holds them: "C02F",
 * "9E", "0x1301", "13,02". Codes that are not allowed (old suites that a document from
 * elsewhere may name) change nothing and are appended to ignored (may be NULL), blanks
 * between, escaped for a log. A list without any code of TLS 1.3 leaves that version as
 * it is, since such lists were written before it; one that names suites of TLS 1.3 alone
 * ends TLS 1.2. An empty list, or one of
 * blanks, changes nothing. POSTIL_ERR_INVALID: not one code of the
 * list is allowed; policy is as it was. */
STATUS tls_policy_narrow(struct tls_policy *policy, const struct slice *codes, size_t count,
                         struct buf *ignored, struct fault *fault);
/* "TLS 1.2, TLS 1.3: TLS_AES_128_GCM_SHA256 ..." for an administrator; appended. */
void tls_policy_text(const struct tls_policy *policy, struct buf *out);

#endif
