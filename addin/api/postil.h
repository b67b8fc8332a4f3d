/*
 * What a task of Postil may ask its host beyond the Domino C API: listening
 * sockets, directories, sessions shown on the console. Source that uses only
 * the other headers of this folder compiles for both.
 */
#ifndef POSTIL_API_POSTIL_H
#define POSTIL_API_POSTIL_H

#include <global.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Absolute path of the data directory, without a final slash; static storage. */
const char *LNPUBLIC PostilDataDirectory(void);

/* A listening TCP socket from the host, which keeps it open over a restart of
 * the task. address: numeric, "" = all of IPv6 and IPv4 (then two sockets may
 * come back). fds takes at most *count descriptors, owned by the caller;
 * *count is set to how many came. ERR_xxx when the port cannot be bound now:
 * the host has logged why and tries again every 20 seconds; `PortReady` of the
 * callbacks below is called when it succeeded. */
STATUS LNPUBLIC PostilListen(const char *service, const char *address, WORD port,
                             int *fds, WORD *count);
/* The same for a UNIX socket at an absolute path, with these permissions (0660) and for this group
 * (name or number, "" = that of the server). One that is left from a server that was killed is
 * replaced, one that is in use never is. PortReady and PostilUnlisten have the path as address, and
 * port 0. */
STATUS LNPUBLIC PostilListenLocal(const char *service, const char *path, DWORD permissions,
                                  const char *group, int *fd);
/* The port is no longer wanted: the host closes its own copy. */
STATUS LNPUBLIC PostilUnlisten(const char *service, const char *address, WORD port);

/* One open session, for `show users`. */
typedef struct {
	DWORD id_high, id_low;
	const char *user;       /* canonical name; "" before login */
	const char *address;    /* numeric */
	WORD port;              /* local */
	BOOL tls;
	DWORD since_secs;       /* open for so long */
	DWORD idle_secs;
	DWORD messages;
} POSTIL_SESSION;

typedef struct {
	/* Called on the runtime's own thread: be quick, do not block. */
	void (*ListSessions)(void *context, void (*emit)(void *emit_context,
	                     const POSTIL_SESSION *session), void *emit_context);
	/* Close the sessions of this user (canonical or abbreviated name, any case)
	 * or this address, or all when pattern is "ALL"; returns how many. */
	DWORD (*DropSessions)(void *context, const char *pattern);
	void (*PortReady)(void *context, const char *address, WORD port);
	/* notes.ini or the directory has changed. */
	void (*SettingsChanged)(void *context);
	void *context;
} POSTIL_CALLBACKS;
/* The struct is copied. */
void LNPUBLIC PostilSetCallbacks(const POSTIL_CALLBACKS *callbacks);

/* Several statistics in one message, no waiting: VT_LONG values of a facility. */
typedef struct {
	const char *name;
	LONG value;
} POSTIL_STATISTIC;
void LNPUBLIC PostilStatistics(const char *facility, const POSTIL_STATISTIC *statistics,
                               WORD count);

#ifdef __cplusplus
}
#endif
#endif
