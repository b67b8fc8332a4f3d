/*
 * Messages between host and task: the table of kinds, encoding, decoding, and
 * their way over the socket. Everything received is distrusted: packets may be
 * cut, forged, of unknown kinds, or carry descriptors nobody asked for.
 */
#include "addin/wire/wire.h"

#include <string.h>

#define MAGIC_0 'P'
#define MAGIC_1 'W'

struct kind {
	const char *name;
	enum wire_side from;
	const char *fields;     /* of the request or one-way message */
	const char *answer;     /* NULL: one-way */
};

static const struct kind kinds[WIRE_KIND_END] = {
	[WIRE_HELLO] = { "hello", WIRE_TASK, "un", "sss" },
	[WIRE_GOODBYE] = { "goodbye", WIRE_TASK, "u", NULL },
	[WIRE_LOG] = { "log", WIRE_TASK, "(uuqs)", NULL },
	[WIRE_STATUS_NEW] = { "status new", WIRE_TASK, "un", NULL },
	[WIRE_STATUS_SET] = { "status set", WIRE_TASK, "us", NULL },
	[WIRE_STATUS_DELETE] = { "status delete", WIRE_TASK, "u", NULL },
	[WIRE_STAT_UPDATE] = { "stat update", WIRE_TASK, "(nnuub)", NULL },
	[WIRE_STAT_DELETE] = { "stat delete", WIRE_TASK, "nn", NULL },
	[WIRE_STAT_RESET] = { "stat reset", WIRE_TASK, "nn", "" },
	[WIRE_STAT_LIST] = { "stat list", WIRE_TASK, "nnnn", "(nnuubq)" },
	[WIRE_ENV_GET] = { "env get", WIRE_TASK, "n", "s" },
	[WIRE_ENV_SET] = { "env set", WIRE_TASK, "ns", "" },
	[WIRE_ENV_SEQNO] = { "env seqno", WIRE_TASK, "", "u" },
	[WIRE_MQ_CREATE] = { "mq create", WIRE_TASK, "nuu", "" },
	[WIRE_MQ_OPEN] = { "mq open", WIRE_TASK, "nu", "u" },
	[WIRE_MQ_CLOSE] = { "mq close", WIRE_TASK, "u", "" },
	[WIRE_MQ_PUT] = { "mq put", WIRE_TASK, "uub", "" },
	[WIRE_MQ_GET] = { "mq get", WIRE_TASK, "uuu", "ub" },
	[WIRE_MQ_SCAN] = { "mq scan", WIRE_TASK, "uuq", "uqb" },
	[WIRE_MQ_REMOVE] = { "mq remove", WIRE_TASK, "uq", "" },
	[WIRE_MQ_PUT_QUIT] = { "mq put quit", WIRE_TASK, "u", "" },
	[WIRE_MQ_IS_QUIT] = { "mq is quit", WIRE_TASK, "u", "u" },
	[WIRE_MQ_COUNT] = { "mq count", WIRE_TASK, "u", "u" },
	[WIRE_LISTEN] = { "listen", WIRE_TASK, "nnu", "u" },
	[WIRE_UNLISTEN] = { "unlisten", WIRE_TASK, "nnu", "" },
	[WIRE_LISTEN_LOCAL] = { "listen local", WIRE_TASK, "nnun", "u" },
	[WIRE_LOAD_PROGRAM] = { "load program", WIRE_TASK, "sssu", "" },
	[WIRE_QUIT] = { "quit", WIRE_HOST, "u", NULL },
	[WIRE_SETTINGS_CHANGED] = { "settings changed", WIRE_HOST, "", NULL },
	[WIRE_PORT_READY] = { "port ready", WIRE_HOST, "nu", NULL },
	[WIRE_LIST_SESSIONS] = { "list sessions", WIRE_HOST, "", "(qnnuuuuu)" },
	[WIRE_DROP_SESSIONS] = { "drop sessions", WIRE_HOST, "s", "u" },
};

static const struct kind *kind_of(unsigned kind)
{
	return kind < WIRE_KIND_END && kinds[kind].name != NULL ? &kinds[kind] : NULL;
}

bool wire_has_reply(enum wire_kind kind)
{
	const struct kind *k = kind_of(kind);

	return k != NULL && k->answer != NULL;
}

const char *wire_kind_name(enum wire_kind kind)
{
	const struct kind *k = kind_of(kind);

	return k != NULL ? k->name : "unknown";
}

/* --- numbers ------------------------------------------------------------------- */

static void store(unsigned char *p, uint64_t value, size_t octets)
{
	for (size_t i = 0; i < octets; i++)
		p[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t load(const unsigned char *p, size_t octets)
{
	uint64_t value = 0;

	for (size_t i = 0; i < octets; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

/* --- making a message -------------------------------------------------------- */

static unsigned char *grow(struct wire_out *out, size_t more)
{
	unsigned char *at = out->p + out->n;

	if (out->broken || more > out->size - out->n) {
		out->broken = true;
		return NULL;
	}
	out->n += more;
	return at;
}

void wire_begin(struct wire_out *out, void *p, size_t size, enum wire_kind kind,
                unsigned flags, uint32_t id, STATUS status)
{
	unsigned char *head;

	*out = (struct wire_out){ .p = p, .size = size < WIRE_MAX ? size : WIRE_MAX };
	head = grow(out, WIRE_HEAD);
	if (head == NULL)
		return;
	head[0] = MAGIC_0;
	head[1] = MAGIC_1;
	head[2] = WIRE_VERSION;
	head[3] = (unsigned char)flags;
	store(head + 4, (uint64_t)kind, 2);
	store(head + 6, status, 2);
	store(head + 8, id, 4);
	store(head + 12, 0, 4);
}

void wire_put_u32(struct wire_out *out, uint32_t value)
{
	unsigned char *at = grow(out, 4);

	if (at != NULL)
		store(at, value, 4);
}

void wire_put_u64(struct wire_out *out, uint64_t value)
{
	unsigned char *at = grow(out, 8);

	if (at != NULL)
		store(at, value, 8);
}

void wire_put_octets(struct wire_out *out, const void *p, size_t n)
{
	unsigned char *at;

	if (n > WIRE_MAX) {
		out->broken = true;
		return;
	}
	at = grow(out, 4 + n);
	if (at == NULL)
		return;
	store(at, n, 4);
	if (n > 0)
		memcpy(at + 4, p, n);
}

void wire_put_text(struct wire_out *out, const char *text)
{
	wire_put_octets(out, text, text != NULL ? strlen(text) : 0);
}

void wire_put_groups(struct wire_out *out, const void *payload, size_t n)
{
	unsigned char *at = grow(out, n);

	if (at != NULL && n > 0)
		memcpy(at, payload, n);
}

bool wire_has_room(const struct wire_out *out, size_t strings, size_t octets, size_t numbers)
{
	if (out->broken || strings > WIRE_MAX || octets > WIRE_MAX || numbers > WIRE_MAX)
		return false;
	return 4 * strings + octets + 4 * numbers <= out->size - out->n;
}

STATUS wire_end(struct wire_out *out, enum wire_side from)
{
	struct wire_in in;

	if (out->broken)
		return POSTIL_ERR_TOO_LONG;
	store(out->p + 12, out->n - WIRE_HEAD, 4);
	return wire_parse(out->p, out->n, from == WIRE_TASK ? WIRE_HOST : WIRE_TASK, &in);
}

/* --- reading one ------------------------------------------------------------- */

/* Step over one field; false: it is cut or not what its letter says. */
static bool skip_field(char letter, const unsigned char **p, size_t *n)
{
	size_t length = letter == 'u' ? 4 : letter == 'q' ? 8 : 0;

	if (length == 0) {
		if (*n < 4)
			return false;
		length = (size_t)load(*p, 4);
		*p += 4;
		*n -= 4;
		if (length > *n || (letter == 'n' && length > WIRE_NAME_MAX))
			return false;
		if (letter != 'b' && length > 0 && memchr(*p, '\0', length) != NULL)
			return false;
	} else if (length > *n) {
		return false;
	}
	*p += length;
	*n -= length;
	return true;
}

static bool fields_are_right(const char *fields, const unsigned char *p, size_t n)
{
	const char *group = NULL;

	for (const char *f = fields; *f != '\0'; f++) {
		if (*f == '(') {
			group = f;
			if (n == 0)
				return true;
		} else if (*f == ')') {
			f = group;
			if (n == 0)
				return true;
		} else if (!skip_field(*f, &p, &n)) {
			return false;
		}
	}
	return n == 0;
}

static bool head_is_right(const struct kind *kind, enum wire_side self,
                          const struct wire_in *in)
{
	if (in->flags & WIRE_REPLY) {
		if (kind->answer == NULL || kind->from != self || in->id == 0)
			return false;
		if (in->flags & ~(unsigned)(WIRE_REPLY | WIRE_MORE))
			return false;
		return true;
	}
	return kind->from != self && in->flags == 0 && in->status == NOERROR &&
	       (in->id != 0) == (kind->answer != NULL);
}

STATUS wire_parse(const void *octets, size_t n, enum wire_side self, struct wire_in *in_r)
{
	const unsigned char *p = octets;
	const struct kind *kind;
	struct wire_in in = { .n = 0 };
	const char *fields;

	if (n < WIRE_HEAD || n > WIRE_MAX || p[0] != MAGIC_0 || p[1] != MAGIC_1 ||
	    p[2] != WIRE_VERSION || load(p + 12, 4) != n - WIRE_HEAD)
		return POSTIL_ERR_INVALID;
	kind = kind_of((unsigned)load(p + 4, 2));
	if (kind == NULL)
		return POSTIL_ERR_INVALID;
	in.kind = (enum wire_kind)load(p + 4, 2);
	in.flags = p[3];
	in.status = (STATUS)load(p + 6, 2);
	in.id = (uint32_t)load(p + 8, 4);
	in.p = p + WIRE_HEAD;
	in.n = n - WIRE_HEAD;
	if (!head_is_right(kind, self, &in))
		return POSTIL_ERR_INVALID;
	fields = !(in.flags & WIRE_REPLY) ? kind->fields :
	         in.status == NOERROR ? kind->answer : "";
	if (!fields_are_right(fields, in.p, in.n))
		return POSTIL_ERR_INVALID;
	*in_r = in;
	return NOERROR;
}

static uint64_t get_number(struct wire_in *in, size_t octets)
{
	uint64_t value;

	if (in->n < octets) {
		in->n = 0;
		return 0;
	}
	value = load(in->p, octets);
	in->p += octets;
	in->n -= octets;
	return value;
}

uint32_t wire_get_u32(struct wire_in *in)
{
	return (uint32_t)get_number(in, 4);
}

uint64_t wire_get_u64(struct wire_in *in)
{
	return get_number(in, 8);
}

struct slice wire_get_slice(struct wire_in *in)
{
	size_t length = wire_get_u32(in);
	struct slice s = { "", 0 };

	if (length > in->n) {
		in->n = 0;
		return s;
	}
	s.p = (const char *)in->p;
	s.n = length;
	in->p += length;
	in->n -= length;
	return s;
}

size_t wire_get_text(struct wire_in *in, char *to, size_t size)
{
	struct slice s = wire_get_slice(in);
	size_t n = s.n < size ? s.n : size - 1;

	if (n > 0)
		memcpy(to, s.p, n);
	to[n] = '\0';
	return s.n;
}

bool wire_at_end(const struct wire_in *in)
{
	return in->n == 0;
}
