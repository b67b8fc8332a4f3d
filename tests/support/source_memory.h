/*
 * A directory in memory for tests: the second implementation of
 * directory/source.h. Documents are given as notes or as text.
 */
#ifndef POSTIL_TESTS_SUPPORT_SOURCE_MEMORY_H
#define POSTIL_TESTS_SUPPORT_SOURCE_MEMORY_H

#include "directory/source.h"

/* An empty one; its generation is 1. */
STATUS source_memory_new(struct directory_source **source_r);
/* A copy of note becomes a document of names/FILE; it gets a UNID in order of arrival if it has none. */
STATUS source_memory_put(struct directory_source *source, const struct note *note,
                         const char *file);
/* One document a line, "Form=Group|ListName=Staff|Members=A;B": items behind `|`,
 * values behind `;`. They come from names/memory.dxl. */
STATUS source_memory_write(struct directory_source *source, const char *text);
/* Remove all documents. */
void source_memory_clear(struct directory_source *source);
/* From now on all questions fail with status; NOERROR: no longer. */
void source_memory_fail(struct directory_source *source, STATUS status);
/* Questions asked since the beginning, generations not counted. */
unsigned source_memory_questions(const struct directory_source *source);
/* Add one document (as to source_memory_write) when the n-th question from now comes. */
void source_memory_change_at(struct directory_source *source, unsigned n, const char *text);

#endif
