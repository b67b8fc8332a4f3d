/* The store as verbs of mail open it: notes that wait to be made mail get the addresses of the directory,
 * as when the POP3 task makes them. The directory stays open until the process ends. */
#include <stdlib.h>

#include "addin/mail/names.h"
#include "addin/tools/tool.h"
#include "base/ini.h"
#include "base/name.h"

static struct directory *directory;
static struct mail_names *names;

static void close_all(void)
{
	mail_names_free(&names);
	directory_close(&directory);
}

/* What notes.ini says of them; nothing where there is none. */
static STATUS read_names(const char *data_dir, struct fault *fault)
{
	struct buf path = BUF_INIT, server = BUF_INIT;
	struct ini *ini = NULL;
	STATUS status;

	buf_addf(&path, "%s/notes.ini", data_dir);
	status = buf_status(&path);
	if (status == NOERROR)
		status = ini_read(buf_cstr(&path), &ini, fault);
	if (status == NOERROR)
		status = name_canonicalize(slice_of(ini_get(ini, "ServerName")), &server);
	if (status == NOERROR || status == POSTIL_ERR_NOEXIST)
		status = mail_names_new(directory, buf_slice(&server),
		                        slice_of(ini != NULL ? ini_get(ini, "POP3_Domain") : NULL), &names);
	ini_free(&ini);
	buf_release(&path);
	buf_release(&server);
	return status;
}

const struct render_options *tool_names(const char *data_dir, struct fault *fault)
{
	STATUS status;

	if (names != NULL)
		return mail_names_options(names);
	status = directory_open(data_dir, &directory, fault);
	if (status == NOERROR)
		status = read_names(data_dir, fault);
	if (status != NOERROR) {
		fault->status = status;
		directory_close(&directory);
		return NULL;
	}
	atexit(close_all);
	return mail_names_options(names);
}

static void tell(void *context, const char *text)
{
	(void)context;
	tool_say("%s", text);
}

struct mail_store *tool_mail_store(const char *data_dir, int *exit_r)
{
	struct fault fault = { 0 };
	struct nsfstore_options options = { .render = tool_names(data_dir, &fault), .tell = tell };
	struct mail_store *store = NULL;
	STATUS status = fault.status;

	if (options.render != NULL)
		status = nsfstore_new(data_dir, &options, &store, &fault);
	if (status != NOERROR)
		*exit_r = tool_fail(&fault, status);
	return store;
}
