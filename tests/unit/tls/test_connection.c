/* Handshakes and octets, with clients good and bad. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "tests/unit/tls/fixture.h"

#include "base/banned.h"

static struct world world;
static struct tls_context *context;

static void setup(void)
{
	world_open(&world);
	context = world_context(&world);
}

static void teardown(void)
{
	tls_context_release(&context);
	world_close(&world);
}

#define CASE(name) START_TEST(name) { setup(); name ## _body(); teardown(); } END_TEST

/* Gets in, or is refused for this reason (a part of it). */
static void judged(enum tls_ask ask, const struct manner *manner, const char *reason)
{
	const char *why = NULL;
	bool in = gets_in(context, ask, manner, &why);

	if (reason == NULL)
		ck_assert_msg(in, "refused: %s", why);
	else
		ck_assert_msg(!in && why != NULL && strstr(why, reason) != NULL, "wanted \"%s\", got \"%s\"",
		              reason, in ? "in" : why == NULL ? "no reason" : why);
}

/* --- versions, suites, protocols ------------------------------------------------------ */

static void test_versions_body(void)
{
	judged(TLS_ASK_NO, &(struct manner){ .version = TLS1_2_VERSION }, NULL);
	judged(TLS_ASK_NO, &(struct manner){ .version = TLS1_3_VERSION }, NULL);
	judged(TLS_ASK_NO, &(struct manner){ .version = TLS1_1_VERSION }, "below TLS 1.2");
	judged(TLS_ASK_NO, &(struct manner){ .version = TLS1_VERSION }, "below TLS 1.2");
}
CASE(test_versions)

static void cipher_is(const struct manner *manner, const char *name, const char *version)
{
	struct talk talk;

	talk_open(&talk, context, TLS_ASK_NO, "port", manner);
	ck_assert(talk_handshake(&talk));
	ck_assert_str_eq(tls_connection_cipher(talk.server), name);
	ck_assert_str_eq(tls_connection_version(talk.server), version);
	ck_assert(!tls_connection_has_peer(talk.server));
	ck_assert(!tls_connection_is_resumed(talk.server));
	talk_close(&talk);
}

static void test_order_is_the_servers_body(void)
{
	cipher_is(&(struct manner){ .version = TLS1_2_VERSION,
		.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256" },
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLSv1.2");
	cipher_is(&(struct manner){ .suites = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256" },
		"TLS_AES_128_GCM_SHA256", "TLSv1.3");
	/* who has no AES in hardware puts ChaCha20 first, and gets it */
	cipher_is(&(struct manner){ .suites = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256" },
		"TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3");
}
CASE(test_order_is_the_servers)

static void test_nothing_shared_body(void)
{
	judged(TLS_ASK_NO, &(struct manner){ .version = TLS1_2_VERSION,
		.ciphers = "ECDHE-ECDSA-AES128-SHA:AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256" },
		"no supported ciphers");
	judged(TLS_ASK_NO, &(struct manner){ .version = TLS1_3_VERSION, .suites = "TLS_AES_128_CCM_SHA256" },
		"no supported ciphers");
	judged(TLS_ASK_NO, &(struct manner){ .version = TLS1_3_VERSION, .groups = "P-521" },
		"no supported key exchange");
	judged(TLS_ASK_NO, &(struct manner){ .version = TLS1_3_VERSION, .signatures = "RSA-PSS+SHA256" },
		"no supported signature algorithm");
}
CASE(test_nothing_shared)

static void test_alpn_body(void)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < 2; i++) {
		struct manner manner = { .version = versions[i], .alpn = SLICE_LIT("\4pop3") };

		judged(TLS_ASK_NO, &manner, NULL);
		manner.alpn = SLICE_LIT("\4imap\4pop3");
		judged(TLS_ASK_NO, &manner, NULL);
		manner.alpn = SLICE_LIT("\4imap");
		judged(TLS_ASK_NO, &manner, "ALPN");
		manner.alpn = SLICE_LIT("\10http/1.1\2h2");
		judged(TLS_ASK_NO, &manner, "ALPN");
	}
}
CASE(test_alpn)

/* --- what is no TLS --------------------------------------------------------------------- */

static const char *raw(const char *octets, size_t n)
{
	struct talk talk;
	const char *why;

	talk_open_raw(&talk, context, TLS_ASK_NO);
	ck_assert_int_eq(tls_connection_handshake(talk.server), TLS_WANT_READ);
	ck_assert(tls_connection_is_silent(talk.server));
	ck_assert_int_eq(send(talk.fd, octets, n, 0), (ssize_t)n);
	shutdown(talk.fd, SHUT_WR);
	ck_assert_int_eq(tls_connection_handshake(talk.server), TLS_FAILED);
	ck_assert(!tls_connection_is_silent(talk.server));
	why = tls_connection_why(talk.server);
	ck_assert_int_eq(tls_connection_handshake(talk.server), TLS_FAILED);
	ck_assert_int_eq(tls_connection_write(talk.server, "x", 1), TLS_IO_BROKEN);
	talk_close(&talk);
	return why;
}
#define RAW(octets) raw(octets, sizeof(octets) - 1)

static void test_no_hello_body(void)
{
	static const char rubbish[512] = "\x16\x03\x01\x01\xfb\x01\x00\x01\xf7\x03\x03";

	ck_assert_str_eq(RAW("CAPA\r\n"), "rejected unknown record type");
	ck_assert_str_eq(RAW("GET / HTTP/1.0\r\n\r\n"), "rejected unknown record type");
	ck_assert_str_eq(RAW("\x15\x03\x01\x00\x02\x02\x28"), "rejected unknown record type");
	ck_assert_str_eq(RAW("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"), "rejected SSLv2 connection");
	ck_assert_str_eq(RAW("\x16\x02\x00\x00\x04\x01"), "rejected unknown record type");
	ck_assert_str_eq(RAW("\x16\x03\x01\x40\x01\x01"), "a first record that is too long");
	ck_assert_str_eq(RAW("\x16\x03\x01\xff\xff"), "a first record that is too long");
	ck_assert_str_eq(RAW("\x16\x03\x01\x00\x00"), "a first record without a hello");
	ck_assert_str_eq(RAW("\x16\x03\x01\x00\x20\x02"), "a first record without a hello");
	ck_assert_str_eq(RAW("\x16\x03\x01\x20\x00\x01\x00\x40\x01"), "a hello that is too long");
	ck_assert_str_eq(RAW("\x16\x03\x01\x20\x00\x01\xff\xff\xff"), "a hello that is too long");
	ck_assert_str_eq(RAW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), "a handshake that the client broke off");
	ck_assert_str_eq(RAW("\x16"), "a handshake that the client broke off");
	ck_assert_ptr_nonnull(raw(rubbish, sizeof(rubbish)));   /* a hello of nothing, whole */
}
CASE(test_no_hello)

static void test_old_hello_body(void)
{
	/* SSLv3: version 3.0 in record and hello, one suite, no compression */
	static const char hello[] = "\x16\x03\x00\x00\x2d\x01\x00\x00\x29\x03\x00"
		"0123456789abcdef0123456789abcdef" "\x00\x00\x02\x00\x05\x01\x00";

	ck_assert_str_eq(RAW(hello), "a protocol version below TLS 1.2");
}
CASE(test_old_hello)

static void test_silent_body(void)
{
	struct talk talk;

	talk_open_raw(&talk, context, TLS_ASK_NO);
	shutdown(talk.fd, SHUT_WR);
	ck_assert_int_eq(tls_connection_handshake(talk.server), TLS_FAILED);
	ck_assert(tls_connection_is_silent(talk.server));
	tls_connection_shutdown(talk.server);
	talk_close(&talk);
}
CASE(test_silent)

/* From one end of the talk to the other, octet by octet, with a step of the server after each. */
static void pour(int from, int to, struct talk *talk)
{
	char c;

	while (recv(from, &c, 1, MSG_DONTWAIT) == 1) {
		ck_assert_int_eq(send(to, &c, 1, 0), 1);
		if (talk->step != TLS_DONE)
			talk->step = tls_connection_handshake(talk->server);
		ck_assert_int_ne(talk->step, TLS_FAILED);
	}
}

static void octet_by_octet(const struct manner *manner)
{
	struct talk talk;
	int between[2];

	talk_open(&talk, context, TLS_ASK_NO, "port", manner);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, between), 0);
	ck_assert_int_eq(SSL_set_fd(talk.client, between[0]), 1);
	for (int turns = 0; turns < 10 && !(talk.client_done && talk.step == TLS_DONE); turns++) {
		char block[8192];
		ssize_t n;

		talk.client_done = talk.client_done || SSL_do_handshake(talk.client) == 1;
		pour(between[1], talk.fd, &talk);
		n = recv(talk.fd, block, sizeof(block), MSG_DONTWAIT);
		if (n > 0)
			ck_assert_int_eq(send(between[1], block, (size_t)n, 0), n);
	}
	ck_assert(talk.client_done && talk.step == TLS_DONE);
	close(between[0]);
	close(between[1]);
	talk_close(&talk);
}

static void test_octet_by_octet_body(void)
{
	octet_by_octet(&(struct manner){ .version = TLS1_3_VERSION });
	octet_by_octet(&(struct manner){ .version = TLS1_2_VERSION });
}
CASE(test_octet_by_octet)

static void test_tampered_body(void)
{
	struct talk talk;
	char hello[4096], answer[8192];
	ssize_t n;

	/* the client's second flight is garbage */
	talk_open(&talk, context, TLS_ASK_NO, "port", &(struct manner){ .version = TLS1_3_VERSION });
	ck_assert_int_ne(SSL_do_handshake(talk.client), 1);
	ck_assert_int_eq(tls_connection_handshake(talk.server), TLS_WANT_READ);
	ck_assert_int_gt(recv(talk.fd, answer, sizeof(answer), 0), 0);
	memset(hello, 0x5A, sizeof(hello));
	memcpy(hello, "\x17\x03\x03\x00\x40", 5);
	ck_assert_int_eq(send(talk.fd, hello, 69, 0), 69);
	ck_assert_int_eq(tls_connection_handshake(talk.server), TLS_FAILED);
	ck_assert_str_eq(tls_connection_why(talk.server), "a record that was tampered with");
	n = recv(talk.fd, answer, sizeof(answer), 0);
	ck_assert_int_gt(n, 0);         /* an alert */
	talk_close(&talk);
}
CASE(test_tampered)

/* --- octets after the handshake ---------------------------------------------------------- */

static void test_octets_body(void)
{
	static char sent[200000], got[200000];
	struct talk talk;
	size_t written = 0, taken = 0;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 + i / 256);
	talk_open(&talk, context, TLS_ASK_NO, "port", &(struct manner){ .version = TLS1_3_VERSION });
	ck_assert(talk_handshake(&talk));
	while (taken < sizeof(sent)) {
		ssize_t n = written == sizeof(sent) ? 0
			: tls_connection_write(talk.server, sent + written, sizeof(sent) - written);
		int m;

		ck_assert(n >= 0 || n == TLS_IO_WRITE);
		written += n > 0 ? (size_t)n : 0;
		while (taken < sizeof(sent) &&
		       (m = SSL_read(talk.client, got + taken, (int)(sizeof(got) - taken))) > 0)
			taken += (size_t)m;
	}
	ck_assert_mem_eq(sent, got, sizeof(sent));
	talk_close(&talk);
}
CASE(test_octets)

/* --- what goes out together -------------------------------------------------------------- */

#define ATTEMPTS 5      /* the kernel holds octets for a fifth of a second, which may be too short
                         * for a test on a busy machine */

/* Segments with octets that the client has got. */
static unsigned segments(const struct talk *talk)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	ck_assert_int_eq(getsockopt(talk->fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info.tcpi_data_segs_in;
}

/* What SSL_read says when octets or the end have come. */
static int awaited(const struct talk *talk, char *block, int size)
{
	struct pollfd end = { talk->fd, POLLIN, 0 };
	int got = SSL_read(talk->client, block, size);

	while (got <= 0 && SSL_get_error(talk->client, got) == SSL_ERROR_WANT_READ) {
		ck_assert_int_eq(poll(&end, 1, 10000), 1);
		got = SSL_read(talk->client, block, size);
	}
	return got;
}

/* Segments of a greeting with what is before it, and of the last reply with the end. */
static void greet(unsigned *greeting_r, unsigned *end_r)
{
	struct talk talk;
	unsigned before;
	char block[16];

	talk_open(&talk, context, TLS_ASK_NO, "port",
		&(struct manner){ .version = TLS1_3_VERSION, .tcp = true });
	ck_assert(talk_handshake(&talk));
	ck_assert_int_eq(tls_connection_write(talk.server, "+OK\r\n", 5), 5);
	ck_assert_int_eq(awaited(&talk, block, sizeof(block)), 5);
	*greeting_r = segments(&talk) - 1;      /* less the hello and all that comes with it */
	before = segments(&talk);
	tls_connection_ends(talk.server);
	ck_assert_int_eq(tls_connection_write(talk.server, "+OK bye\r\n", 9), 9);
	tls_connection_shutdown(talk.server);
	ck_assert_int_eq(awaited(&talk, block, sizeof(block)), 9);
	ck_assert_int_eq(awaited(&talk, block, sizeof(block)), 0);
	*end_r = segments(&talk) - before;
	talk_close(&talk);
}

static void test_goes_out_together_body(void)
{
	unsigned greeting = 0, end = 0;

	for (int i = 0; i < ATTEMPTS && (greeting != 1 || end != 1); i++)
		greet(&greeting, &end);
	ck_assert_uint_eq(greeting, 1);
	ck_assert_uint_eq(end, 1);
}
CASE(test_goes_out_together)

/* A client of TLS 1.2 waits for the end of the handshake: that is held by nobody. */
static void test_nothing_is_held_body(void)
{
	uint64_t took = 1000;

	for (int i = 0; i < ATTEMPTS && took >= 150; i++) {
		uint64_t begun = clock_mono_ms();
		struct talk talk;

		talk_open(&talk, context, TLS_ASK_NO, "port",
			&(struct manner){ .version = TLS1_2_VERSION, .tcp = true });
		ck_assert(talk_handshake(&talk));
		took = clock_mono_ms() - begun;
		talk_close(&talk);
	}
	ck_assert_uint_lt(took, 150);
}
CASE(test_nothing_is_held)

static void test_pending_body(void)
{
	struct talk talk;
	char block[4];
	size_t got = 0;

	talk_open(&talk, context, TLS_ASK_NO, "port", &(struct manner){ .version = TLS1_2_VERSION });
	ck_assert(talk_handshake(&talk));
	ck_assert_int_eq(tls_connection_read(talk.server, block, 4), TLS_IO_READ);
	ck_assert(!tls_connection_has_pending(talk.server));
	ck_assert_int_eq(SSL_write(talk.client, "0123456789", 10), 10);
	ck_assert_int_eq(SSL_write(talk.client, "abc", 3), 3);
	do {
		ssize_t n = tls_connection_read(talk.server, block, 4);

		ck_assert_int_gt(n, 0);
		got += (size_t)n;
	} while (tls_connection_has_pending(talk.server));
	ck_assert_uint_eq(got, 13);     /* else octets lie there that nobody would look for */
	SSL_shutdown(talk.client);
	ck_assert_int_eq(tls_connection_read(talk.server, block, 4), 0);
	tls_connection_shutdown(talk.server);
	ck_assert_int_eq(SSL_read(talk.client, block, 4), 0);
	ck_assert_int_eq(SSL_get_error(talk.client, 0), SSL_ERROR_ZERO_RETURN);
	talk_close(&talk);
}
CASE(test_pending)

/* What a client sends right behind its Finished is not lost. */
static void test_early_octets_body(void)
{
	struct talk talk;
	char block[16];

	talk_open(&talk, context, TLS_ASK_NO, "port", &(struct manner){ .version = TLS1_3_VERSION });
	ck_assert_int_ne(SSL_do_handshake(talk.client), 1);
	ck_assert_int_eq(tls_connection_handshake(talk.server), TLS_WANT_READ);
	ck_assert_int_eq(SSL_do_handshake(talk.client), 1);
	ck_assert_int_eq(SSL_write(talk.client, "CAPA\r\n", 6), 6);
	ck_assert_int_eq(tls_connection_handshake(talk.server), TLS_DONE);
	ck_assert(tls_connection_has_pending(talk.server));
	ck_assert_int_eq(tls_connection_read(talk.server, block, sizeof(block)), 6);
	ck_assert(!tls_connection_has_pending(talk.server));
	talk_close(&talk);
}
CASE(test_early_octets)

static void test_end_without_notice_body(void)
{
	struct talk talk;
	char block[16];

	talk_open(&talk, context, TLS_ASK_NO, "port", &(struct manner){ 0 });
	ck_assert(talk_handshake(&talk));
	ck_assert_int_eq(SSL_write(talk.client, "QUIT\r\n", 6), 6);
	shutdown(talk.fd, SHUT_WR);
	ck_assert_int_eq(tls_connection_read(talk.server, block, sizeof(block)), 6);
	ck_assert_int_eq(tls_connection_read(talk.server, block, sizeof(block)), 0);
	talk_close(&talk);
}
CASE(test_end_without_notice)

static void test_no_renegotiation_body(void)
{
	struct talk talk;
	char block[16];

	talk_open(&talk, context, TLS_ASK_NO, "port", &(struct manner){ .version = TLS1_2_VERSION });
	ck_assert(talk_handshake(&talk));
	ck_assert_int_eq(SSL_renegotiate(talk.client), 1);
	SSL_do_handshake(talk.client);
	ck_assert_int_lt(tls_connection_read(talk.server, block, sizeof(block)), 0);
	ck_assert_int_ne(SSL_do_handshake(talk.client), 1);
	ck_assert_int_eq(SSL_renegotiate_pending(talk.client), 1);
	talk_close(&talk);
}
CASE(test_no_renegotiation)

/* --- certificates of clients ---------------------------------------------------------------- */

static struct tls_identity *jane(struct tls_make wanted)
{
	wanted.use = TLS_USE_CLIENT;
	if (wanted.issuer == NULL)
		wanted.issuer = world.ca;
	if (wanted.subject_count == 0) {
		static const char *const subject[] = { "O", "Acme", "CN", "Jane Doe" };

		wanted.subject = subject;
		wanted.subject_count = 4;
	}
	return make_identity(wanted);
}

static void asked(struct tls_make wanted, const char *reason)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct tls_identity *one = jane(wanted);

	for (size_t i = 0; i < 2; i++) {
		struct manner manner = { .version = versions[i], .identity = one };

		judged(TLS_ASK_REQUIRED, &manner, reason);
		judged(TLS_ASK_OPTIONAL, &manner, reason);
		judged(TLS_ASK_NO, &manner, NULL);      /* nobody asks for it */
	}
	tls_identity_free(&one);
}

static void test_client_certificates_body(void)
{
	int64_t now = time(NULL);
	struct tls_identity *other = make_identity((struct tls_make){ .use = TLS_USE_CA,
		SUBJECT("O", "Acme", "CN", "other CA") });
	struct tls_identity *twin = make_identity((struct tls_make){ .use = TLS_USE_CA,
		SUBJECT("O", "Acme", "CN", "CA") });
	struct tls_identity *no_ca = jane((struct tls_make){ 0 });
	struct tls_identity *itself = make_identity((struct tls_make){ .use = TLS_USE_CLIENT,
		SUBJECT("CN", "Jane") });
	struct manner manner = { .identity = itself };

	judged(TLS_ASK_REQUIRED, &(struct manner){ .version = TLS1_2_VERSION }, "no client certificate");
	judged(TLS_ASK_REQUIRED, &(struct manner){ .version = TLS1_3_VERSION }, "no client certificate");
	judged(TLS_ASK_OPTIONAL, &(struct manner){ 0 }, NULL);
	asked((struct tls_make){ 0 }, NULL);
	asked((struct tls_make){ .key = TLS_KEY_RSA }, NULL);
	asked((struct tls_make){ .purposes = "" }, NULL);
	asked((struct tls_make){ .purposes = "serverAuth" }, "not meant for clients");
	asked((struct tls_make){ .not_before = now - 2 * DAY, .not_after = now - DAY }, "has expired");
	asked((struct tls_make){ .not_before = now + HOUR, .not_after = now + DAY }, "not yet valid");
	asked((struct tls_make){ .issuer = other }, "CA that is not trusted");
	asked((struct tls_make){ .issuer = twin }, "CA that is not trusted");
	asked((struct tls_make){ .issuer = no_ca }, "CA that is not trusted");
	asked((struct tls_make){ .padding_octets = 100000 }, "too long");
	asked((struct tls_make){ .padding_octets = 20000 }, NULL);
	judged(TLS_ASK_REQUIRED, &manner, "vouches for itself");
	manner = (struct manner){ .identity = no_ca };
	judged(TLS_ASK_REQUIRED, &manner, NULL);
	tls_identity_free(&other);
	tls_identity_free(&twin);
	tls_identity_free(&no_ca);
	tls_identity_free(&itself);
}
CASE(test_client_certificates)

/* A leaf as issuer, sent along. */
static void test_issuer_that_is_no_ca_body(void)
{
	struct tls_identity *leaf = jane((struct tls_make){ .use = TLS_USE_CLIENT });
	struct tls_identity *below = jane((struct tls_make){ .issuer = leaf });
	const char *why = NULL;

	ck_assert(!gets_in(context, TLS_ASK_REQUIRED, &(struct manner){ .identity = below,
		.between = leaf }, &why));
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, "no CA") != NULL || strstr(why, "not trusted") != NULL, "%s", why);
	tls_identity_free(&below);
	tls_identity_free(&leaf);
}
CASE(test_issuer_that_is_no_ca)

static void test_what_the_peer_says_body(void)
{
	struct tls_identity *one = jane((struct tls_make){ 0 });
	struct manner manner = { .identity = one };
	struct arena arena = ARENA_INIT;
	struct tls_peer peer;
	struct talk talk;

	talk_open(&talk, context, TLS_ASK_OPTIONAL, "port", &(struct manner){ 0 });
	ck_assert(talk_handshake(&talk));
	ck_assert(!tls_connection_has_peer(talk.server));
	ck_assert_int_eq(tls_connection_peer(talk.server, &arena, &peer), POSTIL_ERR_NOT_FOUND);
	talk_close(&talk);
	talk_open(&talk, context, TLS_ASK_OPTIONAL, "port", &manner);
	ck_assert(talk_handshake(&talk));
	ck_assert(tls_connection_has_peer(talk.server));
	ck_assert_int_eq(tls_connection_peer(talk.server, &arena, &peer), NOERROR);
	ck_assert_uint_eq(peer.name_count, 2);
	ck_assert(slice_equal(peer.names[0], SLICE_LIT("CN=Jane Doe/O=Acme")));
	talk_close(&talk);
	arena_release(&arena);
	tls_identity_free(&one);
}
CASE(test_what_the_peer_says)

UNIT_MAIN("connection", test_versions, test_order_is_the_servers, test_nothing_shared, test_alpn,
          test_no_hello, test_old_hello, test_silent, test_octet_by_octet, test_tampered, test_octets,
          test_goes_out_together, test_nothing_is_held, test_pending, test_early_octets, test_end_without_notice, test_no_renegotiation,
          test_client_certificates, test_issuer_that_is_no_ca, test_what_the_peer_says)
