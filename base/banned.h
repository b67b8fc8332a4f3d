/*
 * Functions of the C library that this code does not use, because they write
 * without a bound, keep hidden state, or cannot report a failure. Naming one
 * is a compile error. Include this last, behind every other header: system
 * headers may name what they like.
 *
 *   strcpy strcat stpcpy sprintf vsprintf gets   no bound: struct buf, snprintf, memcpy
 *   strncpy strncat                              no NUL, or a wrong bound: struct buf
 *   strtok                                       hidden state, cuts its input: slices
 *   atoi atol atoll atof                         no error: text_number()
 *   scanf sscanf fscanf                          overflow unnoticed: slices, text_number()
 *   alloca                                       no failure: struct arena
 *   asctime ctime gmtime localtime               shared result: gmtime_r, localtime_r
 *   rand srand random                            guessable: crypt_random()
 *   mktemp tmpnam tempnam                        a name, not a file: mkstemp, mkdtemp
 *   system popen                                 a shell between: only addin/host starts programs
 *   strerror                                     shared result: strerrordesc_np(), "%m"
 */
#ifndef POSTIL_BASE_BANNED_H
#define POSTIL_BASE_BANNED_H

#undef strcpy
#undef strcat
#undef stpcpy
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef strtok
#undef atoi
#undef alloca

#pragma GCC poison strcpy strcat stpcpy strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof scanf sscanf fscanf alloca
#pragma GCC poison asctime ctime gmtime localtime rand srand random
#pragma GCC poison mktemp tmpnam tempnam system popen strerror

#endif
