/*
 * Answers from who runs a tool: at a terminal asked for with a prompt on standard
 * error, secrets without echo; from a pipe read line by line, without prompts.
 */
#ifndef POSTIL_TOOLS_ASK_H
#define POSTIL_TOOLS_ASK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/crypt.h"
#include "base/fault.h"

/* Fixed room, so that no copy is left behind by growing. */
struct secret {
	size_t n;
	char octets[INETPASS_MAX_OCTETS + 1];
};

bool ask_is_terminal(void);             /* is standard input one? */

/* One line, appended to answer without its end, blanks off both ends; an empty one
 * means the proposal, "-" means nothing. POSTIL_ERR_CLOSED: standard input has
 * ended. POSTIL_ERR_TOO_LONG. */
STATUS ask_line(const char *prompt, struct slice proposal, struct buf *answer,
                struct fault *fault);

/* A new Internet password: asked for twice at a terminal, else one line. Refuses
 * (POSTIL_ERR_INVALID) what no client could send or Domino would not take, see
 * password_complaint(). The secret is wiped unless the result is NOERROR; then the
 * caller wipes it with crypt_wipe(). */
STATUS ask_new_password(const char *prompt, struct secret *secret_r, struct fault *fault);

/* Why it cannot be a password, or NULL. */
const char *password_complaint(struct slice password);
bool password_is_ascii(struct slice password);

#endif
