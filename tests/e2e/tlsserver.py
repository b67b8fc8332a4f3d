"""A server with a TLS port, its credentials, and clients that speak TLS, for tests.

    with TlsServer() as server:
        server.put("jcorrer", [...])
        with server.connect_tls() as pop: ...       # a Connection, as connect() gives in clear

Jada Correr has a certificate (server.jada), Ann Lee has one (server.alee); both are in their Person
documents. The password of everybody is mailserver.PASSWORD.
"""

import os
import shutil
import socket
import ssl
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import certificates                                             # noqa: E402
import mailserver                                               # noqa: E402
import postil                                                   # noqa: E402
from mailserver import Connection, MailServer, Person           # noqa: E402

HOST = "mail.acme.example"
UNFINISHED = "a handshake that the client broke off"


class CertifiedPerson(Person):
    """certificates: of type certificates.Issued, in the Person document."""

    def __init__(self, *arguments, certs=(), **more):
        super().__init__(*arguments, **more)
        self.certs = list(certs)

    def dxl(self):
        text = "".join("<item name='userCertificate'><text>%s</text></item>\n" % c.base64()
                       for c in self.certs)
        return super().dxl().replace("</document>", text + "</document>")


def item(name, value):
    return "<item name='%s'><text>%s</text></item>\n" % (name, value)


class TlsConnection(Connection):
    """wrap: what makes a TLS socket of one in clear."""

    def __init__(self, address, context, name=HOST, session=None, timeout=None, local=None):
        super().__init__(address, timeout)
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name, session=session)
        except BaseException:
            self.socket.close()
            raise

    def line(self):
        try:
            return super().line()
        except ssl.SSLEOFError:
            return None


class TlsServer(MailServer):
    """items: of the Server document, over what is usual; keep: False leaves certs empty."""

    def __init__(self, items=None, notes=None, credential=True, folder=None, **more):
        self.tls_port = postil.free_port()
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="postil-certs-")
        self.items = {"POP3_SSLPort": str(self.tls_port), "POP3_SSLStatus": "1", "POP3_SSLNP": "1",
                      "POP3_SSLCert": "0", "POP3_NegotiatedSSL": "1"}
        self.items.update(items or {})
        self.credential = credential
        try:
            self.ca = certificates.Authority(self.folder)
            self.own = self.ca.issue(("O=Acme", "CN=" + HOST), "serverAuth", "DNS:" + HOST, days=(-1, 300))
            self.jada = self.ca.issue(("O=Acme", "CN=Jada Correr"))
            self.alee = self.ca.issue(("O=Acme", "OU=Sales", "CN=Ann Lee"))
            persons = more.pop("persons", None) or self.usual_persons()
            super().__init__(notes=notes, persons=persons, document=self.document, **more)
            if self.credential:
                self.wait_for(r"POP3 Server: Started")
                postil.wait_until(self.tls_answers, "the TLS port")
        except BaseException:
            self.remove_folder()
            raise

    def usual_persons(self):
        return [CertifiedPerson("jcorrer", "CN=Jada Correr/O=Acme", "Jada Correr", "jcorrer",
                                address="jcorrer@acme.example", certs=[self.jada]),
                CertifiedPerson("alee", "CN=Ann Lee/OU=Sales/O=Acme", "alee", certs=[self.alee])]

    def document(self, port):
        text = "".join(item(name, value) for name, value in self.items.items())
        return mailserver.server_document(port).replace("</document>", text + "</document>")

    def write_document(self):
        """What self.items says now."""
        self.write_name("server.dxl", mailserver.dxl([self.document(self.port)]))
        self.compile()

    def start(self, wait=True):
        if not os.path.isdir(self.path("certs")):
            os.makedirs(self.path("certs", "trusted"))
            os.makedirs(self.path("certs", "crls"))
            self.put_file("certs/trusted/acme.pem", self.ca.pem)
            if self.credential:
                self.put_file("certs/keyfile.pem", certificates.read(self.own.pem))
        self._hand_over()
        return super().start(wait)

    def put_file(self, name, octets, mode=0o600):
        """As a careful administrator does: the whole file at once."""
        path = self.path(*name.split("/"))
        temporary = os.path.join(os.path.dirname(path), "." + os.path.basename(path) + ".new")
        with open(temporary, "wb") as f:
            os.fchmod(f.fileno(), mode)
            f.write(octets)
        if os.geteuid() == 0:
            import pwd
            os.chown(temporary, pwd.getpwnam("nobody").pw_uid, -1)
        os.rename(temporary, path)

    def refresh(self):
        """tell pop3 refresh, until the task has said what came of it."""
        mark = self.mark()
        self.check("tell pop3 refresh")
        return self.wait_for(r"POP3 Server: (Configuration|TLS credentials) (updated|has not changed)$",
                             start=mark).group(0)

    def tls_answers(self):
        try:
            with self.connect_tls(self.context(self.jada)):
                return True
        except OSError:
            return False

    # --- clients

    def context(self, issued=None, version=None, ca=None):
        """Of a client; version: the only one it speaks."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=(ca or self.ca).pem.decode("ascii"))
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if issued is not None:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")      # what is too weak is the server's to say
            context.load_cert_chain(getattr(issued, "chain", issued))
        return context

    def connect_tls(self, context=None, port=None, **more):
        connection = TlsConnection(("127.0.0.1", port or self.tls_port),
                                   context or self.context(), **more)
        connection.greeting = connection.line()
        return connection

    def connect_raw(self, port=None, source=None, timeout=None):
        """A socket to the TLS port on which nothing has been said."""
        s = socket.create_connection(("127.0.0.1", port or self.tls_port),
                                     timeout or postil.PATIENCE, source and (source, 0))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def stls(self, context=None, **more):
        """A connection on the plain port after STLS."""
        plain = self.connect()
        assert plain.ask(b"STLS").startswith(b"+OK")
        plain.socket = (context or self.context()).wrap_socket(plain.socket, server_hostname=HOST,
                                                                **more)
        plain.__class__ = TlsConnection
        return plain

    def close(self):
        super().close()
        self.remove_folder()

    def remove_folder(self):
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- what the task uses

    def memory_kib(self, field="VmRSS"):
        with open("/proc/%d/status" % self.pop3_pid(), encoding="ascii") as f:
            for line in f:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise AssertionError("no " + field)

    def open_files(self):
        return len(os.listdir("/proc/%d/fd" % self.pop3_pid()))

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.pop3_pid(), encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def failure(self, why, start=0, s=None):
        """The line about a handshake that failed; s: of this socket of ours."""
        address = r"127\.0\.0\.\d+\(\d+\)" if s is None else r"127\.0\.0\.\d+\(%d\)" % s
        return self.wait_for(r"TLS/SSL connection %s -> 127\.0\.0\.1\(\d+\) failed with .*%s"
                             % (address, why), start=start).group(0)


def serve():
    """For other programs: a server until standard input ends; ports and its CA on one line."""
    with TlsServer() as server:
        print(server.port, server.tls_port, server.ca.path("ca.pem"), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve()
