"""Delivery by LMTP over the UNIX socket of a server, beside P: the median of 200 times appending
4 KiB to a file on the same file system and fdatasync, taken before, between and after."""
import os
import statistics
import sys
import time

from common import BUILD, TOP, private_kib, row

os.environ.setdefault("top_srcdir", TOP)
os.environ.setdefault("top_builddir", BUILD)
os.environ.setdefault("POSTIL_TEST_PATIENCE", "300")
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))

import lmtpserver                                               # noqa: E402
import mailserver                                               # noqa: E402

FILES = 50
LARGE_OCTETS = 200 << 20


def message(octets):
    head = b"From: a@b.example\r\nSubject: delivery\r\nMessage-ID: <1@b.example>\r\n\r\n"
    line = b"0123456789abcdef" * 4 + b"\r\n"
    body = line * ((octets - len(head)) // len(line))
    return head + body + b"x" * (octets - len(head) - len(body) - 2) + b"\r\n"


class Lmtp:
    def __init__(self, folder):
        self.folder = folder
        self.p = []

    def probe(self, count=100):
        """P, in seconds; kept for the row of it."""
        path, times, octets = os.path.join(self.folder, "probe"), [], b"x" * 4096
        with open(path, "wb", buffering=0) as f:
            for _ in range(count):
                start = time.perf_counter()
                f.write(octets)
                os.fdatasync(f.fileno())
                times.append(time.perf_counter() - start)
        os.unlink(path)
        self.p += times

    def expect(self, peer, count):
        for _ in range(count):
            line = peer.line()
            if not line.startswith(b"250 "):
                raise SystemExit(f"bench: lmtp: {line}")

    def one(self, peer, mail):
        start = time.perf_counter()
        peer.send(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<jcorrer@acme.example>\r\nDATA\r\n")
        self.expect(peer, 2)
        if not peer.line().startswith(b"354 "):
            raise SystemExit("bench: lmtp: DATA is refused")
        peer.send(mail + b".\r\n")
        self.expect(peer, 1)
        return time.perf_counter() - start

    def batch(self, peer, mail, count):
        one = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<jcorrer@acme.example>\r\nBDAT %d LAST\r\n" % len(mail) + mail
        start = time.perf_counter()
        peer.send(one * count)
        self.expect(peer, 3 * count)
        return (time.perf_counter() - start) / count

    def wide(self, peer, mail):
        start = time.perf_counter()
        peer.send(b"MAIL FROM:<a@b.example>\r\n" +
                  b"".join(b"RCPT TO:<u%d@acme.example>\r\n" % i for i in range(FILES)) +
                  b"BDAT %d LAST\r\n" % len(mail) + mail)
        self.expect(peer, 2 * FILES + 1)
        return (time.perf_counter() - start) / FILES

    def speed(self, server):
        mail, times = message(4096), {"one": [], "batch": [], "wide": []}
        with server.lmtp() as peer:
            peer.hello()
            self.one(peer, mail)
            self.wide(peer, mail)               # mail files are made here
            for _ in range(10):
                self.probe(20)
                times["one"] += [self.one(peer, mail) for _ in range(20)]
                times["batch"].append(self.batch(peer, mail, 50))
                times["wide"].append(self.wide(peer, mail))
        p = statistics.median(self.p)
        row("P: append of 4 KiB and fdatasync, p50", p * 1e3, None, unit=" ms")
        row("one message, durable, p50 over P", statistics.median(times["one"]) / p, 3)
        row("50 messages in one session to one mail file, each over P", statistics.median(times["batch"]) / p, 0.5)
        row("one message to 50 mail files, each over P", statistics.median(times["wide"]) / p, 2)

    def memory(self, server):
        """A message of 200 MiB in, by DATA, and out again by POP3."""
        block = b"0123456789abcdef" * 4 + b"\r\n"
        block *= (1 << 20) // len(block)
        lmtp, pop3 = server.children("lmtp")[0], server.children("pop3")[0]
        with server.lmtp() as peer:
            peer.hello()
            self.one(peer, message(4096))
            before, most = private_kib(lmtp), 0
            peer.begin("a@b.example", ["alee@acme.example"])
            peer.expect(b"DATA", b"354")
            for _ in range(LARGE_OCTETS // len(block) + 1):
                peer.send(block)
                most = max(most, private_kib(lmtp))
            peer.send(b".\r\n")
            peer.socket.settimeout(0.02)
            while True:
                try:
                    line = peer.line()
                    break
                except TimeoutError:
                    most = max(most, private_kib(lmtp))
            if not line.startswith(b"250 "):
                raise SystemExit(f"bench: lmtp: {line}")
        row("delivery task grows while 200 MiB come", (most - before) / 1024, 4, unit=" MiB")
        with server.connect() as pop:
            pop.login("alee")
            before, most = private_kib(pop3), 0
            pop.send(b"RETR 1\r\n")
            left, last = LARGE_OCTETS, b""
            while left > 0 or not last.endswith(b"\r\n.\r\n"):
                octets = pop.socket.recv(1 << 20)
                left, last = left - len(octets), (last + octets)[-5:]
                most = max(most, private_kib(pop3))
        row("POP3 task grows while 200 MiB go", (most - before) / 1024, 4, unit=" MiB")

    def run(self):
        print("lmtp: messages of 4 KiB over the UNIX socket")
        persons = lmtpserver.PEOPLE + [
            mailserver.Person(f"u{i}", f"CN=U{i}/O=Acme", address=f"u{i}@acme.example") for i in range(FILES)]
        os.environ["TMPDIR"] = self.folder
        os.chmod(self.folder, 0o755)
        with lmtpserver.LmtpServer(persons=persons) as server:
            self.speed(server)
            self.memory(server)
