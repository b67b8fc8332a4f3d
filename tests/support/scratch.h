/* A directory for the files of one test, removed with all that is in it. */
#ifndef POSTIL_TESTS_SUPPORT_SCRATCH_H
#define POSTIL_TESTS_SUPPORT_SCRATCH_H

/* Absolute, mode 0700, below $TMPDIR or /tmp; ends the test if it cannot be had. */
char *scratch_new(void);
void scratch_remove(char **dir);
/* dir/name, to be freed. */
char *scratch_path(const char *dir, const char *name);

#endif
