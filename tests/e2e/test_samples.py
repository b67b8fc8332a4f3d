#!/usr/bin/env python3
"""Every row of the tables in the samples' READMEs, and every command, against a server that
samples/run.sh started; what the project's README tells of TLS.

A table whose head has the columns "log in as", "password", "reply" and "in the log" holds logins;
they are made in order, those of a column "at" at that address, "over" TLS or STLS with this
"certificate". A reply may go on behind "...". What is between backquotes counts. Commands are
indented lines that begin with "$ "; what they must say follows them.
"""

import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from mailserver import Connection, MailServer, dxl, server_document     # noqa: E402

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
        self.port, self.tls_port = postil.free_port(), postil.free_port()
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="postil-sample-", dir=os.environ.get("TMPDIR", "/tmp"))
        os.chmod(self.folder, 0o755)
        os.mkdir(os.path.join(self.folder, "data"))
        super().__init__(data=os.path.join(self.folder, "data"), start=False, env={
            "RUN_DIR": os.path.join(self.folder, "data"), "POP3_PORT": str(self.port), "POP3_TLS_PORT": str(self.tls_port),
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


def begin_tls(server, connection, row):
    context = ssl.create_default_context(cafile=server.path("certs", "trusted", "test-ca.pem"))
    if row["certificate"]:
        base = server.path("certs", "clients", row["certificate"])
        context.load_cert_chain(base + ".pem", base + ".key")
    connection.socket = context.wrap_socket(connection.socket, server_hostname="mail.example.com")


def log_in(server, row):
    """The reply that ends the login; a session is ended by QUIT."""
    over = row.get("over", "clear")
    with Connection((row.get("at", "127.0.0.1"), server.tls_port if over == "TLS" else server.port)) as c:
        if over == "TLS":
            begin_tls(server, c, row)
        line = c.line()
        if over == "STLS" and c.ask(b"STLS").startswith(b"+OK"):
            begin_tls(server, c, row)
        if line.startswith(b"+OK") and row["log in as"].startswith("AUTH "):
            line = c.ask(row["log in as"].encode())
        elif line.startswith(b"+OK"):
            line = c.ask(b"USER " + row["log in as"].encode())
            if line.startswith(b"+OK"):
                line = c.ask(b"PASS " + row["password"].encode())
        if line.startswith(b"+OK") and "then DELE 1" in row:
            assert c.ask(b"DELE 1") == row["then DELE 1"].encode(), row
        if line.startswith(b"+OK"):
            c.ask(b"QUIT")
        return line.decode()


def reply_to(server, row):
    """Empty if the handshake fails, in TLS 1.3 behind the client's part of it."""
    try:
        return log_in(server, row)
    except ssl.SSLError:
        return ""


def fits(text, pattern):
    """The whole text, but for what "..." stands for."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("...")), text, re.S) is not None


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
            reply = reply_to(server, row)
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


def commands_of(readme):
    """[(command, what it says)]"""
    with open(readme, encoding="utf-8") as f:
        text = f.read().replace("\\\n", "")
    found, said = [], None
    for line in text.splitlines():
        if line.startswith("    $ "):
            said = []
            found.append((line[6:], said))
        elif said is not None and line.startswith("    "):
            said.append(line[4:])
        else:
            said = None
    return [(command, "\n".join(lines)) for command, lines in found]


def run_commands(name, least):
    """Every command of the README, in the copy's directory."""
    commands = commands_of(os.path.join(SAMPLES, name, "README.md"))
    assert len(commands) >= least, commands
    server = Sample(name)
    with server:
        server.start()
        quiet(server)
        for command, said in commands:
            missing = [p for p in ("curl", "openssl") if p + " " in command and shutil.which(p) is None]
            if missing:
                print("      %s is not installed" % missing[0])
                continue
            line = command.replace(":8110", ":%d" % server.port).replace(":8995", ":%d" % server.tls_port)
            path = postil.PROGRAMS + ":" + os.environ["PATH"]
            done = subprocess.run(["sh", "-c", line], cwd=server.data, env=dict(server.env, PATH=path),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=postil.PATIENCE, check=False)
            text = done.stdout.decode("utf-8", "replace").replace("\r", "").rstrip("\n")
            assert done.returncode == 0 and fits(text, said), "%s\nstatus %d:\n%s" % (line, done.returncode, text)
        assert server.quit() == 0


def plain():
    run_sample("plain", 25)


def sites():
    run_sample("sites", 10)


def tls():
    run_sample("tls", 15)


def tls_commands():
    run_commands("tls", 8)


def tls_of_your_own():
    """The items and commands of the project's README, section "Five minutes with TLS": a server that had
    no TLS has it, and a person gets in by certificate."""
    with open(os.path.join(postil.TOP_SRCDIR, "README.md"), encoding="utf-8") as f:
        section = f.read().split("## Five minutes with TLS\n")[1].split("\n## ")[0]
    items = re.findall(r"^    (<item .*)$", section, re.M)
    commands = re.findall(r"^    postil (.*)$", section, re.M)
    assert len(items) == 2 and len(commands) == 2, (items, commands)
    port = postil.free_port()
    items += ["<item name='POP3_SSLPort'><number>%d</number></item>" % port,
              "<item name='POP3_SSLNP'><text>0</text></item>", "<item name='POP3_SSLCert'><text>1</text></item>"]
    with MailServer() as server:
        server.put("jcorrer", [b"Subject: one\n\n1\n"])
        for command in commands:
            server.tool(*[word.replace("DATA", server.data) for word in shlex.split(command)])
        server._hand_over()                                     # pylint: disable=protected-access
        text = server_document(server.port).replace("</document>", "\n".join(items) + "\n</document>")
        server.write_name("server.dxl", dxl([text]))
        server.wait_for(r"POP3 Server: Configuration updated")
        context = ssl.create_default_context(cafile=server.path("certs", "trusted", "test-ca.pem"))
        base = server.path("certs", "clients", "jada-correr-acme")
        context.load_cert_chain(base + ".pem", base + ".key")
        with Connection(("127.0.0.1", port)) as c:
            c.socket = context.wrap_socket(c.socket, server_hostname="mail.example.org")
            assert c.line().startswith(b"+OK")
            assert c.ask(b"AUTH EXTERNAL =") == b"+OK your maildrop has 1 message."
        with server.connect() as c:
            assert b"STLS" in c.long(b"CAPA")[1]


def unknown_sample():
    done = subprocess.run(["sh", os.path.join(SAMPLES, "run.sh"), "nonsense"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=postil.PATIENCE)
    assert done.returncode == 1 and b'no sample "nonsense"' in done.stdout, done.stdout


if __name__ == "__main__":
    sys.exit(postil.run_cases([plain, sites, tls, tls_commands, tls_of_your_own, unknown_sample]))
