#!/usr/bin/env python3
"""Every dialogue of dialogues/ against a real server. README.md tells their form."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from mailserver import Connection, MailServer                   # noqa: E402

FOLDER = os.path.join(postil.TOP_SRCDIR, "tests", "e2e", "dialogues")
SIMPLE = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


def unescape(text):
    def one(match):
        if match.group(1):
            return bytes([int(match.group(1), 16)])
        if match.group(2):
            return match.group(3) * int(match.group(2))
        return SIMPLE[match.group(4)]
    return re.sub(rb"\\(?:x([0-9A-Fa-f]{2})|\*([0-9]+)\(([^)]*)\)|(.))", one, text, flags=re.S)


class Dialogue:
    def __init__(self, path):
        self.path = path
        self.messages, self.variables, self.lines = [], {}, []
        self.with_utf8 = []             # for each message: sent with SMTPUTF8
        self.session_alone = False
        with open(path, "rb") as f:
            for number, line in enumerate(f.read().split(b"\n"), 1):
                self.sort(number, line)

    def sort(self, number, line):
        if not line or line.startswith(b"#") or line == b"@ only server":
            return
        if line == b"@ only session":
            self.session_alone = True
        elif line in (b"@ message", b"@ message utf8"):
            self.messages.append(b"")
            self.with_utf8.append(line == b"@ message utf8")
        elif line.startswith(b"@ set "):
            name, value = line[6:].decode().split("=", 1)
            self.variables[name] = value
        elif line.startswith(b"M:"):
            self.messages[-1] += line[3:] + b"\r\n"
        elif line.startswith(b"M\\"):
            self.messages[-1] += unescape(line[3:])
        else:
            self.lines.append((number, line))

    def deliver(self, server):
        server.put("jcorrer", [] if any(self.with_utf8) else self.messages)
        if any(self.with_utf8):
            for octets, with_utf8 in zip(self.messages, self.with_utf8):
                server.add_utf8("jcorrer", octets) if with_utf8 else server.add("jcorrer", [octets])

    def run(self, server):
        self.connections, self.on, self.server = {}, b"1", server
        try:
            for number, line in self.lines:
                self.here = "%s:%d" % (os.path.basename(self.path), number)
                self.step(line)
            for connection in self.connections.values():
                assert connection.is_silent(0.05), "%s: more was sent" % self.here
        finally:
            for connection in self.connections.values():
                connection.close()

    def connection(self):
        if self.on not in self.connections:
            self.connections[self.on] = Connection(("127.0.0.1", self.server.port))
        return self.connections[self.on]

    def leave(self):
        self.connections.pop(self.on).close()

    def step(self, line):
        how, text = line[:2], line[3:]
        if line.startswith(b"@ connect "):
            self.on = line[10:]
            self.connection()
        elif line == b"@ vanish":
            self.leave()
            if not self.connections:
                wait_until_free(self.server)
        elif how == b"C:":
            self.connection().send(text + b"\r\n")
        elif how == b"C\\":
            self.connection().send(unescape(text))
        elif how == b"S!":
            got = self.connection().line()
            assert got is None, "%s: expected the end, got %r" % (self.here, got)
            self.leave()
        elif how == b"S*":
            while self.connection().line() != b".":
                pass
        else:
            self.expect(how, text)

    def expect(self, how, text):
        got = self.connection().line()
        assert got is not None, "%s: the connection has ended" % self.here
        if how == b"S~":
            same = re.fullmatch(text, got) is not None
        else:
            assert how in (b"S:", b"S\\"), "%s: what is this line?" % self.here
            same = got == (unescape(text) if how == b"S\\" else text)
        assert same, "%s: expected %r, got %r" % (self.here, text[:200], got[:200])


def wait_until_free(server):
    """A session that vanished may hold the maildrop a moment longer."""
    def is_free():
        return "jcorrer" not in server.check("show users").lower().replace("jada correr", "jcorrer")
    postil.wait_until(is_free, "the maildrop to be free")


def run_group(variables, dialogues):
    failed = 0
    with MailServer(notes=dict(variables)) as server:
        for dialogue in dialogues:
            try:
                wait_until_free(server)
                dialogue.deliver(server)
                dialogue.run(server)
                print("ok    " + os.path.basename(dialogue.path), flush=True)
            except AssertionError as error:
                failed += 1
                print("FAIL  %s" % error, flush=True)
    return failed


def main():
    groups = {}
    names = sys.argv[1:] or sorted(n for n in os.listdir(FOLDER) if n.endswith(".dialog"))
    for name in names:
        dialogue = Dialogue(os.path.join(FOLDER, name))
        if dialogue.session_alone:
            print("skip  %s: for the session alone" % name)
            continue
        groups.setdefault(tuple(sorted(dialogue.variables.items())), []).append(dialogue)
    assert names, "there are no dialogues"
    return 1 if sum(run_group(*group) for group in groups.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
