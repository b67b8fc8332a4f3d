/* Names as Domino has them. No input. */
#include "addin/pop3/statistics.h"

#include <stddef.h>

#include <postil.h>
#include <stats.h>

enum { WHOLE, LARGE };          /* VT_LONG has 32 bits; octets need more */

static const struct {
	const char *name;
	int kind;
	size_t offset, size;
} table[] = {
#define WHOLE_(name, field) { name, WHOLE, offsetof(struct net_counters, field), \
	sizeof(((struct net_counters *)NULL)->field) }
#define LARGE_(name, field) { name, LARGE, offsetof(struct net_counters, field), \
	sizeof(((struct net_counters *)NULL)->field) }
	WHOLE_("Sessions.Inbound.Accept.Queue", queue),
	WHOLE_("Sessions.Inbound.Active", active),
	WHOLE_("Sessions.Inbound.Active.SSL", active_tls),
	LARGE_("Sessions.Inbound.BytesReceived", octets_in),
	LARGE_("Sessions.Inbound.BytesSent", octets_out),
	WHOLE_("Sessions.Inbound.Peak", peak),
	WHOLE_("Sessions.Inbound.Peak.SSL", peak_tls),
	WHOLE_("Sessions.Inbound.Total", accepted),
	WHOLE_("Sessions.Inbound.Total.SSL", accepted_tls),
	WHOLE_("Sessions.Inbound.Total.SSL.Bad_Handshake", bad_handshakes),
	WHOLE_("Sessions.Threads.Busy", threads_busy),
	WHOLE_("Sessions.Threads.InThreadPool", threads),
	WHOLE_("Sessions.Threads.Peak", threads_peak),
};

#define COUNT (sizeof(table) / sizeof(table[0]))

static uint64_t value_of(const struct net_counters *counters, size_t i)
{
	const char *at = (const char *)counters + table[i].offset;

	return table[i].size == sizeof(uint64_t) ? *(const uint64_t *)(const void *)at
	                                         : *(const unsigned *)(const void *)at;
}

void statistics_publish(struct net *net)
{
	static uint64_t told[COUNT];
	static bool begun;
	POSTIL_STATISTIC changed[COUNT + 1];
	struct net_counters counters;
	WORD count = 0;

	net_counters(net, &counters);
	for (size_t i = 0; i < COUNT; i++) {
		uint64_t value = value_of(&counters, i);
		NUMBER number = (NUMBER)value;

		if (begun && value == told[i])
			continue;
		told[i] = value;
		if (table[i].kind == LARGE)
			StatUpdate(STATPKG_POP3, table[i].name, ST_UNIQUE, VT_NUMBER, &number);
		else
			changed[count++] = (POSTIL_STATISTIC){ table[i].name,
				value > INT32_MAX ? INT32_MAX : (LONG)value };
	}
	if (count > 0 || !begun)
		changed[count++] = (POSTIL_STATISTIC){ "Sessions.Threads.Idle",
			(LONG)(counters.threads - counters.threads_busy) };
	begun = true;
	if (count > 0)
		PostilStatistics(STATPKG_POP3, changed, count);
}
