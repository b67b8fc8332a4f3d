/* GMime, kept on a short lead: every text that reaches it is bounded and ends in NUL, every
 * octet of it may be hostile. It is started once for the process and keeps no state of ours. */
#include "mailfile/mime.h"

#include <gmime/gmime.h>
#include <pthread.h>
#include <string.h>

#include "base/text.h"

static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start(void)
{
	g_mime_init();
}

static void need_gmime(void)
{
	pthread_once(&started, start);
}

/* --- transfer encodings ---------------------------------------------------------- */

const char *mime_encoding_name(enum mime_encoding encoding)
{
	static const char *const names[] = {
		[MIME_7BIT] = "7bit", [MIME_QUOTED_PRINTABLE] = "quoted-printable",
		[MIME_BASE64] = "base64",
	};

	return names[encoding];
}

enum mime_encoding mime_text_encoding(struct slice text)
{
	size_t line = 0, longest = 0, eight = 0, odd = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		line = c == '\n' ? 0 : line + 1;
		longest = line > longest ? line : longest;
		eight += c >= 0x80;
		odd += (c < ' ' && c != '\n' && c != '\t') || c == 0x7F;
	}
	if (eight + odd == 0 && longest <= 998)
		return MIME_7BIT;
	/* two more octets for each of these, against a third more for all */
	return (eight + odd) <= text.n / 6 ? MIME_QUOTED_PRINTABLE : MIME_BASE64;
}

struct mime_encoder {
	GMimeEncoding gmime;
	bool plain, any;
	char last;
	char out[];             /* what a piece can become, before its line ends are made CRLF */
};

STATUS mime_encoder_new(enum mime_encoding encoding, struct mime_encoder **encoder_r)
{
	GMimeEncoding gmime;
	struct mime_encoder *encoder;

	need_gmime();
	g_mime_encoding_init_encode(&gmime, encoding == MIME_BASE64 ? GMIME_CONTENT_ENCODING_BASE64
	                                    : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	encoder = calloc(1, sizeof(*encoder) + g_mime_encoding_outlen(&gmime, MIME_PIECE_OCTETS) + 16);
	if (encoder == NULL)
		return POSTIL_ERR_MEMORY;
	encoder->gmime = gmime;
	encoder->plain = encoding == MIME_7BIT;
	*encoder_r = encoder;
	return NOERROR;
}

void mime_encoder_free(struct mime_encoder **encoder)
{
	free(*encoder);
	*encoder = NULL;
}

/* GMime ends lines in LF. */
static STATUS add_lines(struct mime_encoder *encoder, const char *p, size_t n, struct buf *out)
{
	const char *end = p + n;

	if (n == 0)
		return NOERROR;
	encoder->any = true;
	encoder->last = end[-1];
	buf_reserve(out, n + n / 32);
	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		buf_add(out, p, (size_t)((lf != NULL ? lf : end) - p));
		if (lf == NULL)
			break;
		buf_add(out, "\r\n", 2);
		p = lf + 1;
	}
	return buf_status(out);
}

STATUS mime_encoder_add(struct mime_encoder *encoder, struct slice in, struct buf *out)
{
	size_t n;

	if (in.n > MIME_PIECE_OCTETS)
		return POSTIL_ERR_TOO_LONG;
	if (encoder->plain)
		return add_lines(encoder, in.p, in.n, out);
	if (in.n == 0)
		return NOERROR;
	n = g_mime_encoding_step(&encoder->gmime, in.p, in.n, encoder->out);
	return add_lines(encoder, encoder->out, n, out);
}

STATUS mime_encoder_end(struct mime_encoder *encoder, struct buf *out)
{
	STATUS status = NOERROR;

	if (!encoder->plain) {
		size_t n = g_mime_encoding_flush(&encoder->gmime, "", 0, encoder->out);

		status = add_lines(encoder, encoder->out, n, out);
	}
	if (status == NOERROR && encoder->any && encoder->last != '\n')
		status = add_lines(encoder, "\n", 1, out);
	return status;
}

/* --- header values ------------------------------------------------------------------ */

/* A copy that ends in NUL, NULs in it made blanks. */
static char *bounded_copy(struct slice value)
{
	char *copy;

	if (value.n > MIME_VALUE_MAX)
		return NULL;
	copy = malloc(value.n + 1);
	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < value.n; i++)
		copy[i] = (char)(value.p[i] != '\0' ? value.p[i] : ' ');
	copy[value.n] = '\0';
	return copy;
}

/* Append the ";" and what else GMime wrote: on a line of its own, line ends made CRLF and
 * none at the end. */
static void add_folded(const char *p, struct buf *out)
{
	if (p[0] == ';' && p[1] == ' ') {
		buf_add_str(out, ";\r\n\t");
		p += 2;
	}
	for (; *p != '\0'; p++) {
		if (*p == '\n' && p[1] == '\0')
			break;
		if (*p == '\n')
			buf_add_char(out, '\r');
		buf_add_char(out, *p);
	}
}

STATUS mime_add_parameter(const char *name, struct slice value, struct buf *out)
{
	GMimeParamList *list;
	GMimeParam *param;
	GString *folded;
	char *copy;

	if (value.n > MIME_NAME_MAX)
		return POSTIL_ERR_TOO_LONG;
	if (!text_is_utf8(value))
		return POSTIL_ERR_INVALID;
	copy = bounded_copy(value);
	if (copy == NULL)
		return POSTIL_ERR_MEMORY;
	need_gmime();
	list = g_mime_param_list_new();
	g_mime_param_list_set_parameter(list, name, copy);
	param = g_mime_param_list_get_parameter(list, name);
	g_mime_param_set_charset(param, "utf-8");
	g_mime_param_set_encoding_method(param, GMIME_PARAM_ENCODING_METHOD_RFC2231);
	folded = g_string_new(NULL);
	g_mime_param_list_encode(list, NULL, true, folded);
	add_folded(folded->str, out);
	g_string_free(folded, true);
	g_object_unref(list);
	free(copy);
	return buf_status(out);
}

STATUS mime_content_type(struct slice value, struct buf *type, struct buf *boundary)
{
	char *copy = bounded_copy(value), *name;
	GMimeContentType *parsed;
	const char *found;

	if (copy == NULL) {
		buf_add_str(type, "text/plain");
		return value.n > MIME_VALUE_MAX ? NOERROR : POSTIL_ERR_MEMORY;
	}
	need_gmime();
	parsed = g_mime_content_type_parse(NULL, copy);
	name = g_mime_content_type_get_mime_type(parsed);
	for (const char *p = name; *p != '\0'; p++)
		buf_add_char(type, (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p));
	found = g_mime_content_type_get_parameter(parsed, "boundary");
	if (found != NULL)
		buf_add_str(boundary, found);
	g_free(name);
	g_object_unref(parsed);
	free(copy);
	return buf_status(type) != NOERROR ? buf_status(type) : buf_status(boundary);
}

static size_t each_mailbox(InternetAddressList *list,
                           void (*each)(void *context, struct slice name, struct slice address),
                           void *context, int depth)
{
	int n = list != NULL && depth < 4 ? internet_address_list_length(list) : 0;
	size_t count = 0;

	for (int i = 0; i < n; i++) {
		InternetAddress *one = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_GROUP(one)) {
			count += each_mailbox(internet_address_group_get_members(
			                      INTERNET_ADDRESS_GROUP(one)), each, context, depth + 1);
		} else if (INTERNET_ADDRESS_IS_MAILBOX(one)) {
			const char *address = internet_address_mailbox_get_idn_addr(
			                      INTERNET_ADDRESS_MAILBOX(one));

			if (address == NULL)
				continue;
			each(context, slice_of(internet_address_get_name(one)), slice_of(address));
			count++;
		}
	}
	return count;
}

bool mime_each_address(struct slice value,
                       void (*each)(void *context, struct slice name, struct slice address),
                       void *context)
{
	char *copy = bounded_copy(value);
	InternetAddressList *list;
	size_t count;

	if (copy == NULL)
		return false;
	need_gmime();
	list = internet_address_list_parse(NULL, copy);
	count = each_mailbox(list, each, context, 0);
	if (list != NULL)
		g_object_unref(list);
	free(copy);
	return count > 0;
}
