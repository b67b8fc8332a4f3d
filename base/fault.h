/*
 * A failure told in full: the code for the program and the sentence for the
 * administrator (which file, which line, which setting, what to do). Callers
 * that only need the code pass NULL. Never put a secret in a fault.
 */
#ifndef POSTIL_BASE_FAULT_H
#define POSTIL_BASE_FAULT_H

#include "base/status.h"

struct fault {
	STATUS status;
	char text[512];
};

/* Record status and the formatted sentence in fault (may be NULL) and return
 * status, so that a function can end with `return fault_set(...)`. */
__attribute__((format(printf, 3, 4)))
STATUS fault_set(struct fault *fault, STATUS status, const char *format, ...);

/* The sentence, or the text of the status if none was recorded. */
const char *fault_text(const struct fault *fault, STATUS status);

#endif
