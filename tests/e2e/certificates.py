"""Certificates for tests, made by tests/support/mkcert: an authority, what it signs and
revokes, in every wrong way that is of interest.

    ca = Authority(folder)
    mine = ca.issue(("O=Acme", "CN=Jada Correr"))
    mine.certificate, mine.key              paths, PEM
    mine.pem                                both in one file
    mine.chain                              the same, with the issuers between
    ca.revoke(mine); ca.crl()               octets of a revocation list, PEM
"""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402

DAY = 86400
MKCERT = os.path.join(postil.TOP_BUILDDIR, "tests", "support", "mkcert")


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=postil.PATIENCE, check=False)
    assert done.returncode == 0, "%s: %s" % (" ".join(command), done.stdout.decode("utf-8", "replace"))
    return done.stdout


def openssl(*arguments):
    """For what mkcert does not make."""
    if shutil.which("openssl") is None:
        postil.skip("there is no openssl command")
    return run("openssl", *arguments)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def lifetime(days):
    return ("-f", "%d" % (days[0] * DAY), "-u", "%d" % (days[1] * DAY))


class Issued:
    """A certificate and its key. pem: both in one file; chain: the issuers between, too."""

    def __init__(self, base, issuers=()):
        self.base, self.certificate, self.key = base, base + ".pem", base + ".key"
        self.pem, self.chain = base + ".both.pem", base + ".chain.pem"
        for path, octets in ((self.pem, [read(self.certificate)]),
                             (self.chain, [read(self.certificate)] + list(issuers))):
            with open(path, "wb") as f:
                f.write(b"".join(octets + [read(self.key)]))

    def base64(self):
        """As a Person document keeps it."""
        match = re.search(b"BEGIN CERTIFICATE-----\n(.*?)-----END", read(self.certificate), re.S)
        return match.group(1).replace(b"\n", b"").decode("ascii")


class Authority:
    """parent: an Authority that vouches for this one; none: it does itself."""

    count = 0

    def __init__(self, folder, name="Acme Test CA", parent=None):
        Authority.count += 1
        self.folder = os.path.join(folder, "ca%d" % Authority.count)
        self.name, self.parent, self.number, self.revoked = name, parent, 0, []
        os.makedirs(self.folder)
        run(MKCERT, "ca", "-o", self.path("ca"), "-s", "CN=" + name, *lifetime((-1, 3650)),
            *(("-i", parent.path("ca")) if parent else ()))

    def path(self, name):
        return os.path.join(self.folder, name)

    @property
    def pem(self):
        return read(self.path("ca.pem"))

    def issue(self, subject, usage="clientAuth", names="", days=(-1, 60), key=None, kind="ecdsa",
              padding=0):
        """subject: its parts in order; names: "DNS:a.example,IP:127.0.0.1,email:x@a.example"; days: from
        now, begin and end; key: another Issued whose key it has; padding: octets more than usual."""
        self.number += 1
        base = self.path("%d" % self.number)
        command = [MKCERT, "server" if usage == "serverAuth" else "client", "-o", base, "-i",
                   self.path("ca"), "-p", usage, "-t", kind, "-z", str(padding), *lifetime(days)]
        for part in subject:
            command += ["-s", part]
        for kind_of_name, name in (name.split(":", 1) for name in names.split(",") if name):
            command += [{"DNS": "-n", "IP": "-n", "email": "-e"}[kind_of_name], name]
        run(*command, *(("-k", key.base) if key else ()))
        return Issued(base, [self.pem] if self.parent else [])

    def revoke(self, issued):
        self.revoked.append(issued.base)

    def crl(self, days=(-1, 30)):
        run(MKCERT, "crl", "-i", self.path("ca"), "-o", self.path("list.crl"), *lifetime(days),
            *(word for base in self.revoked for word in ("-r", base)))
        return read(self.path("list.crl"))
