/*
 * Whose certificate is it? The names that it says (tls/peer.h) are looked up as FullName;
 * a person has it only if the key is that of a certificate in the Person document, too.
 * Certificates are hostile as far as their names go: that somebody trusted has signed
 * them does not make a name mean more than the key says.
 */
#ifndef POSTIL_POP3_CERTIFICATE_H
#define POSTIL_POP3_CERTIFICATE_H

#include "directory/directory.h"
#include "tls/peer.h"

/* Everything in arena. */
STATUS certificate_copy(const struct tls_peer *peer, struct arena *arena, struct tls_peer *copy_r);

/* The one person; NULL with *why_r a sentence for the log (static text) if it is nobody's.
 * address_names: an e-mail address in it that is an InternetAddress may stand for the name.
 * Another status: the directory cannot be asked. */
STATUS certificate_owner(struct directory *directory, const struct tls_peer *peer,
                         bool address_names, struct arena *arena,
                         const struct person **owner_r, const char **why_r);

#endif
