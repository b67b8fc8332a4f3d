"""A server whose columns for certificates and names and passwords can be any, and certificates
of every kind, for tests.

    with Rows(site=True) as server:         # the columns are those of a POP3 Site document
        server.columns("Yes", "No")         # client certificate, name and password; TCP/IP: Yes
        server.connect_as("own")            # with a certificate of CERTIFICATES, or None

Jada Correr has one message, Ann Lee two, the persons of the name Sam Twin three and four.
"""

import os
import re
import ssl
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import certificates                                             # noqa: E402
import mailserver                                               # noqa: E402
import postil                                                   # noqa: E402
from tlsserver import HOST, CertifiedPerson, TlsConnection, TlsServer, item     # noqa: E402

JADA, ANN = mailserver.PASSWORD, "ann's own"
COUNTS = {"jcorrer": 1, "alee": 2, "sam1": 3, "sam2": 4}
# What a handshake that asks for one says of those that are not to be trusted.
UNTRUSTED = {
    "expired": "a client certificate that has expired",
    "not yet valid": "a client certificate that is not yet valid",
    "revoked": "a client certificate that has been revoked",
    "wrong CA": "a client certificate of a CA that is not trusted",
    "wrong purpose": "a client certificate that is not meant for clients",
}
MISSING = "no client certificate, which this port requires"
HANDSHAKE = "H"                 # a login that comes to no login
CLOSED = "X"


def messages(login):
    return [b"From: a@acme.example\r\nSubject: %d for %s\r\n\r\n.\r\nHello.\r\n" % (i, login.encode())
            for i in range(1, COUNTS[login] + 1)]


class Rows(TlsServer):
    """site: the columns come from a POP3 Site document, and the Server document says the opposite."""

    def __init__(self, site=False, notes=None, **more):
        self.site = site
        self.cells = {"TCP": "1", "NP": "1", "Cert": "0", "STLS": "1", "Org": "Acme"}
        notes = dict({"POP3_Max_Failed_Logins": "1000", "POP3_Max_Bad_Commands": "1000"}, **(notes or {}))
        super().__init__(notes=notes, **more)
        for login in COUNTS:
            self.put(login, messages(login))
        self.put_file("certs/crls/acme.crl", self.ca.crl())
        # for clients that know the server by its address, too
        self.put_file("certs/keyfile.pem", certificates.read(
            self.ca.issue(("CN=" + HOST,), "serverAuth", "DNS:%s,IP:127.0.0.1" % HOST).pem))
        postil.wait_until(self.answers_by_address, "the server's certificate")

    def answers_by_address(self):
        """The files above have been taken up."""
        self.settle()
        try:
            with TlsConnection(("127.0.0.1", self.tls_port), self.context(), "127.0.0.1"):
                return True
        except ssl.SSLError:
            return False

    def usual_persons(self):
        """All that is wrong with a certificate of "own" but one thing is right."""
        ca, own = self.ca, self.jada
        jada = ("O=Acme", "CN=Jada Correr")
        self.certificates = {
            "own": own,
            "another's": self.alee,
            "nameless": ca.issue(("O=Acme",), key=own),
            "stranger": ca.issue(jada),
            "nobody": ca.issue(("O=Acme", "CN=No One"), key=own),
            "address": ca.issue(("O=Acme",), names="email:JCORRER@acme.example", key=own),
            "address alone": ca.issue(("O=Acme",), names="email:jcorrer@acme.example"),
            "name alone": ca.issue(("CN=Jada Correr",), key=own),
            "hostile": ca.issue(("O=Acme", "CN=x [9.9.9.9] authentication failure using client certificate")),
            "sam1": ca.issue(("O=Acme", "CN=Sam Twin")),
            "sam2": ca.issue(("O=Acme", "CN=Sam Twin")),
            "sam3": ca.issue(("O=Acme", "CN=Sam Twin")),
            "expired": ca.issue(jada, days=(-20, -10), key=own),
            "not yet valid": ca.issue(jada, days=(10, 20), key=own),
            "revoked": ca.issue(jada, key=own),
            "wrong CA": certificates.Authority(self.folder, "Other CA").issue(jada, key=own),
            "wrong purpose": ca.issue(jada, "serverAuth", key=own),
        }
        ca.revoke(self.certificates["revoked"])
        made = self.certificates
        return [
            CertifiedPerson("jcorrer", "CN=Jada Correr/O=Acme", "Jada Correr", "jcorrer", password=JADA,
                            address="jcorrer@acme.example", certs=[own]),
            CertifiedPerson("alee", "CN=Ann Lee/OU=Sales/O=Acme", "alee", password=ANN, certs=[self.alee]),
            CertifiedPerson("sam1", "CN=Sam Twin/O=Acme", "sam1", password="one", certs=[made["sam1"]]),
            CertifiedPerson("sam2", "CN=Sam Twin/O=Acme", "sam2", password="two", certs=[made["sam2"]]),
        ]

    # --- documents

    def document(self, port):
        def opposite(cell):
            return {"0": "1", "1": "0"}[self.cells[cell]] if self.site else self.cells[cell]
        items = {"ServerName": mailserver.SERVER, "POP3_Port": port, "POP3_SSLPort": self.tls_port,
                 "POP3_SSLStatus": "1", "LdISite": "1" if self.site else "0", "POP3_TCPNP": opposite("TCP"),
                 "POP3_SSLNP": opposite("NP"), "POP3_SSLCert": opposite("Cert"),
                 "POP3_NegotiatedSSL": opposite("STLS")}
        text = "<document form='Server'>\n%s</document>\n" % "".join(item(*i) for i in items.items())
        items = {"ISiteName": "Mail", "ISiteOrg": self.cells["Org"], "WSHostingSrvrs": "*",
                 "TCPNameAndPwd": self.cells["TCP"], "SSLNameAndPwd": self.cells["NP"],
                 "SSLClientCert": self.cells["Cert"], "POP3_NegotiatedSSL": self.cells["STLS"]}
        site = "<document form='POP3Site'>\n%s</document>\n" % "".join(item(*i) for i in items.items())
        return text + (site if self.site else "")

    def columns(self, certificate, name_and_password, tcp="Yes", stls="Yes", **variables):
        """In force when this returns; variables: of notes.ini."""
        values = (("Cert", certificate), ("NP", name_and_password), ("TCP", tcp), ("STLS", stls))
        for cell, value in values:
            self.cells[cell] = {"Yes": "1", "No": "0"}[value]
        self.write_document()
        for name, value in variables.items():
            self.check("set config %s=%s" % (name, value))
        shown = r"name and password %s.*; TLS: client certificate %s, name and password %s" % tuple(
            v.lower() for v in (tcp, certificate, name_and_password))
        self.settle(shown, *("^.*  %s=%s " % v for v in variables.items()))

    def settle(self, *shown):
        """What documents, notes.ini and files say is taken up, and shown by show config."""
        def is_there():
            mark = self.mark()
            self.check("tell pop3 refresh")
            self.check("tell pop3 show config")
            self.wait_for(r"  POP3_Expire=", start=mark)
            text = "\n".join(self.output.lines[mark:])
            return all(re.search(pattern, text, re.M) for pattern in shown)
        postil.wait_until(is_there, "settings %s" % (shown,))

    # --- clients

    def pem(self, name):
        """The file of certificate and key."""
        return self.certificates[name].pem

    def connect_as(self, name, stls=False, version=None):
        """name: of a certificate, or None."""
        context = self.context(name and self.certificates[name], version)
        return self.begin_tls(context) if stls else self.connect_tls(context)

    def begin_tls(self, context=None):
        """On the plain port, by STLS."""
        c = self.connect()
        assert c.ask(b"STLS") == b"+OK Begin TLS negotiation"
        c.socket = (context or self.context()).wrap_socket(c.socket, server_hostname=HOST)
        c.__class__ = TlsConnection
        return c

    def whose(self, connection):
        """Of which person is the mail of this session, which ends?"""
        count = int(connection.ask(b"STAT").split()[1])
        assert connection.ask(b"QUIT").startswith(b"+OK")
        return [login for login, messages_of in COUNTS.items() if messages_of == count][0]

    def log_in(self, certificate, login, stls=False, version=None):
        """What comes of one login (a function of a connection that gives the answer to it):
        whose mail it opens, else the answer, HANDSHAKE or CLOSED."""
        try:
            with self.connect_as(certificate, stls, version) as c:
                if c.greeting is None:
                    return HANDSHAKE
                if c.greeting == b"-ERR This site is not enabled on the server":
                    assert c.line() is None
                    return CLOSED
                assert c.greeting.startswith(b"+OK"), c.greeting
                if stls and version != ssl.TLSVersion.TLSv1_2:
                    c.ask(b"NOOP")      # in TLS 1.3 a refusal comes after the client's handshake
                answer = login(c)
                return self.whose(c) if answer.startswith(b"+OK") else answer
        except (ssl.SSLError, ConnectionError):
            return HANDSHAKE
