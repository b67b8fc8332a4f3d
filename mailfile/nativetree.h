/*
 * The parts of a native MIME body as a tree: which part lies in which multipart. Records come in
 * order as a rule; where they do not, boundaries say where each belongs, and what says nothing
 * belongs to the multipart that is open. No record is left out.
 */
#ifndef POSTIL_MAILFILE_NATIVETREE_H
#define POSTIL_MAILFILE_NATIVETREE_H

#include "mailfile/nativemime.h"

#define NATIVE_NONE SIZE_MAX
#define NATIVE_BOUNDARY_MAX 200u        /* octets; a longer one is none (RFC 2046, 5.1.1: 70) */

struct native_part {
	const struct item *item;
	struct mime_part head;
	struct slice boundary;  /* of its own line, without dashes; empty: it has none that can be read */
	bool ends;              /* its line is --boundary-- */
	struct slice declared;  /* the boundary of what lies in it, by its Content-Type; or made up */
	bool made_up;           /* declared is: Content-Type has none */
	bool is_multipart, is_message;
	size_t parent, first_child, last_child, next;   /* NATIVE_NONE: there is none */
	size_t epilog;          /* the record that ends it, which is no child */
};

struct native_tree {
	struct native_part *parts;
	size_t count;
	size_t root_count, first_root, last_root;
};

/* Reads the first of each record that may_show lets pass. Parts and texts are in the arena.
 * POSTIL_ERR_MEMORY, or what a blob answers (*unreadable_r is the item then). */
STATUS native_tree_read(const struct note *note, bool leave_sealed_out, const char *made_up_suffix,
                        struct arena *arena, struct native_tree *tree_r,
                        const struct item **unreadable_r);

#endif
