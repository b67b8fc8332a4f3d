/* The decision itself; its input has been checked by others. */
#include "addin/pop3/entry.h"

#include <string.h>

#include "addin/pop3/reply.h"

enum tls_ask entry_ask(const struct entry_rules *rules)
{
	if (!rules->tls_certificate)
		return TLS_ASK_NO;
	return rules->tls_password && rules->either ? TLS_ASK_OPTIONAL : TLS_ASK_REQUIRED;
}

enum entry_way entry_way(const struct entry_rules *rules, bool tls, bool has_certificate)
{
	if (!tls)
		return rules->password ? ENTRY_PASSWORD : ENTRY_CLOSED;
	if (!rules->tls_certificate)
		return rules->tls_password ? ENTRY_PASSWORD : ENTRY_CLOSED;
	if (!rules->tls_password)
		return ENTRY_CERTIFICATE;
	if (!rules->either)
		return ENTRY_BOTH;
	return has_certificate ? ENTRY_CERTIFICATE : ENTRY_PASSWORD;
}

bool entry_is_open(const struct entry_rules *rules)
{
	return rules->password || rules->tls_password || rules->tls_certificate;
}

void entry_door(const struct entry_rules *rules, bool tls, bool has_certificate,
                struct pop3_door *door_r)
{
	enum entry_way way = entry_way(rules, tls, has_certificate);

	*door_r = (struct pop3_door){
		.password = way == ENTRY_PASSWORD || way == ENTRY_BOTH,
		.certificate = way == ENTRY_CERTIFICATE,
		.stls = !tls && rules->stls,
		.stls_first = !tls && rules->stls && way == ENTRY_CLOSED,
		.refused = tls ? TEXT_SITE_DISABLED : TEXT_NO_PASSWORD,
	};
}

/* --- who -------------------------------------------------------------------------- */

static bool is_same(const struct person *a, const struct person *b)
{
	return memcmp(&a->unid, &b->unid, sizeof(a->unid)) == 0;
}

/* Exactly one person's password it must be; two would make the name ambiguous. */
static const struct person *by_password(const struct entry_claim *claim)
{
	const struct person *one = NULL;

	for (size_t i = 0; claim->verified != NULL && i < claim->named_count; i++) {
		if (!claim->verified[i])
			continue;
		if (one != NULL)
			return NULL;
		one = &claim->named[i];
	}
	return one;
}

/* The certificate tells persons of one name apart. */
static const struct person *by_both(const struct entry_claim *claim)
{
	for (size_t i = 0; claim->verified != NULL && i < claim->named_count; i++)
		if (claim->verified[i] && is_same(&claim->named[i], claim->owner))
			return claim->owner;
	return NULL;
}

static const struct person *by_certificate(const struct entry_claim *claim)
{
	if (claim->mechanism == POP3_MECHANISM_EXTERNAL)
		return claim->owner;
	for (size_t i = 0; claim->mechanism == POP3_MECHANISM_USER && i < claim->named_count; i++)
		if (is_same(&claim->named[i], claim->owner))
			return claim->owner;
	return NULL;
}

const struct person *entry_person(enum entry_way way, const struct entry_claim *claim)
{
	bool external = claim->mechanism == POP3_MECHANISM_EXTERNAL;

	switch (way) {
	case ENTRY_CLOSED:
		return NULL;
	case ENTRY_PASSWORD:
		return external ? NULL : by_password(claim);
	case ENTRY_CERTIFICATE:
		return claim->owner == NULL ? NULL : by_certificate(claim);
	case ENTRY_BOTH:
		return claim->owner == NULL || external ? NULL : by_both(claim);
	}
	return NULL;
}
