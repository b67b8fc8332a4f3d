#!/usr/bin/env python3
"""The host's life: start, quit, a second one, signals, tasks that go wrong."""

import os
import re
import signal
import subprocess
import time

from postil import PATIENCE, TOP_BUILDDIR, Server, program, run_cases, wait_until

TROUBLE = {"trouble": os.path.join(TOP_BUILDDIR, "tests", "support", "trouble")}


def start_and_quit():
    with Server(notes={"ServerTasks": "hello"}) as s:
        s.wait_for(r"^\d\d/\d\d/\d{4} \d\d:\d\d:\d\d [AP]M  Hello: Started$")
        assert ("hello", "Idle") in s.tasks()
        assert s.quit() == 0
        s.wait_for(r"Hello: Shutdown$")
        s.wait_for(r"Server shutdown complete$")
        with open(s.path("console.log"), encoding="utf-8") as f:
            log = f.read()
        assert log.rstrip().endswith("Server shutdown complete")
        assert not os.path.exists(s.path("console.sock"))


def files_are_the_owners_alone():
    with Server(notes={"ServerTasks": "hello"}, start=False,
                names={"server.dxl": "<database xmlns='http://www.lotus.com/dxl'/>"}) as s:
        before = os.umask(0)
        try:
            s.start()
        finally:
            os.umask(before)
        s.wait_for(r"Hello: Started$")
        made = set(os.listdir(s.data)) - {"names", "notes.ini"}
        assert {"console.log", "console.sock", "names.nsf", ".lock"} <= made, made
        for name in made:
            mode = os.stat(s.path(name)).st_mode
            assert mode & 0o077 == 0, "%s: %o" % (name, mode)


def commands_on_standard_input():
    with Server(stdin=subprocess.PIPE) as s:
        s.process.stdin.write(b"sh ta only\nnonsense\nload hello\n")
        s.process.stdin.flush()
        s.wait_for(r"Database Server      Perform console commands")
        s.wait_for(r"^Command or option is not recognized$")
        s.wait_for(r"Hello: Started$")
        s.process.stdin.close()         # the end of input is not the end of the server
        s.check("tell hello still here", r"you said: still here")
        s.signal(signal.SIGTERM)
        assert s.wait_for_end() == 0
        s.wait_for(r"Hello: Shutdown$")


def quit_on_standard_input():
    with Server(stdin=subprocess.PIPE) as s:
        s.process.stdin.write(b"quit\n")
        s.process.stdin.close()
        assert s.wait_for_end() == 0


def interrupt_ends_in_order_and_hangup_does_not():
    with Server(notes={"ServerTasks": "hello"}) as s:
        s.wait_for(r"Hello: Started$")
        s.signal(signal.SIGHUP)
        s.check("show tasks", r"hello")
        s.signal(signal.SIGINT)
        assert s.wait_for_end() == 0
        s.wait_for(r"Hello: Shutdown$")


def run_server(*args):
    done = subprocess.run([program("postil-server")] + list(args), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=PATIENCE, check=False)
    return done.returncode, done.stdout.decode()


def second_server_is_refused():
    with Server() as s:
        code, output = run_server("-d", s.data)
        assert code == 1 and "Server is already running (in another process)" in output, output
        s.check("show server")


def faulty_starts_are_explained():
    code, output = run_server("-d", "/nonexistent/data")
    assert code == 1 and "/nonexistent/data" in output, output
    with Server(start=False) as s:
        os.unlink(s.path("notes.ini"))
        code, output = run_server("-d", s.data)
        assert code == 1 and "notes.ini does not exist" in output, output
        s.write_notes({"ServerName": ""})
        code, output = run_server("-d", s.data)
        assert code == 1 and "ServerName is not set" in output, output
        if os.geteuid() == 0:
            s.write_notes({"ServerUser": ""})
            code, output = run_server("-d", s.data)
            assert code == 1 and "ServerUser" in output, output
            s.write_notes({"ServerUser": "root"})
            code, output = run_server("-d", s.data)
            assert code == 1 and "is root" in output, output
            s.write_notes({})
            for path, owner, mode in ((s.data, 1, 0o700), (s.path("notes.ini"), 1, 0o600),
                                      (s.path("notes.ini"), 0, 0o666)):
                s.write_notes({})
                os.chown(path, owner, -1)
                os.chmod(path, mode)
                code, output = run_server("-d", s.data)
                assert code == 1 and path + " must belong to root" in output, output
        else:
            s.write_notes({})
            os.chmod(s.data, 0o500)
            code, output = run_server("-d", s.data)
            os.chmod(s.data, 0o700)
            assert code == 1 and "must belong to the user of the server" in output, output
    code, output = run_server("surplus")
    assert code == 2 and "usage:" in output, output


def root_is_given_up():
    if os.geteuid() != 0:
        return
    with Server(notes={"ServerTasks": "hello"}) as s:
        s.wait_for(r"Hello: Started$")
        for pid in [s.process.pid] + s.children("hello"):
            with open("/proc/%d/status" % pid, encoding="utf-8") as f:
                status = f.read()
            assert re.search(r"^Uid:\s+([1-9]\d*)\s+\1\s+\1\s+\1$", status, re.M), status
            assert re.search(r"^CapEff:\s+0+$", status, re.M), status
            assert re.search(r"^NoNewPrivs:\s+1$", status, re.M), status
        assert os.stat(s.path("console.log")).st_mode & 0o777 == 0o600


def crash_is_told_and_mended():
    with Server(notes={"ServerTasks": "hello"}) as s:
        s.wait_for(r"Hello: Started$")
        mark = s.mark()
        os.kill(s.children("hello")[0], signal.SIGILL)
        s.wait_for(r"hello \(process \d+\) was ended by signal 4 \(Illegal instruction\)")
        s.wait_for(r"Waiting 1 seconds to restart hello\.\.\.")
        s.wait_for(r"Hello: Started$", start=mark)
        s.check("tell hello again", r"you said: again")
        mark = s.mark()
        os.kill(s.children("hello")[0], signal.SIGKILL)
        s.wait_for(r"Waiting 2 seconds to restart hello\.\.\.", start=mark)
        s.wait_for(r"Hello: Started$", start=mark)


def crash_of_a_loaded_task_is_not_mended():
    with Server(programs=TROUBLE) as s:
        s.console("load trouble crash")
        s.wait_for(r"trouble \(process \d+\) was ended by signal 11")
        s.console("load trouble leave 3")
        s.wait_for(r"trouble \(process \d+\) ended without notice, exit status 3")
        assert s.output.find(r"Waiting \d+ seconds") is None
        assert not [t for t in s.tasks() if t[0].startswith("trouble")]


def hanging_task_is_ended_at_quit():
    with Server(notes={"ServerTasks": "trouble hang,hello", "TASK_QUIT_SECONDS": "1"},
                programs=TROUBLE) as s:
        s.wait_for(r"Trouble: hangs$")
        s.wait_for(r"Hello: Started$")
        started = time.monotonic()
        assert s.quit() == 0
        s.wait_for(r"trouble has not ended in 1 seconds: terminating process \d+")
        s.wait_for(r"Hello: Shutdown$")
        s.wait_for(r"Server shutdown complete$")
        assert time.monotonic() - started < 25
        assert not s.children("trouble")


def hanging_task_is_restarted_by_force():
    with Server(notes={"TASK_QUIT_SECONDS": "1"}, programs=TROUBLE) as s:
        s.console("load trouble hang")
        s.wait_for(r"Trouble: hangs$")
        mark = s.mark()
        s.check("restart task trouble", r"Waiting \d+ seconds to restart trouble")
        s.wait_for(r"Trouble: hangs$", start=mark)


def flood_is_limited():
    with Server(notes={"TASK_LOG_LINES_PER_SECOND": "100", "ServerTasks": "hello"},
                programs=TROUBLE) as s:
        s.console("load trouble flood")
        s.wait_for(r"trouble: \d+ lines dropped")
        s.check("tell hello are you there", r"you said: are you there")
        s.check("tell trouble quit")
        wait_until(lambda: not s.children("trouble"), "the end of the task")
        # the host may not have heard of the end yet
        wait_until(lambda: s.console("load trouble output")[0] == 0, "the next run")
        s.wait_for(r"trouble: output line 0$")
        s.wait_for(r"trouble: \d+ lines dropped", start=s.mark())
        s.check("show tasks", r"hello")
        shown = len([x for x in s.output.lines if "flood line" in x or "output line" in x])
        assert shown < 5000, shown


def garbage_ends_its_sender():
    with Server(notes={"ServerTasks": "hello"}, programs=TROUBLE) as s:
        s.wait_for(r"Hello: Started$")
        s.console("load trouble garbage")
        s.wait_for(r"trouble \(process \d+\) is ended: it sent what is no message")
        wait_until(lambda: not s.children("trouble"), "the end of the task")
        s.check("tell hello fine", r"you said: fine")


def full_queue_is_bounded():
    with Server(programs=TROUBLE) as s:
        s.console("load trouble queue")
        count = int(s.wait_for(r"Trouble: queue took (\d+), then status 045E").group(1))
        assert 100 < count < 1000, count
        code, output = s.console("tell trouble one more")
        assert code == 1 and "full" in output, output
        s.check("tell trouble quit")
        wait_until(lambda: not s.children("trouble"), "the end of the task")
        s.console("load trouble")
        code, output = s.console("tell trouble x")      # the queue went with its task
        assert code == 1 and "does not accept" in output, output


def killed_host_ends_tasks_and_frees_the_lock():
    with Server(notes={"ServerTasks": "hello"}) as s:
        s.wait_for(r"Hello: Started$")
        s.process.kill()
        s.process.wait()
        s.start()                       # waits for the tasks of the dead one
        s.wait_for(r"Hello: Started$")
        assert len(s.children("hello")) == 1


def hanging_task_of_a_killed_host_refuses_the_next():
    with Server(notes={"ServerTasks": "trouble hang"}, programs=TROUBLE) as s:
        s.wait_for(r"Trouble: hangs$")
        s.process.kill()
        s.process.wait()
        s.output.thread.join(5)
        if not s.children("trouble"):
            return                      # the runtime ends it when the host is gone
        code, output = run_server("-d", s.data, "-w", "1")
        assert code == 1 and "Server is already running (in another process)" in output, output


def program_that_is_no_task():
    with Server(programs={"plain": "/bin/true", "noisy": "/bin/env"}) as s:
        s.console("load plain")
        s.wait_for(r"plain has ended without connecting")
        s.console("load noisy")
        s.wait_for(r"noisy: POSTIL_DATA=")
        for name in ("../plain", "postil-server", ".hidden", "no/slash", "missing"):
            code, output = s.console("load " + name)
            assert code == 1 and output == (
                "Error attempting to load or run %s:\n    Server Task executable file was not"
                " found.  Check that it exists in your program directory.\n" % name), output
        assert s.console("load PLAIN")[0] == 0          # found in lower case
        code, _ = s.console("load /bin/true")
        assert code == 0


if __name__ == "__main__":
    raise SystemExit(run_cases([
        start_and_quit, files_are_the_owners_alone, commands_on_standard_input, quit_on_standard_input,
        interrupt_ends_in_order_and_hangup_does_not, second_server_is_refused,
        faulty_starts_are_explained, root_is_given_up, crash_is_told_and_mended,
        crash_of_a_loaded_task_is_not_mended, hanging_task_is_ended_at_quit,
        hanging_task_is_restarted_by_force, flood_is_limited, garbage_ends_its_sender,
        full_queue_is_bounded, killed_host_ends_tasks_and_frees_the_lock,
        hanging_task_of_a_killed_host_refuses_the_next, program_that_is_no_task]))
