/* The session's surroundings, in memory. */
#include "tests/support/lmtpdrive.h"

#include <stdlib.h>
#include <string.h>

#include "addin/lmtp/post.h"
#include "tests/support/source_memory.h"

#define STEP 1024               /* octets shown at once, as the engine does */

const char lmtp_people[] =
	"Form=Server|ServerName=CN=mail/O=Acme|SMTPFullHostDomain=mail.acme.example\n"
	"Form=Domain|DomainType=GlobalDomain|LocalPrimaryInternetDomain=acme.example\n"
	"Form=Person|FullName=CN=Jada Correr/O=Acme;Jada Correr;jcorrer;J\xC3\xBCrgen"
	"|InternetAddress=jcorrer@acme.example|MailFile=mail\\jcorrer\n"
	"Form=Person|FullName=CN=Ann Lee/OU=Sales/O=Acme|ShortName=alee|MailFile=mail\\alee\n"
	"Form=Person|FullName=CN=Gone Away/O=Acme|ShortName=gone|MailFile=mail\\gone|MailAddress=g@else.example\n"
	"Form=Person|FullName=CN=Sam Twin/OU=A/O=Acme|MailFile=mail\\sam1\n"
	"Form=Person|FullName=CN=Sam Twin/OU=B/O=Acme|MailFile=mail\\sam2\n"
	"Form=Group|ListName=Staff|GroupType=1|Members=Jada Correr/Acme;Ann Lee/Sales/Acme;else@else.example\n";

/* Also where no test of Check runs: for the fuzzer. */
static void must(bool promise)
{
	if (!promise)
		abort();
}

/* --- the seam ------------------------------------------------------------------------ */

static STATUS answer(struct lmtp_drive *d, STATUS status)
{
	if (!d->pending)
		return status;
	d->held = status;
	d->calling = true;
	return LMTP_PENDING;
}

static STATUS seam_find(void *context, struct slice address, struct lmtp_found *found_r)
{
	struct lmtp_drive *d = context;
	struct recipient_rules rules = { .data_dir = "/tmp", .domains = &d->domains,
		.separators = SLICE_LIT("+") };
	struct fault fault = { .status = NOERROR };

	d->finds++;
	d->found = (struct lmtp_found){ .recipient = NULL };
	if (d->find_status == NOERROR)
		d->found.result = recipient_find(d->directory, &rules, address, &d->found.recipient, &fault);
	if (!d->pending && d->find_status == NOERROR)
		*found_r = d->found;
	d->found_at = found_r;
	return answer(d, d->find_status);
}

static void add_log(void *context, const char *text)
{
	buf_addf(context, "%s\n", text);
}

static STATUS seam_deliver(void *context, struct lmtp_batch **batch)
{
	struct lmtp_drive *d = context;
	struct post post = { .store = d->store, .log = add_log, .log_context = &d->log };

	d->deliveries++;
	post_batch(&post, *batch);
	if (d->deliver_status != NOERROR)
		lmtp_batch_free(batch);
	d->batch = NULL;
	d->batch_at = batch;
	if (d->pending) {
		d->batch = *batch;
		*batch = NULL;
	}
	return answer(d, d->deliver_status);
}

static bool seam_has_more(void *context)
{
	const struct lmtp_drive *d = context;

	return d->shown < d->in.n;
}

static const struct lmtp_seam seam = { seam_find, seam_deliver, seam_has_more };

/* --- the engine ------------------------------------------------------------------------ */

void lmtp_drive_options(struct lmtp_session_options *options)
{
	*options = (struct lmtp_session_options){
		.greeting = "mail.acme.example Postil LMTP ready", .host = "mail.acme.example",
		.max_octets = 1000000, .max_recipients = 1000, .max_files = 10000, .max_bad_commands = 20,
	};
}

void lmtp_drive_open(struct lmtp_drive *d)
{
	struct directory_source *source;

	must(source_memory_new(&source) == NOERROR);
	must(source_memory_write(source, lmtp_people) == NOERROR);
	must(directory_new(source, &d->directory) == NOERROR);
	must(mail_domains_read(d->directory, SLICE_LIT("CN=mail/O=Acme"), NULL, 0, &d->arena, &d->domains) ==
	     NOERROR);
	if (d->options.host == NULL)
		lmtp_drive_options(&d->options);
	must(lmtp_session_new(&d->options, &seam, d, &d->session) == NOERROR);
	d->next = lmtp_session_open(d->session, &d->out);
}

static void resume(struct lmtp_drive *d)
{
	must(d->calling);
	d->calling = false;
	if (d->batch_at != NULL && d->batch != NULL)
		*d->batch_at = d->batch;
	d->batch = NULL;
	if (d->found_at != NULL && d->held == NOERROR && d->batch_at == NULL)
		*d->found_at = d->found;
	d->found_at = NULL;
	d->batch_at = NULL;
	d->shown = 0;
	d->next = lmtp_session_resume(d->session, d->held, &d->out);
}

static void feed_piece(struct lmtp_drive *d, struct slice octets)
{
	size_t step = STEP;
	bool starved = false;

	buf_add_slice(&d->in, octets);
	while (d->next != NET_CLOSE && !starved) {
		size_t used = 0;

		if (d->next == NET_PARKED) {
			resume(d);
			continue;
		}
		if (d->next == NET_PULL) {
			d->next = lmtp_session_pull(d->session, &d->out);
			continue;
		}
		d->shown = d->in.n < step ? d->in.n : step;
		d->next = lmtp_session_input(d->session, (struct slice){ d->in.p, d->shown }, &used, &d->out);
		must(used <= d->shown);
		starved = used == 0 && d->shown == d->in.n && d->next == NET_CONTINUE;
		step = used > 0 || d->next != NET_CONTINUE ? STEP : 2 * step;
		buf_remove_front(&d->in, used);
	}
}

void lmtp_drive_feed(struct lmtp_drive *d, struct slice octets, size_t piece)
{
	while (octets.n > 0) {
		size_t n = piece == 0 || octets.n < piece ? octets.n : piece;

		feed_piece(d, (struct slice){ octets.p, n });
		octets.p += n;
		octets.n -= n;
	}
}

void lmtp_drive_close(struct lmtp_drive *d)
{
	lmtp_session_free(&d->session);
	lmtp_batch_free(&d->batch);
	directory_close(&d->directory);
	arena_release(&d->arena);
	buf_release(&d->in);
	buf_release(&d->out);
	buf_release(&d->log);
}

char *lmtp_drive_content(struct mail_store *store, const char *path)
{
	struct maildrop_options options = { .utf8 = true };
	struct buf text = BUF_INIT;
	struct maildrop *drop;
	uint64_t epoch, octets;
	uint32_t count;

	if (store->calls->open(store, path, &options, &drop, &epoch, NULL) != NOERROR)
		return strdup("none");
	store->calls->stat(drop, &count, &octets);
	for (uint32_t i = 0; i < count; i++) {
		struct maildrop_message message;
		size_t got = 0;

		store->calls->message(drop, i, &message);
		must(buf_reserve(&text, message.size_octets) == NOERROR);
		must(store->calls->read(drop, i, 0, text.p + text.n, message.size_octets, &got, NULL) == NOERROR);
		must(got == message.size_octets);
		text.n += got;
	}
	store->calls->close(&drop);
	buf_cstr(&text);
	return text.p != NULL ? text.p : strdup("");
}
