/*
 * Soundex, the code under which names that sound alike are filed (D. E. Knuth, The Art of
 * Computer Programming, volume 3, section 6; formula @Soundex): the first letter and three
 * digits.
 */
#ifndef POSTIL_BASE_SOUNDEX_H
#define POSTIL_BASE_SOUNDEX_H

#include <stdbool.h>

#include "base/buf.h"

#define SOUNDEX_OCTETS 4

/* Of the first word of text, with NUL. Letters count without their accents; other
 * characters that are no ASCII letter are passed over. false: there is no letter, or text
 * is not UTF-8, or longer than 1,024 octets. */
bool soundex(struct slice text, char code[SOUNDEX_OCTETS + 1]);

#endif
