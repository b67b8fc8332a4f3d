/*
 * Handshakes, full and resumed, in several threads while contexts are replaced and ticket
 * keys renewed: what ThreadSanitizer is to look at. Threads return rather than assert.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "tests/unit/tls/fixture.h"

#include "base/banned.h"

#define THREADS 4
#define ROUNDS 40

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tls_context *current;
static struct tls_identity *one;
static atomic_int left = THREADS;
static atomic_uint resumed;

static struct tls_context *take(void)
{
	struct tls_context *context;

	pthread_mutex_lock(&lock);
	context = tls_context_share(current);
	pthread_mutex_unlock(&lock);
	return context;
}

static void *visit(void *argument)
{
	SSL_SESSION *ticket = NULL;

	for (int i = 0; i < ROUNDS; i++) {
		struct tls_context *context = take();
		struct manner manner = { .identity = one, .session = ticket, .host = i % 3 == 0 ? "two.example"
			: "localhost", .version = i % 8 < 4 ? TLS1_3_VERSION : TLS1_2_VERSION };
		struct talk talk;

		if (i % 4 == 0) {
			SSL_SESSION_free(ticket);
			ticket = manner.session = NULL;
		}
		talk_open(&talk, context, TLS_ASK_REQUIRED, "port", &manner);
		tls_context_release(&context);
		if (!talk_handshake(&talk))
			break;
		talk_echo(&talk);
		resumed += tls_connection_is_resumed(talk.server);
		SSL_SESSION_free(ticket);
		ticket = talk_session(&talk);
		talk_close(&talk);
		if (i == ROUNDS - 1)
			*(bool *)argument = true;
	}
	SSL_SESSION_free(ticket);
	atomic_fetch_sub(&left, 1);
	return NULL;
}

static void replace(struct world *w, int round)
{
	struct tls_context *next = NULL;
	struct fault fault = { .status = NOERROR };

	if (round % 2 == 0)
		world_pair(w, "two.pem", w->server);
	else
		world_crl(w, "trusted/a.crl", w->ca, NULL, -HOUR, DAY);
	if (round % 16 == 15)
		ck_assert_int_eq(tls_tickets_renew(w->tickets), NOERROR);
	(void)tls_context_is_current(current, &w->options);
	ck_assert_int_eq(world_try(w, current, &next, &fault), NOERROR);
	pthread_mutex_lock(&lock);
	tls_context_release(&current);
	current = next;
	pthread_mutex_unlock(&lock);
}

START_TEST(test_reloads_under_load)
{
	struct world w;
	pthread_t threads[THREADS];
	bool done[THREADS] = { false };
	struct tls_identity *two;
	int rounds = 0;

	world_open(&w);
	one = make_identity((struct tls_make){ .use = TLS_USE_CLIENT, .issuer = w.ca, SUBJECT("CN", "Jane") });
	two = make_identity((struct tls_make){ .use = TLS_USE_SERVER, .issuer = w.ca, HOSTS("two.example") });
	world_pair(&w, "two.pem", two);
	world_crl(&w, "trusted/a.crl", w.ca, NULL, -HOUR, DAY);
	w.names[1] = "two";
	w.options.credential_count = 2;
	w.options.trust.check_crls = true;
	current = world_context(&w);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, visit, &done[i]), 0);
	while (atomic_load(&left) > 0)
		replace(&w, rounds++);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_msg(done[i], "a handshake failed while contexts were replaced");
	}
	ck_assert_int_gt(rounds, 2);
	ck_assert_uint_gt(resumed, 0);
	tls_context_release(&current);
	tls_identity_free(&two);
	tls_identity_free(&one);
	world_close(&w);
}
END_TEST

UNIT_MAIN("threads", test_reloads_under_load)
