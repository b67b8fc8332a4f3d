#!/usr/bin/env python3
"""Every row of the tables in the samples' READMEs, against a server that samples/run.sh started.

A table whose head has the columns "log in as", "password", "reply" and "in the log" holds logins;
they are made in order, those of a column "at" at that address. A reply may go on behind "...".
What is between backquotes counts.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from mailserver import Connection                               # noqa: E402

SAMPLES = os.path.join(postil.TOP_SRCDIR, "samples")


def cells(line):
    """What stands between backquotes in each cell, else its text."""
    found = []
    for cell in line.strip().strip("|").split("|"):
        code = re.search(r"`([^`]*)`", cell)
        found.append(code.group(1) if code else cell.strip())
    return found


def rows_of(readme):
    """The rows of its tables of logins, as dictionaries."""
    rows, head = [], None
    with open(readme, encoding="utf-8") as f:
        for line in f:
            if not line.startswith("|"):
                head = None
            elif head is None:
                head = cells(line)
            elif not line.startswith("|---") and {"log in as", "reply", "in the log"} <= set(head):
                rows.append(dict(zip(head, cells(line))))
    return rows


class Sample(postil.Server):
    """The server as `make run SAMPLE=...` starts it, on a port of its own."""

    def __init__(self, name):
        self.port = postil.free_port()
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="postil-sample-", dir=os.environ.get("TMPDIR", "/tmp"))
        os.chmod(self.folder, 0o755)
        os.mkdir(os.path.join(self.folder, "data"))
        super().__init__(data=os.path.join(self.folder, "data"), start=False, env={
            "RUN_DIR": os.path.join(self.folder, "data"), "POP3_PORT": str(self.port),
            "POSTIL_PROGRAM_DIR": postil.PROGRAMS, "top_srcdir": postil.TOP_SRCDIR})
        self.own_data = False

    def start(self, wait=True):
        self.process = subprocess.Popen(
            ["sh", os.path.join(SAMPLES, "run.sh"), self.name], env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output = postil.Reader(self.process.stdout)
        if wait:
            self.wait_for(r"POP3 Server: Started$")
        return self

    def close(self):
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)


def log_in(server, row):
    """The reply that ends the login; a session is ended by QUIT."""
    with Connection((row.get("at", "127.0.0.1"), server.port)) as c:
        line = c.line()
        if line.startswith(b"+OK"):
            line = c.ask(b"USER " + row["log in as"].encode())
        if line.startswith(b"+OK"):
            line = c.ask(b"PASS " + row["password"].encode())
        if line.startswith(b"+OK") and "then DELE 1" in row:
            assert c.ask(b"DELE 1") == row["then DELE 1"].encode(), row
        if line.startswith(b"+OK"):
            c.ask(b"QUIT")
        return line.decode()


def fits(text, pattern):
    """The whole text, but for what "..." stands for."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("...")), text) is not None


def quiet(server):
    """Refusals without delays: here are many from one address."""
    for variable in ("POP3_Failed_Login_Penalty=0", "POP3_Failed_Login_Delay=0"):
        mark = server.mark()
        server.check("set config " + variable)
        server.wait_for(r"POP3 Server: Configuration updated", start=mark)


def run_sample(name, least):
    rows = rows_of(os.path.join(SAMPLES, name, "README.md"))
    assert len(rows) >= least, "only %d rows" % len(rows)
    faults = []
    server = Sample(name)
    with server:
        server.start()
        quiet(server)
        for number, row in enumerate(rows):
            mark = server.mark()
            reply = log_in(server, row)
            if not fits(reply, row["reply"]):
                faults.append("row %d, %s: the reply is %s" % (number + 1, row["log in as"], reply))
            elif row["in the log"] == "":
                continue
            else:
                pattern = ".*".join(re.escape(part) for part in row["in the log"].split("..."))
                try:
                    server.wait_for(pattern + "$", start=mark, seconds=5)
                except AssertionError:
                    faults.append("row %d, %s: the log has\n%s" % (
                        number + 1, row["log in as"], "\n".join(server.output.lines[mark:])))
        assert not faults, "\n".join(faults)
        assert server.quit() == 0


def plain():
    run_sample("plain", 25)


def sites():
    run_sample("sites", 10)


def tls():
    run_sample("tls", 1)


def unknown_sample():
    done = subprocess.run(["sh", os.path.join(SAMPLES, "run.sh"), "nonsense"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=postil.PATIENCE)
    assert done.returncode == 1 and b'no sample "nonsense"' in done.stdout, done.stdout


if __name__ == "__main__":
    sys.exit(postil.run_cases([plain, sites, tls, unknown_sample]))
