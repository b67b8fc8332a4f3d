"""The servers that are measured: ours, the canned one, Dovecot.

Each takes the folder to work in, the messages of each mailbox, their octets, the number of
mailboxes; with credential (a PEM file of certificate and key) its port speaks TLS.
"""
import os
import shutil
import subprocess

from common import BUILD, PASSWORD, POSTIL, free_port, stop, tree, wait_port
import inetpass

PLAIN_PORT = ("<item name='POP3_Port'><number>%d</number></item>"
              "<item name='POP3_PortStatus'><text>1</text></item>")
TLS_PORT = ("<item name='POP3_PortStatus'><text>0</text></item>"
            "<item name='POP3_SSLPort'><number>%d</number></item>"
            "<item name='POP3_SSLStatus'><text>1</text></item>"
            "<item name='POP3_SSLKeyFile'><text>bench</text></item>")
CANNED = os.path.join(BUILD, "tests/bench/canned")


def message(octets):
    head = b"From: bench@example.com\r\nTo: user@example.com\r\nSubject: benchmark\r\n\r\n"
    line = b"x" * 76 + b"\r\n"
    body = line * ((octets - len(head)) // len(line) + 1)
    return (head + body)[:octets - 2].rstrip(b"\r\n").ljust(octets - 2, b"y") + b"\r\n"


class Canned:
    name = "canned"

    def __init__(self, work, messages, octets, credential=None, **_):
        self.port = free_port()
        self.process = subprocess.Popen([CANNED, str(self.port), str(messages), str(octets),
                                         *([credential] if credential else [])])
        self.pid = self.process.pid
        wait_port(self.port, tls=credential is not None)

    def task(self):
        return self.pid

    def stop(self):
        self.process.kill()
        self.process.wait()


class Postil:
    name = "postil"

    def __init__(self, work, messages, octets, mailboxes=100, extra="", credential=None):
        self.work = os.path.join(work, "postil")
        self.port = free_port()
        self.log = os.path.join(work, "postil.log")
        os.makedirs(os.path.join(self.work, "names"), mode=0o700)
        digest = inetpass.v3(PASSWORD.encode())
        with open(os.path.join(self.work, "notes.ini"), "w") as f:
            f.write("[Notes]\nServerName=CN=bench/O=Bench\nServerTasks=pop3\n"
                    "POP3_Max_Sessions=30000\nPOP3_Max_Sessions_Per_Address=0\n" +
                    ("ServerUser=nobody\n" if os.getuid() == 0 else "") + extra)
        with open(os.path.join(self.work, "names", "server.dxl"), "w") as f:
            f.write("<?xml version='1.0' encoding='utf-8'?>\n<database xmlns='http://www.lotus.com/dxl'>\n"
                    "<document form='Server'><item name='Type'><text>Server</text></item>"
                    "<item name='ServerName'><text>CN=bench/O=Bench</text></item>"
                    + (TLS_PORT if credential else PLAIN_PORT) % self.port + "</document>\n</database>\n")
        if credential:
            self.use_credential(credential)
        with open(os.path.join(self.work, "names", "persons.dxl"), "w") as f:
            f.write("<?xml version='1.0' encoding='utf-8'?>\n<database xmlns='http://www.lotus.com/dxl'>\n")
            for i in range(mailboxes):
                f.write(f"<document form='Person'><item name='Type'><text>Person</text></item>"
                        f"<item name='FullName'><textlist><text>CN=Bench User {i}/O=Bench</text>"
                        f"<text>user{i}</text></textlist></item>"
                        f"<item name='InternetAddress'><text>user{i}@example.com</text></item>"
                        f"<item name='HTTPPassword'><text>{digest}</text></item>"
                        f"<item name='MailServer'><text>CN=bench/O=Bench</text></item>"
                        f"<item name='MailFile'><text>mail\\user{i}</text></item></document>\n")
            f.write("</database>\n")
        self.make_mail(messages, octets, mailboxes)
        self.give(self.work)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([POSTIL, "server", "-d", self.work], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        self.pid = self.process.pid
        wait_port(self.port, 120, tls=credential is not None)

    @staticmethod
    def give(path):
        """To the user the server runs as."""
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", "nobody:nogroup", path], check=True)

    def use_credential(self, credential):
        """Put in the place of the one before as a renewed certificate is: at once."""
        folder = os.path.join(self.work, "certs")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        new = os.path.join(folder, ".new")
        shutil.copy(credential, new)
        os.chmod(new, 0o600)
        self.give(folder)
        os.rename(new, os.path.join(folder, "bench.pem"))

    def tell(self, command):
        self.run("console", "-d", self.work, *command.split())

    def task(self):
        """The process of the POP3 task."""
        for pid in tree(self.pid):
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() == "pop3":
                    return pid
        raise SystemExit("bench: no process of the POP3 task")

    def make_mail(self, messages, octets, mailboxes):
        mbox = os.path.join(self.work, "template.mbox")
        with open(mbox, "wb") as f:
            text = message(octets).replace(b"\r\n", b"\n")
            for _ in range(messages):
                f.write(b"From bench Thu Jan  1 00:00:00 2026\n" + text + b"\n")
        self.run("mail", "create", "-d", self.work, "mail/user0.nsf")
        self.run("mail", "import", "-d", self.work, "mail/user0.nsf", mbox)
        os.unlink(mbox)
        first = os.path.join(self.work, "mail", "user0.nsf")
        for i in range(1, mailboxes):
            shutil.copy(first, os.path.join(self.work, "mail", f"user{i}.nsf"))

    @staticmethod
    def run(*arguments):
        done = subprocess.run([POSTIL, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"bench: postil {' '.join(arguments)}: {done.stderr}")

    def stop(self):
        stop(self.process, self.work)


class Dovecot:
    """In its fast settings: one login and one pop3 process serve all clients."""
    name = "dovecot"

    def __init__(self, work, messages, octets, mailboxes=100, credential=None, **_):
        self.work = os.path.join(work, "dovecot")
        self.port = free_port()
        uid = os.getuid()
        os.makedirs(self.work)
        os.chmod(work, 0o755)
        if uid == 0:
            import pwd
            owner = pwd.getpwnam("nobody")
        for i in range(mailboxes):
            for part in ("cur", "new", "tmp"):
                os.makedirs(os.path.join(self.work, f"mail/user{i}", part))
            for m in range(messages):
                with open(os.path.join(self.work, f"mail/user{i}/cur", f"{1000000 + m}.M{m}.bench:2,"), "wb") as f:
                    f.write(message(octets))
        with open(os.path.join(self.work, "users"), "w") as f:
            for i in range(mailboxes):
                f.write(f"user{i}:{{PLAIN}}{PASSWORD}::::::\n")
        uid_name = "nobody" if uid == 0 else subprocess.getoutput("id -un")
        gid_name = "nogroup" if uid == 0 else subprocess.getoutput("id -gn")
        if uid == 0:
            subprocess.run(["chown", "-R", f"{owner.pw_uid}:{owner.pw_gid}", os.path.join(self.work, "mail")], check=True)
        with open(os.path.join(self.work, "dovecot.conf"), "w") as f:
            f.write(f"""
protocols = pop3
listen = 127.0.0.1
base_dir = {self.work}/run
state_dir = {self.work}/state
log_path = {self.work}/log
{f"ssl = required{chr(10)}ssl_cert = <{credential}{chr(10)}ssl_key = <{credential}" if credential else "ssl = no"}
disable_plaintext_auth = no
mail_location = maildir:{self.work}/mail/%u
first_valid_uid = 1
mail_uid = {uid_name}
mail_gid = {gid_name}
mail_max_userip_connections = 0
auth_cache_size = 64M
auth_mechanisms = plain
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {self.work}/users
}}
userdb {{
  driver = static
  args = uid={uid_name} gid={gid_name} home={self.work}/mail/%u
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 1
  process_limit = 1
  client_limit = 10000
  inet_listener pop3 {{
    port = {0 if credential else self.port}
  }}
  inet_listener pop3s {{
    port = {self.port if credential else 0}
    ssl = yes
  }}
  chroot =
}}
service pop3 {{
  service_count = 0
  process_min_avail = 1
  process_limit = 1
  client_limit = 10000
}}
service anvil {{
  client_limit = 20000
}}
service auth {{
  client_limit = 20000
}}
""")
        self.process = subprocess.Popen(["dovecot", "-F", "-c", os.path.join(self.work, "dovecot.conf")],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        wait_port(self.port, tls=credential is not None)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.work, ignore_errors=True)
