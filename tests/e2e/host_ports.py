#!/usr/bin/env python3
"""Listening sockets: kept over a restart, tried again, handed over by systemd."""

import os
import signal
import socket
import subprocess
import sys

from postil import TOP_BUILDDIR, Server, free_port, program, run_cases, wait_until

TROUBLE = {"trouble": os.path.join(TOP_BUILDDIR, "tests", "support", "trouble")}


def greeting(port, host="127.0.0.1"):
    with socket.create_connection((host, port), timeout=10) as c:
        return c.makefile("rb").readline()


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def open_on_all_addresses():
    port = free_port()
    with Server(notes={"ServerTasks": "trouble serve any %d" % port}, programs=TROUBLE) as s:
        s.wait_for(r"Trouble: listens with %d sockets" % (2 if has_ipv6() else 1))
        assert greeting(port) == b"hello\n"
        s.check("show port %d" % port, r"^  %-5d Trouble Server       all addresses    open$"
                % port)
        s.check("tell trouble quit")
        wait_until(lambda: s.console("show port %d" % port)[0] == 1, "the port to be closed")
        try:
            greeting(port)
            raise AssertionError("the port is still open")
        except ConnectionRefusedError:
            pass


def connections_wait_while_the_task_restarts():
    port = free_port()
    with Server(notes={"ServerTasks": "trouble serve 127.0.0.1 %d" % port},
                programs=TROUBLE) as s:
        s.wait_for(r"Trouble: listens")
        assert greeting(port) == b"hello\n"
        pid = s.children("trouble")[0]
        os.kill(pid, signal.SIGILL)
        s.wait_for(r"Waiting 1 seconds to restart")
        assert greeting(port) == b"hello\n"     # waited in the kernel's queue
        assert s.children("trouble")[0] != pid
        s.check("restart task trouble")
        assert greeting(port) == b"hello\n"


def local_greeting(path):
    with socket.socket(socket.AF_UNIX) as c:
        c.settimeout(30)
        c.connect(path)
        return c.makefile("rb").readline()


def local_socket():
    """Kept over a restart with its connections, gone with the task; its permissions are what the task said."""
    with Server(start=False, programs=TROUBLE) as s:
        path = s.path("trouble.sock")
        s.write_notes({"ServerTasks": "trouble serve %s 0" % path})
        s.start()
        s.wait_for(r"Trouble: listens with 1 sockets")
        assert local_greeting(path) == b"hello\n"
        assert os.stat(path).st_mode & 0o777 == 0o620
        s.check("show port", r"^  local Trouble Server       %s +open$" % path)
        pid, inode = s.children("trouble")[0], os.stat(path).st_ino
        os.kill(pid, signal.SIGILL)
        s.wait_for(r"Waiting 1 seconds to restart")
        assert local_greeting(path) == b"hello\n"
        assert s.children("trouble")[0] != pid and os.stat(path).st_ino == inode
        s.check("tell trouble quit")
        wait_until(lambda: not os.path.exists(path), "the socket to go")


def local_socket_left_or_in_use():
    """One that a killed server has left is replaced; one in use, and what is no socket, never."""
    with Server(start=False, programs=TROUBLE) as s:
        path = s.path("trouble.sock")
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path)
        s.write_notes({"ServerTasks": "trouble serve %s 0" % path, "LISTEN_RETRY_SECONDS": "1"})
        s.start()
        s.wait_for(r"Trouble: listens with 1 sockets")
        assert local_greeting(path) == b"hello\n"
        s.quit()
        assert not os.path.exists(path)
        with open(path, "w", encoding="ascii") as f:
            f.write("kept")
        s.start()
        s.wait_for(r"Trouble Server: Listener failure on .*trouble.sock: File exists \(what lies there is no socket\)")
        s.quit()
        with open(path, encoding="ascii") as f:
            assert f.read() == "kept"
        os.remove(path)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            os.chmod(path, 0o777)
            other.listen()
            inode = os.stat(path).st_ino
            s.start()
            s.wait_for(r"Listener failure on .*: Address already in use \(another program serves it\)")
            s.wait_for(r"Trouble: port is not open yet")
            assert os.stat(path).st_ino == inode
            other.close()
            s.wait_for(r"Trouble Server: Listening on %s$" % path)
            s.wait_for(r"Trouble: listens with 1 sockets")
            assert local_greeting(path) == b"hello\n"


def port_in_use_is_tried_again():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with Server(notes={"ServerTasks": "trouble serve 127.0.0.1 %d" % port,
                           "LISTEN_RETRY_SECONDS": "1"}, programs=TROUBLE) as s:
            s.wait_for(r"Trouble Server: Listener failure on 127\.0\.0\.1 port %d: Address already"
                       r" in use" % port)
            s.wait_for(r"Trouble Server: Suspending listen task for 1 seconds due to network"
                       r" errors$")
            s.wait_for(r"Trouble: port is not open yet")
            s.check("show port", r"^  %-5d Trouble Server       127.0.0.1        not open$" % port,
                    r"Address already in use; tried again in \d seconds")
            other.close()
            s.wait_for(r"Trouble Server: Listening on 127\.0\.0\.1 port %d$" % port)
            s.wait_for(r"Trouble: listens with 1 sockets")
            assert greeting(port) == b"hello\n"


def low_port_without_privilege():
    """Started as root, the host opens it by its privileged child after giving root up."""
    if os.geteuid() != 0:
        return
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as f:
        if int(f.read()) <= 1:
            return
    for port in range(901, 1000):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        break
    with Server(notes={"ServerTasks": "trouble serve 127.0.0.1 %d" % port},
                programs=TROUBLE) as s:
        s.wait_for(r"Trouble: listens")
        assert greeting(port) == b"hello\n"


def address_that_is_not_ours():
    with Server(notes={"ServerTasks": "trouble serve 192.0.2.1 %d" % free_port()},
                programs=TROUBLE) as s:
        s.wait_for(r"Trouble Server: Listener failure on 192\.0\.2\.1 port \d+: Cannot assign"
                   r" requested address")
        s.check("show server")


ACTIVATE = """
import os, socket, sys
s = socket.socket()
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
if s.fileno() != 3:
    os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", NOTIFY_SOCKET=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


def systemd_sockets_and_readiness():
    port = free_port()
    with Server(notes={"ServerTasks": "trouble serve 127.0.0.1 %d" % port}, programs=TROUBLE,
                start=False) as s:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            path = s.path("notify")
            notified.bind(path)
            os.chmod(path, 0o777)
            notified.settimeout(30)
            with subprocess.Popen([sys.executable, "-c", ACTIVATE, str(port), path,
                                   program("postil-server"), "-d", s.data],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  env=s.env) as p:
                s.process = p
                assert notified.recv(200).startswith(b"READY=1\n")
                wait_until(lambda: greeting(port) == b"hello\n", "the task's greeting")
                s.check("tell trouble quit")
                wait_until(lambda: not s.children("trouble"), "the end of the task")
                s.check("show port", r"open, not in use")
                s.check("load trouble serve 127.0.0.1 %d" % port)
                assert greeting(port) == b"hello\n"
                p.send_signal(signal.SIGTERM)
                assert notified.recv(200).startswith(b"STOPPING=1\n")
                assert p.wait(30) == 0
            s.process = None


if __name__ == "__main__":
    raise SystemExit(run_cases([
        open_on_all_addresses, connections_wait_while_the_task_restarts,
        local_socket, local_socket_left_or_in_use, port_in_use_is_tried_again, low_port_without_privilege, address_that_is_not_ours,
        systemd_sockets_and_readiness]))
