/*
 * A task that makes trouble, or serves, as its first argument says; for tests of
 * the host. It takes no input but its arguments and what it is told.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <global.h>
#include <addin.h>
#include <miscerr.h>
#include <mq.h>
#include <osenv.h>
#include <postil.h>
#include <stats.h>
#include <stdnames.h>

static void idle_until_quit(void)
{
	while (!AddInIdle())
		;
}

/* --- trouble -------------------------------------------------------------------- */

static void hang(void)
{
	AddInLogMessageText("Trouble: hangs", NOERROR);
	signal(SIGTERM, SIG_IGN);
	for (;;)
		pause();
}

static void crash(void)
{
	AddInLogMessageText("Trouble: crashes", NOERROR);
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static void leave(const char *code)
{
	AddInLogMessageText("Trouble: leaves", NOERROR);
	_exit(code != NULL ? code[0] - '0' : 0);
}

static void flood(void)
{
	for (int i = 0; i < 50000; i++)
		AddInLogMessageText("Trouble: flood line %d", NOERROR, i);
	OSGetEnvironmentSeqNo();        /* answered behind all lines: now there is room again */
	AddInLogMessageText("Trouble: flood is over", NOERROR);
	idle_until_quit();
}

static void flood_output(void)
{
	for (int i = 0; i < 50000; i++)
		printf("output line %d\n", i);
	fflush(stdout);
	AddInLogMessageText("Trouble: output is over", NOERROR);
	idle_until_quit();
}

static void garbage(void)
{
	static const char octets[] = "this is no message";

	AddInLogMessageText("Trouble: sends garbage", NOERROR);
	while (send(3, octets, sizeof(octets), 0) > 0)
		AddInIdleDelay(10);
	for (;;)
		pause();
}

static void fill_queue(void)
{
	static char message[60000];
	MQHANDLE queue;
	STATUS status = MQOpen(TASK_QUEUE_PREFIX "TROUBLE", MQ_OPEN_CREATE, &queue);
	unsigned count = 0;

	while (status == NOERROR) {
		status = MQPut(queue, NOPRIORITY, message, sizeof(message), 0);
		count += status == NOERROR;
	}
	while (MQPut(queue, NOPRIORITY, message, 1, 0) == NOERROR)
		;
	AddInLogMessageText("Trouble: queue took %u, then status %04X", NOERROR, count,
	                    (unsigned)status);
	idle_until_quit();
}

static void control_characters(void)
{
	static const char text[] = "output \033[2J\007 and \xC2\x9B" "1m \xE2\x80\xAE bidi \xFF\n";

	AddInLogMessageText("Trouble: \033[31mred\a text", NOERROR);
	if (write(1, text, sizeof(text) - 1) < 0)
		AddInLogMessageText("Trouble: cannot write", NOERROR);
	AddInLogMessageText("Trouble: has written", NOERROR);
	idle_until_quit();
}

static void statistics(void)
{
	LONG number = 5;
	double real = 1.5;

	for (int i = 0; i < 3; i++)
		StatUpdate("Trouble", "Sum", ST_ADDITIVE, VT_LONG, &number);
	StatUpdate("Trouble", "Unique", ST_UNIQUE, VT_LONG, &number);
	StatUpdate("Trouble", "Real.Part", ST_UNIQUE, VT_NUMBER, &real);
	StatUpdate("Trouble", "Text", ST_UNIQUE, VT_TEXT, "some text");
	AddInLogMessageText("Trouble: statistics are set", NOERROR);
	idle_until_quit();
}

static void set_variable(void)
{
	char value[128];

	OSSetEnvironmentVariable("TROUBLE_SET", "by the task");
	if (!OSGetEnvironmentString("TROUBLE_SET", value, sizeof(value) - 1))
		value[0] = '\0';
	AddInLogMessageText("Trouble: variable is '%s'", NOERROR, value);
	idle_until_quit();
}

static void many_lines(void)
{
	for (int i = 0; i < 1000; i++)
		AddInLogMessageText("Trouble: session %04d of user", NOERROR, i);
	OSGetEnvironmentSeqNo();
	AddInLogMessageText("Trouble: 1000 sessions", NOERROR);
	idle_until_quit();
}

/* --- a service ---------------------------------------------------------------------- */

static _Atomic BOOL port_is_ready;
static _Atomic BOOL dropped;

static void list_sessions(void *context, void (*emit)(void *emit_context,
                          const POSTIL_SESSION *session), void *emit_context)
{
	POSTIL_SESSION s = { .id_low = 1, .user = "CN=Jada Correr/O=Acme", .address = "192.0.2.7",
	                     .port = 995, .tls = TRUE, .since_secs = 3661, .idle_secs = 59,
	                     .messages = 12 };

	(void)context;
	if (!dropped)
		emit(emit_context, &s);
	s.id_low = 2;
	s.user = "";
	s.address = "2001:db8::1";
	s.tls = FALSE;
	emit(emit_context, &s);
}

static DWORD drop_sessions(void *context, const char *pattern)
{
	(void)context;
	AddInLogMessageText("Trouble: drop '%s'", NOERROR, pattern);
	dropped = TRUE;
	return strcmp(pattern, "ALL") == 0 ? 2 : 1;
}

static void port_ready(void *context, const char *address, WORD port)
{
	(void)context;
	(void)address;
	(void)port;
	port_is_ready = TRUE;
}

static void settings_changed(void *context)
{
	(void)context;
	AddInLogMessageText("Trouble: settings have changed", NOERROR);
}

static void answer_one(int fd, const char *word)
{
	int connection = accept(fd, NULL, NULL);

	if (connection < 0)
		return;
	if (write(connection, word, strlen(word)) < 0)
		AddInLogMessageText("Trouble: cannot write", NOERROR);
	close(connection);
}

static WORD listen_on(const char *address, WORD port, int *fds)
{
	WORD count = address[0] == '/' ? 1 : 2;
	STATUS status = address[0] == '/'
		? PostilListenLocal("Trouble Server", address, 0620, "", fds)
		: PostilListen("Trouble Server", address, port, fds, &count);

	if (status != NOERROR)
		return 0;
	AddInLogMessageText("Trouble: listens with %u sockets", NOERROR, (unsigned)count);
	return count;
}

/* serve ADDRESS PORT */
static void serve(const char *address, WORD port)
{
	POSTIL_CALLBACKS callbacks = { list_sessions, drop_sessions, port_ready,
	                               settings_changed, NULL };
	int fds[2];
	WORD count;

	PostilSetCallbacks(&callbacks);
	count = listen_on(strcmp(address, "any") == 0 ? "" : address, port, fds);
	if (count == 0)
		AddInLogMessageText("Trouble: port is not open yet", NOERROR);
	while (!AddInIdle()) {
		if (count == 0 && port_is_ready)
			count = listen_on(address, port, fds);
		for (WORD i = 0; i < count; i++)
			answer_one(fds[i], "hello\n");
	}
}

STATUS LNPUBLIC AddInMain(HMODULE module, int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";

	(void)module;
	AddInSetStatusText("Making trouble");
	if (strcmp(what, "hang") == 0)
		hang();
	else if (strcmp(what, "crash") == 0)
		crash();
	else if (strcmp(what, "leave") == 0)
		leave(argc > 2 ? argv[2] : NULL);
	else if (strcmp(what, "flood") == 0)
		flood();
	else if (strcmp(what, "output") == 0)
		flood_output();
	else if (strcmp(what, "garbage") == 0)
		garbage();
	else if (strcmp(what, "queue") == 0)
		fill_queue();
	else if (strcmp(what, "control") == 0)
		control_characters();
	else if (strcmp(what, "stat") == 0)
		statistics();
	else if (strcmp(what, "env") == 0)
		set_variable();
	else if (strcmp(what, "lines") == 0)
		many_lines();
	else if (strcmp(what, "serve") == 0 && argc > 3)
		serve(argv[2], (WORD)strtoul(argv[3], NULL, 10));
	else
		idle_until_quit();
	AddInLogMessageText("Trouble: Shutdown", NOERROR);
	return NOERROR;
}
