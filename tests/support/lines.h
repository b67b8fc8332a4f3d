/*
 * A small line protocol on the engine, and a client for it, for the engine's
 * tests. A command is a line; each answer ends with a line end:
 *
 *      ECHO text       text                    NAP ms          a delay, then "woke"
 *      BIG octets      that many, by pull      QUIT            "bye", then the end
 *      LOGIN           established from now    SPIN count      that many pulls of "x"
 *      STORE ms        a store job that sleeps ms: "done", "late" or "full"
 *      HASH name       a hash job that notes name in lines_hashes
 *      FREEZE ms       a store job that waits for lines_thaw, deadline ms (0: none)
 *      STUCK ms        a hash job that does the same
 *      RACE ms         a store job that sleeps ms and has ms until its deadline
 *      DETACH          net_detach, then "detached"
 *      STARTTLS octets "begin" and as many "S" behind it, then a handshake
 *      PEER            its address and ours
 *      MORE            "more" if there is input that has not been shown yet, or "none"
 *      TLS             "clear", or the version of TLS
 *
 * A client's descriptor may be enciphered (lines_secure); all functions with a descriptor know.
 */
#ifndef POSTIL_TESTS_SUPPORT_LINES_H
#define POSTIL_TESTS_SUPPORT_LINES_H

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "addin/net/net.h"

struct lines {
	struct net *net;
	struct net_listener *listener;
	int port;               /* in clear; over TLS if lines_over_tls */
	int tls_port;           /* 0: none */
};

extern const struct net_protocol lines_protocol;
extern bool lines_over_tls;             /* lines_start and lines_connect use TLS */
extern struct tls_context *lines_context;       /* what handshakes get; NULL: a failure */
extern _Atomic unsigned lines_secured;
extern _Atomic uint64_t lines_shaking;  /* the id of the last connection that began a handshake */
extern uint32_t lines_idle_ms;          /* after LOGIN; default 60000 */
extern _Atomic unsigned lines_opened, lines_closed, lines_run, lines_discarded, lines_cancelled,
	lines_frozen;
extern _Atomic unsigned lines_closed_why[0x10000];
extern char lines_hashes[4096];         /* names in the order their jobs ran; after the fact */

/* Start an engine on a free port of 127.0.0.1. */
void lines_start(struct lines *lines, const struct net_options *options);
/* The same with lines_context made and a second port, for TLS. */
void lines_start_tls(struct lines *lines, const struct net_options *options);
void lines_log(void *context, const char *text);        /* for net_options.log */
unsigned lines_logged(const char *text);        /* how many lines of the log have this in them */
int lines_listen(const char *address);  /* a listening socket, IPv4 or IPv6, port 0 */
int lines_port(int fd);
STATUS lines_stop(struct lines *lines); /* net_end and net_free */
void lines_freeze(void);                /* FREEZE jobs wait from now on */
void lines_thaw(void);

int lines_connect(int port);            /* and take the greeting; the test fails otherwise */
int lines_dial(const char *from, int port);     /* from this address; no greeting read */
/* A handshake as a client on this connected descriptor, with any certificate of the
 * server's; version: the highest, such as TLS1_3_VERSION. The test fails otherwise. */
void lines_secure(int fd, int version);
SSL *lines_ssl(int fd);                 /* NULL: in clear */
/* As send and recv (which block), octets in clear. */
ssize_t lines_send(int fd, const void *p, size_t n);
ssize_t lines_recv(int fd, void *p, size_t n);
void lines_half_close(int fd);          /* nothing more to say: close_notify, if enciphered */
void lines_close(int fd);               /* and forget that it was enciphered */
void lines_say(int fd, const char *text);
/* Read until a line end, at most 10 s; "" at the end, "(reset)" or "(nothing)". */
const char *lines_hear(int fd);
/* Say and expect: the test fails with both texts shown. */
void lines_talk(int fd, const char *say, const char *hear);
bool lines_ended(int fd, int ms);       /* the server has closed within ms */
/* Wait until *value == wanted, at most 10 s. */
bool lines_wait(const _Atomic unsigned *value, unsigned wanted);
uint64_t lines_now_ms(void);
/* Does the resident set tell what the engine holds? Not where a sanitizer keeps more. */
bool lines_memory_tells(void);

#endif
