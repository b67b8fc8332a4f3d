#!/usr/bin/env python3
"""The LMTP task on a real server: every dialogue of lmtp/, sockets, who may deliver, the console, trouble."""

import os
import re
import signal
import socket
import stat
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from lmtpserver import LmtpServer                               # noqa: E402
from test_dialogues import unescape                             # noqa: E402

FOLDER = os.path.join(postil.TOP_SRCDIR, "tests", "e2e", "lmtp")


class Dialogue:
    def __init__(self, path):
        self.path, self.variables, self.files, self.lines = path, {}, {}, []
        login = None
        with open(path, "rb") as f:
            for number, line in enumerate(f.read().split(b"\n"), 1):
                if line.startswith(b"@ set "):
                    name, value = line[6:].decode().split("=", 1)
                    self.variables[name] = value
                elif line.startswith(b"@ file "):
                    login = line[7:].decode()
                    self.files[login] = b""
                elif line.startswith(b"M:"):
                    self.files[login] += line[3:] + b"\r\n"
                elif line.startswith(b"M\\"):
                    self.files[login] += unescape(line[3:])
                elif line and not line.startswith((b"#", b"@ only server")):
                    self.lines.append((number, line))

    def run(self, server):
        for login in ("jcorrer", "alee"):
            server.put(login, [])
        with server.lmtp() as peer:
            for number, line in self.lines:
                self.step(peer, "%s:%d" % (os.path.basename(self.path), number), line[:2], line[3:])
        for login, content in self.files.items():
            got = server.content(login)
            assert got == content, "%s: %s holds %r" % (self.path, login, got)

    def step(self, peer, here, how, text):
        if how == b"C:":
            peer.send(text + b"\r\n")
        elif how == b"C\\":
            peer.send(unescape(text))
        elif how == b"S!":
            assert peer.line() is None, here
        else:
            got = peer.line()
            assert got is not None, "%s: the connection has ended" % here
            assert re.fullmatch(text, got) if how == b"S~" else got == text, "%s: got %r" % (here, got)


def dialogues():
    groups = {}
    for name in sorted(n for n in os.listdir(FOLDER) if n.endswith(".dialog")):
        dialogue = Dialogue(os.path.join(FOLDER, name))
        groups.setdefault(tuple(sorted(dialogue.variables.items())), []).append(dialogue)
    assert groups
    for variables, members in groups.items():
        with LmtpServer(notes=dict(variables)) as server:
            for dialogue in members:
                dialogue.run(server)
                print("      " + os.path.basename(dialogue.path), flush=True)


def sockets_and_permissions():
    """The UNIX socket as notes.ini says, moved while the task runs; TCP for this machine."""
    port = postil.free_port()
    with LmtpServer(notes={"LMTP_Socket_Mode": "0666"}) as server:
        assert stat.S_IMODE(os.stat(server.socket_path).st_mode) == 0o666
        server.check("show tasks", r"LMTP Server +Listen for connect requests on .*/lmtp\.sock$")
        server.check("set config LMTP_Socket_Mode=0600")
        server.check("set config LMTP_Socket=other.sock")
        server.check("set config LMTP_Port=%d" % port)
        server.check("tell lmtp refresh")
        server.wait_for(r"LMTP Server: Configuration updated")
        postil.wait_until(lambda: not os.path.exists(server.socket_path), "the old socket to go")
        assert stat.S_IMODE(os.stat(server.path("other.sock")).st_mode) == 0o600
        server.check("show tasks", r"LMTP Server +Listen for connect requests on .*/other\.sock, TCP Port:%d$" % port)
        for address in (server.path("other.sock"), ("127.0.0.1", port)):
            with server.lmtp(address) as peer:
                peer.hello()
                assert peer.send_message("a@b.example", ["jcorrer@acme.example"], b"A: 1\n\nx\n") == [b"250 2.0.0 delivered"]
        assert server.content("jcorrer").count(b"Return-Path: <a@b.example>\r\n") == 2
        server.check("set config LMTP_Socket=-")
        server.check("set config LMTP_Socket_Mode=rw")
        server.check("tell lmtp refresh")
        server.wait_for(r"LMTP Server: notes.ini: LMTP_Socket_Mode must be octal")
        postil.wait_until(lambda: not os.path.exists(server.path("other.sock")), "the socket to go")


def kept_over_a_restart():
    """A connection made while the task is down waits in the socket that the host keeps."""
    with LmtpServer() as server:
        inode = os.stat(server.socket_path).st_ino
        pid = server.children("lmtp")[0]
        mark = server.mark()
        os.kill(pid, signal.SIGKILL)
        server.wait_for(r"lmtp .*(killed|signal)", start=mark)
        with server.lmtp() as peer:
            peer.hello()
            assert peer.send_message("", ["alee"], b"x\n") == [b"250 2.0.0 delivered"]
        assert os.stat(server.socket_path).st_ino == inode


def own_addresses():
    """One of this machine's addresses that is not loopback; None: there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
        except OSError:
            return None


def who_may_deliver():
    """From outside loopback only trusted networks; who is refused hears so at once."""
    port, outside = postil.free_port(), own_addresses()
    notes = {"LMTP_Port": str(port), "LMTP_Address": "*", "LMTP_Trusted_Networks": "198.51.100.0/24"}
    with LmtpServer(notes=notes) as server:
        with server.lmtp(("127.0.0.1", port)) as peer:
            peer.hello()
        if outside is None or outside.startswith("127."):
            print("      there is no address but loopback")
            return
        with server.lmtp((outside, port)) as peer:
            assert peer.line() == b"554 5.7.1 this address may not deliver here"
            assert peer.line() is None
        server.wait_for(r"LMTP Server: \[%s\] is refused, it is in none of LMTP_Trusted_Networks" % re.escape(outside))
        server.check("set config LMTP_Trusted_Networks=%s/32" % outside)
        server.check("tell lmtp refresh")
        server.wait_for(r"LMTP Server: Configuration updated")
        with server.lmtp((outside, port)) as peer:
            peer.hello()


def console_and_log():
    with LmtpServer() as server:
        with server.lmtp() as peer:
            peer.hello()
            peer.begin("a@b.example", ["jcorrer@acme.example", "nobody@acme.example"])
            server.check("show users", r"lmtp.*local|local")
            peer.expect(b"DATA", b"354")
            peer.send(b"Message-ID: <one@b.example>\r\nSubject: secret words\r\n\r\nsecret body\r\n.\r\n")
            assert peer.line() == b"250 2.0.0 delivered"
            peer.expect(b"QUIT", b"221")
        server.wait_for(r"lmtp: delivery to \[jcorrer@acme\.example\] from \[a@b\.example\] message-id "
                        r"\[<one@b\.example>\] size 67: delivered \(mail/jcorrer\.nsf\)$")
        server.wait_for(r"lmtp: session of \[local\] ended: done; 1 message, 1 recipient refused, 0 bad commands$")
        assert "secret" not in server.output.text()
        postil.wait_until(lambda: server.statistic("LMTP.Recipients.Delivered") == "1", "the statistics")
        assert server.statistic("LMTP.Recipients.Refused") == "1"
        assert server.statistic("LMTP.Messages.Received") == "1"
        server.check("tell lmtp show config")
        server.wait_for(r"Domains that are ours: acme.example mail.acme.example$")
        server.wait_for(r"LMTP_Max_Recipients=1000 \(recipients of one message\)$")
        server.check("tell lmtp what")
        server.wait_for(r'LMTP Server: "what" is not a command; it knows refresh, show config and quit$')
        server.check("tell lmtp refresh")
        server.wait_for(r"LMTP Server: Configuration has not changed$")
        with server.lmtp() as peer:
            peer.hello()
            server.check("drop local")
            assert peer.line() is None
        server.check("tell lmtp quit")
        server.wait_for(r"LMTP Server: Shutdown$")
        postil.wait_until(lambda: not os.path.exists(server.socket_path), "the socket to go")


def limits():
    with LmtpServer(notes={"LMTP_Max_Sessions": "2", "LMTP_Max_Recipients": "2", "LMTP_Timeout": "2",
                           "LMTP_Greeting_Timeout": "2"}) as server:
        with server.lmtp() as a, server.lmtp() as b:
            for peer in (a, b):
                peer.hello()
                peer.expect(b"NOOP", b"250")            # what LHLO has changed holds from here on
            with server.lmtp() as c:
                assert c.line() == b"421 4.3.2 too many connections, try again later"
                assert c.line() is None
            answers = a.begin("a@b.example", ["jcorrer", "alee", "jcorrer"])
            assert [x[:9] for x in answers] == [b"250 2.1.5", b"250 2.1.5", b"452 4.5.3"]
            assert b.line() is None                     # LMTP_Timeout
        with server.lmtp() as c:
            assert c.line().startswith(b"220 ")
            assert c.line() is None                     # LMTP_Greeting_Timeout


def a_hundred_thousand_recipients():
    """All are answered, and cost the task nothing."""
    def private_kib(pid):
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
            return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))
    count, at_once = 100000, 1000
    with LmtpServer(notes={"LMTP_Max_Recipients": "50"}) as server, server.lmtp() as peer:
        peer.hello()
        peer.expect(b"MAIL FROM:<a@b.example>", b"250")
        pid = server.children("lmtp")[0]
        before = None
        for turn in range(count // at_once):
            peer.send(b"RCPT TO:<jcorrer@acme.example>\r\n" * at_once)
            codes = {peer.line()[:3] for _ in range(at_once)}
            assert codes <= ({b"250", b"452"} if turn == 0 else {b"452"}), codes
            before = before or private_kib(pid)
        assert private_kib(pid) - before < 8192
        peer.expect(b"DATA", b"354")
        peer.send(b"x\r\n.\r\n")
        assert {peer.line() for _ in range(50)} == {b"250 2.0.0 delivered"}


def mail_file_in_trouble():
    """One recipient's trouble is not the other's; the sender may try again."""
    with LmtpServer() as server:
        os.makedirs(server.path("mail"), exist_ok=True)
        with open(server.path("mail/alee.nsf"), "wb") as f:
            f.write(b"no database, but large enough to be looked at as one\n" * 100)
        server.write_notes({**server.notes, "LMTP_Log_Deliveries": "1"})       # it is the server's now
        with server.lmtp() as peer:
            peer.hello()
            answers = peer.send_message("a@b.example", ["alee@acme.example", "jcorrer@acme.example"], b"A: 1\n\nx\n")
            assert answers[0].startswith(b"451 4.3.0 ") and answers[1] == b"250 2.0.0 delivered", answers
            server.wait_for(r"LMTP Server: mail/alee.nsf cannot take a message: ")
            os.unlink(server.path("mail/alee.nsf"))
            assert peer.send_message("a@b.example", ["alee@acme.example"], b"A: 2\n\nx\n") == [b"250 2.0.0 delivered"]
        assert b"A: 2" in server.content("alee")


def groups_and_quotas():
    """A full mail file is in the log, whatever else is not; a message to a group comes into it all the same, since
    the one reply speaks for all members."""
    with LmtpServer(notes={"LMTP_Log_Deliveries": "0"}) as server, server.lmtp() as peer:
        peer.hello()
        assert peer.send_message("a@b.example", ["alee"], b"A: 1\n\nx\n") == [b"250 2.0.0 delivered"]
        server.tool("mail", "properties", "-d", server.data, "mail/alee", "quota-messages=1")
        mark = server.mark()
        assert peer.send_message("a@b.example", ["alee"], b"A: 2\n\nx\n")[0].startswith(b"452 4.2.2 ")
        server.wait_for(r"LMTP Server: mail/alee.nsf cannot take a message: .*quota of 1", start=mark)
        assert peer.send_message("a@b.example", ["Staff@acme.example"], b"A: 3\n\nx\n") == [b"250 2.0.0 delivered"]
        assert peer.send_message("a@b.example", ["alee", "Staff@acme.example"], b"A: 4\n\nx\n") == \
            [b"250 2.0.0 delivered"] * 2
        for name in ("jcorrer", "alee"):
            assert b"A: 3\r\n" in server.content(name) and server.content(name).count(b"A: 4") == 1
        assert b"A: 2" not in server.content("alee")
        assert not server.output.find(r"lmtp: delivery to", 0)


def utf8_addresses():
    """SMTPUTF8: the address as it is, in a field before a message that is served as it came."""
    message = "From: J\u00fcrgen <j\u00fcrgen@b.example>\nSubject: \u00fc\n\nx\n".encode()
    with LmtpServer() as server, server.lmtp() as peer:
        peer.hello()
        address = "J\u00fcrgen@acme.example"
        assert peer.send_message("j\u00fcrgen@b.example", [address], message, b" SMTPUTF8 BODY=8BITMIME") == \
            [b"250 2.0.0 delivered"]
        with server.connect() as pop:
            assert pop.ask(b"UTF8").startswith(b"+OK")
            assert pop.login().startswith(b"+OK")
            octets = b"".join(line + b"\r\n" for line in pop.long(b"RETR 1")[1])
            assert pop.ask(b"QUIT").startswith(b"+OK")
        assert octets == "Return-Path: <j\u00fcrgen@b.example>\r\nDelivered-To: J\u00fcrgen@acme.example\r\n".encode() \
            + message.replace(b"\n", b"\r\n"), octets
        with server.connect() as pop:
            assert pop.login().startswith(b"+OK")
            octets = b"".join(line + b"\r\n" for line in pop.long(b"RETR 1")[1])
        # without UTF8 there is a form in ASCII, the two fields before it as well
        assert octets.isascii() and b"\r\nDowngraded-Delivered-To: " in octets, octets


def large_message():
    """It goes through a file, not through memory, and comes out whole."""
    line = b"0123456789abcdef" * 4 + b"\r\n"
    count = 300000
    with LmtpServer() as server, server.lmtp() as peer:
        peer.hello()
        peer.begin("a@b.example", ["jcorrer@acme.example"])
        head = b"A: 1\r\n\r\n"
        peer.send(b"BDAT %d LAST\r\n" % (len(head) + count * len(line)) + head)
        for _ in range(count // 1000):
            peer.send(line * 1000)
        assert peer.line() == b"250 2.0.0 delivered"
        with server.connect() as pop:
            assert pop.login().startswith(b"+OK")
            lines = pop.long(b"RETR 1")[1]
            assert lines[2:4] == [b"A: 1", b""] and len(lines) == count + 4
            assert set(lines[4:]) == {line[:-2]}
        assert not [n for n in os.listdir(server.data) if n.startswith("postil.")]


if __name__ == "__main__":
    raise SystemExit(postil.run_cases([
        dialogues, sockets_and_permissions, kept_over_a_restart, who_may_deliver, console_and_log, limits,
        a_hundred_thousand_recipients, mail_file_in_trouble, groups_and_quotas,
        utf8_addresses, large_message]))
