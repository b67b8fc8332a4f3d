"""TLS: what a handshake costs, resumption, octets, memory, handshakes that never end.

Our server beside the canned one that speaks TLS too (a plain loop around libssl with the
same certificate) and Dovecot where it is installed, in turn within one run.
"""
import json
import os
import shutil
import statistics
import subprocess
import threading
import time

from common import BUILD, LOAD, PASSWORD, cpu_seconds, in_turn, load, private_kib, row
from servers import Canned, Dovecot, Postil

MKCERT = os.path.join(BUILD, "tests/support/mkcert")
STUCK = os.path.join(BUILD, "tests/bench/stuck")
CONNECTIONS = 5000
DEADLINE_SECS = 20              # before login, while handshakes are stuck


def holder(*command):
    """A program that holds connections, and what it says when it has them all."""
    p = subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = p.stdout.readline()
    if not line:
        raise SystemExit(f"bench: {command[0]} ended")
    return p, json.loads(line)


def settle(server, seconds=5):
    """Until the server has done what came, and rests."""
    end, spent = time.time() + seconds, -1.0
    while time.time() < end and cpu_seconds(server.pid) - spent > 0.01:
        spent = cpu_seconds(server.pid)
        time.sleep(0.1)


class Tls:
    def __init__(self, work, options):
        self.work, self.o = work, options
        self.credentials = []

    def credential(self, number=0):
        while len(self.credentials) <= number:
            base = os.path.join(self.work, f"credential{len(self.credentials)}")
            subprocess.run([MKCERT, "server", "-o", base, "-s", "CN=localhost", "-n", "localhost", "-c"], check=True)
            self.credentials.append(base + ".pem")
        return self.credentials[number]

    def with_servers(self, body, messages, octets, mailboxes, kinds=(Canned, Postil, Dovecot), **more):
        servers = []
        try:
            for kind in kinds:
                if kind is not Dovecot or shutil.which("dovecot"):
                    servers.append(kind(self.work, messages, octets, mailboxes=mailboxes,
                                        credential=self.credential(), **more))
            body({s.name: s for s in servers}, servers)
        finally:
            for s in servers:
                s.stop()

    # --- a session with a handshake -----------------------------------------------------

    def cpu(self, flag):
        def measure(server):
            before = cpu_seconds(server.pid)
            result = load(server, "poll", flag, "-c", 8, "-t", self.o.seconds, "-u", 100)
            return (cpu_seconds(server.pid) - before) / result["sessions"] * 1e6
        return measure

    def poll(self):
        def body(by_name, servers):
            for flag, text, bar in (("-S", "a full TLS 1.3 handshake", 1.5), ("-T", "resumption where it is given", None)):
                print(f"tls-poll: 100 mailboxes of 10 messages in turn, {text}")
                for s in servers:
                    load(s, "poll", flag, "-c", 8, "-n", 200, "-u", 100)        # hashes
                cpu = in_turn(servers, self.o.rounds, self.cpu(flag))
                for name, us in cpu.items():
                    row(f"{name}: server CPU per session", us, None, unit=" us")
                row("postil over canned", cpu["postil"] / cpu["canned"], bar)
                if "dovecot" in cpu:
                    row("postil over dovecot", cpu["postil"] / cpu["dovecot"], None)
        self.with_servers(body, 10, 4096, 100)

    # --- clients that come back -----------------------------------------------------------

    def renew(self, server, stop):
        """Another certificate and key every half second, and the task is told."""
        turn = 0
        while not stop.wait(0.5):
            turn += 1
            server.use_credential(self.credential(turn % 2))
            server.tell("tell pop3 refresh")
        return turn

    def resume(self):
        def run(server, reloads):
            stop, turns = threading.Event(), []
            thread = threading.Thread(target=lambda: turns.append(self.renew(server, stop)))
            if reloads:
                thread.start()
            try:
                result = load(server, "poll", "-T", "-c", 16, "-t", 2 * self.o.seconds, "-u", 100)
            finally:
                stop.set()
                if reloads:
                    thread.join()
            share = result["resumed"] / max(1, result["returned"]) * 100
            text = f"{server.name}: of {result['returned']} that came back"
            return share, f"{text} over {turns[0]} reloads" if reloads else text

        def body(by_name, servers):
            print("tls-resume: clients offer the ticket they got last; share really resumed")
            self.credential(1)
            load(by_name["postil"], "poll", "-S", "-c", 8, "-n", 100, "-u", 100)        # hashes
            for s in servers:
                share, text = run(s, False)
                row(text, share, 95 if s.name == "postil" else None, better_low=False, unit=" %")
            share, text = run(by_name["postil"], True)
            row(text, share, 95, better_low=False, unit=" %")
        self.with_servers(body, 10, 4096, 100)

    # --- octets ---------------------------------------------------------------------------

    def large(self):
        def rate(server):
            result = load(server, "fetch", "-S", "-c", 8, "-t", self.o.seconds, "-u", 8, "-m", 20)
            return result["messages"] / result["seconds"] * 1.048576

        def body(by_name, servers):
            print("tls-large: messages of 1 MiB, 8 sessions over TLS")
            figures = in_turn(servers, self.o.rounds, rate)
            for name, value in figures.items():
                row(f"{name}: MB/s", value, None)
            row("postil over canned", figures["postil"] / figures["canned"], 0.7, better_low=False)
        self.with_servers(body, 20, 1 << 20, 8)

    # --- sessions that wait -----------------------------------------------------------------

    def idle(self):
        def hold(server):
            p, said = holder(LOAD, "idle", server.port, "-S", "-P", PASSWORD, "-c", 16, "-u", CONNECTIONS)
            if said["held"] != CONNECTIONS or said["errors"] != 0:
                raise SystemExit(f"bench: {server.name} holds {said}")
            time.sleep(2)
            used = private_kib(server.task())
            p.communicate()
            return used / CONNECTIONS

        def body(by_name, servers):
            print(f"tls-idle: {CONNECTIONS} sessions over TLS, each in its own mailbox of 10 after one RETR")
            for s in servers:
                row(f"{s.name}: private memory of the task, per session", hold(s),
                    40 if s.name == "postil" else None, unit=" KiB")
        self.with_servers(body, 10, 4096, CONNECTIONS, kinds=(Canned, Postil))

    # --- handshakes that never end ------------------------------------------------------------

    def stuck_round(self, server, kind):
        """What polls a second there are without and with them, memory, and how they end."""
        def rate():
            result = load(server, "poll", "-S", "-c", 8, "-t", self.o.seconds, "-u", 100)
            return result["sessions"] / result["seconds"]

        free, empty = rate(), private_kib(server.task())
        p, _ = holder(STUCK, server.port, CONNECTIONS, kind)
        settle(server)
        memory = private_kib(server.task()) - empty
        crowded = rate()
        ends = json.loads(p.stdout.readline())          # when the server has closed all
        p.communicate()
        return {"free": free, "crowded": crowded, "share": crowded / free, "memory": memory / CONNECTIONS, **ends}

    def stuck(self):
        def body(by_name, servers):
            s = by_name["postil"]
            load(s, "poll", "-S", "-c", 8, "-n", 100, "-u", 100)                # hashes
            for kind, what in (("half", "half of a hello"), ("whole", "a hello and no more")):
                print(f"tls-stuck: {CONNECTIONS} connections that sent {what}; 8 clients poll meanwhile")
                rounds = [self.stuck_round(s, kind) for _ in range(self.o.rounds)]
                values = {key: [r[key] for r in rounds] for key in rounds[0]}
                row("polls/s without them", statistics.median(values["free"]), None)
                row("polls/s with them", statistics.median(values["crowded"]), None)
                row("with over without", statistics.median(values["share"]), 0.8, better_low=False)
                row("private memory of each (most of the rounds)", max(values["memory"]), None, unit=" KiB")
                row("closed by the server (least of the rounds)", min(values["gone"]), CONNECTIONS, better_low=False)
                row("the first of them after", min(values["first_s"]), DEADLINE_SECS - 1, better_low=False, unit=" s")
                row("the last of them after", max(values["last_s"]), DEADLINE_SECS + 2, unit=" s")
        if self.o.seconds > DEADLINE_SECS / 2:
            raise SystemExit(f"bench: tls-stuck needs --seconds of {DEADLINE_SECS // 2} at most")
        self.with_servers(body, 10, 4096, 100, kinds=(Postil,), extra=f"POP3_Prelogin_Timeout={DEADLINE_SECS}\n")


TLS = {"tls-poll": Tls.poll, "tls-resume": Tls.resume, "tls-large": Tls.large, "tls-idle": Tls.idle, "tls-stuck": Tls.stuck}
