/*
 * A batch becomes deliveries: one for each message and mail file. Addresses and header fields in
 * the log are a stranger's, and shown escaped.
 */
#include "addin/lmtp/post.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addin/mail/delivery.h"
#include "base/note.h"
#include "base/text.h"

#define SHOWN_OCTETS 200
#define LINE_OCTETS 1000

/* A mail file of the message under way, and its delivery. */
struct target {
	const char *path;
	size_t delivery;
};

struct posting {
	const struct post *post;
	struct arena arena;
	struct maildrop_delivery *finished;     /* of each message */
	struct delivery *list;
	size_t count;
	size_t *map;                    /* for each file of each recipient: its delivery */
	size_t mapped;
	void *targets;                  /* tsearch, of one message */
};

#define NO_DELIVERY SIZE_MAX

/* --- the log ------------------------------------------------------------------------- */

static void add_field(struct buf *line, const char *name, struct slice value)
{
	buf_addf(line, " %s [", name);
	text_escape(value, SHOWN_OCTETS, line);
	buf_add_char(line, ']');
}

static void tell(const struct post *post, const struct lmtp_message *m, uint64_t octets,
                 struct slice message_id, const struct lmtp_recipient *r)
{
	struct buf line = BUF_INIT;
	STATUS status = m->broken != NOERROR ? m->broken : r->status;

	if (post->quiet)
		return;
	buf_add_str(&line, "lmtp: delivery");
	add_field(&line, "to", slice_of(r->address));
	add_field(&line, "from", slice_of(m->sender));
	add_field(&line, "message-id", message_id);
	buf_addf(&line, " size %" PRIu64 ": ", octets);
	if (status != NOERROR)
		buf_addf(&line, "failed (%s)", status_text(status));
	else if (r->recipient->count == 1)
		buf_addf(&line, "delivered (%s)", r->recipient->files[0].path);
	else
		buf_addf(&line, "delivered (%zu mail files)", r->recipient->count);
	post->log(post->log_context, buf_cstr(&line));
	buf_release(&line);
}

static void tell_all(const struct posting *p, const struct lmtp_batch *batch)
{
	size_t i = 0;

	for (const struct lmtp_message *m = batch->first; m != NULL; m = m->next, i++) {
		struct slice id = { "", 0 };

		if (m->broken == NOERROR && p->finished[i].note != NULL)
			id = note_text(p->finished[i].note, "$MessageID");
		for (size_t j = 0; j < m->count; j++)
			tell(p->post, m, m->broken == NOERROR ? p->finished[i].size_octets : m->octets, id,
			     &m->recipients[j]);
	}
}

static void tell_trouble(void *context, const struct delivery *delivery, const struct fault *fault)
{
	const struct post *post = ((const struct posting *)context)->post;
	char line[LINE_OCTETS];

	snprintf(line, sizeof(line), "LMTP Server: %s cannot take a message: %s", delivery->path,
	         fault_text(fault, delivery->status));
	post->log(post->log_context, line);
}

/* --- deliveries ------------------------------------------------------------------------ */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct target *)a)->path, ((const struct target *)b)->path);
}

static void no_free(void *unused)
{
}

static STATUS make_top(struct posting *p, const struct lmtp_message *m,
                       const struct lmtp_recipient *r, struct slice *top_r)
{
	struct buf top = BUF_INIT;
	STATUS status = delivery_add_return_path(slice_of(m->sender), &top);

	if (status == NOERROR)
		status = delivery_add_delivered_to(slice_of(r->address), &top);
	if (status == NOERROR)
		status = arena_copy(&p->arena, buf_slice(&top), top_r);
	buf_release(&top);
	return status;
}

/* The delivery of a message for a mail file: there already for another recipient, or a new one. */
static STATUS find_delivery(struct posting *p, const struct delivery *wanted, size_t *delivery_r)
{
	struct target *target = arena_alloc(&p->arena, sizeof(*target)), **found;

	if (target == NULL)
		return POSTIL_ERR_MEMORY;
	*target = (struct target){ wanted->path, p->count };
	found = tsearch(target, &p->targets, by_path);
	if (found == NULL)
		return POSTIL_ERR_MEMORY;
	*delivery_r = (*found)->delivery;
	if (*found == target)
		p->list[p->count++] = *wanted;
	p->list[*delivery_r].beyond_quota |= wanted->beyond_quota;
	return NOERROR;
}

/* A group's mail files are opened first: what cannot be opened keeps the message from all of
 * them, so that another try does not bring it to the others again. */
static STATUS prepare(struct posting *p, const struct recipient *recipient,
                      const struct maildrop_delivery *message)
{
	STATUS status = NOERROR;

	for (size_t i = 0; recipient->count > 1 && i < recipient->count && status == NOERROR; i++) {
		struct delivery one = { .path = recipient->files[i].path,
			.owner = recipient->files[i].owner, .message = message };
		struct fault fault = { .status = NOERROR };

		status = one.status = delivery_prepare(p->post->store, &one, 1, &fault);
		if (status != NOERROR)
			tell_trouble(p, &one, &fault);
	}
	return status;
}

static STATUS add_recipient(struct posting *p, const struct lmtp_message *m, size_t index,
                            const struct lmtp_recipient *r)
{
	const struct recipient *recipient = r->recipient;
	size_t *map = p->map + p->mapped;
	struct delivery wanted = { .message = &p->finished[index],
		.beyond_quota = recipient->count > 1 };
	STATUS status = make_top(p, m, r, &wanted.top);

	for (size_t i = 0; i < recipient->count; i++)
		map[i] = NO_DELIVERY;
	p->mapped += recipient->count;
	if (status == NOERROR)
		status = prepare(p, recipient, &p->finished[index]);
	for (size_t i = 0; i < recipient->count && status == NOERROR; i++) {
		wanted.path = recipient->files[i].path;
		wanted.owner = recipient->files[i].owner;
		status = find_delivery(p, &wanted, &map[i]);
	}
	return status;
}

static void add_message(struct posting *p, struct lmtp_message *m, size_t index)
{
	if (m->broken == NOERROR)
		m->broken = intake_finish(m->intake, &p->finished[index]);
	for (size_t i = 0; i < m->count && m->broken == NOERROR; i++)
		m->recipients[i].status = add_recipient(p, m, index, &m->recipients[i]);
	tdestroy(p->targets, no_free);
	p->targets = NULL;
}

/* --- what came of it --------------------------------------------------------------------- */

/* A group's message is delivered when every member has it. */
static STATUS result_of(const struct posting *p, const size_t *map, size_t count)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < count && status == NOERROR; i++)
		status = map[i] == NO_DELIVERY ? POSTIL_ERR_MEMORY : p->list[map[i]].status;
	return status;
}

static void take_results(const struct posting *p, struct lmtp_batch *batch)
{
	const size_t *map = p->map;

	for (struct lmtp_message *m = batch->first; m != NULL; m = m->next)
		for (size_t i = 0; i < m->count && m->broken == NOERROR; i++) {
			struct lmtp_recipient *r = &m->recipients[i];

			if (r->status == NOERROR)
				r->status = result_of(p, map, r->recipient->count);
			map += r->recipient->count;
		}
}

static bool make_room(struct posting *p, const struct lmtp_batch *batch)
{
	size_t files = 0;

	for (const struct lmtp_message *m = batch->first; m != NULL; m = m->next)
		files += m->files;
	p->finished = calloc(batch->count + 1, sizeof(*p->finished));
	p->list = calloc(files + 1, sizeof(*p->list));
	p->map = calloc(files + 1, sizeof(*p->map));
	return p->finished != NULL && p->list != NULL && p->map != NULL;
}

static void give_up(struct lmtp_batch *batch)
{
	for (struct lmtp_message *m = batch->first; m != NULL; m = m->next)
		if (m->broken == NOERROR)
			m->broken = POSTIL_ERR_MEMORY;
}

void post_batch(const struct post *post, struct lmtp_batch *batch)
{
	struct posting p = { .post = post };
	size_t i = 0;

	if (!make_room(&p, batch)) {
		give_up(batch);
	} else {
		for (struct lmtp_message *m = batch->first; m != NULL; m = m->next)
			add_message(&p, m, i++);
		delivery_run(post->store, p.list, p.count, tell_trouble, &p);
		take_results(&p, batch);
		tell_all(&p, batch);
	}
	free(p.finished);
	free(p.list);
	free(p.map);
	arena_release(&p.arena);
}
