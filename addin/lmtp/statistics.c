/* Names after those of the POP3 task. No input. */
#include "addin/lmtp/statistics.h"

#include <postil.h>
#include <stats.h>

#define FACILITY "LMTP"

enum { ACTIVE, PEAK, TOTAL, REFUSED, BYTES_IN, BYTES_OUT, BUSY, POOL, MESSAGES, OCTETS, DELIVERED, FAILED,
	REFUSED_RECIPIENTS, UNTRUSTED, COUNT };

/* large: VT_LONG has 32 bits, these need more. */
static const struct {
	const char *name;
	bool large;
} table[COUNT] = {
	[ACTIVE] = { "Sessions.Inbound.Active", false },
	[PEAK] = { "Sessions.Inbound.Peak", false },
	[TOTAL] = { "Sessions.Inbound.Total", false },
	[REFUSED] = { "Sessions.Inbound.Refused", false },
	[BYTES_IN] = { "Sessions.Inbound.BytesReceived", true },
	[BYTES_OUT] = { "Sessions.Inbound.BytesSent", true },
	[BUSY] = { "Sessions.Threads.Busy", false },
	[POOL] = { "Sessions.Threads.InThreadPool", false },
	[MESSAGES] = { "Messages.Received", false },
	[OCTETS] = { "Messages.Bytes", true },
	[DELIVERED] = { "Recipients.Delivered", false },
	[FAILED] = { "Recipients.Failed", false },
	[REFUSED_RECIPIENTS] = { "Recipients.Refused", false },
	[UNTRUSTED] = { "Sessions.Inbound.Untrusted", false },
};

static void take_values(struct task *task, uint64_t values[COUNT])
{
	struct task_counters *sum = &task->counters;
	struct net_counters net;

	net_counters(task->net, &net);
	values[ACTIVE] = net.active;
	values[PEAK] = net.peak;
	values[TOTAL] = net.accepted;
	values[REFUSED] = net.refused;
	values[BYTES_IN] = net.octets_in;
	values[BYTES_OUT] = net.octets_out;
	values[BUSY] = net.threads_busy;
	values[POOL] = net.threads;
	values[MESSAGES] = atomic_load(&sum->messages);
	values[OCTETS] = atomic_load(&sum->octets);
	values[DELIVERED] = atomic_load(&sum->delivered);
	values[FAILED] = atomic_load(&sum->failed);
	values[REFUSED_RECIPIENTS] = atomic_load(&sum->refused);
	values[UNTRUSTED] = atomic_load(&sum->untrusted);
}

void statistics_publish(struct task *task)
{
	static uint64_t told[COUNT];
	static bool begun;
	uint64_t values[COUNT];
	POSTIL_STATISTIC changed[COUNT];
	WORD count = 0;

	take_values(task, values);
	for (size_t i = 0; i < COUNT; i++) {
		NUMBER number = (NUMBER)values[i];

		if (begun && values[i] == told[i])
			continue;
		told[i] = values[i];
		if (table[i].large)
			StatUpdate(FACILITY, table[i].name, ST_UNIQUE, VT_NUMBER, &number);
		else
			changed[count++] = (POSTIL_STATISTIC){ table[i].name,
				values[i] > INT32_MAX ? INT32_MAX : (LONG)values[i] };
	}
	begun = true;
	if (count > 0)
		PostilStatistics(FACILITY, changed, count);
}
