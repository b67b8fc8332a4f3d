/*
 * Log messages and status lines of a task. Formats are the task's own; one that
 * would write to memory (%n) is shown as it is. Results are cut to their bound.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "addin/api/addin.h"
#include "addin/api/misc.h"
#include "addin/api/osmisc.h"
#include "addin/runtime/defaults.h"
#include "addin/runtime/idle.h"
#include "addin/runtime/outbox.h"
#include "base/banned.h"

/* The interface puts a 16-bit STATUS before the dots; both compilers pass and
 * find such arguments as they should, clang warns all the same. */
#pragma GCC diagnostic ignored "-Wvarargs"

#define FORMAT_OCTETS 512       /* of a built-in text */

/* --- defaults -------------------------------------------------------------------- */

static _Thread_local struct {
	bool known;
	HMODULE module;
	DHANDLE line;
} own;
static _Atomic DHANDLE main_line;
static _Atomic HMODULE main_module;
static _Thread_local bool is_main;

void defaults_start(DHANDLE line)
{
	is_main = true;
	AddInSetDefaults(NULLHANDLE, line);
	idle_start();
}

void LNPUBLIC AddInQueryDefaults(HMODULE *module_r, DHANDLE *line_r)
{
	if (module_r != NULL)
		*module_r = own.known ? own.module : main_module;
	if (line_r != NULL)
		*line_r = own.known ? own.line : main_line;
}

void LNPUBLIC AddInSetDefaults(HMODULE module, DHANDLE line)
{
	own.known = true;
	own.module = module;
	own.line = line;
	if (is_main) {
		main_module = module;
		main_line = line;
	}
}

/* --- formats ---------------------------------------------------------------------- */

static bool writes_memory(const char *format)
{
	for (const char *p = strchr(format, '%'); p != NULL; p = strchr(p + 1, '%')) {
		p += 1 + strspn(p + 1, "-+ #0'123456789.*$hlLqjzt");
		if (*p == 'n')
			return true;
		if (*p == '\0')
			return false;
	}
	return false;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void format_text(char *to, size_t size, const char *format, va_list ap)
{
	if (format == NULL)
		format = "";
	if (writes_memory(format)) {
		snprintf(to, size, "%s", format);
		return;
	}
	if (vsnprintf(to, size, format, ap) < 0)
		snprintf(to, size, "%s", format);
}
#pragma GCC diagnostic pop

static void format_with(char *to, size_t size, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	format_text(to, size, format, ap);
	va_end(ap);
}

static const char *load_format(STATUS code, char *text, size_t size)
{
	if (OSLoadString(NULLHANDLE, code, text, (WORD)size) == 0)
		snprintf(text, size, "Message 0x%04X", code);
	return text;
}

/* --- the log ------------------------------------------------------------------------ */

static void log_line(char *text, size_t size, STATUS additional)
{
	size_t n = strlen(text);

	if (ERR(additional) != NOERROR && n + 4 < size) {
		memcpy(text + n, ": ", 3);
		load_format(additional, text + n + 2, size - n - 2);
	}
	outbox_log(ERR(additional) != NOERROR ? WIRE_FAILURE : WIRE_NORMAL, 0, text);
}

void LNVARARGS AddInLogMessageText(const char *format, STATUS additional, ...)
{
	char text[OUTBOX_TEXT_MAX];
	va_list ap;

	va_start(ap, additional);
	format_text(text, sizeof(text), format, ap);
	va_end(ap);
	log_line(text, sizeof(text), additional);
}

void LNVARARGS AddInLogMessage(STATUS id, STATUS additional, ...)
{
	char text[OUTBOX_TEXT_MAX], format[FORMAT_OCTETS];
	va_list ap;

	va_start(ap, additional);
	format_text(text, sizeof(text), load_format(id, format, sizeof(format)), ap);
	va_end(ap);
	log_line(text, sizeof(text), additional);
}

void LNPUBLIC AddInLogErrorText(const char *format, STATUS additional, const char *arg)
{
	char text[OUTBOX_TEXT_MAX];

	format_with(text, sizeof(text), format, arg != NULL ? arg : "");
	log_line(text, sizeof(text), additional);
}

void LNPUBLIC AddInLogError(STATUS id, STATUS additional, const char *arg)
{
	char format[FORMAT_OCTETS];

	AddInLogErrorText(load_format(id, format, sizeof(format)), additional, arg);
}

void LNVARARGS AddInFormatErrorText(char *to, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	format_text(to, MAXSPRINTF, format, ap);
	va_end(ap);
}

void LNVARARGS AddInFormatError(char *to, STATUS id, ...)
{
	char format[FORMAT_OCTETS];
	va_list ap;

	va_start(ap, id);
	format_text(to, MAXSPRINTF, load_format(id, format, sizeof(format)), ap);
	va_end(ap);
}

/* --- status lines --------------------------------------------------------------------- */

DHANDLE LNPUBLIC AddInCreateStatusLine(const char *name)
{
	return outbox_line_new(name != NULL ? name : "");
}

void LNPUBLIC AddInDeleteStatusLine(DHANDLE line)
{
	outbox_line_delete(line);
}

static void set_line(DHANDLE line, const char *format, va_list ap)
{
	char text[OUTBOX_STATUS_MAX + 1];

	format_text(text, sizeof(text), format, ap);
	outbox_line_set(line, text);
}

static DHANDLE default_line(void)
{
	DHANDLE line;

	AddInQueryDefaults(NULL, &line);
	return line;
}

void LNVARARGS AddInSetStatusLine(DHANDLE line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	set_line(line, format, ap);
	va_end(ap);
}

void LNVARARGS AddInSetStatusText(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	set_line(default_line(), format, ap);
	va_end(ap);
}

void LNVARARGS AddInSetStatus(STATUS id, ...)
{
	char format[FORMAT_OCTETS];
	va_list ap;

	va_start(ap, id);
	set_line(default_line(), load_format(id, format, sizeof(format)), ap);
	va_end(ap);
}
