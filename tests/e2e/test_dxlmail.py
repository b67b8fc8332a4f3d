#!/usr/bin/env python3
"""Documents from DXL: what a mail file's export holds comes to the inbox or to the folder where it belongs,
goes out again item for item, and comes back as it was. Files that are cut, lie or are enormous lose nothing
but what they lack. What POP3 serves of documents is shown by test_notes_mail.py.
"""

import base64
import email
import email.policy
import os
import resource
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

from postil import TOP_SRCDIR, program

RENDERED = os.path.join(TOP_SRCDIR, "tests", "data", "render")
DATABASE = os.path.join(TOP_SRCDIR, "tests", "data", "dxlmail", "database.dxl")
DXL = "{http://www.lotus.com/dxl}"
EXTRAS = ("$PostilFolders", "$PostilUnread", "$PostilUIDL", "$PostilMessage")
# Of a document, as Domino's document type has them.
ORDER = ["noteinfo", "updatedby", "revisions", "wassignedby", "textproperties", "mime", "item"]


def document(*items, form="Memo", unid=None, attributes=""):
    info = "<noteinfo unid='%s'/>" % unid if unid else ""
    return "<document form='%s'%s>%s%s</document>\n" % (form, attributes, info, "".join(items))


def database(*documents):
    return "<database xmlns='http://www.lotus.com/dxl'>\n%s</database>\n" % "".join(documents)


def text(name, value):
    return "<item name='%s'><text>%s</text></item>" % (name, value)


def delivered(*items, **more):
    return document(text("DeliveredDate", "20260102T090807,00-05"), *items, **more)


def octets_of(element):
    return base64.b64decode("".join(element.itertext()))


def rich(element):
    """Without what stands for nothing: how attributes are quoted, white space between paragraphs stays."""
    return ET.canonicalize(ET.tostring(element, encoding="unicode"), rewrite_prefixes=True)


def value_of(item):
    kind = item[0].tag.replace(DXL, "")
    if kind == "rawitemdata":
        return item[0].get("type"), octets_of(item[0])
    if kind == "richtext":
        return kind, rich(item[0])
    if kind == "object":
        file = item[0][0]
        return (file.get("name"), octets_of(file.find(DXL + "filedata")),
                file.findtext(DXL + "created/" + DXL + "datetime"), file.findtext(DXL + "modified/" + DXL + "datetime"))
    if kind.endswith("list"):
        return kind, [ET.canonicalize(ET.tostring(e, encoding="unicode"), strip_text=e.tag.endswith("pair"))
                      .strip("\n") for e in item[0]]
    return ET.canonicalize(ET.tostring(item[0], encoding="unicode")).strip("\n")


def flags_of(item):
    return tuple(sorted((name, value) for name, value in item.attrib.items()
                        if name not in ("name", "summary") and value == "true"))


def parent_of(element, items):
    """The one form of $REF and of Form, wherever they stand."""
    for item in list(items):
        if item.get("name") == "$REF":
            octets = octets_of(item[0])[2:]
            items.remove(item)
            return (octets[7::-1] + octets[:7:-1]).hex().upper()
    return element.get("parent")


def described(element):
    """A document as what must be the same after a way in and out."""
    items = [item for item in element.findall(DXL + "item") if item.get("name") not in EXTRAS]
    parent = parent_of(element, items)
    form = element.get("form")
    for item in list(items):
        if item.get("name") == "Form":
            form = "".join(item.itertext())
            items.remove(item)
    info = element.find(DXL + "noteinfo")
    mime = element.find(DXL + "mime")
    return {"form": form, "parent": parent, "conflict": element.get("conflict"),
            "created": moment(info.findtext(DXL + "created/" + DXL + "datetime")),
            "updatedby": [n.text for n in element.iterfind(DXL + "updatedby/" + DXL + "name")],
            "revisions": [n.text for n in element.iterfind(DXL + "revisions/" + DXL + "datetime")],
            "mime": None if mime is None else "".join(mime.itertext()),
            "items": [(item.get("name"), value_of(item), flags_of(item)) for item in items]}


def moment(stamp):
    """20260102T090807,12-05 in hundredths of a second of UTC."""
    date, rest = stamp.split("T")
    clock, rest = rest.split(",")
    days = int(date[6:8]) + 31 * int(date[4:6]) + 372 * int(date[:4])
    seconds = (int(clock[:2]) - int(rest[2:5])) * 3600 + int(clock[2:4]) * 60 + int(clock[4:6])
    return (days * 86400 + seconds) * 100 + int(rest[:2])


def documents_of(path):
    root = ET.parse(path).getroot()
    return [e for e in (root if root.tag == DXL + "database" else [root])
            if e.tag == DXL + "document" or (e.tag == DXL + "note" and e.get("class") == "document")]


def extra(element, name):
    for item in element.findall(DXL + "item"):
        if item.get("name") == name:
            return [t.text or "" for t in item.iter(DXL + "text")]
    return None


def postil(data, *arguments, status=0, **more):
    done = subprocess.run([program("postil"), "mail", arguments[0], "-d", data, *arguments[1:]], timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **more)
    assert done.returncode == status, (arguments, done.returncode, done.stdout[-500:], done.stderr[-1000:])
    return done


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="postil-dxlmail-")
        self.addCleanup(directory.cleanup)
        self.data = directory.name

    def path(self, name):
        return os.path.join(self.data, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def load(self, mail_file, *arguments, **more):
        return postil(self.data, "import", "-o", "CN=Jada Correr/O=Acme", mail_file, *arguments, **more)

    def load_text(self, content, mail_file="mail/a.nsf", **more):
        return self.load(mail_file, self.write("in.dxl", content), **more)

    def dump(self, mail_file, name="out.dxl"):
        postil(self.data, "export", "-f", "dxl", mail_file, self.path(name))
        return self.path(name)

    def messages(self, mail_file):
        """UIDL and octets of each; the size told is that of the octets."""
        listed = postil(self.data, "list", "-u", mail_file).stdout.decode().split("\n")[:-1]
        found = []
        for line in listed:
            number, size, uidl = line.split(" ")
            octets = postil(self.data, "show", "-r", mail_file, number).stdout
            self.assertEqual(len(octets), int(size))
            found.append((uidl, octets))
        return found


class Exports(Case):
    FOLDERS = {"Pl\u00e4ne & Kosten": "($Inbox)", "Re: Pl\u00e4ne": "($Sent)",
               "a conflict": "($Inbox)", "a draft": "($Drafts)", "Dentist": "($Calendar)",
               "Invitation: Plans": "($Inbox)", "Buy bread": "($ToDo)", "Dear": "(Stationery)",
               "same UIDL": "($Inbox)", "odd UIDL": "($Inbox)"}

    def test_each_goes_where_it_belongs(self):
        done = self.load("mail/a.nsf", DATABASE)
        self.assertIn(b"8 messages imported", done.stdout)
        self.assertIn(b"7 documents beside them; 1 there already", done.stdout)
        for words in (b"left out: form Memo", b"left out: folder ($Inbox)", b"left out: profiledocument CalendarProfile",
                      b"\"a conflict\": another document here has its UNID", b"\"same UIDL\": its UIDL names another",
                      b"\"odd UIDL\": POP3 cannot carry its UIDL"):
            self.assertIn(words, done.stderr)
        out = documents_of(self.dump("mail/a.nsf"))
        self.assertEqual(len(out), 15)
        for element in out:
            subject = extra(element, "Subject")
            if subject:
                self.assertEqual(extra(element, "$PostilFolders"), [self.FOLDERS[subject[0]]], subject)
            elif element.get("form") == "Person":
                self.assertEqual(extra(element, "$PostilFolders"), [])
        subjects = [email.message_from_bytes(octets, policy=email.policy.default)["Subject"]
                    for _, octets in self.messages("mail/a.nsf")]
        self.assertEqual(subjects, ["received as MIME", "Pl\u00e4ne & Kosten", "a conflict", "Invitation: Plans",
                                    "<whole> & raw", "a conflict", "same UIDL", "odd UIDL"])
        self.assertEqual(self.messages("mail/a.nsf")[0][0], "4711")

    def test_out_as_it_came_in(self):
        self.load("mail/a.nsf", DATABASE, RENDERED)
        sources = [DATABASE] + [os.path.join(RENDERED, n) for n in sorted(os.listdir(RENDERED)) if n.endswith(".dxl")]
        before = {}
        for source in sources:
            for element in documents_of(source):
                before.setdefault(element.find(DXL + "noteinfo").get("unid").upper(), []).append(described(element))
        after = documents_of(self.dump("mail/a.nsf"))
        for element in after:
            tags = [child.tag.replace(DXL, "") for child in element]
            self.assertEqual(tags, sorted(tags, key=ORDER.index))
            unid, found = element.find(DXL + "noteinfo").get("unid"), described(element)
            if any(name == "$PostilDamaged" for name, _, _ in found["items"]):
                continue                                        # it is less than it was
            # one had to get another UNID
            one_of = before.get(unid, before["8FD8E55C12D1A9760000000000000004"])
            if found not in one_of:
                self.maxDiff = None
                self.assertEqual(found, one_of[-1], unid)

    def test_back_again(self):
        """Into the same file: all are there. Into another: the same messages, UIDLs, folders, marks."""
        octets = [b"From: a@x\r\nSubject: \xff\r\n\r\nraw\r\n", b"Subject: plain\r\n\r\n.dot\r\n]]>&<\xc3\xa9\r\n",
                  b"Subject: cr\r\n\r\na\rb\0c\r\r\n", b"no header at all\r\n"]
        for number, message in enumerate(octets):
            self.write("%d.eml" % number, message)
            postil(self.data, "import", "-o", "CN=Jada Correr/O=Acme", "mail/a.nsf", self.path("%d.eml" % number))
        self.load("mail/a.nsf", DATABASE)
        before = self.messages("mail/a.nsf")
        self.assertEqual([m for _, m in before[:4]], octets)
        out = self.dump("mail/a.nsf")
        done = self.load("mail/a.nsf", out)
        self.assertIn(b"0 messages imported into mail/a.nsf, 0 octets; 19 there already", done.stdout)
        self.load("mail/b.nsf", out)
        self.assertEqual(self.messages("mail/b.nsf"), before)
        with open(out, "rb") as one, open(self.dump("mail/b.nsf", "again.dxl"), "rb") as other:
            self.assertEqual(one.read(), other.read())

    def test_dry_run(self):
        done = self.load("mail/a.nsf", "-n", DATABASE)
        self.assertIn(b"8 messages would be imported", done.stdout)
        self.assertIn(b"POP3 cannot carry its UIDL; it would get a new one", done.stderr)
        self.assertFalse(os.path.exists(self.path("mail/a.nsf")))


class Hostile(Case):
    def test_cut(self):
        """What came before is in; the place and the document under way are told."""
        whole = database(delivered(text("Subject", "one"), unid="1" * 32), delivered(text("Subject", "two"), unid="2" * 32))
        done = self.load_text(whole[:whole.index("two") + 2], status=65)
        self.assertIn(b"in.dxl:3: not well-formed XML", done.stderr)
        self.assertIn(b"document 22222222222222222222222222222222: not imported: it is not whole", done.stderr)
        self.assertIn(b"1 message imported", done.stdout)
        done = self.load_text(whole)
        self.assertIn(b"1 message imported", done.stdout)
        self.assertIn(b"1 there already", done.stdout)

    def test_one_bad_file_of_a_folder(self):
        os.mkdir(self.path("d"))
        self.write("d/1.dxl", database(delivered(text("Subject", "one"))))
        self.write("d/2.xml", "<database><document")
        self.write("d/3.DXL", database(delivered(text("Subject", "three"))))
        self.write("d/4.txt", "nothing")
        done = self.load("mail/a.nsf", self.path("d"), status=65)
        self.assertIn(b"2 messages imported", done.stdout)
        self.assertIn(b"2.xml:1: not well-formed", done.stderr)

    def test_lies(self):
        """Lengths that lie, base64 with rubbish, items of the wrong type, messages that are none."""
        record = struct.pack("<HIHHHH", 14, 10, 0xffff, 0xffff, 0xffff, 0xffff) + b"x"
        part = struct.pack("<HIBBHHHHI", 2, 15, 2, 0, 0xffff, 0xffff, 0xffff, 0, 0) + b"y"
        raw = "<item name='%s'><rawitemdata type='%x'>%s</rawitemdata></item>"
        lying = [raw % ("Subject", 0x502, base64.b64encode(record).decode()),
                 raw % ("Body", 0x19, base64.b64encode(part).decode()),
                 raw % ("SendTo", 0x501, base64.b64encode(b"\xff\xff\xff\xff").decode()),
                 raw % ("Body", 1, base64.b64encode(b"\x85\xff\xff\xff").decode())]
        rubbish = "<item name='$FILE'><object><file name='x'><filedata>QUJD*QUJD</filedata></file></object></item>"
        done = self.load_text(database(
            delivered(*lying), delivered(text("Subject", "rubbish"), rubbish), document("<mime>hello world</mime>"),
            document("<mime>X: %s\n\nbody\n</mime>" % ("y" * 1000000)), delivered(text("Form", "x"), form="")))
        self.assertIn(b"5 messages imported", done.stdout)
        self.assertIn(b"$FILE: file data is not base64; kept as far as it goes", done.stderr)
        found = [octets for _, octets in self.messages("mail/a.nsf")]
        self.assertEqual(found[2], b"hello world\r\n")
        self.assertEqual(len(found[3]), 1000000 + len("X: \r\n\r\nbody\r\n"))
        attachment = [p for p in email.message_from_bytes(found[1]).walk() if p.get_filename() == "x"]
        self.assertEqual(attachment[0].get_payload(decode=True), b"ABC")

    def test_deep(self):
        deep = "<item name='Body'><richtext><par>%sdeep%s</par></richtext></item>" % ("<run>" * 10000, "</run>" * 10000)
        done = self.load_text(database(delivered(deep), delivered(text("Subject", "next"))))
        self.assertIn(b"2 messages imported", done.stdout)
        self.assertIn(b"Body: elements are nested too deeply", done.stderr)
        self.assertIn(b"deep", self.messages("mail/a.nsf")[0][1])

    def test_many_recipients(self):
        names = "".join("<text>p%d@x.example</text>" % i for i in range(100000))
        self.load_text(database(delivered("<item name='SendTo'><textlist>%s</textlist></item>" % names)))
        octets = self.messages("mail/a.nsf")[0][1]
        self.assertEqual(octets.count(b"@x.example"), 100000)
        self.assertLess(max(map(len, octets.split(b"\r\n"))), 999)

    def test_large_attachment(self):
        """The octets are there again, and memory does not follow their number."""
        def growth(size):
            path = self.path("large.dxl")
            line = base64.b64encode(bytes(range(57))).decode() + "\n"
            with open(path, "w", encoding="ascii") as file:
                file.write("<database><document form='Memo'>" + text("DeliveredDate", "20260102T090807,00-05") +
                           "<item name='$FILE'><object><file name='a.bin'><filedata>\n")
                file.write(line * (size // 57))
                file.write("</filedata></file></object></item></document></database>")
            child = os.fork()
            if child == 0:
                with open(os.devnull, "w", encoding="ascii") as null:
                    os.dup2(null.fileno(), 1)
                os.execv(program("postil"), ["postil", "mail", "import", "-d", self.data, "mail/%d.nsf" % size, path])
            _, status, usage = os.wait4(child, 0)
            self.assertEqual(status, 0)
            return usage.ru_maxrss
        small, large = growth(57 * 1024), growth(57 * 1024 * 1024)
        print("import of 57 KiB and of 57 MiB: %d and %d KiB of memory" % (small, large))
        octets = self.messages("mail/%d.nsf" % (57 * 1024 * 1024))[0][1]
        attachment = [p for p in email.message_from_bytes(octets).walk() if p.get_filename() == "a.bin"]
        self.assertEqual(attachment[0].get_payload(decode=True), bytes(range(57)) * 1024 * 1024)
        if not sanitized():
            self.assertLess(large - small, 16 * 1024)


def sanitized():
    """Sanitizers keep freed memory for a time."""
    with open(program("postil"), "rb") as file:
        return b"__asan_" in file.read() or b"__tsan_" in file.read()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(unittest.main(verbosity=1))
