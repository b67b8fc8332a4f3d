"""What the measures share: where the programs are, ports, run time, memory, rows."""
import os
import socket
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


def wait_port(port, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                if s.recv(3) == b"+OK":
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


def row(text, figure, bar, better_low=True, unit=""):
    if bar is None:
        print(f"  {text:<66} {figure:>10.3f}{unit}")
        return
    good = figure <= bar if better_low else figure >= bar
    print(f"  {text:<66} {figure:>10.3f}{unit}   bar {'<=' if better_low else '>='} {bar:g}   {'met' if good else 'MISSED'}")
