/*
 * Numeric IP addresses, and what counts as one client: an IPv4 address or an IPv6 /64.
 */
#ifndef POSTIL_BASE_IPADDR_H
#define POSTIL_BASE_IPADDR_H

#include <stdbool.h>
#include <stdint.h>

#define IPADDR_OCTETS 16
#define IPADDR_UNIT_TEXT 48     /* with NUL */

extern const uint8_t ipaddr_mapped[12];         /* ::ffff:0:0/96 */

/* IPv4 becomes ::ffff:a.b.c.d; *is_4: it was written so. false: not a numeric address, or
 * one with a zone. */
bool ipaddr_parse(const char *text, uint8_t octets[IPADDR_OCTETS], bool *is_4);
/* The address of a peer: a zone ("fe80::1%2") is passed over. */
bool ipaddr_parse_peer(const char *text, uint8_t octets[IPADDR_OCTETS]);

/* The octets that stand for a client: IPv4 as it is, of IPv6 the first 8. false: not a
 * numeric address. */
bool ipaddr_unit(const char *address, uint8_t unit[IPADDR_OCTETS]);
/* The same for people: "192.0.2.7", "2001:db8:0:1::/64". What is no address, and what has
 * this form already, is copied, cut. */
void ipaddr_unit_text(const char *address, char text[IPADDR_UNIT_TEXT]);

#endif
