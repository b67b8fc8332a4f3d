/* The notice that a mail file is nearly full: a Quota Report in its own inbox, as a message that
 * every client can read. The names in it come from the file and from the directory: what would not
 * fit a header field is left out. */
#include "mailfile/nsfstore.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "mailfile/message.h"
#include "nsf/nsf.h"

struct report {
	const struct nsfstore *store;
	const char *path;               /* relative, for people */
	struct nsf_quota quota;
	struct buf address, domain, text;
};

/* One line of printable ASCII without blanks. */
static bool is_word(const struct buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] <= ' ' || b->p[i] > '~')
			return false;
	return b->n > 0;
}

/* Whom it is to, and from whose domain. */
static void find_names(struct report *r, struct nsf *nsf)
{
	const struct render_options *render = &r->store->render;
	struct buf owner = BUF_INIT;

	if (nsf_property_get(nsf, NSF_PROPERTY_OWNER, &owner) != NOERROR || render->address == NULL
	    || render->address(render->context, buf_slice(&owner), &r->address) != NOERROR
	    || !is_word(&r->address))
		buf_clear(&r->address);
	if (render->find_domain == NULL
	    || render->find_domain(render->context, &r->domain) != NOERROR || !is_word(&r->domain)) {
		buf_clear(&r->domain);
		buf_add_slice(&r->domain, render->domain);
	}
	if (!is_word(&r->domain)) {
		buf_clear(&r->domain);
		buf_add_slice(&r->domain, SLICE_LIT("localhost"));
	}
	buf_release(&owner);
}

static void add_header(struct report *r)
{
	time_t now = time(NULL);
	char date[40] = "";
	struct unid unique;
	char hex[33] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm) != NULL)
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	if (unid_random(&unique) == NOERROR)
		unid_format(&unique, hex);
	buf_addf(&r->text, "From: Mail Router <postmaster@%s>\r\n", buf_cstr(&r->domain));
	if (r->address.n > 0)
		buf_addf(&r->text, "To: <%s>\r\n", buf_cstr(&r->address));
	else
		buf_addf(&r->text, "To: undisclosed-recipients:;\r\n");
	buf_addf(&r->text, "Subject: Quota Report: your mail file is nearly full\r\n"
	         "Date: %s\r\nMessage-ID: <%s@%s>\r\nMIME-Version: 1.0\r\n"
	         "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
	         "Auto-Submitted: auto-generated\r\n\r\n", date, hex, buf_cstr(&r->domain));
}

static void add_text(struct report *r)
{
	char used[16], warning[16], limit[16];

	text_size(r->quota.used_octets, used);
	text_size(r->quota.warning_octets, warning);
	text_size(r->quota.octets, limit);
	buf_addf(&r->text, "Your mail file %s uses %s.\r\n\r\nThe warning threshold is %s.\r\n",
	         r->path, used, warning);
	if (r->quota.octets > 0)
		buf_addf(&r->text, "Above the quota of %s no more mail will be received.\r\n", limit);
	buf_addf(&r->text, "\r\nPlease delete what is no longer needed, and empty the trash.\r\n");
}

static STATUS make_note(const struct report *r, struct arena *arena, struct note *note)
{
	note_init(note, arena);
	note->class = NOTE_CLASS_DOCUMENT;
	if (note_add_text(note, "Form", SLICE_LIT("Quota Report")) == NULL
	    || note_add_text(note, "$QuotaType", SLICE_LIT("Warning")) == NULL
	    || note_add_text(note, "From", SLICE_LIT("Mail Router")) == NULL
	    || note_add_text(note, "SendTo", buf_slice(&r->address)) == NULL
	    || note_add_text(note, "Subject",
	                     SLICE_LIT("Quota Report: your mail file is nearly full")) == NULL)
		return POSTIL_ERR_MEMORY;
	return NOERROR;
}

static STATUS deliver(struct report *r, struct nsf *nsf, struct fault *fault)
{
	struct intake_options options = { .spool_dir = r->store->render.spool_dir };
	struct arena arena = ARENA_INIT;
	struct maildrop_delivery m;
	struct intake *intake = NULL;
	struct note note;
	STATUS status = make_note(r, &arena, &note);

	if (status == NOERROR)
		status = buf_status(&r->text);
	if (status == NOERROR)
		status = intake_new(&options, &intake);
	if (status == NOERROR)
		status = intake_add(intake, r->text.p, r->text.n);
	if (status == NOERROR)
		status = intake_finish(intake, &m);
	if (status == NOERROR) {
		struct nsf_delivery d = { .size_octets = m.size_octets, .header_octets = m.header_octets,
			.has_dot_line = m.has_dot_line, .body = m.body, .context = m.context, .note = &note,
			.quota_report = true };

		status = nsf_deliver(nsf, &d, 1, NULL, NULL, fault);
	}
	intake_free(&intake);
	arena_release(&arena);
	return status;
}

void nsfstore_warn_of_quota(const struct nsfstore *store, struct nsf *nsf, const char *full)
{
	struct report r = { .store = store, .path = full + store->data_dir_length + 1,
		.address = BUF_INIT, .domain = BUF_INIT, .text = BUF_INIT };
	struct fault fault = { .status = NOERROR };
	STATUS status = nsf_quota_get(nsf, &r.quota);

	if (status == NOERROR) {
		find_names(&r, nsf);
		add_header(&r);
		add_text(&r);
		status = deliver(&r, nsf, &fault);
	}
	if (status == NOERROR)
		nsfstore_tell(store, "%s uses %llu octets, its warning threshold is %llu; its owner has been "
		              "told", r.path, (unsigned long long)r.quota.used_octets,
		              (unsigned long long)r.quota.warning_octets);
	else
		nsfstore_tell(store, "%s has reached its warning threshold, but its owner cannot be told: %s",
		              r.path, fault_text(&fault, status));
	buf_release(&r.address);
	buf_release(&r.domain);
	buf_release(&r.text);
}
