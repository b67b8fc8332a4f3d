#!/usr/bin/env python3
"""The host and what lies around it: the directory's documents, the POP3 task."""

import os
import re
import socket

from postil import Server, free_port, program, run_cases, skip, wait_until

SERVER = """<?xml version='1.0' encoding='utf-8'?>
<database xmlns='http://www.lotus.com/dxl'>
<document form='Server'>
<item name='ServerName'><text>CN=mail/O=Example</text></item>
<item name='POP3_Port'><number>%d</number></item>
</document>
</database>
"""


def greeting(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as c:
            return c.makefile("rb").readline()
    except (ConnectionRefusedError, ConnectionResetError):
        return b""


def pop3_task_serves():
    port = free_port()
    with Server(notes={"ServerTasks": "pop3", "POP3_Config_Update_Interval": "1"},
                names={"server.dxl": SERVER % port}) as s:
        s.wait_for(r"POP3 Server: Started$")
        wait_until(lambda: greeting(port).startswith(b"+OK "), "the greeting")
        s.check("show tasks", r"^  POP3 Server +Listen for connect requests on TCP Port:%d$" % port)
        s.check("tell pop3 show config", r"POP3_Config_Update_Interval")
        assert s.statistic("POP3.Sessions.Inbound.Total") is not None
        with socket.create_connection(("127.0.0.1", port)) as c:
            assert c.recv(100).startswith(b"+OK ")
            wait_until(lambda: "127.0.0.1" in s.console("show users")[1], "the session")
            assert re.search(r"[1-9]\d* sessions? dropped", s.check("drop 127.0.0.1"))
            c.settimeout(10)
            while c.recv(100):
                pass
        s.check("restart task pop3")
        wait_until(lambda: s.output.text().count("POP3 Server: Started") == 2, "a second start")
        assert greeting(port).startswith(b"+OK ")
        s.check("tell pop3 quit")
        s.wait_for(r"POP3 Server: Shutdown$")
        wait_until(lambda: greeting(port) == b"", "the port to be closed")
        assert s.quit() == 0


def changed_documents_are_taken_up():
    with Server(notes={"ServerTasks": "pop3"}, names={"server.dxl": SERVER % free_port()}) as s:
        s.wait_for(r"POP3 Server: Started$")
        before = os.stat(s.path("names.nsf")).st_mtime_ns
        mark = s.mark()
        s.write_name("broken.dxl", "<database xmlns='http://www.lotus.com/dxl'><document")
        s.wait_for(r"broken\.dxl:\d+", start=mark)
        os.unlink(s.path("names", "broken.dxl"))
        port = free_port()
        s.write_name("server.dxl", SERVER % port)
        wait_until(lambda: os.stat(s.path("names.nsf")).st_mtime_ns > before, "a compilation")
        assert s.quit() == 0


def documents_in_new_folders():
    broken = "<database xmlns='http://www.lotus.com/dxl'><document"
    with Server(notes={"ServerTasks": "hello"}) as s:
        s.wait_for(r"Hello: Started$")
        for folder in ("", "a", "a/b"):                 # nor was there a names/
            os.mkdir(s.path("names", folder))
            s._hand_over()                              # pylint: disable=protected-access
            for name in ("one.dxl", "two.dxl"):
                mark = s.mark()
                with open(s.path("names", folder, name), "w", encoding="utf-8") as f:
                    f.write(broken)
                    s._hand_over()                      # pylint: disable=protected-access
                s.wait_for(re.escape(os.path.join("names", folder, name)) + r":\d+", start=mark)
        mark = s.mark()
        os.rename(s.path("names", "a", "b"), s.path("names", "c"))
        s.wait_for(r"names/c/one\.dxl:\d+", start=mark)
        assert s.quit() == 0


def no_documents_yet():
    with Server(notes={"ServerTasks": "hello"}) as s:
        s.wait_for(r"Hello: Started$")
        s.check("show server")
        assert s.quit() == 0


def commands_in_a_file():
    with Server(notes={"ServerTasks": "hello"}) as s:
        s.wait_for(r"Hello: Started$")
        with open(s.path("commands"), "w", encoding="utf-8") as f:
            f.write("# what to do\nshow config ServerName\n\ntell hello from a file\n"
                    "set config From_File=1\r\nshow config From_File")
        s._hand_over()                                  # pylint: disable=protected-access
        # Every ten seconds hello has something else to say, too.
        assert s.check("< commands").replace("Hello, world\n", "") == (
            "ServerName=CN=mail/O=Example\nHello: you said: from a file\n"
            "From_File changed to 1.\nFrom_File=1\n")
        with open(s.path("commands"), "a", encoding="utf-8") as f:
            f.write("\nnonsense\n<commands\nshow config ServerName\n")
        code, output = s.console("<commands")
        assert code == 1 and output.endswith(
            "Command or option is not recognized\nA file of commands cannot name another\n"
            "ServerName=CN=mail/O=Example\n"), output
        code, output = s.console("< missing")
        assert code == 1 and "No such file" in output, output
        code, output = s.console("< /dev/zero")
        assert code == 1 and "Invalid argument" in output, output


if __name__ == "__main__":
    if not os.path.exists(program("pop3")) or not os.path.exists(program("postil-directory")):
        skip("the POP3 task is not built")
    raise SystemExit(run_cases([pop3_task_serves, changed_documents_are_taken_up,
                                documents_in_new_folders,
                                no_documents_yet, commands_in_a_file]))
