#!/usr/bin/env python3
"""The POP3 task and what is hostile: a mail file that lies, strangers who look for passwords."""

import os
import re
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from mailserver import MailServer                               # noqa: E402


def marks_of_dots_are_not_believed():
    """Mail must not be taken for the server's words, whatever a damaged row says of it."""
    lines = [b"Subject: x", b"", b".", b"+OK message 1 deleted", b"..", b"."]
    with MailServer() as server:
        server.put("jcorrer", [b"\n".join(lines) + b"\n"])
        path = server.path(server.mail_file("jcorrer"))
        with sqlite3.connect(path) as file:
            assert file.execute("UPDATE inbox SET dot=0").rowcount == 1
        file.close()
        server._hand_over()
        with server.connect() as c:
            assert c.login().startswith(b"+OK")
            for command in (b"RETR 1", b"TOP 1 9"):
                assert c.long(command)[1] == lines, command
            assert c.ask(b"NOOP") == b"+OK"


def found_in_memory(pid, words):
    found = set()
    with open("/proc/%d/maps" % pid, encoding="utf-8") as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            if "r" not in line.split()[1] or end - start > 1 << 30:
                continue
            try:
                memory.seek(start)
                octets = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            found.update(word for word in words if re.search(re.escape(word), octets))
    return found


def passwords_are_forgotten():
    """What was tried, right or wrong, whole or in pieces, is nowhere in the task's memory."""
    with MailServer() as server:
        server.put("jcorrer", [b"A: b\n"])
        with server.connect() as good, server.connect() as bad, server.connect() as gone:
            assert good.ask(b"USER jcorrer").startswith(b"+OK")
            good.send(b"PASS lotus")
            assert good.is_silent()
            good.send(b" notes\r\nNOOP\r\n")
            assert good.line().startswith(b"+OK")
            assert good.line() == b"+OK"
            assert bad.login("nobody", "sesame-shut-you").startswith(b"-ERR [AUTH]")
            gone.send(b"USER x\r\nPASS mellon-and-more")
            assert gone.line().startswith(b"+OK")
            assert gone.is_silent()
            gone.close()
            try:
                found = postil.wait_until(
                    lambda: not found_in_memory(server.pop3_pid(), [b"mellon-and-more"]),
                    "the password of a client that has gone to be wiped")
                found = found_in_memory(server.pop3_pid(), [b"lotus notes", b"sesame-shut-you"])
            except PermissionError:
                return          # one may not look into other processes here
            assert not found, found


if __name__ == "__main__":
    sys.exit(postil.run_cases([marks_of_dots_are_not_believed, passwords_are_forgotten]))
