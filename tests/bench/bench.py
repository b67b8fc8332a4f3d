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
import statistics
import subprocess
import tempfile
import time

from common import BUILD, LOAD, PASSWORD, POSTIL, cpu_seconds, in_turn, load, pss_kib, row, tree
from directory import directory
from lmtp import Lmtp
from move import move
from render import render
from servers import Canned, Dovecot, Postil, message
from tls import TLS, Tls

SELECT = os.path.join(BUILD, "tests/bench/select")
EMPTY = os.path.join(BUILD, "tests/bench/empty")


def keep_on_one_core(server):
    """One client and one server take turns: where the kernel puts them decides
    more than what they do, so both are kept on the same core."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    for pid in tree(server.pid):
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), {core})


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
                keep_on_one_core(s)
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

    def lmtp(self):
        Lmtp(self.work).run()

    def directory(self):
        directory(self.work, self.o.seconds, self.o.rounds)

    def move(self):
        move(self.work, self.o.rounds)

    def render(self):
        render(self.work, self.o.rounds)

    def run(self):
        measures = {"poll": self.poll, "fetch": self.fetch, "large": self.fetch_large, "drain": self.drain,
                    "idle": self.idle, "big": self.big, "deliver": self.deliver,
                    "lmtp": self.lmtp, "directory": self.directory, "move": self.move, "render": self.render}
        tls = Tls(self.work, self.o)
        measures |= {name: lambda measure=measure: measure(tls) for name, measure in TLS.items()}
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
    p.add_argument("measures", nargs="*", help="poll fetch large drain idle big deliver lmtp directory move render "
                   f"{' '.join(TLS)} poll-many (default: all)")
    p.add_argument("--full", action="store_true", help="20,000 mailboxes, 5,000 idle sessions, 100,000 messages")
    p.add_argument("--seconds", type=float, default=3, help="of each measurement")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--dir", default=None, help="where the mailboxes are made (default: the temporary folder)")
    Bench(p.parse_args()).run()


if __name__ == "__main__":
    main()
