#!/usr/bin/env python3
"""The TLS ports and what is hostile: handshakes that stop, lie, never end or come by the thousand,
certificates that are not in order, floods under the keys of a good handshake, ends in the wrong
moment. Each is refused in bounded time and memory, the log says why and from where, and others are
served meanwhile.

    python3 tests/e2e/test_tls_hostile.py never_finished

runs one case.
"""

import contextlib
import os
import random
import re
import resource
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import certificates                                             # noqa: E402
import mailserver                                               # noqa: E402
import postil                                                   # noqa: E402
import tlswire                                                  # noqa: E402
from tlsserver import CertifiedPerson, TlsServer, UNFINISHED      # noqa: E402
from tlswire import Wire                                        # noqa: E402

MAIL = [b"Subject: %d\n\nbody %d\n" % (i, i) for i in range(1, 4)]
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
REFUSED = b"-ERR [AUTH] invalid user name or password"
CERTIFICATE = {"POP3_SSLCert": "1", "POP3_SSLNP": "0"}


def sanitized():
    with open(os.path.join(postil.TOP_BUILDDIR, "Makefile"), encoding="utf-8") as f:
        return re.search(r"^SANITIZER_FLAGS = *\S", f.read(), re.M) is not None


def works(server, context=None):
    """A good login on the port in clear and on that for TLS."""
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        assert c.ask(b"QUIT").startswith(b"+OK")
    with server.connect_tls(context) as c:
        assert c.login().startswith(b"+OK")
        assert c.ask(b"QUIT").startswith(b"+OK")


@contextlib.contextmanager
def unharmed(server, kib=8192, check=works):
    """What is done inside leaves no file open and at most so much memory, in the same process; both
    ports are good before and afterwards."""
    check(server)
    pid, files, before = server.pop3_pid(), server.open_files(), server.memory_kib()
    yield
    check(server)
    assert server.pop3_pid() == pid
    postil.wait_until(lambda: server.open_files() <= files + 2, "connections to end: %d, before %d"
                      % (server.open_files(), files))
    # what is free is given back once it is quiet
    if not sanitized():
        postil.wait_until(lambda: server.memory_kib() - before <= kib, "memory: %d KiB, before %d"
                          % (server.memory_kib(), before), 15)


def reset(s):
    """Away, without a FIN."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def ends(s, seconds=10):
    """The server closes within so many seconds; what it sent."""
    s.settimeout(seconds)
    try:
        return tlswire.answer(s)
    except socket.timeout:
        raise AssertionError("still open after %d s" % seconds) from None


def refused(server, octets, why, within=10):
    """These octets from a new client end its connection, with this reason; what it was sent."""
    mark = server.mark()
    with server.connect_raw() as s:
        port = s.getsockname()[1]
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            s.sendall(octets)
        sent = ends(s, within)
    server.failure(why, start=mark, s=port)
    return sent


# --- before and in the handshake ---------------------------------------------------------------

def stop_at(server, version, flights, part):
    """A client that has gone so far."""
    wire = Wire(server.connect_raw(), server.context(version=version))
    for _ in range(flights):
        wire.socket.sendall(wire.flight())
    if part is not None:
        octets = wire.flight()
        wire.socket.sendall(octets[:part if isinstance(part, int) else int(part * len(octets))])
    return wire


POINTS = [(0, 1), (0, 3), (0, 5), (0, 8), (0, 40), (0, 0.5), (0, 0.99), (1, None), (1, 0.1), (1, 0.5),
          (1, 0.99)]


def stop_half_way():
    """After each flight and within it: closed, reset, half closed."""
    with TlsServer() as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            for version in VERSIONS:
                for flights, part in POINTS:
                    for end in (socket.socket.close, reset, lambda s: s.shutdown(socket.SHUT_WR)):
                        mark = server.mark()
                        with stop_at(server, version, flights, part) as wire:
                            port = wire.socket.getsockname()[1]
                            end(wire.socket)
                            if wire.socket.fileno() >= 0:
                                ends(wire.socket)
                        server.failure(UNFINISHED, start=mark, s=port)
            mark = server.mark()
            for end in (socket.socket.close, reset):
                s = server.connect_raw()
                end(s)
            works(server)
            assert not server.output.find("failed with", mark)    # they never tried


def silent_half_way():
    """They say nothing more: gone at the deadline, others served meanwhile."""
    with TlsServer(notes={"POP3_Prelogin_Timeout": "3"}) as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            began = time.monotonic()
            wires = [stop_at(server, version, flights, part) for version in VERSIONS
                     for flights, part in POINTS + [(0, None)]]
            works(server)
            with server.connect() as c:             # and after STLS
                assert c.ask(b"STLS").startswith(b"+OK")
                c.send(tlswire.hello_record()[:50])
                for wire in wires:
                    ends(wire.socket)
                    wire.close()
                ends(c.socket)
            took = time.monotonic() - began
            assert 2.5 < took < 9, "gone after %.1f s" % took


NO_TLS = "rejected unknown record type"
NO_HELLO = "a first record without a hello"


def no_tls_at_all():
    """Plain text and rubbish on the TLS port."""
    chance = random.Random(11)
    octets = [b"USER jcorrer\r\nPASS lotus notes\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
              b"CAPA\r\n", b"STLS\r\n", b"\r\n", b"\n", b"Q", b"\0" * 1000, b"\xff" * 1000,
              b"\x15\x03\x01\x00\x02\x02\x28", b"\x17\x03\x03\x00\x05hello",
              b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n", b"x" * 1000000]
    octets += [bytes([chance.choice([0, 1, 2, 3, 20, 21, 23, 24, 65, 90, 127])]) +
               chance.randbytes(chance.randrange(1, 400)) for _ in range(50)]
    with TlsServer() as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            for one in octets:
                sent = refused(server, one, NO_TLS)
                assert len(sent) < 100, sent
        assert not server.output.find("lotus notes")


def tls_to_the_plain_port():
    """A hello is a bad command like others: a short answer, and an end before long."""
    with TlsServer() as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            for octets in (tlswire.hello_record(), tlswire.hello_v2(), tlswire.hello_record(
                    0x0301, tlswire.OLD), tlswire.hello_record() + b"\r\n"):
                with server.connect() as c:
                    c.send(octets)
                    c.socket.shutdown(socket.SHUT_WR)
                    sent = ends(c.socket)
                    assert len(sent) < 2000, sent
                    assert all(line.startswith(b"-ERR") for line in sent.split(b"\r\n")[:-1]), sent
            with server.connect() as c:             # hellos for ever
                c.socket.settimeout(10)
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    for _ in range(10000):
                        c.send(tlswire.hello_record() + b"\r\n")
                assert len(ends(c.socket)) < 20000


def hello_for_13(version=0x0304):
    share = tlswire.extension(51, tlswire.vector(struct.pack(">H", 0x17) +
                                                 tlswire.vector(b"\4" + b"\1" * 64)))
    return tlswire.usual_extensions() + share + tlswire.extension(
        43, tlswire.vector(struct.pack(">H", version), 1))


def old_versions():
    """SSLv2, SSLv3, TLS 1.0 and 1.1, in all their disguises."""
    too_old = "a protocol version below TLS 1.2"
    with TlsServer() as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            refused(server, tlswire.hello_v2(), "rejected SSLv2 connection")
            refused(server, tlswire.hello_v2(0x0301), "rejected SSLv2 connection")
            refused(server, b"\x80\x2e\x01\x03\x01", "rejected SSLv2 connection")
            for version in (0x0300, 0x0301, 0x0302):
                for suites in (tlswire.OLD, tlswire.MODERN):
                    for extensions in (None, b""):
                        sent = refused(server, tlswire.record(22, tlswire.hello(
                            version, suites, extensions), version), too_old)
                        assert tlswire.alert_of(sent) in ((2, 40), (2, 70)), sent
            for version in (0x0300, 0x0301, 0x0302, 0x0A0A):
                refused(server, tlswire.hello_record(extensions=hello_for_13(version)), too_old)
            for suites in (tlswire.OLD, (0xC009, 0xC013, 0x0033), (0x0000,), (0x0018, 0x0034), (0x00FF,)):
                refused(server, tlswire.hello_record(suites=suites), "no supported ciphers")
            with contextlib.suppress(ValueError):
                for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
                    context = server.context(version=version)
                    context.set_ciphers("ALL:@SECLEVEL=0")
                    try:
                        server.connect_tls(context)
                        raise AssertionError("TLS 1.0 or 1.1 is spoken")
                    except ssl.SSLError:
                        pass


def records_that_lie():
    """Lengths of 0 and more than there may be, hellos in a thousand pieces, hellos of 16 MiB."""
    good = tlswire.hello()
    with TlsServer() as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            refused(server, tlswire.record(22, b""), NO_HELLO)
            refused(server, tlswire.record(22, b"") * 1000 + tlswire.record(22, good), NO_HELLO)
            refused(server, tlswire.record(22, b"", length=0x4101) + good, "a first record that is too long")
            refused(server, tlswire.record(22, b"", length=0xFFFF), "a first record that is too long")
            refused(server, tlswire.record(22, b"\1\xff\xff\xff" + b"x" * 100), "a hello that is too long")
            refused(server, tlswire.record(22, b"\2" + good[1:]), NO_HELLO)
            # a good first record, then what may not come
            for octets in (tlswire.record(22, b""), tlswire.record(23, b"", length=0x4101),
                           tlswire.record(22, b"", length=0xFFFF), tlswire.record(99, b"x"),
                           tlswire.record(21, b""), tlswire.record(21, b"\1\0" * 40),
                           tlswire.record(20, b"\1"), tlswire.record(22, b"\x10\xff\xff\xff" + b"x" * 9000)):
                mark = server.mark()
                with Wire(server.connect_raw(), server.context(version=VERSIONS[0])) as wire:
                    wire.socket.sendall(wire.flight())
                    wire.flight()
                    wire.socket.sendall(octets * 50)
                    wire.socket.shutdown(socket.SHUT_WR)
                    port = wire.socket.getsockname()[1]
                    ends(wire.socket)
                server.failure("", start=mark, s=port)
            # in pieces: nothing is wrong with that
            for version in VERSIONS:
                with Wire(server.connect_raw(), server.context(version=version)) as wire:
                    for octet in wire.flight():
                        wire.socket.sendall(bytes([octet]))
                    for octet in wire.flight():
                        wire.socket.sendall(bytes([octet]))
                    wire.handshake()
                    assert wire.line().startswith(b"+OK")
                    assert wire.ask(b"QUIT").startswith(b"+OK")
            pieces = [good[i:i + 7] for i in range(0, len(good), 7)]
            with server.connect_raw() as s:
                s.sendall(b"".join(tlswire.record(22, p) for p in pieces))
                s.shutdown(socket.SHUT_WR)
                ends(s)
            mark = server.mark()
            with server.connect_raw() as s:         # a hello of 16 KiB, an octet in each record
                port = s.getsockname()[1]
                octets = tlswire.hello(extensions=tlswire.extension(4711, bytes(15000)))
                tlswire.flood(s, tlswire.record(22, octets[:9]) + b"".join(
                    tlswire.record(22, octets[i:i + 1]) for i in range(9, len(octets))), 10)
                s.shutdown(socket.SHUT_WR)
                ends(s)
            server.failure("", start=mark, s=port)


def random_handshakes():
    """Good hellos with octets turned, cut and doubled."""
    seed = random.randrange(1000000)
    print("seed %d" % seed)
    chance = random.Random(seed)
    with TlsServer() as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            for _ in range(400):
                octets = bytearray(tlswire.hello_record(extensions=chance.choice(
                    [None, hello_for_13(), hello_for_13() + tlswire.sni(b"x") + tlswire.alpn(b"pop3")])))
                for _ in range(chance.randrange(1, 6)):
                    octets[chance.randrange(len(octets))] = chance.randrange(256)
                if chance.random() < 0.2:
                    at = chance.randrange(len(octets))
                    octets[at:at] = octets[at:at + chance.randrange(200)]
                with server.connect_raw() as s:
                    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                        s.sendall(octets)
                        s.shutdown(socket.SHUT_WR)
                    ends(s)


def never_finished():
    """10,000 connections, or as many as files may be open: nothing, half a hello or a hello is sent."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(10000, hard - 400) // (5 if sanitized() else 1)
    if count < 1000:
        postil.skip("only %d files may be open" % hard)
    with TlsServer(notes={"POP3_Prelogin_Timeout": "5", "POP3_Max_Sessions": "20000"}) as server:
        server.put("jcorrer", MAIL)
        with unharmed(server, 65536):
            with Wire(server.connect_raw(), server.context()) as wire:
                hello = wire.flight()
            before, cpu = server.memory_kib(), server.cpu_seconds()
            # from several addresses: there are not so many ports
            stuck = []
            began = time.monotonic()
            for i in range(count):
                s = server.connect_raw(source="127.0.0.%d" % (2 + i % 50))
                s.sendall((b"", hello[:100], hello)[i % 3])
                stuck.append(s)
                if i % (count // 5) == 7:
                    works(server)
            connected = time.monotonic() - began
            each = (server.memory_kib() - before) / count
            print("%d in %.1f s, %.1f KiB each" % (count, connected, each))
            assert sanitized() or each < 40
            while stuck:
                began_login = time.monotonic()
                works(server)
                assert time.monotonic() - began_login < 5
                assert time.monotonic() - began < connected + 30, "%d are still there" % len(stuck)
                stuck = [s for s in stuck if not gone(s)]
            print("all gone after %.1f s, CPU %.1f s" % (time.monotonic() - began,
                                                         server.cpu_seconds() - cpu))
            assert time.monotonic() - began < connected + 5 + 5


def gone(s):
    try:
        while s.recv(65536, socket.MSG_DONTWAIT):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    s.close()
    return True


# --- what a hello may ask for ------------------------------------------------------------------

def alpn_of_others():
    with TlsServer() as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            for version in VERSIONS:
                for names in (["http/1.1"], ["h2", "imap"], ["POP3"], ["pop3s"], ["pop"]):
                    context, mark = server.context(version=version), server.mark()
                    context.set_alpn_protocols(names)
                    try:
                        server.connect_tls(context)
                        raise AssertionError("%s was accepted" % names)
                    except ssl.SSLError as error:
                        assert "no application protocol" in str(error), error
                    server.failure("another protocol asked for by ALPN", start=mark)
                context = server.context(version=version)
                context.set_alpn_protocols(["imap", "pop3"])
                with server.connect_tls(context) as c:
                    assert c.socket.selected_alpn_protocol() == "pop3"
                    assert c.login().startswith(b"+OK")
            for body in (b"", b"\0\0", b"\0\1\0", b"\0\5\4pop", b"\0\2\1", b"\xff\xff\1a",
                         tlswire.vector(b"\1a" * 5000)):
                refused(server, tlswire.hello_record(extensions=tlswire.usual_extensions() +
                                                     tlswire.extension(16, body)), "")


def hostile_names():
    """SNI: unknown, long, with NUL and what not; 20,000 different ones leave nothing behind."""
    names = [b"unknown.example", b"*.example", b"*", b".", b"..", b"-", b"a" * 255, b"a" * 256, b"x" * 5000,
             b"mail.acme.example\0.evil.example", b"\0", b"127.0.0.1", b"::1", b"%n%s", b"\xff\xfe",
             b"mail.acme.example.", b"MAIL.ACME.EXAMPLE", b"../../etc/passwd", b"a\r\nb", b""]
    count = 4000 if sanitized() else 20000
    with TlsServer() as server:
        server.put("jcorrer", MAIL)
        with unharmed(server, 4096):
            for name in names:
                with server.connect_raw() as s:
                    s.sendall(tlswire.hello_record(extensions=tlswire.usual_extensions() +
                                                   tlswire.sni(name)))
                    s.shutdown(socket.SHUT_WR)
                    sent = ends(s)
                    if name in (b"", b"\0") or b"\0" in name or len(name) > 255:
                        assert tlswire.alert_of(sent) is not None or len(sent) < 3000
                    else:                           # hello, certificate, key exchange, done
                        assert len(sent) > 500, (name, sent)
            for body in (b"", b"\0\0", b"\0\1\0", b"\0\4\0\0\1", tlswire.vector(b"\0" + tlswire.vector(b"a")) * 2,
                         tlswire.vector((b"\0" + tlswire.vector(b"a")) * 2), b"\xff\xff\0\0\1a"):
                with server.connect_raw() as s:
                    s.sendall(tlswire.hello_record(extensions=tlswire.usual_extensions() +
                                                   tlswire.extension(0, body)))
                    s.shutdown(socket.SHUT_WR)
                    ends(s)
            with server.connect_tls(name="unknown.example", context=blind(server)) as c:
                assert c.login().startswith(b"+OK")
            works(server)
            before = server.memory_kib()
            for i in range(count):
                with server.connect_raw() as s:
                    s.sendall(tlswire.hello_record(suites=tlswire.OLD, extensions=tlswire.usual_extensions() +
                                                   tlswire.sni(b"host-%d.%d.example" % (i, i * i))))
                    ends(s)
            grown = server.memory_kib() - before
            print("%d names: %d KiB" % (count, grown))
            assert sanitized() or grown < 2048


def blind(server):
    """A client that looks at no certificate."""
    context = server.context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def compression():
    """Offered, it is not used."""
    with TlsServer() as server:
        with server.connect_raw() as s:
            s.sendall(tlswire.hello_record(compressions=b"\1\0"))
            s.settimeout(10)
            octets = b""
            while len(octets) < 200:
                octets += s.recv(65536)
            assert octets[5] == 2, octets           # ServerHello
            session = octets[43]
            assert octets[44 + session + 2] == 0, octets
        refused(server, tlswire.hello_record(compressions=b"\1"), "")
        refused(server, tlswire.hello_record(compressions=b""), "")


# --- certificates of clients -----------------------------------------------------------------

def weak_certificate(ca, subject):
    """With a key of 1,024 bits."""
    base = ca.path("weak")
    certificates.openssl("req", "-newkey", "rsa:1024", "-nodes", "-keyout", base + ".key", "-subj",
                         "".join("/" + part for part in subject), "-out", base + ".csr")
    certificates.openssl("x509", "-req", "-in", base + ".csr", "-CA", ca.path("ca.pem"), "-CAkey",
                         ca.path("ca.key"), "-set_serial", "4711", "-days", "9", "-out", base + ".pem")
    return certificates.Issued(base)


def handshake_refused(server, context, why, **more):
    mark = server.mark()
    try:
        with server.connect_tls(context, **more) as c:
            assert c.greeting is None, c.greeting
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
        pass
    line = server.failure(why, start=mark)
    assert "PRIVATE" not in line and len(line) < 300, line


def bad_certificates():
    """Each is refused in the handshake, with its reason, by both versions and after STLS."""
    with TlsServer(items=CERTIFICATE) as server:
        server.put("jcorrer", MAIL)
        ca, name = server.ca, ("O=Acme", "CN=Jada Correr")
        other = certificates.Authority(server.folder, "Other CA")
        twin = certificates.Authority(server.folder, ca.name)       # of the same name, another key
        below = certificates.Authority(server.folder, "Below", ca)
        no_ca = certificates.Authority(server.folder, "No CA", ca)
        leaf = ca.issue(("CN=No CA",))
        for file, path in (("ca.pem", leaf.certificate), ("ca.key", leaf.key)):
            with open(no_ca.path(file), "wb") as f:
                f.write(certificates.read(path))
        gone_ca = ca.issue(name)
        ca.revoke(gone_ca)
        server.put_file("certs/crls/acme.crl", ca.crl())
        server.refresh()
        not_trusted = "a client certificate of a CA that is not trusted"
        table = [
            (None, "no client certificate, which this port requires"),
            (ca.issue(name, days=(-20, -1)), "a client certificate that has expired"),
            (ca.issue(name, days=(2, 20)), "a client certificate that is not yet valid"),
            (other.issue(name), not_trusted),
            (twin.issue(name), "a client certificate (of a CA that is not trusted|with a wrong signature)"),
            (ca.issue(name, usage="serverAuth"), "a client certificate that is not meant for clients"),
            (ca.issue(name, usage="codeSigning"), "a client certificate that is not meant for clients"),
            (gone_ca, "a client certificate that has been revoked"),
            (weak_certificate(ca, name), "a client certificate with too weak a key"),
            (no_ca.issue(name), "a client certificate whose issuer is no CA"),
            (ca.issue(name, padding=100000), "a message that is too long"),
        ]
        assert os.path.getsize(table[-1][0].certificate) > 100000
        external = lambda s: external_works(s, s.jada)              # noqa: E731
        with unharmed(server, check=external):
            for issued, why in table:
                for version in VERSIONS:
                    handshake_refused(server, server.context(issued, version), why)
            mark = server.mark()
            with contextlib.suppress(ssl.SSLError, ConnectionResetError):
                assert server.stls(server.context(table[1][0])).line() is None
            server.failure("a client certificate that has expired", start=mark)
        # an intermediate CA is fine if the client sends it
        with server.connect_tls(server.context(below.issue(name))) as c:
            assert c.greeting.startswith(b"+OK")
        assert not server.output.find("PRIVATE KEY")


def external_works(server, issued, mailbox=b"Jada"):
    with server.connect_tls(server.context(issued)) as c:
        answer = c.ask(b"AUTH EXTERNAL =")
        assert answer.startswith(b"+OK"), answer
        assert c.ask(b"QUIT").startswith(b"+OK")


def nobodys_certificates():
    """Trusted, but of nobody: no name, a stranger's, a name with another key; two of one name."""
    with TlsServer(items=CERTIFICATE) as server:
        ca = server.ca
        twins = [ca.issue(("O=Acme", "CN=Twin")) for _ in range(3)]
        persons = server.usual_persons() + [
            CertifiedPerson("one", "CN=Twin/O=Acme", "one", certs=twins[:1]),
            CertifiedPerson("two", "CN=Twin/O=Acme", "two", certs=twins[1:2])]
        server.write_name("persons.dxl", mailserver.dxl(p.dxl() for p in persons))
        server.compile()
        server.put("jcorrer", MAIL)
        server.put("one", MAIL[:1])
        server.put("two", MAIL[:2])
        nobody = r"is nobody's: "
        table = [
            (ca.issue(("O=Acme",)), "there is no usable name in it"),
            (ca.issue(("O=Acme", "CN=Jada Correr", "CN=Ann Lee")), "there is no usable name in it"),
            (ca.issue(("O=Acme", "CN=Jada Correr/O=Acme")), "there is no usable name in it"),
            (ca.issue(("O=Acme", "CN=*")), "there is no usable name in it"),
            (ca.issue(("O=Acme", "CN=Nobody Known")), "no person has its name"),
            (ca.issue(("O=Acme", "CN=Jada Correr")), "no person of its name has its key"),
            (ca.issue(("O=Acme", "OU=Sales", "CN=Ann Lee"), key=server.jada),
             "no person of its name has its key"),
            (twins[2], "no person of its name has its key"),
            (ca.issue(("O=Acme", "CN=x\x1b[2Jx\r\npop3: faked")), ""),
        ]
        with unharmed(server, check=lambda s: external_works(s, s.jada)):
            for issued, why in table:
                for version in VERSIONS:
                    mark = server.mark()
                    with server.connect_tls(server.context(issued, version)) as c:
                        assert c.ask(b"AUTH EXTERNAL =").startswith(b"-ERR [AUTH]")
                        assert c.login().startswith(b"-ERR [AUTH]")
                        assert c.ask(b"STAT").startswith(b"-ERR")
                    line = server.wait_for(r"pop3: .* \[127\.0\.0\.1\] its client certificate \(.*\) "
                                           + nobody + why, start=mark).group(0)
                    assert "\x1b" not in line and "\r" not in line, line
        assert not server.output.find("^pop3: faked")
        for issued, count in zip(twins, (1, 2)):
            with server.connect_tls(server.context(issued)) as c:
                assert c.ask(b"AUTH EXTERNAL =").startswith(b"+OK")
                assert c.ask(b"STAT").startswith(b"+OK %d " % count)
        with server.connect_tls(server.context(server.jada)) as c:      # another's name
            assert c.login("alee").startswith(b"-ERR [AUTH]")


# --- tickets ------------------------------------------------------------------------------------

def resumed(connection):
    return connection.socket.session_reused


def first_session(server, context, login=None, connect=None):
    """A session that can be resumed, of a client that has done this."""
    with (connect or server.connect_tls)(context) as c:
        if login is None:
            assert c.login().startswith(b"+OK")
        else:
            assert c.ask(login).startswith(b"+OK")
        assert c.ask(b"QUIT").startswith(b"+OK")
        return c.socket.session


def tickets_elsewhere():
    """A ticket of the TLS port is none after STLS and the other way round, nor on another server, nor
    with other CAs: a full handshake, and no error."""
    with TlsServer() as server, TlsServer(folder=server.folder) as other:
        for s in (server, other):
            s.put("jcorrer", MAIL)
        for version in VERSIONS:
            # one authority for both: this is about tickets
            context = server.context(version=version)
            context.load_verify_locations(cadata=other.ca.pem.decode("ascii"))
            session = first_session(server, context)
            with server.connect_tls(context, session=session) as c:
                assert resumed(c)
                assert c.login().startswith(b"+OK")
            with other.connect_tls(context, session=session) as c:
                assert not resumed(c)
                assert c.login().startswith(b"+OK")
            with server.stls(context, session=session) as c:
                assert not resumed(c)
                assert c.login().startswith(b"+OK")
            after_stls = first_session(server, context, connect=server.stls)
            with server.stls(context, session=after_stls) as c:
                assert resumed(c)
            with server.connect_tls(context, session=after_stls) as c:
                assert not resumed(c)
            server.put_file("certs/trusted/other.pem", other.ca.pem)
            server.refresh()
            with server.connect_tls(context, session=session) as c:
                assert not resumed(c)
                assert c.login().startswith(b"+OK")
            os.unlink(server.path("certs", "trusted", "other.pem"))
            server.refresh()
            with server.connect_tls(context, session=session) as c:
                assert resumed(c)


def tickets_too_late():
    """A ticket ends with the certificate it was given for: revoked, or no longer the person's."""
    with TlsServer(items=CERTIFICATE) as server:
        server.put("jcorrer", MAIL)
        for version in VERSIONS:
            mine = server.ca.issue(("O=Acme", "CN=Jada Correr"))

            def say(*certs):
                server.write_name("persons.dxl", mailserver.dxl([CertifiedPerson(
                    "jcorrer", "CN=Jada Correr/O=Acme", "jcorrer", certs=certs).dxl()]))
                server.compile()
            say(server.jada, mine)
            context = server.context(mine, version)
            session = first_session(server, context, b"AUTH EXTERNAL =")
            with server.connect_tls(context, session=session) as c:
                assert resumed(c)
                assert c.ask(b"AUTH EXTERNAL =").startswith(b"+OK")
            say(server.jada)
            mark = server.mark()
            with server.connect_tls(context, session=session) as c:
                assert c.ask(b"AUTH EXTERNAL =").startswith(b"-ERR [AUTH]")
            server.wait_for("no person of its name has its key", start=mark)
            say(server.jada, mine)
            with server.connect_tls(context, session=session) as c:
                assert resumed(c)
                assert c.ask(b"AUTH EXTERNAL =").startswith(b"+OK")
            server.ca.revoke(mine)
            server.put_file("certs/crls/acme.crl", server.ca.crl())
            server.refresh()
            handshake_refused(server, context, "a client certificate that has been revoked",
                              session=session)
            external_works(server, server.jada)


# --- under the keys of a good handshake -----------------------------------------------------------

def enciphered(server, version=VERSIONS[1], login=True, context=None):
    wire = Wire(server.connect_raw(), context or server.context(version=version)).handshake()
    assert wire.line().startswith(b"+OK")
    wire.seize()
    if login:
        assert wire.ask(b"USER jcorrer").startswith(b"+OK")
        assert wire.ask(b"PASS lotus notes").startswith(b"+OK")
    return wire


def serves_meanwhile(server, seconds=3):
    began = time.monotonic()
    works(server)
    took = time.monotonic() - began
    assert took < seconds * (5 if sanitized() else 1), "%.1f s for two logins" % took


def odd_records():
    """What is allowed works, what is not ends the connection."""
    with TlsServer() as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            for version in VERSIONS:
                with enciphered(server, version) as wire:
                    for octet in b"STAT\r\n":
                        wire.send_record(tlswire.APPLICATION, b"")
                        wire.send_record(tlswire.APPLICATION, bytes([octet]),
                                         1000 if wire.is_13 else 0)
                    assert wire.line().startswith(b"+OK 3 ")
                for kind, payload in ((99, b"x"), (tlswire.HANDSHAKE, b""), (tlswire.CHANGE_CIPHER, b"\1"),
                                      (tlswire.ALERT, b"\2\50"), (tlswire.ALERT, b"\1\0"),
                                      (tlswire.HANDSHAKE, tlswire.handshake_message(20, b"x" * 32)),
                                      (tlswire.HANDSHAKE, tlswire.handshake_message(2, b"x" * 32)),
                                      (tlswire.HANDSHAKE, b"\x18\xff\xff\xff"),
                                      (tlswire.APPLICATION, b"x" * 16385)):
                    with enciphered(server, version) as wire:
                        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                            for _ in range(40):
                                wire.send_record(kind, payload)
                            wire.socket.shutdown(socket.SHUT_WR)
                        ends(wire.socket)
                with enciphered(server, version) as wire:           # not under our key
                    wire.socket.sendall(tlswire.record(23, os.urandom(40), 0x0303))
                    ends(wire.socket)
                with enciphered(server, version) as wire:           # twice the same
                    octets = wire.sealed(tlswire.APPLICATION, b"NOOP\r\n")
                    wire.socket.sendall(octets * 2)
                    ends(wire.socket)


def flood_of(server, wires, octets, seconds=8):
    """Each of them sends its octets until the server closes; others are served meanwhile."""
    sent = [0] * len(wires)

    def one(i):
        sent[i] = tlswire.flood(wires[i].socket, octets[i], seconds)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(wires))]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        serves_meanwhile(server)
    for thread in threads:
        thread.join()
    return sent


def floods():
    """Records that carry nothing: the connection ends before long, and more of them than there are
    workers hold up nobody."""
    few = 8000
    kinds = [
        ("key updates", VERSIONS[1], lambda w: b"".join(w.key_update(0) for _ in range(few))),
        ("key updates to be answered", VERSIONS[1],
         lambda w: b"".join(w.key_update(1) for _ in range(few))),
        ("empty records", VERSIONS[0], lambda w: b"".join(
            w.sealed(tlswire.APPLICATION, b"") for _ in range(few))),
        ("empty records", VERSIONS[1], lambda w: b"".join(
            w.sealed(tlswire.APPLICATION, b"") for _ in range(few))),
        ("padding", VERSIONS[1], lambda w: b"".join(
            w.sealed(tlswire.APPLICATION, b"", 16000) for _ in range(few // 20))),
        ("warnings", VERSIONS[0], lambda w: b"".join(
            w.sealed(tlswire.ALERT, b"\1\x5a") for _ in range(few))),
        ("new handshakes", VERSIONS[0], lambda w: b"".join(
            w.sealed(tlswire.HANDSHAKE, tlswire.hello()) for _ in range(few))),
    ]
    with TlsServer(notes={"POP3_Threads": "4", "POP3_Max_Sessions_Per_User": "0"}) as server:
        server.put("jcorrer", MAIL)
        with unharmed(server, 16384):
            for what, version, make in kinds:
                wires = [enciphered(server, version, login=False) for _ in range(5)]
                octets = [make(wire) for wire in wires]
                began, cpu = time.monotonic(), server.cpu_seconds()
                sent = flood_of(server, wires, octets)
                print("%s: %s of %d octets taken, %.1f s, CPU %.1f s" % (
                    what, sent, len(octets[0]), time.monotonic() - began, server.cpu_seconds() - cpu))
                for wire in wires:
                    ends(wire.socket)
                    wire.close()


def renegotiation():
    """Asked for by a client, it is refused, and the session goes on or ends; it never happens."""
    with TlsServer() as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            client = subprocess.Popen(
                ["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.tls_port, "-tls1_2", "-crlf"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            said = postil.Reader(client.stdout)
            said.wait_for(r"\+OK ")
            mark = len(said.lines)
            client.stdin.write(b"R\n")
            client.stdin.flush()
            said.wait_for("RENEGOTIATING")
            said.wait_for("no renegotiation", start=mark)
            assert not said.find("depth=", mark), "a second handshake: " + said.text()
            client.stdin.close()
            client.wait(postil.PATIENCE)
            with enciphered(server, VERSIONS[0]) as wire:
                wire.send_record(tlswire.HANDSHAKE, tlswire.hello())
                wire.send_record(tlswire.APPLICATION, b"NOOP\r\n")
                answer = wire.line()
                assert answer in (None, b"+OK"), answer
            with enciphered(server, VERSIONS[1]) as wire:
                wire.send_record(tlswire.HANDSHAKE, tlswire.hello())
                assert wire.line() is None


# --- ends in the wrong moment ------------------------------------------------------------------------

LARGE = b"Subject: large\n\n" + b"\n".join(b"%07d" % i + b"x" * 70 for i in range(50000)) + b"\n"
STEPS = [b"CAPA", b"USER jcorrer", b"PASS lotus notes", b"STAT", b"UIDL", b"RETR 1", b"DELE 1", b"DELE 2",
         b"RSET", b"DELE 2"]


def count_of(server, login="jcorrer"):
    """Messages that are left; waits for the session that had the maildrop to end."""
    def ask():
        with server.connect() as c:
            answer = c.login(login)
            if b"[IN-USE]" in answer:
                return None
            assert answer.startswith(b"+OK"), answer
            number = c.ask(b"STAT").split()[1]
            assert c.ask(b"QUIT").startswith(b"+OK")
            return int(number) + 1
    return postil.wait_until(ask, "the maildrop") - 1


def play(c, steps):
    for step in steps:
        if step in (b"CAPA", b"UIDL", b"RETR 1"):
            c.long(step)
        else:
            assert c.ask(step).startswith(b"+OK"), step


def without_notify(c):
    """FIN without close_notify."""
    s = socket.socket(fileno=c.socket.detach())
    s.close()


def by_reset(c):
    reset(socket.socket(fileno=c.socket.detach()))


def politely(c):
    with contextlib.suppress(OSError):
        c.socket.settimeout(5)
        c.socket.unwrap()
    c.close()


def closed_at_every_point():
    """Nothing is deleted without QUIT; the maildrop is free at once."""
    with TlsServer(notes={"POP3_Takeover_Seconds": "0"}) as server:
        server.put("jcorrer", MAIL)
        with unharmed(server):
            for version in VERSIONS:
                context = server.context(version=version)
                for n in range(len(STEPS) + 1):
                    for end in (without_notify, by_reset, politely):
                        c = server.connect_tls(context)
                        play(c, STEPS[:n])
                        end(c)
                    assert count_of(server) == 3, n


def closed_in_a_long_answer():
    with TlsServer(notes={"POP3_Takeover_Seconds": "0"}) as server:
        server.put("jcorrer", [LARGE] + MAIL)
        with unharmed(server):
            for end in (without_notify, by_reset, politely):
                for octets in (1, 100000, 2000000):
                    mark = server.mark()
                    c = server.connect_tls()
                    play(c, STEPS[1:3])
                    assert c.ask(b"DELE 2").startswith(b"+OK")
                    c.send(b"RETR 1\r\n")
                    got = 0
                    while got < octets:
                        got += len(c.socket.recv(65536))
                    end(c)
                    server.wait_for(r"session ended: ", start=mark)
                    assert count_of(server) == 4


def closed_at_quit():
    """QUIT is sent, +OK is not read: over TLS as in clear. Whole QUIT: done; half of it: not."""
    with TlsServer(notes={"POP3_Takeover_Seconds": "0"}) as server:
        for connect in (server.connect, server.connect_tls, server.stls):
            for end in (without_notify, by_reset, politely):
                if end is politely and connect == server.connect:
                    continue
                for quit_command, outcomes in ((b"QUIT\r\n", (2,)), (b"QUIT", (3,))):
                    if end is by_reset:             # may take what was sent before it along
                        outcomes += (3,)
                    server.put("jcorrer", MAIL)
                    mark = server.mark()
                    c = connect()
                    play(c, STEPS[1:3] + STEPS[6:7])
                    c.send(quit_command)
                    end(c)
                    server.wait_for("session ended: ", start=mark)
                    left = count_of(server)
                    assert left in outcomes, (connect, end, quit_command, left)


def slow_readers():
    """They take nothing, then little: others are served, memory stays, and every octet comes."""
    expected = LARGE.rstrip(b"\n").split(b"\n")
    with TlsServer(persons=None) as server:
        server.put("jcorrer", MAIL)
        server.put("alee", [LARGE])
        with unharmed(server):
            before = server.memory_kib()
            readers = []
            for version in VERSIONS * 2:
                c = server.connect_tls(server.context(version=version))
                if not readers:
                    assert c.login("alee").startswith(b"+OK")
                    c.send(b"RETR 1\r\n" * 20)
                else:                               # who may not log in can ask much, too
                    c.socket.setblocking(False)
                    with contextlib.suppress(ssl.SSLWantWriteError, OSError):
                        for _ in range(100000):
                            c.send(b"CAPA\r\n")
                    c.socket.settimeout(postil.PATIENCE)
                readers.append(c)
            for _ in range(5):
                serves_meanwhile(server)
            grown = server.memory_kib() - before
            assert sanitized() or grown < 4096, "%d KiB for readers that do not read" % grown
            for _ in range(3):
                assert readers[0].line().startswith(b"+OK")
                lines = []
                while not lines or lines[-1] != b".":
                    lines.append(readers[0].line())
                    if len(lines) % 10000 == 1:
                        serves_meanwhile(server)
                assert lines[:-1] == expected
            for c in readers:
                c.close()


def killed_in_update():
    """kill -9 around QUIT over TLS: all gone or none, and +OK means gone."""
    with TlsServer() as server:
        context = server.context()
        mailserver.killed_in_update(server, lambda: server.connect_tls(context), lambda: server.stls(context))


if __name__ == "__main__":
    sys.exit(postil.run_cases([
        stop_half_way, silent_half_way, no_tls_at_all, tls_to_the_plain_port, old_versions,
        records_that_lie, random_handshakes, never_finished, alpn_of_others, hostile_names, compression,
        bad_certificates, nobodys_certificates, tickets_elsewhere, tickets_too_late, odd_records, floods,
        renegotiation, closed_at_every_point, closed_in_a_long_answer, closed_at_quit, slow_readers,
        killed_in_update]))
