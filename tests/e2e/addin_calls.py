#!/usr/bin/env python3
"""Tasks and their calls against the real host: tests/support/checktask.c."""

import os
import re
import time

from postil import TOP_BUILDDIR, Server, run_cases, wait_until

CHECKTASK = {"checktask": os.path.join(TOP_BUILDDIR, "tests", "support", "checktask")}


def server(**notes):
    return Server(notes=notes, programs=CHECKTASK)


def every_call_works():
    with server() as s:
        s.console("load checktask")
        s.wait_for(r"Check: done$")
        text = s.output.text()
        assert "Check: FAILED" not in text
        assert text.count("Check: ok ") == 10, text
        for thread in "abcd":           # every line came, in the order it was said
            said = re.findall(r"thread %s line (\d+)" % thread, text)
            assert said == ["%03d" % i for i in range(100)], said
        s.wait_for(r"Hello: Started$")  # by OSLoadProgram
        s.check("show config CHECK_NUMBER", r"CHECK_NUMBER=-12")
        assert s.statistic("Check.Text") == "a; text"
        started = time.monotonic()
        s.check("tell checktask quit")
        wait_until(lambda: not s.children("checktask"), "the end of the task")
        assert time.monotonic() - started < 5


def idle_in_the_manner_of_the_samples():
    with server(ServerTasks="checktask idle") as s:
        s.wait_for(r"Check: idle begins$")
        s.wait_for(r"Check: daily job$")
        s.wait_for(r"Check: two-second job$")
        mark = s.mark()
        s.wait_for(r"Check: two-second job$", start=mark)
        assert ("Idle Check", "Idle") in s.tasks(), s.tasks()
        assert not [name for name, _ in s.tasks() if name.startswith("checktask")]
        s.check("tell checktask quit")
        s.wait_for(r"Check: idle ends$")
        assert s.output.text().count("Check: daily job") == 1


def told_in_the_manner_of_the_samples():
    with server() as s:
        s.console("load checktask told")
        wait_until(lambda: ("Told Check", "Idle") in s.tasks(), "the status line")
        s.check("tell checktask some words  to repeat")
        s.wait_for(r"Check: told 'some words  to repeat'$")
        s.check("tell checktask 100%s %n")
        s.wait_for(r"Check: told '100%s %n'$")
        s.wait_for(r"Check: nothing told$")
        s.check("tell checktask quit")
        s.wait_for(r"Check: told ends: Message queue is about to end$")


def quit_ends_what_waits_for_ever():
    with server(ServerTasks="checktask block") as s:
        s.wait_for(r"Check: blocks$")
        started = time.monotonic()
        assert s.quit() == 0
        s.wait_for(r"Check: block ends$")
        assert time.monotonic() - started < 15


def killed_host_ends_what_waits_for_ever():
    with server(ServerTasks="checktask block") as s:
        s.wait_for(r"Check: blocks$")
        s.process.kill()
        s.process.wait()
        wait_until(lambda: not s.children("checktask"), "the end of the task")


def killed_host_ends_what_scribbles():
    with server(ServerTasks="checktask scribble") as s:
        s.wait_for(r"Check: scribbles$")
        wait_until(lambda: s.statistic("Scribble.Number") is not None, "a statistic")
        s.check("show tasks", r"number \d+")
        s.process.kill()
        s.process.wait()
        wait_until(lambda: not s.children("checktask"), "the end of the task")


def task_started_by_hand_says_how():
    import subprocess
    done = subprocess.run([CHECKTASK["checktask"]], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=30, check=False)
    assert done.returncode == 1 and done.stdout == b""
    assert b"enter `load checktask` at the server's console" in done.stderr, done.stderr


if __name__ == "__main__":
    raise SystemExit(run_cases([
        every_call_works, idle_in_the_manner_of_the_samples, told_in_the_manner_of_the_samples,
        quit_ends_what_waits_for_ever, killed_host_ends_what_waits_for_ever,
        killed_host_ends_what_scribbles, task_started_by_hand_says_how]))
