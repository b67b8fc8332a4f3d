"""A server with the POP3 and the LMTP task, for tests.

    from lmtpserver import LmtpServer
    with LmtpServer() as server, server.lmtp() as peer:
        peer.hello()
        assert peer.send_message("a@b.example", ["jcorrer@acme.example"], b"...") == [b"250 ..."]
"""

import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import mailserver                                               # noqa: E402
import postil                                                   # noqa: E402

PEOPLE = [
    mailserver.Person("jcorrer", "CN=Jada Correr/O=Acme", "Jada Correr", "jcorrer", "J\u00fcrgen",
                      address="jcorrer@acme.example"),
    mailserver.Person("alee", "CN=Ann Lee/OU=Sales/O=Acme", "alee", address="alee@acme.example"),
]

# Beside persons: what test dialogues of tests/e2e/lmtp speak of.
OTHERS = mailserver.dxl([
    "<document form='Domain'>\n<noteinfo unid='0123456789ABCDEF0123456789ABCDEF'/>\n"
    "<item name='DomainType'><text>GlobalDomain</text></item>\n"
    "<item name='LocalPrimaryInternetDomain'><text>acme.example</text></item>\n</document>\n",
    "<document form='Person'>\n<item name='FullName'><text>CN=Gone Away/O=Acme</text></item>\n"
    "<item name='ShortName'><text>gone</text></item>\n<item name='MailFile'><text>mail\\gone</text></item>\n"
    "<item name='MailAddress'><text>g@else.example</text></item>\n</document>\n",
] + [
    "<document form='Person'>\n<item name='FullName'><text>CN=Sam Twin/OU=%s/O=Acme</text></item>\n"
    "<item name='MailFile'><text>mail\\sam%s</text></item>\n</document>\n" % (unit, unit) for unit in "AB"
] + [
    "<document form='Group'>\n<item name='ListName'><text>Staff</text></item>\n"
    "<item name='GroupType'><text>1</text></item>\n<item name='Members'><textlist>"
    "<text>Jada Correr/Acme</text><text>Ann Lee/Sales/Acme</text><text>else@else.example</text>"
    "</textlist></item>\n</document>\n"])


def server_document(port):
    return "<document form='Server'>\n<item name='ServerName'><text>%s</text></item>\n" \
           "<item name='SMTPFullHostDomain'><text>mail.acme.example</text></item>\n" \
           "<item name='POP3_Port'><number>%d</number></item>\n" \
           "<item name='POP3_PortStatus'><text>1</text></item>\n</document>\n" % (mailserver.SERVER, port)


class Peer(mailserver.Connection):
    """A mail server that delivers, and sees every octet."""

    def __init__(self, address, timeout=None):      # pylint: disable=super-init-not-called
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout or postil.PATIENCE)
        self.socket.connect(address)
        self.octets = b""

    def answer(self):
        """All lines of one answer; None: closed."""
        lines = []
        while True:
            line = self.line()
            if line is None:
                return None
            lines.append(line)
            if line[3:4] != b"-":
                return lines

    def hello(self):
        greeting = self.answer()
        assert greeting is not None and greeting[0].startswith(b"220 "), greeting
        self.send(b"LHLO client.example\r\n")
        extensions = self.answer()
        assert extensions[-1].startswith(b"250 "), extensions
        return extensions

    def expect(self, command, code):
        answer = self.ask(command)
        assert answer is not None and answer.startswith(code), "%r: %r" % (command, answer)
        return answer

    def begin(self, sender, recipients, parameters=b""):
        """MAIL and RCPTs; the answers to the latter."""
        self.expect(b"MAIL FROM:<%s>%s" % (sender.encode(), parameters), b"250")
        return [self.ask(b"RCPT TO:<%s>" % r.encode()) for r in recipients]

    def send_message(self, sender, recipients, octets, parameters=b""):
        """By DATA; the final answers, one for each recipient that was taken."""
        taken = [a for a in self.begin(sender, recipients, parameters) if a.startswith(b"250")]
        self.expect(b"DATA", b"354")
        lines = octets.replace(b"\r\n", b"\n").split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        self.send(b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n")
        return [self.line() for _ in taken]


class LmtpServer(mailserver.MailServer):
    def __init__(self, notes=None, persons=None, **more):
        values = {"ServerTasks": "pop3, lmtp"}
        values.update(notes or {})
        self.notes = values
        super().__init__(notes=values, persons=PEOPLE if persons is None else persons,
                         document=server_document, **more)

    def start(self, wait=True):
        self.write_name("others.dxl", OTHERS)
        self.compile()
        super().start(wait)
        if wait:
            self.wait_for(r"LMTP Server: Started")
        return self

    @property
    def socket_path(self):
        return self.path("lmtp.sock")

    def lmtp(self, address=None, timeout=None):
        return Peer(address or self.socket_path, timeout)

    def content(self, login):
        """All messages in a mail file, as POP3 gives them."""
        with self.connect() as pop:
            answer = pop.login(login)
            if not answer.startswith(b"+OK"):
                return b""
            count = int(pop.ask(b"STAT").split()[1])
            messages = [pop.long(b"RETR %d" % (i + 1))[1] for i in range(count)]
            assert pop.ask(b"QUIT").startswith(b"+OK")
        return b"".join(b"".join(line + b"\r\n" for line in lines) for lines in messages)
