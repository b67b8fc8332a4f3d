/* Networks out of notes.ini: written by people, read strictly. */
#include "addin/net/networks.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/ipaddr.h"
#include "base/text.h"

struct network {
	uint8_t octets[16];
	unsigned bits;          /* of 128 */
};

struct net_networks {
	size_t count;
	struct network list[];
};

static bool parse_network(struct slice s, struct network *network)
{
	const char *slash = memchr(s.p, '/', s.n);
	size_t n = slash != NULL ? (size_t)(slash - s.p) : s.n;
	char text[INET6_ADDRSTRLEN];
	uint64_t bits;
	bool is_4;

	if (n >= sizeof(text) || memchr(s.p, '\0', n) != NULL)
		return false;
	memcpy(text, s.p, n);
	text[n] = '\0';
	if (!ipaddr_parse(text, network->octets, &is_4))
		return false;
	network->bits = 128;
	if (slash == NULL)
		return true;
	if (!text_number((struct slice){ slash + 1, s.n - n - 1 }, is_4 ? 32 : 128, &bits))
		return false;
	network->bits = (unsigned)bits + (is_4 ? 96 : 0);
	return true;
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',' || c == ';';
}

/* The next part of *rest, cut off it; false: there is none. */
static bool next_part(struct slice *rest, struct slice *part)
{
	while (rest->n > 0 && is_separator(*rest->p))
		rest->p++, rest->n--;
	part->p = rest->p;
	while (rest->n > 0 && !is_separator(*rest->p))
		rest->p++, rest->n--;
	part->n = (size_t)(rest->p - part->p);
	return part->n > 0;
}

STATUS net_networks_parse(struct slice text, struct net_networks **networks_r,
                          struct slice *bad_r)
{
	struct net_networks *networks;
	struct slice rest = text, part;
	size_t count = 0;

	while (next_part(&rest, &part))
		count++;
	if (count > NET_NETWORKS_MAX)
		return POSTIL_ERR_TOO_LONG;
	networks = calloc(1, sizeof(*networks) + count * sizeof(networks->list[0]));
	if (networks == NULL)
		return POSTIL_ERR_MEMORY;
	for (rest = text; next_part(&rest, &part); networks->count++) {
		if (parse_network(part, &networks->list[networks->count]))
			continue;
		if (bad_r != NULL)
			*bad_r = part;
		free(networks);
		return POSTIL_ERR_INVALID;
	}
	*networks_r = networks;
	return NOERROR;
}

void net_networks_free(struct net_networks **networks)
{
	free(*networks);
	*networks = NULL;
}

static bool is_inside(const uint8_t octets[16], const struct network *network)
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	if (memcmp(octets, network->octets, whole) != 0)
		return false;
	return rest == 0 || ((octets[whole] ^ network->octets[whole]) >> (8 - rest)) == 0;
}

bool net_networks_have(const struct net_networks *networks, const char *address)
{
	uint8_t octets[16];

	if (networks == NULL || networks->count == 0 || !ipaddr_parse_peer(address, octets))
		return false;
	for (size_t i = 0; i < networks->count; i++)
		if (is_inside(octets, &networks->list[i]))
			return true;
	return false;
}
