/* postil mail create and delete. Numbers and UIDLs come from the command line
 * and are checked against what the mail file holds. */
#include "addin/tools/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/text.h"

int mail_create(int argc, char **argv)
{
	static const char usage[] = "mail create [-d DATA] [-o OWNER] MAILFILE";
	const char *data = NULL, *owner = NULL;
	struct fault fault = { 0 };
	struct mail_tool t;
	int option, exit_status;
	STATUS status;

	while ((option = getopt(argc, argv, "d:o:")) != -1)
		switch (option) {
		case 'd': data = optarg; break;
		case 'o': owner = optarg; break;
		default: return tool_usage(usage);
		}
	if (argc - optind != 1)
		return tool_usage(usage);
	exit_status = mail_tool_open(&t, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	status = t.store->calls->create(t.store, buf_cstr(&t.path), slice_of(owner), &fault);
	if (status != NOERROR)
		exit_status = tool_fail(&fault, status);
	mail_tool_close(&t);
	return exit_status;
}

/* --- delete ------------------------------------------------------------------------ */

/* Which messages: one flag each. */
struct chosen {
	bool *flags;
	uint32_t count;
};

/* "7" or "3-9". */
static STATUS choose_numbers(struct chosen *c, const char *text, struct fault *fault)
{
	struct slice all = slice_of(text), first = all, last = all;
	const char *dash = strchr(text, '-');
	uint64_t from, to;

	if (dash != NULL) {
		first.n = (size_t)(dash - text);
		last = (struct slice){ dash + 1, all.n - first.n - 1 };
	}
	if (!text_number(first, UINT32_MAX, &from) || !text_number(last, UINT32_MAX, &to)
	    || from == 0 || from > to)
		return fault_set(fault, POSTIL_ERR_INVALID,
		                 "\"%s\" is no number of a message and no range such as 3-9", text);
	if (to > c->count)
		return fault_set(fault, POSTIL_ERR_NOT_FOUND, "there is no message %llu; there are %u",
		                 (unsigned long long)to, c->count);
	for (uint64_t i = from; i <= to; i++)
		c->flags[i - 1] = true;
	return NOERROR;
}

static STATUS choose_uidl(struct chosen *c, struct maildrop *drop, const char *text,
                          struct fault *fault)
{
	struct maildrop_message message;

	for (uint32_t i = 0; i < c->count; i++) {
		drop->calls->message(drop, i, &message);
		if (slice_equal(message.uidl, slice_of(text))) {
			c->flags[i] = true;
			return NOERROR;
		}
	}
	return fault_set(fault, POSTIL_ERR_NOT_FOUND, "there is no message with the UIDL %s", text);
}

static STATUS delete_chosen(struct maildrop *drop, const struct chosen *c, uint32_t *deleted_r,
                            struct fault *fault)
{
	uint32_t *indexes = malloc(((size_t)c->count + 1) * sizeof(*indexes)), n = 0;
	STATUS status;

	if (indexes == NULL)
		return POSTIL_ERR_MEMORY;
	for (uint32_t i = 0; i < c->count; i++)
		if (c->flags[i])
			indexes[n++] = i;
	status = drop->calls->commit(drop, indexes, n, NULL, 0, fault);
	free(indexes);
	*deleted_r = n;
	return status;
}

static STATUS delete_from(struct maildrop *drop, bool uidls, int count, char **texts,
                          uint32_t *deleted_r, struct fault *fault)
{
	struct chosen c;
	uint64_t octets;
	STATUS status = NOERROR;

	drop->calls->stat(drop, &c.count, &octets);
	c.flags = calloc((size_t)c.count + 1, sizeof(*c.flags));
	if (c.flags == NULL)
		return POSTIL_ERR_MEMORY;
	for (int i = 0; i < count && status == NOERROR; i++)
		status = uidls ? choose_uidl(&c, drop, texts[i], fault)
		               : choose_numbers(&c, texts[i], fault);
	if (status == NOERROR)
		status = delete_chosen(drop, &c, deleted_r, fault);
	free(c.flags);
	return status;
}

static int delete_messages(struct mail_tool *t, bool uidls, int count, char **texts)
{
	struct fault fault = { 0 };
	struct maildrop *drop;
	uint32_t deleted = 0;
	bool more = true;
	STATUS status;
	int exit_status = mail_tool_drop(t, false, &drop);

	if (exit_status != EX_OK)
		return exit_status;
	status = delete_from(drop, uidls, count, texts, &deleted, &fault);
	t->store->calls->close(&drop);
	if (status != NOERROR)
		return tool_fail(&fault, status);
	printf("%u message%s deleted from %s\n", deleted, text_plural(deleted), buf_cstr(&t->path));
	while (more && t->store->calls->reclaim(t->store, buf_cstr(&t->path), &more) == NOERROR)
		;
	return EX_OK;
}

static int delete_file(struct mail_tool *t)
{
	struct fault fault = { 0 };
	STATUS status = t->store->calls->remove(t->store, buf_cstr(&t->path), &fault);

	return status == NOERROR ? EX_OK : tool_fail(&fault, status);
}

int mail_delete(int argc, char **argv)
{
	static const char usage[] = "mail delete [-d DATA] [-u] MAILFILE NUMBER[-NUMBER]...|UIDL...\n"
		"       postil mail delete [-d DATA] -F MAILFILE";
	bool uidls = false, whole_file = false;
	const char *data = NULL;
	struct mail_tool t;
	int option, exit_status;

	while ((option = getopt(argc, argv, "d:uF")) != -1)
		switch (option) {
		case 'd': data = optarg; break;
		case 'u': uidls = true; break;
		case 'F': whole_file = true; break;
		default: return tool_usage(usage);
		}
	if (whole_file ? argc - optind != 1 : argc - optind < 2)
		return tool_usage(usage);
	exit_status = mail_tool_open(&t, data, argv[optind]);
	if (exit_status != EX_OK)
		return exit_status;
	exit_status = whole_file ? delete_file(&t)
	              : delete_messages(&t, uidls, argc - optind - 1, argv + optind + 1);
	mail_tool_close(&t);
	return exit_status;
}
