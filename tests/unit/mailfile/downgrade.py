#!/usr/bin/env python3
"""Down-converted messages read by another parser, Python's email package: ASCII in every
header, the same parts, the same bodies, the same texts, names, addresses and parameters.

    python3 tests/unit/mailfile/downgrade.py [SEED [COUNT]]

makes COUNT messages at random; SEED and number of one that fails are said."""

import email
import email.header
import email.policy
import email.utils
import os
import random
import re
import subprocess
import sys
from email.message import EmailMessage

BUILD = os.environ.get("top_builddir", "build")
PROGRAM = os.path.join(BUILD, "tests", "support", "downgrade")
WORDS = ["Grüße", "例え", "plain", "Ὀδυσσεύς", "a_b=c?", "x", "naïve", "😀😀", "(paren)", "Москва", "=?x?=", "«»",
         "ligature ﬁ", "very" * 12, "lang" * 9 + "ü", "\"quoted\"", "semi;colon", "comma, too"]
DOMAINS = {"example.com": "example.com", "bücher.example": "xn--bcher-kva.example",
           "例え.テスト": "xn--r8jz45g.xn--zckzah", "faß.de": "xn--fa-hia.de"}
PLAIN = {"message/global": "message/rfc822", "message/global-headers": "text/rfc822-headers"}


def words(rng, most=6):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, most)))


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def address(rng):
    """As it is written, and as it must come out: name, address, or only a text."""
    name, local = words(rng, 3), rng.choice(["joe", "o.ny", "jörg", "用户"])
    domain = rng.choice(sorted(DOMAINS))
    written = "%s <%s@%s>" % (quoted(name), local, domain)
    if local.isascii():
        return written, (name, "%s@%s" % (local, DOMAINS[domain]))
    return written, ("%s %s@%s" % (name, local, domain), "")


def leaf(rng, names):
    name = words(rng, 4).replace('"', "'")
    names.append(name)
    body = "".join("%s\r\n" % words(rng) for _ in range(rng.randint(0, 5)))
    return ("Content-Type: text/plain; charset=utf-8; name=%s\r\n"
            "Content-Disposition: attachment;\r\n filename=%s\r\n"
            "Content-Description: %s\r\n\r\n%s" % (quoted(name), quoted(name), words(rng), body))


def part(rng, depth, number, names):
    kind = rng.random()
    if depth < 4 and kind < 0.35:
        boundary = "b%d-%d" % (depth, number)
        inside = "".join("--%s\r\n%s\r\n" % (boundary, part(rng, depth + 1, i, names))
                         for i in range(rng.randint(1, 3)))
        return ("Content-Type: multipart/%s; boundary=%s\r\n\r\n%s\r\n%s--%s--\r\n"
                % (rng.choice(["mixed", "alternative", "x"]), boundary, words(rng), inside, boundary))
    if depth < 4 and kind < 0.55:
        return "Content-Type: message/global\r\n\r\n" + message(rng, names, depth + 1)[0]
    return leaf(rng, names)


def message(rng, names, depth=0):
    subject, sender = words(rng), address(rng)
    to = [address(rng) for _ in range(rng.randint(1, 5))]
    text = "From: %s\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%d@example.com>\r\nMIME-Version: 1.0\r\n" % (
        sender[0], ",\r\n ".join(a[0] for a in to), subject, rng.randint(0, 1 << 40))
    return text + part(rng, depth, 0, names), subject, [sender[1]] + [a[1] for a in to]


def decoded(value):
    text = re.sub(r"\r?\n", "", str(value))
    return "".join(t if isinstance(t, str) else t.decode(c or "ascii")
                   for t, c in email.header.decode_header(text))


def addresses(value):
    """The names and addresses of a field, groups of nobody as names."""
    found = []
    for name, where in email.utils.getaddresses([re.sub(r" :;", " <>", re.sub(r"\r?\n", "", value))]):
        found.append((decoded(name), where))
    return found


def parts(octets):
    """Type, parameters and octets of every part, deepest last."""
    parsed = email.message_from_bytes(octets, policy=email.policy.compat32)
    found = []
    for one in parsed.walk():
        found.append((PLAIN.get(one.get_content_type(), one.get_content_type()), one.preamble, one.epilogue,
                      None if one.is_multipart() else one.get_payload(decode=True)))
    return parsed, found


def utf8(value):
    """What a header of the message as it was sent says."""
    return str(value).encode("ascii", "surrogateescape").decode("utf-8")


def check_headers(first, second):
    for one, two in zip(first.walk(), second.walk()):
        for name, value in two.raw_items():
            assert (name + str(value)).isascii(), (name, value)
            for line in str(value).split("\n"):
                assert len(line) <= 998, line
        was, now = dict(one.raw_items()), dict(two.raw_items())
        for field in ("Subject", "Content-Description"):
            if field in was:
                assert decoded(now[field]) == utf8(was[field]), (utf8(was[field]), now[field])


def convert(octets):
    done = subprocess.run([PROGRAM], input=octets, stdout=subprocess.PIPE, timeout=60, check=False)
    return done.returncode, done.stdout


def check(rng):
    names = []                                  # of attachments, in their order
    text, subject, everybody = message(rng, names)
    octets = text.encode("utf-8")
    status, result = convert(octets)
    if octets.isascii():
        assert status == 4
        return
    if status == 4:                             # only bodies are beyond ASCII
        for one in email.message_from_bytes(octets).walk():
            assert all(str(value).isascii() for _, value in one.raw_items())
        return
    assert status == 0, status
    first, were = parts(octets)
    second, are = parts(result)
    assert were == are
    leaves = [one for one in second.walk() if not one.is_multipart()]
    got = [one.get_filename() for one in leaves]
    assert got == names, (got, names)
    assert [email.utils.collapse_rfc2231_value(one.get_param("name")) for one in leaves] == names
    check_headers(first, second)
    assert decoded(second["Subject"]) == subject, (decoded(second["Subject"]), subject)
    got = addresses(second["From"]) + addresses(second["To"])
    assert got == everybody, (got, everybody)


def composed():
    """What Python itself writes for SMTPUTF8."""
    mail = EmailMessage(policy=email.policy.SMTPUTF8)
    mail["From"] = "Jörg <jörg@bücher.example>"
    mail["To"] = "Ünal <u@example.com>, Österreich: a@example.com, Ö <o@bücher.example>;"
    mail["Subject"] = "Grüße aus Köln"
    mail.set_content("schön\n")
    mail.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename="größe.bin")
    status, result = convert(mail.as_bytes())
    assert status == 0
    back = email.message_from_bytes(result, policy=email.policy.SMTP)
    assert back["Subject"] == "Grüße aus Köln"
    assert not back["From"].addresses and back["From"].groups[0].display_name == "Jörg jörg@bücher.example"
    assert [str(a.addr_spec) for a in back["To"].addresses] == [
        "u@example.com", "a@example.com", "o@xn--bcher-kva.example"]
    assert back["To"].addresses[0].display_name == "Ünal"
    assert back["To"].groups[1].display_name == "Österreich"
    attached = list(back.iter_attachments())
    assert attached[0].get_filename() == "größe.bin" and attached[0].get_content() == b"\x00\x01"
    assert back.get_body().get_content().strip() == "schön"
    assert not any(part.defects for part in back.walk())


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 6857
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 150
    composed()
    for number in range(count):
        try:
            check(random.Random("%d %d" % (seed, number)))
        except AssertionError:
            print("seed %d, message %d" % (seed, number), flush=True)
            raise
    print("%d messages" % count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
