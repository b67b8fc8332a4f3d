/* Certificates and stored values: any octets; what comes of them is clean, and keys are equal
 * only where there is one. */
#include <string.h>

#include "base/text.h"
#include "tests/fuzz/fuzz.h"
#include "tls/peer.h"

static void check_name(struct slice name)
{
	FUZZ_CHECK(name.n > 0 && text_is_utf8(name));
	for (size_t i = 0; i < name.n; i++)
		FUZZ_CHECK((unsigned char)name.p[i] >= 0x20 && name.p[i] != 0x7F);
}

static void check_peer(const struct tls_peer *peer, struct slice stored)
{
	FUZZ_CHECK(peer->name_count <= TLS_PEER_NAMES_MAX);
	FUZZ_CHECK(peer->address_count <= TLS_PEER_ADDRESSES_MAX);
	for (size_t i = 0; i < peer->name_count; i++)
		check_name(peer->names[i]);
	/* the last is the common name alone: no label, no hierarchy */
	if (peer->name_count > 0) {
		struct slice common = peer->names[peer->name_count - 1];

		FUZZ_CHECK(common.n <= TLS_PEER_VALUE_MAX);
		FUZZ_CHECK(memchr(common.p, '/', common.n) == NULL && memchr(common.p, '=', common.n) == NULL);
	}
	for (size_t i = 0; i < peer->address_count; i++)
		FUZZ_CHECK(memchr(peer->addresses[i].p, '@', peer->addresses[i].n) != NULL);
	for (size_t i = 0; i < peer->subject.n; i++)
		FUZZ_CHECK(peer->subject.p[i] >= 0x20 && peer->subject.p[i] < 0x7F);
	FUZZ_CHECK(tls_key_equal(peer->public_key, stored));
}

static STATUS each(void *context, struct slice der)
{
	struct arena arena = ARENA_INIT;
	struct tls_peer peer;
	struct buf text = BUF_INIT;
	STATUS status = tls_peer_read(der, &arena, &peer);

	FUZZ_CHECK(der.n <= TLS_CERTIFICATE_MAX);
	if (status == NOERROR)
		check_peer(&peer, der);
	tls_certificate_text(der, &text);
	FUZZ_CHECK(text.n > 0);
	buf_release(&text);
	arena_release(&arena);
	++*(size_t *)context;
	return NOERROR;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice input = { (const char *)data, n };
	struct arena arena = ARENA_INIT;
	struct tls_peer peer;
	size_t count = 0;
	STATUS status = tls_certificates_each(input, each, &count);

	FUZZ_CHECK((status == NOERROR) == (count > 0));
	if (tls_peer_read(input, &arena, &peer) == NOERROR)
		check_peer(&peer, input);
	FUZZ_CHECK(!tls_key_equal(SLICE_LIT("none"), input));
	arena_release(&arena);
	return 0;
}
