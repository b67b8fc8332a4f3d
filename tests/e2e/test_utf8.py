#!/usr/bin/env python3
"""RFC 6856 with real clients: poplib with and without utf8(), curl; names and passwords in
UTF-8; unread marks of two persons who share a mail file. Messages come in as SMTPUTF8."""

import base64
import email
import email.policy
import os
import poplib
import shutil
import subprocess
import sys
from email.message import EmailMessage

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from mailserver import PASSWORD, MailServer, Person             # noqa: E402

REFUSED = b"-ERR [AUTH] invalid user name or password"
OLD = "Subject: Grüße\r\n\r\nold\r\n".encode("latin-1")
IMPOSSIBLE = 'Content-Type: multipart/mixed; boundary="ü"\r\n\r\n--ü--\r\n'.encode()


def letter():
    mail = EmailMessage(policy=email.policy.SMTPUTF8)
    mail["From"] = "Jörg <jörg@bücher.example>"
    mail["To"] = "Anna Österreich <anna@例え.テスト>"
    mail["Subject"] = "Grüße aus Köln"
    mail.set_content("schön\n")
    mail.add_attachment(b"\x00\x01\xFF", maintype="application", subtype="octet-stream", filename="größe.bin")
    inside = EmailMessage(policy=email.policy.SMTPUTF8)
    inside["Subject"] = "innen ü"
    inside.set_content("innen\n")
    mail.add_attachment(inside)
    return mail.as_bytes()


def pop(server, utf8):
    client = poplib.POP3("127.0.0.1", server.port, timeout=postil.PATIENCE)
    assert client.capa()["UTF8"] == ["USER"] and "LANG" in client.capa()
    if utf8:
        assert client.utf8().startswith(b"+OK")
    client.user("jcorrer")
    client.pass_(PASSWORD)
    return client


def fetch(client, number):
    return b"".join(line + b"\r\n" for line in client.retr(number)[1])


def check_plain(octets, original):
    """What a client of old is sent says the same."""
    header = octets.split(b"\r\n\r\n")[0]
    assert header.isascii()
    mail = email.message_from_bytes(octets, policy=email.policy.SMTP)
    was = email.message_from_bytes(original, policy=email.policy.SMTPUTF8)
    assert mail["Subject"] == "Grüße aus Köln"
    assert mail["Return-Path"] is None and mail["Downgraded-Return-Path"] is not None
    assert mail["To"].addresses[0].addr_spec == "anna@xn--r8jz45g.xn--zckzah"
    assert mail["To"].addresses[0].display_name == "Anna Österreich"
    assert mail["From"].groups[0].display_name == "Jörg jörg@bücher.example"
    assert [p.get_content_type() for p in mail.walk()] == [p.get_content_type() for p in was.walk()]
    assert [p.get_filename() for p in mail.walk()] == [p.get_filename() for p in was.walk()]
    bodies = [[p.get_payload(decode=True) for p in m.walk() if not p.is_multipart()] for m in (mail, was)]
    assert bodies[0] == bodies[1]
    assert list(mail.walk())[-1]["Subject"] == "innen ü"
    assert not any(p.defects for p in mail.walk())


def both_forms():
    """Each session gets one of them, with sizes and UIDLs to match, now and after a restart."""
    with MailServer() as server:
        server.put("jcorrer", [])
        original = letter()
        server.tool("deliver", "-u", "-d", server.data, "-f", "jörg@bücher.example", "jcorrer", input=original)
        server.add("jcorrer", [OLD])
        server.add_utf8("jcorrer", IMPOSSIBLE)
        sent = "Return-Path: <jörg@bücher.example>\r\n".encode() + original
        seen = {}
        for round_ in range(2):
            for utf8 in (False, True):
                client = pop(server, utf8)
                sizes = [int(line.split()[1]) for line in client.list()[1]]
                assert client.stat() == (3, sum(sizes)), (client.stat(), sizes)
                octets = fetch(client, 1)
                assert len(octets) == sizes[0]
                assert fetch(client, 2) == OLD
                if utf8:
                    assert octets == sent and fetch(client, 3) == IMPOSSIBLE
                else:
                    check_plain(octets, original)
                    for ask in (lambda: client.retr(3), lambda: client.top(3, 0)):
                        try:
                            ask()
                            raise AssertionError("it was sent")
                        except poplib.error_proto as error:
                            assert error.args[0].startswith(b"-ERR [UTF8] "), error
                assert sizes[2] == len(IMPOSSIBLE)
                top = b"\r\n".join(client.top(1, 0)[1])
                assert octets.startswith(top)
                ids = [line.split()[1] for line in client.uidl()[1]]
                assert seen.setdefault(utf8, (octets, ids)) == (octets, ids)
                client.quit()
            if round_ == 0:
                mark = server.mark()
                server.check("restart task pop3")
                server.wait_for(r"POP3 Server: Started", start=mark)
        (_, without), (_, with_utf8) = seen[False], seen[True]
        assert without[0] != with_utf8[0] and without[1:] == with_utf8[1:]
        client = pop(server, False)             # deleted in one form it is gone in both
        client.dele(1)
        client.quit()
        client = pop(server, True)
        assert client.stat()[0] == 2
        client.quit()


def curl():
    """A client that knows nothing of UTF8."""
    if shutil.which("curl") is None:
        print("      curl is not installed")
        return
    with MailServer() as server:
        server.put("jcorrer", [])
        server.add_utf8("jcorrer", letter())
        done = subprocess.run(["curl", "-sS", "--max-time", str(postil.PATIENCE), "-u", "jcorrer:" + PASSWORD,
                               "pop3://127.0.0.1:%d/1" % server.port], stdout=subprocess.PIPE,
                              timeout=postil.PATIENCE, check=True)
        mail = email.message_from_bytes(done.stdout, policy=email.policy.SMTP)
        assert mail["Subject"] == "Grüße aus Köln" and done.stdout.split(b"\r\n\r\n")[0].isascii()


def by_user(c, name, password):
    answer = c.ask(b"USER " + name)
    return c.ask(b"PASS " + password) if answer.startswith(b"+OK") else answer


def by_plain(c, name, password):
    return c.ask(b"AUTH PLAIN " + base64.b64encode(b"\0" + name + b"\0" + password))


def names_and_passwords():
    """UTF-8 with and without UTF8, prepared by SASLprep; what that forbids is refused."""
    persons = [Person("jürgen", "CN=Jürgen Groß/O=Acme", "jürgen", address="j@acme.example", password="Größe m2"),
               Person("typed", "CN=Typed/O=Acme", "typed", password="m²")]        # a digest from elsewhere
    notes = {"POP3_Trusted_Networks": "127.0.0.1", "POP3_Max_Failed_Logins": "100"}
    with MailServer(persons=persons, notes=notes) as server:
        server.put("jürgen", [b"Subject: x\n\nx\n"])
        server.put("typed", [])
        good = [("jürgen", "Größe m²"), ("JU\u0308RGEN", "Gro\u0308ße m²"), ("jürgen", "Größe m2"),
                ("jür\u00ADgen", "Größe\u00A0m²"), ("ｊürgen", "Größe m２"), ("Jürgen Gross/Acme", "Größe m²"), ("typed", "m²")]
        for begin in ((), (b"UTF8",)):
            for name, password in good:
                for how in (by_user, by_plain):
                    with server.connect() as c:
                        for command in begin:
                            assert c.ask(command).startswith(b"+OK")
                        answer = how(c, name.encode(), password.encode())
                        assert answer.startswith(b"+OK"), (name, password, answer)
                        assert c.ask(b"QUIT").startswith(b"+OK")
        bad = [("jürgen".encode("latin-1"), "Größe m²".encode()), ("jürgen".encode(), "Größe m²".encode("latin-1")),
               ("jürgen\uE000".encode(), "Größe m²".encode()), ("jürgen".encode(), "Größe m²\u200E".encode()),
               ("jürgen".encode(), "grosse m2".encode())]
        with server.connect() as c:
            assert c.ask(b"UTF8").startswith(b"+OK")
            for name, password in bad:
                assert by_user(c, name, password) == REFUSED, (name, password)


def set_to(server, value):
    mark = server.mark()
    server.check("set config " + value)
    server.wait_for("POP3 Server: Configuration updated", start=mark)


def session(server, who, *commands, leave=True):
    """How many messages it was offered. Without leave the connection just ends."""
    with server.connect() as c:
        answer = c.login(who)
        assert answer.startswith(b"+OK"), answer
        for command in commands:
            if command in (b"LIST", b"UIDL") or command.split()[0] in (b"RETR", b"TOP"):
                c.long(command)
            else:
                assert c.ask(command).startswith(b"+OK")
        assert not leave or c.ask(b"QUIT").startswith(b"+OK")
    if not leave:
        postil.wait_until(lambda: who not in server.check("show users").lower(), "the session to end")
    return int(answer.split()[3])


def shared_file(server, mail):
    path = "mail/shared.nsf"
    for end in ("", "-lock", "-wal", "-shm"):
        if os.path.exists(server.path(path + end)):
            os.unlink(server.path(path + end))
    server.tool("mail", "create", "-d", server.data, path)
    server.add("shared", mail)
    server.tool("mail", "acl", "-d", server.data, path, "set", "anna/Acme", "editor")
    server.tool("mail", "acl", "-d", server.data, path, "set", "bert/Acme", "editor")


def marks():
    """POP3MarkRead 0, 1 and 2 with POP3_READ_ALL=0: what one of two persons reads stays unread
    for the other; marks are set by QUIT alone."""
    persons = [Person("anna", "CN=Anna/O=Acme", "anna", mail_file="mail\\shared"),
               Person("bert", "CN=Bert/O=Acme", "bert", mail_file="mail\\shared")]
    mail = [b"Subject: %d\n\n%d\n" % (i, i) for i in range(4)]
    # what is said, and how many messages are left unread
    cases = ((0, ((b"RETR 1", b"TOP 2 0", b"LIST", b"UIDL"), 4)),
             (1, ((b"LIST 1",), 3), ((b"UIDL 1", b"RETR 2"), 1), ((b"STAT", b"NOOP"), 1), ((b"LIST",), 0)),
             (2, ((b"LIST", b"UIDL", b"STAT"), 4), ((b"RETR 1",), 3), ((b"TOP 2 0",), 2),
              ((b"RETR 1", b"RSET"), 1)))
    with MailServer(persons=persons, notes={"POP3_READ_ALL": "0"}) as server:
        for value, *steps in cases:
            if value != 0:
                set_to(server, "POP3MarkRead=%d" % value)
            shared_file(server, mail)
            left = len(mail)
            for commands, after in steps:
                assert session(server, "anna", *commands, leave=False) == left
                assert session(server, "anna", *commands) == left, (value, commands)
                assert session(server, "anna") == after, (value, commands)
                left = after
            assert session(server, "bert") == len(mail), value
        set_to(server, "POP3_READ_ALL=1")
        assert session(server, "anna") == len(mail)


if __name__ == "__main__":
    sys.exit(postil.run_cases([both_forms, curl, names_and_passwords, marks]))
