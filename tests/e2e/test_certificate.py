"""postil directory certificate: certificates of persons, added, listed, removed."""

import base64
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postil                                                   # noqa: E402
from test_person import Data                                    # noqa: E402

EXPORT = """<?xml version='1.0' encoding='utf-8'?>
<database xmlns='http://www.lotus.com/dxl'>
<document form='Person'><noteinfo unid='0123456789ABCDEF0123456789ABCDEF'/>
<item name='FullName'><textlist><text>CN=Ann Lee/OU=West/O=Acme</text><text>Ann Lee</text></textlist></item>
<item name='InternetAddress'><text>ann@acme.example</text></item>%s
</document></database>
"""


class Directory(Data):
    """A data directory with one person, Ann Lee."""

    def __init__(self, items=""):
        super().__init__()
        os.makedirs(self.join("names"))
        self.export(items)

    def export(self, items):
        with open(self.join("names", "a.dxl"), "w", encoding="utf-8") as f:
            f.write(EXPORT % items)

    def make(self, name, subject, *more):
        """A certificate as PEM in a file, which is its path."""
        path = self.join(name + ".pem")
        done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                               "-nodes", "-days", "30", "-subj", subject, "-keyout", self.join(name + ".key"),
                               "-out", path, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=postil.PATIENCE, check=False)
        assert done.returncode == 0, done.stdout
        return path

    def make_expired(self, name, subject):
        new = self.make(name, subject)
        subprocess.run(["openssl", "x509", "-in", new, "-signkey", self.join(name + ".key"), "-days", "-1",
                        "-out", self.join(name + "-expired.pem")], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=postil.PATIENCE)
        return self.join(name + "-expired.pem")

    def der(self, path):
        return subprocess.run(["openssl", "x509", "-in", path, "-outform", "DER"], check=True,
                              stdout=subprocess.PIPE, timeout=postil.PATIENCE).stdout

    def certificate(self, action, *arguments, text=b"", status=0):
        done = subprocess.run([postil.program("postil"), "directory", "certificate", action, "-d", self.path,
                               *arguments], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=postil.PATIENCE, check=False)
        assert done.returncode == status, (action, arguments, done.returncode, done.stdout)
        return done.stdout.decode()

    def directory(self, action, *arguments):
        return subprocess.run([postil.program("postil"), "directory", action, "-d", self.path, *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
                              timeout=postil.PATIENCE).stdout.decode()

    def local(self):
        """What lies in the file beside the person's."""
        names = self.files()
        assert len(names) == 1, names
        with open(self.join("names", "local", names[0]), encoding="utf-8") as f:
            return f.read()

    def numbers(self):
        return [line for line in self.certificate("list", "Ann Lee").splitlines() if line[:3].strip().isdigit()]


def add_list_remove():
    """PEM, DER, standard input; by number and all; the same one twice changes nothing."""
    with Directory() as data:
        one = data.make("one", "/C=DE/O=Acme/OU=West/CN=Ann Lee")
        two = data.make("two", "/CN=Ann Lee")
        assert "has 0 certificates" in data.certificate("list", "Ann Lee")
        out = data.certificate("add", "ann@acme.example", two)
        assert out.startswith("The certificate CN=Ann Lee, valid from 20") and "names/local/ann-lee-" in out, out
        assert base64.b64encode(data.der(two)).decode() in data.local()
        before = data.local()
        assert "already" in data.certificate("add", "Ann Lee/West/Acme", "-", text=data.der(two))
        assert data.local() == before
        with open(one, "rb") as f:
            data.certificate("add", "Ann Lee", "-", text=f.read())
        assert len(data.numbers()) == 2
        found = data.directory("find", "Ann Lee")
        assert found.count("Certificate        ") == 2 and "CN=Ann Lee,OU=West,O=Acme,C=DE" in found, found
        print_of = subprocess.run(["openssl", "x509", "-in", one, "-noout", "-fingerprint", "-sha256"], check=True,
                                  stdout=subprocess.PIPE, timeout=postil.PATIENCE).stdout.decode()
        assert print_of.strip().split("=")[1] in data.certificate("list", "Ann Lee")
        assert "by its number" in data.certificate("remove", "Ann Lee", status=64)
        for bad in ("0", "3", "x", "-1"):
            data.certificate("remove", "Ann Lee", bad, status=64)
        assert "has 1 certificate from" in data.certificate("remove", "Ann Lee", "1")
        assert "OU=West" in data.numbers()[0]
        data.certificate("add", "Ann Lee", two)
        assert "has 0 certificates from" in data.certificate("remove", "Ann Lee", "all")
        assert "UserCertificate" not in data.local()
        assert "has no certificate" in data.certificate("remove", "Ann Lee", status=65)


def other_items_stay():
    """A password beside it, and what else the document holds."""
    with Directory() as data:
        data.run("passwd", "Ann Lee", text=b"geheim\n")
        data.certificate("add", "Ann Lee", data.make("one", "/CN=Ann Lee"))
        assert "HTTPPassword'" in data.local() and "UserCertificate'" in data.local()
        data.run("passwd", "Ann Lee", text=b"other\n")
        assert "UserCertificate'" in data.local() and len(data.numbers()) == 1
        data.certificate("remove", "Ann Lee")
        assert "HTTPPassword'" in data.local() and "UserCertificate" not in data.local()


def beside_an_export():
    """What the Person document has is taken over; removed there, it does not come back."""
    with Directory() as data:
        exported, new = data.make("exported", "/CN=Ann Lee"), data.make("new", "/CN=Ann Lee")
        item = base64.encodebytes(data.der(exported)).decode()
        data.export("<item name='UserCertificate'><rawitemdata type='4'>\n%s</rawitemdata></item>" % item)
        assert len(data.numbers()) == 1
        shown = data.directory("show", "Ann Lee")
        assert "UserCertificate = %d octets" % len(data.der(exported)) in shown and "CN=Ann Lee" in shown, shown
        data.certificate("add", "Ann Lee", exported)
        assert data.files() == []
        data.certificate("add", "Ann Lee", new)
        assert len(data.numbers()) == 2
        data.certificate("remove", "Ann Lee", "2")
        data.certificate("remove", "Ann Lee", "1")
        assert "UserCertificate" in data.local() and data.numbers() == []
        data.export("<item name='MailFile'><text>mail/a</text></item>"
                    "<item name='UserCertificate'><text>%s</text></item>" % item)
        assert data.numbers() == []
        os.unlink(data.join("names", "local", data.files()[0]))
        assert len(data.numbers()) == 1


def names_that_do_not_match():
    """A certificate that nothing ties to the person is told of, and kept."""
    with Directory() as data:
        out = data.certificate("add", "Ann Lee", data.make("other", "/O=Other/CN=Eve"))
        assert "no name in the certificate (CN=Eve/O=Other, Eve) is among" in out and "nobody" in out, out
        out = data.certificate("add", "Ann Lee", data.make("address", "/O=Other", "-addext",
                                                           "subjectAltName=email:ANN@acme.example"))
        assert "no name in the certificate is among" in out and "only where" in out, out
        # a common name that is not a value of its own, an address in place of a name
        data.export("<item name='ShortName'><text>eve</text></item>")
        out = data.certificate("add", "Ann Lee", data.make("mail", "/CN=ann@acme.example"))
        assert "no name in the certificate (ann@acme.example) is among" in out, out
        assert "no name in the certificate" not in data.certificate(
            "add", "Ann Lee", data.make("right", "/O=Acme/OU=West/CN=ann lee"))
        assert data.certificate("list", "Ann Lee").count("no name in it") == 3
        assert ", expired belongs to" in data.certificate("add", "Ann Lee", data.make_expired("old", "/CN=Ann Lee"))


def refusals():
    """What is no certificate, no file, nobody; too many."""
    with Directory() as data:
        one = data.make("one", "/CN=Ann Lee")
        key = data.join("one.key")
        for text in (b"", b"x", b"\x30\x82\x01\x00", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                     data.der(one)[:-1], open(key, "rb").read()):
            assert "holds no certificate" in data.certificate("add", "Ann Lee", "-", text=text, status=65), text
        assert "larger than" in data.certificate("add", "Ann Lee", "-", text=b"x" * (1 << 20) + b"x", status=65)
        assert "cannot be read" in data.certificate("add", "Ann Lee", data.join("none"), status=66)
        assert "cannot be read" in data.certificate("add", "Ann Lee", data.path, status=66)
        assert "nobody" in data.certificate("add", "No One", one, status=67)
        for arguments in (["add", "Ann Lee"], ["add", "Ann Lee", one, one], ["list"], ["remove"],
                          ["remove", "Ann Lee", "1", "2"], ["change", "Ann Lee"]):
            data.certificate(*arguments, status=64)
        assert data.files() == []
        # a key beside it is not taken, of a chain only the first
        with open(one, "rb") as f, open(key, "rb") as k, open(data.make("ca", "/CN=CA"), "rb") as ca:
            out = data.certificate("add", "Ann Lee", "-", text=k.read() + f.read() + ca.read())
        assert "holds 2 certificates" in out and len(data.numbers()) == 1, out
        assert "PRIVATE" not in data.local()
        values = "".join("<text>%s</text>" % base64.b64encode(data.der(data.make("x", "/CN=Ann Lee"))).decode()
                         for _ in range(16))
        os.unlink(data.join("names", "local", data.files()[0]))
        data.export("<item name='userCertificate;binary'><textlist>%s</textlist></item>" % values)
        assert "no more are looked at" in data.certificate("add", "Ann Lee", one, status=65)
        assert len(data.numbers()) == 16


def at_once():
    """Several at a time are all kept."""
    with Directory() as data:
        files = [data.make("c%d" % i, "/CN=Ann Lee") for i in range(4)]
        threads = [threading.Thread(target=data.certificate, args=("add", "Ann Lee", path)) for path in files]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(data.numbers()) == 4


if __name__ == "__main__":
    sys.exit(postil.run_cases([
        add_list_remove, other_items_stay, beside_an_export, names_that_do_not_match, refusals, at_once]))
