/*
 * Certificates of a person as its document has them: octets, base64 or PEM, in one value
 * or in lines, several in an item or in several items. They are taken apart by their
 * frames alone; what is in them is read in tls/.
 */
#ifndef POSTIL_DIRECTORY_CERTIFICATES_H
#define POSTIL_DIRECTORY_CERTIFICATES_H

#include "directory/directory.h"

#define CERTIFICATES_ITEM_OCTETS (1u << 20)     /* of all values together */

struct certificates {
	struct slice list[DIRECTORY_CERTIFICATES_MAX];
	size_t count;
	/* values left out: no certificate, too large, too many */
	unsigned bad, large, more;
};

/* Is it an item that holds certificates? */
bool certificates_are_in(const char *item_name);
/* Does an item fit among those looked at before it? used begins as 0. */
bool certificates_fit(size_t *used, const struct item *item);
/* Those of a note: octets as they stand lie in the note, what had to be decoded in arena. */
STATUS certificates_read(const struct note *note, struct arena *arena,
                         struct certificates *certificates_r);

/* The value of a $Certificates entry. */
STATUS certificates_encode(const struct certificates *certificates, struct buf *out);
/* Into a person; in arena. POSTIL_ERR_DAMAGED. */
STATUS certificates_decode(struct slice record, struct arena *arena, struct person *person);

#endif
