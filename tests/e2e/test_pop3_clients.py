#!/usr/bin/env python3
"""The clients people have: curl, mpop, fetchmail, Python's poplib list, fetch,
delete and leave mail, and get every octet of it."""

import os
import poplib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from mailserver import PASSWORD, MailServer                     # noqa: E402

MAIL = [
    b"From: a@acme.example\r\nSubject: first\r\n\r\nHello.\r\n",
    b"From: b@acme.example\r\nSubject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\n",
    b"From: c@acme.example\r\nSubject: long\r\n\r\n" + b"0123456789 " * 8 + b"\r\n" * 2000,
]


def needs(name):
    """True if the program is there; the case says so and ends if it is not."""
    if shutil.which(name):
        return True
    print("      %s is not installed" % name)
    return False


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=postil.PATIENCE, check=False, **more)
    assert done.returncode == 0, "%s: status %d\n%s" % (command, done.returncode, done.stdout)
    return done.stdout


def left(server):
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        count = int(c.ask(b"STAT").split()[1])
        assert c.ask(b"QUIT").startswith(b"+OK")
    return count


def python_poplib():
    with MailServer() as server:
        server.put("jcorrer", MAIL)
        before = None
        for delete in (False, True):
            pop = poplib.POP3("127.0.0.1", server.port, timeout=postil.PATIENCE)
            assert "UIDL" in pop.capa() and pop.capa()["SASL"] == ["PLAIN"]
            pop.user("jcorrer@acme.example")
            pop.pass_(PASSWORD)
            assert pop.stat() == (3, sum(map(len, MAIL)))
            assert pop.list()[1] == [b"%d %d" % (i + 1, len(m)) for i, m in enumerate(MAIL)]
            ids = [line.split()[1] for line in pop.uidl()[1]]
            assert len(set(ids)) == 3 and before in (None, ids)
            before = ids
            for number, octets in enumerate(MAIL, 1):
                assert b"\r\n".join(pop.retr(number)[1]) + b"\r\n" == octets
                head = octets[:octets.index(b"\r\n\r\n") + 4]
                assert b"\r\n".join(pop.top(number, 0)[1]) + b"\r\n" == head
                if delete and number != 2:
                    pop.dele(number)
            pop.quit()
            assert left(server) == (1 if delete else 3)


def curl():
    if not needs("curl"):
        return
    with MailServer() as server:
        server.put("jcorrer", MAIL)
        url = "pop3://127.0.0.1:%d/" % server.port
        base = ["curl", "-s", "-S", "-u", "jcorrer:" + PASSWORD]
        assert run(base + [url]).split() == b" ".join(
            b"%d %d" % (i + 1, len(m)) for i, m in enumerate(MAIL)).split()
        for number, octets in enumerate(MAIL, 1):
            assert run(base + [url + str(number)]) == octets
        for options in (["--login-options", "AUTH=PLAIN"], ["--sasl-ir"],
                        ["--login-options", "AUTH=*"]):
            assert run(base + options + [url + "1"]) == MAIL[0]
        assert len(run(base + ["-X", "UIDL", url]).split()) == 6
        run(base + ["-X", "DELE 1", "-I", url])
        assert left(server) == 2


def mpop():
    if not needs("mpop"):
        return
    with MailServer() as server, tempfile.TemporaryDirectory() as folder:
        server.put("jcorrer", MAIL)
        box = os.path.join(folder, "box")
        common = ["mpop", "--file=" + os.path.join(folder, "none"), "--host=127.0.0.1",
                  "--port=%d" % server.port, "--user=jcorrer", "--tls=off", "--auth=user",
                  "--passwordeval=printf '%%s\\n' '%s'" % PASSWORD, "--received-header=off",
                  "--uidls-file=" + os.path.join(folder, "uidls"), "--delivery=mbox," + box]
        for keep, pipelining, count in (("on", "on", 3), ("on", "off", 3), ("off", "auto", 0)):
            run(common + ["--keep=" + keep, "--pipelining=" + pipelining])
            assert left(server) == count
        with open(box, "rb") as f:
            text = f.read()
        for octets in MAIL:     # fetched once: the UIDLs stayed
            assert text.count(octets.split(b"\r\n")[1] + b"\n") == 1


def fetchmail():
    if not needs("fetchmail"):
        return
    with MailServer() as server, tempfile.TemporaryDirectory() as folder:
        server.put("jcorrer", MAIL)
        box, rc = os.path.join(folder, "box"), os.path.join(folder, "rc")
        for keep, count in (("keep", 3), ("nokeep", 0)):
            with open(rc, "w", encoding="ascii") as f:
                f.write("poll 127.0.0.1 protocol pop3 port %d auth password uidl\n"
                        " user 'jcorrer' password '%s' sslproto '' %s mda \"cat >> %s\"\n"
                        % (server.port, PASSWORD, keep, box))
            os.chmod(rc, 0o600)
            run(["fetchmail", "-f", rc, "--nosyslog", "--all", "--pidfile",
                 os.path.join(folder, "pid"), "-i", os.path.join(folder, "ids")],
                env=dict(os.environ, FETCHMAILHOME=folder, HOME=folder))
            assert left(server) == count
        with open(box, "rb") as f:
            text = f.read()
        for octets in MAIL:
            assert octets.split(b"\r\n")[1] + b"\n" in text.replace(b"\r\n", b"\n")


if __name__ == "__main__":
    sys.exit(postil.run_cases([python_poplib, curl, mpop, fetchmail]))
