/* The digest by which stores tell octets apart. */
#include "mailfile/store.h"

#include "nsf/nsf.h"

STATUS maildrop_digest(const struct maildrop_delivery *delivery,
                       uint8_t digest_r[MAILDROP_DIGEST_OCTETS])
{
	return nsf_digest(delivery->size_octets, delivery->body, delivery->context, digest_r);
}
