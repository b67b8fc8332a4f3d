/* Packed message lists. The numbers come from a database file and are checked
 * when they are added; what is packed is trusted. */
#include "mailfile/list.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define VARINT_MAX 10
#define NEEDS_UTF8 0x7F         /* longer than any UIDL */
#define DATA_MAX UINT32_MAX     /* offsets are 32 bits */

struct msglist {
	atomic_uint users;
	uint32_t count;
	uint64_t octets;
	size_t memory;
	bool one_form;
	const uint8_t *data;    /* behind offsets, in the same allocation */
	struct slice acl;       /* behind data */
	uint32_t offsets[];
};

static size_t varint_put(uint8_t *p, uint64_t value)
{
	size_t n = 0;

	while (value >= 0x80) {
		p[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	p[n++] = (uint8_t)value;
	return n;
}

static uint64_t varint_get(const uint8_t **p)
{
	uint64_t value = **p & 0x7F;

	for (unsigned shift = 7; (*(*p)++ & 0x80) != 0; shift += 7)
		value |= (uint64_t)(**p & 0x7F) << shift;
	return value;
}

void msglist_start(struct msglist_maker *maker)
{
	*maker = (struct msglist_maker){ .one_form = true };
	buf_init(&maker->data, 0);
	buf_init(&maker->offsets, 0);
	buf_init(&maker->acl, 0);
}

void msglist_give_up(struct msglist_maker *maker)
{
	buf_release(&maker->data);
	buf_release(&maker->offsets);
	buf_release(&maker->acl);
}

STATUS msglist_add(struct msglist_maker *maker, uint64_t id,
                   const struct maildrop_message *m)
{
	uint8_t *p;
	size_t n;

	if (id <= maker->last_id || m->uidl.n == 0 || m->uidl.n > MAILDROP_UIDL_MAX
	    || maker->count == UINT32_MAX - 1 || maker->data.n > DATA_MAX - 256)
		return POSTIL_ERR_DAMAGED;
	if (maker->octets + m->size_octets < maker->octets)
		return POSTIL_ERR_DAMAGED;
	if (maker->count % LIST_BLOCK == 0) {
		uint32_t at = (uint32_t)maker->data.n;

		buf_add(&maker->offsets, &at, sizeof(at));
		maker->last_id = 0;
	}
	if (buf_reserve(&maker->data, 3 * VARINT_MAX + 2 + MAILDROP_UIDL_MAX) != NOERROR)
		return buf_status(&maker->data);
	p = (uint8_t *)maker->data.p + maker->data.n;
	n = varint_put(p, id - maker->last_id);
	n += varint_put(p + n, m->size_octets);
	n += varint_put(p + n, m->header_octets);
	if (m->needs_utf8)
		p[n++] = NEEDS_UTF8;
	p[n++] = (uint8_t)((m->has_dot_line ? 0x80 : 0) | m->uidl.n);
	memcpy(p + n, m->uidl.p, m->uidl.n);
	maker->data.n += n + m->uidl.n;
	maker->last_id = id;
	maker->octets += m->size_octets;
	maker->count++;
	return buf_status(&maker->offsets);
}

STATUS msglist_finish(struct msglist_maker *maker, struct msglist **list_r)
{
	size_t size = sizeof(struct msglist) + maker->offsets.n + maker->data.n + maker->acl.n;
	char *at;
	struct msglist *list = malloc(size);

	if (list == NULL)
		return POSTIL_ERR_MEMORY;
	atomic_init(&list->users, 1);
	list->count = maker->count;
	list->octets = maker->octets;
	list->memory = size;
	list->one_form = maker->one_form;
	if (maker->offsets.n != 0)
		memcpy(list->offsets, maker->offsets.p, maker->offsets.n);
	if (maker->data.n != 0)
		memcpy((char *)list->offsets + maker->offsets.n, maker->data.p, maker->data.n);
	at = (char *)list->offsets + maker->offsets.n;
	list->data = (const uint8_t *)at;
	at += maker->data.n;
	list->acl = (struct slice){ at, maker->acl.n };
	if (maker->acl.n != 0)
		memcpy(at, maker->acl.p, maker->acl.n);
	msglist_give_up(maker);
	*list_r = list;
	return NOERROR;
}

struct msglist *msglist_hold(struct msglist *list)
{
	atomic_fetch_add_explicit(&list->users, 1, memory_order_relaxed);
	return list;
}

void msglist_let_go(struct msglist **list)
{
	if (*list != NULL
	    && atomic_fetch_sub_explicit(&(*list)->users, 1, memory_order_acq_rel) == 1)
		free(*list);
	*list = NULL;
}

uint32_t msglist_count(const struct msglist *list)
{
	return list->count;
}

uint64_t msglist_octets(const struct msglist *list)
{
	return list->octets;
}

size_t msglist_memory(const struct msglist *list)
{
	return list->memory;
}

bool msglist_is_one_form(const struct msglist *list)
{
	return list->one_form;
}

struct slice msglist_acl(const struct msglist *list)
{
	return list->acl;
}

/* Step over the message at the cursor. */
static void step(const struct msglist *list, struct msglist_cursor *c,
                 struct maildrop_message *m)
{
	const uint8_t *p = list->data + c->at;

	if (c->next % LIST_BLOCK == 0)
		c->last_id = 0;
	c->last_id += varint_get(&p);
	m->size_octets = varint_get(&p);
	m->header_octets = varint_get(&p);
	m->needs_utf8 = *p == NEEDS_UTF8;
	p += m->needs_utf8;
	m->has_dot_line = (*p & 0x80) != 0;
	m->uidl.n = *p++ & 0x7F;
	m->uidl.p = (const char *)p;
	c->at = (uint32_t)(p + m->uidl.n - list->data);
	c->next++;
}

uint64_t msglist_get(const struct msglist *list, struct msglist_cursor *cursor,
                     uint32_t index, struct maildrop_message *message_r)
{
	assert(index < list->count);
	if (index < cursor->next || index / LIST_BLOCK != cursor->next / LIST_BLOCK) {
		cursor->next = index - index % LIST_BLOCK;
		cursor->at = list->offsets[index / LIST_BLOCK];
	}
	do
		step(list, cursor, message_r);
	while (cursor->next <= index);
	return cursor->last_id;
}
