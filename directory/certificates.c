/*
 * Taking certificates out of items. Items are distrusted: what has not the frame of a
 * certificate is left out and counted, sizes and numbers are bounded, each octet is looked
 * at a fixed number of times.
 *
 *   octets   SEQUENCE ...                    a value as it stands; a few octets of another
 *                                            format may stand before it
 *   base64   MIIB...                         in one value, or in values that follow each
 *                                            other until the SEQUENCE is complete
 *   PEM      -----BEGIN CERTIFICATE----- ... the same; its lines may have become one
 */
#include "directory/certificates.h"

#include <string.h>

#include "base/crypt.h"
#include "base/text.h"
#include "directory/pack.h"
#include "directory/settings.h"

#include "base/banned.h"

#define PREFIX_MAX 64           /* octets that another format puts before a certificate */
#define BASE64_MAX ((DIRECTORY_CERTIFICATE_OCTETS + 2) / 3 * 4)
#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

bool certificates_are_in(const char *item_name)
{
	const char *const *names = directory_settings[SET_USER_CERTIFICATE].items;

	for (size_t i = 0; i < SETTING_ITEMS_MAX && names[i] != NULL; i++)
		if (slice_equal_nocase(slice_of(item_name), slice_of(names[i])))
			return true;
	return false;
}

bool certificates_fit(size_t *used, const struct item *item)
{
	size_t octets = 0;

	for (size_t i = 0; i < item->count && octets <= CERTIFICATES_ITEM_OCTETS; i++)
		octets += item->values[i].n + 1;
	if (octets > CERTIFICATES_ITEM_OCTETS - *used)
		return false;
	*used += octets;
	return true;
}

/* --- frames ------------------------------------------------------------------ */

/* Octets of the SEQUENCE that begins here, by the first five of them; 0: there is none. */
static size_t sequence_octets(struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	if (s.n < 5 || p[0] != 0x30)
		return 0;
	switch (p[1]) {
	case 0x81: return 3 + (size_t)p[2];
	case 0x82: return 4 + ((size_t)p[2] << 8 | p[3]);
	case 0x83: return 5 + ((size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4]);
	default: return 0;      /* no certificate is that small */
	}
}

static bool is_framed(struct slice octets, size_t prefix_max)
{
	for (size_t i = 0; i <= prefix_max && i < octets.n; i++) {
		size_t n = sequence_octets((struct slice){ octets.p + i, octets.n - i });

		if (n != 0 && n <= octets.n - i)
			return true;
	}
	return false;
}

/* --- one after the other ------------------------------------------------------- */

struct reading {
	struct certificates *found;
	struct arena *arena;
	struct buf base64;      /* of the certificate that has begun, without white space */
	size_t characters;      /* of it so far, also those that found no room */
	size_t wanted;          /* of it; 0: not known */
	bool in_pem;
	bool passes_over;       /* the PEM block is none of a certificate */
	STATUS status;
};

static void add(struct reading *r, struct slice octets)
{
	if (octets.n > DIRECTORY_CERTIFICATE_OCTETS)
		r->found->large++;
	else if (r->found->count == DIRECTORY_CERTIFICATES_MAX)
		r->found->more++;
	else
		r->found->list[r->found->count++] = octets;
}

static void decode(struct reading *r)
{
	struct buf octets = BUF_INIT;
	struct slice kept;
	STATUS status;

	while (r->base64.n % 4 != 0)
		buf_add_char(&r->base64, '=');
	status = buf_status(&r->base64);
	if (status == NOERROR)
		status = base64_decode_folded(buf_slice(&r->base64), &octets);
	if (status == POSTIL_ERR_MEMORY) {
		r->status = status;
	} else if (status != NOERROR || !is_framed(buf_slice(&octets), 0)) {
		r->found->bad++;
	} else {
		r->status = arena_copy(r->arena, buf_slice(&octets), &kept);
		if (r->status == NOERROR)
			add(r, kept);
	}
	buf_release(&octets);
}

/* What has been gathered is one certificate, or none. */
static void finish(struct reading *r)
{
	if (r->status == NOERROR && r->passes_over)
		r->found->bad++;
	else if (r->status == NOERROR && r->characters > BASE64_MAX)
		r->found->large++;
	else if (r->status == NOERROR && (r->characters > 0 || r->in_pem))
		decode(r);
	buf_clear(&r->base64);
	r->characters = r->wanted = 0;
	r->in_pem = r->passes_over = false;
}

/* How long it must become, once enough of it is there. */
static void look_at_frame(struct reading *r)
{
	struct buf octets = BUF_INIT;
	size_t n = 0;

	if (base64_decode((struct slice){ r->base64.p, 8 }, &octets) == NOERROR)
		n = sequence_octets(buf_slice(&octets));
	if (n != 0)
		r->wanted = (n + 2) / 3 * 4;
	buf_release(&octets);
}

static void gather(struct reading *r, struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == ' ' || (c >= '\t' && c <= '\r'))
			continue;
		if (r->characters++ < BASE64_MAX)
			buf_add_char(&r->base64, c);
		if (r->characters == 8)
			look_at_frame(r);
	}
}

/* --- texts --------------------------------------------------------------------- */

/* Where marker stands in text; its length if it does not. */
static size_t find(struct slice text, const char *marker)
{
	const char *at = text.n == 0 ? NULL : memmem(text.p, text.n, marker, strlen(marker));

	return at == NULL ? text.n : (size_t)(at - text.p);
}

static struct slice behind(struct slice text, size_t at)
{
	return at >= text.n ? (struct slice){ "", 0 } : (struct slice){ text.p + at, text.n - at };
}

/* Behind BEGIN: the label and the dashes after it. */
static struct slice begin_pem(struct reading *r, struct slice text)
{
	size_t n = find(text, DASHES);
	struct slice label = text_trim((struct slice){ text.p, n });

	finish(r);
	r->in_pem = true;
	r->passes_over = !slice_equal(label, SLICE_LIT("CERTIFICATE")) &&
	                 !slice_equal(label, SLICE_LIT("X509 CERTIFICATE"));
	return behind(text, n + strlen(DASHES));
}

static struct slice go_on_with_pem(struct reading *r, struct slice text)
{
	size_t n = find(text, END);
	struct slice rest;

	gather(r, (struct slice){ text.p, n });
	if (n == text.n)
		return behind(text, n);
	finish(r);
	rest = behind(text, n + strlen(END));
	return behind(rest, find(rest, DASHES) + strlen(DASHES));
}

/* A value outside of PEM: a certificate, or a piece of one. */
static void take_base64(struct reading *r, struct slice text)
{
	gather(r, text);
	if (r->characters >= 8 && (r->wanted == 0 || r->characters >= r->wanted))
		finish(r);
}

/* Words before, between and behind the PEM blocks of a value mean nothing. */
static void take_text(struct reading *r, struct slice text)
{
	bool pem = r->in_pem;

	while (r->status == NOERROR && text.n > 0) {
		size_t n = r->in_pem ? 0 : find(text, BEGIN);

		if (r->in_pem) {
			text = go_on_with_pem(r, text);
		} else if (n < text.n) {
			pem = true;
			text = begin_pem(r, behind(text, n + strlen(BEGIN)));
		} else {
			if (!pem)
				take_base64(r, text);
			return;
		}
	}
}

static bool is_text(const struct item *item)
{
	return (item->type & 0xFF00) == (ITEM_TEXT & 0xFF00);
}

static void take_octets(struct reading *r, struct slice octets)
{
	if (is_framed(octets, PREFIX_MAX))
		add(r, octets);
	else
		take_text(r, octets);
}

/* An attachment has its name as first value, and behind the octets its dates. */
static void take_item(struct reading *r, const struct item *item)
{
	bool is_file = item->type == ITEM_OBJECT && item->count > 1;

	for (size_t i = is_file; i < (is_file ? 2 : item->count); i++)
		if (is_text(item))
			take_text(r, item->values[i]);
		else
			take_octets(r, item->values[i]);
	finish(r);
}

STATUS certificates_read(const struct note *note, struct arena *arena,
                         struct certificates *certificates_r)
{
	struct reading r = { .found = certificates_r, .arena = arena };
	size_t used = 0;

	memset(certificates_r, 0, sizeof(*certificates_r));
	for (const struct item *item = note->first; item != NULL && r.status == NOERROR; item = item->next) {
		if (!certificates_are_in(item->name))
			continue;
		if (certificates_fit(&used, item))
			take_item(&r, item);
		else
			certificates_r->large++;
	}
	buf_release(&r.base64);
	return r.status;
}

/* --- records -------------------------------------------------------------------- */

STATUS certificates_encode(const struct certificates *certificates, struct buf *out)
{
	pack_number(out, certificates->count, 1);
	for (size_t i = 0; i < certificates->count; i++)
		pack_short(out, certificates->list[i]);
	return buf_status(out);
}

STATUS certificates_decode(struct slice record, struct arena *arena, struct person *person)
{
	struct unpack u = { .rest = { arena_strndup(arena, record.p, record.n), record.n } };
	size_t count;
	struct slice *list;

	if (u.rest.p == NULL)
		return POSTIL_ERR_MEMORY;
	count = unpack_number(&u, 1);
	list = arena_alloc(arena, (count + 1) * sizeof(*list));
	if (list == NULL)
		return POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < count; i++)
		list[i] = unpack_short(&u);
	if (u.bad || count > DIRECTORY_CERTIFICATES_MAX)
		return POSTIL_ERR_DAMAGED;
	person->certificates = list;
	person->certificate_count = count;
	return NOERROR;
}
