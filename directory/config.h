/*
 * Configuration Settings documents (ServerConfig): of those whose ServerName is this
 * server, a group it is in, or `*`, the nearest one holds as a whole, in that order.
 */
#ifndef POSTIL_DIRECTORY_CONFIG_H
#define POSTIL_DIRECTORY_CONFIG_H

#include "directory/directory.h"
#include "directory/lockout.h"

enum config_nearness { CONFIG_NONE, CONFIG_DEFAULT, CONFIG_GROUP, CONFIG_SERVER };

/* Rules of Internet password lockout for server; without a document nothing is enforced.
 * nearness_r (may be NULL) says which kind of document it was. */
STATUS directory_lockout_rules(struct directory *dir, struct slice server,
                               struct lockout_rules *rules_r, enum config_nearness *nearness_r);

#endif
