/*
 * What persons' certificates say. They come from documents and files and are distrusted;
 * what is shown of them is escaped.
 */
#include "addin/tools/held.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "tls/peer.h"

#include "base/banned.h"

/* --- which ------------------------------------------------------------------------ */

struct adding {
	struct held *held;
	struct arena *arena;
};

static STATUS add_one(void *context, struct slice der)
{
	const struct adding *a = context;
	STATUS status;

	if (a->held->count == HELD_MAX) {
		a->held->others++;
		return NOERROR;
	}
	status = arena_copy(a->arena, der, &a->held->list[a->held->count]);
	if (status == NOERROR)
		a->held->count++;
	return status;
}

STATUS held_add(struct held *held, struct slice value, struct arena *arena)
{
	struct adding a = { held, arena };
	STATUS status = tls_certificates_each(value, add_one, &a);

	if (status != POSTIL_ERR_INVALID)
		return status;
	held->others++;
	return NOERROR;
}

STATUS held_of_person(struct directory *dir, struct slice name, const struct unid *unid,
                      struct arena *arena, struct held *held_r)
{
	const struct person *persons;
	size_t count;
	STATUS status = directory_find_subject(dir, name, arena, &persons, &count);

	*held_r = (struct held){ .count = 0 };
	for (size_t i = 0; status == NOERROR && i < count; i++) {
		if (memcmp(&persons[i].unid, unid, sizeof(*unid)) != 0)
			continue;
		for (size_t j = 0; status == NOERROR && j < persons[i].certificate_count; j++)
			status = held_add(held_r, persons[i].certificates[j], arena);
	}
	return status;
}

bool held_has(const struct held *held, struct slice der)
{
	for (size_t i = 0; i < held->count; i++)
		if (slice_equal(held->list[i], der))
			return true;
	return false;
}

/* --- in words --------------------------------------------------------------------- */

static void add_day(int64_t secs, struct buf *out)
{
	time_t time = (time_t)secs;
	struct tm tm;
	char text[32];

	if (gmtime_r(&time, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%d", &tm) == 0)
		buf_add_str(out, "an impossible day");
	else
		buf_add_str(out, text);
}

void held_describe(struct slice der, struct buf *out)
{
	struct arena arena = ARENA_INIT;
	struct tls_peer peer;
	int64_t now = clock_wall_secs();

	if (tls_peer_read(der, &arena, &peer) != NOERROR) {
		buf_add_str(out, "a certificate that cannot be read");
	} else {
		if (peer.subject.n == 0)
			buf_add_str(out, "no subject");
		buf_add_slice(out, peer.subject);
		buf_add_str(out, ", valid from ");
		add_day(peer.not_before, out);
		buf_add_str(out, " to ");
		add_day(peer.not_after, out);
		buf_add_str(out, now > peer.not_after ? ", expired" : now < peer.not_before
		            ? ", not valid yet" : "");
	}
	arena_release(&arena);
}

void held_fingerprint(struct slice der, struct buf *out)
{
	uint8_t digest[32];

	if (crypt_sha256(der, digest) != NOERROR)
		return;
	buf_add_str(out, "SHA-256 ");
	for (size_t i = 0; i < sizeof(digest); i++)
		buf_addf(out, "%s%02X", i > 0 ? ":" : "", digest[i]);
}
