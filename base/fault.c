/* Recording of failures. The arguments may hold user-given text; the format
 * never does. */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>

STATUS fault_set(struct fault *fault, STATUS status, const char *format, ...)
{
	va_list ap;

	if (fault == NULL)
		return status;
	fault->status = status;
	va_start(ap, format);
	vsnprintf(fault->text, sizeof(fault->text), format, ap);
	va_end(ap);
	return status;
}

const char *fault_text(const struct fault *fault, STATUS status)
{
	if (fault != NULL && fault->status == status && fault->text[0] != '\0')
		return fault->text;
	return status_text(status);
}
