#!/usr/bin/env python3
"""The clients people have, over TLS and STLS, with and without certificates: every row of the columns
with openssl s_client, curl, mpop, fetchmail and Python's poplib.

    python3 tests/e2e/test_tls_clients.py mpop

runs one case; each says so when its client is not installed. test_tls.py has all the certificates.
"""

import os
import poplib
import re
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
import tlsrows                                                  # noqa: E402
from certificates import read                                   # noqa: E402
from test_pop3_clients import needs                             # noqa: E402
from tlsrows import ANN, JADA, Rows                             # noqa: E402
from tlsserver import HOST                                # noqa: E402

FIRST = tlsrows.messages("jcorrer")[0]
DISABLED = b"This site is not enabled on the server"
WRONG = b"invalid user name or password"
EXTERNAL = None                 # in the place of a password
AUTH_EXTERNAL = "AUTH EXTERNAL amNvcnJlcg=="            # for jcorrer
# client certificate, name and password, either-or; then certificate, name, password and what the
# client is told: True, Jada's message is fetched; False, refused in some way; else these words
ROWS = (
    (("No", "Yes", 0), ((None, "jcorrer", JADA, True), (None, "jcorrer@acme.example", JADA, True),
                        ("own", "jcorrer", JADA, True), (None, "jcorrer", "wrong", WRONG),
                        ("own", "jcorrer", EXTERNAL, False))),
    (("Yes", "No", 0), (("own", "jcorrer", EXTERNAL, True), ("own", "jcorrer", "whatever", True),
                        (None, "jcorrer", JADA, False), ("another's", "jcorrer", JADA, WRONG),
                        ("another's", "jcorrer", EXTERNAL, WRONG), ("expired", "jcorrer", EXTERNAL, False))),
    (("Yes", "Yes", 0), (("own", "jcorrer", JADA, True), ("own", "jcorrer", "wrong", WRONG),
                         (None, "jcorrer", JADA, False), ("another's", "jcorrer", JADA, WRONG),
                         ("own", "jcorrer", EXTERNAL, False))),
    (("Yes", "Yes", 1), ((None, "jcorrer", JADA, True), ("own", "jcorrer", EXTERNAL, True),
                         ("own", "jcorrer", "whatever", True), (None, "jcorrer", ANN, WRONG))),
)


class Client:
    """fetch: the octets of Jada's message, or of what the client said that failed."""

    can_external = True

    def __init__(self, server):
        self.server = server
        self.folder = tempfile.mkdtemp(dir=server.folder)
        self.ca = server.ca.path("ca.pem")

    def path(self, name):
        return os.path.join(self.folder, name)

    def port(self, stls):
        return self.server.port if stls else self.server.tls_port

    def run(self, command, **more):
        """(whether it succeeded, all that it said)"""
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=postil.PATIENCE, check=False, **more)
        return done.returncode == 0, done.stdout

    def fetch(self, stls, certificate, name, password):
        """(whether it succeeded, octets)"""
        raise NotImplementedError

    @staticmethod
    def collected(box):
        octets = read(box)
        os.unlink(box)
        return octets

    def tells(self, words, octets):
        """Does it pass on what the server said?"""
        return words in octets


def check(client, rows=ROWS, ports=(False, True)):
    """All the rows, on the TLS port and after STLS."""
    server = client.server
    for (certificate, password, either), logins in rows:
        server.columns(certificate, password, POP3_TLS_Either_Or=either)
        for login in logins:
            if login[2] is EXTERNAL and not client.can_external:
                continue
            for stls in ports:
                done, octets = client.fetch(stls, *login[:3])
                what = ((certificate, password, either), login, "STLS" if stls else "TLS", octets)
                if login[3] is True:
                    assert done and FIRST.split(b"\r\n")[1] in octets, what
                    continue
                assert not done and b"Subject: 1" not in octets, what
                assert login[3] is False or client.tells(login[3], octets), what
    server.columns("No", "No")
    done, octets = client.fetch(False, None, "jcorrer", JADA)
    assert not done and client.tells(DISABLED, octets), octets


# --- openssl s_client -----------------------------------------------------------------------

class SClient(Client):
    """Lines as a person types them."""

    def command(self, stls, certificate, *more):
        command = ["openssl", "s_client", "-connect", "127.0.0.1:%d" % self.port(stls), "-crlf",
                   "-CAfile", self.ca, "-verify_return_error", "-verify_hostname", HOST, *more]
        command += ["-starttls", "pop3"] if stls else []
        if certificate:
            issued = self.server.certificates[certificate]
            command += ["-cert", issued.certificate, "-key", issued.key]
        return command

    def fetch(self, stls, certificate, name, password):
        lines = [AUTH_EXTERNAL] if password is EXTERNAL else ["USER " + name, "PASS " + password]
        done, octets = self.run(self.command(stls, certificate, "-quiet"),
                                input="\n".join(lines + ["RETR 1", "QUIT", ""]).encode())
        return done and b"\r\n.." in octets, octets


def s_client():
    """All rows; a session is resumed with -sess_in in both versions, and no certificate is left out."""
    if not needs("openssl"):
        return
    with Rows() as server:
        client = SClient(server)
        check(client)
        server.columns("Yes", "No")
        for stls in (False, True):
            for version in ("-tls1_2", "-tls1_3"):
                session, mark = client.path("session"), server.mark()
                for option, wanted in (("-sess_out", b"New, TLSv1."), ("-sess_in", b"Reused, TLSv1.")):
                    done, octets = client.run(
                        client.command(stls, "own", "-ign_eof", version, option, session),
                        input=b"AUTH EXTERNAL =\nRETR 1\nQUIT\n")
                    assert done and wanted in octets and b"\r\n..\r\nHello.\r\n" in octets, (stls, version, octets)
                    assert b"Verify return code: 0 (ok)" in octets
                server.wait_for(r"pop3: Jada Correr/Acme \[127\.0\.0\.1\] logged in using client certificate; "
                                r".*, resumed$", start=mark)
        # what has no name on it is refused by the client
        done, octets = client.run(client.command(False, "own", "-quiet", "-verify_hostname", "other.example"),
                                  input=b"")
        assert not done and b"hostname mismatch" in octets, octets


# --- curl ---------------------------------------------------------------------------------------

class Curl(Client):
    def fetch(self, stls, certificate, name, password):
        url = "%s://127.0.0.1:%d/1" % ("pop3" if stls else "pop3s", self.port(stls))
        command = ["curl", "-sS", "-v", "--cacert", self.ca, url] + (["--ssl-reqd"] if stls else [])
        command += ["--cert", self.server.pem(certificate)] if certificate else []
        if password is EXTERNAL:
            command += ["-u", name + ":", "--login-options", "AUTH=EXTERNAL"]
        else:
            command += ["-u", name + ":" + password]
        return self.run(command)


def curl():
    """All rows; the forms of its options; a server that it does not trust."""
    if not needs("curl"):
        return
    with Rows() as server:
        client = Curl(server)
        check(client)
        server.columns("No", "Yes")
        for stls in (False, True):
            url = "%s://127.0.0.1:%d/1" % ("pop3" if stls else "pop3s", client.port(stls))
            base = ["curl", "-sS", url, "-u", "jcorrer:" + JADA] + (["--ssl-reqd"] if stls else [])
            for options in (["--login-options", "AUTH=PLAIN"], ["--sasl-ir"], ["--tlsv1.3"], ["--tls-max", "1.2"]):
                assert client.run(base + ["--cacert", client.ca] + options) == (True, FIRST), (stls, options)
            mark = server.mark()
            done, octets = client.run(base)
            assert not done and b"certificate problem" in octets, octets
            server.failure("the client does not trust our certificate$", start=mark)
        # certificate and key in two files
        server.columns("Yes", "No")
        issued = server.certificates["own"]
        assert client.run(["curl", "-sS", "--cacert", client.ca, "pop3s://127.0.0.1:%d/1" % server.tls_port,
                           "--cert", issued.certificate, "--key", issued.key, "-u", "jcorrer:",
                           "--login-options", "AUTH=EXTERNAL", "--sasl-ir"]) == (True, FIRST)


def curl_and_a_site():
    """The same rows from a POP3 Site document."""
    if not needs("curl"):
        return
    with Rows(site=True) as server:
        check(Curl(server))


# --- mpop -----------------------------------------------------------------------------------------

class Mpop(Client):
    def fetch(self, stls, certificate, name, password, *more):
        box = self.path("box")
        command = ["mpop", "--file=" + self.path("none"), "--host=127.0.0.1", "--port=%d" % self.port(stls),
                   "--tls=on", "--tls-starttls=" + ("on" if stls else "off"), "--tls-trust-file=" + self.ca,
                   "--user=" + name, "--keep=on", "--received-header=off", "--only-new=off",
                   "--uidls-file=" + self.path("uidls"), "--delivery=mbox," + box, "--debug", *more]
        command += ["--auth=external"] if password is EXTERNAL else [
            "--auth=user", "--passwordeval=printf '%%s\\n' \"%s\"" % password]
        if certificate:
            issued = self.server.certificates[certificate]
            command += ["--tls-cert-file=" + issued.certificate, "--tls-key-file=" + issued.key]
        done, octets = self.run(command, stdin=subprocess.DEVNULL)
        return done, self.collected(box) if done else octets


def mpop():
    """All rows, and AUTH PLAIN; --serverinfo shows what CAPA says."""
    if not needs("mpop"):
        return
    with Rows() as server:
        client = Mpop(server)
        check(client)
        server.columns("No", "Yes")
        for stls in (False, True):
            done, octets = client.fetch(stls, None, "jcorrer", JADA, "--auth=plain")
            assert done and FIRST.split(b"\r\n")[1] in octets, octets


# --- fetchmail ----------------------------------------------------------------------------------------

class Fetchmail(Client):
    can_external = False        # not for POP3

    def fetch(self, stls, certificate, name, password):
        box, rc = self.path("box"), self.path("rc")
        text = "poll 127.0.0.1 protocol pop3 port %d auth password uidl\n user '%s' password \"%s\" keep\n" \
            " %s sslproto 'TLS1.2+' sslcertck sslcertfile '%s' sslcommonname '%s' mda \"cat >> %s\"\n" \
            % (self.port(stls), name, password, "" if stls else "ssl", self.ca, HOST, box)
        if certificate:
            issued = self.server.certificates[certificate]
            text += " sslcert '%s' sslkey '%s'\n" % (issued.certificate, issued.key)
        with open(rc, "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(rc, 0o600)
        done, octets = self.run(
            ["fetchmail", "-v", "-f", rc, "--nosyslog", "--all", "--pidfile", self.path("pid"), "-i", self.path("ids")],
            stdin=subprocess.DEVNULL, env=dict(os.environ, FETCHMAILHOME=self.folder, HOME=self.folder, LC_ALL="C"))
        return done, self.collected(box) if done else octets


def fetchmail():
    """All rows that it can have: names and passwords, with and without certificate."""
    if not needs("fetchmail"):
        return
    with Rows() as server:
        check(Fetchmail(server))


# --- Python ---------------------------------------------------------------------------------------------

class Poplib(Client):
    def fetch(self, stls, certificate, name, password):
        context = self.server.context(certificate and self.server.certificates[certificate])
        try:
            if stls:
                pop = poplib.POP3("127.0.0.1", self.server.port, timeout=postil.PATIENCE)
                pop.stls(context)
            else:
                pop = poplib.POP3_SSL("127.0.0.1", self.server.tls_port, context=context,
                                      timeout=postil.PATIENCE)
        except (ssl.SSLError, ConnectionError, poplib.error_proto) as error:
            return False, str(error).encode()
        try:
            if password is EXTERNAL:
                pop._shortcmd(AUTH_EXTERNAL)                    # pylint: disable=protected-access
            else:
                pop.user(name)
                pop.pass_(password)
            octets = b"\r\n".join(pop.retr(1)[1]) + b"\r\n"
            pop.quit()
            return True, octets
        except (ssl.SSLError, ConnectionError, poplib.error_proto) as error:
            return False, str(error).encode()
        finally:
            pop.close()


def python_poplib():
    """All rows; capabilities before and after STLS; every octet."""
    with Rows() as server:
        client = Poplib(server)
        check(client)
        server.columns("No", "Yes", tcp="No")
        pop = poplib.POP3("127.0.0.1", server.port, timeout=postil.PATIENCE)
        assert "STLS" in pop.capa() and "USER" not in pop.capa() and "SASL" not in pop.capa()
        try:
            pop.user("jcorrer")
            raise AssertionError("USER was answered before TLS")
        except poplib.error_proto as error:
            assert re.search(r"-ERR \[SYS/PERM\] STLS first, nothing else is answered before TLS", str(error)), error
        pop.stls(server.context())
        assert "STLS" not in pop.capa() and pop.capa()["SASL"] == ["PLAIN"]
        pop.user("jcorrer")
        pop.pass_(JADA)
        assert b"\r\n".join(pop.retr(1)[1]) + b"\r\n" == FIRST
        pop.quit()


if __name__ == "__main__":
    sys.exit(postil.run_cases([s_client, curl, curl_and_a_site, mpop, fetchmail, python_poplib]))
