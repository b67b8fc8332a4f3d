"""postil passwd and postil register, at a terminal, from a pipe, and under a running server."""

import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import mailserver                                               # noqa: E402
import postil                                                   # noqa: E402
from mailserver import MailServer, Person                       # noqa: E402

MAIL = [b"Subject: one\n\n1\n"]


class Data:
    """A data directory without a server."""

    def __init__(self, server_name="CN=mail/OU=West/O=Acme"):
        self.path = tempfile.mkdtemp(prefix="postil-person-", dir=os.environ.get("TMPDIR", "/tmp"))
        with open(self.join("notes.ini"), "w", encoding="ascii") as f:
            f.write("ServerName=%s\nInternetPasswordRounds=100\n" % server_name)

    def join(self, *parts):
        return os.path.join(self.path, *parts)

    def run(self, *arguments, text=b"", status=0, env=None):
        done = subprocess.run([postil.program("postil"), arguments[0], "-d", self.path, *arguments[1:]],
                              input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=postil.PATIENCE, check=False, env=env)
        assert done.returncode == status, (arguments, done.returncode, done.stdout)
        return done.stdout.decode()

    def find(self, name):
        done = subprocess.run([postil.program("postil"), "directory", "find", "-d", self.path, name],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=postil.PATIENCE)
        return done.stdout.decode() if done.returncode == 0 else ""

    def files(self):
        folder = self.join("names", "local")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.path)


def at_terminal(arguments, answers):
    """Run at a terminal; answer each prompt. What the terminal showed, and the exit status."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(arguments[0], arguments)
    shown, seen, end = b"", 0, time.monotonic() + postil.PATIENCE
    for prompt, answer in answers:
        while not shown[seen:].rstrip().endswith(prompt):
            assert time.monotonic() < end, (prompt, shown)
            if select.select([fd], [], [], 1)[0]:
                shown += os.read(fd, 4096)
        seen = len(shown)
        os.write(fd, answer + b"\n")
    try:
        while select.select([fd], [], [], postil.PATIENCE)[0]:
            more = os.read(fd, 4096)
            if not more:
                break
            shown += more
    except OSError:
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    return shown, status


def register_at_a_terminal():
    """It asks for what it needs, proposes, and echoes no password."""
    with Data() as data:
        shown, status = at_terminal([postil.program("postil"), "register", "-d", data.path], [
            (b"First name:", b"Jada"), (b"Last name:", b"Correr"),
            (b"Organization [West/Acme]:", b""), (b"Full name [Jada Correr/West/Acme]:", b""),
            (b"Short name [jcorrer]:", b""), (b"Internet address:", b"jada@acme.example"),
            (b"Mail file [mail/jcorrer.nsf]:", b""),
            (b":", b"geheim one"), (b":", b"geheim one")])
        assert status == 0, shown
        assert b"geheim" not in shown, shown
        found = data.find("jada@acme.example")
        assert "CN=Jada Correr/OU=West/O=Acme" in found and "V3, 100 rounds" in found, found
        acl = data.run("mail", status=64) and subprocess.run(
            [postil.program("postil"), "mail", "acl", "-d", data.path, "mail/jcorrer.nsf"],
            stdout=subprocess.PIPE, check=True, timeout=postil.PATIENCE).stdout.decode()
        assert "manager              CN=Jada Correr/OU=West/O=Acme" in acl, acl
        for name in data.files():
            assert os.stat(data.join("names", "local", name)).st_mode & 0o777 == 0o600


def passwd_at_a_terminal():
    """Two different answers change nothing; no echo."""
    with Data() as data:
        data.run("register", "-f", "Ann", "-l", "Lee", text=b"first\n")
        before = data.files()
        shown, status = at_terminal([postil.program("postil"), "passwd", "-d", data.path, "Ann Lee"],
                                    [(b":", b"geheim a"), (b":", b"geheim b")])
        assert status != 0 and b"geheim" not in shown, shown
        assert data.files() == before
        shown, status = at_terminal([postil.program("postil"), "passwd", "-d", data.path, "Ann Lee"],
                                    [(b":", b"geheim"), (b":", b"geheim")])
        assert status == 0 and b"geheim" not in shown, shown
        assert len(data.files()) == 2


def refusals():
    """What cannot be a password, a name or a person changes nothing and is told."""
    with Data() as data:
        data.run("register", "-f", "Ann", "-l", "Lee", "-a", "ann@acme.example", text=b"first\n")
        before = {name: open(data.join("names", "local", name), "rb").read() for name in data.files()}
        for text in (b"", b"\n", b"(abc)\n", b"x" * 300 + b"\n", b"a\x01b\n", b"a\0b\n"):
            assert data.run("passwd", "Ann Lee", text=text,
                            status=64).startswith("postil passwd: ")
        assert "nobody" in data.run("passwd", "No One", text=b"x\n", status=67)
        for arguments in (["-f", "Ann", "-l", "Lee"], ["-f", "A", "-l", "L", "-n", "Other/Acme", "-s", "alee"],
                          ["-l", "B", "-a", "ann@acme.example"]):
            assert " is a name of Ann Lee/West/Acme" in data.run("register", *arguments, text=b"x\n", status=73)
        for arguments in (["-l", "B", "-m", "../x"], ["-l", "B", "-m", "/etc/x"], ["-l", ""], ["-l", "a\nb"],
                          ["-l", "B", "-a", "nowhere"], ["-l", "n" * 600]):
            assert data.run("register", *arguments, text=b"x\n", status=64)
        assert {name: open(data.join("names", "local", name), "rb").read() for name in data.files()} == before
        assert os.listdir(data.join("mail")) and not os.path.exists(data.join("x.nsf"))


def names_that_need_care():
    """XML and shell metacharacters, other scripts."""
    with Data() as data:
        for i, last in enumerate(("O'Neil & <Sons>", "\u00d6berg\u202e", "$(reboot)", "%s%n", "]]>", "\u65e5\u672c")):
            data.run("register", "-f", "F%d" % i, "-l", last, "-s", "s%d" % i, text=b"x\n")
            assert "CN=F%d " % i in data.find("F%d %s" % (i, last)), last
            data.run("passwd", "F%d %s" % (i, last), text=b"y\n")
        assert len(data.files()) == 12
        assert all(name.endswith(".dxl") and "/" not in name for name in data.files())


def export_is_untouched():
    """The person's own document stays as it is, and its removal ends what holds beside it."""
    with MailServer() as server:
        server.put("jcorrer", MAIL)
        path = server.path("names", "persons.dxl")
        before = open(path, "rb").read()
        with server.connect() as c:
            assert c.login().startswith(b"+OK")
            began = time.monotonic()
            server.tool("passwd", "-d", server.data, "-r", "100", "jcorrer", input=b"new one\n")
            with server.connect() as other:
                assert other.login("jcorrer", mailserver.PASSWORD).startswith(b"-ERR [AUTH]")
                assert other.login("jcorrer", "new one") == b"-ERR [IN-USE] unable to gain exclusive access " \
                    b"to maildrop, another session has it"
            assert time.monotonic() - began < 5
            assert c.ask(b"STAT").startswith(b"+OK 1 ")
            assert c.ask(b"QUIT").startswith(b"+OK")
        assert open(path, "rb").read() == before
        # the file alone is enough, whoever writes it: a running server takes it up
        folder = server.path("names", "local")
        name = os.listdir(folder)[0]
        os.unlink(os.path.join(folder, name))

        def old_holds():
            with server.connect() as c:
                return c.login().startswith(b"+OK") and c.ask(b"QUIT").startswith(b"+OK")
        postil.wait_until(old_holds, "the exported password")


def at_once():
    """Two at a time both end well, and one of the passwords holds."""
    with Data() as data:
        data.run("register", "-f", "Ann", "-l", "Lee", text=b"first\n")
        threads = [threading.Thread(target=data.run, args=("passwd", "-1", "Ann Lee"),
                                    kwargs={"text": b"p%d\n" % i}) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert data.find("Ann Lee").count("V1") == 1
        assert len(data.files()) == 2


def two_of_one_name():
    """Who is meant must be clear."""
    persons = [Person("t1", "CN=Tim/OU=A/O=Acme"), Person("t2", "CN=Tim/OU=B/O=Acme")]
    with MailServer(persons=persons) as server:
        out = server.tool("passwd", "-d", server.data, "Tim", input=b"x\n", status=65)
        assert b"Tim/A/Acme" in out and b"Tim/B/Acme" in out, out
        server.tool("passwd", "-d", server.data, "-1", "Tim/B/Acme", input=b"x\n")


if __name__ == "__main__":
    sys.exit(postil.run_cases([
        register_at_a_terminal, passwd_at_a_terminal, refusals, names_that_need_care, export_is_untouched,
        at_once, two_of_one_name]))
