/*
 * Client addresses in few octets: IPv4 is kept as ::ffff:a.b.c.d whichever way
 * it came, a client of a UNIX socket has none. Addresses are chosen by clients, their form is the kernel's.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "addin/net/impl.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };

void address_from(struct address *address, const struct sockaddr_storage *from)
{
	*address = (struct address){ .local = from->ss_family == AF_UNIX };
	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)from;

		memcpy(address->octets, mapped, sizeof(mapped));
		memcpy(address->octets + 12, &in->sin_addr, 4);
		address->port = ntohs(in->sin_port);
	} else if (from->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)from;

		memcpy(address->octets, &in6->sin6_addr, 16);
		address->port = ntohs(in6->sin6_port);
		address->scope = in6->sin6_scope_id;
	}
}

void address_key(const struct address *address, uint8_t key[16])
{
	memcpy(key, address->octets, 16);
	if (memcmp(key, mapped, sizeof(mapped)) != 0)
		memset(key + 8, 0, 8);
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (address->local)
		return true;
	if (memcmp(address->octets, mapped, sizeof(mapped)) == 0)
		return address->octets[12] == 127;
	return memcmp(address->octets, one, sizeof(one)) == 0;
}

void address_text(const struct address *address, char *text, size_t size)
{
	bool is_4 = memcmp(address->octets, mapped, sizeof(mapped)) == 0;
	size_t n;

	if (address->local) {
		snprintf(text, size, "local");
		return;
	}
	if (inet_ntop(is_4 ? AF_INET : AF_INET6, address->octets + (is_4 ? 12 : 0), text,
	              (socklen_t)size) == NULL)
		text[0] = '\0';
	n = strlen(text);
	if (address->scope != 0 && n < size)
		snprintf(text + n, size - n, "%%%u", (unsigned)address->scope);
}
