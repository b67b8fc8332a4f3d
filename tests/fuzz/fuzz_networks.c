/* Lists of networks: any octets; what is taken is taken again in the same way, and the
 * text that stands for a client is stable. */
#include <string.h>

#include "addin/net/networks.h"
#include "base/ipaddr.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text = { (const char *)data, n }, bad = { NULL, 0 };
	struct net_networks *networks = NULL;
	char address[64], once[IPADDR_UNIT_TEXT], twice[IPADDR_UNIT_TEXT];
	size_t length = n < sizeof(address) - 1 ? n : sizeof(address) - 1;
	STATUS status = net_networks_parse(text, &networks, &bad);

	memcpy(address, data, length);
	address[length] = '\0';
	if (status == NOERROR)
		net_networks_have(networks, address);
	FUZZ_CHECK(status != POSTIL_ERR_INVALID || (bad.p >= text.p && bad.n > 0 &&
	           bad.p + bad.n <= text.p + text.n));
	net_networks_free(&networks);
	ipaddr_unit_text(address, once);
	ipaddr_unit_text(once, twice);
	FUZZ_CHECK(strcmp(once, twice) == 0);
	return 0;
}
