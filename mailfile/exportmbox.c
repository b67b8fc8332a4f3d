/* Messages into an mbox file. Distrusted: what messages hold, for names of senders go
 * into the lines that begin them. */
#include "mailfile/exporter.h"

#include <string.h>
#include <time.h>

#include "mailfile/header.h"
#include "mailfile/mbox.h"
#include "mailfile/mboxhead.h"

#define SENDER_MAX 200

/* The address in a value, without anything that would break the line. */
static void put_sender(struct slice value, char out[SENDER_MAX + 1])
{
	const char *open_angle = memchr(value.p, '<', value.n);
	size_t n = 0, i = open_angle != NULL ? (size_t)(open_angle - value.p) + 1 : 0;

	while (i < value.n && (value.p[i] == ' ' || value.p[i] == '\t'))
		i++;
	for (; i < value.n && n < SENDER_MAX; i++) {
		if (value.p[i] <= ' ' || value.p[i] == 0x7F || value.p[i] == '>')
			break;
		out[n++] = value.p[i];
	}
	out[n] = '\0';
}

/* When it was received, else its own date, else now. */
static time_t date_of(const struct exporter *ex, struct slice header)
{
	struct slice value;
	int64_t secs;

	if (ex->details.received_ms > 0)
		return (time_t)(ex->details.received_ms / 1000);
	if (header_find(header, "Date", &value) && header_date(value, &secs) && secs >= 0)
		return (time_t)secs;
	return time(NULL);
}

static void from_line(const struct exporter *ex, struct slice header, char *out, size_t size)
{
	char sender[SENDER_MAX + 1] = "", date[32] = "";
	time_t when = date_of(ex, header);
	struct slice value;
	struct tm tm;

	if ((header_find(header, "Return-Path", &value) || header_find(header, "From", &value))
	    && value.n != 0)
		put_sender(value, sender);
	if (gmtime_r(&when, &tm) == NULL || asctime_r(&tm, date) == NULL)
		snprintf(date, sizeof(date), "Thu Jan  1 00:00:00 1970\n");
	snprintf(out, size, "From %s %s", sender[0] != '\0' ? sender : "MAILER-DAEMON", date);
}

/* Letters of a Maildir as those of X-Status. */
static void x_status(const char *flags, char out[8])
{
	size_t n = 0;

	for (; *flags != '\0' && n < 7; flags++)
		out[n++] = *flags == 'R' ? 'A' : *flags == 'D' ? 'T' : 'F';
	out[n] = '\0';
}

/* The books stand before the message's own header: import takes out just these lines. */
static STATUS put_books(struct exporter *ex)
{
	char text[400], base[64] = "", flags[8], more[32] = "";
	uint32_t count;
	uint64_t octets;

	x_status(ex->details.flags, flags);
	ex->drop->calls->stat(ex->drop, &count, &octets);
	if (ex->uid == 1)
		snprintf(base, sizeof(base), "X-IMAPbase: %u %u\n", (unsigned)ex->validity,
		         (unsigned)count);
	if (flags[0] != '\0')
		snprintf(more, sizeof(more), "X-Status: %s\n", flags);
	snprintf(text, sizeof(text), MBOX_EXPORT_FIELD ": %d\n%sX-UID: %u\nX-UIDL: %.*s\n"
	         "Status: %sO\n%s", 3 + (base[0] != '\0') + (more[0] != '\0'), base,
	         (unsigned)ex->uid, (int)ex->message.uidl.n, ex->message.uidl.p,
	         ex->details.read ? "R" : "", more);
	return export_octets(ex, text, strlen(text));
}

static STATUS feed_writer(void *context, const void *p, size_t n)
{
	return mbox_writer_feed(context, p, n);
}

STATUS export_mbox_message(struct exporter *ex, uint32_t index, size_t got)
{
	enum mbox_quoting quoting = ex->form == MAIL_FORM_MBOX ? MBOX_QUOTE_FROM
	                                                       : MBOX_QUOTE_ALL;
	struct mbox_writer writer;
	char line[SENDER_MAX + 64], key[24];
	STATUS status;

	from_line(ex, (struct slice){ ex->piece, got }, line, sizeof(line));
	snprintf(key, sizeof(key), "%llu", (unsigned long long)ex->report->messages + 1);
	mbox_writer_init(&writer, quoting, export_octets, ex);
	status = export_map_line(ex, key);
	if (status == NOERROR)
		status = export_octets(ex, line, strlen(line));
	if (status == NOERROR && ex->options->books)
		status = put_books(ex);
	if (status == NOERROR)
		status = export_rest(ex, index, got, feed_writer, &writer);
	if (status == NOERROR)
		status = mbox_writer_end(&writer);
	return status == NOERROR ? export_octets(ex, "\n", 1) : status;
}
