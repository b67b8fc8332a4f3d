/*
 * Says which of the host's own variables in notes.ini make no sense, and what
 * counts instead. The values come from whoever edits the file or sets them.
 */
#include <inttypes.h>
#include <strings.h>

#include "addin/host/host.h"
#include "base/banned.h"

struct number {
	const char *name;
	int64_t fallback, least, most;
};

static const struct number numbers[] = {
	{ "TASK_QUIT_SECONDS", 60, 1, 3600 },
	{ "TASK_LOG_LINES_PER_SECOND", 2000, 1, 1000000 },
	{ "LISTEN_RETRY_SECONDS", 20, 1, 3600 },
	{ "CONSOLE_LOG_GENERATIONS", 5, 1, 99 },
};

struct choice {
	const char *name, *told;
	const char *words[3];
};

static const struct choice choices[] = {
	{ "CONSOLE_LOG_FORMAT", "text or json, text is used", { "text", "json", "json" } },
	{ "DateOrder", "MDY, DMY or YMD, MDY is used", { "MDY", "DMY", "YMD" } },
};

static bool is_meant(const char *name, const char *changed)
{
	return changed == NULL || strcasecmp(name, changed) == 0;
}

static void judge_number(const struct host *host, const struct number *n)
{
	const char *value = setting(host, n->name);
	int64_t given = ini_get_number(host->ini, n->name, n->least - 1);

	if (value[0] != '\0' && (given < n->least || given > n->most))
		log_say(host->log, "notes.ini: %s=%s is not a number from %" PRId64 " to %" PRId64
		        ", %" PRId64 " is used", n->name, value, n->least, n->most,
		        setting_number(host, n->name, n->fallback, n->least, n->most));
}

static void judge_choice(const struct host *host, const struct choice *c)
{
	const char *value = setting(host, c->name);

	if (value[0] == '\0')
		return;
	for (size_t i = 0; i < sizeof(c->words) / sizeof(c->words[0]); i++)
		if (strcasecmp(value, c->words[i]) == 0)
			return;
	log_say(host->log, "notes.ini: %s=%s is not %s", c->name, value, c->told);
}

void settings_judge(const struct host *host, const char *changed)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (is_meant(numbers[i].name, changed))
			judge_number(host, &numbers[i]);
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (is_meant(choices[i].name, changed))
			judge_choice(host, &choices[i]);
}
