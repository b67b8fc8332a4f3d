/* The verbs that live inside the postil program. argv[0] is the verb; the
 * result is the exit status. */
#ifndef POSTIL_TOOLS_VERBS_H
#define POSTIL_TOOLS_VERBS_H

int verb_deliver(int argc, char **argv);
int verb_lockout(int argc, char **argv);
int verb_mail(int argc, char **argv);

#endif
