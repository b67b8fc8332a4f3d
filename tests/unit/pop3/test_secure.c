/* TLS by place: what one site lacks is not made up for by another, whatever they are called. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addin/net/complaints.h"
#include "addin/pop3/secure.h"
#include "addin/pop3/settings.h"
#include "base/clock.h"
#include "tests/support/source_memory.h"
#include "tests/support/unit.h"
#include "tls/make.h"

#define SERVER "Form=Server|ServerName=CN=mail/O=Acme|POP3_SSLStatus=1|LdISite=1\n"
#define SITE(key) "Form=POP3Site|ISiteName=Почта для всех отделов|ISiteOrg=" key "|ISiteAdrs=" key \
	"|WSHostingSrvrs=*|SSLNameAndPwd=1|SSLKeyFile=" key "\n"

static char *dir;
static struct tls_tickets *tickets;
static struct buf said;
static struct complaints complaints;

static bool get(void *context, const char *name, char *value, size_t size)
{
	if (strcmp(name, "ServerName") != 0)
		return false;
	snprintf(value, size, "mail/Acme");
	return true;
}

static void say(void *context, const char *text)
{
	buf_add_str(&said, text);
	buf_add_char(&said, '\n');
}

static struct settings *read_documents(const char *documents)
{
	struct directory_source *source;
	struct directory *directory;
	struct settings *settings;

	ck_assert_uint_eq(source_memory_new(&source), NOERROR);
	ck_assert_uint_eq(source_memory_write(source, documents), NOERROR);
	ck_assert_uint_eq(directory_new(source, &directory), NOERROR);
	ck_assert_uint_eq(settings_read(get, NULL, directory, NULL, NULL, &settings), NOERROR);
	directory_close(&directory);
	return settings;
}

static char *path_of(const char *name)
{
	char *path = NULL;

	ck_assert_int_gt(asprintf(&path, "%s/certs/%s.pem", dir, name), 0);
	return path;
}

static void write_credential(const char *name)
{
	const char *const subject[] = { "CN", name };
	int64_t now = clock_wall_secs();
	struct tls_make make = { .use = TLS_USE_SERVER, .subject = subject, .subject_count = 2,
		.not_before = now - 60, .not_after = now + 86400 * 60 };
	struct tls_identity *identity;
	struct buf text = BUF_INIT;
	char *path = path_of(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(tls_make(&make, &identity, NULL), NOERROR);
	ck_assert_uint_eq(tls_identity_certificate(identity, &text), NOERROR);
	ck_assert_uint_eq(tls_identity_key(identity, NULL, &text), NOERROR);
	ck_assert_int_eq(write(fd, text.p, text.n), (ssize_t)text.n);
	close(fd);
	tls_identity_free(&identity);
	buf_wipe_release(&text);
	free(path);
}

static void begin(void)
{
	char *certs = NULL;

	dir = unit_tempdir();
	ck_assert_int_gt(asprintf(&certs, "%s/certs", dir), 0);
	ck_assert_int_eq(mkdir(certs, 0700), 0);
	free(certs);
	ck_assert_uint_eq(tls_tickets_new(0, &tickets), NOERROR);
	buf_clear(&said);
	complaints_init(&complaints, say, NULL);
}

static void end(void)
{
	complaints_release(&complaints);
	tls_tickets_release(&tickets);
	buf_release(&said);
	unit_tempdir_remove(&dir);
}

static void make(struct settings *settings, const struct secure *before)
{
	complaints_begin(&complaints, false);
	ck_assert_uint_eq(secure_new(settings, dir, tickets, before, complaints_say, &complaints,
	                             &settings->secure), NOERROR);
}

/* The place of the site with this key file. */
static size_t place_of(const struct settings *settings, const char *key)
{
	for (size_t i = 0; i < settings->sites.count; i++)
		if (slice_equal(settings->sites.list[i].tls.key_files[0], slice_of(key)))
			return i;
	ck_abort_msg("no site has %s", key);
	return 0;
}

START_TEST(sites_of_one_name)
{
	struct settings *settings = read_documents(SERVER SITE("one") SITE("two"));
	struct tls_setup one, two;

	begin();
	write_credential("one");
	write_credential("two");
	ck_assert_uint_eq(settings->sites.count, 2);
	make(settings, NULL);
	ck_assert_uint_eq(secure_setup(settings->secure, 0, false, TLS_ASK_NO, &one), NOERROR);
	ck_assert_uint_eq(secure_setup(settings->secure, 1, false, TLS_ASK_NO, &two), NOERROR);
	ck_assert(!slice_equal(one.binding, two.binding));
	tls_context_release(&one.context);
	tls_context_release(&two.context);
	ck_assert_uint_eq(secure_setup(settings->secure, 0, true, TLS_ASK_NO, &two), NOERROR);
	ck_assert(!slice_equal(one.binding, two.binding));
	tls_context_release(&two.context);
	settings_release(&settings);
	end();
}
END_TEST

START_TEST(one_does_not_stand_in_for_another)
{
	static const char documents[] = SERVER SITE("one") SITE("two");
	struct settings *first = read_documents(documents), *second = read_documents(documents);
	size_t one = place_of(first, "one"), two = place_of(first, "two");

	begin();
	write_credential("one");
	make(first, NULL);
	ck_assert(secure_has(first->secure, one) && !secure_has(first->secure, two));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&said), "two.pem"));
	make(second, first->secure);
	ck_assert(secure_has(second->secure, one) && !secure_has(second->secure, two));
	settings_release(&first);
	settings_release(&second);
	end();
}
END_TEST

/* What is wrong is told once as long as it is the same, and mended as soon as it comes. */
START_TEST(what_is_lacking_comes)
{
	struct settings *first = read_documents(SERVER SITE("one"));
	struct settings *second = read_documents(SERVER SITE("one"));
	struct settings *third = read_documents(SERVER SITE("one"));

	begin();
	make(first, NULL);
	ck_assert(secure_is_lacking(first->secure) && !secure_has_any(first->secure) && said.n > 0);
	buf_clear(&said);
	make(second, first->secure);
	ck_assert(secure_equal(first->secure, second->secure));
	ck_assert_uint_eq(said.n, 0);
	write_credential("one");
	make(third, second->secure);
	ck_assert(!secure_is_lacking(third->secure) && secure_has(third->secure, 0));
	ck_assert(!secure_equal(second->secure, third->secure));
	ck_assert(secure_is_current(third->secure));
	write_credential("one");
	ck_assert(!secure_is_current(third->secure));
	settings_release(&first);
	settings_release(&second);
	settings_release(&third);
	end();
}
END_TEST

UNIT_MAIN("secure", sites_of_one_name, one_does_not_stand_in_for_another, what_is_lacking_comes)
