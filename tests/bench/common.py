"""What the measures share: where the programs are, ports, run time, memory, rows."""
import json
import os
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time

TOP = os.environ.get("top_srcdir") or os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD = os.environ.get("top_builddir") or os.path.join(TOP, "build")
sys.path.insert(0, os.path.join(TOP, "tests", "support"))
LOAD = os.path.join(BUILD, "tests/bench/load")
POSTIL = os.path.join(BUILD, "programs/postil")
PASSWORD = "benchmark"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def greets(port, tls):
    with socket.create_connection(("127.0.0.1", port), 1) as s:
        if not tls:
            return s.recv(3) == b"+OK"
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(s) as enciphered:
            return enciphered.recv(3) == b"+OK"


def wait_port(port, seconds=30, tls=False):
    end = time.time() + seconds
    while time.time() < end:
        try:
            if greets(port, tls):
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"bench: no server on port {port} after {seconds} s")


def tree(pid):
    """pid and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as f:
                    parent = int(f.read().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry))
            except OSError:
                pass
    found, waiting = [], [pid]
    while waiting:
        p = waiting.pop()
        found.append(p)
        waiting += children.get(p, [])
    return found


def cpu_seconds(pid):
    """Run time of all threads of all processes (nanosecond clock of the scheduler)."""
    total = 0
    for p in tree(pid):
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{t}/schedstat") as f:
                    total += int(f.read().split()[0])
        except OSError:
            pass
    return total / 1e9


def pss_kib(pid):
    total = 0
    for p in tree(pid):
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                for line in f:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        except OSError:
            pass
    return total


def private_kib(pid):
    """Private memory of one process."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))


def row(text, figure, bar, better_low=True, unit=""):
    if bar is None:
        print(f"  {text:<66} {figure:>10.3f}{unit}")
        return
    good = figure <= bar if better_low else figure >= bar
    print(f"  {text:<66} {figure:>10.3f}{unit}   bar {'<=' if better_low else '>='} {bar:g}   {'met' if good else 'MISSED'}")


def load(server, mode, *arguments):
    done = subprocess.run([LOAD, mode, str(server.port), "-P", PASSWORD, *map(str, arguments)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"bench: load {mode} on {server.name}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def stop(process, folder):
    """End a server and remove what it had."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def in_turn(servers, rounds, measure):
    """{name: [figure of each round]}, the servers taking turns."""
    figures = {s.name: [] for s in servers}
    for _ in range(rounds):
        for s in servers:
            figures[s.name].append(measure(s))
    return {name: statistics.median(values) for name, values in figures.items()}
