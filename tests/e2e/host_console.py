#!/usr/bin/env python3
"""Consoles: commands and their wording, the remote console, the terminal, the log."""

import json
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import time

from mailserver import MailServer
from postil import PATIENCE, TOP_BUILDDIR, Reader, Server, free_port, program, run_cases, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
TROUBLE = {"trouble": os.path.join(TOP_BUILDDIR, "tests", "support", "trouble")}

INSUFFICIENT = "Insufficient arguments.  Enter 'HELP' for the correct syntax.\n"
TOO_MANY = "Too many arguments.  Enter 'HELP' for the correct syntax.\n"
UNKNOWN = "Command or option is not recognized\n"
AMBIGUOUS = "Command or option is ambiguous\n"
NO_TELL = 'The %s task either does not exist or does not accept "Tell" commands.\n'


def wording():
    with Server() as s:
        for command, expected in [
                ("nonsense", UNKNOWN), ("show nonsense", UNKNOWN), ("show", INSUFFICIENT),
                ("load", INSUFFICIENT), ("tell", INSUFFICIENT), ("tell pop3", INSUFFICIENT),
                ("restart task", INSUFFICIENT), ("show config", INSUFFICIENT),
                ("set stat POP3", INSUFFICIENT), ("drop", INSUFFICIENT),
                ("s t", AMBIGUOUS), ("st c", AMBIGUOUS), ("show s", AMBIGUOUS),
                ("show server now", TOO_MANY), ("show tasks only more", TOO_MANY),
                ("show tasks nonsense", UNKNOWN),
                ("tell nobody hello", NO_TELL % "nobody"),
                ("tell nobody quit", NO_TELL % "nobody"),
                ("restart task nobody", "Unable to restart nobody: it is not running\n"),
                ("show stat no.such", "no.such not found in server statistics table\n"),
                ("set stat No Such", "No.Such not found in server statistics table\n"),
                ("show config NO_SUCH", "NO_SUCH is not set in notes.ini\n"),
                ("set config novalue", "Invalid value for command option\n"),
                ("set config BAD NAME=x", "Invalid value for command option\n"),
                ("show port 99", "Unable to find port 99\n"),
                ("show port abc", "Unable to find port abc\n"),
                ("show stat " + "x" * 300, "The command line is too long\n")]:
            code, output = s.console(command)
            assert (code, output) == (1, expected), (command, code, output)
        for command in ("sh ta", "SHOW TASKS", "show   tasks\tonly", "sh se", "h", "show u",
                        "sho stat server*", "sh c ServerN*", "sh po"):
            s.check(command)
        s.check("help", r"^  Load pgmname", r"^  Tell taskname command-string")
        s.check("show server", r"^Server name:            CN=mail/O=Example$",
                r"^Elapsed time:           00:00:\d\d$")
        s.check("show tasks", r"^Server name:", r"^      Task                 Description$",
                r"^  Database Server      Perform console commands$")


def tell_reaches_the_task():
    with Server(notes={"ServerTasks": "hello"}, programs=TROUBLE) as s:
        s.wait_for(r"Hello: Started$")
        code, output = s.console("load hello")
        assert code == 1 and output == "hello: Task is already running\n", output
        s.check("tell hello  two  words ", r"^Hello: you said: two  words$")
        assert s.console('tell HELLO "quoted"')[0] == 0
        s.console("load trouble")
        code, output = s.console("tell trouble x")
        assert (code, output) == (1, NO_TELL % "trouble"), output
        s.check("te hello q")
        s.wait_for(r"Hello: Shutdown$")
        wait_until(lambda: len(s.tasks()) == 3, "the end of hello")
        s.check("l hello")
        s.check("restart task hello")
        wait_until(lambda: s.output.text().count("Hello: Started") == 3, "another start")


def statistics():
    with Server(programs=TROUBLE) as s:
        s.console("load trouble stat")
        s.wait_for(r"Trouble: statistics are set$")
        assert s.check("show stat trouble") == (
            "  Trouble.Real.Part = 1.5\n  Trouble.Sum = 15\n  Trouble.Text = some text\n"
            "  Trouble.Unique = 5\n  4 statistics found\n")
        assert s.statistic("trouble.sum") == "15"
        assert s.check("show stat *.U*") == "  Trouble.Unique = 5\n  1 statistics found\n"
        s.check("set stat trouble sum")
        assert s.statistic("Trouble.Sum") == "0"
        code, output = s.console("set stat trouble unique")
        assert code == 1 and "cannot" not in output and "reset" in output, output
        s.check("restart task trouble")
        wait_until(lambda: s.statistic("Trouble.Sum") == "15", "fresh statistics")


def settings_are_durable():
    with Server(programs=TROUBLE) as s:
        s.console("load trouble serve 127.0.0.1 %d" % free_port())
        s.wait_for(r"Trouble: listens")         # now it has its callbacks
        assert s.check('set config "POP3_Domain=acme.example"') == \
            "POP3_Domain changed to acme.example.\n"
        with open(s.path("notes.ini"), encoding="utf-8") as f:
            assert "POP3_Domain=acme.example\n" in f.read()
        s.wait_for(r"Trouble: settings have changed$")
        assert s.check("show config pop3_*") == "POP3_Domain=acme.example\n"
        code, output = s.console("set config ServerUser=root")
        assert code == 1 and output.startswith("This system variable cannot be set via"), output
        with open(s.path("notes.ini"), "a", encoding="utf-8") as f:
            f.write("By_Hand=yes\n")
        wait_until(lambda: s.console("show config By_Hand")[0] == 0, "the edit by hand")
        s.check("set config Another=1")
        s.check("set config TASK_QUIT_SECONDS=0")
        s.wait_for(r"notes.ini: TASK_QUIT_SECONDS=0 is not a number from 1 to 3600, 1 is used$")
        s.check("set config task_quit_seconds=soon")
        s.wait_for(r"notes.ini: TASK_QUIT_SECONDS=soon is not a number from 1 to 3600, 60 is used$")
        s.check("set config CONSOLE_LOG_FORMAT=xml")
        s.wait_for(r"notes.ini: CONSOLE_LOG_FORMAT=xml is not text or json, text is used$")
        for name in ("TASK_QUIT_SECONDS", "CONSOLE_LOG_FORMAT"):
            s.check("set config %s=" % name)
        s.check("set config POP3_Domain=")
        with open(s.path("notes.ini"), encoding="utf-8") as f:
            text = f.read()
        assert "By_Hand=yes\n" in text and "Another=1\n" in text and "POP3_Domain" not in text
        s.console("tell trouble quit")
        wait_until(lambda: not s.children("trouble"), "its end")
        s.console("load trouble env")
        s.wait_for(r"Trouble: variable is 'by the task'$")
        with open(s.path("notes.ini"), encoding="utf-8") as f:
            assert "TROUBLE_SET=by the task\n" in f.read()
        s.process.kill()
        s.process.wait()
        s.start()
        assert s.check("show config Another") == "Another=1\n"


def sessions():
    with Server(programs=TROUBLE) as s:
        assert s.check("show users") == "No user info\n"
        s.console("load trouble serve 127.0.0.1 %d" % free_port())
        wait_until(lambda: "(not logged in)" in s.console("show users")[1], "the sessions")
        output = s.check("show users", r"^  User Name +Address +Port TLS +Since +Idle Messages$")
        assert re.search(r"^  \S*Jada Correr\S* +192\.0\.2\.7 +995 yes +1:01:01 +0:00:59 +12$",
                         output, re.M), output
        assert re.search(r"^  \(not logged in\) +2001:db8::1 +995 no ", output, re.M), output
        assert s.check('drop "Jada Correr/Acme"') == "1 session dropped\n"
        s.wait_for(r"Trouble: drop 'Jada Correr/Acme'$")
        assert "Correr" not in s.check("show users")
        assert s.check("drop all") == "2 sessions dropped\n"
        s.wait_for(r"Trouble: drop 'ALL'$")


def log_is_rotated():
    with Server(notes={"CONSOLE_LOG_MAX_KBYTES": "8", "CONSOLE_LOG_GENERATIONS": "2"},
                programs=TROUBLE) as s:
        s.console("load trouble lines")
        s.wait_for(r"Trouble: 1000 sessions$")
        wait_until(lambda: os.path.exists(s.path("console.log.2")), "the second generation")
        assert s.quit() == 0
        assert not os.path.exists(s.path("console.log.3"))
        for name in ("console.log", "console.log.1", "console.log.2"):
            assert 0 < os.stat(s.path(name)).st_size <= 8192, name
        with open(s.path("console.log"), encoding="utf-8") as f:
            assert f.read().rstrip().endswith("Server shutdown complete")


def log_can_be_stopped_and_moved():
    with Server() as s:
        assert s.check("start consolelog") == "Console Logging is already ENABLED\n"
        assert s.check("stop consolelog") == "Console Logging is DISABLED\n"
        s.check("show config ServerName")
        s.check("start consolelog", r"^The Console file is .*/console\.log$",
                r"^Console Logging is ENABLED$")
        os.rename(s.path("console.log"), s.path("console.old"))
        s.signal(signal.SIGHUP)
        s.check("show server")
        wait_until(lambda: os.path.exists(s.path("console.log")), "a new log")
        with open(s.path("console.old"), encoding="utf-8") as f:
            assert "show config" not in f.read()


def log_styles():
    with Server(notes={"DateOrder": "YMD", "DateSeparator": "-", "ClockType": "24_Hour",
                       "TimeSeparator": "."}) as s:
        s.wait_for(r"^\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d  Server started$")


def json_log():
    with Server(notes={"CONSOLE_LOG_FORMAT": "json"}, programs=TROUBLE, start=False) as s:
        s.start(wait=False)
        s.wait_for(r"Server started")
        s.console("load trouble control")
        s.wait_for(r"bidi")
        s.wait_for(r"has written")
        assert s.quit() == 0
        with open(s.path("console.log"), encoding="utf-8") as f:
            records = [json.loads(line) for line in f]
        for line in s.output.lines:
            json.loads(line)
        texts = {r["text"]: r for r in records}
        assert "Server shutdown complete" in texts
        hostile = texts["Trouble: \033[31mred\a text"]
        assert hostile["task"] == "trouble" and hostile["pid"] > 0
        assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", hostile["time"])
        assert "trouble: output \033[2J\a and \x9b1m \u202e bidi \\xFF" in texts


def control_characters_do_not_reach_the_terminal():
    with Server(programs=TROUBLE) as s:
        s.console("load trouble control")
        s.wait_for(r"Trouble: \\x1B\[31mred\\x07 text$")
        s.wait_for(r"trouble: output \\x1B\[2J\\x07 and \\xC2\\x9B1m \\xE2\\x80\\xAE bidi \\xFF$")


# --- the remote console


def remote_console_is_the_owners():
    with Server() as s:
        mode = os.stat(s.path("console.sock")).st_mode
        assert stat.S_ISSOCK(mode) and mode & 0o777 == 0o600
        if os.geteuid() != 0:
            return
        os.chmod(s.data, 0o755)         # even when the directory were open
        os.chmod(s.path("console.sock"), 0o666)

        def refused(path, result):
            os.setgroups([])
            os.setgid(12345)
            os.setuid(12345)
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as c:
                c.connect(path)
                os.write(result, c.recv(500))
        ends = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                refused(s.path("console.sock"), ends[1])
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(ends[1])
        answer = os.read(ends[0], 500)
        os.close(ends[0])
        assert answer == \
            b"XYou are not authorized to use the remote console on this server\n", answer
        s.wait_for(r"Remote console refused for user 12345$")


def remote_console_without_a_server():
    with Server(start=False) as s:
        code, output = s.console("show tasks")
        assert code == 2 and "no server is running" in output, output


def commands_from_a_file():
    with Server() as s:
        done = subprocess.run([program("postil-console"), "-d", s.data],
                              input=b"show config ServerName\n\nnonsense\nshow stat Server.Name",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PATIENCE, check=False)
        assert done.returncode == 1
        assert done.stdout == (b"ServerName=CN=mail/O=Example\n" + UNKNOWN.encode()
                               + b"  Server.Name = CN=mail/O=Example\n"
                               + b"  1 statistics found\n"), done.stdout


def slow_console_is_dropped():
    with Server(notes={"TASK_LOG_LINES_PER_SECOND": "100000"}, programs=TROUBLE) as s:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as c:
            c.connect(s.path("console.sock"))
            c.sendall(b"L\n")
            s.console("load trouble flood")
            wait_until(lambda: "flood is over" in log_text(s), "the flood in the log")
            s.check("show server")
            got = b""
            c.settimeout(PATIENCE)
            while not re.search(rb"^D\d+$", got, re.M):
                octets = c.recv(65536)
                assert octets, "closed before it said how many lines were dropped"
                got += octets


def too_many_consoles():
    with Server() as s:
        held = []
        for _ in range(40):
            c = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            c.connect(s.path("console.sock"))
            held.append(c)
        held[-1].settimeout(PATIENCE)
        assert held[-1].recv(200).startswith(b"XServer is not responding to remote console")
        for c in held:
            c.close()
        wait_until(lambda: s.console("show server")[0] == 0, "room for a console")


# --- the terminal

# libedit does not free the names of functions that are added to it.
TERMINAL_ENV = dict(os.environ, TERM="vt100",
                    LSAN_OPTIONS="suppressions=" + os.path.join(HERE, "leaks.txt"))


class Terminal:
    """A server with a terminal of its own."""

    def __init__(self, server):
        self.server = server
        self.master, slave = pty.openpty()
        self.seen = b""
        server.process = subprocess.Popen(
            [program("postil-server"), "-d", server.data], stdin=slave, stdout=slave,
            stderr=slave, env=dict(server.env, **TERMINAL_ENV), start_new_session=True)
        os.close(slave)

    def type(self, octets):
        os.write(self.master, octets)

    def wait_for(self, pattern, seconds=None):
        end = time.monotonic() + (seconds or PATIENCE)
        while not re.search(pattern, self.seen):
            ready, _, _ = select.select([self.master], [], [], 0.2)
            if ready:
                try:
                    self.seen += os.read(self.master, 65536)
                except OSError:
                    break
            assert time.monotonic() < end, "no %r in %r" % (pattern, self.seen[-3000:])
        assert re.search(pattern, self.seen), "no %r in %r" % (pattern, self.seen[-3000:])
        self.seen = self.seen[re.search(pattern, self.seen).end():]


def finish(server, terminal):
    wait_until(lambda: terminal_is_read(terminal) and server.process.poll() is not None,
               "the end of the server")
    os.close(terminal.master)
    code = server.process.returncode
    server.process = None
    return code


def terminal_is_read(terminal):
    ready, _, _ = select.select([terminal.master], [], [], 0)
    if ready:
        try:
            terminal.seen += os.read(terminal.master, 65536)
        except OSError:
            pass
    return True


def terminal_edits_and_completes():
    with Server(notes={"ServerTasks": "hello"}, start=False) as s:
        t = Terminal(s)
        t.wait_for(rb"Hello: Started")
        t.wait_for(rb"> ")
        t.type(b"sh\x08\x08show ta\tonly\r")
        t.wait_for(rb"Database Server      Perform console commands")
        t.type(b"tell hel\thi there\r")
        t.wait_for(rb"you said: hi there")
        t.type(b"\x1b[A\r")              # the line before, from the history
        t.wait_for(rb"you said: hi there")
        t.type(b"half a li")            # output comes while a line is being typed
        s.check("tell hello meanwhile")
        t.wait_for(rb"you said: meanwhile")
        t.wait_for(rb"> half a li")
        t.type(b"\x04")                 # not the end: there is text
        t.type(b"\x15quit\r")
        t.wait_for(rb"Server shutdown complete")
        assert finish(s, t) == 0


def interrupt_key_quits():
    with Server(start=False) as s:
        t = Terminal(s)
        t.wait_for(rb"Server started")
        s.process.send_signal(signal.SIGINT)
        t.wait_for(rb"Server shutdown complete")
        assert finish(s, t) == 0


def stopped_terminal_stops_nobody():
    with Server(notes={"ServerTasks": "hello", "TASK_LOG_LINES_PER_SECOND": "100000"},
                programs=TROUBLE, start=False) as s:
        t = Terminal(s)
        t.wait_for(rb"Hello: Started")
        t.type(b"\x13")                 # Ctrl-S; and nobody reads the terminal
        s.check("load trouble lines")
        wait_until(lambda: "1000 sessions" in log_text(s), "the lines in the log")
        s.console("tell trouble quit")
        wait_until(lambda: not s.children("trouble"), "its end")
        s.check("load trouble flood")
        wait_until(lambda: "flood is over" in log_text(s), "the flood in the log")
        s.check("tell hello alive", r"you said: alive")
        t.type(b"\x11")
        t.wait_for(rb"\[\d+ lines are not shown: this console was too slow\]")
        s.check("quit")
        t.wait_for(rb"Server shutdown complete")
        assert finish(s, t) == 0


class TerminalMailServer(MailServer):
    """With the POP3 task, and a terminal that nobody reads unless he asks for it."""

    def start(self, wait=True):
        self.terminal = Terminal(self)
        self.terminal.wait_for(rb"POP3 Server: Started")
        return self


def stopped_terminal_delays_no_login():
    with TerminalMailServer(wait=False) as s:
        for login in ("jcorrer", "alee"):
            s.put(login, [b"Subject: one\n\n1\n"])
        s.terminal.type(b"\x13")
        for _ in range(500):
            with s.connect() as one, s.connect() as other:
                for c, name in ((one, "jcorrer"), (other, "alee")):
                    assert c.login(name) == b"+OK %s has 1 message." % name.encode()
                for c in (one, other):
                    assert c.ask(b"QUIT").startswith(b"+OK")
        s.check("show tasks", r"POP3 Server\s+Listen for connect requests")
        wait_until(lambda: log_text(s).count("session ended: QUIT") == 1000, "a line for each session")
        s.terminal.type(b"\x11")
        s.terminal.wait_for(rb"session ended: QUIT")
        s.check("quit")
        assert finish(s, s.terminal) == 0


def terminal_that_stays_stopped_does_not_hold_the_end_up():
    with Server(programs=TROUBLE, start=False) as s:
        t = Terminal(s)
        t.wait_for(rb"Server started")
        t.type(b"\x13")
        s.check("load trouble lines")
        wait_until(lambda: "1000 sessions" in log_text(s), "the lines in the log")
        s.check("quit")
        assert s.process.wait(PATIENCE) == 0
        os.close(t.master)
        s.process = None


def log_text(server):
    try:
        with open(server.path("console.log"), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def remote_terminal_shows_the_log():
    with Server(notes={"ServerTasks": "hello"}) as s:
        master, slave = pty.openpty()
        with subprocess.Popen([program("postil-console"), "-d", s.data], stdin=slave,
                              stdout=slave, stderr=slave, start_new_session=True,
                              env=TERMINAL_ENV) as console:
            os.close(slave)
            reader = Reader(os.fdopen(os.dup(master), "rb", buffering=0))
            os.write(master, b"show config ServerName\r")
            reader.wait_for(r"ServerName=CN=mail/O=Example")
            s.check("tell hello over here")
            reader.wait_for(r"[AP]M  Hello: you said: over here")
            os.write(master, b"\x04")
            assert console.wait(PATIENCE) == 0
        os.close(master)
        s.check("show server")


if __name__ == "__main__":
    raise SystemExit(run_cases([
        wording, tell_reaches_the_task, statistics, settings_are_durable, sessions,
        log_is_rotated, log_can_be_stopped_and_moved, log_styles, json_log,
        control_characters_do_not_reach_the_terminal, remote_console_is_the_owners,
        remote_console_without_a_server, commands_from_a_file, slow_console_is_dropped,
        too_many_consoles, terminal_edits_and_completes, interrupt_key_quits,
        stopped_terminal_stops_nobody, stopped_terminal_delays_no_login,
        terminal_that_stays_stopped_does_not_hold_the_end_up,
        remote_terminal_shows_the_log]))
