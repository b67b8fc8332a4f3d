/*
 * Who may in. Distrusts name and password; trusts the directory for what it says
 * about persons, but MailFile is a path only after mailfile_path has said so.
 */
#include "addin/pop3/login.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/name.h"
#include "base/text.h"

#define SHOWN_NAME_OCTETS 128

struct login {
	struct task *task;
	struct settings *settings;
	uint64_t conn_id, began_ms;
	struct arena arena;
	struct buf name, password, authorization, path;
	const struct person *persons;
	size_t count;
	bool verified[DIRECTORY_MATCHES_MAX];
	const struct person *person;    /* the one whose password it is */
	enum login_step step;
	enum pop3_login_result result;
	struct registry_entry *entry;
	struct mailbox *mailbox;
	char reason[256];
	char address[];
};

STATUS login_new(struct task *task, struct settings *settings, const char *address,
                 uint64_t conn_id, const struct pop3_credentials *credentials,
                 struct login **login_r)
{
	size_t n = strlen(address) + 1;
	struct login *l = calloc(1, sizeof(*l) + n);

	if (l == NULL)
		return POSTIL_ERR_MEMORY;
	l->task = task;
	l->settings = settings_share(settings);
	l->conn_id = conn_id;
	l->began_ms = clock_mono_ms();
	memcpy(l->address, address, n);
	buf_add_slice(&l->name, credentials->name);
	buf_add_slice(&l->password, credentials->password);
	buf_add_slice(&l->authorization, credentials->authorization);
	if (buf_status(&l->name) != NOERROR || buf_status(&l->password) != NOERROR ||
	    buf_status(&l->authorization) != NOERROR) {
		login_free(&l);
		return POSTIL_ERR_MEMORY;
	}
	*login_r = l;
	return NOERROR;
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
	buf_release(&l->authorization);
	buf_release(&l->path);
	arena_release(&l->arena);
	settings_release(&l->settings);
	free(l);
	*login = NULL;
}

/* --- deciding -------------------------------------------------------------------- */

static void done(struct login *l, enum pop3_login_result result)
{
	l->result = result;
	l->step = LOGIN_DONE;
}

__attribute__((format(printf, 3, 4)))
static void refuse(struct login *l, enum pop3_login_result result, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(l->reason, sizeof(l->reason), format, ap);
	va_end(ap);
	done(l, result);
}

/* Exactly one person's password it must be; two would make the name ambiguous. */
static const struct person *the_one(const struct login *l)
{
	const struct person *one = NULL;

	for (size_t i = 0; i < l->count; i++) {
		if (!l->verified[i])
			continue;
		if (one != NULL)
			return NULL;
		one = &l->persons[i];
	}
	return one;
}

static bool is_same_person(struct login *l, struct slice name)
{
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	size_t count = 0;
	bool same = false;

	if (directory_find_login(l->task->directory, name, false, DIRECTORY_MATCHES_DEFAULT, &arena,
	                         &persons, &count) == NOERROR)
		for (size_t i = 0; i < count; i++)
			if (memcmp(&persons[i].unid, &l->person->unid, sizeof(struct unid)) == 0)
				same = true;
	arena_release(&arena);
	return same;
}

/* MailServer and MailFile; an empty MailServer means this one. */
static bool find_mail_file(struct login *l)
{
	const struct person *person = l->person;
	struct buf shown = BUF_INIT;
	struct fault fault = { .status = NOERROR };
	STATUS status;

	if (person->mail_server.n > 0 &&
	    !name_equal(person->mail_server, slice_of(l->settings->server))) {
		text_escape(person->mail_server, SHOWN_NAME_OCTETS, &shown);
		refuse(l, POP3_LOGIN_WRONG_SERVER, "the mail server of this person is %s",
		       buf_cstr(&shown));
		buf_release(&shown);
		return false;
	}
	if (text_trim(person->mail_file).n == 0) {
		refuse(l, POP3_LOGIN_NO_MAILFILE, "the Person document has no MailFile");
		return false;
	}
	buf_clear(&l->path);
	status = mailfile_path(l->task->data_dir, person->mail_file, &l->path, &fault);
	if (status != NOERROR) {
		refuse(l, POP3_LOGIN_NO_MAILFILE, "MailFile: %s", fault_text(&fault, status));
		return false;
	}
	return true;
}

static void open_failed(struct login *l, STATUS status)
{
	registry_remove(l->task->registry, &l->entry);
	switch (status) {
	case POSTIL_ERR_IN_USE:
		done(l, POP3_LOGIN_IN_USE);
		break;
	case POSTIL_ERR_NOEXIST:
		refuse(l, POP3_LOGIN_NO_MAILFILE, "there is no mail file %s", buf_cstr(&l->path));
		break;
	case POSTIL_ERR_DAMAGED:
	case POSTIL_ERR_FOREIGN:
	case POSTIL_ERR_SCHEMA:
	case POSTIL_ERR_NETWORK_FS:
	case POSTIL_ERR_PERMISSION:
	case POSTIL_ERR_NOACCESS:
		done(l, POP3_LOGIN_TROUBLE_PERM);
		break;
	default:
		done(l, POP3_LOGIN_TROUBLE_TEMP);
	}
}

static void open_mailbox(struct login *l)
{
	STATUS status = registry_add(l->task->registry, l->person->name, buf_cstr(&l->path),
	                             l->address, l->conn_id, l->settings->max_per_user, &l->entry);

	if (status == POSTIL_ERR_LIMIT) {
		refuse(l, POP3_LOGIN_LIMIT, "this person has %u sessions already",
		       (unsigned)l->settings->max_per_user);
		return;
	}
	if (status == NOERROR)
		status = mailbox_open(l->task, l->settings, &l->entry, &l->mailbox);
	if (status != NOERROR)
		open_failed(l, status);
	else
		done(l, POP3_LOGIN_OK);
}

/* The password has verified: now every rule, as it stands at this moment. */
static void decide(struct login *l)
{
	struct slice authorization = buf_slice(&l->authorization);

	if (authorization.n > 0 && !is_same_person(l, authorization))
		done(l, POP3_LOGIN_REFUSED);
	else if (find_mail_file(l))
		open_mailbox(l);
}

/* --- the three jobs ------------------------------------------------------------------- */

static void ask_cache(struct login *l)
{
	for (size_t i = 0; i < l->count; i++)
		for (size_t j = 0; j < l->persons[i].password_count && !l->verified[i]; j++)
			l->verified[i] = passcache_hit(l->task->passcache, buf_slice(&l->password),
			                               l->persons[i].name,
			                               l->persons[i].passwords[j]);
}

static STATUS run_look_up(void *context)
{
	struct login *l = context;
	STATUS status = directory_find_login(l->task->directory, buf_slice(&l->name), false,
	                                     DIRECTORY_MATCHES_DEFAULT, &l->arena, &l->persons,
	                                     &l->count);

	l->step = LOGIN_HASH;
	if (status == POSTIL_ERR_AMBIGUOUS || status == POSTIL_ERR_INVALID)
		l->count = 0;
	else if (status != NOERROR)
		refuse(l, POP3_LOGIN_TROUBLE_TEMP, "the directory cannot be asked: %s",
		       status_text(status));
	if (l->step == LOGIN_DONE || l->count == 0)
		return NOERROR;
	ask_cache(l);
	/* One match that is known is enough; among several the others must be tried. */
	if (l->count == 1 && l->verified[0]) {
		l->person = &l->persons[0];
		decide(l);
	}
	return NOERROR;
}

/* Each digest of this person; *costly_r: at least one was of the slow kind. */
static bool verify(struct login *l, const struct person *person, bool *costly_r)
{
	struct slice password = buf_slice(&l->password);

	for (size_t i = 0; i < person->password_count; i++) {
		if (inetpass_kind(person->passwords[i], NULL) == INETPASS_V3)
			*costly_r = true;
		if (inetpass_verify(password, person->passwords[i]) != NOERROR)
			continue;
		passcache_add(l->task->passcache, password, person->name, person->passwords[i]);
		return true;
	}
	return false;
}

static STATUS run_hash(void *context)
{
	struct login *l = context;
	bool costly = false;

	for (size_t i = 0; i < l->count; i++)
		if (!l->verified[i])
			l->verified[i] = verify(l, &l->persons[i], &costly);
	l->person = the_one(l);
	if (l->person == NULL && !costly)
		(void)inetpass_verify(buf_slice(&l->password), slice_of(l->task->dummy_digest));
	if (l->person == NULL)
		done(l, POP3_LOGIN_REFUSED);
	else
		l->step = LOGIN_OPEN;
	return NOERROR;
}

static STATUS run_open(void *context)
{
	decide(context);
	return NOERROR;
}

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
		[LOGIN_LOOK_UP] = run_look_up, [LOGIN_HASH] = run_hash, [LOGIN_OPEN] = run_open,
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

	if (l->person == NULL || name_abbreviate(l->person->name, &name) != NOERROR)
		text_escape(buf_slice(&l->name), SHOWN_NAME_OCTETS, out);
	else
		text_escape(buf_slice(&name), SHOWN_NAME_OCTETS, out);
	buf_release(&name);
}

const char *login_reason(const struct login *l)
{
	return l->reason[0] != '\0' ? l->reason : NULL;
}

uint64_t login_began_ms(const struct login *l)
{
	return l->began_ms;
}
