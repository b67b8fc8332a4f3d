/* A list of all sessions is put together under the engine's lock, and told when it is free. */
#include "addin/lmtp/console.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addin/lmtp/client.h"
#include "base/clock.h"

struct seen {
	uint64_t id, since_ms, active_ms;
	struct net_peer peer;
	uint32_t messages;
};

struct seen_list {
	struct seen *all;
	size_t count, room;
};

static void see_conn(void *context, struct net_conn *conn, void *state)
{
	struct seen_list *list = context;
	struct seen *seen;

	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : list->room * 2;
		struct seen *all = reallocarray(list->all, room, sizeof(*all));

		if (all == NULL)
			return;
		list->all = all;
		list->room = room;
	}
	seen = &list->all[list->count++];
	*seen = (struct seen){ .id = net_conn_id(conn), .since_ms = client_since_ms(state),
		.active_ms = net_conn_active_ms(conn), .messages = client_messages(state) };
	net_conn_peer(conn, &seen->peer);
}

static DWORD seconds_since(uint64_t then_ms)
{
	uint64_t now = clock_mono_ms();

	return now > then_ms ? (DWORD)((now - then_ms) / 1000) : 0;
}

void console_list_sessions(struct task *task, void (*emit)(void *emit_context,
                           const POSTIL_SESSION *session), void *emit_context)
{
	struct seen_list list = { NULL, 0, 0 };

	net_each(task->net, see_conn, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct seen *seen = &list.all[i];
		POSTIL_SESSION session = {
			.id_high = (DWORD)(seen->id >> 32), .id_low = (DWORD)seen->id, .user = "",
			.address = seen->peer.text, .port = seen->peer.local_port,
			.since_secs = seconds_since(seen->since_ms),
			.idle_secs = seconds_since(seen->active_ms), .messages = seen->messages,
		};

		emit(emit_context, &session);
	}
	free(list.all);
}

DWORD console_drop_sessions(struct task *task, const char *pattern)
{
	struct seen_list list = { NULL, 0, 0 };
	DWORD dropped = 0;

	net_each(task->net, see_conn, &list);
	for (size_t i = 0; i < list.count; i++)
		if ((strcasecmp(pattern, "ALL") == 0 || strcmp(pattern, list.all[i].peer.text) == 0) &&
		    net_close_conn(task->net, list.all[i].id, POSTIL_ERR_CANCEL) == NOERROR)
			dropped++;
	free(list.all);
	return dropped;
}
