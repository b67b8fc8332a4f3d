#!/usr/bin/env python3
"""The POP3 task and what is hostile: a mail file that lies, strangers who look for passwords."""

import os
import re
import sqlite3
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from mailserver import MailServer, Person, inetpass, server_document     # noqa: E402


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


LOCKOUT = """<document form='ServerConfig'>
<item name='ServerName'><text>*</text></item>
<item name='ILEnforce'><text>1</text></item>
<item name='ILMaxTries'><number>2</number></item>
</document>
"""
NAMESAKES = [
    Person("jcorrer", "CN=Jada Correr/O=Acme", "jcorrer", "shared"),
    Person("alee", "CN=Ann Lee/O=Acme", "alee", "shared", password="another"),
]


def with_lockout(port):
    return server_document(port) + LOCKOUT


def fail(server, name, times):
    for _ in range(times):
        with server.connect() as c:
            assert c.login(name, "wrong").startswith(b"-ERR [AUTH]")


def a_locked_namesake_hides_nobody():
    """Guesses at a name that two have count for the other when one is locked out."""
    with MailServer(persons=NAMESAKES, document=with_lockout) as server:
        fail(server, "jcorrer", 3)
        server.wait_for(r"pop3: jcorrer \[127.0.0.1\] .* password: User is locked out$")
        fail(server, "shared", 2)
        fail(server, "alee", 1)
        server.wait_for(r"pop3: alee \[127.0.0.1\] .* password: User is locked out$")
        assert not server.output.find(r"pop3: shared .*: User is locked out$")


def a_queue_tells_nobody_who_is_locked():
    """Who fills the queue for hashes learns nothing from who answers beside it."""
    digest = inetpass.v3(b"x", rounds=1500000)
    # one for each client: none of them is locked out by what the others guess
    slow = [Person("slow%d" % i, "CN=Slow %d/O=Acme" % i, "slow%d" % i, digest=digest)
            for i in range(2 * (os.cpu_count() or 1) + 2)]
    persons = NAMESAKES + slow
    with MailServer(persons=persons, document=with_lockout, notes={
            "POP3_Failed_Login_Delay": "1", "POP3_Max_Failed_Logins": "100"}) as server:
        with server.connect() as c:
            for _ in range(3):
                assert c.login("jcorrer", "wrong").startswith(b"-ERR [AUTH]")
        server.wait_for(r"password: User is locked out$")
        clients = [server.connect() for _ in slow]
        for c, person in zip(clients, slow):
            assert c.ask(b"USER " + person.login.encode()).startswith(b"+OK")
        with server.connect() as locked, server.connect() as unknown:
            assert locked.ask(b"USER jcorrer").startswith(b"+OK")
            assert unknown.ask(b"USER nobody").startswith(b"+OK")
            for c in clients:
                c.send(b"PASS wrong\r\n")
            assert clients[0].is_silent(0.3)
            began = time.monotonic()
            unknown.send(b"PASS wrong\r\n")
            locked.send(b"PASS wrong\r\n")
            assert locked.line().startswith(b"-ERR [AUTH]")
            waited = time.monotonic() - began
            assert unknown.line().startswith(b"-ERR [AUTH]")
            other = time.monotonic() - began
            assert other > 1.5, "the queue was not full: %.2f s" % other
            assert waited > 1.5, "locked out after %.2f s, unknown after %.2f s" % (waited, other)
        for c in clients:
            c.close()


if __name__ == "__main__":
    sys.exit(postil.run_cases([
        marks_of_dots_are_not_believed, passwords_are_forgotten, a_locked_namesake_hides_nobody,
        a_queue_tells_nobody_who_is_locked]))
