/* Networks and penalties: who is one client, what makes the delay grow, what makes it end. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addin/net/penalty.h"
#include "tests/support/unit.h"

/* --- networks ------------------------------------------------------------------------ */

static const struct {
	const char *list, *address;
	bool inside;
} members[] = {
	{ "", "192.0.2.1", false },
	{ "192.0.2.0/24", "192.0.2.1", true },
	{ "192.0.2.0/24", "192.0.3.1", false },
	{ "192.0.2.77/24", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "10.0.0.0/9", "10.127.255.255", true },
	{ "10.0.0.0/9", "10.128.0.0", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "203.0.113.9", true },
	{ "::ffff:192.0.2.0/120", "192.0.2.9", true },
	{ "192.0.2.0/24", "::ffff:192.0.2.9", true },
	{ " 10.0.0.0/8,, 2001:db8::/33 ;127.0.0.1", "2001:db8:7fff::1", true },
	{ " 10.0.0.0/8,, 2001:db8::/33 ;127.0.0.1", "2001:db8:8000::1", false },
	{ "fe80::/10", "fe80::1%2", true },
	{ "192.0.2.0/24", "nonsense", false },
	{ "192.0.2.0/24", "", false },
};

START_TEST(networks_have)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		struct net_networks *networks = NULL;

		ck_assert_int_eq(net_networks_parse(slice_of(members[i].list), &networks, NULL),
		                 NOERROR);
		ck_assert_msg(net_networks_have(networks, members[i].address) == members[i].inside,
		              "%s in %s", members[i].address, members[i].list);
		net_networks_free(&networks);
	}
	ck_assert(!net_networks_have(NULL, "127.0.0.1"));
}
END_TEST

static const struct {
	const char *list, *bad;
} wrong[] = {
	{ "192.0.2", "192.0.2" },
	{ "10.0.0.0/8 192.0.2.0/33", "192.0.2.0/33" },
	{ "2001:db8::/129", "2001:db8::/129" },
	{ "192.0.2.0/", "192.0.2.0/" },
	{ "192.0.2.0/-1", "192.0.2.0/-1" },
	{ "/8", "/8" },
	{ "localhost", "localhost" },
	{ "fe80::1%eth0", "fe80::1%eth0" },
};

START_TEST(networks_refused)
{
	struct net_networks *networks = NULL;
	struct slice bad;
	struct buf many = BUF_INIT;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		ck_assert_int_eq(net_networks_parse(slice_of(wrong[i].list), &networks, &bad),
		                 POSTIL_ERR_INVALID);
		ck_assert(slice_equal(bad, slice_of(wrong[i].bad)));
	}
	ck_assert_int_eq(net_networks_parse((struct slice){ "1.2.3.4\0", 8 }, &networks, NULL),
	                 POSTIL_ERR_INVALID);
	for (int i = 0; i <= NET_NETWORKS_MAX; i++)
		buf_add_str(&many, "::1 ");
	ck_assert_int_eq(net_networks_parse(buf_slice(&many), &networks, NULL),
	                 POSTIL_ERR_TOO_LONG);
	buf_release(&many);
	ck_assert_ptr_null(networks);
}
END_TEST

/* --- penalties -------------------------------------------------------------------------- */

#define A "192.0.2.1"
#define B "192.0.2.2"
static const struct net_penalty_options usual = { 1000, 10000, 60000, 4 };

static struct net_penalty *penalty;

static void begin(void)
{
	ck_assert_int_eq(net_penalty_new(&usual, &penalty), NOERROR);
}

static void end(void)
{
	net_penalty_free(&penalty);
	net_penalty_free(&penalty);
}

START_TEST(doubles_to_its_bound)
{
	static const uint32_t waits[] = { 0, 1000, 2000, 4000, 8000, 10000, 10000 };

	begin();
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		ck_assert_uint_eq(net_penalty_ms(penalty, A, 5), waits[i]);
		net_penalty_failed(penalty, A, 1, i + 1, 5);
	}
	ck_assert_uint_eq(net_penalty_ms(penalty, B, 5), 0);
	for (int i = 0; i < 100; i++)
		net_penalty_failed(penalty, A, 50, 0, 5);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 5), 10000);
	end();
}
END_TEST

START_TEST(several_tries_count_each)
{
	begin();
	net_penalty_failed(penalty, A, 3, 1, 0);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 0), 4000);
	end();
}
END_TEST

START_TEST(same_password_again_does_not_count)
{
	begin();
	for (int i = 0; i < 10; i++)
		net_penalty_failed(penalty, A, 1, 77, 0);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 0), 1000);
	net_penalty_failed(penalty, A, 1, 78, 0);       /* two phones take turns */
	net_penalty_failed(penalty, A, 1, 77, 0);
	net_penalty_failed(penalty, A, 1, 78, 0);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 0), 2000);
	net_penalty_failed(penalty, A, 1, 0, 0);        /* unknown ones do */
	net_penalty_failed(penalty, A, 1, 0, 0);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 0), 8000);
	end();
}
END_TEST

START_TEST(quiet_time_halves)
{
	begin();
	for (uint64_t i = 1; i <= 4; i++)
		net_penalty_failed(penalty, A, 1, i, 0);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 59999), 8000);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 60000), 4000);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 60001), 4000);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 180000), 1000);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 240000), 0);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 240001), 0);
	net_penalty_failed(penalty, A, 1, 1, 300000);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 300000), 1000);
	end();
}
END_TEST

START_TEST(a_network_of_ipv6_is_one)
{
	begin();
	net_penalty_failed(penalty, "2001:db8::1", 1, 1, 0);
	net_penalty_failed(penalty, "2001:db8::abcd:2", 1, 2, 0);
	ck_assert_uint_eq(net_penalty_ms(penalty, "2001:db8::3", 0), 2000);
	ck_assert_uint_eq(net_penalty_ms(penalty, "2001:db8:0:1::1", 0), 0);
	net_penalty_failed(penalty, "::ffff:192.0.2.1", 1, 1, 0);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 0), 1000);
	end();
}
END_TEST

START_TEST(memory_is_bounded)
{
	char address[32];

	begin();
	for (int i = 1; i <= 1000; i++) {
		snprintf(address, sizeof(address), "10.0.%d.%d", i / 250, i % 250);
		net_penalty_failed(penalty, address, 1, 1, 0);
		if (i % 3 == 0)         /* who goes on stays known */
			net_penalty_failed(penalty, A, 1, (uint64_t)i, 0);
	}
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 0), 10000);
	ck_assert_uint_eq(net_penalty_ms(penalty, "10.0.0.1", 0), 0);
	ck_assert_uint_eq(net_penalty_ms(penalty, address, 0), 1000);
	end();
}
END_TEST

START_TEST(options_change_at_once)
{
	static const struct net_penalty_options none = { 1000, 0, 60000, 4 };

	begin();
	net_penalty_failed(penalty, A, 4, 1, 0);
	net_penalty_set_options(penalty, &none);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 0), 0);
	net_penalty_set_options(penalty, &usual);
	ck_assert_uint_eq(net_penalty_ms(penalty, A, 0), 8000);
	end();
}
END_TEST

static void show(void *context, const char *address, unsigned failures, uint32_t wait_ms)
{
	buf_addf(context, "%s %u %u\n", address, failures, (unsigned)wait_ms);
}

START_TEST(listing)
{
	struct buf out = BUF_INIT;

	begin();
	net_penalty_failed(penalty, A, 1, 1, 0);
	net_penalty_failed(penalty, "2001:db8::1", 3, 1, 60000);
	net_penalty_failed(penalty, B, 2, 1, 60000);
	net_penalty_each(penalty, 60000, show, &out);
	ck_assert_str_eq(buf_cstr(&out), "2001:db8::/64 3 4000\n192.0.2.2 2 2000\n");
	buf_release(&out);
	end();
}
END_TEST

static void *hammer(void *context)
{
	char address[32];

	for (unsigned i = 0; i < 5000; i++) {
		snprintf(address, sizeof(address), "10.9.0.%u", i % 7);
		net_penalty_failed(penalty, address, 1, i, i);
		net_penalty_ms(penalty, address, i);
	}
	return NULL;
}

START_TEST(many_threads)
{
	pthread_t threads[4];

	begin();
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	end();
}
END_TEST

UNIT_MAIN("penalty", networks_have, networks_refused, doubles_to_its_bound,
          several_tries_count_each, same_password_again_does_not_count, quiet_time_halves,
          a_network_of_ipv6_is_one, memory_is_bounded, options_change_at_once, listing,
          many_threads)
