/*
 * The inside of a session, shared by the files that make it up:
 *
 *   session.c   life, the loop over lines, what to do when a call has finished
 *   line.c      lines out of octets
 *   command.c   keyword and arguments, a table per state, the short commands
 *   auth.c      USER, PASS, AUTH, STLS
 *   utf8.c      UTF8, LANG
 *   list.c      LIST, UIDL
 *   retr.c      RETR, TOP
 *   update.c    DELE, RSET, QUIT
 *   reply.c     every answer
 *   language.c  its words
 */
#ifndef POSTIL_POP3_SESSION_IMPL_H
#define POSTIL_POP3_SESSION_IMPL_H

#include "addin/pop3/line.h"
#include "addin/pop3/reply.h"
#include "addin/pop3/session.h"

/* A long answer under way. */
enum answer_kind { ANSWER_NONE, ANSWER_LIST, ANSWER_UIDL, ANSWER_BODY };

struct answer {
	enum answer_kind kind;
	uint32_t number;        /* LIST, UIDL: the next one; BODY: which message */
	/* BODY only */
	bool told;              /* the first line of the answer is out */
	bool top;
	bool line_start;        /* the next octet begins a line */
	bool line_ended;        /* the last two octets sent were CRLF, or none was sent */
	bool ended_cr;          /* the last octet sent was CR */
	uint64_t offset, end;   /* next octet; where to stop */
	uint64_t header;        /* lines are counted from here on */
	uint64_t lines;         /* TOP: lines still to send */
};

struct mechanism;       /* of AUTH: auth.c */

enum waiting { WAIT_NOTHING, WAIT_LOGIN, WAIT_READ, WAIT_COMMIT };

struct pop3_session {
	const struct pop3_session_options *options;
	struct pop3_door door;  /* as it is now */
	const struct pop3_seam *seam;
	void *seam_context;
	enum pop3_state state;
	enum waiting waiting;
	struct line_reader reader;
	bool ending;
	bool open;              /* login succeeded, close not yet called */
	bool stls_told;         /* STLS was answered +OK: TLS is to begin */
	bool utf8;              /* UTF8 was said */
	enum pop3_language language;
	const struct mechanism *answers;        /* the next line answers AUTH of it */
	struct buf name, password, authorization;
	struct pop3_login_answer login;
	uint32_t live;          /* messages not marked deleted */
	uint64_t live_octets;
	uint8_t *deleted;       /* one bit per message; NULL: none marked yet */
	uint8_t *read;          /* the same for POP3MarkRead */
	uint32_t *commit_list;  /* numbers handed to commit: deleted, then read */
	struct answer answer;
	struct slice data;      /* where seam->read leaves what it got */
	struct pop3_session_counts counts;
};

#define COMMAND_ARGUMENTS_MAX 2

typedef enum net_next command_handler(struct pop3_session *s, const struct slice *args,
                                      size_t count, struct buf *out);

/* command.c */
enum net_next command_run(struct pop3_session *s, struct slice line, struct buf *out);
/* A malformed, unknown or misplaced command: answers, counts, and closes when it
 * was one too many. */
enum net_next command_bad(struct pop3_session *s, struct buf *out, enum pop3_text text);
/* The message an argument names; answers -ERR and returns false if none. */
bool command_message(struct pop3_session *s, struct slice arg, struct buf *out,
                     uint32_t *number_r, enum net_next *next_r);
/* A decimal number as commands write it: 1 to 10 digits, no sign, no leading
 * zero. TEXT_NOTHING, or what is wrong with it. */
enum pop3_text command_number(struct slice arg, uint64_t *value_r);

/* session.c */
bool session_is_deleted(const struct pop3_session *s, uint32_t number);
/* bits: one per message, or NULL for none. */
bool session_is_marked(const uint8_t *bits, uint32_t number);
/* Set a bit; false: out of memory. */
bool session_mark(const struct pop3_session *s, uint8_t **bits, uint32_t number);
enum net_next session_end(struct pop3_session *s, enum pop3_end why, STATUS status);

/* auth.c */
command_handler auth_user, auth_pass, auth_auth, auth_stls;
enum net_next auth_continue(struct pop3_session *s, const struct mechanism *mechanism,
                            struct slice line, struct buf *out);
enum net_next auth_finished(struct pop3_session *s, STATUS status, struct buf *out);
void auth_forget(struct pop3_session *s);       /* wipe name and password */

/* utf8.c */
command_handler utf8_utf8, utf8_lang;

/* list.c */
command_handler list_list, list_uidl;
enum net_next list_pull(struct pop3_session *s, struct buf *out);

/* retr.c */
command_handler retr_retr, retr_top;
enum net_next retr_pull(struct pop3_session *s, struct buf *out);
enum net_next retr_finished(struct pop3_session *s, STATUS status, struct buf *out);

/* update.c */
command_handler update_dele, update_rset, update_quit;
enum net_next update_finished(struct pop3_session *s, STATUS status, struct buf *out);

#endif
