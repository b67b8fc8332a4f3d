/* The settings: defaults, bounds, nonsense, and that the manual lists them all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addin/pop3/settings.h"
#include "base/buf.h"
#include "tests/support/source_memory.h"
#include "tests/support/unit.h"

struct variables {
	const char *name, *value;       /* one variable that is set */
	struct buf said;
};

static bool get(void *context, const char *name, char *value, size_t size)
{
	const struct variables *v = context;

	if (strcmp(name, "ServerName") == 0) {
		snprintf(value, size, "mail/Acme");
		return true;
	}
	if (v->name == NULL || strcmp(name, v->name) != 0)
		return false;
	snprintf(value, size, "%s", v->value);
	return true;
}

static void say(void *context, const char *text)
{
	struct variables *v = context;

	buf_add_str(&v->said, text);
	buf_add_char(&v->said, '\n');
}

static struct settings *read_with(struct variables *v)
{
	struct directory *directory = NULL;
	struct settings *settings = NULL;
	char *dir = unit_tempdir();

	ck_assert_int_eq(directory_open(dir, &directory, NULL), NOERROR);
	ck_assert_int_eq(settings_read(get, v, directory, say, v, &settings), NOERROR);
	directory_close(&directory);
	unit_tempdir_remove(&dir);
	return settings;
}

START_TEST(defaults)
{
	struct variables v = { NULL, NULL, BUF_INIT };
	struct settings *s = read_with(&v);

	ck_assert_uint_eq(v.said.n, 0);
	ck_assert(!s->found);
	ck_assert_uint_eq(s->port, 110);
	ck_assert(s->port_enabled && s->name_and_password && s->spare_loopback);
	ck_assert_uint_eq(s->session_timeout_minutes, 10);
	ck_assert_uint_eq(s->read_all, 1);
	ck_assert_uint_eq(s->options.mark_read, 0);
	ck_assert_int_eq(s->options.expire_days, POP3_EXPIRE_NEVER);
	ck_assert_str_eq(s->server, "CN=mail/O=Acme");
	ck_assert_str_eq(s->options.greeting, "Postil POP3 server version " POSTIL_VERSION
	                 " ready on mail/Acme.");
	ck_assert_str_eq(s->options.implementation, "Postil-" POSTIL_VERSION);
	settings_release(&s);
}
END_TEST

static const struct {
	const char *name, *value;
	size_t offset;
	uint32_t is;
	bool told;
} numbers[] = {
	{ "POP3_Session_Timeout", "30", offsetof(struct settings, session_timeout_minutes), 30, false },
	{ "POP3_Session_Timeout", "1", offsetof(struct settings, session_timeout_minutes), 10, true },
	{ "POP3_Session_Timeout", "0", offsetof(struct settings, session_timeout_minutes), 10, true },
	{ "POP3_Session_Timeout", " 20 ", offsetof(struct settings, session_timeout_minutes), 20, false },
	{ "POP3_Session_Timeout", "-5", offsetof(struct settings, session_timeout_minutes), 10, true },
	{ "POP3_Session_Timeout", "ten", offsetof(struct settings, session_timeout_minutes), 10, true },
	{ "POP3_Session_Timeout", "99999999999999999999", offsetof(struct settings,
	  session_timeout_minutes), 10, true },
	{ "POP3_Password_Cache_Minutes", "0", offsetof(struct settings, password_cache_minutes), 0,
	  false },
	{ "POP3_Password_Cache_Minutes", "31", offsetof(struct settings, password_cache_minutes), 30,
	  true },
	{ "POP3MarkRead", "2", offsetof(struct settings, options.mark_read), 2, false },
	{ "POP3MarkRead", "3", offsetof(struct settings, options.mark_read), 2, true },
	{ "POP3_READ_ALL", "0", offsetof(struct settings, read_all), 0, false },
	{ "POP3_Max_Sessions_Per_Address", "5", offsetof(struct settings, max_per_address), 5, false },
	{ "POP3_Language", "de", offsetof(struct settings, options.preferred), LANGUAGE_DE, false },
	{ "POP3_Language", "DE", offsetof(struct settings, options.preferred), LANGUAGE_DE, false },
	{ "POP3_Language", "i-default", offsetof(struct settings, options.preferred), LANGUAGE_DEFAULT, false },
	{ "POP3_Language", "de-AT", offsetof(struct settings, options.preferred), LANGUAGE_EN, true },
	{ "POP3_Language", "*", offsetof(struct settings, options.preferred), LANGUAGE_EN, true },
	{ "POP3_Expire", "30", offsetof(struct settings, options.expire_days), 30, false },
	{ "POP3_Expire", "-", offsetof(struct settings, options.expire_days),
	  (uint32_t)POP3_EXPIRE_NOT_TOLD, false },
	{ "POP3_Expire", "soon", offsetof(struct settings, options.expire_days),
	  (uint32_t)POP3_EXPIRE_NOT_TOLD, true },
	{ "POP3_Expire", "never", offsetof(struct settings, options.expire_days),
	  (uint32_t)POP3_EXPIRE_NEVER, false },
};

START_TEST(values)
{
	struct variables v = { numbers[_i].name, numbers[_i].value, BUF_INIT };
	struct settings *s = read_with(&v);
	uint32_t is;

	memcpy(&is, (const char *)s + numbers[_i].offset, sizeof(is));
	ck_assert_uint_eq(is, numbers[_i].is);
	ck_assert_int_eq(v.said.n > 0, numbers[_i].told);
	if (numbers[_i].told)
		ck_assert_ptr_nonnull(strstr(buf_cstr(&v.said), numbers[_i].name));
	buf_release(&v.said);
	settings_release(&s);
}
END_TEST

START_TEST(set_limit_counts_for_loopback)
{
	struct variables v = { "POP3_Max_Sessions_Per_Address", "100", BUF_INIT }, none = { 0 };
	struct settings *set = read_with(&v), *unset = read_with(&none);

	ck_assert(!set->spare_loopback);
	ck_assert(!settings_equal(set, unset));
	ck_assert(settings_equal(set, set));
	settings_release(&set);
	settings_release(&unset);
}
END_TEST

/* --- what documents say ------------------------------------------------------------------ */

static struct settings *read_documents(const char *documents)
{
	struct variables v = { NULL, NULL, BUF_INIT };
	struct directory_source *source = NULL;
	struct directory *directory = NULL;
	struct settings *settings = NULL;

	ck_assert_uint_eq(source_memory_new(&source), NOERROR);
	ck_assert_uint_eq(source_memory_write(source, documents), NOERROR);
	ck_assert_uint_eq(directory_new(source, &directory), NOERROR);
	ck_assert_uint_eq(settings_read(get, &v, directory, say, &v, &settings), NOERROR);
	directory_close(&directory);
	buf_release(&v.said);
	return settings;
}

#define SERVER "Form=Server|ServerName=CN=mail/O=Acme"
#define SITE "Form=POP3Site|ISiteName=a|ISiteOrg=Acme"
#define CONFIG "Form=ServerConfig|ServerName=*"

/* A change of any of these must be noticed, or it would never be taken up. */
static const char *const different[] = {
	"", SERVER "\n", SERVER "|POP3_Port=111\n", SERVER "|POP3_PortStatus=2\n", SERVER "|POP3_TCPNP=0\n",
	SERVER "|POP3_SSLNP=0\n", SERVER "|POP3_SSLCert=1\n", SERVER "|InternetAuthentication=More\n",
	SERVER "|POP3_EnforceAccess=1\n", SERVER "|LdISite=1\n", SERVER "|LdISite=1\n" SITE "\n",
	SERVER "|LdISite=1|SMTPFullHostDomain=x.example\n" SITE "\n",
	SERVER "|LdISite=1\n" SITE "|TCPNameAndPwd=0\n", SERVER "|LdISite=1\n" SITE "|SSLNameAndPwd=0\n",
	SERVER "|LdISite=1\n" SITE "|SSLClientCert=1\n", SERVER "|LdISite=1\n" SITE "|SSLKeyFile=k\n",
	SERVER "|LdISite=1\n" SITE "|ISiteAdrs=127.0.0.1\n", SERVER "|LdISite=1\n" SITE "|ISiteAdrs=127.0.0.2\n",
	SERVER "|LdISite=1\n" SITE "\n" SITE "\n", SERVER "|LdISite=1\nForm=POP3Site|ISiteName=b|ISiteOrg=Acme\n",
	SERVER "|LdISite=1\nForm=POP3Site|ISiteName=a|ISiteOrg=Other\n",
	SERVER "\n" CONFIG "\n", SERVER "\n" CONFIG "|ILEnforce=1\n", SERVER "\n" CONFIG "|ILMaxTries=9\n",
	SERVER "\n" CONFIG "|ILExpMinutes=9\n", SERVER "\n" CONFIG "|ILClearMinutes=9\n",
	SERVER "\n" CONFIG "|ILLockIP=1\n", SERVER "\n" CONFIG "|ILCountAgainstIP=1\n",
	SERVER "\n" CONFIG "|ILLogLockouts=0\n", SERVER "\n" CONFIG "|ILLogFailures=0\n",
	SERVER "\nForm=ServerConfig|ServerName=mail/Acme\n",
};
#define DIFFERENT (sizeof(different) / sizeof(*different))

START_TEST(every_document_counts)
{
	struct settings *s[DIFFERENT];

	for (size_t i = 0; i < DIFFERENT; i++)
		s[i] = read_documents(different[i]);
	for (size_t i = 0; i < DIFFERENT; i++)
		for (size_t j = 0; j < DIFFERENT; j++)
			ck_assert_msg(settings_equal(s[i], s[j]) == (i == j), "%s and %s", different[i],
			              different[j]);
	for (size_t i = 0; i < DIFFERENT; i++)
		settings_release(&s[i]);
}
END_TEST

static const struct {
	const char *documents, *address;
	int allowed;                    /* 1: passwords, 0: none on this port, -1: nothing at all */
} ports[] = {
	{ "", "127.0.0.1", 1 },
	{ SERVER "\n", "127.0.0.1", 1 },
	{ SERVER "|POP3_TCPNP=0\n", "127.0.0.1", 0 },
	{ SERVER "|POP3_TCPNP=0|POP3_SSLNP=0|POP3_SSLCert=1\n", "127.0.0.1", 0 },
	{ SERVER "|POP3_TCPNP=0|POP3_SSLNP=0\n", "127.0.0.1", -1 },
	{ SERVER "|POP3_TCPNP=0|LdISite=1\n" SITE "\n", "127.0.0.1", 1 },
	{ SERVER "|LdISite=1\n", "127.0.0.1", -1 },
	{ SERVER "|LdISite=1\n" SITE "|TCPNameAndPwd=0\n", "127.0.0.1", 0 },
	{ SERVER "|LdISite=1\n" SITE "|TCPNameAndPwd=0|SSLNameAndPwd=0\n", "127.0.0.1", -1 },
	{ SERVER "|LdISite=1\n" SITE "|TCPNameAndPwd=0|SSLNameAndPwd=0\n"
	  "Form=POP3Site|ISiteName=b|ISiteOrg=Other|ISiteAdrs=127.0.0.2\n", "127.0.0.2", 1 },
};

START_TEST(what_a_port_allows)
{
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		struct settings *s = read_documents(ports[i].documents);
		struct entry_rules rules;
		size_t place;
		bool any = settings_place_at(s, ports[i].address, &place, &rules);

		ck_assert_msg((any ? rules.password : -1) == ports[i].allowed, "%s", ports[i].documents);
		settings_release(&s);
	}
}
END_TEST

START_TEST(trusted_networks)
{
	struct variables v = { "POP3_Trusted_Networks", "10.0.0.0/8, ::1", BUF_INIT }, none = { 0 };
	struct variables bad = { "POP3_Trusted_Networks", "10.0.0.0/8 localhost", BUF_INIT };
	struct settings *s = read_with(&v), *unset = read_with(&none), *wrong = read_with(&bad);

	ck_assert(settings_trusts(s, "10.1.2.3") && settings_trusts(s, "::1"));
	ck_assert(!settings_trusts(s, "127.0.0.1") && !settings_trusts(unset, "10.1.2.3"));
	ck_assert(!settings_equal(s, unset));
	ck_assert(!settings_trusts(wrong, "10.1.2.3"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&bad.said), "\"localhost\" is neither an address nor a network"));
	buf_release(&bad.said);
	settings_release(&s);
	settings_release(&unset);
	settings_release(&wrong);
}
END_TEST

static char *manual(const char *name)
{
	const char *top = getenv("top_srcdir");
	char *path = NULL, *text = calloc(1, 65536);
	FILE *file;

	ck_assert_int_gt(asprintf(&path, "%s/man/%s", top == NULL ? "." : top, name), 0);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s: %m", path);
	ck_assert_uint_lt(fread(text, 1, 65535, file), 65535);
	fclose(file);
	free(path);
	return text;
}

START_TEST(manual_lists_all)
{
	char *pop3 = manual("postil-pop3.8"), *ini = manual("notes.ini.5");

	for (size_t i = 0; i < settings_count; i++) {
		const struct net_variable *setting = &settings_table[i];
		char line[128];

		if (setting->most != 0)
			snprintf(line, sizeof(line), ".It Va %s Pq %u\n", setting->name,
			         setting->fallback);
		else
			snprintf(line, sizeof(line), ".It Va %s Pq %s\n", setting->name,
			         setting->text_fallback[0] != '\0' ? setting->text_fallback : "empty");
		ck_assert_msg(strstr(pop3, line) != NULL, "postil-pop3.8 has no line %s", line);
		snprintf(line, sizeof(line), ".It Va %s\n", setting->name);
		ck_assert_msg(strstr(ini, line) != NULL, "notes.ini.5 has no line %s", line);
	}
	free(pop3);
	free(ini);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("settings");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, defaults);
	tcase_add_loop_test(tcase, values, 0, sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_test(tcase, set_limit_counts_for_loopback);
	tcase_add_test(tcase, every_document_counts);
	tcase_add_test(tcase, what_a_port_allows);
	tcase_add_test(tcase, trusted_networks);
	tcase_add_test(tcase, manual_lists_all);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
