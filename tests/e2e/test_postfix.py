#!/usr/bin/env python3
"""A real Postfix takes mail by SMTP and delivers it by LMTP to a real server; POP3 has it whole.

Postfix runs as root in a directory of its own (configuration, queue, log), on loopback; the system's, if there is one, is
not touched. Skipped where Postfix is not installed or the test is not root."""

import hashlib
import os
import shutil
import smtplib
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from lmtpserver import LmtpServer                               # noqa: E402

POSTFIX = shutil.which("postfix", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))

MAIN = """compatibility_level = 3.6
queue_directory = {0}/queue
data_directory = {0}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {0}/log/mail.log
maillog_file_prefixes = {0}
myhostname = mx.acme.example
mydestination =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = acme.example
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:{1}
message_size_limit = 0
virtual_mailbox_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
"""

MASTER = """127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
smtp unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    def __init__(self, folder, socket_path):
        self.folder, self.port = folder, postil.free_port()
        for name in ("config", "queue", "data", "log"):
            os.makedirs(os.path.join(folder, name))
        shutil.chown(os.path.join(folder, "data"), "postfix")
        self.write("main.cf", MAIN.format(folder, socket_path))
        self.write("master.cf", MASTER.format(port=self.port))
        self.run("start")

    def write(self, name, text):
        with open(os.path.join(self.folder, "config", name), "w", encoding="ascii") as f:
            f.write(text)

    def run(self, *command):
        return subprocess.run([POSTFIX, "-c", os.path.join(self.folder, "config")] + list(command), check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=postil.PATIENCE)

    def log(self):
        try:
            with open(os.path.join(self.folder, "log", "mail.log"), encoding="utf-8", errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def connect(self):
        def try_it():
            try:
                return smtplib.SMTP("127.0.0.1", self.port, timeout=postil.PATIENCE)
            except (OSError, smtplib.SMTPException):
                return None
        return postil.wait_until(try_it, "Postfix; its log: " + self.log())


def content_of(server, login):
    """The messages in a mail file that is there."""
    with server.connect() as pop:
        if not pop.login(login).startswith(b"+OK"):
            return []
        count = int(pop.ask(b"STAT").split()[1])
        found = [b"".join(line + b"\r\n" for line in pop.long(b"RETR %d" % (n + 1))[1]) for n in range(count)]
        pop.ask(b"QUIT")
        return found


def odd_message():
    """What SMTP carries: dots, 8-bit octets, long lines, a large body."""
    body = b".\r\n..two\r\n" + "gr\u00fc\u00df dich\r\n".encode() + b"From here\r\n" + b"y" * 990 + b"\r\n" + \
        b"".join(hashlib.sha256(b"%d" % i).hexdigest().encode() + b"\r\n" for i in range(20000))
    return b"From: a@b.example\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000\r\nMessage-ID: <1@b.example>\r\nTo: jcorrer@acme.example\r\nSubject: by Postfix\r\n" \
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body


def by_smtp_and_lmtp(server, mta):
    message = odd_message()
    with mta.connect() as smtp:
        smtp.ehlo("client.example")
        refused = smtp.sendmail("a@b.example", ["jcorrer@acme.example", "alee+x@acme.example"], message,
                                mail_options=["BODY=8BITMIME"])
        assert not refused, refused
        for i in range(20):
            smtp.sendmail("a@b.example", ["alee@acme.example"], b"Subject: %d\r\n\r\n%d\r\n" % (i, i))
    for login, recipient in (("jcorrer", b"jcorrer@acme.example"), ("alee", b"alee+x@acme.example")):
        def whole(login=login):
            return [m for m in content_of(server, login) if b"Subject: by Postfix" in m]
        octets = postil.wait_until(whole, "the message; Postfix says: " + mta.log()[-3000:])
        assert len(octets) == 1
        assert octets[0].startswith(b"Return-Path: <a@b.example>\r\nDelivered-To: " + recipient + b"\r\nReceived: ")
        # Postfix puts fields of its own before the message, and nothing else
        assert octets[0].endswith(message), "the message has changed"
    postil.wait_until(lambda: len(content_of(server, "alee")) == 21, "all messages")
    assert len({m.rsplit(b"\r\n\r\n", 1)[1] for m in content_of(server, "alee")}) == 21


def unknown_and_later(server, mta):
    """What the server refuses Postfix returns or keeps: a message for somebody whose mail file is damaged waits until it
    is mended."""
    path = server.path(server.mail_file("alee"))
    with mta.connect() as smtp:
        smtp.sendmail("", ["nobody@acme.example"], b"Subject: nobody\r\n\r\nx\r\n")
        postil.wait_until(lambda: "550 5.1.1 no such recipient here" in mta.log(), "the refusal")
        server.check("tell lmtp quit")
        postil.wait_until(lambda: not server.children("lmtp"), "the end of the task")
        smtp.sendmail("a@b.example", ["alee@acme.example"], b"Subject: later\r\n\r\nx\r\n")
        postil.wait_until(lambda: "status=deferred" in mta.log(), "Postfix to keep it")
    assert os.path.exists(path)
    server.check("load lmtp")
    mta.run("flush")
    postil.wait_until(lambda: mta.run("flush") and any(b"Subject: later" in m for m in content_of(server, "alee")),
                      "the message")


def postfix():
    folder = tempfile.mkdtemp(prefix="postil-postfix-", dir=os.environ.get("TMPDIR", "/tmp"))
    os.chmod(folder, 0o755)
    mta, socket_folder = None, os.path.join(folder, "socket")
    os.mkdir(socket_folder, 0o755)
    shutil.chown(socket_folder, "nobody")
    if not postil.others_reach(socket_folder):
        shutil.rmtree(folder)
        print("      Postfix cannot go to " + folder)
        return
    try:
        # The server runs as nobody, who is not in Postfix's group and so cannot give it the socket.
        notes = {"LMTP_Socket": os.path.join(socket_folder, "lmtp.sock"), "LMTP_Socket_Mode": "0666"}
        with LmtpServer(notes=notes) as server:
            mta = Postfix(folder, notes["LMTP_Socket"])
            by_smtp_and_lmtp(server, mta)
            unknown_and_later(server, mta)
    finally:
        if mta is not None:
            mta.run("abort")
            postil.wait_until(lambda: not os.path.exists(os.path.join(folder, "queue", "pid", "master.pid")) or
                              mta.run("status").returncode != 0, "the end of Postfix")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if POSTFIX is None or os.geteuid() != 0:
        postil.skip("Postfix is not installed, or this is not root")
    raise SystemExit(postil.run_cases([postfix]))
