/*
 * The life of a session and its loop over lines. Distrusts every octet of the
 * client; keeps none of them but a login name between USER and PASS.
 */
#include <assert.h>
#include <stdlib.h>

#include "addin/pop3/session_impl.h"

#define BAD_COMMANDS_DEFAULT 20

static void set_door(struct pop3_session *s, const struct pop3_door *door)
{
	assert(!(door->password && door->certificate));
	s->door = *door;
}

STATUS pop3_session_new(const struct pop3_session_options *options,
                        const struct pop3_seam *seam, void *seam_context,
                        struct pop3_session **session_r)
{
	struct pop3_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return POSTIL_ERR_MEMORY;
	s->options = options;
	set_door(s, &options->door);
	s->seam = seam;
	s->seam_context = seam_context;
	*session_r = s;
	return NOERROR;
}

void pop3_session_free(struct pop3_session **session)
{
	struct pop3_session *s = *session;

	if (s == NULL)
		return;
	if (s->open)
		s->seam->close(s->seam_context);
	auth_forget(s);
	free(s->deleted);
	free(s->read);
	free(s->commit_list);
	free(s);
	*session = NULL;
}

enum net_next session_end(struct pop3_session *s, enum pop3_end why, STATUS status)
{
	s->state = POP3_ENDED;
	s->answer.kind = ANSWER_NONE;
	s->waiting = WAIT_NOTHING;
	s->counts.end = why;
	s->counts.end_status = status;
	auth_forget(s);
	return NET_CLOSE;
}

/* A reply that could not be built whole must not be followed by another. */
static enum net_next checked(struct pop3_session *s, struct buf *out, enum net_next next)
{
	if (buf_status(out) != NOERROR)
		return session_end(s, POP3_END_MEMORY, buf_status(out));
	return next;
}

enum net_next pop3_session_open(struct pop3_session *s, struct buf *out)
{
	reply_ok(out, s->options->greeting);
	return checked(s, out, NET_CONTINUE);
}

static enum net_next service_ends(struct pop3_session *s, struct buf *out)
{
	reply_error(out, s->language, CODE_SYS_TEMP, TEXT_SHUTTING_DOWN);
	return session_end(s, POP3_END_SERVICE, NOERROR);
}

static enum net_next line_came(struct pop3_session *s, enum line_result result,
                               struct slice line, struct buf *out)
{
	const struct mechanism *mechanism = s->answers;

	s->counts.lines++;
	s->answers = NULL;
	if (s->ending)
		return service_ends(s, out);
	if (result == LINE_TOO_LONG)
		return command_bad(s, out, mechanism == NULL ? TEXT_LINE_TOO_LONG
		                   : TEXT_LINE_TOO_LONG_AUTH);
	return mechanism != NULL ? auth_continue(s, mechanism, line, out)
	                         : command_run(s, line, out);
}

static size_t line_limit(const struct pop3_session *s)
{
	return s->answers != NULL ? POP3_AUTH_LINE_OCTETS : POP3_COMMAND_OCTETS;
}

enum net_next pop3_session_input(struct pop3_session *s, struct slice in,
                                 size_t *used_r, struct buf *out)
{
	enum net_next next = NET_CONTINUE;
	size_t used = 0;

	*used_r = 0;
	if (s->state == POP3_ENDED)
		return NET_CLOSE;
	if (s->waiting != WAIT_NOTHING)
		return NET_PARKED;
	if (s->stls_told)
		return NET_START_TLS;   /* what came behind it in clear is never looked at */
	if (s->answer.kind != ANSWER_NONE)
		return NET_PULL;
	while (next == NET_CONTINUE) {
		struct slice rest = { in.p + used, in.n - used }, line = { NULL, 0 };
		size_t took;
		enum line_result result;

		/* Let the client take what is there before more is made. */
		if (out->n >= NET_PIECE) {
			next = NET_PULL;
			break;
		}
		result = line_next(&s->reader, rest, line_limit(s), &line, &took);
		used += took;
		if (result == LINE_MORE)
			break;
		if (result != LINE_SKIPPED)
			next = line_came(s, result, line, out);
	}
	*used_r = used;
	return checked(s, out, next);
}

static enum net_next pull(struct pop3_session *s, struct buf *out)
{
	switch (s->answer.kind) {
	case ANSWER_LIST:
	case ANSWER_UIDL:
		return list_pull(s, out);
	case ANSWER_BODY:
		return retr_pull(s, out);
	case ANSWER_NONE:
		break;
	}
	return NET_CONTINUE;
}

enum net_next pop3_session_pull(struct pop3_session *s, struct buf *out)
{
	if (s->state == POP3_ENDED)
		return NET_CLOSE;
	if (s->waiting != WAIT_NOTHING)
		return NET_PARKED;
	if (s->stls_told)
		return NET_START_TLS;
	return checked(s, out, pull(s, out));
}

enum net_next pop3_session_resume(struct pop3_session *s, STATUS status, struct buf *out)
{
	enum waiting waited = s->waiting;

	s->waiting = WAIT_NOTHING;
	switch (waited) {
	case WAIT_LOGIN:
		return checked(s, out, auth_finished(s, status, out));
	case WAIT_READ:
		return checked(s, out, retr_finished(s, status, out));
	case WAIT_COMMIT:
		return checked(s, out, update_finished(s, status, out));
	case WAIT_NOTHING:
		break;
	}
	return s->state == POP3_ENDED ? NET_CLOSE : NET_CONTINUE;
}

/* RFC 2595 section 4: what was learned before TLS is discarded. */
enum net_next pop3_session_secured(struct pop3_session *s, const struct pop3_door *door,
                                   struct buf *out)
{
	assert(s->stls_told && s->state == POP3_AUTHORIZATION && s->waiting == WAIT_NOTHING);
	assert(!door->stls && !door->stls_first);
	set_door(s, door);
	auth_forget(s);
	s->stls_told = s->utf8 = false;
	s->language = LANGUAGE_DEFAULT;
	s->answers = NULL;
	s->reader = (struct line_reader){ .skipping = false };
	s->login = (struct pop3_login_answer){ .result = POP3_LOGIN_OK };
	return NET_CONTINUE;
}

void pop3_session_ending(struct pop3_session *s)
{
	s->ending = true;
}

enum pop3_state pop3_session_state(const struct pop3_session *s)
{
	return s->state;
}

void pop3_session_counts(const struct pop3_session *s, struct pop3_session_counts *counts_r)
{
	*counts_r = s->counts;
}

bool session_is_marked(const uint8_t *bits, uint32_t number)
{
	uint32_t index = number - 1;

	return bits != NULL && (bits[index / 8] & 1U << index % 8) != 0;
}

bool session_is_deleted(const struct pop3_session *s, uint32_t number)
{
	return session_is_marked(s->deleted, number);
}

bool session_mark(const struct pop3_session *s, uint8_t **bits, uint32_t number)
{
	uint32_t index = number - 1;

	if (*bits == NULL)
		*bits = calloc(s->counts.messages / 8 + 1, 1);
	if (*bits == NULL)
		return false;
	(*bits)[index / 8] = (uint8_t)((*bits)[index / 8] | 1U << index % 8);
	return true;
}

enum net_next command_bad(struct pop3_session *s, struct buf *out, enum pop3_text text)
{
	unsigned most = s->options->max_bad_commands;

	if (s->state == POP3_AUTHORIZATION)
		auth_forget(s);
	if (++s->counts.bad_commands < (most == 0 ? BAD_COMMANDS_DEFAULT : most)) {
		reply_error(out, s->language, CODE_NONE, text);
		return NET_CONTINUE;
	}
	reply_error(out, s->language, CODE_NONE, TEXT_TOO_MANY_BAD);
	return session_end(s, POP3_END_BAD_COMMANDS, NOERROR);
}
