#!/usr/bin/env python3
"""The POP3 task when its store stands still, when the task is killed in UPDATE, and when the host is."""

import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import mailserver                                               # noqa: E402
import postil                                                   # noqa: E402
from mailserver import MailServer                               # noqa: E402

MAIL = [b"Subject: %d\n\nbody %d\n" % (i, i) for i in range(1, 4)]
FROZEN = os.path.join(postil.TOP_BUILDDIR, "tests", "support", "pop3-frozen")


class FrozenServer(MailServer):
    """Its store stands still between freeze() and thaw()."""

    def __init__(self, **notes):
        values = {"POP3_Store_Timeout": "1", "POP3_Grace_Seconds": "1"}
        values.update(notes)
        self.freezer = "/tmp/postil-freeze-%d-%d" % (os.getpid(), random.getrandbits(40))
        super().__init__(notes=values, programs={"pop3": FROZEN},
                         env={"POSTIL_TEST_FREEZE": self.freezer})

    def freeze(self):
        with open(self.freezer, "w", encoding="ascii"):
            pass

    def thaw(self):
        os.unlink(self.freezer)

    def close(self):
        if os.path.exists(self.freezer):
            self.thaw()
        super().close()


def frozen():
    """Greeting, CAPA and the console answer; what needs the store is given up in time."""
    with FrozenServer(POP3_Store_Timeout="3") as server:
        server.put("jcorrer", MAIL)
        server.put("alee", MAIL)
        with server.connect() as reader, server.connect() as leaver:
            assert reader.login().startswith(b"+OK")
            assert leaver.login("alee").startswith(b"+OK")
            server.freeze()
            # The call has begun: what comes of it is seen later.
            assert leaver.ask(b"DELE 1").startswith(b"+OK")
            assert leaver.ask(b"QUIT") == b"-ERR [SYS/TEMP] it is not known whether the " \
                b"messages were deleted, log in again to see"
            assert leaver.line() is None
            waiting = [server.connect() for _ in range(20)]
            for c in waiting:
                c.send(b"USER jcorrer\r\nPASS lotus notes\r\n")
                assert c.line().startswith(b"+OK")
            began = time.monotonic()
            with server.connect() as c:
                assert c.ask(b"CAPA").startswith(b"+OK")
            server.check("show tasks", r"POP3 Server\s+Listen for connect requests")
            server.check("show users", r"CN=Jada Correr/O=Acme")
            assert time.monotonic() - began < 3      # none of them has waited for the store
            assert reader.ask(b"STAT").startswith(b"+OK 3 ")
            assert reader.ask(b"LIST 2") == b"+OK 2 22"
            answers = [c.line() for c in waiting]
            assert all(a.startswith((b"-ERR [SYS/TEMP]", b"-ERR [IN-USE] too many"))
                       for a in answers), answers
            assert sum(b"SYS/TEMP" in a for a in answers) >= 3, answers
            for c in waiting:
                c.close()
            assert reader.ask(b"RETR 1") == \
                b"-ERR [SYS/TEMP] the message cannot be read now, try again later"
            assert reader.line() is None
            server.thaw()

        def logs_in():
            with server.connect() as c:
                return c.login().startswith(b"+OK")
        postil.wait_until(logs_in, "the maildrop after the thaw")

        def left():
            with server.connect() as c:
                return c.login("alee")
        # What was under way has been done.
        postil.wait_until(lambda: left() == b"+OK alee has 2 messages.", "the late deletion")


def ends_although_frozen():
    """A call that does not return holds up the end for the grace period only."""
    with FrozenServer() as server:
        server.put("jcorrer", MAIL)
        server.freeze()
        with server.connect() as c:
            c.send(b"USER jcorrer\r\nPASS lotus notes\r\n")
            assert c.line().startswith(b"+OK")
            server.console("tell pop3 quit")
            server.wait_for("POP3 Server: Shutdown")
            postil.wait_until(lambda: not server.children("pop3"), "the process to end")
        server.thaw()


def killed_in_update():
    """kill -9 around QUIT, at many moments: all gone or none, and +OK means gone."""
    with MailServer() as server:
        mailserver.killed_in_update(server, server.connect)


def killed_host_lets_update_finish():
    """kill -9 of the host while a session is in UPDATE: the deletion is completed and confirmed, an idle
    session hears of the end at its next command, the task ends, and the next server finds all in order."""
    with FrozenServer(POP3_Store_Timeout="60", POP3_Grace_Seconds="60") as server:
        server.put("jcorrer", MAIL)
        server.put("alee", MAIL)
        with server.connect() as idle, server.connect() as leaver:
            assert idle.login("alee").startswith(b"+OK")
            assert leaver.login().startswith(b"+OK")
            assert leaver.ask(b"DELE 1").startswith(b"+OK")
            assert leaver.ask(b"DELE 3").startswith(b"+OK")
            server.freeze()
            leaver.send(b"QUIT\r\n")
            assert leaver.is_silent()
            server.process.kill()
            server.process.wait()

            def heard():
                answer = idle.ask(b"NOOP")
                return answer if not answer.startswith(b"+OK") else None
            answer = postil.wait_until(heard, "the end of the idle session")
            assert answer.startswith(b"-ERR [SYS/TEMP]"), answer
            assert idle.line() is None
            assert leaver.is_silent()
            server.thaw()
            answer = leaver.line()
            assert answer is not None and answer.startswith(b"+OK"), answer
            assert leaver.line() is None
        postil.wait_until(lambda: not server.children("pop3"), "the task to end")
        server.start()
        server.wait_for(r"POP3 Server: Started")
        for login, count in (("jcorrer", 1), ("alee", 3)):
            with server.connect() as c:
                answer = c.login(login)
                assert b" has %d message" % count in answer, answer


if __name__ == "__main__":
    sys.exit(postil.run_cases([frozen, ends_although_frozen, killed_in_update,
                               killed_host_lets_update_finish]))
