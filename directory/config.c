/*
 * Configuration Settings: which document is nearest, and what it says of lockout.
 * Values that are not understood have been told of when the document was compiled.
 */
#include "directory/config.h"

#include <string.h>

#include "base/text.h"
#include "directory/access.h"
#include "directory/private.h"
#include "directory/settings.h"

#include "base/banned.h"

struct nearest {
	const struct names_list *server;
	enum config_nearness nearness;
	struct unid unid;               /* of two equally near ones the lower counts */
	struct lockout_rules rules;
};

/* How near is this document to the server? */
static enum config_nearness nearness_of(const struct note *note, const struct names_list *server)
{
	const struct item *item = setting_item(note, SET_CONFIG_SERVER);
	enum config_nearness nearest = setting_switch(note, SET_CONFIG_DEFAULT) ? CONFIG_DEFAULT
	                                                                         : CONFIG_NONE;

	for (size_t i = 0; item != NULL && i < item->count; i++) {
		const struct names_entry *entry = names_list_find(server, item->values[i]);
		enum config_nearness this = entry == NULL ? CONFIG_NONE
			: entry->kind == NAMES_GROUP ? CONFIG_GROUP
			: entry->kind == NAMES_WILDCARD ? CONFIG_DEFAULT : CONFIG_SERVER;

		if (this > nearest)
			nearest = this;
	}
	return nearest;
}

/* The item in minutes, else the number in the unit beside it. */
static uint64_t read_secs(const struct note *note, enum setting minutes, enum setting number,
                          enum setting unit)
{
	uint64_t value = 0;

	if (setting_item(note, minutes) != NULL && setting_number(note, minutes, &value))
		return value * 60;
	setting_number(note, number, &value);
	return value * setting_unit_secs(note, unit);
}

static void read_rules(const struct note *note, struct lockout_rules *rules)
{
	uint64_t tries = 0;

	setting_number(note, SET_LOCKOUT_TRIES, &tries);
	*rules = (struct lockout_rules){
		.enforce = setting_switch(note, SET_LOCKOUT),
		.log_lockouts = setting_switch(note, SET_LOCKOUT_LOG_LOCKOUTS),
		.log_failures = setting_switch(note, SET_LOCKOUT_LOG_FAILURES),
		.lock_address = setting_switch(note, SET_LOCKOUT_ADDRESS),
		.count_against_address = setting_switch(note, SET_LOCKOUT_COUNT_ADDRESS),
		.max_tries = (uint32_t)tries,
		.expire_secs = read_secs(note, SET_LOCKOUT_EXPIRES_MINUTES, SET_LOCKOUT_EXPIRES,
		                         SET_LOCKOUT_EXPIRES_UNIT),
		.clear_secs = read_secs(note, SET_LOCKOUT_CLEARS_MINUTES, SET_LOCKOUT_CLEARS,
		                        SET_LOCKOUT_CLEARS_UNIT),
	};
}

static STATUS take_config(void *context, const struct note *note, const char *file)
{
	struct nearest *n = context;
	enum config_nearness nearness = nearness_of(note, n->server);

	if (nearness == CONFIG_NONE || nearness < n->nearness ||
	    (nearness == n->nearness && memcmp(note->unid.octets, n->unid.octets, UNID_OCTETS) > 0))
		return NOERROR;
	n->nearness = nearness;
	n->unid = note->unid;
	read_rules(note, &n->rules);
	return NOERROR;
}

STATUS directory_lockout_rules(struct directory *dir, struct slice server,
                               struct lockout_rules *rules_r, enum config_nearness *nearness_r)
{
	struct directory_source *source = directory_source(dir);
	struct arena arena = ARENA_INIT;
	struct names_list names;
	struct nearest nearest = { .server = &names, .rules = { .log_lockouts = true,
	                           .log_failures = true } };
	STATUS status = directory_names_list(dir, server, SLICE_LIT(""), GROUPS_OF_SERVERS, &arena,
	                                     &names);

	if (status == NOERROR)
		status = source->calls->documents(source, "ServerConfig", take_config, &nearest);
	arena_release(&arena);
	if (status != NOERROR)
		return status;
	*rules_r = nearest.rules;
	if (nearness_r != NULL)
		*nearness_r = nearest.nearness;
	return NOERROR;
}
