/* notes.ini: any text parses or is refused; what was read can be set and read
 * again. */
#include <string.h>

#include "base/ini.h"
#include "tests/fuzz/fuzz.h"

static bool first_setting(void *context, const char *name, const char *value)
{
	char **copy = context;

	*copy = strdup(name);
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ini *ini = NULL;
	char *name = NULL;

	if (ini_parse((struct slice){ (const char *)data, n }, &ini) != NOERROR)
		return 0;
	ini_each(ini, first_setting, &name);
	if (name != NULL) {
		ini_get_number(ini, name, 0);
		if (ini_set(ini, name, " new ") == NOERROR) {
			FUZZ_CHECK(strcmp(ini_get(ini, name), "new") == 0);
			FUZZ_CHECK(ini_set(ini, name, NULL) == NOERROR);
			FUZZ_CHECK(ini_get(ini, name) == NULL);
		}
	}
	free(name);
	ini_free(&ini);
	return 0;
}
