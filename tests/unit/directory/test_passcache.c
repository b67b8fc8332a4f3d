/* The password cache: what hits, what misses, for how long, how many. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "directory/passcache.h"
#include "tests/support/unit.h"

#define PERSON SLICE_LIT("CN=A/O=X")
#define DIGEST SLICE_LIT("(06E0A50B579AD2CD5FFDC48564627EE7)")
#define PASSWORD SLICE_LIT("secret")

START_TEST(hits_only_the_same_three)
{
	struct passcache *cache;

	ck_assert_int_eq(passcache_new(64, 60, &cache), NOERROR);
	ck_assert(!passcache_hit(cache, PASSWORD, PERSON, DIGEST));
	passcache_add(cache, PASSWORD, PERSON, DIGEST);
	ck_assert(passcache_hit(cache, PASSWORD, PERSON, DIGEST));
	ck_assert(!passcache_hit(cache, SLICE_LIT("Secret"), PERSON, DIGEST));
	ck_assert(!passcache_hit(cache, SLICE_LIT(""), PERSON, DIGEST));
	ck_assert(!passcache_hit(cache, PASSWORD, SLICE_LIT("CN=B/O=X"), DIGEST));
	ck_assert(!passcache_hit(cache, PASSWORD, PERSON, SLICE_LIT("(GNBpcGJRYpBe9orUOpmZ)")));
	ck_assert(!passcache_hit(cache, SLICE_LIT("secretC"), SLICE_LIT("N=A/O=X"), DIGEST));
	passcache_free(&cache);
	ck_assert_ptr_null(cache);
	passcache_free(&cache);
}
END_TEST

/* The flags that the kernel keeps for the mapping an address lies in. */
static void mapping_flags(const void *address, char *flags, size_t size)
{
	unsigned long wanted = (unsigned long)address, from;
	FILE *maps = fopen("/proc/self/smaps", "re");
	bool inside = false;
	char line[512], *end;

	ck_assert_ptr_nonnull(maps);
	flags[0] = '\0';
	while (flags[0] == '\0' && fgets(line, sizeof(line), maps) != NULL) {
		from = strtoul(line, &end, 16);
		if (*end == '-')        /* FROM-TO begins what is told of a mapping */
			inside = from <= wanted && wanted < strtoul(end + 1, NULL, 16);
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(flags, size, "%s", line);
	}
	fclose(maps);
}

START_TEST(kept_out_of_core_dumps)
{
	static char flags[512];
	struct passcache *cache;

	ck_assert_int_eq(passcache_new(1000, 60, &cache), NOERROR);
	mapping_flags(cache, flags, sizeof(flags));
	ck_assert_msg(strstr(flags, " dd") != NULL, "flags: %s", flags);
	mapping_flags(flags, flags, sizeof(flags));
	ck_assert_msg(flags[0] != '\0' && strstr(flags, " dd") == NULL, "flags: %s", flags);
	passcache_free(&cache);
}
END_TEST

START_TEST(ends_in_time)
{
	struct passcache *cache;

	clock_fake(1000, 0);
	ck_assert_int_eq(passcache_new(64, 60, &cache), NOERROR);
	passcache_add(cache, PASSWORD, PERSON, DIGEST);
	clock_fake(1000 + 59999, 0);
	ck_assert(passcache_hit(cache, PASSWORD, PERSON, DIGEST));      /* a hit does not prolong */
	clock_fake(1000 + 60000, 0);
	ck_assert(!passcache_hit(cache, PASSWORD, PERSON, DIGEST));
	clock_fake(1000, 0);
	ck_assert(!passcache_hit(cache, PASSWORD, PERSON, DIGEST));     /* gone for good */

	passcache_set_ttl(cache, 100000);                               /* at most half an hour */
	passcache_add(cache, PASSWORD, PERSON, DIGEST);
	clock_fake(1000 + 1799999, 0);
	ck_assert(passcache_hit(cache, PASSWORD, PERSON, DIGEST));
	clock_fake(1000 + 1800000, 0);
	ck_assert(!passcache_hit(cache, PASSWORD, PERSON, DIGEST));

	passcache_add(cache, PASSWORD, PERSON, DIGEST);
	passcache_set_ttl(cache, 0);
	ck_assert(!passcache_hit(cache, PASSWORD, PERSON, DIGEST));
	passcache_add(cache, PASSWORD, PERSON, DIGEST);
	passcache_set_ttl(cache, 60);
	ck_assert(!passcache_hit(cache, PASSWORD, PERSON, DIGEST));
	passcache_free(&cache);
}
END_TEST

START_TEST(bounded_oldest_out)
{
	struct passcache *cache;
	char person[32];

	clock_fake(1000, 0);
	ck_assert_int_eq(passcache_new(8, 600, &cache), NOERROR);
	for (int i = 0; i < 9; i++) {
		clock_fake(1000 + i, 0);
		snprintf(person, sizeof(person), "CN=%d/O=X", i);
		passcache_add(cache, PASSWORD, slice_of(person), DIGEST);
		passcache_add(cache, PASSWORD, slice_of(person), DIGEST);       /* takes no second place */
	}
	for (int i = 0; i < 9; i++) {
		snprintf(person, sizeof(person), "CN=%d/O=X", i);
		ck_assert_int_eq(passcache_hit(cache, PASSWORD, slice_of(person), DIGEST), i > 0);
	}
	passcache_free(&cache);
	ck_assert_int_eq(passcache_new((size_t)1 << 40, 60, &cache), POSTIL_ERR_INVALID);
}
END_TEST

static void *use(void *argument)
{
	struct passcache *cache = argument;
	char person[32];

	for (int i = 0; i < 2000; i++) {
		snprintf(person, sizeof(person), "CN=%d/O=X", i % 50);
		passcache_add(cache, PASSWORD, slice_of(person), DIGEST);
		ck_assert(!passcache_hit(cache, SLICE_LIT("wrong"), slice_of(person), DIGEST));
	}
	return NULL;
}

START_TEST(many_threads)
{
	struct passcache *cache;
	pthread_t threads[4];

	ck_assert_int_eq(passcache_new(1024, 600, &cache), NOERROR);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use, cache), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert(passcache_hit(cache, PASSWORD, SLICE_LIT("CN=7/O=X"), DIGEST));
	passcache_free(&cache);
}
END_TEST

UNIT_MAIN("directory/passcache", hits_only_the_same_three,
          kept_out_of_core_dumps, ends_in_time, bounded_oldest_out, many_threads)
