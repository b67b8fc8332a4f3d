/* Character sets. All texts here are octets that the host takes for UTF-8; the
 * information block of a character set is therefore empty. */
#ifndef POSTIL_API_NLS_H
#define POSTIL_API_NLS_H

typedef struct NLS_INFO *NLS_PINFO;

#endif
