/*
 * What host and task say to each other.
 *
 * One AF_UNIX SOCK_SEQPACKET socket pair per task; the host passes its end of
 * it to the task as descriptor 3 (environment POSTIL_WIRE_FD=3). Each packet is
 * one message:
 *
 *      0      2  3  4     6      8        12        16
 *      +------+--+--+-----+------+--------+---------+---------------
 *      | "PW" |v |fl|kind |status|   id   | length  | payload ...
 *      +------+--+--+-----+------+--------+---------+---------------
 *
 * little-endian; v is WIRE_VERSION; fl the WIRE_REPLY and WIRE_MORE bits; status
 * a STATUS, 0 but in a reply; id 0 in a one-way message, else chosen by who asks
 * and repeated in the reply; length the octets of the payload, which fills the
 * rest of the packet. A payload is a row of fields: u32, u64, or a string (u32
 * length, then its octets). Which fields a message has is fixed by its kind: the
 * table in wire.c, shown below as request -> reply with
 *
 *      u  u32          n  name: at most WIRE_NAME_MAX octets, no NUL
 *      q  u64          s  text: no NUL
 *      b  octets       (..)  this group any number of times
 *
 * The value of a statistic is: VT_LONG 4 octets, VT_TIMEDATE Innards[0] and
 * Innards[1], VT_NUMBER the 8 octets of a double, little-endian all; VT_TEXT the
 * octets without NUL.
 *
 * A reply with a status other than NOERROR has no payload. Both sides distrust
 * the other: wire_receive hands out only messages whose header, direction,
 * kind and fields are right, so the getters cannot fail on them. Who gets
 * POSTIL_ERR_INVALID closes the wire.
 */
#ifndef POSTIL_WIRE_WIRE_H
#define POSTIL_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define WIRE_VERSION 1
#define WIRE_FD 3
#define WIRE_FD_ENV "POSTIL_WIRE_FD"
#define WIRE_MAX 65536          /* octets of a message, header and all */
#define WIRE_HEAD 16
#define WIRE_NAME_MAX 255
#define WIRE_MQ_MAX 65342       /* octets of a queue message */
#define WIRE_FDS_MAX 4          /* descriptors that can come with a message */

#define WIRE_REPLY 0x01
#define WIRE_MORE 0x02          /* further replies (LIST_SESSIONS) or pages (STAT_LIST) follow */

enum wire_kind {
	/* Task to host. -> : the host replies. Without: one-way. */
	WIRE_HELLO = 1,         /* pid u, task n -> data directory s, server name s, program directory s */
	WIRE_GOODBYE,           /* exit status u: AddInMain returned, nothing follows */
	WIRE_LOG,               /* (severity u, flags u, wall clock ms q, text s): several lines */
	WIRE_STATUS_NEW,        /* line u (chosen by the task), name n */
	WIRE_STATUS_SET,        /* line u, text s */
	WIRE_STATUS_DELETE,     /* line u */
	WIRE_STAT_UPDATE,       /* (facility n, name n, ST_ flags u, VT_ type u, value b) */
	WIRE_STAT_DELETE,       /* facility n, name n */
	WIRE_STAT_RESET,        /* facility n, name n -> ; ERR_STAT_NOT_SET, ERR_STAT_NOT_FOUND */
	WIRE_STAT_LIST,         /* facility n, name n ("" any), after facility n, after name n ("" from the
	                         * start) -> (facility n, name n, flags u, type u, value b, updated ms q),
	                         * in order of facility and name without regard to case; MORE: ask again
	                         * after the last */
	WIRE_ENV_GET,           /* name n -> value s ; POSTIL_ERR_NOT_FOUND */
	WIRE_ENV_SET,           /* name n, value s ("" removes) -> */
	WIRE_ENV_SEQNO,         /* -> number of changes u */
	WIRE_MQ_CREATE,         /* name n, quota u (0: 65535), options u -> ; ERR_DUPLICATE_MQ */
	WIRE_MQ_OPEN,           /* name n, options u (1: create) -> handle u ; ERR_NO_SUCH_MQ. The
	                         * handle belongs to this task and is never 0 */
	WIRE_MQ_CLOSE,          /* handle u -> ; ERR_MQ_EMPTY: no such handle, here and below */
	WIRE_MQ_PUT,            /* handle u, priority u, message b -> ; ERR_MQ_QUITTING, _EXCEEDED_QUOTA, _POOLFULL */
	WIRE_MQ_GET,            /* handle u, wait u (0, 1), timeout ms u (0: for ever) -> priority u,
	                         * message b ; ERR_MQ_EMPTY, ERR_MQ_TIMEOUT, ERR_MQ_QUITTING. The host
	                         * keeps the time, so that no message is taken for nobody */
	WIRE_MQ_SCAN,           /* handle u, after priority u, after key q (0, 0: from the start) ->
	                         * priority u, key q, message b ; ERR_MQ_EMPTY at the end. Keys start at
	                         * 1, grow in order of MQ_PUT; order is priority, then key */
	WIRE_MQ_REMOVE,         /* handle u, key q -> ; POSTIL_ERR_NOT_FOUND: someone else took it */
	WIRE_MQ_PUT_QUIT,       /* handle u -> */
	WIRE_MQ_IS_QUIT,        /* handle u -> 0 or 1 u */
	WIRE_MQ_COUNT,          /* handle u -> messages u */
	WIRE_LISTEN,            /* service n, address n, port u -> count u, and as many descriptors */
	WIRE_UNLISTEN,          /* service n, address n, port u -> */
	WIRE_LISTEN_LOCAL,      /* service n, path n, permissions u, group n -> 1 u, and a descriptor;
	                         * UNLISTEN and PORT_READY have the path as address, and port 0 */
	WIRE_LOAD_PROGRAM,      /* program s, directory s, arguments s, OS_LOADPROG flags u -> */
	/* Host to task. */
	WIRE_QUIT,              /* reason u (enum wire_quit): end now */
	WIRE_SETTINGS_CHANGED,  /* notes.ini or the directory has changed */
	WIRE_PORT_READY,        /* address n, port u: a LISTEN refused before would succeed */
	WIRE_LIST_SESSIONS,     /* -> (id q, user n, address n, port u, tls u, since secs u, idle secs u,
	                         * messages u); several replies, all but the last with MORE */
	WIRE_DROP_SESSIONS,     /* pattern s -> count u */
	WIRE_KIND_END
};

enum wire_severity { WIRE_FATAL, WIRE_FAILURE, WIRE_WARNING, WIRE_NORMAL };
#define WIRE_LOG_NO_CONSOLE 0x01        /* into the log only */

enum wire_quit { WIRE_QUIT_TASK, WIRE_QUIT_SERVER };

enum wire_side { WIRE_TASK, WIRE_HOST };

/* --- making a message -------------------------------------------------------- */

struct wire_out {
	unsigned char *p;       /* the caller's memory */
	size_t n, size;
	bool broken;            /* did not fit; wire_end says so */
};

/* Start a message in `size` octets at p (at most WIRE_MAX of them are used). */
void wire_begin(struct wire_out *out, void *p, size_t size, enum wire_kind kind,
                unsigned flags, uint32_t id, STATUS status);
void wire_put_u32(struct wire_out *out, uint32_t value);
void wire_put_u64(struct wire_out *out, uint64_t value);
void wire_put_octets(struct wire_out *out, const void *p, size_t n);
void wire_put_text(struct wire_out *out, const char *text);     /* NULL: "" */
/* The payload of a finished message whose fields are groups, behind those that
 * out has: several messages become one. */
void wire_put_groups(struct wire_out *out, const void *payload, size_t n);
/* Would `strings` strings of `octets` in all and `numbers` u32 still fit (u64 counts as two)? */
bool wire_has_room(const struct wire_out *out, size_t strings, size_t octets, size_t numbers);
/* Complete the header and check the whole as the receiver will. `from` is the
 * side that makes it. POSTIL_ERR_TOO_LONG: does not fit; POSTIL_ERR_INVALID: a
 * field is not allowed (a name too long, a NUL in a text). */
STATUS wire_end(struct wire_out *out, enum wire_side from);

/* --- reading one ------------------------------------------------------------- */

struct wire_in {
	enum wire_kind kind;
	unsigned flags;
	uint32_t id;
	STATUS status;
	const unsigned char *p; /* what of the payload is not read yet */
	size_t n;
	int fds[WIRE_FDS_MAX];  /* owned by the receiver */
	size_t fd_count;
};

/* Take n octets at p apart, as received by the side `self` from the other.
 * POSTIL_ERR_INVALID: not a message that the other side may send. */
STATUS wire_parse(const void *p, size_t n, enum wire_side self, struct wire_in *in_r);
/* The fields in order. On a message that wire_parse took, asking for the fields
 * of its kind always succeeds; asking for more yields 0 and empty slices. */
uint32_t wire_get_u32(struct wire_in *in);
uint64_t wire_get_u64(struct wire_in *in);
struct slice wire_get_slice(struct wire_in *in);
/* Copies at most size - 1 octets and ends them with NUL; returns the length of
 * the whole. */
size_t wire_get_text(struct wire_in *in, char *to, size_t size);
bool wire_at_end(const struct wire_in *in);     /* of a payload of groups */

bool wire_has_reply(enum wire_kind kind);
const char *wire_kind_name(enum wire_kind kind);        /* for a log line */

/* --- over the socket ----------------------------------------------------------- */

/* Send what wire_end completed, with descriptors if fd_count is not 0 (they stay
 * the caller's). wait: block until there is room. The kernel may keep as few as
 * ten packets (net.unix.max_dgram_qlen). POSTIL_ERR_BUSY: no room (only
 * without wait); POSTIL_ERR_CLOSED: the other side has gone; POSTIL_ERR_IO. */
STATUS wire_send(int fd, const struct wire_out *out, const int *fds, size_t fd_count,
                 bool wait);
/* The same for octets kept since wire_end. */
STATUS wire_send_octets(int fd, const void *p, size_t n, const int *fds, size_t fd_count,
                        bool wait);
/* Receive one message into memory of WIRE_MAX octets and parse it. Descriptors
 * are close-on-exec; those that come with a message that may have none are closed
 * and the message refused. POSTIL_ERR_BUSY: nothing there (only without wait);
 * POSTIL_ERR_CLOSED; POSTIL_ERR_INVALID; POSTIL_ERR_IO. */
STATUS wire_receive(int fd, enum wire_side self, void *memory, struct wire_in *in_r,
                    bool wait);

#endif
