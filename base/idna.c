/* Punycode. The name comes from a message: any octets, any length. */
#include "base/idna.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

#define LABEL_OCTETS 63
#define NAME_OCTETS 253

/* RFC 3492 section 5 */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS_FIRST = 72, N_FIRST = 0x80 };

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > ((BASE - TMIN) * TMAX) / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static void add_digit(struct buf *out, uint32_t digit)
{
	buf_add_char(out, (char)(digit < 26 ? 'a' + digit : '0' + (digit - 26)));
}

/* A generalized variable-length integer (section 3.3). */
static void add_integer(struct buf *out, uint32_t q, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;

		if (q < t)
			break;
		add_digit(out, t + (q - t) % (BASE - t));
		q = (q - t) / (BASE - t);
	}
	add_digit(out, q);
}

static uint32_t smallest_from(const uint32_t *points, size_t count, uint32_t least)
{
	uint32_t found = UINT32_MAX;

	for (size_t i = 0; i < count; i++)
		if (points[i] >= least && points[i] < found)
			found = points[i];
	return found;
}

/* Section 6.3. With at most 63 characters nothing overflows. */
static void add_punycode(struct buf *out, const uint32_t *points, size_t count)
{
	uint32_t n = N_FIRST, delta = 0, bias = BIAS_FIRST, done = 0, basic;

	for (size_t i = 0; i < count; i++)
		if (points[i] < N_FIRST) {
			buf_add_char(out, (char)points[i]);
			done++;
		}
	basic = done;
	if (basic > 0)
		buf_add_char(out, '-');
	while (done < count) {
		uint32_t m = smallest_from(points, count, n);

		delta += (m - n) * (done + 1);
		n = m;
		for (size_t i = 0; i < count; i++) {
			if (points[i] < n)
				delta++;
			if (points[i] != n)
				continue;
			add_integer(out, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
}

static bool is_label_character(uint32_t c)
{
	return c >= 0xA0 || c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* The characters of a mapped label; 0: too many, or some that no label has. */
static size_t points_of(struct slice label, uint32_t points[LABEL_OCTETS], bool *high_r)
{
	size_t count = 0;

	*high_r = false;
	while (label.n > 0) {
		size_t n;
		uint32_t c = text_character(label, &n);

		if (count == LABEL_OCTETS || !is_label_character(c))
			return 0;
		*high_r = *high_r || c > 0x7F;
		points[count++] = c;
		label.p += n;
		label.n -= n;
	}
	return count;
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7F)
			return false;
	return true;
}

static STATUS add_label(struct slice label, struct buf *out)
{
	uint32_t points[LABEL_OCTETS];
	struct buf mapped = BUF_INIT;
	size_t start = out->n, count;
	bool high = false;
	STATUS status;

	if (label.n == 0 || label.n > 4 * LABEL_OCTETS)
		return POSTIL_ERR_INVALID;
	if (is_ascii(label)) {
		buf_add_slice(out, label);
		return label.n > LABEL_OCTETS ? POSTIL_ERR_INVALID : buf_status(out);
	}
	status = text_lower(label, &mapped);
	count = status == NOERROR ? points_of(buf_slice(&mapped), points, &high) : 0;
	if (status == NOERROR && count == 0)
		status = POSTIL_ERR_INVALID;
	if (status == NOERROR && high)
		buf_add_str(out, "xn--");
	if (status == NOERROR && high)
		add_punycode(out, points, count);
	else if (status == NOERROR)
		buf_add_slice(out, buf_slice(&mapped));
	buf_release(&mapped);
	if (status == NOERROR && out->n - start > LABEL_OCTETS)
		status = POSTIL_ERR_INVALID;
	return status == NOERROR ? buf_status(out) : status;
}

/* Octets of the first label; *dot_r: those of the dot behind it. Ideographic and wide
 * dots are dots, too (RFC 5895 section 2). */
static size_t label_octets(struct slice s, size_t *dot_r)
{
	static const char *const dots[] = { "\xE3\x80\x82", "\xEF\xBC\x8E", "\xEF\xBD\xA1" };

	for (size_t i = 0; i < s.n; i++) {
		*dot_r = 1;
		if (s.p[i] == '.')
			return i;
		*dot_r = 3;
		for (size_t d = 0; d < sizeof(dots) / sizeof(dots[0]); d++)
			if (s.n - i >= 3 && memcmp(s.p + i, dots[d], 3) == 0)
				return i;
	}
	*dot_r = 0;
	return s.n;
}

STATUS idna_to_ascii(struct slice domain, struct buf *out)
{
	struct buf made = BUF_INIT;
	STATUS status;

	buf_init(&made, NAME_OCTETS + LABEL_OCTETS * 4);
	for (;;) {
		size_t dot, n = label_octets(domain, &dot);

		status = add_label((struct slice){ domain.p, n }, &made);
		if (status == NOERROR && made.n > NAME_OCTETS)
			status = POSTIL_ERR_INVALID;
		if (status != NOERROR || dot == 0)
			break;
		buf_add_char(&made, '.');
		domain.p += n + dot;
		domain.n -= n + dot;
	}
	if (status == NOERROR) {
		buf_add_slice(out, buf_slice(&made));
		status = buf_status(out);
	}
	buf_release(&made);
	return status;
}
