/*
 * What the verbs that change a person share: `postil passwd` and `postil register`,
 * together in the program postil-person, and `postil directory certificate`. They write
 * DXL and compile it.
 */
#ifndef POSTIL_TOOLS_PERSON_H
#define POSTIL_TOOLS_PERSON_H

#include "addin/tools/ask.h"
#include "addin/tools/local.h"
#include "addin/tools/tool.h"
#include "directory/directory.h"

/* Endings of local_name(): what holds beside a Person document, and one of its own. */
#define ENDING_LOCAL ".dxl"
#define ENDING_PERSON "-person.dxl"

#define PERSON_MATCHES_MAX 16

/* How a password is to be kept. */
struct digest_wish {
	enum inetpass_kind kind;        /* default V3 */
	uint32_t rounds;                /* of V3; 0: InternetPasswordRounds of notes.ini */
};
/* The options -1, -2, -3 and -r; false: not one of them, or no usable number, told. */
#define DIGEST_OPTIONS "123r:"
bool digest_option(struct digest_wish *wish, int option, const char *argument);
/* Rounds are for V3 alone; false: told. */
bool digest_wish_fits(const struct digest_wish *wish);

struct person_tool {
	char *data_dir;
	struct buf server;              /* ServerName, canonical; empty: not set */
	uint32_t rounds;
	bool more;                      /* Internet authentication of this server */
	bool has_server_document;
	uint16_t port;
	struct buf host_name;
	struct directory *dir;
};

/* Read notes.ini, compile what has changed, open the directory. make: DATA/names need
 * not be there. EX_OK, or what to exit with; it has been said why. */
int person_tool_open(struct person_tool *t, const char *data, bool make);
void person_tool_close(struct person_tool *t);

/* Compile; what is wrong in the documents is said. */
STATUS person_compile(struct person_tool *t, struct fault *fault);
/* The digest, and in words what it is. */
STATUS person_digest(const struct person_tool *t, const struct digest_wish *wish,
                     const struct secret *secret, char digest[64], struct buf *words,
                     struct fault *fault);
/* Is there exactly one person of this first name, with this digest and no other? */
bool person_has(struct person_tool *t, struct slice name, const char *digest);

/* Set an item of a note to one text, or to the time that it is. */
STATUS person_set_text(struct note *note, const char *item, uint16_t flags,
                       struct slice text);
STATUS person_set_password(struct note *note, const char *digest);
void person_remove_item(struct note *note, const char *name);

/* "A, B and 3 others" */
void person_add_names(struct buf *out, const struct person *persons, size_t count);

int person_passwd(int argc, char **argv);
int person_register(int argc, char **argv);

#endif
