/*
 * Internet Sites: with LdISite "1" the authentication options of the POP3 service come
 * from a POP3Site document; ports and access enforcement stay in the Server document
 * (Domino help "Understanding Internet Site documents").
 *
 * A site is chosen by organization and hosting server: an address among ISiteAdrs tells
 * the organization (without one it is that of the server's name); of its sites that this
 * server hosts the first counts, whatever address the client has come to.
 */
#ifndef POSTIL_DIRECTORY_SITE_H
#define POSTIL_DIRECTORY_SITE_H

#include "directory/directory.h"

struct pop3_site {
	struct unid unid;                       /* of the document: names may be equal */
	struct slice name;                      /* ISiteName */
	struct slice organization;              /* ISiteOrg, without O=, folded */
	const struct slice *addresses;          /* ISiteAdrs */
	size_t address_count;
	bool name_and_password;                 /* TCPNameAndPwd */
	bool tls_name_and_password;             /* SSLNameAndPwd */
	bool client_certificate;                /* see settings.c: the item's name is not confirmed */
	struct tls_document tls;
};

struct pop3_sites {
	const struct pop3_site *list;           /* hosted by this server, first ones first: by
	                                         * ISiteName as a view sorts it, then by UNID */
	size_t count;
	struct slice organization;              /* of the server's name, folded */
	struct slice host_name;                 /* the server's; stands for each of its addresses,
	                                         * other host names for none: names are not looked
	                                         * up */
};

/* The sites that server hosts (WSHostingSrvrs: `*`, its name or a group it is in). In
 * arena. */
STATUS directory_pop3_sites(struct directory *dir, struct slice server, struct arena *arena,
                            struct pop3_sites *sites_r);
/* Which one holds for connections to this numeric address of ours? NULL: none; the
 * client gets "This site is not enabled on the server". */
const struct pop3_site *pop3_sites_choose(const struct pop3_sites *sites,
                                          const char *local_address);

#endif
