#!/usr/bin/env python3
"""fixup, compact, updall, backup and restore, as an administrator uses them: at the console of a
server whose users have sessions open."""

import fcntl
import os
import re
import signal
import sqlite3
import struct
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from mailserver import MailServer                               # noqa: E402

F_OFD_SETLK = 37


def mail(count, octets=600, tag=b"x"):
    return [b"Subject: %d\n\n%s %d\n.\n" % (i, tag * octets, i) for i in range(count)]


def octets_of(server, login):
    """UIDL -> octets of all messages."""
    with server.connect() as c:
        assert c.login(login).startswith(b"+OK")
        found = {}
        for line in c.long(b"UIDL")[1]:
            number, uidl = line.split()
            found[uidl] = c.long(b"RETR " + number)[1]
        assert c.ask(b"QUIT").startswith(b"+OK")
        return found


def run(server, command, pattern=None):
    """A maintenance task from load to its end; its lines."""
    mark = server.mark()
    server.check("load " + command)
    server.wait_for(pattern or r"(Database Fixup|Database Compactor|Index update process): Shutdown",
                    start=mark)
    name = command.split()[0]
    ended(server, name)
    return "\n".join(server.output.lines[mark:])


def ended(server, name):
    """The host has seen it end, too."""
    postil.wait_until(lambda: name not in [task for task, _ in server.tasks()], "%s to end" % name)


def change(server, login, sql):
    path = server.path(server.mail_file(login))
    with sqlite3.connect(path, timeout=postil.PATIENCE) as db:
        db.executescript(sql)
    db.close()


def overwrite(path, offset, octets):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(octets)


def spoil(server, login):
    """Nothing of its beginning is left, and a page is cut off its end."""
    path = server.path(server.mail_file(login))
    overwrite(path, 0, os.urandom(100))
    return path


def beside(server, *parts):
    return sorted(n for n in os.listdir(server.path("mail")) if all(p in n for p in parts))


def test_damaged_file_is_rebuilt():
    with MailServer() as server:
        server.put("jcorrer", mail(5))
        server.put("alee", mail(40, 3000))
        before = octets_of(server, "alee")
        server.check("restart task pop3")           # no handle of its own holds what was there
        server.wait_for(r"POP3 Server: Started", start=server.mark() - 1)
        with postil.wait_until(lambda: connected(server), "a session") as other:
            spoil(server, "alee")
            mark = server.mark()
            with server.connect() as c:
                assert c.login("alee").startswith(b"-ERR")
            server.wait_for(r"mail/alee.nsf cannot be opened: .*load fixup", start=mark)
            said = run(server, "fixup mail/alee.nsf")
            assert re.search(r"mail/alee.nsf: rebuilt .* 40 messages; the old file is "
                             r"alee\.nsf\.broken-\d{8}-\d{6}", said), said
            assert octets_of(server, "alee") == before
            assert other.long(b"RETR 1")[0].startswith(b"+OK")
            assert other.ask(b"QUIT").startswith(b"+OK")
        assert beside(server, "alee.nsf.broken-")
        server.tool("mail", "info", "-c", "-d", server.data, "mail/alee.nsf")


def connected(server, login="jcorrer"):
    try:
        c = server.connect()
        return c if c.greeting and c.login(login).startswith(b"+OK") else None
    except (OSError, AttributeError):
        return None


def test_repair_beside_a_session():
    """One message's octets are lost: it alone is, and numbers stay."""
    with MailServer() as server:
        server.put("jcorrer", mail(6, 30000))
        with server.connect() as c:
            assert c.login().startswith(b"+OK")
            change(server, "jcorrer", "UPDATE body SET data=zeroblob(length(data)) WHERE k>>16="
                                      "(SELECT id FROM inbox ORDER BY id LIMIT 1 OFFSET 2)")
            said = run(server, "fixup mail/jcorrer")
            assert "octets of message 3 are damaged" in said and "set aside in jcorrer.damaged-" in said, said
            assert c.ask(b"RETR 3").startswith(b"-ERR")
            assert c.long(b"RETR 4")[1][0] == b"Subject: 3"
            assert c.ask(b"DELE 4").startswith(b"+OK")
            assert c.ask(b"QUIT").startswith(b"+OK")
        assert len(octets_of(server, "jcorrer")) == 4
        aside = beside(server, "jcorrer.damaged-", ".nsf")[0]
        listed = server.tool("mail", "list", "-u", "-d", server.data, "mail/" + aside)
        assert len(listed.splitlines()) == 1
        assert "no fault found" in run(server, "fixup mail/jcorrer.nsf")


def test_rebuild_beside_a_session():
    """Its user's session ends with an error, his next one is as ever, others see nothing."""
    with MailServer() as server:
        server.put("jcorrer", mail(30, 3000))
        server.put("alee", mail(3))
        before = octets_of(server, "jcorrer")
        with server.connect() as mine, server.connect() as other:
            assert mine.login().startswith(b"+OK") and other.login("alee").startswith(b"+OK")
            change(server, "jcorrer", "DROP TABLE property")
            assert "rebuilt" in run(server, "fixup mail/jcorrer.nsf")
            assert mine.ask(b"DELE 1").startswith(b"+OK")
            assert mine.ask(b"QUIT").startswith(b"-ERR")
            assert other.ask(b"DELE 1").startswith(b"+OK")
            assert other.ask(b"QUIT").startswith(b"+OK")
        assert octets_of(server, "jcorrer") == before
        assert len(octets_of(server, "alee")) == 2


def test_reported_and_left_alone():
    with MailServer() as server:
        server.put("jcorrer", mail(2))
        server.put("alee", mail(2))
        change(server, "alee", "PRAGMA user_version=99; PRAGMA wal_checkpoint(TRUNCATE)")
        with open(server.path("mail", "real.nsf"), "wb") as f:
            f.write(b"\x1a\0\0\4" + bytes(5000))
        os.chmod(server.path("mail", "real.nsf"), 0o666)
        said = run(server, "fixup mail")
        assert re.search(r"alee.nsf: made by a newer version", said), said
        assert re.search(r"real.nsf: this is a database of a Domino server", said), said
        assert re.search(r"Completed: 1 database done, 0 repaired, 2 errors", said), said
        assert beside(server, "broken") == []
        assert "is not one of this server's" in run(server, "fixup -Q")
        assert "cannot be used" in run(server, "fixup ../../etc")
        assert re.search(r"nothing.nsf: No such file", run(server, "fixup mail/nothing")), said


def test_compact():
    with MailServer() as server:
        server.put("jcorrer", mail(120, 20000))
        path = server.path(server.mail_file("jcorrer"))
        change(server, "jcorrer", "PRAGMA wal_checkpoint(TRUNCATE)")
        # Deleted, and not yet reclaimed: as after a server that was killed.
        change(server, "jcorrer", "INSERT INTO gone(id,deleted,uidl) SELECT id,1,uidl FROM inbox WHERE id>10;"
                                  "UPDATE store SET n=10,bytes=(SELECT sum(size) FROM inbox WHERE id<=10);"
                                  "DELETE FROM inbox WHERE id>10; PRAGMA wal_checkpoint(TRUNCATE)")
        size = os.path.getsize(path)
        with server.connect() as c:
            assert c.login().startswith(b"+OK")
            assert "left alone" in run(server, "compact mail/jcorrer.nsf -S 95")
            assert "a session has it open" in run(server, "compact mail/jcorrer.nsf -c")
            assert "is not one of this server's" in run(server, "compact -D")
            assert "the option -S is not one of this server's, or its value is wrong" in run(server, "compact -S 101")
            run(server, "compact mail/jcorrer.nsf -b")
            assert os.path.getsize(path) >= size * 9 // 10
            said = run(server, "compact mail/jcorrer.nsf")
            assert re.search(r"jcorrer.nsf: compacted, .* recovered", said), said
            assert os.path.getsize(path) < size // 4, (os.path.getsize(path), size)
            assert c.long(b"RETR 10")[0].startswith(b"+OK")
            assert c.ask(b"QUIT").startswith(b"+OK")
        assert len(octets_of(server, "jcorrer")) == 10
        server.check("tell pop3 quit")
        postil.wait_until(lambda: not server.children("pop3"), "pop3 to end")
        assert "compacted" in run(server, "compact mail -c")
        assert "no fault found" in run(server, "fixup mail")


def test_updall():
    with MailServer() as server:
        server.put("jcorrer", mail(4))
        change(server, "jcorrer", "UPDATE store SET n=9; INSERT INTO stub(unid,seq,deleted) VALUES(x'00',1,1);"
                                  "INSERT INTO user VALUES(1,'CN=A'); INSERT INTO unread VALUES(1,999)")
        said = run(server, "updall mail/jcorrer.nsf")
        assert "1 stub purged, 1 counter and 1 unread mark put right" in said, said
        assert "nothing to do" in run(server, "updall mail/jcorrer")
        assert "is not one of this server's" in run(server, "updall -R")


def test_status_line_and_quit():
    """Held at a lock, fixup shows what it does; told to quit, it ends before the next file."""
    with MailServer() as server:
        server.put("jcorrer", mail(2))
        server.put("alee", mail(2))
        path = spoil(server, "alee")
        with open(path + "-lock", "r+b") as lock:
            fcntl.fcntl(lock, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0))
            mark = server.mark()
            server.check("load fixup mail/alee.nsf mail/jcorrer.nsf")
            server.wait_for(r"Performing consistency check on mail/alee.nsf", start=mark)
            pid = server.children("fixup")[0]
            os.kill(pid, signal.SIGSTOP)
            rows = [text for name, text in server.tasks() if name == "fixup"]
            assert rows and rows[0].startswith("Performing consistency check on mail/alee.nsf (1 of 2)"), rows
            server.check("tell fixup quit")
            os.kill(pid, signal.SIGCONT)
        server.wait_for(r"Database Fixup: Stopped: \d databases? done", start=mark)
        ended(server, "fixup")


def test_backup_and_restore():
    with MailServer() as server, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        copy, copies = os.path.join(folder, "jcorrer.nsf"), os.path.join(folder, "all")
        server.put("jcorrer", mail(8, 9000))
        server.put("alee", mail(2))
        before = octets_of(server, "jcorrer")
        with server.connect() as c:
            assert c.login().startswith(b"+OK")
            server.tool("mail", "backup", "-d", server.data, "mail/jcorrer.nsf", copy)
            assert os.listdir(folder) == ["jcorrer.nsf"]
            told = server.tool("mail", "backup", "-d", server.data, "mail/jcorrer.nsf", copy, status=73)
            assert b"exists already" in told
            server.tool("mail", "backup", "-r", "-d", server.data, "mail/jcorrer.nsf", copy)
            for number in (b"1", b"2"):
                assert c.ask(b"DELE " + number).startswith(b"+OK")
            server.add("jcorrer", mail(1, tag=b"later"))
            told = server.tool("mail", "restore", "-d", server.data, copy, "mail/jcorrer.nsf", status=75)
            assert b"a session has it open" in told, told
            assert c.ask(b"QUIT").startswith(b"+OK")
        later = set(octets_of(server, "jcorrer")) - set(before)
        assert len(later) == 1
        told = server.tool("mail", "restore", "-d", server.data, copy, "mail/jcorrer.nsf")
        assert b"8 messages restored" in told and b".nsf.before-" in told, told
        assert octets_of(server, "jcorrer") == before
        # What was delivered since is in the file that was kept, and its UIDL stays its own.
        with sqlite3.connect(server.path("mail/jcorrer.nsf")) as db:
            known = {row[0].encode() for row in db.execute("SELECT uidl FROM uidl")}
        db.close()
        assert later < known
        assert "no fault found" in run(server, "fixup mail/jcorrer.nsf")
        server.tool("mail", "backup", "-d", server.data, "mail", copies)
        assert sorted(os.listdir(copies)) == ["alee.nsf", "jcorrer.nsf"]
        server.tool("mail", "restore", "-d", server.data, copies, "mail")
        assert octets_of(server, "jcorrer") == before and len(octets_of(server, "alee")) == 2
        # What is made from documents is no mail file.
        whole, names = os.path.join(folder, "whole"), server.path("names.nsf")
        made = os.stat(names).st_ino
        server.tool("mail", "backup", "-d", server.data, ".", whole)
        assert os.path.exists(os.path.join(whole, "names.nsf"))
        told = server.tool("mail", "restore", "-d", server.data, whole, ".")
        assert b"names.nsf: passed over" in told and b"mail/alee.nsf: 2 messages restored" in told, told
        told = server.tool("mail", "restore", "-d", server.data, os.path.join(whole, "names.nsf"), "names", status=64)
        assert b"postil directory update" in told and os.stat(names).st_ino == made, told
        overwrite(copy, 8192 * 3, os.urandom(20000))
        told = server.tool("mail", "restore", "-d", server.data, copy, "mail/jcorrer.nsf", status=65)
        assert b"is damaged" in told, told
        assert octets_of(server, "jcorrer") == before


def test_one_file_after_quit():
    with MailServer() as server:
        server.put("jcorrer", mail(3))
        server.put("alee", mail(3))
        for login in ("jcorrer", "alee"):
            with server.connect() as c:
                assert c.login(login).startswith(b"+OK")
                assert c.ask(b"DELE 1").startswith(b"+OK")
                assert c.ask(b"QUIT").startswith(b"+OK")
        run(server, "updall mail")
        assert server.quit() == 0
        left = [n for n in os.listdir(server.path("mail")) if not n.endswith("-lock")]
        assert sorted(left) == ["alee.nsf", "jcorrer.nsf"], left
        for name in left:
            os.rename(server.path("mail", name), server.path("mail", "moved-" + name))
            info = server.tool("mail", "info", "-c", "-d", server.data, "mail/moved-" + name)
            assert re.search(rb"Messages: +2\n", info) and b"no fault found" in info, info


def test_mixed_load():
    """Deliveries, sessions that read and delete, backups and compactions at once: everybody gets
    what he asks for, and fixup finds nothing."""
    with MailServer() as server, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        server.put("jcorrer", mail(20, 4000))
        failures, seen = [], set()

        def guarded(work):
            def body():
                try:
                    work()
                except Exception as error:      # pylint: disable=broad-except
                    failures.append(repr(error))
            thread = threading.Thread(target=body)
            thread.start()
            return thread

        def deliver():
            for i in range(12):
                server.tool("deliver", "-d", server.data, "jcorrer@acme.example",
                            input=b"Subject: new %d\n\n%s\n" % (i, b"y" * (i * 3000)))

        def read_and_delete():
            for _ in range(8):
                with postil.wait_until(lambda: connected(server), "a session") as c:
                    sizes = [line.split() for line in c.long(b"LIST")[1]]
                    for number, size in sizes:
                        lines = c.long(b"RETR " + number)[1]
                        assert sum(len(line) + 2 for line in lines) == int(size), number
                    for number, _ in sizes[:5]:
                        seen.add(c.ask(b"UIDL " + number).split()[2])
                        assert c.ask(b"DELE " + number).startswith(b"+OK")
                    assert c.ask(b"QUIT").startswith(b"+OK")

        def back_up():
            for i in range(3):
                server.tool("mail", "backup", "-d", server.data, "mail", os.path.join(folder, str(i)))

        def notes_side():
            """Into a folder, whatever is first; it may be gone by then."""
            server.tool("mail", "folder", "-d", server.data, "mail/jcorrer", "make", "Work")
            for _ in range(6):
                try:
                    server.tool("mail", "move", "-d", server.data, "-t", "Work", "mail/jcorrer", "1")
                except AssertionError as error:
                    assert "status 66" in str(error), error

        threads = [guarded(work) for work in (deliver, read_and_delete, back_up, notes_side)]
        for _ in range(3):
            run(server, "compact mail")
            run(server, "updall mail")
        for thread in threads:
            thread.join()
        assert failures == [], failures
        for _ in server.tool("mail", "list", "-f", "Work", "-d", server.data, "mail/jcorrer").splitlines():
            server.tool("mail", "move", "-d", server.data, "-f", "Work", "-t", "($Inbox)", "mail/jcorrer", "1")
        # One that was moved away in time has not been deleted with the others.
        left = octets_of(server, "jcorrer")
        assert len(set(left) | seen) == 32, (len(left), len(seen))
        assert "no fault found" in run(server, "fixup mail")
        for i in range(3):
            copy = os.path.join(folder, str(i), "jcorrer.nsf")
            db = sqlite3.connect(copy)
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            db.close()


if __name__ == "__main__":
    sys.exit(postil.run_cases([
        test_damaged_file_is_rebuilt, test_repair_beside_a_session, test_rebuild_beside_a_session,
        test_reported_and_left_alone, test_compact, test_updall, test_status_line_and_quit,
        test_backup_and_restore, test_one_file_after_quit, test_mixed_load]))
