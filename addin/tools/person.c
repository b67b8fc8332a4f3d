/*
 * What the verbs need that change a person. Distrusts notes.ini, documents and names in
 * them; a password leaves this process only as a digest.
 */
#include "addin/tools/person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/ini.h"
#include "base/name.h"
#include "base/saslprep.h"
#include "base/text.h"

#include "base/banned.h"

#define NAMES_SHOWN 8
#define COMPILE_TRIES 6         /* each waits some seconds for another writer */
#define SLOW_DIGEST_MS 500

/* --- digests ----------------------------------------------------------------------- */

bool digest_option(struct digest_wish *wish, int option, const char *argument)
{
	uint64_t rounds;

	switch (option) {
	case '1': wish->kind = INETPASS_V1; return true;
	case '2': wish->kind = INETPASS_V2; return true;
	case '3': wish->kind = INETPASS_V3; return true;
	case 'r':
		if (!text_number(slice_of(argument), INETPASS_V3_ROUNDS_MAX, &rounds)
		    || rounds == 0) {
			tool_say("-r takes a number from 1 to %d", INETPASS_V3_ROUNDS_MAX);
			return false;
		}
		wish->rounds = (uint32_t)rounds;
		return true;
	default:
		return false;
	}
}

bool digest_wish_fits(const struct digest_wish *wish)
{
	if (wish->rounds == 0 || wish->kind == INETPASS_V3)
		return true;
	tool_say("-r: only the form V3 has rounds");
	return false;
}

/* As a login prepares what a client sends (RFC 6856 section 2.2). */
static STATUS hash(struct slice password, const struct digest_wish *wish, uint32_t rounds,
                   char digest[64], struct fault *fault)
{
	struct buf prepared = BUF_INIT;
	STATUS status = saslprep(password, &prepared);

	if (status == POSTIL_ERR_INVALID)
		fault_set(fault, status, "the password holds characters that no client may send");
	if (status == NOERROR) {
		status = inetpass_hash(buf_slice(&prepared), wish->kind, rounds, digest);
		if (status != NOERROR)
			fault_set(fault, status, "the digest cannot be computed: %s", status_text(status));
	}
	buf_wipe_release(&prepared);
	return status;
}

STATUS person_digest(const struct person_tool *t, const struct digest_wish *wish,
                     const struct secret *secret, char digest[64], struct buf *words,
                     struct fault *fault)
{
	struct slice password = { secret->octets, secret->n };
	uint32_t rounds = wish->rounds != 0 ? wish->rounds : t->rounds;
	uint64_t took = clock_mono_ms();
	STATUS status = hash(password, wish, rounds, digest, fault);

	if (status != NOERROR)
		return status;
	took = clock_mono_ms() - took;
	if (!password_is_ascii(password))
		tool_say("the password holds letters beyond ASCII, which not all clients send "
		         "alike; those that send UTF-8 will be let in");
	if (took >= SLOW_DIGEST_MS)
		tool_say("with %u rounds each login takes %.1f seconds of computing", rounds,
		         (double)took / 1000);
	buf_addf(words, wish->kind == INETPASS_V3 ? "V3, %u rounds"
	         : wish->kind == INETPASS_V2 ? "V2" : "V1, which has no salt and is quickly guessed",
	         rounds);
	return buf_status(words);
}

/* --- the directory ------------------------------------------------------------------- */

static void say_text(void *context, const char *text)
{
	(void)context;
	tool_say("%s", text);
}

STATUS person_compile(struct person_tool *t, struct fault *fault)
{
	struct compile_report report;
	STATUS status = POSTIL_ERR_BUSY;

	for (int i = 0; i < COMPILE_TRIES && status == POSTIL_ERR_BUSY; i++)
		status = directory_compile(t->data_dir, &report, say_text, NULL, fault);
	return status;
}

bool person_has(struct person_tool *t, struct slice name, const char *digest)
{
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	size_t count, same = 0, good = 0;

	if (directory_find_login(t->dir, name, false, PERSON_MATCHES_MAX, &arena, &persons, &count)
	    != NOERROR)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!name_equal(persons[i].name, name))
			continue;
		same++;
		good += persons[i].password_count == 1
		        && slice_equal(persons[i].passwords[0], slice_of(digest));
	}
	arena_release(&arena);
	return same == 1 && good == 1;
}

void person_add_names(struct buf *out, const struct person *persons, size_t count)
{
	for (size_t i = 0; i < count && i < NAMES_SHOWN; i++) {
		struct buf name = BUF_INIT;

		name_abbreviate(persons[i].name, &name);
		buf_add_str(out, i == 0 ? "" : ", ");
		tool_add_text(out, buf_slice(&name));
		buf_release(&name);
	}
	if (count > NAMES_SHOWN)
		buf_addf(out, " and %zu others", count - NAMES_SHOWN);
}

/* --- documents ------------------------------------------------------------------------ */

void person_remove_item(struct note *note, const char *name)
{
	struct item **at = &note->first;

	while (*at != NULL)
		if (slice_equal_nocase(slice_of((*at)->name), slice_of(name)))
			*at = (*at)->next;
		else
			at = &(*at)->next;
	note->last = at;
}

static STATUS set_item(struct note *note, const char *item, uint16_t type, uint16_t flags,
                       struct slice value)
{
	person_remove_item(note, item);
	return note_add(note, slice_of(item), type, ITEM_SUMMARY | flags, &value, 1) == NULL
	       ? POSTIL_ERR_MEMORY : NOERROR;
}

STATUS person_set_text(struct note *note, const char *item, uint16_t flags, struct slice text)
{
	return set_item(note, item, ITEM_TEXT, flags, text);
}

STATUS person_set_password(struct note *note, const char *digest)
{
	char now[32];
	STATUS status = person_set_text(note, "HTTPPassword", 0, slice_of(digest));

	timedate_format_dxl(clock_wall_ms(), now);
	if (status == NOERROR)
		status = set_item(note, "HTTPPasswordChangeDate", ITEM_TIME, 0, slice_of(now));
	return status;
}

/* --- notes.ini and the start -------------------------------------------------------------- */

static void take_rounds(struct person_tool *t, const char *text)
{
	uint64_t rounds = 0;

	t->rounds = INETPASS_V3_ROUNDS_DEFAULT;
	if (text == NULL)
		return;
	if (text_number(slice_of(text), INETPASS_V3_ROUNDS_MAX, &rounds) && rounds > 0)
		t->rounds = (uint32_t)rounds;
	else
		tool_say("notes.ini: InternetPasswordRounds is no number from 1 to %d; %d holds",
		         INETPASS_V3_ROUNDS_MAX, INETPASS_V3_ROUNDS_DEFAULT);
}

/* Without the file there is no server name, and the defaults hold. */
static STATUS read_notes_ini(struct person_tool *t, struct fault *fault)
{
	struct buf path = BUF_INIT;
	struct ini *ini = NULL;
	STATUS status;

	buf_addf(&path, "%s/notes.ini", t->data_dir);
	status = buf_status(&path);
	if (status == NOERROR)
		status = ini_read(buf_cstr(&path), &ini, fault);
	buf_release(&path);
	if (status != NOERROR && status != POSTIL_ERR_NOEXIST)
		return status;
	take_rounds(t, ini == NULL ? NULL : ini_get(ini, "InternetPasswordRounds"));
	status = ini == NULL ? NOERROR
	         : name_canonicalize(slice_of(ini_get(ini, "ServerName")), &t->server);
	ini_free(&ini);
	return status;
}

static STATUS read_settings(struct person_tool *t, struct fault *fault)
{
	struct arena arena = ARENA_INIT;
	struct pop3_settings settings = { .found = false };
	STATUS status = t->server.n == 0 ? NOERROR
	                : directory_pop3_settings(t->dir, buf_slice(&t->server), &arena, &settings);

	if (status == NOERROR) {
		t->has_server_document = settings.found;
		t->more = settings.found && settings.more_name_variations;
		t->port = settings.port;
		buf_add_slice(&t->host_name, settings.host_name);
		status = buf_status(&t->host_name);
	}
	arena_release(&arena);
	return status == NOERROR ? NOERROR : fault_set(fault, status, "%s/names.nsf: %s",
	                                               t->data_dir, status_text(status));
}

static STATUS make_names(const char *data_dir, struct fault *fault)
{
	struct local local;
	STATUS status = local_open(data_dir, &local, fault);

	local_close(&local);
	return status;
}

static STATUS open_all(struct person_tool *t, bool make, struct fault *fault)
{
	STATUS status = read_notes_ini(t, fault);

	if (status == NOERROR && make)
		status = make_names(t->data_dir, fault);
	if (status == NOERROR)
		status = person_compile(t, fault);
	if (status == NOERROR)
		status = directory_open(t->data_dir, &t->dir, fault);
	return status == NOERROR ? read_settings(t, fault) : status;
}

int person_tool_open(struct person_tool *t, const char *data, bool make)
{
	struct fault fault = { .status = NOERROR };
	int exit_status = EX_OK;
	STATUS status;

	*t = (struct person_tool){ .server = BUF_INIT, .host_name = BUF_INIT };
	t->data_dir = tool_data_dir(data, &exit_status);
	if (t->data_dir == NULL)
		return exit_status;
	status = open_all(t, make, &fault);
	if (status == NOERROR)
		return EX_OK;
	person_tool_close(t);
	return tool_fail(&fault, status);
}

void person_tool_close(struct person_tool *t)
{
	if (t->dir != NULL)
		directory_close(&t->dir);
	buf_release(&t->server);
	buf_release(&t->host_name);
	free(t->data_dir);
	t->data_dir = NULL;
}
