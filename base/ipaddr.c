/* Addresses as peers and people write them: bounded, and copied only when understood. */
#include "base/ipaddr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

const uint8_t ipaddr_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };

bool ipaddr_parse(const char *text, uint8_t octets[IPADDR_OCTETS], bool *is_4)
{
	*is_4 = inet_pton(AF_INET, text, octets + 12) == 1;
	if (*is_4)
		memcpy(octets, ipaddr_mapped, sizeof(ipaddr_mapped));
	return *is_4 || inet_pton(AF_INET6, text, octets) == 1;
}

bool ipaddr_parse_peer(const char *address, uint8_t octets[IPADDR_OCTETS])
{
	char text[INET6_ADDRSTRLEN];
	size_t n = strcspn(address, "%");
	bool is_4;

	if (n >= sizeof(text))
		return false;
	memcpy(text, address, n);
	text[n] = '\0';
	return ipaddr_parse(text, octets, &is_4);
}

bool ipaddr_unit(const char *address, uint8_t unit[IPADDR_OCTETS])
{
	if (!ipaddr_parse_peer(address, unit))
		return false;
	if (memcmp(unit, ipaddr_mapped, sizeof(ipaddr_mapped)) != 0)
		memset(unit + 8, 0, 8);
	return true;
}

void ipaddr_unit_text(const char *address, char text[IPADDR_UNIT_TEXT])
{
	char shown[INET6_ADDRSTRLEN];
	uint8_t unit[IPADDR_OCTETS];
	bool is_4;

	snprintf(text, IPADDR_UNIT_TEXT, "%s", address);
	if (!ipaddr_unit(address, unit))
		return;
	is_4 = memcmp(unit, ipaddr_mapped, sizeof(ipaddr_mapped)) == 0;
	if (inet_ntop(is_4 ? AF_INET : AF_INET6, unit + (is_4 ? 12 : 0), shown, sizeof(shown)) == NULL)
		return;
	if (is_4)
		snprintf(text, IPADDR_UNIT_TEXT, "%s", shown);
	else
		snprintf(text, IPADDR_UNIT_TEXT, "%.43s/64", shown);
}
