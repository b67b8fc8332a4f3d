"""postil mail and postil deliver, as an administrator and an MTA use them.

Each test works on a data directory of its own. Nothing here needs a server.
"""
import fcntl
import mailbox
import os
import pathlib
import pty
import select
import shutil
import signal
import stat
import struct
import subprocess
import tempfile
import threading
import unittest

TOP = pathlib.Path(os.environ.get("top_srcdir", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("top_builddir", TOP / "build"))
POSTIL = str(BUILD / "programs" / "postil")

PERSONS = """<?xml version='1.0' encoding='utf-8'?>
<database xmlns='http://www.lotus.com/dxl' title='Directory'>
%s</database>
"""
PERSON = """<document form='Person'>
<noteinfo unid='%032X'/>
<item name='Form'><text>Person</text></item>
<item name='Type'><text>Person</text></item>
<item name='FullName'><textlist><text>CN=%s/O=Acme</text><text>%s</text></textlist></item>
<item name='InternetAddress'><text>%s</text></item>
<item name='MailFile'><text>%s</text></item>
</document>
"""


class Case(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp(prefix="postil-mail-")
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    def run_postil(self, *arguments, input=b"", status=0, env=None, **more):
        environment = {k: v for k, v in os.environ.items() if k != "POSTIL_DATA"}
        environment["POSTIL_DATA"] = self.data
        environment.update(env or {})
        done = subprocess.run([POSTIL, *arguments], input=input, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **more)
        allowed = status if isinstance(status, tuple) else (status,)
        self.assertIn(done.returncode, allowed,
                      (arguments, done.stdout[-500:], done.stderr[-500:]))
        if done.returncode != 0:
            self.assertTrue(done.stderr.startswith((b"postil", b"Usage:")), done.stderr)
        return done

    def mail(self, verb, *arguments, **more):
        return self.run_postil("mail", verb, *arguments, **more)

    def path(self, *parts):
        return os.path.join(self.data, *parts)

    def write(self, name, octets):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(octets)
        return self.path(name)

    def uidls(self, mail_file):
        lines = self.mail("list", "-u", mail_file).stdout.decode().splitlines()
        return [line.split(" ") for line in lines]

    def show(self, mail_file, number):
        return self.mail("show", "-r", mail_file, str(number)).stdout


class Dispatcher(Case):
    def test_starts_light(self):
        """A delivery loads no library that only a terminal needs."""
        def libraries(name):
            done = subprocess.run(["ldd", str(BUILD / "programs" / name)], check=True, timeout=60,
                                  stdout=subprocess.PIPE)
            return done.stdout.decode()
        self.assertNotIn("libedit", libraries("postil"))
        self.assertIn("libedit", libraries("postil-console"))

    def test_help(self):
        self.assertIn(b"deliver", self.run_postil("--help").stdout)
        self.assertTrue(self.run_postil("--version").stdout.startswith(b"postil "))
        self.assertIn(b"import", self.mail("--help").stdout)
        for verb in ("server", "console", "directory", "deliver", "lockout"):
            answer = self.run_postil(verb, "--help")
            self.assertEqual((answer.returncode, answer.stderr), (0, b""), verb)
            self.assertIn(b"sage: postil " + verb.encode(), answer.stdout)
        self.run_postil(status=64)
        self.run_postil("nonsense", status=64)
        self.mail("nonsense", status=64)
        for verb in ("create", "info", "list", "show", "import", "export", "delete"):
            self.mail(verb, status=64)
            self.mail(verb, "-Z", "x", status=64)
            answer = self.run_postil("mail", verb, "--help")
            self.assertEqual((answer.returncode, answer.stderr), (0, b""), verb)
            self.assertIn(b"Usage: postil mail " + verb.encode(), answer.stdout)
        self.run_postil("deliver", status=64)

    def test_program_directory(self):
        with tempfile.TemporaryDirectory() as directory:
            script = os.path.join(directory, "postil-server")
            with open(script, "w") as file:
                file.write("#!/bin/sh\necho server \"$@\"\nexit 7\n")
            os.chmod(script, 0o755)
            done = subprocess.run([POSTIL, "server", "-d", "a b", ""],
                                  env={**os.environ, "POSTIL_PROGRAM_DIR": directory},
                                  stdout=subprocess.PIPE, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (7, b"server -d a b \n"))
            self.run_postil("console", status=69, env={"POSTIL_PROGRAM_DIR": directory})

    def test_data_directory(self):
        self.mail("list", "mail/x", status=66, env={"POSTIL_DATA": self.path("no")})
        self.mail("create", "-d", self.data, "mail/x", env={"POSTIL_DATA": self.path("no")})
        self.mail("info", "mail/x")
        self.mail("info", "x", "-d", self.path("mail"))


class Files(Case):
    def test_create(self):
        self.mail("create", "-o", "CN=Jane Doe/O=Acme", "mail\\jane")
        mode = os.stat(self.path("mail", "jane.nsf")).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("mail")).st_mode), 0o700)
        told = self.mail("info", "-c", "mail/jane").stdout
        self.assertIn(b"CN=Jane Doe/O=Acme", told)
        self.assertIn(b"no fault found", told)
        self.mail("create", "mail/jane", status=73)
        self.assertEqual(self.mail("list", "mail/jane").stdout, b"")

    def test_names_refused(self):
        for name in ("", "..", "../x", "/etc/x", "mail/../../x", "mail/", "a\nb", "c:\\x"):
            told = self.mail("create", name, status=64).stderr
            self.assertIn(b"cannot be used", told)
        os.symlink("/tmp", self.path("out"))
        self.mail("create", "out/x", status=64)
        self.assertEqual(os.listdir(self.data), ["out"])

    def test_foreign(self):
        self.write("mail/real.nsf", b"\x1a\x00\x00\x04" + bytes(1000))
        told = self.mail("list", "mail/real", status=65).stderr
        self.assertIn(b"export", told)
        self.write("mail/text.nsf", b"no database")
        self.mail("list", "mail/text", status=65)
        self.mail("list", "mail/none", status=66)
        self.assertFalse(os.path.exists(self.path("mail", "none.nsf-lock")))

    def test_damaged(self):
        self.mail("import", "mail/x", self.write("in/1.eml", b"A: 1\n\n" + b"x" * 100000))
        with open(self.path("mail", "x.nsf"), "r+b") as file:
            file.seek(0, os.SEEK_END)
            for at in range(8192, file.tell(), 8192):
                file.seek(at)
                file.write(b"\xa5" * 4000)
        self.assertIn(b"damaged", self.mail("info", "-c", "mail/x", status=65).stderr)

    def test_delete_file(self):
        self.mail("create", "mail/x")
        self.mail("delete", "-F", "mail/x")
        self.assertEqual(os.listdir(self.path("mail")), [])
        self.mail("delete", "-F", "mail/x", status=66)


class Messages(Case):
    def setUp(self):
        super().setUp()
        self.box = self.write("in.mbox", b"".join(
            b"From a@x Mon Jan  1 00:00:00 2024\nFrom: A <a@x>\nSubject: number %d\n"
            b"Date: Fri, 21 Nov 1997 09:55:06 +0000\n\nbody %d\n\n" % (i, i)
            for i in range(1, 11)))

    def test_import_list_show_delete(self):
        told = self.mail("import", "mail/x", self.box).stdout
        self.assertIn(b"10 messages imported into mail/x.nsf", told)
        lines = self.mail("list", "mail/x", env={"TZ": "UTC"}).stdout.decode().splitlines()
        self.assertEqual(len(lines), 10)
        self.assertRegex(lines[2], r"^ +3 +\d+  1997-11-21 09:55  A <a@x> +number 3$")
        self.assertTrue(self.show("mail/x", 3).endswith(b"\r\n\r\nbody 3\r\n"))
        for number in ("0", "11", "-1", "x", "99999999999999999999", ""):
            self.mail("show", "--", "mail/x", number, status=66)
        before = self.uidls("mail/x")
        self.assertEqual(len({uidl for _, _, uidl in before}), 10)
        self.mail("delete", "mail/x", "2-4", "9")
        self.assertEqual([u for _, _, u in self.uidls("mail/x")],
                         [u for n, _, u in before if n not in "2349"])
        self.mail("delete", "-u", "--", "mail/x", before[0][2], before[4][2])
        self.assertEqual(len(self.uidls("mail/x")), 4)
        for wrong in (["1", "5"], ["0"], ["3-2"], ["x"], ["-u", "nonsense"]):
            done = subprocess.run([POSTIL, "mail", "delete", "-d", self.data, "mail/x", *wrong],
                                  stderr=subprocess.PIPE, timeout=60)
            self.assertIn(done.returncode, (64, 66))
        self.assertEqual(len(self.uidls("mail/x")), 4)

    def test_show_is_harmless(self):
        """Controls beyond ASCII begin escape sequences in many terminals, too."""
        raw = b"Subject: a\x1b[2Jb \xc2\x9b2Jc \xc2\r\x9b2Jd \xc3\xa9\n\nx\n"
        self.mail("import", "mail/x", self.write("in/1.eml", raw))
        shown = self.mail("show", "-H", "mail/x", "1").stdout
        self.assertEqual(shown, b"Subject: a?[2Jb \xc2?2Jc \xc2?2Jd \xc3\xa9\n\n")
        told = self.mail("show", "mail/x", "\u009b2J", status=66).stderr
        self.assertNotIn("\u009b".encode(), told)
        self.assertIn(b"2J", told)

    def test_octets(self):
        raw = b"A: 1\n\n.dot\nbare\rcr\r\n\0\xff8-bit\n" + b"y" * 1000000 + b"\nlast"
        stored = b"A: 1\r\n\r\n.dot\r\nbare\rcr\r\n\0\xff8-bit\r\n" + b"y" * 1000000 + b"\r\nlast\r\n"
        self.mail("import", "mail/x", self.write("in/1.eml", raw))
        self.assertIn(b"1 there already", self.mail("import", "mail/x", "-", input=raw).stdout)
        self.mail("import", "mail/y", "-", input=raw)
        self.assertEqual(self.show("mail/x", 1), stored)
        self.assertEqual(self.show("mail/y", 1), stored)
        self.assertEqual(int(self.uidls("mail/x")[0][1]), len(stored))

    def test_progress_on_a_terminal(self):
        """A bar is shown when it is long, and nothing of it elsewhere."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([POSTIL, "mail", "import", "-d", self.data, "mail/x", "-"],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        seen = b""
        for _ in range(200):            # until it shows; each piece is a step
            process.stdin.write(b"Subject: x\n" * 1000)
            process.stdin.flush()
            if select.select([ours], [], [], 0.05)[0]:
                seen = os.read(ours, 1000)
                break
        process.stdin.close()
        self.assertEqual(process.wait(60), 0)
        os.close(ours)
        self.assertIn(b"messages", seen)
        self.assertEqual(self.mail("import", "mail/x", self.box).stderr, b"")

    def test_no_terminal_tricks(self):
        self.mail("import", "mail/x", self.write(
            "in/1.eml", b"From: \x1b[31mred\nSubject: =?utf-8?q?=1B]0;title=07=C2=9B?=\n\nx\n"))
        listed = self.mail("list", "mail/x").stdout
        self.assertNotIn(b"\x1b", listed)
        self.assertNotIn(b"\x07", listed)
        self.assertNotIn(b"\xc2\x9b", listed)

    def test_python_reads_what_is_exported(self):
        self.mail("import", "mail/x", self.box)
        self.mail("export", "mail/x", self.path("out.mbox"))
        box = mailbox.mbox(self.path("out.mbox"))
        self.assertEqual([m["Subject"] for m in box], ["number %d" % i for i in range(1, 11)])
        box.close()
        self.mail("export", "-f", "maildir", "mail/x", self.path("maildir"))
        self.assertEqual(sorted(m["Subject"] for m in mailbox.Maildir(self.path("maildir"))),
                         sorted("number %d" % i for i in range(1, 11)))
        self.mail("export", "-f", "eml", "mail/x", self.path("eml"))
        self.assertEqual(len(os.listdir(self.path("eml"))), 10)
        with open(self.path("eml", "7.eml"), "rb") as file:
            self.assertEqual(file.read(), self.show("mail/x", 7))
        piped = self.mail("export", "mail/x", "-").stdout
        with open(self.path("out.mbox"), "rb") as file:
            self.assertEqual(file.read(), piped)

    def test_export_overwrites_nothing(self):
        self.mail("import", "mail/x", self.box)
        self.write("out", b"precious")
        for form in ("mbox", "mboxrd", "eml", "maildir"):
            self.mail("export", "-f", form, "mail/x", self.path("out"), status=73)
        self.mail("export", "-f", "zip", "mail/x", self.path("new"), status=64)
        with open(self.path("out"), "rb") as file:
            self.assertEqual(file.read(), b"precious")

    def test_move_with_uidls(self):
        self.mail("import", "mail/x", self.box)
        self.mail("export", "-u", self.path("map"), "mail/x", self.path("out"))
        told = self.mail("import", "-f", "mboxrd", "-u", self.path("map"), "mail/y",
                         self.path("out")).stdout
        self.assertIn(b"10 of them with a UIDL of the old server or the map", told)
        self.assertEqual(self.uidls("mail/x"), self.uidls("mail/y"))
        told = self.mail("import", "-f", "mboxrd", "-u", self.path("map"), "mail/y",
                         self.path("out")).stdout
        self.assertIn(b"10 there already", told)
        self.assertEqual(len(self.uidls("mail/y")), 10)

    def test_python_mailboxes_are_imported(self):
        maildir = mailbox.Maildir(self.path("in"), create=True)
        for i in range(5):
            message = mailbox.MaildirMessage("Subject: number %d\n\nbody\n" % i)
            message.set_subdir("cur")
            message.add_flag("S")
            maildir.add(message)
        self.mail("import", "mail/x", self.path("in"))
        self.assertEqual(len(self.uidls("mail/x")), 5)

    def test_import_faults(self):
        self.mail("import", "mail/x", self.path("none"), status=66)
        self.mail("import", "-f", "mbox", "mail/x", self.write("in/1.eml", b"A: 1\n"), status=65)
        self.mail("import", "-f", "zip", "mail/x", self.box, status=64)
        self.mail("import", "-u", self.write("map", b"nonsense\n"), "mail/x", self.box, status=65)
        self.assertFalse(os.path.exists(self.path("mail", "x.nsf")))


class Deliver(Case):
    def persons(self, *persons):
        text = "".join(PERSON % (i + 1, name, name, address, mail_file)
                       for i, (name, address, mail_file) in enumerate(persons))
        self.write("names/persons.dxl", (PERSONS % text).encode())
        self.run_postil("directory", "update")

    def setUp(self):
        super().setUp()
        self.persons(("Jane Doe", "jane@acme.example", "mail\\jane"),
                     ("John Doe", "john@acme.example", "mail/john.nsf"),
                     ("No File", "none@acme.example", ""),
                     ("Out Side", "out@acme.example", "../../out.nsf"))

    def deliver(self, *arguments, input=b"Subject: x\n\nbody\n", status=0):
        return self.run_postil("deliver", *arguments, input=input, status=status)

    def test_one(self):
        self.deliver("jane@acme.example")
        self.assertEqual(self.show("mail/jane", 1), b"Subject: x\r\n\r\nbody\r\n")
        self.assertIn(b"CN=Jane Doe/O=Acme", self.mail("info", "mail/jane").stdout)
        self.deliver("-f", "<bounce@x>", "Jane Doe", input=b"From x Mon\nA: 1\n\nFrom y\n")
        self.assertEqual(self.show("mail/jane", 2),
                         b"Return-Path: <bounce@x>\r\nA: 1\r\n\r\nFrom y\r\n")
        self.deliver("-f", "", "jane@acme.example", input=b"A: 1\n")
        self.assertEqual(self.show("mail/jane", 3), b"Return-Path: <>\r\nA: 1\r\n")

    def test_several(self):
        self.deliver("jane@acme.example", "CN=John Doe/O=Acme", "Jane Doe", "<john@acme.example>")
        self.assertEqual(len(self.uidls("mail/jane")), 1)
        self.assertEqual(len(self.uidls("mail/john")), 1)
        told = self.deliver("jane@acme.example", "nobody@acme.example", status=67).stderr
        self.assertIn(b"nobody@acme.example", told)
        told = self.deliver("nobody@else.example", status=67).stderr
        self.assertIn(b"not a domain of this server", told)
        self.deliver("jane@acme.example", "none@acme.example", status=67)
        self.deliver("jane@acme.example", "out@acme.example", status=75)
        self.assertEqual(len(self.uidls("mail/jane")), 1)

    def test_one_of_several_cannot_be_opened(self):
        self.write("mail/john.nsf", b"no database")
        told = self.deliver("jane@acme.example", "john@acme.example", status=75).stderr
        self.assertIn(b"john.nsf", told)
        self.assertEqual(self.uidls("mail/jane"), [])

    def test_hostile_names(self):
        for name in ("", "x" * 5000, "a\nb", "\x1b[31m", "%s%n", "../../x", "'; drop table"):
            told = self.deliver("--", name, status=67).stderr
            self.assertNotIn(b"\x1b", told)
            self.assertEqual(told.count(b"\n"), 1)
        self.deliver("-f", "a\nEvil: header", "jane@acme.example", status=65)
        self.assertFalse(os.path.exists(self.path("mail")))

    def test_no_directory(self):
        os.remove(self.path("names.nsf"))
        self.deliver("jane@acme.example", status=75)
        self.run_postil("deliver", "-d", self.path("none"), "jane@acme.example", status=75)

    def test_during_a_session(self):
        """Whoever holds the session lock, delivery does not wait."""
        self.deliver("jane@acme.example")
        with open(self.path("mail", "jane.nsf-lock"), "r+b") as lock:
            taken = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1, 1, 0)
            fcntl.fcntl(lock, 37, taken)        # F_OFD_SETLK
            self.deliver("jane@acme.example")
            self.mail("list", "mail/jane")
            self.mail("export", "mail/jane", self.path("out"))
            self.mail("delete", "-F", "mail/jane", status=75)
            self.mail("delete", "mail/jane", "1")
            self.assertEqual(len(self.uidls("mail/jane")), 1)

    def test_at_once(self):
        """Deliveries from many processes, the first of which make the file."""
        failures = []

        def some():
            for _ in range(5):
                done = subprocess.run([POSTIL, "deliver", "-d", self.data, "jane@acme.example"],
                                      input=b"Subject: x\n\nbody\n", stderr=subprocess.PIPE,
                                      timeout=60)
                if done.returncode != 0:
                    failures.append(done.stderr)

        threads = [threading.Thread(target=some) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(self.uidls("mail/jane")), 20)
        self.assertIn(b"no fault found", self.mail("info", "-c", "mail/jane").stdout)

    def test_killed(self):
        """A delivery that is killed leaves the message whole or not at all."""
        self.deliver("jane@acme.example")
        big = b"Subject: big\n\n" + b"x" * 70 * 40000
        big = big[:14] + b"\n".join(big[14 + i:84 + i] for i in range(0, len(big) - 14, 70))
        for pause in (0.0, 0.01, 0.03, 0.06):
            process = subprocess.Popen([POSTIL, "deliver", "-d", self.data, "jane@acme.example"],
                                       stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            try:
                process.stdin.write(big)
                process.stdin.close()
            except BrokenPipeError:
                pass
            try:
                process.wait(pause)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
        self.assertIn(b"no fault found", self.mail("info", "-c", "mail/jane").stdout)
        for number, size, _ in self.uidls("mail/jane"):
            self.assertEqual(len(self.show("mail/jane", number)), int(size))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_becomes_the_owner(self):
        for directory, _, files in os.walk(self.data):
            for name in [directory] + [os.path.join(directory, f) for f in files]:
                os.chown(name, 12345, 12345)
        self.deliver("jane@acme.example")
        self.mail("create", "mail/new")
        for directory, _, files in os.walk(self.data):
            for name in [directory] + [os.path.join(directory, f) for f in files]:
                self.assertEqual((name, os.stat(name).st_uid), (name, 12345))



class Acl(Case):
    def acl(self, *words, **more):
        return self.mail("acl", "mail/a.nsf", *words, **more).stdout.decode()

    def test_shown_and_changed(self):
        self.mail("create", "-o", "Ann Lee/Acme", "mail/a.nsf")
        cap = "Maximum Internet name and password access: %s\n"
        self.assertEqual(self.acl(), "no access            -Default-\n"
                         "manager              CN=Ann Lee/O=Acme\n" + cap % "editor")
        self.assertIn("editor     nodelete  CN=Bob Ray/O=Acme\n",
                      self.acl("set", "Bob Ray/Acme", "editor", "nodelete"))
        self.assertIn("reader               -Default-\n", self.acl("set", "-default-", "Reader"))
        self.assertIn(cap % "reader", self.acl("internet", "reader"))
        self.assertNotIn("Bob", self.acl("remove", "bob ray/acme"))
        self.assertEqual(self.acl(), "reader               -Default-\n"
                         "manager              CN=Ann Lee/O=Acme\n" + cap % "reader")

    def test_import_names_an_owner(self):
        self.mail("import", "-o", "CN=Ann Lee/O=Acme", "mail/a.nsf", "-",
                  input=b"Subject: x\n\nbody\n")
        self.assertIn("manager              CN=Ann Lee/O=Acme\n", self.acl())

    def test_refused(self):
        self.mail("acl", "mail/none.nsf", status=66)
        self.mail("create", "mail/a.nsf")
        before = self.acl()
        for words in (["set", "x"], ["set", "x", "reader", "nodeletes"], ["remove"], ["drop", "x"],
                      ["internet"]):
            self.acl(*words, status=64)
        for words in (["set", "x", "king"], ["set", " ", "reader"], ["set", "a\nb", "reader"],
                      ["set", "x" * 300, "reader"], ["remove", "-Default-"], ["internet", "9"]):
            self.assertNotIn(b"\n\n", self.mail("acl", "mail/a.nsf", *words, status=64).stderr)
        self.acl("remove", "nobody", status=66)
        self.assertEqual(self.acl(), before)


if __name__ == "__main__":
    unittest.main()
