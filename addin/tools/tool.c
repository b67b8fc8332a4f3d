/* What the verbs share. Distrusted: arguments and the environment, which may
 * name anything. */
#include "addin/tools/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "addin/tools/identity.h"
#include "base/ini.h"
#include "base/name.h"
#include "base/text.h"

static const char *tool_verb = "";
static bool usage_asked;

void tool_start(const char *verb)
{
	tool_verb = verb;
}

void tool_say(const char *format, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	for (char *p = line; *p != '\0'; p++)   /* names in it may be hostile */
		if ((unsigned char)*p < ' ' || *p == 0x7F ||
		    (p > line && (unsigned char)p[-1] == 0xC2 && (unsigned char)*p < 0xA0))
			*p = '?';
	fprintf(stderr, "postil %s: %s\n", tool_verb, line);
}

void tool_add_text(struct buf *out, struct slice s)
{
	bool plain = text_is_utf8(s);

	for (size_t i = 0; i < s.n && plain; i++)
		plain = (unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7F
		        && !(i + 1 < s.n && (unsigned char)s.p[i] == 0xC2
		             && (unsigned char)s.p[i + 1] < 0xA0);
	if (plain)
		buf_add_slice(out, s);
	else
		text_escape(s, 4096, out);
}

static const struct { STATUS status; int code; } exit_codes[] = {
	{ NOERROR, EX_OK },
	{ POSTIL_ERR_MEMORY, EX_OSERR },
	{ POSTIL_ERR_NOEXIST, EX_NOINPUT },
	{ POSTIL_ERR_EXISTS, EX_CANTCREAT },
	{ POSTIL_ERR_NOACCESS, EX_NOPERM },
	{ POSTIL_ERR_PERMISSION, EX_NOPERM },
	{ POSTIL_ERR_NOT_FOUND, EX_NOINPUT },
	{ POSTIL_ERR_DELETED, EX_NOINPUT },
	{ POSTIL_ERR_INVALID, EX_USAGE },
	{ POSTIL_ERR_TOO_LONG, EX_DATAERR },
	{ POSTIL_ERR_SYNTAX, EX_DATAERR },
	{ POSTIL_ERR_DAMAGED, EX_DATAERR },
	{ POSTIL_ERR_FOREIGN, EX_DATAERR },
	{ POSTIL_ERR_SCHEMA, EX_DATAERR },
	{ POSTIL_ERR_NETWORK_FS, EX_CONFIG },
	{ POSTIL_ERR_DISK_FULL, EX_TEMPFAIL },
	{ POSTIL_ERR_BUSY, EX_TEMPFAIL },
	{ POSTIL_ERR_IN_USE, EX_TEMPFAIL },
	{ POSTIL_ERR_LOCK_LOST, EX_TEMPFAIL },
	{ POSTIL_ERR_TIMEOUT, EX_TEMPFAIL },
};

int tool_exit_status(STATUS status)
{
	for (size_t i = 0; i < sizeof(exit_codes) / sizeof(exit_codes[0]); i++)
		if (exit_codes[i].status == status)
			return exit_codes[i].code;
	return EX_IOERR;
}

int tool_fail(const struct fault *fault, STATUS status)
{
	tool_say("%s", fault_text(fault, status));
	return tool_exit_status(status);
}

void tool_ask_usage(void)
{
	usage_asked = true;
	opterr = 0;
}

int tool_usage(const char *text)
{
	if (usage_asked)
		return tool_help(text);
	fprintf(stderr, "Usage: postil %s\n", text);
	return EX_USAGE;
}

int tool_help(const char *text)
{
	printf("Usage: postil %s\n", text);
	return EX_OK;
}

char *tool_data_dir(const char *given, int *exit_r)
{
	const char *from = given != NULL ? given : getenv("POSTIL_DATA");
	char *dir;
	struct stat st;
	struct fault fault = { 0 };
	STATUS status;

	umask(077);
	if (from == NULL || from[0] == '\0')
		from = POSTIL_DATA_DIR;
	dir = realpath(from, NULL);
	if (dir == NULL || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
		int error = dir == NULL ? errno : ENOTDIR;

		tool_say("the data directory %s cannot be used: %s; name it with -d or POSTIL_DATA",
		         from, strerrordesc_np(error));
		free(dir);
		*exit_r = error == EACCES ? EX_NOPERM : EX_NOINPUT;
		return NULL;
	}
	status = identity_become_owner(dir, &fault);
	if (status != NOERROR) {
		*exit_r = tool_fail(&fault, status);
		free(dir);
		return NULL;
	}
	return dir;
}

STATUS tool_server_name(const char *data_dir, struct buf *out, struct fault *fault)
{
	struct buf path = BUF_INIT;
	struct ini *ini = NULL;
	STATUS status;

	buf_addf(&path, "%s/notes.ini", data_dir);
	status = buf_status(&path);
	if (status == NOERROR)
		status = ini_read(buf_cstr(&path), &ini, fault);
	buf_release(&path);
	if (status == NOERROR)
		status = name_canonicalize(slice_of(ini_get(ini, "ServerName")), out);
	ini_free(&ini);
	return status == POSTIL_ERR_NOEXIST ? NOERROR : status;
}

struct mail_store *tool_store(const char *data_dir, int *exit_r)
{
	struct fault fault = { 0 };
	struct mail_store *store = NULL;
	STATUS status = nsfstore_new(data_dir, NULL, &store, &fault);

	if (status != NOERROR)
		*exit_r = tool_fail(&fault, status);
	return store;
}
