/* Addresses as peers have them, and what stands for one client. */
#include "base/ipaddr.h"
#include "tests/support/unit.h"

static const struct {
	const char *address, *text;
} units[] = {
	{ "192.0.2.7", "192.0.2.7" },
	{ "::ffff:192.0.2.7", "192.0.2.7" },
	{ "::FFFF:c000:207", "192.0.2.7" },
	{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
	{ "2001:DB8:1:2::", "2001:db8:1:2::/64" },
	{ "2001:db8:1:2::/64", "2001:db8:1:2::/64" },
	{ "1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444::/64" },
	{ "::1", "::/64" },
	{ "fe80::1%2", "fe80::/64" },
	{ "what?", "what?" },
	{ "192.0.2", "192.0.2" },
	{ "", "" },
	{ "12345678901234567890123456789012345678901234567890",
	  "12345678901234567890123456789012345678901234567" },
};

START_TEST(units_of_addresses)
{
	char text[IPADDR_UNIT_TEXT];

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		ipaddr_unit_text(units[i].address, text);
		ck_assert_str_eq(text, units[i].text);
	}
}
END_TEST

START_TEST(zones_and_mapped)
{
	uint8_t a[IPADDR_OCTETS], b[IPADDR_OCTETS];
	bool is_4;

	ck_assert(ipaddr_parse("192.0.2.7", a, &is_4) && is_4);
	ck_assert(ipaddr_parse("::ffff:192.0.2.7", b, &is_4) && !is_4);
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert(!ipaddr_parse("fe80::1%2", a, &is_4));
	ck_assert(ipaddr_parse_peer("fe80::1%2", a));
	ck_assert(ipaddr_parse_peer("fe80::1", b));
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert(!ipaddr_parse_peer("%2", a));
	ck_assert(!ipaddr_parse_peer("2001:db8::/64", a));
}
END_TEST

UNIT_MAIN("base/ipaddr", units_of_addresses, zones_and_mapped)
