/*
 * Time, replaceable in tests.
 */
#ifndef POSTIL_BASE_CLOCK_H
#define POSTIL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

uint64_t clock_mono_ms(void);   /* CLOCK_MONOTONIC, milliseconds */
int64_t clock_wall_secs(void);  /* since 1970-01-01 UTC */
int64_t clock_wall_ms(void);

/* From now on both clocks show these values (tests only); -1 lets them run. */
void clock_fake(int64_t mono_ms, int64_t wall_ms);

/* A Notes TIMEDATE: two 32-bit numbers, Innards[0] hundredths of a second
 * since midnight GMT, Innards[1] Julian day and zone (C API, TIMEDATE). */
struct timedate {
	uint32_t innards[2];
};
struct timedate timedate_from_wall(int64_t wall_ms);    /* zone GMT */
bool timedate_to_wall(struct timedate t, int64_t *wall_ms_r); /* false: no full time */

/* DXL datetime text ("20140808T131833,00-04") to milliseconds since 1970.
 * A text without zone is GMT. false: absent, date-only, time-only, malformed. */
bool timedate_parse_dxl(const char *text, int64_t *wall_ms_r);
void timedate_format_dxl(int64_t wall_ms, char out[32]);       /* "...+00"; "" outside years 1 to 9999 */

#endif
