#!/usr/bin/env python3
"""What a user of Notes does to a mail file, while a POP3 session has it open."""

import functools
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from mailserver import MailServer                               # noqa: E402

MAIL = [b"From: A <a@x.example>\nSubject: number %d\n\nbody %d\n" % (i, i) for i in range(1, 7)]
BOX = os.path.join("mail", "jcorrer.nsf")


def mail(server, verb, *arguments, status=0, options=()):
    return server.tool("mail", verb, "-d", server.data, *options, BOX, *arguments,
                       status=status).decode()


def listed(server, *options):
    """(mark, number, note id, subject) of each line."""
    found = []
    for line in mail(server, "list", options=options).splitlines():
        match = re.match(r"^([ *]) *(\d+) (NT[0-9A-F]{8}) +(\d+|-)  \S+ \S+ +.*?(number \d+)$", line)
        assert match, line
        found.append((match[1], int(match[2]), match[3], match[5]))
    return found


def subjects(server, *options):
    return [entry[3] for entry in listed(server, *options)]


def under_a_session(server):
    """Numbers stay; what was moved is fetched, what was deleted refused; QUIT leaves what was filed."""
    server.put("jcorrer", MAIL)
    mail(server, "folder", "make", "Projects")
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        assert mail(server, "move", "1", options=("-t", "Projects")) == "1 note moved\n"
        assert "1 message deleted" in mail(server, "delete", "1")       # number 2 of the session
        assert mail(server, "trash", "1") == "1 note moved to the trash\n"      # its number 3
        assert c.ask(b"STAT").startswith(b"+OK 6 ")
        assert c.long(b"RETR 1")[1][-1] == b"body 1"
        answer = c.ask(b"RETR 2")
        assert answer.startswith(b"-ERR"), answer
        assert c.long(b"RETR 3")[1][-1] == b"body 3"
        assert c.long(b"RETR 4")[1][-1] == b"body 4"
        assert len(c.long(b"UIDL")[1]) == 6
        for number in (1, 2, 3, 4):
            assert c.ask(b"DELE %d" % number).startswith(b"+OK")
        assert c.ask(b"QUIT").startswith(b"+OK")
    assert subjects(server, "-f", "Projects") == ["number 1"]
    assert subjects(server, "-f", "($Trash)") == ["number 3"]
    assert subjects(server, "-f", "($Inbox)") == ["number 5", "number 6"]
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        assert c.ask(b"STAT").startswith(b"+OK 2 ")


def moved_and_back(server):
    """With the UIDL that the client knows, at its old place."""
    server.put("jcorrer", MAIL)
    mail(server, "folder", "make", "Projects")
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        before = c.long(b"UIDL")[1]
    note = listed(server, "-f", "($Inbox)")[1][2]
    mail(server, "move", note, options=("-t", "projects"))
    mail(server, "trash", note)
    assert subjects(server, "-f", "Projects") == []
    assert mail(server, "undelete", note) == "1 note restored\n"
    assert subjects(server, "-f", "Projects") == ["number 2"]
    mail(server, "move", "1", options=("-f", "Projects", "-t", "($Inbox)"))
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        assert c.long(b"UIDL")[1] == before
    mail(server, "undelete", note, status=66)
    mail(server, "move", note, options=("-t", "Nowhere"), status=66)
    mail(server, "folder", "make", "PROJECTS", status=73)
    mail(server, "folder", "remove", "($Inbox)", status=64)
    told = mail(server, "folder")
    assert re.search(r"^ +6  \(\$Inbox\)$", told, re.M), told
    mail(server, "folder", "remove", "Projects")


def marks(server):
    """Each user has his own, told with an asterisk; POP3 offers what is unread if it is asked to."""
    server.put("jcorrer", MAIL)
    assert "marked read" in mail(server, "mark", "read", "2-3", options=("-m", "Anna Lee/Acme"))
    anna = "".join(entry[0] for entry in listed(server, "-m", "CN=Anna Lee/O=Acme"))
    assert anna == "*  ***", anna
    bob = "".join(entry[0] for entry in listed(server, "-m", "Bob/Acme"))
    assert bob == "******", bob
    mail(server, "mark", "unread", "3", options=("-m", "Anna Lee/Acme"))
    anna = "".join(entry[0] for entry in listed(server, "-m", "Anna Lee/Acme"))
    assert anna == "* ****", anna
    mail(server, "mark", "read", "9", options=("-m", "Anna Lee/Acme"), status=66)
    server.tool("mail", "create", "-d", server.data, "-o", "Carl Roe/Acme", "mail/croe.nsf")
    shown = server.tool("mail", "properties", "-d", server.data, "mail/croe.nsf")
    assert b"CN=Carl Roe/O=Acme" in shown, shown
    server.add("croe", MAIL)
    server.tool("mail", "mark", "-d", server.data, "mail/croe.nsf", "read", "1")
    carl = server.tool("mail", "list", "-d", server.data, "-m", "CN=Carl Roe/O=Acme", "mail/croe.nsf")
    assert [line[:1] for line in carl.splitlines()] == [b" "] + [b"*"] * 5, carl


def soft_deletion(server):
    """DELE and QUIT keep a message for its hours; the trash gives it back, or is emptied."""
    server.put("jcorrer", MAIL)
    told = mail(server, "properties", "soft-deletion=48", "title=Jane's mail", "quota=200M",
                "warning=150M", "replica=85257AB0:00123456")
    for line in ("soft-deletion=48", "title=Jane's mail", "quota=209715200", "warning=157286400",
                 "replica=85257AB0:00123456", "cutoff=90", "quota-messages=0"):
        assert line in told.splitlines(), told
    for wrong in ("quota=much", "title", "nothing=1", "replica=12", "format=9"):
        before = mail(server, "properties")
        assert server.tool("mail", "properties", "-d", server.data, BOX, "cutoff=1", wrong,
                           status=66 if wrong == "nothing=1" else 64)
        assert mail(server, "properties") == before     # all or none
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        uidls = c.long(b"UIDL")[1]
        assert c.ask(b"DELE 1").startswith(b"+OK")
        assert c.ask(b"DELE 2").startswith(b"+OK")
        assert c.ask(b"QUIT").startswith(b"+OK")
    assert subjects(server, "-f", "($SoftDeletions)") == ["number 1", "number 2"]
    mail(server, "undelete", "2")
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        assert [line.split()[1] for line in c.long(b"UIDL")[1]] == [line.split()[1] for line in uidls[1:]]
    assert mail(server, "trash", options=("-e",)) == "1 note deleted for good\n"
    assert mail(server, "delete", "1").endswith(".nsf, to the trash\n")
    assert subjects(server, "-f", "($Trash)") == ["number 2"]
    assert mail(server, "delete", "1", options=("-x",)).endswith(".nsf\n")
    assert subjects(server, "-f", "($Trash)") == ["number 2"]
    assert "no fault found" in mail(server, "info", options=("-c",))


def shown(server):
    server.put("jcorrer", MAIL)
    note = listed(server, "-f", "($All)")[2][2]
    whole = mail(server, "show", note)
    assert whole == mail(server, "show", "3") and whole.endswith("\r\n\r\nbody 3\r\n"), whole
    assert mail(server, "show", note, options=("-H",)) == \
        "From: A <a@x.example>\nSubject: number 3\n\n"
    mail(server, "show", "NT00FFFFFF", status=66)
    mail(server, "show", "1-2", status=66)


def full(server):
    """A full mail file takes no more, tells its owner once, is read and emptied as before."""
    server.put("jcorrer", MAIL[:1])
    mail(server, "properties", "quota-messages=3", "warning=1")
    letter = b"Subject: one more\n\nx\n"
    server.tool("deliver", "-d", server.data, "jcorrer", input=letter)
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        assert c.ask(b"STAT").startswith(b"+OK 3 ")
        notice = b"\n".join(c.long(b"RETR 3")[1])
        assert b"Subject: Quota Report: your mail file is nearly full" in notice, notice
        assert b"To: <jcorrer@acme.example>" in notice or b"To: " in notice
        refused = server.tool("deliver", "-d", server.data, "jcorrer", input=letter, status=75)
        assert b"exceed" in refused, refused
        assert c.ask(b"DELE 3").startswith(b"+OK")
        assert c.ask(b"QUIT").startswith(b"+OK")
    server.tool("deliver", "-d", server.data, "jcorrer", input=letter)
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        assert c.ask(b"STAT").startswith(b"+OK 3 ")


def main():
    with MailServer() as server:
        def on_server(case):
            return functools.wraps(case)(lambda: case(server))
        return postil.run_cases([on_server(case) for case in (
            under_a_session, moved_and_back, marks, soft_deletion, shown, full)])


if __name__ == "__main__":
    sys.exit(main())
