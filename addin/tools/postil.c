/* The postil command: finds the verb and hands over. Distrusted: argv and the
 * environment. Verbs with larger libraries are programs of their own. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "addin/tools/tool.h"
#include "addin/tools/verbs.h"

static const struct verb {
	const char *name;
	int (*inside)(int argc, char **argv);
	const char *program;            /* in the program directory, if not inside */
	const char *help;
	bool is_told;                   /* the program serves several verbs: the first argument */
} verbs[] = {
	{ "server", NULL, "postil-server", "run the server on a data directory" },
	{ "console", NULL, "postil-console", "give commands to a running server" },
	{ "directory", NULL, "postil-directory", "compile the directory's documents, look things up" },
	{ "passwd", NULL, "postil-person", "set a person's Internet password", true },
	{ "register", NULL, "postil-person", "register a person, with a mail file", true },
	{ "certs", NULL, "postil-certs", "make and show certificates for TLS" },
	{ "lockout", verb_lockout, NULL, "show who is locked out by wrong passwords, unlock" },
	{ "mail", verb_mail, NULL, "make, look into, import and export mail files" },
	{ "deliver", verb_deliver, NULL, "deliver a message from standard input" },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void help(FILE *out)
{
	fprintf(out, "Usage: postil VERB [ARGUMENT]...\n\n");
	for (size_t i = 0; i < VERBS; i++)
		fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].help);
	fprintf(out, "\nThe data directory is named by -d after the verb, else by POSTIL_DATA, else it\n"
	        "is " POSTIL_DATA_DIR ". See postil(1).\n");
}

/* Does the server's program lie in the directory of this program? Then that is
 * the program directory (a build tree). */
static bool own_directory(char out[PATH_MAX])
{
	char server[PATH_MAX + sizeof("postil-server")];
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return false;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	snprintf(server, sizeof(server), "%s/postil-server", out);
	return access(server, X_OK) == 0;
}

static int run_program(const char *program, char **argv)
{
	const char *dir = getenv("POSTIL_PROGRAM_DIR");
	char own[PATH_MAX], *path = NULL;

	if (dir == NULL || dir[0] == '\0')
		dir = own_directory(own) ? own : POSTIL_PROGRAM_DIR;
	if (asprintf(&path, "%s/%s", dir, program) < 0)
		return EX_OSERR;
	argv[0] = path;
	execv(path, argv);
	tool_say("cannot run %s: %s; POSTIL_PROGRAM_DIR may name the directory it lies in", path,
	         strerrordesc_np(errno));
	free(path);
	return errno == ENOENT ? EX_UNAVAILABLE : EX_OSERR;
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	static char short_help[] = "-h";
	char name[32];

	tool_start(verb->name);
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		argv[1] = short_help;
	if (verb->inside == NULL)
		return run_program(verb->program, verb->is_told ? argv - 1 : argv);
	snprintf(name, sizeof(name), "postil %s", verb->name);
	argv[0] = name;                 /* what getopt calls the program */
	return verb->inside(argc, argv);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return EX_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0
	    || strcmp(argv[1], "help") == 0) {
		help(stdout);
		return EX_OK;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("postil " POSTIL_VERSION "\n");
		return EX_OK;
	}
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return run_verb(&verbs[i], argc - 1, argv + 1);
	fprintf(stderr, "postil: there is no verb \"%s\"\n\n", argv[1]);
	help(stderr);
	return EX_USAGE;
}
