/*
 * notes.ini: lines NAME=value, names without regard to case, order and unknown
 * lines kept. The host owns the file while it runs; tools read it.
 */
#ifndef POSTIL_BASE_INI_H
#define POSTIL_BASE_INI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"

struct ini;

STATUS ini_read(const char *path, struct ini **ini_r, struct fault *fault); /* POSTIL_ERR_NOEXIST */
STATUS ini_parse(struct slice text, struct ini **ini_r);
void ini_free(struct ini **ini);
const char *ini_get(const struct ini *ini, const char *name);  /* NULL: not set or blank */
int64_t ini_get_number(const struct ini *ini, const char *name, int64_t fallback);
/* POSTIL_ERR_INVALID: the file could not hold that pair. Ends what ini_get() returned. */
STATUS ini_set(struct ini *ini, const char *name, const char *value); /* NULL or "" removes */
/* Replace path by a whole new file, durably (temporary file, fsync, rename). */
STATUS ini_write(const struct ini *ini, const char *path, struct fault *fault);
/* In file order; stops when the callback returns false. */
void ini_each(const struct ini *ini, bool (*each)(void *context, const char *name,
              const char *value), void *context);

#endif
