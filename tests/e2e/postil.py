"""What tests of the whole server share: start one on a data directory of its own,
wait for what it says, ask its console, end it.

    from postil import Server
    with Server(notes={"ServerTasks": "hello"}) as server:
        server.wait_for(r"Hello: Started")
        code, output = server.console("show tasks")

Every wait has a bound and fails with what the server said so far. Nothing is left
behind: the with block ends the server, its tasks and its directory.
"""

import atexit
import errno
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP_SRCDIR = os.environ.get("top_srcdir", os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
TOP_BUILDDIR = os.environ.get("top_builddir", os.getcwd())
# Sanitizers and busy machines are slow; a wait that succeeds never lasts so long.
PATIENCE = float(os.environ.get("POSTIL_TEST_PATIENCE", "30"))
SKIP = 77       # automake's exit status for a test that cannot run here


def others_reach(path):
    """May a user who owns nothing here go to the path?"""
    while path != "/":
        path = os.path.dirname(path)
        if not os.stat(path).st_mode & 0o001:
            return False
    return True


def find_programs():
    """Where the programs are. As root the server becomes nobody, and starts tasks as nobody; programs
    in a folder that is closed to others are copied to one that is not, for as long as the test runs."""
    built = os.path.join(os.path.abspath(TOP_BUILDDIR), "programs")
    if os.geteuid() != 0 or others_reach(os.path.join(built, "postil")):
        return built
    copies = tempfile.mkdtemp(prefix="postil-programs-", dir=os.environ.get("TMPDIR", "/tmp"))
    atexit.register(shutil.rmtree, copies, ignore_errors=True)
    os.chmod(copies, 0o755)
    for name in os.listdir(built):
        path = os.path.join(built, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            shutil.copy(path, copies)
    return copies


PROGRAMS = find_programs()


def program(name):
    """Path of one of the programs under test."""
    return os.path.join(PROGRAMS, name)


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIP)


def free_port():
    """A port that nothing uses on any address, below those that connections are given."""
    while True:
        port = random.randrange(10240, 32000)
        try:
            for family in (socket.AF_INET, socket.AF_INET6):
                with socket.socket(family, socket.SOCK_STREAM) as s:
                    if family == socket.AF_INET6:
                        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    s.bind(("", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE or family == socket.AF_INET:
                continue
        return port


def wait_until(question, what, seconds=None):
    """Ask until the answer is true, and return it; fail after a bound."""
    end = time.monotonic() + (seconds or PATIENCE)
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + what)
        time.sleep(0.02)


class Reader:
    """The lines of a stream, as they come, for waiting on."""

    def __init__(self, stream):
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        try:
            for line in stream:
                with self.changed:
                    self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                    self.changed.notify_all()
        except OSError:
            pass                                # a terminal whose other end is gone
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def text(self):
        with self.changed:
            return "\n".join(self.lines)

    def find(self, pattern, start=0):
        with self.changed:
            for number in range(start, len(self.lines)):
                match = re.search(pattern, self.lines[number])
                if match:
                    return number, match
        return None

    def wait_for(self, pattern, seconds=None, start=0):
        """The match of the first line from number start on that fits."""
        end = time.monotonic() + (seconds or PATIENCE)
        while True:
            found = self.find(pattern, start)
            if found:
                return found[1]
            with self.changed:
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    break
                self.changed.wait(min(left, 0.25))
        found = self.find(pattern, start)
        if found:
            return found[1]
        raise AssertionError("the server did not say %r; it said:\n%s"
                             % (pattern, self.text()[-6000:]))


class Server:
    """A server on a data directory of its own.

    notes: variables of notes.ini; names: {"server.dxl": text, ...} for DATA/names;
    programs: {"name": path} of further tasks, put beside the built ones.
    """

    def __init__(self, notes=None, names=None, programs=None, data=None, args=(), env=None,
                 stdin=subprocess.DEVNULL, start=True):
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="postil-test-",
                                             dir=os.environ.get("TMPDIR", "/tmp"))
        self.process = None
        self.output = None
        self.args = list(args)
        self.env = dict(os.environ, **(env or {}))
        self.stdin = stdin
        self.program_dir = None
        self._collect_reports()
        atexit.register(self._leave_nothing)    # also when there is no with block to end it
        os.chmod(self.data, 0o700)
        if data is None or notes is not None:
            self.write_notes(notes or {})
        for name, text in (names or {}).items():
            self.write_name(name, text)
        self._gather_programs(programs)
        if start:
            self.start()

    # --- its files

    def write_notes(self, variables):
        values = {"ServerName": "CN=mail/O=Example"}
        if os.geteuid() == 0:
            values["ServerUser"] = "nobody"
        values.update(variables)
        with open(os.path.join(self.data, "notes.ini"), "w", encoding="utf-8") as f:
            f.write("".join("%s=%s\n" % item for item in values.items()))
        self._hand_over()

    def write_name(self, name, text):
        folder = os.path.join(self.data, "names")
        os.makedirs(folder, exist_ok=True)
        temporary = os.path.join(folder, "." + name)
        with open(temporary, "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(temporary, os.path.join(folder, name))
        self._hand_over()

    def path(self, *parts):
        return os.path.join(self.data, *parts)

    def _hand_over(self):
        """As root the server runs as nobody, whose the directory must be."""
        if os.geteuid() != 0:
            return
        import pwd
        uid = pwd.getpwnam("nobody").pw_uid
        for folder, _, files in os.walk(self.data):
            os.chown(folder, uid, -1)
            for name in files:
                os.chown(os.path.join(folder, name), uid, -1, follow_symlinks=False)

    def _gather_programs(self, programs):
        if not programs:
            return
        self.program_dir = tempfile.mkdtemp(prefix="postil-programs-",
                                            dir=os.environ.get("TMPDIR", "/tmp"))
        os.chmod(self.program_dir, 0o755)
        for name in os.listdir(PROGRAMS):
            path = os.path.join(PROGRAMS, name)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                os.symlink(path, os.path.join(self.program_dir, name))
        for name, path in programs.items():
            link = os.path.join(self.program_dir, name)
            if os.path.lexists(link):
                os.unlink(link)
            put = os.symlink if os.geteuid() != 0 or others_reach(path) else shutil.copy
            put(path, link)
        self.env["POSTIL_PROGRAM_DIR"] = self.program_dir

    def _collect_reports(self):
        """Sanitizers of the server and its tasks write their findings to a folder, and
        leave the signals that tests send to the system."""
        self.reports = tempfile.mkdtemp(prefix="postil-reports-",
                                        dir=os.environ.get("TMPDIR", "/tmp"))
        os.chmod(self.reports, 0o1777)
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            self.env[name] = ":".join(filter(None, [
                self.env.get(name), "handle_segv=0:log_path=" + os.path.join(self.reports, "report")]))

    def findings(self):
        found = []
        for name in sorted(os.listdir(self.reports)):
            with open(os.path.join(self.reports, name), encoding="utf-8", errors="replace") as f:
                text = f.read()
            if re.search(r"^SUMMARY: |runtime error:", text, re.M):
                found.append(text[:6000])
        return "\n".join(found)

    # --- its life

    def start(self, wait=True):
        self.process = subprocess.Popen(
            [program("postil-server"), "-d", self.data] + self.args, env=self.env,
            stdin=self.stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output = Reader(self.process.stdout)
        if wait:
            self.wait_for(r"Server started$")
        return self

    def wait_for(self, pattern, seconds=None, start=0):
        return self.output.wait_for(pattern, seconds, start)

    def mark(self):
        """Where the output stands: wait_for(..., start=mark) sees only what comes later."""
        return len(self.output.lines)

    def console(self, command, seconds=None):
        """Exit status and output of a console command."""
        done = subprocess.run([program("postil-console"), "-d", self.data, command],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds or PATIENCE,
                              env=self.env, check=False)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def check(self, command, *patterns):
        """The command must succeed, and its output must fit each pattern."""
        code, output = self.console(command)
        assert code == 0, "%s: status %d:\n%s" % (command, code, output)
        for pattern in patterns:
            assert re.search(pattern, output, re.M), "%s: no %r in:\n%s" % (command, pattern,
                                                                             output)
        return output

    def statistic(self, name):
        """The value of a statistic as text; None when there is none."""
        code, output = self.console("show stat " + name)
        match = re.search(r"^  %s = (.*)$" % re.escape(name), output, re.M | re.I)
        return match.group(1) if code == 0 and match else None

    def tasks(self):
        """[(task, description)] of show tasks."""
        output = self.check("show tasks only")
        rows = []
        for line in output.splitlines():
            if line.startswith("  ") and not line.startswith("   "):
                rows.append((line[2:22].rstrip(), line[23:].rstrip()))
        return rows

    def wait_for_end(self, seconds=None):
        code = self.process.wait(seconds or PATIENCE)
        self.output.thread.join(5)
        return code

    def quit(self, seconds=None):
        """quit at the console; the exit status of the server."""
        self.console("quit")
        return self.wait_for_end(seconds)

    def signal(self, number):
        self.process.send_signal(number)

    def children(self, name=None):
        """Process ids of all that run with this data directory, by name."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    environ = f.read().split(b"\0")
                with open("/proc/%s/comm" % pid, encoding="utf-8") as f:
                    comm = f.read().strip()
            except OSError:
                continue
            if ("POSTIL_DATA=" + os.path.realpath(self.data)).encode() in environ \
                    and (name is None or comm == name[:15]):
                found.append(int(pid))
        return found

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in self.children():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.output is not None:
            self.output.thread.join(5)
        if self.program_dir:
            shutil.rmtree(self.program_dir, ignore_errors=True)
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)

    def _leave_nothing(self):
        self.close()
        shutil.rmtree(self.reports, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if value is not None and self.output is not None:
            print("--- the server said:\n" + self.output.text()[-6000:], file=sys.stderr)
        self.close()
        findings = self.findings()
        shutil.rmtree(self.reports, ignore_errors=True)
        if findings and value is None:
            raise AssertionError("a sanitizer found:\n" + findings)
        if findings:
            print("--- a sanitizer found:\n" + findings, file=sys.stderr)


def run_cases(cases):
    """Run each function; say which failed; the exit status of the test."""
    # Ended from outside, a test still ends its servers and removes their files.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    wanted = sys.argv[1:]
    failed = 0
    for case in cases:
        if wanted and case.__name__ not in wanted:
            continue
        started = time.monotonic()
        try:
            case()
            print("ok    %-40s %.2f s" % (case.__name__, time.monotonic() - started), flush=True)
        except Exception:                       # pylint: disable=broad-except
            import traceback
            failed += 1
            print("FAIL  " + case.__name__, flush=True)
            traceback.print_exc()
    return 1 if failed else 0
