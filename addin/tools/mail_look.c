/* postil mail info, list: looking without taking the session lock. What
 * messages hold is hostile; on a terminal nothing but text is shown. */
#include "addin/tools/mail_notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "mailfile/header.h"
#include "nsf/nsf.h"

#define HEADER_OCTETS 16384

/* --- info ------------------------------------------------------------------------ */

static void show_finding(void *context, const char *text)
{
	printf("Finding:   %s\n", text);
}

static int check_file(struct mail_tool *t)
{
	struct fault fault = { 0 };
	STATUS status = nsf_check(buf_cstr(&t->full_path), show_finding, NULL, &fault);

	if (status != NOERROR)
		return tool_fail(&fault, status);
	printf("Check:     no fault found\n");
	return EX_OK;
}

static void show_owner(struct nsf *nsf)
{
	struct buf owner = BUF_INIT, shown = BUF_INIT;

	if (nsf_property_get(nsf, "owner", &owner) == NOERROR) {
		header_text(buf_slice(&owner), 1024, &shown);
		printf("Owner:     %s\n", buf_cstr(&shown));
	}
	buf_release(&owner);
	buf_release(&shown);
}

static STATUS show_info(struct mail_tool *t, struct fault *fault)
{
	const char *path = buf_cstr(&t->full_path);
	uint64_t count, octets;
	struct nsf *nsf;
	struct stat st;
	char size[16];
	STATUS status = nsf_open(path, &nsf, fault);

	if (status != NOERROR)
		return status;
	status = nsf_inbox_stat(nsf, &count, &octets);
	if (status == NOERROR) {
		printf("Mail file: %s\n", path);
		show_owner(nsf);
		text_size(octets, size);
		printf("Messages:  %llu\nOctets:    %llu (%s)\n", (unsigned long long)count,
		       (unsigned long long)octets, size);
		if (stat(path, &st) == 0) {
			text_size((uint64_t)st.st_size, size);
			printf("File size: %llu (%s)\n", (unsigned long long)st.st_size, size);
		}
	}
	nsf_close(&nsf);
	return status;
}

int mail_info(int argc, char **argv)
{
	static const char usage[] = "mail info [-c] [-d DATA] MAILFILE";
	const char *data = NULL;
	struct fault fault = { 0 };
	struct mail_tool t;
	bool check = false;
	int option, exit_status;
	STATUS status;

	while ((option = getopt(argc, argv, "cd:")) != -1)
		switch (option) {
		case 'c': check = true; break;
		case 'd': data = optarg; break;
		default: return tool_usage(usage);
		}
	if (argc - optind != 1)
		return tool_usage(usage);
	exit_status = mail_tool_open(&t, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	status = show_info(&t, &fault);
	if (status != NOERROR)
		exit_status = tool_fail(&fault, status);
	if (check || status == POSTIL_ERR_DAMAGED) {
		int checked = check_file(&t);

		exit_status = exit_status == EX_OK ? checked : exit_status;
	}
	mail_tool_close(&t);
	return exit_status;
}

/* --- list -------------------------------------------------------------------------- */

/* At most width characters of a header field. */
static void put_field(struct slice header, const char *name, size_t width, bool pad)
{
	struct buf text = BUF_INIT;
	struct slice value;
	size_t characters = 0;

	if (header_find(header, name, &value))
		header_text(value, 4 * width, &text);
	for (size_t i = 0; i < text.n; i++) {
		if (((unsigned char)text.p[i] & 0xC0) != 0x80 && ++characters > width)
			break;
		putchar(text.p[i]);
	}
	for (; pad && characters < width; characters++)
		putchar(' ');
	buf_release(&text);
}

static void put_date(struct slice header)
{
	char text[32] = "";
	struct slice value;
	struct tm tm;
	int64_t secs;
	time_t when;

	if (header_find(header, "Date", &value) && header_date(value, &secs)) {
		when = (time_t)secs;
		if (localtime_r(&when, &tm) != NULL)
			strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	}
	printf("%-16s  ", text);
}

static STATUS list_one(struct maildrop *drop, uint32_t index, bool uidls, struct fault *fault)
{
	struct maildrop_message message;
	char header[HEADER_OCTETS];
	size_t got = 0, wanted;
	STATUS status;

	drop->calls->message(drop, index, &message);
	if (uidls) {
		printf("%u %llu %.*s\n", index + 1, (unsigned long long)message.size_octets,
		       (int)message.uidl.n, message.uidl.p);
		return NOERROR;
	}
	wanted = message.header_octets < sizeof(header) ? (size_t)message.header_octets
	                                                : sizeof(header);
	status = drop->calls->read(drop, index, 0, header, wanted, &got, fault);
	if (status == POSTIL_ERR_DELETED)
		return NOERROR;
	if (status != NOERROR)
		return status;
	printf("%6u %10llu  ", index + 1, (unsigned long long)message.size_octets);
	put_date((struct slice){ header, got });
	put_field((struct slice){ header, got }, "From", 24, true);
	printf("  ");
	put_field((struct slice){ header, got }, "Subject", 40, false);
	putchar('\n');
	return NOERROR;
}

static int list_all(struct mail_tool *t, bool uidls)
{
	struct fault fault = { 0 };
	struct maildrop *drop;
	uint64_t octets;
	uint32_t count;
	STATUS status = NOERROR;
	int exit_status = mail_tool_drop(t, true, &drop);

	if (exit_status != EX_OK)
		return exit_status;
	t->store->calls->stat(drop, &count, &octets);
	for (uint32_t i = 0; i < count && status == NOERROR; i++)
		status = list_one(drop, i, uidls, &fault);
	t->store->calls->close(&drop);
	if (status != NOERROR)
		return tool_fail(&fault, status);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

int mail_list(int argc, char **argv)
{
	static const char usage[] = "mail list [-u] [-d DATA] MAILFILE\n"
		"       postil mail list [-d DATA] [-f FOLDER] [-m USER] MAILFILE";
	const char *data = NULL, *folder = NULL, *user = NULL;
	struct mail_tool t;
	bool uidls = false;
	int option, exit_status;

	while ((option = getopt(argc, argv, "ud:f:m:")) != -1)
		switch (option) {
		case 'u': uidls = true; break;
		case 'd': data = optarg; break;
		case 'f': folder = optarg; break;
		case 'm': user = optarg; break;
		default: return tool_usage(usage);
		}
	if (argc - optind != 1 || (uidls && (folder != NULL || user != NULL)))
		return tool_usage(usage);
	if (folder != NULL || user != NULL)
		return mail_notes_list(data, argv[optind], folder != NULL ? folder : NSF_INBOX, user);
	exit_status = mail_tool_open(&t, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	exit_status = list_all(&t, uidls);
	mail_tool_close(&t);
	return exit_status;
}
