/*
 * It is known who it is: may this person in, and to what? Every rule as it stands at
 * this moment. Trusts the directory for what it says about persons, but MailFile is a path
 * only after mailfile_path has said so, and host names go into a reply only if they are.
 */
#include <string.h>

#include "addin/pop3/login_impl.h"
#include "base/clock.h"
#include "base/ipaddr.h"
#include "base/name.h"
#include "base/text.h"

static bool is_same_person(struct login *l, struct slice name)
{
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	size_t count = 0;
	bool same = false;

	if (directory_find_login(l->task->directory, name, l->settings->more_name_variations,
	                         l->settings->max_name_matches, &arena, &persons, &count) == NOERROR)
		for (size_t i = 0; i < count; i++)
			if (memcmp(&persons[i].unid, &l->person->unid, sizeof(struct unid)) == 0)
				same = true;
	arena_release(&arena);
	return same;
}

/* --- access to the server ---------------------------------------------------------------- */

static bool has_access(struct login *l)
{
	struct access_verdict verdict;
	struct buf why = BUF_INIT;
	STATUS status;

	if (!l->settings->enforce_access)
		return true;
	status = directory_check_access(l->task->directory, slice_of(l->settings->server), l->person,
	                                &l->arena, &verdict);
	if (status != NOERROR) {
		login_refuse(l, POP3_LOGIN_TROUBLE_TEMP, "the access lists cannot be read: %s",
		             status_text(status));
		return false;
	}
	if (verdict.allowed)
		return true;
	access_describe(&verdict, &why);
	login_refuse(l, POP3_LOGIN_NO_ACCESS, "not authorized to use the server: %s", buf_cstr(&why));
	buf_release(&why);
	return false;
}

/* --- the right server ------------------------------------------------------------------------ */

static bool is_host_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], lower = (char)(c | 0x20);

		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-')
			return false;
	}
	return s.n > 0 && s.n <= 255;
}

/* RFC 2384: pop://user@host:port; what is not unreserved is escaped (RFC 3986). */
static void add_url(struct login *l, const struct pop3_settings *server)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	struct slice name = buf_slice(&l->name);

	buf_add_str(&l->referral, "pop://");
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '\0' && strchr(plain, name.p[i]) != NULL)
			buf_add_char(&l->referral, name.p[i]);
		else
			buf_addf(&l->referral, "%%%02X", (unsigned)(unsigned char)name.p[i]);
	buf_add_char(&l->referral, '@');
	buf_add_slice(&l->referral, server->host_name);
	if (server->port != 110)
		buf_addf(&l->referral, ":%u", (unsigned)server->port);
	buf_add_char(&l->referral, '\0');
}

static void refer(struct login *l)
{
	struct arena arena = ARENA_INIT;
	struct pop3_settings server;

	if (l->settings->referral != 0 &&
	    directory_pop3_settings(l->task->directory, l->person->mail_server, &arena, &server) ==
	    NOERROR && is_host_name(server.host_name))
		add_url(l, &server);
	arena_release(&arena);
}

/* An empty MailServer means this one. */
static bool is_right_server(struct login *l)
{
	const struct person *person = l->person;
	struct buf shown = BUF_INIT;

	if (person->mail_server.n == 0 ||
	    name_equal(person->mail_server, slice_of(l->settings->server)))
		return true;
	refer(l);
	text_escape(person->mail_server, SHOWN_NAME_OCTETS, &shown);
	login_refuse(l, POP3_LOGIN_WRONG_SERVER, "the mail server of this person is %s",
	             buf_cstr(&shown));
	buf_release(&shown);
	return false;
}

/* --- the mail file ------------------------------------------------------------------------------ */

static bool find_mail_file(struct login *l)
{
	const struct person *person = l->person;
	struct fault fault = { .status = NOERROR };
	STATUS status;

	if (text_trim(person->mail_file).n == 0) {
		login_refuse(l, POP3_LOGIN_NO_MAILFILE, "the Person document has no MailFile");
		return false;
	}
	buf_clear(&l->path);
	status = mailfile_path(l->task->data_dir, person->mail_file, &l->path, &fault);
	if (status != NOERROR) {
		login_refuse(l, POP3_LOGIN_NO_MAILFILE, "MailFile: %s", fault_text(&fault, status));
		return false;
	}
	return true;
}

static bool is_member(void *context, struct slice group)
{
	struct login *l = context;
	const struct names_entry *entry;

	if (!l->names_known &&
	    directory_names_list(l->task->directory, l->person->name, l->person->alternate_name,
	                         GROUPS_ALLOWING, &l->arena, &l->names) != NOERROR)
		l->names.count = 0;
	l->names_known = true;
	entry = names_list_find(&l->names, group);
	return entry != NULL && entry->kind == NAMES_GROUP;
}

static void open_failed(struct login *l, STATUS status)
{
	registry_remove(l->task->registry, &l->entry);
	switch (status) {
	case POSTIL_ERR_IN_USE:
		login_done(l, POP3_LOGIN_IN_USE);
		break;
	case POSTIL_ERR_NOEXIST:
		login_refuse(l, POP3_LOGIN_NO_MAILFILE, "there is no mail file %s", buf_cstr(&l->path));
		break;
	case POSTIL_ERR_NOACCESS:
		login_refuse(l, POP3_LOGIN_NO_RIGHTS, "the access control list of %s does not let this "
		             "person read it; postil mail acl shows it", buf_cstr(&l->path));
		break;
	case POSTIL_ERR_DAMAGED:
	case POSTIL_ERR_FOREIGN:
	case POSTIL_ERR_SCHEMA:
	case POSTIL_ERR_NETWORK_FS:
	case POSTIL_ERR_PERMISSION:
		login_done(l, POP3_LOGIN_TROUBLE_PERM);
		break;
	default:
		login_done(l, POP3_LOGIN_TROUBLE_TEMP);
	}
}

static void open_mailbox(struct login *l)
{
	struct acl_who who = { .name = l->person->name, .alternate = l->person->alternate_name,
		.is_member = is_member, .context = l, .internet = true };
	STATUS status = registry_add(l->task->registry, l->person->name, buf_cstr(&l->path),
	                             l->address, l->conn_id, l->settings->max_per_user, &l->entry);

	if (status == POSTIL_ERR_LIMIT) {
		login_refuse(l, POP3_LOGIN_LIMIT, "this person has %u sessions already",
		             (unsigned)l->settings->max_per_user);
		return;
	}
	if (status == NOERROR)
		status = mailbox_open(l->task, l->settings, &who, l->utf8, &l->entry, &l->mailbox);
	if (status != NOERROR)
		open_failed(l, status);
	else
		login_done(l, POP3_LOGIN_OK);
}

/* --- all of it ------------------------------------------------------------------------------------ */

/* A success may clear what failures came before it. */
static void note_success(struct login *l)
{
	char unit[IPADDR_UNIT_TEXT];

	if (!l->settings->lockout.enforce || l->way == ENTRY_CERTIFICATE)
		return;                 /* wrong passwords are not made good by a certificate */
	ipaddr_unit_text(l->address, unit);
	(void)lockout_succeeded(l->task->lockout, &l->settings->lockout, LOCKOUT_PERSON,
	                        l->person->name, clock_wall_ms());
	(void)lockout_succeeded(l->task->lockout, &l->settings->lockout, LOCKOUT_ADDRESS,
	                        slice_of(unit), clock_wall_ms());
}

STATUS decide_open(void *context)
{
	struct login *l = context;
	struct slice authorization = buf_slice(&l->authorization);

	l->result = POP3_LOGIN_OK;
	if (authorization.n > 0 && !is_same_person(l, authorization)) {
		if (l->mechanism == POP3_MECHANISM_EXTERNAL)
			login_blame_certificate(l, "the identity asked for is not that of its client "
				"certificate (%.*s)", (int)l->peer.subject.n, l->peer.subject.p);
		l->person = NULL;       /* the log tells what was sent, as of every such refusal */
		login_done(l, POP3_LOGIN_REFUSED);
		return NOERROR;
	}
	note_success(l);
	if (has_access(l) && is_right_server(l) && find_mail_file(l))
		open_mailbox(l);
	return NOERROR;
}
