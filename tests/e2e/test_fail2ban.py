"""The fail2ban filters find the address of every refused password and certificate, and of every failed
handshake, and no other."""

import os
import shutil
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import certificates                                             # noqa: E402
import postil                                                   # noqa: E402
from mailserver import MailServer                               # noqa: E402
from tlsrows import Rows                                        # noqa: E402

FILTER = os.path.join(postil.TOP_SRCDIR, "contrib/fail2ban/postil-pop3.conf")
TLS_FILTER = os.path.join(postil.TOP_SRCDIR, "contrib/fail2ban/postil-tls.conf")
NAMES = [b"jcorrer", b"", b"x [9.9.9.9] authentication failure using internet password",
         b"x [9.9.9.9] authentication failure using internet password: User is locked out",
         b"[8.8.8.8]", b"\\[8.8.8.8\\]", b"] [7.7.7.7", b"J\xc3\xbcrgen", b"\xff\xfe", b"%s%n", b"a  b",
         b"n" * 200, b"\xc3\xa9" * 100, b"pop3: y [6.6.6.6] authentication failure using internet password",
         b"a\tb", b"x [::1]", b"<HOST>", b"(.*)"]


def addresses(log, rules=FILTER):
    """What the filter finds, in order."""
    done = subprocess.run(["fail2ban-regex", "-o", "ip", log, rules], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=postil.PATIENCE, check=False)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")
    return done.stdout.decode().split()


def filter_finds_all():
    """Every refusal once, by the client's own address, in each form of the log."""
    for notes in ({}, {"ClockType": "24_Hour"}, {"DateOrder": "YMD", "DateSeparator": "-"},
                  {"DEBUG_THREADID": "1"}):
        notes = dict(notes, POP3_Max_Failed_Logins="1000")
        with MailServer(notes=notes) as server:
            server.put("jcorrer", [b"Subject: x\n\n1\n"])
            refused = 0
            with server.connect() as c:
                for name in NAMES:
                    if not c.ask(b"USER " + name).startswith(b"+OK"):
                        continue
                    assert c.ask(b"PASS wrong").startswith(b"-ERR [AUTH]")
                    refused += 1
                assert c.login().startswith(b"+OK")
                assert c.ask(b"QUIT").startswith(b"+OK")
            server.wait_for(r"session ended: QUIT")
            assert refused > len(NAMES) - 3, refused
            log = server.path("console.log")
            postil.wait_until(lambda: b"session ended: QUIT" in open(log, "rb").read(), "the log")
            assert addresses(log) == ["127.0.0.1"] * refused, (notes, addresses(log))


SUBJECTS = ["Nobody", "x [9.9.9.9] authentication failure using client certificate", "[8.8.8.8]", "a\\b", "<HOST>",
            "pop3: y [6.6.6.6] authentication failure using internet password",
            "x -> y(1) failed with nothing", "POP3 Server: TLS/SSL connection 7.7.7.7(1) -> 7.7.7.8(1) failed with x",
            "J\u00fcrgen"]


def certificates_and_handshakes():
    """Each refused certificate once for the one filter, each failed handshake once for the other, whatever
    the subject is; a client that does not trust us is not counted."""
    def fails(context):
        try:
            server.connect_tls(context).close()
        except (ssl.SSLError, ConnectionError):
            return
        raise AssertionError("the handshake does not fail")

    with Rows() as server:
        server.columns("Yes", "No")
        for subject in SUBJECTS:
            with server.connect_tls(server.context(server.ca.issue(("CN=" + subject,)))) as c:
                assert c.ask(b"AUTH EXTERNAL =").startswith(b"-ERR [AUTH]")
                assert c.ask(b"USER jcorrer").startswith(b"+OK")
                assert c.ask(b"PASS x").startswith(b"-ERR [AUTH]")
        other = certificates.Authority(server.folder, "x [9.9.9.9] failed with")
        for _ in range(3):
            with server.connect_raw() as s:
                s.sendall(b"TLS/SSL connection 7.7.7.7(1) -> 7.7.7.8(1) failed with x\r\n")
                s.recv(100)
            fails(server.context(other.issue(("CN=Jada Correr",))))
        mark = server.mark()
        fails(server.context(ca=other))
        server.failure("the client does not trust our certificate", start=mark)
        log = server.path("console.log")
        postil.wait_until(lambda: b"does not trust our certificate" in certificates.read(log), "the log")
        assert addresses(log) == ["127.0.0.1"] * 2 * len(SUBJECTS), addresses(log)
        text = certificates.read(log).decode()
        failed = [line for line in text.splitlines() if "  POP3 Server: TLS/SSL connection " in line
                  and not line.endswith("does not trust our certificate")]
        assert len(failed) == 6, failed
        assert addresses(log, TLS_FILTER) == ["127.0.0.1"] * len(failed), addresses(log, TLS_FILTER)


def lines_that_do_not_count():
    """Nothing is found in lines that only resemble a refusal."""
    lines = ["pop3: x [1.2.3.4] authentication failure using internet password, or not",
             "pop3: x [1.2.3.4] logged in using internet password; 1 message, 5 octets",
             "pop3: x [1.2.3.4] login refused: the mail server of this person is CN=a/O=b",
             "hello: pop3: x [1.2.3.4] authentication failure using internet password",
             "pop3: x [1.2.3.4] [1.2.3.5] authentication failure using internet password",
             "pop3: x [host.example] authentication failure using internet password"]
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "postil-fail2ban-%d.log" % os.getpid())
    try:
        with open(path, "w", encoding="ascii") as f:
            for line in lines:
                f.write("11/26/2026 07:33:14 AM  %s\n" % line)
            f.write("11/26/2026 07:33:14 AM  pop3: IP Address [2001:db8::1] authentication failure using "
                    "internet password: User is locked out\n")
        assert addresses(path) == ["2001:db8::1"], addresses(path)
    finally:
        os.unlink(path)


def faults_of_ours():
    """What this server lacks bans nobody."""
    ours = ["no credentials for this address of ours", "too little memory",
            "a handshake that gave way to other connections", "no revocation list for a client certificate",
            "a revocation list out of date for a client certificate",
            "the client says that our certificate has expired"]
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "postil-fail2ban-tls-%d.log" % os.getpid())
    line = "11/26/2026 07:33:14 AM  POP3 Server: TLS/SSL connection %s(4) -> 192.0.2.1(995) failed with %s\n"
    try:
        with open(path, "w", encoding="ascii") as f:
            for why in ours:
                f.write(line % ("198.51.100.7", why))
            f.write(line % ("198.51.100.8", "a client certificate that has been revoked"))
        assert addresses(path, TLS_FILTER) == ["198.51.100.8"], addresses(path, TLS_FILTER)
    finally:
        os.unlink(path)


if __name__ == "__main__":
    if shutil.which("fail2ban-regex") is None:
        postil.skip("fail2ban-regex is not installed")
    sys.exit(postil.run_cases([filter_finds_all, certificates_and_handshakes, lines_that_do_not_count,
                                faults_of_ours]))
