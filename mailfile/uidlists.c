/* The files in which Dovecot and Courier keep UIDs and UIDLs of a Maildir. They
 * are written by servers that may have crashed, and by whoever owns the Maildir.
 *
 * dovecot-uidlist, version 3 (maildir-uidlist.c of Dovecot):
 *      3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1
 *      25006 P4f5d7a13000061ae O3 :1276528487.M364837P9451.host:2,S
 * P is the UIDL, O the order in POP3, G the GUID. Version 1, and courierimapuiddb:
 *      1 1275660208 25022
 *      25006 1276528487.M364837P9451.host:2,S
 *
 * courierpop3dsizelist (pop3dserver.c of Courier-IMAP): no first line; /1 NEXT;
 * /2 NEXT VALIDITY; /3 NEXT VALIDITY. Then NAME SIZE; NAME SIZE UID;
 * NAME SIZE UID:VALIDITY; NAME SIZE UID:VALIDITY:UTF8. The UIDL is UIDn-v, without
 * validity UIDn, without either the name with odd octets as +XX. */
#include "mailfile/uidlprivate.h"

#include <string.h>

#include "base/text.h"

#define NOT_A_UIDLIST_LINE "a line of a dovecot-uidlist"
#define NOT_A_SIZELIST_LINE "a line of a courierpop3dsizelist"

/* --- dovecot-uidlist ---------------------------------------------------------------- */

static bool is_number(struct slice word, uint64_t *number_r)
{
	return text_number(word, UINT32_MAX, number_r);
}

/* A letter and a number. */
static bool lettered(struct slice word, char letter, uint64_t *number_r)
{
	return word.n > 1 && word.p[0] == letter
	       && is_number((struct slice){ word.p + 1, word.n - 1 }, number_r);
}

/* 1 or 3, the version; 0: it is no first line of a uidlist. */
static int uidlist_header(struct slice line, uint32_t *validity_r)
{
	struct slice version = uidl_map_word(&line);
	bool has_validity = false, has_next = false;
	uint64_t validity = 0, number;

	if (slice_equal(version, SLICE_LIT("1"))) {
		has_validity = is_number(uidl_map_word(&line), &validity);
		has_next = is_number(line, &number);
	} else if (!slice_equal(version, SLICE_LIT("3"))) {
		return 0;
	}
	while (version.p[0] == '3' && line.n > 0) {
		struct slice word = uidl_map_word(&line);

		has_validity |= lettered(word, 'V', &validity);
		has_next |= lettered(word, 'N', &number);
	}
	*validity_r = (uint32_t)validity;
	return has_validity && has_next ? version.p[0] - '0' : 0;
}

static struct slice first_line(struct slice text)
{
	const char *lf = text.n != 0 ? memchr(text.p, '\n', text.n) : NULL;

	if (lf != NULL)
		text.n = (size_t)(lf - text.p);
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	return text;
}

bool uidl_is_uidlist(struct slice text)
{
	uint32_t validity;

	return uidlist_header(first_line(text), &validity) != 0;
}

/* The words between UID and file name. */
static void extensions(struct slice *line, struct uidl_facts *facts)
{
	uint64_t number;

	while (line->n > 0 && line->p[0] != ':') {
		struct slice word = uidl_map_word(line);
		struct slice value = { word.p + 1, word.n - 1 };

		if (word.n > 1 && word.p[0] == 'P')
			uidl_facts_set(facts, value);
		else if (word.n > 1 && word.p[0] == 'G')
			facts->guid = value;
		else if (lettered(word, 'O', &number))
			facts->order = (uint32_t)number;
	}
}

static bool uidlist_record(struct slice line, int version, struct uidl_facts *facts)
{
	uint64_t uid;

	*facts = (struct uidl_facts){ .uid = 0 };
	if (!is_number(uidl_map_word(&line), &uid) || uid == 0)
		return false;
	facts->uid = (uint32_t)uid;
	while (line.n > 0 && line.p[0] == ' ')
		line = (struct slice){ line.p + 1, line.n - 1 };
	if (version == 3) {
		extensions(&line, facts);
		if (line.n < 2)
			return false;
		line = (struct slice){ line.p + 1, line.n - 1 };
	}
	facts->key = uidl_map_base(line);
	return facts->key.n > 0 && memchr(line.p, '/', line.n) == NULL;
}

STATUS uidl_read_uidlist(struct uidl_map *map, const struct uidl_format *format,
                         struct fault *fault)
{
	struct slice line = { NULL, 0 };
	struct uidl_facts facts;
	STATUS status = NOERROR;
	int version;

	if (!uidl_map_line(map, &line)
	    || (version = uidlist_header(line, &map->validity)) == 0)
		return fault_set(fault, POSTIL_ERR_SYNTAX, "%s:1: not the first line of a"
		                 " dovecot-uidlist", map->name);
	while (status == NOERROR && uidl_map_line(map, &line)) {
		if (line.n == 0)
			continue;
		status = uidlist_record(line, version, &facts) ? uidl_map_add(map, &facts)
		         : uidl_map_bad_line(map, NOT_A_UIDLIST_LINE, fault);
	}
	return status == NOERROR ? uidl_map_make(map, format, "dovecot") : status;
}

/* --- courierpop3dsizelist --------------------------------------------------------------- */

/* 1, 2, 3; 0: the line is no header, as in the oldest files. */
static int sizelist_header(struct slice line, uint32_t *validity_r)
{
	struct slice version = uidl_map_word(&line);
	uint64_t number, validity = 0;

	*validity_r = 0;
	if (version.n != 2 || version.p[0] != '/' || version.p[1] < '1' || version.p[1] > '3'
	    || !is_number(uidl_map_word(&line), &number))
		return 0;
	if (version.p[1] != '1' && !is_number(line, &validity))
		return 0;
	*validity_r = (uint32_t)validity;
	return version.p[1] - '0';
}

bool uidl_is_sizelist(struct slice text)
{
	uint32_t validity;

	return sizelist_header(first_line(text), &validity) != 0;
}

/* The word behind the last blank, which is taken off the line. */
static struct slice last_word(struct slice *line)
{
	const char *blank = line->n != 0 ? memrchr(line->p, ' ', line->n) : NULL;
	struct slice word = { NULL, 0 };

	if (blank == NULL)
		return word;
	word = (struct slice){ blank + 1, line->n - (size_t)(blank - line->p) - 1 };
	line->n = (size_t)(blank - line->p);
	return word;
}

static struct slice colon_word(struct slice *rest)
{
	struct slice word = uidl_map_base(*rest);
	size_t used = word.n < rest->n ? word.n + 1 : word.n;

	if (used == 0)
		return word;
	*rest = (struct slice){ rest->p + used, rest->n - used };
	return word;
}

/* UID, UID:VALIDITY or UID:VALIDITY:UTF8, as the version has it. */
static bool sizelist_numbers(struct slice word, int version, uint64_t *uid_r,
                             uint64_t *validity_r)
{
	uint64_t utf8;

	*validity_r = 0;
	return is_number(colon_word(&word), uid_r)
	       && (version < 2 || is_number(colon_word(&word), validity_r))
	       && (version < 3 || is_number(colon_word(&word), &utf8)) && word.n == 0;
}

static void name_as_uidl(struct slice name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c < 0x21 || c > 0x7E || c == '\'' || c == '"' || c == '+')
			buf_addf(out, "+%02X", (unsigned)(unsigned char)c);
		else
			buf_add_char(out, c);
	}
}

static STATUS sizelist_uidl(struct uidl_map *map, struct uidl_facts *facts, uint64_t uid,
                            uint64_t validity)
{
	struct slice copy = { NULL, 0 };
	struct buf text = BUF_INIT;
	STATUS status;

	if (uid == 0)
		name_as_uidl(facts->key, &text);
	else if (validity == 0)
		buf_addf(&text, "UID%u", (unsigned)uid);
	else
		buf_addf(&text, "UID%u-%u", (unsigned)uid, (unsigned)validity);
	status = buf_status(&text);
	if (status == NOERROR)
		status = arena_copy(&map->made, buf_slice(&text), &copy);
	if (status == NOERROR)
		uidl_facts_set(facts, copy);
	buf_release(&text);
	return status;
}

static STATUS sizelist_record(struct uidl_map *map, struct slice line, int version,
                              struct fault *fault)
{
	struct uidl_facts facts = { .uid = 0 };
	uint64_t uid = 0, validity = 0, size;
	bool good = version == 0
	            || sizelist_numbers(last_word(&line), version, &uid, &validity);
	STATUS status;

	good = good && text_number(last_word(&line), INT64_MAX, &size);
	facts.key = uidl_map_base(line);
	if (!good || facts.key.n == 0 || memchr(line.p, '/', line.n) != NULL)
		return uidl_map_bad_line(map, NOT_A_SIZELIST_LINE, fault);
	facts.uid = (uint32_t)uid;
	status = sizelist_uidl(map, &facts, uid, validity);
	return status == NOERROR ? uidl_map_add(map, &facts) : status;
}

STATUS uidl_read_sizelist(struct uidl_map *map, struct fault *fault)
{
	int version = sizelist_header(first_line(map->rest), &map->validity);
	struct slice line;
	STATUS status = NOERROR;

	if (version == 0 && map->rest.n > 0 && map->rest.p[0] == '/')
		return fault_set(fault, POSTIL_ERR_SYNTAX, "%s:1: not the first line of a"
		                 " courierpop3dsizelist", map->name);
	if (version != 0)
		uidl_map_line(map, &line);
	while (status == NOERROR && uidl_map_line(map, &line))
		if (line.n != 0)
			status = sizelist_record(map, line, version, fault);
	return status;
}
