#!/usr/bin/env python3
"""The POP3 task as clients and administrators meet it: limits, takeover, settings,
the end of the service, connections that misbehave. No sleep decides a result; where
a time is the subject, it is measured."""

import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import mailserver                                               # noqa: E402
import postil                                                   # noqa: E402
from mailserver import MailServer, Person, inetpass                       # noqa: E402

MAIL = [b"Subject: %d\n\nbody %d\n" % (i, i) for i in range(1, 4)]


def load_again(server):
    postil.wait_until(lambda: not server.children("pop3") and
                      ("POP3 Server", "Utility task") not in server.tasks(), "the task to end")
    mark = server.mark()
    server.check("load pop3")
    server.wait_for("POP3 Server: Started", start=mark)


def console():
    """Status lines, statistics, show users, drop, tell."""
    with MailServer() as server:
        server.put("jcorrer", MAIL)
        assert ("POP3 Server", "Listen for connect requests on TCP Port:%d" % server.port) \
            in server.tasks()
        assert ("POP3 Server", "Utility task") in server.tasks()
        assert ("POP3 Server", "Control task") in server.tasks()
        with server.connect() as one, server.connect():
            assert one.greeting == b"+OK Postil POP3 server version %s ready on mail/Acme." \
                % one.greeting.split()[5]
            assert one.login() == b"+OK jcorrer has 3 messages."
            output = server.check("show users", r"CN=Jada Correr/O=Acme\s+127\.0\.0\.1\s+%d no "
                                  r".* 3$" % server.port)
            assert len(re.findall(r"127\.0\.0\.1", output)) == 2
            server.check('drop "jada correr/acme"', r"1 session dropped")
            assert one.line() is None
            server.wait_for(r"pop3: Jada Correr/Acme \[127\.0\.0\.1\] session ended: dropped; "
                            r"retrieved 0 \(0 octets\), deleted 0 of 3 messages")
        postil.wait_until(lambda: server.statistic("POP3.Sessions.Inbound.Total") == "2",
                          "the statistic of two sessions")
        server.check("tell pop3 show config", r"^POP3_READ_ALL=1 ")
        server.check("tell pop3 nonsense", r'"nonsense" is not a command')
        server.check("tell pop3 refresh", r"Configuration has not changed")
        server.console("tell pop3 quit")
        for line in ("Waiting for all tasks to complete", "All tasks have completed", "Shutdown"):
            server.wait_for("POP3 Server: " + line)
        load_again(server)
        with server.connect() as again:
            assert again.login() == b"+OK jcorrer has 3 messages."


def settings_live():
    """Settings are taken up without disturbing a session."""
    with MailServer() as server:
        server.put("jcorrer", MAIL)
        server.put("alee", MAIL)
        with server.connect() as before:
            assert before.login().startswith(b"+OK")
            server.check("set config POP3_Max_Bad_Commands=1")
            server.wait_for("POP3 Server: Configuration updated")
            with server.connect() as after:
                assert after.ask(b"XYZZY") == b"-ERR too many bad commands, closing connection"
                assert after.line() is None
            assert before.ask(b"XYZZY") == b"-ERR unknown command"
            mark = server.mark()
            port, server.port = server.port, postil.free_port()
            server.write_name("server.dxl", mailserver.dxl(
                [mailserver.server_document(server.port)]))
            server.wait_for("POP3 Server: Configuration updated", start=mark)
            with server.connect() as new:
                assert new.login("alee") == b"+OK alee has 3 messages."
            assert before.ask(b"STAT").startswith(b"+OK 3 ")
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                raise AssertionError("the old port still answers")
            except ConnectionRefusedError:
                pass
        server.check("set config POP3_Max_Bad_Commands=many")
        server.wait_for(r"notes.ini: POP3_Max_Bad_Commands must be a number from 1 to 100000")


def unread_only():
    """POP3_READ_ALL and POP3MarkRead, each taken up by the next login."""
    with MailServer(notes={"POP3_READ_ALL": "0", "POP3MarkRead": "2"}) as server:
        server.put("jcorrer", MAIL)

        def session(count, *commands):
            with server.connect() as c:
                assert c.login() == b"+OK jcorrer has %d message%s." % (count, b"s" if count != 1 else b"")
                for command in commands:
                    c.long(command)
                assert c.ask(b"QUIT").startswith(b"+OK")

        def set_to(value):
            mark = server.mark()
            server.check("set config " + value)
            server.wait_for("POP3 Server: Configuration updated", start=mark)

        session(3, b"LIST", b"RETR 1")
        session(2, b"UIDL")
        set_to("POP3MarkRead=1")
        session(2, b"TOP 1 0")
        session(1, b"LIST")
        session(0)
        set_to("POP3_READ_ALL=1")
        session(3)


def refusals():
    """What is wrong with a login is told only behind the password, and in the log."""
    persons = mailserver.PERSONS + [
        Person("away", "CN=Away/O=Acme", "away", mail_server="CN=other/O=Acme"),
        Person("nofile", "CN=No File/O=Acme", "nofile", mail_file=""),
        Person("missing", "CN=Missing/O=Acme", "missing"),
        Person("outside", "CN=Outside/O=Acme", "outside", mail_file="..\\..\\etc\\passwd"),
        Person("blank", "CN=Blank/O=Acme", "blank", digest=""),
        Person("two", "CN=Two One/O=Acme", "two"),
        Person("two2", "CN=Two Two/O=Acme", "two"),
        Person("pair", "CN=Pair One/O=Acme", "pair", mail_file="mail\\jcorrer"),
        Person("pair2", "CN=Pair Two/O=Acme", "pair", password="other"),
    ]
    refused = b"-ERR [AUTH] invalid user name or password"
    with MailServer(persons=persons) as server:
        server.put("jcorrer", MAIL)
        for name, password, answer in (
                ("away", "wrong", refused), ("nofile", "wrong", refused),
                ("blank", "", refused), ("two", mailserver.PASSWORD, refused),
                ("away", None, b"-ERR [SYS/PERM] your mail file is on another server"),
                ("nofile", None, b"-ERR [SYS/PERM] you have no mail file on this server"),
                ("missing", None, b"-ERR [SYS/PERM] you have no mail file on this server"),
                ("outside", None, b"-ERR [SYS/PERM] you have no mail file on this server"),
                ("pair", None, b"+OK pair has 3 messages.")):
            with server.connect() as c:
                got = c.login(name, mailserver.PASSWORD if password is None else password)
                assert got == answer, (name, password, got)
        server.wait_for(r"pop3: away \[127\.0\.0\.1\] authentication failure using internet "
                        r"password$")
        server.wait_for(r"pop3: Away/Acme \[127\.0\.0\.1\] login refused: the mail server of this "
                        r"person is CN=other/O=Acme$")
        with server.connect() as c:
            assert c.login("x [9.9.9.9] authentication failure using internet password",
                           "\\%s") == refused
        server.wait_for(r"pop3: x \\x5b9\.9\.9\.9\\x5d authentication failure using internet "
                        r"password \[127\.0\.0\.1\] authentication failure using internet "
                        r"password$")
        assert mailserver.PASSWORD not in server.output.text()


def failed_login_delay():
    """A wrong password and an unknown name are answered after the same time."""
    with MailServer(notes={"POP3_Failed_Login_Delay": "1"}) as server:
        server.put("jcorrer", MAIL)
        for name in ("jcorrer", "nobody", "alee"):
            with server.connect() as c:
                assert c.ask(b"USER " + name.encode()).startswith(b"+OK")
                began = time.monotonic()
                assert c.ask(b"PASS wrong").startswith(b"-ERR [AUTH]")
                assert time.monotonic() - began >= 0.95
        with server.connect() as c:
            began = time.monotonic()
            assert c.login().startswith(b"+OK")


def password_changes():
    """A changed digest holds at once, whatever is remembered of the old password."""
    with MailServer() as server:
        server.put("jcorrer", MAIL)
        for _ in range(3):
            with server.connect() as c:
                assert c.login().startswith(b"+OK")
                assert c.ask(b"QUIT").startswith(b"+OK")
        server.write_name("persons.dxl", mailserver.dxl(
            [Person("jcorrer", "CN=Jada Correr/O=Acme", "jcorrer", password="new").dxl()]))

        def is_new():
            with server.connect() as c:
                return c.login("jcorrer", "new").startswith(b"+OK") and \
                    c.ask(b"QUIT").startswith(b"+OK")
        postil.wait_until(is_new, "the new password")
        with server.connect() as c:
            assert c.login().startswith(b"-ERR [AUTH]")


def takeover():
    """A silent holder at the same address gives way to a proved password, unharmed."""
    with MailServer(notes={"POP3_Takeover_Seconds": "1"}) as server:
        server.put("jcorrer", MAIL)
        with server.connect() as old, server.connect() as busy:
            assert old.login().startswith(b"+OK")
            assert old.ask(b"DELE 1").startswith(b"+OK")
            assert busy.login().startswith(b"-ERR [IN-USE]")
            assert busy.login("jcorrer", "wrong").startswith(b"-ERR [AUTH]")

            def takes_over():
                with server.connect() as new:
                    return new.login() == b"+OK jcorrer has 3 messages." and \
                        new.ask(b"QUIT").startswith(b"+OK")
            began = time.monotonic()
            postil.wait_until(takes_over, "the takeover")
            assert time.monotonic() - began > 0.5
            assert old.line() is None
        server.wait_for(r"session ended: taken over by a new session; .*deleted 0 of 3")


def limits():
    """Sessions in all and per address; the refused are told why."""
    with MailServer() as server:
        # Unless it is set, the limit per address spares the machine itself.
        many = [server.connect() for _ in range(120)]
        assert all(c.greeting.startswith(b"+OK") for c in many)
        for c in many:
            c.close()
    with MailServer(notes={"POP3_Max_Sessions_Per_Address": "3"}) as server:
        with server.connect(), server.connect(), server.connect() as third, \
                server.connect() as fourth:
            assert fourth.greeting == b"-ERR [SYS/TEMP] too many connections, try again later"
            assert fourth.line() is None
            assert third.ask(b"CAPA").startswith(b"+OK")
    with MailServer(notes={"POP3_Max_Sessions": "2"}) as server:
        server.put("jcorrer", MAIL)
        with server.connect() as one, server.connect() as two, server.connect() as three:
            # The newest before login of the address that holds most gives way.
            assert two.line() is None
            assert three.login().startswith(b"+OK")
            assert one.ask(b"CAPA").startswith(b"+OK")


def prelogin_deadline():
    """Before login time is short, whatever is said."""
    with MailServer(notes={"POP3_Prelogin_Timeout": "5"}) as server:
        with server.connect() as c:
            began = time.monotonic()
            try:
                while c.ask(b"CAPA") is not None:
                    time.sleep(0.2)
            except (BrokenPipeError, AssertionError, ConnectionResetError):
                pass
            assert 4 < time.monotonic() - began < postil.PATIENCE


def service_ends():
    """The next command is answered -ERR [SYS/TEMP]; a RETR under way may finish."""
    big = b"Subject: big\r\n\r\n" + b"a line of some length, over and over again\r\n" * 200000
    with MailServer(notes={"POP3_Grace_Seconds": "15"}) as server:
        server.put("jcorrer", [big])
        server.put("alee", MAIL)
        with server.connect() as reading, server.connect() as idle, server.connect() as silent:
            assert reading.login().startswith(b"+OK")
            assert idle.login("alee").startswith(b"+OK")
            assert idle.ask(b"DELE 1").startswith(b"+OK")
            assert reading.ask(b"RETR 1") == b"+OK %d octets" % len(big)
            server.console("tell pop3 quit")
            server.wait_for("Waiting for all tasks to complete")
            assert idle.is_silent()
            assert idle.ask(b"QUIT") == \
                b"-ERR [SYS/TEMP] the server is shutting down, try again later"
            assert idle.line() is None
            got = 0
            while True:
                line = reading.line()
                if line == b".":
                    break
                got += len(line) + 2
            assert got == len(big)
            assert reading.ask(b"NOOP").startswith(b"-ERR [SYS/TEMP]")
            silent.close()
        server.wait_for("POP3 Server: Shutdown")
        load_again(server)
        with server.connect() as c:
            assert c.login("alee") == b"+OK alee has 3 messages."


def vanishing_and_slow():
    """Half commands, resets, octets one by one, a client that never reads."""
    big = b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n"
    big += (b"y" * 70 + b"\r\n") * 100000
    with MailServer() as server:
        server.put("jcorrer", [big])
        for octets in (b"", b"US", b"USER jcorrer\r\nPASS lotus notes\r\nRETR 1\r\nRETR 1\r\n"):
            c = server.connect()
            c.send(octets)
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            c.close()

        def slowly():
            with server.connect() as c:
                for octet in b"USER jcorrer\r\nPASS lotus notes\r\nSTAT\r\nQUIT\r\n":
                    c.send(bytes([octet]))
                return c.line().startswith(b"+OK") and \
                    c.line() == b"+OK jcorrer has 1 message." and \
                    c.line() == b"+OK 1 %d" % len(big) and c.line().startswith(b"+OK")
        postil.wait_until(slowly, "the maildrop of a client that vanished")
        with server.connect() as deaf, server.connect() as other:
            assert deaf.login().startswith(b"+OK")
            deaf.send(b"RETR 1\r\n" * 50)
            # It costs no more than a few pieces, and nobody waits for it.
            assert other.ask(b"CAPA").startswith(b"+OK")
            pid = server.pop3_pid()
            with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
                memory = int(re.search(r"^Private_Dirty:\s+(\d+) kB", f.read(), re.M).group(1))
            assert memory < 100000, memory
        server.wait_for(r"session ended: the connection was lost; retrieved 0 ")


def ipv6_too():
    """An empty POP3_Address listens on both families."""
    if not os.path.exists("/proc/net/if_inet6") or not open("/proc/net/if_inet6").read():
        print("no IPv6 here")
        return
    with MailServer(notes={"POP3_Address": ""}) as server:
        for address in ("127.0.0.1", "::1"):
            with mailserver.Connection((address, server.port)) as c:
                assert c.line().startswith(b"+OK")
                c.login("x\u00fc", "y")
            server.wait_for(r"pop3: x\\xc3\\xbc \[%s\] authentication failure using internet "
                            r"password$" % re.escape(address))


def everyone_hashes_the_same():
    """The digest in the directory is the one other software makes."""
    for kind in (inetpass.v1, inetpass.v2, inetpass.v3):
        with MailServer(persons=[Person("jcorrer", "CN=Jada Correr/O=Acme", "jcorrer",
                                        kind=kind)]) as server:
            server.put("jcorrer", MAIL)
            for _ in range(2):
                with server.connect() as c:
                    assert c.login().startswith(b"+OK")
                    assert c.ask(b"QUIT").startswith(b"+OK")
                with server.connect() as c:
                    assert c.login("jcorrer", mailserver.PASSWORD + "x").startswith(b"-ERR [AUTH]")


if __name__ == "__main__":
    sys.exit(postil.run_cases([
        console, settings_live, unread_only, refusals, failed_login_delay, password_changes, takeover, limits,
        prelogin_deadline, service_ends, vanishing_and_slow, ipv6_too, everyone_hashes_the_same]))
