/* Messages on their way through a session. Addresses have been checked, octets are anything. */
#include "addin/lmtp/batch.h"

#include <stdlib.h>
#include <string.h>

struct lmtp_message *lmtp_message_new(struct slice sender, bool smtputf8)
{
	struct lmtp_message *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->smtputf8 = smtputf8;
	m->sender = strndup(sender.n > 0 ? sender.p : "", sender.n);
	if (m->sender == NULL)
		lmtp_message_free(&m);
	return m;
}

void lmtp_message_free(struct lmtp_message **message)
{
	struct lmtp_message *m = *message;

	if (m == NULL)
		return;
	for (size_t i = 0; i < m->count; i++) {
		free(m->recipients[i].address);
		free(m->recipients[i].recipient);
	}
	free(m->recipients);
	free(m->sender);
	intake_free(&m->intake);
	buf_release(&m->after);
	free(m);
	*message = NULL;
}

STATUS lmtp_message_add(struct lmtp_message *m, struct slice address, struct recipient *recipient)
{
	struct lmtp_recipient entry = { .recipient = recipient, .status = NOERROR };

	if (m->count == m->room) {
		size_t room = m->room == 0 ? 2 : 2 * m->room;
		struct lmtp_recipient *list = reallocarray(m->recipients, room, sizeof(*list));

		if (list == NULL)
			return POSTIL_ERR_MEMORY;
		m->recipients = list;
		m->room = room;
	}
	entry.address = strndup(address.p, address.n);
	if (entry.address == NULL)
		return POSTIL_ERR_MEMORY;
	m->recipients[m->count++] = entry;
	m->files += recipient->count;
	return NOERROR;
}

/* What comes behind a failure is not kept, so neither is what came before it. */
static void give_up(struct lmtp_message *m, STATUS status)
{
	m->broken = status;
	intake_free(&m->intake);
}

void lmtp_message_octets(struct lmtp_message *m, const struct intake_options *options,
                         struct slice octets)
{
	STATUS status = m->broken;

	m->octets += octets.n;
	if (status == NOERROR && m->intake == NULL)
		status = intake_new(options, &m->intake);
	if (status == NOERROR)
		status = intake_add(m->intake, octets.p, octets.n);
	if (status != NOERROR)
		give_up(m, status);
}

struct lmtp_batch *lmtp_batch_new(void)
{
	return calloc(1, sizeof(struct lmtp_batch));
}

void lmtp_batch_free(struct lmtp_batch **batch)
{
	struct lmtp_message *next;

	if (*batch == NULL)
		return;
	for (struct lmtp_message *m = (*batch)->first; m != NULL; m = next) {
		next = m->next;
		lmtp_message_free(&m);
	}
	free(*batch);
	*batch = NULL;
}

void lmtp_batch_add(struct lmtp_batch *batch, struct lmtp_message *message)
{
	if (batch->last != NULL)
		batch->last->next = message;
	else
		batch->first = message;
	batch->last = message;
	batch->count++;
	batch->octets += message->octets;
}
