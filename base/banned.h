/*
 * Functions of the C library that this code does not use, because they write
 * without a bound, keep hidden state, or cannot report a failure. Calling one
 * is a compile error that says what to use instead. The makefile includes this
 * file in front of every source; no source includes it itself. Foreign sources
 * that are compiled unchanged define POSTIL_FOREIGN_SOURCE.
 */
#ifndef POSTIL_BASE_BANNED_H
#define POSTIL_BASE_BANNED_H

#ifndef POSTIL_FOREIGN_SOURCE

#include <alloca.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(why) sizeof(struct { _Static_assert(0, why); int banned; })

#undef strcpy
#define strcpy(...) BANNED("strcpy: no bound: use struct buf or memcpy")
#undef stpcpy
#define stpcpy(...) BANNED("stpcpy: no bound: use struct buf or memcpy")
#undef strcat
#define strcat(...) BANNED("strcat: no bound: use struct buf")
#undef strncpy
#define strncpy(...) BANNED("strncpy: may leave out the NUL: use struct buf or memcpy")
#undef strncat
#define strncat(...) BANNED("strncat: bounds the wrong side: use struct buf")
#undef sprintf
#define sprintf(...) BANNED("sprintf: no bound: use snprintf or buf_addf")
#undef vsprintf
#define vsprintf(...) BANNED("vsprintf: no bound: use vsnprintf or buf_vaddf")
#undef strtok
#define strtok(...) BANNED("strtok: hidden state: use struct slice")
#undef sscanf
#define sscanf(...) BANNED("sscanf: overflow goes unseen: use struct slice and text_number")
#undef scanf
#define scanf(...) BANNED("scanf: overflow goes unseen: use struct slice and text_number")
#undef fscanf
#define fscanf(...) BANNED("fscanf: overflow goes unseen: use struct slice and text_number")
#undef atoi
#define atoi(...) BANNED("atoi: cannot fail: use text_number")
#undef atol
#define atol(...) BANNED("atol: cannot fail: use text_number")
#undef atoll
#define atoll(...) BANNED("atoll: cannot fail: use text_number")
#undef atof
#define atof(...) BANNED("atof: cannot fail: use strtod")
#undef alloca
#define alloca(...) BANNED("alloca: cannot fail: use struct arena")
#undef asctime
#define asctime(...) BANNED("asctime: shared result: use strftime")
#undef ctime
#define ctime(...) BANNED("ctime: shared result: use localtime_r and strftime")
#undef gmtime
#define gmtime(...) BANNED("gmtime: shared result: use gmtime_r")
#undef localtime
#define localtime(...) BANNED("localtime: shared result: use localtime_r")
#undef rand
#define rand(...) BANNED("rand: guessable: use crypt_random")
#undef random
#define random(...) BANNED("random: guessable: use crypt_random")
#undef mktemp
#define mktemp(...) BANNED("mktemp: a name, not a file: use mkstemp or mkdtemp")
#undef tmpnam
#define tmpnam(...) BANNED("tmpnam: a name, not a file: use mkstemp or mkdtemp")
#undef tempnam
#define tempnam(...) BANNED("tempnam: a name, not a file: use mkstemp or mkdtemp")
#undef system
#define system(...) BANNED("system: a shell in between: only addin/host starts programs")
#undef popen
#define popen(...) BANNED("popen: a shell in between: only addin/host starts programs")

#endif
#endif
