/* Resumption: which tickets are taken, and what is asked again. */
#include <string.h>

#include "base/clock.h"
#include "tests/unit/tls/fixture.h"

#include "base/banned.h"

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

struct visit {
	struct tls_context *context;
	enum tls_ask ask;
	const char *binding, *host;
	const struct tls_identity *identity, *between;
	int version;
};

/* A handshake with a ticket, or without; what ticket the client has afterwards. */
static bool visit(const struct visit *v, SSL_SESSION *ticket, SSL_SESSION **next_r)
{
	struct manner manner = { .version = v->version, .identity = v->identity, .between = v->between,
		.session = ticket, .host = v->host };
	struct talk talk;
	bool resumed;

	talk_open(&talk, v->context, v->ask, v->binding == NULL ? "995" : v->binding, &manner);
	ck_assert_msg(talk_handshake(&talk), "refused: %s", tls_connection_why(talk.server));
	talk_echo(&talk);
	resumed = tls_connection_is_resumed(talk.server);
	ck_assert_int_eq(SSL_session_reused(talk.client), resumed);
	ck_assert_int_eq(tls_connection_has_peer(talk.server), v->identity != NULL && v->ask != TLS_ASK_NO);
	if (next_r != NULL)
		*next_r = talk_session(&talk);
	talk_close(&talk);
	return resumed;
}

static SSL_SESSION *first(const struct visit *v)
{
	SSL_SESSION *ticket = NULL;

	ck_assert(!visit(v, NULL, &ticket));
	ck_assert_ptr_nonnull(ticket);
	return ticket;
}

/* Is a ticket from the first visit taken at the second? */
static bool carries(const struct visit *from, const struct visit *to)
{
	SSL_SESSION *ticket = first(from);
	bool resumed = visit(to, ticket, NULL);

	SSL_SESSION_free(ticket);
	return resumed;
}

static struct tls_identity *client_of(const struct tls_identity *issuer, struct tls_make wanted)
{
	wanted.use = TLS_USE_CLIENT;
	wanted.issuer = issuer;
	return make_identity(wanted);
}

START_TEST(test_bound)
{
	struct world w;
	struct tls_context *context, *other;
	struct tls_identity *one, *second_ca;

	world_open(&w);
	context = world_context(&w);
	one = client_of(w.ca, (struct tls_make){ SUBJECT("CN", "Jane") });
	second_ca = make_identity((struct tls_make){ .use = TLS_USE_CA, SUBJECT("CN", "second") });
	world_certificate(&w, "trusted/second.pem", second_ca);
	other = world_context(&w);
	for (size_t i = 0; i < 2; i++) {
		struct visit from = { .context = context, .version = versions[i] }, to = from;

		ck_assert(carries(&from, &from));
		to.binding = "110";
		ck_assert(!carries(&from, &to));
		to = from;
		to.ask = TLS_ASK_OPTIONAL;
		ck_assert(!carries(&from, &to));
		ck_assert(carries(&to, &to));
		from.ask = to.ask = TLS_ASK_REQUIRED;
		from.identity = to.identity = one;
		ck_assert(carries(&from, &to));
		to.ask = TLS_ASK_OPTIONAL;
		ck_assert(!carries(&from, &to));
		to = from;
		to.context = other;
		ck_assert(!carries(&from, &to));
	}
	tls_identity_free(&one);
	tls_identity_free(&second_ca);
	tls_context_release(&context);
	tls_context_release(&other);
	world_close(&w);
}
END_TEST

/* A renewed credential, other CRLs, another context: tickets go on. */
START_TEST(test_kept_over_a_reload)
{
	struct world w;
	struct tls_context *context, *next;
	struct tls_tickets *mine, *others = NULL;
	struct tls_identity *renewed, *one;

	world_open(&w);
	one = client_of(w.ca, (struct tls_make){ SUBJECT("CN", "Jane") });
	context = world_context(&w);
	renewed = make_identity((struct tls_make){ .use = TLS_USE_SERVER, .issuer = w.ca, HOSTS("localhost") });
	world_pair(&w, "mail.pem", renewed);
	world_crl(&w, "trusted/crl.crl", w.ca, NULL, -HOUR, DAY);
	w.options.trust.check_crls = true;
	next = world_context(&w);
	for (size_t i = 0; i < 2; i++) {
		struct visit from = { .context = context, .version = versions[i], .identity = one,
			.ask = TLS_ASK_REQUIRED }, to = from;

		to.context = next;
		ck_assert(carries(&from, &to));
	}
	tls_context_release(&next);
	mine = w.tickets;
	ck_assert_int_eq(tls_tickets_new(0, &others), NOERROR);
	w.tickets = others;
	next = world_context(&w);
	w.tickets = mine;
	for (size_t i = 0; i < 2; i++)
		ck_assert(!carries(&(struct visit){ .context = context, .version = versions[i] },
			&(struct visit){ .context = next, .version = versions[i] }));
	tls_tickets_release(&others);
	tls_context_release(&context);
	tls_context_release(&next);
	tls_identity_free(&renewed);
	tls_identity_free(&one);
	world_close(&w);
}
END_TEST

START_TEST(test_keys_change)
{
	struct world w;
	struct tls_context *context;

	world_open(&w);
	context = world_context(&w);
	for (size_t i = 0; i < 2; i++) {
		struct visit v = { .context = context, .version = versions[i] };
		int64_t start = (int64_t)clock_mono_ms();
		SSL_SESSION *ticket, *next = NULL;

		clock_fake(start, -1);
		ticket = first(&v);
		clock_fake(start + 3L * HOUR * 1000, -1);
		ck_assert(visit(&v, ticket, NULL));
		clock_fake(start + 5L * HOUR * 1000, -1);       /* the key is no longer the newest */
		ck_assert(visit(&v, ticket, &next));
		ck_assert_ptr_nonnull(next);
		clock_fake(start + 9L * HOUR * 1000, -1);
		ck_assert(visit(&v, ticket, NULL));
		clock_fake(start + 13L * HOUR * 1000, -1);
		ck_assert(!visit(&v, ticket, NULL));
		ck_assert(visit(&v, next, NULL));
		clock_fake(start + 100L * HOUR * 1000, -1);
		ck_assert(!visit(&v, next, NULL));
		SSL_SESSION_free(next);
		SSL_SESSION_free(ticket);
		ticket = first(&v);
		ck_assert_int_eq(tls_tickets_renew(w.tickets), NOERROR);
		ck_assert(!visit(&v, ticket, NULL));
		SSL_SESSION_free(ticket);
		clock_fake(-1, -1);
	}
	tls_context_release(&context);
	world_close(&w);
}
END_TEST

/* A client that comes back each hour, with the newest ticket, has a full handshake a day later. */
START_TEST(test_not_for_ever)
{
	struct world w;
	struct tls_context *context;

	world_open(&w);
	context = world_context(&w);
	for (size_t i = 0; i < 2; i++) {
		struct visit v = { .context = context, .version = versions[i] };
		int64_t mono = (int64_t)clock_mono_ms(), wall = clock_wall_ms();
		SSL_SESSION *ticket;
		int hours = 0;

		clock_fake(mono, wall);
		ticket = first(&v);
		for (bool resumed = true; resumed && hours < 48;) {
			SSL_SESSION *next = NULL;

			hours++;
			clock_fake(mono + hours * 3600000L, wall + hours * 3600000L);
			resumed = visit(&v, ticket, &next);
			if (next != NULL) {
				SSL_SESSION_free(ticket);
				ticket = next;
			}
		}
		ck_assert_int_eq(hours, 24);
		SSL_SESSION_free(ticket);
		clock_fake(-1, -1);
	}
	tls_context_release(&context);
	world_close(&w);
}
END_TEST

/* With TLS 1.3 each visit gives a new ticket. */
START_TEST(test_ticket_is_renewed)
{
	struct world w;
	struct tls_context *context;
	struct visit v = { .version = TLS1_3_VERSION };
	SSL_SESSION *ticket, *next = NULL;
	const unsigned char *a, *b;
	size_t a_n, b_n;

	world_open(&w);
	v.context = context = world_context(&w);
	ticket = first(&v);
	ck_assert(visit(&v, ticket, &next));
	ck_assert_ptr_nonnull(next);
	SSL_SESSION_get0_ticket(ticket, &a, &a_n);
	SSL_SESSION_get0_ticket(next, &b, &b_n);
	ck_assert(a_n != b_n || memcmp(a, b, a_n) != 0);
	SSL_SESSION_free(ticket);
	ck_assert(visit(&v, next, NULL));
	SSL_SESSION_free(next);
	tls_context_release(&context);
	world_close(&w);
}
END_TEST

/* What was in order at the first visit and is not at the second. */
static void refused_meanwhile(struct world *w, const struct tls_identity *one, const char *reason,
                              void (*change)(struct world *w, const struct tls_identity *one))
{
	struct tls_context *before = world_context(w), *after;

	change(w, one);
	after = world_context(w);
	for (size_t i = 0; i < 2; i++) {
		struct visit v = { .context = before, .version = versions[i], .identity = one,
			.ask = TLS_ASK_REQUIRED };
		SSL_SESSION *ticket = first(&v);
		struct manner manner = { .version = versions[i], .identity = one, .session = ticket };
		struct talk talk;

		ck_assert(visit(&v, ticket, NULL));
		talk_open(&talk, after, TLS_ASK_REQUIRED, "995", &manner);
		talk_handshake(&talk);
		ck_assert_int_eq(talk.step, TLS_FAILED);
		ck_assert_msg(strstr(tls_connection_why(talk.server), reason) != NULL, "%s",
		              tls_connection_why(talk.server));
		talk_close(&talk);
		/* without the certificate the ticket is of no use either */
		manner.identity = NULL;
		ck_assert(!gets_in(after, TLS_ASK_REQUIRED, &manner, NULL));
		SSL_SESSION_free(ticket);
	}
	tls_context_release(&before);
	tls_context_release(&after);
}

static void no_more_expired(struct world *w, const struct tls_identity *one)
{
	w->options.trust.accept_expired = false;
}

static void revoke_one(struct world *w, const struct tls_identity *one)
{
	world_crl(w, "trusted/crl.pem", w->ca, one, -HOUR, DAY);
}

static void lose_crl(struct world *w, const struct tls_identity *one)
{
	w->options.trust.trust_expired_crls = false;
	world_crl(w, "trusted/crl.pem", w->ca, NULL, -2 * HOUR, -HOUR);
}

START_TEST(test_asked_again)
{
	struct world w;
	struct tls_identity *one, *old;
	int64_t now = clock_wall_secs();

	world_open(&w);
	one = client_of(w.ca, (struct tls_make){ SUBJECT("CN", "Jane") });
	old = client_of(w.ca, (struct tls_make){ SUBJECT("CN", "Jane"), .not_before = now - 2 * DAY,
		.not_after = now - DAY });
	w.options.trust.accept_expired = true;
	refused_meanwhile(&w, old, "has expired", no_more_expired);
	w.options.trust.check_crls = true;
	world_crl(&w, "trusted/crl.pem", w.ca, NULL, -2 * HOUR, DAY);
	refused_meanwhile(&w, one, "has been revoked", revoke_one);
	world_crl(&w, "trusted/crl.pem", w.ca, NULL, -2 * HOUR, DAY);
	refused_meanwhile(&w, one, "out of date", lose_crl);
	tls_identity_free(&one);
	tls_identity_free(&old);
	world_close(&w);
}
END_TEST

/* The issuers between come back with the ticket; what is too large for a hello has none. */
START_TEST(test_issuers_and_sizes)
{
	struct world w;
	struct tls_context *context;
	struct tls_identity *between, *below, *large, *huge;

	world_open(&w);
	context = world_context(&w);
	between = make_identity((struct tls_make){ .use = TLS_USE_CA, .issuer = w.ca, SUBJECT("CN", "sub"),
		.padding_octets = 3000 });
	below = client_of(between, (struct tls_make){ SUBJECT("CN", "Jane") });
	large = client_of(w.ca, (struct tls_make){ SUBJECT("CN", "Jane"), .padding_octets = 7000 });
	huge = client_of(between, (struct tls_make){ SUBJECT("CN", "Jane"), .padding_octets = 5000 });
	for (size_t i = 0; i < 2; i++) {
		struct visit v = { .context = context, .version = versions[i], .identity = below,
			.between = between, .ask = TLS_ASK_REQUIRED };
		SSL_SESSION *ticket = NULL;

		ck_assert(carries(&v, &v));
		v.identity = large;
		v.between = NULL;
		ck_assert(carries(&v, &v));
		v.identity = huge;
		v.between = between;
		ck_assert(!visit(&v, NULL, &ticket));
		ck_assert_ptr_null(ticket);
	}
	tls_identity_free(&between);
	tls_identity_free(&below);
	tls_identity_free(&large);
	tls_identity_free(&huge);
	tls_context_release(&context);
	world_close(&w);
}
END_TEST

/* With SNI another context of libssl makes the ticket. */
START_TEST(test_other_credential)
{
	struct world w;
	struct tls_context *context;
	struct tls_identity *two;

	world_open(&w);
	two = make_identity((struct tls_make){ .use = TLS_USE_SERVER, .issuer = w.ca, HOSTS("two.example") });
	world_pair(&w, "two.pem", two);
	w.names[1] = "two";
	w.options.credential_count = 2;
	context = world_context(&w);
	for (size_t i = 0; i < 2; i++) {
		struct visit v = { .context = context, .version = versions[i], .host = "two.example" };

		ck_assert(carries(&v, &v));
	}
	tls_identity_free(&two);
	tls_context_release(&context);
	world_close(&w);
}
END_TEST

UNIT_MAIN("resume", test_bound, test_kept_over_a_reload, test_keys_change, test_not_for_ever,
          test_ticket_is_renewed, test_asked_again, test_issuers_and_sizes, test_other_credential)
