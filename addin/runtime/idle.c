/* The idle loop of a task and the clocks that go with it. No input. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "addin/api/addin.h"
#include "addin/runtime/defaults.h"
#include "addin/runtime/idle.h"
#include "addin/runtime/link.h"
#include "addin/runtime/outbox.h"
#include "base/clock.h"

#define IDLE_MS 100
#define DAY_SECS 86400
#define DAY_STARTS_SECS (2 * 3600)      /* 02:00 GMT */

static _Atomic int64_t started_secs;

/* The last two calls of AddInIdle in this thread. */
static _Thread_local struct {
	bool known;
	int64_t before, now;
} ticks;

static _Thread_local struct {
	bool told;
	int64_t day;    /* the one TRUE was last returned in */
} daily;

void idle_start(void)
{
	atomic_store(&started_secs, clock_wall_secs());
}

static void tick(void)
{
	ticks.before = ticks.known ? ticks.now : atomic_load(&started_secs);
	ticks.now = clock_wall_secs();
	ticks.known = true;
}

BOOL LNPUBLIC AddInShouldTerminate(void)
{
	return link_is_ending() ? TRUE : FALSE;
}

BOOL LNPUBLIC AddInIdleDelay(DWORD delay)
{
	BOOL ending = AddInShouldTerminate();

	outbox_kick();
	if (!ending)
		ending = link_wait_ending(delay) ? TRUE : FALSE;
	tick();
	return ending;
}

BOOL LNPUBLIC AddInIdle(void)
{
	return AddInIdleDelay(IDLE_MS);
}

BOOL LNPUBLIC AddInSecondsHaveElapsed(DWORD seconds)
{
	if (seconds == 0 || !ticks.known)
		return FALSE;
	return ticks.now / seconds > ticks.before / seconds ? TRUE : FALSE;
}

BOOL LNPUBLIC AddInDayHasElapsed(void)
{
	int64_t day = (clock_wall_secs() - DAY_STARTS_SECS) / DAY_SECS;

	if (daily.told && day <= daily.day)
		return FALSE;
	daily.told = true;
	daily.day = day;
	return TRUE;
}
