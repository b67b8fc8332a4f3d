"""The directory: compiling it, changing it while a server runs, look-ups, memory.

Person documents come from names.py. What is compared is taken in turn within one run.
"""
import json
import os
import shutil
import socket
import statistics
import subprocess
import threading
import time

from common import BUILD, PASSWORD, POSTIL, free_port, load, row, stop, tree, wait_port
import inetpass
import names

LOOKUPS = os.path.join(BUILD, "tests/bench/lookups")
PERSONS = 100000
FILES = 100
CHANGED = 50000                 # a person of file 50
POLLED = 100                    # persons of file 0 that have mail files
OTHER_ADDRESS = "127.0.0.2"     # what the prober's wrong passwords cost is not the load's
SERVER = """<document form='Server'><item name='Type'><text>Server</text></item>
<item name='ServerName'><text>CN=bench/O=Bench</text></item>
<item name='POP3_Port'><number>%d</number></item>
<item name='POP3_PortStatus'><text>1</text></item></document>
"""


def run(*command):
    """Processor seconds, seconds, and the peak memory in MB of a command that must succeed."""
    begun = time.perf_counter()
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with p.stdout:
        said = p.stdout.read()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)}: {said.decode(errors='replace')[-2000:]}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - begun, usage.ru_maxrss * 1024 / 1e6


def postil(*arguments):
    return run(POSTIL, *arguments)


class Site:
    """A data directory with a running server."""
    name = "postil"

    def __init__(self, work, persons, per_file, digest, mailboxes=0, setting=""):
        self.work = os.path.join(work, "directory")
        self.names = os.path.join(self.work, "names")
        self.log = os.path.join(work, "directory.log")
        self.port = free_port()
        os.makedirs(self.names, mode=0o700)
        with open(os.path.join(self.work, "notes.ini"), "w") as f:
            f.write("[Notes]\nServerName=CN=bench/O=Bench\nServerTasks=pop3\nPOP3_Max_Sessions_Per_Address=0\n" +
                    ("ServerUser=nobody\n" if os.getuid() == 0 else "") + setting)
        with open(os.path.join(self.names, "a-server.dxl"), "w") as f:
            f.write(names.HEAD + SERVER % self.port + names.TAIL)
        self.files = names.write_folder(self.names, persons, per_file, digest)
        for i in range(mailboxes):
            postil("mail", "create", "-d", self.work, f"mail/user{i}.nsf", "-o", self.owner(i))
        postil("directory", "update", "-d", self.work)
        self.give_to_server()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([POSTIL, "server", "-d", self.work], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        wait_port(self.port, 120)

    @staticmethod
    def owner(number):
        return f"CN={names.full_name(number)}/OU=Unit {names.unit_of(number)}/O=Bench"

    def give_to_server(self):
        if os.getuid() == 0:
            run("chown", "-R", "nobody:nogroup", self.work)

    def task(self):
        """The process of the POP3 task."""
        for pid in tree(self.process.pid):
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() == "pop3":
                    return pid
        raise SystemExit("bench: no process of the POP3 task")

    def load(self, mode, *arguments):
        return load(self, mode, *arguments)

    def stop(self):
        stop(self.process, self.work)


# --- compiling -------------------------------------------------------------------------

def compiling(work, rounds):
    """Leaves the data directory for the look-ups."""
    data = os.path.join(work, "compile")
    folder = os.path.join(data, "names")
    os.makedirs(folder)
    path, = names.write_folder(folder, PERSONS, PERSONS, inetpass.v3(PASSWORD.encode()))
    print(f"directory: one file of {PERSONS} Person documents of {names.ITEMS} items, "
          f"{os.path.getsize(path) / 1e6:.0f} MB")
    floor, ours = [], []
    for _ in range(rounds):
        floor.append(run("xmllint", "--stream", "--noout", path))
        for name in os.listdir(data):
            if name.startswith("names.nsf"):
                os.unlink(os.path.join(data, name))
        ours.append(postil("directory", "update", "-d", data))
    floor_cpu, cpu = (statistics.median(r[0] for r in runs) for runs in (floor, ours))
    row("xmllint --stream --noout", floor_cpu, None, unit=" s CPU")
    row("postil directory update, no names.nsf yet", cpu, None, unit=" s CPU")
    row("the same, elapsed", statistics.median(r[1] for r in ours), None, unit=" s")
    row("compiling over xmllint", cpu / floor_cpu, 6)
    row("peak memory of it", max(r[2] for r in ours), 120, unit=" MB")
    row("nothing changed since", postil("directory", "update", "-d", data)[1] * 1e3, None, unit=" ms")
    row("size of names.nsf", os.path.getsize(os.path.join(data, "names.nsf")) / 1e6, None, unit=" MB")
    return data


def look_ups(data, seconds):
    print(f"directory: look-ups by login name among {PERSONS} persons, one thread")
    done = subprocess.run([LOOKUPS, data, str(PERSONS), str(seconds)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"bench: {done.stderr}")
    for way, (cpu, wall) in json.loads(done.stdout).items():
        text = f"{way.replace('_', ' ')} ({wall:.0f}/s elapsed)"
        row(text, cpu, None if way.endswith("ambiguous") else 100000, better_low=False, unit="/s")


# --- a change while a server runs --------------------------------------------------------

def try_login(port, user, password):
    """Is it accepted? None: the server said nothing in time."""
    try:
        with socket.create_connection(("127.0.0.1", port), 15, source_address=(OTHER_ADDRESS, 0)) as s:
            s.settimeout(15)
            f = s.makefile("rb")
            reply = f.readline()
            for line in (f"USER {user}\r\n", f"PASS {password}\r\n"):
                s.sendall(line.encode())
                reply = f.readline()
            return reply.startswith(b"+OK")
    except OSError:
        return None


class Prober:
    """Tries a login every so often, each in its thread: refusals may take seconds."""
    EVERY = 0.05
    MOST = 400

    def __init__(self, port, user, password):
        self.what = port, user, password
        self.accepted = []
        self.threads = []

    def attempt(self):
        begun = time.perf_counter()
        if try_login(*self.what):
            self.accepted.append(begun)

    def until_accepted(self, begun):
        """Seconds from begun to the start of the first attempt that was accepted."""
        for _ in range(self.MOST):
            self.threads.append(threading.Thread(target=self.attempt))
            self.threads[-1].start()
            time.sleep(self.EVERY)
            if self.accepted:
                break
        for t in self.threads:
            t.join(30)
        if not self.accepted:
            raise SystemExit("bench: the changed password was never accepted")
        return min(self.accepted) - begun


def change(work, seconds):
    digest = inetpass.v3(PASSWORD.encode())
    site = Site(work, PERSONS, PERSONS // FILES, digest, mailboxes=POLLED,
                setting="POP3_Max_Failed_Logins=100\n")
    try:
        print(f"directory: one of {FILES} files of {PERSONS // FILES} persons changes while 4 clients poll")
        postil("mail", "create", "-d", site.work, f"mail/user{CHANGED}.nsf", "-o", site.owner(CHANGED))
        site.give_to_server()
        steady = ("-c", 4, "-u", POLLED, "-p", 10, "-t", seconds)
        site.load("poll", "-c", 4, "-n", POLLED, "-u", POLLED)          # hashes
        still, moving, seen = [], [], []
        for turn in range(3):
            still.append(site.load("poll", *steady))
            password = f"{PASSWORD}{turn}"
            other = inetpass.v3(password.encode())
            numbers = range(CHANGED, CHANGED + PERSONS // FILES)
            thread = threading.Thread(target=lambda: moving.append(site.load("poll", *steady)))
            thread.start()
            time.sleep(1)
            names.write(site.files[CHANGED * FILES // PERSONS], numbers, digest, {CHANGED: other})
            begun = time.perf_counter()
            seen.append(Prober(site.port, f"user{CHANGED}", password).until_accepted(begun))
            thread.join()
        row("until the changed password is accepted (worst of 3)", max(seen), 1, unit=" s")
        for text, runs in (("without a change", still), ("while it changes", moving)):
            replies = sum(r["replies"] for r in runs)
            slow = sum(r["slow"] for r in runs)
            row(f"slowest reply {text} ({replies} replies)", max(r["worst_reply_ms"] for r in runs),
                50 if runs is moving else None, unit=" ms")
            row(f"share over 50 ms {text}", slow * 100 / replies, None, unit=" %")
    finally:
        site.stop()


# --- memory -----------------------------------------------------------------------------

def memory_kib(pid):
    """Proportional and private."""
    pss = private = 0
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            if line.startswith("Pss:"):
                pss = int(line.split()[1])
            elif line.startswith("Private_"):
                private += int(line.split()[1])
    return pss, private


def memory(work):
    """Logins look up; with digests that cost nothing and no mail file they do nothing else."""
    used = []
    for persons in (10, PERSONS):
        site = Site(work, persons, PERSONS, inetpass.v2(PASSWORD.encode()),
                    setting="POP3_Password_Cache_Minutes=0\n")
        try:
            site.load("login", "-c", 8, "-n", PERSONS, "-u", persons, *(["-r"] if persons > 10 else []))
            used.append(memory_kib(site.task()))
        finally:
            site.stop()
    print(f"directory: memory of the POP3 task after {PERSONS} look-ups by logins")
    for i, what in enumerate(("proportional", "private")):
        small, large = used[0][i] / 1024, used[1][i] / 1024
        row(f"{PERSONS} persons less 10 persons, {what} ({large:.1f} - {small:.1f})", large - small, 4, unit=" MB")


def directory(work, seconds, rounds):
    data = compiling(work, rounds)
    look_ups(data, seconds)
    shutil.rmtree(data)
    change(work, max(seconds, 4))
    memory(work)
