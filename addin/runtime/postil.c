/* postil.h: what goes beyond the Domino C API. The host's descriptors are
 * counted by addin/wire; those the caller has no room for are closed. */
#include "addin/api/postil.h"

#include <unistd.h>

#include "addin/api/stats.h"
#include "addin/runtime/events.h"
#include "addin/runtime/link.h"
#include "addin/runtime/outbox.h"

const char *LNPUBLIC PostilDataDirectory(void)
{
	return link_data_directory();
}

static void put_port(struct wire_out *out, void *memory, size_t size, enum wire_kind kind,
                     const char *service, const char *address, WORD port)
{
	link_begin(out, memory, size, kind);
	wire_put_text(out, service);
	wire_put_text(out, address);
	wire_put_u32(out, port);
}

STATUS LNPUBLIC PostilListen(const char *service, const char *address, WORD port, int *fds,
                             WORD *count)
{
	unsigned char memory[LINK_SMALL];
	struct link_reply reply;
	struct wire_out out;
	WORD room = *count;
	STATUS status;

	*count = 0;
	put_port(&out, memory, sizeof(memory), WIRE_LISTEN, service, address, port);
	status = link_request(&out, &reply);
	if (status != NOERROR)
		return status;
	for (size_t i = 0; i < reply.in.fd_count; i++) {
		if (*count < room)
			fds[(*count)++] = reply.in.fds[i];
		else
			close(reply.in.fds[i]);
	}
	link_reply_release(&reply);
	return NOERROR;
}

STATUS LNPUBLIC PostilListenLocal(const char *service, const char *path, DWORD permissions,
                                  const char *group, int *fd)
{
	unsigned char memory[LINK_SMALL];
	struct link_reply reply;
	struct wire_out out;
	STATUS status;

	link_begin(&out, memory, sizeof(memory), WIRE_LISTEN_LOCAL);
	wire_put_text(&out, service);
	wire_put_text(&out, path);
	wire_put_u32(&out, permissions);
	wire_put_text(&out, group);
	status = link_request(&out, &reply);
	if (status != NOERROR)
		return status;
	if (reply.in.fd_count == 1)
		*fd = reply.in.fds[0];
	else
		status = POSTIL_ERR_INVALID;
	link_reply_release(&reply);
	return status;
}

STATUS LNPUBLIC PostilUnlisten(const char *service, const char *address, WORD port)
{
	unsigned char memory[LINK_SMALL];
	struct wire_out out;

	put_port(&out, memory, sizeof(memory), WIRE_UNLISTEN, service, address, port);
	return link_request(&out, NULL);
}

void LNPUBLIC PostilSetCallbacks(const POSTIL_CALLBACKS *callbacks)
{
	static const POSTIL_CALLBACKS none;

	events_set_callbacks(callbacks != NULL ? callbacks : &none);
}

void LNPUBLIC PostilStatistics(const char *facility, const POSTIL_STATISTIC *statistics,
                               WORD count)
{
	for (WORD i = 0; i < count; i++)
		StatUpdate(facility, statistics[i].name, ST_UNIQUE, VT_LONG, &statistics[i].value);
}
