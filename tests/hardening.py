#!/usr/bin/env python3
"""Are the programs and the library hardened as configured by default: position
independent, relocations resolved at the start and then read-only, no executable
stack, stack protector? Skipped where a sanitizer takes the place of all that."""

import os
import re
import subprocess
import sys

BUILD = os.environ.get("top_builddir", ".")
SKIP = 77
WANTED = [      # option of readelf | what must be there | in words
    ("-h", r"Type:\s+DYN", "position independent"),
    ("-l", r"GNU_RELRO", "RELRO"),
    ("-d", r"BIND_NOW|FLAGS_1.*\bNOW\b", "BIND_NOW"),
    ("-l", r"GNU_STACK\s+(0x\w+\s+){5}RW\s", "a stack that is not executable"),
    ("-s", r"__stack_chk_fail", "the stack protector"),
]


def flags():
    with open(os.path.join(BUILD, "Makefile"), encoding="utf-8") as f:
        return dict(re.findall(r"^(HARDEN_LDFLAGS|SANITIZER_FLAGS) = *(.*)$", f.read(), re.M))


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], check=True, timeout=60,
                          stdout=subprocess.PIPE).stdout.decode("utf-8", "replace")


def main():
    configured = flags()
    if configured["SANITIZER_FLAGS"] or "now" not in configured["HARDEN_LDFLAGS"]:
        print("skipped: built with %s" % configured)
        return SKIP
    folder = os.path.join(BUILD, "programs")
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    paths = [path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)
             and not path.endswith(".o")]
    paths.append(os.path.realpath(os.path.join(BUILD, ".libs", "libpostil-addin.so")))
    missing = [(path, words) for path in paths for option, pattern, words in WANTED
               if not re.search(pattern, readelf(option, path))]
    for pair in missing:
        print("%s lacks %s" % pair)
    return 1 if missing or len(paths) < 5 else 0


if __name__ == "__main__":
    sys.exit(main())
