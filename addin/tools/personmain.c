/* postil-person: which verb. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "addin/tools/person.h"

#include "base/banned.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "passwd", person_passwd },
	{ "register", person_register },
};

int main(int argc, char **argv)
{
	char name[32];

	for (size_t i = 0; argc >= 2 && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0) {
			tool_start(verbs[i].name);
			snprintf(name, sizeof(name), "postil %s", verbs[i].name);
			argv[1] = name;         /* what getopt calls the program */
			return verbs[i].run(argc - 1, argv + 1);
		}
	return tool_usage("passwd|register [ARGUMENT]...");
}
