/* Credentials and contexts: what is read, what is said of what cannot be, when it is read anew. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/tls/fixture.h"

#include "base/banned.h"

#define CASE(name) START_TEST(name) { struct world w; world_open(&w); name ## _body(&w); \
	world_close(&w); } END_TEST

static void rid(const struct world *w, const char *file)
{
	char *path = NULL;

	ck_assert_int_ge(asprintf(&path, "%s/%s", w->dir, file), 0);
	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

static void mode(const struct world *w, const char *file, mode_t bits)
{
	char *path = NULL;

	ck_assert_int_ge(asprintf(&path, "%s/%s", w->dir, file), 0);
	ck_assert_int_eq(chmod(path, bits), 0);
	free(path);
}

/* It cannot be made; the sentence names the file and has a word of the remedy. */
static void fails(struct world *w, STATUS wanted, const char *file, const char *word)
{
	struct tls_context *context = NULL;
	struct fault fault = { .text = "" };
	STATUS status = world_try(w, NULL, &context, &fault);

	ck_assert_msg(status == wanted, "%d: %s", status, fault.text);
	ck_assert_msg(strstr(fault.text, file) != NULL && strstr(fault.text, word) != NULL, "%s", fault.text);
	ck_assert_msg(strstr(fault.text, "sesame") == NULL, "%s", fault.text);
}

static void works(struct world *w, const char *warning)
{
	struct tls_context *context = world_context(w);

	if (warning == NULL)
		ck_assert_str_eq(buf_cstr(&w->warnings), "");
	else
		ck_assert_msg(strstr(buf_cstr(&w->warnings), warning) != NULL, "%s", buf_cstr(&w->warnings));
	ck_assert(gets_in(context, TLS_ASK_NO, &(struct manner){ 0 }, NULL));
	tls_context_release(&context);
}

/* --- files ------------------------------------------------------------------------------ */

static void test_key_files_body(struct world *w)
{
	struct tls_identity *other = make_identity((struct tls_make){ .use = TLS_USE_SERVER });

	works(w, NULL);
	mode(w, "mail.pem", 0640);
	fails(w, POSTIL_ERR_PERMISSION, "/mail.pem", "chmod 600");
	world_certificate(w, "mail.pem", w->server);
	fails(w, POSTIL_ERR_NOEXIST, "/mail.key", "no private key");
	world_key(w, "mail.key", w->server, NULL);
	works(w, NULL);
	mode(w, "mail.key", 0604);
	fails(w, POSTIL_ERR_PERMISSION, "/mail.key", "chmod 600");
	world_key(w, "mail.key", other, NULL);
	fails(w, POSTIL_ERR_INVALID, "/mail.key", "not the key of the certificate in");
	world_write(w, "mail.key", 0600, SLICE_LIT("rubbish\n"));
	fails(w, POSTIL_ERR_INVALID, "/mail.key", "cannot be read");
	world_write(w, "mail.key", 0600, SLICE_LIT("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
	fails(w, POSTIL_ERR_INVALID, "/mail.key", "cannot be read");
	tls_identity_free(&other);
}
CASE(test_key_files)

static void test_passphrases_body(struct world *w)
{
	world_certificate(w, "mail.pem", w->server);
	world_key(w, "mail.key", w->server, "sesame");
	fails(w, POSTIL_ERR_INVALID, "/mail.key", "put the passphrase into");
	world_write(w, "mail.pass", 0600, SLICE_LIT("sesame\n"));
	works(w, NULL);
	world_write(w, "mail.pass", 0600, SLICE_LIT("sesame\r\nanother line\n"));
	works(w, NULL);
	world_write(w, "mail.pass", 0600, SLICE_LIT("sesamee\n"));
	fails(w, POSTIL_ERR_INVALID, "/mail.pass", "wrong passphrase");
	world_write(w, "mail.pass", 0600, SLICE_LIT(""));
	fails(w, POSTIL_ERR_INVALID, "/mail.pass", "wrong passphrase");
	world_write(w, "mail.pass", 0644, SLICE_LIT("sesame\n"));
	fails(w, POSTIL_ERR_PERMISSION, "/mail.pass", "chmod 600");
}
CASE(test_passphrases)

static void test_certificate_files_body(struct world *w)
{
	struct buf text = BUF_INIT;
	struct tls_identity *old = make_identity((struct tls_make){ .use = TLS_USE_SERVER,
		.not_before = clock_wall_secs() - 2 * DAY, .not_after = clock_wall_secs() - DAY });
	struct tls_identity *future = make_identity((struct tls_make){ .use = TLS_USE_SERVER,
		.not_before = clock_wall_secs() + DAY, .not_after = clock_wall_secs() + 90 * DAY });

	rid(w, "mail.pem");
	fails(w, POSTIL_ERR_NOEXIST, "/mail.pem", "there is no");
	world_write(w, "mail.pem", 0600, SLICE_LIT("rubbish\n"));
	fails(w, POSTIL_ERR_INVALID, "/mail.pem", "no PEM certificate");
	world_write(w, "mail.pem", 0600, SLICE_LIT("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"));
	fails(w, POSTIL_ERR_INVALID, "/mail.pem", "malformed");
	ck_assert_int_eq(tls_identity_certificate(w->server, &text), NOERROR);
	buf_add_str(&text, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
	ck_assert_int_eq(tls_identity_key(w->server, NULL, &text), NOERROR);
	world_write(w, "mail.pem", 0600, buf_slice(&text));
	fails(w, POSTIL_ERR_INVALID, "/mail.pem", "certificate 2 in it is malformed");
	buf_clear(&text);
	for (int i = 0; i < 30; i++)
		ck_assert_int_eq(tls_identity_certificate(w->server, &text), NOERROR);
	world_write(w, "mail.pem", 0600, buf_slice(&text));
	fails(w, POSTIL_ERR_TOO_LONG, "/mail.pem", "more than");
	buf_reserve(&text, 300 * 1024);
	memset(text.p, 'x', 300 * 1024);
	world_write(w, "mail.pem", 0600, (struct slice){ text.p, 300 * 1024 });
	fails(w, POSTIL_ERR_TOO_LONG, "/mail.pem", "larger than");
	rid(w, "mail.pem");
	ck_assert_int_eq(chdir(w->dir), 0);
	ck_assert_int_eq(mkfifo("mail.pem", 0600), 0);
	fails(w, POSTIL_ERR_INVALID, "/mail.pem", "not a file");
	rid(w, "mail.pem");
	world_pair(w, "mail.pem", old);
	works(w, "the certificate has expired");
	world_pair(w, "mail.pem", future);
	works(w, "not valid before");
	buf_wipe_release(&text);
	tls_identity_free(&old);
	tls_identity_free(&future);
}
CASE(test_certificate_files)

static void test_names_body(struct world *w)
{
	static const char *const bad[] = { "", ".hidden", "a/b", "../mail", "a b", "ma\nil", "m\xC3\xA4il" };
	static const char *const good[] = { "mail.pem", "mail.kyr", "mail.KYR" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		w->names[0] = good[i];
		works(w, "");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w->names[0] = bad[i];
		fails(w, POSTIL_ERR_INVALID, "cannot be the name", "letters");
	}
	w->options.credential_count = 0;
	fails(w, POSTIL_ERR_INVALID, "no name", "credential");
}
CASE(test_names)

/* --- several ------------------------------------------------------------------------------- */

static void test_side_by_side_body(struct world *w)
{
	struct tls_identity *rsa = make_identity((struct tls_make){ .use = TLS_USE_SERVER,
		.key = TLS_KEY_RSA, .issuer = w->ca, HOSTS("localhost") });
	struct tls_context *context;
	struct buf text = BUF_INIT;
	struct manner only_rsa = { .version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256" };
	struct manner only_ecdsa = { .version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256" };
	struct manner rsa_1_3 = { .version = TLS1_3_VERSION, .signatures = "RSA-PSS+SHA256" };

	context = world_context(w);
	ck_assert(!gets_in(context, TLS_ASK_NO, &only_rsa, NULL));
	ck_assert(gets_in(context, TLS_ASK_NO, &only_ecdsa, NULL));
	tls_context_release(&context);
	world_pair(w, "mail.rsa.pem", rsa);
	context = world_context(w);
	ck_assert(gets_in(context, TLS_ASK_NO, &only_rsa, NULL));
	ck_assert(gets_in(context, TLS_ASK_NO, &only_ecdsa, NULL));
	ck_assert(gets_in(context, TLS_ASK_NO, &rsa_1_3, NULL));
	only_rsa.ciphers = "DHE-RSA-AES128-GCM-SHA256";
	ck_assert(gets_in(context, TLS_ASK_NO, &only_rsa, NULL));
	tls_context_text(context, &text);
	ck_assert_msg(strstr(buf_cstr(&text), "mail (ECDSA, until ") == buf_cstr(&text) &&
		strstr(buf_cstr(&text), "; RSA, until ") != NULL &&
		strstr(buf_cstr(&text), "): localhost mail.example.org") != NULL, "%s", buf_cstr(&text));
	tls_context_release(&context);
	world_pair(w, "mail.ecdsa.pem", w->server);
	fails(w, POSTIL_ERR_INVALID, "/mail.ecdsa.pem", "same kind");
	rid(w, "mail.pem");
	works(w, "");
	mode(w, "mail.rsa.pem", 0644);
	fails(w, POSTIL_ERR_PERMISSION, "/mail.rsa.pem", "chmod 600");
	buf_release(&text);
	tls_identity_free(&rsa);
}
CASE(test_side_by_side)

/* Which certificate a client gets that asks for this host. */
static void shown(struct tls_context *context, const char *host, const struct tls_identity *wanted)
{
	struct talk talk;
	X509 *leaf = identity_x509(wanted), *got;

	talk_open(&talk, context, TLS_ASK_NO, "port", &(struct manner){ .host = host });
	ck_assert(talk_handshake(&talk));
	got = SSL_get1_peer_certificate(talk.client);
	ck_assert_msg(X509_cmp(leaf, got) == 0, "%s", host == NULL ? "no host" : host);
	X509_free(got);
	X509_free(leaf);
	talk_close(&talk);
}

static void test_host_names_body(struct world *w)
{
	struct tls_identity *wild = make_identity((struct tls_make){ .use = TLS_USE_SERVER, .issuer = w->ca,
		HOSTS("*.wild.example", "wild.example") });
	struct tls_identity *third = make_identity((struct tls_make){ .use = TLS_USE_SERVER, .issuer = w->ca,
		HOSTS("mail.example.org", "third.example") });
	struct tls_context *context;
	char long_name[300];

	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	long_name[250] = '\0';
	world_pair(w, "wild.pem", wild);
	world_pair(w, "third.pem", third);
	w->names[1] = "wild";
	w->names[2] = "absent";
	w->names[3] = "third.kyr";
	w->options.credential_count = 4;
	context = world_context(w);
	ck_assert_msg(strstr(buf_cstr(&w->warnings), "absent.pem; this name is left out") != NULL, "%s",
	              buf_cstr(&w->warnings));
	shown(context, NULL, w->server);
	shown(context, "localhost", w->server);
	shown(context, "LOCALHOST", w->server);
	shown(context, "mail.example.org", w->server);  /* the first that has it */
	shown(context, "third.example", third);
	shown(context, "wild.example", wild);
	shown(context, "a.wild.example", wild);
	shown(context, "A.Wild.Example", wild);
	shown(context, "a.b.wild.example", w->server);
	shown(context, "unknown.example", w->server);
	shown(context, "*.wild.example", wild);
	shown(context, long_name, w->server);
	shown(context, "\x01\xff'\"%s", w->server);
	ck_assert(tls_context_serves(context, "Mail.Example.org"));
	ck_assert(!tls_context_serves(context, "third.example"));
	tls_context_release(&context);
	tls_identity_free(&wild);
	tls_identity_free(&third);
}
CASE(test_host_names)

/* --- change ---------------------------------------------------------------------------------- */

static void renewed(struct world *w, struct tls_context **context, const char *what)
{
	ck_assert_msg(!tls_context_is_current(*context, &w->options), "not noticed: %s", what);
	ck_assert(tls_context_is_stale(*context));
	tls_context_release(context);
	*context = world_context(w);
	ck_assert_msg(tls_context_is_current(*context, &w->options), "noticed twice: %s", what);
}

static void test_changes_of_files_body(struct world *w)
{
	struct tls_context *context = world_context(w);
	struct tls_identity *rsa = make_identity((struct tls_make){ .use = TLS_USE_SERVER,
		.key = TLS_KEY_RSA });
	struct timespec times[2];
	struct stat st;

	ck_assert(tls_context_is_current(context, &w->options));
	ck_assert_int_eq(chdir(w->dir), 0);
	/* renamed over, of the same size and time */
	ck_assert_int_eq(stat("mail.pem", &st), 0);
	world_pair(w, "mail.pem", w->server);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ck_assert_int_eq(utimensat(AT_FDCWD, "mail.pem", times, 0), 0);
	renewed(w, &context, "renamed over");
	mode(w, "mail.pem", 0400);
	renewed(w, &context, "mode");
	world_pair(w, "mail.rsa.pem", rsa);
	renewed(w, &context, "a second key");
	rid(w, "mail.rsa.pem");
	renewed(w, &context, "no second key");
	world_write(w, "mail.pass", 0600, SLICE_LIT("x"));
	renewed(w, &context, "a passphrase");
	world_certificate(w, "trusted/two.pem", rsa);
	renewed(w, &context, "another file in trusted");
	world_certificate(w, "trusted/two.pem", w->ca);
	renewed(w, &context, "a file in trusted replaced");
	rid(w, "trusted/two.pem");
	renewed(w, &context, "a file in trusted gone");
	ck_assert_int_eq(rename("trusted", "untrusted"), 0);
	renewed(w, &context, "trusted gone");
	ck_assert_uint_eq(tls_context_ca_count(context), 0);
	ck_assert_int_eq(rename("untrusted", "trusted"), 0);
	renewed(w, &context, "trusted there again");
	ck_assert_uint_eq(tls_context_ca_count(context), 1);
	world_write(w, "unrelated.pem", 0600, SLICE_LIT("x"));
	ck_assert(tls_context_is_current(context, &w->options));
	/* a link whose target is another, as some keep their certificates */
	ck_assert_int_eq(rename("mail.pem", "a.pem"), 0);
	world_pair(w, "b.pem", w->server);
	ck_assert_int_eq(symlink("a.pem", "mail.pem"), 0);
	renewed(w, &context, "a link");
	ck_assert_int_eq(symlink("b.pem", "next"), 0);
	ck_assert_int_eq(rename("next", "mail.pem"), 0);
	renewed(w, &context, "another link");
	tls_context_release(&context);
	tls_identity_free(&rsa);
}
CASE(test_changes_of_files)

static void test_changes_of_options_body(struct world *w)
{
	struct tls_context *context = world_context(w);
	struct tls_options *o = &w->options;
	bool *const switches[] = { &o->trust.check_crls, &o->trust.trust_expired_crls,
		&o->trust.allow_crl_failure, &o->trust.accept_expired, &o->policy.tls_1_2 };
	const struct tls_options copy = *o;

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		*switches[i] = !*switches[i];
		ck_assert(!tls_context_is_current(context, o));
		*switches[i] = !*switches[i];
		ck_assert(tls_context_is_current(context, o));
	}
	o->alpn = NULL;
	ck_assert(!tls_context_is_current(context, o));
	*o = copy;
	o->trust.path_count = 0;
	ck_assert(!tls_context_is_current(context, o));
	*o = copy;
	o->credential_count = 2;
	w->names[1] = "two";
	ck_assert(!tls_context_is_current(context, o));
	*o = copy;
	o->policy.suites &= 1;
	ck_assert(!tls_context_is_current(context, o));
	*o = copy;
	ck_assert(tls_context_is_current(context, o));
	tls_context_release(&context);
}
CASE(test_changes_of_options)

/* A broken new file leaves the old credential in use, and is told. */
static void test_previous_is_kept_body(struct world *w)
{
	struct tls_context *context = world_context(w), *next = NULL, *third = NULL;
	struct fault fault = { .text = "" };

	world_write(w, "mail.pem", 0600, SLICE_LIT("half a fi"));
	ck_assert_int_eq(world_try(w, context, &next, &fault), NOERROR);
	ck_assert_msg(strstr(buf_cstr(&w->warnings), "/mail.pem: there is no PEM") != NULL &&
	              strstr(buf_cstr(&w->warnings), "stays in use") != NULL, "%s", buf_cstr(&w->warnings));
	tls_context_release(&context);
	shown(next, NULL, w->server);
	ck_assert(tls_context_is_current(next, &w->options));   /* it is not read again and again */
	rid(w, "mail.pem");
	w->names[0] = "mail.kyr";       /* the same name */
	ck_assert_int_eq(world_try(w, next, &third, &fault), NOERROR);
	shown(third, NULL, w->server);
	tls_context_release(&next);
	w->names[0] = "other";
	ck_assert_int_eq(world_try(w, third, &next, &fault), POSTIL_ERR_NOEXIST);
	tls_context_release(&third);
}
CASE(test_previous_is_kept)

UNIT_MAIN("context", test_key_files, test_passphrases, test_certificate_files, test_names,
          test_side_by_side, test_host_names, test_changes_of_files, test_changes_of_options,
          test_previous_is_kept)
