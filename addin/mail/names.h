/*
 * Notes names in mail that is made of notes: the addresses that the directory knows, and the
 * domain of those that have to be made up.
 *
 * The domain is the first of these that there is: POP3_Domain of notes.ini; the
 * LocalPrimaryInternetDomain of the first Global Domain document; the host name of the Server
 * document (SMTPFullHostDomain); the name of this machine, if it has a dot; localhost. It is asked
 * for each note, so that changed documents count at once, for what is made mail from then on.
 */
#ifndef POSTIL_MAIL_NAMES_H
#define POSTIL_MAIL_NAMES_H

#include "directory/directory.h"
#include "mailfile/render.h"

struct mail_names;

/* dir must stay until mail_names_free; NULL: there is none. server: canonical, empty if unknown; written:
 * the value of POP3_Domain, of which the
 * first domain counts, may be empty; both are copied. POSTIL_ERR_MEMORY. */
STATUS mail_names_new(struct directory *dir, struct slice server, struct slice written,
                      struct mail_names **names_r);
void mail_names_free(struct mail_names **names);
/* For nsfstore_options, import_options and render_note; stays until mail_names_free. May be used by any
 * number of threads. */
const struct render_options *mail_names_options(const struct mail_names *names);

#endif
