/* Names that the parts of a server agree on: those of message queues. */
#ifndef POSTIL_API_STDNAMES_H
#define POSTIL_API_STDNAMES_H

/* A task's queue for console commands is this and its name in capitals. */
#define TASK_QUEUE_PREFIX "MQ$"

#endif
