/* The seam on a mail store and the small engine of drive. Only tests call it;
 * the octets it passes on are hostile on purpose. */
#include "tests/support/pop3drive.h"

#include <stdlib.h>
#include <string.h>

#include "addin/pop3/line.h"
#include "base/text.h"

const char *const drive_names[] = { "jcorrer", "Jada Correr", "Jada Correr/Acme",
	"jcorrer@acme.example", "J\xC3\xBCrgen", NULL };
const char *const drive_password = "lotus notes";

/* --- the seam ---------------------------------------------------------------- */

static STATUS answer(struct drive *d, STATUS status)
{
	if (!d->pending)
		return status;
	d->held = status;
	d->calling = true;
	return POP3_PENDING;
}

static bool is_known(struct slice name)
{
	for (size_t i = 0; drive_names[i] != NULL; i++)
		if (slice_equal_nocase(name, slice_of(drive_names[i])))
			return true;
	return false;
}

/* Is this login one that the door allows and whose parts are as seam.h says? */
static bool is_fair(const struct drive *d, const struct pop3_credentials *c)
{
	bool external = c->mechanism == POP3_MECHANISM_EXTERNAL;
	bool plain = c->mechanism == POP3_MECHANISM_PLAIN;

	if (d->door.stls_first || (external ? !d->door.certificate : !d->door.password && plain))
		return false;
	if (!d->door.password && !d->door.certificate)
		return false;
	if (external != (c->name.n == 0) || (external && c->password.n > 0))
		return false;
	return c->authorization.n <= POP3_AUTHORIZATION_OCTETS && text_is_utf8(c->authorization) &&
	       line_is_text(c->authorization, true);
}

static bool is_person(const struct drive *d, const struct pop3_credentials *c)
{
	if (c->mechanism == POP3_MECHANISM_EXTERNAL)
		return true;
	return is_known(c->name) &&
	       (d->door.certificate || slice_equal(c->password, slice_of(drive_password)));
}

static enum pop3_login_result check(struct drive *d, const struct pop3_credentials *c)
{
	struct maildrop_options options = { .utf8 = c->utf8 };
	uint64_t epoch;
	STATUS status;

	if (!is_person(d, c))
		return POP3_LOGIN_REFUSED;
	if (c->authorization.n > 0 && !is_known(c->authorization))
		return POP3_LOGIN_REFUSED;
	if (d->force != POP3_LOGIN_OK)
		return d->force;
	status = d->store->calls->open(d->store, DRIVE_PATH, &options, &d->drop, &epoch, NULL);
	if (status == POSTIL_ERR_IN_USE)
		return POP3_LOGIN_IN_USE;
	if (status == POSTIL_ERR_NOEXIST)
		return POP3_LOGIN_NO_MAILFILE;
	return status == NOERROR ? POP3_LOGIN_OK : POP3_LOGIN_TROUBLE_TEMP;
}

static STATUS seam_login(void *context, const struct pop3_credentials *credentials,
                         struct pop3_login_answer *answer_r)
{
	struct drive *d = context;

	if (!is_fair(d, credentials))
		abort();
	d->logins++;
	d->mechanism = credentials->mechanism;
	buf_clear(&d->authorization);
	buf_add_slice(&d->authorization, credentials->authorization);
	if (d->login_status != NOERROR)
		return answer(d, d->login_status);
	answer_r->result = check(d, credentials);
	answer_r->may_delete = !d->keep;
	answer_r->referral = d->referral;
	if (answer_r->result == POP3_LOGIN_OK)
		d->drop->calls->stat(d->drop, &answer_r->messages, &answer_r->octets);
	return answer(d, NOERROR);
}

static void seam_info(void *context, uint32_t number, struct pop3_message_info *info_r)
{
	struct drive *d = context;
	struct maildrop_message message;

	d->drop->calls->message(d->drop, number - 1, &message);
	info_r->size_octets = message.size_octets;
	info_r->header_octets = message.header_octets;
	info_r->needs_utf8 = message.needs_utf8;
	info_r->uidl_length = (uint8_t)message.uidl.n;
	memcpy(info_r->uidl, message.uidl.p, message.uidl.n);
}

static STATUS seam_read(void *context, uint32_t number, uint64_t offset, size_t size,
                        struct slice *data_r)
{
	struct drive *d = context;
	size_t got = 0;
	STATUS status;

	d->reads++;
	if (d->read_most != 0 && size > d->read_most)
		size = d->read_most;
	buf_release(&d->data);
	status = buf_reserve(&d->data, size);
	if (status == NOERROR)
		status = d->drop->calls->read(d->drop, number - 1, offset, d->data.p, size, &got,
		                              NULL);
	if (status == NOERROR)
		*data_r = (struct slice){ d->data.p, got };
	return answer(d, status);
}

static STATUS seam_commit(void *context, const uint32_t *deleted, size_t deleted_count,
                          const uint32_t *read, size_t read_count)
{
	struct drive *d = context;
	uint32_t *indexes = malloc((deleted_count + read_count + 1) * sizeof(*indexes));
	STATUS status = POSTIL_ERR_MEMORY;

	d->commits++;
	for (size_t i = 0; indexes != NULL && i < deleted_count; i++)
		indexes[i] = deleted[i] - 1;
	for (size_t i = 0; indexes != NULL && i < read_count; i++)
		indexes[deleted_count + i] = read[i] - 1;
	if (indexes != NULL)
		status = d->drop->calls->commit(d->drop, indexes, deleted_count,
		                                indexes + deleted_count, read_count, NULL);
	free(indexes);
	d->drop->calls->close(&d->drop);
	return answer(d, status);
}

static void seam_close(void *context)
{
	struct drive *d = context;

	d->closes++;
	if (d->drop != NULL)
		d->drop->calls->close(&d->drop);
}

static const struct pop3_seam seam = {
	.login = seam_login,
	.info = seam_info,
	.read = seam_read,
	.commit = seam_commit,
	.close = seam_close,
};

/* --- the engine --------------------------------------------------------------- */

void drive_options(struct pop3_session_options *options)
{
	*options = (struct pop3_session_options){
		.greeting = "Postil POP3 server version 1.0 ready on mail/Acme.",
		.implementation = "Postil-1.0",
		.door.password = true,
		.expire_days = POP3_EXPIRE_NEVER,
		.login_delay_secs = -1,
	};
}

/* As the engine: what is sent leaves the buffer, which is then empty again. */
static void sent(struct drive *d, struct buf *piece)
{
	buf_add_slice(&d->out, buf_slice(piece));
	buf_release(piece);
}

static void step(struct drive *d, bool *moved)
{
	struct buf piece = BUF_INIT;
	size_t used = 0;

	*moved = true;
	if (d->next == NET_PARKED) {
		d->calling = false;
		d->next = pop3_session_resume(d->session, d->held, &piece);
	} else if (d->next == NET_PULL) {
		d->next = pop3_session_pull(d->session, &piece);
	} else if (d->next == NET_CONTINUE && d->in.n > 0) {
		/* A copy of exactly that size, so that a sanitizer sees a step beyond. */
		char *copy = malloc(d->in.n);

		if (copy == NULL)
			abort();
		memcpy(copy, d->in.p, d->in.n);
		d->next = pop3_session_input(d->session, (struct slice){ copy, d->in.n }, &used,
		                             &piece);
		free(copy);
		buf_remove_front(&d->in, used);
		*moved = used > 0 || d->next != NET_CONTINUE;
	} else {
		*moved = false;
	}
	sent(d, &piece);
}

static void run(struct drive *d)
{
	bool moved = true;

	while (moved)
		step(d, &moved);
}

void drive_open(struct drive *d)
{
	struct buf piece = BUF_INIT;

	if (pop3_session_new(&d->options, &seam, d, &d->session) != NOERROR)
		abort();
	d->door = d->options.door;
	d->next = pop3_session_open(d->session, &piece);
	sent(d, &piece);
	run(d);
}

void drive_feed(struct drive *d, struct slice octets, size_t piece)
{
	while (octets.n > 0 && d->next != NET_CLOSE) {
		size_t n = piece == 0 || piece > octets.n ? octets.n : piece;

		buf_add(&d->in, octets.p, n);
		octets.p += n;
		octets.n -= n;
		run(d);
	}
}

void drive_secure(struct drive *d, const struct pop3_door *door)
{
	struct buf piece = BUF_INIT;

	if (d->next != NET_START_TLS)
		abort();
	if (d->in.n > 0) {
		d->next = NET_CLOSE;
		return;
	}
	d->door = *door;
	d->next = pop3_session_secured(d->session, door, &piece);
	sent(d, &piece);
}

void drive_close(struct drive *d)
{
	pop3_session_free(&d->session);
	if (d->drop != NULL)
		d->drop->calls->close(&d->drop);
	buf_release(&d->in);
	buf_release(&d->out);
	buf_release(&d->data);
	buf_release(&d->authorization);
	d->next = NET_CONTINUE;
	d->calling = false;
}
