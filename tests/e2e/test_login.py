"""Who may log in: every rule of the directory, seen by a client of a real server.

    python3 tests/e2e/test_login.py lockout

runs one case. What a login name may be, access lists and sites are told by tables in
tests/unit/directory; here is what a client is answered, what the log says, and that a
change holds without a restart and disturbs nobody.
"""

import base64
import os
import random
import select
import socket
import sys
import time
from xml.sax.saxutils import escape

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import mailserver                                               # noqa: E402
import postil                                                   # noqa: E402
from mailserver import MailServer, Person                       # noqa: E402

MAIL = [b"Subject: one\n\n1\n", b"Subject: two\n\n2\n"]
REFUSED = b"-ERR [AUTH] invalid user name or password"
PASSWORD = mailserver.PASSWORD


def document(form, **items):
    text = "".join("<item name='%s'><textlist>%s</textlist></item>\n" % (
        name, "".join("<text>%s</text>" % escape(v)
                      for v in (value if isinstance(value, list) else [value])))
        for name, value in items.items())
    return "<document form='%s'>\n%s</document>\n" % (form, text)


def server_document(port, **items):
    values = {"ServerName": mailserver.SERVER, "POP3_Port": str(port), "POP3_TCPNP": "1"}
    values.update(items)
    return document("Server", **values)


class Extended(Person):
    """With further items."""

    def __init__(self, *arguments, items=None, **more):
        super().__init__(*arguments, **more)
        self.items = items or {}

    def dxl(self):
        text = "".join("<item name='%s'><text>%s</text></item>\n" % (name, escape(value))
                       for name, value in self.items.items())
        return super().dxl().replace("</document>", text + "</document>")


def start(documents=(), server_items=None, **more):
    def own(port):
        return server_document(port, **(server_items or {}))
    server = MailServer(document=own, wait=False, **more)
    server.wait_for(r"POP3 Server: Started")
    if documents:
        put(server, *documents)
    return server


def put(server, *documents):
    """Documents in a file of their own, in force when this returns."""
    server.write_name("more.dxl", mailserver.dxl(documents))
    server.compile()


def put_and_wait(server, *documents):
    """The same for documents that the task keeps a snapshot of."""
    mark = server.mark()
    put(server, *documents)
    server.wait_for(r"POP3 Server: Configuration updated", start=mark)


def attempt(server, name, password=PASSWORD):
    with server.connect() as c:
        answer = c.login(name, password)
        if answer.startswith(b"+OK"):
            assert c.ask(b"QUIT").startswith(b"+OK")
        return answer


def is_in(server, name, password=PASSWORD):
    answer = attempt(server, name, password)
    assert answer.startswith(b"+OK") or answer == REFUSED, answer
    return answer.startswith(b"+OK")


# --- names -----------------------------------------------------------------------------

def names():
    """Fewer and More name variations, changed while a session is open."""
    persons = [Extended("jcorrer", "CN=Jada Correr/O=Acme", "jada", address="j@acme.example",
                        items={"ShortName": "jc", "FirstName": "Jada", "LastName": "Correr"})]
    fewer = ("Jada Correr/Acme", "CN=Jada Correr/O=Acme", "cn=jada correr", "JADA CORRER", "jada",
             "J@ACME.example")
    more = ("jc", "correr", "C660")
    with start(persons=persons) as server:
        server.put("jcorrer", MAIL)
        for name in fewer:
            assert is_in(server, name), name
        for name in more:
            assert not is_in(server, name), name
        server.wait_for(r"pop3: Jada Correr/Acme \[127\.0\.0\.1\] logged in using internet password; "
                        r"2 messages, \d+ octets$")
        with server.connect() as c:
            assert c.login("jada").startswith(b"+OK")
            mark = server.mark()
            server.write_name("server.dxl", mailserver.dxl([server_document(
                server.port, InternetAuthentication="More name variations with lower security")]))
            server.compile()
            server.wait_for(r"POP3 Server: Configuration updated", start=mark)
            assert c.ask(b"STAT").startswith(b"+OK 2 ")
            assert c.ask(b"QUIT").startswith(b"+OK")
        for name in fewer + more:
            assert is_in(server, name), name


def several_of_one_name():
    """The password is tried against each; one must have it, and no more than eight are tried."""
    persons = [Person("a%d" % i, "CN=Sam/OU=U%d/O=Acme" % i, password="pw%d" % i) for i in range(8)]
    persons += [Person("t1", "CN=Tim/OU=A/O=Acme", password="same"),
                Person("t2", "CN=Tim/OU=B/O=Acme", password="same")]
    with start(persons=persons, notes={"POP3_Failed_Login_Penalty": "0"}) as server:
        for p in persons:
            server.put(p.login, MAIL[:1])
        for i in (0, 3, 7):
            assert is_in(server, "Sam", "pw%d" % i)
        assert not is_in(server, "Sam", "wrong")
        assert not is_in(server, "Tim", "same")
        assert is_in(server, "Tim/A/Acme", "same")
        server.write_name("ninth.dxl", mailserver.dxl(
            [Person("a8", "CN=Sam/OU=U8/O=Acme", password="pw8").dxl()]))
        server.compile()
        assert not is_in(server, "Sam", "pw3")
        assert is_in(server, "Sam/U3/Acme", "pw3")
        server.check("set config POP3_Max_Name_Matches=9")
        postil.wait_until(lambda: is_in(server, "Sam", "pw3"), "more matches")


def hostile_names():
    """Refused as any other, logged escaped, the service unharmed."""
    with start() as server:
        server.put("jcorrer", MAIL)
        for name in ("*", "*)(uid=*))(|(uid=*", "' OR 1=1 --", "x'; DROP TABLE note; --", "%s%s%n%p",
                     "../../etc/passwd", "CN=*/O=Acme", "/", "=", "CN=", "$", "\u202ejada", "a\u0000"):
            if "\u0000" in name:
                continue
            assert attempt(server, name) == REFUSED, name
        with server.connect() as c:
            c.send(b"USER \xff\xfe[x]\\ \r\n")
            assert c.line().startswith(b"+OK")
            assert c.ask(b"PASS x") == REFUSED
        server.wait_for(r"pop3: \\xff\\xfe\\x5bx\\x5d\\x5c  \[127\.0\.0\.1\] authentication failure using "
                        r"internet password$")
        with server.connect() as c:
            assert c.ask(b"USER a\0b").startswith(b"-ERR")
            assert c.ask(b"USER " + b"n" * 10000) == b"-ERR line too long"
        # as long as AUTH lets a name be, all of it escaped
        with server.connect() as c:
            assert c.ask(b"AUTH PLAIN").startswith(b"+ ")
            text = base64.b64encode(b"\0" + "\u00e9".encode() * 3000 + b"\0pw")
            assert c.ask(text) == REFUSED
        server.wait_for(r"pop3: (\\xc3\\xa9){64}\.\.\. \[127\.0\.0\.1\] authentication failure using internet "
                        r"password$")
        assert is_in(server, "jcorrer")


# --- access, server, mail file ------------------------------------------------------------

def access():
    """AllowAccess and DenyAccess, groups; changed without a restart, a session goes on."""
    staff = document("Group", ListName="Staff", GroupType="0", Members=["Inner"])
    inner = document("Group", ListName="Inner", GroupType="2", Members=["CN=Jada Correr/O=Acme", "Staff"])
    gone = document("Group", ListName="Gone", GroupType="3", Members=["*/OU=Sales/O=Acme"])
    refused = b"-ERR [AUTH] you are not authorized to use the server"
    with start(documents=[staff, inner, gone],
               server_items={"POP3_EnforceAccess": "1", "AllowAccess": ["Staff", "*/OU=Sales/O=Acme"],
                             "DenyAccess": "Gone"}) as server:
        server.put("jcorrer", MAIL)
        server.put("alee", MAIL)
        with server.connect() as c:
            assert c.login().startswith(b"+OK")
            assert attempt(server, "alee") == refused
            server.wait_for(r'pop3: Ann Lee/Sales/Acme \[127\.0\.0\.1\] login refused: not authorized to '
                            r'use the server: "Not access server" has Gone, the person is a member of the '
                            r'group Gone by \*/OU=Sales/O=Acme$')
            # the reason is behind the password
            assert attempt(server, "alee", "wrong") == REFUSED
            put(server, staff, inner)
            assert attempt(server, "alee").startswith(b"+OK")
            put(server, staff)
            assert attempt(server, "alee").startswith(b"+OK")
            assert c.ask(b"STAT").startswith(b"+OK 2 ")
            assert c.ask(b"QUIT").startswith(b"+OK")
        assert attempt(server, "jcorrer") == refused
        server.wait_for(r'login refused: not authorized to use the server: "Access server" names others '
                        r'and not this person$')


def wrong_server():
    """The log names the right one; the client is told where its host is, if that is wanted."""
    persons = [Person("away", "CN=Away/O=Acme", "a way", mail_server="other/Acme"),
               Person("lost", "CN=Lost/O=Acme", "lost", mail_server="CN=nowhere/O=Acme")]
    plain = b"-ERR [SYS/PERM] your mail file is on another server"
    with start(persons=persons, documents=[document(
            "Server", ServerName="CN=other/O=Acme", SMTPFullHostDomain="pop.other.example",
            POP3_Port="1110")]) as server:
        assert attempt(server, "a way") == plain
        server.wait_for(r"pop3: Away/Acme \[127\.0\.0\.1\] login refused: the mail server of this person "
                        r"is CN=other/O=Acme$")
        server.check("set config POP3_Referral=1")
        postil.wait_until(lambda: attempt(server, "a way") ==
                          b"-ERR [REFERRAL/pop://a%20way@pop.other.example:1110] your mail file is on "
                          b"another server", "the referral")
        assert attempt(server, "lost") == plain
        assert attempt(server, "a way", "wrong") == REFUSED


def mail_file_rights():
    """Two persons with one mail file: the second reads it only if its list says so."""
    persons = mailserver.PERSONS + [Person("eve", "CN=Eve/O=Acme", "eve", mail_file="mail/jcorrer.nsf")]
    refused = b"-ERR [SYS/PERM] you are not authorized to read your mail file, ask the administrator"
    with start(persons=persons, notes={"POP3_Takeover_Seconds": "1"}) as server:
        server.tool("mail", "create", "-d", server.data, "-o", "CN=Jada Correr/O=Acme", "mail/jcorrer.nsf")
        server.add("jcorrer", MAIL)
        assert attempt(server, "eve") == refused
        server.wait_for(r"pop3: Eve/Acme \[127\.0\.0\.1\] login refused: the access control list of "
                        r"mail/jcorrer\.nsf does not let this person read it")
        with server.connect() as c:
            # not even a silent session gives way to her
            assert c.login().startswith(b"+OK")
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                assert attempt(server, "eve") == refused
            assert c.ask(b"QUIT").startswith(b"+OK")
        put(server, document("Group", ListName="Readers", Members=["CN=Eve/O=Acme"]))
        server.tool("mail", "acl", "-d", server.data, "mail/jcorrer.nsf", "set", "Readers", "reader")
        with server.connect() as c:
            assert c.login("eve").startswith(b"+OK")
            assert c.ask(b"DELE 1") == b"-ERR [SYS/PERM] you are not authorized to delete in this mail file"
            assert c.ask(b"RETR 1").startswith(b"+OK")
            while c.line() != b".":
                pass
            assert c.ask(b"QUIT") == b"+OK Postil POP3 server signing off."
        server.tool("mail", "acl", "-d", server.data, "mail/jcorrer.nsf", "internet", "noaccess")
        assert attempt(server, "jcorrer") == refused


# --- sites ----------------------------------------------------------------------------------

def sites():
    """Options come from the site; none, or none that allows anything: the client is told."""
    disabled = b"-ERR This site is not enabled on the server"
    with start(server_items={"LdISite": "1"}) as server:
        server.put("jcorrer", MAIL)
        with server.connect() as c:
            assert c.greeting == disabled
            assert c.line() is None
        site = {"ISiteName": "Mail", "ISiteOrg": "Acme", "WSHostingSrvrs": "*"}
        put_and_wait(server, document("POP3Site", **site))
        with server.connect() as open_one:
            assert open_one.login().startswith(b"+OK")
            # only TLS takes names and passwords
            put_and_wait(server, document("POP3Site", TCPNameAndPwd="0", **site))
            with server.connect() as c:
                assert c.greeting.startswith(b"+OK")
                assert b"USER" not in c.long(b"CAPA")[1]
                assert c.ask(b"USER jcorrer").startswith(b"-ERR [SYS/PERM]")
                assert c.ask(b"AUTH PLAIN").startswith(b"-ERR [SYS/PERM]")
            put_and_wait(server, document("POP3Site", TCPNameAndPwd="0", SSLNameAndPwd="0", **site))
            with server.connect() as c:
                assert c.greeting == disabled
            # another organization's site holds where its address is ours
            put_and_wait(server, document("POP3Site", TCPNameAndPwd="0", SSLNameAndPwd="0", **site),
                         document("POP3Site", ISiteName="Other", ISiteOrg="Other", ISiteAdrs="127.0.0.1"))
            with server.connect() as c:
                assert c.greeting.startswith(b"+OK")
            assert open_one.ask(b"STAT").startswith(b"+OK 2 ")
            assert open_one.ask(b"QUIT").startswith(b"+OK")
        server.check("tell pop3 show config", )
        server.wait_for(r"Internet Site: Other, organization other; name and password yes")


def no_options():
    """All options of the Server document are No."""
    with start(server_items={"POP3_TCPNP": "0", "POP3_SSLNP": "0", "POP3_SSLCert": "0"}) as server:
        with server.connect() as c:
            assert c.greeting == b"-ERR This site is not enabled on the server"
            assert c.line() is None


# --- lockout -----------------------------------------------------------------------------------

def lockout():
    """Counted under the person whatever the spelling, kept over a restart, lifted by the console."""
    config = document("ServerConfig", ServerName="*", ILEnforce="1", ILMaxTries="3")
    with start() as server:
        put_and_wait(server, config)
        server.put("jcorrer", MAIL)
        server.put("alee", MAIL)
        for name in ("jcorrer", "Jada Correr/Acme", "jcorrer@acme.example"):
            assert attempt(server, name, "wrong") == REFUSED
        server.wait_for(r"POP3 Server: CN=Jada Correr/O=Acme is locked out after 3 failed logins")
        assert attempt(server, "jcorrer") == REFUSED
        server.wait_for(r"pop3: jcorrer \[127\.0\.0\.1\] authentication failure using internet password: "
                        r"User is locked out$")
        assert is_in(server, "alee")
        # unknown names are counted nowhere
        for _ in range(3):
            assert attempt(server, "nobody", "wrong") == REFUSED
        mark = server.mark()
        server.check("tell pop3 show lockouts")
        server.wait_for(r"user Jada Correr/Acme: locked, 3 failed logins, first ", start=mark)
        server.wait_for(r"1 lockout record$", start=mark)
        server.check("restart task pop3")
        server.wait_for(r"POP3 Server: Started", start=mark)
        assert attempt(server, "jcorrer") == REFUSED
        mark = server.mark()
        server.check("tell pop3 unlock jcorrer@acme.example")
        server.wait_for(r"Jada Correr/Acme is unlocked$", start=mark)
        assert is_in(server, "jcorrer")
        # a success clears what came before
        for _ in range(2):
            assert attempt(server, "jcorrer", "wrong") == REFUSED
        assert is_in(server, "jcorrer")
        for _ in range(2):
            assert attempt(server, "jcorrer", "wrong") == REFUSED
        assert is_in(server, "jcorrer")
        server.check("tell pop3 unlock nobody")
        server.wait_for(r"nobody has no lockout record$", start=mark)


def lockout_of_guesses_made_at_once():
    """None has been counted when they arrive; the limit holds for them all the same."""
    with start() as server:
        put_and_wait(server, document("ServerConfig", ServerName="*", ILEnforce="1", ILMaxTries="3"))
        server.put("jcorrer", MAIL)
        clients = [server.connect() for _ in range(60)]
        for c in clients:
            assert c.ask(b"USER jcorrer").startswith(b"+OK")
        for i, c in enumerate(clients[:-1]):
            c.send(b"PASS wrong%d\r\n" % i)
        server.wait_for(r"is locked out after 3 failed logins")
        clients[-1].send(b"PASS " + PASSWORD.encode() + b"\r\n")
        for c in clients:
            assert c.line() == REFUSED
        with open(os.path.join(server.data, "console.log"), encoding="utf-8") as log:
            text = log.read()
        # three, and what was being hashed or counted at that moment
        assert text.count("internet password\n") <= 30, text.count("internet password\n")
        for c in clients:
            c.close()


def authorization_of_another():
    """The password is right, the wish is not: one refusal, and the log has the name that was sent."""
    with start(persons=[Person("jcorrer", "CN=Jada Correr/O=Acme", "jada")]) as server:
        server.put("jcorrer", MAIL)
        for _ in range(2):
            mark = server.mark()
            with server.connect() as c:
                assert c.ask(b"AUTH PLAIN").startswith(b"+ ")
                text = b"nobody\0jada\0" + PASSWORD.encode()
                assert c.ask(base64.b64encode(text)) == REFUSED
            server.wait_for(r"pop3: jada \[127\.0\.0\.1\] authentication failure using internet password$",
                            start=mark)


def lockout_of_addresses():
    """ILLockIP: the address is kept out, and told apart in the log only."""
    config = document("ServerConfig", ServerName="CN=mail/O=Acme", ILEnforce="1", ILMaxTries="3",
                      ILLockIP="1", ILCountAgainstIP="1")
    with start() as server:
        put_and_wait(server, config)
        server.put("jcorrer", MAIL)
        for name in ("alee", "nobody", "jcorrer"):
            assert attempt(server, name, "wrong") == REFUSED
        assert attempt(server, "jcorrer") == REFUSED
        server.wait_for(r"pop3: IP Address \[127\.0\.0\.1\] authentication failure using internet password: "
                        r"User is locked out$")
        server.check("tell pop3 unlock 127.0.0.1")
        postil.wait_until(lambda: is_in(server, "jcorrer"), "the unlocked address")


def penalties():
    """Each failure makes the next answer wait longer; the same one again does not."""
    notes = {"POP3_Failed_Login_Penalty": "2", "POP3_Failed_Login_Delay": "0"}
    with start(notes=notes) as server:
        server.put("jcorrer", MAIL)

        def seconds(password):
            with server.connect() as c:
                c.ask(b"USER jcorrer")
                began = time.monotonic()
                assert c.ask(b"PASS " + password) == REFUSED
                return time.monotonic() - began
        assert seconds(b"a") < 0.9
        for _ in range(3):
            assert 0.95 < seconds(b"a") < 1.9
        assert 0.95 < seconds(b"b") < 1.9
        assert 1.95 < seconds(b"c")
        began = time.monotonic()
        assert is_in(server, "jcorrer")
        assert time.monotonic() - began < 0.9
        server.check("tell pop3 show penalties")
        server.wait_for(r"127\.0\.0\.1: 3 failed logins, the next answer waits 2\.0 seconds longer")
        server.check("set config POP3_Trusted_Networks=10.0.0.0/8, 127.0.0.0/8")
        postil.wait_until(lambda: seconds(b"d") < 0.9, "trust")


def penalties_cannot_be_hung_up_on():
    """Who does not wait for the answer has not been answered: no password is looked at before."""
    notes = {"POP3_Failed_Login_Penalty": "60", "POP3_Failed_Login_Delay": "0"}
    with start(notes=notes) as server:
        server.put("jcorrer", MAIL)
        server.put("alee", MAIL)

        def hang_up(password):
            with server.connect() as c:
                c.ask(b"USER jcorrer")
                c.send(b"PASS " + password + b"\r\n")
                assert c.is_silent(0.3)
        for i in range(4):
            hang_up(b"wrong%d" % i) if i else attempt(server, "jcorrer", "wrong0")
        postil.wait_until(lambda: server.output.text().count("authentication failure using") == 4,
                          "four refusals")
        mark = server.mark()
        for i in range(10):
            hang_up(b"next%d" % i)
        assert server.output.find(r"authentication failure", mark) is None
        # the right one waits, too
        with server.connect() as c:
            c.ask(b"USER jcorrer")
            c.send(b"PASS " + PASSWORD.encode() + b"\r\n")
            assert c.is_silent(0.3)
            server.check("set config POP3_Trusted_Networks=127.0.0.1")
            postil.wait_until(lambda: is_in(server, "alee"), "trust")


# --- one refusal --------------------------------------------------------------------------------

def ranks_differ(samples):
    """Kruskal-Wallis over lists of numbers: the p-value by the chi-square of Wilson and Hilferty."""
    import math
    everything = sorted((value, group) for group, values in samples.items() for value in values)
    sums, ties, i = dict.fromkeys(samples, 0.0), 0, 0
    while i < len(everything):
        j = i
        while j < len(everything) and everything[j][0] == everything[i][0]:
            j += 1
        for k in range(i, j):
            sums[everything[k][1]] += (i + j + 1) / 2
        ties += (j - i) ** 3 - (j - i)
        i = j
    n, df = len(everything), len(samples) - 1
    h = 12 / (n * (n + 1)) * sum(sums[g] ** 2 / len(samples[g]) for g in samples) - 3 * (n + 1)
    h /= 1 - ties / (n ** 3 - n)
    z = ((h / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df))
    return math.erfc(z / math.sqrt(2)) / 2


class Attempt:
    """One refused login over a socket that does not block."""

    def __init__(self, address, cause, name, password):
        self.cause, self.name, self.password = cause, name, password
        self.socket = socket.create_connection(address, postil.PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines, self.octets, self.began, self.took = 0, b"", None, None

    def came(self):
        self.octets += self.socket.recv(4096)
        while b"\r\n" in self.octets:
            line, self.octets = self.octets.split(b"\r\n", 1)
            self.lines += 1
            if self.lines == 1:
                self.socket.send(b"USER " + self.name + b"\r\n")
            elif self.lines == 2:
                self.began = time.perf_counter()
                self.socket.send(b"PASS " + self.password + b"\r\n")
            else:
                self.took = time.perf_counter() - self.began
                assert line == REFUSED, (self.cause, line)
                self.socket.close()
                return True
        return False


def sample(server, causes, count, at_once):
    """count times of each cause, in random order, so many connections open at a time."""
    waiting = [cause for cause in causes for _ in range(count)]
    random.shuffle(waiting)
    samples = {cause: [] for cause in causes}
    poll, running = select.epoll(), {}
    while waiting or running:
        while waiting and len(running) < at_once:
            cause = waiting.pop()
            one = Attempt(("127.0.0.1", server.port), cause, *causes[cause])
            running[one.socket.fileno()] = one
            poll.register(one.socket.fileno(), select.EPOLLIN)
        events = poll.poll(postil.PATIENCE)
        assert events, "no answer"
        for fd, _ in events:
            one = running[fd]
            number = one.socket.fileno()
            if one.came():
                del running[number]
                samples[one.cause].append(one.took)
    poll.close()
    return samples


REFUSALS = [
    Person("wrong", "CN=Wrong/O=Acme", "wrong", kind=mailserver.inetpass.v3),
    Person("old", "CN=Old/O=Acme", "old"),
    Person("blank", "CN=Blank/O=Acme", "blank", digest=""),
    Person("plain", "CN=Plain/O=Acme", "plain", digest="plain text"),
    Person("cut", "CN=Cut/O=Acme", "cut", digest="(HosOQowHtnaYQqFo/XlScup0mC30)"),
    Person("locked", "CN=Locked/O=Acme", "locked", kind=mailserver.inetpass.v3),
    Person("twin1", "CN=Twin/OU=A/O=Acme", password="same"),
    Person("twin2", "CN=Twin/OU=B/O=Acme", password="same"),
] + [Person("m%d" % i, "CN=Many/OU=U%d/O=Acme" % i) for i in range(10)]

CAUSES = {
    "wrong password": (b"wrong", b"x"),
    "wrong password of an old digest": (b"old", b"x"),
    "unknown name": (b"nobody", b"x"),
    "blank": (b"blank", b"x"),
    "plain text": (b"plain", b"x"),
    "malformed": (b"cut", b"x"),
    "locked out": (b"locked", PASSWORD.encode()),
    "too many of one name": (b"many", b"x"),
}


def no_difference(notes, causes, count, at_once):
    """No rank test tells the causes apart; a chance of 1 in 10,000 is tried once more."""
    config = document("ServerConfig", ServerName="*", ILEnforce="1", ILMaxTries="1000000")
    notes = dict({"POP3_Max_Failed_Logins": "1000", "POP3_Max_Sessions_Per_Address": "0",
                  "POP3_Password_Cache_Minutes": "0"}, **notes)
    with start(persons=REFUSALS, notes=notes) as server:
        # one is locked before the limit is far away for all others
        put_and_wait(server, document("ServerConfig", ServerName="*", ILEnforce="1", ILMaxTries="1"))
        assert attempt(server, "locked", "x") == REFUSED
        server.wait_for(r"is locked out after 1 failed login")
        put_and_wait(server, config)
        for tries in range(2):
            samples = sample(server, causes, count, at_once)
            p = ranks_differ(samples)
            medians = {c: sorted(v)[len(v) // 2] for c, v in samples.items()}
            if p > 1e-4:
                break
        assert p > 1e-4, (p, medians)
        print("p = %.3g, medians from %.4f to %.4f s" % (p, min(medians.values()), max(medians.values())))


def one_refusal():
    """2,000 samples of each cause, delayed by the timer."""
    causes = dict(CAUSES, **{"two have the password": (b"twin", b"same")})
    no_difference({"POP3_Failed_Login_Delay": "1"}, causes,
                  int(os.environ.get("POSTIL_TEST_SAMPLES", "2000")), 500)


def one_refusal_without_delay():
    """Where nothing is delayed each cause costs the same work; one connection at a time."""
    no_difference({"POP3_Trusted_Networks": "127.0.0.0/8"}, CAUSES, 200, 1)


if __name__ == "__main__":
    sys.exit(postil.run_cases([
        names, several_of_one_name, hostile_names, access, wrong_server, mail_file_rights, sites, no_options,
        authorization_of_another, lockout, lockout_of_guesses_made_at_once, lockout_of_addresses, penalties,
        penalties_cannot_be_hung_up_on,
        one_refusal, one_refusal_without_delay]))
