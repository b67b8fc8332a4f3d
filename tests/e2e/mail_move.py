"""Moving in from other servers and out again, as README.md ("Moving in") shows it.

What clients know must stay: UIDLs, octets, read marks, dates. Where a Dovecot is installed
it is asked itself which UIDLs it serves, before mail leaves it and after mail has come to it.
"""
import hashlib
import mailbox
import os
import pwd
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from mail_verbs import TOP, Case

DOVECOT = "/usr/lib/dovecot/pop3"
MESSAGES = [
    b"Subject: one\n\none\n",
    b"From: Jane <jane@acme.example>\nMessage-ID: <2@x>\nSubject: two\n\n.dot\nFrom x\n>From y\n",
    b"Subject: three\nReceived: from a by b;\n\tThu, 26 Nov 2026 10:00:00 +0000\n\n" + b"x" * 30000 + b"\n",
    b"no header at all\n",
    b"Date: Fri, 21 Nov 1997 09:55:06 -0600\nMessage-ID: <5@x>\nX-UIDL: its-own\nStatus: RO\n\nfive\n",
]


def short(octets):
    """To be compared and shown."""
    return octets if len(octets) < 1000 else hashlib.sha256(octets).hexdigest()


def crlf(octets):
    return octets.replace(b"\n", b"\r\n")


class Move(Case):
    def setUp(self):
        super().setUp()
        self.old = os.path.join(self.data, "old")
        os.mkdir(self.old)

    def maildir(self, name="Maildir"):
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.old, name, part))
        return os.path.join(self.old, name)

    def put(self, directory, name, octets, mtime=None):
        path = os.path.join(directory, name)
        with open(path, "wb") as file:
            file.write(octets)
        if mtime is not None:
            os.utime(path, (mtime, mtime))

    def told(self, *arguments, **more):
        """What an import says on standard output."""
        return self.mail("import", *arguments, **more).stdout.decode()

    def uidl_list(self, mail_file):
        return [uidl for _, _, uidl in self.uidls(mail_file)]

    def state(self, mail_file, *more):
        """Of each message of the inbox: UIDL, octets, flags, second of receipt; by way of a Maildir."""
        out = tempfile.mkdtemp(prefix="state-", dir=self.data)
        self.mail("export", "-i", "-f", "maildir", *more, mail_file, out + "/m")
        found = []
        with open(out + "/m/dovecot-uidlist") as lines:
            next(lines)
            for line in lines:
                _, uidl, name = re.fullmatch(r"(\d+) P(\S+) :(\S+)\n", line).groups()
                path, = [os.path.join(out, "m/cur", n) for n in os.listdir(out + "/m/cur")
                         if n.startswith(name + ":2,")]
                with open(path, "rb") as file:
                    found.append((uidl, short(file.read()), path.rsplit(",", 1)[1],
                                  int(os.stat(path).st_mtime)))
        shutil.rmtree(out)
        return found


# --- Dovecot -------------------------------------------------------------------------------

@unittest.skipUnless(os.access(DOVECOT, os.X_OK), "no Dovecot here")
class Dovecot(Move):
    """The pop3 process of Dovecot alone, on a pipe."""

    def setUp(self):
        super().setUp()
        self.home = tempfile.mkdtemp(prefix="postil-dovecot-")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.old = os.path.join(self.home, "mail")
        os.mkdir(self.old)

    def ask(self, location, commands, **settings):
        config = os.path.join(self.home, "dovecot.conf")
        with open(config, "w") as file:
            file.write("mail_location = %s\nlog_path = %s/log\nssl = no\nbase_dir = %s/run\n"
                       "first_valid_uid = 1\nmbox_write_locks = fcntl\n"
                       % (location, self.home, self.home))
            for name, value in settings.items():
                file.write("%s = %s\n" % (name, value))

        def become_nobody():
            if os.getuid() == 0:
                nobody = pwd.getpwnam("nobody")
                os.setgroups([])
                os.setgid(nobody.pw_gid)
                os.setuid(nobody.pw_uid)

        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            for where, names, files in os.walk(self.home):
                for name in [where] + [os.path.join(where, n) for n in names + files]:
                    os.chown(name, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
        done = subprocess.run([DOVECOT, "-c", config], input=commands + b"QUIT\r\n",
                              env={"USER": "jane", "HOME": self.home, "PATH": os.environ["PATH"]},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              preexec_fn=become_nobody)
        self.assertIn(b"+OK Logging out", done.stdout, (done.stdout, done.stderr))
        return done.stdout

    def served(self, location, **settings):
        """UIDL and octets of each message."""
        answer = self.ask(location, b"UIDL\r\n", **settings)
        uidls = [line.split(b" ")[1].decode() for line in answer.split(b"\r\n")
                 if re.match(rb"[0-9]+ ", line)]
        found = []
        for number, uidl in enumerate(uidls, 1):
            octets = self.ask(location, b"RETR %d\r\n" % number, **settings)
            octets = octets.split(b"\r\n", 1)[1].split(b"\r\n.\r\n")[0] + b"\r\n"
            found.append((uidl, short(re.sub(rb"(?m)^\.", b"", octets))))
        return found

    def imported(self, mail_file):
        return [(uidl, short(self.show(mail_file, n))) for n, _, uidl in
                [(int(n), s, u) for n, s, u in self.uidls(mail_file)]]

    def fill(self):
        maildir = self.maildir()
        for i, octets in enumerate(MESSAGES):
            part = "new" if i == 2 else "cur"
            self.put(os.path.join(maildir, part), "%d.M%dP1.host%s" % (1700000000 + i, i,
                     "" if i == 2 else ":2,S" if i % 2 == 0 else ":2,"), octets, 1700000000 + i)
        return maildir

    def test_maildir(self):
        formats = [None, "%v.%u", "%f", "%g", "UID%u-%v", "%u", "%Mf", "%08Xu"]
        for number, pattern in enumerate(formats):
            with self.subTest(pattern):
                shutil.rmtree(self.old)
                os.mkdir(self.old)
                maildir = self.fill()
                settings = {} if pattern is None else {"pop3_uidl_format": pattern}
                served = self.served("maildir:" + maildir, **settings)
                self.assertEqual(len(served), len(MESSAGES))
                more = [] if pattern is None else ["-U", pattern]
                told = self.told(*more, "mail/x%d" % number, maildir)
                self.assertIn("5 of them with a UIDL of the old server", told)
                self.assertEqual(self.imported("mail/x%d" % number), served)

    def test_saved_uidls(self):
        """What Dovecot has written down holds, whatever format it has now."""
        maildir = self.fill()
        saved = self.served("maildir:" + maildir, pop3_save_uidl="yes", pop3_uidl_format="old-%u")
        with open(maildir + "/dovecot-uidlist") as file:
            self.assertIn(" Pold-1 ", file.read())
        self.assertEqual(self.served("maildir:" + maildir), saved)
        self.mail("import", "mail/x", maildir)
        self.assertEqual(self.imported("mail/x"), saved)

    def test_mbox(self):
        """Dovecot hides its books in the header; so what it served is what comes in."""
        for number, pattern in enumerate([None, "%m", "%v-%u"]):
            with self.subTest(pattern):
                shutil.rmtree(self.old)
                os.mkdir(self.old)
                box = mailbox.mbox(self.old + "/inbox")
                for octets in MESSAGES[:3] + MESSAGES[4:]:
                    box.add(b"From jane@x Tue Nov 14 22:13:%02d 2023\n" % number + octets)
                box.close()
                location = "mbox:%s/folders:INBOX=%s/inbox" % (self.old, self.old)
                settings = {} if pattern is None else {"pop3_uidl_format": pattern}
                os.mkdir(self.old + "/folders")
                served = self.served(location, **settings)
                self.assertEqual(len(served), 4)
                with open(self.old + "/inbox", "rb") as file:
                    self.assertIn(b"\nX-IMAPbase: ", file.read())
                more = ["-U", "dovecot"] if pattern is None else ["-U", pattern]
                self.mail("import", *more, "mail/x%d" % number, self.old + "/inbox")
                found = self.imported("mail/x%d" % number)
                self.assertEqual([octets for _, octets in found], [octets for _, octets in served])
                self.assertEqual([uidl for uidl, _ in found], [uidl for uidl, _ in served])
                self.assertEqual({when for _, _, _, when in self.state("mail/x%d" % number)},
                                 {1699999980 + number})

    def test_export_is_served(self):
        """A Dovecot serves the UIDLs and octets of a Maildir that export made."""
        source = self.maildir()
        for i, octets in enumerate(MESSAGES):
            self.put(source + "/cur", "%d.a%d:2," % (1700000000 + i, i), octets)
        self.mail("import", "mail/x", source)
        ours = self.imported("mail/x")
        out = os.path.join(self.home, "out")
        self.mail("export", "-f", "maildir", "mail/x", out)
        self.assertEqual(self.served("maildir:" + out), ours)
        self.assertEqual(self.served("maildir:" + out, pop3_save_uidl="yes"), ours)

    def test_exported_mbox_is_served(self):
        source = self.maildir()
        for i, octets in enumerate(MESSAGES[:2]):
            self.put(source + "/cur", "%d.a%d:2," % (1700000000 + i, i), octets)
        self.mail("import", "mail/x", source)
        ours = self.uidl_list("mail/x")
        os.mkdir(self.home + "/folders")
        self.mail("export", "-x", "mail/x", self.home + "/inbox")
        served = self.served("mbox:%s/folders:INBOX=%s/inbox" % (self.home, self.home),
                             pop3_reuse_xuidl="yes")
        self.assertEqual([uidl for uidl, _ in served], ours)


# --- Courier and Cyrus ------------------------------------------------------------------------

class Courier(Move):
    def test_size_lists(self):
        """All versions of courierpop3dsizelist, and the UIDLs that pop3d makes of them."""
        lists = {
            b"": (b"%s 12\n", "100.M1P1.a%2B+2B".replace("%2B", "+2B"), None),
            b"/1 9\n": (b"%s 12 7\n", "UID7", None),
            b"/2 9 1275660208\n": (b"%s 12 7:1275660208\n", "UID7-1275660208", None),
            b"/3 9 1275660208\n": (b"%s 12 7:1275660208:0\n", "UID7-1275660208", None),
            b"/3 9 1275660209\n": (b"%s 12 8:0:1\n", "UID8", None),
            b"/2 9 1275660210\n": (b"%s 12 0:0\n", "100.M1P1.a+2B+2B", None),
        }
        for number, (head, (line, _, _)) in enumerate(lists.items()):
            with self.subTest(head):
                shutil.rmtree(self.old)
                maildir = self.maildir()
                self.put(maildir + "/cur", "100.M1P1.a++:2,S", MESSAGES[0])
                self.put(maildir, "courierpop3dsizelist", head + line % b"100.M1P1.a++:2,")
                self.mail("import", "mail/x%d" % number, maildir)
                expected = "100.M1P1.a+2B+2B" if number in (0, 5) else list(lists.values())[number][1]
                self.assertEqual(self.uidl_list("mail/x%d" % number), [expected])

    def test_newer_list_holds(self):
        for newer in ("dovecot-uidlist", "courierpop3dsizelist"):
            shutil.rmtree(self.old)
            maildir = self.maildir()
            self.put(maildir + "/cur", "100.a:2,", MESSAGES[0])
            self.put(maildir, "dovecot-uidlist", b"1 1000 5\n2 100.a\n", 1700000000)
            self.put(maildir, "courierpop3dsizelist", b"/2 9 77\n100.a 20 3:77\n", 1700000000)
            os.utime(os.path.join(maildir, newer), (1700000001, 1700000001))
            done = self.mail("import", "mail/" + newer, maildir)
            self.assertIn(b"whose list is the newer", done.stderr)
            self.assertEqual(self.uidl_list("mail/" + newer),
                             ["00000002000003e8" if newer == "dovecot-uidlist" else "UID3-77"])


def cyrus_index(version, validity, records, options=1, cut=0):
    """An index as Cyrus writes it: (UID, second of receipt, flags) each."""
    if version >= 20:
        header, record = bytearray(192), 144
        struct.pack_into(">I", header, 64, options)
        struct.pack_into(">I", header, 92, validity)
    elif version >= 6:
        header, record = bytearray(96 if version < 12 else 128), 96
        struct.pack_into(">I", header, 60, options)
        struct.pack_into(">I", header, 44, validity)
    else:
        header, record = bytearray(76), 52
        struct.pack_into(">I", header, 56, options)
        struct.pack_into(">I", header, 40, validity)
    struct.pack_into(">IIII", header, 8, version, len(header), record, len(records))
    octets = bytes(header)
    for uid, when, flags in records:
        one = bytearray(record)
        struct.pack_into(">I", one, 0, uid)
        if version >= 20:
            struct.pack_into(">q", one, 8, when * 1000000000)
            struct.pack_into(">I", one, 36, flags)
        else:
            struct.pack_into(">I", one, 4, when)
            struct.pack_into(">I", one, 32, flags)
        octets += one
    return octets[:len(octets) - cut]


SEEN, FLAGGED, EXPUNGED = 16, 2, 1 << 31


class Cyrus(Move):
    def spool(self, name, index):
        directory = os.path.join(self.old, name)
        os.makedirs(directory)
        self.put(directory, "cyrus.index", index)
        self.put(directory, "cyrus.header", b"Cyrus mailbox header\n")
        for number in (1, 5, 12):
            self.put(directory, "%d." % number, crlf(MESSAGES[number % 5]))
        return directory

    def test_versions(self):
        records = [(1, 1700000001, SEEN), (5, 1700000005, FLAGGED), (12, 1700000012, SEEN)]
        for version in (5, 9, 12, 17, 20):
            with self.subTest(version):
                shutil.rmtree(self.old)
                spool = self.spool("jane", cyrus_index(version, 1275660208, records))
                self.mail("import", "mail/x%d" % version, spool)
                state = self.state("mail/x%d" % version)
                self.assertEqual([uidl for uidl, _, _, _ in state],
                                 ["1275660208.1", "1275660208.5", "1275660208.12"])
                self.assertEqual([when for _, _, _, when in state],
                                 [1700000001, 1700000005, 1700000012])
                seen = ["S", "F", "S"] if version >= 12 else ["", "F", ""]
                self.assertEqual([flags for _, _, flags, _ in state], seen)
                self.assertEqual(self.show("mail/x%d" % version, 1), crlf(MESSAGES[1]))

    def test_modes(self):
        """A mailbox of an old Cyrus has UIDs alone; other formats by name; a folder has none."""
        spool = self.spool("jane", cyrus_index(12, 77, [(1, 1700000001, 0), (5, 1700000005, 0),
                                                        (12, 1700000012, EXPUNGED), (13, 1, 0)],
                                               options=0))
        self.spool("jane/Sent", cyrus_index(12, 78, [(1, 1700000001, 0)]))
        done = self.mail("import", "mail/x", spool)
        self.assertEqual(self.uidl_list("mail/x"), ["1", "5"])
        self.assertIn(b"3 of them in folders", done.stdout)
        self.assertIn(b"1 deleted on the old server", done.stdout)
        self.assertIn(b"1 in an index without a file", done.stdout)
        self.assertEqual(len(self.state("mail/x", "-F", "($Sent)")), 3)
        for pattern, uidls in (("dovecot", ["000000010000004d", "000000050000004d"]),
                               ("%v-%u", ["77-1", "77-5"])):
            self.mail("import", "-i", "-U", pattern, "mail/" + pattern, spool)
            self.assertEqual(self.uidl_list("mail/" + pattern), uidls)

    def test_broken(self):
        good = cyrus_index(12, 77, [(1, 1700000001, SEEN), (5, 1700000005, 0)])
        for number, index in enumerate([b"", b"\0" * 200, good[:30], b"\xff" * 300, good[:-10]]):
            with self.subTest(number):
                shutil.rmtree(self.old)
                told = self.told("mail/x%d" % number, self.spool("jane", index))
                self.assertIn("3 messages imported", told)
                self.assertRegex(told, "record.? of UIDLs ignored")


# --- mbox ------------------------------------------------------------------------------------------

class Mbox(Move):
    def box(self, octets):
        self.put(self.old, "box", octets)
        return os.path.join(self.old, "box")

    def test_uw_imap(self):
        """The folder's own message is no mail; books are hidden from clients, X-UIDL is not."""
        box = self.box(b"From MAILER-DAEMON Tue Nov 14 22:13:20 2023\nSubject: DON'T DELETE THIS MESSAGE"
                       b" -- FOLDER INTERNAL DATA\nX-IMAP: 1275660208 0000000003\nStatus: RO\n\ndata\n\n"
                       b"From a Tue Nov 14 22:13:21 2023\nSubject: 1\nStatus: RO\nX-Status: AF\n"
                       b"X-Keywords:\n\tmore\nX-UID: 2\nContent-Length: 4\n\none\n\n"
                       b"From b Tue Nov 14 22:13 2023 +0100\nSubject: 2\nStatus: O\nX-UID: 3\n\ntwo\n")
        told = self.told("mail/x", box)
        self.assertIn("2 messages imported", told)
        self.assertEqual(self.state("mail/x"), [
            ("000000024c0907b0", b"Subject: 1\n\none\n", "FRS", 1700000001),
            ("000000034c0907b0", b"Subject: 2\n\ntwo\n", "", 1700000000 - 20 - 3600)])
        self.mail("import", "-H", "keep", "mail/kept", box)
        self.assertIn(b"X-UID: 2\r\n", self.show("mail/kept", 1))

    def test_qpopper(self):
        """Its X-UIDL is what clients know; the server showed these fields, so they stay."""
        octets = b"Subject: 1\nX-UIDL: abc!def\nStatus: RO\n\none\n"
        self.mail("import", "mail/x", self.box(b"From a Tue Nov 14 22:13:20 2023\n" + octets))
        self.assertEqual(self.state("mail/x"), [("abc!def", octets, "S", 1700000000)])
        self.mail("import", "-H", "remove", "mail/y", self.old + "/box")
        self.assertEqual(self.show("mail/y", 1), b"Subject: 1\r\n\r\none\r\n")
        self.assertEqual(self.uidl_list("mail/y"), ["abc!def"])

    def test_lengths(self):
        body = b"one\n\nFrom nobody\n\nmore\n"
        first = b"From a Tue Nov 14 22:13:20 2023\nContent-Length: %d\n\n" % len(body)
        second = b"From b Tue Nov 14 22:13:20 2023\nContent-Length: 99999\n\ntwo\n\n"
        third = b"From c Tue Nov 14 22:13:20 2023\nA: 3\n\nthree\n"
        box = self.box(first + body + b"\n" + second + third)
        self.mail("import", "-f", "mboxcl2", "mail/x", box)
        self.assertEqual([self.show("mail/x", n).split(b"\r\n\r\n", 1)[1] for n in (1, 2, 3)],
                         [crlf(body), b"two\r\n", b"three\r\n"])
        self.mail("import", "-f", "mbox", "mail/y", box)
        self.assertEqual(len(self.uidls("mail/y")), 4)
        with open(box, "rb") as file:
            self.mail("import", "-f", "mboxcl2", "mail/z", "-", status=64, input=file.read())


# --- README.md ---------------------------------------------------------------------------------------

class Readme(Move):
    def places(self):
        """What README.md calls the places of the old servers, each with two messages."""
        maildir = self.maildir()
        self.put(maildir + "/cur", "1700000000.a:2,S", MESSAGES[0])
        self.put(maildir + "/cur", "1700000001.b:2,", MESSAGES[1])
        self.put(maildir, "dovecot-uidlist", b"3 V1000 N9 Gabc\n1 :1700000000.a\n2 :1700000001.b\n")
        self.put(self.old, "mbox", b"From a Tue Nov 14 22:13:20 2023\nX-IMAPbase: 1000 2\nX-UID: 1\n"
                 b"Status: RO\n" + MESSAGES[0] + b"\nFrom b Tue Nov 14 22:13:21 2023\nX-UID: 2\n"
                 + MESSAGES[1])
        spool = os.path.join(self.old, "jdoe")
        os.mkdir(spool)
        self.put(spool, "cyrus.index", cyrus_index(12, 1000, [(1, 1700000000, SEEN), (2, 1700000001, 0)]))
        files = os.path.join(self.old, "files")
        os.mkdir(files)
        for i in (1, 2):
            self.put(spool, "%d." % i, crlf(MESSAGES[i - 1]))
            self.put(files, "%d.eml" % i, MESSAGES[i - 1])
        self.put(self.old, "map", b"1.eml one\n2.eml two\n")
        return {"DATA": self.data, "OWNER": "CN=Jane Doe/O=Acme", "FILES": files,
                "MAP": self.old + "/map", "OUT": self.old + "/out", "OUT.mbox": self.old + "/out.mbox",
                "/var/vmail/jdoe/Maildir": maildir, "/var/mail/jdoe": self.old + "/mbox",
                "/var/spool/cyrus/mail/j/user/jdoe": spool}

    def test_commands(self):
        """Each line of the section "Moving in" does what it says."""
        with open(TOP / "README.md", encoding="utf-8") as file:
            section = file.read().split("## Moving in\n")[1].split("\n## ")[0]
        lines = [re.split("  +", line[4:])[0].split(" ") for line in section.splitlines()
                 if line.startswith("    postil mail ")]
        self.assertEqual(len(lines), 9)
        dovecot = ["00000001000003e8", "00000002000003e8"]
        wanted = iter([None, dovecot, ["1000.1", "1000.2"], dovecot, dovecot, ["1000.1", "1000.2"],
                       ["one", "two"]])
        places = self.places()
        for line in lines:
            arguments = [places.get(word, word) for word in line[1:]]
            if line[2] == "export":
                self.run_postil(*arguments)
                continue
            shutil.rmtree(self.path("mail"), ignore_errors=True)
            done = self.run_postil(*arguments)
            self.assertTrue(done.stdout.startswith(b"2 messages "), done.stdout)
            uidls = next(wanted)
            if uidls is not None:
                self.assertEqual(self.uidl_list("mail/jdoe.nsf"), uidls)
                self.assertEqual(self.show("mail/jdoe.nsf", 2), crlf(MESSAGES[1]))
        self.assertTrue(os.path.exists(self.old + "/out/dovecot-uidlist"))
        with open(self.old + "/out.mbox", "rb") as file:
            self.assertIn(b"\nX-UIDL: two\n", file.read())


# --- again, clashes, dry runs --------------------------------------------------------------------------

class Again(Move):
    def fill(self):
        maildir = self.maildir()
        for i, octets in enumerate(MESSAGES):
            self.put(maildir + "/cur", "%d.a%d:2,%s" % (1700000000 + i, i, "S" * (i % 2)), octets)
        self.put(maildir, "dovecot-uidlist", b"3 V1000 N9 Gabc\n" + b"".join(
            b"%d P%s :%d.a%d\n" % (i + 1, uidl, 1700000000 + i, i) for i, uidl in enumerate(
                [b"first", b"u" * 71, b"odd\xff", b"four"])))
        return maildir

    def test_dry_run(self):
        maildir = self.fill()
        self.mail("create", "mail/x")
        before = sorted(os.listdir(self.path("mail")))
        for target in ("mail/x", "mail/new"):
            done = self.mail("import", "--dry-run", target, maildir)
            self.assertIn(b"5 messages would be imported", done.stdout)
            self.assertIn(b"2 of them read", done.stdout)
            self.assertIn(b"2 of them with a UIDL of the old server", done.stdout)
            self.assertIn(b"2 with a new UIDL, for POP3 cannot carry theirs", done.stdout)
            self.assertIn(b"1 with a new UIDL, for none was known", done.stdout)
        self.assertEqual(sorted(os.listdir(self.path("mail"))), before)
        self.assertEqual(self.uidls("mail/x"), [])
        self.mail("import", "mail/x", maildir)
        self.assertIn(b"0 messages would be imported", self.mail("import", "-n", "mail/x", maildir).stdout)

    def test_again_and_clash(self):
        maildir = self.fill()
        self.mail("import", "mail/x", maildir)
        before = self.uidls("mail/x")
        self.assertIn("0 messages imported", self.told("mail/x", maildir))
        self.assertEqual(self.uidls("mail/x"), before)
        # the same UIDL for other octets; again is then the same as well
        self.put(maildir + "/cur", "1700000000.a0:2,", b"Subject: another\n\n")
        for wanted in ("1 message imported", "0 messages imported"):
            done = self.mail("import", "mail/x", maildir)
            self.assertIn(wanted, done.stdout.decode())
        self.assertEqual(len(self.uidls("mail/x")), 6)
        self.assertEqual(self.uidl_list("mail/x").count("first"), 1)
        # a message deleted here comes back with its UIDL
        self.mail("delete", "-u", "mail/x", "four")
        self.assertIn("1 message imported", self.told("mail/x", maildir))
        self.assertIn("four", self.uidl_list("mail/x"))

    def test_equal_messages(self):
        """As many copies as the source has, however often it is imported."""
        for name in ("1.eml", "2.eml", "3.eml"):
            self.put(self.old, name, MESSAGES[0])
        for _ in range(2):
            self.mail("import", "mail/x", self.old)
            self.assertEqual(len(self.uidls("mail/x")), 3)

    def test_round_trips(self):
        maildir = self.fill()
        os.mkdir(maildir + "/.Projekt &ANw-bung.2024")
        os.mkdir(maildir + "/.Projekt &ANw-bung.2024/cur")
        self.put(maildir + "/.Projekt &ANw-bung.2024/cur", "1700000100.f:2,S", b"Subject: filed\n\n")
        self.mail("import", "-o", "CN=Jane/O=Acme", "mail/x", maildir)
        state = self.state("mail/x")
        self.assertEqual([flags for _, _, flags, _ in state], ["", "S", "", "S", ""])
        self.assertEqual([when for _, _, _, when in state], [1700000000 + i for i in range(5)])
        folder = "Projekt \u00dcbung\\2024"
        filed = self.state("mail/x", "-F", folder)
        self.assertEqual([(o, f, w) for _, o, f, w in filed], [(b"Subject: filed\n\n", "S", 1700000100)])
        self.mail("export", "-f", "maildir", "mail/x", self.path("out"))
        self.mail("import", "-o", "CN=Jane/O=Acme", "mail/y", self.path("out"))
        self.assertEqual(self.state("mail/y"), state)
        self.assertEqual(self.state("mail/y", "-F", folder), filed)
        self.mail("export", "-x", "mail/x", self.path("box"))
        self.mail("import", "-f", "mboxrd", "mail/z", self.path("box"))
        self.assertEqual(self.state("mail/z"), state)
        self.mail("export", "-f", "eml", "-u", self.path("map"), "mail/x", self.path("files"))
        self.mail("import", "-u", self.path("map"), "mail/w", self.path("files"))
        self.assertEqual([(u, o, w) for u, o, _, w in self.state("mail/w")],
                         [(u, o, w) for u, o, _, w in state])


# --- what lies in a Maildir and is no mail -----------------------------------------------------------------

class Hostile(Move):
    def test_odd_files(self):
        maildir = self.maildir()
        secret = self.write("secret", b"Subject: secret\n\n")
        self.put(maildir + "/cur", "100.a:2,S", MESSAGES[0])
        self.put(maildir + "/cur", "101.big:2,", b"X: " + b"y" * 1100000 + b"\n\nbody\n")
        self.put(maildir + "/cur", "102.none", b"\0\xff\r\n" * 100)
        self.put(maildir + "/cur", "103.empty:2,", b"")
        os.mkfifo(maildir + "/cur/104.fifo:2,")
        os.symlink(secret, maildir + "/cur/105.link:2,")
        os.mkdir(maildir + "/cur/106.dir")
        os.symlink(self.data, maildir + "/.Link")
        os.symlink("/etc/passwd", maildir + "/courierpop3dsizelist")
        here = os.getcwd()
        os.chdir(maildir + "/cur")
        self.addCleanup(os.chdir, here)
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind("107.socket")
        self.put(maildir, "dovecot-uidlist", b"3 V1000 N9 G\0abc\nx\0y\n1 Pone :100.a\n" + b"z" * 3000000
                 + b"\n2 Ptwo :../../secret\n3 :100.a:2,\n-1 :103.empty\n4294967296 :a\n5 Pfive :103.empty\n")
        done = self.mail("import", "mail/x", maildir, status=65)
        self.assertIn(b"4 messages imported", done.stdout)
        self.assertIn(b"4 passed over", done.stdout)
        for text in (b"104.fifo:2,: passed over: it is not a regular file",
                     b"105.link:2,: passed over: it is a link",
                     b"106.dir: passed over: it is not a regular file",
                     b"107.socket: passed over: it is not a regular file"):
            self.assertIn(text, done.stderr)
        self.assertIn("five", self.uidl_list("mail/x"))
        for number in (1, 2, 3, 4):
            self.assertNotIn(b"secret", self.show("mail/x", number))

    def test_messages_move_meanwhile(self):
        """A client reads mail while it is imported: from new to cur, with flags."""
        maildir, count = self.maildir(), 400
        for i in range(count):
            self.put(maildir + "/new", "%d.a" % (1700000000 + i), b"Subject: %d\n\n" % i)

        def client():
            for i in range(count):
                name = "%d.a" % (1700000000 + i)
                os.rename(maildir + "/new/" + name, maildir + "/cur/" + name + ":2,S")
                if i % 20 == 0:
                    time.sleep(0.001)
        thread = threading.Thread(target=client)
        thread.start()
        # what was missed between the two looks into the directories is for the next run
        self.mail("import", "mail/x", maildir, status=(0, 65))
        thread.join()
        self.mail("import", "mail/x", maildir)
        self.assertEqual(len(self.uidls("mail/x")), count)


if __name__ == "__main__":
    unittest.main()
