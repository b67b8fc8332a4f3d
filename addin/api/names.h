/* Lengths of names. */
#ifndef POSTIL_API_NAMES_H
#define POSTIL_API_NAMES_H

#define MAXPATH 256
#define MAXUSERNAME 256

#endif
