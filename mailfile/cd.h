/*
 * Canonical CD records, the stored form of rich text: signature and length, little-endian,
 * padded to an even number of octets (C API: ods.h, editods.h). Lengths are not believed.
 */
#ifndef POSTIL_MAILFILE_CD_H
#define POSTIL_MAILFILE_CD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* How long its length is, is part of a signature. */
#define CD_BYTE(id) (0x10000U | (id))
#define CD_WORD(id) (0xFF00U | (id))
#define CD_LONG(id) (0x0000U | (id))

enum cd_signature {
	CD_PARAGRAPH = CD_BYTE(129), CD_PABDEFINITION = CD_WORD(130), CD_PABREFERENCE = CD_BYTE(131),
	CD_TEXT = CD_WORD(133), CD_FIELD = CD_WORD(138), CD_FONTTABLE = CD_WORD(139),
	CD_LINK2 = CD_WORD(145), CD_LINKEXPORT2 = CD_WORD(146),
	CD_TABLEBEGIN = CD_BYTE(163), CD_TABLECELL = CD_BYTE(164), CD_TABLEEND = CD_BYTE(165),
	CD_NESTEDTABLEBEGIN = CD_BYTE(207), CD_NESTEDTABLECELL = CD_BYTE(208),
	CD_NESTEDTABLEEND = CD_BYTE(209),
	CD_HOTSPOTBEGIN = CD_WORD(169), CD_HOTSPOTEND = CD_BYTE(170),
	CD_V4HOTSPOTBEGIN = CD_WORD(173), CD_V4HOTSPOTEND = CD_BYTE(174),
	CD_V5HOTSPOTBEGIN = CD_WORD(126), CD_V5HOTSPOTEND = CD_BYTE(127),
	CD_BUTTON = CD_WORD(171), CD_BAR = CD_WORD(172), CD_HREF = CD_WORD(246),
	CD_HREF2 = CD_WORD(113), CD_ANCHOR = CD_WORD(203), CD_HORIZONTALRULE = CD_WORD(201),
	CD_GRAPHIC = CD_LONG(153), CD_IMAGEHEADER = CD_LONG(125), CD_IMAGESEGMENT = CD_LONG(124),
	CD_BITMAPHEADER = CD_LONG(149), CD_BITMAPSEGMENT = CD_LONG(150), CD_COLORTABLE = CD_LONG(151),
	CD_PATTERNTABLE = CD_LONG(152), CD_TRANSPARENTTABLE = CD_LONG(197),
	CD_CGMMETA = CD_LONG(157), CD_PMMETAHEADER = CD_LONG(158), CD_WINMETAHEADER = CD_LONG(159),
	CD_MACMETAHEADER = CD_LONG(160), CD_PMMETASEG = CD_LONG(154), CD_WINMETASEG = CD_LONG(155),
	CD_MACMETASEG = CD_LONG(156), CD_TIFF = CD_LONG(148), CD_ALTTEXT = CD_WORD(202),
	CD_CAPTION = CD_WORD(118), CD_OLEBEGIN = CD_WORD(167), CD_OLEEND = CD_WORD(168),
	CD_DDEBEGIN = CD_WORD(161), CD_DDEEND = CD_WORD(162),
	CD_HTMLBEGIN = CD_WORD(204), CD_HTMLEND = CD_WORD(205), CD_HTMLHEADER = CD_WORD(178),
	CD_HTMLSEGMENT = CD_WORD(179), CD_ALTERNATEBEGIN = CD_WORD(198),
	CD_ALTERNATEEND = CD_BYTE(199), CD_TABLELABEL = CD_WORD(227),
	CD_EMBEDDEDVIEW = CD_WORD(237), CD_EMBEDDEDOUTLINE = CD_WORD(236)
};

struct cd_record {
	uint32_t signature;     /* enum cd_signature, or any other made by CD_BYTE() and so on */
	struct slice body;      /* behind signature and length */
};

/* The next record of *rest, which is moved behind it. false at the end, and when a length
 * does not fit: then *rest is not empty. */
bool cd_next(struct slice *rest, struct cd_record *record_r);

/* Numbers of the body; 0 where it is too short. */
uint8_t cd_byte(struct slice body, size_t at);
uint16_t cd_word(struct slice body, size_t at);
uint32_t cd_dword(struct slice body, size_t at);
/* What stands behind at, n octets or fewer. */
struct slice cd_rest(struct slice body, size_t at);
struct slice cd_part(struct slice body, size_t at, size_t n);

#endif
