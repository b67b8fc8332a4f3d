/*
 * Variables of notes.ini that a service reads into a struct of its own: one table says name,
 * place, bounds and meaning, for reading, for showing, for the manual's test.
 */
#ifndef POSTIL_NET_VARIABLES_H
#define POSTIL_NET_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_VARIABLE_OCTETS 256         /* room of a text in the struct, and of a value as text */

struct net_variable {
	const char *name;
	size_t offset;                  /* of a uint32_t, or of NET_VARIABLE_OCTETS characters */
	uint32_t fallback, least, most; /* most 0: a text */
	const char *text_fallback;
	const char *meaning;
};

/* The value of a variable of notes.ini; false: not set. value holds size octets. */
typedef bool net_variable_get(void *context, const char *name, char *value, size_t size);

/* Where what is wrong with a value is told, a line each; say may be NULL. */
struct net_variable_say {
	void (*say)(void *context, const char *text);
	void *context;
};
__attribute__((format(printf, 2, 3)))
void net_variable_sayf(const struct net_variable_say *to, const char *format, ...);

/* Read one into the struct. One out of bounds is told and counts as its default (or the nearest
 * bound, where it is a number). false: it is not set. */
bool net_variable_read(void *settings, const struct net_variable *variable, net_variable_get *get,
                       void *get_context, const struct net_variable_say *to);
/* Its value as text; NET_VARIABLE_OCTETS are enough. */
void net_variable_value(const void *settings, const struct net_variable *variable, char *text,
                        size_t size);
bool net_variables_equal(const void *a, const void *b, const struct net_variable *table,
                         size_t count);
/* "NAME=value (meaning)" of each. */
void net_variables_each(const void *settings, const struct net_variable *table, size_t count,
                        void (*line)(void *context, const char *text), void *context);

#endif
