/* Addresses of links. They come from documents and end up in a reader's hands: only
 * schemes that load nothing into the reader's own context are let through. */
#include "mailfile/richtextmaker.h"

#include <string.h>

#include "base/name.h"

#include "base/banned.h"

#define ADDRESS_MAX 4096

static const char hex_digits[] = "0123456789ABCDEF";

/* Octets that may not stand in an address become %XX. */
static void add_octet(struct buf *out, unsigned char c)
{
	if (c > 0x20 && c < 0x7F && strchr("\"<>\\^`{|}", c) == NULL) {
		buf_add_char(out, (char)c);
		return;
	}
	buf_add_char(out, '%');
	buf_add_char(out, hex_digits[c >> 4]);
	buf_add_char(out, hex_digits[c & 15]);
}

static bool scheme_is_allowed(struct slice scheme)
{
	static const char *const allowed[] = {
		"http", "https", "ftp", "mailto", "notes", "tel", "news"
	};

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (slice_equal_nocase(scheme, slice_of(allowed[i])))
			return true;
	return false;
}

/* What stands before a colon that is no part of a path. */
static struct slice scheme_of(struct slice address)
{
	size_t n = 0;

	while (n < address.n && strchr("/?#:", address.p[n]) == NULL)
		n++;
	return (struct slice){ address.p, n < address.n && address.p[n] == ':' ? n : 0 };
}

/* Clients overlook controls and blanks in a scheme ("java\nscript:"), so they go first. */
static bool add_clean(struct slice address, struct buf *out)
{
	while (address.n > 0 && (unsigned char)address.p[0] <= ' ')
		address.p++, address.n--;
	while (address.n > 0 && (unsigned char)address.p[address.n - 1] <= ' ')
		address.n--;
	if (address.n == 0 || address.n > ADDRESS_MAX)
		return false;
	for (size_t i = 0; i < address.n; i++)
		if ((unsigned char)address.p[i] >= ' ')
			add_octet(out, (unsigned char)address.p[i]);
	return out->n > 0;
}

void rich_anchor_name(struct slice name, struct buf *out)
{
	buf_add_str(out, "a-");
	for (size_t i = 0; i < name.n && i < 256; i++) {
		char c = name.p[i];

		buf_add_char(out, (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		             (c >= 'a' && c <= 'z') || c == '-' ? c : '_');
	}
}

bool rich_address(struct slice address, struct buf *out)
{
	struct buf clean = BUF_INIT;
	bool ok = false;

	if (address.n > 1 && address.p[0] == '#') {
		buf_add_char(out, '#');
		rich_anchor_name((struct slice){ address.p + 1, address.n - 1 }, out);
		return buf_status(out) == NOERROR;
	}
	if (add_clean(address, &clean)) {
		struct slice all = buf_slice(&clean), scheme = scheme_of(all);

		if (scheme_is_allowed(scheme)) {
			buf_add_slice(out, all);
			ok = all.n > scheme.n + 1;
		} else if (all.n > 4 && slice_equal_nocase((struct slice){ all.p, 4 }, SLICE_LIT("www."))) {
			buf_add_str(out, "http://");
			buf_add_slice(out, all);
			ok = true;
		}
	}
	buf_release(&clean);
	return ok && buf_status(out) == NOERROR;
}

/* --- notes: -------------------------------------------------------------------- */

/* n hexadecimal digits, a colon in the middle aside; nothing else. */
static bool add_id(struct slice id, size_t n, struct buf *out)
{
	size_t from = out->n;

	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if (c == ':' && i == 8)
			continue;
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f')))
			return false;
		buf_add_char(out, c);
	}
	return out->n - from == n;
}

static void add_server(struct slice server, struct buf *out)
{
	struct buf common = BUF_INIT;

	if (server.n > 0 && name_common(server, &common) == NOERROR)
		for (size_t i = 0; i < common.n; i++)
			add_octet(out, common.p[i] == '/' ? ' ' : (unsigned char)common.p[i]);
	buf_release(&common);
}

bool rich_notes_address(struct slice server, struct slice replica, struct slice view,
                        struct slice document, struct buf *out)
{
	struct buf part = BUF_INIT;
	bool ok = add_id(replica, 16, &part);

	if (ok) {
		buf_add_str(out, "notes://");
		add_server(server, out);
		buf_add_char(out, '/');
		buf_add_slice(out, buf_slice(&part));
		buf_clear(&part);
		if (add_id(view, 32, &part)) {
			buf_add_char(out, '/');
			buf_add_slice(out, buf_slice(&part));
		} else if (document.n > 0) {
			buf_add_str(out, "/0");         /* no view */
		}
		buf_clear(&part);
		if (document.n > 0 && (ok = add_id(document, 32, &part))) {
			buf_add_char(out, '/');
			buf_add_slice(out, buf_slice(&part));
		}
	}
	buf_release(&part);
	return ok;
}
