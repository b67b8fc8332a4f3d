/*
 * DELE, RSET and the UPDATE state: QUIT says yes only after the store has.
 */
#include <stdlib.h>

#include "addin/pop3/session_impl.h"

enum net_next update_dele(struct pop3_session *s, const struct slice *args, size_t count,
                          struct buf *out)
{
	struct pop3_message_info info;
	enum net_next next;
	uint32_t number;

	if (!command_message(s, args[0], out, &number, &next))
		return next;
	if (!s->login.may_delete) {
		reply_error(out, s->language, CODE_SYS_PERM, TEXT_MAY_NOT_DELETE);
		return NET_CONTINUE;
	}
	if (!session_mark(s, &s->deleted, number)) {
		reply_error(out, s->language, CODE_SYS_TEMP, TEXT_NOT_DELETED);
		return NET_CONTINUE;
	}
	s->seam->info(s->seam_context, number, &info);
	s->live--;
	s->live_octets -= info.size_octets;
	reply_deleted(out, s->language, number);
	return NET_CONTINUE;
}

enum net_next update_rset(struct pop3_session *s, const struct slice *args, size_t count,
                          struct buf *out)
{
	free(s->deleted);
	s->deleted = NULL;
	s->live = s->counts.messages;
	s->live_octets = s->login.octets;
	reply_maildrop(out, s->language, s->live, s->live_octets);
	return NET_CONTINUE;
}

/* The numbers that bits holds and less does not, at list if that is not NULL. */
static size_t collect(const struct pop3_session *s, const uint8_t *bits, const uint8_t *less,
                      uint32_t *list)
{
	size_t n = 0;

	for (uint32_t i = 0; bits != NULL && i < s->counts.messages; i++) {
		if (bits[i / 8] == 0) {
			i |= 7;
			continue;
		}
		if (!session_is_marked(bits, i + 1) || session_is_marked(less, i + 1))
			continue;
		if (list != NULL)
			list[n] = i + 1;
		n++;
	}
	return n;
}

static enum net_next commit(struct pop3_session *s, struct buf *out)
{
	size_t deleted = collect(s, s->deleted, NULL, NULL);
	size_t read = collect(s, s->read, s->deleted, NULL);
	STATUS status;

	s->commit_list = malloc((deleted + read + 1) * sizeof(*s->commit_list));
	if (s->commit_list == NULL)
		return update_finished(s, POSTIL_ERR_MEMORY, out);
	collect(s, s->deleted, NULL, s->commit_list);
	collect(s, s->read, s->deleted, s->commit_list + deleted);
	status = s->seam->commit(s->seam_context, s->commit_list, deleted,
	                         s->commit_list + deleted, read);
	if (status == POP3_PENDING) {
		s->waiting = WAIT_COMMIT;
		return NET_PARKED;
	}
	return update_finished(s, status, out);
}

enum net_next update_finished(struct pop3_session *s, STATUS status, struct buf *out)
{
	if (status != NOERROR) {
		reply_not_updated(out, s->language, status);
		return session_end(s, POP3_END_COMMIT, status);
	}
	s->counts.deleted = s->counts.messages - s->live;
	reply_signing_off(out, s->language, s->counts.deleted);
	return session_end(s, POP3_END_QUIT, NOERROR);
}

enum net_next update_quit(struct pop3_session *s, const struct slice *args, size_t count,
                          struct buf *out)
{
	if (s->state == POP3_AUTHORIZATION) {
		reply_signing_off(out, s->language, 0);
		return session_end(s, POP3_END_QUIT, NOERROR);
	}
	s->state = POP3_UPDATE;
	return commit(s, out);
}
