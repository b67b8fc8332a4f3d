/*
 * What a task that has closed its store leaves behind.
 */
#ifndef POSTIL_MAILFILE_TIDY_H
#define POSTIL_MAILFILE_TIDY_H

#include <stdint.h>

/* Put the log of every mail file below data_dir that nobody has open into the file, and remove
 * log and index. Ends after limit_ms: what is left then is whole as well, in a file and an
 * empty log. */
void mailfile_tidy(const char *data_dir, uint32_t limit_ms);

#endif
