/*
 * A list of all sessions is put together from the engine (addresses, times) and
 * the registry (persons), each under its own lock, and told when both are free.
 */
#include "addin/pop3/console.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addin/pop3/client.h"
#include "addin/pop3/registry.h"
#include "base/clock.h"
#include "base/name.h"

struct seen {
	uint64_t id, since_ms, active_ms;
	struct net_peer peer;
	char *person;           /* NULL: not logged in */
	uint32_t messages;
};

struct seen_list {
	struct seen *all;
	size_t count, room;
};

static void see_conn(void *context, struct net_conn *conn, void *state)
{
	struct seen_list *list = context;

	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : list->room * 2;
		struct seen *all = realloc(list->all, room * sizeof(*all));

		if (all == NULL)
			return;
		list->all = all;
		list->room = room;
	}
	struct seen *seen = &list->all[list->count++];

	*seen = (struct seen){ .id = net_conn_id(conn), .since_ms = client_since_ms(state),
		.active_ms = net_conn_active_ms(conn) };
	net_conn_peer(conn, &seen->peer);
}

static int by_id(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void see_person(void *context, uint64_t conn_id, const char *person, uint32_t messages)
{
	struct seen_list *list = context;
	struct seen key = { .id = conn_id }, *seen = NULL;

	if (list->count > 0)
		seen = bsearch(&key, list->all, list->count, sizeof(key), by_id);
	if (seen == NULL || seen->person != NULL)
		return;
	seen->person = strdup(person);
	seen->messages = messages;
}

static void look(struct task *task, struct seen_list *list)
{
	*list = (struct seen_list){ NULL, 0, 0 };
	net_each(task->net, see_conn, list);
	if (list->count > 0)
		qsort(list->all, list->count, sizeof(list->all[0]), by_id);
	registry_each(task->registry, see_person, list);
}

static void forget(struct seen_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->all[i].person);
	free(list->all);
}

static DWORD seconds_since(uint64_t then_ms)
{
	uint64_t now = clock_mono_ms();

	return now > then_ms ? (DWORD)((now - then_ms) / 1000) : 0;
}

void console_list_sessions(struct task *task, void (*emit)(void *emit_context,
                           const POSTIL_SESSION *session), void *emit_context)
{
	struct seen_list list;

	look(task, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct seen *seen = &list.all[i];
		POSTIL_SESSION session = {
			.id_high = (DWORD)(seen->id >> 32), .id_low = (DWORD)seen->id,
			.user = seen->person != NULL ? seen->person : "",
			.address = seen->peer.text, .port = seen->peer.local_port,
			.tls = seen->peer.tls, .since_secs = seconds_since(seen->since_ms),
			.idle_secs = seconds_since(seen->active_ms), .messages = seen->messages,
		};

		emit(emit_context, &session);
	}
	forget(&list);
}

static bool is_meant(const struct seen *seen, const char *pattern)
{
	struct slice name = slice_of(pattern);
	struct buf common = BUF_INIT;
	bool meant;

	if (strcasecmp(pattern, "ALL") == 0 || strcmp(pattern, seen->peer.text) == 0)
		return true;
	if (seen->person == NULL)
		return false;
	if (name_equal(name, slice_of(seen->person)))
		return true;
	name_common(slice_of(seen->person), &common);
	meant = slice_equal_nocase(name, buf_slice(&common));
	buf_release(&common);
	return meant;
}

DWORD console_drop_sessions(struct task *task, const char *pattern)
{
	struct seen_list list;
	DWORD dropped = 0;

	look(task, &list);
	for (size_t i = 0; i < list.count; i++)
		if (is_meant(&list.all[i], pattern) &&
		    net_close_conn(task->net, list.all[i].id, POSTIL_ERR_CANCEL) == NOERROR)
			dropped++;
	forget(&list);
	return dropped;
}
