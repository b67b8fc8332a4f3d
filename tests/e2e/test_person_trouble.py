#!/usr/bin/env python3
"""postil passwd and postil register when something is in the way: signals at the prompt, a full
disk, a folder that cannot be written, a file of somebody else's making. Nothing half-made is left."""

import ctypes
import os
import pty
import pwd
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "support"))

import inetpass                                                 # noqa: E402
import mailserver                                               # noqa: E402
import postil                                                   # noqa: E402

POSTIL = postil.program("postil")
EXPORT = """<?xml version='1.0' encoding='utf-8'?>
<database xmlns='http://www.lotus.com/dxl'>
<document form='Person'><item name='FullName'><textlist><text>CN=%s/O=Acme</text>
<text>Long One</text></textlist></item>
<item name='HTTPPassword'><text>(355E98E7C7B59BD810ED845AD0FD2FC4)</text></item></document>
</database>
"""
LOCAL = """<?xml version='1.0' encoding='utf-8'?>
<database xmlns='http://www.lotus.com/dxl'>
<document form='LocalPerson'><item name='FullName'><text>CN=Ann Lee/O=Acme</text></item>
<item name='UserCertificate'><rawitemdata type='4'>AAECAw==</rawitemdata></item>
<item name='Remark'><text>kept &amp; whole</text></item>
<item name='HTTPPassword'><textlist><text>(355E98E7C7B59BD810ED845AD0FD2FC4)</text></textlist></item>
</document>
<document form='LocalPerson'><item name='FullName'><text>CN=Bob Ray/O=Acme</text></item></document>
</database>
"""


class Data:
    def __init__(self, path=None, notes="ServerName=mail/Acme\nInternetPasswordRounds=100\n"):
        self.made = path is None
        self.path = path or tempfile.mkdtemp(prefix="postil-person-",
                                             dir=os.environ.get("TMPDIR", "/tmp"))
        self.put("notes.ini", notes)

    def join(self, *parts):
        return os.path.join(self.path, *parts)

    def put(self, name, text):
        os.makedirs(os.path.dirname(self.join(name)), exist_ok=True)
        with open(self.join(name), "w", encoding="utf-8") as f:
            f.write(text)

    def get(self, name):
        with open(self.join(name), "rb") as f:
            return f.read()

    def run(self, verb, *arguments, text=b"", status=0):
        done = subprocess.run([POSTIL, verb, "-d", self.path, *arguments], input=text,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=postil.PATIENCE, check=False)
        assert done.returncode == status, (verb, arguments, done.returncode, done.stdout)
        return done.stdout.decode("utf-8", "replace")

    def local(self):
        return sorted(name for name in os.listdir(self.join("names", "local")))

    def digests(self, name):
        return re.findall(rb"\([0-9A-Za-z+/]{20,}\)", self.get(os.path.join("names/local", name)))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.made:
            shutil.rmtree(self.path)


def is_digest_of(digest, password):
    """By the other implementation."""
    if digest[1:2] != b"H":
        return digest.decode() in (inetpass.v1(password), inetpass.v2(password, salt_of(digest)[:5]))
    raw = salt_of(digest)
    return digest.decode() == inetpass.v3(password, int(raw[16:26]), raw[:16])


def salt_of(digest):
    value = 0
    text = digest.decode()[2:-1]
    for letter in text + "0" * (-len(text) % 4):
        value = value * 64 + inetpass.ALPHABET.index(letter)
    raw = bytearray(value.to_bytes((len(text) + 3) // 4 * 3, "big"))
    raw[3] = (raw[3] - 4) & 255
    return bytes(raw)


def ann(data):
    data.run("register", "-f", "Ann", "-l", "Lee", text=b"first\n")


# --- at the prompt

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Shell:
    """A shell with job control at a terminal of its own, which runs lines one after another."""

    def __init__(self, *lines):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            for number in SIGNALS:          # who starts tests may ignore them
                signal.signal(number, signal.SIG_DFL)
            os.execv("/bin/sh", ["sh", "-c", "set -m\ntrap : INT\n" + "".join(
                '%s\necho "<$?>"\nread x\n' % line for line in lines)])

    def wait_for(self, text):
        """What was shown up to there is not looked at again."""
        end = time.monotonic() + postil.PATIENCE
        while text not in self.shown:
            assert time.monotonic() < end, (text, self.shown)
            if select.select([self.fd], [], [], 0.2)[0]:
                self.shown += os.read(self.fd, 4096)
        self.shown = self.shown[self.shown.index(text) + len(text):]

    def type(self, octets):
        os.write(self.fd, octets)

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def child(self):
        with open("/proc/%d/task/%d/children" % (self.pid, self.pid), encoding="ascii") as f:
            return int(f.read().split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


PROMPT = b"New Internet password of Ann Lee/Acme: "


def signals_at_the_prompt():
    """Whatever ends the program, the terminal is as it was and nothing has been changed."""
    with Data() as data:
        ann(data)
        before = data.local()
        command = "%s passwd -d %s 'Ann Lee'" % (POSTIL, data.path)
        for number in SIGNALS:
            with Shell(command) as shell:
                shell.wait_for(PROMPT)
                assert not shell.echoes()
                shell.type(b"half a sec")
                if number == signal.SIGINT:
                    shell.type(b"\x03")
                else:
                    os.kill(shell.child(), number)
                shell.wait_for(b"<%d>" % (128 + number))
                assert shell.echoes(), number
        assert data.local() == before


def stopped_at_the_prompt():
    """The terminal echoes while the program is stopped; then it asks again."""
    with Data() as data:
        ann(data)
        with Shell("%s passwd -d %s 'Ann Lee'" % (POSTIL, data.path), "fg >/dev/null") as shell:
            shell.wait_for(PROMPT)
            shell.type(b"half a sec\x1a")
            shell.wait_for(b"<%d>" % (128 + signal.SIGTSTP))
            assert shell.echoes()
            shell.type(b"\n")
            shell.wait_for(PROMPT)
            assert not shell.echoes()
            shell.type(b"whole one\n")
            shell.wait_for(b"The same again: ")
            shell.type(b"whole one\n")
            shell.wait_for(b"<0>")
            assert shell.echoes() and b"whole" not in shell.shown
        (name,) = [n for n in data.local() if "-person" not in n]
        assert is_digest_of(data.digests(name)[0], b"whole one")


def one_line_of_a_pipe():
    """A line may end in CRLF or with the input; what follows is left for others."""
    with Data() as data:
        ann(data)
        for given, password, rest in ((b"one\r\ntwo\n", b"one", b"two\n"), (b"three", b"three", b""),
                                      (b" blanks \nfour", b" blanks ", b"four"),
                                      (b"x" * 256 + b"\n", b"x" * 256, b""),
                                      ("\u00fcber\n".encode(), "\u00fcber".encode(), b"")):
            done = subprocess.run(["sh", "-c", '"$0" passwd -d "$1" "Ann Lee" >&2 && cat', POSTIL, data.path],
                                  input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=postil.PATIENCE, check=False)
            assert done.returncode == 0 and done.stdout == rest, done
            assert (b"beyond ASCII" in done.stderr) == (not password.isascii()), done
            assert password.strip() not in done.stderr or password == b"one"
            (name,) = [n for n in data.local() if "-person" not in n]
            assert is_digest_of(data.digests(name)[0], password), given


def forms():
    """-1, -2, -3, -r and notes.ini choose the digest; another implementation agrees."""
    with Data() as data:
        ann(data)
        (name,) = [n.replace("-person", "") for n in data.local()]
        for options, words in ((["-1"], "V1"), (["-2"], "V2"), (["-3"], "V3, 100 rounds"),
                               ([], "V3, 100 rounds"), (["-r", "7"], "V3, 7 rounds")):
            assert words in data.run("passwd", *options, "Ann Lee", text=b"secret\n")
            (digest,) = data.digests(name)
            assert is_digest_of(digest, b"secret"), options
        for options in (["-r", "0"], ["-r", "10000001"], ["-r", "x"], ["-1", "-r", "5"], ["-4"], []):
            data.run("passwd", *options, *(["Ann Lee"] if options else []), text=b"x\n", status=64)
        data.put("notes.ini", "ServerName=mail/Acme\nInternetPasswordRounds=many\n")
        shown = data.run("passwd", "Ann Lee", text=b"secret\n")
        assert "InternetPasswordRounds is no number" in shown and "5000 rounds" in shown, shown


# --- files

def other_items_stay():
    """What else a document of the person and its file hold is kept."""
    with Data() as data:
        ann(data)
        data.run("passwd", "Ann Lee", text=b"one\n")
        (name,) = [n for n in data.local() if "-person" not in n]
        data.put("names/local/" + name, LOCAL)
        data.run("passwd", "Ann Lee", text=b"two\n")
        text = data.get("names/local/" + name)
        assert text.count(b"<document form='LocalPerson'>") == 2
        for kept in (b"kept &amp; whole", b"UserCertificate", b"AAECAw==", b"CN=Bob Ray/O=Acme"):
            assert kept in text, (kept, text)
        assert text.count(b"HTTPPassword'") == 1 and is_digest_of(data.digests(name)[0], b"two")


def broken_file_stays():
    """A file that cannot be read is told by line, and not overwritten."""
    with Data() as data:
        ann(data)
        data.run("passwd", "Ann Lee", text=b"one\n")
        (name,) = [n for n in data.local() if "-person" not in n]
        broken = LOCAL.replace("</database>", "</databas>")
        data.put("names/local/" + name, broken)
        shown = data.run("passwd", "Ann Lee", text=b"two\n", status=65)
        assert re.search(re.escape(name) + r":9: ", shown), shown
        assert data.get("names/local/" + name).decode() == broken


def another_document_decides():
    """A password that does not hold is never said to hold."""
    with Data() as data:
        ann(data)
        data.put("names/local/zzz.dxl", LOCAL)
        shown = data.run("passwd", "Ann Lee", text=b"two\n", status=65)
        assert "does not hold" in shown and "from now on" not in shown, shown


def long_names():
    """The name of the file stays short, whatever the name of the person."""
    with Data() as data:
        data.put("names/export.dxl", EXPORT % ("n" * 1000))
        before = data.get("names/export.dxl")
        data.run("passwd", "Long One", text=b"one\n")
        assert all(len(name) < 80 for name in data.local()), data.local()
        assert data.get("names/export.dxl") == before
        data.run("passwd", "n" * 10000, text=b"one\n", status=64)
        shown = data.run("passwd", "\x1b[31mred\n", text=b"one\n", status=67)
        assert "\x1b" not in shown and "\\x1b" in shown, shown


def earlier_person():
    """A password kept from an earlier person of that name does not become the new one's."""
    with Data() as data:
        ann(data)
        data.run("passwd", "Ann Lee", text=b"one\n")
        os.unlink(data.join("names/local", [n for n in data.local() if "-person" in n][0]))
        os.unlink(data.join("mail/alee.nsf"))
        shown = data.run("register", "-f", "Ann", "-l", "Lee", text=b"x\n", status=73)
        assert "is there already" in shown, shown
        assert not os.path.exists(data.join("mail/alee.nsf"))


def no_server_name():
    with Data(notes="ServerTasks=pop3\n") as data:
        shown = data.run("register", "-l", "Lee", text=b"x\n", status=78)
        assert "ServerName" in shown, shown
    with Data() as data:
        data.run("passwd", "Ann Lee", text=b"x\n", status=66)           # no names/ at all
        assert "no Server document" in data.run("register", "-l", "Lee", text=b"x\n")


def from_nothing():
    """The lines of README.md's "A server of your own", typed at a terminal; then a login."""
    with open(os.path.join(postil.TOP_SRCDIR, "README.md"), encoding="utf-8") as f:
        lines = re.search(r"From nothing it takes a few lines:\n\n((?:    .*\n)+)", f.read()).group(1)
    lines = [line.strip() for line in lines.splitlines()]
    assert [line.split()[0] for line in lines] == ["mkdir", "printf", "postil", "postil"], lines
    assert lines[-1] == "postil server -d DATA", lines
    top = tempfile.mkdtemp(prefix="postil-nothing-", dir=os.environ.get("TMPDIR", "/tmp"))
    os.chmod(top, 0o755)
    try:
        os.environ["PATH"] = postil.PROGRAMS + ":" + os.environ["PATH"]
        with Shell("cd %s" % top, *lines[:-1]) as shell:
            for _ in lines[:-1]:
                shell.wait_for(b"<0>")
                shell.type(b"\n")
            for prompt, answer in ((b"First name: ", b"Jada"), (b"Last name: ", b"Correr"),
                                   (b"Organization [Example]: ", b""),
                                   (b"Full name [Jada Correr/Example]: ", b""),
                                   (b"Short name [jcorrer]: ", b""), (b"Internet address: ", b""),
                                   (b"Mail file [mail/jcorrer.nsf]: ", b""),
                                   (b"Internet password: ", b"correr"), (b"The same again: ", b"correr")):
                shell.wait_for(prompt)
                shell.type(answer + b"\n")
            shell.wait_for(b"<0>")
        serve(os.path.join(top, "DATA"))
    finally:
        shutil.rmtree(top)


def serve(data):
    """As the manual tells: root names a user, and a port that is free is in a Server document."""
    port = postil.free_port()
    with postil.Server(data=data, start=False) as server:
        if os.geteuid() == 0:
            with open(server.path("notes.ini"), "a", encoding="ascii") as f:
                f.write("ServerUser=nobody\n")
        server.write_name("server.dxl", mailserver.dxl([
            "<document form='Server'><item name='ServerName'><text>mail/Example</text></item>"
            "<item name='POP3_Port'><number>%d</number></item></document>" % port]))
        server.start()
        server.wait_for(r"POP3 Server: Started$")
        with mailserver.Connection(("127.0.0.1", port)) as c:
            assert c.line().startswith(b"+OK")
            assert c.login("jada correr", "correr") == b"+OK jada correr has 0 messages."
            assert c.ask(b"QUIT").startswith(b"+OK")
        assert server.quit() == 0


# --- no room, no right

def not_writable():
    """The folder of the documents cannot be written: neither password nor mail file."""
    with Data() as data:
        ann(data)
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            for folder, _, files in os.walk(data.path):
                for path in [folder] + [os.path.join(folder, name) for name in files]:
                    os.chown(path, user.pw_uid, user.pw_gid)
        os.chmod(data.join("names/local"), 0o500)
        before = data.local()
        for shown in (data.run("passwd", "Ann Lee", text=b"x\n", status=77),
                      data.run("register", "-f", "Bob", "-l", "Ray", text=b"x\n", status=77)):
            assert "names/local/" in shown and "Permission denied" in shown, shown
        assert data.local() == before
        assert [n for n in os.listdir(data.join("mail")) if n.startswith("bray.nsf")
                and not n.endswith("-lock")] == []
        os.chmod(data.join("names/local"), 0o700)
        data.run("register", "-f", "Bob", "-l", "Ray", text=b"x\n")


def own_mounts():
    """A mount namespace of our own, as tests/unit/nsf/test_full.c makes one."""
    newns, newuser = 0x20000, 0x10000000
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(newns) != 0:
        if libc.unshare(newuser | newns) != 0:
            return None
        for name, text in (("setgroups", "deny"), ("uid_map", "%d %d 1" % (uid, uid)),
                           ("gid_map", "%d %d 1" % (gid, gid))):
            try:
                with open("/proc/self/" + name, "w", encoding="ascii") as f:
                    f.write(text)
            except OSError:
                return None
    private = 1 << 14 | 1 << 18
    return libc if libc.mount(b"none", b"/", None, private, None) == 0 else None


def full_disk():
    """The last case: this process keeps its own mounts."""
    libc = own_mounts()
    if libc is None:
        print("      (no mount namespace here: left out)")
        return
    path = tempfile.mkdtemp(prefix="postil-full-", dir=os.environ.get("TMPDIR", "/tmp"))
    try:
        assert libc.mount(b"none", path.encode(), b"tmpfs", 0, b"size=4m,mode=0700") == 0
        with Data(path) as data:
            ann(data)
            before = {name: data.get("names/local/" + name) for name in data.local()}
            with open(data.join("filler"), "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"\0" * 4096)
                except OSError:
                    pass
            shown = data.run("passwd", "Ann Lee", text=b"x\n", status=75)
            assert "No space left" in shown, shown
            shown = data.run("register", "-f", "Bob", "-l", "Ray", text=b"x\n", status=75)
            assert {name: data.get("names/local/" + name) for name in data.local()} == before
            assert not os.path.exists(data.join("mail/bray.nsf"))
            os.unlink(data.join("filler"))
            data.run("passwd", "Ann Lee", text=b"x\n")
            data.run("register", "-f", "Bob", "-l", "Ray", text=b"x\n")
    finally:
        libc.umount2(path.encode(), 2)
        os.rmdir(path)


if __name__ == "__main__":
    sys.exit(postil.run_cases([
        signals_at_the_prompt, stopped_at_the_prompt, one_line_of_a_pipe, forms, other_items_stay,
        broken_file_stays, another_document_decides, long_names, earlier_person, no_server_name,
        from_nothing, not_writable, full_disk]))
