"""A server with the POP3 task, persons and mail, for tests.

    from mailserver import MailServer
    with MailServer() as server:
        server.put("jcorrer", [b"Subject: one\n\n1\n"])
        with server.connect() as pop: ...

Persons are made from PERSONS; each one's mail file is mail/<first login>.nsf.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from xml.sax.saxutils import escape

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "support"))

import inetpass                                                 # noqa: E402
import postil                                                   # noqa: E402

SERVER = "CN=mail/O=Acme"
PASSWORD = "lotus notes"


class Person:
    """A Person document. digest: None makes one of `kind` for the password."""

    def __init__(self, login, name, *aliases, password=PASSWORD, kind=inetpass.v1, digest=None,
                 address=None, mail_server=SERVER, mail_file=None):
        self.login, self.name, self.aliases = login, name, aliases
        self.password, self.address = password, address
        self.mail_server = mail_server
        self.mail_file = "mail\\" + login if mail_file is None else mail_file
        self.digest = kind(password.encode()) if digest is None else digest

    def dxl(self):
        names = "".join("<text>%s</text>" % escape(n) for n in (self.name,) + self.aliases)
        items = {"MailServer": self.mail_server, "MailFile": self.mail_file,
                 "HTTPPassword": self.digest, "InternetAddress": self.address}
        return "<document form='Person'>\n<item name='FullName'><textlist>%s</textlist></item>\n%s" \
               "</document>\n" % (names, "".join(
                   "<item name='%s'><text>%s</text></item>\n" % (name, escape(value))
                   for name, value in items.items() if value is not None))


PERSONS = [
    Person("jcorrer", "CN=Jada Correr/O=Acme", "Jada Correr", "jcorrer", "J\u00fcrgen",
           address="jcorrer@acme.example", kind=inetpass.v3),
    Person("alee", "CN=Ann Lee/OU=Sales/O=Acme", "alee", kind=inetpass.v2),
]


def dxl(documents):
    return "<?xml version='1.0' encoding='utf-8'?>\n" \
           "<database xmlns='http://www.lotus.com/dxl'>\n%s</database>\n" % "".join(documents)


def server_document(port, status="1", name_and_password="1"):
    return "<document form='Server'>\n<item name='ServerName'><text>%s</text></item>\n" \
           "<item name='POP3_Port'><number>%d</number></item>\n" \
           "<item name='POP3_PortStatus'><text>%s</text></item>\n" \
           "<item name='POP3_TCPNP'><text>%s</text></item>\n</document>\n" \
           % (SERVER, port, status, name_and_password)


class Connection:
    """A client that sees every octet."""

    def __init__(self, address, timeout=None):
        self.socket = socket.create_connection(address, timeout or postil.PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.octets = b""

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        """The next line without CRLF; None: the server has closed."""
        while b"\r\n" not in self.octets:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                assert not self.octets, "half a line at the end: %r" % self.octets
                return None
            self.octets += more
        line, self.octets = self.octets.split(b"\r\n", 1)
        return line

    def ask(self, command):
        self.send(command + b"\r\n")
        return self.line()

    def long(self, command):
        """First line and the following lines of a long answer, dots undone."""
        first, lines = self.ask(command), []
        assert first.startswith(b"+OK"), first
        while True:
            line = self.line()
            assert line is not None, "closed within an answer"
            if line == b".":
                return first, lines
            lines.append(line[1:] if line.startswith(b".") else line)

    def login(self, name="jcorrer", password=PASSWORD):
        assert self.ask(b"USER " + name.encode()).startswith(b"+OK")
        return self.ask(b"PASS " + password.encode())

    def is_silent(self, seconds=0.2):
        """Nothing comes for so long."""
        assert not self.octets
        self.socket.settimeout(seconds)
        try:
            self.octets = self.socket.recv(1, socket.MSG_PEEK)
            return False
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(postil.PATIENCE)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


class MailServer(postil.Server):
    def __init__(self, notes=None, persons=None, document=None, wait=True, **more):
        self.port = postil.free_port()
        self.persons = PERSONS if persons is None else persons
        values = {"ServerName": SERVER, "ServerTasks": "pop3", "POP3_Address": "127.0.0.1",
                  "POP3_Failed_Login_Delay": "0", "POP3_Failed_Login_Penalty": "0"}
        values.update(notes or {})
        super().__init__(notes=values, start=False, names={
            "server.dxl": dxl([document(self.port) if document else server_document(self.port)]),
            "persons.dxl": dxl([p.dxl() for p in self.persons])}, **more)
        self.compile()
        self.start()
        if wait:
            self.wait_for(r"POP3 Server: Started")

    def compile(self):
        self.tool("directory", "update", "-d", self.data)

    def tool(self, *arguments, status=0, **more):
        """As root the tools become the owner of the data directory, as the server does."""
        self._hand_over()
        done = subprocess.run([postil.program("postil")] + list(arguments),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.env,
                              timeout=postil.PATIENCE, check=False, **more)
        assert done.returncode == status, "postil %s: status %d\n%s" % (
            " ".join(arguments), done.returncode, done.stdout.decode("utf-8", "replace"))
        return done.stdout

    def mail_file(self, login):
        return os.path.join("mail", login + ".nsf")

    def put(self, login, messages):
        """A fresh mail file with these messages (octets as they came)."""
        os.makedirs(self.path("mail"), exist_ok=True)
        for end in ("", "-lock", "-wal", "-shm"):
            if os.path.exists(self.path(self.mail_file(login) + end)):
                os.unlink(self.path(self.mail_file(login) + end))
        self.tool("mail", "create", "-d", self.data, self.mail_file(login))
        self.add(login, messages)

    def add(self, login, messages):
        folder = tempfile.mkdtemp(dir=self.data)
        try:
            names = []
            for number, octets in enumerate(messages):
                names.append(os.path.join(folder, "%06d.eml" % number))
                with open(names[-1], "wb") as f:
                    f.write(octets)
            if names:
                self.tool("mail", "import", "-d", self.data, self.mail_file(login), *names)
        finally:
            shutil.rmtree(folder)

    def add_utf8(self, login, octets):
        """A message that was sent with SMTPUTF8."""
        self.tool("deliver", "-u", "-d", self.data, login, input=octets)

    def connect(self, timeout=None):
        connection = Connection(("127.0.0.1", self.port), timeout)
        connection.greeting = connection.line()
        return connection

    def pop3_pid(self):
        return self.children("pop3")[0]


def killed_in_update(server, *connects):
    """kill -9 of the task around QUIT, at many moments: all gone or none, and +OK means gone. connects: ways
    to connect that take turns."""
    count, seed = 60, random.randrange(1000000)
    print("seed %d" % seed)
    chance = random.Random(seed)
    mail = [b"Subject: %d\n\n%s\n" % (i, b"x" * 500) for i in range(count)]
    for turn in range(8):
        server.put("jcorrer", mail)
        # The host starts it again by itself, but takes its time.
        postil.wait_until(lambda: server.children("pop3") or server.console("load pop3")[0] != 0, "the task")

        def connected():
            try:
                c = connects[turn % len(connects)]()
                return c if c.greeting and c.login().startswith(b"+OK") else None
            except (OSError, AttributeError):
                return None
        with postil.wait_until(connected, "a session") as c:
            c.send(b"".join(b"DELE %d\r\n" % i for i in range(1, count + 1)))
            for _ in range(count):
                assert c.line().startswith(b"+OK")
            pid = server.pop3_pid()
            # a timer's thread takes its time: the first three are killed without one
            killer = threading.Timer(chance.random() * turn / 2000, os.kill, (pid, signal.SIGKILL))
            c.send(b"QUIT\r\n")
            if turn < 3:
                os.kill(pid, signal.SIGKILL)
            else:
                killer.start()
            try:
                answer = c.line()
            except OSError:
                answer = None
            if turn >= 3:
                killer.join()
        postil.wait_until(lambda: pid not in server.children("pop3"), "the process to end")
        info = server.tool("mail", "list", "-d", server.data, server.mail_file("jcorrer"))
        left = sum(1 for line in info.splitlines() if line.strip()[:1].isdigit())
        assert left in (0, count), "%d of %d messages are left:\n%s" % (left, count, info)
        if answer is not None:
            assert (left == 0) == answer.startswith(b"+OK"), (answer, left)
        print("left %d, answer %s" % (left, answer))
