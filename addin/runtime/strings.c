/* OSLoadString: the built-in texts of status codes. Codes of our own package and
 * the commonest ones have theirs in base/status.c. */
#include <stddef.h>
#include <string.h>

#include "addin/api/miscerr.h"
#include "addin/api/neterr.h"
#include "addin/api/nsferr.h"
#include "addin/api/osmisc.h"
#include "addin/api/secerr.h"
#include "addin/api/srverr.h"
#include "base/status.h"

static const struct {
	STATUS code;
	const char *text;
} texts[] = {
	{ ERR_TDI_CONV, "Text is not a date or time" },
	{ ERR_TDO_CONV, "Value is not a valid date or time" },
	{ ERR_STAT_NOT_FOUND, "Statistic not found" },
	{ ERR_STAT_POOLFULL, "No room for more statistics" },
	{ ERR_MQ_POOLFULL, "No room for more queue messages" },
	{ ERR_MQ_TIMEOUT, "No message came to the queue in time" },
	{ ERR_MQSCAN_ABORT, "Scan of the message queue was ended" },
	{ ERR_DUPLICATE_MQ, "A message queue of this name exists already" },
	{ ERR_NO_SUCH_MQ, "No message queue of this name" },
	{ ERR_MQ_EXCEEDED_QUOTA, "Message queue is full" },
	{ ERR_MQ_EMPTY, "Message queue is empty" },
	{ ERR_MQ_BFR_TOO_SMALL, "Message is longer than the buffer" },
	{ ERR_MQ_QUITTING, "Message queue is about to end" },
	{ ERR_STAT_NOT_SET, "Statistic cannot be reset" },
	{ ERR_STAT_SET, "Statistic was reset" },
	{ ERR_STAT_SET_COMPLETE, "Statistics were reset" },
	{ ERR_MQSCAN_DEQUEUE, "Message was taken from the queue" },
	{ ERR_MQSCAN_DELETE, "Message was removed from the queue" },
	{ ERR_MQ_MSGSPENDING, "Messages wait in the queue" },
	{ ERR_INVALID_NOTE, "Document is not valid" },
	{ ERR_OVERDISKQUOTA, "Database is over its size limit" },
	{ ERR_OVERWARNQUOTA, "Database is over its size warning" },
	{ ERR_AMBIGUOUS, "Command or option is ambiguous" },
	{ ERR_INSUFF_ARGUMENTS, "Arguments are missing" },
	{ ERR_NOMATCH, "Command or option is not known" },
	{ ERR_TASK_NOT_FOUND, "Program of the task not found in the program directory" },
	{ ERR_TASK_RUNNING, "Task is running already" },
	{ ERR_NO_SERVER_NAME, "Server name is missing" },
	{ ERR_CONSOLE_CANT_TELL, "The %s task does not run or takes no Tell commands" },
	{ ERR_INIT_CANT_LOAD, "Program %s could not be started" },
	{ ERR_QUIT, "Server is ending" },
};

static const char *find_text(STATUS code)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].code == code)
			return texts[i].text;
	return code == NOERROR || strcmp(status_text(code), status_text(MAXWORD)) == 0
	       ? NULL : status_text(code);
}

WORD LNPUBLIC OSLoadString(HMODULE module, STATUS code, char *to, WORD size)
{
	const char *text = find_text(ERR(code));
	size_t n;

	if (size == 0)
		return 0;
	if (text == NULL) {
		to[0] = '\0';
		return 0;
	}
	n = strnlen(text, size - 1u);
	memcpy(to, text, n);
	to[n] = '\0';
	return (WORD)n;
}
