#!/usr/bin/env python3
"""Who gets in over TLS, by name and password, by certificate or both, to the octet.

    python3 tests/e2e/test_tls.py columns_of_the_server_document

runs one case. The decision alone is in tests/unit/pop3/test_entry; here are the documents, the
certificates and the connections. What clients people have make of it: test_tls_clients.py.
"""

import base64
import os
import re
import socket
import ssl
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from mailserver import MailServer, server_document              # noqa: E402
from tlsrows import ANN, CLOSED, HANDSHAKE, JADA, MISSING, UNTRUSTED, Rows     # noqa: E402

REFUSED = b"-ERR [AUTH] invalid user name or password"
NOT_OFFERED = b"-ERR this authentication mechanism is not offered here"
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def b64(text):
    return base64.b64encode(text.encode())


def user(name, password):
    return lambda c: c.login(name, password)


def plain(name, password, act_as=""):
    return lambda c: c.ask(b"AUTH PLAIN " + b64("%s\0%s\0%s" % (act_as, name, password)))


def external(response=b"="):
    return lambda c: c.ask(b"AUTH EXTERNAL " + response)


LOGINS = (user("jcorrer", JADA), user("jcorrer", "wrong"), user("jcorrer", ANN), user("alee", ANN),
          plain("Jada Correr", JADA), external(), user("nobody", JADA))
# J, A: whose mail is opened; -: refused as a wrong password is; n: not offered
NOTHING = {HANDSHAKE: HANDSHAKE * len(LOGINS), CLOSED: CLOSED * len(LOGINS)}
BY_PASSWORD = "J--AJn-"
# certificate, name and password, either-or: {certificate: a letter for each of LOGINS}
ROWS = (
    (("No", "Yes", 0), {name: BY_PASSWORD for name in (None, "own", "another's", "nameless", *UNTRUSTED)}),
    (("Yes", "No", 0), {None: NOTHING[HANDSHAKE], "own": "JJJ-nJ-", "another's": "---AnA-",
                        "nameless": "----n--", "stranger": "----n--",
                        **{name: NOTHING[HANDSHAKE] for name in UNTRUSTED}}),
    (("Yes", "Yes", 0), {None: NOTHING[HANDSHAKE], "own": "J---Jn-", "another's": "---A-n-",
                         "nameless": "-----n-", "stranger": "-----n-",
                         **{name: NOTHING[HANDSHAKE] for name in UNTRUSTED}}),
    (("Yes", "Yes", 1), {None: BY_PASSWORD, "own": "JJJ-nJ-", "another's": "---AnA-",
                         "nameless": "----n--", "stranger": "----n--",
                         **{name: NOTHING[HANDSHAKE] for name in UNTRUSTED}}),
    (("No", "No", 0), {None: NOTHING[CLOSED], "own": NOTHING[CLOSED]}),
)


def letter(outcome):
    letters = {"jcorrer": "J", "alee": "A", REFUSED: "-", NOT_OFFERED: "n", HANDSHAKE: HANDSHAKE,
               CLOSED: CLOSED}
    return letters.get(outcome, "?%r" % outcome)


def every_cell(server):
    """Each row, with each certificate and each login, on the TLS port and after STLS."""
    for (certificate, password, either), cells in ROWS:
        server.columns(certificate, password, POP3_TLS_Either_Or=either)
        for name, wanted in cells.items():
            for stls in (False, True):
                if wanted == NOTHING[CLOSED] and stls:
                    continue
                mark = server.mark()
                found = "".join(letter(server.log_in(name, login, stls)) for login in LOGINS)
                assert found == wanted, "%s, certificate %s%s: %s" % (
                    (certificate, password, either), name, ", after STLS" if stls else "", found)
                if wanted == NOTHING[HANDSHAKE]:
                    server.failure(UNTRUSTED.get(name, MISSING) + "$", start=mark)
        if password == "No" and certificate == "No":
            with server.connect() as c:
                assert b"STLS" not in c.long(b"CAPA")[1]
                assert c.ask(b"STLS") == b"-ERR STLS is not possible on this connection"


def columns_of_the_server_document():
    """All combinations of the TLS column, and either-or."""
    with Rows() as server:
        every_cell(server)


def columns_of_a_site_document():
    """The same, and the Server document says the opposite."""
    with Rows(site=True) as server:
        every_cell(server)


def both_versions():
    """A certificate that is not to be trusted ends the handshake of TLS 1.2 and of 1.3, with an alert."""
    alerts = {None: ("HANDSHAKE_FAILURE", "CERTIFICATE_REQUIRED"), "expired": ("CERTIFICATE_EXPIRED",) * 2,
              "revoked": ("CERTIFICATE_REVOKED",) * 2, "wrong CA": ("UNKNOWN_CA",) * 2}
    with Rows() as server:
        server.columns("Yes", "No")
        for number, version in enumerate(VERSIONS):
            assert server.log_in("own", external(), version=version) == "jcorrer"
            for name, why in [(None, MISSING)] + list(UNTRUSTED.items()):
                mark = server.mark()
                try:
                    with server.connect_as(name, version=version) as c:
                        raise AssertionError("%s: %s" % (name, c.greeting))
                except ssl.SSLError as error:
                    wanted = alerts.get(name, ("",) * 2)[number]
                    assert wanted in str(error).upper().replace(" ", "_"), (name, version, error)
                server.failure(why + "$", start=mark)


# --- persons -----------------------------------------------------------------------------------

def persons_of_one_name():
    """The key tells which of them it is; with a third key it is nobody."""
    with Rows() as server:
        server.columns("Yes", "No")
        for name in ("sam1", "sam2"):
            assert server.log_in(name, external()) == name
            assert server.log_in(name, user("Sam Twin/Acme", "any")) == name
            assert server.log_in(name, user({"sam1": "sam2", "sam2": "sam1"}[name], "any")) == REFUSED
        mark = server.mark()
        assert server.log_in("sam3", external()) == REFUSED
        server.wait_for(r"pop3: CN=Sam Twin,O=Acme \[127\.0\.0\.1\] its client certificate "
                        r"\(CN=Sam Twin,O=Acme\) is nobody's: no person of its name has its key ", start=mark)
        server.columns("Yes", "Yes")
        assert server.log_in("sam1", user("Sam Twin/Acme", "one")) == "sam1"
        assert server.log_in("sam1", user("Sam Twin/Acme", "two")) == REFUSED
        assert server.log_in("sam2", user("Sam Twin/Acme", "two")) == "sam2"
        server.columns("No", "Yes")
        assert server.log_in(None, user("Sam Twin/Acme", "two")) == "sam2"


def names_of_a_certificate():
    """A form of the subject must be a value of FullName, or where that is switched on an e-mail
    address the InternetAddress; the key must be the person's in any case."""
    with Rows() as server:
        server.columns("Yes", "No")
        for address_names in (0, 1):
            server.columns("Yes", "No", POP3_TLS_Address_Names=address_names)
            opened = {"own": "jcorrer", "name alone": "jcorrer", "nameless": REFUSED, "stranger": REFUSED,
                      "nobody": REFUSED, "address": "jcorrer" if address_names else REFUSED,
                      "address alone": REFUSED}
            for name, wanted in opened.items():
                for login in (external(), user("jcorrer", "any")):
                    outcome = server.log_in(name, login)
                    assert outcome == wanted, (address_names, name, outcome)


def a_certificate_that_is_withdrawn():
    """The Person document is asked at every login: who has no certificate in it any more is nobody at
    once, on a connection that is open, too."""
    with Rows() as server:
        server.columns("Yes", "No")
        with server.connect_as("own") as c:
            server.persons[0].certs = []
            server.write_name("persons.dxl", "<?xml version='1.0' encoding='utf-8'?>\n<database "
                              "xmlns='http://www.lotus.com/dxl'>\n%s</database>\n" % "".join(
                                  p.dxl() for p in server.persons))
            server.compile()
            assert external()(c) == REFUSED
        assert server.log_in("own", user("jcorrer", "any")) == REFUSED
        server.tool("directory", "certificate", "add", "-d", server.data, "jcorrer",
                    server.certificates["own"].certificate)
        server.compile()
        assert server.log_in("own", external()) == "jcorrer"


def lockout():
    """A right password beside another's certificate counts as a wrong one; a login by certificate alone
    neither counts nor clears, and is not kept out."""
    config = "<document form='ServerConfig'>\n<item name='ServerName'><text>*</text></item>\n<item " \
        "name='ILEnforce'><text>1</text></item>\n<item name='ILMaxTries'><text>3</text></item>\n</document>\n"
    with Rows() as server:
        server.write_name("config.dxl", "<?xml version='1.0' encoding='utf-8'?>\n<database "
                          "xmlns='http://www.lotus.com/dxl'>\n%s</database>\n" % config)
        server.compile()
        server.columns("Yes", "Yes")
        for password in (JADA, JADA, "wrong"):
            assert server.log_in("another's", user("jcorrer", password)) == REFUSED
        server.wait_for(r"CN=Jada Correr/O=Acme is locked out after 3 failed logins")
        mark = server.mark()
        assert server.log_in("own", user("jcorrer", JADA)) == REFUSED
        server.wait_for(r"pop3: jcorrer \[127\.0\.0\.1\] authentication failure using internet password: "
                        r"User is locked out$", start=mark)
        server.columns("Yes", "No")
        assert server.log_in("own", external()) == "jcorrer"
        server.columns("Yes", "Yes")
        assert server.log_in("own", user("jcorrer", JADA)) == REFUSED


# --- EXTERNAL and CAPA -----------------------------------------------------------------------------

def external_exchange():
    """RFC 4422, RFC 5034: initial response, "=", challenge, "*", and who one wishes to be."""
    other = b"-ERR [AUTH] invalid user name or password"
    initial = ((b"=", True), (b64("jcorrer"), True), (b64("CN=Jada Correr/O=Acme"), True),
               (b64("jcorrer@acme.example"), True), (b64("alee"), other), (b64("nobody"), other),
               (b64("x [9.9.9.9] authentication failure using client certificate"), other),
               (b"a", b"-ERR that is not base64"), (b"====", b"-ERR that is not base64"),
               (b64("a\0b"), b"-ERR that is not a response to EXTERNAL"),
               (base64.b64encode(b"\xff"), b"-ERR that is not a response to EXTERNAL"))
    with Rows() as server:
        server.columns("Yes", "No")
        for challenge in (False, True):
            for response, wanted in initial:
                if challenge and response == b"=":
                    response = b""      # the empty response needs its sign in the command alone
                with server.connect_as("own") as c:
                    if challenge:
                        assert c.ask(b"AUTH EXTERNAL") == b"+ "
                        answer = c.ask(response)
                    else:
                        answer = external(response)(c)
                    if wanted is True:
                        assert answer.startswith(b"+OK") and server.whose(c) == "jcorrer", (response, answer)
                        continue
                    assert answer == wanted, (response, answer)
                    # nothing of it stays
                    assert external()(c).startswith(b"+OK") and server.whose(c) == "jcorrer"
        with server.connect_as("own") as c:
            assert c.ask(b"auth external") == b"+ "
            assert c.ask(b"*") == b"-ERR authentication cancelled"
            assert c.ask(b"PASS x").startswith(b"-ERR")
            assert c.long(b"AUTH")[1] == [b"EXTERNAL"]
            assert c.ask(b"AUTH PLAIN " + b64("\0jcorrer\0" + JADA)) == NOT_OFFERED
            assert c.ask(b"AUTH LOGIN") == b"-ERR unknown authentication mechanism"
            assert c.ask(b"USER alee").startswith(b"+OK") and external()(c).startswith(b"+OK")
            assert external()(c).startswith(b"-ERR")           # logged in already
            assert server.whose(c) == "jcorrer"
        with server.connect() as c:
            assert external()(c) == NOT_OFFERED


COMMON = [b"TOP", b"RESP-CODES", b"AUTH-RESP-CODE", b"PIPELINING", b"UIDL", b"EXPIRE NEVER",
          b"IMPLEMENTATION Postil-"]
PASSWORDS = [b"USER", b"SASL PLAIN", b"UTF8 USER", b"LANG"]
CERTIFICATE = [b"USER", b"SASL EXTERNAL", b"UTF8 USER", b"LANG"]


def capabilities(c):
    return sorted(re.sub(rb"^(IMPLEMENTATION Postil-).*", rb"\1", line) for line in c.long(b"CAPA")[1])


def tags():
    """CAPA and AUTH tell the truth, in every state on both ports, for every row."""
    # TCP/IP, certificate, name and password, either-or: in clear; over TLS without, with certificate
    rows = ((("Yes", "No", "Yes", 0), PASSWORDS, PASSWORDS, PASSWORDS),
            (("No", "No", "Yes", 0), [], PASSWORDS, PASSWORDS),
            (("Yes", "Yes", "No", 0), PASSWORDS, None, CERTIFICATE),
            (("No", "Yes", "No", 0), [], None, CERTIFICATE),
            (("Yes", "Yes", "Yes", 0), PASSWORDS, None, PASSWORDS),
            (("Yes", "Yes", "Yes", 1), PASSWORDS, PASSWORDS, CERTIFICATE))
    with Rows() as server:
        for stls in ("Yes", "No"):
            for (tcp, certificate, password, either), in_clear, without, with_one in rows:
                server.columns(certificate, password, tcp, stls, POP3_TLS_Either_Or=either)
                with server.connect() as c:
                    before = [b"STLS"] if stls == "Yes" else []
                    assert capabilities(c) == sorted(COMMON + in_clear + before), (tcp, stls)
                    if in_clear:
                        assert c.long(b"AUTH")[1] == [b"PLAIN"] and c.login().startswith(b"+OK")
                        assert capabilities(c) == sorted(COMMON + in_clear)
                        assert c.ask(b"STLS").startswith(b"-ERR")
                        c.ask(b"QUIT")
                for name, wanted in ((None, without), ("own", with_one)):
                    for after_stls in (False, True) if stls == "Yes" else (False,):
                        if wanted is None:
                            continue
                        with server.connect_as(name, after_stls) as c:
                            assert capabilities(c) == sorted(COMMON + wanted), (certificate, password, name)
                            assert c.long(b"AUTH")[1] == [wanted[1].split()[1]]
                            assert c.ask(b"STLS") == b"-ERR STLS is not possible on this connection"
                            assert c.login().startswith(b"+OK")
                            assert capabilities(c) == sorted(COMMON + wanted)
                            assert c.ask(b"STLS").startswith(b"-ERR")
                            assert server.whose(c) == "jcorrer"


# --- STLS ---------------------------------------------------------------------------------------------

def tls_first():
    """TCP/IP No: CAPA, STLS and QUIT are all that is answered before TLS."""
    with Rows() as server:
        server.columns("No", "Yes", tcp="No")
        with server.connect() as c:
            assert c.greeting.startswith(b"+OK")
            for command in (b"USER jcorrer", b"PASS x", b"AUTH", b"AUTH PLAIN", b"AUTH PLAIN " + b64("\0jcorrer\0x"),
                            b"AUTH EXTERNAL =", b"APOP jcorrer 0", b"NOOP", b"STAT", b"LIST", b"RSET", b"XYZZY"):
                assert c.ask(command).startswith(b"-ERR"), command
                assert b"+ " not in c.octets
            for command in (b"USER jcorrer", b"AUTH PLAIN", b"AUTH EXTERNAL ="):
                assert c.ask(command) == b"-ERR [SYS/PERM] STLS first, nothing else is answered before TLS", command
            assert capabilities(c) == sorted(COMMON + [b"STLS"])
            assert c.ask(b"STLS x").startswith(b"-ERR")
            assert c.ask(b"QUIT").startswith(b"+OK")
        assert server.log_in(None, user("jcorrer", JADA), stls=True) == "jcorrer"
        # without STLS there is no way in, and none is shown
        server.columns("No", "Yes", tcp="No", stls="No")
        with server.connect() as c:
            assert capabilities(c) == sorted(COMMON)
            assert c.ask(b"STLS") == b"-ERR STLS is not possible on this connection"
            assert c.ask(b"USER jcorrer") == b"-ERR [SYS/PERM] name and password are not accepted on this port"


def no_way_round():
    """In clear the TCP/IP column holds, after STLS the one for TLS: a certificate it asks for cannot be
    avoided, nor what notes.ini switches off be had."""
    with Rows() as server:
        server.columns("Yes", "Yes", tcp="Yes")
        with server.connect() as c:
            assert c.login().startswith(b"+OK") and server.whose(c) == "jcorrer"
        assert server.log_in(None, user("jcorrer", JADA), stls=True) == HANDSHAKE
        assert server.log_in("stranger", user("jcorrer", JADA), stls=True) == REFUSED
        assert server.log_in("own", user("jcorrer", JADA), stls=True) == "jcorrer"
        for value, offered in ((0, False), (1, True), (2, True)):
            server.columns("No", "Yes", POP3_STLS=value)
            with server.connect() as c:
                assert (b"STLS" in c.long(b"CAPA")[1]) == offered, value
                assert c.ask(b"STLS").startswith(b"+OK" if offered else b"-ERR")
        for value, offered in ((0, False), (1, True), (2, False)):
            server.columns("No", "Yes", stls="No", POP3_STLS=value)
            with server.connect() as c:
                assert (b"STLS" in c.long(b"CAPA")[1]) == offered, value


def no_site():
    """An address that no site is for: that is told, over TLS too, and no certificate is asked for."""
    with Rows(site=True) as server:
        server.cells["Org"] = "Other"
        server.columns("Yes", "No")
        server.settle("Internet Site: Mail, organization other")
        for connect in (server.connect, lambda: server.connect_tls(server.context())):
            with connect() as c:
                assert c.greeting == b"-ERR This site is not enabled on the server", c.greeting
                assert c.line() is None


def octets_behind_stls():
    """What came in clear behind STLS ends the session, and is never executed: commands, half a command,
    a hello."""
    hello = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="mail.acme.example")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    with Rows() as server:
        login = b"USER jcorrer\r\nPASS " + JADA.encode() + b"\r\n"
        for behind in (login + b"DELE 1\r\nQUIT\r\n", b"CAPA\r\n", b"QUIT\r\n", b"x", b"\r\n", hello.read()):
            for split in (False, True):
                mark = server.mark()
                with server.connect() as c:
                    if split:           # the login is in a segment of its own, and forgotten
                        assert c.ask(b"USER jcorrer").startswith(b"+OK")
                    c.send(b"STLS\r\n" + behind)
                    number = c.socket.getsockname()[1]
                    assert c.line() in (b"+OK Begin TLS negotiation", None)
                    assert c.line() is None and c.octets == b""
                server.failure(r"%d octets in clear that came behind the command for TLS$" % len(behind),
                               start=mark, s=number)
        with server.connect() as c:
            assert c.login().startswith(b"+OK") and server.whose(c) == "jcorrer"
        text = server.output.text()
        assert text.count("logged in") == 1 and "deleted 1" not in text


def names_before_stls():
    """A name, an exchange and a count of errors from before TLS are gone."""
    with Rows() as server:
        server.columns("No", "Yes")
        with server.connect() as c:
            assert c.ask(b"USER jcorrer").startswith(b"+OK")
            assert c.ask(b"STLS").startswith(b"+OK")
            from tlsserver import HOST, TlsConnection
            c.socket = server.context().wrap_socket(c.socket, server_hostname=HOST)
            c.__class__ = TlsConnection
            assert c.ask(b"PASS " + JADA.encode()).startswith(b"-ERR"), "PASS found a name from before TLS"
            assert c.login().startswith(b"+OK") and server.whose(c) == "jcorrer"
        # a line that was begun, too: it is behind STLS only if it comes with it
        with server.begin_tls() as c:
            c.send(b"US")
            c.send(b"ER jcorrer\r\n")
            assert c.line().startswith(b"+OK")
            assert c.ask(b"STLS").startswith(b"-ERR")
            assert c.ask(b"PASS " + JADA.encode()).startswith(b"-ERR")
            assert c.login().startswith(b"+OK") and server.whose(c) == "jcorrer"


# --- what the log and the console say -----------------------------------------------------------------------

def log_lines():
    """Each line of postil-pop3(8) that has to do with TLS, from end to end."""
    address = r"^\d\d/\d\d/\d{4} \d\d:\d\d:\d\d [AP]M  pop3: %s \[127\.0\.0\.1\] "
    suite = r"; TLSv1\.3 TLS_[A-Z0-9_]+$"
    jada, result = address % "Jada Correr/Acme", r"1 message, \d+ octets"
    subject = r"its client certificate \(CN=Jada Correr,O=Acme\) "
    hostile = r"CN=x \\x5b9\.9\.9\.9\\x5d authentication failure using client certificate,O=Acme"
    with Rows() as server:
        def after(name, login, *patterns, stls=False):
            mark = server.mark()
            outcome = server.log_in(name, login, stls)
            for pattern in patterns:
                server.wait_for(pattern, start=mark)
            return outcome
        server.columns("No", "Yes")
        for stls in (False, True):
            after(None, user("jcorrer", JADA), jada + "logged in using internet password; " + result + suite,
                  jada + r"session ended: QUIT; retrieved 0 \(0 octets\), deleted 0 of 1 messages, \d+ seconds$",
                  stls=stls)
            after(None, user("jcorrer", "wrong"),
                  address % "jcorrer" + "authentication failure using internet password$", stls=stls)
        context = server.context(version=VERSIONS[0])
        with server.connect_tls(context) as c:
            assert c.login().startswith(b"+OK") and server.whose(c) == "jcorrer"
            session = c.socket.session
        with server.connect_tls(context, session=session) as c:
            assert c.socket.session_reused and c.login().startswith(b"+OK") and server.whose(c) == "jcorrer"
        server.wait_for(jada + "logged in using internet password; " + result +
                        r"; TLSv1\.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, resumed$|" + jada +
                        "logged in using internet password; " + result +
                        r"; TLSv1\.2 ECDHE-ECDSA-AES128-GCM-SHA256, resumed$")
        server.columns("Yes", "No")
        after("own", external(), jada + "logged in using client certificate; " + result + suite)
        after("own", user("jcorrer", "x"), jada + "logged in using client certificate; " + result + suite)
        after("own", user("alee", "x"), address % "alee" + subject + "is that of CN=Jada Correr/O=Acme$",
              address % "alee" + "authentication failure using client certificate$")
        after("stranger", user("jcorrer", "x"), address % "jcorrer" + subject +
              "is nobody's: no person of its name has its key among the certificates in the Person document$",
              address % "jcorrer" + "authentication failure using client certificate$")
        after("nameless", external(), address % "O=Acme" + r"its client certificate \(O=Acme\) is nobody's: "
              "there is no usable name in it$",
              address % "O=Acme" + "authentication failure using client certificate$")
        after("nobody", external(), r"\(CN=No One,O=Acme\) is nobody's: no person has its name$")
        after("hostile", external(), address % hostile + r"its client certificate \(" + hostile +
              r"\) is nobody's: no person has its name$",
              address % hostile + "authentication failure using client certificate$")
        server.columns("Yes", "Yes")
        after("own", user("jcorrer", JADA),
              jada + "logged in using internet password and client certificate; " + result + suite)
        after("own", user("jcorrer", "wrong"),
              address % "jcorrer" + "authentication failure using internet password$")
        after("another's", user("jcorrer", JADA), address % "jcorrer" +
              r"its client certificate \(CN=Ann Lee,OU=Sales,O=Acme\) is that of CN=Ann Lee/OU=Sales/O=Acme$",
              address % "jcorrer" + "authentication failure using internet password$")
        mark = server.mark()
        with socket.create_connection(("127.0.0.1", server.tls_port), postil.PATIENCE) as s:
            s.sendall(b"USER jcorrer\r\nPASS " + JADA.encode() + b"\r\n")
            number = s.getsockname()[1]
            server.wait_for(r"[AP]M  POP3 Server: TLS/SSL connection 127\.0\.0\.1\(%d\) -> 127\.0\.0\.1\(%d\) failed with "
                            r"rejected unknown record type$" % (number, server.tls_port), start=mark)
        assert server.statistic("POP3.Sessions.Inbound.Total.SSL.Bad_Handshake") is not None
        nothing_secret(server)


def nothing_secret(server):
    """Neither passwords nor keys, in the log or on the console."""
    with open(server.path("console.log"), encoding="utf-8", errors="replace") as f:
        text = f.read() + server.output.text()
    for secret in (JADA, ANN, "PRIVATE KEY", b64("\0jcorrer\0" + JADA).decode()):
        assert secret not in text, secret


WARNING = r"POP3 Server: Warning: port %d takes names and passwords in clear from the network; "


def warning_of_clear_text():
    """At start and at a change, where the address is not loopback; nowhere else."""
    # the address of a network that is no one's: nothing listens, and nothing is asked of it
    for address, warned in (("127.0.0.1", False), ("127.1.2.3", False), ("", True), ("192.0.2.1", True)):
        with MailServer(notes={"POP3_Address": address}) as server:
            if warned:
                server.wait_for(WARNING % server.port)
            else:
                server.check("tell pop3 refresh")
                server.wait_for("POP3 Server: Configuration has not changed")
                assert "Warning" not in server.output.text()

    def without_password(port):
        return server_document(port, name_and_password="0")
    with MailServer(notes={"POP3_Address": "192.0.2.1"}, document=without_password) as server:
        server.check("tell pop3 refresh")
        server.wait_for("POP3 Server: Configuration has not changed")
        assert "Warning" not in server.output.text()
        server.write_name("server.dxl", "<?xml version='1.0' encoding='utf-8'?>\n<database "
                          "xmlns='http://www.lotus.com/dxl'>\n%s</database>\n" % server_document(server.port))
        server.compile()
        server.wait_for(WARNING % server.port)


if __name__ == "__main__":
    sys.exit(postil.run_cases([
        columns_of_the_server_document, columns_of_a_site_document, both_versions, persons_of_one_name,
        names_of_a_certificate, a_certificate_that_is_withdrawn, lockout, external_exchange, tags, tls_first,
        no_way_round, no_site, octets_behind_stls, names_before_stls, log_lines, warning_of_clear_text]))
