#!/usr/bin/env python3
"""samples/hello outside the tree: built by its own Makefile against an installed
libpostil-addin that pkg-config finds, then loaded by the host."""

import glob
import os
import re
import shutil
import subprocess
import tempfile

from postil import TOP_BUILDDIR, TOP_SRCDIR, Server, run_cases, skip, wait_until

INSTALL = ["install-libLTLIBRARIES", "install-postilincludeHEADERS", "install-pkgconfigDATA"]


def run(command, **more):
    # the make that runs the tests must not hand its jobs to this one
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=300, check=False,
                          env=dict(env, **more.pop("env", {})), **more)
    assert done.returncode == 0, "%s:\n%s" % (" ".join(command), done.stdout.decode())
    return done.stdout.decode()


class Installed:
    """The library installed under a folder of its own, hello built beside it."""

    def __enter__(self):
        self.top = tempfile.mkdtemp(prefix="postil-outside-", dir=os.environ.get("TMPDIR"))
        os.chmod(self.top, 0o755)
        try:
            self.install()
            self.build()
        except BaseException:
            shutil.rmtree(self.top)
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top)

    def install(self):
        run(["make", "-C", TOP_BUILDDIR, "DESTDIR=" + self.top] + INSTALL)
        found = glob.glob(self.top + "/**/pkgconfig/postil-addin.pc", recursive=True)
        assert len(found) == 1, found
        self.pkgconfig = os.path.dirname(found[0])
        self.lib = os.path.dirname(self.pkgconfig)
        symbols = run(["nm", "-D", glob.glob(self.lib + "/libpostil-addin.so")[0]])
        if re.search(r"__(asan|tsan|ubsan)_", symbols):
            skip("a sanitized library cannot be linked with a plain program")
        self.symbols = symbols

    def build(self):
        self.folder = os.path.join(self.top, "hello")
        os.mkdir(self.folder)
        for name in ("hello.c", "Makefile"):
            shutil.copy(os.path.join(TOP_SRCDIR, "samples", "hello", name), self.folder)
        self.said = run(["make", "-C", self.folder, "hello",
                         "PKG_CONFIG=pkg-config --define-prefix",
                         "CFLAGS=-O2 -Wall -Wextra -Wno-unused-parameter -Werror",
                         "LDFLAGS=-Wl,-rpath," + self.lib],
                        env={"PKG_CONFIG_PATH": self.pkgconfig})


def only_the_interface_is_offered():
    with Installed() as i:
        offered = re.findall(r"^[0-9a-f]+ [A-TV-Z] (\w+)", i.symbols, re.M)
        strange = [name for name in offered if name != "main" and not re.match(
            r"(AddIn|MQ|NSF|Notes|OS|Postil|Stat|TimeDate)[A-Z]", name)]
        assert offered and not strange, strange


def hello_runs():
    with Installed() as i, Server(programs={"outside": os.path.join(i.folder, "hello")}) as s:
        s.check("load outside")
        s.wait_for(r"Hello: Started$")
        pid = wait_until(lambda: s.children("outside") or s.children("hello"), "the task")[0]
        with open("/proc/%d/maps" % pid, encoding="utf-8") as f:
            assert os.path.realpath(i.lib) + "/libpostil-addin.so" in f.read()
        s.check("show tasks", r"^  outside +Idle$")
        s.check("load " + os.path.join(i.folder, "hello"))
        wait_until(lambda: re.search(r"^  hello +Idle$", s.console("show tasks only")[1], re.M),
                   "the task loaded by its path")
        assert s.quit() == 0
        s.wait_for(r"Hello: Shutdown$")


def every_header_stands_alone():
    with Installed() as i:
        headers = sorted(os.path.basename(h) for h in glob.glob(
            i.top + "/**/include/postil/*.h", recursive=True))
        assert len(headers) >= 23, headers
        flags = run(["pkg-config", "--define-prefix", "--cflags", "postil-addin"],
                    env={"PKG_CONFIG_PATH": i.pkgconfig}).split()
        source = os.path.join(i.top, "one.c")
        for header in headers:
            with open(source, "w", encoding="utf-8") as f:
                f.write("#include <%s>\n#include <%s>\nint x;\n" % (header, header))
            for standard in ("-std=c99", "-std=gnu17"):
                run(os.environ.get("CC", "cc").split() + flags + [
                    standard, "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", source])


if __name__ == "__main__":
    raise SystemExit(run_cases([only_the_interface_is_offered, hello_runs,
                                every_header_stands_alone]))
