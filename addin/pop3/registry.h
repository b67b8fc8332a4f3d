/*
 * The maildrops this task has open, so that a login can find who holds one, and
 * the console can tell who is here. All calls from any thread.
 */
#ifndef POSTIL_POP3_REGISTRY_H
#define POSTIL_POP3_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct registry;
struct registry_entry;

STATUS registry_new(struct registry **registry_r);
void registry_free(struct registry **registry);

/* A person's session begins; POSTIL_ERR_LIMIT: there are `most` of them. It has
 * no maildrop until registry_open. */
STATUS registry_add(struct registry *registry, struct slice person, const char *path,
                    const char *address, uint64_t conn_id, unsigned most,
                    struct registry_entry **entry_r);
/* The maildrop has been opened and holds so many messages. */
void registry_open(struct registry *registry, struct registry_entry *entry, uint32_t messages);
void registry_remove(struct registry *registry, struct registry_entry **entry);

const char *registry_path(const struct registry_entry *entry);
const char *registry_person(const struct registry_entry *entry);

/* Which connection from this address holds the maildrop; false: none does. */
bool registry_holder(struct registry *registry, const char *path, const char *address,
                     uint64_t *conn_id_r);
/* Each open maildrop, under the registry's lock: do little. */
void registry_each(struct registry *registry,
                   void (*each)(void *context, uint64_t conn_id, const char *person,
                                uint32_t messages), void *context);

#endif
