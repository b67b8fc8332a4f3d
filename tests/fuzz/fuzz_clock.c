/* DXL times: what parses can be written, and reads the same again. */
#include <string.h>

#include "base/clock.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_dxl(const char *text)
{
	int64_t wall_ms, again;
	char out[32];

	if (!timedate_parse_dxl(text, &wall_ms))
		return;
	timedate_format_dxl(wall_ms, out);
	if (out[0] != '\0') {           /* a zone can lead out of the years 1 to 9999 */
		FUZZ_CHECK(timedate_parse_dxl(out, &again));
		FUZZ_CHECK(again == wall_ms);
	}
}

static void fuzz_timedate(const uint8_t *data)
{
	struct timedate t;
	int64_t wall_ms;
	char out[32];

	memcpy(&t, data, sizeof(t));
	if (timedate_to_wall(t, &wall_ms))
		timedate_format_dxl(wall_ms, out);
	memcpy(&wall_ms, data, sizeof(wall_ms));
	timedate_format_dxl(wall_ms, out);
	timedate_from_wall(wall_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = strndup((const char *)data, n);

	if (text == NULL)
		abort();
	fuzz_dxl(text);
	free(text);
	if (n >= sizeof(struct timedate))
		fuzz_timedate(data);
	return 0;
}
