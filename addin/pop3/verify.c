/*
 * Who is it, by password, by certificate, or by both? All persons that the name may mean are
 * tried; which of them is let in is entry.c's decision. Distrusts name and password.
 * Nothing that happens here may show outside before the answer: what a refusal costs is
 * made equal, or a timer hides it.
 */
#include <string.h>

#include "addin/pop3/certificate.h"
#include "addin/pop3/login_impl.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/ipaddr.h"
#include "base/text.h"

/* What an unknown name costs where a timer hides the rest: the worth of a usual digest. */
#define USUAL_ROUNDS INETPASS_V3_ROUNDS_DEFAULT

static bool is_delayed(const struct login *l)
{
	return !l->trusted && l->settings->failed_login_delay_secs > 0;
}

/* --- locked out ---------------------------------------------------------------------- */

static void unit_of(const struct login *l, char unit[IPADDR_UNIT_TEXT])
{
	ipaddr_unit_text(l->address, unit);
}

static bool address_is_locked(struct login *l)
{
	char unit[IPADDR_UNIT_TEXT];

	unit_of(l, unit);
	return !l->trusted && lockout_is_locked(l->task->lockout, &l->settings->lockout,
	                                        LOCKOUT_ADDRESS, slice_of(unit), clock_wall_ms());
}

/* Persons locked out take no part any more. The login is locked out only if that leaves
 * nobody: a namesake who is locked must not make guesses at the others go uncounted.
 * Asked once at least, since asking takes time. */
static void find_locked(struct login *l)
{
	size_t locked = 0;

	if (l->count == 0)
		(void)lockout_is_locked(l->task->lockout, &l->settings->lockout, LOCKOUT_PERSON,
		                        buf_slice(&l->name), clock_wall_ms());
	for (size_t i = 0; i < l->count; i++) {
		l->locked[i] = lockout_is_locked(l->task->lockout, &l->settings->lockout,
			LOCKOUT_PERSON, l->persons[i].name, clock_wall_ms());
		locked += l->locked[i];
	}
	if (l->count > 0 && locked == l->count)
		l->lock = LOGIN_PERSON_LOCKED;
}

/* Asked before the turn for a hash and again when it has come: of many guesses made at
 * once all but the first few would pass, since none has been counted at look-up. */
static void look_for_locks(struct login *l)
{
	if (address_is_locked(l)) {
		l->count = 0;
		l->lock = LOGIN_ADDRESS_LOCKED;
	}
	find_locked(l);
	for (size_t i = 0; i < l->count; i++)
		l->verified[i] = l->verified[i] && !l->locked[i];
}

/* --- who is it ------------------------------------------------------------------------- */

/* Asked once at least, since asking takes time. */
static void ask_cache(struct login *l)
{
	bool asked = false;

	for (size_t i = 0; i < l->count; i++)
		for (size_t j = 0; j < l->persons[i].password_count && !l->verified[i] && !l->locked[i]; j++) {
			l->verified[i] = passcache_hit(l->task->passcache, buf_slice(&l->password),
			                               l->persons[i].name,
			                               l->persons[i].passwords[j]);
			asked = true;
		}
	if (!asked)
		(void)passcache_hit(l->task->passcache, buf_slice(&l->password), SLICE_LIT("nobody"),
		                    SLICE_LIT(""));
}

static void trouble(struct login *l, STATUS status)
{
	login_refuse(l, POP3_LOGIN_TROUBLE_TEMP, "the directory cannot be asked: %s",
	             status_text(status));
}

static const struct person *who(const struct login *l)
{
	struct entry_claim claim = { .mechanism = l->mechanism, .owner = l->owner,
		.named = l->persons, .named_count = l->count, .verified = l->verified };

	return entry_person(l->way, &claim);
}

static bool find_named(struct login *l)
{
	STATUS status = directory_find_login(l->task->directory, buf_slice(&l->name),
	                                     l->settings->more_name_variations,
	                                     l->settings->max_name_matches, &l->arena,
	                                     &l->persons, &l->count);

	if (status == POSTIL_ERR_AMBIGUOUS || status == POSTIL_ERR_INVALID || l->bad_name)
		l->count = 0;
	else if (status != NOERROR)
		trouble(l, status);
	return l->step != LOGIN_DONE;
}

/* Asked again at each login: what a session was resumed with must still be the person's. */
static bool find_owner(struct login *l)
{
	const char *why = "none was presented";
	STATUS status = NOERROR;

	if (l->way != ENTRY_CERTIFICATE && l->way != ENTRY_BOTH)
		return true;
	if (l->has_peer)
		status = certificate_owner(l->task->directory, &l->peer,
		                           l->settings->tls_address_names != 0, &l->arena, &l->owner, &why);
	if (status != NOERROR) {
		trouble(l, status);
		return false;
	}
	if (l->owner == NULL && l->has_peer)
		login_blame_certificate(l, "its client certificate (%.*s) is nobody's: %s",
			(int)l->peer.subject.n, l->peer.subject.p, why);
	return true;
}

/* There is an owner, and it is not who is meant. */
static void blame_owner(struct login *l)
{
	struct buf shown = BUF_INIT;

	if (l->owner == NULL || l->certificate_trouble[0] != '\0')
		return;
	text_escape(l->owner->name, SHOWN_NAME_OCTETS, &shown);
	login_blame_certificate(l, "its client certificate (%.*s) is that of %s",
		(int)l->peer.subject.n, l->peer.subject.p, buf_cstr(&shown));
	buf_release(&shown);
}

static STATUS by_certificate(struct login *l)
{
	l->person = who(l);
	if (l->person != NULL)
		return decide_open(l);
	if (l->mechanism == POP3_MECHANISM_USER)
		blame_owner(l);
	login_done(l, POP3_LOGIN_REFUSED);
	return NOERROR;
}

STATUS verify_look_up(void *context)
{
	struct login *l = context;

	l->step = LOGIN_HASH;
	if (!find_owner(l) || !find_named(l))
		return NOERROR;
	if (l->way == ENTRY_CERTIFICATE)
		return by_certificate(l);
	if (l->bad_password)            /* it is nobody's */
		l->count = 0;
	look_for_locks(l);
	ask_cache(l);
	/* One match that is known is enough; among several the others must be tried. */
	if (l->count == 1 && l->verified[0])
		l->person = who(l);
	return l->person != NULL ? decide_open(l) : NOERROR;
}

/* --- hashes -------------------------------------------------------------------------------- */

static bool is_digest_of(struct slice password, struct slice digest, uint64_t *rounds_r)
{
	uint32_t rounds = 0;

	if (inetpass_kind(digest, &rounds) == INETPASS_V3)
		*rounds_r += rounds;
	return inetpass_verify(password, digest) == NOERROR;
}

/* Each digest of this person; *rounds_r grows by what was spent. A digest from elsewhere may
 * be that of a password as it was typed, unprepared. */
static bool verify(struct login *l, const struct person *person, uint64_t *rounds_r)
{
	struct slice password = buf_slice(&l->password), prepared = buf_slice(&l->prepared);

	for (size_t i = 0; i < person->password_count; i++) {
		if (!is_digest_of(password, person->passwords[i], rounds_r) &&
		    (prepared.n == 0 || !is_digest_of(prepared, person->passwords[i], rounds_r)))
			continue;
		passcache_add(l->task->passcache, password, person->name, person->passwords[i]);
		return true;
	}
	return false;
}

/* A refusal has cost so many rounds; it shall cost as many as any other. Where a timer
 * hides the difference, a directory's slowest digest is not for everybody to spend. */
static void spend(struct login *l, uint64_t rounds)
{
	uint32_t most = directory_costliest_rounds(l->task->directory);

	if (is_delayed(l) && (most == 0 || most > USUAL_ROUNDS))
		most = USUAL_ROUNDS;
	if (most > rounds || rounds == 0)
		inetpass_burn(buf_slice(&l->password), most > rounds ? most - (uint32_t)rounds : 0);
}

/* Beside the certificate of somebody else a right password is as good as a wrong one, and
 * counts as one, so that nobody with a certificate can try passwords unseen. */
static void disown(struct login *l)
{
	if (l->way != ENTRY_BOTH)
		return;
	for (size_t i = 0; i < l->count; i++) {
		if (!l->verified[i])
			continue;
		blame_owner(l);
		l->verified[i] = false;
	}
}

/* Who is locked out has waited for his turn as others do, else a full queue would tell
 * him from them; where a timer hides the rest he costs no hash. */
STATUS verify_hash(void *context)
{
	struct login *l = context;
	uint64_t rounds = 0;

	look_for_locks(l);
	if (l->lock != LOGIN_NOT_LOCKED && is_delayed(l)) {
		login_done(l, POP3_LOGIN_REFUSED);
		return NOERROR;
	}
	for (size_t i = 0; i < l->count; i++) {
		if (l->verified[i] || l->locked[i])
			continue;
		l->tries++;
		l->verified[i] = verify(l, &l->persons[i], &rounds);
	}
	l->person = who(l);
	if (l->person != NULL) {
		l->step = LOGIN_OPEN;
		return NOERROR;
	}
	disown(l);
	spend(l, rounds);
	if (l->settings->lockout.enforce && (l->lock == LOGIN_NOT_LOCKED || !is_delayed(l)))
		l->step = LOGIN_COUNT;
	else
		login_done(l, POP3_LOGIN_REFUSED);
	return NOERROR;
}

/* --- counting -------------------------------------------------------------------------------- */

static void tell_locked(const struct login *l, struct slice name)
{
	struct buf shown = BUF_INIT;

	if (!l->settings->lockout.log_lockouts)
		return;
	text_escape(name, SHOWN_NAME_OCTETS, &shown);
	task_log(l->task, "POP3 Server: %s is locked out after %u failed logins; tell pop3 unlock "
	         "lifts it", buf_cstr(&shown), (unsigned)l->settings->lockout.max_tries);
	buf_release(&shown);
}

static void count_one(const struct login *l, enum lockout_kind kind, struct slice name)
{
	bool locked = false;

	(void)lockout_failed(l->task->lockout, &l->settings->lockout, kind, name, clock_wall_ms(),
	                     &locked);
	if (locked)
		tell_locked(l, name);
}

/* A status of the file is told through lockout_trouble, and stops nobody. */
STATUS verify_count(void *context)
{
	struct login *l = context;
	struct fault fault = { .status = NOERROR };
	char unit[IPADDR_UNIT_TEXT];
	bool counted = false;

	for (size_t i = 0; i < l->count; i++) {
		if (l->verified[i] || l->locked[i])
			continue;
		count_one(l, LOCKOUT_PERSON, l->persons[i].name);
		counted = true;
	}
	if (!counted && !is_delayed(l))
		count_one(l, LOCKOUT_NOBODY, SLICE_LIT("nobody"));
	unit_of(l, unit);
	if (!l->trusted)
		count_one(l, LOCKOUT_ADDRESS, slice_of(unit));
	if (lockout_trouble(l->task->lockout, &fault))
		task_log(l->task, "POP3 Server: %s", fault_text(&fault, fault.status));
	login_done(l, POP3_LOGIN_REFUSED);
	return NOERROR;
}
