/*
 * The smallest task: says hello every ten seconds and whatever it is told on the
 * console (`tell hello good morning`). Texts from the console are distrusted only
 * in length.
 */
#include <global.h>
#include <addin.h>
#include <miscerr.h>
#include <mq.h>
#include <stdnames.h>

static void repeat_what_was_told(MQHANDLE queue)
{
	char text[MAX_CONSOLE_CMD_LEN];
	WORD length;

	while (MQGet(queue, text, sizeof(text), 0, 0, &length) == NOERROR)
		AddInLogMessageText("Hello: you said: %.*s", NOERROR, length, text);
}

STATUS LNPUBLIC AddInMain(HMODULE module, int argc, char *argv[])
{
	MQHANDLE queue;
	STATUS status;

	status = MQOpen(TASK_QUEUE_PREFIX "HELLO", MQ_OPEN_CREATE, &queue);
	if (status != NOERROR) {
		AddInLogMessageText("Hello: no queue", status);
		return status;
	}
	AddInLogMessageText("Hello: Started", NOERROR);
	AddInSetStatusText("Idle");
	while (!AddInIdle()) {
		repeat_what_was_told(queue);
		if (AddInSecondsHaveElapsed(10))
			AddInLogMessageText("Hello, world", NOERROR);
	}
	MQClose(queue, 0);
	AddInLogMessageText("Hello: Shutdown", NOERROR);
	return NOERROR;
}
