/*
 * OSGetEnvironment..., OSSetEnvironment...: notes.ini, which the host keeps.
 * Values are written by people: what is no number is 0, what is too long is cut.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "addin/api/osenv.h"
#include "addin/runtime/link.h"
#include "base/clock.h"
#include "base/banned.h"

BOOL LNPUBLIC OSGetEnvironmentString(const char *name, char *value, WORD size)
{
	unsigned char memory[LINK_SMALL];
	struct link_reply reply;
	struct wire_out out;

	value[0] = '\0';
	link_begin(&out, memory, sizeof(memory), WIRE_ENV_GET);
	wire_put_text(&out, name);
	if (link_request(&out, &reply) != NOERROR)
		return FALSE;
	wire_get_text(&reply.in, value, (size_t)size + 1);
	link_reply_release(&reply);
	return TRUE;
}

long LNPUBLIC OSGetEnvironmentLong(const char *name)
{
	char value[MAXENVVALUE], *end;
	long number;

	if (!OSGetEnvironmentString(name, value, sizeof(value) - 1))
		return 0;
	errno = 0;
	number = strtol(value, &end, 10);
	while (*end == ' ' || *end == '\t')
		end++;
	return errno != 0 || *end != '\0' ? 0 : number;
}

BOOL LNPUBLIC OSGetEnvironmentTIMEDATE(const char *name, TIMEDATE *td)
{
	char value[MAXENVVALUE];
	struct timedate t;
	int64_t wall_ms;

	if (!OSGetEnvironmentString(name, value, sizeof(value) - 1) ||
	    !timedate_parse_dxl(value, &wall_ms))
		return FALSE;
	t = timedate_from_wall(wall_ms);
	td->Innards[0] = t.innards[0];
	td->Innards[1] = t.innards[1];
	return TRUE;
}

void LNPUBLIC OSSetEnvironmentVariable(const char *name, const char *value)
{
	unsigned char memory[4 * LINK_SMALL];
	struct wire_out out;

	link_begin(&out, memory, sizeof(memory), WIRE_ENV_SET);
	wire_put_text(&out, name);
	wire_put_text(&out, value);
	link_request(&out, NULL);
}

void LNPUBLIC OSSetEnvironmentInt(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	OSSetEnvironmentVariable(name, text);
}

void LNPUBLIC OSSetEnvironmentTIMEDATE(const char *name, const TIMEDATE *td)
{
	struct timedate t = { .innards = { td->Innards[0], td->Innards[1] } };
	char text[32];
	int64_t wall_ms;

	if (!timedate_to_wall(t, &wall_ms))
		return;
	timedate_format_dxl(wall_ms, text);
	OSSetEnvironmentVariable(name, text);
}

WORD LNPUBLIC OSGetEnvironmentSeqNo(void)
{
	unsigned char memory[LINK_SMALL];
	struct link_reply reply;
	struct wire_out out;
	WORD number;

	link_begin(&out, memory, sizeof(memory), WIRE_ENV_SEQNO);
	if (link_request(&out, &reply) != NOERROR)
		return 0;
	number = (WORD)wire_get_u32(&reply.in);
	link_reply_release(&reply);
	return number;
}
