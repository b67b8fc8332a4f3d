/*
 * postil directory certificate: put client certificates into the documents of persons,
 * show them, take them out.
 */
#ifndef POSTIL_TOOLS_CERTIFICATE_H
#define POSTIL_TOOLS_CERTIFICATE_H

#define CERTIFICATE_USAGE "directory certificate add [-d DATA] PERSON FILE\n" \
	"       postil directory certificate list [-d DATA] PERSON\n" \
	"       postil directory certificate remove [-d DATA] PERSON [NUMBER|all]"

/* argv[0] is "certificate"; returns the exit status. */
int certificate_run(int argc, char **argv);

#endif
