/* Console commands that show: show server, stat, port, config. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "addin/host/console.h"
#include "addin/host/listener.h"
#include "addin/host/task.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/banned.h"

static void show_elapsed(struct run *run, uint64_t secs)
{
	char days[32] = "";

	if (secs >= 86400)
		snprintf(days, sizeof(days), "%u day%s ", (unsigned)(secs / 86400),
		         secs >= 2 * 86400 ? "s" : "");
	run_say(run, "%-24s%s%02u:%02u:%02u", "Elapsed time:", days,
	        (unsigned)(secs % 86400 / 3600), (unsigned)(secs % 3600 / 60),
	        (unsigned)(secs % 60));
}

static unsigned count_tasks(const struct host *host)
{
	unsigned count = 0;

	for (const struct task *t = host->tasks; t != NULL; t = t->next)
		count++;
	return count;
}

void show_server_lines(struct run *run)
{
	struct host *host = run_host(run);
	struct buf now = BUF_INIT;
	const char *name = setting(host, "ServerName");

	log_format_time(log_style(host->log), clock_wall_ms(), &now);
	run_line(run, SLICE_LIT(""));
	run_say(run, "Postil Server (Release %s for Linux)  %s", POSTIL_VERSION, buf_cstr(&now));
	run_line(run, SLICE_LIT(""));
	run_say(run, "%-24s%s", "Server name:", name);
	run_say(run, "%-24s%s", "Server directory:", host->data_dir);
	run_say(run, "%-24s%s", "Program directory:", host->program_dir);
	show_elapsed(run, (clock_mono_ms() - host->started_ms) / 1000);
	run_say(run, "%-24s%u", "Server tasks:", count_tasks(host));
	run_say(run, "%-24s%s", "Console Logging:", log_is_enabled(host->log) ? "Enabled"
	                                                                        : "Not Enabled");
	run_say(run, "%-24s%s", "Console Log File:", log_path(host->log));
	buf_release(&now);
}

void do_show_server(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	(void)rest;
	(void)args;
	(void)count;
	show_server_lines(run);
	run_line(run, SLICE_LIT(""));
	run_end(run, true);
}

/* --- statistics -------------------------------------------------------------------------------- */

static void refresh_own(struct host *host)
{
	char text[64];
	uint64_t secs = (clock_mono_ms() - host->started_ms) / 1000;
	struct buf started = BUF_INIT;

	snprintf(text, sizeof(text), "%02u:%02u:%02u", (unsigned)(secs / 3600),
	         (unsigned)(secs % 3600 / 60), (unsigned)(secs % 60));
	log_format_time(log_style(host->log), host->started_wall_ms, &started);
	stat_set_text(&host->stats, "Server", "ElapsedTime", text);
	stat_set_text(&host->stats, "Server", "Time.Start", buf_cstr(&started));
	stat_set_text(&host->stats, "Server", "Name", setting(host, "ServerName"));
	stat_set_text(&host->stats, "Server", "Version.Postil", "Release " POSTIL_VERSION);
	stat_set_text(&host->stats, "Server", "Path.Data", host->data_dir);
	stat_set_number(&host->stats, "Server", "Tasks", count_tasks(host));
	stat_set_number(&host->stats, "Server", "Queues", host->queues.count);
	buf_release(&started);
}

void do_show_stat(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct host *host = run_host(run);
	struct slice pattern = count > 0 ? args[0] : SLICE_LIT("*");
	struct buf line = BUF_INIT;
	unsigned found = 0;

	(void)rest;
	refresh_own(host);
	for (size_t i = 0; i < host->stats.count; i++) {
		const struct statistic *s = host->stats.sorted[i];

		if (!stat_matches(s, pattern))
			continue;
		buf_clear(&line);
		buf_addf(&line, "  %s.%s = ", s->facility, s->name);
		stat_format_value(s, log_style(host->log), &line);
		run_line(run, buf_slice(&line));
		found++;
	}
	buf_release(&line);
	if (found == 0) {
		run_fail(run, "%.*s not found in server statistics table", (int)pattern.n, pattern.p);
		return;
	}
	run_say(run, "  %u statistics found", found);
	run_end(run, true);
}

/* --- ports ---------------------------------------------------------------------------------------- */

static const char *shown_address(const struct listener *l)
{
	return l->address[0] != '\0' ? l->address : "all addresses";
}

/* Connections that wait for the task to take them. */
static unsigned waiting(const struct listener *l)
{
	unsigned sum = 0;

	for (size_t i = 0; i < l->fd_count; i++) {
		struct tcp_info info;
		socklen_t n = sizeof(info);

		if (getsockopt(l->fds[i], IPPROTO_TCP, TCP_INFO, &info, &n) == 0)
			sum += info.tcpi_unacked;
	}
	return sum;
}

static void show_listener(struct run *run, const struct listener *l)
{
	uint64_t now = clock_mono_ms();
	char port[8] = "local";

	if (l->port > 0)
		snprintf(port, sizeof(port), "%u", (unsigned)l->port);
	run_say(run, "  %-5s %-20s %-16s %s", port, l->service, shown_address(l),
	        l->fd_count == 0 ? "not open" : l->owner[0] == '\0' ? "open, not in use" : "open");
	if (l->fd_count == 0)
		run_say(run, "        %s; tried again in %u seconds", strerrordesc_np(l->error),
		        (unsigned)(l->retry_ms > now ? (l->retry_ms - now + 999) / 1000 : 0));
	else
		run_say(run, "        %zu socket%s, %u connection%s waiting", l->fd_count,
		        text_plural(l->fd_count), waiting(l), text_plural(waiting(l)));
}

void do_show_port(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct host *host = run_host(run);
	uint64_t number = 0;
	unsigned shown = 0;

	(void)rest;
	if (count > 0 && !text_number(args[0], 65535, &number)) {
		run_fail(run, "Unable to find port %.*s", (int)args[0].n, args[0].p);
		return;
	}
	for (const struct listener *l = host->listeners; l != NULL; l = l->next) {
		if (count > 0 && l->port != number)
			continue;
		if (shown++ == 0)
			run_say(run, "  %-5s %-20s %-16s %s", "Port", "Task", "Address", "State");
		show_listener(run, l);
	}
	if (shown == 0 && count > 0)
		run_fail(run, "Unable to find port %.*s", (int)args[0].n, args[0].p);
	else if (shown == 0)
		run_say(run, "No ports are open");
	if (shown > 0 || count == 0)
		run_end(run, true);
}

/* --- notes.ini --------------------------------------------------------------------------------------- */

struct showing {
	struct run *run;
	struct slice pattern;
	unsigned found;
};

static bool show_variable(void *context, const char *name, const char *value)
{
	struct showing *s = context;

	if (wildcard_matches(s->pattern, slice_of(name))) {
		run_say(s->run, "%s=%s", name, value);
		s->found++;
	}
	return true;
}

void do_show_config(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct showing s = { run, args[0], 0 };

	(void)rest;
	(void)count;
	ini_each(run_host(run)->ini, show_variable, &s);
	if (s.found == 0)
		run_fail(run, "%.*s is not set in notes.ini", (int)args[0].n, args[0].p);
	else
		run_end(run, true);
}
