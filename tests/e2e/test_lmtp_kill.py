#!/usr/bin/env python3
"""Delivery under kill -9 at random instants, while POP3 sessions read and delete and the sender tries again what was
not acknowledged.

Afterwards: every acknowledged message is there whole, or was deleted by a QUIT; it is there (or was) more than once only
as often as the answer to a try never came; no message is gone without a QUIT that was sent, and none that an answered
QUIT took away is there. postil mail info finds nothing wrong with the file.

POSTIL_KILLS says how often the tasks (or the whole server) are killed, POSTIL_SEED what chance brings.
"""

import hashlib
import os
import random
import re
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from lmtpserver import LmtpServer                               # noqa: E402

KILLS = int(os.environ.get("POSTIL_KILLS", "8"))
SEED = int(os.environ.get("POSTIL_SEED", random.randrange(1000000)))
VERBOSE = "POSTIL_KILLS" in os.environ
LOGINS = ("jcorrer", "alee")


class Gone(Exception):
    """The connection has ended under us."""


class Damaged(Exception):
    """A message is not what was sent."""


def octets_of(number, chance):
    """A message that says itself whether it is whole."""
    body = b"".join(b"%s%d\r\n" % (b"." * chance.randrange(3), chance.getrandbits(256))
                    for _ in range(chance.choice((1, 10, 100, 1000))))
    return b"Message-ID: <%d@b.example>\r\nX-Number: %d\r\nX-Digest: %s\r\n\r\n%s" % (number, number, hashlib.sha256(body).hexdigest().encode(), body)


def number_of(octets):
    """The number of a message that is whole, as POP3 or postil mail show gave it."""
    head, _, body = octets.partition(b"\r\n\r\n")
    digest = re.search(rb"^X-Digest: (\w+)\r?$", head, re.M)
    if digest is None or hashlib.sha256(body).hexdigest().encode() != digest.group(1):
        raise Damaged("a message is not whole: %r" % head)
    return int(re.search(rb"^X-Number: (\d+)\r?$", head, re.M).group(1))


class Ledger:
    """What was said about each (message, login), under one lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged, self.unanswered = set(), {}
        self.deleted, self.maybe_deleted = {}, {}       # copies that a QUIT took away: answered, or not
        self.events = {}                                # for who has to find out why

    def note(self, key, text):
        with self.lock:
            self.events.setdefault(key, []).append("%.3f %s" % (time.time(), text))

    def add(self, table, key):
        with self.lock:
            table[key] = table.get(key, 0) + 1


class Sender(threading.Thread):
    """Delivers message after message to one login, each until it is acknowledged."""

    def __init__(self, server, ledger, login, first, stop):
        super().__init__(daemon=True)
        self.server, self.ledger, self.login, self.stop = server, ledger, login, stop
        self.chance = random.Random(SEED * 1000 + first)
        self.number, self.peer, self.error, self.last = first, None, None, b""

    def answer(self, code):
        try:
            line = self.peer.line()
        except (OSError, AssertionError) as error:
            raise Gone from error
        if line is None:
            raise Gone
        assert line.startswith(code) or line.startswith(b"4"), line
        self.last = line
        return line.startswith(code)

    def send(self, octets):
        try:
            self.peer.send(octets)
        except OSError as error:
            raise Gone from error

    def connect(self):
        try:
            self.peer = self.server.lmtp()
        except OSError as error:
            raise Gone from error
        self.answer(b"220")
        self.send(b"LHLO client.example\r\n")
        for _ in range(7):
            self.answer(b"250")

    def deliver(self, numbers):
        """Some messages in one go; those whose answer was 250 are acknowledged, an answer that never comes leaves it open."""
        octets = b""
        for number in numbers:
            message = octets_of(number, random.Random(number))
            octets += b"MAIL FROM:<a@b.example>\r\nRCPT TO:<%s@acme.example>\r\nBDAT %d LAST\r\n" \
                % (self.login.encode(), len(message)) + message
        for i, number in enumerate(numbers):
            try:
                if i == 0:
                    self.send(octets)                   # what goes half out may be taken, too
                known = self.answer(b"250") and self.answer(b"250")     # 451: the directory comes up still
                done = self.answer(b"250" if known else b"503") and known
            except Gone:
                for later in numbers[i:]:
                    self.ledger.note((later, self.login), "no answer")
                    self.ledger.add(self.ledger.unanswered, (later, self.login))
                raise
            self.ledger.note((number, self.login), self.last.decode())
            if done:
                with self.ledger.lock:
                    self.ledger.acknowledged.add((number, self.login))

    def open_numbers(self, numbers):
        with self.ledger.lock:
            return [n for n in numbers if (n, self.login) not in self.ledger.acknowledged]

    def run(self):
        try:
            while not self.stop.is_set():
                numbers = [self.number + i for i in range(self.chance.choice((1, 1, 2, 5)))]
                self.number += len(numbers)
                while (missing := self.open_numbers(numbers)):
                    try:
                        if self.peer is None:
                            self.connect()
                        self.deliver(missing)
                    except Gone:
                        if self.peer is not None:
                            self.peer.close()
                        self.peer = None
                        if self.stop.wait(0.02):
                            break
                self.stop.wait(self.chance.random() / 5)        # bounded, so that reading keeps up
        except Exception as error:                      # pylint: disable=broad-except
            self.error = error


class Reader(threading.Thread):
    """Reads and deletes by POP3; some sessions go without QUIT, which must delete nothing."""

    def __init__(self, server, ledger, login, stop):
        super().__init__(daemon=True)
        self.server, self.ledger, self.login, self.stop = server, ledger, login, stop
        self.chance, self.error = random.Random("%d %s" % (SEED, login)), None

    def session(self, pop):
        if not (pop.greeting or b"").startswith(b"+OK") or not (pop.login(self.login) or b"").startswith(b"+OK"):
            return
        stat = pop.ask(b"STAT") or b""
        if not stat.startswith(b"+OK"):
            return                                      # the service ends
        count = int(stat.split()[1])
        some = self.chance.sample(range(1, count + 1), min(count, self.chance.randrange(12)))
        numbers = []
        for n in some:
            octets = b"\r\n".join(pop.long(b"RETR %d" % n)[1]) + b"\r\n"
            numbers.append(number_of(octets))
            if not (pop.ask(b"DELE %d" % n) or b"").startswith(b"+OK"):
                return
        if self.chance.random() < 0.3:
            return
        pop.send(b"QUIT\r\n")
        try:
            answer = pop.line()
        except (OSError, AssertionError):
            answer = None
        for number in numbers:
            self.ledger.note((number, self.login), "deleted, QUIT: %r" % answer)
            if answer is not None and answer.startswith(b"+OK"):
                self.ledger.add(self.ledger.deleted, (number, self.login))
            else:
                self.ledger.add(self.ledger.maybe_deleted, (number, self.login))

    def run(self):
        while not self.stop.is_set() and self.error is None:
            try:
                with self.server.connect() as pop:
                    self.session(pop)
            except (OSError, AssertionError, AttributeError):
                pass                                    # killed under it
            except Damaged as error:
                self.error = error
            self.stop.wait(self.chance.random() / 20)


def kill_something(server, chance):
    """One of the tasks, or all of the server; then it is there again."""
    what = chance.choice(("lmtp", "lmtp", "pop3", "server"))
    if VERBOSE:
        print("%.2f kill %s" % (time.monotonic() % 1000, what), flush=True)
    time.sleep(chance.random() ** 2 / 4)
    if what == "server":
        server.process.kill()
        for pid in server.children():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        server.process.wait()
        postil.wait_until(lambda: not server.children(), "the end of all tasks")
        server.start(wait=False)
    else:
        pids = server.children(what)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        postil.wait_until(lambda: not set(pids) & set(server.children(what)), "the end of the task")
    for task in ("lmtp", "pop3"):
        # the host starts it again by itself, but takes its time
        postil.wait_until(lambda name=task: server.children(name) or server.console("load " + name)[0] != 0
                          and server.children(name), "the task " + task)


def content(server, login):
    """{number: copies} of what is in the mail file at last; each is looked at whether it is whole. None: not yet."""
    copies = {}
    with server.connect() as pop:
        if not pop.login(login).startswith(b"+OK"):
            return None
        for n in range(1, int(pop.ask(b"STAT").split()[1]) + 1):
            number = number_of(b"\r\n".join(pop.long(b"RETR %d" % n)[1]) + b"\r\n")
            copies[number] = copies.get(number, 0) + 1
        pop.ask(b"QUIT")
    return copies


def final_content(server, login):
    """The same, once the last session of a reader has let go of it."""
    return postil.wait_until(lambda: (found := content(server, login)) is not None and (found,), "the mail file")[0]


def judge(ledger, login, copies):
    """What is there against what was said."""
    numbers = {n for n, who in list(ledger.acknowledged) + list(ledger.unanswered) if who == login} | set(copies)
    twice = 0
    for number in numbers:
        key = (number, login)
        there, tries = copies.get(number, 0), ledger.unanswered.get(key, 0)
        acknowledged = key in ledger.acknowledged
        deleted, maybe = ledger.deleted.get(key, 0), ledger.maybe_deleted.get(key, 0)
        told = "%s is there %d times, %d deleted, %d tries unanswered: %s" \
            % (key, there, deleted, tries, "; ".join(ledger.events.get(key, ())))
        assert there + deleted + maybe >= acknowledged, "lost: " + told
        assert there + deleted <= acknowledged + tries, "too many: " + told
        twice += there + deleted > 1
    return twice


def killed_at_random():
    print("seed %d, %d kills" % (SEED, KILLS))
    chance, ledger, stop = random.Random(SEED), Ledger(), threading.Event()
    with LmtpServer(notes={"POP3_Max_Sessions_Per_User": "10"}) as server:
        threads = [Sender(server, ledger, login, 1000000 * (i + 1), stop) for i, login in enumerate(LOGINS * 2)]
        threads += [Reader(server, ledger, login, stop) for login in LOGINS]
        for thread in threads:
            thread.start()
        for done in range(KILLS):
            kill_something(server, chance)
            for thread in threads:
                if thread.error is not None:
                    raise thread.error
            if done % 100 == 99:
                print("%d kills, %d acknowledged" % (done + 1, len(ledger.acknowledged)), flush=True)
        before = len(ledger.acknowledged)
        postil.wait_until(lambda: len(ledger.acknowledged) >= before + 3, "deliveries after the last kill")
        stop.set()
        for thread in threads:
            thread.join(postil.PATIENCE)
            assert not thread.is_alive()
            if thread.error is not None:
                raise thread.error
        twice = sum(judge(ledger, login, final_content(server, login)) for login in LOGINS)
        for login in LOGINS:
            server.tool("mail", "info", "-d", server.data, server.mail_file(login))
    print("%d acknowledged, %d answers never came, %d deleted, %d were there twice"
          % (len(ledger.acknowledged), sum(ledger.unanswered.values()), sum(ledger.deleted.values()), twice))


if __name__ == "__main__":
    raise SystemExit(postil.run_cases([killed_at_random]))
