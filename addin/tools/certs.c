/*
 * postil certs: make certificates for tests and samples, show any, revoke a test's.
 * Distrusted: arguments, and certificates that are shown.
 */
#include "addin/tools/certs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "addin/tools/tool.h"
#include "base/text.h"
#include "tls/peer.h"

#include "base/banned.h"

#define USAGE "certs make [-f] [-d DATA] [-n HOST]... [-k NAME] [-c PERSON [-e ADDRESS]]... [-y DAYS]\n" \
	"       postil certs show [-d DATA] FILE|NAME\n" \
	"       postil certs revoke [-d DATA] FILE|NAME"
#define DAYS 365
#define DAYS_MAX 36500
#define NAME_MAX_OCTETS 200

struct arguments {
	const char *data;
	bool force;
	struct certs_order order;
};

static bool is_credential_name(const char *name)
{
	if (name[0] == '\0' || name[0] == '.' || strlen(name) > NAME_MAX_OCTETS)
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._", *p) == NULL)
			return false;
	return true;
}

static bool take_of_make(struct certs_order *order, int option, const char *argument)
{
	uint64_t number;

	switch (option) {
	case 'n':
		if (order->host_count == CERTS_LIST_MAX)
			return false;
		order->hosts[order->host_count++] = argument;
		return true;
	case 'c':
		if (order->person_count == CERTS_LIST_MAX)
			return false;
		order->persons[order->person_count++] = argument;
		return true;
	case 'e':
		if (order->person_count == 0)
			return false;
		order->addresses[order->person_count - 1] = argument;
		return true;
	case 'k':
		order->name = argument;
		return true;
	case 'y':
		if (!text_number(slice_of(argument), DAYS_MAX, &number) || number == 0)
			return false;
		order->days = (int64_t)number;
		return true;
	default:
		return false;
	}
}

/* EX_OK, or an exit status; *help_r: nothing is to be done but to help. */
static int take(int argc, char **argv, const char *options, struct arguments *a, bool *help_r)
{
	int option;

	while ((option = getopt(argc, argv, options)) != -1) {
		if (option == 'h')
			*help_r = true;
		else if (option == 'd')
			a->data = optarg;
		else if (option == 'f')
			a->force = true;
		else if (!take_of_make(&a->order, option, optarg))
			return tool_usage(USAGE);
	}
	return EX_OK;
}

static int open_data(const struct arguments *a, struct certs *certs, char **data_r)
{
	int exit_status = EX_OK;

	*data_r = tool_data_dir(a->data, &exit_status);
	if (*data_r == NULL)
		return exit_status;
	*certs = (struct certs){ .data_dir = *data_r, .force = a->force };
	return certs_find_owner(certs);
}

/* --- make ----------------------------------------------------------------------------- */

static int run_make(struct arguments *a)
{
	struct certs certs;
	char *data = NULL;
	int exit_status;

	if (a->order.host_count == 0 && a->order.person_count == 0)
		a->order.hosts[a->order.host_count++] = "localhost";
	if (a->order.name == NULL && a->order.host_count > 0)
		a->order.name = a->order.hosts[0];
	if (a->order.name != NULL && !is_credential_name(a->order.name)) {
		tool_say("a credential has letters, digits and -._ in its name; -k gives it one");
		return EX_USAGE;
	}
	exit_status = open_data(a, &certs, &data);
	if (exit_status == EX_OK)
		exit_status = certs_make(&certs, &a->order);
	free(data);
	return exit_status;
}

/* --- show and revoke ---------------------------------------------------------------------- */

struct shown {
	size_t count;
};

static STATUS show_one(void *context, struct slice der)
{
	struct shown *shown = context;
	struct buf text = BUF_INIT;

	tls_certificate_text(der, &text);
	printf("%s%s", shown->count++ == 0 ? "" : "\n", buf_cstr(&text));
	buf_release(&text);
	return NOERROR;
}

static int show_file(const char *path, struct shown *shown)
{
	struct fault fault = { .status = NOERROR };
	struct buf text = BUF_INIT;
	STATUS status = certs_read_path(path, &text, &fault);

	if (status == NOERROR) {
		status = tls_certificates_each(buf_slice(&text), show_one, shown);
		if (status == POSTIL_ERR_INVALID)
			fault_set(&fault, POSTIL_ERR_SYNTAX, "%s holds no certificate, neither PEM nor DER", path);
		if (status == POSTIL_ERR_INVALID)
			status = POSTIL_ERR_SYNTAX;
	}
	buf_wipe_release(&text);        /* a key may be beside it */
	return status == NOERROR ? EX_OK : tool_fail(&fault, status);
}

/* The files that a name stands for, below DATA/certs. */
static const char *const places[][2] = {
	{ "", ".pem" }, { "", ".ecdsa.pem" }, { "", ".rsa.pem" }, { "", ".ec.pem" }, { "", ".ed25519.pem" },
	{ "", ".ed448.pem" }, { CERTS_CLIENTS "/", ".pem" }, { "trusted/", ".pem" },
};
#define PLACES (sizeof(places) / sizeof(places[0]))

static char *place(const struct certs *certs, const char *name, size_t which)
{
	char *file = NULL, *path;

	if (asprintf(&file, "%s%s", places[which][0], name) < 0)
		return NULL;
	path = certs_path(certs, file, places[which][1]);
	free(file);
	return path;
}

/* Call each for each file of the name. */
static int each_place(const struct arguments *a, const char *name, bool one,
                      int (*each)(const struct certs *certs, const char *path, void *context),
                      void *context)
{
	struct certs certs;
	char *data = NULL;
	size_t found = 0;
	int exit_status = open_data(a, &certs, &data);

	for (size_t i = 0; exit_status == EX_OK && i < PLACES && !(one && found > 0); i++) {
		char *path = place(&certs, name, i);

		if (path != NULL && access(path, F_OK) == 0) {
			found++;
			exit_status = each(&certs, path, context);
		}
		free(path);
	}
	if (exit_status == EX_OK && found == 0) {
		tool_say("%s is neither a file nor the name of a certificate in %s/certs", name, data);
		exit_status = EX_NOINPUT;
	}
	free(data);
	return exit_status;
}

static int show_place(const struct certs *certs, const char *path, void *context)
{
	return show_file(path, context);
}

static int run_show(const struct arguments *a, const char *what)
{
	struct shown shown = { 0 };

	if (strchr(what, '/') != NULL || access(what, F_OK) == 0)
		return show_file(what, &shown);
	return each_place(a, what, false, show_place, &shown);
}

static int revoke_place(const struct certs *certs, const char *path, void *context)
{
	return certs_revoke(certs, path);
}

static int run_revoke(const struct arguments *a, const char *what)
{
	struct certs certs;
	char *data = NULL, *path = NULL;
	int exit_status;

	if (strchr(what, '/') == NULL && access(what, F_OK) != 0)
		return each_place(a, what, true, revoke_place, NULL);
	path = realpath(what, NULL);
	exit_status = open_data(a, &certs, &data);
	if (exit_status == EX_OK)
		exit_status = certs_revoke(&certs, path == NULL ? what : path);
	free(path);
	free(data);
	return exit_status;
}

/* --- the verb -------------------------------------------------------------------------------- */

static int run(const char *action, const struct arguments *a, const char *what)
{
	struct arguments copy = *a;
	int exit_status;

	if (strcmp(action, "make") == 0)
		exit_status = run_make(&copy);
	else if (strcmp(action, "show") == 0)
		exit_status = run_show(a, what);
	else
		exit_status = run_revoke(a, what);
	if (fflush(stdout) != 0 && exit_status == EX_OK)
		exit_status = EX_IOERR;
	return exit_status;
}

int main(int argc, char **argv)
{
	struct arguments a = { .order.days = DAYS };
	const char *action = argc < 2 ? "" : argv[1];
	bool is_make = strcmp(action, "make") == 0, help = strcmp(action, "-h") == 0;
	int exit_status;

	tool_start("certs");
	if (help)
		return tool_help(USAGE);
	if (!is_make && strcmp(action, "show") != 0 && strcmp(action, "revoke") != 0)
		return tool_usage(USAGE);
	exit_status = take(argc - 1, argv + 1, is_make ? "hd:fn:k:c:e:y:" : "hd:", &a, &help);
	if (exit_status != EX_OK)
		return exit_status;
	if (help)
		return tool_help(USAGE);
	if (argc - 1 - optind != (is_make ? 0 : 1))
		return tool_usage(USAGE);
	return run(action, &a, is_make ? "" : argv[1 + optind]);
}
