/* Names in a Maildir. They are whoever's who owns it: any octets but NUL and `/`. */
#include "mailfile/maildirname.h"

#include <string.h>

#include "base/text.h"

#define FOLDER_OCTETS_MAX 200
#define TRASH "($Trash)"

/* The first of the same folder is the one that goes out. */
static const struct { const char *theirs, *ours; } known[] = {
	{ "Sent", "($Sent)" }, { "Sent Items", "($Sent)" }, { "Sent Messages", "($Sent)" },
	{ "Drafts", "($Drafts)" },
	{ "Trash", TRASH }, { "Deleted Items", TRASH }, { "Deleted Messages", TRASH },
	{ "Junk", "($JunkMail)" }, { "Spam", "($JunkMail)" }, { "Junk E-mail", "($JunkMail)" },
	{ "INBOX", "($Inbox)" },
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

/* --- messages ------------------------------------------------------------------------- */

unsigned maildir_flags(struct slice name)
{
	static const struct { char letter; unsigned flag; } letters[] = {
		{ 'S', UIDL_FLAG_SEEN }, { 'R', UIDL_FLAG_ANSWERED }, { 'F', UIDL_FLAG_FLAGGED },
		{ 'D', UIDL_FLAG_DRAFT }, { 'T', UIDL_FLAG_DELETED },
	};
	const char *info = name.n != 0 ? memmem(name.p, name.n, ":2,", 3) : NULL;
	unsigned flags = 0;

	if (info == NULL)
		return 0;
	for (info += 3; info < name.p + name.n && *info != ','; info++)
		for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
			if (*info == letters[i].letter)
				flags |= letters[i].flag;
	return flags;
}

int64_t maildir_secs(struct slice name)
{
	uint64_t secs;
	size_t n = 0;

	while (n < name.n && name.p[n] >= '0' && name.p[n] <= '9')
		n++;
	if (n == name.n || (name.p[n] != '.' && name.p[n] != ','))
		return 0;
	return text_number((struct slice){ name.p, n }, UINT32_MAX, &secs) ? (int64_t)secs : 0;
}

/* --- modified UTF-7 ---------------------------------------------------------------------- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static void add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xC0 | c >> 6));
		buf_add_char(out, (char)(0x80 | (c & 0x3F)));
	} else if (c < 0x10000) {
		buf_add_char(out, (char)(0xE0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
		buf_add_char(out, (char)(0x80 | (c & 0x3F)));
	} else {
		buf_add_char(out, (char)(0xF0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3F)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
		buf_add_char(out, (char)(0x80 | (c & 0x3F)));
	}
}

/* The next UTF-16 unit of base64 text; false at its end or where it is none. */
static bool next_unit(struct slice *rest, uint32_t *bits, unsigned *count, uint32_t *unit_r)
{
	while (*count < 16) {
		const char *place = rest->n != 0 && rest->p[0] != '\0'
		                    ? strchr(alphabet, rest->p[0]) : NULL;

		if (place == NULL)
			return false;
		*bits = (*bits << 6 | (uint32_t)(place - alphabet)) & 0x3FFFFF;
		*count += 6;
		*rest = (struct slice){ rest->p + 1, rest->n - 1 };
	}
	*count -= 16;
	*unit_r = *bits >> *count & 0xFFFF;
	return true;
}

/* Between `&` and `-`. */
static bool decode_run(struct slice run, struct buf *out)
{
	uint32_t bits = 0, unit, low;
	unsigned count = 0;

	while (next_unit(&run, &bits, &count, &unit)) {
		if (unit >= 0xD800 && unit < 0xDC00) {
			if (!next_unit(&run, &bits, &count, &low) || low < 0xDC00 || low > 0xDFFF)
				return false;
			unit = 0x10000 + ((unit - 0xD800) << 10 | (low - 0xDC00));
		} else if (unit >= 0xDC00 && unit < 0xE000) {
			return false;
		}
		add_utf8(out, unit);
	}
	return run.n == 0;
}

static bool decode_all(struct slice name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++) {
		const char *end;
		struct slice run;

		if (name.p[i] != '&') {
			buf_add_char(out, name.p[i]);
			continue;
		}
		end = memchr(name.p + i, '-', name.n - i);
		if (end == NULL)
			return false;
		run = (struct slice){ name.p + i + 1, (size_t)(end - name.p) - i - 1 };
		if (run.n == 0)
			buf_add_char(out, '&');
		else if (!decode_run(run, out))
			return false;
		i += run.n + 1;
	}
	return true;
}

void maildir_utf7_decode(struct slice name, struct buf *out)
{
	size_t before = out->n;

	if (decode_all(name, out) || buf_status(out) != NOERROR)
		return;
	out->n = before;
	buf_add_slice(out, name);
}

static uint32_t next_character(struct slice *rest)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	unsigned n = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7Fu >> n);

	for (unsigned i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3Fu);
	*rest = (struct slice){ rest->p + n, rest->n - n };
	return c;
}

static void add_unit(struct buf *out, uint32_t unit, uint32_t *bits, unsigned *count)
{
	*bits = *bits << 16 | unit;
	for (*count += 16; *count >= 6; *count -= 6)
		buf_add_char(out, alphabet[*bits >> (*count - 6) & 63]);
	*bits &= (1u << *count) - 1;
}

static bool goes_plain(uint32_t c)
{
	return c >= 0x20 && c < 0x7F && c != '.' && c != '/' && c != '~';
}

/* `.` and `/` separate folders on disk, so they are encoded within a name. */
void maildir_utf7_encode(struct slice name, struct buf *out)
{
	while (name.n > 0) {
		uint32_t c = next_character(&name), bits = 0;
		unsigned count = 0;

		if (c == '&') {
			buf_add_str(out, "&-");
			continue;
		}
		if (goes_plain(c)) {
			buf_add_char(out, (char)c);
			continue;
		}
		buf_add_char(out, '&');
		for (;;) {
			if (c >= 0x10000)
				add_unit(out, 0xD800 + ((c - 0x10000) >> 10), &bits, &count);
			add_unit(out, c >= 0x10000 ? 0xDC00 + (c & 0x3FF) : c, &bits, &count);
			if (name.n == 0 || goes_plain((unsigned char)name.p[0]) || name.p[0] == '&')
				break;
			c = next_character(&name);
		}
		if (count > 0)
			buf_add_char(out, alphabet[bits << (6 - count) & 63]);
		buf_add_char(out, '-');
	}
}

/* --- folders --------------------------------------------------------------------------------- */

static STATUS check_folder(struct slice folder)
{
	if (folder.n == 0 || folder.n > FOLDER_OCTETS_MAX || !text_is_utf8(folder))
		return POSTIL_ERR_INVALID;
	for (size_t i = 0; i < folder.n; i++)
		if ((unsigned char)folder.p[i] < 0x20 || folder.p[i] == 0x7F)
			return POSTIL_ERR_INVALID;
	return folder.p[0] == '\\' || folder.p[folder.n - 1] == '\\' ? POSTIL_ERR_INVALID : NOERROR;
}

static void add_component(struct slice part, struct buf *out)
{
	struct buf text = BUF_INIT;

	maildir_utf7_decode(part, &text);
	for (size_t i = 0; i < text.n; i++)     /* a backslash would be a parent */
		buf_add_char(out, text.p[i] == '\\' ? '/' : text.p[i]);
	buf_release(&text);
}

STATUS maildir_folder_in(struct slice name, char separator, struct buf *out)
{
	size_t before = out->n;
	STATUS status;

	for (size_t i = 0; i < KNOWN; i++)
		if (slice_equal_nocase(name, slice_of(known[i].theirs))) {
			buf_add_str(out, known[i].ours);
			return buf_status(out);
		}
	for (;;) {
		const char *end = name.n != 0 ? memchr(name.p, separator, name.n) : NULL;
		struct slice part = { name.p, end != NULL ? (size_t)(end - name.p) : name.n };

		add_component(part, out);
		if (end == NULL)
			break;
		buf_add_char(out, '\\');
		name = (struct slice){ end + 1, name.n - part.n - 1 };
	}
	status = buf_status(out) != NOERROR ? buf_status(out)
	         : out->n == before ? POSTIL_ERR_INVALID
	         : check_folder((struct slice){ out->p + before, out->n - before });
	if (status != NOERROR)
		out->n = before;
	return status;
}

STATUS maildir_folder_out(struct slice folder, struct buf *out)
{
	STATUS status = check_folder(folder);

	if (status != NOERROR)
		return status;
	for (size_t i = 0; i < KNOWN; i++)
		if (slice_equal(folder, slice_of(known[i].ours))) {
			buf_add_str(out, known[i].theirs);
			return buf_status(out);
		}
	for (;;) {
		const char *end = memchr(folder.p, '\\', folder.n);
		struct slice part = { folder.p, end != NULL ? (size_t)(end - folder.p) : folder.n };

		maildir_utf7_encode(part, out);
		if (end == NULL)
			return buf_status(out);
		buf_add_char(out, '.');
		folder = (struct slice){ end + 1, folder.n - part.n - 1 };
	}
}
