/*
 * The life of a login and its jobs. Distrusts name and password, which are wiped at
 * its end.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addin/pop3/certificate.h"
#include "addin/pop3/login_impl.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/name.h"
#include "base/saslprep.h"
#include "base/text.h"

/* RFC 6856 section 2.2. What cannot be prepared stays as it came, for the log; *bad_r. */
static STATUS prepare(struct slice s, struct buf *out, bool *bad_r)
{
	STATUS status = saslprep(s, out);

	if (status != POSTIL_ERR_INVALID)
		return status;
	*bad_r = true;
	buf_add_slice(out, s);
	return buf_status(out);
}

static STATUS take_password(struct login *l, struct slice password)
{
	STATUS status;

	buf_add_slice(&l->password, password);
	status = prepare(password, &l->prepared, &l->bad_password);
	if (status == NOERROR && slice_equal(buf_slice(&l->prepared), password))
		buf_wipe_release(&l->prepared);
	return status == NOERROR ? buf_status(&l->password) : status;
}

static STATUS take_credentials(struct login *l, const struct pop3_credentials *credentials)
{
	STATUS status;

	l->mechanism = credentials->mechanism;
	l->utf8 = credentials->utf8;
	status = prepare(credentials->name, &l->name, &l->bad_name);
	if (status == NOERROR)
		status = prepare(credentials->authorization, &l->authorization, &l->bad_name);
	return status == NOERROR ? take_password(l, credentials->password) : status;
}

STATUS login_new(struct task *task, struct settings *settings, const struct login_origin *origin,
                 const struct pop3_credentials *credentials, struct login **login_r)
{
	size_t n = strlen(origin->address) + 1;
	struct login *l = calloc(1, sizeof(*l) + n);
	STATUS status;

	if (l == NULL)
		return POSTIL_ERR_MEMORY;
	l->task = task;
	l->settings = settings_share(settings);
	l->conn_id = origin->conn_id;
	l->way = origin->way;
	l->began_ms = clock_mono_ms();
	l->trusted = settings_trusts(settings, origin->address);
	memcpy(l->address, origin->address, n);
	buf_init(&l->referral, REFERRAL_OCTETS);
	l->has_peer = origin->peer != NULL;
	status = take_credentials(l, credentials);
	if (status == NOERROR && l->has_peer)
		status = certificate_copy(origin->peer, &l->arena, &l->peer);
	if (status != NOERROR)
		login_free(&l);
	else
		*login_r = l;
	return status;
}

void login_free(struct login **login)
{
	struct login *l = *login;

	if (l == NULL)
		return;
	mailbox_close(&l->mailbox);
	registry_remove(l->task->registry, &l->entry);
	buf_release(&l->name);
	buf_wipe_release(&l->password);
	buf_wipe_release(&l->prepared);
	buf_release(&l->authorization);
	buf_release(&l->path);
	buf_release(&l->referral);
	arena_release(&l->arena);
	settings_release(&l->settings);
	free(l);
	*login = NULL;
}

void login_done(struct login *l, enum pop3_login_result result)
{
	l->result = result;
	l->step = LOGIN_DONE;
}

void login_refuse(struct login *l, enum pop3_login_result result, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(l->reason, sizeof(l->reason), format, ap);
	va_end(ap);
	login_done(l, result);
}

void login_blame_certificate(struct login *l, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(l->certificate_trouble, sizeof(l->certificate_trouble), format, ap);
	va_end(ap);
}

/* --- jobs ------------------------------------------------------------------------------ */

static void discard(void *context, STATUS status)
{
	struct login *l = context;

	login_free(&l);
}

enum login_step login_step(const struct login *l)
{
	return l->step;
}

void login_job(struct login *l, struct net_job *job_r)
{
	static STATUS (*const runs[])(void *context) = {
		[LOGIN_LOOK_UP] = verify_look_up, [LOGIN_HASH] = verify_hash,
		[LOGIN_COUNT] = verify_count, [LOGIN_OPEN] = decide_open,
	};

	*job_r = (struct net_job){
		.class = l->step == LOGIN_HASH ? NET_JOB_HASH : NET_JOB_STORE,
		.deadline_ms = l->settings->store_timeout_secs * 1000,
		.run = runs[l->step], .discard = discard, .context = l,
	};
}

void login_open_again(struct login *l)
{
	l->step = LOGIN_OPEN;
	l->reason[0] = '\0';
}

bool login_holder(struct login *l, uint64_t *conn_id_r)
{
	return registry_holder(l->task->registry, buf_cstr(&l->path), l->address, conn_id_r);
}

/* --- what came of it --------------------------------------------------------------------- */

enum pop3_login_result login_result(const struct login *l)
{
	return l->result;
}

struct mailbox *login_take_mailbox(struct login *l)
{
	struct mailbox *mailbox = l->mailbox;

	l->mailbox = NULL;
	return mailbox;
}

void login_shown_name(const struct login *l, struct buf *out)
{
	struct buf name = BUF_INIT;

	if (l->person == NULL && l->name.n == 0 && l->has_peer)
		buf_add_slice(out, l->peer.subject);    /* escaped already */
	else if (l->person == NULL || name_abbreviate(l->person->name, &name) != NOERROR)
		text_escape(buf_slice(&l->name), SHOWN_NAME_OCTETS, out);
	else
		text_escape(buf_slice(&name), SHOWN_NAME_OCTETS, out);
	buf_release(&name);
}

const char *login_means(const struct login *l)
{
	if (l->way == ENTRY_CERTIFICATE)
		return "client certificate";
	if (l->way == ENTRY_BOTH && l->result != POP3_LOGIN_REFUSED)
		return "internet password and client certificate";
	return "internet password";
}

const char *login_certificate_trouble(const struct login *l)
{
	return l->certificate_trouble[0] != '\0' ? l->certificate_trouble : NULL;
}

const char *login_reason(const struct login *l)
{
	return l->reason[0] != '\0' ? l->reason : NULL;
}

enum login_lock login_lock(const struct login *l)
{
	return l->lock;
}

unsigned login_tries(const struct login *l)
{
	return l->tries > 0 ? l->tries : 1;
}

const char *login_referral(const struct login *l)
{
	return buf_status(&l->referral) == NOERROR && l->referral.n > 0 ? l->referral.p : NULL;
}

uint64_t login_fingerprint(const struct login *l)
{
	struct slice parts[] = { buf_slice(&l->name), buf_slice(&l->password),
		buf_slice(&l->authorization), l->peer.public_key };
	uint8_t digest[32];
	uint64_t fingerprint = 0;

	if (crypt_hmac_parts(l->task->fingerprint_key, parts, 4, digest) == NOERROR)
		memcpy(&fingerprint, digest, sizeof(fingerprint));
	return fingerprint != 0 ? fingerprint : 1;
}

bool login_is_trusted(const struct login *l)
{
	return l->trusted;
}

uint64_t login_began_ms(const struct login *l)
{
	return l->began_ms;
}
