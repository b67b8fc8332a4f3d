#!/usr/bin/env python3
"""The benchmark: our server beside the canned one and, where installed, Dovecot.

    make bench                       the quick form of everything
    make bench BENCH="poll idle"     only these
    make bench BENCH="--full"        20,000 mailboxes and 100,000 messages too

Every measure takes all servers in turn, several rounds, within one run, and
what counts is the ratio of the medians. Server CPU is that of all processes of
the data directory. Nothing here decides `make check`.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

from common import BUILD, LOAD, PASSWORD, POSTIL, cpu_seconds, free_port, pss_kib, row, tree, wait_port
import inetpass
from directory import directory

CANNED = os.path.join(BUILD, "tests/bench/canned")
SELECT = os.path.join(BUILD, "tests/bench/select")
EMPTY = os.path.join(BUILD, "tests/bench/empty")


def message(octets):
    head = b"From: bench@example.com\r\nTo: user@example.com\r\nSubject: benchmark\r\n\r\n"
    line = b"x" * 76 + b"\r\n"
    body = line * ((octets - len(head)) // len(line) + 1)
    return (head + body)[:octets - 2].rstrip(b"\r\n").ljust(octets - 2, b"y") + b"\r\n"


class Canned:
    name = "canned"

    def __init__(self, work, messages, octets, **_):
        self.port = free_port()
        self.process = subprocess.Popen([CANNED, str(self.port), str(messages), str(octets)])
        self.pid = self.process.pid

    def stop(self):
        self.process.kill()
        self.process.wait()


class Postil:
    name = "postil"

    def __init__(self, work, messages, octets, mailboxes=100, extra="", drain=False):
        self.work = os.path.join(work, "postil")
        self.port = free_port()
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
                    f"<item name='POP3_Port'><number>{self.port}</number></item>"
                    "<item name='POP3_PortStatus'><text>1</text></item></document>\n</database>\n")
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
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", "nobody:nogroup", self.work], check=True)
        log = open(os.path.join(work, "postil.log"), "ab")
        self.process = subprocess.Popen([POSTIL, "server", "-d", self.work], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log)
        self.pid = self.process.pid
        wait_port(self.port, 120)

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
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.work, ignore_errors=True)


class Dovecot:
    """In its fast settings: one login and one pop3 process serve all clients."""
    name = "dovecot"

    def __init__(self, work, messages, octets, mailboxes=100, **_):
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
ssl = no
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
    port = {self.port}
  }}
  inet_listener pop3s {{
    port = 0
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
        wait_port(self.port)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.work, ignore_errors=True)


def keep_on_one_core(server):
    """One client and one server take turns: where the kernel puts them decides
    more than what they do, so both are kept on the same core."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    for pid in tree(server.pid):
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), {core})


def load(server, mode, *arguments):
    done = subprocess.run([LOAD, mode, str(server.port), "-P", PASSWORD, *map(str, arguments)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"bench: load {mode} on {server.name}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def in_turn(servers, rounds, measure):
    """{name: [figure of each round]}, the servers taking turns."""
    figures = {s.name: [] for s in servers}
    for _ in range(rounds):
        for s in servers:
            figures[s.name].append(measure(s))
    return {name: statistics.median(values) for name, values in figures.items()}


class Bench:
    def __init__(self, options):
        self.o = options
        self.work = tempfile.mkdtemp(prefix="postil-bench-", dir=options.dir)
        os.chmod(self.work, 0o755)

    def servers(self, messages, octets, mailboxes, dovecot=True, **more):
        kinds = [Canned, Postil]
        if dovecot and shutil.which("dovecot"):
            kinds.append(Dovecot)
        return [k(self.work, messages, octets, mailboxes=mailboxes, **more) for k in kinds]

    def with_servers(self, body, *arguments, **more):
        servers = self.servers(*arguments, **more)
        try:
            body({s.name: s for s in servers}, servers)
        finally:
            for s in servers:
                s.stop()

    def first_logins(self, server, mailboxes):
        before, begun = cpu_seconds(server.pid), time.time()
        load(server, "poll", "-c", 8, "-n", mailboxes, "-u", mailboxes)
        cpu = cpu_seconds(server.pid) - before
        print(f"  first logins of {mailboxes} persons: {time.time() - begun:.1f} s, {cpu / mailboxes * 1e3:.2f} ms CPU each")

    def cpu_per_session(self, mailboxes, random):
        def measure(server):
            before = cpu_seconds(server.pid)
            result = load(server, "poll", "-c", 8, "-t", self.o.seconds, "-u", mailboxes, *(["-r"] if random else []))
            return (cpu_seconds(server.pid) - before) / result["sessions"] * 1e6
        return measure

    def poll(self):
        def body(by_name, servers):
            print("poll: 100 mailboxes of 10 messages in turn")
            self.first_logins(by_name["postil"], 100)
            cpu = in_turn(servers, self.o.rounds, self.cpu_per_session(100, False))
            for name, us in cpu.items():
                row(f"{name}: server CPU per session", us, None, unit=" us")
            row("postil over canned", cpu["postil"] / cpu["canned"], 4)
            if "dovecot" in cpu:
                row("postil over dovecot", cpu["postil"] / cpu["dovecot"], 1 / 3)
        self.with_servers(body, 10, 4096, 100)

    def poll_many(self):
        def body(by_name, servers):
            print("poll: 20,000 mailboxes of 10 messages in random order")
            self.first_logins(by_name["postil"], 20000)
            cpu = in_turn(servers, self.o.rounds, self.cpu_per_session(20000, True))
            for name, us in cpu.items():
                row(f"{name}: server CPU per session", us, None, unit=" us")
            row("postil over canned", cpu["postil"] / cpu["canned"], 5)
        self.with_servers(body, 10, 4096, 20000, dovecot=False)

    def fetch(self):
        def body(by_name, servers):
            print("fetch: messages of 4 KiB, 8 sessions")
            for mode, bar in (("fetch", 0.4), ("pipeline", 0.5)):
                rate = in_turn(servers, self.o.rounds, lambda s: self.rate(s, mode, 100))
                for name, value in rate.items():
                    row(f"{name}: {mode} messages/s", value, None)
                row(f"postil over canned, {mode}", rate["postil"] / rate["canned"], bar, better_low=False)
        self.with_servers(body, 100, 4096, 8)

    def rate(self, server, mode, messages):
        result = load(server, mode, "-c", 8, "-t", self.o.seconds, "-u", 8, "-m", messages)
        return result["messages"] / result["seconds"]

    def fetch_large(self):
        def body(by_name, servers):
            print("fetch: messages of 1 MiB, 8 sessions")
            rate = in_turn(servers, self.o.rounds, lambda s: self.rate(s, "fetch", 20) * 1.048576)
            for name, value in rate.items():
                row(f"{name}: MB/s", value, None)
            row("postil over canned", rate["postil"] / rate["canned"], 0.5, better_low=False)
        self.with_servers(body, 20, 1 << 20, 8)

    def drain(self):
        def body(by_name, servers):
            print("drain: RETR and DELE of 1,000 messages of 4 KiB in each of 8 mailboxes")
            for s in servers:
                result = load(s, "drain", "-c", 8, "-n", 8, "-u", 8, "-m", 1000)
                row(f"{s.name}: messages/s", result["messages"] / result["seconds"], None)
        self.with_servers(body, 1000, 4096, 8)

    def idle(self):
        count = 5000 if self.o.full else 1000

        def hold(server, mailboxes):
            before = pss_kib(server.pid)
            p = subprocess.Popen([LOAD, "idle", str(server.port), "-P", PASSWORD, "-c", "16", "-u", str(mailboxes)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            line = p.stdout.readline()
            if not line:
                raise SystemExit(f"bench: load idle on {server.name} ended")
            time.sleep(2)
            held = pss_kib(server.pid) - before
            p.stdin.close()
            p.wait()
            return held

        def body(by_name, servers):
            print(f"idle: {count} sessions, each in its own mailbox of 10 after one RETR")
            for s in servers:
                row(f"{s.name}: memory per session", hold(s, count) / count, 8 if s.name == "postil" else None, unit=" KiB")
        self.with_servers(body, 10, 4096, count, dovecot=not self.o.full)

        def one(by_name, servers):
            print("idle: one session in a mailbox of 10,000")
            s = by_name["postil"]
            sessions = 8
            small = hold(s, sessions)
            row("postil: memory per message", small * 1024 / sessions / 10000, 40, unit=" octets")
        self.with_servers(one, 10000, 256, 8, dovecot=False)

    def big(self):
        times = {}
        for count in (10, 10000, 100000) if self.o.full else (10, 10000):
            def body(by_name, servers):
                s = by_name["postil"]
                print(f"big: one mailbox of {count} messages, milliseconds to the whole reply")
                load(s, "poll", "-c", 1, "-n", 1, "-u", 1)
                runs = []
                for i in range(7):
                    s_file = os.path.join(s.work, "mail/user0.nsf")
                    # A delivery makes the next session read the list anew.
                    subprocess.run([POSTIL, "deliver", "-d", s.work, "user0@example.com"], input=b"Subject: x\n\nx\n", check=True)
                    runs.append(load(s, "big", "-u", 1))
                select = json.loads(subprocess.run([SELECT, s_file], capture_output=True, text=True, check=True).stdout)
                again = [load(s, "big", "-u", 1) for _ in range(30)]
                fresh = {k: statistics.median(r[k] for r in runs) for k in runs[0] if k.endswith("_ms")}
                known = {k: statistics.median(r[k] for r in again) for k in again[0] if k.endswith("_ms")}
                # What the kernel adds is many times these 20 microseconds: the best counts.
                times[count] = {k: min(r[k] for r in again) for k in known}
                for k in ("PASS_ms", "STAT_ms", "LIST_ms", "UIDL_ms", "QUIT_ms"):
                    print(f"  {k[:-3]:<6} list read anew {fresh[k]:>10.3f}   list known {known[k]:>10.3f}")
                print(f"  bare SELECT {select['select_ms']:.3f} ms, with open {select['open_and_select_ms']:.3f} ms")
                if count > 10:
                    row("PASS over the bare SELECT", fresh["PASS_ms"] / select["select_ms"], 2.5)
                    row("STAT against a mailbox of 10", times[count]["STAT_ms"] / times[10]["STAT_ms"], 1.5)
                    row("QUIT against a mailbox of 10", times[count]["QUIT_ms"] / times[10]["QUIT_ms"], 1.5)
            cores = os.sched_getaffinity(0)
            self.with_servers(body, count, 512, 1, dovecot=False)
            os.sched_setaffinity(0, cores)

    def deliver(self):
        def body(by_name, servers):
            s = by_name["postil"]
            print("deliver: postil deliver of one 4 KiB message, 200 times")
            mail = message(4096)
            ours, floor, sync = [], [], []
            path = os.path.join(self.work, "sync")
            with open(path, "wb", buffering=0) as f:
                for _ in range(200):
                    a = time.perf_counter()
                    subprocess.run([POSTIL, "deliver", "-d", s.work, "user0@example.com"], input=mail, check=True)
                    b = time.perf_counter()
                    subprocess.run([EMPTY, os.path.join(s.work, "mail/user1.nsf")], input=mail, check=True)
                    c = time.perf_counter()
                    f.write(mail)
                    os.fdatasync(f.fileno())
                    d = time.perf_counter()
                    ours.append(b - a)
                    floor.append(c - b)
                    sync.append(d - c)
            row("postil deliver", statistics.median(ours) * 1e3, None, unit=" ms")
            row("empty program that opens one SQLite file", statistics.median(floor) * 1e3, None, unit=" ms")
            row("append of 4 KiB and fdatasync", statistics.median(sync) * 1e3, None, unit=" ms")
            row("deliver less the empty program", (statistics.median(ours) - statistics.median(floor)) * 1e3, 5, unit=" ms")
        self.with_servers(body, 10, 4096, 2, dovecot=False)

    def directory(self):
        directory(self.work, self.o.seconds, self.o.rounds)

    def run(self):
        measures = {"poll": self.poll, "fetch": self.fetch, "large": self.fetch_large, "drain": self.drain,
                    "idle": self.idle, "big": self.big, "deliver": self.deliver,
                    "directory": self.directory}
        if self.o.full:
            measures["poll-many"] = self.poll_many
        elif "poll-many" in self.o.measures:
            measures["poll-many"] = self.poll_many
        try:
            for name in self.o.measures or measures:
                if name not in measures:
                    raise SystemExit(f"bench: no measure {name}; there are: {' '.join(measures)}")
                measures[name]()
        finally:
            shutil.rmtree(self.work, ignore_errors=True)


def main():
    p = argparse.ArgumentParser(description="Measure Postil beside a canned server and Dovecot.")
    p.add_argument("measures", nargs="*", help="poll fetch large drain idle big deliver directory poll-many (default: all)")
    p.add_argument("--full", action="store_true", help="20,000 mailboxes, 5,000 idle sessions, 100,000 messages")
    p.add_argument("--seconds", type=float, default=3, help="of each measurement")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--dir", default=None, help="where the mailboxes are made (default: the temporary folder)")
    Bench(p.parse_args()).run()


if __name__ == "__main__":
    main()
