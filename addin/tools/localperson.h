/*
 * LocalPerson documents: what tools say of a person in a file of its own, in place of what
 * the Person document says.
 */
#ifndef POSTIL_TOOLS_LOCALPERSON_H
#define POSTIL_TOOLS_LOCALPERSON_H

#include "addin/tools/person.h"

/* The first name of the one person meant, and of no other, in arena. EX_OK, or what to exit
 * with; it has been said why. */
int localperson_find_one(struct person_tool *t, struct slice name, struct arena *arena,
                         struct slice *name_r);

/* Let change set items of the document for the person of that first name, in file
 * (local_name), which is made if need be. What else the file holds stays. */
STATUS localperson_change(const struct local *local, const char *file, struct slice name,
                          STATUS (*change)(void *context, struct note *note), void *context,
                          struct fault *fault);

#endif
