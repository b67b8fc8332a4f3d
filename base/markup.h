/*
 * Markup: XML read as it streams in, for those who want elements and not notes. The
 * same care as for DXL files (base/dxl.h): nothing is opened, entity declarations end
 * the reading, depth and sizes are bounded, no tree is built.
 */
#ifndef POSTIL_BASE_MARKUP_H
#define POSTIL_BASE_MARKUP_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/fault.h"

#define MARKUP_DEPTH_MAX 250    /* elements inside each other; more is POSTIL_ERR_SYNTAX */

struct markup_attribute {
	struct slice name, value;       /* UTF-8; the value without references */
};

/* A status other than NOERROR ends the reading with that status. Names come without
 * their prefix; attributes of foreign namespaces are left out. What slices point to is
 * valid during the call. Text comes in pieces of any length. */
struct markup_sink {
	STATUS (*start)(void *context, struct slice name, const struct markup_attribute *attributes,
	                size_t count);
	STATUS (*end)(void *context, struct slice name);
	STATUS (*text)(void *context, struct slice text);
};

/* Read one element and all in it. NOERROR, POSTIL_ERR_SYNTAX when it is not well-formed or
 * passes a bound (what came before was delivered, and the fault says where and why),
 * POSTIL_ERR_IO when read returned -1, POSTIL_ERR_MEMORY, or the sink's. */
STATUS markup_read(ssize_t (*read)(void *read_context, void *out, size_t size), void *read_context,
                   const struct markup_sink *sink, void *context, struct fault *fault);
STATUS markup_read_memory(struct slice xml, const struct markup_sink *sink, void *context,
                          struct fault *fault);

/* The value of that attribute; empty if there is none. */
struct slice markup_value(const struct markup_attribute *attributes, size_t count, const char *name);

#endif
