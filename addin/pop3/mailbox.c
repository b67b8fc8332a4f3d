/*
 * Reading ahead, committing, letting go. Distrusts the store only as far as its
 * contract goes: numbers of octets are checked, contents are not looked at.
 */
#include "addin/pop3/mailbox.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_OCTETS (256 * 1024)       /* of a long message in one job */
#define AHEAD_OCTETS (64 * 1024)        /* of the messages behind a short one */
#define AHEAD_ALL_OCTETS (16 * 1024 * 1024)     /* of all sessions that wait */
#define NEVER_READ UINT32_MAX

struct mailbox {
	struct task *task;
	struct maildrop *drop;          /* NULL: closed */
	struct registry_entry *entry;
	uint32_t timeout_ms;
	uint32_t number;                /* of the message that data begins with */
	uint32_t whole;                 /* so many whole messages follow it in data */
	uint32_t last;                  /* asked for before this one */
	uint64_t offset;                /* of data's first octet in its message */
	size_t first, n;                /* octets of that message; all octets */
	size_t given;                   /* up to here data has been handed out */
	size_t counted;                 /* octets of data that are in ahead_octets */
	char *data;
	struct mailbox_commit *commit;
	uint32_t *indexes;              /* of a commit */
	size_t deleted_count, read_count;
};

enum { COMMIT_WAITS, COMMIT_BEGUN, COMMIT_GIVEN_UP };

struct mailbox_commit {
	atomic_int state;
	atomic_uint shares;             /* the session's and the job's */
};

static _Atomic size_t ahead_octets;     /* data of all mailboxes that holds more than asked */

static void drop_data(struct mailbox *m)
{
	atomic_fetch_sub(&ahead_octets, m->counted);
	free(m->data);
	m->data = NULL;
	m->n = m->first = m->given = m->counted = 0;
	m->whole = 0;
}

static void tell(struct mailbox *m, const char *what, STATUS status, const struct fault *fault)
{
	const char *path = registry_path(m->entry);

	task_log(m->task, "POP3 Server: %s cannot be %s: %s", path, what, fault_text(fault, status));
	if (status == POSTIL_ERR_DAMAGED)
		task_log(m->task, "POP3 Server: enter `load fixup %s` to repair it", path);
}

/* --- open and close ------------------------------------------------------------ */

STATUS mailbox_open(struct task *task, const struct settings *settings,
                    const struct acl_who *who, bool utf8, struct registry_entry **entry,
                    struct mailbox **mailbox_r)
{
	struct maildrop_options options = { .unread_only = settings->read_all == 0, .utf8 = utf8,
		.user = slice_of(registry_person(*entry)), .who = who };
	struct mailbox *m = calloc(1, sizeof(*m));
	struct fault fault = { .status = NOERROR };
	uint32_t messages;
	uint64_t epoch, octets;
	STATUS status;

	if (m == NULL)
		return POSTIL_ERR_MEMORY;
	m->task = task;
	m->entry = *entry;
	m->timeout_ms = settings->store_timeout_secs * 1000;
	m->last = NEVER_READ;
	status = task->store->calls->open(task->store, registry_path(*entry), &options, &m->drop,
	                                  &epoch, &fault);
	if (status != NOERROR) {
		if (status != POSTIL_ERR_IN_USE && status != POSTIL_ERR_NOEXIST &&
		    status != POSTIL_ERR_NOACCESS)
			tell(m, "opened", status, &fault);
		free(m);
		return status;
	}
	mailbox_stat(m, &messages, &octets);
	registry_open(task->registry, m->entry, messages);
	*entry = NULL;
	*mailbox_r = m;
	return NOERROR;
}

bool mailbox_may_delete(const struct mailbox *m)
{
	return m->drop->rights.may_delete;
}

static void close_drop(struct mailbox *m)
{
	if (m->drop != NULL)
		m->drop->calls->close(&m->drop);
}

void mailbox_close(struct mailbox **mailbox)
{
	struct mailbox *m = *mailbox;

	if (m == NULL)
		return;
	close_drop(m);
	registry_remove(m->task->registry, &m->entry);
	drop_data(m);
	mailbox_commit_release(&m->commit);
	free(m->indexes);
	free(m);
	*mailbox = NULL;
}

static STATUS run_close(void *context)
{
	close_drop(context);
	return NOERROR;
}

static void discard(void *context, STATUS status)
{
	struct mailbox *m = context;

	mailbox_close(&m);
}

static void make_job(struct mailbox *m, STATUS (*run)(void *context), struct net_job *job_r)
{
	*job_r = (struct net_job){
		.class = NET_JOB_STORE, .deadline_ms = m->timeout_ms, .run = run,
		.discard = discard, .context = m,
	};
}

void mailbox_let_go(struct mailbox **mailbox)
{
	struct net_job job;

	if (*mailbox == NULL)
		return;
	make_job(*mailbox, run_close, &job);
	net_detach((*mailbox)->task->net, &job);
	*mailbox = NULL;
}

/* --- what is in it --------------------------------------------------------------- */

void mailbox_stat(const struct mailbox *m, uint32_t *messages_r, uint64_t *octets_r)
{
	m->drop->calls->stat(m->drop, messages_r, octets_r);
}

void mailbox_info(const struct mailbox *m, uint32_t number, struct pop3_message_info *info_r)
{
	struct maildrop_message message = { .needs_utf8 = false };

	m->drop->calls->message(m->drop, number - 1, &message);
	info_r->size_octets = message.size_octets;
	info_r->header_octets = message.header_octets;
	info_r->needs_utf8 = message.needs_utf8;
	info_r->uidl_length = message.uidl.n <= POP3_UIDL_MAX ? (uint8_t)message.uidl.n : 0;
	memcpy(info_r->uidl, message.uidl.p, info_r->uidl_length);
}

static uint64_t size_of(const struct mailbox *m, uint32_t number)
{
	struct maildrop_message message;

	m->drop->calls->message(m->drop, number - 1, &message);
	return message.size_octets;
}

/* --- reading ----------------------------------------------------------------------- */

bool mailbox_has(struct mailbox *m, uint32_t number, uint64_t offset, size_t size,
                 struct slice *data_r)
{
	size_t at = 0, length = m->first;
	uint64_t from = m->offset;

	if (m->data == NULL || number < m->number || number - m->number > m->whole)
		return false;
	for (uint32_t i = m->number; i < number; i++) {
		at += length;
		from = 0;
		length = (size_t)size_of(m, i + 1);
	}
	if (offset < from || offset - from >= length)
		return false;
	at += (size_t)(offset - from);
	length -= (size_t)(offset - from);
	*data_r = (struct slice){ m->data + at, size < length ? size : length };
	m->given = at + data_r->n;
	m->last = number;
	return true;
}

void mailbox_trim(struct mailbox *m)
{
	if (m->data != NULL && m->given == m->n)
		drop_data(m);
}

/* Messages are being fetched in order: how many more fit behind this one. */
static uint32_t count_ahead(const struct mailbox *m, uint32_t number, size_t *octets)
{
	uint32_t messages, count = 0;
	uint64_t unused;

	mailbox_stat(m, &messages, &unused);
	while (number + count < messages) {
		uint64_t size = size_of(m, number + count + 1);

		if (size == 0 || size > AHEAD_OCTETS - *octets)
			break;
		*octets += (size_t)size;
		count++;
	}
	return count;
}

static STATUS read_one(struct mailbox *m, uint32_t number, uint64_t offset, size_t at,
                       size_t size)
{
	struct fault fault = { .status = NOERROR };
	size_t got = 0;
	STATUS status = m->drop->calls->read(m->drop, number - 1, offset, m->data + at, size, &got,
	                                     &fault);

	if (status == NOERROR && got != size)
		status = fault_set(&fault, POSTIL_ERR_DAMAGED, "message %u ends too early", number);
	if (status != NOERROR)
		tell(m, "read", status, &fault);
	return status;
}

static STATUS run_read(void *context)
{
	struct mailbox *m = context;
	size_t at = m->first;
	STATUS status;

	m->data = malloc(m->n);
	if (m->data == NULL)
		return POSTIL_ERR_MEMORY;
	status = read_one(m, m->number, m->offset, 0, m->first);
	for (uint32_t i = 1; status == NOERROR && i <= m->whole; i++) {
		size_t size = (size_t)size_of(m, m->number + i);

		/* What fails here is told when it is asked for. */
		if (read_one(m, m->number + i, 0, at, size) != NOERROR) {
			m->whole = i - 1;
			break;
		}
		at += size;
	}
	if (status != NOERROR) {
		drop_data(m);
		return status;
	}
	m->n = at;
	m->counted = m->whole > 0 ? at : 0;
	atomic_fetch_add(&ahead_octets, m->counted);
	return NOERROR;
}

void mailbox_read_job(struct mailbox *m, uint32_t number, uint64_t offset, size_t size,
                      struct net_job *job_r)
{
	uint64_t left = size_of(m, number) - offset;
	bool next_one = m->last != NEVER_READ && number == m->last + 1;

	drop_data(m);
	m->number = number;
	m->offset = offset;
	m->first = size;
	if (size >= NET_PIECE && left > size)
		m->first = left < PIECE_OCTETS ? (size_t)left : PIECE_OCTETS;
	m->n = m->first;
	if (next_one && offset == 0 && m->first == left && m->first < AHEAD_OCTETS / 2 &&
	    atomic_load(&ahead_octets) < AHEAD_ALL_OCTETS)
		m->whole = count_ahead(m, number, &m->n);
	make_job(m, run_read, job_r);
}

/* --- UPDATE --------------------------------------------------------------------------- */

struct reclaim {
	struct task *task;
	bool more;
	char path[];
};

static STATUS run_reclaim(void *context)
{
	struct reclaim *r = context;

	r->more = false;
	return r->task->store->calls->reclaim(r->task->store, r->path, &r->more);
}

static void reclaim_done(void *context, STATUS status);

static void reclaim_again(struct reclaim *r)
{
	struct net_job job = { .class = NET_JOB_STORE, .run = run_reclaim,
		.discard = reclaim_done, .context = r };

	net_detach(r->task->net, &job);
}

static void reclaim_done(void *context, STATUS status)
{
	struct reclaim *r = context;

	if (status == NOERROR && r->more)
		reclaim_again(r);
	else
		free(r);
}

static void start_reclaim(struct mailbox *m)
{
	const char *path = registry_path(m->entry);
	size_t size = strlen(path) + 1;
	struct reclaim *r;

	if (m->task->store->calls->reclaim == NULL)
		return;
	r = malloc(sizeof(*r) + size);
	if (r == NULL)
		return;
	r->task = m->task;
	memcpy(r->path, path, size);
	reclaim_again(r);
}

static STATUS commit_new(struct mailbox_commit **commit_r)
{
	struct mailbox_commit *commit = malloc(sizeof(*commit));

	if (commit == NULL)
		return POSTIL_ERR_MEMORY;
	atomic_init(&commit->state, COMMIT_WAITS);
	atomic_init(&commit->shares, 2);
	*commit_r = commit;
	return NOERROR;
}

/* The first of the two to move the state decides. */
static bool commit_move(struct mailbox_commit *commit, int to)
{
	int waits = COMMIT_WAITS;

	return atomic_compare_exchange_strong(&commit->state, &waits, to);
}

bool mailbox_commit_give_up(struct mailbox_commit *commit)
{
	return commit_move(commit, COMMIT_GIVEN_UP);
}

void mailbox_commit_release(struct mailbox_commit **commit)
{
	if (*commit != NULL && atomic_fetch_sub(&(*commit)->shares, 1) == 1)
		free(*commit);
	*commit = NULL;
}

/* The maildrop is let go whatever happened, so that the next login finds it free. */
static STATUS run_commit(void *context)
{
	struct mailbox *m = context;
	struct fault fault = { .status = NOERROR };
	STATUS status = NOERROR;

	if (!commit_move(m->commit, COMMIT_BEGUN))
		return POSTIL_ERR_CANCEL;
	if (m->deleted_count + m->read_count > 0)
		status = m->drop->calls->commit(m->drop, m->indexes, m->deleted_count,
		                                m->indexes + m->deleted_count, m->read_count, &fault);
	if (status != NOERROR)
		tell(m, "updated", status, &fault);
	close_drop(m);
	if (status == NOERROR && m->deleted_count > 0)
		start_reclaim(m);
	return status;
}

STATUS mailbox_commit_job(struct mailbox *m, const uint32_t *deleted, size_t deleted_count,
                          const uint32_t *read, size_t read_count,
                          struct mailbox_commit **commit_r, struct net_job *job_r)
{
	size_t n = 0;
	STATUS status;

	drop_data(m);
	m->indexes = malloc((deleted_count + read_count + 1) * sizeof(*m->indexes));
	status = m->indexes == NULL ? POSTIL_ERR_MEMORY : commit_new(&m->commit);
	if (status != NOERROR)
		return status;
	*commit_r = m->commit;
	for (size_t i = 0; i < deleted_count; i++)
		m->indexes[n++] = deleted[i] - 1;
	for (size_t i = 0; i < read_count; i++)
		m->indexes[n++] = read[i] - 1;
	m->deleted_count = deleted_count;
	m->read_count = read_count;
	make_job(m, run_commit, job_r);
	return NOERROR;
}
