/* OSLoadProgram, OSTranslate, threads of a task. The host decides what may be
 * started; lengths are the callers' and are kept. */
#include <stddef.h>

#include "addin/api/osmisc.h"
#include "addin/runtime/link.h"

STATUS LNPUBLIC OSLoadProgram(const char *file, const char *directory, const char *arguments,
                              WORD flags)
{
	unsigned char memory[16 * LINK_SMALL];
	struct wire_out out;

	link_begin(&out, memory, sizeof(memory), WIRE_LOAD_PROGRAM);
	wire_put_text(&out, file);
	wire_put_text(&out, directory);
	wire_put_text(&out, arguments);
	wire_put_u32(&out, flags);
	return link_request(&out, NULL);
}

static char translate(WORD mode, char c)
{
	if (mode == OS_TRANSLATE_LOWER_TO_UPPER && c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	if (mode == OS_TRANSLATE_UPPER_TO_LOWER && c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

WORD LNPUBLIC OSTranslate(WORD mode, const char *in, WORD in_length, char *out, WORD out_length)
{
	WORD n = in_length < out_length ? in_length : out_length;

	for (WORD i = 0; i < n; i++)
		out[i] = translate(mode, in[i]);
	return n;
}

STATUS LNPUBLIC NotesInitThread(void)
{
	return NOERROR;
}

void LNPUBLIC NotesTermThread(void)
{
}
