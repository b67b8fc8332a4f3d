/* Distrusts the values, which people write: one that makes no sense is told and replaced. */
#include "addin/net/variables.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void net_variable_sayf(const struct net_variable_say *to, const char *format, ...)
{
	char text[512];
	va_list ap;

	if (to->say == NULL)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	to->say(to->context, text);
}

static void take_number(uint32_t *number, const struct net_variable *v, const char *value,
                        const struct net_variable_say *to)
{
	uint64_t given;

	*number = v->fallback;
	if (value == NULL)
		return;
	if (!text_number(text_trim(slice_of(value)), UINT64_MAX, &given)) {
		net_variable_sayf(to, "notes.ini: %s must be a number from %" PRIu32 " to %" PRIu32
		                  ", %" PRIu32 " is used", v->name, v->least, v->most, *number);
		return;
	}
	*number = given < v->least ? v->least : given > v->most ? v->most : (uint32_t)given;
	if (*number != given)
		net_variable_sayf(to, "notes.ini: %s=%" PRIu64 " is not from %" PRIu32 " to %" PRIu32
		                  ", %" PRIu32 " is used", v->name, given, v->least, v->most, *number);
}

static void take_text(char *text, const struct net_variable *v, const char *value,
                      const struct net_variable_say *to)
{
	struct slice given = text_trim(slice_of(value != NULL ? value : v->text_fallback));

	if (given.n >= NET_VARIABLE_OCTETS) {
		net_variable_sayf(to, "notes.ini: %s is too long, its default is used", v->name);
		given = slice_of(v->text_fallback);
	}
	memcpy(text, given.p, given.n);
	text[given.n] = '\0';
}

bool net_variable_read(void *settings, const struct net_variable *v, net_variable_get *get,
                       void *get_context, const struct net_variable_say *to)
{
	char value[NET_VARIABLE_OCTETS], *at = (char *)settings + v->offset;
	bool set = get(get_context, v->name, value, sizeof(value));

	if (v->most != 0)
		take_number((uint32_t *)(void *)at, v, set ? value : NULL, to);
	else
		take_text(at, v, set ? value : NULL, to);
	return set;
}

void net_variable_value(const void *settings, const struct net_variable *v, char *text, size_t size)
{
	const char *at = (const char *)settings + v->offset;

	if (v->most != 0)
		snprintf(text, size, "%" PRIu32, *(const uint32_t *)(const void *)at);
	else
		snprintf(text, size, "%s", at);
}

bool net_variables_equal(const void *a, const void *b, const struct net_variable *table,
                         size_t count)
{
	char in_a[NET_VARIABLE_OCTETS], in_b[NET_VARIABLE_OCTETS];

	for (size_t i = 0; i < count; i++) {
		net_variable_value(a, &table[i], in_a, sizeof(in_a));
		net_variable_value(b, &table[i], in_b, sizeof(in_b));
		if (strcmp(in_a, in_b) != 0)
			return false;
	}
	return true;
}

void net_variables_each(const void *settings, const struct net_variable *table, size_t count,
                        void (*line)(void *context, const char *text), void *context)
{
	char text[640], value[NET_VARIABLE_OCTETS];

	for (size_t i = 0; i < count; i++) {
		net_variable_value(settings, &table[i], value, sizeof(value));
		snprintf(text, sizeof(text), "%s=%s (%s)", table[i].name, value, table[i].meaning);
		line(context, text);
	}
}
