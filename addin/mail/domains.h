/*
 * Which Internet domains are ours: where a local part is looked up as a name.
 *
 * Ours are, together (our choice): LocalPrimaryInternetDomain and LocalInternetDomainAliases of
 * all Global Domain documents, the host name of the Server document (SMTPFullHostDomain), and
 * what notes.ini says (POP3_Domain, LMTP_Domains).
 */
#ifndef POSTIL_MAIL_DOMAINS_H
#define POSTIL_MAIL_DOMAINS_H

#include <stdbool.h>

#include "directory/directory.h"

#define MAIL_DOMAINS_MAX 1000

struct mail_domains {
	const struct slice *list;       /* each once, folded */
	size_t count;
	bool any;                       /* LMTP_Domains is `*`: every domain is ours */
};

/* server: canonical, empty if unknown. written: lists of domains from notes.ini, blanks, commas
 * or semicolons between. In arena. Without a directory what is written counts. What is no
 * domain is passed over. POSTIL_ERR_LIMIT: more than MAIL_DOMAINS_MAX. */
STATUS mail_domains_read(struct directory *dir, struct slice server, const struct slice *written,
                         size_t written_count, struct arena *arena, struct mail_domains *domains_r);
/* domain in any case, without a final dot; a name in Unicode is not its form in `xn--`. */
bool mail_domains_have(const struct mail_domains *domains, struct slice domain);

#endif
